"""The benchmark's grid, on boxes whose points can be listed by hand; against its answers in tests/test_vsi_oracle.py."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ouroboros_data.geometry.boxes import Boxes, distances_m
from ouroboros_data.geometry.grid_distance import _fused, grid_distance_m, grid_points_m

UPRIGHT = np.eye(3)


def points(center, extent, R=UPRIGHT):
    return grid_points_m(np.array(center, float), np.array(extent, float), R)


def test_a_box_of_ten_centimetres_has_its_eight_corners():
    """Two points an axis, all of them on the faces; nothing is lost where nothing is rounded."""
    found = points((0, 0, 0), (0.1, 0.1, 0.1))
    assert sorted(map(tuple, found.tolist())) == sorted(
        (x, y, z) for x in (-0.05, 0.05) for y in (-0.05, 0.05) for z in (-0.05, 0.05)
    )


def test_the_middle_is_left_out():
    found = points((0, 0, 0), (1, 1, 1))
    inner = (np.abs(found) <= 0.25).all(1)
    assert not inner.any()
    assert (
        len(found) == 20**3 - 10**3
    )  # 20 points an axis, the 10 within a quarter on each side are the middle


def test_faces_that_look_at_each_other():
    assert grid_distance_m(points((0, 0, 0), (1, 1, 1)), points((2, 0, 0), (1, 1, 1))) == 1.0


def test_a_thin_box_is_one_layer_on_its_negative_side():
    """Seen from above, a board of 3 cm is 3 cm too far away."""
    board, cube = points((0, 0, 0), (1, 1, 0.03125)), points((0, 0, 1), (1, 1, 1))
    assert set(board[:, 2].tolist()) == {-0.015625}
    assert grid_distance_m(board, cube) == 0.5 + 0.015625


def test_columns_are_the_axes():
    """A box of 2 m by 10 cm, turned so that its length lies along y."""
    turned = points((0, 0, 0), (2, 0.1, 0.1), np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    assert np.ptp(turned, axis=0) == pytest.approx([0.1, 2.0, 0.1])


def test_it_is_never_below_the_exact_distance_and_above_by_less_than_two_steps_a_side():
    rng = np.random.default_rng(5)
    n = 60
    boxes = Boxes(
        center_m=rng.uniform(-2, 2, (n, 3)),
        half_m=rng.uniform(0.03, 0.6, (n, 3)),
        R_world_box=Rotation.from_euler("z", rng.uniform(0, 6.3, (n, 1))).as_matrix(),
    )
    clouds = [
        grid_points_m(c, 2 * h, R)
        for c, h, R in zip(boxes.center_m, boxes.half_m, boxes.R_world_box, strict=True)
    ]

    def some(which: slice) -> Boxes:
        return Boxes(
            center_m=boxes.center_m[which], half_m=boxes.half_m[which], R_world_box=boxes.R_world_box[which]
        )

    exact = distances_m(some(slice(0, n, 2)), some(slice(1, n, 2)))
    grid = np.array([grid_distance_m(clouds[i], clouds[i + 1]) for i in range(0, n, 2)])
    apart = exact > 0
    assert apart.sum() > 10
    assert (grid >= exact - 1e-12)[apart].all()
    assert (grid - exact)[apart].max() < 4 * 0.05 * np.sqrt(3)
    assert (grid - exact)[apart].mean() > 0.01, "the recipe's own error is part of what is replicated"


def test_fused_is_rounded_once():
    rng = np.random.default_rng(6)
    a, b, c = rng.uniform(-3, 3, (3, 3000))
    c[:1000] = -(a * b)[:1000]  # what is left is the rounding of the product
    expected = [
        float(Fraction(x) * Fraction(y) + Fraction(z))
        for x, y, z in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
    ]
    assert _fused(a, b, c).tolist() == expected
    assert (a * b + c).tolist() != expected


@pytest.mark.parametrize("extent", [(1, 0, 1), (1, -1, 1), (1, float("nan"), 1), (1e4, 1e4, 1e4)])
def test_boxes_that_have_no_grid_are_refused(extent):
    with pytest.raises(ValueError, match=r"positive|too large"):
        points((0, 0, 0), extent)
