"""From a layout to records and triangles in world coordinates."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.render import Pattern, RenderMesh
from ouroboros_data.types import Mat3, SceneObject
from scene_adapters.procedural.catalog import CATEGORIES
from scene_adapters.procedural.layout import Item, Layout
from scene_adapters.procedural.shapes import Rgb, Tone, part_mesh
from scene_adapters.procedural.shell import Shell

Floats = npt.NDArray[np.float64]


def rotation_z(yaw_rad: float) -> Floats:
    """Rotation (3, 3) about world +z."""
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def scene_objects(layout: Layout, yaw_rad: float) -> tuple[SceneObject, ...]:
    """Records of all items, in the room's frame turned by ``yaw_rad``; ids count up per category."""
    turn = rotation_z(yaw_rad)
    seen: dict[str, int] = {}
    out = []
    for item in layout.items:
        box = item.box
        number = seen[item.category] = seen.get(item.category, 0) + 1
        center = turn @ np.array([box.x, box.y, (box.z0 + box.z1) / 2])
        columns = rotation_z(box.yaw + yaw_rad)
        out.append(
            SceneObject(
                id=f"{item.category.replace(' ', '_')}_{number}",
                category=item.category,
                center_m=(float(center[0]), float(center[1]), float(center[2])),
                extent_m=(2 * box.hx, 2 * box.hy, box.z1 - box.z0),
                R_world_object=_mat3(columns),
            )
        )
    return tuple(out)


def room_meshes(
    layout: Layout, objects: tuple[SceneObject, ...], random: Random, yaw_rad: float
) -> list[RenderMesh]:
    """Meshes of the shell and of every object; an object has one mesh per tone, all with its id."""
    meshes = _shell_meshes(layout.shell, random, rotation_z(yaw_rad))
    for item, record in zip(layout.items, objects, strict=True):
        meshes.extend(_object_meshes(item, record, random))
    return meshes


def _object_meshes(item: Item, record: SceneObject, random: Random) -> list[RenderMesh]:
    category = CATEGORIES[item.category]
    jitter = random.uniform(0.94, 1.04)
    rotation, center = np.array(record.R_world_object), np.array(record.center_m)
    width, depth, height = record.extent_m
    meshes = []
    for part in category.shapes[item.style](width, depth, height):
        vertices, faces = part_mesh(part)
        vertices[:, 2] -= height / 2
        main = part.tone == "main"
        meshes.append(
            RenderMesh(
                vertices_m=vertices @ rotation.T + center,
                faces=faces,
                color=_shade(part.tone, category.color, jitter),
                pattern=category.pattern if main else "plain",
                pattern_scale_m=category.cell_m,
                object_id=record.id,
            )
        )
    return meshes


def _shade(tone: Tone, color: Rgb, jitter: float) -> Rgb:
    if not isinstance(tone, str):
        return tone
    r, g, b = (min(1.0, max(0.0, c * jitter)) for c in color)
    if tone == "dark":
        return 0.5 * r, 0.5 * g, 0.5 * b
    if tone == "light":
        return 0.72 * r + 0.28, 0.72 * g + 0.28, 0.72 * b + 0.28
    return r, g, b


_FLOORS: tuple[tuple[Rgb, Pattern, float], ...] = (
    ((0.60, 0.53, 0.45), "plain", 0.1),
    ((0.55, 0.55, 0.56), "plain", 0.1),
    ((0.66, 0.60, 0.52), "plain", 0.1),
    ((0.50, 0.46, 0.42), "plain", 0.1),
    ((0.66, 0.58, 0.50), "stripes", 0.25),
    ((0.70, 0.68, 0.64), "checker", 0.45),
)


def _shell_meshes(shell: Shell, random: Random, turn: Floats) -> list[RenderMesh]:
    ring = np.array(shell.polygon_m)
    count = len(ring)
    floor = np.concatenate([ring, np.zeros((count, 1))], 1)
    top = floor + np.array([0.0, 0.0, shell.height_m])
    # The reflex corner of an L sees every other one, so a fan from there is a triangulation.
    apex = _reflex(ring)
    order = np.roll(np.arange(count), -apex)
    fan = np.array([[order[0], order[i], order[i + 1]] for i in range(1, count - 1)])
    color, pattern, cell = random.choice(_FLOORS)
    tint = random.choice(((0.93, 0.91, 0.86), (0.88, 0.90, 0.92), (0.90, 0.88, 0.84), (0.86, 0.90, 0.86)))
    meshes = [
        RenderMesh(
            vertices_m=floor @ turn.T,
            faces=fan,
            color=color,
            pattern=pattern,
            pattern_scale_m=cell,
            object_id=None,
        ),
        RenderMesh(
            vertices_m=top @ turn.T, faces=fan, color=(0.97, 0.97, 0.97), pattern="plain", object_id=None
        ),
    ]
    for i in range(count):
        j = (i + 1) % count
        quad = np.stack([floor[i], floor[j], top[j], top[i]]) @ turn.T
        meshes.append(
            RenderMesh(
                vertices_m=quad,
                faces=np.array([[0, 1, 2], [0, 2, 3]]),
                color=tint,
                pattern="plain",
                object_id=None,
            )
        )
    return meshes


def _reflex(ring: Floats) -> int:
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return int(turns.argmin())


def _mat3(matrix: Floats) -> Mat3:
    a, b, c = matrix.tolist()
    return (a[0], a[1], a[2]), (b[0], b[1], b[2]), (c[0], c[1], c[2])
