"""Scenes for tests of the whole grammar: procedural rooms and real layouts, seen but not filmed.

Only the instance ids are rendered, in small pictures, and no video is written: a room takes a fiftieth of a second.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import pinhole
from ouroboros_data.geometry.render import render
from ouroboros_data.media.rendered import camera_frames
from ouroboros_data.types import Room, Scene
from scene_adapters.meta_info import LICENSES, MetaInfo
from scene_adapters.meta_info_view import box_meshes, estimate_shell, shell_meshes
from scene_adapters.meta_info_walk import plan_walk
from scene_adapters.procedural.adapter import LICENSE, Options, build_room

SIZE_PX = (64, 48)
STRETCHED = 5
"""Every so many rooms are filmed by somebody who stretches and stoops: adapters' own cameras keep their height."""


@functools.cache
def procedural(index: int, seed: int = 77) -> Scene:
    """A procedural room as the adapter makes it, in smaller pictures."""
    room = build_room(Options(size_px=SIZE_PX), seed, index)
    poses = np.array(room.T_world_camera)
    if index % STRETCHED == 0:
        poses[:, 2, 3] += 0.35 * np.sin(np.linspace(0.0, 1.5 * math.pi, len(poses)))
    rendered = render(room.meshes, poses, room.K_px, SIZE_PX)
    name = f"room-{seed}-{index:05d}"
    return Scene(
        id=name,
        source="procedural",
        space_id=name,
        license=LICENSE,
        frames_origin="rendered",
        room=room.room,
        objects=room.objects,
        frames=camera_frames(
            rendered,
            room.meshes,
            [o.id for o in room.objects],
            T_world_camera=poses,
            K_px=room.K_px,
            fps=2.0,
        ),
    )


@functools.cache
def layouts(folder: Path) -> tuple[Scene, ...]:
    """All real layouts of a directory that can be walked through, as the `meta_info` adapter makes them."""
    adapter = MetaInfo(root=folder)
    found = []
    for ref in adapter.refs():
        try:
            found.append(_layout(adapter, ref.id, ref.source))
        except SceneError:
            continue  # the adapter's own tests say which
    return tuple(found)


def _layout(adapter: MetaInfo, name: str, source: str) -> Scene:
    layout = adapter.layout(name)
    doubtful = adapter._judge(layout, name)
    labelled = [record.category not in doubtful for record in layout.objects]
    objects = tuple(record for record, known in zip(layout.objects, labelled, strict=True) if known)
    shell = estimate_shell(layout.objects, layout.room_area_m2)
    meshes = [*shell_meshes(shell), *box_meshes(layout.objects, labelled)]
    K_px = pinhole(SIZE_PX, adapter.options.hfov_deg)
    vfov_deg = math.degrees(2 * math.atan(SIZE_PX[1] / 2 / K_px[1, 1]))
    poses = plan_walk(
        objects,
        meshes,
        shell,
        obstacles=layout.objects,
        count=24,
        fov_deg=(adapter.options.hfov_deg, vfov_deg),
    )
    rendered = render(meshes, poses, K_px, SIZE_PX)
    return Scene(
        id=name,
        source=source,
        space_id=name,
        license=LICENSES[source],
        frames_origin="rendered",
        room=Room(area_m2=layout.room_area_m2),
        objects=objects,
        frames=camera_frames(
            rendered, meshes, [o.id for o in objects], T_world_camera=poses, K_px=K_px, fps=2.0
        ),
    )
