"""Whether one box lies between two others, seen from above.

Arrays are as in `relations`, and so are the three values.
"""

from __future__ import annotations

import numpy as np
import shapely

from ouroboros_data.geometry.boxes import Array, Boxes
from ouroboros_data.geometry.footprints import footprints_m
from ouroboros_data.geometry.relations import NO, UNCLEAR, YES, Verdicts


def between(
    o: Boxes,
    a: Boxes,
    b: Boxes,
    *,
    share: float = 0.7,
    miss_share: float = 0.1,
    over_share: float = 0.9,
    straight_deg: float = 160.0,
    aside_deg: float = 90.0,
) -> Verdicts:
    """Whether ``o`` lies between ``a`` and ``b``, (...) of `YES`, `NO`, `UNCLEAR`; heights never enter.

    What lies between two footprints is what a rubber band round both holds, without the two: their convex hull less
    themselves.

    `YES` where at least ``share`` of the footprint of ``o`` lies there; or, for things that are narrow, where the centres
    of the two are ``straight_deg`` apart or more as seen from that of ``o``, and at most ``miss_share`` of ``o`` is over or
    under one of them.

    `NO` where at least ``over_share`` of ``o`` is over or under the two; or where less than ``miss_share`` of it lies
    between, and their centres are less than ``aside_deg`` apart as seen from that of ``o``: it is beside or behind them.

    `UNCLEAR` for the rest: a chair that is pushed under one of two tables, what stands off the line where some would still
    call it between. Also where the two centres are straight above each other.

    Args:
        o: Boxes that may lie between.
        a: Boxes at one end.
        b: Boxes at the other.
        share: Most of it; the errors of the boxes make up for the rest.
        miss_share: As in `relations.rests_on`.
        over_share: What is on a thing, or under it, is not beside it.
        straight_deg: From 180 straight on; a tenth of the way off at the middle is 157.
        aside_deg: As far from the middle of the line as its ends are.
    """
    shape = np.broadcast_shapes(*(boxes.center_m.shape[:-1] for boxes in (o, a, b)))
    to_a, to_b = a.center_m[..., :2] - o.center_m[..., :2], b.center_m[..., :2] - o.center_m[..., :2]
    sight = np.broadcast_to(_angle_deg(to_a, to_b), shape)
    apart = np.broadcast_to(np.linalg.norm(to_b - to_a, axis=-1) > 1e-6, shape)
    under, first, second = (shapely.polygons(footprints_m(boxes)) for boxes in (o, a, b))
    ends = shapely.union(first, second)
    between_them = shapely.difference(shapely.convex_hull(ends), ends)
    area = np.maximum(shapely.area(under), 1e-12)
    held = np.broadcast_to(shapely.area(shapely.intersection(under, between_them)) / area, shape)
    over = np.broadcast_to(shapely.area(shapely.intersection(under, ends)) / area, shape)
    yes = (held >= share) | ((sight >= straight_deg) & (over <= miss_share))
    no = (over >= over_share) | ((held < miss_share) & (sight < aside_deg))
    return np.where(apart & yes, YES, np.where(apart & no, NO, UNCLEAR)).astype(np.int8)


def _angle_deg(first: Array, second: Array) -> Array:
    """(...) angle between horizontal vectors, degrees in [0, 180]."""
    dot = (first * second).sum(-1)
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    angle: Array = np.degrees(np.arctan2(np.abs(cross), dot))
    return angle
