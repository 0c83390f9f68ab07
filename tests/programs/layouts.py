"""Small layouts for the program API: boxes and cameras in, a scene out; and a scene moved or mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import hand_scenes as hand
import numpy as np

from ouroboros_data.geometry.cameras import from_yaw_pitch
from ouroboros_data.types import CameraFrame, ObjectView, Room, Scene, SceneObject

HALL = ((0.0, 0.0), (6.0, 0.0), (6.0, 4.0), (0.0, 4.0))


def rows(matrix):
    return tuple(tuple(float(v) for v in row) for row in matrix)


def camera(
    i: int, at=(0.0, 0.0, 1.5), heading=0.0, pitch=0.0, roll=0.0, shows: Sequence[str] = ()
) -> CameraFrame:
    pose = from_yaw_pitch(at, np.radians(heading), np.radians(pitch), np.radians(roll))
    return replace(
        hand.frame(i, {}),
        T_world_camera=rows(pose),
        views=tuple(ObjectView(object_id=name, pixel_share=0.1) for name in shows),
    )


def scene(*objects: SceneObject, cameras: Sequence[CameraFrame] = (), floor=()) -> Scene:
    return replace(
        hand.room(), objects=objects, frames=tuple(cameras), room=Room(area_m2=24.0, floor_polygon_m=floor)
    )


def tilted(axis: int, degrees: float):
    """Turned about the world's x or y axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return rows([[1, 0, 0], [0, c, -s], [0, s, c]] if axis == 0 else [[c, 0, s], [0, 1, 0], [-s, 0, c]])


def moved(before: Scene, linear: np.ndarray, shift: np.ndarray) -> Scene:
    """Everything in the scene under an orthogonal map that keeps the vertical, mirroring or not."""
    mirror = np.diag([np.sign(np.linalg.det(linear)), 1.0, 1.0])  # boxes and cameras stay right-handed

    def pose(matrix):
        out = np.eye(4)
        out[:3, :3] = linear @ np.array(matrix)[:3, :3] @ mirror
        out[:3, 3] = linear @ np.array(matrix)[:3, 3] + shift
        return rows(out)

    return replace(
        before,
        room=replace(
            before.room,
            floor_polygon_m=rows(np.array(before.room.floor_polygon_m) @ linear[:2, :2].T + shift[:2]),
        ),
        objects=tuple(
            replace(
                o,
                center_m=tuple((linear @ np.array(o.center_m) + shift).tolist()),
                R_world_object=rows(linear @ np.array(o.R_world_object) @ mirror),
            )
            for o in before.objects
        ),
        frames=tuple(replace(f, T_world_camera=pose(f.T_world_camera)) for f in before.frames),
    )
