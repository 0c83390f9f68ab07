"""One out of a list by a condition: tallest_within, odd_one_out, farthest_of, next_to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.geometry.footprints import horizontal_distances_m
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, program, sampled
from ouroboros_data.proposers.families.compose_hops import picker
from ouroboros_data.proposers.phrases import (
    CLEAR_LEAD_M,
    WITHIN_M,
    Group,
    Reference,
    extreme,
    heights_m,
    mentions,
    meters,
    once,
    references,
    row,
    singles,
    tallest,
    within,
)
from ouroboros_data.proposers.view import View

NEXT_TO_M = 0.3
NOT_NEXT_TO_M = 1.2


def draw_list(
    view: View, rng: np.random.Generator, anchors: list[Reference], size: int
) -> tuple[Reference, Group] | None:
    """An object and a list of other unique ones."""
    flat, a = singles(view), picker(anchors, rng)()
    if a is None or len(flat) < size:
        return None
    some = [flat[k] for k in rng.permutation(len(flat))[:size].tolist()]
    if {name for r in some for name in r.names} & set(a.names):
        return None
    return a, row(view, [r.index for r in some])


def tallest_within(
    view: View, rng: np.random.Generator, *, size: int, trap: bool, hops: int = 0
) -> Iterator[Ask]:
    """Which is the tallest of those that are near; ``trap``: a taller one is not near."""
    anchors = references(view, hops)

    def draw() -> tuple[str, tuple[Reference, Group, float, int]] | None:
        drawn = draw_list(view, rng, anchors, size)
        if drawn is None:
            return None
        a, items = drawn
        limit = WITHIN_M[int(rng.integers(len(WITHIN_M)))]
        verdicts = within(view, a.index, items.members, limit)
        near = [k for k, is_near in zip(items.members, verdicts or [], strict=False) if is_near]
        if not 2 <= len(near) < size:
            return None
        best = tallest(view, near)
        highest = max(items.members, key=lambda k: view.size_m[k, 2])
        if best is None or (best != highest) != trap:
            return None
        return view.name(best), (a, items, limit, best)

    for a, items, limit, best in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *items.names),
            slots={"a": a.text, "items": items.text, "d": meters(limit)},
            mentions=mentions(a, items),
            program=program(
                f"a = {a.code}",
                f"near = [o for o in {items.code} if distance(o, a) <= {limit:g}]",
                f"return choice(max(near, key=height).category, {OPTIONS})",
            ),
            expected=view.name(best),
            options=items.names,
        )


def odd_one_out(view: View, rng: np.random.Generator, *, size: int, inside: bool) -> Iterator[Ask]:
    """Which is the only one that is not (``inside``: that is) within a distance of another object."""
    anchors = singles(view)

    def draw() -> tuple[str, tuple[Reference, Group, float, int]] | None:
        drawn = draw_list(view, rng, anchors, size)
        if drawn is None:
            return None
        a, items = drawn
        limit = WITHIN_M[int(rng.integers(len(WITHIN_M)))]
        verdicts = within(view, a.index, items.members, limit)
        odd = [k for k, is_near in zip(items.members, verdicts or [], strict=False) if is_near == inside]
        return (view.name(odd[0]), (a, items, limit, odd[0])) if len(odd) == 1 and verdicts else None

    for a, items, limit, odd in sampled(draw, rng):
        others, only, not_ = (
            ("none of these except one is", "is", "")
            if inside
            else ("all of these except one are", "is not", "not ")
        )
        yield Ask(
            subject=(a.text, *items.names),
            slots={
                "a": a.text,
                "items": items.text,
                "d": meters(limit),
                "others": others,
                "only": only,
                "not": not_,
            },
            mentions=mentions(a, items),
            program=program(
                f"a = {a.code}",
                f"odd = [o for o in {items.code} if distance(o, a) {'<=' if inside else '>'} {limit:g}]",
                f"return choice(odd[0].category, {OPTIONS})",
            ),
            expected=view.name(odd),
            options=items.names,
        )


def farthest_of(
    view: View, rng: np.random.Generator, *, size: int, least_m: float = 0.0, most_m: float = np.inf
) -> Iterator[Ask]:
    """Which of several unique objects is the farthest from another; it leads by least to most."""
    anchors = singles(view)

    def draw() -> tuple[str, tuple[Reference, Group, int]] | None:
        drawn = draw_list(view, rng, anchors, size)
        decided = extreme(view, drawn[0].index, drawn[1].members, farthest=True) if drawn else None
        if drawn is None or decided is None or not least_m <= decided[1] < most_m:
            return None
        return view.name(decided[0]), (*drawn, decided[0])

    for a, items, best in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *items.names),
            slots={"a": a.text, "items": items.text},
            mentions=mentions(a, items),
            program=program(f"a = {a.code}", f"return choice(farthest(a, {items.code}).category, {OPTIONS})"),
            expected=view.name(best),
            options=items.names,
        )


def next_to(view: View, rng: np.random.Generator, *, size: int) -> Iterator[Ask]:
    """Which of several unique objects is right beside another; the others are well away from it."""
    anchors, beside = singles(view), _beside(view)
    near = [(r, k) for r in anchors for k in np.flatnonzero(beside[r.index]).tolist()]
    flat = {r.index for r in anchors}
    near = [(r, k) for r, k in near if k in flat]

    def draw() -> tuple[str, tuple[Reference, Group, int]] | None:
        if not near:
            return None
        a, best = near[int(rng.integers(len(near)))]
        far = [k for k in sorted(flat - {a.index, best}) if view.gap_m[a.index, k] >= NOT_NEXT_TO_M]
        if len(far) < size - 1:
            return None
        others = [far[k] for k in rng.permutation(len(far))[: size - 1].tolist()]
        return view.name(best), (a, row(view, [best, *others]), best)

    for a, items, best in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *items.names),
            slots={"a": a.text, "items": items.text},
            mentions=mentions(a, items),
            program=program(f"a = {a.code}", f"return choice(closest(a, {items.code}).category, {OPTIONS})"),
            expected=view.name(best),
            options=items.names,
        )


@once
def _beside(view: View) -> npt.NDArray[np.bool_]:
    """(objects, objects) close, at the same level, and neither over the other."""
    _, low, high = heights_m(view)
    shared = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    boxes = view.boxes
    rows_ = Boxes(
        center_m=boxes.center_m[:, None], half_m=boxes.half_m[:, None], R_world_box=boxes.R_world_box[:, None]
    )
    apart = horizontal_distances_m(rows_, boxes)
    found: npt.NDArray[np.bool_] = (shared >= 0.2) & (apart > 0.0) & (view.gap_m <= NEXT_TO_M)
    return found


_LEAD = f"the farthest leads by {CLEAR_LEAD_M} m"

TALLEST_WITHIN = Family(
    group="composition",
    note="which is the tallest of those that are within a distance of an object",
    prior_bound=0.25,
    wordings=(
        "Which is the tallest of those that are within {d} of {a}, measured between closest points: {items}?",
        "From this list, keep what is within {d} of {a}, measured between closest points: {items}. Which one of what "
        "you kept is the tallest?",
        "Only some of these are within {d} of {a}, measured between closest points: {items}. Which is the tallest of "
        "those that are?",
        "Leave out whatever is more than {d} away from {a}, measured between closest points. Which of the rest is "
        "the tallest: {items}?",
        "Look no farther than {d} around {a}, measured between closest points. Which is the tallest one there: "
        "{items}?",
    ),
    knobs={
        "plain": Knob(
            note="3 candidates, the tallest of all is near", find=partial(tallest_within, size=3, trap=False)
        ),
        "trap": Knob(
            note="3 candidates, the tallest of all is not near",
            find=partial(tallest_within, size=3, trap=True),
        ),
        "four_trap": Knob(
            note="4 candidates, the tallest of all is not near",
            find=partial(tallest_within, size=4, trap=True),
        ),
        "hop_trap": Knob(
            note="3 candidates, the tallest of all is not near; near one that is pointed to over a hop",
            find=partial(tallest_within, size=3, trap=True, hops=1),
        ),
    },
)

ODD_ONE_OUT = Family(
    group="composition",
    note="which of several objects alone is, or is not, within a distance of another",
    prior_bound=0.2,
    wordings=(
        "Measured between closest points, {others} within {d} of {a}: {items}. Which is the exception?",
        "One of these {only} within {d} of {a}, unlike the others: {items}. Which one, measured between closest points?",
        "Compare how far these are from {a}, measured between closest points: {items}. Which one alone {only} within {d} "
        "of it?",
        "With respect to {a}, {others} within {d}, measured between closest points: {items}. Name the odd one out. "
        "Which is it?",
        "Somebody sorts these by whether they are within {d} of {a}, measured between closest points: {items}. "
        "Which one alone {only}?",
    ),
    knobs={
        "one_out_three": Knob(
            note="3 candidates, one is not near", find=partial(odd_one_out, size=3, inside=False)
        ),
        "one_out_four": Knob(
            note="4 candidates, one is not near", find=partial(odd_one_out, size=4, inside=False)
        ),
        "one_in_three": Knob(
            note="3 candidates, one is near", find=partial(odd_one_out, size=3, inside=True)
        ),
        "one_in_four": Knob(note="4 candidates, one is near", find=partial(odd_one_out, size=4, inside=True)),
    },
)

FARTHEST_OF = Family(
    group="composition",
    note="which of several objects is the farthest from another",
    prior_bound=0.2,
    wordings=(
        "Which of these is the farthest from {a}: {items}?",
        "Of the following, which one is farthest away from {a}: {items}?",
        "Starting at {a}, to which of these is the distance the greatest: {items}?",
        "Measured from {a}, which of these is the most distant: {items}?",
        "Someone at {a} looks for whatever is farthest off among these: {items}. What is it?",
    ),
    knobs={
        "three_clear": Knob(
            note=f"3 candidates, {_LEAD} or more", find=partial(farthest_of, size=3, least_m=CLEAR_LEAD_M)
        ),
        "three_close": Knob(
            note=f"3 candidates, the farthest leads by less than {CLEAR_LEAD_M} m",
            find=partial(farthest_of, size=3, most_m=CLEAR_LEAD_M),
        ),
        "four": Knob(note="4 candidates", find=partial(farthest_of, size=4)),
    },
)

NEXT_TO = Family(
    group="composition",
    note="which of several objects is right beside another",
    prior_bound=0.2,
    wordings=(
        "Which of these is right next to {a}: {items}?",
        "Of the following, which one is directly beside {a}: {items}?",
        "Only one of these is right beside {a}: {items}. Which one?",
        "What is the immediate neighbor of {a} among these: {items}?",
        "Look at what is right next to {a}. Which of these is it: {items}?",
    ),
    knobs={
        "two": Knob(note="2 candidates", find=partial(next_to, size=2)),
        "three": Knob(note="3 candidates", find=partial(next_to, size=3)),
        "four": Knob(note="4 candidates", find=partial(next_to, size=4)),
    },
)
