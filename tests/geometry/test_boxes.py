from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear
from scipy.spatial.transform import Rotation

from ouroboros_data.geometry.boxes import (
    Boxes,
    bearing_deg,
    boxes_of,
    corners,
    distances_m,
    length_width_height,
    pair_distances_m,
    pair_indices,
    point_distances_m,
    volumes,
)
from ouroboros_data.types import SceneObject


def one(center, extent, rotation=None) -> Boxes:
    return Boxes(
        center_m=np.array([center], float),
        half_m=np.array([extent], float) / 2,
        R_world_box=(np.eye(3) if rotation is None else rotation.as_matrix())[None],
    )


def many(rng, n, how) -> Boxes:
    center = rng.normal(size=(n, 3)) * 1.2
    if how == "tilted":
        R = Rotation.random(n, random_state=rng).as_matrix()
    elif how == "yaw":
        R = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi, (n, 1))).as_matrix()
    elif how == "aligned":
        R, center = np.tile(np.eye(3), (n, 1, 1)), center.round(1)
    else:  # almost parallel to each other
        size = 10.0 ** rng.uniform(-9, -3, (n, 1))
        R = Rotation.from_rotvec(rng.normal(size=(n, 3)) * size).as_matrix()
    return Boxes(center_m=center, half_m=rng.uniform(0.02, 1.0, (n, 3)), R_world_box=R)


def by_least_squares(a: Boxes, b: Boxes) -> np.ndarray:
    """The same distance as a bounded least-squares problem over the boxes' inner coordinates."""
    out = []
    for i in range(len(a.center_m)):
        A = np.hstack([a.R_world_box[i], -b.R_world_box[i]])
        limit = np.concatenate([a.half_m[i], b.half_m[i]])
        solved = lsq_linear(A, b.center_m[i] - a.center_m[i], (-limit, limit), method="bvls", tol=1e-14)
        out.append(math.sqrt(2 * solved.cost))
    return np.array(out)


@pytest.mark.parametrize(
    ("b", "gap"),
    [
        (one((3, 0, 0), (2, 2, 2)), 1.0),  # face to face
        (one((3, 3, 0), (2, 2, 2)), math.sqrt(2)),  # parallel edges
        (one((3, 3, 3), (2, 2, 2)), math.sqrt(3)),  # corner to corner
        (one((2, 0, 0), (2, 2, 2)), 0.0),  # touching
        (one((0.5, 0, 0), (0.1, 0.1, 0.1)), 0.0),  # inside
        (
            one((3, 0, 0), (2, 2, 2), Rotation.from_euler("z", 45, degrees=True)),
            2 - math.sqrt(2),
        ),  # edge to face
        # A cube that shows an edge, turned so that the two edges cross at right angles.
        (
            one(
                (2 * math.sqrt(2) + 0.5, 0, 0),
                (2, 2, 2),
                Rotation.from_euler("y", 45, degrees=True),
            ),
            math.sqrt(2) + 0.5 - 1,
        ),
    ],
)
def test_gaps_worked_out_on_paper(b, gap):
    assert distances_m(one((0, 0, 0), (2, 2, 2)), b)[0] == pytest.approx(gap, abs=1e-12)


def test_crossing_edges():
    """Both cubes show an edge to the other: z-edge of a, y-edge of b, at right angles, 0.3 m apart."""
    a = one((0, 0, 0), (2, 2, 2), Rotation.from_euler("z", 45, degrees=True))
    b = one((2 * math.sqrt(2) + 0.3, 0, 0), (2, 2, 2), Rotation.from_euler("y", 45, degrees=True))
    assert distances_m(a, b)[0] == pytest.approx(0.3, abs=1e-12)


@pytest.mark.parametrize("angle_deg", [90, 30, 1, 0.1])
def test_crossing_bars_lie_above_each_other(angle_deg):
    """Long thin bars: neither has a corner near the other, the closest points are inside two edges."""
    a = one((0, 0, 0), (10, 0.02, 0.02))
    b = one((0, 0, 0.5), (10, 0.02, 0.02), Rotation.from_euler("z", angle_deg, degrees=True))
    assert distances_m(a, b)[0] == pytest.approx(0.48, abs=1e-12)


@pytest.mark.parametrize("how", ["tilted", "yaw", "aligned", "almost parallel"])
def test_equals_bounded_least_squares_on_random_pairs(how):
    rng = np.random.default_rng(7)
    a, b = many(rng, 250, how), many(rng, 250, how)
    got = distances_m(a, b)
    assert np.abs(got - by_least_squares(a, b)).max() < 1e-9
    assert 0 < (got == 0).sum() < 100  # both overlapping and disjoint pairs were drawn


def by_dense_sampling(a: Boxes, b: Boxes) -> np.ndarray:
    """The least distance from b to a grid of points in a, which is laid again around the nearest one so far.

    It gets finer where nothing nearer was found, until its points are below 0.1 mm apart.
    """
    steps = np.linspace(-1, 1, 5)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    best, size, least = np.zeros_like(a.half_m), np.array(a.half_m), np.full(len(a.half_m), np.inf)
    for _ in range(200):
        rows = np.flatnonzero((least > 0) & (size.max(1) > 1e-4))
        if not len(rows):
            return least
        half, R, center = a.half_m[rows], a.R_world_box[rows], a.center_m[rows]
        local = np.clip(best[rows, None] + grid * size[rows, None], -half[:, None], half[:, None])
        other = Boxes(
            center_m=b.center_m[rows, None],
            half_m=b.half_m[rows, None],
            R_world_box=b.R_world_box[rows, None],
        )
        distance = point_distances_m(center[:, None] + local @ np.swapaxes(R, 1, 2), other)
        at = (np.arange(len(rows)), distance.argmin(1))
        nearer = distance[at] < least[rows] - 1e-6
        best[rows] = np.where((distance[at] < least[rows])[:, None], local[at], best[rows])
        least[rows] = np.minimum(least[rows], distance[at])
        size[rows] *= np.where(nearer, 0.9, 0.6)[:, None]
    raise AssertionError("the sampling did not end")


@pytest.mark.parametrize("how", ["tilted", "yaw", "aligned"])
def test_equals_dense_sampling_on_ten_thousand_random_pairs(how):
    rng = np.random.default_rng(13)
    n = {"tilted": 5000, "yaw": 3000, "aligned": 2000}[how]
    a, b = many(rng, n, how), many(rng, n, how)
    got = distances_m(a, b)
    for start in range(0, n, 500):
        rows = slice(start, start + 500)
        parts = [
            Boxes(center_m=x.center_m[rows], half_m=x.half_m[rows], R_world_box=x.R_world_box[rows])
            for x in (a, b)
        ]
        sampled = by_dense_sampling(*parts)
        assert (sampled >= got[rows] - 1e-9).all()  # no sample can be nearer than the nearest points
        assert (sampled - got[rows]).max() < 1e-3


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mirrors_and_triangles(seed):
    rng = np.random.default_rng(seed)
    a, b, c = many(rng, 20, "tilted"), many(rng, 20, "yaw"), many(rng, 20, "tilted")

    def mirrored(boxes):
        flip = np.diag([1.0, -1.0, 1.0])
        R = flip @ boxes.R_world_box * np.array([1.0, 1.0, -1.0])
        return Boxes(center_m=boxes.center_m @ flip, half_m=boxes.half_m, R_world_box=R)

    direct = distances_m(a, b)
    np.testing.assert_allclose(distances_m(mirrored(a), mirrored(b)), direct, atol=1e-9)
    np.testing.assert_allclose(volumes(mirrored(a)), volumes(a))
    # From a to c, through c, and on to b.
    through = 2 * np.sqrt((c.half_m**2).sum(-1))
    assert (direct <= distances_m(a, c) + through + distances_m(c, b) + 1e-9).all()
    # By way of a point there is no way through to pay for.
    point = rng.normal(size=(20, 3)) * 2
    assert (direct <= point_distances_m(point, a) + point_distances_m(point, b) + 1e-9).all()
    xy = rng.normal(size=(3, 20, 2))
    turn = bearing_deg(*xy)
    np.testing.assert_allclose((turn + bearing_deg(xy[0], xy[2], xy[1])) % 360.0 % 359.9999999, 0, atol=1e-6)
    seen_in_a_mirror = bearing_deg(*(xy * np.array([-1.0, 1.0])))
    np.testing.assert_allclose((turn + seen_in_a_mirror) % 360.0 % 359.9999999, 0, atol=1e-6)


def test_equals_manifold3d_on_tilted_pairs():
    manifold3d = pytest.importorskip("manifold3d")
    rng = np.random.default_rng(3)
    a, b = many(rng, 60, "tilted"), many(rng, 60, "tilted")

    def solid(boxes, i):
        pose = np.column_stack([boxes.R_world_box[i], boxes.center_m[i]])
        return manifold3d.Manifold.cube(2 * boxes.half_m[i], True).transform(pose)

    reference = [solid(a, i).min_gap(solid(b, i), 20.0) for i in range(60)]
    assert np.abs(distances_m(a, b) - reference).max() < 1e-4  # manifold3d computes in single precision


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rigid_motion_and_order_change_nothing(seed):
    rng = np.random.default_rng(seed)
    a, b = many(rng, 20, "tilted"), many(rng, 20, "yaw")
    R, t = Rotation.random(random_state=rng).as_matrix(), rng.normal(size=3) * 3

    def moved(boxes):
        return Boxes(
            center_m=boxes.center_m @ R.T + t, half_m=boxes.half_m, R_world_box=R @ boxes.R_world_box
        )

    base = distances_m(a, b)
    np.testing.assert_allclose(distances_m(moved(a), moved(b)), base, atol=1e-9)
    np.testing.assert_allclose(distances_m(b, a), base, atol=1e-9)


def test_pairs_of_many_copies_equal_one_by_one():
    rng = np.random.default_rng(5)
    flat = many(rng, 3 * 6, "tilted")
    stacked = Boxes(
        center_m=flat.center_m.reshape(3, 6, 3),
        half_m=flat.half_m.reshape(3, 6, 3),
        R_world_box=flat.R_world_box.reshape(3, 6, 3, 3),
    )
    got = pair_distances_m(stacked)
    assert got.shape == (3, 15)
    first, second = pair_indices(6)
    for k in range(3):
        for p in range(15):
            parts = [
                Boxes(
                    center_m=stacked.center_m[k, [i]],
                    half_m=stacked.half_m[k, [i]],
                    R_world_box=stacked.R_world_box[k, [i]],
                )
                for i in (first[p], second[p])
            ]
            assert got[k, p] == pytest.approx(distances_m(*parts)[0], abs=1e-12)


def test_no_pairs():
    assert pair_distances_m(one((0, 0, 0), (1, 1, 1))).shape == (0,)
    assert pair_distances_m(boxes_of([])).shape == (0,)


def test_forty_objects_in_eight_copies_are_quick():
    rng = np.random.default_rng(0)
    flat = many(rng, 320, "tilted")
    stacked = Boxes(
        center_m=3 * flat.center_m.reshape(8, 40, 3),
        half_m=flat.half_m.reshape(8, 40, 3) / 2,
        R_world_box=flat.R_world_box.reshape(8, 40, 3, 3),
    )
    pair_distances_m(stacked)
    started = time.process_time()
    pair_distances_m(stacked)
    assert time.process_time() - started < 0.5  # 0.05 s measured; the rest is for slow machines


def test_length_width_height_follow_the_vertical_axis():
    flat = one((0, 0, 0), (1, 3, 2))
    assert length_width_height(flat)[0].tolist() == pytest.approx([3, 1, 2])
    lying = one((0, 0, 0), (1, 3, 2), Rotation.from_euler("x", 90, degrees=True))  # its y edge stands
    assert length_width_height(lying)[0].tolist() == pytest.approx([2, 1, 3])
    leaning = one((0, 0, 0), (1, 3, 2), Rotation.from_euler("y", 30, degrees=True))
    assert length_width_height(leaning)[0].tolist() == pytest.approx([3, 1, 2])
    assert volumes(flat)[0] == pytest.approx(6.0)


def test_columns_of_the_rotation_are_the_axes():
    turned = SceneObject(
        id="o",
        category="shelf",
        center_m=(1.0, 2.0, 3.0),
        extent_m=(4.0, 2.0, 1.0),
        R_world_object=((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),  # 90° to the left
    )
    points = corners(boxes_of([turned]))[0]
    assert points.shape == (8, 3)
    assert points.min(0).tolist() == pytest.approx([0.0, 0.0, 2.5])
    assert points.max(0).tolist() == pytest.approx([2.0, 4.0, 3.5])


def test_points_and_boxes():
    cube = one((0, 0, 0), (2, 2, 2), Rotation.from_euler("z", 45, degrees=True))
    points = np.array([[3.0, 0, 0], [0.2, 0, 0], [0, 0, 4.0]])
    got = [point_distances_m(p[None], cube)[0] for p in points]
    assert got == pytest.approx([3 - math.sqrt(2), 0.0, 3.0])


@pytest.mark.parametrize(
    ("target", "degrees"), [((0, 5), 0), ((-5, 0), 90), ((0, -5), 180), ((5, 0), 270), ((-1, 1), 45)]
)
def test_bearing_is_counter_clockwise_from_where_one_faces(target, degrees):
    got = bearing_deg(np.zeros(2), np.array([0.0, 1.0]), np.array(target, float))
    assert float(got) == pytest.approx(degrees)
    assert 0 <= float(got) < 360
