import numpy as np
import pytest

from ouroboros_data.geometry.cameras import (
    as_mat4,
    from_yaw_pitch,
    inverse,
    look_at,
    pinhole,
    pixel_rays,
    project,
    unproject,
)


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
