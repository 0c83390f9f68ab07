"""ARKitScenes downloads, against a room whose every measure is known by construction."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from raw.arkitscenes import CLOCK_S, LABELS, annotation, write_pictures, write_pincam, write_scan
from raw.mutate import mutations
from raw.world import OBJECTS, World, make_world, pixel_of, seen_corners

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.video import write_video
from ouroboros_data.types import CameraFrame, Question, Scene
from scene_adapters.arkitscenes import ARKitScenes
from scene_adapters.arkitscenes.annotation import read_annotation
from scene_adapters.arkitscenes.cameras import read_pincam, read_trajectory
from scene_adapters.arkitscenes.tree import NOT_PUBLISHED, read_visits

VIDEO = "41000001"
COUNT, FPS = 9, 2.0
Turns = Callable[[float], float]


@functools.lru_cache(maxsize=8)
def world(roll_deg: float = 0.0, scale: int = 1, count: int = COUNT) -> World:
    size = (128 * scale, 96 * scale)
    return make_world(size_px=size, depth_size_px=(128, 96), frame_count=count, fps=FPS, roll_deg=roll_deg)


def joined(first: World, second: World, at: int) -> World:
    """Frames of the first until ``at``, of the second from then on."""

    def cat(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([a[:at], b[at:]])

    names = ("T_world_camera", "rgb", "depth_m", "instance")
    return replace(first, **{name: cat(getattr(first, name), getattr(second, name)) for name in names})


def adapter(root: Path, **options: Any) -> ARKitScenes:
    return ARKitScenes(root=root, seed=0, options=options)


def load(root: Path, **options: Any) -> Scene:
    source = adapter(root, **options)
    (ref,) = source.refs()
    return source.load(ref, root)


def pictures_of(scene: Scene) -> dict[str, npt.NDArray[np.uint8]]:
    ids = tuple(frame.id for frame in scene.frames)
    question = Question(
        id="", scene_id=scene.id, frame_ids=ids, question_type="", text="", answer_type="boolean"
    )
    return dict(zip(ids, FrameBank({scene.id: scene})(question), strict=True))


def turned_pixel(u: float, v: float, size_px: tuple[int, int], turn_deg: int) -> tuple[float, float]:
    """Where a clockwise turn takes a point of a picture."""
    width, height = size_px
    return {0: (u, v), 90: (height - v, u), 180: (width - u, height - v), 270: (v, width - u)}[turn_deg]


def number(frame: CameraFrame) -> int:
    """Which of the room's frames it is, by its time."""
    return round(frame.time_s * FPS)


def check_frames(scene: Scene, room: World, tolerance_px: float) -> int:
    """Corners land where the pinhole formula says, and the picture shows each object there; gives how many corners."""
    pictures, met = pictures_of(scene), 0
    for frame in scene.frames:
        i, turn = number(frame), frame.turn_deg
        for _, corner, (u, v) in seen_corners(room, i):
            expected = turned_pixel(u, v, room.size_px, turn)
            got = pixel_of(corner, frame.K_px, frame.T_world_camera)
            assert np.hypot(got[0] - expected[0], got[1] - expected[1]) < tolerance_px, (frame.id, turn)
            met += 1
        picture = pictures[frame.id]
        assert (picture.shape[1], picture.shape[0]) == frame.size_px
        instance = np.rot90(room.instance[i], -turn // 90)
        for index, known in enumerate(OBJECTS):
            mask = instance == index
            if mask.sum() > 20:
                mean = picture[mask].mean(0)
                np.testing.assert_allclose(
                    mean / mean.max(), np.array(known.color) / max(known.color), atol=0.05
                )
    return met


@pytest.mark.parametrize("layout", ["raw", "3dod"])
@pytest.mark.parametrize("fold", ["Training", None])
def test_boxes_are_what_the_annotation_says(tmp_path: Path, layout: str, fold: str | None) -> None:
    write_scan(tmp_path, {"lowres_wide": world()}, layout=layout, fold=fold)
    scene = load(tmp_path)
    assert (scene.id, scene.source, scene.frames_origin) == (VIDEO, "arkitscenes", "captured")
    assert scene.license == "ARKitScenes-License"
    assert [o.category for o in scene.objects] == ["table", "tv", "chair", "chair", "cabinet"]
    assert len({o.id for o in scene.objects}) == 5
    for found, known in zip(scene.objects, OBJECTS, strict=True):
        assert found.raw_label == LABELS.get(known.label, known.label) and found.box_kind == "annotated"
        signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        axes = np.array(found.R_world_object)
        corners = np.array(found.center_m) + (signs * np.array(found.extent_m) / 2) @ axes.T
        np.testing.assert_allclose(corners, known.corners_m, atol=1e-6)
        assert np.linalg.det(axes) == pytest.approx(1.0)
    assert scene.room.area_m2 == pytest.approx(20.0, rel=0.02)


@pytest.mark.parametrize("layout", ["raw", "3dod"])
def test_frames_have_the_pose_of_their_own_time_and_pixels_agree(tmp_path: Path, layout: str) -> None:
    write_scan(tmp_path, {"lowres_wide": world()}, layout=layout)
    scene, room = load(tmp_path), world()
    # The first picture comes before the first pose: it has none, and an end is never made up.
    assert [number(frame) for frame in scene.frames] == [1, 2, 3, 4, 5, 6, 7, 8][: len(scene.frames)]
    assert len(scene.frames) >= 7
    for frame in scene.frames:
        true, got = room.T_world_camera[number(frame)], np.array(frame.T_world_camera)
        assert np.linalg.norm(true[:3, 3] - got[:3, 3]) < 0.003
        assert np.degrees(np.arccos(min(1.0, (np.trace(true[:3, :3].T @ got[:3, :3]) - 1) / 2))) < 0.2
        np.testing.assert_allclose(frame.K_px, room.K_px, rtol=1e-5)
        assert (frame.size_px, frame.turn_deg) == (room.size_px, 0)
    assert check_frames(scene, room, tolerance_px=0.5) > 40
    assert scene.video is not None and scene.video.frame_count == COUNT
    assert scene.video.fps == pytest.approx(FPS, rel=1e-3)


@pytest.mark.parametrize("roll", [90, 180, 270])
def test_a_sideways_video_is_turned_picture_intrinsics_and_pose_alike(tmp_path: Path, roll: int) -> None:
    room = world(roll)
    write_scan(tmp_path, {"lowres_wide": room}, roll_deg_at=lambda at_s: roll)
    scene = load(tmp_path)
    assert len(scene.frames) >= 7 and {frame.turn_deg for frame in scene.frames} == {roll}
    shape = (96, 128) if roll != 180 else (128, 96)
    assert {frame.size_px for frame in scene.frames} == {shape}
    assert check_frames(scene, room, tolerance_px=0.5) > 40
    for frame in scene.frames:  # a point at the floor lies below one above it
        low, high = (pixel_of((1.5, 1.5, z), frame.K_px, frame.T_world_camera) for z in (0.2, 1.2))
        assert low[1] > high[1] + 5 and abs(low[0] - high[0]) < 0.5 * (low[1] - high[1])


def test_a_video_that_turns_midway_is_turned_frame_by_frame(tmp_path: Path) -> None:
    turn_s = 2.2  # between the frames at 2.0 and 2.5 s
    room = joined(world(0), world(90), 5)
    write_scan(tmp_path, {"lowres_wide": room}, roll_deg_at=lambda at_s: 90.0 if at_s > turn_s else 0.0)
    scene = load(tmp_path)
    turns = {number(frame): (frame.turn_deg, frame.size_px) for frame in scene.frames}
    assert turns[4] == (0, (128, 96)) and turns[5] == (90, (96, 128)) and len(turns) >= 7
    assert check_frames(scene, room, tolerance_px=0.5) > 40


def test_visible_shares_are_those_of_the_pictures(tmp_path: Path) -> None:
    room = world(90)
    write_scan(tmp_path, {"lowres_wide": room}, roll_deg_at=lambda at_s: 90)
    scene = load(tmp_path)
    met = 0
    for frame in scene.frames:
        shares = {view.object_id: view.pixel_share for view in frame.views}
        for index, found in enumerate(scene.objects):
            true = float((room.instance[number(frame)] == index).mean())
            assert shares.get(found.id, 0.0) == pytest.approx(true, abs=0.01 + 0.15 * true)
            met += true > 0.02
    assert met > 10


@pytest.mark.parametrize("roll", [0, 270])
def test_depth_pixels_unproject_onto_the_known_walls(tmp_path: Path, roll: int) -> None:
    room = world(roll)
    write_scan(tmp_path, {"lowres_wide": room}, roll_deg_at=lambda at_s: roll)
    scan = adapter(tmp_path).scan(VIDEO)
    assert scan.open_depth is not None
    met = 0
    for frame in scan.frames:
        depth = scan.open_depth(frame)
        if frame.T_world_camera is None:
            continue
        assert depth is not None and depth.shape == (96, 128)
        shell = (room.instance[frame.index] == -1) & np.isfinite(depth)
        for row, column in np.argwhere(shell)[::97]:
            z = float(depth[row, column])
            x = (column + 0.5 - frame.K_px[0, 2]) / frame.K_px[0, 0] * z
            y = (row + 0.5 - frame.K_px[1, 2]) / frame.K_px[1, 1] * z
            point = frame.T_world_camera @ np.array([x, y, z, 1.0])
            planes = (point[2], point[0] + 2.1, point[0] - 2.9, point[1] + 1.2, point[1] - 2.8)
            assert min(map(abs, planes)) < 0.02
            met += 1
    assert met > 300


def test_a_frame_in_a_gap_of_the_trajectory_has_no_pose(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    path = scan / "lowres_wide.traj"
    lines = path.read_text().splitlines()
    away = [line for line in lines if not 1.9 < float(line.split()[0]) - CLOCK_S < 2.1]
    assert len(away) == len(lines) - 2  # 0.3 s without a pose, around the frame at 2.0 s
    path.write_text("\n".join(away))
    assert 4 not in {number(frame) for frame in load(tmp_path).frames}
    assert 4 in {number(frame) for frame in load(tmp_path, max_gap_s=0.31).frames}
    assert 4 not in {number(frame) for frame in load(tmp_path, max_gap_s=0.29).frames}
    with pytest.raises(SceneError, match=r"lowres_wide\.traj: no picture lies between two poses .*max_gap_s"):
        load(tmp_path, max_gap_s=0.05)


def test_a_lost_pose_is_a_gap(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    path = scan / "lowres_wide.traj"
    lines = path.read_text().splitlines()
    words = lines[20].split()  # 2.03 s
    lines[20] = " ".join([words[0], "nan", *words[2:]])
    path.write_text("\n".join(lines))
    assert 4 not in {number(frame) for frame in load(tmp_path).frames}


def test_a_picture_that_is_missing_does_not_shift_the_others(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    (scan / f"lowres_wide/{VIDEO}_{CLOCK_S + 1.5:.3f}.png").unlink()
    (scan / "lowres_wide/0_note.png").write_bytes((next((scan / "lowres_wide").iterdir())).read_bytes())
    scene = load(tmp_path)
    assert 3 not in {number(frame) for frame in scene.frames}
    assert len(scene.frames) >= 6
    assert check_frames(scene, world(), tolerance_px=0.5) > 30


def test_intrinsics_of_the_next_picture_are_not_taken(tmp_path: Path) -> None:
    room = world()
    scan = write_scan(tmp_path, {"lowres_wide": room})
    folder = scan / "lowres_wide_intrinsics"
    (own,) = folder.glob(f"{VIDEO}_{CLOCK_S + 2.0:.3f}"[:-1] + "*")
    own.unlink()
    # Of a picture one sixtieth of a second later, with another zoom.
    write_pincam(
        folder / f"{VIDEO}_{CLOCK_S + 2.017:.3f}.pincam", room.size_px, room.K_px * [[1.5], [1.5], [1]]
    )
    scene = load(tmp_path)
    assert 4 not in {number(frame) for frame in scene.frames} and len(scene.frames) >= 6
    for frame in scene.frames:
        np.testing.assert_allclose(frame.K_px, room.K_px, rtol=1e-5)


def test_vga_wide_is_taken_where_it_is_complete(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world(), "vga_wide": world(scale=3)})
    scene = load(tmp_path)
    assert scene.video is not None and (scene.video.path, scene.video.size_px) == ("vga_wide", (384, 288))
    assert check_frames(scene, world(scale=3), tolerance_px=1.5) > 40
    small = load(tmp_path, frames="lowres_wide")
    assert small.video is not None and small.video.size_px == (128, 96)
    for path in sorted((scan / "vga_wide_intrinsics").iterdir())[:3]:
        path.unlink()
    fallen = load(tmp_path)
    assert fallen.video is not None and fallen.video.path == "lowres_wide"
    forced = load(tmp_path, frames="vga_wide")  # only the matched ones
    assert min(number(frame) for frame in forced.frames) == 3


def test_a_cut_off_vga_wide_is_not_complete(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world(), "vga_wide": world(scale=3)})
    for path in sorted((scan / "vga_wide").iterdir())[5:]:
        path.unlink()
    scene = load(tmp_path)
    assert scene.video is not None and scene.video.path == "lowres_wide"


@pytest.mark.parametrize("quarter", [0, 1])
def test_a_video_whose_frames_are_as_many_as_the_intrinsics(tmp_path: Path, quarter: int) -> None:
    room = world()
    scan = write_scan(tmp_path, {"lowres_wide": room}, depth=False)
    shutil.rmtree(scan / "lowres_wide")
    path = scan / f"{VIDEO}.mov"
    write_video(path, room.rgb, FPS)
    if quarter:  # the track asks players for a quarter turn clockwise
        data = bytearray(path.read_bytes())
        upright = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
        at = data.index(upright, data.index(b"tkhd"))
        data[at : at + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
        path.write_bytes(data)
    scene = load(tmp_path)
    assert scene.video is not None and scene.video.path == f"{VIDEO}.mov" and len(scene.frames) >= 7
    # Whatever the file asks for, the pose knows better: turned back, the picture is upright again.
    assert {frame.turn_deg for frame in scene.frames} == {270 if quarter else 0}
    pictures = pictures_of(scene)
    with open_reader(path) as reader:
        assert reader.size_px == ((96, 128) if quarter else (128, 96))
    for frame in scene.frames:
        assert frame.size_px == (128, 96)
        error = np.abs(pictures[frame.id].astype(int) - room.rgb[number(frame)].astype(int))
        assert np.median(error) < 8
        for _, corner, (u, v) in seen_corners(room, number(frame)):
            got = pixel_of(corner, frame.K_px, frame.T_world_camera)
            assert np.hypot(got[0] - u, got[1] - v) < 0.5
    (scan / "lowres_wide_intrinsics" / f"{VIDEO}_{CLOCK_S + 9:.3f}.pincam").write_text("128 96 90 90 64 48")
    with pytest.raises(SceneError, match=r"\.mov: has 9 frames, and no directory of intrinsics has as many"):
        load(tmp_path)


def edited(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    path = scan / f"{VIDEO}_3dod_annotation.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


def test_a_left_handed_triple_of_axes_is_the_same_box(tmp_path: Path) -> None:
    def mirror(data: dict[str, Any]) -> None:
        axes = data["data"][0]["segments"]["obbAligned"]["normalizedAxes"]
        axes[3:6] = [-a for a in axes[3:6]]

    (box, *_) = read_annotation(edited(tmp_path, mirror))
    assert np.linalg.det(box.R_world_box) == pytest.approx(1.0)
    ours = {tuple(np.round(box.center_m + (np.array(s) * box.extent_m / 2) @ box.R_world_box.T, 6))
            for s in np.ndindex(2, 2, 2) for s in [2 * np.array(s) - 1]}  # fmt: skip
    assert ours == {tuple(np.round(corner, 6)) for corner in OBJECTS[0].corners_m}


def test_centimetres_and_y_up_are_refused(tmp_path: Path) -> None:
    def swap(data: dict[str, Any]) -> None:
        for entry in data["data"]:
            entry["segments"]["obbAligned"] = entry["segments"]["obb"]

    edited(tmp_path, swap)
    with pytest.raises(SceneError, match=r"data\[0\]\.segments\.obbAligned\.axesLengths: .* expected metres"):
        load(tmp_path)


def test_boxes_beside_the_mesh_are_refused(tmp_path: Path) -> None:
    def shift(data: dict[str, Any]) -> None:
        for entry in data["data"]:
            entry["segments"]["obbAligned"]["centroid"][0] += 6.0

    edited(tmp_path, shift)
    with pytest.raises(SceneError, match="5 of 5 boxes lie outside the mesh"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(data=[]), "data is empty: the scan has no boxes (leave the video out)"),
        (lambda d: d.update(skipped=True), "skipped: the annotators left this scan out"),
        (lambda d: d.pop("data"), "data must be a list, got nothing"),
        (lambda d: d["data"][1].pop("label"), "data[1].label must be a name, got nothing"),
        (
            lambda d: d["data"][1]["segments"].pop("obbAligned"),
            "data[1].segments.obbAligned must be a mapping",
        ),
        (
            lambda d: d["data"][2]["segments"]["obbAligned"]["axesLengths"].__setitem__(1, -0.1),
            "data[2].segments.obbAligned.axesLengths must be positive, got -0.1",
        ),
        (
            lambda d: d["data"][2]["segments"]["obbAligned"]["normalizedAxes"].__setitem__(0, 0.5),
            "data[2].segments.obbAligned.normalizedAxes are not orthonormal rows",
        ),
        (
            lambda d: d["data"][0]["segments"]["obbAligned"]["centroid"].__setitem__(0, "1.0"),
            "data[0].segments.obbAligned.centroid[0] must be a number, got '1.0'",
        ),
    ],
)
def test_a_bad_annotation_is_named(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    path = edited(tmp_path, change)
    with pytest.raises(SceneError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{VIDEO}_3dod_annotation.json", "no annotation (download it"),
        (f"{VIDEO}_3dod_mesh.ply", "no mesh (download it"),
        ("lowres_wide.traj", "no lowres_wide.traj (download it"),
        ("lowres_wide_intrinsics", "no lowres_wide_intrinsics (download it"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, name: str, message: str) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    path = scan / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(SceneError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_no_pictures_at_all(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    shutil.rmtree(scan / "lowres_wide")
    with pytest.raises(SceneError, match="no pictures: neither vga_wide nor lowres_wide nor a video file"):
        load(tmp_path)


def test_the_24_videos_without_assets_are_told_apart_from_a_broken_download(tmp_path: Path) -> None:
    assert len(NOT_PUBLISHED) == 24
    name = sorted(NOT_PUBLISHED)[0]
    scan = write_scan(tmp_path, {"lowres_wide": world()}, video_id=name)
    (scan / f"{name}_3dod_annotation.json").unlink()
    with pytest.raises(
        SceneError, match=r"no annotation: ARKitScenes publishes no .* for 24 videos, this is one"
    ):
        load(tmp_path)


def test_visits_are_spaces(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_scan(tmp_path / "raw", {"lowres_wide": world(count=3)}, video_id="41000001")
    for name in ("41000002", "41000003", "41000004"):
        shutil.copytree(tmp_path / "raw/Training/41000001", tmp_path / f"raw/Validation/{name}")

    def spaces(root: Path, **options: Any) -> list[str]:
        source = adapter(root, **options)
        return [source.scan_space(ref.id) for ref in source.refs()]

    assert spaces(tmp_path / "raw") == ["41000001", "41000002", "41000003", "41000004"]
    assert "no table of visits found" in caplog.text
    table = "video_id,visit_id,fold\n41000001,777,Training\n41000002,777,Validation\n41000003,NA,Training\n"
    (tmp_path / "raw_train_val_splits.csv").write_text(table)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert spaces(tmp_path / "raw") == ["777", "777", "41000003", "41000004"]
    assert "video 41000003: its visit is NA" in caplog.text
    assert spaces(tmp_path / "raw/Validation") == ["777", "41000003", "41000004"]
    # What lies beside the folds comes first; pandas wrote its visits as floats.
    (tmp_path / "raw/metadata.csv").write_text("video_id,visit_id,sky_direction\n41000001,778.0,Up\n")
    assert spaces(tmp_path / "raw")[0] == "778"
    assert spaces(tmp_path / "raw", splits="../raw_train_val_splits.csv")[0] == "777"
    with pytest.raises(SceneError, match=r"nowhere\.csv: cannot be read: No such file"):
        adapter(tmp_path / "raw", splits="nowhere.csv")


def test_the_official_tables(shared_data: Path) -> None:
    visits = read_visits(shared_data / "arkitscenes/raw_train_val_splits.csv")
    assert len(visits) == 5071 and sum(visit is None for visit in visits.values()) == 8
    assert visits["41159525"] == "381879"
    assert len(read_visits(shared_data / "arkitscenes/3dod_train_val_splits.csv")) == 5047


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video_id,fold\n1,2\n", ": has no column visit_id"),
        ("", ": has no column video_id"),
        ("video_id,visit_id\n41000001,7\nx,7\n", ":3: video_id 'x' is no number"),
        ("video_id,visit_id\n41000001,seven\n", ":2: visit_id 'seven' is no number"),
        ("video_id,visit_id\n41000001,7\n41000001,8\n", ":3: video_id 41000001 is there twice"),
    ],
)
def test_a_bad_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(SceneError) as caught:
        read_visits(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_keys_follow_the_files_and_the_options(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world(count=3)})
    before = adapter(tmp_path).refs()
    assert adapter(tmp_path).refs() == before
    assert adapter(tmp_path, max_gap_s=0.2).refs() != before
    with (scan / "lowres_wide.traj").open("a") as handle:
        handle.write("\n")
    assert adapter(tmp_path).refs() != before
    with pytest.raises(SceneError, match="not a scene of these files and options"):
        adapter(tmp_path).load(before[0], tmp_path)


def test_roots_and_options_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"scenes\.root"):
        ARKitScenes()
    with pytest.raises(SceneError, match="no such directory"):
        adapter(tmp_path / "no")
    with pytest.raises(SceneError, match="holds no ARKitScenes videos"):
        adapter(tmp_path)
    (tmp_path / "Training/41000001").mkdir(parents=True)
    (tmp_path / "41000001").mkdir()
    with pytest.raises(SceneError, match=r"video 41000001 is in .* too"):
        adapter(tmp_path)
    (tmp_path / "41000001").rmdir()
    for options in ({"max_gap_s": 0.0}, {"max_gap_s": 3.0}, {"frames": "wide"}, {"fps": 2}):
        with pytest.raises(RecipeError, match=next(iter(options))):
            adapter(tmp_path, **options)


def survives(
    path: Path, data: bytes, read: Callable[[Path], Any], hot: tuple[int, int] | None = None
) -> None:
    """2,000 damaged files: read, or refused in one line that names the file. Never another error, never 15 s of work."""
    started, refused = time.process_time(), 0
    for damaged in mutations(data, 2000, hot=hot):
        path.write_bytes(damaged)
        try:
            read(path)
        except SceneError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error), error
            refused += 1
    assert refused > 600
    assert time.process_time() - started < 15


def test_damaged_annotations(tmp_path: Path) -> None:
    survives(tmp_path / "a.json", json.dumps(annotation(OBJECTS)).encode(), read_annotation)
    for text in (
        b"",
        b"[" * 100_000,
        b'{"data": [1e999]}',
        b'{"data": [%s]}' % (b"9" * 5000),
        b'{"data": {}}',
    ):
        (tmp_path / "a.json").write_bytes(text)
        with pytest.raises(SceneError, match=r"a\.json"):
            read_annotation(tmp_path / "a.json")


WRONG = (None, True, "x", -1, 1e300, 10**400, [], {}, [[]], "9" * 5000, float("nan"), [1.0] * 9, 0)


def spoiled(value: Any, random: np.random.Generator) -> Any:
    """A copy of a JSON tree in which one value, at a random place, is of the wrong kind, gone or doubled."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = list(value)[random.integers(len(value))]
        if random.random() < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: spoiled(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = int(random.integers(len(value)))
        if random.random() < 0.1:
            return [*value[:at], *value[at + 1 :]] if random.random() < 0.5 else [*value, value[at]]
        return [*value[:at], spoiled(value[at], random), *value[at + 1 :]]
    return WRONG[random.integers(len(WRONG))]


def test_annotations_with_values_of_the_wrong_kind(tmp_path: Path) -> None:
    random, path, refused = np.random.default_rng(0), tmp_path / "a.json", 0
    whole, started = annotation(OBJECTS), time.process_time()
    for _ in range(2000):
        with contextlib.suppress(ValueError):  # what json cannot write
            path.write_text(json.dumps(spoiled(whole, random)))
        try:
            read_annotation(path)
        except SceneError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error) and len(str(error)) < 500
            refused += 1
    assert refused > 400  # the rest hit what is not read
    assert time.process_time() - started < 15


def test_damaged_trajectories(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world(count=3)})
    survives(tmp_path / "x.traj", (scan / "lowres_wide.traj").read_bytes(), read_trajectory)
    for text, field in [
        (b"", "no poses"),
        (b"1 2 3 4 5 6\n", "line 1: 6 numbers, expected 7"),
        (b"1 0 0 0 0 0 0\n1 0 0 x 0 0 0\n", "line 2: could not convert"),
        (b"nan 0 0 0 0 0 0\n", "time of pose 0"),
        (b"1 0 1e300 0 0 0 0\n", "out of all bounds"),
    ]:
        (tmp_path / "x.traj").write_bytes(text)
        with pytest.raises(SceneError, match=f"x.traj.*{field}"):
            read_trajectory(tmp_path / "x.traj")


def test_damaged_intrinsics(tmp_path: Path) -> None:
    survives(tmp_path / "x.pincam", b"256 192 213.082 213.082 127.869 96.1765\n", read_pincam)
    for text, field in [
        (b"256 192 1e999 213 128 96", "fx"),
        (b"0 192 213 213 0 96", "width"),
        (b"256 192 213 213 128 -96", "cy"),
    ]:
        (tmp_path / "x.pincam").write_bytes(text)
        with pytest.raises(SceneError, match=f"x.pincam: {field} is out of range"):
            read_pincam(tmp_path / "x.pincam")


def test_damaged_tables(tmp_path: Path) -> None:
    rows = "".join(f"{41000000 + i},{4000 + i // 3 if i % 7 else 'NA'},Training\n" for i in range(40))
    survives(tmp_path / "x.csv", f"video_id,visit_id,fold\n{rows}".encode(), read_visits)


def test_intrinsics_of_other_pictures_are_refused(tmp_path: Path) -> None:
    room = world()
    scan = write_scan(tmp_path, {"lowres_wide": room})
    path = sorted((scan / "lowres_wide_intrinsics").iterdir())[3]
    write_pincam(path, (256, 192), room.K_px * [[2], [2], [1]])  # more pixels of the same view: scaled
    scene = load(tmp_path)
    for frame in scene.frames:
        np.testing.assert_allclose(frame.K_px, room.K_px, rtol=1e-5)
    write_pincam(path, (96, 128), room.K_px)
    with pytest.raises(SceneError, match=r"pincam: is for pictures of 96x128, they have 128x96"):
        load(tmp_path)


def test_a_second_kind_can_be_added_later(tmp_path: Path) -> None:
    scan = write_scan(tmp_path, {"lowres_wide": world()})
    before = adapter(tmp_path).refs()
    write_pictures(scan, "vga_wide", world(scale=3), VIDEO)
    assert adapter(tmp_path).refs() != before
