"""ScanNet trees written from a known room must give that room back."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw.mutate import mutations
from raw.scannet import (
    OBJECT_IDS,
    aggregation,
    alignment,
    segments,
    stored_K,
    write_info,
    write_poses,
    write_scan,
    write_table,
)
from raw.world import World, make_world, pixel_of, seen_corners

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.cameras import unproject
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.media.reader import open_reader
from ouroboros_data.types import Question, Scene
from scene_adapters.scan import RawFrame, RawScan
from scene_adapters.scannet import ScanNet
from scene_adapters.scannet.info import read_info, read_intrinsics, read_tables
from scene_adapters.scannet.tree import tables_near

ID = "scene0007_00"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(size_px=(162, 122), depth_size_px=(80, 60), frame_count=12)


def scan_of(root: Path, stack: ExitStack, **options: Any) -> RawScan:
    adapter = ScanNet(root=root, options=options)
    ref = next(ref for ref in adapter.refs() if ref.id == ID)
    return stack.enter_context(adapter.raw(ref, root / "media"))


def posed(scan: RawScan) -> list[RawFrame]:
    return [frame for frame in scan.frames if frame.T_world_camera is not None]


def check_frames(scan: RawScan, world: World, numbers: list[int]) -> None:
    """Pictures, poses and intrinsics belong together: frame after frame is the known one."""
    assert scan.video is not None and scan.video.size_px == world.size_px
    frames = posed(scan)
    with open_reader(scan.root / scan.video.path) as reader:
        assert reader.frame_count == scan.video.frame_count
        images = reader.read([frame.index for frame in frames])
    assert len(frames) == len(numbers)
    for frame, number, image in zip(frames, numbers, images, strict=True):
        np.testing.assert_allclose(frame.T_world_camera, world.T_world_camera[number], atol=2e-5)
        np.testing.assert_allclose(frame.K_px, world.K_px, atol=1e-4)
        off = np.abs(image.astype(float) - world.rgb.astype(float)).mean((1, 2, 3))
        assert off.argmin() == number and off[number] < 6
        met = 0
        for _, corner, (u, v) in seen_corners(world, number):
            at = pixel_of(corner, frame.K_px, frame.T_world_camera)
            assert np.hypot(at[0] - u, at[1] - v) < 0.1
            met += 1
        assert met or number > 8


def check_depth(scan: RawScan, world: World, numbers: list[int]) -> None:
    """Depth pixels unproject onto the room: floor, walls or an object's surface."""
    assert scan.open_depth is not None
    for frame, number in zip(posed(scan), numbers, strict=True):
        depth = scan.open_depth(frame)
        assert depth is not None and depth.shape == (60, 80)
        both = np.isfinite(depth) & np.isfinite(world.depth_m[number])
        assert both.mean() > 0.8 and np.isnan(depth[~both]).all()
        np.testing.assert_allclose(depth[both], world.depth_m[number][both], atol=0.0006)
        scale = np.array([80 / world.size_px[0], 60 / world.size_px[1], 1.0])
        points = unproject(depth, frame.K_px * scale[:, None], frame.T_world_camera)[both]
        near = np.abs(points[:, None] - [[2.9, 2.8, 0.0], [-2.1, -1.2, 0.0]]).min((1, 2)) < 0.01
        for known in world.objects:
            local = np.abs((points - known.center_m) @ known.R_world_object) - np.array(known.extent_m) / 2
            near |= np.abs(local.max(1)) < 0.01
        assert near.mean() > 0.99


@pytest.mark.parametrize("frames", ["sens", "color", "flat", "mp4"])
@pytest.mark.parametrize("padding", [0, 5, 6])
def test_frames_of_every_layout(tmp_path: Path, world: World, frames: Any, padding: int) -> None:
    if frames == "sens" and padding:
        pytest.skip("a stream has no file names")
    write_scan(tmp_path / "scans", world, frames=frames, padding=padding, lost=[3])
    numbers = [i for i in range(12) if i != 3]
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        assert len(scan.frames) == 12 and scan.frames[3].T_world_camera is None
        check_frames(scan, world, numbers)
        if frames in ("sens", "color"):
            check_depth(scan, world, numbers)


def test_files_are_matched_by_number_not_by_place(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world, frames="color", every=7)
    for number in (0, 35):
        (root / f"color/{number}.jpg").unlink()
    (root / "pose/70.txt").unlink()
    (root / "depth/14.png").unlink()
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        check_frames(scan, world, [1, 2, 3, 4, 6, 7, 8, 9, 11])
        assert [frame.id for frame in scan.frames][:2] == ["f000007", "f000014"]
        assert scan.frames[1].time_s == pytest.approx(7 / 30) and scan.video.fps == pytest.approx(30 * 9 / 70)
        missing = [scan.open_depth(frame) is None for frame in scan.frames]
        assert missing == [i == 1 for i in range(10)]


def test_boxes_lie_where_the_objects_are(tmp_path: Path, world: World) -> None:
    write_scan(tmp_path / "scans", world)
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
    by_id = {instance.id: instance for instance in scan.instances}
    assert len(by_id) == 10
    for known, number in zip(world.objects, OBJECT_IDS, strict=True):
        instance = by_id[f"{known.label}-{number}"]
        assert instance.category == instance.raw_label == known.label
        own = (scan.vertices_m[instance.vertex_index] - known.center_m) @ known.R_world_object
        np.testing.assert_allclose(own.max(0), np.array(known.extent_m) / 2, atol=1e-4)
        np.testing.assert_allclose(own.min(0), -np.array(known.extent_m) / 2, atol=1e-4)
        assert len(own) == (world.vertex_owner == list(OBJECT_IDS).index(number)).sum()
    structure = [instance.category for instance in scan.instances if instance.raw_label in ("wall", "floor")]
    assert structure == [None] * 5


def test_a_scan_without_alignment_is_taken_as_it_is(tmp_path: Path, world: World) -> None:
    write_scan(tmp_path / "scans", world, aligned=False)
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        check_frames(scan, world, list(range(12)))
        np.testing.assert_allclose(scan.vertices_m, world.vertices_m, atol=1e-5)


def test_smaller_pictures_keep_the_large_ones_intrinsics(tmp_path: Path, world: World) -> None:
    """As many exports have it: 640x480 pictures beside the intrinsics of 1296x968."""
    large = replace(world, size_px=(1296, 968), K_px=np.array([(1150.0, 0, 640), (0, 1140, 480), (0, 0, 1)]))
    root = write_scan(tmp_path / "scans", world, frames="color", aligned=False)
    write_info(root / f"{ID}.txt", large, False, {})
    text = "\n".join(" ".join(f"{v}" for v in row) for row in stored_K(large.K_px))
    (root / "intrinsic/intrinsic_color.txt").write_text(text)
    with ExitStack() as stack:
        K_px = scan_of(tmp_path, stack).frames[0].K_px
    # The same point of the scene is shown at the same share of width and height.
    scale = np.array([162 / 1296, 122 / 968, 1.0])
    np.testing.assert_allclose(K_px, large.K_px * scale[:, None], atol=1e-6)
    write_info(root / f"{ID}.txt", large, False, {"colorWidth": ""})
    with pytest.raises(
        SceneError, match=r"intrinsic_color.txt: matrix: principal point 640, 480 is not that of 162x122"
    ):
        scan_of(tmp_path, ExitStack())


def test_depth_of_another_view_is_registered(tmp_path: Path) -> None:
    """The depth camera sees more than the colour camera, and its middle lies elsewhere."""
    world = make_world(size_px=(160, 120), depth_size_px=(160, 120), frame_count=3, hfov_deg=60)
    wide = make_world(size_px=(160, 120), depth_size_px=(160, 120), frame_count=3, hfov_deg=75)
    mixed = replace(world, depth_m=wide.depth_m, K_depth_px=wide.K_depth_px)
    write_scan(tmp_path / "scans", mixed)
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        for frame, expected in zip(scan.frames, world.depth_m, strict=True):
            depth = scan.open_depth(frame)
            # Within a pixel of an edge either side may be met.
            near = np.isclose(depth, expected, atol=0.04)
            assert near.mean() > 0.9 * np.isfinite(expected).mean()


def test_video_with_fewer_frames_than_poses(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world, frames="mp4")
    poses = np.repeat([np.linalg.solve(alignment(), pose) for pose in world.T_world_camera], 3, axis=0)
    poses[np.arange(36) % 3 != 0, :3, 3] += 9.0  # those between the frames lie elsewhere
    write_poses(root / "pose", poses, 0, 1)
    with pytest.raises(SceneError, match=r"has 12 frames, there are poses 0 to 35.*video_stride"):
        scan_of(tmp_path, ExitStack())
    check_frames(scan_of(tmp_path, ExitStack(), video_stride=3), world, list(range(12)))
    with pytest.raises(SceneError, match="one in 2"):
        scan_of(tmp_path, ExitStack(), video_stride=2)


def test_rows_of_the_table_are_found_by_name(tmp_path: Path, world: World) -> None:
    write_scan(tmp_path / "scans", world, labels=["table", "box", "chair", "chair", "cabinet"])
    for name, old, order in (
        ("scannetv2-labels.combined.tsv", False, -1),
        ("scannet-labels.combined.v1.tsv", True, 1),
    ):
        write_table(tmp_path / name, old=old, order=order)
        with ExitStack() as stack:
            scan = scan_of(tmp_path / "scans", stack)  # beside the root
        nyu40 = {instance.raw_label: instance.nyu40 for instance in scan.instances}
        assert nyu40 == {"table": 7, "box": 29, "chair": 5, "cabinet": 3, "floor": 2, "wall": 1}
        (tmp_path / name).unlink()
    with pytest.raises(SceneError, match=r"none\.tsv: no such file"):
        ScanNet(root=tmp_path, options={"labels_tsv": "none.tsv"})


def test_real_tables(shared_data: Path) -> None:
    paths = tables_near(shared_data / "scannet/scans", None)
    assert [path.name for path in paths] == [
        "scannetv2-labels.combined.tsv",
        "scannet-labels.combined.v1.tsv",
    ]
    new, old = read_tables(paths[:1]), read_tables(paths[1:])
    assert new["trash can"] == 39 and new["books"] == 23 and new["office chair"] == 5
    assert old["trashcan"] == 39 and old["washbasin"] == 34
    assert {name: new[name] for name in new.keys() & old.keys() if new[name] != old[name]}.keys() <= DIFFER
    assert read_tables(paths)["books"] == 23


# Labels that the two releases class differently.
DIFFER = {
    "bedframe",
    "coffee table",
    "doorframe",
    "dress rack",
    "fuse box",
    "media center",
    "stack of chairs",
}


def test_the_file_that_names_the_segments_is_taken(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world)
    good = json.loads((root / f"{ID}.aggregation.json").read_text())
    full = {**good, "segmentsFile": f"scannet.{ID}_vh_clean.segs.json"}
    full["segGroups"] = [{**group, "label": "lamp"} for group in good["segGroups"]]
    (root / f"{ID}.aggregation.json").write_text(json.dumps(full))
    (root / f"{ID}_vh_clean.aggregation.json").write_text(json.dumps(good))
    with ExitStack() as stack:
        assert {i.raw_label for i in scan_of(tmp_path, stack).instances} == {
            "table",
            "box",
            "chair",
            "cabinet",
            "floor",
            "wall",
        }
    # The full mesh's numbers mean other vertices: some of them exist here by chance.
    names = np.unique(segments(world))
    for group in full["segGroups"]:
        group["segments"] = [*group["segments"], int(names.max()) + 5]
    (root / f"{ID}.aggregation.json").write_text(json.dumps(full))
    (root / f"{ID}_vh_clean.aggregation.json").unlink()
    with pytest.raises(SceneError, match="belongs to another segmentation"):
        scan_of(tmp_path, ExitStack())


def test_the_mesh_with_labels_stands_in(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world)
    (root / f"{ID}_vh_clean_2.ply").rename(root / f"{ID}_vh_clean_2.labels.ply")
    with ExitStack() as stack:
        assert len(scan_of(tmp_path, stack).instances) == 10


def broken(root: Path, name: str) -> None:
    path = root / name
    if path.is_dir():
        for part in path.iterdir():
            part.unlink()
        path.rmdir()
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("frames", "gone", "says"),
    [
        ("sens", f"{ID}.txt", f"{ID}.txt: no such file"),
        ("sens", f"{ID}_vh_clean_2.ply", "no mesh"),
        ("sens", f"{ID}.aggregation.json", "no annotation"),
        ("sens", f"{ID}_vh_clean_2.0.010000.segs.json", "segs.json: no such file"),
        ("sens", f"{ID}.sens", "no frames: neither .sens .*render_missing"),
        ("color", "pose", "no frames"),
        ("mp4", "pose", "a video without poses"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, world: World, frames: Any, gone: str, says: str) -> None:
    root = write_scan(tmp_path / "scans", world, frames=frames)
    broken(root, gone)
    with pytest.raises(SceneError, match=says):
        scan_of(tmp_path, ExitStack())


def test_export_without_its_intrinsics_uses_those_of_the_scan(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world, frames="color")
    broken(root, "intrinsic")
    with ExitStack() as stack:
        scan = scan_of(tmp_path, stack)
        check_frames(scan, world, list(range(12)))
        check_depth(scan, world, list(range(12)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"axisAlignment": " ".join(f"{v:.6f}" for v in alignment().T.ravel())}, "axisAlignment: the last row is not 0 0 0 1"),
        ({"axisAlignment": "1 0 0 0 0 -1 0 0 0 0 1 0 0 0 0 1"}, "axisAlignment: mirrors"),
        ({"axisAlignment": "0.01 0 0 0 0 0.01 0 0 0 0 0.01 0 0 0 0 1"}, "axisAlignment: scales"),
        ({"axisAlignment": "1 0 0 0 0 1 0 0 0 0 1 0 0 0 1"}, "axisAlignment: 15 numbers, expected 16"),
        ({"axisAlignment": "nan 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"}, "axisAlignment: not finite"),
        ({"colorWidth": "1e9"}, "colorWidth: 1e.09 pixels"),
        ({"fx_color": "x"}, "fx_color: could not convert"),
    ],
)  # fmt: skip
def test_damaged_info_is_named(tmp_path: Path, world: World, change: dict[str, str], says: str) -> None:
    write_info(tmp_path / "s.txt", world, True, change)
    with pytest.raises(SceneError, match=f"s.txt: {says}"):
        read_info(tmp_path / "s.txt")


def test_a_pose_stored_by_columns_is_refused(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world, frames="color")
    pose = np.loadtxt(root / "pose/4.txt")
    np.savetxt(root / "pose/4.txt", pose.T)
    with pytest.raises(
        SceneError, match=r"4.txt: pose: the last row is not 0 0 0 1: is it stored by columns"
    ):
        scan_of(tmp_path, ExitStack())


def test_two_exports_in_one_directory_are_refused(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world, frames="color")
    Image.fromarray(world.rgb[0]).save(root / "color/000000.jpg")
    with pytest.raises(SceneError, match="have the same number"):
        scan_of(tmp_path, ExitStack())


def test_roots(tmp_path: Path, world: World) -> None:
    write_scan(tmp_path / "scans", world)
    (tmp_path / "scans_test/scene0707_00").mkdir(parents=True)
    for root, ids in ((tmp_path, [ID, "scene0707_00"]), (tmp_path / "scans", [ID])):
        adapter = ScanNet(root=root)
        assert [ref.id for ref in adapter.refs()] == ids
    with pytest.raises(SceneError, match="holds no ScanNet scans"):
        ScanNet(root=tmp_path / "scans" / ID)
    with pytest.raises(SceneError, match="no such directory"):
        ScanNet(root=tmp_path / "none")
    with pytest.raises(RecipeError, match="video_stride"):
        ScanNet(root=tmp_path, options={"video_stride": 0})
    with pytest.raises(RecipeError, match=r"scenes\.root"):
        ScanNet()
    adapter = ScanNet(root=tmp_path)
    with pytest.raises(SceneError, match=r"no such file"):
        adapter.load(adapter.refs()[1], tmp_path)


def test_the_key_follows_the_files(tmp_path: Path, world: World) -> None:
    root = write_scan(tmp_path / "scans", world)
    before = ScanNet(root=tmp_path).refs()
    assert ScanNet(root=tmp_path / "scans").refs() == before
    assert ScanNet(root=tmp_path, options={"frame_count": 5}).refs() != before
    write_info(root / f"{ID}.txt", world, True, {"sceneType": "Kitchen"})
    changed = ScanNet(root=tmp_path)
    assert changed.refs() != before
    with pytest.raises(SceneError, match="list the scenes again"):
        changed.load(before[0], tmp_path)


READERS = ("txt", "tsv", "pose", "intrinsic")


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files_fail_in_one_way(tmp_path: Path, world: World, kind: str) -> None:
    path, refused = tmp_path / f"file.{kind}", 0
    if kind == "txt":
        write_info(path, world, True, {})
    elif kind == "tsv":
        write_table(path)
    else:
        write_poses(
            tmp_path / "pose", world.T_world_camera[:1] if kind == "pose" else np.eye(4)[None] * 500, 0, 1
        )
        (tmp_path / "pose/0.txt").rename(path)
    from scene_adapters.scannet.frames import _pose

    reader = {
        "txt": read_info,
        "tsv": lambda p: read_tables([p]),
        "pose": _pose,
        "intrinsic": read_intrinsics,
    }[kind]
    for damaged in mutations(path.read_bytes(), 2000):
        path.write_bytes(damaged)
        try:
            reader(path)
        except SceneError as error:
            assert f"file.{kind}" in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 500


def test_a_scene_of_the_whole(tmp_path: Path, world: World) -> None:
    write_scan(tmp_path / "scans", world, lost=[5])
    adapter = ScanNet(root=tmp_path, options={"frame_count": 8})
    scene = adapter.load(adapter.refs()[0], tmp_path)
    assert (scene.id, scene.space_id, scene.source, scene.license) == (
        ID,
        "scene0007",
        "scannet",
        "ScanNet-ToU",
    )
    assert scene.frames_origin == "captured" and len(scene.frames) == 8
    assert {o.id for o in scene.objects} == {
        f"{k.label}-{n}" for k, n in zip(world.objects, OBJECT_IDS, strict=True)
    }
    check_boxes(scene, world)
    check_views(scene, world)
    assert scene.room.area_m2 == pytest.approx(20.0, rel=0.02)
    question = Question(
        id="q",
        scene_id=ID,
        frame_ids=tuple(f.id for f in scene.frames),
        question_type="x",
        text="?",
        answer_type="number",
    )
    for frame, image in zip(scene.frames, FrameBank({ID: scene})(question), strict=True):
        assert np.abs(image.astype(float) - world.rgb[frame.index]).mean() < 6
        np.testing.assert_allclose(frame.T_world_camera, world.T_world_camera[frame.index], atol=2e-5)


def check_boxes(scene: Scene, world: World) -> None:
    for known, record in (
        (known, next(o for o in scene.objects if np.allclose(o.center_m, known.center_m, atol=0.02)))
        for known in world.objects
    ):
        assert record.category == known.label and record.box_kind == "gravity"
        np.testing.assert_allclose(sorted(record.extent_m), sorted(known.extent_m), atol=0.01)
        turn = np.abs(np.asarray(record.R_world_object).T @ known.R_world_object)
        np.testing.assert_allclose(np.sort(turn.max(1)), 1.0, atol=1e-3)


def check_views(scene: Scene, world: World) -> None:
    """What a frame is said to show is what the known frame shows."""
    for frame in scene.frames:
        shown = {view.object_id: view.pixel_share for view in frame.views}
        for index, known in enumerate(world.objects):
            record = next(o for o in scene.objects if np.allclose(o.center_m, known.center_m, atol=0.02))
            share = float((world.instance[frame.index] == index).mean())
            assert shown.get(record.id, 0.0) == pytest.approx(share, abs=0.01)


def test_a_scan_without_frames_is_filmed_if_asked(tmp_path: Path, world: World) -> None:
    write_scan(tmp_path / "scans", world, frames="none")
    adapter = ScanNet(
        root=tmp_path, options={"render_missing": True, "frame_count": 6, "size_px": [160, 120]}
    )
    scene = adapter.load(adapter.refs()[0], tmp_path / "scans")
    assert scene.frames_origin == "rendered" and len(scene.frames) == 6
    check_boxes(scene, world)
    seen = {view.object_id for frame in scene.frames for view in frame.views if view.pixel_share > 0.005}
    assert seen == {record.id for record in scene.objects}
    # Where a chair's middle is to be seen, the picture has the chair's colour.
    with open_reader(Path(scene.root) / scene.video.path) as reader:
        images = reader.read([frame.index for frame in scene.frames])
    met = 0
    for frame, image in zip(scene.frames, images, strict=True):
        for known in world.objects:
            top = np.add(known.center_m, (0, 0, known.extent_m[2] / 2))
            record = next(o for o in scene.objects if np.allclose(o.center_m, known.center_m, atol=0.02))
            pose = np.asarray(frame.T_world_camera)
            if (top - pose[:3, 3]) @ pose[:3, 2] < 0.3 or known.label in ("table", "cabinet"):
                continue
            u, v = pixel_of(top, frame.K_px, pose)
            share = {view.object_id: view.pixel_share for view in frame.views}.get(record.id, 0)
            if 2 < u < 158 and 2 < v < 118 and share > 0.01 and pose[2, 3] > top[2] + 0.2:
                met += np.abs(image[int(v), int(u)] / 255 - known.color).max() < 0.2
    assert met >= 2


def test_the_real_scene(shared_data: Path, tmp_path: Path) -> None:
    adapter = ScanNet(root=shared_data / "scannet", options={"render_missing": True, "frame_count": 4})
    assert [ref.id for ref in adapter.refs()] == ["scene0000_00"]
    scene = adapter.load(adapter.refs()[0], tmp_path)
    assert scene.frames_origin == "rendered" and scene.space_id == "scene0000"
    counts = {
        c: sum(o.category == c for o in scene.objects)
        for c in ("window", "trash bin", "stool", "bed", "tv", "toilet")
    }
    assert counts == {"window": 2, "trash bin": 3, "stool": 4, "bed": 1, "tv": 1, "toilet": 1}
    bed = next(o for o in scene.objects if o.category == "bed")
    assert bed.nyu40 == 4 and 1.8 < max(bed.extent_m) < 2.6 and bed.raw_label == "bed"
    assert (
        40 < scene.room.area_m2 < 52
    )  # 46.4 to 46.6 by alphashape on random points (sampling noise included)


def test_the_real_scene_has_no_frames(shared_data: Path, tmp_path: Path) -> None:
    adapter = ScanNet(root=shared_data / "scannet/scans")
    with pytest.raises(SceneError, match="scene0000_00: no frames"):
        adapter.load(adapter.refs()[0], tmp_path)


def test_aggregation_writer_is_not_in_the_world_s_order(world: World) -> None:
    # If it were, an adapter that takes places for ids would pass.
    groups = aggregation(world, segments(world), ID)["segGroups"]
    assert [g["objectId"] for g in groups] != list(range(len(groups)))
    assert [g["label"] for g in groups][:3] == ["box", "floor", "table"]
