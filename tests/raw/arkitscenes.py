"""ARKitScenes trees, raw and 3dod layout, written from the known room without any code of the adapter."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import trimesh
from PIL import Image
from raw.world import World, WorldObject, camera_path
from scipy.spatial.transform import Rotation

CLOCK_S = 6845.7
"""Time of the device when the video begins."""
TRAJ_LAG_S = 0.03
"""Poses come a little after the pictures, as in the downloads: no picture has a pose of its own time."""
LABELS = {"box": "tv_monitor"}
"""The room's names that are no labels of ARKitScenes, and what to write instead."""


def write_scan(
    root: Path,
    pictures: Mapping[str, World],
    *,
    video_id: str = "41000001",
    fold: str | None = "Training",
    layout: str = "raw",
    roll_deg_at: Callable[[float], float] = lambda at_s: 0.0,
    traj_step_s: float = 0.1,
    clock_s: float = CLOCK_S,
    depth: bool = True,
) -> Path:
    """Write one scan and give its directory.

    Args:
        root: Of the download.
        pictures: By kind (``lowres_wide``, ``vga_wide``); all of one path. The first one gives the mesh and the depth.
        video_id: Name of the scan.
        fold: ``Training``, ``Validation``, or None for scans right below the root.
        layout: ``raw``, or ``3dod``, where all but mesh and annotation lies in ``<id>_frames``.
        roll_deg_at: Turn of the camera about its viewing axis at a time; must be that of the worlds.
        traj_step_s: Time between poses, a multiple of 0.01.
        clock_s: Device time of the first picture.
        depth: Whether to write ``lowres_depth``.
    """
    scan = (root / fold if fold else root) / video_id
    frames = scan / f"{video_id}_frames" if layout == "3dod" else scan
    frames.mkdir(parents=True)
    world = next(iter(pictures.values()))
    for kind, taken in pictures.items():
        write_pictures(frames, kind, taken, video_id, clock_s)
    if depth:
        write_depth(frames, world, video_id, clock_s)
    write_trajectory(frames / "lowres_wide.traj", world, roll_deg_at, traj_step_s, clock_s)
    write_annotation(scan / f"{video_id}_3dod_annotation.json", world.objects)
    mesh = trimesh.Trimesh(world.vertices_m, world.faces, process=False)
    (scan / f"{video_id}_3dod_mesh.ply").write_bytes(mesh.export(file_type="ply"))
    return scan


def write_pictures(frames: Path, kind: str, world: World, video_id: str, clock_s: float = CLOCK_S) -> None:
    """Stamped pictures, and a pincam for each; every third one's name is a millisecond off."""
    (frames / kind).mkdir()
    (frames / f"{kind}_intrinsics").mkdir()
    for i, at_s in enumerate(world.times_s):
        stamp = clock_s + float(at_s)
        Image.fromarray(world.rgb[i]).save(frames / kind / f"{video_id}_{stamp:.3f}.png")
        name = f"{video_id}_{stamp + 0.001 * (i % 3 - 1):.3f}.pincam"
        write_pincam(frames / f"{kind}_intrinsics" / name, world.size_px, world.K_px)


def write_pincam(path: Path, size_px: tuple[int, int], K_px: npt.NDArray[np.float64]) -> None:
    """``width height fx fy cx cy``."""
    numbers = (K_px[0, 0], K_px[1, 1], K_px[0, 2], K_px[1, 2])
    path.write_text(f"{size_px[0]} {size_px[1]} " + " ".join(f"{n:.6g}" for n in numbers) + "\n")


def write_depth(frames: Path, world: World, video_id: str, clock_s: float = CLOCK_S) -> None:
    """Millimetres, 0 where there is none."""
    (frames / "lowres_depth").mkdir()
    for i, at_s in enumerate(world.times_s):
        steps = np.nan_to_num(np.round(world.depth_m[i] * 1000.0)).astype(np.uint16)
        Image.fromarray(steps).save(frames / "lowres_depth" / f"{video_id}_{clock_s + float(at_s):.3f}.png")


def write_trajectory(
    path: Path,
    world: World,
    roll_deg_at: Callable[[float], float] = lambda at_s: 0.0,
    step_s: float = 0.1,
    clock_s: float = CLOCK_S,
) -> None:
    """World to camera: axis times angle, then the translation."""
    lines = []
    for at_s, pose in poses(world, roll_deg_at, step_s):
        camera_from_world = np.linalg.inv(pose)
        turn = Rotation.from_matrix(camera_from_world[:3, :3]).as_rotvec()
        numbers = [*turn, *camera_from_world[:3, 3]]
        lines.append(f"{clock_s + at_s:.8f} " + " ".join(f"{n:.9f}" for n in numbers))
    path.write_text("\n".join(lines) + "\n")


def poses(
    world: World, roll_deg_at: Callable[[float], float], step_s: float
) -> list[tuple[float, npt.NDArray[np.float64]]]:
    """Times and poses of the walk between the pictures, in steps of 0.01 s."""
    steps = round(float(world.times_s[-1]) / 0.01)
    paths: dict[float, npt.NDArray[np.float64]] = {}
    found = []
    for k in range(round(TRAJ_LAG_S / 0.01), steps + 1, round(step_s / 0.01)):
        at_s = k * 0.01
        roll = roll_deg_at(at_s)
        if roll not in paths:
            paths[roll] = camera_path(steps + 1, roll)
        found.append((at_s, paths[roll][k]))
    return found


def annotation(objects: Sequence[WorldObject]) -> dict[str, Any]:
    """The JSON: ``obbAligned`` in metres and z-up, ``obb`` in centimetres and y-up."""
    return {
        "data": [
            {
                "uid": f"uid-{number}",
                "label": LABELS.get(known.label, known.label),
                "modelId": "",
                "children": [],
                "objectId": number + 1,
                "segments": {"obb": _obb(known), "obbAligned": _obb_aligned(known)},
                "hierarchy": [],
                "isInGroup": False,
                "labelType": "object",
                "attributes": {},
            }
            for number, known in enumerate(objects)
        ],
        "stats": {},
        "comment": "",
        "confirm": True,
        "skipped": False,
    }


def write_annotation(path: Path, objects: Sequence[WorldObject]) -> None:
    """See `annotation`."""
    path.write_text(json.dumps(annotation(objects)))


def _obb_aligned(known: WorldObject) -> dict[str, Any]:
    cos, sin = math.cos(known.yaw_rad), math.sin(known.yaw_rad)
    return {
        "centroid": list(known.center_m),
        "axesLengths": list(known.extent_m),
        # Row by row: the block's x axis, its y axis, its z axis.
        "normalizedAxes": [cos, sin, 0.0, -sin, cos, 0.0, 0.0, 0.0, 1.0],
    }


def _obb(known: WorldObject) -> dict[str, Any]:
    (x, y, z), (a, b, c) = known.center_m, known.extent_m
    cos, sin = math.cos(known.yaw_rad), math.sin(known.yaw_rad)
    return {
        "centroid": [100 * y, 100 * z, 100 * x],
        "axesLengths": [100 * b, 100 * c, 100 * a],
        "normalizedAxes": [cos, 0.0, -sin, 0.0, 1.0, 0.0, sin, 0.0, cos],
    }
