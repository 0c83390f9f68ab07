"""Pictures of an ARKitScenes video with their cameras: from a directory of stamped pictures, or from a video file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import interpolate_pose, turned
from ouroboros_data.media.images import image_size_px, list_images, read_depth_png
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.stream_digest import media_sha256
from ouroboros_data.types import Video
from scene_adapters.arkitscenes.cameras import (
    NAME_TOLERANCE_S,
    Pincam,
    Trajectory,
    matches,
    read_pincam,
    scaled,
    stamp_s,
)
from scene_adapters.arkitscenes.tree import KINDS, ScanFiles
from scene_adapters.raw_files import Floats
from scene_adapters.scan import RawFrame

Source = Literal["auto", "vga_wide", "lowres_wide", "video"]
COMPLETE = 0.95
"""A directory of pictures is complete if this share of them has intrinsics."""
COVERS = 0.9
"""… and if they cover this share of the time that the trajectory covers."""
DEPTH_TOLERANCE_S = 0.005
"""Depth maps carry the stamps of the lowres pictures; apple/ARKitScenes matches within 5 ms as well."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """Files of a directory that carry a time in their name."""

    directory: Path
    names: tuple[str, ...]
    times_s: Floats
    """(n,), ascending."""
    positions: npt.NDArray[np.intp]
    """(n,), place of each file in the directory's list of pictures."""
    listed: int
    """Pictures in the directory, with and without a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What a scene is made from."""

    video: Video
    frames: tuple[RawFrame, ...]
    """Those with intrinsics; the pose is None where the trajectory does not say."""
    clock_s: float
    """Device time at ``time_s`` 0."""


def find_frames(files: ScanFiles, trajectory: Trajectory, source: Source, max_gap_s: float) -> Frames:
    """The pictures of a scan.

    ``auto`` takes ``vga_wide`` where it is complete, else ``lowres_wide``, else a video file.

    Raises:
        SceneError: There are none, or they cannot be matched with intrinsics and times.
    """
    if source == "video":
        return _from_video(files, trajectory, max_gap_s)
    if source != "auto":
        return _from_pictures(files, source, trajectory, max_gap_s)
    there = [kind for kind in KINDS if files.asset(kind).is_dir() and list_images(files.asset(kind))]
    whole = next((kind for kind in there if _complete(files, kind, trajectory)), None)
    if there:
        kind = whole or there[-1]
        if kind != there[0]:
            _LOG.info("%s: %s is not complete, taking %s", files.root, there[0], kind)
        return _from_pictures(files, kind, trajectory, max_gap_s)
    if files.videos():
        return _from_video(files, trajectory, max_gap_s)
    raise SceneError(
        "no pictures: neither vga_wide nor lowres_wide nor a video file",
        where=str(files.root),
        fix="download lowres_wide and lowres_wide_intrinsics",
    )


class DepthMaps:
    """``lowres_depth`` by time."""

    def __init__(self, directory: Path, clock_s: float) -> None:
        """List the directory; without one there are no maps (raises SceneError if it cannot be listed)."""
        self._clock_s = clock_s
        self._maps = stamped(directory, list_images(directory)) if directory.is_dir() else None

    def __call__(self, frame: RawFrame) -> npt.NDArray[np.float32] | None:
        """Depth (height, width) in metres of a frame; None where no map is near enough in time.

        Raises:
            SceneError: The map cannot be read.
        """
        if self._maps is None:
            return None
        at = np.array([frame.time_s + self._clock_s])
        nearest = int(matches(at, self._maps.times_s, DEPTH_TOLERANCE_S)[0])
        return None if nearest < 0 else read_depth_png(self._maps.directory / self._maps.names[nearest])


def stamped(directory: Path, names: Sequence[str]) -> Stamped:
    """Those of the names that carry a time, by time."""
    found = sorted((at, name, i) for i, name in enumerate(names) if (at := stamp_s(name)) is not None)
    return Stamped(
        directory=directory,
        names=tuple(name for _, name, _ in found),
        times_s=np.array([at for at, _, _ in found], float),
        positions=np.array([i for _, _, i in found], np.intp),
        listed=len(names),
    )


def _pictures(files: ScanFiles, kind: str) -> Stamped:
    directory = files.need(files.asset(kind), kind)
    pictures = stamped(directory, list_images(directory))
    if not pictures.names:
        raise SceneError(
            "no picture carries a time in its name", where=str(directory), fix="expected VIDEO_SECONDS.png"
        )
    return pictures


def _pincams(files: ScanFiles, kind: str) -> Stamped:
    directory = files.need(files.asset(f"{kind}_intrinsics"), f"{kind}_intrinsics")
    try:
        names = [path.name for path in directory.iterdir() if path.suffix == ".pincam"]
    except OSError as error:
        raise SceneError(f"cannot be listed: {error.strerror}", where=str(directory)) from None
    return stamped(directory, names)


def _complete(files: ScanFiles, kind: str, trajectory: Trajectory) -> bool:
    if not files.asset(f"{kind}_intrinsics").is_dir():
        return False
    pictures, pincams = stamped(files.asset(kind), list_images(files.asset(kind))), _pincams(files, kind)
    if not pictures.names:
        return False
    matched = matches(pictures.times_s, pincams.times_s, NAME_TOLERANCE_S) >= 0
    span = trajectory.times_s[-1] - trajectory.times_s[0]
    ends = np.clip(pictures.times_s[[0, -1]], trajectory.times_s[0], trajectory.times_s[-1])
    return bool(matched.mean() >= COMPLETE and ends[1] - ends[0] >= COVERS * span)


def _from_pictures(files: ScanFiles, kind: str, trajectory: Trajectory, max_gap_s: float) -> Frames:
    pictures, pincams = _pictures(files, kind), _pincams(files, kind)
    matched = matches(pictures.times_s, pincams.times_s, NAME_TOLERANCE_S)
    if (matched < 0).all():
        raise SceneError(
            "none of the pictures has intrinsics of its time",
            where=str(pincams.directory),
            fix=f"download {kind}_intrinsics again",
        )
    size_px = image_size_px(pictures.directory / pictures.names[0])
    poses = interpolate_pose(trajectory.times_s, trajectory.T_world_camera, pictures.times_s, max_gap_s)
    clock_s = float(pictures.times_s[0])
    frames = []
    for i, pincam_at in enumerate(matched):
        if pincam_at < 0:  # the neighbour's intrinsics would be those of another picture
            continue
        path = pincams.directory / pincams.names[pincam_at]
        position = int(pictures.positions[i])
        frames.append(
            RawFrame(
                id=f"f{position:05d}",
                index=position,
                time_s=float(pictures.times_s[i] - clock_s),
                size_px=size_px,
                K_px=scaled(read_pincam(path), size_px, str(path)),
                T_world_camera=poses[i] if np.isfinite(poses[i]).all() else None,
            )
        )
    video = Video(
        path=pictures.directory.relative_to(files.root).as_posix(),
        sha256=media_sha256(pictures.directory),
        fps=_rate(pictures.times_s),
        frame_count=pictures.listed,
        size_px=size_px,
    )
    return Frames(video=video, frames=tuple(frames), clock_s=clock_s)


def _from_video(files: ScanFiles, trajectory: Trajectory, max_gap_s: float) -> Frames:
    """A video file has no device clock: frame i is the i-th stamp of the intrinsics that are as many as its frames."""
    paths = files.videos()
    if not paths:
        raise SceneError("no video file", where=str(files.root), fix=f"expected {files.video_id}.mov or .mp4")
    path = paths[0]
    with open_reader(path) as reader:
        count, shown_px, fps = reader.frame_count, reader.size_px, reader.fps
    turn_deg = _display_turn_deg(path)
    stored_px = shown_px if turn_deg % 180 == 0 else (shown_px[1], shown_px[0])
    kinds = [kind for kind in (*KINDS, "wide") if files.asset(f"{kind}_intrinsics").is_dir()]
    fitting = [pincams for kind in kinds if len((pincams := _pincams(files, kind)).names) == count]
    if not fitting:
        raise SceneError(
            f"has {count} frames, and no directory of intrinsics has as many files: their times are unknown",
            where=str(path),
            fix="use lowres_wide or vga_wide with their intrinsics",
        )
    pincams = fitting[0]
    poses = interpolate_pose(trajectory.times_s, trajectory.T_world_camera, pincams.times_s, max_gap_s)
    clock_s = float(pincams.times_s[0])
    frames = []
    for i, name in enumerate(pincams.names):
        pincam: Pincam = read_pincam(pincams.directory / name)
        K_px = scaled(pincam, stored_px, str(pincams.directory / name))
        posed = bool(np.isfinite(poses[i]).all())
        # What the reader gives is turned as the file asks for; the camera turns with it.
        _, K_px, pose = turned(stored_px, K_px, poses[i] if posed else np.eye(4), turn_deg)
        frames.append(
            RawFrame(
                id=f"f{i:05d}",
                index=i,
                time_s=float(pincams.times_s[i] - clock_s),
                size_px=shown_px,
                K_px=K_px,
                T_world_camera=pose if posed else None,
            )
        )
    video = Video(
        path=path.relative_to(files.root).as_posix(),
        sha256=media_sha256(path),
        fps=fps,
        frame_count=count,
        size_px=shown_px,
    )
    return Frames(video=video, frames=tuple(frames), clock_s=clock_s)


def _display_turn_deg(path: Path) -> int:
    """Clockwise turn that the file asks players for, and that `open_reader` applies."""
    import av

    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            return int(round(-frame.rotation / 90) % 4 * 90)
    except (av.FFmpegError, StopIteration) as error:
        raise SceneError(f"cannot be decoded: {error}", where=str(path), fix="download it again") from None


def _rate(times_s: Floats) -> float:
    span = float(times_s[-1] - times_s[0])
    return (len(times_s) - 1) / span if span > 0 else 0.0
