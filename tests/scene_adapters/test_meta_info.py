import copy
import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.boxes import Boxes, boxes_of, corners, point_distances_m
from ouroboros_data.geometry.cameras import project
from ouroboros_data.ids import file_sha256
from ouroboros_data.media.reader import open_reader
from scene_adapters.meta_info import MetaInfo
from scene_adapters.meta_info_read import canonical, parse_scene
from scene_adapters.meta_info_view import box_meshes, estimate_shell, tint

TURN = [0.8, 0.6, 0.0, -0.6, 0.8, 0.0, 0.0, 0.0, 1.0]  # rows are the axes; as columns they would turn back


def box(x: float, y: float, z: float, *lengths: float, axes: list[float] = TURN) -> dict[str, Any]:
    return {"centroid": [x, y, z], "axesLengths": list(lengths), "normalizedAxes": list(axes)}


def entry() -> dict[str, Any]:
    boxes = {
        "table": [box(0.5, 0.5, 0.4, 1.6, 0.8, 0.8)],
        "chair": [box(-1.2, 1.4, 0.45, 0.5, 0.5, 0.9), box(1.6, -1.2, 0.45, 0.5, 0.5, 0.9)],
        "coat hanger": [box(-1.8, -1.5, 0.9, 0.4, 0.4, 1.8)],
        "window": [box(0.0, 2.3, 1.6, 1.4, 0.1, 1.0, axes=[1, 0, 0, 0, 1, 0, 0, 0, 1])],
    }
    return {
        "dataset": "scannet",
        "room_size": 24.5,
        "room_center": [0, 0, 1.2],
        "object_counts": {name: len(listed) for name, listed in boxes.items()},
        "object_bbox": boxes,
    }


def root_with(folder: Path, **scenes: Any) -> Path:
    (folder / "scannet_meta_info.json").write_text(json.dumps(scenes))
    return folder


def load(folder: Path, scene: dict[str, Any], **options: Any) -> Any:
    adapter = MetaInfo(root=root_with(folder, scene0001_02=scene), seed=0, options=options)
    (ref,) = adapter.refs()
    media = folder / "media"
    media.mkdir(exist_ok=True)
    return adapter.load(ref, media)


def test_a_scene_is_what_the_file_says(tmp_path: Path) -> None:
    scene = load(tmp_path, entry())
    assert (scene.id, scene.source, scene.space_id) == ("scene0001_02", "scannet", "scene0001")
    assert (scene.license, scene.frames_origin) == ("ScanNet-ToU", "rendered")
    assert (scene.room.area_m2, scene.room.floor_polygon_m) == (24.5, ())
    assert [o.id for o in scene.objects] == ["table-0", "chair-0", "chair-1", "coat-rack-0", "window-0"]
    table = scene.objects[0]
    assert (table.center_m, table.extent_m) == ((0.5, 0.5, 0.4), (1.6, 0.8, 0.8))
    # The long axis of the table points along (0.8, 0.6): the first row, so the first column of the rotation.
    assert [row[0] for row in table.R_world_object] == [0.8, 0.6, 0.0]


def test_the_video_shows_the_objects_where_the_boxes_are(tmp_path: Path) -> None:
    scene = load(tmp_path, entry(), frame_count=12)
    assert scene.video is not None
    path = Path(scene.root) / scene.video.path
    assert path == tmp_path / "media" / "scene0001_02" / "video.mp4"
    assert scene.video.sha256 == file_sha256(path)
    with open_reader(path) as reader:
        assert (reader.frame_count, reader.size_px, reader.fps) == (12, (160, 120), 2.0)
        pictures = reader.read(range(12)).astype(int)
    boxes = boxes_of(scene.objects)
    eyes = np.array([np.array(frame.T_world_camera)[:3, 3] for frame in scene.frames])
    assert point_distances_m(eyes[:, None], boxes).min() > 0.1
    assert {view.object_id for frame in scene.frames for view in frame.views} == {o.id for o in scene.objects}
    # The table's picture: its pixels are those of its tint, around its projected centre, in its share.
    ratio = np.array(tint("table")[0])
    found = 0
    for frame, picture in zip(scene.frames, pictures, strict=True):
        share = {view.object_id: view.pixel_share for view in frame.views}.get("table-0", 0.0)
        pixel, depth = project(boxes.center_m[0], frame.K_px, frame.T_world_camera)
        hull, ahead = project(corners(boxes)[0], frame.K_px, frame.T_world_camera)
        if (
            share < 0.03
            or depth <= 0
            or ahead.min() <= 0.2
            or not (0 < pixel[0] < 160 and 0 < pixel[1] < 120)
        ):
            continue
        found += 1
        assert share <= np.prod(np.ptp(hull, axis=0)) / (160 * 120) * 1.02
        color = picture[int(pixel[1]), int(pixel[0])] / 255
        assert np.abs(color / color.max() - ratio / ratio.max()).max() < 0.35
    assert found >= 2


def test_loading_twice_gives_the_same_scene_and_video(tmp_path: Path) -> None:
    assert load(tmp_path, entry()) == load(tmp_path, entry())


def test_keys_change_with_content_and_options_only(tmp_path: Path) -> None:
    other = entry()
    other["room_size"] = 25.0

    def keys(options: dict[str, Any], **scenes: Any) -> list[str]:
        return [
            ref.key for ref in MetaInfo(root=root_with(tmp_path, **scenes), seed=0, options=options).refs()
        ]

    a, b = keys({}, a=entry(), b=entry())
    assert a != b and keys({}, b=entry(), a=entry()) == [b, a]
    assert keys({}, a=other, b=entry()) != [a, b]
    assert keys({"fps": 3.0}, a=entry(), b=entry())[0] != a


def test_a_box_that_is_listed_twice_is_one_object(tmp_path: Path) -> None:
    scene = entry()
    scene["object_bbox"]["chair"] += copy.deepcopy(scene["object_bbox"]["chair"])
    layout = parse_scene(scene, where="here")
    assert [o.id for o in layout.objects if o.category == "chair"] == ["chair-0", "chair-1"]
    assert layout.repeats == 2 and layout.doubts == ()


def test_a_count_that_the_boxes_contradict_is_never_chosen_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = entry()
    scene["object_counts"]["chair"] = 3
    with caplog.at_level(logging.WARNING):
        loaded = load(tmp_path, scene)
    assert "scene0001_02: boxes and object_counts disagree: chair 3 counted, 2 boxes" in caplog.text
    assert {o.category for o in loaded.objects} == {"table", "coat rack", "window"}
    assert all("chair" not in view.object_id for frame in loaded.frames for view in frame.views)
    assert sum(o.category == "chair" for o in load(tmp_path, scene, doubtful="keep").objects) == 2
    with pytest.raises(SceneError, match=r"disagree: chair 3 counted, 2 boxes \(correct the file"):
        load(tmp_path, scene, doubtful="refuse")
    # Counted, but without boxes: nothing can be asked about it, and nothing is lost.
    scene["object_counts"] = {**entry()["object_counts"], "clock": 2}
    assert len(load(tmp_path, scene, doubtful="refuse").objects) == 5


def test_an_unlabelled_object_is_still_drawn() -> None:
    layout = parse_scene(entry(), where="")
    known = [o.category != "chair" for o in layout.objects]
    meshes = box_meshes(layout.objects, known)
    assert [mesh.object_id for mesh in meshes] == ["table-0", None, None, "coat-rack-0", "window-0"]
    np.testing.assert_allclose([m.vertices_m for m in meshes], corners(boxes_of(layout.objects)))
    assert meshes[1].color == meshes[2].color and len(set(meshes[1].color)) == 1  # grey


def test_names_are_those_of_the_questions() -> None:
    assert canonical("coat hanger") == "coat rack"
    assert canonical("TV_monitor") == "tv"
    assert canonical(" trash  bin") == "trash bin"


def test_arkit_spaces_are_visits(tmp_path: Path) -> None:
    (tmp_path / "arkitscenes_meta_info.json").write_text(
        json.dumps({"41": entry(), "42": entry(), "43": entry()})
    )
    splits = tmp_path / "3dod_train_val_splits.csv"
    media = tmp_path / "media"
    media.mkdir()

    def spaces(**options: Any) -> list[str]:
        adapter = MetaInfo(root=tmp_path, seed=0, options={"frame_count": 2, **options})
        return [adapter.load(ref, media).space_id for ref in adapter.refs()]

    assert spaces() == ["41", "42", "43"]
    splits.write_text("video_id,visit_id,fold\n41,900,Training\n42,900,Training\n43,NA,Training\n")
    assert spaces() == ["900", "900", "43"]
    splits.rename(tmp_path / "other.csv")
    assert spaces(splits="other.csv") == ["900", "900", "43"]
    with pytest.raises(SceneError, match=r"gone\.csv: cannot be read"):
        spaces(splits="gone.csv")
    (tmp_path / "bad.csv").write_text("video,visit\n1,2\n")
    with pytest.raises(SceneError, match=r"bad\.csv: has no columns video_id and visit_id"):
        spaces(splits="bad.csv")


BROKEN = {
    "no objects": ({"object_bbox": {}, "object_counts": {}}, "a scene with no objects"),
    "a list": ({"object_bbox": []}, "object_bbox must be a mapping, got a list of 0"),
    "no boxes": ({"object_bbox": None}, "object_bbox must be a mapping, got nothing"),
    "area as text": ({"room_size": "24"}, "room_size must be a finite number, got '24'"),
    "area not positive": ({"room_size": 0}, "room_size must be positive"),
    "no area": ({"room_size": None}, "room_size must be a finite number, got nothing"),
    "half an object": ({"object_counts": {"table": 1.5}}, r"object_counts\.table must be a whole number"),
    "boxes not listed": ({"object_bbox": {"table": {}}}, r"object_bbox\.table must be a list"),
    "box not a box": ({"object_bbox": {"table": [3]}}, r"object_bbox\.table\[0\] must be a mapping, got 3"),
    "two coordinates": (
        {"object_bbox": {"table": [{**box(0, 0, 0, 1, 1, 1), "centroid": [1, 2]}]}},
        r"object_bbox\.table\[0\]\.centroid must be a list of 3 numbers, got a list of 2",
    ),
    "infinite": (
        {"object_bbox": {"table": [box(0, math.inf, 0, 1, 1, 1)]}},
        r"object_bbox\.table\[0\]\.centroid\[1\] must be a finite number, got inf",
    ),
    "not a number": (
        {"object_bbox": {"table": [box(0, 0, 0, 1, 1, 1), box(0, 0, math.nan, 1, 1, 1)]}},
        r"object_bbox\.table\[1\]\.centroid\[2\] must be a finite number, got nan",
    ),
    "flat": ({"object_bbox": {"table": [box(0, 0, 0, 1, 0, 1)]}}, r"axesLengths must be positive, got 0"),
    "skewed": (
        {"object_bbox": {"table": [box(0, 0, 0, 1, 1, 1, axes=[1, 0.1, 0, 0, 1, 0, 0, 0, 1])]}},
        r"object_bbox\.table\[0\]\.normalizedAxes are not orthonormal rows",
    ),
    "mirrored": (
        {"object_bbox": {"table": [box(0, 0, 0, 1, 1, 1, axes=[-1, 0, 0, 0, 1, 0, 0, 0, 1])]}},
        "mirrored",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scene_is_named_and_leaves_the_others_alone(tmp_path: Path, name: str) -> None:
    change, message = BROKEN[name]
    root = root_with(tmp_path, bad={**entry(), **change}, good=entry())
    adapter = MetaInfo(root=root, seed=0, options={"frame_count": 2})
    bad, good = adapter.refs()
    (tmp_path / "media").mkdir()
    with pytest.raises(SceneError, match=rf"scannet_meta_info\.json: bad: .*{message}.*\(.+\)$") as caught:
        adapter.load(bad, tmp_path / "media")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "media").iterdir())
    assert adapter.load(good, tmp_path / "media").id == "good"


def test_a_root_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"holds no \*_meta_info\.json \(set scenes\.root"):
        MetaInfo(root=tmp_path, seed=0, options={})
    with pytest.raises(SceneError, match=r"gone: no such directory \(set scenes\.root"):
        MetaInfo(root=tmp_path / "gone", seed=0, options={})
    with pytest.raises(RecipeError, match=r"scenes\.root: meta_info reads scenes from files"):
        MetaInfo(root=None, seed=0, options={})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": {\n"room_size": 3,, }}', r"json:2:16: not JSON"),
        ("[1]", "entry per scene"),
        ("", "json:1:1: not JSON"),
    ],
)
def test_a_broken_file_is_named_with_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "scannet_meta_info.json").write_text(text)
    with pytest.raises(SceneError, match=message):
        MetaInfo(root=tmp_path, seed=0, options={})
    (tmp_path / "scannet_meta_info.json").write_bytes(b'{"\xff": 1}')
    with pytest.raises(SceneError, match=r"not UTF-8 text \(byte 2\)"):
        MetaInfo(root=tmp_path, seed=0, options={})


def test_a_scene_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "arkitscenes_meta_info.json").write_text(json.dumps({"x": entry()}))
    with pytest.raises(SceneError, match=r"scene x is in arkitscenes_meta_info\.json too"):
        MetaInfo(root=root_with(tmp_path, x=entry()), seed=0, options={})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 3}, "frames"),
        ({"size_px": [161, 120]}, "size_px"),
        ({"doubtful": "guess"}, "doubtful"),
        ({"fps": 0}, "fps"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=rf"scenes\.options.*{message}"):
        MetaInfo(root=root_with(tmp_path, a=entry()), seed=0, options=options)


def test_an_unknown_reference_is_refused(tmp_path: Path) -> None:
    adapter = MetaInfo(root=root_with(tmp_path, a=entry()), seed=0, options={})
    (ref,) = adapter.refs()
    later = MetaInfo(root=root_with(tmp_path, b=entry()), seed=0, options={})
    with pytest.raises(SceneError, match="a: not a scene of these files"):
        later.load(ref, tmp_path)


@pytest.mark.parametrize("area", [10.0, 24.5, 60.0])
def test_the_room_holds_the_boxes_and_has_the_stated_area_where_it_can(area: float) -> None:
    layout = parse_scene({**entry(), "room_size": area}, where="")
    shell = estimate_shell(layout.objects, area)
    points = corners(boxes_of(layout.objects)).reshape(-1, 3)
    x, y = shell.outline_m.T
    edges = np.roll(shell.outline_m, -1, axis=0) - shell.outline_m
    offsets = points[:, None, :2] - shell.outline_m
    assert (edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0]).min() > 0  # left of every edge
    assert shell.floor_m == pytest.approx(points[:, 2].min()) and shell.ceiling_m >= points[:, 2].max()
    made = 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    assert made == pytest.approx(area) if area > 24 else made > area


def test_all_real_layouts(shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "vsi_bench"
    adapter = MetaInfo(root=root, seed=0, options={})
    raw = {
        name: scene
        for path in sorted(root.glob("*_meta_info.json"))
        for name, scene in json.loads(path.read_text("utf-8")).items()
    }
    refs = adapter.refs()
    assert [ref.id for ref in refs] == list(raw) and len(refs) == 122
    assert len({ref.key for ref in refs}) == 122
    repeats, doubts = {}, {}
    for ref in refs:
        layout = adapter.layout(ref.id)
        stored = [b for boxes in raw[ref.id]["object_bbox"].values() for b in boxes]
        points = corners(boxes_of(layout.objects))
        low, high = points.min(1), points.max(1)
        # Every stored axis-aligned box is the bound of one of ours: only rows as axes do that.
        for b in stored:
            error = np.abs(low - b["min"]).max(1) + np.abs(high - b["max"]).max(1)
            assert error.min() < 1e-9, ref.id
        assert len(stored) == len(layout.objects) + layout.repeats
        if layout.repeats:
            repeats[ref.id] = layout.repeats
        if layout.doubts:
            doubts[ref.id] = [(d.category, d.counted, d.boxes) for d in layout.doubts]
    assert len(repeats) == 6 and sum(repeats.values()) == 9
    assert doubts == {
        "scene0474_04": [("chair", 3, 4)],
        "scene0500_00": [("chair", 38, 39), ("window", 7, 5)],
    }


def exposed(boxes: Boxes) -> np.ndarray:
    """Share of each box's surface that lies outside all other boxes."""
    steps = np.linspace(-0.98, 0.98, 7)
    u, v = (axis.ravel() for axis in np.meshgrid(steps, steps))
    faces = [np.insert(np.stack([u, v], 1), axis, side, axis=1) for axis in range(3) for side in (-1.0, 1.0)]
    local = np.concatenate(faces) * boxes.half_m[:, None]
    points = boxes.center_m[:, None] + local @ np.swapaxes(boxes.R_world_box, 1, 2)
    gaps = point_distances_m(points[:, :, None], boxes)
    for own in range(len(gaps)):
        gaps[own, :, own] = 1.0
    return np.asarray((gaps.min(-1) > 0.01).mean(-1))


@pytest.mark.slow
def test_walks_through_real_layouts_see_what_can_be_seen(shared_data: Path, tmp_path: Path) -> None:
    adapter = MetaInfo(root=shared_data / "vsi_bench", seed=0, options={"doubtful": "keep"})
    seeable = seen = 0
    for ref in adapter.refs()[::6]:
        scene = adapter.load(ref, tmp_path)
        best: dict[str, float] = {}
        for frame in scene.frames:
            for view in frame.views:
                best[view.object_id] = max(best.get(view.object_id, 0.0), view.pixel_share)
        boxes = boxes_of(scene.objects)
        # Real boxes enclose one another: a pillow within the bed's box is never seen.
        open_ids = {o.id for o, share in zip(scene.objects, exposed(boxes), strict=True) if share > 0.05}
        seeable += len(open_ids)
        seen += sum(best.get(name, 0.0) >= 0.002 for name in open_ids)
        eyes = np.array([np.array(frame.T_world_camera)[:3, 3] for frame in scene.frames])
        assert point_distances_m(eyes[:, None], boxes).min() > 0.05, scene.id
        steps = np.linalg.norm(np.diff(eyes, axis=0), axis=1)
        assert steps.max() < 1.5 and steps.sum() > 0.2, scene.id
    assert seen / seeable > 0.93
