import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest
import shapely

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.cameras import project
from ouroboros_data.geometry.render import render
from ouroboros_data.ids import content_hash, file_sha256
from ouroboros_data.media.reader import open_reader
from ouroboros_data.records import to_json
from scene_adapters.procedural import Options, Procedural
from scene_adapters.procedural.adapter import build_room
from scene_adapters.procedural.walk import BODY_M

ROOMS = 24
SMALL = {"size_px": [96, 72], "frame_count": 6}


@pytest.fixture(scope="module")
def rooms():
    return [build_room(Options(), 3, index) for index in range(ROOMS)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    adapter = Procedural(seed=3, options={"count": 4})
    media = tmp_path_factory.mktemp("media")
    return adapter, media, [adapter.load(ref, media) for ref in adapter.refs()]


def footprint(obj):
    center, axes = np.array(obj.center_m), np.array(obj.R_world_object)
    half = np.array(obj.extent_m) / 2
    corners = [center + axes @ (half * (i, j, 0)) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return shapely.Polygon([corner[:2] for corner in corners])


def heights(obj):
    return obj.center_m[2] - obj.extent_m[2] / 2, obj.center_m[2] + obj.extent_m[2] / 2


def without_root(scene):
    return dataclasses.replace(scene, root="")


def test_boxes_turn_about_z_only_and_stand_inside_the_room(rooms):
    for room in rooms:
        floor = shapely.Polygon(room.room.floor_polygon_m).buffer(1e-6)
        for obj in room.objects:
            axes = np.array(obj.R_world_object)
            np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
            np.testing.assert_allclose(axes[:, 2], (0, 0, 1), atol=1e-12)
            assert np.linalg.det(axes) > 0
            assert floor.contains(footprint(obj)), obj
            low, high = heights(obj)
            assert low >= -1e-9 and high < room.room.height_m, obj


def test_no_two_boxes_share_space(rooms):
    for room in rooms:
        prints = [footprint(obj) for obj in room.objects]
        for (a, shape_a), (b, shape_b) in itertools.combinations(zip(room.objects, prints, strict=True), 2):
            shared_height = min(heights(a)[1], heights(b)[1]) - max(heights(a)[0], heights(b)[0])
            if shared_height > 1e-6:
                assert shape_a.intersection(shape_b).area < 1e-9, (a, b)


def test_everything_stands_on_the_floor_rests_on_something_or_hangs_on_a_wall(rooms):
    resting = Counter()
    for room in rooms:
        walls = shapely.Polygon(room.room.floor_polygon_m).exterior
        for obj in room.objects:
            low, shape = heights(obj)[0], footprint(obj)
            if low < 1e-9:
                continue
            below = [
                other
                for other in room.objects
                if abs(heights(other)[1] - low) < 1e-6 and footprint(other).buffer(1e-6).contains(shape)
            ]
            if below:
                resting[obj.category, below[0].category] += 1
            else:
                assert walls.distance(shape) < 0.01, obj
    assert resting["monitor", "desk"] >= 3
    assert resting["pillow", "bed"] >= 3
    assert resting["tv", "cabinet"] >= 1


def test_the_triangles_of_an_object_fill_its_box(rooms):
    for room in rooms:
        points = {obj.id: [] for obj in room.objects}
        for mesh in room.meshes:
            if mesh.object_id is not None:
                points[mesh.object_id].append(mesh.vertices_m)
        for obj in room.objects:
            local = (np.concatenate(points[obj.id]) - obj.center_m) @ np.array(obj.R_world_object)
            half = np.array(obj.extent_m) / 2
            np.testing.assert_allclose(local.min(0), -half, atol=1e-9, err_msg=obj.id)
            np.testing.assert_allclose(local.max(0), half, atol=1e-9, err_msg=obj.id)


def test_rooms_vary_within_the_options(rooms):
    counts = [len(room.objects) for room in rooms]
    assert min(counts) >= 12 and max(counts) <= 40
    assert max(counts) - min(counts) >= 12
    categories = [Counter(obj.category for obj in room.objects) for room in rooms]
    assert len(set().union(*categories)) >= 40
    assert all(sum(n == 1 for n in seen.values()) >= 2 for seen in categories)
    assert np.mean([sum(n == 1 for n in seen.values()) for seen in categories]) >= 9
    assert sum(2 <= seen["chair"] <= 12 for seen in categories) >= ROOMS / 4
    assert all(seen["door"] >= 1 and seen["window"] >= 1 for seen in categories)
    areas = [room.room.area_m2 for room in rooms]
    assert min(areas) >= 7.9 and max(areas) <= 60.1 and max(areas) - min(areas) > 30
    assert {len(room.room.floor_polygon_m) for room in rooms} == {4, 6}
    for room in rooms:
        outline = shapely.Polygon(room.room.floor_polygon_m)
        assert outline.is_valid and outline.exterior.is_ccw
        assert room.room.area_m2 == pytest.approx(room.layout.shell.area_m2, abs=1e-9)


def test_sizes_of_one_category_vary(rooms):
    longest = {}
    for room in rooms:
        for obj in room.objects:
            longest.setdefault(obj.category, []).append(max(obj.extent_m))
    for name in ("table", "window", "cabinet", "plant"):
        assert max(longest[name]) > 1.3 * min(longest[name]), name


def test_the_walker_keeps_clear_of_furniture_and_moves_smoothly(rooms):
    for room in rooms:
        eye = room.T_world_camera[:, :3, 3]
        floor = shapely.Polygon(room.room.floor_polygon_m)
        on_floor = shapely.union_all([footprint(o) for o in room.objects if heights(o)[0] < 1e-9])
        for x, y, z in eye:
            point = shapely.Point(x, y)
            assert floor.contains(point) and floor.exterior.distance(point) >= BODY_M
            assert on_floor.distance(point) >= BODY_M
            assert 1.25 < z < 1.75
        step = np.linalg.norm(np.diff(eye, axis=0), axis=1)
        assert step.max() < 0.5  # m in half a second
        ahead, right = room.T_world_camera[:, :3, 2], room.T_world_camera[:, :3, 0]
        turn = np.degrees(np.arccos(np.clip((ahead[1:] * ahead[:-1]).sum(1), -1, 1)))
        assert turn.max() < 45 and turn.sum() > 150
        assert np.abs(np.degrees(np.arcsin(right[:, 2]))).max() < 2.5


def test_most_objects_are_seen(loaded):
    shares = []
    for scene in loaded[2]:
        seen = {view.object_id for frame in scene.frames for view in frame.views if view.pixel_share >= 0.002}
        shares.append(len(seen) / len(scene.objects))
    assert min(shares) > 0.7 and np.mean(shares) > 0.85


SOLID = {
    "box",
    "refrigerator",
    "pillow",
    "wardrobe",
    "cabinet",
    "nightstand",
    "book",
    "picture",
    "bed",
    "microwave",
}
"""Their boxes are filled, give or take a handle, so the line of sight to the centre ends at them."""


def first_box(objects, eye, point):
    """The object whose box the ray meets first, and how far its entry is ahead of the next one's."""
    entries = []
    for obj in objects:
        axes = np.array(obj.R_world_object)
        start, ray = (eye - obj.center_m) @ axes, (point - eye) @ axes
        half = np.array(obj.extent_m) / 2
        with np.errstate(divide="ignore"):
            first, second = (-half - start) / ray, (half - start) / ray
        enter, leave = np.minimum(first, second).max(), np.maximum(first, second).min()
        if enter <= leave and leave > 0:
            entries.append((max(enter, 0.0), obj.id))
    entries.sort()
    return entries[0][1]


def test_an_unoccluded_centre_projects_onto_its_own_pixels(rooms):
    checked = hits = 0
    size = (96, 72)
    for room in rooms:
        if len(room.room.floor_polygon_m) != 4:
            continue  # in an L the walls hide things too
        K = room.K_px * np.array([[size[0] / Options().size_px[0]], [size[1] / Options().size_px[1]], [1.0]])
        poses = room.T_world_camera[::5]
        rendered = render(room.meshes, poses, K, size)
        for obj in room.objects:
            if obj.category not in SOLID:
                continue
            for frame, pose in enumerate(poses):
                pixel, depth = project(obj.center_m, K, pose)
                if depth <= 0.3 or not (0 <= pixel[0] < size[0] and 0 <= pixel[1] < size[1]):
                    continue
                if first_box(room.objects, pose[:3, 3], np.array(obj.center_m)) != obj.id:
                    continue
                mesh = rendered.instance[frame, int(pixel[1]), int(pixel[0])]
                checked += 1
                hits += room.meshes[mesh].object_id == obj.id
    # The pixel's centre is up to half a pixel off the projected point, which matters for a far, thin thing.
    assert checked > 60
    assert hits / checked > 0.97, f"{hits} of {checked}"


def test_pixel_shares_are_counts_of_instance_pixels(loaded):
    adapter, _, scenes = loaded
    width, height = adapter.options.size_px
    for index, scene in enumerate(scenes[:2]):
        room = build_room(adapter.options, 3, index)
        rendered = render(room.meshes, room.T_world_camera, room.K_px, (width, height))
        for frame, image, pose in zip(scene.frames, rendered.instance, room.T_world_camera, strict=True):
            np.testing.assert_array_equal(frame.T_world_camera, pose)
            np.testing.assert_array_equal(frame.K_px, room.K_px)
            count = Counter(room.meshes[i].object_id for i in image.ravel() if i >= 0)
            count.pop(None, None)
            assert {view.object_id: view.pixel_share for view in frame.views} == {
                name: pixels / (width * height) for name, pixels in count.items()
            }
            assert sum(view.pixel_share for view in frame.views) <= 1.0


def test_a_loaded_scene_is_complete(loaded):
    adapter, media, scenes = loaded
    for ref, scene in zip(adapter.refs(), scenes, strict=True):
        assert scene.id == ref.id == scene.space_id and scene.source == ref.source == "procedural"
        assert scene.license == "CC0-1.0" and scene.frames_origin == "rendered"
        assert scene.root == str(media / scene.id)
        assert len({obj.id for obj in scene.objects}) == len(scene.objects)
        video = scene.video
        path = media / scene.id / video.path
        assert video.sha256 == file_sha256(path)
        assert [frame.time_s for frame in scene.frames] == [index / 2.0 for index in range(16)]
        with open_reader(path) as reader:
            assert (reader.frame_count, reader.size_px, reader.fps) == (16, (128, 96), 2.0)
        content_hash(to_json(scene))  # plain JSON, no numpy scalars


def test_the_video_shows_the_rendered_frames(loaded):
    adapter, media, scenes = loaded
    room = build_room(adapter.options, 3, 0)
    rendered = render(room.meshes, room.T_world_camera, room.K_px, adapter.options.size_px)
    with open_reader(media / scenes[0].id / "video.mp4") as reader:
        shown = reader.read(range(16)).astype(float)
    error = ((shown - rendered.rgb) ** 2).mean((1, 2, 3))
    assert (10 * np.log10(255**2 / error)).min() > 28
    # In order: each decoded frame is nearer to its own rendering than to its neighbour's.
    other = ((shown[:-1] - rendered.rgb[1:]) ** 2).mean((1, 2, 3))
    assert (other > error[:-1]).all()


def test_same_seed_same_bytes(loaded, tmp_path):
    _, media, scenes = loaded
    again = Procedural(seed=3, options={"count": 4})
    scene = again.load(again.refs()[1], tmp_path)
    assert without_root(scene) == without_root(scenes[1])
    assert (tmp_path / scene.id / "video.mp4").read_bytes() == (media / scene.id / "video.mp4").read_bytes()


def test_a_room_does_not_depend_on_how_many_there_are(loaded, tmp_path):
    adapter, _, scenes = loaded
    more = Procedural(seed=3, options={"count": 50})
    assert more.refs()[:4] == adapter.refs()
    assert without_root(more.load(more.refs()[2], tmp_path)) == without_root(scenes[2])


def test_seed_and_options_change_rooms_and_keys(tmp_path):
    first = Procedural(seed=3, options=SMALL).refs()[0]
    for seed, options in ((4, SMALL), (3, {**SMALL, "fps": 3.0}), (3, {**SMALL, "l_shaped": 0.9})):
        assert Procedural(seed=seed, options=options).refs()[0].key != first.key
    one, other = build_room(Options(), 3, 0), build_room(Options(), 4, 0)
    assert [o.center_m for o in one.objects] != [o.center_m for o in other.objects]


def test_options_reach_the_scene(tmp_path):
    options = {
        **SMALL,
        "fps": 5.0,
        "hfov_deg": [60, 60],
        "area_m2": [20, 22],
        "objects": [15, 18],
        "count": 3,
    }
    adapter = Procedural(seed=1, options=options)
    for ref in adapter.refs():
        scene = adapter.load(ref, tmp_path)
        assert len(scene.frames) == scene.video.frame_count == 6
        assert scene.video.fps == 5.0 and scene.frames[5].time_s == 1.0
        assert scene.video.size_px == scene.frames[0].size_px == (96, 72)
        assert scene.frames[0].K_px[0][0] == pytest.approx(48 / math.tan(math.radians(30)))
        assert 19.9 <= scene.room.area_m2 <= 22.1 and 15 <= len(scene.objects) <= 18


def test_a_single_frame_is_a_video_too(tmp_path):
    adapter = Procedural(seed=1, options={**SMALL, "frame_count": 1})
    assert len(adapter.load(adapter.refs()[0], tmp_path).frames) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rooms": 3}, "rooms"),
        ({"count": 0}, "count"),
        ({"count": "many"}, "count"),
        ({"frame_count": 0}, "frame_count"),
        ({"fps": 0.0}, "fps"),
        ({"fps": float("nan")}, "fps"),
        ({"size_px": [127, 96]}, "size_px"),
        ({"size_px": [128]}, "size_px"),
        ({"hfov_deg": [90, 75]}, "hfov_deg"),
        ({"area_m2": [2, 4]}, "area_m2"),
        ({"objects": [40, 12]}, "objects"),
        ({"l_shaped": 1.5}, "l_shaped"),
    ],
)
def test_bad_options_are_named(options, named):
    with pytest.raises(RecipeError, match=named) as caught:
        Procedural(seed=0, options=options)
    assert "\n" not in str(caught.value) and "scenes.options" in str(caught.value)


def test_bad_roots_and_references_are_errors(tmp_path):
    with pytest.raises(RecipeError, match="root"):
        Procedural(root=tmp_path, seed=0, options={})
    adapter = Procedural(seed=0, options={})
    for ref in (
        Procedural(seed=1, options={}).refs()[0],
        dataclasses.replace(adapter.refs()[0], id="kitchen"),
    ):
        with pytest.raises(SceneError, match="not a room"):
            adapter.load(ref, tmp_path)


def test_a_media_directory_that_is_not_there_is_named(tmp_path):
    adapter = Procedural(seed=0, options=SMALL)
    with pytest.raises(SceneError, match="nowhere"):
        adapter.load(adapter.refs()[0], tmp_path / "nowhere")


@pytest.mark.parametrize(
    "options", [Options(area_m2=(6.0, 6.0)), Options(area_m2=(110.0, 120.0)), Options(objects=(3, 5))]
)
def test_options_at_their_limits_give_rooms(options):
    for index in range(4):
        room = build_room(options, 1, index)
        assert options.objects[0] <= len(room.objects) <= options.objects[1]
        assert options.area_m2[0] - 0.1 <= room.room.area_m2 <= options.area_m2[1] + 0.1


def test_too_many_objects_for_the_room_is_an_error_not_a_loop():
    with pytest.raises(SceneError, match="widen"):
        build_room(Options(area_m2=(6.0, 6.5), objects=(70, 80)), 0, 0)
