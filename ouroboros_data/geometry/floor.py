"""Floor area, outline and height of a scanned space, from its mesh.

The plan is a grid of cells. A cell is floor where floor was seen, where furniture stands over it, or where the walls
and the rest of the floor close around it. Cells are judged by their centres, so the area has no bias by half a cell at
its border; the grid is turned against the walls, so that no wall runs along a row of centres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.plan import (
    Flags,
    Floats,
    Grid,
    covered,
    outlines,
    surface_samples,
)
from ouroboros_data.types import Vec2

CELL_M = 0.025
_MOST_CELLS = 6_000_000  # a larger plan gets larger cells
_REACH_M, _MARGIN_M = 3.0, 0.4  # furniture that hides the floor to its end is hardly deeper
_WIDEST_M = 200
_GRID_TURN_RAD = math.pi / 8
_FARTHEST_M = 1e5
_LEVEL_BIN_M, _LEVEL_WINDOW = 0.02, 5
_LEVEL_SHARE = 0.1
_BELOW_M, _ABOVE_M = 0.3, 0.12  # of the floor's level: what still is floor, with the drift of a long scan
_LEVEL_FACE, _UP_FACE, _WALL_FACE = 0.7, 0.7, 0.5  # |z| of the unit normal
_FURNITURE_TOP_M = 2.2
_WALL_FOOT_M = 0.3
_TOP_BAND_M = 0.35
_DEEP_CELLS, _EDGE_CELLS, _GAP_CELLS, _THIN_CELLS = 2.5, 3, 2, 6
_HIGH_SHARE = 0.6
_SEED_M2, _PART_M2, _PART_SHARE = 0.5, 1.0, 0.02
_OPEN_SHARE = 0.2
_CEILING_LEAST_M, _CEILING_SHARE = 1.8, 0.2
_SIMPLIFY_M = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The floor of a scanned space; rings are closed, first point not repeated, counter-clockwise."""

    area_m2: float
    """Of all parts, without what walls enclose on all sides."""
    outline_m: tuple[Vec2, ...]
    """Ring of the largest part, world xy."""
    parts: tuple[tuple[Vec2, ...], ...]
    """Rings of all parts, the largest first."""
    floor_z_m: float
    height_m: float | None
    """Floor to ceiling; None where too little of a ceiling was scanned."""


def floor_outline(vertices_m: npt.ArrayLike, faces: npt.ArrayLike) -> Floor:
    """Floor polygons, area and height of a scanned space.

    The floor's level is the lowest of the large level surfaces. Its plan is put together from

    1. faces at that level, and upward faces of furniture over it (up to 2.2 m), where these hang together with
       at least 0.5 m² of floor and no wall that reaches the top of the walls runs between: sills and what was seen
       through windows lie behind one;
    2. gaps that floor, furniture and walls close around. A gap with a border of walls up to their top on more than
       80 % of its length is the inside of a wall, a shaft or a room that was not scanned, and stays out.

    Parts below 1 m², or below 2 % of the largest, are left out. Furniture whose top was not seen counts only where
    the wall was seen behind or above it.

    Args:
        vertices_m: (n, 3), world +z up. Faces at vertices that are not finite are left out.
        faces: (m, 3) indices of vertices.

    Raises:
        SceneError: The arrays are no mesh, or there is no floor in it.
    """
    triangles = _triangles(vertices_m, faces)
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    double_area = np.linalg.norm(cross, axis=1)
    solid = double_area > 1e-12
    triangles, cross, double_area = triangles[solid], cross[solid], double_area[solid]
    up = cross[:, 2] / double_area
    middle_z = triangles[:, :, 2].mean(1)
    plan_area = np.abs(cross[:, 2]) / 2

    floor_z = _floor_level(middle_z, plan_area, np.abs(up) > _LEVEL_FACE)
    height = middle_z - floor_z
    level = np.abs(up) > _LEVEL_FACE
    at_floor = level & (height > -_BELOW_M) & (height < _ABOVE_M)
    facing = _facing(up[at_floor], plan_area[at_floor])
    floor_z += _median(height[at_floor], plan_area[at_floor])
    height = middle_z - floor_z
    seen_m2 = float(plan_area[at_floor].sum())
    ceiling_m = _ceiling(height, plan_area, level & (facing * up <= 0 if facing else level), seen_m2)

    wall = np.abs(up) < _WALL_FACE
    top = min(_FURNITURE_TOP_M, ceiling_m - 0.2 if ceiling_m else math.inf)
    over = (facing * up if facing else np.abs(up)) > _UP_FACE
    over &= (height >= _ABOVE_M) & (height < top)
    grid = _grid(
        triangles[at_floor], plan_area[at_floor], triangles[over], _heading(cross[wall], double_area[wall])
    )
    floor = covered(grid, triangles[at_floor])
    furniture = covered(grid, triangles[over])
    walls, tall, high = _walls(grid, triangles[wall], floor_z, ceiling_m)

    inside = _inside(grid, floor, furniture, walls, tall, high)
    smooth = ndimage.gaussian_filter(inside.astype(np.float32), 1.0, mode="constant")
    polygons = outlines(grid, smooth)
    polygons = sorted(polygons, key=lambda p: (-p.area, p.bounds))
    least = max(_PART_M2, _PART_SHARE * polygons[0].area) if polygons else _PART_M2
    polygons = [p for p in polygons if p.area >= least]
    if not polygons:
        raise SceneError(
            f"no floor: no level surface of {_PART_M2:g} m² at the bottom of the mesh",
            where="mesh",
            fix="check that +z is up and that units are metres",
        )
    rings = tuple(
        tuple((float(x), float(y)) for x, y in p.exterior.simplify(_SIMPLIFY_M).coords[:-1]) for p in polygons
    )
    return Floor(
        area_m2=float(sum(p.area for p in polygons)),
        outline_m=rings[0],
        parts=rings,
        floor_z_m=floor_z,
        height_m=ceiling_m,
    )


def _triangles(vertices_m: npt.ArrayLike, faces: npt.ArrayLike) -> Floats:
    """(m, 3, 3) corners of the faces that are finite, and not absurdly far out."""
    vertices, corners = np.asarray(vertices_m, np.float64), np.asarray(faces)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or corners.ndim != 2 or corners.shape[1] != 3:
        raise SceneError(
            f"vertices (n, 3) and faces (m, 3) expected, got {vertices.shape} and {corners.shape}",
            where="mesh",
        )
    if not len(corners) or not len(vertices):
        raise SceneError(
            "no floor: the mesh has no faces", where="mesh", fix="use the scan's mesh, not its points"
        )
    if corners.min() < 0 or corners.max() >= len(vertices):
        raise SceneError(
            f"faces name vertices {corners.min()} to {corners.max()}, there are {len(vertices)}", where="mesh"
        )
    triangles: Floats = vertices[corners]
    triangles = triangles[(np.abs(triangles) < _FARTHEST_M).all((1, 2))]  # not a number is not less
    if not len(triangles):
        raise SceneError(
            f"no floor: all faces are larger than {_FARTHEST_M:g} m, or not finite", where="mesh"
        )
    return triangles


def _floor_level(z: Floats, plan_area: Floats, level: Flags) -> float:
    """Height of the lowest large level surface: of the levels that hold a tenth of the largest one's area."""
    if not level.any():
        raise SceneError("no floor: no level faces", where="mesh", fix="check that +z is up")
    z, weight = z[level], plan_area[level]
    # What lies farther out than 1 in 10,000 of the area could make the histogram arbitrarily long.
    low, high = _quantile(z, weight, 1e-4) - 0.5, _quantile(z, weight, 1 - 1e-4) + 0.5
    near = (z >= low) & (z <= high)
    count = max(_LEVEL_WINDOW, min(100_000, math.ceil((high - low) / _LEVEL_BIN_M)))
    area, edges = np.histogram(z[near], count, (low, high), weights=weight[near])
    window = ndimage.uniform_filter1d(area, _LEVEL_WINDOW, mode="constant")
    first = int(np.flatnonzero(window >= _LEVEL_SHARE * window.max())[0])
    # The peak that this is the foot of.
    reach = max(1, round(0.2 / (edges[1] - edges[0])))
    peak = first + int(window[first : first + reach].argmax())
    return float((edges[peak] + edges[peak + 1]) / 2)


def _facing(up: Floats, weight: Floats) -> int:
    """Sign of the normals' z on the floor; 0 where the faces are wound both ways."""
    balance = float((np.sign(up) * weight).sum() / max(weight.sum(), 1e-12))
    return int(np.sign(balance)) if abs(balance) > 0.5 else 0


def _ceiling(height: Floats, plan_area: Floats, down: Flags, floor_m2: float) -> float | None:
    """Height of the largest level surface above head height, if it is large enough to be a ceiling."""
    high = down & (height > _CEILING_LEAST_M) & (height < _CEILING_LEAST_M + 20)
    if plan_area[high].sum() < _CEILING_SHARE * floor_m2:
        return None
    bins = np.floor((height[high] - _CEILING_LEAST_M) / _LEVEL_BIN_M).astype(np.intp)
    window = ndimage.uniform_filter1d(np.bincount(bins, plan_area[high]), _LEVEL_WINDOW, mode="constant")
    peak = int(window.argmax())
    if window[peak] * _LEVEL_WINDOW < _CEILING_SHARE * floor_m2:
        return None
    near = np.abs(bins - peak) <= _LEVEL_WINDOW // 2
    return _median(height[high][near], plan_area[high][near])


def _quantile(values: Floats, weight: Floats, share: float) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][min(int(np.searchsorted(total, share * total[-1])), len(values) - 1)])


def _median(values: Floats, weight: Floats) -> float:
    return _quantile(values, weight, 0.5)


def _heading(normals: Floats, area: Floats) -> float:
    """Direction that walls run in, rad. They face four ways: the mean of the fourfold angle is their heading."""
    heading = 4 * np.arctan2(normals[:, 1], normals[:, 0])
    return math.atan2(float((area * np.sin(heading)).sum()), float((area * np.cos(heading)).sum())) / 4


def _grid(floor: Floats, plan_area: Floats, furniture: Floats, heading_rad: float) -> Grid:
    """Grid over the floor's larger pieces and the furniture near them.

    It is turned against the walls by 22.5°, whose tangent is irrational.
    """
    turn = heading_rad + _GRID_TURN_RAD
    grid = Grid(turn_rad=turn, origin_m=(0.0, 0.0), cell_m=1.0, shape=(0, 0))
    corners, others = (grid.local(some[:, :, :2]) for some in (floor, furniture))
    if np.ptp(corners, axis=(0, 1)).prod() > _MOST_CELLS * CELL_M**2:
        corners = corners[_large_pieces(corners.mean(1), plan_area)]
    low, high = corners.min((0, 1)), corners.max((0, 1))
    if len(others):
        low = np.maximum(np.minimum(low, others.min((0, 1))), low - _REACH_M)
        high = np.minimum(np.maximum(high, others.max((0, 1))), high + _REACH_M)
    low, high = low - _MARGIN_M, high + _MARGIN_M
    cell = max(CELL_M, math.sqrt(float(np.prod(high - low)) / _MOST_CELLS))
    rows, columns = (math.ceil(float(side) / cell) for side in high - low)
    return Grid(turn_rad=turn, origin_m=(float(low[0]), float(low[1])), cell_m=cell, shape=(rows, columns))


def _large_pieces(places: Floats, plan_area: Floats) -> Flags:
    """Which faces are part of floor that is large enough, by blocks of 1 m: bits far away must not stretch the grid."""
    center = [_median(places[:, axis], plan_area) for axis in (0, 1)]
    blocks = np.floor(places - center) + _WIDEST_M
    near: Flags = np.all((blocks >= 0) & (blocks < 2 * _WIDEST_M), axis=1)
    i, j = blocks[near].astype(np.intp).T
    occupied = np.zeros((2 * _WIDEST_M, 2 * _WIDEST_M), np.bool_)
    occupied[i, j] = True
    piece = ndimage.label(occupied, np.ones((3, 3)))[0][i, j]
    area = np.bincount(piece, plan_area[near])
    near[near] = (area >= _PART_SHARE * area.max())[piece]
    return near


def _walls(
    grid: Grid, upright: Floats, floor_z: float, ceiling_m: float | None
) -> tuple[Flags, Flags, Flags]:
    """Cells with upright faces in them; those of them that reach the top of the walls; that reach 60 % of it."""
    cells, z = surface_samples(grid, upright)
    height = z - floor_z
    use = height > _WALL_FOOT_M
    if ceiling_m is not None:
        use &= height < ceiling_m - 0.1  # the ceiling's own roughness
    cells, height = cells[use], height[use]
    tops = np.full(grid.shape, -np.inf)
    np.maximum.at(tops.reshape(-1), cells, height)
    walls = np.isfinite(tops)
    if not walls.any():
        return walls, walls, walls
    top = float(np.quantile(tops[walls], 0.9))
    return walls, tops >= top - _TOP_BAND_M, tops >= _HIGH_SHARE * top


def _inside(grid: Grid, floor: Flags, furniture: Flags, walls: Flags, tall: Flags, high: Flags) -> Flags:
    """Cells of the floor, hidden ones among them."""
    # Upright faces are rough: a few of their bits look up. They are too small to survive an opening.
    solid = ndimage.binary_opening(furniture, np.ones((3, 3)))
    furniture = ndimage.binary_opening(furniture | floor, np.ones((3, 3))) & ~floor
    ground = floor | furniture
    # A lintel runs over the floor of a doorway; a wall only along the floor's edge.
    deep = ndimage.distance_transform_edt(floor) > _DEEP_CELLS
    barrier = ndimage.binary_closing(tall, iterations=_GAP_CELLS) & ~deep
    pieces, count = ndimage.label(ground & ~barrier)
    seeds = ndimage.sum_labels(floor, pieces, np.arange(count + 1)) * grid.cell_m**2 >= _SEED_M2
    seeds[0] = False
    kept = seeds[pieces]
    # The middle of a wall's band of cells is its surface: what was seen on the near half is inside.
    kept |= (floor | (solid & barrier)) & ndimage.binary_dilation(kept, iterations=_EDGE_CELLS)
    return _filled(kept, walls, tall, high)


def _filled(kept: Flags, walls: Flags, tall: Flags, high: Flags) -> Flags:
    """``kept`` with the gaps that it and the walls close around, but for those within walls."""
    closed = ndimage.binary_closing(np.pad(kept | walls, 4), iterations=_GAP_CELLS)[4:-4, 4:-4]
    fillable = ndimage.binary_fill_holes(closed) & ~kept & ~tall
    # Walls between rooms are hollow and thin, and may have been scanned up to head height only.
    hollow = ndimage.binary_opening(fillable & ~high, np.ones((_GAP_CELLS, _GAP_CELLS)))
    thin = hollow & ~_reconstructed(ndimage.binary_erosion(hollow, iterations=_THIN_CELLS), hollow)
    fillable &= ~_touching_less(thin, kept & ~high)
    found = fillable & ~_touching_less(fillable, kept & ~tall)
    # A gap ends at the near side of the wall's band of cells; the wall is in the middle of it.
    wide = ndimage.binary_opening(found, np.ones((5, 5)))
    filled: Flags = kept | found | (tall & ndimage.binary_dilation(wide))
    return filled


def _reconstructed(seeds: Flags, within: Flags) -> Flags:
    flags: Flags = ndimage.binary_propagation(seeds, mask=within)
    return flags


def _touching_less(gaps: Flags, kept: Flags) -> Flags:
    """Those of the gaps with less than ``_OPEN_SHARE`` of their border at ``kept``."""
    labels, count = ndimage.label(gaps)
    border = np.where(ndimage.binary_erosion(gaps), 0, labels)
    length = np.bincount(border.reshape(-1), minlength=count + 1)
    beside = np.bincount(border[ndimage.binary_dilation(kept)], minlength=count + 1)
    closed = beside < _OPEN_SHARE * length
    closed[0] = False
    flags: Flags = closed[labels]
    return flags
