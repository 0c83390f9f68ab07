"""How two boxes lie to each other: gaps along an axis, shared floor space, on, above, inside.

Arrays are as in `boxes`: a relation of ``a`` (..., 3) and ``b`` (..., 3) has the shape (...), and leading axes
broadcast. World +z is up. Relations that people judge by eye have three values, `YES`, `NO` and `UNCLEAR`: boxes do
not tell a pillow that lies on a bed from one that is sunk in it, and where careful annotators would differ there is no
label to be had. Tolerances are keyword arguments in metres or degrees; their defaults are for boxes whose faces
are off by 1 to 3 cm.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.boxes import Array, Boxes, volumes
from ouroboros_data.geometry.convex import shared_volumes
from ouroboros_data.geometry.footprints import footprint_areas_m2, footprint_overlaps_m2

Verdicts = npt.NDArray[np.int8]
YES: Final = np.int8(1)
NO: Final = np.int8(0)
UNCLEAR: Final = np.int8(-1)

UP: Final = np.array([0.0, 0.0, 1.0])


def span_m(boxes: Boxes, direction: Array) -> Array:
    """(..., 2) least and greatest coordinate of the boxes along a direction, m.

    Args:
        boxes: Any shape (...).
        direction: (..., 3) unit vectors in world axes, broadcast against the boxes.
    """
    middle: Array = (boxes.center_m * direction).sum(-1)
    reach: Array = (np.abs(np.einsum("...ki,...k->...i", boxes.R_world_box, direction)) * boxes.half_m).sum(
        -1
    )
    return np.stack([middle - reach, middle + reach], -1)


def gap_along_m(a: Boxes, b: Boxes, direction: Array) -> Array:
    """(...) free length between the boxes' spans along a direction, m; below 0 where the spans overlap.

    A negative gap is minus the shortest shift along the direction that parts them. Symmetric in a and b. For a box
    axis, pass ``box.R_world_box[..., :, k]``.
    """
    first, second = span_m(a, direction), span_m(b, direction)
    gap: Array = np.maximum(second[..., 0] - first[..., 1], first[..., 0] - second[..., 1])
    return gap


def overlap_along_m(a: Boxes, b: Boxes, direction: Array) -> Array:
    """(...) length of the stretch along a direction that both boxes cover, m; 0 where they only touch or miss."""
    first, second = span_m(a, direction), span_m(b, direction)
    shared = np.minimum(first[..., 1], second[..., 1]) - np.maximum(first[..., 0], second[..., 0])
    length: Array = np.maximum(shared, 0.0)
    return length


def vertical_gap_m(upper: Boxes, lower: Boxes) -> Array:
    """(...) height of the lowest point of ``upper`` over the highest point of ``lower``, m; signed.

    Below 0 where ``upper`` begins beneath the top of ``lower``. Says nothing of whether one is over the other.
    """
    gap: Array = span_m(upper, UP)[..., 0] - span_m(lower, UP)[..., 1]
    return gap


def undersides_m(boxes: Boxes) -> Array:
    """(...) height at which the vertical line through the box centre enters the box from below, m.

    That of the lower face for an upright box; for a tilted one higher than its lowest corner.
    """
    height: Array = boxes.center_m[..., 2] - _half_chord_m(boxes)
    return height


def tilts_deg(boxes: Boxes) -> Array:
    """(...) angle between the vertical and the box axis nearest to it, degrees in [0, 54.8]."""
    up = np.abs(boxes.R_world_box[..., 2, :])
    standing = up.max(-1)
    lying = np.sqrt(np.maximum((up**2).sum(-1) - standing**2, 0.0))
    tilt: Array = np.degrees(np.arctan2(lying, standing))
    return tilt


def rests_on(
    a: Boxes,
    b: Boxes,
    *,
    contact_m: float = 0.05,
    clear_m: float = 0.15,
    share: float = 0.9,
    miss_share: float = 0.1,
    tilt_deg: float = 10.0,
    sink_m: float = 0.0,
) -> Verdicts:
    """Whether ``a`` rests on top of ``b``, (...) of `YES`, `NO`, `UNCLEAR`, judged from these two boxes alone.

    `YES` where all of this holds:

    - neither box is tilted by more than ``tilt_deg``;
    - the vertical line through the centre of ``a`` meets ``b`` (else ``a`` would fall), and at least ``share`` of the
      footprint of ``a`` lies over that of ``b``;
    - along that line the underside of ``a`` is at most ``contact_m`` above or below the top of ``b``;
    - the centre of ``a`` is higher than the top of ``b`` there, so that of two flat things on one floor neither
      rests on the other.

    `NO` where it does not, and one of these holds:

    - they share less than ``miss_share`` of the smaller footprint: beside it;
    - the lowest point of ``a`` is more than ``clear_m`` above the top of ``b``: it hangs over it, as lamps do, or on
      the wall behind it, as pictures and screens do; what hangs is not on anything;
    - the centre of ``a`` is lower than the lowest point of ``b``: it is below it;
    - neither is tilted, and ``a`` begins more than ``clear_m`` below the top of ``b`` but at most ``clear_m`` above
      its underside: both stand on the same floor, as a chair does that is pushed under a table.

    `UNCLEAR` for the rest: a gap between the two tolerances; less than ``share`` over it, as a table with two legs on
    a rug; sunk into its box, as pillows are in that of a bed with a headboard, books in that of a shelf, and what lies
    on a chair in that of the chair with its back; leaning. A thing that hangs on a wall with its underside within
    ``contact_m`` of a table top under it cannot be told from one that stands on that table, and counts as on it.

    Args:
        a: Boxes that may rest.
        b: Boxes that may carry them.
        contact_m: Two faces that are off by 1 to 3 cm each, and a cloth between them.
        clear_m: Three times the contact: no pair of faces is off by that much, and the eye sees the gap.
        share: With more than a tenth of it off, legs at its corners may be off too, as those of a table on a rug; less
            than that is what the errors of the boxes make up for small things at an edge.
        miss_share: What the errors of two boxes side by side make up.
        tilt_deg: The slack of fitted boxes. Beyond it the top of a box is no surface that carries.
        sink_m: How far the centre of ``a`` may lie below the top: 0, but where boxes were shifted on purpose.
    """
    low_a = span_m(a, UP)[..., 0]
    low_b, high_b = np.moveaxis(span_m(b, UP), -1, 0)
    under_a = undersides_m(a)
    hit, top_b = _top_at_m(b, a.center_m)
    upright = (tilts_deg(a) <= tilt_deg) & (tilts_deg(b) <= tilt_deg)
    shared, area_a, area_b = footprint_overlaps_m2(a, b), footprint_areas_m2(a), footprint_areas_m2(b)
    gap = under_a - top_b
    higher = a.center_m[..., 2] > top_b - sink_m
    yes = upright & hit & (shared >= share * area_a) & (np.abs(gap) <= contact_m) & higher
    least_top = np.minimum(top_b, b.center_m[..., 2] + _half_chord_m(b))
    same_floor = upright & (least_top - under_a > clear_m) & (low_a <= low_b + clear_m)
    beside = shared < miss_share * np.minimum(area_a, area_b)
    hangs = low_a - np.where(hit & upright, top_b, high_b) > clear_m
    no = beside | hangs | (a.center_m[..., 2] < low_b) | same_floor
    return np.where(yes, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)


def supports(
    boxes: Boxes,
    *,
    contact_m: float = 0.05,
    clear_m: float = 0.15,
    share: float = 0.9,
    miss_share: float = 0.1,
    tilt_deg: float = 10.0,
    sink_m: float = 0.0,
) -> Verdicts:
    """Whether object i rests directly on object j, (..., n, n) of `YES`, `NO`, `UNCLEAR`; `NO` on the diagonal.

    `rests_on` for all pairs, and then stacks: the cup on a book on a table is on the book; whether it is "on the
    table" people answer both ways. So a pair (cup, table) is `UNCLEAR`, whatever its own gap says, if a third thing
    lies between them: one that the cup does or may rest on, and that does or may rest, by way of others, on the table.
    A pair that is `YES` stays so where what lies between is itself doubtful.

    Args:
        boxes: (..., n, …), all objects of the scene.
        contact_m: As in `rests_on`, like the others.
        clear_m: See there.
        share: See there.
        miss_share: See there.
        tilt_deg: See there.
        sink_m: See there.
    """
    n = boxes.center_m.shape[-2]
    upper, lower = _one_axis_more(boxes, -2), _one_axis_more(boxes, -3)
    direct = rests_on(
        upper,
        lower,
        contact_m=contact_m,
        clear_m=clear_m,
        share=share,
        miss_share=miss_share,
        tilt_deg=tilt_deg,
        sink_m=sink_m,
    )
    direct = np.where(np.eye(n, dtype=bool), NO, direct)
    sure, possible = direct == YES, direct != NO
    through_sure = _paths_of_two_or_more(sure)
    through_any = _paths_of_two_or_more(possible)
    stacked = np.where(sure, through_sure, through_any) & ~np.eye(n, dtype=bool)
    return np.where(stacked, UNCLEAR, direct).astype(np.int8)


def above(
    a: Boxes, b: Boxes, *, contact_m: float = 0.05, share: float = 0.5, miss_share: float = 0.1
) -> Verdicts:
    """Whether ``a`` is straight above ``b``, resting on it or not, (...) of `YES`, `NO`, `UNCLEAR`.

    `YES` where the lowest point of ``a`` is at most ``contact_m`` beneath the highest point of ``b`` and they share at
    least ``share`` of the smaller footprint. `NO` where they share less than ``miss_share`` of it, or the centre of
    ``a`` is no higher than that of ``b``. "Below" is the same with the boxes swapped. For "higher", which asks
    nothing of the footprints, use `vertical_gap_m`.

    Args:
        a: Upper boxes.
        b: Lower boxes.
        contact_m: As in `rests_on`.
        share: Half of it: people then say above rather than next to.
        miss_share: As in `rests_on`.
    """
    shared = footprint_overlaps_m2(a, b)
    smaller = np.minimum(footprint_areas_m2(a), footprint_areas_m2(b))
    yes = (vertical_gap_m(a, b) >= -contact_m) & (shared >= share * smaller)
    yes &= a.center_m[..., 2] > b.center_m[..., 2]
    no = (shared < miss_share * smaller) | (a.center_m[..., 2] <= b.center_m[..., 2])
    return np.where(yes, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)


def protrusions_m(inner: Boxes, outer: Boxes) -> Array:
    """(...) how far ``inner`` sticks out of ``outer`` through the face where it does most, m.

    At most 0 where it is wholly inside; then minus the least clearance to a face. Measured along the axes of
    ``outer`` up to the corners of ``inner``.
    """
    offset = np.einsum("...ji,...j->...i", outer.R_world_box, inner.center_m - outer.center_m)
    turn = np.abs(np.einsum("...ki,...kj->...ij", outer.R_world_box, inner.R_world_box))
    reach = np.abs(offset) + np.einsum("...ij,...j->...i", turn, inner.half_m)
    out: Array = (reach - outer.half_m).max(-1)
    return out


def shared_volumes_m3(a: Boxes, b: Boxes) -> Array:
    """(...) volume that lies in both boxes, m³; 0 where they only touch."""
    shape = np.broadcast_shapes(a.center_m.shape, b.center_m.shape)[:-1]
    return shared_volumes(_flat(a, shape), _flat(b, shape)).reshape(shape)


def inside(
    a: Boxes, b: Boxes, *, stick_out_m: float = 0.05, out_share: float = 0.2, alike_share: float = 0.8
) -> Verdicts:
    """Whether the box ``a`` is inside the box ``b``, (...) of `YES`, `NO`, `UNCLEAR`.

    `YES` where ``a`` sticks out of no face of ``b`` by more than ``stick_out_m`` and has at most ``alike_share`` of its
    volume. `NO` where less than ``out_share`` of the volume of ``a`` is in ``b``, or the other way round ``a`` is the
    larger. `UNCLEAR` where it is partly inside, and for two boxes of almost one size in one place, which are more
    likely one thing that was annotated twice.

    A box is not hollow, and its object may be open: a stool under a table and a rug's corner under a sofa are inside
    those boxes. Ask only about things that hold others (cabinets, shelves, bins, sinks, baskets, drawers).

    Args:
        a: Inner boxes.
        b: Outer boxes.
        stick_out_m: As ``contact_m`` of `rests_on`.
        out_share: Up to a fifth of a thing that stands on, or right beside, another is in its box by error.
        alike_share: What is inside a thing leaves room for its walls.
    """
    size_a, size_b = volumes(a), volumes(b)
    within = shared_volumes_m3(a, b)
    smaller = size_a <= alike_share * size_b
    yes = (protrusions_m(a, b) <= stick_out_m) & smaller & (within > 0)
    no = (within < out_share * size_a) | (alike_share * size_a >= size_b)
    return np.where(yes & ~no, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)


def _half_chord_m(boxes: Boxes) -> Array:
    """(...) half the length of the vertical line through the box centre that lies in the box."""
    up = np.abs(boxes.R_world_box[..., 2, :])
    with np.errstate(divide="ignore"):
        half: Array = (boxes.half_m / up).min(-1)
    return half


def _top_at_m(boxes: Boxes, points_m: Array) -> tuple[npt.NDArray[np.bool_], Array]:
    """Whether the vertical line through a point (..., 3) meets the box, and at which height it leaves it.

    The height is that of the highest corner where the line misses.
    """
    local = np.einsum("...ji,...j->...i", boxes.R_world_box, points_m - boxes.center_m)
    up = boxes.R_world_box[..., 2, :]
    along = np.abs(up) > 1e-12
    step = np.where(along, up, 1.0)
    near, far = (-boxes.half_m - local) / step, (boxes.half_m - local) / step
    enter = np.where(along, np.minimum(near, far), -np.inf).max(-1)
    leave = np.where(along, np.maximum(near, far), np.inf).min(-1)
    beside = (~along & (np.abs(local) > boxes.half_m)).any(-1)
    hit = (enter <= leave) & ~beside
    return hit, np.where(hit, points_m[..., 2] + leave, span_m(boxes, UP)[..., 1])


def _paths_of_two_or_more(steps: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(..., n, n) where one gets from i to j in two steps or more."""
    reached = steps
    while True:
        further = reached | (reached.astype(np.float32) @ reached.astype(np.float32) > 0)
        if (further == reached).all():
            return (steps.astype(np.float32) @ reached.astype(np.float32)) > 0
        reached = further


def _one_axis_more(boxes: Boxes, axis: int) -> Boxes:
    """The boxes with an axis of length 1 put in; ``axis`` counts from the end of ``center_m``."""
    return Boxes(
        center_m=np.expand_dims(boxes.center_m, axis),
        half_m=np.expand_dims(boxes.half_m, axis),
        R_world_box=np.expand_dims(boxes.R_world_box, axis - 1),
    )


def _flat(boxes: Boxes, shape: tuple[int, ...]) -> Boxes:
    return Boxes(
        center_m=np.broadcast_to(boxes.center_m, (*shape, 3)).reshape(-1, 3),
        half_m=np.broadcast_to(boxes.half_m, (*shape, 3)).reshape(-1, 3),
        R_world_box=np.broadcast_to(boxes.R_world_box, (*shape, 3, 3)).reshape(-1, 3, 3),
    )
