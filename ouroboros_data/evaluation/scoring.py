"""Accuracy by question type, as VSI-Bench counts it, and what the best constant answers would get.

The scorer is VSI-Bench's own (thinking-in-space: lmms_eval/tasks/vsibench/utils.py): the first word of a reply counts,
choices by exact match, numbers by mean relative accuracy (MRA). Other harnesses read replies otherwise and get other
figures, so whoever reports a number from here should name this scorer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ouroboros_data.types import LETTERS, Question

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Of MRA. VSI-Bench's own expression, ``linspace(.5, .95, int((.95 - .5) / .05 + 2))``, comes out at ten as well."""
_CONSTANTS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A question with its gold answer, both in the published form."""

    question: Question
    gold: str


def first_word(reply: str) -> str:
    """The part of a reply that VSI-Bench reads: up to the first space, without a final full stop."""
    return reply.split(" ")[0].rstrip(".").strip()


def mean_relative_accuracy(reply: str, gold: float) -> float:
    """MRA in [0, 1]: share of the thresholds θ with ``|reply - gold| / gold <= 1 - θ``; 0 where it is no number.

    A gold value of zero, which VSI-Bench leaves undefined, counts as met by zero alone.
    """
    try:
        value = float(first_word(reply))
    except ValueError:
        return 0.0
    return _relative(value, gold)


def grade(item: Graded, reply: str) -> float:
    """Score of one reply in [0, 1]: MRA for numbers; exact match, case ignored, for the rest."""
    if item.question.answer_type == "number":
        return mean_relative_accuracy(reply, float(item.gold))
    if item.question.answer_type == "ordering":
        return float(reply.strip().lower() == item.gold.strip().lower())
    return float(first_word(reply).lower() == first_word(item.gold).lower())


def by_type(items: Sequence[Graded], replies: Sequence[str]) -> dict[str, float]:
    """Mean score of each question type, types sorted by name.

    Raises:
        ValueError: Not one reply per item.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    for item, reply in zip(items, replies, strict=True):
        scores[item.question.question_type].append(grade(item, reply))
    return {name: sum(values) / len(values) for name, values in sorted(scores.items())}


def macro(accuracies: Mapping[str, float]) -> float:
    """Mean over question types; 0 where there are none.

    Types count alike, so ``object_rel_direction`` counts three times; `vsibench.score` averages the three first.
    """
    return sum(accuracies.values()) / len(accuracies) if accuracies else 0.0


def majority(train: Sequence[Graded], heldout: Sequence[Graded]) -> dict[str, float]:
    """Accuracy by type of the best constant answers learnt from training rows: a floor that needs no look at frames.

    For choices the better, on the training rows, of the most frequent letter and of a fixed order of preference among
    option texts (most often right where offered); for numbers the constant that has the highest MRA on the training
    rows; else the most frequent answer. A type without training rows gets 0.
    """
    known: dict[str, list[Graded]] = defaultdict(list)
    for item in train:
        known[item.question.question_type].append(item)
    replies = []
    rules = {name: _best_rule(items) for name, items in known.items()}
    for item in heldout:
        rule = rules.get(item.question.question_type)
        replies.append(rule(item.question) if rule else "")
    return by_type(heldout, replies)


class _Constant:
    def __init__(self, answer: str) -> None:
        self.answer = answer

    def __call__(self, question: Question) -> str:
        return self.answer


class _Preferred:
    """Picks the option whose text was most often right where it was offered."""

    def __init__(self, items: Iterable[Graded]) -> None:
        offered: Counter[str] = Counter()
        right: Counter[str] = Counter()
        for item in items:
            options = item.question.options
            offered.update(options)
            right[options[LETTERS.index(item.gold)]] += 1
        # A pseudo-count: a text that was offered once and right once is no rule.
        self.value = {text: (right[text] + 1) / (offered[text] + 4) for text in offered}

    def __call__(self, question: Question) -> str:
        values = [self.value.get(text, 0.25) for text in question.options]
        return LETTERS[values.index(max(values))]


def _best_rule(items: Sequence[Graded]) -> _Constant | _Preferred:
    kind = items[0].question.answer_type
    if kind == "number":
        return _Constant(_best_number([float(item.gold) for item in items]))
    frequent = _Constant(
        min(Counter(item.gold for item in items).items(), key=lambda pair: (-pair[1], pair[0]))[0]
    )
    if kind != "choice":
        return frequent
    preferred = _Preferred(items)
    rules: list[_Constant | _Preferred] = [frequent, preferred]
    return max(rules, key=lambda rule: sum(grade(item, rule(item.question)) for item in items))


def _best_number(values: Sequence[float]) -> str:
    tried = sorted(set(values))
    step = max(1, len(tried) // _CONSTANTS)
    best = max(tried[::step], key=lambda guess: sum(_relative(guess, value) for value in values))
    return repr(best)


def _relative(value: float, gold: float) -> float:
    if gold == 0:
        return float(value == 0)
    error = abs(value - gold) / abs(gold)
    return float(np.mean(error <= 1 - THRESHOLDS))
