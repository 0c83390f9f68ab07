from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.geometry.cameras import from_yaw_pitch, look_at, pinhole, project
from ouroboros_data.geometry.relations import NO, UNCLEAR, YES
from ouroboros_data.geometry.viewpoint import (
    above_camera,
    azimuths_deg,
    camera_distances_m,
    camera_motion,
    depth_spans_m,
    first_seen_s,
    headings_deg,
    in_camera_m,
    in_front_of_camera,
    in_level_camera_m,
    last_seen_s,
    left_in_view,
    left_of_camera,
    nearer_to_camera,
    nearest_first,
    sectors,
    turned_deg,
)


def camera(x=0.0, y=0.0, z=1.5, *, yaw=90.0, pitch=0.0, roll=0.0):
    """Looks along +y unless told otherwise; its right is +x then."""
    return from_yaw_pitch([x, y, z], math.radians(yaw), math.radians(pitch), math.radians(roll))


def box(x, y, z, length=0.2, width=0.2, height=0.2, yaw=0.0) -> Boxes:
    return Boxes(
        center_m=np.array([x, y, z], float),
        half_m=np.array([length, width, height]) / 2,
        R_world_box=Rotation.from_euler("z", yaw, degrees=True).as_matrix(),
    )


def close(value, expected):
    assert np.asarray(value) == pytest.approx(np.asarray(expected, float), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("pose", "point", "right_down_ahead", "right_ahead_up"),
    [
        (camera(), (0, 3, 1.5), (0, 0, 3), (0, 3, 0)),
        (camera(), (2, 3, 1.0), (2, 0.5, 3), (2, 3, -0.5)),
        (camera(), (-1, -2, 2.5), (-1, -1, -2), (-1, -2, 1)),  # behind
        (camera(1, 1, 1, yaw=0), (3, 1, 1), (0, 0, 2), (0, 2, 0)),
        (camera(1, 1, 1, yaw=0), (1, 3, 1), (-2, 0, 0), (-2, 0, 0)),  # its left is north
        (camera(yaw=-90), (1, 0, 1.5), (-1, 0, 0), (-1, 0, 0)),
        # Looks up by 30°: a point at its height is lower in its view, and not as deep.
        (camera(pitch=30), (0, 2, 1.5), (0, 1, math.sqrt(3)), (0, 2, 0)),
        # Rolled a quarter turn clockwise: what was below is now to the right.
        (camera(roll=90), (0, 2, 0.5), (1, 0, 2), (0, 2, -1)),
    ],
)
def test_points_in_a_cameras_own_axes_and_from_a_level_camera(pose, point, right_down_ahead, right_ahead_up):
    close(in_camera_m(np.array(point, float), pose), right_down_ahead)
    close(in_level_camera_m(np.array(point, float), pose), right_ahead_up)


@pytest.mark.parametrize(
    ("point", "pose", "azimuth"),
    [
        ((0, 5, 0), camera(), 0),
        ((-5, 0, 9), camera(), 90),  # left; height does not matter
        ((5, 0, 0), camera(), -90),
        ((0, -5, 0), camera(), 180),
        ((-1, 1, 0), camera(), 45),
        ((1, 1, 0), camera(pitch=-40), -45),  # nor does looking down
        ((1, 1, 0), camera(roll=25), -45),
        ((0.05, 0, 0), camera(), math.nan),  # straight below
        ((0, 5, 0), camera(pitch=-80), math.nan),
        ((0, -5, 0), camera(yaw=-100), 10),
        ((5, -0.5, 1), camera(5, 0, 1, yaw=170), 100),
    ],
)
def test_azimuths_are_positive_to_the_left(point, pose, azimuth):
    close(azimuths_deg(np.array(point, float), pose), azimuth)


def test_headings():
    close(headings_deg(camera(yaw=37, pitch=60, roll=15)), 37)
    close(headings_deg(camera(yaw=-180)), 180)
    close(headings_deg(camera(yaw=10, pitch=-76)), math.nan)
    close(headings_deg(camera(yaw=10, pitch=-76), steep_deg=13), 10)
    close(headings_deg(camera(pitch=90), steep_deg=0), math.nan)


@pytest.mark.parametrize(
    ("target", "pose", "distance", "depths"),
    [
        (box(0, 3, 1.5, 2, 2, 2), camera(), 2.0, (2, 4)),
        (box(0, 3, 1.5, 2, 2, 2, yaw=45), camera(), 3 - math.sqrt(2), (3 - math.sqrt(2), 3 + math.sqrt(2))),
        (box(3, 0, 1.5, 2, 2, 2), camera(), 2.0, (-1, 1)),  # beside
        (box(0, -3, 1.5, 2, 2, 2), camera(), 2.0, (-4, -2)),  # behind
        (box(4, 5, 1.5, 2, 2, 2), camera(), 5.0, (4, 6)),
        (box(0, 0, 1.5, 2, 2, 2), camera(), 0.0, (-1, 1)),  # around the camera
        (box(0, 3, 1.5, 2, 0.001, 2), camera(), 2.9995, (2.9995, 3.0005)),  # a sheet
        (box(0, 0, 0, 2, 2, 1), camera(pitch=-90), 1.0, (1, 2)),  # looking straight down on a table
        (box(0, 2, 1.5, 2, 2, 2), camera(pitch=45), 1.0, (0, 2 * math.sqrt(2))),
    ],
)
def test_distances_and_depths(target, pose, distance, depths):
    close(camera_distances_m(target, pose), distance)
    close(depth_spans_m(target, pose), depths)


@pytest.mark.parametrize(
    ("target", "left", "front", "higher"),
    [
        (box(-2, 2, 0.5), YES, YES, NO),
        (box(2, 2, 2.5), NO, YES, YES),
        (box(-2, -2, 1.5), YES, NO, UNCLEAR),
        (box(2, -2, 1.36), NO, NO, UNCLEAR),
        (box(2, -2, 1.34), NO, NO, NO),
        (box(0.3, 3, 1.66), UNCLEAR, YES, YES),  # 5.7° to the right
        (box(0.6, 3, 1.5), NO, YES, UNCLEAR),  # 11.3°
        (box(0.3, -3, 1.5), UNCLEAR, NO, UNCLEAR),
        (box(-3, 0.3, 1.5), YES, UNCLEAR, UNCLEAR),
        (box(0, 0.05, 0.3), UNCLEAR, UNCLEAR, NO),  # at its feet
    ],
)
@pytest.mark.parametrize("pose", [camera(), camera(pitch=-30, roll=20)], ids=["level", "tilted"])
def test_sides_of_a_camera(target, left, front, higher, pose):
    assert left_of_camera(target, pose) == left
    assert in_front_of_camera(target, pose) == front
    assert above_camera(target, pose) == higher


def test_a_camera_that_looks_down_has_no_sides():
    down = camera(pitch=-85)
    assert left_of_camera(box(-2, 0, 0), down) == UNCLEAR
    assert in_front_of_camera(box(0, 2, 0), down) == UNCLEAR
    assert above_camera(box(0, 2, 0), down) == NO


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (box(-1, 3, 1), box(1, 3, 1), YES),
        (box(1, 3, 1), box(-1, 3, 1), NO),
        (box(-1, 3, 1), box(-0.9, 3, 2), UNCLEAR),  # 1.6° apart
        (box(1, 8, 1), box(1, 3, 1), YES),  # a column of two: the far one is nearer to the middle
        (box(-0.8, 3, 1), box(0, 3, 1, 4, 0.5, 1), UNCLEAR),  # before the left half of a wide table
        (box(-1, -3, 1), box(1, 3, 1), UNCLEAR),  # behind
        (box(-1, 3, 1), box(1, 0, 1, 1, 1, 1), UNCLEAR),  # reaches behind the camera's plane
    ],
)
def test_left_in_the_picture(a, b, expected):
    assert left_in_view(a, b, camera()) == expected


def test_left_in_a_turned_picture_follows_the_picture():
    """Rolled clockwise by a quarter turn, the camera has the world's up on its left."""
    low, high = box(0, 3, 0.5), box(0, 3, 2.5)
    assert left_in_view(high, low, camera(roll=90)) == YES
    assert left_in_view(high, low, camera(roll=-90)) == NO
    assert left_in_view(high, low, camera()) == UNCLEAR


def test_left_in_view_agrees_with_projection():
    rng = np.random.default_rng(2)
    K = pinhole((640, 480), 70)
    pose = look_at([0.3, -0.2, 1.4], [1.0, 4.0, 0.8], roll_rad=0.3)
    points = rng.uniform([-3, 2, 0], [3, 6, 2], (200, 3))
    boxes = Boxes(
        center_m=points, half_m=np.full((200, 3), 0.05), R_world_box=np.tile(np.eye(3), (200, 1, 1))
    )
    pixels, depth = project(points, K, pose)
    assert (depth > 0.2).all()
    a, b = (
        Boxes(center_m=boxes.center_m[s], half_m=boxes.half_m[s], R_world_box=boxes.R_world_box[s])
        for s in (slice(0, 100), slice(100, 200))
    )
    got = left_in_view(a, b, pose)
    left = pixels[:100, 0] < pixels[100:, 0]
    assert (got != UNCLEAR).sum() > 60
    assert (left[got == YES]).all() and not left[got == NO].any()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (box(0, 2, 1.5), box(0, 4, 1.5), YES),
        (box(0, 4, 1.5), box(0, 2, 1.5), NO),
        (box(0, 4, 1.5), box(0, 4.1, 1.5), UNCLEAR),
        (box(0, -2, 1.5), box(0, 4, 1.5), YES),  # behind, but near
        (box(0, 4, 1.5, 0.2, 5, 0.2), box(0, 2, 1.5), YES),  # by the nearest point: 1.5 m against 1.9 m
    ],
)
def test_nearer_to_the_camera(a, b, expected):
    assert nearer_to_camera(a, b, camera()) == expected


@pytest.mark.parametrize(
    ("first", "second", "offset", "level", "yaw", "pitch"),
    [
        (camera(), camera(), (0, 0, 0), (0, 0, 0), 0, 0),
        (camera(), camera(0, 1), (0, 0, 1), (0, 1, 0), 0, 0),  # forward, not "right"
        (camera(), camera(0, 0, 2.5), (0, -1, 0), (0, 0, 1), 0, 0),  # up, not "back"
        (camera(), camera(1, 0), (1, 0, 0), (1, 0, 0), 0, 0),
        (camera(), camera(yaw=180), (0, 0, 0), (0, 0, 0), 90, 0),  # a quarter turn to the left
        (camera(), camera(yaw=60), (0, 0, 0), (0, 0, 0), -30, 0),
        (camera(yaw=170), camera(yaw=-170), (0, 0, 0), (0, 0, 0), 20, 0),  # across the seam
        (camera(yaw=0), camera(yaw=180), (0, 0, 0), (0, 0, 0), 180, 0),
        (camera(), camera(roll=90), (0, 0, 0), (0, 0, 0), 0, 0),  # rolling is no turn
        (camera(), camera(pitch=40), (0, 0, 0), (0, 0, 0), 0, 40),
        (camera(pitch=-30), camera(0, 1, pitch=-30), (0, -0.5, math.sqrt(3) / 2), (0, 1, 0), 0, 0),
        (camera(), camera(1, 0, pitch=-80), (1, 0, 0), (1, 0, 0), math.nan, -80),
        (camera(pitch=-90), camera(0, 0, 1, pitch=-90), (0, 0, 0.5), (math.nan, math.nan, -0.5), math.nan, 0),
    ],
)
def test_motion_between_cameras(first, second, offset, level, yaw, pitch):
    motion = camera_motion(first, second)
    close(motion.offset_m, offset)
    close(motion.level_m, level)
    close(motion.distance_m, np.linalg.norm(offset))
    close(motion.yaw_deg, yaw)
    close(motion.pitch_deg, pitch)


def test_turns_add_up_over_more_than_a_circle():
    left = np.stack([camera(yaw=90 + 30 * k, pitch=4 * k) for k in range(16)])
    close(turned_deg(left), 30.0 * np.arange(16))
    close(turned_deg(left[::-1]), -30.0 * np.arange(16))
    steep = left.copy()
    steep[3] = camera(pitch=-89)
    assert np.isnan(turned_deg(steep)[3:]).all() and not np.isnan(turned_deg(steep)[:3]).any()
    assert turned_deg(np.stack([left, left])).shape == (2, 16)


def test_orders_of_appearance():
    visible = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], bool)
    times = np.array([0.0, 1.5, 2.0])
    first = first_seen_s(visible, times)
    close(first, [0, 1.5, 2, np.inf])
    close(last_seen_s(visible, times), [1.5, 2, 2, -np.inf])
    order, least = nearest_first(first[:3])
    assert order.tolist() == [0, 1, 2] and least == 0.5
    assert first_seen_s(np.zeros((0, 2), bool), np.zeros(0)).tolist() == [np.inf, np.inf]
    assert first_seen_s(np.stack([visible, ~visible]), times).tolist() == [
        [0, 1.5, 2, math.inf],
        [2, 0, 0, 0],
    ]


def test_orders_and_their_least_gap():
    order, least = nearest_first(np.array([[3.0, 1.0, 1.2], [5.0, 5.0, 1.0]]))
    assert order.tolist() == [[1, 2, 0], [2, 0, 1]]
    close(least, [0.2, 0.0])
    assert nearest_first(np.array([np.inf, 2.0]))[1] == np.inf  # seen and never seen differ by a lot
    assert nearest_first(np.array([np.inf, 2.0, np.inf]))[1] == 0.0  # two never seen have no order
    assert nearest_first(np.array([2.0]))[1] == np.inf
    assert np.isnan(nearest_first(np.array([2.0, np.nan]))[1])


@pytest.mark.parametrize(
    ("angle", "edges", "number", "away"),
    [
        (0.0, (0.0, 135.0, 225.0), 0, 0),
        (134.0, (0.0, 135.0, 225.0), 0, 1),
        (135.0, (0.0, 135.0, 225.0), 1, 0),
        (-5.0, (0.0, 135.0, 225.0), 2, 5),
        (355.0, (0.0, 135.0, 225.0), 2, 5),
        (0.0, (-45.0, 45.0, 135.0, 225.0), 0, 45),
        (-44.0, (-45.0, 45.0, 135.0, 225.0), 0, 1),
        (-46.0, (-45.0, 45.0, 135.0, 225.0), 3, 1),
        (720.0 + 100.0, (-45.0, 45.0, 135.0, 225.0), 1, 35),
    ],
)
def test_sectors(angle, edges, number, away):
    got, distance = sectors(np.array(angle), edges)
    assert got == number
    close(distance, away)


@pytest.mark.parametrize("edges", [(0.0,), (0.0, 0.0), (0.0, 360.0), (90.0, 0.0)])
def test_sectors_need_rising_edges(edges):
    with pytest.raises(ValueError, match="must rise"):
        sectors(np.zeros(1), edges)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_moving_the_world_changes_nothing_and_a_mirror_swaps_left_and_right(seed):
    rng = np.random.default_rng(seed)
    n = 30
    boxes = Boxes(
        center_m=rng.normal(size=(n, 3)) * 3,
        half_m=rng.uniform(0.02, 0.5, (n, 3)),
        R_world_box=Rotation.random(n, random_state=rng).as_matrix(),
    )
    pose, other = from_yaw_pitch(
        rng.normal(size=(2, 3)), rng.uniform(-3, 3, 2), rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 2)
    )
    rigid = np.eye(4)
    rigid[:3, :3] = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    rigid[:3, 3] = rng.normal(size=3)
    flip = np.diag([-1.0, 1.0, 1.0])

    def moved(x):
        R, t = rigid[:3, :3], rigid[:3, 3]
        return Boxes(center_m=x.center_m @ R.T + t, half_m=x.half_m, R_world_box=R @ x.R_world_box)

    def mirrored(x):
        R = flip @ x.R_world_box * np.array([1.0, 1.0, -1.0])
        return Boxes(center_m=x.center_m @ flip, half_m=x.half_m, R_world_box=R)

    def seen_in_a_mirror(T):
        out = T.copy()
        out[:3, :3] = flip @ T[:3, :3] @ flip  # the picture is mirrored too, so its x axis turns round
        out[:3, 3] = flip @ T[:3, 3]
        return out

    here = boxes, pose
    there = moved(boxes), rigid @ pose
    glass = mirrored(boxes), seen_in_a_mirror(pose)
    close(camera_distances_m(*there), camera_distances_m(*here))
    close(camera_distances_m(*glass), camera_distances_m(*here))
    close(depth_spans_m(*there), depth_spans_m(*here))
    close(depth_spans_m(*glass), depth_spans_m(*here))
    base = azimuths_deg(boxes.center_m, pose)
    close(azimuths_deg(there[0].center_m, there[1]), base)
    close(azimuths_deg(glass[0].center_m, glass[1]), -base)
    assert (left_of_camera(*there) == left_of_camera(*here)).all()
    swapped = left_of_camera(*here)
    swapped = np.where(swapped == UNCLEAR, UNCLEAR, 1 - swapped)
    assert (left_of_camera(*glass) == swapped).all()
    assert (in_front_of_camera(*glass) == in_front_of_camera(*here)).all()
    motion = camera_motion(pose, other)
    same = camera_motion(rigid @ pose, rigid @ other)
    reverse = camera_motion(other, pose)
    opposite = camera_motion(seen_in_a_mirror(pose), seen_in_a_mirror(other))
    close(same.offset_m, motion.offset_m)
    close(same.level_m, motion.level_m)
    close(same.yaw_deg, motion.yaw_deg)
    close(opposite.yaw_deg, -motion.yaw_deg)
    close(opposite.offset_m, motion.offset_m * [-1, 1, 1])
    close(reverse.yaw_deg, -motion.yaw_deg)
    close(reverse.distance_m, motion.distance_m)
    close(reverse.level_m[2], -motion.level_m[2])


def test_all_frames_by_all_objects():
    poses = np.stack([camera(), camera(1, 0), camera(0, 0, 1, yaw=0)])
    boxes = Boxes(
        center_m=np.array([[0, 3, 1.5], [2, 0, 0.0]]),
        half_m=np.full((2, 3), 0.1),
        R_world_box=np.tile(np.eye(3), (2, 1, 1)),
    )
    shape = (3, 2)
    for measure in (camera_distances_m, left_of_camera, in_front_of_camera, above_camera):
        assert measure(boxes, poses[:, None]).shape == shape
    assert depth_spans_m(boxes, poses[:, None]).shape == (3, 2, 2)
    assert in_camera_m(boxes.center_m, poses[:, None]).shape == (3, 2, 3)
    assert azimuths_deg(boxes.center_m, poses[:, None]).tolist()[0] == pytest.approx([0, -90])
    assert camera_motion(poses[:, None], poses[None]).yaw_deg.shape == (3, 3)
    assert left_in_view(boxes, boxes, poses[:, None]).tolist() == [[-1, -1]] * 3
