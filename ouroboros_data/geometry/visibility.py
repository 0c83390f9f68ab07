"""What frames show of each object of a scanned mesh: shares of pixels before and after occlusion, and what is cut off.

Everything is counted on one coarse net of rays per frame. The whole mesh, met first, gives what is seen; where a depth
map is given, what lies behind it is hidden too, which catches what the mesh lacks (glass, thin legs, holes). The
object's own faces alone give its unhidden projection, and on a canvas larger than the frame what falls outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from ouroboros_data.geometry.cameras import Floats
from ouroboros_data.types import ObjectView

BEHIND_M, BEHIND_SHARE = 0.05, 0.02
"""A surface is hidden if it lies farther behind the depth map than this, plus this share of the depth: sensors of the
kind in use err by 1-3 % at 3 m, meshes and poses by a few centimetres."""
CANVAS = 1.0
"""How far beyond each edge of the frame, in widths and heights of the frame, what is cut off is counted. Farther out a
picture plane stretches things without bound; what lies there or behind the camera is not counted."""

_CHUNK = 1 << 17  # rays at once: more is no faster and takes more memory
_NEAR_M = 0.05  # a vertex nearer than this to the camera's plane has no useful place in the picture
_R2 = (0.7548776662466927, 0.5698402909980532)
_OUTER_RAYS = 2048  # for the part outside the frame, per object and frame: its share is good to about 1 %


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cameras:
    """The cameras at the working resolution."""

    size_px: tuple[int, int]
    K_px: Floats
    """(f, 3, 3)."""
    rotation: Floats
    """(f, 3, 3) world from camera."""
    eye_m: Floats
    """(f, 3)."""


def object_views(
    vertices_m: npt.ArrayLike,
    faces: npt.ArrayLike,
    face_owner: npt.ArrayLike,
    *,
    T_world_camera: npt.ArrayLike,
    K_px: npt.ArrayLike,
    size_px: tuple[int, int],
    ids: Sequence[str],
    depth_m: Sequence[npt.NDArray[Any] | None] | None = None,
    work_px: int = 160,
) -> list[tuple[ObjectView, ...]]:
    """Views of every frame, in the order of ``ids``; an object that covers no ray's pixel has none.

    Args:
        vertices_m: World points, (n, 3).
        faces: Indices of vertices, (m, 3).
        face_owner: (m,) index into ``ids``, -1 for what belongs to no object.
        T_world_camera: Finite poses, (f, 4, 4).
        K_px: Intrinsics, (3, 3) or (f, 3, 3), of pictures of ``size_px``.
        size_px: Width, height.
        ids: Ids of the objects.
        depth_m: Per frame a depth map (h, w) along camera z, nan, inf or 0 where it knows nothing (there the mesh is
            trusted), or None. It shows what the picture does, whatever its resolution.
        work_px: Rays along the longer side of a frame.

    Raises:
        ValueError: Arrays of the wrong shape, an index out of range, a pose or vertex that is not finite.
    """
    points, corners, owner = _mesh(vertices_m, faces, face_owner, len(ids))
    cameras = _cameras(T_world_camera, K_px, size_px, work_px)
    frames = len(cameras.eye_m)
    if depth_m is not None and len(depth_m) != frames:
        raise ValueError(f"{len(depth_m)} depth maps for {frames} frames")
    if not len(corners) or not frames:
        return [() for _ in range(frames)]
    seen = _seen_counts(points, corners, owner, len(ids), cameras, depth_m)
    width, height = cameras.size_px
    pixels = width * height
    views: list[list[ObjectView]] = [[] for _ in range(frames)]
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(ids) + 1))
    for index, object_id in enumerate(ids):
        shown = np.flatnonzero(seen[:, index])
        if not len(shown):
            continue
        own = corners[order[bounds[index] : bounds[index + 1]]]
        inside, outside = _own_counts(points, own, cameras, shown)
        # Rounding on a shared edge may lose a ray of the object alone that met it in company.
        inside = np.maximum(inside, seen[shown, index])
        for frame, visible, within, beyond in zip(shown, seen[shown, index], inside, outside, strict=True):
            views[frame].append(
                ObjectView(
                    object_id=object_id,
                    pixel_share=int(visible) / pixels,
                    projected_share=float(within) / pixels,
                    truncated_share=float(beyond / (beyond + within)),
                )
            )
    return [tuple(of_frame) for of_frame in views]


def first_last_seen(
    views: Sequence[Sequence[ObjectView]], min_pixel_share: float = 0.0
) -> dict[str, tuple[int, int]]:
    """Positions of the first and the last frame that show each object with at least this share of their pixels."""
    spans: dict[str, tuple[int, int]] = {}
    for frame, of_frame in enumerate(views):
        for view in of_frame:
            if view.pixel_share >= min_pixel_share:
                spans[view.object_id] = (spans.get(view.object_id, (frame, frame))[0], frame)
    return spans


def _mesh(
    vertices_m: npt.ArrayLike, faces: npt.ArrayLike, face_owner: npt.ArrayLike, objects: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    points, corners = np.asarray(vertices_m, np.float32), np.asarray(faces, np.int32)
    owner = np.asarray(face_owner, np.int32)
    if points.ndim != 2 or points.shape[1] != 3 or corners.ndim != 2 or corners.shape[1] != 3:
        raise ValueError(f"vertices (n, 3) and faces (m, 3) expected, got {points.shape} and {corners.shape}")
    if owner.shape != corners.shape[:1]:
        raise ValueError(f"face_owner must have one entry a face, got {owner.shape} for {len(corners)} faces")
    if len(corners) and not (0 <= corners.min() and corners.max() < len(points)):
        raise ValueError(f"faces point outside the {len(points)} vertices")
    if len(owner) and not (-1 <= owner.min() and owner.max() < objects):
        raise ValueError(f"face_owner points outside the {objects} objects")
    if not np.isfinite(points).all():
        raise ValueError("vertices must be finite")
    return np.ascontiguousarray(points), np.ascontiguousarray(corners), owner


def _cameras(
    T_world_camera: npt.ArrayLike, K_px: npt.ArrayLike, size_px: tuple[int, int], work_px: int
) -> _Cameras:
    poses = np.asarray(T_world_camera, float)
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or not np.isfinite(poses).all():
        raise ValueError(f"T_world_camera must be finite and of shape (frames, 4, 4), got {poses.shape}")
    scale = min(1.0, work_px / max(size_px))
    work = tuple(max(1, round(scale * n)) for n in size_px)
    k = np.broadcast_to(np.asarray(K_px, float), (len(poses), 3, 3))
    to_work = np.array([work[0] / size_px[0], work[1] / size_px[1], 1.0])
    return _Cameras(
        size_px=(work[0], work[1]),
        K_px=k * to_work[:, None],
        rotation=poses[:, :3, :3],
        eye_m=poses[:, :3, 3],
    )


def _scene(points: npt.NDArray[np.float32], corners: npt.NDArray[np.int32]) -> Any:
    # "Robust" keeps rays from slipping through the shared edge of two triangles.
    scene = EmbreeScene(robust=True)
    TriangleMesh(scene, points, corners)
    return scene


def _hidden(
    depth_m: npt.NDArray[Any] | None, net: Floats, size_px: tuple[int, int], z_m: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """Which of the points that lie at depth ``z_m`` (n,) and appear at ``net`` (n, 2) lie behind the depth map."""
    if depth_m is None:
        return np.zeros(len(net), bool)
    if np.ndim(depth_m) != 2 or not np.size(depth_m):
        raise ValueError(f"a depth map must have shape (height, width), got {np.shape(depth_m)}")
    rows, columns = depth_m.shape
    at = (net * (columns / size_px[0], rows / size_px[1])).astype(np.int64)
    nearest = np.asarray(depth_m)[at[:, 1], at[:, 0]].astype(np.float32)
    known = np.isfinite(nearest) & (nearest > 0)
    hidden: npt.NDArray[np.bool_] = known & (z_m > BEHIND_M + (1 + BEHIND_SHARE) * nearest)
    return hidden


def _seen_counts(
    points: npt.NDArray[np.float32],
    corners: npt.NDArray[np.int32],
    owner: npt.NDArray[np.int32],
    objects: int,
    cameras: _Cameras,
    depth_m: Sequence[npt.NDArray[Any] | None] | None,
) -> npt.NDArray[np.int64]:
    """Rays of each frame that meet each object first, (f, objects)."""
    scene = _scene(points, corners)
    # Index -1 (nothing met) wraps to the last entry; nothing and no object share the last column.
    column = np.append(np.where(owner < 0, objects, owner), objects)
    net = _net(np.zeros(2), np.array(cameras.size_px, float), 1)
    counts = np.empty((len(cameras.eye_m), objects), np.int64)
    for frame in range(len(counts)):
        rays = _rays(net, cameras.K_px[frame])
        met = _cast(scene, rays, np.full(len(rays), frame), cameras, distance=True)
        # Rays have z = 1 in camera axes: embree's distance along them is the depth.
        known = None if depth_m is None else depth_m[frame]
        hidden = _hidden(known, net, cameras.size_px, met["tfar"])
        of = column[np.where(hidden, -1, met["primID"])]
        counts[frame] = np.bincount(of, minlength=objects + 1)[:objects]
    return counts


def _cast(
    scene: Any, rays: Floats, frame: npt.NDArray[np.int64], cameras: _Cameras, *, distance: bool
) -> Any:
    """What embree meets on rays (n, 3) in the axes of the camera ``frame`` (n,): all of it, or the triangle only."""
    single = frame[0] if len(frame) and frame[0] == frame[-1] else None
    if single is not None:
        directions = rays @ cameras.rotation[single].T
    else:
        directions = np.einsum("nij,nj->ni", cameras.rotation[frame], rays)
    return scene.run(
        cameras.eye_m[frame].astype(np.float32),
        directions.astype(np.float32),
        query="INTERSECT",
        output=1 if distance else 0,
    )


def _own_counts(
    points: npt.NDArray[np.float32],
    own: npt.NDArray[np.int32],
    cameras: _Cameras,
    frames: npt.NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Pixels that faces ``own`` alone cover within each of ``frames``, and outside of it on the canvas."""
    used, local = np.unique(own, return_inverse=True)
    mine = np.ascontiguousarray(points[used])
    scene = _scene(mine, np.ascontiguousarray(local.reshape(own.shape), np.int32))
    inside, outside = np.zeros(len(frames)), np.zeros(len(frames))
    for part in _batches(_samples(mine, cameras, frames), _CHUNK):
        pixel = np.concatenate([sample.pixel for sample in part])
        row = np.repeat([sample.row for sample in part], [len(sample.pixel) for sample in part])
        area = np.repeat([sample.area for sample in part], [len(sample.pixel) for sample in part])
        within = np.repeat([sample.within for sample in part], [len(sample.pixel) for sample in part])
        frame = frames[row]
        rays = _rays(pixel, cameras.K_px[frame])
        met = _cast(scene, rays, frame, cameras, distance=False) >= 0
        for counts, where in ((inside, met & within), (outside, met & ~within)):
            counts += np.bincount(row[where], area[where], len(frames))
    return inside, outside


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Places in the picture plane of one frame, each standing for ``area`` pixels."""

    row: int
    pixel: Floats
    """(n, 2)."""
    area: float
    within: bool
    """Inside the frame, or outside."""


def _samples(
    points: npt.NDArray[np.float32], cameras: _Cameras, frames: npt.NDArray[np.int64]
) -> Iterator[_Sample]:
    """Every pixel of the frame, and a coarser net outside, within the bounds of the points' projection."""
    size = np.array(cameras.size_px)
    margin = np.ceil(CANVAS * size)
    for row, frame in enumerate(frames):
        local = (points - cameras.eye_m[frame].astype(np.float32)) @ cameras.rotation[frame].astype(
            np.float32
        )
        low, high = -margin, size + margin
        if local[:, 2].min() > _NEAR_M:
            pixel = (local @ cameras.K_px[frame].T.astype(np.float32))[:, :2] / local[:, 2:]
            low, high = np.maximum(low, pixel.min(0)), np.minimum(high, pixel.max(0))
        low, high = np.floor(low), np.ceil(high)
        first, last = np.maximum(low, 0), np.minimum(high, size)
        if (first < last).all():
            yield _Sample(row=row, pixel=_net(first, last, 1), area=1.0, within=True)
        if (low < 0).any() or (high > size).any():
            beyond = float(np.prod(high - low) - np.prod(np.maximum(last - first, 0)))
            step = max(1, math.ceil(math.sqrt(beyond / _OUTER_RAYS)))
            net = _net(low, high, step)
            outer = ((net < 0) | (net > size)).any(1)
            yield _Sample(row=row, pixel=net[outer], area=float(step * step), within=False)


def _net(low: Floats, high: Floats, step: int) -> Floats:
    """One place in each cell, ``step`` wide, from ``low`` to ``high``, (n, 2).

    Places at the centres would stand in line with upright and level edges, and miss or meet them all at once. These
    wander within the cells as the R2 sequence does (Roberts 2018), by the cell's own number: no draw, no pattern.
    """
    columns, rows = (np.arange(low[i], high[i], step) for i in (0, 1))
    across, down = np.meshgrid(columns, rows)
    u, v = (np.mod(a * across + b * down, 1.0) for a, b in (_R2, _R2[::-1]))
    return np.stack([across + step * u, down + step * v], -1).reshape(-1, 2)


def _rays(pixel: Floats, K_px: Floats) -> Floats:
    """Directions through places (n, 2) in camera axes, (n, 3), with z = 1; intrinsics (3, 3) or (n, 3, 3)."""
    # The inverse by hand: intrinsics may have a skew, never anything in the lower left.
    y = (pixel[:, 1] - K_px[..., 1, 2]) / K_px[..., 1, 1]
    x = (pixel[:, 0] - K_px[..., 0, 2] - K_px[..., 0, 1] * y) / K_px[..., 0, 0]
    return np.stack([x, y, np.ones_like(x)], -1)


def _batches(samples: Iterator[_Sample], size: int) -> Iterator[list[_Sample]]:
    batch: list[_Sample] = []
    held = 0
    for sample in samples:
        batch.append(sample)
        held += len(sample.pixel)
        if held >= size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
