"""What lies between two others: between_two."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.between import between
from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.geometry.relations import NO, YES
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, program, sampled
from ouroboros_data.proposers.phrases import (
    Group,
    Reference,
    apart_m,
    heights_m,
    mentions,
    once,
    row,
    singles,
)
from ouroboros_data.proposers.view import View

MAX_APART_M = 6.0
"""Between the ends that something lies between."""
LEVEL_M = 0.1
"""Stretch of height that what lies between shares with either end."""
GROWN_M = 0.12
"""What does not lie between them would not do so if it were that much larger on all sides."""


def between_two(view: View, rng: np.random.Generator, *, size: int, least_m: float = 0.0) -> Iterator[Ask]:
    """Which of several unique objects lies between two others, seen from above; these are at least so far apart."""
    lies, beside = _lies_between(view)
    flat = singles(view)
    apart = apart_m(view)
    found = [
        (o, a, b)
        for o, a, b in np.argwhere(lies).tolist()
        if a < b and least_m <= apart[flat[a].index, flat[b].index] <= MAX_APART_M
    ]

    def draw() -> tuple[str, tuple[Reference, Reference, Group, int]] | None:
        if not found:
            return None
        o, a, b = found[int(rng.integers(len(found)))]
        others = [k for k in np.flatnonzero(beside[:, a, b]).tolist() if k not in (a, b)]
        if len(others) < size - 1:
            return None
        some = [others[k] for k in rng.permutation(len(others))[: size - 1].tolist()]
        items = row(view, [flat[k].index for k in (o, *some)])
        return flat[o].names[0], (flat[a], flat[b], items, flat[o].index)

    for a, b, items, best in sampled(draw, rng):
        yield Ask(
            subject=(a.text, b.text, *items.names),
            slots={"a": a.text, "b": b.text, "items": items.text},
            mentions=mentions(a, b, items),
            program=program(
                f"a = {a.code}",
                f"b = {b.code}",
                f"found = [o for o in {items.code} if between(o, a, b)]",
                f"return choice(found[0].category, {OPTIONS})",
            ),
            expected=view.name(best),
            options=items.names,
        )


@once
def _lies_between(view: View) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(s, s, s) over `singles`: whether o surely lies between a and b; whether it surely does not."""
    index = np.array([r.index for r in singles(view)], dtype=np.intp)
    boxes = view.boxes

    def along(axis: int) -> Boxes:
        shape = tuple(-1 if k == axis else 1 for k in range(3))
        return Boxes(
            center_m=boxes.center_m[index].reshape(*shape, 3),
            half_m=boxes.half_m[index].reshape(*shape, 3),
            R_world_box=boxes.R_world_box[index].reshape(*shape, 3, 3),
        )

    o, a, b = along(0), along(1), along(2)
    strict = between(o, a, b, share=0.9, straight_deg=181.0)  # not by the line alone
    # It would not lie there either if it were larger, and the others closer to the line.
    grown = Boxes(center_m=o.center_m, half_m=o.half_m + GROWN_M, R_world_box=o.R_world_box)
    far = between(grown, a, b, miss_share=0.02, aside_deg=75.0, over_share=1.01) == NO
    _, low, high = heights_m(view)
    shared = np.minimum(high[index][:, None], high[index]) - np.maximum(low[index][:, None], low[index])
    level = shared >= LEVEL_M  # a chest that stands under and between two pictures is not what one thinks of
    return (strict == YES) & level[:, :, None] & level[:, None, :], far


BETWEEN_TWO = Family(
    group="composition",
    note="which of several objects lies between two others",
    prior_bound=0.25,
    wordings=(
        "Seen from above, which of these lies between {a} and {b}: {items}?",
        "Which of the following is between {a} and {b} on a floor plan: {items}?",
        "On a plan of the floor, a strip is drawn from {a} straight to {b}. Which of these lies in it: {items}?",
        "One of these has {a} on one side and {b} on the opposite side, seen from above: {items}. Which one?",
        "Looking down from the ceiling, what do you find in the space between {a} and {b}: {items}?",
    ),
    knobs={
        "two": Knob(note="2 candidates", find=partial(between_two, size=2)),
        "three": Knob(note="3 candidates", find=partial(between_two, size=3)),
        "three_apart": Knob(
            note="3 candidates, the ends are 3 m apart or more",
            find=partial(between_two, size=3, least_m=3.0),
        ),
    },
)
