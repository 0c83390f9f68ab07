"""The known room through `assemble`, and what it would look like if an adapter had got the scan wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw.world import (
    FLOOR_AREA_M2,
    HEIGHT_M,
    OBJECTS,
    ROOM_HIGH_M,
    ROOM_LOW_M,
    World,
    make_world,
    pixel_of,
    seen_corners,
)

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.visibility import first_last_seen
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.types import CameraFrame, Question, Scene, Video
from scene_adapters.option_checks import read_options
from scene_adapters.scan import RawFrame, RawInstance, RawScan, ScanOptions, assemble, check_scan_options

FRAMES = 24
TABLE, BOX, NEAR_CHAIR, FAR_CHAIR, CABINET = range(5)


@pytest.fixture(scope="module", params=[0, 90, 180, 270], ids="roll{}".format)
def rolled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, RawScan]:
    world = make_world(frame_count=FRAMES, roll_deg=request.param, depth_size_px=(80, 60))
    return world, scan_of(world, tmp_path_factory.mktemp("scan"))


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, RawScan]:
    world = make_world(frame_count=FRAMES)
    return world, scan_of(world, tmp_path_factory.mktemp("scan"))


def scan_of(world: World, root: Path) -> RawScan:
    """What an adapter reads; pictures lie in ``root/pictures`` without loss."""
    pictures = root / "pictures"
    pictures.mkdir()
    for i, image in enumerate(world.rgb):
        Image.fromarray(image).save(pictures / f"{i}.png", compress_level=1)
    frames = [
        RawFrame(
            id=f"f{i:05d}",
            index=i,
            time_s=float(world.times_s[i]),
            size_px=world.size_px,
            K_px=world.K_px,
            T_world_camera=pose,
        )
        for i, pose in enumerate(world.T_world_camera)
    ]
    return RawScan(
        id="known",
        source="hand",
        space_id="known",
        license="CC0-1.0",
        root=root,
        video=Video(
            path="pictures", sha256="", fps=world.fps, frame_count=len(frames), size_px=world.size_px
        ),
        vertices_m=world.vertices_m,
        faces=world.faces,
        instances=[
            RawInstance(
                id=str(i),
                raw_label=known.label.upper(),
                category=known.label,
                nyu40=i,
                vertex_index=np.flatnonzero(world.vertex_owner == i),
            )
            for i, known in enumerate(world.objects)
        ],
        frames=frames,
        open_depth=lambda frame: world.depth_m[frame.index],
        upright=True,
    )


def boxed(scan: RawScan, world: World) -> list[RawInstance]:
    """The same objects as a source gives them that annotates boxes."""
    return [
        replace(
            instance,
            vertex_index=None,
            box=(np.array(known.center_m), np.array(known.extent_m), known.R_world_object),
        )
        for instance, known in zip(scan.instances, world.objects, strict=True)
    ]


def pictures_of(scene: Scene) -> list[np.ndarray]:
    bank = FrameBank({scene.id: scene})
    names = tuple(frame.id for frame in scene.frames)
    question = Question(
        id="q", scene_id=scene.id, frame_ids=names, question_type="", text="", answer_type="boolean"
    )
    try:
        return bank(question)
    finally:
        bank.close()


def check_boxes(scene: Scene, world: World) -> None:
    assert [o.id for o in scene.objects] == [str(i) for i in range(len(world.objects))]
    for record, known in zip(scene.objects, world.objects, strict=True):
        assert record.category == known.label
        np.testing.assert_allclose(record.center_m, known.center_m, atol=0.01)
        # Which lying axis comes first is the box's own affair: compare what the box spans along the known axes.
        axes, half = np.array(record.R_world_object), np.array(record.extent_m) / 2
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
        reach = np.abs(known.R_world_object.T @ axes) @ half
        np.testing.assert_allclose(2 * reach, known.extent_m, atol=0.01)
        np.testing.assert_allclose(np.prod(record.extent_m), np.prod(known.extent_m), rtol=0.02)


def check_room(scene: Scene) -> None:
    assert scene.room.area_m2 == pytest.approx(FLOOR_AREA_M2, rel=0.02)
    np.testing.assert_allclose(np.min(scene.room.floor_polygon_m, 0), ROOM_LOW_M, atol=0.05)
    np.testing.assert_allclose(np.max(scene.room.floor_polygon_m, 0), ROOM_HIGH_M, atol=0.05)


def check_pictures(scene: Scene, world: World) -> None:
    """Where the records say that a face of an object is, the upright picture has that object's colour."""
    met = 0
    for frame, image in zip(scene.frames, pictures_of(scene), strict=True):
        width, height = frame.size_px
        assert image.shape == (height, width, 3)
        for index, corner, _ in seen_corners(world, frame.index, 6):
            # A little inside of the object as seen from the camera: towards its middle.
            record = next(o for o in scene.objects if o.id == str(index))
            inside = corner + 0.12 * (np.array(record.center_m) - corner)
            u, v = pixel_of(inside, frame.K_px, frame.T_world_camera)
            assert 0 <= u < width and 0 <= v < height
            shown = image[int(v), int(u)].astype(float)
            hue = np.array(world.objects[index].color)
            met += bool(np.abs(shown / shown.max() - hue / hue.max()).max() < 0.08)
    total = sum(len(seen_corners(world, frame.index, 6)) for frame in scene.frames)
    # A corner that nothing hides may yet have its inner side turned away, or a neighbour right before that.
    assert total > 100 and met > 0.85 * total


def check_corners(scene: Scene, world: World) -> None:
    """Corners appear where the pinhole formula says, turned by hand as the picture is."""
    for frame in scene.frames:
        width, height = world.size_px
        for _, corner, (u, v) in seen_corners(world, frame.index):
            turned = {0: (u, v), 90: (height - v, u), 180: (width - u, height - v), 270: (v, width - u)}
            np.testing.assert_allclose(
                pixel_of(corner, frame.K_px, frame.T_world_camera), turned[frame.turn_deg], atol=1e-6
            )


def check_depth(scene: Scene, scan: RawScan) -> None:
    """Pixels of the depth map lie on floor, walls and blocks that are known."""
    for frame in scene.frames:
        raw = next(f for f in scan.frames if f.index == frame.index)
        depth = np.rot90(scan.open_depth(raw), -frame.turn_deg // 90)
        off = [
            off_surface(frame, depth, row, column)
            for row in range(3, len(depth), 9)
            for column in (5, 20, 33)
        ]
        assert len(off) >= 18 and np.nanmax(off) < 0.01


def off_surface(frame: CameraFrame, depth: np.ndarray, row: int, column: int) -> float:
    """Distance of one depth pixel's point from the nearest known surface, m, by hand."""
    k, pose = np.array(frame.K_px), np.array(frame.T_world_camera)
    u = (column + 0.5) * frame.size_px[0] / depth.shape[1]
    v = (row + 0.5) * frame.size_px[1] / depth.shape[0]
    z = depth[row, column]
    x, y = (u - k[0, 2]) / k[0, 0] * z, (v - k[1, 2]) / k[1, 1] * z
    point = pose[:3, 3] + x * pose[:3, 0] + y * pose[:3, 1] + z * pose[:3, 2]
    (x0, y0), (x1, y1) = ROOM_LOW_M, ROOM_HIGH_M
    walls = [abs(point[0] - x0), abs(point[0] - x1), abs(point[1] - y0), abs(point[1] - y1), abs(point[2])]
    outside = max(x0 - point[0], point[0] - x1, y0 - point[1], point[1] - y1, -point[2], point[2] - HEIGHT_M)
    blocks = [
        abs(
            float(
                (np.abs((point - known.center_m) @ known.R_world_object) - np.array(known.extent_m) / 2).max()
            )
        )
        for known in OBJECTS
    ]
    return max(outside, min([*walls, *blocks]))


def check_views(scene: Scene, world: World, atol: float = 0.006) -> None:
    truth = np.stack([(world.instance == i).mean((1, 2)) for i in range(len(world.objects))], -1)
    for frame in scene.frames:
        shares = {view.object_id: view.pixel_share for view in frame.views}
        got = [shares.get(str(i), 0.0) for i in range(len(world.objects))]
        np.testing.assert_allclose(got, truth[frame.index], atol=atol)


def check(scene: Scene, world: World, scan: RawScan) -> None:
    check_boxes(scene, world)
    check_room(scene)
    check_corners(scene, world)
    check_pictures(scene, world)
    check_depth(scene, scan)
    check_views(scene, world)


def test_the_scene_is_the_room(rolled: tuple[World, RawScan]) -> None:
    world, scan = rolled
    scene = assemble(scan, ScanOptions(frame_count=10))
    check(scene, world, scan)
    assert scene.frames_origin == "captured" and scene.root == str(scan.root) and scene.video == scan.video
    assert len(scene.frames) == 10 == len({frame.id for frame in scene.frames})
    assert [frame.index for frame in scene.frames] == sorted(frame.index for frame in scene.frames)
    for frame in scene.frames:
        assert frame.time_s == world.times_s[frame.index]
        assert np.array(frame.T_world_camera)[2, 1] < -0.8  # the picture's down is the world's
    for record, known in zip(scene.objects, world.objects, strict=True):
        assert (record.raw_label, record.box_kind) == (known.label.upper(), "gravity")
        index = int(record.id)
        assert record.nyu40 == index and record.point_count == (world.vertex_owner == index).sum()


def test_a_camera_that_turns_midway_is_turned_frame_by_frame(tmp_path: Path) -> None:
    a, b = make_world(frame_count=12, roll_deg=90), make_world(frame_count=12)
    half = np.arange(12) < 6
    mixed = replace(
        a,
        **{
            name: np.where(
                half.reshape(-1, *[1] * (getattr(a, name).ndim - 1)), getattr(a, name), getattr(b, name)
            )
            for name in ("T_world_camera", "rgb", "depth_m", "instance")
        },
    )
    scan = scan_of(mixed, tmp_path)
    scene = assemble(scan, ScanOptions(frame_count=12))
    assert [frame.turn_deg for frame in scene.frames] == [90] * 6 + [0] * 6
    assert {frame.size_px for frame in scene.frames} == {(120, 160), (160, 120)}
    check(scene, mixed, scan)
    kept = assemble(replace(scan, upright=False), ScanOptions(frame_count=12))
    assert {frame.turn_deg for frame in kept.frames} == {0} and {f.size_px for f in kept.frames} == {
        (160, 120)
    }
    check(kept, mixed, scan)


OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
QUARTER = np.array([[0.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def moved(scan: RawScan, *, points: Any = None, poses: Any = None, k: Any = None) -> RawScan:
    """The scan as an adapter would give it that got something wrong."""
    frames = [
        replace(
            frame,
            T_world_camera=poses(frame.T_world_camera) if poses else frame.T_world_camera,
            K_px=k(frame.K_px) if k else frame.K_px,
        )
        for frame in scan.frames
    ]
    return replace(scan, frames=frames, vertices_m=points(scan.vertices_m) if points else scan.vertices_m)


def shifted(pose: np.ndarray) -> np.ndarray:
    out = pose.copy()
    out[2, 3] += 0.1
    return out


WRONG = {
    "points in centimetres": lambda scan: moved(scan, points=lambda p: 100 * p),
    "points in millimetres": lambda scan: moved(scan, points=lambda p: 1000 * p),
    "points mirrored": lambda scan: moved(scan, points=lambda p: p * (-1, 1, 1)),
    "points and poses mirrored in y": lambda scan: moved(
        scan, points=lambda p: p * (1, -1, 1), poses=lambda T: np.diag([1.0, -1, 1, 1]) @ T
    ),
    "points turned, poses not": lambda scan: moved(scan, points=lambda p: p @ QUARTER[:3, :3].T),
    "poses turned, points not": lambda scan: moved(scan, poses=lambda T: QUARTER @ T),
    "x and y exchanged": lambda scan: moved(scan, points=lambda p: p[:, [1, 0, 2]]),
    "y up": lambda scan: moved(scan, points=lambda p: p[:, [0, 2, 1]]),
    "poses inverted": lambda scan: moved(scan, poses=np.linalg.inv),
    "rotations transposed": lambda scan: moved(
        scan, poses=lambda T: np.block([[T[:3, :3].T, T[:3, 3:]], [T[3:]]])
    ),
    "poses in OpenGL axes": lambda scan: moved(scan, poses=lambda T: T @ OPENGL),
    "poses 10 cm too high": lambda scan: moved(scan, poses=shifted),
    "poses in centimetres": lambda scan: moved(
        scan, poses=lambda T: T * np.array([(1, 1, 1, 100)] * 3 + [(1,) * 4])
    ),
    "intrinsics transposed": lambda scan: moved(scan, k=lambda K: K.T),
    "intrinsics of another size": lambda scan: moved(scan, k=lambda K: K * [[2], [2], [1]]),
    "principal point exchanged": lambda scan: moved(
        scan, k=lambda K: np.array([(K[0, 0], 0, K[1, 2]), (0, K[1, 1], K[0, 2]), (0, 0, 1)])
    ),
    "pictures one number off": lambda scan: replace(
        scan, frames=[replace(frame, index=min(frame.index + 1, FRAMES - 1)) for frame in scan.frames]
    ),
    "depth in millimetres": lambda scan: replace(scan, open_depth=lambda f: 1000 * depth_of(scan, f)),
    "depth upside down": lambda scan: replace(scan, open_depth=lambda f: depth_of(scan, f)[::-1]),
    "depth mirrored": lambda scan: replace(scan, open_depth=lambda f: depth_of(scan, f)[:, ::-1]),
    "labels one off": lambda scan: replace(
        scan,
        instances=[
            replace(i, category=j.category)
            for i, j in zip(scan.instances, [*scan.instances[1:], scan.instances[0]], strict=True)
        ],
    ),
    "vertices one object off": lambda scan: replace(
        scan, instances=[replace(i, vertex_index=i.vertex_index + 400) for i in scan.instances]
    ),
}


def depth_of(scan: RawScan, frame: RawFrame) -> np.ndarray:
    depth = scan.open_depth(frame)
    assert depth is not None
    return depth


@pytest.mark.parametrize("how", list(WRONG))
def test_a_scan_that_was_read_wrongly_shows(upright: tuple[World, RawScan], how: str) -> None:
    world, scan = upright
    wrong = WRONG[how](scan)
    with pytest.raises((AssertionError, SceneError)):
        check(assemble(wrong, ScanOptions(frame_count=10)), world, wrong)


def test_given_boxes_are_taken_and_their_faces_found(upright: tuple[World, RawScan]) -> None:
    world, scan = upright
    scene = assemble(replace(scan, instances=boxed(scan, world)), ScanOptions(frame_count=10))
    check(scene, world, scan)
    assert {record.box_kind for record in scene.objects} == {"annotated"}


def test_what_lies_in_two_given_boxes_belongs_to_the_smaller(upright: tuple[World, RawScan]) -> None:
    # The table's box as an annotator drew it who took what stands on the table for a part of it.
    world, scan = upright
    given = boxed(scan, world)
    (center, extent, axes), up = given[TABLE].box, np.array((0, 0, 0.15))
    given[TABLE] = replace(given[TABLE], box=(center + up, extent + 2 * up, axes))
    for order in (given, given[::-1]):
        check_views(assemble(replace(scan, instances=order), ScanOptions(frame_count=10)), world)


def test_the_floor_within_a_given_box_is_not_the_object(upright: tuple[World, RawScan]) -> None:
    # As under a table whose top and legs the mesh lacks: the box is there, and in it nothing but floor.
    world, scan = upright
    bare = RawInstance(
        id="bare",
        raw_label="desk",
        category="desk",
        box=(np.array((-0.4, 0.6, 0.3)), np.array((0.8, 0.8, 0.6)), np.eye(3)),
    )
    given = replace(scan, instances=[*boxed(scan, world), bare])
    scene = assemble(given, ScanOptions(frame_count=10))
    assert "bare" in {record.id for record in scene.objects}
    assert "bare" not in {view.object_id for frame in scene.frames for view in frame.views}
    check_views(scene, world)


def test_given_boxes_with_their_axes_as_rows_show(upright: tuple[World, RawScan]) -> None:
    world, scan = upright
    wrong = [replace(i, box=(i.box[0], i.box[1], i.box[2].T)) for i in boxed(scan, world)]
    with pytest.raises(AssertionError):
        check(assemble(replace(scan, instances=wrong), ScanOptions(frame_count=10)), world, scan)
    half = [replace(i, box=(i.box[0], i.box[1] / 2, i.box[2])) for i in boxed(scan, world)]
    with pytest.raises(AssertionError):
        check(assemble(replace(scan, instances=half), ScanOptions(frame_count=10)), world, scan)


@pytest.mark.parametrize("kind", ["gravity", "axis_aligned", "free"])
def test_boxes_are_of_the_kind_asked_for(upright: tuple[World, RawScan], kind: Any) -> None:
    world, scan = upright
    scene = assemble(scan, ScanOptions(frame_count=2, box=kind, choose="uniform"))
    assert {record.box_kind for record in scene.objects} == {kind}
    for record, known in zip(scene.objects, world.objects, strict=True):
        volume = np.prod(known.extent_m)
        if kind == "axis_aligned":
            assert np.array_equal(record.R_world_object, np.eye(3))
            assert np.prod(record.extent_m) > 0.999 * volume
        else:
            assert np.prod(record.extent_m) == pytest.approx(volume, rel=0.02)


def test_depth_hides_what_the_mesh_lacks_in_turned_pictures_too(rolled: tuple[World, RawScan]) -> None:
    world, scan = rolled
    lacking = np.isin(world.vertex_owner[world.faces[:, 0]], (TABLE, BOX))
    holed = replace(scan, faces=world.faces[~lacking])
    truth = (world.instance == CABINET).mean((1, 2))

    def off(given: RawScan) -> float:
        scene = assemble(given, ScanOptions(frame_count=FRAMES))
        shares = [{v.object_id: v.pixel_share for v in frame.views} for frame in scene.frames]
        return max(abs(s.get(str(CABINET), 0.0) - t) for s, t in zip(shares, truth, strict=True))

    assert off(holed) < 0.006 < 0.015 < off(replace(holed, open_depth=None))


def test_a_frame_without_a_pose_is_never_chosen(upright: tuple[World, RawScan]) -> None:
    world, scan = upright
    lost = {1, 2, 3, 8, 9, 15, 22, 23}
    frames = [
        replace(f, T_world_camera=[None, np.full((4, 4), -np.inf), np.full((4, 4), np.nan)][f.index % 3])
        if f.index in lost
        else f
        for f in scan.frames
    ]
    for choose in ("cover", "uniform"):
        scene = assemble(replace(scan, frames=frames), ScanOptions(frame_count=20, choose=choose))
        assert {frame.index for frame in scene.frames} == set(range(FRAMES)) - lost
        check_views(scene, world)
    scene = assemble(replace(scan, frames=frames), ScanOptions(frame_count=7))
    assert len(scene.frames) == 7 and not lost & {frame.index for frame in scene.frames}


def test_objects_that_no_frame_shows_are_objects(upright: tuple[World, RawScan]) -> None:
    world, scan = upright
    early = replace(scan, frames=scan.frames[:4])
    scene = assemble(early, ScanOptions(frame_count=4))
    check_boxes(scene, world)
    seen = first_last_seen([frame.views for frame in scene.frames])
    assert str(NEAR_CHAIR) not in seen and str(CABINET) in seen
    truth = np.stack([(world.instance[:4] == i).mean((1, 2)) > 0.002 for i in range(5)], -1)
    for index in (TABLE, FAR_CHAIR, CABINET):
        frames = np.flatnonzero(truth[:, index])
        assert seen[str(index)] == (frames[0], frames[-1])


def test_what_is_no_object_still_hides(upright: tuple[World, RawScan]) -> None:
    world, scan = upright
    rest = [replace(i, category=None) if i.id == str(TABLE) else i for i in scan.instances]
    scene = assemble(replace(scan, instances=rest, open_depth=None), ScanOptions(frame_count=FRAMES))
    assert str(TABLE) not in {o.id for o in scene.objects} | {
        v.object_id for f in scene.frames for v in f.views
    }
    truth = (world.instance == CABINET).mean((1, 2))
    for frame in scene.frames:
        share = next((v.pixel_share for v in frame.views if v.object_id == str(CABINET)), 0.0)
        assert share == pytest.approx(truth[frame.index], abs=0.006)


def test_a_category_with_an_instance_too_small_to_box_is_left_out(upright: tuple[World, RawScan]) -> None:
    _, scan = upright
    crumbs = RawInstance(id="9", raw_label="chair", category="chair", vertex_index=np.arange(12))
    scene = assemble(replace(scan, instances=[*scan.instances, crumbs]), ScanOptions(frame_count=3))
    assert sorted(o.category for o in scene.objects) == ["box", "cabinet", "table"]
    more = ScanOptions(frame_count=3, min_points=12)
    scene = assemble(replace(scan, instances=[*scan.instances, crumbs]), more)
    assert [o.category for o in scene.objects].count("chair") == 3
    with pytest.raises(SceneError, match=r"known: every category .* fewer than 100000 points"):
        assemble(scan, ScanOptions(min_points=100_000))


def test_where_nothing_is_left_the_scene_is_refused(upright: tuple[World, RawScan]) -> None:
    _, scan = upright
    nothing = [replace(i, category=None) for i in scan.instances]
    blind = [replace(f, T_world_camera=None) for f in scan.frames]
    gone = Video(path="gone.mp4", sha256="", fps=1.0, frame_count=FRAMES, size_px=(160, 120))
    for change, message in (
        ({"instances": nothing}, "known: no annotated object"),
        ({"instances": []}, "known: no annotated object"),
        ({"frames": blind}, "known: no frame has a pose"),
        ({"frames": []}, "known: no frame has a pose"),
        ({"faces": scan.faces[:0]}, "no floor"),
        ({"video": gone}, "gone.mp4: no such file"),
    ):
        with pytest.raises(SceneError, match=message):
            assemble(replace(scan, **change), ScanOptions(frame_count=4))


def test_uniform_frames_need_no_picture(upright: tuple[World, RawScan]) -> None:
    _, scan = upright
    gone = Video(path="gone.mp4", sha256="", fps=1.0, frame_count=FRAMES, size_px=(160, 120))
    scene = assemble(replace(scan, video=gone), ScanOptions(frame_count=4, choose="uniform"))
    assert [frame.index for frame in scene.frames] == [3, 9, 15, 21]
    assert len(assemble(replace(scan, video=None), ScanOptions(frame_count=4)).frames) == 4


def test_the_same_scan_gives_the_same_scene(upright: tuple[World, RawScan]) -> None:
    _, scan = upright
    assert assemble(scan, ScanOptions(frame_count=6)) == assemble(scan, ScanOptions(frame_count=6))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"frame_count": 0}, "frame_count"),
        ({"frame_count": 10_001}, "frame_count"),
        ({"min_points": 3}, "min_points"),
        ({"choose": "best"}, "choose"),
        ({"box": "annotated"}, "box"),
        ({"depth": True}, "depth"),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, Any], field: str) -> None:
    with pytest.raises(RecipeError, match=field):
        check_scan_options(read_options(ScanOptions, options))
