"""What is drawn lies where it should."""

from __future__ import annotations

import dataclasses

import hand_scenes as hand
import numpy as np
import pytest
from raw.world import make_world, pixel_of

from ouroboros_data.geometry.cameras import as_mat3, as_mat4, look_at
from ouroboros_data.report.drawing import color_of
from ouroboros_data.report.sheet import box_lines, contact_sheet
from ouroboros_data.report.topdown import draw_topdown
from ouroboros_data.types import CameraFrame, ObjectView, Room, SceneObject


def middle_of(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Middle (column, row) of where a colour is."""
    rows, columns = np.nonzero((np.abs(picture.astype(int) - color) <= 12).all(-1))
    assert len(rows), f"{color} is not in the picture"
    return np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2


def test_the_plan_has_x_to_the_right_and_y_up() -> None:
    square = ((-1.0, -1.0), (9.0, -1.0), (9.0, 7.0), (-1.0, 7.0))
    things = (
        hand.box("a", "sofa", (1.0, 1.0, 0.5), (1.0, 1.0, 1.0)),
        hand.box("b", "tv", (8.0, 1.0, 0.5), (1.0, 1.0, 1.0)),
        hand.box("c", "lamp", (1.0, 6.0, 0.5), (1.0, 1.0, 1.0)),
    )
    scene = dataclasses.replace(
        hand.room(), objects=things, room=Room(area_m2=80.0, floor_polygon_m=square), frames=()
    )
    picture = np.asarray(draw_topdown(scene))
    a, b, c = (middle_of(picture, color_of(o.category)) for o in things)
    px_per_m = (b[0] - a[0]) / 7
    assert px_per_m > 50
    assert np.allclose(b - a, (7 * px_per_m, 0), atol=4) and np.allclose(c - a, (0, -5 * px_per_m), atol=4)


def test_the_camera_walks_from_green_to_red() -> None:
    frames = tuple(
        dataclasses.replace(hand.frame(i, {}), T_world_camera=as_mat4(look_at((i, 0.0, 1.0), (i, 5.0, 1.0))))
        for i in range(4)
    )
    picture = np.asarray(draw_topdown(dataclasses.replace(hand.room(), objects=(), frames=frames)))
    start, end = middle_of(picture, (20, 150, 60)), middle_of(picture, (200, 40, 40))
    assert end[0] - start[0] > 200 and abs(end[1] - start[1]) < 3


def test_a_scene_with_hardly_anything_can_be_drawn() -> None:
    bare = dataclasses.replace(hand.room(), objects=(), frames=(), room=Room(area_m2=1.0))
    assert draw_topdown(bare).size[0] > 100
    flat = hand.box("w", "window", (1.0, 1.0, 1.0), (1e-9, 2.0, 1.0))
    assert draw_topdown(dataclasses.replace(bare, objects=(flat,))).size[0] > 100
    far = hand.box("x", "chair", (5000.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    assert max(draw_topdown(dataclasses.replace(bare, objects=(flat, far))).size) < 3000


@pytest.fixture(scope="module")
def world():
    return make_world(frame_count=3)


def posed(world, i: int, views: tuple[ObjectView, ...] = ()) -> CameraFrame:
    return CameraFrame(
        id=f"f{i}",
        index=i,
        time_s=float(world.times_s[i]),
        size_px=world.size_px,
        K_px=as_mat3(world.K_px),
        T_world_camera=as_mat4(world.T_world_camera[i]),
        views=views,
    )


def record(world, j: int) -> SceneObject:
    known = world.objects[j]
    return hand.box(f"o{j}", known.label, known.center_m, known.extent_m, as_mat3(known.R_world_object))


def test_edges_of_a_box_end_where_its_corners_are_seen(world) -> None:
    for j, known in enumerate(world.objects):
        lines = np.array(box_lines(record(world, j), posed(world, 1)))
        assert lines.shape == (12, 2, 2)
        corners = np.array([pixel_of(c, world.K_px, world.T_world_camera[1]) for c in known.corners_m])
        gaps = np.linalg.norm(lines[:, :, None] - corners, axis=-1)
        assert gaps.min(-1).max() < 1e-6  # every end is a corner
        assert (np.bincount(gaps.argmin(-1).ravel(), minlength=8) == 3).all()  # and three edges meet in each


def test_what_lies_behind_the_camera_is_cut_off() -> None:
    frame = dataclasses.replace(hand.frame(0, {}), T_world_camera=as_mat4(look_at((0.0, 0, 1), (1.0, 0, 1))))
    assert len(box_lines(hand.box("a", "chair", (-3.0, 0, 1), (1.0, 1, 1)), frame)) == 0
    around = box_lines(hand.box("a", "chair", (0.0, 0, 1), (4.0, 1, 1)), frame)
    assert len(around) == 8 and np.isfinite(around).all()  # all but the four edges behind


def test_boxes_are_drawn_on_what_they_hold(world) -> None:
    views = tuple(ObjectView(object_id=f"o{j}", pixel_share=0.1) for j in range(5))
    scene = dataclasses.replace(hand.room(), objects=tuple(record(world, j) for j in range(5)))
    frame = posed(world, 1, views)
    sheet = np.asarray(contact_sheet(scene, [frame], [world.rgb[1]]))
    assert sheet.shape == (380, 480, 3)
    ids = np.kron(world.instance[1], np.ones((3, 3), int))
    ys, xs = np.nonzero(ids == 4)  # the cabinet
    strokes = (np.abs(sheet[20:].astype(int) - color_of("cabinet")) <= 10).all(-1)
    rows, columns = np.nonzero(strokes)
    assert len(rows) > 100
    assert xs.min() - 4 <= columns.min() and columns.max() <= xs.max() + 4
    assert ys.min() - 4 <= rows.min() and rows.max() <= ys.max() + 4
    unseen = np.asarray(contact_sheet(scene, [posed(world, 1)], [world.rgb[1]]))
    assert not (np.abs(unseen[20:].astype(int) - color_of("cabinet")) <= 2).all(-1).any()
