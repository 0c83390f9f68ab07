"""Grids over the plan of a scan: which cells a mesh covers, and outlines of what is marked on a grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

_CHUNK = 1 << 21
"""Cells or samples that are held at once."""
_MOST_SAMPLES = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Square cells over the xy plane; cell (i, j) has its centre at ``origin_m + (i + 0.5, j + 0.5) * cell_m``, turned."""

    turn_rad: float
    """Of the grid's first axis against world x, counter-clockwise."""
    origin_m: tuple[float, float]
    """Corner, in turned coordinates."""
    cell_m: float
    shape: tuple[int, int]

    def local(self, xy_m: Floats) -> Floats:
        """Turned coordinates of world points, (..., 2), m."""
        c, s = math.cos(self.turn_rad), math.sin(self.turn_rad)
        x, y = xy_m[..., 0], xy_m[..., 1]
        return np.stack([c * x + s * y, c * y - s * x], -1)

    def cells(self, xy_m: Floats) -> Floats:
        """The same counted in cells from the origin: cell i covers [i, i + 1)."""
        counted: Floats = (self.local(xy_m) - self.origin_m) / self.cell_m
        return counted

    def world(self, cells: Floats) -> Floats:
        """World points of places counted in cells, (..., 2), m."""
        c, s = math.cos(self.turn_rad), math.sin(self.turn_rad)
        x, y = np.moveaxis(cells * self.cell_m + self.origin_m, -1, 0)
        return np.stack([c * x - s * y, s * x + c * y], -1)


def covered(grid: Grid, triangles_m: Floats) -> Flags:
    """Cells whose centre lies under or over one of the triangles (m, 3, 3)."""
    marks = np.zeros(grid.shape, np.bool_)
    corners = grid.cells(triangles_m[:, :, :2]) - 0.5  # centres have whole numbers
    limit = np.array(grid.shape) - 1
    low = np.maximum(np.ceil(corners.min(1)), 0)
    high = np.minimum(np.floor(corners.max(1)), limit)
    size = np.maximum(high - low + 1, 0).astype(np.intp)
    count = size[:, 0] * size[:, 1]
    use = np.flatnonzero(count)
    low = low[use].astype(np.intp)
    corners, size, count = corners[use], size[use], count[use]
    edge = np.roll(corners, -1, axis=1) - corners
    for part, offset in _chunks(count):
        own = low[part]
        i, j = own[:, 0] + offset // size[part, 1], own[:, 1] + offset % size[part, 1]
        inside = _left_of(corners, edge, part, i, j)
        marks[i[inside], j[inside]] = True
    return marks


def _left_of(corners: Floats, edge: Floats, part: Ints, i: Ints, j: Ints) -> Flags:
    """Whether the points lie on the same side of all three edges."""
    positive, negative = np.ones(len(part), np.bool_), np.ones(len(part), np.bool_)
    for k in range(3):
        side = edge[part, k, 0] * (j - corners[part, k, 1]) - edge[part, k, 1] * (i - corners[part, k, 0])
        positive &= side >= 0
        negative &= side <= 0
    return positive | negative


def surface_samples(grid: Grid, triangles_m: Floats) -> tuple[Ints, Floats]:
    """Points spread over the triangles (m, 3, 3), no farther apart than about a cell: flat cell number and z, (n,).

    Points outside of the grid are left out.
    """
    longest = np.linalg.norm(triangles_m - np.roll(triangles_m, 1, axis=1), axis=2).max(1)
    steps = np.maximum(np.ceil(longest / grid.cell_m), 1)
    excess = float((steps**2).sum()) / _MOST_SAMPLES
    if excess > 1:
        steps = np.maximum(np.floor(steps / math.sqrt(excess)), 1)
    steps = steps.astype(np.intp)
    corners = np.concatenate([grid.cells(triangles_m[:, :, :2]), triangles_m[:, :, 2:]], 2)
    start, first, second = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    cells, heights = [], []
    for part, offset in _chunks(steps**2):
        # Each triangle is cut into steps² equal ones; a point in the middle of each.
        n = steps[part]
        row = np.floor(np.sqrt(offset)).astype(np.intp)
        place = offset - row**2
        down = place % 2
        u = (row - place // 2 - down + np.where(down, 2 / 3, 1 / 3)) / n
        v = (place // 2 + np.where(down, 2 / 3, 1 / 3)) / n
        at = start[part] + u[:, None] * first[part] + v[:, None] * second[part]
        i, j = np.floor(at[:, 0]), np.floor(at[:, 1])
        within = (i >= 0) & (j >= 0) & (i < grid.shape[0]) & (j < grid.shape[1])
        cells.append((i[within] * grid.shape[1] + j[within]).astype(np.intp))
        heights.append(at[within, 2])
    if not cells:
        return np.zeros(0, np.intp), np.zeros(0)
    return np.concatenate(cells), np.concatenate(heights)


def _chunks(count: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Owner and running number within the owner of all items, some at a time, where item k has ``count[k]`` of them."""
    ends = np.cumsum(count)
    start, total = 0, int(ends[-1]) if len(ends) else 0
    while start < total:
        stop = min(total, start + _CHUNK)
        item = np.arange(start, stop)
        owner = np.searchsorted(ends, item, side="right")
        yield owner, item - (ends[owner] - count[owner])
        start = stop


def outlines(grid: Grid, marks: npt.NDArray[np.float32]) -> list[shapely.Polygon]:
    """Polygons, with holes, in world xy where the values at the cells' centres exceed one half: marching squares.

    The border between two cells lies where their values, taken to change evenly, pass one half.
    """
    f = np.pad(marks, 1).astype(np.float64)
    above = f > 0.5
    case = above[:-1, :-1] + 2 * above[1:, :-1] + 4 * above[1:, 1:] + 8 * above[:-1, 1:]
    squares = np.argwhere((case > 0) & (case < 15))
    kinds = case[squares[:, 0], squares[:, 1]]
    pieces = []
    for kind, sides in _SIDES.items():
        at = squares[kinds == kind]
        for first, second in sides:
            pieces.append(np.stack([_crossing(f, at, first), _crossing(f, at, second)], 1))
    if not len(squares):
        return []
    # Padded by one, and values sit at the middle of cells.
    lines = shapely.linestrings(np.concatenate(pieces))
    rings = shapely.get_parts(shapely.polygonize(lines.tolist()))
    # Polygonize gives the holes as polygons too; what lies inside of one tells them apart.
    inner = shapely.get_coordinates(shapely.point_on_surface(rings))
    filled = np.floor(inner + 0.5).astype(np.intp)
    keep = [ring for ring, (i, j) in zip(rings, filled, strict=True) if f[i, j] > 0.5]
    return [shapely.orient_polygons(shapely.transform(p, lambda xy: grid.world(xy - 0.5))) for p in keep]


# Sides of a square: 0 from corner (0, 0) to (1, 0), 1 from (1, 0) to (1, 1), 2 from (0, 1) to (1, 1), 3 from (0, 0) to
# (0, 1). At a saddle the marked corners are kept apart.
_ENDS = (((0, 0), (1, 0)), ((1, 0), (1, 1)), ((0, 1), (1, 1)), ((0, 0), (0, 1)))
_SIDES: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 3),),
    2: ((0, 1),),
    3: ((1, 3),),
    4: ((1, 2),),
    5: ((0, 3), (1, 2)),
    6: ((0, 2),),
    7: ((2, 3),),
    8: ((2, 3),),
    9: ((0, 2),),
    10: ((0, 1), (2, 3)),
    11: ((1, 2),),
    12: ((1, 3),),
    13: ((0, 1),),
    14: ((0, 3),),
}


def _crossing(f: Floats, squares: Ints, side: int) -> Floats:
    """Where the value passes one half on a side of each square, (n, 2), in squares."""
    (ai, aj), (bi, bj) = _ENDS[side]
    a = f[squares[:, 0] + ai, squares[:, 1] + aj]
    b = f[squares[:, 0] + bi, squares[:, 1] + bj]
    share = (0.5 - a) / (b - a)
    start = squares + np.array([ai, aj])
    point: Floats = start + share[:, None] * np.array([bi - ai, bj - aj])
    return point
