"""A room whose every measure is known by construction, as a mesh and as frames. Raw trees are written from it.

World: metres, +x along the long wall (5 m), +y along the short one (4 m), +z up, floor at z = 0. No symmetry: the
origin lies off the middle, so that a mirrored, turned or transposed scene cannot pass for the right one. Cameras in
OpenCV axes (+x right, +y down, +z forward), ``T_world_camera`` maps camera to world, pixel centres at
(i + 0.5, j + 0.5).

The mesh is what a scan gives: one surface of small triangles, no ceiling, no undersides. The frames are drawn from the
same surfaces in large triangles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.cameras import look_at, pinhole
from ouroboros_data.geometry.render import RenderMesh, render

ROOM_LOW_M, ROOM_HIGH_M, HEIGHT_M = (-2.1, -1.2), (2.9, 2.8), 2.6
FLOOR_AREA_M2 = 20.0
SHELL = -1
"""Owner of the vertices of floor and walls."""
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldObject:
    """A solid block that stands on the floor, or on the table."""

    label: str
    center_m: tuple[float, float, float]
    extent_m: tuple[float, float, float]
    """Along the block's own axes; its z axis is the world's."""
    yaw_rad: float
    """Counter-clockwise seen from above."""
    color: tuple[float, float, float]
    """RGB, 0..1; light makes it darker or brighter, the ratio of the channels stays."""

    @property
    def R_world_object(self) -> Points:
        """(3, 3), columns are the block's axes in the world."""
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return np.array([(cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)])

    @property
    def corners_m(self) -> Points:
        """(8, 3) in the world; x slowest, z fastest, low before high."""
        signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return np.array(self.center_m) + (signs * np.array(self.extent_m) / 2) @ self.R_world_object.T


OBJECTS = (
    WorldObject(
        label="table",
        center_m=(0.9, 1.1, 0.37),
        extent_m=(1.4, 0.8, 0.74),
        yaw_rad=0.3,
        color=(0.9, 0.5, 0.1),
    ),
    WorldObject(
        label="box",
        center_m=(1.1, 1.2, 0.865),
        extent_m=(0.3, 0.2, 0.25),
        yaw_rad=0.9,
        color=(0.9, 0.1, 0.1),
    ),
    WorldObject(
        label="chair",
        center_m=(-0.1, 2.2, 0.45),
        extent_m=(0.45, 0.55, 0.9),
        yaw_rad=-0.5,
        color=(0.1, 0.7, 0.2),
    ),
    WorldObject(
        label="chair",
        center_m=(0.4, -0.5, 0.44),
        extent_m=(0.45, 0.5, 0.88),
        yaw_rad=1.1,
        color=(0.1, 0.3, 0.9),
    ),
    WorldObject(
        label="cabinet",
        center_m=(2.63, 0.2, 0.95),
        extent_m=(1.2, 0.5, 1.9),
        yaw_rad=math.pi / 2,
        color=(0.7, 0.1, 0.7),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The room with one camera path."""

    objects: tuple[WorldObject, ...]
    vertices_m: Points
    """(n, 3)."""
    faces: npt.NDArray[np.int32]
    """(m, 3), counter-clockwise seen from the side that a camera sees."""
    vertex_owner: npt.NDArray[np.int32]
    """(n,) index into ``objects``; `SHELL` for floor and walls. No face joins two owners."""
    polygon_m: tuple[tuple[float, float], ...]
    """The floor's corners, counter-clockwise."""
    size_px: tuple[int, int]
    """Width, height of the colour frames."""
    K_px: Points
    depth_size_px: tuple[int, int]
    K_depth_px: Points
    """The depth camera sits where the colour camera does and sees as much; its pixels are larger or smaller."""
    fps: float
    times_s: Points
    """(frames,)."""
    T_world_camera: Points
    """(frames, 4, 4)."""
    rgb: npt.NDArray[np.uint8]
    """(frames, height, width, 3)."""
    depth_m: npt.NDArray[np.float32]
    """(frames, depth height, depth width) along camera z; nan where nothing is there (above the walls)."""
    instance: npt.NDArray[np.int32]
    """(frames, height, width) index into ``objects``, of the colour frames; `SHELL` for the rest."""


def make_world(
    *,
    size_px: tuple[int, int] = (160, 120),
    depth_size_px: tuple[int, int] | None = None,
    frame_count: int = 12,
    fps: float = 10.0,
    hfov_deg: float = 70.0,
    roll_deg: float = 0.0,
    step_m: float = 0.06,
    shell_step_m: float = 0.12,
) -> World:
    """The room and its frames; the same arguments give the same arrays.

    Args:
        size_px: Width, height of the colour frames.
        depth_size_px: Of the depth frames; as colour if left out.
        frame_count: Frames on the path, however many: more frames take smaller steps.
        fps: Frames per second.
        hfov_deg: Horizontal field of view.
        roll_deg: How far the camera is turned about its viewing axis, clockwise as its holder sees it: at 90 the
            pictures must be turned 90 degrees clockwise to stand upright.
        step_m: Longest edge of the objects' triangles along the axes.
        shell_step_m: The same of floor and walls.
    """
    depth_size = depth_size_px or size_px
    K_px = pinhole(size_px, hfov_deg)
    scale = np.array([depth_size[0] / size_px[0], depth_size[1] / size_px[1], 1.0])
    K_depth = K_px * scale[:, None]
    poses = camera_path(frame_count, roll_deg)
    color = render(_render_meshes(), poses, K_px, size_px)
    depth = color if depth_size == size_px else render(_render_meshes(), poses, K_depth, depth_size)
    # The last mesh is the shell, and -1 (nothing) counts as shell too.
    owner = np.array([*range(len(OBJECTS)), SHELL, SHELL], np.int32)
    vertices, faces, vertex_owner = world_mesh(step_m, shell_step_m)
    (x0, y0), (x1, y1) = ROOM_LOW_M, ROOM_HIGH_M
    return World(
        objects=OBJECTS,
        vertices_m=vertices,
        faces=faces,
        vertex_owner=vertex_owner,
        polygon_m=((x0, y0), (x1, y0), (x1, y1), (x0, y1)),
        size_px=size_px,
        K_px=K_px,
        depth_size_px=depth_size,
        K_depth_px=K_depth,
        fps=fps,
        times_s=np.arange(frame_count) / fps,
        T_world_camera=poses,
        rgb=color.rgb,
        depth_m=np.where(np.isfinite(depth.depth_m), depth.depth_m, np.float32(np.nan)),
        instance=owner[color.instance],
    )


def camera_path(frame_count: int, roll_deg: float = 0.0) -> Points:
    """(frames, 4, 4) poses of a walk along the wall at low x that pans over the room, some lifted, some lowered."""
    s = np.linspace(0.0, 1.0, frame_count)
    eye = np.stack([-1.7 + 0.3 * np.sin(3 * s), -0.9 + 3.2 * s, 1.5 + 0.15 * np.sin(5 * s)], -1)
    target = np.stack([2.2 - 2.0 * s, -0.9 + 3.0 * s, 0.5 + 0.3 * s], -1)
    return look_at(eye, target, np.full(frame_count, math.radians(roll_deg)))


def pixel_of(
    point_m: npt.ArrayLike, K_px: npt.ArrayLike, T_world_camera: npt.ArrayLike
) -> tuple[float, float]:
    """Where a pinhole camera shows a world point, (column, row), written out without the package's cameras.

    The point must lie in front of the camera.
    """
    pose, k = np.asarray(T_world_camera, float), np.asarray(K_px, float)
    offset = [float(p) - float(c) for p, c in zip(np.asarray(point_m, float), pose[:3, 3], strict=True)]
    # The pose's columns are the camera's right, down and forward in the world.
    right, down, forward = (sum(float(pose[i, j]) * offset[i] for i in range(3)) for j in range(3))
    assert forward > 0, "behind the camera"
    return float(k[0, 0]) * right / forward + float(k[0, 2]), float(k[1, 1]) * down / forward + float(k[1, 2])


def seen_corners(
    world: World, frame: int, margin_px: float = 3.0
) -> list[tuple[int, Points, tuple[float, float]]]:
    """Corners of objects that a frame shows unhidden: index of the object, world point (3,), (column, row)."""
    width, height = world.size_px
    pose, found = world.T_world_camera[frame], []
    for index, known in enumerate(world.objects):
        for corner in known.corners_m:
            offset = corner - pose[:3, 3]
            if offset @ pose[:3, 2] <= 0.1:
                continue
            u, v = pixel_of(corner, world.K_px, pose)
            if not (margin_px <= u <= width - margin_px and margin_px <= v <= height - margin_px):
                continue
            # From a hair before the corner towards the camera: nothing may lie between.
            if not _blocked(pose[:3, 3], corner - 0.01 * offset / np.linalg.norm(offset)):
                found.append((index, corner, (u, v)))
    return found


def world_mesh(
    step_m: float = 0.06, shell_step_m: float = 0.12
) -> tuple[Points, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Vertices (n, 3), faces (m, 3) and the owner (n,) of each vertex. Vertices within one owner are welded."""
    vertices, faces, owners, base = [], [], [], 0
    for owner, quads in [*((i, _block(known)) for i, known in enumerate(OBJECTS)), (SHELL, _shell())]:
        # Small things are cut finer, so that each has some hundred vertices.
        step = shell_step_m if owner == SHELL else min(step_m, min(OBJECTS[owner].extent_m) / 8)
        points, corners = _gridded(quads, step)
        vertices.append(points)
        faces.append(corners + base)
        owners.append(np.full(len(points), owner, np.int32))
        base += len(points)
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int32), np.concatenate(owners)


def _blocked(a: Points, b: Points) -> bool:
    """Whether a block lies on the straight line from a to b, by the slab test in each block's own axes."""
    for known in OBJECTS:
        start = (a - known.center_m) @ known.R_world_object
        way = (b - a) @ known.R_world_object
        half = np.array(known.extent_m) / 2
        with np.errstate(divide="ignore"):
            times = np.sort(np.stack([(-half - start) / way, (half - start) / way]), axis=0)
        if max(times[0].max(), 0.0) < min(times[1].min(), 1.0):
            return True
    return False


# A quad: a corner and two edges; edge x edge points to the side that is seen.
Quad = tuple[Points, Points, Points]


def _block(known: WorldObject) -> list[Quad]:
    """Four sides and the top."""
    x, y, z = (known.R_world_object * np.array(known.extent_m)).T
    low = np.array(known.center_m) - (x + y + z) / 2
    return [(low, x, z), (low + x, y, z), (low + x + y, -x, z), (low + y, -y, z), (low + z, x, y)]


def _shell() -> list[Quad]:
    """Floor and walls, seen from within."""
    low = np.array([*ROOM_LOW_M, 0.0])
    x = np.array([ROOM_HIGH_M[0] - ROOM_LOW_M[0], 0.0, 0.0])
    y = np.array([0.0, ROOM_HIGH_M[1] - ROOM_LOW_M[1], 0.0])
    z = np.array([0.0, 0.0, HEIGHT_M])
    return [(low, x, y), (low, z, x), (low + x, z, y), (low + x + y, z, -x), (low + y, z, -y)]


def _gridded(quads: list[Quad], step_m: float) -> tuple[Points, npt.NDArray[np.int64]]:
    points, faces, base = [], [], 0
    for corner, a, b in quads:
        n = max(1, math.ceil(np.linalg.norm(a) / step_m))
        m = max(1, math.ceil(np.linalg.norm(b) / step_m))
        s, t = np.meshgrid(np.arange(n + 1) / n, np.arange(m + 1) / m, indexing="ij")
        points.append(corner + s.reshape(-1, 1) * a + t.reshape(-1, 1) * b)
        index = base + np.arange((n + 1) * (m + 1)).reshape(n + 1, m + 1)
        p, q, r, u = (i.ravel() for i in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
        faces += [np.stack([p, q, r], -1), np.stack([p, r, u], -1)]
        base += (n + 1) * (m + 1)
    _, first, welded = np.unique(
        np.round(np.concatenate(points), 6), axis=0, return_index=True, return_inverse=True
    )
    return np.concatenate(points)[first], welded.reshape(-1)[np.concatenate(faces)]


def _render_meshes() -> list[RenderMesh]:
    """One mesh an object in their order, the shell last."""
    looks = [{"color": known.color, "object_id": str(index)} for index, known in enumerate(OBJECTS)]
    looks.append({"color": (0.7, 0.7, 0.65), "pattern": "checker", "pattern_scale_m": 0.3})
    meshes = []
    for quads, look in zip([*map(_block, OBJECTS), _shell()], looks, strict=True):
        points, faces = _gridded(quads, math.inf)
        meshes.append(RenderMesh(vertices_m=points, faces=faces, **look))
    return meshes
