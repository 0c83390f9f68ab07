"""Frames of the phone's recording: ``iphone/pose_intrinsic_imu.json`` with ``rgb.mp4`` or ``rgb/``."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.media.images import image_size_px, list_images
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.stream_digest import media_sha256
from ouroboros_data.types import Video
from scene_adapters.pictures import Depth, check_intrinsics, fitted
from scene_adapters.raw_files import Floats, fail, numbers, pose_or_none, read_json, shown
from scene_adapters.scan import RawFrame
from scene_adapters.scannetpp.depth_bin import DepthBin

RECORDED_PX = (1920, 1440)
"""Size of the recording, which the stored intrinsics are of."""
CENTRE_PX = 0.5
"""The first pixel's centre: ARKit measures the principal point from the picture's corner."""
FPS = 60.0
"""Of the recording; stands in where time stamps make no sense."""
SCALE = 0.05
"""A pose may scale by this share, as it was fitted to the laser scan; the scale is taken out."""
_NUMBERED = re.compile(r"frame_(\d{1,9})(?:\.\w+)?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """All frames that the phone's pose file has."""

    video: Video
    frames: tuple[RawFrame, ...]
    open_depth: Callable[[RawFrame], Depth | None] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """One entry of the pose file."""

    number: int
    timestamp_s: float | None
    K_px: Floats
    """(3, 3) as stored."""
    T_world_camera: Floats | None


def find_recording(root: Path, stack: ExitStack) -> Recording:
    """Frames of one scene in the mesh's world; frame n of the pose file is picture n of the recording, from 0 on.

    Args:
        root: The scene's directory; `Video.path` is relative to it.
        stack: Closes the depth file.

    Raises:
        SceneError: A file is missing or cannot be used; names file and field.
    """
    phone = root / "iphone"
    poses_path = phone / "pose_intrinsic_imu.json"
    posed = read_poses(poses_path)
    video, index_of = _pictures(phone, root)
    missing = [entry.number for entry in posed if entry.number not in index_of]
    whole = video.path.endswith(".mp4")
    if missing and (whole or len(missing) == len(posed)):
        raise SceneError(
            f"has no picture of frame {missing[0]}, which {poses_path.name} has a pose of",
            where=str(root / video.path),
            fix="download the recording again",
        )
    times = _times_s(posed)
    frames = tuple(
        RawFrame(
            id=f"f{entry.number:06d}",
            index=index_of[entry.number],
            time_s=time_s,
            size_px=video.size_px,
            K_px=fitted(
                entry.K_px,
                [RECORDED_PX, video.size_px],
                video.size_px,
                centre_px=CENTRE_PX,
                field=f"frame_{entry.number:06d}.intrinsic",
                where=str(poses_path),
            ),
            T_world_camera=entry.T_world_camera,
        )
        for entry, time_s in zip(posed, times, strict=True)
        if entry.number in index_of
    )
    depth_path = phone / "depth.bin"
    open_depth = None
    if depth_path.is_file():
        maps = stack.enter_context(DepthBin(depth_path))
        number_of = {index: number for number, index in index_of.items()}

        def open_depth(frame: RawFrame) -> Depth | None:
            # The depth map shows what the picture does.
            return maps.depth_m(number_of[frame.index])

    return Recording(video=video, frames=frames, open_depth=open_depth)


def read_poses(path: Path) -> list[Posed]:
    """Entries by frame number. ``aligned_pose`` is taken: ``pose`` is in the phone's own world, not the mesh's.

    Raises:
        SceneError: A field is missing or of the wrong type (it is named), or there are no frames.
    """
    where, found = str(path), {}
    for name, entry in read_json(path).items():
        match = _NUMBERED.fullmatch(name)
        if match is None or not isinstance(entry, dict):
            fail(f"{name[:40]!r} must be frame_NUMBER with a mapping, got {shown(entry)}", where)
        number = int(match[1])
        if number in found:
            fail(f"{name}: the number is there twice", where)
        K_px = _matrix(entry.get("intrinsic"), 3, f"{name}.intrinsic", where)
        check_intrinsics(K_px, f"{name}.intrinsic", where)
        pose = _matrix(entry.get("aligned_pose"), 4, f"{name}.aligned_pose", where)
        stamp = entry.get("timestamp")
        found[number] = Posed(
            number=number,
            timestamp_s=float(stamp) if isinstance(stamp, int | float) and abs(stamp) < 1e12 else None,
            K_px=K_px,
            T_world_camera=pose_or_none(_unscaled(pose), f"{name}.aligned_pose", where),
        )
    if not found:
        fail("holds no frames", where)
    return [found[number] for number in sorted(found)]


def _matrix(value: Any, side: int, field: str, where: str) -> Floats:
    """Rows, or all numbers in one list."""
    if isinstance(value, list) and len(value) == side and all(isinstance(row, list) for row in value):
        return np.stack([numbers(row, side, f"{field}[{i}]", where) for i, row in enumerate(value)])
    return numbers(value, side * side, field, where).reshape(side, side)


def _unscaled(T: Floats) -> Floats:
    if not np.isfinite(T).all() or np.abs(T).max() > 1e6:
        return T
    scale = abs(np.linalg.det(T[:3, :3])) ** (1 / 3)
    if abs(scale - 1) > SCALE:
        return T
    out = T.copy()
    out[:3, :3] /= scale
    return out


def _times_s(posed: list[Posed]) -> list[float]:
    """Seconds from the first frame on, by the stamps where they rise at a sane rate."""
    nominal = [(entry.number - posed[0].number) / FPS for entry in posed]
    stamps = [entry.timestamp_s for entry in posed]
    if any(stamp is None for stamp in stamps):
        return nominal
    times = np.array(stamps, float) - np.array(stamps[0], float)
    if len(times) > 1 and not (np.diff(times) > 0).all():
        return nominal
    if not 0.1 * nominal[-1] <= times[-1] <= 10 * nominal[-1]:
        return nominal
    return [float(time) for time in times]


def _pictures(phone: Path, root: Path) -> tuple[Video, dict[int, int]]:
    """The recording, and the place of each frame number in it: the video is whole, extracted pictures may be few."""
    path, directory = phone / "rgb.mp4", phone / "rgb"
    if path.is_file():
        with open_reader(path) as reader:
            count, size_px, fps = reader.frame_count, reader.size_px, reader.fps
        index_of = {number: number for number in range(count)}
    elif directory.is_dir():
        path, names = directory, list_images(directory)
        index_of = {}
        for at, name in enumerate(names):
            match = _NUMBERED.fullmatch(name)
            if match and index_of.setdefault(int(match[1]), at) != at:
                raise SceneError(f"{name}: the number is there twice", where=str(directory), fix="keep one")
        if not index_of:
            raise SceneError(
                "no pictures frame_NUMBER.jpg", where=str(directory), fix="extract them from rgb.mp4"
            )
        count, size_px = len(names), image_size_px(directory / names[min(index_of.values())])
        span = max(index_of) - min(index_of)
        fps = FPS * (len(index_of) - 1) / span if span else FPS
    else:
        raise SceneError("no recording", where=str(path), fix="download rgb.mp4, or extract rgb/")
    video = Video(
        path=path.relative_to(root).as_posix(),
        sha256=media_sha256(path),
        fps=fps,
        frame_count=count,
        size_px=size_px,
    )
    return video, index_of
