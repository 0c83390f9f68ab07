import numpy as np
import pytest
from PIL import Image

from ouroboros_data.geometry.cameras import (
    as_mat4,
    from_yaw_pitch,
    interpolate_pose,
    inverse,
    look_at,
    pinhole,
    pixel_rays,
    project,
    turned,
    unproject,
    upright_turn_deg,
)
from ouroboros_data.geometry.render import RenderMesh, render


def test_axes_are_opencvs() -> None:
    pose = look_at((1.0, 2.0, 1.5), (4.0, 2.0, 1.5))  # looks along world +x
    np.testing.assert_allclose(pose[:3, 2], (1, 0, 0), atol=1e-12)  # forward
    np.testing.assert_allclose(pose[:3, 0], (0, -1, 0), atol=1e-12)  # right
    np.testing.assert_allclose(pose[:3, 1], (0, 0, -1), atol=1e-12)  # down
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)


def test_what_is_left_up_and_near_lands_there() -> None:
    K, pose = pinhole((160, 120), 90), look_at((0, 0, 1.5), (0, 5, 1.5))  # looks along +y, +x is right
    pixels, depth = project([[-1.0, 2.0, 1.5], [0.0, 2.0, 2.5], [0.0, 4.0, 1.5]], K, pose)
    np.testing.assert_allclose(pixels, [[40, 60], [80, 20], [80, 60]], atol=1e-9)
    np.testing.assert_allclose(depth, [2, 2, 4])


def test_roll_is_clockwise_for_the_viewer() -> None:
    K, pose = pinhole((160, 120), 90), from_yaw_pitch((0, 0, 0), np.pi / 2, 0, 0.1)
    (x, y), _ = project([0.0, 2.0, 1.0], K, pose)
    assert x < 80 and y < 60  # a camera that leans to the right sees what is above lean to the left


def test_poses_broadcast_and_invert() -> None:
    eyes = np.random.default_rng(0).normal(size=(7, 3))
    poses = look_at(eyes, (0.0, 0.0, 9.0), np.linspace(-0.2, 0.2, 7))
    assert poses.shape == (7, 4, 4)
    np.testing.assert_allclose(inverse(poses) @ poses, np.broadcast_to(np.eye(4), (7, 4, 4)), atol=1e-12)


def test_unproject_undoes_project() -> None:
    K, pose = pinhole((40, 30), 70), look_at((1, 2, 3), (0, 0, 0), 0.3)
    depth = np.random.default_rng(0).uniform(1, 5, (30, 40))
    pixels, back = project(unproject(depth, K, pose), K, pose)
    columns, rows = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
    np.testing.assert_allclose(pixels, np.stack([columns, rows], -1), atol=1e-9)
    np.testing.assert_allclose(back, depth)


def test_field_of_view_reaches_the_borders() -> None:
    K = pinhole((160, 120), 80)
    rays = pixel_rays(K, (160, 120))
    assert rays.shape == (120, 160, 3)
    step = rays[0, 1, 0] - rays[0, 0, 0]
    left = np.degrees(np.arctan(-(rays[0, 0, 0] - step / 2)))
    assert left == pytest.approx(40)
    with pytest.raises(ValueError, match="field of view"):
        pinhole((160, 120), 180)


def test_records_hold_plain_floats() -> None:
    rows = as_mat4(look_at((0, 0, 1), (1, 0, 1)))
    assert all(type(value) is float for row in rows for value in row) and len(rows) == 4


# Size, focal lengths, principal point far off the middle: x and y, and left and right, cannot be mixed up.
SKEWED = ((160, 100), np.array([[90.0, 0.7, 60.0], [0.0, 80.0, 57.0], [0.0, 0.0, 1.0]]))


def clockwise(pixel: np.ndarray, size_px: tuple[int, int], turn_deg: int) -> np.ndarray:
    """Where a point of the picture goes, written out turn by turn."""
    (x, y), (width, height) = pixel.T, size_px
    return np.stack(
        {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}[turn_deg], -1
    )


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("seed", range(5))
def test_a_turned_camera_shows_points_where_the_turned_picture_does(turn_deg: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    size_px = (int(random.integers(100, 900)), int(random.integers(100, 900)))
    K = np.array(
        [
            [random.uniform(50, 900), random.uniform(-2, 2), random.uniform(0, size_px[0])],
            [0, random.uniform(50, 900), random.uniform(0, size_px[1])],
            [0, 0, 1],
        ]
    )
    eye, target = random.normal(size=(2, 3))
    pose = look_at(eye, target, random.uniform(-3, 3))
    local = np.concatenate([random.uniform(-1, 1, (50, 2)), np.ones((50, 1))], 1) * random.uniform(
        0.5, 9, (50, 1)
    )
    points = local @ pose[:3, :3].T + pose[:3, 3]
    pixels, depth = project(points, K, pose)
    turned_size, turned_K, turned_pose = turned(size_px, K, pose, turn_deg)
    assert turned_size == (size_px if turn_deg % 180 == 0 else size_px[::-1])
    got, turned_depth = project(points, turned_K, turned_pose)
    np.testing.assert_allclose(got, clockwise(pixels, size_px, turn_deg), atol=1e-7)
    np.testing.assert_allclose(turned_depth, depth)
    assert np.linalg.det(turned_pose[:3, :3]) == pytest.approx(1)
    np.testing.assert_array_equal(turned_pose[:3, 3], pose[:3, 3])


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
def test_a_turned_depth_map_unprojects_to_the_same_points(turn_deg: int) -> None:
    size_px, K = SKEWED
    pose = look_at((1, 2, 1.5), (4, 1, 0.5), 0.4)
    depth = np.random.default_rng(0).uniform(1, 5, (size_px[1], size_px[0]))
    points = unproject(depth, K, pose)
    turned_size, turned_K, turned_pose = turned(size_px, K, pose, turn_deg)
    # Pillow names anticlockwise turns; its picture is what a viewer sees.
    picture = np.array(Image.fromarray(depth.astype(np.float32)).rotate(-turn_deg, expand=True))
    assert picture.shape[::-1] == turned_size
    got = unproject(picture, turned_K, turned_pose)
    np.testing.assert_allclose(got, np.rot90(points, -(turn_deg // 90)), atol=1e-5)


def test_turning_leaves_its_input_and_refuses_other_turns() -> None:
    size_px, K = SKEWED
    poses = np.stack([look_at((0, 0, 1), (1, 1, 1)), np.full((4, 4), -np.inf)])
    kept = (K.copy(), poses.copy())
    _, turned_K, turned_poses = turned(size_px, K, poses, 90)
    np.testing.assert_array_equal(K, kept[0])
    np.testing.assert_array_equal(poses, kept[1])
    assert turned_poses.shape == (2, 4, 4)
    assert not np.signbit(turned_poses[0][turned_poses[0] == 0]).any()
    assert np.isfinite(turned_poses[0]).all() and not np.isfinite(turned_poses[1]).any()
    again = turned((100, 160), turned_K, turned_poses[0], 270)
    assert again[0] == size_px
    np.testing.assert_allclose(again[1], K, atol=1e-9)
    np.testing.assert_allclose(again[2], poses[0], atol=1e-12)
    with pytest.raises(ValueError, match="turn_deg must be 0, 90, 180 or 270, got 45"):
        turned(size_px, K, poses[0], 45)


def floor_and_wall(pose: np.ndarray) -> np.ndarray:
    """A picture (rows, columns) of a floor, 1, that stretches ahead below a wall, 2, below the sky, 0."""
    quad = np.array([[0, 1, 2], [0, 2, 3]])
    floor = np.array([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], float)
    wall = np.array([(4, -9, 0), (4, 9, 0), (4, 9, 2.5), (4, -9, 2.5)], float)
    meshes = [RenderMesh(vertices_m=v, faces=quad, color=(0.5, 0.5, 0.5)) for v in (floor, wall)]
    return render(meshes, pose[None], *SKEWED[::-1]).instance[0] + 1


@pytest.mark.parametrize(
    ("held_deg", "row_2", "turn_deg"),
    [(0, (0, -1), 0), (90, (-1, 0), 90), (180, (0, 1), 180), (270, (1, 0), 270)],
)
@pytest.mark.parametrize("lean_deg", [-35, 0, 35])
def test_the_upright_turn_brings_the_floor_to_the_bottom(
    held_deg: int, row_2: tuple[float, float], turn_deg: int, lean_deg: float
) -> None:
    def held(lean: float) -> np.ndarray:
        # Held at 90: turned clockwise about the viewing axis, so that the world lies anticlockwise in the picture.
        return from_yaw_pitch((0, 0, 1.5), 0.0, -0.1, np.radians(held_deg + lean))

    np.testing.assert_allclose(held(0)[2, :2], np.array(row_2) * np.cos(0.1), atol=1e-9)
    pose = held(lean_deg)
    assert upright_turn_deg(pose) == turn_deg
    picture = np.rot90(floor_and_wall(pose), -(turn_deg // 90))
    height = len(picture)
    assert (picture[-height // 6 :] == 1).mean() > 0.4 and (picture[: height // 6] == 1).mean() < 0.1
    if lean_deg == 0:
        assert (picture[-5:] == 1).all() and not (picture[:5] == 1).any()
        for wrong in (90, 180, 270):
            again = np.rot90(picture, -(wrong // 90))
            assert not (again[-5:] == 1).all() or (again[:5] == 1).any()
        # And the turned camera agrees: what is higher in the world is higher in its picture.
        _, K, upright = turned(*SKEWED, pose, turn_deg)
        (low, high), depth = project([(3, 0, 0.5), (3, 0, 2.0)], K, upright)
        assert (depth > 0).all() and high[1] < low[1] and upright_turn_deg(upright) == 0
        assert abs(high[0] - low[0]) < 2  # the skew of the pixels, no more


def test_straight_down_needs_no_turn_and_a_lost_pose_has_none() -> None:
    assert upright_turn_deg(np.diag([1.0, -1.0, -1.0, 1.0])) == 0
    with pytest.raises(ValueError, match="not finite"):
        upright_turn_deg(np.full((4, 4), -np.inf))


def turning(angle_rad: float, at_m: tuple[float, float, float]) -> np.ndarray:
    return from_yaw_pitch(at_m, angle_rad, 0.3)


def test_poses_between_lie_on_the_way() -> None:
    poses = np.stack([turning(0.0, (0, 0, 1)), turning(0.8, (2, 0, 1)), turning(0.6, (2, 3, 1))])
    times = np.array([10.0, 11.0, 11.5])
    at = np.array([10.0, 10.25, 11.0, 11.1, 11.5])
    got = interpolate_pose(times, poses, at, 1.0)
    expected = [
        turning(angle, where)
        for angle, where in (
            (0.0, (0, 0, 1)), (0.2, (0.5, 0, 1)), (0.8, (2, 0, 1)), (0.76, (2, 0.6, 1)), (0.6, (2, 3, 1))
        )
    ]  # fmt: skip
    np.testing.assert_allclose(got, expected, atol=1e-12)
    # Known times in any order, wanted times too.
    order, asked = [2, 0, 1], [4, 1, 0, 3, 2]
    mixed = interpolate_pose(times[order], poses[order], at[asked], 1.0)
    np.testing.assert_allclose(mixed, np.array(expected)[asked], atol=1e-12)


def test_rotations_take_the_short_way_round() -> None:
    poses = np.stack([turning(3.0, (0, 0, 0)), turning(-3.0, (0, 0, 0))])
    middle = interpolate_pose([0, 1], poses, [0.5], 1.0)[0]
    np.testing.assert_allclose(middle, turning(np.pi, (0, 0, 0)), atol=1e-9)


def test_gaps_ends_and_lost_poses_give_no_pose() -> None:
    poses = np.stack([turning(0.1 * i, (i, 0, 0)) for i in range(5)])
    poses[2], poses[4, 1, 1] = -np.inf, np.nan
    times = np.arange(5.0)
    at = [-0.1, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, np.nan]
    got = interpolate_pose(times, poses, at, 1.0)
    assert np.isfinite(got).all((1, 2)).tolist() == [False, True, True, True, False, False, True] + 3 * [
        False
    ]
    assert np.isnan(got[[0, 4, 5, 7, 8, 9]]).all()
    wider = interpolate_pose(times, poses, at, 2.0)  # over the lost one
    np.testing.assert_allclose(wider[5], turning(0.2, (2, 0, 0)), atol=1e-12)


def test_few_poses_and_equal_times() -> None:
    pose = turning(0.4, (1, 2, 3))
    assert np.isnan(interpolate_pose([], np.zeros((0, 4, 4)), [1.0, 2.0], 1.0)).all()
    got = interpolate_pose([1.0], pose[None], [1.0, 1.001], 1.0)
    np.testing.assert_array_equal(got[0], pose)
    assert np.isnan(got[1]).all()
    twice = np.stack([pose, turning(0, (9, 9, 9)), turning(0.4, (2, 2, 3))])
    np.testing.assert_allclose(interpolate_pose([1, 1, 2], twice, [1.5], 1.0)[0, :3, 3], (1.5, 2, 3))
    assert interpolate_pose([1.0], pose[None], [], 1.0).shape == (0, 4, 4)
    with pytest.raises(ValueError, match=r"expected \(n,\), \(n, 4, 4\) and \(m,\)"):
        interpolate_pose([1.0, 2.0], pose[None], [1.0], 1.0)
