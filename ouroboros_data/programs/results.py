"""From what a program returned to a typed answer, on the host. Nothing the sandbox says is taken on trust."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, get_args

from ouroboros_data.types import LETTERS, Answer, Evidence, Unit

REASONS = {
    "lint": "the text breaks a rule of the program API (not one function, import, underscore name, …)",
    "syntax": "the text is not Python, or uses a part of the language that the sandbox does not have",
    "runtime": "an exception that the program did not catch",
    "timeout": "ran longer than the limit",
    "memory": "used more memory than the limit",
    "crash": "the worker died while it ran the program",
    "not_unique": "only() found more than one object",
    "no_such_object": "only() found no object",
    "not_visible": "first_seen() of an object that no sampled frame shows, or an order in a frame that does not show it",
    "empty": "closest(), farthest(), depth_order() or path_turns() without a candidate or stop",
    "no_turn": "path_turns() met a stop straight ahead",
    "degenerate": "a direction between two objects at the same place, or a relation of an object to itself",
    "unclear": "the boxes or cameras do not decide it: careful annotators would differ",
    "unreachable": "path_length() between objects that no way on foot joins",
    "no_floor": "path_length(), longest_wall() or free_wall() in a scene whose floor has no known outline",
    "no_container": "inside() or contents() of something that does not hold things",
    "too_many_pairs": "path_length() for more pairs of objects than are looked at for one program",
    "bad_argument": "an API function was called with the wrong kind of argument",
    "bad_result": "answer() returned something that is no valid number, choice, ordering or boolean",
    "disagreement": "CPython, with another hash seed, does not give the answer that the sandbox gave",
}
"""Closed list: every way in which running a program can fail."""

UNITS: tuple[Unit, ...] = get_args(Unit)
MAX_NUMBER = 1e9
MAX_TEXT = 200
_DECIMALS = {"count": 0, "m": 1, "cm": 0, "m2": 1, "deg": 0, "s": 1}
_ADDRESS = re.compile(r"\b0x[0-9a-f]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What running one program on one scene gave: an answer, or a reason from ``REASONS``."""

    answer: Answer | None = None
    options: tuple[str, ...] = ()
    """The options of a choice, in the program's order."""
    step: float | None = None
    """The resolution of a number, where the program gave one."""
    reason: str = ""
    detail: str = ""
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.answer is not None


def failed(reason: str, detail: str, evidence: Evidence | None = None) -> Outcome:
    """An outcome without an answer; ``reason`` is a key of ``REASONS``."""
    assert reason in REASONS, reason
    return Outcome(reason=reason, detail=" ".join(detail.split())[:500], evidence=evidence or Evidence())


def outcome_of(packed: Any, evidence: Evidence | None = None) -> Outcome:
    """Check a packed result of the sandbox by exact type and make the answer.

    Args:
        packed: ``["ok", kind, value, detail, step]`` or ``["failed", reason, message]``, the latter maybe with a hint.
        evidence: What the program touched.
    """
    evidence = evidence or Evidence()
    if type(packed) is not list or len(packed) < 3:
        return failed("bad_result", "the sandbox returned no result", evidence)
    if packed[0] == "failed":
        reason = packed[1] if packed[1] in REASONS else "runtime"
        hint = f"; {packed[3]}" if len(packed) > 3 and type(packed[3]) is str else ""
        return failed(reason, f"{packed[2]}{hint}", evidence)
    options: tuple[str, ...] = ()
    try:
        _, kind, value, detail, step = packed
        if kind == "number":
            answer = number_answer(value, detail, step)
        elif kind == "choice":
            options = _texts(detail, "choice() options", 2, len(LETTERS))
            answer = _choice_answer(value, options)
        elif kind == "ordering":
            items = _texts(value, "ordering()", 2, 12)
            if any(", " in item for item in items):
                raise ValueError("ordering(): an item contains ', ', which separates items in the answer")
            answer = Answer(type="ordering", value=items, text=", ".join(items))
        elif kind == "boolean" and type(value) is bool:
            answer = Answer(type="boolean", value=value, text="yes" if value else "no")
        else:
            raise ValueError(f"{kind}() got {type(value).__name__} {value!r}"[:200])
    except ValueError as error:
        return failed("bad_result", str(error), evidence)
    return Outcome(
        answer=answer,
        options=options,
        step=None if kind != "number" or step is None else float(step),
        evidence=evidence,
    )


def number_answer(value: Any, unit: Any, step: Any = None) -> Answer:
    """A number with the text that is published.

    Args:
        value: Finite, at most 1e9 in size; an int where the unit is ``count``.
        unit: One of ``UNITS``.
        step: Resolution that the question states; without it one decimal for m, m2 and s, none for the
            others.

    Raises:
        ValueError: One of them is not so; the message is for the program's author.
    """
    if type(value) is not int and type(value) is not float:
        raise ValueError(f"number() needs an int or a float, got {type(value).__name__}")
    if not abs(value) <= MAX_NUMBER:  # not for NaN either
        raise ValueError(f"number() needs a finite value up to 1e9, got {value!r}"[:200])
    if type(unit) is not str or unit not in UNITS:
        raise ValueError(f"number(): the unit is one of {', '.join(UNITS)}, got {unit!r}"[:200])
    if unit == "count" and (type(value) is not int or value < 0):
        raise ValueError(f"number(): a count is an int from 0, got {value!r}")
    return Answer(type="number", value=value, text=number_text(value, unit, step), unit=unit)


def number_text(value: float, unit: str, step: Any = None) -> str:
    """Round for publishing; ties as Python's round() does (half to even on the exact binary value)."""
    if step is None:
        text = f"{value:.{_DECIMALS[unit]}f}"
    else:
        if type(step) not in (int, float) or not 1e-3 <= step <= 1e4:
            raise ValueError(f"number(): step is a number between 0.001 and 10000, got {step!r}"[:200])
        multiple = Decimal(repr(step)) * round(Decimal(value) / Decimal(repr(step)))
        text = f"{multiple.normalize():f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def _choice_answer(value: Any, options: tuple[str, ...]) -> Answer:
    if type(value) is not str or value not in options:
        raise ValueError(f"choice(): {value!r} is not one of the options {list(options)}"[:200])
    return Answer(type="choice", value=value, text=LETTERS[options.index(value)])


def _texts(values: Any, what: str, least: int, most: int) -> tuple[str, ...]:
    if type(values) is not list or not all(type(v) is str for v in values):
        raise ValueError(f"{what}: expected a list of texts")
    if not least <= len(values) <= most or len(set(values)) != len(values):
        raise ValueError(f"{what}: expected {least} to {most} distinct texts, got {values!r}"[:200])
    for text in values:
        if not text.strip() or len(text) > MAX_TEXT or _ADDRESS.search(text) or not text.isprintable():
            raise ValueError(f"{what}: {text[:40]!r} is blank, too long, not printable or a memory address")
    return tuple(values)
