"""Formulas of walls and ways on foot: walls are probed, ways are sought on a grid."""

from __future__ import annotations

import functools
import math
import re

import numpy as np
import numpy.typing as npt
import shapely
from oracle_registry import (
    Case,
    Truth,
    Within,
    corners,
    footprint,
    length_width_height,
    oracle,
    plan_gap_m,
)
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from ouroboros_data.types import Scene, SceneObject

CELL_M = 0.1
WALKER_M = 0.25
OPEN = frozenset("blinds ceiling curtain door doorframe doorway floor room wall window windowsill".split())
STEPS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))


def floor_z(scene: Scene) -> float:
    """Of procedural rooms: everything that stands, stands at the lowest underside."""
    return min(float(corners(o)[:, 2].min()) for o in scene.objects)


def straight_walls(scene: Scene) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Edges of an outline without ragged bits."""
    ring = [np.array(p) for p in scene.room.floor_polygon_m]
    return [(ring[k], ring[(k + 1) % len(ring)]) for k in range(len(ring))]


def longest_free_m(scene: Scene) -> float:
    """Sticks of 0.65 m are held across each wall, 0.15 m of it outside, and moved along till they touch something."""
    level = floor_z(scene)
    things = shapely.union_all(
        [
            footprint(o)
            for o in scene.objects
            if corners(o)[:, 2].min() < level + 0.5 and corners(o)[:, 2].max() > level + 0.1
        ]
    )
    shapely.prepare(things)
    inside = shapely.Polygon(scene.room.floor_polygon_m)
    longest = 0.0
    for start, end in straight_walls(scene):
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        across = np.array([-along[1], along[0]])
        if not inside.contains(shapely.Point((start + end) / 2 + 0.01 * across)):
            across = -across

        def touches(s: float) -> bool:
            at = start + s * along  # noqa: B023
            stick = shapely.LineString([at - 0.15 * across, at + 0.5 * across])  # noqa: B023
            return bool(things.intersects(stick))

        grid = np.linspace(0.0, length, max(2, math.ceil(length / 0.02)) + 1)
        hit = [touches(s) for s in grid]
        # A stretch begins and ends where touching does.
        borders = [0.0] if not hit[0] else []
        for k in range(1, len(grid)):
            if hit[k] != hit[k - 1]:
                low, high = grid[k - 1], grid[k]
                for _ in range(40):
                    mid = (low + high) / 2
                    low, high = (mid, high) if touches(mid) == hit[k - 1] else (low, mid)
                borders.append(float(low))
        if not hit[-1]:
            borders.append(length)
        longest = (
            max([longest, *(b - a for a, b in zip(borders[::2], borders[1::2], strict=True))])
            if borders
            else longest
        )
    return longest


@oracle("longest_wall")
def longest_wall(case: Case) -> Truth:
    assert "longest" in case.text or "greatest" in case.text
    return max(float(np.linalg.norm(end - start)) for start, end in straight_walls(case.scene))


@oracle("free_wall_length")
def free_wall_length(case: Case) -> Truth:
    assert "within half a meter of the wall" in case.text
    found = longest_free_m(case.scene)
    return Within(low=found - 1e-3, high=found + 1e-3)


@oracle("fits_at_wall")
def fits_at_wall(case: Case) -> Truth:
    (items,) = case.named(
        r"longer than (.+?)(?:, side by side)?, measured along",
        r"the length for (.+?)(?:, side by side)?, along",
        r"the size of (.+) be put against",
        r"^Measure (.+) along (?:its|their)",
        r"would (.+) find room",
    )
    names = [re.sub(r"^the ", "", part) for part in re.split(r", | and ", items)]
    assert ("side by side" in case.text) == (len(names) > 1)
    return longest_free_m(case.scene) > sum(length_width_height(case.one(name))[0] for name in names)


@functools.lru_cache(maxsize=2)
def grid_of(
    scene: Scene,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], dict[str, npt.NDArray[np.bool_]]]:
    """Cells (h, w, 2), which of them keep clear of the walls, and what each obstacle takes away."""
    outline = shapely.Polygon(scene.room.floor_polygon_m)
    x0, y0, x1, y1 = outline.bounds
    cells = np.stack(np.meshgrid(np.arange(x0, x1, CELL_M), np.arange(y0, y1, CELL_M)), -1)
    xs, ys = cells[..., 0].ravel(), cells[..., 1].ravel()

    def within(shape: shapely.Geometry) -> npt.NDArray[np.bool_]:
        shapely.prepare(shape)
        found: npt.NDArray[np.bool_] = shapely.contains_xy(shape, xs, ys).reshape(cells.shape[:2])
        return found

    level = floor_z(scene)
    taken = {}
    for o in scene.objects:
        low, high = corners(o)[:, 2].min() - level, corners(o)[:, 2].max() - level
        passable = o.category in OPEN or o.category.rpartition(" ")[2] in OPEN
        if high > 0.1 and low < 1.8 and not passable:
            taken[o.id] = within(footprint(o).buffer(WALKER_M))
    return cells, within(outline.buffer(-WALKER_M)), taken


def way_m(scene: Scene, a: SceneObject, b: SceneObject, *, beyond_m: float = CELL_M) -> float:
    """Shortest way over a grid with steps in 16 directions, which is up to 3 % too long; inf where there is none.

    The spot beside an object may fall between cells: with ``beyond_m`` it may be so much farther off.
    """
    cells, clear, taken = grid_of(scene)
    free = clear.copy()
    first, second = footprint(a), footprint(b)
    for o in scene.objects:
        shape = footprint(o)
        goes_along = any(shape.intersection(end).area >= 0.5 * shape.area for end in (first, second))
        if o.id in taken and not goes_along:
            free &= ~taken[o.id]
    points = shapely.points(cells)
    starts, goals = (np.where(free, shapely.distance(points, end), np.inf) for end in (first, second))
    index = np.arange(free.size).reshape(free.shape)
    rows, columns, costs = [], [], []
    for dy, dx in STEPS:
        here = (slice(0, free.shape[0] - dy), slice(max(-dx, 0), free.shape[1] - max(dx, 0)))
        there = (slice(dy, None), slice(max(dx, 0), free.shape[1] - max(-dx, 0)))
        both = free[here] & free[there]
        rows.append(index[here][both])
        columns.append(index[there][both])
        costs.append(np.full(int(both.sum()), CELL_M * math.hypot(dx, dy)))
    # Two more nodes: the edges of the two footprints, within reach of the walker's skin.
    for ends, node in ((starts, free.size), (goals, free.size + 1)):
        reach = ends <= WALKER_M + 0.1 + beyond_m
        rows.append(np.full(int(reach.sum()), node))
        columns.append(index[reach])
        costs.append(ends[reach])
    graph = coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(free.size + 2,) * 2
    ).tocsr()
    return float(dijkstra(graph, directed=False, indices=free.size)[free.size + 1])


@oracle("walking_distance")
def walking_distance(case: Case) -> Truth:
    a, b = case.named(
        r"edge of the (.+) to the edge of the (.+), by the shortest",
        r"on foot between the (.+) and the (.+), from edge",
        r"beside the (.+) to beside the (.+) and takes",
        r"edges of the (.+) and the (.+) if you",
        r"edge of the (.+), the way on foot to the edge of the (.+) is to be",
    )
    first, second = case.one(a), case.one(b)
    loose, strict = (way_m(case.scene, first, second, beyond_m=beyond) for beyond in (CELL_M, 0.0))
    return Within(low=max(plan_gap_m(first, second) - 1e-6, 0.95 * loose - 0.15), high=strict + 0.05)


@oracle("walking_nearest")
def walking_nearest(case: Case) -> Truth:
    start, items = case.named(
        r"edge of the (.+), to which of these is the way shortest: (.+)\?$",
        r"^From the (.+), somebody .* furniture to (.+), from edge",
        r"stands beside the (.+)\. Which .*: (.+)\?$",
        r"edge of the (.+) to the edges of these: (.+)\. Which",
        r"is it (?P<b>.+) that is reached from the (?P<a>.+) by the",
    )
    names = [re.sub(r"^the ", "", part) for part in re.split(r", | or ", items)]
    assert sorted(names) == sorted(case.question.options)
    return min(names, key=lambda name: way_m(case.scene, case.one(start), case.one(name)))
