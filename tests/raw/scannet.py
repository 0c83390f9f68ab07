"""Writes ScanNet's files from the known room, as the official tools do. Knows nothing of the adapter.

The raw world is turned about z and shifted against the known one; ``axisAlignment`` brings it back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import trimesh
from PIL import Image
from raw.sens import write_sens
from raw.world import ROOM_HIGH_M, ROOM_LOW_M, SHELL, World

from ouroboros_data.media.video import write_video

Frames = Literal["sens", "color", "flat", "mp4", "none"]
YAW_RAD, SHIFT_M = 0.65, (1.4, -2.3, 0.21)
OBJECT_IDS = (3, 0, 7, 4, 9)
"""``objectId`` of the world's objects: neither their order nor without gaps."""
SHELL_IDS = {"floor": 1, "wall": 12}
NYU40 = {"table": 7, "box": 29, "chair": 5, "cabinet": 3, "floor": 2, "wall": 1}
ALL_PARTS = 4
"""Segments of each object."""


def alignment() -> npt.NDArray[np.float64]:
    """``axisAlignment`` (4, 4): from the raw world to the known one."""
    cos, sin = math.cos(YAW_RAD), math.sin(YAW_RAD)
    out = np.eye(4)
    out[:2, :2] = (cos, -sin), (sin, cos)
    out[:3, 3] = SHIFT_M
    return out


def to_raw(points_m: npt.ArrayLike, aligned: bool = True) -> npt.NDArray[np.float64]:
    """Known points (n, 3) in the raw world."""
    A = alignment() if aligned else np.eye(4)
    return (np.asarray(points_m, float) - A[:3, 3]) @ A[:3, :3]


def raw_poses(world: World, aligned: bool = True, lost: Sequence[int] = ()) -> npt.NDArray[np.float64]:
    """Camera to raw world, (frames, 4, 4); -inf where tracking was lost."""
    A = alignment() if aligned else np.eye(4)
    poses = np.stack([np.linalg.solve(A, pose) for pose in world.T_world_camera])
    poses[list(lost)] = -np.inf
    return poses


def write_scan(
    scans: Path,
    world: World,
    scan_id: str = "scene0007_00",
    *,
    frames: Frames = "sens",
    padding: int = 0,
    every: int = 1,
    depth: bool = True,
    aligned: bool = True,
    lost: Sequence[int] = (),
    labels: Sequence[str] | None = None,
    info: dict[str, str] | None = None,
) -> Path:
    """One scan below ``scans``.

    Args:
        scans: Made if it is not there.
        world: What was scanned.
        scan_id: Name of the scan.
        frames: How they are kept.
        padding: Digits of exported files' numbers.
        every: Step between the numbers of exported files.
        depth: Whether there are depth maps.
        aligned: Whether ``<id>.txt`` has an ``axisAlignment`` (and the raw world differs from the known one).
        lost: Frames without tracking.
        labels: Raw labels of the world's objects; its own where left out.
        info: Lines of ``<id>.txt`` that replace others; an empty value removes one.
    """
    root = scans / scan_id
    root.mkdir(parents=True, exist_ok=True)
    write_mesh(root / f"{scan_id}_vh_clean_2.ply", world, aligned)
    segment_of = segments(world)
    segs = {"params": {"kThresh": "0.01"}, "sceneId": scan_id, "segIndices": segment_of.tolist()}
    write_json(root / f"{scan_id}_vh_clean_2.0.010000.segs.json", segs)
    write_json(root / f"{scan_id}.aggregation.json", aggregation(world, segment_of, scan_id, labels))
    write_info(root / f"{scan_id}.txt", world, aligned, info or {})
    poses = raw_poses(world, aligned, lost)
    depth_mm = [np.nan_to_num(1000 * d).round().astype(np.uint16) if depth else None for d in world.depth_m]
    if frames == "sens":
        write_sens(
            root / f"{scan_id}.sens",
            list(world.rgb),
            depth_mm,
            poses,
            K_color_px=stored_K(world.K_px),
            K_depth_px=stored_K(world.K_depth_px),
            color="jpeg",
        )
    elif frames in ("color", "flat"):
        write_export(root, world, poses, depth_mm, flat=frames == "flat", padding=padding, every=every)
    elif frames == "mp4":
        write_poses(root / "pose", poses, padding, every)
        write_intrinsic(root / "intrinsic", world)
        write_video(root / f"{scan_id}.mp4", world.rgb, 30.0)
    return root


def write_mesh(path: Path, world: World, aligned: bool = True) -> None:
    colors = np.array(
        [(200, 195, 180), *(tuple(round(255 * c) for c in o.color) for o in world.objects)], np.uint8
    )
    mesh = trimesh.Trimesh(
        to_raw(world.vertices_m, aligned),
        world.faces,
        vertex_colors=colors[world.vertex_owner + 1],
        process=False,
    )
    mesh.export(path)


def segments(world: World, seed: int = 5) -> npt.NDArray[np.int64]:
    """Segment of each vertex. Names are numbers of vertices, as ScanNet's are, but of vertices elsewhere."""
    owner = parts(world)
    middle = (world.vertices_m - world.vertices_m.mean(0)) > 0
    key = owner * ALL_PARTS + middle[:, 0] * 2 + middle[:, 1]
    _, number = np.unique(key, return_inverse=True)
    names = np.random.default_rng(seed).permutation(len(owner))[: number.max() + 1]
    return names[number.reshape(-1)]


def parts(world: World) -> npt.NDArray[np.int64]:
    """Owner of each vertex: index of the object, then floor, then the four walls."""
    points, owner = world.vertices_m, world.vertex_owner.astype(np.int64)
    first = len(world.objects)
    walls = [points[:, 0] == ROOM_LOW_M[0], points[:, 1] == ROOM_LOW_M[1], points[:, 0] == ROOM_HIGH_M[0]]
    wall = np.select(walls, [0, 1, 2], 3)
    return np.where(owner != SHELL, owner, np.where(points[:, 2] == 0, first, first + 1 + wall))


def aggregation(
    world: World, segment_of: npt.NDArray[np.int64], scan_id: str, labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """Groups in the order of ``objectId``; segments within a group in no order."""
    owner = parts(world)
    names = list(labels or [known.label for known in world.objects])
    ids = dict(enumerate(OBJECT_IDS))
    names += ["floor", "wall", "wall", "wall", "wall"]
    ids |= {len(world.objects) + i: (1, 12, 13, 14, 15)[i] for i in range(5)}
    groups = [
        {
            "id": ids[part],
            "objectId": ids[part],
            "segments": np.unique(segment_of[owner == part])[::-1].tolist(),
            "label": names[part],
        }
        for part in sorted(ids, key=lambda part: ids[part])
    ]
    return {
        "sceneId": f"scannet.{scan_id}",
        "appId": "Aggregator.v2",
        "segGroups": groups,
        "segmentsFile": f"scannet.{scan_id}_vh_clean_2.0.010000.segs.json",
    }


def write_info(path: Path, world: World, aligned: bool, changes: dict[str, str]) -> None:
    (width, height), (depth_width, depth_height) = world.size_px, world.depth_size_px
    color, depth = stored_K(world.K_px), stored_K(world.K_depth_px)
    values = {
        "axisAlignment": " ".join(f"{v:.6f}" for v in alignment().ravel()) if aligned else "",
        "colorHeight": str(height),
        "colorToDepthExtrinsics": "0.999973 0.006791 0.002776 -0.037886 -0.006767 0.999942 -0.008366 -0.003410 "
        "-0.002833 0.008347 0.999961 -0.021924 -0.000000 0.000000 -0.000000 1.000000",
        "colorWidth": str(width),
        "depthHeight": str(depth_height),
        "depthWidth": str(depth_width),
        "fx_color": f"{color[0, 0]:.6f}",
        "fx_depth": f"{depth[0, 0]:.6f}",
        "fy_color": f"{color[1, 1]:.6f}",
        "fy_depth": f"{depth[1, 1]:.6f}",
        "mx_color": f"{color[0, 2]:.6f}",
        "mx_depth": f"{depth[0, 2]:.6f}",
        "my_color": f"{color[1, 2]:.6f}",
        "my_depth": f"{depth[1, 2]:.6f}",
        "numColorFrames": str(len(world.rgb)),
        "sceneType": "Bedroom / Hotel",
    }
    lines = [f"{key} = {value}" for key, value in {**values, **changes}.items() if value]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def write_export(
    root: Path,
    world: World,
    poses: npt.NDArray[np.float64],
    depth_mm: Sequence[npt.NDArray[np.uint16] | None],
    *,
    flat: bool,
    padding: int,
    every: int,
) -> None:
    """``color/ pose/ intrinsic/ depth/`` below ``root``, or all in ``posed_images/<id>`` beside ``scans``."""
    if flat:
        place = root.parent.parent / "posed_images" / root.name
        colors = poses_at = depths = place
        place.mkdir(parents=True, exist_ok=True)
        _write_matrix(place / "intrinsic.txt", _mat4(stored_K(world.K_px)))
    else:
        colors, poses_at, depths = root / "color", root / "pose", root / "depth"
        write_intrinsic(root / "intrinsic", world)
        colors.mkdir()
    write_poses(poses_at, poses, padding, every)
    for i, (image, steps) in enumerate(zip(world.rgb, depth_mm, strict=True)):
        name = str(i * every).zfill(padding)
        Image.fromarray(image).save(colors / f"{name}.jpg", quality=95)
        if steps is not None:
            depths.mkdir(exist_ok=True)
            Image.fromarray(steps).save(depths / f"{name}.png")


def write_poses(directory: Path, poses: npt.NDArray[np.float64], padding: int, every: int) -> None:
    directory.mkdir(exist_ok=True)
    for i, pose in enumerate(poses):
        _write_matrix(directory / f"{str(i * every).zfill(padding)}.txt", pose)


def write_intrinsic(directory: Path, world: World) -> None:
    directory.mkdir(exist_ok=True)
    _write_matrix(directory / "intrinsic_color.txt", _mat4(stored_K(world.K_px)))
    _write_matrix(directory / "intrinsic_depth.txt", _mat4(stored_K(world.K_depth_px)))
    for kind in ("color", "depth"):
        _write_matrix(directory / f"extrinsic_{kind}.txt", np.eye(4))


def write_table(path: Path, *, old: bool = False, order: int = 1) -> None:
    """The label table; ``order`` -1 has its rows the other way round."""
    head = ["id", "raw_category", "category", "count", "nyu40id", "nyu40class"]
    rows = [[str(i), name, name, "9", str(n), name] for i, (name, n) in enumerate(NYU40.items(), 1)]
    rows.append(["99", "books", "book", "4", "23", "books"])
    if old:
        head, rows = [*head[:1], *head[2:]], [[*row[:1], *row[2:]] for row in rows]
    path.write_text("\n".join("\t".join(row) for row in [head, *rows[::order]]) + "\n", "utf-8")


def write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data), "utf-8")


def stored_K(K_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """ScanNet counts pixel centres as whole numbers."""
    out = np.array(K_px, float)
    out[:2, 2] -= 0.5
    return out


def _mat4(K_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    out = np.eye(4)
    out[:3, :3] = K_px
    return out


def _write_matrix(path: Path, matrix: npt.NDArray[np.float64]) -> None:
    path.write_text("\n".join(" ".join(f"{v:f}" for v in row) for row in matrix) + "\n", "utf-8")
