"""ScanNet++ trees written from a known room must give that room back."""

from __future__ import annotations

import json
import resource
import zlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw.mutate import mutations
from raw.scannetpp import DEPTH_PX, OBJECT_IDS, deflate, depth_bytes, poses, write_scene
from raw.world import World, make_world, pixel_of, seen_corners

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.cameras import unproject
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.media.reader import open_reader
from ouroboros_data.types import Question
from scene_adapters.scan import RawScan
from scene_adapters.scannetpp import ScanNetPP
from scene_adapters.scannetpp.depth_bin import DepthBin
from scene_adapters.scannetpp.phone import read_poses

ID = "0a5c013435"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(size_px=(160, 120), depth_size_px=DEPTH_PX, frame_count=10)


def scan_of(root: Path, stack: ExitStack, **options: Any) -> RawScan:
    adapter = ScanNetPP(root=root, options=options)
    return stack.enter_context(adapter.raw(adapter.refs()[0], root))


@pytest.mark.parametrize("pictures", ["mp4", "jpg"])
@pytest.mark.parametrize("depth", ["stream", "lz4", "zlib"])
def test_frames_and_depth_of_every_coding(tmp_path: Path, world: World, pictures: Any, depth: Any) -> None:
    write_scene(tmp_path / "data", world, pictures=pictures, depth=depth, lost=[4])
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        assert scan.video is not None and scan.open_depth is not None
        assert scan.video.path == ("iphone/rgb.mp4" if pictures == "mp4" else "iphone/rgb")
        frames = [frame for frame in scan.frames if frame.T_world_camera is not None]
        numbers = [i for i in range(10) if i != 4]
        assert [frame.index for frame in frames] == numbers
        assert [frame.time_s for frame in frames] == pytest.approx([i / 60 for i in numbers])
        with open_reader(scan.root / scan.video.path) as reader:
            images = reader.read(numbers)
        for frame, image in zip(frames, images, strict=True):
            number = frame.index
            np.testing.assert_allclose(frame.T_world_camera, world.T_world_camera[number], atol=1e-9)
            np.testing.assert_allclose(frame.K_px, world.K_px, atol=1e-9)
            off = np.abs(image.astype(float) - world.rgb.astype(float)).mean((1, 2, 3))
            assert off.argmin() == number and off[number] < 6
            for _, corner, (u, v) in seen_corners(world, number):
                assert pixel_of(corner, frame.K_px, frame.T_world_camera) == pytest.approx((u, v), abs=1e-3)
            found, known = scan.open_depth(frame), world.depth_m[number]
            assert found is not None and (np.isfinite(found) == np.isfinite(known)).all()
            np.testing.assert_allclose(found, known, atol=0.0006)
            scale = np.array([256 / 160, 192 / 120, 1.0])
            points = unproject(found, frame.K_px * scale[:, None], frame.T_world_camera)
            far_wall = points[np.abs(points[..., 0] - 2.9) < 0.02]
            assert not len(far_wall) or far_wall[:, 1].max() < 2.81


def test_boxes_and_ids(tmp_path: Path, world: World) -> None:
    write_scene(tmp_path / "data", world, labels=["table", "box", "office chair", "chair", "storage cabinet"])
    with ExitStack() as stack:
        scan = scan_of(tmp_path / "data", stack)
    by_id = {instance.id: instance for instance in scan.instances}
    raw = ("table", "box", "office chair", "chair", "storage cabinet")
    for known, number, label in zip(world.objects, OBJECT_IDS, raw, strict=True):
        instance = by_id[f"{known.label}-{number}"]
        assert instance.raw_label == label and instance.category == known.label
        own = (scan.vertices_m[instance.vertex_index] - known.center_m) @ known.R_world_object
        np.testing.assert_allclose(np.ptp(own, axis=0), known.extent_m, atol=1e-4)


def test_extracted_pictures_may_be_few(tmp_path: Path, world: World) -> None:
    root = write_scene(tmp_path / "data", world, pictures="jpg")
    for number in (0, 1, 5):
        (root / f"iphone/rgb/frame_{number:06d}.jpg").unlink()
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        assert scan.video is not None and scan.open_depth is not None
        numbers = [2, 3, 4, 6, 7, 8, 9]
        with open_reader(scan.root / scan.video.path) as reader:
            images = reader.read([frame.index for frame in scan.frames])
        for frame, number, image in zip(scan.frames, numbers, images, strict=True):
            assert np.abs(image.astype(float) - world.rgb[number]).mean() < 6
            np.testing.assert_allclose(frame.T_world_camera, world.T_world_camera[number], atol=1e-9)
            np.testing.assert_allclose(scan.open_depth(frame), world.depth_m[number], atol=0.0006)


def test_a_shorter_video_is_refused(tmp_path: Path, world: World) -> None:
    root = write_scene(tmp_path / "data", world)
    longer = {**poses(world), "frame_000010": poses(world)["frame_000003"]}
    (root / "iphone/pose_intrinsic_imu.json").write_text(json.dumps(longer))
    with pytest.raises(SceneError, match=r"rgb.mp4: has no picture of frame 10"):
        scan_of(tmp_path, ExitStack())


def test_a_fitted_scale_is_taken_out_and_a_large_one_refused(tmp_path: Path, world: World) -> None:
    root = write_scene(tmp_path / "data", world)
    path = root / "iphone/pose_intrinsic_imu.json"
    scaled = poses(world)
    for entry in scaled.values():
        entry["aligned_pose"] = (np.array(entry["aligned_pose"]) * np.array([1.01, 1.01, 1.01, 1])).tolist()
    path.write_text(json.dumps(scaled))
    for found, known in zip(read_poses(path), world.T_world_camera, strict=True):
        np.testing.assert_allclose(found.T_world_camera, known, atol=1e-9)
    scaled["frame_000002"]["aligned_pose"][0][0] *= 1.2
    path.write_text(json.dumps(scaled))
    with pytest.raises(SceneError, match=r"frame_000002.aligned_pose: scales"):
        read_poses(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"aligned_pose": None}, r"frame_000001.aligned_pose must be a list of 16 numbers, got nothing"),
        ({"aligned_pose": [[1, 0, 0, 0]] * 3}, "aligned_pose must be a list of 16 numbers"),
        ({"aligned_pose": np.eye(4)[:, [1, 0, 2, 3]].tolist()}, "aligned_pose: mirrors"),
        ({"aligned_pose": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [3, 2, 1, 1]]}, "stored by columns"),
        ({"aligned_pose": [*[0] * 15, "1"]}, r"aligned_pose\[15\] must be a number"),
        ({"intrinsic": [[0, 0, 80], [0, 90, 60], [0, 0, 1]]}, "intrinsic: not the focal lengths"),
        (
            {"intrinsic": [[900, 0, 960], [0, 900, 720], [0, 0, 1], [0, 0, 0]]},
            "intrinsic must be a list of 9",
        ),
    ],
)
def test_damaged_poses_are_named(tmp_path: Path, world: World, change: dict[str, Any], says: str) -> None:
    entries = poses(world)
    entries["frame_000001"] = {**entries["frame_000001"], **change}
    path = tmp_path / "p.json"
    path.write_text(json.dumps(entries))
    with pytest.raises(SceneError, match=says) as caught:
        read_poses(path)
    assert "p.json" in str(caught.value)


def test_a_turned_video_does_not_fit_its_intrinsics(tmp_path: Path, world: World) -> None:
    turned = replace(world, rgb=np.ascontiguousarray(np.rot90(world.rgb, axes=(1, 2))))
    write_scene(tmp_path / "data", turned)
    with pytest.raises(SceneError, match=r"frame_000000.intrinsic: .* is not that of 120x160 pictures"):
        scan_of(tmp_path, ExitStack())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (deflate(np.ones((192, 256), "<f4").tobytes())[:-9], "depth map 0: cut off"),
        (deflate(np.ones((192, 250), "<f4").tobytes()), "depth map 0: cut off"),
        (deflate(np.full((192, 256), 1500, "<f4").tobytes()), "depth map 0: no value is a depth in metres"),
        (b"\x05\0\0\0hello", "depth map 0: neither an LZ4 block nor a deflate stream"),
        (len(deflate(b"\0" * 99)).to_bytes(4, "little") + deflate(b"\0" * 99), "depth map 0: 99 bytes"),
        (zlib.compress(b"x" * 100)[:20], "depth map 0: cannot be unpacked"),
    ],
)
def test_damaged_depth_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "depth.bin").write_bytes(data)
    with pytest.raises(SceneError, match=rf"depth.bin: {says}"), DepthBin(tmp_path / "depth.bin") as maps:
        maps.depth_m(0)


def test_depth_maps_in_any_order(tmp_path: Path, world: World) -> None:
    for coding in ("stream", "lz4"):
        (tmp_path / "depth.bin").write_bytes(depth_bytes(world.depth_m, coding))  # type: ignore[arg-type]
        with DepthBin(tmp_path / "depth.bin") as maps:
            assert maps.frame_count == (None if coding == "stream" else 10)
            for number in (7, 2, 3, 9, 0):
                np.testing.assert_allclose(maps.depth_m(number), world.depth_m[number], atol=0.0006)
            assert maps.depth_m(10) is None and maps.depth_m(400) is None


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    (tmp_path / "depth.bin").write_bytes(len(bomb[:180_000]).to_bytes(4, "little") + bomb[:180_000])
    with (
        DepthBin(tmp_path / "depth.bin") as maps,
        pytest.raises(SceneError, match="depth map 0: 196609 bytes or more"),
    ):
        maps.depth_m(0)
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    )  # KiB; 400 MiB are packed in it


@pytest.mark.parametrize("kind", ["stream", "lz4", "zlib", "poses"])
def test_damaged_files_fail_in_one_way(tmp_path: Path, world: World, kind: Any) -> None:
    path, refused = tmp_path / "file.x", 0
    small = json.dumps(
        {name: poses(world)[name] for name in ("frame_000000", "frame_000001")}, indent=0
    ).encode()
    data = small if kind == "poses" else depth_bytes(world.depth_m[:2], kind)
    for damaged in mutations(data, 2000, hot=(0, 64)):
        path.write_bytes(damaged)
        try:
            if kind == "poses":
                read_poses(path)
            else:
                with DepthBin(path) as maps:
                    for number in range(2):
                        depth = maps.depth_m(number)
                        assert depth is None or depth.shape == (192, 256)
        except SceneError as error:
            assert "file.x" in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 700


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("scans/mesh_aligned_0.05.ply", "no such file"),
        ("scans/segments.json", "segments.json: no such file"),
        ("scans/segments_anno.json", "segments_anno.json: no such file"),
        ("iphone/rgb.mp4", r"rgb\.mp4: no recording"),
        ("iphone/pose_intrinsic_imu.json", "pose_intrinsic_imu.json: no such file"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, world: World, gone: str, says: str) -> None:
    root = write_scene(tmp_path / "data", world)
    (root / gone).unlink()
    with pytest.raises(SceneError, match=says):
        scan_of(tmp_path, ExitStack())


def test_roots_and_options(tmp_path: Path, world: World) -> None:
    write_scene(tmp_path / "data", world)
    assert [ref.id for ref in ScanNetPP(root=tmp_path).refs()] == [ID]
    assert ScanNetPP(root=tmp_path).refs() == ScanNetPP(root=tmp_path / "data").refs()
    assert ScanNetPP(root=tmp_path, options={"use_depth": False}).refs() != ScanNetPP(root=tmp_path).refs()
    with pytest.raises(SceneError, match=r"holds no ScanNet\+\+ scenes"):
        ScanNetPP(root=tmp_path / "data" / ID)
    with pytest.raises(RecipeError, match="use_depht"):
        ScanNetPP(root=tmp_path, options={"use_depht": True})
    with pytest.raises(RecipeError, match=r"scenes\.root"):
        ScanNetPP()


def test_a_scene_of_the_whole(tmp_path: Path) -> None:
    # The phone is held upright: its pictures lie on their side, and must be turned.
    world = make_world(size_px=(160, 120), depth_size_px=DEPTH_PX, frame_count=10, roll_deg=90)
    write_scene(tmp_path / "data", world, lost=[2])
    adapter = ScanNetPP(root=tmp_path, options={"frame_count": 6})
    scene = adapter.load(adapter.refs()[0], tmp_path)
    assert (scene.id, scene.space_id, scene.source, scene.license) == (ID, ID, "scannetpp", "ScanNet++-ToU")
    assert len(scene.frames) == 6 and scene.frames_origin == "captured"
    assert scene.room.area_m2 == pytest.approx(20.0, rel=0.02)
    record_of = {}
    for index, known in enumerate(world.objects):
        record_of[index] = next(
            o for o in scene.objects if np.allclose(o.center_m, known.center_m, atol=0.02)
        )
        assert record_of[index].category == known.label
        np.testing.assert_allclose(sorted(record_of[index].extent_m), sorted(known.extent_m), atol=0.01)
    question = Question(
        id="q",
        scene_id=ID,
        frame_ids=tuple(f.id for f in scene.frames),
        question_type="x",
        text="?",
        answer_type="number",
    )
    for frame, image in zip(scene.frames, FrameBank({ID: scene})(question), strict=True):
        assert frame.size_px == (120, 160) and frame.turn_deg == 90
        assert np.abs(image.astype(float) - np.rot90(world.rgb[frame.index], -1)).mean() < 6
        shares = {view.object_id: view.pixel_share for view in frame.views}
        for index, corner, (u, v) in seen_corners(world, frame.index):
            assert pixel_of(corner, frame.K_px, frame.T_world_camera) == pytest.approx((120 - v, u), abs=0.01)
            assert record_of[index].id in shares
        for index in record_of:
            share = float((world.instance[frame.index] == index).mean())
            assert shares.get(record_of[index].id, 0.0) == pytest.approx(share, abs=0.01)
