"""Shortest ways on foot between objects: along the floor, round the furniture, through what is wide enough.

The walker is a disc. Everything in its way is convex (footprints and the edges of the floor's outline), and is widened
by its radius, so that the walker becomes a point. The shortest way is a taut string: straight pieces that touch corners
of the widened things (a reduced visibility graph: Lozano-Pérez and Wesley 1979; Latombe, Robot Motion Planning,
1991, ch. 4). Obstacles are put into the graph only once the string found so far runs into them: the shortest way past
some of them is never longer than past all, so the first string that meets none is the answer.

Exact but for the rounded corners, which are drawn with 32 points a turn: a way is too short by at most 0.16 % of the
arcs that it follows and 0.1 mm a corner (0.7 mm at a right-angled one), and a passage counts as wide enough up to
2.5 mm early.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.boxes import Array, Boxes
from ouroboros_data.geometry.footprints import footprints_m
from ouroboros_data.geometry.relations import UP, span_m, undersides_m
from ouroboros_data.geometry.visgraph import Obstacle, Terminal, shortest, widened
from ouroboros_data.types import Vec2

Flags = npt.NDArray[np.bool_]

RADIUS_M = 0.25
"""Half the shoulder breadth of a large adult. Doors are 0.7 m wide and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPlan:
    """What a walker meets in one scene; made by `floor_plan`."""

    outline: shapely.Polygon
    footprints: tuple[shapely.Polygon, ...]
    objects: tuple[Obstacle | None, ...]
    """Widened footprints; None for what one walks over or under."""
    walls: tuple[Obstacle, ...]
    goes_with: Flags
    """(n, n): [i, j] where at least half of object j is on, in or under object i, and leaves with it."""
    radius_m: float
    touch_m: float
    reach_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A shortest way from one object to another."""

    length_m: float
    """inf where there is none."""
    points_m: Array
    """(k, 2) from the edge of the first footprint to that of the second; (0, 2) where there is none."""
    touches: tuple[bool, bool]
    """Whether the walker gets right up to the first and the second object, or only within reach of it. The length is
    then open to doubt by about ``reach_m``, and no good as a label."""


def floor_level_m(boxes: Boxes) -> float:
    """Height of the floor that most things stand on, m; nan without boxes.

    Of the undersides in the lowest half metre, the median of the largest group within 5 cm of one of them. It takes a
    few boxes that stand on the floor, and is no worse for one that is too low.

    Args:
        boxes: (n, …) of one scene.
    """
    undersides = np.sort(undersides_m(boxes))
    if not len(undersides):
        return math.nan
    undersides = undersides[undersides <= undersides[0] + 0.5]
    near = np.abs(undersides[:, None] - undersides) <= 0.05
    return float(np.median(undersides[near[int(near.sum(1).argmax())]]))


def blocks_walking(boxes: Boxes, *, floor_z_m: float, step_m: float = 0.1, head_m: float = 1.8) -> Flags:
    """(...) whether one has to walk round the boxes.

    Args:
        boxes: (...).
        floor_z_m: Height of the floor.
        step_m: One walks over what ends lower than this above the floor: rugs, mats, sills.
        head_m: One walks under what begins higher than this above the floor: lamps, shelves on walls.
    """
    low, high = np.moveaxis(span_m(boxes, UP) - floor_z_m, -1, 0)
    blocks: Flags = (high > step_m) & (low < head_m)
    return blocks


def floor_plan(
    boxes: Boxes,
    floor_polygon_m: Sequence[Vec2] | Array,
    blocks: Flags,
    *,
    radius_m: float = RADIUS_M,
    touch_m: float = 0.1,
    reach_m: float = 0.75,
) -> FloorPlan:
    """Get a scene ready for `way` and `way_lengths_m`.

    Args:
        boxes: (n, …), one scene's.
        floor_polygon_m: Outline of the floor, world xy, at least three corners. Nobody leaves it. Without one
            there is no telling whether a way leads through a wall, so there are no ways either.
        blocks: (n,) what is in the way: `blocks_walking`, less what one walks through, such as doors, curtains and
            the room's own walls and floor where they are annotated as objects.
        radius_m: Of the walker.
        touch_m: Whoever stands this near to an object, skin to edge, is at it. It takes up the thickness of the wall
            that a door is in, and the errors of two boxes.
        reach_m: Arm's length, for what cannot be walked up to; see `way`.

    Raises:
        SceneError: The outline is no simple polygon.
        ValueError: Shapes that do not fit, or a radius that is not positive.
    """
    corners = np.asarray(floor_polygon_m, float)
    n = len(boxes.center_m)
    if boxes.center_m.shape != (n, 3) or blocks.shape != (n,) or not radius_m > 0:
        raise ValueError(
            f"expected (n, 3) centres and (n,) flags, got {boxes.center_m.shape}, {blocks.shape}"
        )
    outline = shapely.Polygon()
    if corners.ndim == 2 and len(corners) >= 3 and np.isfinite(corners).all():
        outline = shapely.Polygon(corners)
    if outline.is_empty or not outline.is_valid:
        why = "needs three finite corners" if outline.is_empty else shapely.is_valid_reason(outline)
        raise SceneError(
            f"the floor's outline is no simple polygon ({why})",
            where="room.floor_polygon_m",
            fix="give at least three corners in order, without edges that cross",
        )
    prints = footprints_m(boxes)
    polygons = shapely.convex_hull(shapely.multipoints(prints)) if n else np.array([], dtype=object)
    edges = np.stack([corners, np.roll(corners, -1, 0)], 1)
    edges = edges[np.abs(edges[:, 1] - edges[:, 0]).max(1) > 0]
    shared = (
        shapely.area(shapely.intersection(polygons[:, None], polygons[None, :])) if n else np.zeros((0, 0))
    )
    areas = shapely.area(polygons) if n else np.zeros(0)
    shapely.prepare(outline)
    return FloorPlan(
        outline=outline,
        footprints=tuple(polygons),
        objects=tuple(
            widened(corner, radius_m) if stands else None
            for corner, stands in zip(prints, blocks, strict=True)
        ),
        walls=tuple(widened(edge, radius_m) for edge in edges),
        goes_with=(shared >= 0.5 * areas) & (areas > 0),
        radius_m=radius_m,
        touch_m=touch_m,
        reach_m=reach_m,
    )


def way(plan: FloorPlan, start: int, goal: int) -> Way:
    """The shortest way from object ``start`` to object ``goal``, measured from edge to edge of their footprints.

    Neither of the two is in its own way, nor is what is on, in or under it by half or more. In the open the length is
    the gap between the footprints. Otherwise the walker's centre keeps ``radius_m`` from everything that blocks and
    from the outline, but for the two ends: the last ``radius_m + touch_m`` up to an object is a straight line to its
    nearest point, and may pass close by other things, though not across them, save what the object stands on. So one
    may start in the narrow gap between a sofa and a side table, and end at a door in its wall.

    Where nobody can get that near, as with a lamp in the middle of a table or a table with chairs all around it, the
    straight end may be ``reach_m`` long and pass over furniture, and the way's ``touches`` says so. No end crosses the
    outline, save that of an object which itself lies beyond it. What could be touched only across a thin partition
    cannot be walked to.

    The way from goal to start has the same length. Of ways of equal length the same one is always taken.

    Raises:
        IndexError: There is no such object.
    """
    leave = plan.goes_with[start] | plan.goes_with[goal]
    leave[[start, goal]] = True
    others = [o for o, gone in zip(plan.objects, leave, strict=True) if o is not None and not gone]
    obstacles = [*others, *plan.walls]
    touches, ends = [], []
    for end in (start, goal):
        touch = _can_touch(plan, end, obstacles)
        # One gets at a lamp across the edge of the table that it stands on.
        between = [
            plan.footprints[k]
            for k in np.flatnonzero(~leave & ~plan.goes_with[:, end])
            if touch and plan.objects[k] is not None
        ]
        touches.append(touch)
        ends.append(
            Terminal(
                footprint=plan.footprints[end],
                reach_m=plan.radius_m + plan.touch_m if touch else plan.reach_m,
                not_across=shapely.union_all(between),
            )
        )
    length, points = shortest(ends[0], ends[1], obstacles, outline=plan.outline)
    return Way(length_m=length, points_m=points, touches=(touches[0], touches[1]))


def way_lengths_m(plan: FloorPlan, pairs: Sequence[tuple[int, int]]) -> tuple[Array, Flags]:
    """Lengths (p,) of the ways between pairs of objects, inf where there is none, and whether both ends touch, (p,)."""
    ways = [way(plan, start, goal) for start, goal in pairs]
    return np.array([w.length_m for w in ways]), np.array([all(w.touches) for w in ways], dtype=bool)


def turns_deg(points_m: Array, *, step_m: float = 0.3) -> Array:
    """Turns of somebody who walks along points (k, 2): degrees, positive to the left, in order.

    Bends to one side with less than ``step_m`` between them, as on a rounded corner, are one turn. Bends of less than
    a millionth of a degree are none.

    Args:
        points_m: As in `Way`.
        step_m: Length of a short step.
    """
    legs = np.diff(points_m, axis=0)
    legs = legs[np.hypot(*legs.T) > 1e-9] if len(legs) else legs
    if len(legs) < 2:
        return np.zeros(0)
    heading = np.degrees(np.arctan2(legs[:, 1], legs[:, 0]))
    bends = (np.diff(heading) + 180.0) % 360.0 - 180.0
    turns: list[float] = []
    between = math.inf
    for bend, after in zip(bends, np.hypot(*legs[1:].T), strict=True):
        if abs(bend) >= 1e-6:
            if turns and between < step_m and turns[-1] * bend > 0:
                turns[-1] += float(bend)
            else:
                turns.append(float(bend))
            between = 0.0
        between += float(after)
    return np.array(turns)


def _can_touch(plan: FloorPlan, index: int, obstacles: Sequence[Obstacle]) -> bool:
    """Whether there is a spot where the walker fits beside the object, near enough to it."""
    near = plan.footprints[index].buffer(plan.radius_m + plan.touch_m).intersection(plan.outline)
    own = plan.objects[index]
    shapes = np.array([o.polygon for o in [*obstacles, own] if o is not None], dtype=object)
    shapes = shapes[shapely.intersects(shapes, near)] if len(shapes) else shapes
    return bool(shapely.area(shapely.difference(near, shapely.union_all(shapes))) > 1e-6)
