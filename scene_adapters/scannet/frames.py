"""Frames of a scan, from whichever is there: the ``.sens`` stream, exported pictures, or a video beside the poses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.media.images import image_size_px, list_images, read_depth_png
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.sens import FPS, SensReader
from ouroboros_data.media.stream_digest import media_sha256
from ouroboros_data.types import Video
from scene_adapters.pictures import Depth, fitted, registered
from scene_adapters.raw_files import Floats, parse_numbers, pose_or_none, read_text
from scene_adapters.scan import RawFrame
from scene_adapters.scannet.info import CENTRE_PX, ScanInfo, intrinsics_for
from scene_adapters.scannet.tree import ScanFiles

_NUMBERED = re.compile(r"(?:frame-)?(\d{1,9})(?:\.color|\.pose|\.depth)?\.(\w+)")
_PICTURES = ("jpg", "jpeg", "png")
_HEAD_BYTES = 96  # of a frame in a .sens stream


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameSet:
    """All frames of a scan, in the raw (unaligned) world."""

    root: Path
    """Directory that `Video.path` is relative to."""
    video: Video
    frames: tuple[RawFrame, ...]
    open_depth: Callable[[RawFrame], Depth | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exported:
    """Directories of exported frames; flat exports have one for all."""

    base: Path
    colors: Path | None
    poses: Path
    depths: Path
    intrinsic: Path
    """A directory with ``intrinsic_color.txt``, or one file for all frames."""


def find_frames(files: ScanFiles, info: ScanInfo, stride: int | None, stack: ExitStack) -> FrameSet | None:
    """Frames of a scan; None where there are none at all.

    The ``.sens`` stream comes first, as it is the source of the others; then exported pictures, then a video.

    Args:
        files: The scan.
        info: For intrinsics and sizes that the frames do not come with.
        stride: Poses per frame of a video file; None: the counts must agree.
        stack: Closes what stays open for depth.

    Raises:
        SceneError: Frames that are there cannot be used; names file and field.
    """
    if files.stream.is_file():
        return _from_stream(files, stack)
    exports = list(_exports(files))
    for export in exports:
        if export.colors is not None:
            return _from_pictures(export, info)
    video = files.video()
    if video is None:
        return None
    if not exports:
        raise SceneError("a video without poses", where=str(video), fix="export pose/ from the .sens stream")
    return _from_video(files, video, exports[0], info, stride)


def _from_stream(files: ScanFiles, stack: ExitStack) -> FrameSet:
    where = str(files.stream)
    reader = stack.enter_context(SensReader(files.stream))
    K_px = _of_stream(reader.K_color_px, reader.size_px, "intrinsic_color", where)
    frames = tuple(
        RawFrame(
            id=f"f{index:06d}",
            index=index,
            time_s=float(reader.times_s[index]),
            size_px=reader.size_px,
            K_px=K_px,
            T_world_camera=pose_or_none(pose, f"frame {index}, camera_to_world", where),
        )
        for index, pose in enumerate(reader.poses)
    )
    K_depth = _of_stream(reader.K_depth_px, reader.depth_size_px, "intrinsic_depth", where)
    # The end of each frame's header is the byte count of its depth map.
    heads = np.frombuffer(reader.index_bytes, np.uint8)[-_HEAD_BYTES * reader.frame_count :]
    depth_bytes = heads.reshape(reader.frame_count, _HEAD_BYTES)[:, -8:].max(1)

    def open_depth(frame: RawFrame) -> Depth | None:
        if not depth_bytes[frame.index]:
            return None
        return registered(reader.depth_m(frame.index), K_depth, frame)

    video = Video(
        path=files.stream.name,
        sha256=media_sha256(files.stream),
        fps=reader.fps,
        frame_count=reader.frame_count,
        size_px=reader.size_px,
    )
    return FrameSet(
        root=files.root,
        video=video,
        frames=frames,
        # What is hidden then follows from the mesh alone.
        open_depth=None if reader.depth_coding == "occi" else open_depth,
    )


def _of_stream(K_px: Floats, size_px: tuple[int, int], field: str, where: str) -> Floats:
    return fitted(K_px, [size_px], size_px, centre_px=CENTRE_PX, field=field, where=where)


def _from_pictures(export: _Exported, info: ScanInfo) -> FrameSet:
    assert export.colors is not None
    names = list_images(export.colors)
    numbers = _by_number(names, export.colors, "color")
    size_px = image_size_px(export.colors / next(iter(numbers.values())))
    position = {name: at for at, name in enumerate(names)}
    poses = _poses(export.poses)
    K_px = _color_intrinsics(export, info, size_px)
    order = sorted(numbers)
    frames = tuple(
        RawFrame(
            id=f"f{number:06d}",
            index=position[numbers[number]],
            time_s=(number - order[0]) / FPS,
            size_px=size_px,
            K_px=K_px,
            T_world_camera=_pose(poses.get(number)),
        )
        for number in order
    )
    if not any(number in poses for number in numbers):
        raise SceneError("none of the pictures has a pose of its number", where=str(export.poses))
    span = frames[-1].time_s - frames[0].time_s
    video = Video(
        path=export.colors.relative_to(export.base).as_posix(),
        sha256=media_sha256(export.colors),
        fps=(len(frames) - 1) / span if span else FPS,
        frame_count=len(names),
        size_px=size_px,
    )
    number_of = {numbers[n]: n for n in order}
    by_position = {at: number_of[name] for name, at in position.items() if name in number_of}
    depth = _depths(export, info, lambda frame: by_position[frame.index])
    return FrameSet(root=export.base, video=video, frames=frames, open_depth=depth)


def _from_video(
    files: ScanFiles, path: Path, export: _Exported, info: ScanInfo, stride: int | None
) -> FrameSet:
    poses = _poses(export.poses)
    with open_reader(path) as reader:
        count, size_px, fps = reader.frame_count, reader.size_px, reader.fps
    total, step = max(poses) + 1, stride or 1
    if -(-total // step) != count:
        said = f"one in {step} of them" if stride else "one frame each"
        raise SceneError(
            f"has {count} frames, there are poses 0 to {total - 1}, {said} expected",
            where=str(path),
            fix="set scenes.options.video_stride to the number of poses per frame, if the video was thinned out",
        )
    K_px = _color_intrinsics(export, info, size_px)
    frames = tuple(
        RawFrame(
            id=f"f{index * step:06d}",
            index=index,
            time_s=index / fps,
            size_px=size_px,
            K_px=K_px,
            T_world_camera=_pose(poses.get(index * step)),
        )
        for index in range(count)
    )
    video = Video(path=path.name, sha256=media_sha256(path), fps=fps, frame_count=count, size_px=size_px)
    depth = _depths(export, info, lambda frame: frame.index * step)
    return FrameSet(root=files.root, video=video, frames=frames, open_depth=depth)


def _exports(files: ScanFiles) -> Iterator[_Exported]:
    """Layouts that hold poses: ``color/ pose/ …`` (official), and flat ones with a text file beside each picture."""
    for base in (files.root, files.root / "exported"):
        if (base / "pose").is_dir():
            colors = base / "color"
            yield _Exported(
                base=base,
                colors=colors if colors.is_dir() else None,
                poses=base / "pose",
                depths=base / "depth",
                intrinsic=base / "intrinsic",
            )
    # open-mmlab/mmdetection3d: posed_images/<id>/00000.jpg, 00000.txt, intrinsic.txt
    parents = (files.root.parent, files.root.parent.parent)
    for base in (files.root, *(parent / "posed_images" / files.id for parent in parents)):
        if base.is_dir() and any(_number(path.name, ("txt",)) is not None for path in base.glob("*.txt")):
            yield _Exported(base=base, colors=base, poses=base, depths=base, intrinsic=base / "intrinsic.txt")


def _number(name: str, kinds: tuple[str, ...]) -> int | None:
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match and match[2].lower() in kinds else None


def _by_number(names: list[str], directory: Path, kind: str) -> dict[int, str]:
    """File names by frame number, whatever the padding; a flat export's depth maps are not its colour pictures."""
    found: dict[int, str] = {}
    has_jpg = any(name.lower().endswith((".jpg", ".jpeg")) for name in names)
    kinds = {"color": _PICTURES[:2] if has_jpg else _PICTURES, "depth": ("png",), "pose": ("txt",)}[kind]
    other = {"color": ".depth.", "depth": ".color.", "pose": ".color."}[kind]
    for name in names:
        number = _number(name, kinds)
        if number is None or other in name:
            continue
        if number in found:
            raise SceneError(
                f"{found[number]} and {name} have the same number",
                where=str(directory),
                fix="keep one export",
            )
        found[number] = name
    if not found and kind != "depth":
        raise SceneError(
            f"no {kind} files named by frame number", where=str(directory), fix="expected 0.jpg, 000000.jpg …"
        )
    return found


def _listed(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir()]
    except OSError as error:
        raise SceneError(f"cannot be listed: {error.strerror}", where=str(directory)) from None


def _poses(directory: Path) -> dict[int, Path]:
    names = _by_number(_listed(directory), directory, "pose")
    return {number: directory / name for number, name in names.items()}


def _pose(path: Path | None) -> Floats | None:
    if path is None:
        return None
    where = str(path)
    return pose_or_none(parse_numbers(read_text(path), 16, "pose", where).reshape(4, 4), "pose", where)


def _color_intrinsics(export: _Exported, info: ScanInfo, size_px: tuple[int, int]) -> Floats:
    path = export.intrinsic / "intrinsic_color.txt" if export.intrinsic.is_dir() else export.intrinsic
    return intrinsics_for(path, info.color, size_px)


def _depths(
    export: _Exported, info: ScanInfo, number_of: Callable[[RawFrame], int]
) -> Callable[[RawFrame], Depth | None] | None:
    if not export.depths.is_dir():
        return None
    names = _by_number(_listed(export.depths), export.depths, "depth")
    if not names:
        return None
    # A flat export has one file of intrinsics, those of the pictures.
    path = export.intrinsic / "intrinsic_depth.txt"
    stated = path.is_file() or info.depth is not None

    def open_depth(frame: RawFrame) -> Depth | None:
        name = names.get(number_of(frame))
        if name is None:
            return None
        depth = read_depth_png(export.depths / name)
        if not stated:  # aligned with the pictures, says the dataset: the same view
            return depth
        size_px = (depth.shape[1], depth.shape[0])
        return registered(depth, intrinsics_for(path, info.depth, size_px), frame)

    return open_depth
