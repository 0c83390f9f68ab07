"""The camera's walk: views chosen so that each box is seen well once, joined by a path that keeps clear of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from ouroboros_data.geometry.boxes import Boxes, boxes_of, point_distances_m
from ouroboros_data.geometry.cameras import from_yaw_pitch
from ouroboros_data.geometry.render import RenderMesh, cast
from ouroboros_data.types import SceneObject
from scene_adapters.meta_info_view import Shell

Floats = npt.NDArray[np.float64]

_EYE_M = 1.5
_STANDS = 48  # points that views are tried from
_NODES = 900  # points that the path may use
# Distances that the eye and the walker's body keep from boxes, in m. A walker fits between the furniture; in
# crowded layouts only the camera does, then hardly anything. The last one always finds a place.
_LAST_WAY = (0.0, 0.0)
_WAYS = ((0.22, 0.22), (0.3, 0.0), (0.14, 0.0), _LAST_WAY)
_AZIMUTHS = 60
_ELEVATIONS_DEG = np.arange(-66.0, 44.0, 7.0)
_PITCHES_DEG = (-32.0, -14.0, 4.0)
_GOOD_SHARE = 0.02  # of the picture: more of an object adds nothing
_FEWEST_VIEWS, _MOST_VIEWS = 4, 10
_APART_M = 0.8
_METRES_PER_RADIAN = 0.9  # turning by 1 rad takes as long as walking this far
_SMOOTH_M = 0.35


def plan_walk(
    objects: Sequence[SceneObject],
    meshes: Sequence[RenderMesh],
    shell: Shell,
    *,
    obstacles: Sequence[SceneObject],
    count: int,
    fov_deg: tuple[float, float],
) -> Floats:
    """Poses of ``count`` frames, ``T_world_camera`` (count, 4, 4), evenly spaced in walking time.

    Args:
        objects: What should be seen.
        meshes: What is there; ``object_id`` tells which object a mesh is.
        shell: The room.
        obstacles: What the camera keeps clear of.
        count: Frames.
        fov_deg: Horizontal and vertical field of view.
    """
    boxes = boxes_of(obstacles)
    most = -1
    for keeps_clear in _WAYS:
        if most >= 0 and keeps_clear == _LAST_WAY:
            break
        tried, tried_links = _free_nodes(boxes, shell, keeps_clear)
        if not len(tried):
            continue
        picked = np.unique(np.linspace(0, len(tried) - 1, min(_STANDS, len(tried))).round().astype(int))
        tried_shares = _shares(tried[picked], objects, meshes, fov_deg)
        visible = int((tried_shares.max((0, 1, 2)) > _GOOD_SHARE / 5).sum())
        if visible > most:
            nodes, links, stands, shares, most = tried, tried_links, picked, tried_shares, visible
        if visible == len(objects):
            break
    views = _choose(shares, nodes[stands])
    knots = [(int(stands[s]), yaw, math.radians(_PITCHES_DEG[p])) for s, yaw, p in views]
    order, before = _ordered(knots, links)
    return _film_path(nodes, order, before, boxes, count)


def _free_nodes(boxes: Boxes, shell: Shell, keeps_clear: tuple[float, float]) -> tuple[Floats, Any]:
    """Eye points of a grid that keep clear of boxes and walls, one connected piece, with the walks between them."""
    low, high = shell.outline_m.min(0), shell.outline_m.max(0)
    step = max(0.2, math.sqrt(float(np.prod(high - low)) / _NODES))
    xs, ys = (np.arange(low[i] + step / 2, high[i], step) for i in (0, 1))
    grid = np.stack(np.meshgrid(xs, ys, indexing="ij"), -1)
    outline = shapely.Polygon(shell.outline_m)
    inside = shapely.contains_xy(outline, grid[..., 0], grid[..., 1])
    wall = shapely.distance(outline.exterior, shapely.points(grid))
    eye = min(shell.floor_m + _EYE_M, shell.ceiling_m - 0.2)
    for_eye, for_body = keeps_clear
    gap = _clearance(grid, eye, boxes)
    free = inside & (wall > min(for_eye, 0.2)) & (gap > for_eye)
    if for_body:
        for height_m in (0.4, 0.9):
            free &= _clearance(grid, shell.floor_m + height_m, boxes) > for_body
    if not free.any() and keeps_clear == _LAST_WAY:
        free.flat[np.argmax(np.where(inside, np.minimum(gap, wall), -1.0))] = True
    if not free.any():
        return np.empty((0, 3)), None
    links = _links(free, step)
    pieces = connected_components(links, directed=False)[1]
    piece = np.flatnonzero(pieces == np.bincount(pieces).argmax())
    points = grid[free][piece]
    return np.column_stack([points, np.full(len(points), eye)]), links[piece][:, piece]


def _links(free: npt.NDArray[np.bool_], step_m: float) -> Any:
    """Sparse matrix of the distances between free neighbours of a grid, diagonals included."""
    number = np.where(free, np.cumsum(free.ravel()).reshape(free.shape) - 1, -1)
    rows, columns = free.shape
    starts, ends, lengths = [], [], []
    for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
        here = number[: rows - dx, max(0, -dy) : columns - max(0, dy)]
        there = number[dx:, max(0, dy) : columns - max(0, -dy)]
        both = (here >= 0) & (there >= 0)
        starts.append(here[both])
        ends.append(there[both])
        lengths.append(np.full(int(both.sum()), step_m * math.hypot(dx, dy)))
    total = int(free.sum())
    pairs = (np.concatenate(starts), np.concatenate(ends))
    return coo_matrix((np.concatenate(lengths), pairs), (total, total)).tocsr()


def _clearance(grid: Floats, z: float, boxes: Boxes) -> Floats:
    points = np.concatenate([grid, np.full((*grid.shape[:2], 1), z)], -1)
    gap: Floats = point_distances_m(points.reshape(-1, 1, 3), boxes).min(-1).reshape(grid.shape[:2])
    return gap


def _shares(
    stands: Floats, objects: Sequence[SceneObject], meshes: Sequence[RenderMesh], fov_deg: tuple[float, float]
) -> npt.NDArray[np.float32]:
    """Share of the picture that shows each object: (stands, headings, pitches, objects)."""
    azimuth = np.arange(_AZIMUTHS) * (2 * math.pi / _AZIMUTHS)
    elevation = np.radians(_ELEVATIONS_DEG)
    flat = np.cos(elevation)
    way = np.stack(
        [
            np.outer(np.cos(azimuth), flat),
            np.outer(np.sin(azimuth), flat),
            np.broadcast_to(np.sin(elevation), (_AZIMUTHS, len(elevation))),
        ],
        -1,
    ).reshape(-1, 3)
    seen, _ = cast(meshes, np.repeat(stands, len(way), axis=0), np.tile(way, (len(stands), 1)))
    row_of = {record.id: row for row, record in enumerate(objects)}
    nothing = len(objects)
    owner = np.array([row_of.get(mesh.object_id or "", nothing) for mesh in meshes] + [nothing])
    owners = owner[seen].reshape(len(stands), _AZIMUTHS, len(elevation))
    columns = np.arange(len(stands) * _AZIMUTHS).reshape(len(stands), _AZIMUTHS, 1) * (nothing + 1)
    half = round(0.45 * math.radians(fov_deg[0]) / (2 * math.pi / _AZIMUTHS))
    out = []
    for pitch in _PITCHES_DEG:
        rows = np.abs(_ELEVATIONS_DEG - pitch) <= 0.45 * fov_deg[1]
        weights = np.broadcast_to(flat[rows], owners[:, :, rows].shape)
        index = (columns + owners[:, :, rows]).ravel()
        size = len(stands) * _AZIMUTHS * (nothing + 1)
        column = np.bincount(index, weights.ravel(), size).reshape(len(stands), _AZIMUTHS, nothing + 1)
        window = np.sum([np.roll(column, k, axis=1) for k in range(-half, half + 1)], axis=0)
        out.append(window[..., :-1] / (flat[rows].sum() * (2 * half + 1)))
    return np.stack(out, 2).astype(np.float32)


def _choose(shares: npt.NDArray[np.float32], stands: Floats) -> list[tuple[int, float, int]]:
    """Greedy views (stand, yaw, pitch index): each adds what no earlier one shows well."""
    worth = np.minimum(shares / _GOOD_SHARE, 1.0)
    # A picture filled by one object is a bad picture.
    crowded = np.maximum(shares.max(-1) - 0.3, 0.0) * 4
    open_stands = np.ones(len(stands), bool)
    best = np.zeros(shares.shape[-1], np.float32)
    views: list[tuple[int, float, int]] = []
    for _ in range(2 * _MOST_VIEWS):
        added = np.maximum(worth - best, 0.0)
        gain = added.sum(-1) - crowded + 0.05 * worth.sum(-1)
        gain[~open_stands] = -np.inf
        stand, heading, pitch = np.unravel_index(int(gain.argmax()), gain.shape)
        if added[stand, heading, pitch].sum() < 0.25 and views:
            # All is seen: look again from elsewhere, so that there is a walk.
            gaps = np.linalg.norm(stands[:, None] - stands[[view[0] for view in views]], axis=-1)
            open_stands = gaps.min(1) > _APART_M
            best[:] = 0.0
            if len(views) >= _FEWEST_VIEWS or not open_stands.any():
                break
            continue
        best = np.maximum(best, worth[stand, heading, pitch])
        views.append((int(stand), float(heading) * 2 * math.pi / _AZIMUTHS, int(pitch)))
        if len(views) == _MOST_VIEWS:
            break
    return views


Knot = tuple[int, float, float]
"""Node, yaw and pitch in radians."""


def _ordered(knots: list[Knot], links: Any) -> tuple[list[Knot], npt.NDArray[np.int64]]:
    """The knots in the order of the shortest nearest-neighbour tour, and the way from each knot's node."""
    if len(knots) == 1:  # nowhere to go: look around
        node, yaw, pitch = knots[0]
        knots = [(node, yaw - 0.4, pitch), (node, yaw + 0.4, pitch)]
    lengths, before = dijkstra(links, directed=False, indices=[k[0] for k in knots], return_predecessors=True)
    cost = np.array(
        [
            [lengths[i, b[0]] + _METRES_PER_RADIAN * abs(_turn(a[1], b[1])) for b in knots]
            for i, a in enumerate(knots)
        ]
    )
    tours = []
    for start in range(len(knots)):
        tour, total = [start], 0.0
        while len(tour) < len(knots):
            rest = [k for k in range(len(knots)) if k not in tour]
            following = min(rest, key=lambda k: (cost[tour[-1], k], k))
            total += cost[tour[-1], following]
            tour.append(following)
        tours.append((total, tour))
    order = min(tours)[1]
    return [knots[k] for k in order], before[order]


def _film_path(
    nodes: Floats, knots: list[Knot], before: npt.NDArray[np.int64], boxes: Boxes, count: int
) -> Floats:
    eyes, yaws, pitches = [nodes[knots[0][0]][None]], [np.array([knots[0][1]])], [np.array([knots[0][2]])]
    for (node, _, pitch), (target, yaw, next_pitch), back in zip(knots, knots[1:], before, strict=False):
        way = [target]
        while way[-1] != node:
            way.append(int(back[way[-1]]))
        corner = nodes[way[::-1]]
        walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corner, axis=0), axis=1))])
        turn = _turn(yaws[-1][-1], yaw)
        samples = max(4, math.ceil(max(walked[-1], _METRES_PER_RADIAN * abs(turn)) / 0.05))
        part = np.arange(1, samples + 1) / samples
        eased = part * part * (3 - 2 * part)
        eyes.append(np.stack([np.interp(eased * walked[-1], walked, corner[:, i]) for i in range(3)], 1))
        yaws.append(yaws[-1][-1] + turn * eased)
        pitches.append(pitch + (next_pitch - pitch) * eased)
    eye, yaw_rad, pitch_rad = np.concatenate(eyes), np.concatenate(yaws), np.concatenate(pitches)
    width = min(_SMOOTH_M / 0.05, len(eye) / 8)
    smooth = gaussian_filter1d(eye, width, axis=0, mode="nearest")
    # Cutting a corner must not cut through furniture.
    unsafe = point_distances_m(smooth[:, None], boxes).min(1) < 0.1
    blend = np.clip(gaussian_filter1d(unsafe.astype(float), 3.0, mode="nearest") * 4, 0.0, 1.0)[:, None]
    eye = blend * eye + (1 - blend) * smooth
    yaw_rad = gaussian_filter1d(yaw_rad, width / 2, mode="nearest")
    pitch_rad = gaussian_filter1d(pitch_rad, width / 2, mode="nearest")
    at = np.linspace(0, len(eye) - 1, count)
    index = np.arange(len(eye))
    place = np.stack([np.interp(at, index, eye[:, i]) for i in range(3)], 1)
    return from_yaw_pitch(place, np.interp(at, index, yaw_rad), np.interp(at, index, pitch_rad))


def _turn(start_rad: float, end_rad: float) -> float:
    return (end_rad - start_rad + math.pi) % (2 * math.pi) - math.pi
