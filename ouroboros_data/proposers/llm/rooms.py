"""Small made-up rooms that exemplars are about: no scene of a run, so no exemplar gives one of its questions away."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from ouroboros_data.geometry.boxes import boxes_of, corners
from ouroboros_data.geometry.cameras import as_mat3, as_mat4, look_at, pinhole
from ouroboros_data.geometry.visibility import object_views
from ouroboros_data.ids import rng
from ouroboros_data.types import CameraFrame, Room, Scene, SceneObject

ROOMS = 24
"""Different rooms there are."""

MOST_FRAMES = 32

_SIZE_PX, _EYE_M = (320, 240), (1.0, 1.9)
_CELL_M = (
    1.5  # furniture is set into the cells of a grid; none is larger than that with its jitter, but for beds
)
_Size = tuple[float, float, float]
_SINGLES: dict[str, _Size] = {
    "bathtub": (1.4, 0.7, 0.55),
    "bed": (1.45, 1.2, 0.5),
    "bookshelf": (1.0, 0.35, 1.9),
    "cabinet": (0.9, 0.45, 1.2),
    "desk": (1.4, 0.7, 0.75),
    "dresser": (1.2, 0.5, 0.9),
    "fireplace": (1.2, 0.4, 1.1),
    "nightstand": (0.45, 0.4, 0.5),
    "piano": (1.4, 0.6, 1.15),
    "radiator": (1.0, 0.2, 0.6),
    "refrigerator": (0.7, 0.7, 1.8),
    "sofa": (1.45, 0.85, 0.8),
    "stove": (0.6, 0.6, 0.9),
    "table": (1.2, 0.8, 0.75),
    "trash bin": (0.3, 0.3, 0.4),
    "washer": (0.6, 0.6, 0.85),
}
_SEVERAL: dict[str, _Size] = {
    "basket": (0.4, 0.3, 0.3),
    "chair": (0.5, 0.5, 0.9),
    "plant": (0.4, 0.4, 1.0),
    "stool": (0.4, 0.4, 0.6),
}
_ON_TOP: dict[str, _Size] = {
    "lamp": (0.25, 0.25, 0.45),
    "laptop": (0.35, 0.25, 0.22),
    "microwave": (0.4, 0.3, 0.3),
    "monitor": (0.5, 0.2, 0.4),
    "printer": (0.4, 0.3, 0.3),
}
_BASES = ("cabinet", "desk", "dresser", "nightstand", "table", "washer")
# Name: size and height of the middle.
_ON_WALL: dict[str, tuple[_Size, float]] = {
    "clock": ((0.35, 0.06, 0.35), 1.9),
    "door": ((0.9, 0.1, 2.0), 1.0),
    "mirror": ((0.6, 0.06, 0.9), 1.5),
    "tv": ((1.1, 0.08, 0.65), 1.3),
    "window": ((1.2, 0.1, 1.2), 1.5),
}
# corners() counts the signs of x, y, z in binary.
_BOX_FACES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    category: str
    center_m: tuple[float, float, float]
    extent_m: _Size
    yaw_rad: float


@functools.lru_cache(maxsize=4 * ROOMS)
def room(number: int, frames: int = 8) -> Scene:
    """Room ``number`` of `ROOMS`: furniture, things that stand on it, things on the walls, a walk round the middle.

    Args:
        number: Which.
        frames: How many pictures the walk has.
    """
    dice = rng("exemplar room", number)
    columns, rows = (4, 4) if number % 2 else (5, 4)
    width_m, depth_m = columns * _CELL_M, rows * _CELL_M
    cells = [(i, j) for i in range(columns) for j in range(rows)]
    cells = [cells[k] for k in dice.permutation(len(cells)).tolist()]
    standing: list[_Box] = []
    for name in _floor_things(dice, len(cells) - 3):
        i, j = cells.pop()
        size = (_SINGLES | _SEVERAL)[name]
        play = (_CELL_M - math.hypot(size[0], size[1])) / 2
        shift = dice.uniform(-1.0, 1.0, 2) * max(play, 0.0)
        yaw = float(dice.integers(4)) * math.pi / 2 + float(dice.normal(0.0, 0.05))
        x, y = _CELL_M * (i + 0.5) + float(shift[0]), _CELL_M * (j + 0.5) + float(shift[1])
        standing.append(_Box(category=name, center_m=(x, y, size[2] / 2), extent_m=size, yaw_rad=yaw))
    boxes = [*standing, *_upon(standing, dice), *_walls(width_m, depth_m, dice)]
    objects = tuple(
        SceneObject(
            id=f"o{k}",
            category=box.category,
            center_m=box.center_m,
            extent_m=box.extent_m,
            R_world_object=_yaw(box.yaw_rad),
        )
        for k, box in enumerate(boxes)
    )
    return Scene(
        id=f"exemplar-{number}",
        source="exemplar",
        space_id=f"exemplar-{number}",
        license="CC0-1.0",
        frames_origin="rendered",
        room=Room(
            area_m2=width_m * depth_m,
            floor_polygon_m=((0.0, 0.0), (width_m, 0.0), (width_m, depth_m), (0.0, depth_m)),
            height_m=2.6,
        ),
        objects=objects,
        frames=_frames(objects, width_m, depth_m, dice, frames),
    )


def _floor_things(dice: np.random.Generator, most: int) -> list[str]:
    singles = [list(_SINGLES)[k] for k in dice.permutation(len(_SINGLES))[:7].tolist()]
    if not set(singles) & set(_BASES):
        singles[0] = "table"
    names = singles
    for k in dice.permutation(len(_SEVERAL))[:2].tolist():
        names = names + [list(_SEVERAL)[k]] * int(dice.integers(2, 5))
    return names[:most]


def _upon(standing: list[_Box], dice: np.random.Generator) -> list[_Box]:
    bases = [box for box in standing if box.category in _BASES][:3]
    names = [list(_ON_TOP)[k] for k in dice.permutation(len(_ON_TOP))[: len(bases)].tolist()]
    return [
        _Box(
            category=name,
            center_m=(base.center_m[0], base.center_m[1], base.extent_m[2] + _ON_TOP[name][2] / 2),
            extent_m=_ON_TOP[name],
            yaw_rad=base.yaw_rad,
        )
        for base, name in zip(bases, names, strict=True)
    ]


def _walls(width_m: float, depth_m: float, dice: np.random.Generator) -> list[_Box]:
    names = [list(_ON_WALL)[k] for k in dice.permutation(len(_ON_WALL))[:4].tolist()]
    found = []
    for side, name in enumerate(names):
        size, height_m = _ON_WALL[name]
        along = float(dice.uniform(0.3, 0.7))
        x, y, yaw = (
            (along * width_m, 0.0, 0.0),
            (width_m, along * depth_m, math.pi / 2),
            (along * width_m, depth_m, 0.0),
            (0.0, along * depth_m, math.pi / 2),
        )[side]
        found.append(_Box(category=name, center_m=(x, y, height_m), extent_m=size, yaw_rad=yaw))
    return found


def _frames(
    objects: tuple[SceneObject, ...],
    width_m: float,
    depth_m: float,
    dice: np.random.Generator,
    frames: int,
) -> tuple[CameraFrame, ...]:
    turn = float(dice.uniform(0.0, 2 * math.pi)) + np.arange(frames) * 2 * math.pi / frames
    middle = np.array([width_m / 2, depth_m / 2])
    unit = np.stack([np.cos(turn), np.sin(turn)], -1)
    eye = np.concatenate([middle + 0.42 * unit * [width_m, depth_m], dice.uniform(*_EYE_M, (frames, 1))], -1)
    at = np.concatenate([middle - 0.3 * unit * [width_m, depth_m], np.full((frames, 1), 0.7)], -1)
    poses, K_px = look_at(eye, at), pinhole(_SIZE_PX, 75.0)
    points = corners(boxes_of(objects))
    faces = (_BOX_FACES[None] + 8 * np.arange(len(objects))[:, None, None]).reshape(-1, 3)
    views = object_views(
        points.reshape(-1, 3),
        faces,
        np.repeat(np.arange(len(objects)), len(_BOX_FACES)),
        T_world_camera=poses,
        K_px=K_px,
        size_px=_SIZE_PX,
        ids=[o.id for o in objects],
    )
    return tuple(
        CameraFrame(
            id=f"f{k}",
            index=k,
            time_s=2.0 * k,
            size_px=_SIZE_PX,
            K_px=as_mat3(K_px),
            T_world_camera=as_mat4(pose),
            views=seen,
        )
        for k, (pose, seen) in enumerate(zip(poses, views, strict=True))
    )


def _yaw(
    yaw_rad: float,
) -> tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]:
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    return ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))
