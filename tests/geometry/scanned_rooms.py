"""Meshes of rooms as scanners leave them, with a floor area that is known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry import box

TALL_M = 2.6


@dataclass(frozen=True)
class Piece:
    """Furniture: its footprint, height, and whether its top was seen."""

    footprint: shapely.Polygon
    height_m: float
    top_seen: bool = True


@dataclass(frozen=True)
class ScannedRoom:
    """What is there, and what of it was seen. All lengths are multiples of ``step_m``."""

    floor: shapely.Polygon
    """Floor within the walls, doorways included: its area is the truth."""
    furniture: tuple[Piece, ...] = ()
    doorways: tuple[shapely.Polygon, ...] = ()
    windows: tuple[shapely.Polygon, ...] = ()
    """Walls within these are open from 0.9 m to 2.1 m."""
    unseen: tuple[shapely.Polygon, ...] = ()
    """Floor that was missed."""
    no_walls: tuple[shapely.Polygon, ...] = ()
    """Where the scan just ends."""
    ceiling: bool = False
    stray: int = 0
    """Bits of surface outside of the windows."""
    noise_m: float = 0.0
    tilt: float = 0.0
    """Slope of the whole scan."""
    step_m: float = 0.05
    wall_tops_m: float = 0.0
    """How much the walls' upper border varies."""
    turn_deg: float = 0.0
    flip: bool = False
    extra: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @property
    def area_m2(self) -> float:
        return float(self.floor.area)


def scan(room: ScannedRoom, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces; faces look into the room."""
    rng = np.random.default_rng(seed)
    quads: list[np.ndarray] = []
    hidden = shapely.union_all([piece.footprint for piece in room.furniture])
    quads.append(level(room.floor - hidden - shapely.union_all(room.unseen), 0.0, room.step_m))
    for ring in (room.floor.exterior, *room.floor.interiors):
        quads += [wall_quads(room, a, b, hidden, rng) for a, b in edges(ring)]
    for piece in room.furniture:
        if piece.top_seen:
            quads.append(level(piece.footprint, piece.height_m, room.step_m))
        for a, b in edges(piece.footprint.exterior):
            if room.floor.exterior.distance(shapely.Point((a + b) / 2)) > 1e-6:
                quads.append(upright(b, a, np.arange(0, piece.height_m - 1e-9, room.step_m), room.step_m))
    for door in room.doorways:
        for a, b in edges(door.exterior):
            if room.floor.exterior.distance(shapely.Point((a + b) / 2)) > 1e-6:
                quads.append(upright(b, a, np.arange(2.0, TALL_M - 1e-9, room.step_m), room.step_m))
    if room.ceiling:
        quads.append(level(room.floor, TALL_M, room.step_m)[:, ::-1])
    corners = np.concatenate([q for q in quads if len(q)])
    flat = np.round(corners.reshape(-1, 3) / 1e-6).astype(np.int64)
    unique, index = np.unique(flat, axis=0, return_inverse=True)
    index = index.reshape(-1, 4)
    vertices = unique * 1e-6
    faces = np.concatenate([index[:, [0, 1, 2]], index[:, [0, 2, 3]]])
    vertices = vertices + rng.normal(size=vertices.shape) * room.noise_m
    if room.stray:
        bits, more = stray_bits(room, rng)
        faces = np.concatenate([faces, more + len(vertices)])
        vertices = np.concatenate([vertices, bits])
    vertices[:, 2] += room.tilt * vertices[:, 0]
    turn = np.radians(room.turn_deg)
    R = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return vertices @ R.T + [1.7, -3.1, 0.4], faces[:, ::-1] if room.flip else faces


def edges(ring) -> list[tuple[np.ndarray, np.ndarray]]:
    """Counter-clockwise for exteriors, clockwise for holes: the inside is to the left."""
    ring = shapely.LinearRing(ring)
    points = np.array(ring.coords)
    return list(itertools.pairwise(points))


def level(area, z: float, step: float) -> np.ndarray:
    """(n, 4, 3) squares of the lattice whose middle is in the area, looking up."""
    if area.is_empty:
        return np.zeros((0, 4, 3))
    x0, y0, x1, y1 = area.bounds
    i, j = np.meshgrid(
        np.arange(round(x0 / step), round(x1 / step)), np.arange(round(y0 / step), round(y1 / step))
    )
    i, j = i.ravel(), j.ravel()
    use = shapely.contains_xy(area, (i + 0.5) * step, (j + 0.5) * step)
    i, j = i[use], j[use]
    corners = np.stack([np.stack([i + a, j + b], 1) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))], 1) * step
    return np.concatenate([corners, np.full((*corners.shape[:2], 1), z)], 2)


def upright(a, b, z, step, keep=None) -> np.ndarray:
    """(n, 4, 3) squares on the segment a-b, from each of the heights ``z`` on, looking to the left of it."""
    a, b = np.asarray(a), np.asarray(b)
    count = max(1, round(float(np.linalg.norm(b - a)) / step))
    t, z = (grid.ravel() for grid in np.meshgrid(np.arange(count), z))
    if keep is not None:
        use = keep(a + (b - a) * ((t + 0.5) / count)[:, None], z)
        t, z = t[use], z[use]
    start, end = (a + (b - a) * (s / count)[:, None] for s in (t, t + 1))
    corners = [np.c_[start, z], np.c_[start, z + step], np.c_[end, z + step], np.c_[end, z]]
    return np.stack(corners, 1)


def wall_quads(room: ScannedRoom, a, b, hidden, rng) -> np.ndarray:
    middle = shapely.Point((a + b) / 2)
    height = 2.0 if any(door.distance(middle) < 1e-6 for door in room.doorways) else TALL_M
    heights = np.arange(0, height - 1e-9, room.step_m)
    phase = rng.uniform(0, 7)

    def seen(at, z):
        inward = at + 0.02 * np.array([a[1] - b[1], b[0] - a[0]]) / np.linalg.norm(b - a)
        use = np.ones(len(at), bool)
        for piece in room.furniture:
            use &= ~(shapely.contains_xy(piece.footprint, *inward.T) & (z < piece.height_m))
        for window in room.windows:
            use &= ~(shapely.contains_xy(window, *at.T) & (z >= 0.9) & (z < 2.1))
        for gone in room.no_walls:
            use &= ~shapely.contains_xy(gone, *at.T)
        wave = np.sin(3 * at.sum(1) + phase)
        return use & (z < height - room.wall_tops_m * (1 + wave) / 2)

    return upright(a, b, heights, room.step_m, seen)


def stray_bits(room: ScannedRoom, rng) -> tuple[np.ndarray, np.ndarray]:
    """Small triangles, up to 3 m outside of the windows, at any height."""
    centers = []
    while len(centers) < room.stray:
        window = room.windows[rng.integers(len(room.windows))]
        x, y = np.array(window.centroid.coords[0]) + rng.uniform(-3, 3, 2)
        if room.floor.distance(shapely.Point(x, y)) > 0.1:
            centers.append([x, y, rng.uniform(-0.1, 2.4)])
    points = np.repeat(centers, 3, axis=0) + rng.normal(size=(3 * room.stray, 3)) * 0.06
    return points, np.arange(3 * room.stray).reshape(-1, 3)


def rectangle(x: float, y: float) -> shapely.Polygon:
    return box(0, 0, x, y)


def l_shape(x: float, y: float, cut_x: float, cut_y: float) -> shapely.Polygon:
    return box(0, 0, x, y) - box(x - cut_x, y - cut_y, x, y)


def u_shape(x: float, y: float, gap: float, depth: float) -> shapely.Polygon:
    middle = round(x / 2, 1)
    return box(0, 0, x, y) - box(middle - gap / 2, y - depth, middle + gap / 2, y)


def rooms_with_doors() -> tuple[shapely.Polygon, tuple[shapely.Polygon, ...]]:
    """Three rooms with walls of 0.15 m between, and a doorway from the first to each of the others."""
    doors = (box(4, 1, 4.15, 1.9), box(1, 3, 1.9, 3.15))
    rooms = [box(0, 0, 4, 3), box(4.15, 0, 7.5, 4), box(0, 3.15, 4, 6)]
    return shapely.union_all([*rooms, *doors]), doors
