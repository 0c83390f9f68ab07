"""Scenes at rest: their files and stores, what is wrong with them, and which may not be trained on."""
