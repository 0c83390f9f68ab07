"""Ray-cast frames with depth and instance ids: one embree scene, all frames at once.

Embree answers only which triangle a pixel sees. For a planar triangle and a pinhole camera 1 / depth is
linear in the pixel, and texture coordinates are depth times something linear, so they come from one small
table with a row per frame and triangle; this is cheaper than asking embree for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from ouroboros_data.geometry.cameras import Floats, pixel_rays

Pattern = Literal["plain", "stripes", "checker", "dots"]
PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "checker", "dots")
BACKGROUND = (0.80, 0.86, 0.92)

_CHUNK = 1 << 17  # rays, or rows of the table, that are held at once; more is slower, it leaves the cache
# An eye nearer to a triangle's plane than this looks along it: its equation is useless, embree is asked.
_IN_PLANE_M = 1e-4
_AMBIENT, _CEILING, _SIDE, _HEAD = 0.34, 0.26, 0.10, 0.36
_FALLOFF_M, _DIMMEST = 25.0, 0.5
_OUTLINE = 0.6
_DOT_RADIUS = 0.3  # of a cell
# Share of a surface that each pattern's marks take.
_COVERAGE = np.array([0.0, 0.5, 0.5, math.pi * _DOT_RADIUS**2], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderMesh:
    """Triangles of one object, or of a part of the room, in world coordinates."""

    vertices_m: npt.NDArray[Any]
    """(n, 3)."""
    faces: npt.NDArray[Any]
    """(m, 3) indices of vertices; both sides of a face are drawn."""
    color: tuple[float, float, float]
    """RGB tint, each in 0..1."""
    pattern: Pattern = "plain"
    pattern_scale_m: float = 0.1
    """Width of a stripe or of a cell."""
    pattern_contrast: float = 0.45
    """How much darker the marks are than the tint (lighter, on dark tints), 0..1."""
    object_id: str | None = None
    """None for walls, floor and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Frames of one camera path."""

    rgb: npt.NDArray[np.uint8]
    """(frames, height, width, 3)."""
    depth_m: npt.NDArray[np.float32]
    """(frames, height, width), along camera z; inf where nothing is seen."""
    instance: npt.NDArray[np.int32]
    """(frames, height, width), index into the meshes; -1 where nothing is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Triangles:
    """All triangles of a scene; a last row stands for "nothing seen"."""

    corner_m: Floats
    normal: Floats
    mesh: npt.NDArray[np.int32]
    tint: npt.NDArray[np.float32]
    """(3, t), 0..255."""
    marks: npt.NDArray[np.float32]
    """(3, t): what a mark of the pattern adds to the tint."""
    pattern: npt.NDArray[np.int8]
    cell_m: npt.NDArray[np.float32]
    texture: Floats
    """(t, 2, 4): rows that map homogeneous world points to in-plane coordinates, counted in cells."""


def render(
    meshes: Sequence[RenderMesh],
    T_world_camera: npt.ArrayLike,
    K_px: npt.ArrayLike,
    size_px: tuple[int, int],
) -> Rendered:
    """Render all frames of a static scene.

    Light: ambient, a ceiling light from above, a head light at the camera, and a slight loss with depth. A
    dark line runs along each instance's silhouette, on the farther side.

    Args:
        meshes: What is there; ``Rendered.instance`` indexes it.
        T_world_camera: Poses, (frames, 4, 4).
        K_px: Intrinsics, (3, 3); `cameras` says where pixel centres lie.
        size_px: Width, height.

    Raises:
        ValueError: No meshes or frames, arrays of the wrong shape, or an unknown pattern.
    """
    poses = np.asarray(T_world_camera, float)
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or not len(poses):
        raise ValueError(f"T_world_camera must have shape (frames, 4, 4), got {poses.shape}")
    width, height = size_px
    points, corners, mesh_of = _joined(meshes)
    # "Robust" keeps rays from slipping through the shared edge of two triangles.
    scene = EmbreeScene(robust=True)
    TriangleMesh(scene, points.astype(np.float32), corners.astype(np.int32))
    triangles = _triangles(meshes, points[corners], mesh_of)
    rays = pixel_rays(K_px, size_px).reshape(-1, 3)
    focal_px = float(np.asarray(K_px, float)[0, 0])
    out = Rendered(
        rgb=np.empty((len(poses), height, width, 3), np.uint8),
        depth_m=np.empty((len(poses), height, width), np.float32),
        instance=np.empty((len(poses), height, width), np.int32),
    )
    step = max(1, _CHUNK // max(len(rays), len(triangles.mesh)))
    for start in range(0, len(poses), step):
        part = slice(start, start + step)
        _render_part(scene, triangles, poses[part], rays, focal_px, out, part)
    return out


def cast(
    meshes: Sequence[RenderMesh], origins_m: npt.ArrayLike, directions: npt.ArrayLike
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Index of the mesh that each ray meets first (-1: none), and how far away in units of its direction.

    Args:
        meshes: What is there.
        origins_m: Start points, (n, 3).
        directions: (n, 3).

    Raises:
        ValueError: No meshes, or arrays of the wrong shape.
    """
    points, corners, mesh_of = _joined(meshes)
    scene = EmbreeScene(robust=True)
    TriangleMesh(scene, points.astype(np.float32), corners.astype(np.int32))
    starts = np.ascontiguousarray(origins_m, np.float32)
    ways = np.ascontiguousarray(directions, np.float32)
    if starts.ndim != 2 or starts.shape[1] != 3 or starts.shape != ways.shape:
        raise ValueError(f"origins and directions must both be (n, 3), got {starts.shape} and {ways.shape}")
    hits = scene.run(starts, ways, query="INTERSECT", output=1)
    seen = hits["primID"] >= 0
    instance = np.where(seen, np.append(mesh_of, -1)[hits["primID"]], -1).astype(np.int32)
    return instance, np.where(seen, hits["tfar"], np.inf).astype(np.float32)


def _joined(meshes: Sequence[RenderMesh]) -> tuple[Floats, npt.NDArray[Any], npt.NDArray[np.int32]]:
    if not meshes:
        raise ValueError("nothing to render: no meshes")
    vertices, faces, owner, base = [], [], [], 0
    for index, mesh in enumerate(meshes):
        points, corners = np.asarray(mesh.vertices_m, float), np.asarray(mesh.faces)
        if points.ndim != 2 or points.shape[1] != 3 or corners.ndim != 2 or corners.shape[1] != 3:
            raise ValueError(f"mesh {index}: vertices (n, 3) and faces (m, 3) expected")
        if mesh.pattern not in PATTERNS:
            raise ValueError(f"mesh {index}: pattern {mesh.pattern!r} is none of {', '.join(PATTERNS)}")
        vertices.append(points)
        faces.append(corners + base)
        owner.append(np.full(len(corners), index, np.int32))
        base += len(points)
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(owner)


def _triangles(meshes: Sequence[RenderMesh], corners_m: Floats, mesh_of: npt.NDArray[np.int32]) -> _Triangles:
    a, b, c = corners_m[:, 0], corners_m[:, 1], corners_m[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(area, 1e-12)[:, None]
    tints = np.array([mesh.color for mesh in meshes], float)
    dark = tints.mean(1, keepdims=True) < 0.3
    contrast = np.array([[mesh.pattern_contrast] for mesh in meshes])
    marks = contrast * np.where(dark, 1 - tints, -tints)
    cells = np.array([mesh.pattern_scale_m for mesh in meshes])
    codes = np.array([PATTERNS.index(mesh.pattern) for mesh in meshes])
    texture = _texture(normal, area, mesh_of, corners_m) / cells[mesh_of][:, None, None]
    none = np.zeros((1, 3))
    return _Triangles(
        corner_m=np.concatenate([a, none]),
        normal=np.concatenate([normal, none]),
        mesh=np.append(mesh_of, -1).astype(np.int32),
        tint=_columns(255 * np.concatenate([tints[mesh_of], [BACKGROUND]])),
        marks=_columns(255 * np.concatenate([marks[mesh_of], none])),
        pattern=np.append(codes[mesh_of], 0).astype(np.int8),
        cell_m=np.append(cells[mesh_of], 1.0).astype(np.float32),
        texture=np.concatenate([texture, np.zeros((1, 2, 4))]),
    )


def _columns(rows: Floats) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(rows.T, np.float32)


def _texture(normal: Floats, area: Floats, mesh_of: npt.NDArray[np.int32], corners_m: Floats) -> Floats:
    """Coordinates within each triangle's plane, aligned to the mesh's own heading and centred on the mesh."""
    count = int(mesh_of.max()) + 1 if len(mesh_of) else 0
    upright = np.hypot(normal[:, 0], normal[:, 1])
    heading = np.arctan2(normal[:, 0], -normal[:, 1])
    # Box-like meshes face four ways: the mean of the fourfold angle is their heading. It orients level faces.
    weight = area * upright
    sine = np.bincount(mesh_of, weight * np.sin(4 * heading), count)
    cosine = np.bincount(mesh_of, weight * np.cos(4 * heading), count)
    own = np.where(upright > 0.2, heading, (np.arctan2(sine, cosine) / 4)[mesh_of])
    across = np.stack([np.cos(own), np.sin(own), np.zeros_like(own)], 1)
    up = np.cross(normal, across)
    total = np.maximum(np.bincount(mesh_of, area, count), 1e-12)
    middle = corners_m.mean(1)
    center = np.stack([np.bincount(mesh_of, area * middle[:, i], count) / total for i in range(3)], 1)
    axes = np.stack([across, up], 1)
    return np.concatenate([axes, -np.einsum("tij,tj->ti", axes, center[mesh_of])[..., None]], 2)


def _render_part(
    scene: Any, tri: _Triangles, poses: Floats, rays: Floats, focal_px: float, out: Rendered, part: slice
) -> None:
    frames, pixels, rows = len(poses), len(rays), len(tri.mesh)
    rotation, eye = poses[:, :3, :3], poses[:, :3, 3]
    directions = np.matmul(rays, rotation.transpose(0, 2, 1)).astype(np.float32).reshape(-1, 3)
    origins = np.repeat(eye.astype(np.float32), pixels, axis=0)
    seen = scene.run(origins, directions, query="INTERSECT").reshape(frames, pixels)
    hit = seen >= 0
    face = np.where(hit, seen, rows - 1)
    flat = face + (np.arange(frames) * rows)[:, None]

    sx, sy, sz, reach, shade = (column.take(flat) for column in _plane_table(tri, rotation, eye))
    x, y = rays[:, 0].astype(np.float32), rays[:, 1].astype(np.float32)
    sx *= x
    sy *= y
    sx += sy
    sx += sz
    inverse = sx
    cosine = reach * inverse
    cosine /= np.sqrt(x * x + y * y + 1)
    in_plane = np.flatnonzero(hit & (reach < _IN_PLANE_M))
    if len(in_plane):
        exact = scene.run(origins[in_plane], directions[in_plane], query="INTERSECT", output=1)["tfar"]
        inverse.reshape(-1)[in_plane] = 1 / np.maximum(exact, 1e-6)
        np.clip(cosine, 0, 1, out=cosine)
    with np.errstate(divide="ignore"):  # the row of "nothing seen" holds zeros
        depth = np.divide(np.float32(1), inverse, out=inverse)

    cosine *= _HEAD
    shade += cosine
    falloff = np.add(depth, _FALLOFF_M, out=cosine)
    np.divide(_FALLOFF_M, falloff, out=falloff)
    shade *= np.maximum(falloff, _DIMMEST, out=falloff)
    marked = np.flatnonzero(tri.pattern.take(face))
    if len(marked):
        amount = _pattern(tri, rotation, eye, flat, marked, rays, depth, focal_px)
        marked_face = face.take(marked)

    shape = out.depth_m[part].shape
    out.depth_m[part] = depth.reshape(shape)
    out.instance[part] = tri.mesh[face].reshape(shape)
    _outline(shade.reshape(shape), out.instance[part], out.depth_m[part])
    for channel in range(3):
        color = tri.tint[channel].take(face)
        if len(marked):
            color.reshape(-1)[marked] += amount * tri.marks[channel].take(marked_face)
        color *= shade
        out.rgb[part][..., channel] = np.minimum(color, 255, out=color).reshape(shape)


def _plane_table(tri: _Triangles, rotation: Floats, eye: Floats) -> npt.NDArray[np.float32]:
    """Three terms of 1 / depth, distance of the plane, light: (5, frames * triangles).

    The plane through a corner is met at depth = reach / (normal . ray), so 1 / depth is linear in the pixel.
    """
    reach = np.einsum("tj,tj->t", tri.normal, tri.corner_m) - eye @ tri.normal.T
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.matmul(tri.normal, rotation) / reach[..., None]
    slope[reach == 0] = 0.0
    upward = -tri.normal[:, 2] * np.sign(reach)  # of the side that is seen
    light = _AMBIENT + _CEILING * (0.5 + 0.5 * upward) + _SIDE * np.abs(tri.normal[:, 0])
    light[:, -1] = 1 / _DIMMEST
    table = np.stack([slope[..., 0], slope[..., 1], slope[..., 2], np.abs(reach), light])
    return table.reshape(5, -1).astype(np.float32)


def _pattern(
    tri: _Triangles,
    rotation: Floats,
    eye: Floats,
    flat: npt.NDArray[np.int64],
    marked: npt.NDArray[np.int64],
    rays: Floats,
    depth: npt.NDArray[np.float32],
    focal_px: float,
) -> npt.NDArray[np.float32]:
    """Share of a mark in each pixel of ``marked``, (n,); its mean where a cell is too small to be drawn."""
    row, z = flat.take(marked), depth.take(marked)
    x, y = (np.broadcast_to(rays[:, i].astype(np.float32), depth.shape).ravel().take(marked) for i in (0, 1))
    axes, offset = tri.texture[..., :3].reshape(-1, 3), tri.texture[..., 3]
    # A coordinate is depth * (linear in the pixel) + its value at the eye.
    along = np.matmul(axes, rotation).reshape(len(eye), -1, 2, 3)
    start = (eye @ axes.T).reshape(len(eye), -1, 2) + offset
    u, v = (
        (
            along[..., i, 0].astype(np.float32).take(row) * x
            + along[..., i, 1].astype(np.float32).take(row) * y
            + along[..., i, 2].astype(np.float32).take(row)
        )
        * z
        + start[..., i].astype(np.float32).take(row)
        for i in (0, 1)
    )
    triangle = row % len(tri.mesh)
    kind = tri.pattern.take(triangle)
    cell_u, cell_v = np.floor(u), np.floor(v)
    odd = (cell_v + np.where(kind == PATTERNS.index("checker"), cell_u, 0)).astype(np.int32) & 1
    dot = (u - cell_u - 0.5) ** 2 + (v - cell_v - 0.5) ** 2 < _DOT_RADIUS**2
    mark = np.where(kind == PATTERNS.index("dots"), dot, odd)
    sharp = np.clip(tri.cell_m.take(triangle) * np.float32(focal_px) / z - 1, 0, 1)
    mean = _COVERAGE.take(kind)
    faded: npt.NDArray[np.float32] = mean + sharp * (mark - mean)
    return faded


def _outline(
    shade: npt.NDArray[np.float32], instance: npt.NDArray[np.int32], depth: npt.NDArray[np.float32]
) -> None:
    """Darken, in place, the farther one of two neighbouring pixels that show different instances."""
    dim = np.zeros(shade.shape, bool)
    for a, b in ((np.s_[:, :, :-1], np.s_[:, :, 1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        differs = instance[a] != instance[b]
        farther = depth[a] > depth[b]
        dim[a] |= differs & farther
        dim[b] |= differs & ~farther
    shade[dim] *= _OUTLINE
