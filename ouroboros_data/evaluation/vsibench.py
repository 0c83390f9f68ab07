"""VSI-Bench's scores from texts: the official scorer to the digit, and the two other ways of reading a reply.

Source: thinking-in-space:lmms_eval/tasks/vsibench/utils.py. Harnesses read replies differently and get other figures
from the same replies, so every table names its scorer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ouroboros_data.errors import EvaluationError
from ouroboros_data.evaluation.predictions import Predicted
from ouroboros_data.evaluation.scoring import first_word, macro, mean_relative_accuracy

Scorer = Literal["official", "first", "last"]
SCORERS: tuple[Scorer, ...] = get_args(Scorer)

CHOICES = (
    "object_rel_direction_easy",
    "object_rel_direction_medium",
    "object_rel_direction_hard",
    "object_rel_distance",
    "route_planning",
    "obj_appearance_order",
)
NUMBERS = ("object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation")
_DIRECTIONS = CHOICES[:3]

_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+")
_WORDS = {
    name: str(value)
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_NUMBER_OR_WORD = re.compile(rf"{_NUMBER.pattern}|\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z])[(\[]?([A-J])[)\].:,]?(?![A-Za-z'])")
_TAGGED = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """Mean score of one task or question type."""

    n: int
    score: float
    """In [0, 1]: accuracy of choices, MRA of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VsiScores:
    """What a file of predictions gets."""

    scorer: Scorer
    types: Mapping[str, TaskScore]
    tasks: Mapping[str, TaskScore]
    """The eight tasks: the three direction types are one, their mean unweighted, an absent one counting 0."""
    overall: float
    """Mean of the tasks that occur, in [0, 1]."""
    zero_truths: int
    """Rows whose true number is 0, on which the official scorer breaks off; here 0 alone is right."""


def score(rows: Iterable[Predicted], scorer: Scorer = "official") -> VsiScores:
    """Score predictions as VSI-Bench does.

    Args:
        rows: Replies with gold answers; types must be VSI-Bench's.
        scorer: ``official`` reads the first word. ``first`` and ``last`` read the first or last number (or option
            letter) anywhere in the reply, inside ``<answer>`` where there is one.

    Raises:
        EvaluationError: A type that VSI-Bench does not have, or a true number that is none.
    """
    read = READERS[scorer]
    scores: dict[str, list[float]] = defaultdict(list)
    zeros = 0
    for row in rows:
        if row.question_type in CHOICES:
            got = read(row.reply, True).lower() == row.gold.lower()
            scores[row.question_type].append(float(got))
        elif row.question_type in NUMBERS:
            try:
                gold = float(row.gold)
            except ValueError:
                raise EvaluationError(
                    f"the true answer {row.gold!r} is no number",
                    where=f"question {row.id}",
                    fix="check the file",
                ) from None
            zeros += gold == 0
            scores[row.question_type].append(mean_relative_accuracy(read(row.reply, False), gold))
        else:
            known = ", ".join(sorted((*CHOICES, *NUMBERS)))
            raise EvaluationError(
                f"no VSI-Bench type: {row.question_type!r}",
                where=f"question {row.id}",
                fix=f"known are {known}",
            )
    types = {name: _mean(scores[name]) for name in (*NUMBERS, *CHOICES) if name in scores}
    tasks = {name: value for name, value in types.items() if name not in _DIRECTIONS}
    turned = [types[name] for name in _DIRECTIONS if name in types]
    if turned:
        tasks["object_rel_direction"] = TaskScore(
            n=sum(t.n for t in turned), score=sum(t.score for t in turned) / len(_DIRECTIONS)
        )
    return VsiScores(
        scorer=scorer,
        types=types,
        tasks=dict(sorted(tasks.items())),
        overall=macro({name: value.score for name, value in tasks.items()}),
        zero_truths=zeros,
    )


def _mean(values: list[float]) -> TaskScore:
    return TaskScore(n=len(values), score=sum(values) / len(values))


def _official(reply: str, choice: bool) -> str:
    return first_word(reply)


def _found(reply: str, choice: bool, which: int) -> str:
    tagged = _TAGGED.findall(reply)
    text = tagged[which] if tagged else reply
    pattern = _LETTER if choice else _NUMBER_OR_WORD
    hits = pattern.findall(text)
    if not hits:
        return ""
    hit: str = hits[which]
    return hit if choice else _WORDS.get(hit.lower(), hit.replace(",", ""))


READERS: Mapping[Scorer, Callable[[str, bool], str]] = {
    "official": _official,
    "first": lambda reply, choice: _found(reply, choice, 0),
    "last": lambda reply, choice: _found(reply, choice, -1),
}
"""By scorer: the part of a reply that counts; the flag is whether a letter is wanted."""
