"""Writes ScanNet++ files from the known room, in the layout of the release. Knows nothing of the adapter."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import trimesh
from PIL import Image
from raw.scannet import parts, segments
from raw.world import World

from ouroboros_data.media.video import write_video

Depth = Literal["stream", "lz4", "zlib", "none"]
RECORDED_PX = (1920, 1440)
DEPTH_PX = (256, 192)
OBJECT_IDS = (5, 1, 9, 12, 3)


def write_scene(
    data: Path,
    world: World,
    scene_id: str = "0a5c013435",
    *,
    pictures: Literal["mp4", "jpg"] = "mp4",
    depth: Depth = "stream",
    labels: Sequence[str] | None = None,
    lost: Sequence[int] = (),
) -> Path:
    """One scene below ``data``; the world's depth maps are 256x192, as the phone's are."""
    root = data / scene_id
    scans, phone = root / "scans", root / "iphone"
    scans.mkdir(parents=True)
    phone.mkdir()
    (root / "dslr").mkdir()
    trimesh.Trimesh(world.vertices_m, world.faces, process=False).export(scans / "mesh_aligned_0.05.ply")
    segment_of = segments(world)
    (scans / "segments.json").write_text(
        json.dumps({"sceneId": scene_id, "segIndices": segment_of.tolist()}), "utf-8"
    )
    (scans / "segments_anno.json").write_text(
        json.dumps(annotation(world, segment_of, scene_id, labels)), "utf-8"
    )
    (phone / "pose_intrinsic_imu.json").write_text(json.dumps(poses(world, lost)), "utf-8")
    if pictures == "mp4":
        write_video(phone / "rgb.mp4", world.rgb, 60.0)
    else:
        (phone / "rgb").mkdir()
        for i, image in enumerate(world.rgb):
            Image.fromarray(image).save(phone / f"rgb/frame_{i:06d}.jpg", quality=95)
    if depth != "none":
        (phone / "depth.bin").write_bytes(depth_bytes(world.depth_m, depth))
    return root


def annotation(
    world: World, segment_of: npt.NDArray[np.int64], scene_id: str, labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """Groups with boxes; the box's fields are those of the release (rows of ``normalizedAxes`` are axes)."""
    owner = parts(world)
    names = list(labels or [known.label for known in world.objects])
    groups = []
    for part, number in enumerate((*OBJECT_IDS, 2, 20, 21, 22, 23)):
        group: dict[str, Any] = {
            "id": number,
            "objectId": number,
            "partId": number,
            "index": part,
            "label": [*names, "floor", "wall", "wall", "wall", "wall"][part],
            "segments": np.unique(segment_of[owner == part]).tolist(),
        }
        if part < len(world.objects):
            known = world.objects[part]
            group["obb"] = {
                "centroid": list(known.center_m),
                "axesLengths": list(known.extent_m),
                "normalizedAxes": known.R_world_object.T.ravel().tolist(),
                "min": known.corners_m.min(0).tolist(),
                "max": known.corners_m.max(0).tolist(),
            }
        groups.append(group)
    return {"sceneId": scene_id, "segGroups": groups}


def poses(world: World, lost: Sequence[int] = ()) -> dict[str, Any]:
    """Frames from 0 on. ``pose`` is in the phone's own world: somewhere else, and of no use here."""
    scale = np.array([RECORDED_PX[0] / world.size_px[0], RECORDED_PX[1] / world.size_px[1], 1.0])
    elsewhere = np.array([(0.0, 0, 1, 3), (1, 0, 0, -2), (0, 1, 0, 5), (0, 0, 0, 1)])
    return {
        f"frame_{i:06d}": {
            "timestamp": 5000.25 + i / 60,
            "pose": (elsewhere @ pose).tolist(),
            "intrinsic": (world.K_px * scale[:, None]).tolist(),
            "imu": {"rotationRate": [0.1, 0.2, 0.3]},
            "aligned_pose": (np.full((4, 4), np.nan) if i in lost else pose).tolist(),
        }
        for i, pose in enumerate(world.T_world_camera)
    }


def depth_bytes(depth_m: npt.NDArray[np.float32], coding: Depth) -> bytes:
    metres = np.nan_to_num(depth_m).astype("<f4")
    assert metres.shape[1:] == DEPTH_PX[::-1]
    if coding == "stream":
        return deflate(metres.tobytes())
    out = b""
    for one in metres:
        steps = (1000 * one).round().astype("<u2").tobytes()
        packed = (
            pa.Codec("lz4_raw").compress(steps, asbytes=True) if coding == "lz4" else deflate(one.tobytes())
        )
        out += len(packed).to_bytes(4, "little") + packed
    return out


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()
