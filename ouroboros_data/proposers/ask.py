"""What a family of questions is made of: records and small helpers that every family uses."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from ouroboros_data.proposers.view import View
from ouroboros_data.types import AnswerType, Unit

K = TypeVar("K", str, int)
T = TypeVar("T")

MAX_MISSES = 60
"""Draws in a row without a new item, after which ``sampled`` gives up."""
BATCH = 12
"""Items among which ``sampled`` flattens the answers."""
LEAST_WORDINGS = 5
OPTIONS = "OPTIONS"
"""Stands for the list of options in a program's source until their order is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing to ask about one scene, before it is worded."""

    subject: tuple[str, ...]
    """What is asked about, in its roles. The same subject at another resolution is not asked in one call: the
    finer answer gives the coarser one away."""
    slots: Mapping[str, str]
    """Fills the family's wordings."""
    mentions: tuple[str, ...]
    """Categories that the slots name."""
    program: str
    expected: float | str | bool | tuple[str, ...]
    """What the program should find, by the proposer's own reckoning; the proposer never publishes it. An option's text
    for a choice, the items for an ordering."""
    options: tuple[str, ...] = ()
    unit: Unit | None = None
    answer_type: AnswerType = "number"
    """Becomes choice where there are options."""

    def __post_init__(self) -> None:
        """Set the type that follows from the options; check that type, options and unit fit together."""
        if self.options:
            object.__setattr__(self, "answer_type", "choice")
        assert (self.answer_type == "choice") == bool(self.options), "a choice has options"
        assert (self.answer_type == "number") == (self.unit is not None), "a number has a unit"


Finder = Callable[[View, np.random.Generator], Iterator[Ask]]
"""Yields the well-posed questions of one bin about a scene, in random order, none twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One difficulty setting of a family."""

    note: str
    """One line: what the setting does."""
    find: Finder
    known: Literal["", "trivial", "junk"] = ""
    """Uninformative by construction: the answer is always the same, or cannot be read off frames. Never
    used to steer: the curriculum has to find out by measuring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A question type: its wordings and its difficulty settings."""

    group: Literal["vsi", "camera", "pair", "composition"]
    """VSI-Bench's types; of one camera or two; of two objects; made of several steps."""
    note: str
    """One line: what it asks."""
    prior_bound: float
    """No answer makes up a larger share of the family's drafts over many scenes: what guessing can earn."""
    wordings: tuple[str, ...]
    """Templates over the slots of its asks, at least `LEAST_WORDINGS`; the first is the form that VSI-Bench uses, or
    close to it."""
    knobs: Mapping[str, Knob] = field(default_factory=dict)


def program(*lines: str) -> str:
    """Source of ``answer()`` from the lines of its body."""
    return "def answer():\n" + "".join(f"    {line}\n" for line in lines)


def lit(value: str | Sequence[str]) -> str:
    """A string, or a list of strings, as a literal of a program."""
    return json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False)


def interleave(groups: Mapping[K, Sequence[T]], rng: np.random.Generator) -> Iterator[T]:
    """All items, shuffled inside their groups and taken from the groups in turn.

    Grouped by answer this flattens the answers' distribution: a scene's common answer is not asked for more
    often than its rare one, which would pay a solver for guessing.
    """
    names = sorted(groups, key=str)
    shuffled = [
        [groups[names[i]][j] for j in rng.permutation(len(groups[names[i]]))]
        for i in rng.permutation(len(names))
    ]
    missing = object()
    for turn in itertools.zip_longest(*shuffled, fillvalue=missing):
        for item in turn:
            if item is not missing:
                yield item


def alternating(
    draw: Callable[[], tuple[str, T] | None],
    rng: np.random.Generator,
    answers: tuple[str, str] = ("True", "False"),
) -> Iterator[T]:
    """Different items from a random draw with either answer in turn, a toss deciding which comes first.

    For two-sided questions, in which `sampled` would let the more common answer fill up every batch. Nothing comes where
    only one of the answers does, and the last one is the one before the answer whose turn it is no longer does.

    Args:
        draw: Gives an answer and a hashable item, or None where the draw missed.
        rng: For the toss.
        answers: The two answers.
    """
    waiting: dict[str, list[T]] = {answer: [] for answer in answers}
    known: set[T] = set()
    turn, misses, begun = int(rng.integers(2)), 0, False
    while misses < MAX_MISSES:
        ready = waiting[answers[turn % 2]]
        begun = begun or all(waiting.values())
        if ready and begun:
            turn, misses = turn + 1, 0
            yield ready.pop()
            continue
        drawn = draw()
        misses += 1
        if drawn is not None and drawn[1] not in known:
            known.add(drawn[1])
            waiting[drawn[0]].append(drawn[1])


def sampled(draw: Callable[[], tuple[str, T] | None], rng: np.random.Generator) -> Iterator[T]:
    """Different items from a random draw, interleaved by the group that it gives with each.

    For families whose combinations are too many to list.

    Args:
        draw: Gives a group and a hashable item, or None where the draw missed.
        rng: For the order.
    """
    known: set[T] = set()
    misses = 0
    while misses < MAX_MISSES:
        groups: dict[str, list[T]] = defaultdict(list)
        fresh = 0
        while misses < MAX_MISSES and fresh < BATCH:
            drawn = draw()
            if drawn is None or drawn[1] in known:
                misses += 1
                continue
            group, item = drawn
            known.add(item)
            groups[group].append(item)
            fresh, misses = fresh + 1, 0
        yield from interleave(groups, rng)
