"""A good scene is broken in one way at a time, and exactly that is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw.world import HEIGHT_M, make_world

from ouroboros_data.geometry.cameras import as_mat3, as_mat4
from ouroboros_data.ids import file_sha256
from ouroboros_data.media.video import write_video
from ouroboros_data.plugins import SceneAdapter
from ouroboros_data.scenes.check import Finding, check_pictures, check_record, verdict
from ouroboros_data.scenes.scan_check import check_scan
from ouroboros_data.stages.check import check_one
from ouroboros_data.types import CameraFrame, ObjectView, Room, Scene, SceneObject, SceneRef, Video

FRAMES = 32


@dataclass(frozen=True)
class Frame:
    id: str
    time_s: float
    size_px: tuple[int, int]
    K_px: Any
    T_world_camera: Any
    number: int


@dataclass(frozen=True)
class Scan:
    vertices_m: Any
    frames: tuple[Frame, ...]
    open_depth: Any


def build(place: Path, roll_deg: float = 0.0) -> tuple[Scene, Scan]:
    world = make_world(frame_count=FRAMES, depth_size_px=(80, 60), roll_deg=roll_deg)
    write_video(place / "video.mp4", world.rgb, world.fps)
    counts = [np.bincount(ids[ids >= 0], minlength=len(world.objects)) for ids in world.instance]
    pixels = world.size_px[0] * world.size_px[1]
    scene = Scene(
        id="world",
        source="test",
        space_id="world",
        license="CC0-1.0",
        frames_origin="captured",
        room=Room(area_m2=20.0, floor_polygon_m=world.polygon_m, height_m=HEIGHT_M),
        objects=tuple(
            SceneObject(
                id=f"o{i}",
                category=known.label,
                center_m=known.center_m,
                extent_m=known.extent_m,
                R_world_object=as_mat3(known.R_world_object),
            )
            for i, known in enumerate(world.objects)
        ),
        frames=tuple(
            CameraFrame(
                id=f"f{i}",
                index=i,
                time_s=float(world.times_s[i]),
                size_px=world.size_px,
                K_px=as_mat3(world.K_px),
                T_world_camera=as_mat4(world.T_world_camera[i]),
                views=tuple(
                    ObjectView(object_id=f"o{j}", pixel_share=int(n) / pixels)
                    for j, n in enumerate(counts[i])
                    if n
                ),
            )
            for i in range(FRAMES)
        ),
        video=Video(
            path="video.mp4",
            sha256=file_sha256(place / "video.mp4"),
            fps=world.fps,
            frame_count=FRAMES,
            size_px=world.size_px,
        ),
        root=str(place),
    )
    frames = tuple(
        Frame(
            id=f"f{i}",
            time_s=float(world.times_s[i]),
            size_px=world.size_px,
            K_px=world.K_px,
            T_world_camera=world.T_world_camera[i],
            number=i,
        )
        for i in range(FRAMES)
    )
    return scene, Scan(world.vertices_m, frames, lambda frame: world.depth_m[frame.number])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scan]:
    return build(tmp_path_factory.mktemp("good"))


def told(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(finding.check, finding.severity) for finding in findings}


def said(findings: Iterable[Finding]) -> str:
    return " | ".join(f"{finding.what} -> {finding.fix}" for finding in findings)


def posed(scene: Scene, change: Callable[[np.ndarray], np.ndarray], only: slice = slice(None)) -> Scene:
    frames = list(scene.frames)
    for i in range(FRAMES)[only]:
        pose = change(np.array(frames[i].T_world_camera))
        frames[i] = replace(frames[i], T_world_camera=as_mat4(pose))
    return replace(scene, frames=tuple(frames))


def framed(scene: Scene, at: int, **changes: Any) -> Scene:
    frames = list(scene.frames)
    frames[at] = replace(frames[at], **changes)
    return replace(scene, frames=tuple(frames))


def boxed(scene: Scene, count: int, **changes: Any) -> Scene:
    objects = [replace(o, **changes) if i < count else o for i, o in enumerate(scene.objects)]
    return replace(scene, objects=tuple(objects))


def scaled(scene: Scene, factor: float, *, poses: bool = True, rest: bool = True) -> Scene:
    def far(pose: np.ndarray) -> np.ndarray:
        return np.vstack([np.column_stack([pose[:3, :3], factor * pose[:3, 3]]), pose[3:]])

    if poses:
        scene = posed(scene, far)
    if not rest:
        return scene
    polygon = tuple((factor * x, factor * y) for x, y in scene.room.floor_polygon_m)
    objects = tuple(
        replace(
            o,
            center_m=tuple(factor * v for v in o.center_m),
            extent_m=tuple(factor * v for v in o.extent_m),
        )
        for o in scene.objects
    )
    room = Room(area_m2=20.0 * factor**2, floor_polygon_m=polygon, height_m=factor * HEIGHT_M)
    return replace(scene, room=room, objects=objects)


def blind(scene: Scene, *ids: str) -> Scene:
    frames = tuple(
        replace(f, views=tuple(view for view in f.views if view.object_id not in ids)) for f in scene.frames
    )
    return replace(scene, frames=frames)


def roll(degrees: float) -> Callable[[np.ndarray], np.ndarray]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return lambda pose: pose @ turn


def test_the_good_scene_has_no_findings(good: tuple[Scene, Scan]) -> None:
    scene, scan = good
    assert check_record(scene) == [] and check_scan(scene, scan) == []
    assert verdict([]) == "ok"


RECORDS: dict[str, tuple[Callable[[Scene], Scene], set[tuple[str, str]], str]] = {
    "the video is gone": (
        lambda s: replace(s, video=replace(s.video, path="gone.mp4")),
        {("files", "error")},
        "gone.mp4 is missing -> download it again",
    ),
    "no pictures at all": (lambda s: replace(s, video=None), {("files", "error")}, "no pictures"),
    "nothing annotated": (
        lambda s: replace(blind(s, *(o.id for o in s.objects)), objects=()),
        {("annotation", "error")},
        "it has no objects -> annotate",
    ),
    "no frames": (lambda s: replace(s, frames=()), {("poses", "error")}, "it has no posed frame"),
    "nothing in sight": (
        lambda s: blind(s, *(o.id for o in s.objects)),
        {("annotation", "error")},
        "no frame shows any of its objects",
    ),
    "little in sight": (
        lambda s: blind(s, "o0", "o1", "o4"),
        {("annotation", "warning")},
        "no frame shows 3 of its 5 objects, for example o0",
    ),
    "one pose is nan": (
        lambda s: posed(s, lambda pose: pose * np.nan, slice(3, 4)),
        {("cameras", "error")},
        "a pose is not finite in 1 of 32 frames, first f3",
    ),
    "poses are mirrored": (
        lambda s: posed(s, lambda pose: pose @ np.diag([-1.0, 1, 1, 1])),
        {("cameras", "error")},
        "a pose is mirrored in 32 of 32",
    ),
    "poses carry a scale": (
        lambda s: posed(s, lambda pose: pose @ np.diag([1.5, 1.5, 1.5, 1])),
        {("cameras", "error")},
        "a pose is not a rigid motion in 32 of 32",
    ),
    "intrinsics of larger pictures": (
        lambda s: framed(s, 0, K_px=as_mat3(np.diag([8.0, 8, 1]) @ s.frames[0].K_px)),
        {("cameras", "error")},
        "intrinsics do not fit a picture of 160x120 in 1 of 32",
    ),
    "turned pictures, unturned sizes": (
        lambda s: replace(s, frames=tuple(replace(f, turn_deg=90) for f in s.frames)),
        {("cameras", "error")},
        "a size of 160x120, where the pictures have 120x160, in 32 of 32",
    ),
    "centimetres": (
        lambda s: scaled(s, 100),
        {("scale", "error")},
        "the numbers look like centimetres -> multiply by 0.01",
    ),
    "millimetres": (
        lambda s: scaled(s, 1000),
        {("scale", "error")},
        "the numbers look like millimetres -> multiply by 0.001",
    ),
    "divided by 1000 once too often": (
        lambda s: scaled(s, 0.001),
        {("scale", "error")},
        "the numbers look like metres divided by 1000 -> multiply by 1000",
    ),
    "poses in millimetres": (
        lambda s: scaled(s, 1000, rest=False),
        {("scale", "error"), ("place", "error")},
        "the camera's height is 1541 m: the numbers look like millimetres",
    ),
    "boxes in centimetres": (
        lambda s: replace(scaled(s, 100, poses=False), room=s.room),
        {("scale", "error"), ("boxes", "error")},
        "the objects' middle size is 90 m",
    ),
    "a hall that is no room": (
        lambda s: replace(s, room=Room(area_m2=5000.0)),
        {("scale", "warning")},
        "the floor's side is 70.71 m -> look at it",
    ),
    "pictures on their side": (
        lambda s: posed(s, roll(90)),
        {("upright", "error")},
        "32 of 32 pictures are not upright: most need a turn of 90 degrees clockwise",
    ),
    "pictures on their other side": (lambda s: posed(s, roll(-90)), {("upright", "error")}, "turn of 270"),
    "pictures on their head": (lambda s: posed(s, roll(180)), {("upright", "error")}, "turn of 180"),
    "a video that turns midway": (
        lambda s: posed(s, roll(90), slice(20, None)),
        {("upright", "warning")},
        "12 of 32 pictures are not upright",
    ),
    "a camera that is held askew": (lambda s: posed(s, roll(30)), set(), ""),
    "cameras next door": (
        lambda s: posed(s, lambda pose: pose + np.outer([0, 1, 0, 0], [0, 0, 0, 9.0])),
        {("place", "error")},
        "32 of 32 cameras are more than 1 m outside the room",
    ),
    "some cameras next door": (
        lambda s: posed(s, lambda pose: pose + np.outer([0, 1, 0, 0], [0, 0, 0, 9.0]), slice(0, 10)),
        {("place", "warning")},
        "10 of 32 cameras",
    ),
    "one box astray": (
        lambda s: boxed(s, 1, center_m=(9.0, 1.0, 0.4)),
        {("boxes", "warning")},
        "1 of 5 boxes are outside the room's outline, for example o0",
    ),
    "two boxes astray": (lambda s: boxed(s, 2, center_m=(9.0, 1.0, 0.4)), {("boxes", "error")}, "2 of 5"),
    "a box by the wall": (lambda s: boxed(s, 1, center_m=(-2.5, 0.0, 0.4)), set(), ""),
    "frames out of order": (
        lambda s: framed(s, 5, time_s=0.1),
        {("times", "error")},
        "times do not increase after frame f4",
    ),
    "most of the walk is missing": (
        lambda s: replace(s, frames=(*s.frames[:6], *s.frames[-3:])),
        {("times", "warning")},
        "no frame for 2.4 of 3.1 s, after f5",
    ),
    "a frame with the name of another": (
        lambda s: framed(s, 5, id="f4"),
        {("repeats", "error")},
        "1 frames come twice, for example id f4",
    ),
    "a frame with the number of another": (
        lambda s: framed(s, 5, index=4),
        {("repeats", "error")},
        "for example number 4",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_broken_records(good: tuple[Scene, Scan], name: str) -> None:
    change, expected, words = RECORDS[name]
    findings = check_record(change(good[0]))
    assert told(findings) == expected, said(findings)
    assert words in said(findings)
    assert {finding.scene for finding in findings} <= {"world"}
    worst = "unusable" if any(level == "error" for _, level in expected) else "usable with warnings"
    assert verdict(findings) == (worst if expected else "ok")


def scanned(scan: Scan, change: Callable[[np.ndarray], Any], only: slice = slice(None)) -> Scan:
    frames = list(scan.frames)
    for i in range(FRAMES)[only]:
        frames[i] = replace(frames[i], T_world_camera=change(frames[i].T_world_camera))
    return replace(scan, frames=tuple(frames))


def turned_world(pose: np.ndarray) -> np.ndarray:
    """As when the mesh was aligned with the axes and the poses were not."""
    return np.vstack([roll(25)(np.eye(4))[:3], [[0, 0, 0, 1]]]) @ pose


def transposed(pose: np.ndarray) -> np.ndarray:
    return np.vstack([np.column_stack([pose[:3, :3].T, pose[:3, 3]]), pose[3:]])


DEPTH, ALIGNMENT = ("depth", "error"), ("alignment", "error")
SCANS: dict[str, tuple[Callable[[Scan], Scan], set[tuple[str, str]], str]] = {
    "tracking was lost for a while": (
        lambda s: scanned(s, lambda pose: np.full((4, 4), -np.inf), slice(3, 12)),
        {("poses", "warning")},
        "9 of 32 frames (28%) have no finite pose",
    ),
    "hardly a pose": (
        lambda s: scanned(s, lambda pose: None, slice(5, None)),
        {("poses", "error")},
        "27 of 32 frames (84%) have no finite pose",
    ),
    "a few lost": (lambda s: scanned(s, lambda pose: None, slice(5, 8)), set(), ""),
    "a long gap": (
        lambda s: replace(
            s, frames=tuple(replace(f, time_s=f.time_s + 7.0 * (f.number > 9)) for f in s.frames)
        ),
        {("times", "warning")},
        "1 stretches of more than 2.0 s without a pose, the longest 7.1 s after frame f9",
    ),
    "time goes back": (
        lambda s: replace(s, frames=(*s.frames[16:], *s.frames[:16])),
        {("times", "error")},
        "time goes back after frame f31",
    ),
    "another scan's mesh": (
        lambda s: replace(s, vertices_m=s.vertices_m + np.array([30.0, 0, 0])),
        {("boxes", "error"), ALIGNMENT},
        "5 of 5 boxes are outside the mesh, for example o0",
    ),
    "no mesh": (lambda s: replace(s, vertices_m=np.zeros((0, 3))), set(), ""),
    "no depth": (lambda s: replace(s, open_depth=None), set(), ""),
    "no depth for these frames": (lambda s: replace(s, open_depth=lambda frame: None), set(), ""),
    "depth in millimetres": (
        lambda s: replace(s, open_depth=lambda frame: s.open_depth(frame) * 1000),
        {DEPTH},
        "the numbers look like millimetres",
    ),
    "depth divided twice": (
        lambda s: replace(s, open_depth=lambda frame: s.open_depth(frame) / 1000),
        {DEPTH},
        "metres taken for millimetres",
    ),
    "depth 20 % too long": (
        lambda s: replace(s, open_depth=lambda frame: s.open_depth(frame) * 1.2),
        {ALIGNMENT},
        "depth does not lie on the mesh",
    ),
    "depth of other frames": (
        lambda s: replace(s, open_depth=lambda f: s.open_depth(replace(f, number=(f.number * 7 + 9) % 32))),
        {DEPTH},
        "depth and poses disagree",
    ),
    "depth upside down": (
        lambda s: replace(s, open_depth=lambda frame: s.open_depth(frame)[::-1]),
        {ALIGNMENT},
        "depth does not lie on the mesh",
    ),
    "world-to-camera poses": (lambda s: scanned(s, np.linalg.inv), {DEPTH}, "depth and poses disagree"),
    "transposed rotations": (lambda s: scanned(s, transposed), {DEPTH}, "depth and poses disagree"),
    "camera axes of OpenGL": (
        lambda s: scanned(s, lambda pose: pose @ np.diag([1.0, -1, -1, 1])),
        {("depth", "warning"), ALIGNMENT},
        "depth and poses disagree",
    ),
    "poses that were not aligned with the mesh": (
        lambda s: scanned(s, turned_world),
        {ALIGNMENT},
        "depth does not lie on the mesh",
    ),
}


@pytest.mark.parametrize("name", SCANS)
def test_broken_scans(good: tuple[Scene, Scan], name: str) -> None:
    scene, scan = good
    change, expected, words = SCANS[name]
    findings = check_scan(scene, change(scan))
    assert told(findings) == expected, said(findings)
    assert words in said(findings)


def test_a_box_outside_the_mesh(good: tuple[Scene, Scan]) -> None:
    scene, scan = good
    high = boxed(scene, 1, center_m=(0.9, 1.1, 2.0))  # within the outline, but in the air
    assert check_record(high) == []
    findings = check_scan(high, scan)
    assert told(findings) == {("boxes", "warning")} and "1 of 5 boxes are outside the mesh" in said(findings)


def grey(good: tuple[Scene, Scan]) -> list[np.ndarray]:
    world = make_world(frame_count=FRAMES)
    return [image.mean(-1)[::5, ::5] for image in world.rgb]


def test_a_frozen_picture(good: tuple[Scene, Scan]) -> None:
    scene, _ = good
    pictures = grey(good)
    assert check_pictures(scene, pictures) == []
    # Two frames apart, so that the camera has moved by more than may be overlooked.
    thinned = replace(scene, frames=scene.frames[::3])
    once = pictures[::3]
    assert check_pictures(thinned, once) == []
    once[4] = once[3]
    findings = check_pictures(thinned, once)
    assert told(findings) == {("repeats", "warning")} and "1 of 11 pictures repeat the one before" in said(
        findings
    )
    assert told(check_pictures(thinned, [once[0]] * 11)) == {("repeats", "error")}
    still = replace(
        thinned,
        frames=tuple(replace(f, T_world_camera=scene.frames[0].T_world_camera) for f in thinned.frames),
    )
    assert check_pictures(still, [once[0]] * 11) == []


class Adapter:
    """Gives one scene, and the scan behind it if there is one."""

    def __init__(self, scene: Scene, scan: Scan | None = None) -> None:
        self.scene = scene
        if scan is not None:
            import contextlib

            self.raw = lambda ref, media: contextlib.nullcontext(scan)

    def load(self, ref: SceneRef, media: Path) -> Scene:
        return self.scene


REF = SceneRef(id="world", source="test", key="0")


def test_one_scene_from_file_to_verdict(good: tuple[Scene, Scan], tmp_path: Path) -> None:
    scene, scan = good
    assert check_one(Adapter(scene, scan), REF, tmp_path) == []
    assert told(check_one(Adapter(scene, scanned(scan, np.linalg.inv)), REF, tmp_path)) == {DEPTH}
    (tmp_path / "video.mp4").write_bytes(b"not a video")
    broken = check_one(Adapter(replace(scene, root=str(tmp_path))), REF, tmp_path)
    assert told(broken) == {("files", "error")} and "its pictures cannot be read" in said(broken)


def test_the_scene_of_another_video(good: tuple[Scene, Scan], tmp_path: Path) -> None:
    scene, _ = good
    wrong = replace(scene, video=dataclasses.replace(scene.video, frame_count=40))
    found = check_one(Adapter(wrong), REF, tmp_path)
    assert told(found) == {("files", "error")} and "not the video that the scene was made from" in said(found)


def test_the_protocol_of_adapters_needs_no_raw(good: tuple[Scene, Scan]) -> None:
    assert not hasattr(SceneAdapter, "raw")
