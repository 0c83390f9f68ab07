"""Whether one box lies between two others, seen from above.

Arrays are as in `relations`, and so are the three values.
"""

from __future__ import annotations

import numpy as np

from ouroboros_data.geometry.boxes import Array, Boxes
from ouroboros_data.geometry.relations import NO, UNCLEAR, YES, Verdicts


def between(
    o: Boxes,
    a: Boxes,
    b: Boxes,
    *,
    share: float = 0.5,
    miss_share: float = 0.1,
    lap_m: float = 0.1,
    straight_deg: float = 160.0,
    aside_deg: float = 90.0,
) -> Verdicts:
    """Whether ``o`` lies between ``a`` and ``b``, (...) of `YES`, `NO`, `UNCLEAR`; heights never enter.

    The line from the centre of ``a`` to that of ``b`` runs through a gap, from where it has ``a`` wholly behind it to
    where all of ``b`` lies ahead. Across it ``a`` and ``b`` span a corridor that is as wide as ``a`` at its centre, as
    ``b`` at its centre, and grows evenly from the one to the other.

    `YES` where the centre of ``o`` is in the gap, ``o`` reaches out of the gap by at most ``lap_m`` at either end, and

    - the centre of ``o`` and at least ``share`` of its width are in the corridor, or
    - seen from ``o``, the two centres are ``straight_deg`` apart or more: it lies on the line itself, between things
      that are narrow.

    `NO` where no part of ``o`` is in the gap, or where it lies aside: the two centres are less than ``aside_deg`` apart
    as seen from ``o``, and less than ``miss_share`` of its width is in the corridor. `UNCLEAR` for the rest: half in
    the gap, as a chair that is pushed under one of the tables, or off the line where some would still call it between.

    Args:
        o: Boxes that may lie between.
        a: Boxes at one end.
        b: Boxes at the other; where its centre is straight above or below that of ``a`` the verdict is `UNCLEAR`.
        share: Of the width of ``o``, as half a footprint for `relations.above`.
        miss_share: As in `relations.rests_on`.
        lap_m: Twice its tolerance of contact: two things that stand side by side.
        straight_deg: From 180 straight on; a tenth of the way off at the middle is 157.
        aside_deg: As far from the middle of the line as its ends are.
    """
    line = b.center_m[..., :2] - a.center_m[..., :2]
    length = np.linalg.norm(line, axis=-1)
    apart = length > 1e-6
    along = line / np.where(apart, length, 1.0)[..., None]
    across = np.stack([-along[..., 1], along[..., 0]], -1)
    offset = o.center_m[..., :2] - a.center_m[..., :2]
    at, aside = (offset * along).sum(-1), np.abs((offset * across).sum(-1))
    reach = _reach_m(o, along)
    start, end = _reach_m(a, along), length - _reach_m(b, along)
    part = np.clip(at / np.where(apart, length, 1.0), 0.0, 1.0)
    half_width = (1.0 - part) * _reach_m(a, across) + part * _reach_m(b, across)
    own = _reach_m(o, across)
    inside = np.minimum(aside + own, half_width) - np.maximum(aside - own, -half_width)
    covered = np.maximum(inside, 0.0) / np.maximum(2.0 * own, 1e-9)
    sight = _angle_deg(-offset, b.center_m[..., :2] - o.center_m[..., :2])
    in_gap = (start <= at) & (at <= end) & (at - reach >= start - lap_m) & (at + reach <= end + lap_m)
    yes = in_gap & (((aside <= half_width) & (covered >= share)) | (sight >= straight_deg))
    no = (at + reach <= start) | (at - reach >= end) | ((sight < aside_deg) & (covered < miss_share))
    return np.where(apart & yes, YES, np.where(apart & no, NO, UNCLEAR)).astype(np.int8)


def _reach_m(boxes: Boxes, direction: Array) -> Array:
    """(...) how far the boxes reach from their centres along a horizontal direction (..., 2)."""
    turned = np.abs(np.einsum("...ki,...k->...i", boxes.R_world_box[..., :2, :], direction))
    reach: Array = (turned * boxes.half_m).sum(-1)
    return reach


def _angle_deg(first: Array, second: Array) -> Array:
    """(...) angle between horizontal vectors, degrees in [0, 180]."""
    dot = (first * second).sum(-1)
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    angle: Array = np.degrees(np.arctan2(np.abs(cross), dot))
    return angle
