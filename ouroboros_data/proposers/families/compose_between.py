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
FAR_DEG = 75.0
"""Ends that are less than this apart, as seen from something, do not have it between them."""
GROWN_M = 0.12
"""What lies between them, or does not, would do so if it were that much larger on all sides."""


def between_two(view: View, rng: np.random.Generator, *, size: int, least_m: float = 0.0) -> Iterator[Ask]:
    """Which of several unique objects lies between two others, seen from above; these are at least so far apart."""
    lies, beside = _lies_between(view)
    flat = singles(view)
    apart = apart_m(view)
    found = [
        (o, a, b) for o, a, b in np.argwhere(lies).tolist() if apart[flat[a].index, flat[b].index] >= least_m
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
    """(s, s, s) over `singles`: whether o surely lies between a < b; whether it surely does not."""
    index = np.array([r.index for r in singles(view)], dtype=np.intp)
    n, at = len(index), view.boxes.center_m[index, :2]
    way = at[None] - at[:, None]  # (from, to)
    dot = np.einsum("oad,obd->oab", way, way)
    cross = way[:, :, None, 0] * way[:, None, :, 1] - way[:, :, None, 1] * way[:, None, :, 0]
    sight = np.degrees(np.arctan2(np.abs(cross), dot))
    o, a, b = np.ogrid[:n, :n, :n]
    asked = (a < b) & (o != a) & (o != b) & (apart_m(view)[np.ix_(index, index)] <= MAX_APART_M)
    _, low, high = heights_m(view)
    shared = np.minimum(high[index][:, None], high[index]) - np.maximum(low[index][:, None], low[index])
    level = shared >= LEVEL_M  # a chest that stands under and between two pictures is not what one thinks of

    def holds(where: npt.NDArray[np.bool_], verdict: np.int8, grown_m: float, **limits: float) -> None:
        """Leave what has the verdict, with the middle one grown."""
        triples = np.argwhere(where)
        middle, first, second = (_some(view.boxes, index[triples[:, k]]) for k in range(3))
        middle = Boxes(
            center_m=middle.center_m, half_m=middle.half_m + grown_m, R_world_box=middle.R_world_box
        )
        where[tuple(triples.T)] = between(middle, first, second, **limits) == verdict

    lies = asked & (sight > 90.0) & level[:, :, None] & level[:, None, :]
    # Not by the line alone; and a thin thing at the rim is out of it with the next small shift.
    holds(lies, YES, 0.0, share=0.9, straight_deg=181.0)
    holds(lies, YES, GROWN_M, share=0.75, straight_deg=181.0)
    # It would not lie there either if it were larger, and the others closer to the line.
    far = asked & (sight < FAR_DEG)
    holds(far, NO, GROWN_M, miss_share=0.02, over_share=1.01)
    return lies, far


def _some(boxes: Boxes, index: npt.NDArray[np.intp]) -> Boxes:
    return Boxes(
        center_m=boxes.center_m[index], half_m=boxes.half_m[index], R_world_box=boxes.R_world_box[index]
    )


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
