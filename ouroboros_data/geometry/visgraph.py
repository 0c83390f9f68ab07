"""The taut string between two convex footprints past convex obstacles; see `paths`, which says what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from ouroboros_data.geometry.boxes import Array
from ouroboros_data.geometry.convex import edge_half_planes

Flags = npt.NDArray[np.bool_]

ARC_STEPS = 32
"""Points a full turn that rounded corners are drawn with."""
SLACK_M = 1e-7
"""A string may run this deep through an obstacle, so that it can lie along one."""
_ROWS = 64  # nodes whose sight lines are looked at in one pass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Obstacle:
    """A convex polygon that no centre of a walker may enter."""

    corners_m: Array
    """(m, 2) counter-clockwise."""
    normals: Array
    """(m, 2) outward, of the edges from each corner to the next."""
    offsets_m: Array
    """(m,)."""
    polygon: shapely.Polygon


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terminal:
    """Where a string starts or ends."""

    footprint: shapely.Polygon
    reach_m: float
    """Length of the straight end piece that may pass through widened obstacles."""
    not_across: shapely.Geometry
    """What the end piece may not cross: things as they are, not widened."""


def widened(points_m: Array, radius_m: float) -> Obstacle:
    """The convex hull of points (k, 2) in order, and of all that is within ``radius_m`` of it.

    Its long edges are exact, its rounded corners have `ARC_STEPS` points a turn on the circle.
    """
    turn = 2 * np.pi * np.arange(ARC_STEPS) / ARC_STEPS
    normals, _ = edge_half_planes(points_m)
    around = np.concatenate([np.stack([np.cos(turn), np.sin(turn)], 1), normals[np.abs(normals).max(1) > 0]])
    ring = (points_m[:, None] + radius_m * around).reshape(-1, 2)
    hull = shapely.convex_hull(shapely.multipoints(ring))
    corners = shapely.get_coordinates(shapely.orient_polygons(hull))[:-1]
    corners = corners[np.hypot(*(corners - np.roll(corners, 1, 0)).T) > 1e-9]
    normals, offsets = edge_half_planes(corners)
    return Obstacle(corners_m=corners, normals=normals, offsets_m=offsets, polygon=shapely.Polygon(corners))


def shortest(
    start: Terminal,
    goal: Terminal,
    obstacles: Sequence[Obstacle],
    *,
    outline: shapely.Polygon,
) -> tuple[float, Array]:
    """Length and points (k, 2) of the shortest string, from edge to edge; inf and (0, 2) where there is none.

    Args:
        start: One end.
        goal: The other.
        obstacles: All that the string may have to go round, widened.
        outline: The floor; no corner of the string lies outside.
    """
    # What is near an end decides which end pieces are allowed, so it is there from the first.
    near = [end.footprint.buffer(end.reach_m) for end in (start, goal)]
    used = [i for i, o in enumerate(obstacles) if any(shapely.intersects(o.polygon, zone) for zone in near)]
    while True:
        length, points, solid = _through(start, goal, [obstacles[i] for i in used], outline)
        if not np.isfinite(length):
            return length, points
        hit = [
            i
            for i, obstacle in enumerate(obstacles)
            if i not in used and _enters(solid[:, 0], solid[:, 1], obstacle).any()
        ]
        if not hit:
            return length, points
        used += hit


def _through(
    start: Terminal,
    goal: Terminal,
    obstacles: list[Obstacle],
    outline: shapely.Polygon,
) -> tuple[float, Array, Array]:
    """Length, points and the pieces (k, 2, 2) that must be clear of the shortest string past these obstacles."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    line = shapely.get_coordinates(shapely.shortest_line(start.footprint, goal.footprint))
    straight = float(np.hypot(*(line[1] - line[0])))
    if straight == 0.0:
        return 0.0, line[:1], np.zeros((0, 2, 2))
    middle = _part_between(line, start.reach_m, goal.reach_m)
    allowed = shapely.contains_xy(outline, middle.reshape(-1, 2)).all()
    allowed &= _ends_clear(line[None], start, outline)[0] & _ends_clear(line[None, ::-1], goal, outline)[0]
    if allowed and not any(_enters(middle[:, 0], middle[:, 1], o).any() for o in obstacles):
        return straight, line, middle  # nothing is shorter
    nodes, owner, before, after = _nodes(start, goal, obstacles, outline)
    n = len(nodes)
    i, j = _sights(nodes, owner, before, after, obstacles)
    weight = [np.hypot(*(nodes[i] - nodes[j]).T)]
    rows, columns = [i], [j]
    legs = []
    for number, terminal in ((n, start), (n + 1, goal)):
        leg = _legs(nodes, terminal)
        legs.append(leg)
        length = np.hypot(*(leg[:, 0] - leg[:, 1]).T)
        share = np.minimum(1.0, terminal.reach_m / np.maximum(length, 1e-12))[:, None]
        stand = leg[:, 1] + share * (leg[:, 0] - leg[:, 1])
        good = ~_enters_any(leg[:, 0], stand, obstacles) & _ends_clear(leg[:, ::-1], terminal, outline)
        at = np.flatnonzero(good)
        rows.append(at)
        columns.append(np.full(len(at), number))
        weight.append(length[at])
    # csgraph takes an entry of 0 for no edge.
    graph = csr_array(
        (np.maximum(np.concatenate(weight), 1e-12), (np.concatenate(rows), np.concatenate(columns))),
        shape=(n + 2, n + 2),
    )
    total, previous = dijkstra(graph, directed=False, indices=n, return_predecessors=True)
    if not np.isfinite(total[n + 1]):
        return np.inf, np.zeros((0, 2)), np.zeros((0, 2, 2))
    chain = [int(previous[n + 1])]
    while previous[chain[-1]] != n:
        chain.append(int(previous[chain[-1]]))
    chain.reverse()
    bends = nodes[chain]
    points = np.concatenate([legs[0][chain[0], 1:], bends, legs[1][chain[-1], 1:]])
    solid = np.stack([points[1:-2], points[2:-1]], 1)
    first = _part_between(points[[0, 1]], start.reach_m, 0.0)
    last = _part_between(points[[-1, -2]], goal.reach_m, 0.0)
    return float(np.hypot(*np.diff(points, axis=0).T).sum()), points, np.concatenate([first, solid, last])


def _nodes(
    start: Terminal, goal: Terminal, obstacles: list[Obstacle], outline: shapely.Polygon
) -> tuple[Array, npt.NDArray[np.intp], Array, Array]:
    """Where a string may bend: points (n, 2), their obstacles or -1, and the corners before and after them.

    Those are the obstacles' corners, and where an obstacle's edge crosses the limit of an end piece's reach.
    """
    points, owner, before, after = (
        [np.zeros((0, 2))],
        [np.zeros(0, np.intp)],
        [np.zeros((0, 2))],
        [np.zeros((0, 2))],
    )
    for number, obstacle in enumerate(obstacles):
        points.append(obstacle.corners_m)
        owner.append(np.full(len(obstacle.corners_m), number))
        before.append(np.roll(obstacle.corners_m, 1, 0))
        after.append(np.roll(obstacle.corners_m, -1, 0))
    for terminal in (start, goal):
        corners = shapely.get_coordinates(shapely.orient_polygons(terminal.footprint))[:-1]
        limit = widened(corners, terminal.reach_m).polygon.exterior
        rings = np.array([o.polygon.exterior for o in obstacles], dtype=object)
        crossing = (
            shapely.get_coordinates(shapely.intersection(rings, limit)) if len(rings) else np.zeros((0, 2))
        )
        points.append(crossing)
        owner.append(np.full(len(crossing), -1))
        before.append(crossing)
        after.append(crossing)
    at, whose = np.concatenate(points), np.concatenate(owner)
    keep = shapely.contains_xy(outline, at)
    for obstacle in obstacles:
        depth = (at @ obstacle.normals.T - obstacle.offsets_m).max(1)
        keep &= depth >= -SLACK_M
    return at[keep], whose[keep], np.concatenate(before)[keep], np.concatenate(after)[keep]


def _sights(
    nodes: Array,
    owner: npt.NDArray[np.intp],
    before: Array,
    after: Array,
    obstacles: Sequence[Obstacle],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of nodes that a taut string may join: tangent at both ends, and nothing between."""
    found = []
    for start in range(0, len(nodes), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(nodes)))
        i, j = (index.ravel() for index in np.meshgrid(rows, np.arange(start, len(nodes)), indexing="ij"))
        i, j = i[i < j], j[i < j]
        taut = _tangent(nodes, owner, before, after, i, j)
        i, j = i[taut], j[taut]
        taut = _tangent(nodes, owner, before, after, j, i)
        i, j = i[taut], j[taut]
        clear = ~_enters_any(nodes[i], nodes[j], obstacles)
        found.append((i[clear], j[clear]))
    none = np.zeros(0, np.intp)
    return np.concatenate([none, *(i for i, _ in found)]), np.concatenate([none, *(j for _, j in found)])


def _tangent(
    nodes: Array,
    owner: npt.NDArray[np.intp],
    before: Array,
    after: Array,
    at: npt.NDArray[np.intp],
    to: npt.NDArray[np.intp],
) -> Flags:
    """Whether the line from node ``at`` to node ``to`` leaves the obstacle of ``at`` on one side: only then is it taut."""
    way = nodes[to] - nodes[at]
    back, on = before[at] - nodes[at], after[at] - nodes[at]
    side_back = way[:, 0] * back[:, 1] - way[:, 1] * back[:, 0]
    side_on = way[:, 0] * on[:, 1] - way[:, 1] * on[:, 0]
    one_side = (side_back >= -1e-12) & (side_on >= -1e-12) | (side_back <= 1e-12) & (side_on <= 1e-12)
    taut: Flags = one_side | (owner[at] < 0)
    return taut


def _legs(nodes: Array, terminal: Terminal) -> Array:
    """(n, 2, 2) from each node to the nearest point of the footprint."""
    if not len(nodes):
        return np.zeros((0, 2, 2))
    lines = shapely.shortest_line(shapely.points(nodes), terminal.footprint)
    legs: Array = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    return legs


def _ends_clear(lines: Array, terminal: Terminal, outline: shapely.Polygon) -> Flags:
    """Whether the end pieces of lines (n, 2, 2), which start at the footprint, cross no wall and no furniture."""
    if not len(lines):
        return np.zeros(0, bool)
    length = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    share = np.minimum(1.0, terminal.reach_m / np.maximum(length, 1e-12))[:, None]
    pieces = shapely.linestrings(
        np.stack([lines[:, 0], lines[:, 0] + share * (lines[:, 1] - lines[:, 0])], 1)
    )
    indoors = shapely.contains_xy(outline, lines[:, 0])
    # Lengths tell crossing from touching; a piece along an edge of the outline or of furniture is clear.
    inner = shapely.length(shapely.intersection(pieces, outline))
    clear: Flags = ~indoors | (shapely.length(pieces) - inner <= 2 * SLACK_M)
    clear &= shapely.length(shapely.intersection(pieces, terminal.not_across)) <= 2 * SLACK_M
    return clear


def _part_between(line: Array, from_start_m: float, from_end_m: float) -> Array:
    """(1, 2, 2) a line (2, 2) without its ends of these lengths; (0, 2, 2) where nothing is left."""
    length = float(np.hypot(*(line[1] - line[0])))
    if length <= from_start_m + from_end_m:
        return np.zeros((0, 2, 2))
    unit = (line[1] - line[0]) / length
    return np.stack([line[0] + from_start_m * unit, line[1] - from_end_m * unit])[None]


def _enters_any(start: Array, end: Array, obstacles: Sequence[Obstacle]) -> Flags:
    blocked = np.zeros(len(start), bool)
    for obstacle in obstacles:
        rest = np.flatnonzero(~blocked)
        blocked[rest] = _enters(start[rest], end[rest], obstacle)
    return blocked


def _enters(start: Array, end: Array, obstacle: Obstacle) -> Flags:
    """Whether segments from (n, 2) to (n, 2) pass through an obstacle's inside (clipping of Cyrus and Beck)."""
    beyond = start @ obstacle.normals.T - obstacle.offsets_m + SLACK_M
    speed = (end - start) @ obstacle.normals.T
    parallel = np.abs(speed) < 1e-15
    at = -beyond / np.where(parallel, 1.0, speed)
    enter = np.where(~parallel & (speed < 0), at, 0.0).max(1, initial=0.0)
    leave = np.where(~parallel & (speed > 0), at, 1.0).min(1, initial=1.0)
    inside: Flags = (enter < leave) & ~(parallel & (beyond > 0)).any(1)
    return inside
