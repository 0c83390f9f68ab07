"""Scoring: replies against gold answers, and VSI-Bench from files of predictions."""
