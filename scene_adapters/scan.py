"""From what a raw scan's files say to a `Scene`: the part that the adapters of captured scans share.

An adapter reads files into a `RawScan`; `assemble` fits boxes, finds the floor, chooses frames, turns pictures upright
and measures what each chosen frame shows of each object.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import Turn, as_mat3, as_mat4, turned, upright_turn_deg
from ouroboros_data.geometry.coverage import choose_frames
from ouroboros_data.geometry.fit import MIN_POINTS, fit_box
from ouroboros_data.geometry.floor import floor_outline
from ouroboros_data.geometry.visibility import object_views
from ouroboros_data.media.reader import FrameReader, open_reader
from ouroboros_data.media.sharpness import sharpness
from ouroboros_data.types import BoxKind, CameraFrame, ObjectView, Room, Scene, SceneObject, Vec3, Video
from scene_adapters.option_checks import need

Floats = npt.NDArray[np.float64]
Depth = npt.NDArray[np.float32]
Box = tuple[Floats, Floats, Floats]
"""Centre (3,) m, full edge lengths (3,) m, axes (3, 3) as columns, in the scan's world."""

ABOVE_FLOOR_M = 0.03
"""A given box reaches down to the floor, or a little through it: faces this close to it are the floor's."""
AROUND_BOX_M = 0.02
"""A given box touches what it is around: faces on its own sides belong to it, for all rounding and noise."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What a recipe may say under ``scenes.options`` of every adapter of captured scans."""

    frame_count: int = 32
    """Frames that a scene keeps; a question samples its own out of them."""
    choose: Literal["cover", "uniform"] = "cover"
    """Frames that together show the room, each the sharpest of its neighbours; or evenly spread ones."""
    box: Literal["gravity", "axis_aligned", "free"] = "gravity"
    """Kind of box that is fitted to an instance's points; boxes that the source gives are taken as they are."""
    min_points: int = 30
    """An instance with fewer points is too small to be boxed. Its whole category is left out then: one that is there
    but not counted would make a count wrong."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawInstance:
    """One annotated thing, with either its vertices or a box."""

    id: str
    raw_label: str
    category: str | None
    """None for what is no object: walls, floor, vague labels. It still hides what is behind it."""
    nyu40: int | None = None
    vertex_index: npt.NDArray[np.int64] | None = None
    """(k,) vertices of the scan's mesh."""
    box: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawFrame:
    """One picture as it is stored."""

    id: str
    index: int
    """Number in the source: of a video frame, of a ``.sens`` frame, or place in the directory's listing."""
    time_s: float
    size_px: tuple[int, int]
    K_px: Floats
    """(3, 3), of the stored picture."""
    T_world_camera: Floats | None
    """(4, 4); None where tracking was lost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawScan:
    """A scan in one world: metres, z up."""

    id: str
    source: str
    space_id: str
    license: str
    root: Path
    video: Video | None
    vertices_m: Floats
    """(n, 3)."""
    faces: npt.NDArray[np.integer[Any]]
    """(m, 3)."""
    instances: Sequence[RawInstance]
    frames: Sequence[RawFrame]
    open_depth: Callable[[RawFrame], Depth | None] | None
    """Depth along camera z of a stored picture, (h, w) m, nan where it is unknown; it shows what the picture shows."""
    upright: bool
    """Whether pictures may lie on their side and are to be turned, each by its own pose."""


def check_scan_options(known: ScanOptions) -> None:
    """Refuse values out of range (raises RecipeError that names the field)."""
    need(1 <= known.frame_count <= 10_000, known, "frame_count", "must be 1 to 10000")
    need(MIN_POINTS <= known.min_points <= 100_000, known, "min_points", f"must be {MIN_POINTS} to 100000")


def assemble(scan: RawScan, options: ScanOptions) -> Scene:
    """The scene of a scan.

    Objects are all annotated things of the categories that can be counted, seen or not: whether a question may be about
    them is for the gates to say.

    Raises:
        SceneError: No object, no posed frame or no floor is left, or a picture cannot be read.
    """
    if not any(i.category for i in scan.instances):
        raise SceneError("no annotated object", where=scan.id, fix="leave the scan out")
    floor = floor_outline(scan.vertices_m, scan.faces)
    instances, objects = _objects(scan, options)
    chosen = _chosen(scan, options)
    turns = [_turn(scan, frame) for frame in chosen]
    cameras = [_camera(frame, turn) for frame, turn in zip(chosen, turns, strict=True)]
    views = _views(scan, instances, floor.floor_z_m, chosen, turns, cameras)
    return Scene(
        id=scan.id,
        source=scan.source,
        space_id=scan.space_id,
        license=scan.license,
        frames_origin="captured",
        room=Room(area_m2=floor.area_m2, floor_polygon_m=floor.outline_m, height_m=floor.height_m),
        objects=objects,
        frames=tuple(
            CameraFrame(
                id=frame.id,
                index=frame.index,
                time_s=frame.time_s,
                size_px=size_px,
                K_px=as_mat3(K_px),
                T_world_camera=as_mat4(pose),
                turn_deg=turn,
                views=seen,
            )
            for frame, turn, (size_px, K_px, pose), seen in zip(chosen, turns, cameras, views, strict=True)
        ),
        video=scan.video,
        root=str(scan.root),
    )


def _objects(scan: RawScan, options: ScanOptions) -> tuple[tuple[RawInstance, ...], tuple[SceneObject, ...]]:
    """Instances that are objects, with their records, in the scan's order."""
    small = {
        i.category
        for i in scan.instances
        if i.category and i.vertex_index is not None and len(i.vertex_index) < options.min_points
    }
    if small:
        _LOG.info(
            "%s: categories with an instance of too few points are left out: %s", scan.id, sorted(small)
        )
    kept = tuple(i for i in scan.instances if i.category and i.category not in small)
    if not kept:
        raise SceneError(
            f"every category has an instance of fewer than {options.min_points} points",
            where=scan.id,
            fix="lower scenes.options.min_points, or leave the scan out",
        )
    return kept, tuple(_object(scan, i, options.box) for i in kept)


def _object(scan: RawScan, instance: RawInstance, kind: BoxKind) -> SceneObject:
    assert instance.category is not None
    count = None
    if instance.box is not None:
        center, extent, axes = instance.box
        kind = "annotated"
    else:
        assert instance.vertex_index is not None, "an instance has a box or vertices"
        try:
            fitted = fit_box(scan.vertices_m[instance.vertex_index], kind)
        except ValueError as error:
            raise SceneError(f"{instance.raw_label} ({instance.id}): {error}", where=scan.id) from None
        center, extent, axes = fitted.center_m, fitted.extent_m, fitted.R_world_box
        count = len(instance.vertex_index)
    return SceneObject(
        id=instance.id,
        category=instance.category,
        center_m=_vec3(center),
        extent_m=_vec3(extent),
        R_world_object=as_mat3(axes),
        box_kind=kind,
        raw_label=instance.raw_label,
        nyu40=instance.nyu40,
        point_count=count,
    )


def _chosen(scan: RawScan, options: ScanOptions) -> list[RawFrame]:
    frames = list(scan.frames)
    lost = np.full((4, 4), np.nan)
    poses = np.array([lost if f.T_world_camera is None else f.T_world_camera for f in frames]).reshape(
        -1, 4, 4
    )
    if not np.isfinite(poses).all((1, 2)).any():
        raise SceneError("no frame has a pose", where=scan.id, fix="leave the scan out")
    reader: FrameReader | None = None
    try:
        if options.choose == "cover" and scan.video is not None:
            reader = open_reader(scan.root / scan.video.path)

        def sharp(positions: list[int]) -> list[float]:
            assert reader is not None
            # One at a time: sizes may differ within a directory, and memory stays flat.
            return [sharpness(reader.read([frames[i].index])[0]) for i in positions]

        positions = choose_frames(
            options.frame_count,
            poses,
            np.array([f.K_px for f in frames]),
            frames[0].size_px,
            scan.vertices_m,
            sharp if reader is not None else None,
            options.choose,
        )
    finally:
        if reader is not None:
            reader.close()
    return [frames[i] for i in positions]


def _turn(scan: RawScan, frame: RawFrame) -> Turn:
    assert frame.T_world_camera is not None, "a chosen frame has a pose"
    return upright_turn_deg(frame.T_world_camera) if scan.upright else 0


def _camera(frame: RawFrame, turn: Turn) -> tuple[tuple[int, int], Floats, Floats]:
    assert frame.T_world_camera is not None
    return turned(frame.size_px, frame.K_px, frame.T_world_camera, turn)


def _views(
    scan: RawScan,
    instances: Sequence[RawInstance],
    floor_z_m: float,
    chosen: Sequence[RawFrame],
    turns: Sequence[Turn],
    cameras: Sequence[tuple[tuple[int, int], Floats, Floats]],
) -> list[tuple[ObjectView, ...]]:
    """Views of each chosen frame; frames of one size go together."""
    owner = _face_owner(scan, instances, floor_z_m)
    ids = [instance.id for instance in instances]
    views: list[tuple[ObjectView, ...]] = [()] * len(chosen)
    for size_px in dict.fromkeys(camera[0] for camera in cameras):
        rows = [i for i, camera in enumerate(cameras) if camera[0] == size_px]
        depth = [_depth(scan, chosen[i], turns[i]) for i in rows]
        found = object_views(
            scan.vertices_m,
            scan.faces,
            owner,
            T_world_camera=np.array([cameras[i][2] for i in rows]),
            K_px=np.array([cameras[i][1] for i in rows]),
            size_px=size_px,
            ids=ids,
            depth_m=None if all(one is None for one in depth) else depth,
        )
        for i, seen in zip(rows, found, strict=True):
            views[i] = seen
    return views


def _depth(scan: RawScan, frame: RawFrame, turn: Turn) -> Depth | None:
    depth = None if scan.open_depth is None else scan.open_depth(frame)
    return None if depth is None else np.rot90(depth, -(turn // 90))


def _face_owner(scan: RawScan, instances: Sequence[RawInstance], floor_z_m: float) -> npt.NDArray[np.int64]:
    """(m,) place of the instance that a face belongs to, -1 for none.

    With vertices, a face is the instance's that has at least two of its corners. With boxes, it is that of the smallest
    box around its middle, but never the floor's own faces.
    """
    vertex_owner = np.full(len(scan.vertices_m), -1, np.int64)
    for place, instance in enumerate(instances):
        if instance.vertex_index is not None:
            vertex_owner[instance.vertex_index] = place
    a, b, c = vertex_owner[scan.faces].T
    owner: npt.NDArray[np.int64] = np.where((a == b) | (a == c), a, np.where(b == c, b, -1))
    boxed = [(place, instance.box) for place, instance in enumerate(instances) if instance.box is not None]
    if boxed:
        middle = scan.vertices_m[scan.faces].mean(1)
        free = middle[:, 2] > floor_z_m + ABOVE_FLOOR_M
        # Large ones first, so that the pillow's box overrules the bed's.
        for place, (center, extent, axes) in sorted(boxed, key=lambda pair: -float(np.prod(pair[1][1]))):
            inside = (np.abs((middle - center) @ axes) <= extent / 2 + AROUND_BOX_M).all(1)
            owner[inside & free] = place
    return owner


def _vec3(values: Floats) -> Vec3:
    x, y, z = (float(v) for v in values)
    return x, y, z
