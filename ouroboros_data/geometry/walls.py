"""Straight stretches of wall, and those of them that nothing stands at.

A wall is an edge of the floor's outline. Outlines of scans are ragged, and how near to a wall a thing is "at" it is
open to doubt, so both are looked at twice, once more strictly and once more loosely; where the two differ in the
result there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.boxes import Array, Boxes
from ouroboros_data.geometry.footprints import footprints_m
from ouroboros_data.geometry.relations import UP, span_m
from ouroboros_data.types import Vec2

Flags = npt.NDArray[np.bool_]

AT_WALL_M = 0.5
"""What comes this near to a wall stands at it."""
LOW_M = 0.5
"""What comes this near to the floor takes up the wall's foot; pictures, wall shelves and most windows do not."""
MAT_M = 0.1
"""What ends lower than this above the floor takes up nothing."""
_DOUBT_M = 0.1
_STRAIGHT_M = (0.05, 0.2)
_INSIDE_WALL_M = 0.15  # doors are annotated in the middle of the wall
_AGREE_M, _AGREE_REL = 0.1, 0.03


def walls_m(outline_m: Sequence[Vec2] | Array, straight_m: float) -> Array:
    """(k, 2, 2) straight edges of an outline, counter-clockwise, world xy.

    Args:
        outline_m: Ring, first point not repeated.
        straight_m: How far corners may lie off a straight line between two others and be left out (Douglas-Peucker).

    Raises:
        SceneError: The outline is no simple polygon.
    """
    polygon = _polygon(outline_m)
    ring = np.array(polygon.exterior.coords)[:-1]
    # The corner farthest from the middle is one at any coarseness.
    ring = np.roll(ring, -int(np.argmax(np.linalg.norm(ring - ring.mean(0), axis=1))), axis=0)
    line = shapely.LineString(np.concatenate([ring, ring[:1]])).simplify(straight_m, preserve_topology=False)
    points = np.array(line.coords)
    return np.stack([points[:-1], points[1:]], axis=1)


def longest_wall_m(outline_m: Sequence[Vec2] | Array) -> float | None:
    """Length of the longest straight wall, m; None where the outline is too ragged to tell.

    Raises:
        SceneError: The outline is no simple polygon.
    """
    fine, coarse = (
        float(np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1).max())
        for edges in (walls_m(outline_m, straight) for straight in _STRAIGHT_M)
    )
    return fine if _agree(fine, coarse) else None


def free_wall_m(
    boxes: Boxes,
    outline_m: Sequence[Vec2] | Array,
    counts: Flags,
    *,
    floor_z_m: float,
    doubt_m: float = _DOUBT_M,
) -> float | None:
    """Length of the longest stretch of straight wall without anything at its foot, m; None where that is open to doubt.

    A thing takes up the stretch of wall beside which its footprint comes within `AT_WALL_M`, if it is more than a mat and
    its lowest point is less than `LOW_M` above the floor. It is in doubt where other borders by ``doubt_m`` give another
    length, or another reading of a ragged outline does.

    Args:
        boxes: (n, …) of one scene.
        outline_m: Ring of the floor, first point not repeated.
        counts: (n,) False for what is no thing that stands there: the walls and the floor themselves.
        floor_z_m: Height of the floor.
        doubt_m: Half the width of the zone in which people differ.

    Raises:
        SceneError: The outline is no simple polygon.
    """
    found = [
        _longest_free(boxes, walls, counts, floor_z_m, margin)
        for walls in (walls_m(outline_m, straight) for straight in _STRAIGHT_M)
        for margin in (-doubt_m, 0.0, doubt_m)
    ]
    middle = found[1]
    return middle if all(_agree(middle, other) for other in found) else None


def at_walls(
    boxes: Boxes, outline_m: Sequence[Vec2] | Array, counts: Flags, *, floor_z_m: float, margin_m: float = 0.0
) -> Flags:
    """(n,) whether a thing takes up some wall; ``margin_m`` widens both borders.

    Raises:
        SceneError: The outline is no simple polygon.
    """
    ring = shapely.LinearRing(_polygon(outline_m).exterior)
    near = shapely.distance(_footprints(boxes), ring) <= AT_WALL_M + margin_m
    flags: Flags = near & _standing(boxes, counts, floor_z_m, margin_m)
    return flags


def _longest_free(boxes: Boxes, walls: Array, counts: Flags, floor_z_m: float, margin_m: float) -> float:
    prints = _footprints(boxes)[_standing(boxes, counts, floor_z_m, margin_m)]
    longest = 0.0
    for start, end in walls:
        length = float(np.linalg.norm(end - start))
        if length <= longest:
            continue
        along = (end - start) / length
        inward = np.array([-along[1], along[0]])  # the outline runs counter-clockwise
        deep, out = inward * (AT_WALL_M + margin_m), -inward * _INSIDE_WALL_M
        strip = shapely.Polygon([start + out, end + out, end + deep, start + deep])
        taken = shapely.intersection(prints, strip)
        taken = taken[~shapely.is_empty(taken)]
        edges = [0.0]
        spans = []
        for shape in taken:
            s = (shapely.get_coordinates(shape) - start) @ along
            spans.append((float(s.min()), float(s.max())))
        for low, high in sorted(spans):
            longest = max(longest, low - edges[-1])
            edges.append(max(edges[-1], high))
        longest = max(longest, length - edges[-1])
    return longest


def _standing(boxes: Boxes, counts: Flags, floor_z_m: float, margin_m: float) -> Flags:
    low, high = np.moveaxis(span_m(boxes, UP) - floor_z_m, -1, 0)
    flags: Flags = counts & (low < LOW_M + margin_m) & (high > MAT_M)
    return flags


def _footprints(boxes: Boxes) -> npt.NDArray[np.object_]:
    prints = footprints_m(boxes)
    if not len(prints):
        return np.array([], dtype=object)
    shapes: npt.NDArray[np.object_] = shapely.convex_hull(shapely.multipoints(prints))
    return shapes


def _agree(a: float, b: float) -> bool:
    return abs(a - b) <= max(_AGREE_M, _AGREE_REL * max(a, b))


def _polygon(outline_m: Sequence[Vec2] | Array) -> shapely.Polygon:
    corners = np.asarray(outline_m, float)
    polygon = shapely.Polygon()
    if corners.ndim == 2 and len(corners) >= 3 and np.isfinite(corners).all():
        polygon = shapely.Polygon(corners)
    if polygon.is_empty or not polygon.is_valid or not math.isfinite(polygon.area):
        raise SceneError(
            "the floor's outline is no simple polygon",
            where="room.floor_polygon_m",
            fix="give at least three corners in order, without edges that cross",
        )
    return shapely.geometry.polygon.orient(polygon)
