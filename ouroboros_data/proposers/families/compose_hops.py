"""References over several hops: hop_distance, hop_height, hop_nearest, hop_comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.phrases import (
    CLEAR_LEAD_M,
    Group,
    Quantity,
    Reference,
    closer,
    distance_between,
    extreme,
    height_of,
    mentions,
    references,
    row,
    singles,
    taller,
)
from ouroboros_data.proposers.view import View

MIN_GAP_M = 0.4


def picker(found: Sequence[Reference], rng: np.random.Generator) -> Callable[[], Reference | None]:
    """Draws references so that closest, farthest, tallest and longest come up alike where the scene has them."""
    by_end: dict[str, list[Reference]] = defaultdict(list)
    for reference in found:
        by_end[reference.end].append(reference)
    ends = sorted(by_end)

    def pick() -> Reference | None:
        if not ends:
            return None
        some = by_end[ends[int(rng.integers(len(ends)))]]
        return some[int(rng.integers(len(some)))]

    return pick


def hop_distance(
    view: View, rng: np.random.Generator, *, hops: int, least_m: float = 0.0, most_m: float = np.inf
) -> Iterator[Ask]:
    """Gap between a unique object and one that is pointed to over hops."""
    pick, near = picker(_led(view, hops, least_m, most_m), rng), singles(view)

    def draw() -> tuple[str, tuple[Reference, Reference, Quantity]] | None:
        b = pick()
        if b is None:
            return None
        a = near[int(rng.integers(len(near)))] if near else b
        if set(a.names) & set(b.names):
            return None
        quantity = distance_between(view, a, b)
        fits = quantity is not None and quantity.value >= MIN_GAP_M
        return (str(quantity.stated), (a, b, quantity)) if quantity and fits else None

    for a, b, quantity in sampled(draw, rng):
        yield Ask(
            subject=(a.text, b.text),
            slots={"a": a.text, "b": b.text, "resolution": quantity.resolution},
            mentions=mentions(a, b),
            program=program(f"a = {a.code}", f"b = {b.code}", quantity.result),
            expected=quantity.value,
            unit=quantity.unit,
        )


def _led(view: View, hops: int, least_m: float, most_m: float) -> list[Reference]:
    """References whose closest decision was made by least to most metres; one by size has no metres and is clear."""
    return [
        r for r in references(view, hops) if least_m <= r.lead_m and (r.lead_m < most_m or most_m == np.inf)
    ]


def hop_height(
    view: View, rng: np.random.Generator, *, hops: int, least_m: float = 0.0, most_m: float = np.inf
) -> Iterator[Ask]:
    """Own height of an object that is pointed to over hops."""
    pick = picker(_led(view, hops, least_m, most_m), rng)

    def draw() -> tuple[str, tuple[Reference, Quantity]] | None:
        a = pick()
        quantity = height_of(view, a) if a else None
        return (f"{quantity.step} {quantity.stated}", (a, quantity)) if a and quantity else None

    for a, quantity in sampled(draw, rng):
        yield Ask(
            subject=(a.text,),
            slots={"a": a.text, "resolution": quantity.resolution},
            mentions=mentions(a),
            program=program(f"a = {a.code}", quantity.result),
            expected=quantity.value,
            unit=quantity.unit,
        )


def hop_nearest(
    view: View,
    rng: np.random.Generator,
    *,
    hops: int,
    candidates: int,
    least_m: float = 0.0,
    most_m: float = np.inf,
) -> Iterator[Ask]:
    """Which of several unique objects is closest to one that is pointed to over hops."""
    pick, near = picker(references(view, hops), rng), singles(view)
    if len(near) < candidates:
        return

    def draw() -> tuple[str, tuple[Reference, Group, int]] | None:
        a = pick()
        some = [near[k] for k in rng.permutation(len(near))[:candidates].tolist()]
        if a is None or {name for r in some for name in r.names} & set(a.names):
            return None
        items = row(view, [r.index for r in some])
        decided = extreme(view, a.index, items.members)
        if decided is None or not least_m <= decided[1] < most_m:
            return None
        return view.name(decided[0]), (a, items, decided[0])

    for a, items, best in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *items.names),
            slots={"a": a.text, "items": items.text},
            mentions=mentions(a, items),
            program=program(f"a = {a.code}", f"return choice(closest(a, {items.code}).category, {OPTIONS})"),
            expected=view.name(best),
            options=items.names,
        )


def hop_comparison(view: View, rng: np.random.Generator, *, hops: int, measure: str) -> Iterator[Ask]:
    """Which of two objects, one of them pointed to over hops, is closer to a third, or taller."""
    pick = picker(references(view, hops), rng)
    flat = references(view, 0)
    near = [*flat, *references(view, 1)]

    def draw() -> tuple[str, tuple[Reference, Reference, Reference | None, bool, bool]] | None:
        a = pick()
        b = near[int(rng.integers(len(near)))] if near else None
        c = flat[int(rng.integers(len(flat)))] if flat and measure == "distance" else None
        if a is None or b is None or (c is None and measure == "distance"):
            return None
        phrases = [a, b] if c is None else [a, b, c]
        if sum(len(p.names) for p in phrases) != len(mentions(*phrases)):
            return None  # a name in two phrases reads badly
        if c is not None:
            first = closer(view, c.index, a.index, b.index)
        else:
            tall, low = taller(view, a.index, b.index), taller(view, b.index, a.index)
            first = tall if tall != low else None
        most = bool(rng.integers(2))
        return None if first is None else (str((first, most)), (a, b, c, first, most))

    for a, b, c, first, most in sampled(draw, rng):
        shown = sorted((a, b), key=lambda r: r.text)
        if c is None:
            more = "taller" if most else "less tall"
            values = [f"height({r.code})" for r in shown]
        else:
            more = f"closer to {c.text}" if most else f"farther from {c.text}"
            values = [f"distance({c.code}, {r.code})" for r in shown]
        sign = ">" if most == (c is None) else "<"
        yield Ask(
            subject=(*(r.text for r in shown), c.text if c else ""),
            slots={"a": shown[0].text, "b": shown[1].text, "more": more},
            mentions=mentions(a, b, *([c] if c else [])),
            program=program(
                f"first = {values[0]}",
                f"second = {values[1]}",
                f"return choice({lit(shown[0].text)} if first {sign} second else {lit(shown[1].text)}, {OPTIONS})",
            ),
            expected=(a if first == most else b).text,
            options=(shown[0].text, shown[1].text),
        )


_ONE = "one hop (the chair that is closest to the door, the tallest cabinet)"
_TWO = "two hops (the chair that is closest to the tallest cabinet)"
_THREE = "three hops (the window that is farthest from the chair that is closest to the tallest cabinet)"
_CLEAR = f"{_ONE}, decided by {CLEAR_LEAD_M} m or more"
_CLOSE = f"one hop, decided by less than {CLEAR_LEAD_M} m"

HOP_DISTANCE = Family(
    group="composition",
    note="distance of an object that is pointed to by its place or size among others of its kind",
    prior_bound=0.35,
    wordings=(
        "What is the distance between {a} and {b}, measured between closest points ({resolution})?",
        "How far is it from {a} to {b}, from closest point to closest point ({resolution})?",
        "Measured between closest points, how far apart are {a} and {b} ({resolution})?",
        "Look for {b}. How wide is the gap between it and {a} at its narrowest point ({resolution})?",
        "A tape is stretched over the shortest way through the air between {a} and {b}. How long is it ({resolution})?",
    ),
    knobs={
        "one_clear": Knob(note=_CLEAR, find=partial(hop_distance, hops=1, least_m=CLEAR_LEAD_M)),
        "one_close": Knob(note=_CLOSE, find=partial(hop_distance, hops=1, most_m=CLEAR_LEAD_M)),
        "two": Knob(note=_TWO, find=partial(hop_distance, hops=2)),
        "three": Knob(note=_THREE, find=partial(hop_distance, hops=3)),
    },
)

HOP_HEIGHT = Family(
    group="composition",
    note="height of an object that is pointed to by its place or size among others of its kind",
    prior_bound=0.35,
    wordings=(
        "What height does {a} have, from its own bottom to its own top ({resolution})?",
        "How tall is {a} ({resolution})?",
        "Look for {a}. How much does it measure from its own bottom to its own top ({resolution})?",
        "If somebody measured {a} from bottom to top, what would they read ({resolution})?",
        "From bottom to top, what does {a} measure ({resolution})?",
    ),
    knobs={
        "one_clear": Knob(note=_CLEAR, find=partial(hop_height, hops=1, least_m=CLEAR_LEAD_M)),
        "one_close": Knob(note=_CLOSE, find=partial(hop_height, hops=1, most_m=CLEAR_LEAD_M)),
        "two": Knob(note=_TWO, find=partial(hop_height, hops=2)),
    },
)

HOP_NEAREST = Family(
    group="composition",
    note="which of several objects is closest to one that is pointed to by its place or size",
    prior_bound=0.25,
    wordings=(
        "Which of these is the closest to {a}: {items}?",
        "Look for {a}. Which of the following is the nearest to it: {items}?",
        "Of these, which one has the smallest distance from {a}: {items}?",
        "Measured from {a}, which of these is the least far away: {items}?",
        "Starting out from {a}, which of these would you reach over the shortest distance: {items}?",
    ),
    knobs={
        "one_clear": Knob(
            note=f"{_ONE}, 3 candidates, the closest leads by {CLEAR_LEAD_M} m or more",
            find=partial(hop_nearest, hops=1, candidates=3, least_m=CLEAR_LEAD_M),
        ),
        "one_close": Knob(
            note=f"one hop, 3 candidates, the closest leads by less than {CLEAR_LEAD_M} m",
            find=partial(hop_nearest, hops=1, candidates=3, most_m=CLEAR_LEAD_M),
        ),
        "two": Knob(note=f"{_TWO}, 2 candidates", find=partial(hop_nearest, hops=2, candidates=2)),
        "two_four": Knob(note="two hops, 4 candidates", find=partial(hop_nearest, hops=2, candidates=4)),
    },
)

HOP_COMPARISON = Family(
    group="composition",
    note="which of two objects, one of them pointed to by its place or size, is taller or closer to a third",
    prior_bound=0.1,
    wordings=(
        "Which is {more}: {a} or {b}?",
        "Compare {a} with {b}. Which of the two is {more}?",
        "One of these two is {more} than the other: {a}; {b}. Which one?",
        "Look for {a}, and then for {b}. Which of them is {more}?",
        "Between these two, which one is {more}: {a} or {b}?",
    ),
    knobs={
        "closer_one": Knob(
            note=f"closer or farther, {_ONE}", find=partial(hop_comparison, hops=1, measure="distance")
        ),
        "closer_two": Knob(
            note=f"closer or farther, {_TWO}", find=partial(hop_comparison, hops=2, measure="distance")
        ),
        "taller_one": Knob(note="taller, one hop", find=partial(hop_comparison, hops=1, measure="height")),
        "taller_two": Knob(note="taller, two hops", find=partial(hop_comparison, hops=2, measure="height")),
    },
)
