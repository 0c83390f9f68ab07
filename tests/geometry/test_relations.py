from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ouroboros_data.geometry.boxes import Boxes, boxes_of, corners
from ouroboros_data.geometry.footprints import (
    footprint_areas_m2,
    footprint_overlaps_m2,
    footprints_m,
    horizontal_distances_m,
)
from ouroboros_data.geometry.relations import (
    NO,
    UNCLEAR,
    UP,
    YES,
    above,
    gap_along_m,
    inside,
    overlap_along_m,
    protrusions_m,
    rests_on,
    shared_volumes_m3,
    span_m,
    supports,
    tilts_deg,
    undersides_m,
    vertical_gap_m,
)
from scene_adapters.procedural import adapter as procedural

X, Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
R2 = math.sqrt(2)


def box(x, y, z, length, width, height, *, yaw=0.0, pitch=0.0, roll=0.0) -> Boxes:
    """One box, shape (): centre, edges in m, turned by roll about x, then pitch about y, then yaw about z, degrees."""
    R = Rotation.from_euler("xyz", [roll, pitch, yaw], degrees=True).as_matrix()
    return Boxes(
        center_m=np.array([x, y, z], float), half_m=np.array([length, width, height]) / 2.0, R_world_box=R
    )


def standing(x, y, bottom, length, width, height, *, yaw=0.0) -> Boxes:
    return box(x, y, bottom + height / 2, length, width, height, yaw=yaw)


def many(rng, n, how="tilted", spread=0.6) -> Boxes:
    if how == "tilted":
        R = Rotation.random(n, random_state=rng)
    else:
        R = Rotation.from_euler("z", rng.uniform(0, 360, (n, 1)), degrees=True)
    center, half = rng.normal(size=(n, 3)) * spread, rng.uniform(0.03, 1.0, (n, 3))
    return Boxes(center_m=center, half_m=half, R_world_box=R.as_matrix())


def moved(boxes: Boxes, R, t) -> Boxes:
    return Boxes(center_m=boxes.center_m @ R.T + t, half_m=boxes.half_m, R_world_box=R @ boxes.R_world_box)


def mirrored(boxes: Boxes) -> Boxes:
    """In the plane x = 0. A box is its own mirror image, so the third axis may change its sign to stay right-handed."""
    flip = np.diag([-1.0, 1.0, 1.0])
    R = flip @ boxes.R_world_box
    return Boxes(
        center_m=boxes.center_m @ flip, half_m=boxes.half_m, R_world_box=R * np.array([1.0, 1.0, -1.0])
    )


def joined(*boxes: Boxes) -> Boxes:
    return Boxes(
        center_m=np.stack([b.center_m for b in boxes]),
        half_m=np.stack([b.half_m for b in boxes]),
        R_world_box=np.stack([b.R_world_box for b in boxes]),
    )


def close(value, expected):
    assert np.asarray(value) == pytest.approx(expected, abs=1e-9)


TABLE = standing(0, 0, 0, 2, 1, 0.75)
CUBE = box(0, 0, 0, 2, 2, 2)

GAPS = {
    "apart": (CUBE, box(3, 0, 0, 2, 2, 2), X, 1.0, 0.0),
    "apart, other side": (CUBE, box(-3, 0, 0, 2, 2, 2), X, 1.0, 0.0),
    "touching": (CUBE, box(2, 0, 0, 2, 2, 2), X, 0.0, 0.0),
    "overlapping": (CUBE, box(1.5, 0, 0, 2, 2, 2), X, -0.5, 0.5),
    "nested": (CUBE, box(0.25, 0, 0, 1, 1, 1), X, -1.25, 1.0),
    "same": (CUBE, CUBE, X, -2.0, 2.0),
    "thin": (CUBE, box(1.5, 0, 0, 0.001, 2, 2), X, 0.4995, 0.0),
    "turned": (CUBE, box(3, 0, 0, 2, 2, 2, yaw=45), X, 2 - R2, 0.0),
    "along y nothing apart": (CUBE, box(3, 0, 0, 2, 2, 2), Y, -2.0, 2.0),
    "along a turned box's own axis": (
        box(0, 0, 0, 2, 1, 1, yaw=30),
        box(4 * math.cos(math.pi / 6), 2, 0, 2, 1, 1, yaw=30),
        np.array([math.cos(math.pi / 6), 0.5, 0.0]),
        2.0,
        0.0,
    ),
    "vertical": (CUBE, box(0, 0, 5, 2, 2, 1), UP, 3.5, 0.0),
}


@pytest.mark.parametrize("name", GAPS)
def test_gaps_and_overlaps_along_an_axis(name):
    a, b, axis, gap, overlap = GAPS[name]
    for first, second in ((a, b), (b, a)):
        close(gap_along_m(first, second, axis), gap)
        close(overlap_along_m(first, second, axis), overlap)
        close(gap_along_m(first, second, -axis), gap)


def test_spans_and_heights():
    close(span_m(box(1, 2, 3, 2, 2, 2, yaw=45), X), [1 - R2, 1 + R2])
    close(span_m(box(1, 2, 3, 2, 4, 6), UP), [0, 6])
    close(span_m(box(0, 0, 0, 2, 2, 2, pitch=45), UP), [-R2, R2])
    close(undersides_m(box(0, 0, 1, 2, 2, 1)), 0.5)
    close(undersides_m(box(0, 0, 1, 4, 4, 1, pitch=60, roll=0)), 1 - 0.5 / math.cos(math.pi / 3))
    close(vertical_gap_m(standing(9, 9, 1.0, 1, 1, 1), TABLE), 0.25)
    close(vertical_gap_m(TABLE, standing(9, 9, 1.0, 1, 1, 1)), -2.0)
    close(vertical_gap_m(standing(0, 0, 0.7, 1, 1, 1), TABLE), -0.05)


def test_tilt_is_of_the_axis_nearest_to_the_vertical():
    close(tilts_deg(box(0, 0, 0, 1, 2, 3, yaw=77)), 0.0)
    close(tilts_deg(box(0, 0, 0, 1, 2, 3, pitch=7, yaw=20)), 7.0)
    close(tilts_deg(box(0, 0, 0, 1, 2, 3, pitch=80)), 10.0)
    close(tilts_deg(box(0, 0, 0, 1, 2, 3, roll=90)), 0.0)


FOOTPRINTS = {
    # name: a, b, area of a, shared area, distance
    "side by side": (CUBE, box(3, 0, 9, 2, 2, 2), 4.0, 0.0, 1.0),
    "diagonal": (CUBE, box(3, 3, 0, 2, 2, 2), 4.0, 0.0, R2),
    "touching": (CUBE, box(2, 0, 0, 2, 2, 2), 4.0, 0.0, 0.0),
    "one above the other": (CUBE, box(0, 0, 7, 2, 2, 2), 4.0, 4.0, 0.0),
    "nested": (CUBE, box(0.2, 0.3, 5, 0.5, 0.25, 9), 4.0, 0.125, 0.0),
    "overlapping": (CUBE, box(1.5, 1.75, 0, 2, 2, 2), 4.0, 0.125, 0.0),
    "cross": (box(0, 0, 0, 6, 1, 1), box(0, 0, 0, 6, 1, 1, yaw=90), 6.0, 1.0, 0.0),
    "octagon": (CUBE, box(0, 0, 0, 2, 2, 2, yaw=45), 4.0, 8 * (R2 - 1), 0.0),
    "corner to side": (CUBE, box(3, 0, 0, 2, 2, 2, yaw=45), 4.0, 0.0, 2 - R2),
    "thin sheet": (box(0, 0, 0, 2, 0.001, 2), box(0, 0.5, 0, 1, 1, 1), 0.002, 0.0005, 0.0),
    "tipped over": (box(0, 0, 0, 1, 2, 3, roll=90), box(2.5, 0, 0, 2, 2, 2), 3.0, 0.0, 1.0),
    "tilted": (box(0, 0, 0, 2, 1, 2, pitch=45), box(3, 0, 0, 1, 1, 1), 2 * R2, 0.0, 2.5 - R2),
    "tilted shadow": (box(0, 0, 0, 2, 1, 2, pitch=45), box(R2, 0, 0, 1, 1, 1), 2 * R2, 0.5, 0.0),
}


@pytest.mark.parametrize("name", FOOTPRINTS)
def test_footprints(name):
    a, b, area, shared, distance = FOOTPRINTS[name]
    close(footprint_areas_m2(a), area)
    for first, second in ((a, b), (b, a)):
        close(footprint_overlaps_m2(first, second), shared)
        close(horizontal_distances_m(first, second), distance)


def test_a_cube_on_its_corner_casts_a_hexagon():
    R = Rotation.align_vectors([[0, 0, 1]], [[1, 1, 1]])[0].as_matrix()
    cube = Boxes(center_m=np.zeros(3), half_m=np.ones(3), R_world_box=R)
    close(footprint_areas_m2(cube), 4 * math.sqrt(3))
    ring = footprints_m(cube)
    close(np.hypot(*ring.T), np.full(6, 2 * math.sqrt(2 / 3)))


@pytest.mark.parametrize("how", ["tilted", "yaw"])
def test_footprints_equal_those_of_shapely(how):
    rng = np.random.default_rng(4)
    a, b = many(rng, 300, how), many(rng, 300, how)
    hulls = [shapely.convex_hull(shapely.multipoints(corners(x)[..., :2])) for x in (a, b)]
    rings = shapely.polygons(footprints_m(a))
    assert shapely.is_ccw(shapely.get_exterior_ring(rings)).all()
    np.testing.assert_allclose(shapely.area(shapely.symmetric_difference(rings, hulls[0])), 0, atol=1e-12)
    np.testing.assert_allclose(footprint_areas_m2(a), shapely.area(hulls[0]), atol=1e-12)
    shared = shapely.area(shapely.intersection(*hulls))
    assert (shared == 0).any() and (shared > 0.1).any()
    np.testing.assert_allclose(footprint_overlaps_m2(a, b), shared, atol=1e-12)
    np.testing.assert_allclose(horizontal_distances_m(a, b), shapely.distance(*hulls), atol=1e-12)


VOLUMES = {
    # name: a, b, shared volume, protrusion of a from b
    "touching": (CUBE, box(2, 0, 0, 2, 2, 2), 0.0, 2.0),
    "apart": (CUBE, box(5, 0, 0, 2, 2, 2), 0.0, 5.0),
    "same": (CUBE, CUBE, 8.0, 0.0),
    "nested": (box(0.25, 0, -0.1, 1, 1, 1), CUBE, 1.0, -0.25),
    "flush with the floor": (box(0, 0, -0.75, 0.5, 0.5, 0.5), CUBE, 0.125, 0.0),
    "partly": (box(1, 0, 0, 1, 1, 1), CUBE, 0.5, 0.5),
    "corner": (box(1, 1, 1, 1, 1, 1), CUBE, 0.125, 0.5),
    "thin": (box(0.9, 0, 0, 0.4, 1, 0.001), CUBE, 0.0003, 0.1),
    "octagon": (box(0, 0, 0, 2, 2, 2, yaw=45), CUBE, 16 * (R2 - 1), R2 - 1),
    "on its side": (box(0, 0, 0, 2, 1, 0.5, roll=90, yaw=90), box(0, 0, 0, 0.4, 3, 3), 0.8, 0.05),
    "wedge": (box(1, 0, 0, R2, 1, R2, pitch=45), CUBE, 1.0, 1.0),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_shared_volumes_and_protrusions(name):
    a, b, volume, protrusion = VOLUMES[name]
    assert float(shared_volumes_m3(a, b)) == pytest.approx(volume, abs=1e-7)
    assert float(shared_volumes_m3(b, a)) == pytest.approx(volume, abs=1e-7)
    close(protrusions_m(a, b), protrusion)


def test_shared_volumes_equal_those_of_manifold3d():
    manifold3d = pytest.importorskip("manifold3d")
    rng = np.random.default_rng(3)
    a, b = many(rng, 80), many(rng, 80)

    def solid(boxes, i):
        pose = np.column_stack([boxes.R_world_box[i], boxes.center_m[i]])
        return manifold3d.Manifold.cube(2 * boxes.half_m[i], True).transform(pose)

    reference = [(solid(a, i) ^ solid(b, i)).volume() for i in range(80)]
    assert 20 < np.count_nonzero(reference) < 80
    np.testing.assert_allclose(shared_volumes_m3(a, b), reference, atol=1e-6)


CHAIR = standing(0.8, 0, 0, 0.5, 0.5, 0.9)
BED = standing(0, 0, 0, 2, 1.6, 1.1)  # with its headboard
ON = {
    "lamp on a table": (standing(0.5, 0.2, 0.75, 0.3, 0.3, 0.5), TABLE, YES),
    "lamp that sinks in by an error": (standing(0.5, 0.2, 0.71, 0.3, 0.3, 0.5), TABLE, YES),
    "lamp that hovers by an error": (standing(0.5, 0.2, 0.79, 0.3, 0.3, 0.5), TABLE, YES),
    "gap that may be none": (standing(0.5, 0.2, 0.85, 0.3, 0.3, 0.5), TABLE, UNCLEAR),
    "hanging lamp": (standing(0.5, 0.2, 1.4, 0.3, 0.3, 0.5), TABLE, NO),
    "picture on the wall behind": (standing(0, 0.49, 1.2, 1, 0.03, 0.7), TABLE, NO),
    "table on its lamp": (TABLE, standing(0.5, 0.2, 0.75, 0.3, 0.3, 0.5), NO),
    "turned lamp": (standing(0.5, 0.2, 0.75, 0.3, 0.3, 0.5, yaw=33), TABLE, YES),
    "sheet of paper": (standing(0, 0, 0.75, 0.2, 0.3, 0.001), TABLE, YES),
    "lamp beside": (standing(1.3, 0, 0.75, 0.3, 0.3, 0.5), TABLE, NO),
    "lamp half over the edge": (standing(0.99, 0, 0.75, 0.3, 0.3, 0.5), TABLE, UNCLEAR),
    "lamp that would fall": (standing(1.05, 0, 0.75, 0.3, 0.3, 0.5), TABLE, UNCLEAR),
    "chair pushed under a table": (CHAIR, TABLE, NO),
    "table over a chair": (TABLE, CHAIR, NO),
    "bin under a table": (standing(0.5, 0, 0, 0.3, 0.3, 0.4), TABLE, NO),
    "shelf over a bin": (standing(0, 0, 0.45, 1, 0.4, 0.1), standing(0, 0, 0, 0.3, 0.3, 0.45), UNCLEAR),
    "pillow in a bed's box": (standing(-0.7, 0, 0.55, 0.4, 0.6, 0.15), BED, UNCLEAR),
    "book in a shelf's box": (standing(0, 0, 1.0, 0.2, 0.2, 0.25), standing(0, 0, 0, 1, 0.3, 2), UNCLEAR),
    "television wider than its stand": (
        standing(0, 0, 0.5, 1.1, 0.1, 0.7),
        standing(0, 0, 0, 1.0, 0.4, 0.5),
        YES,
    ),
    "table on a rug": (standing(0, 0, 0.01, 1, 0.6, 0.5), standing(0, 0, 0, 2, 1.5, 0.01), YES),
    "table with two legs on a rug": (
        standing(0.7, 0, 0.01, 1, 0.6, 0.5),
        standing(0, 0, 0, 2, 1.5, 0.01),
        UNCLEAR,
    ),
    "rug under a table": (standing(0, 0, 0, 2, 1.5, 0.01), standing(0, 0, 0.01, 1, 0.6, 0.5), NO),
    "two mats on one floor": (standing(0, 0, 0, 1, 1, 0.02), standing(0.05, 0, 0, 1, 1, 0.02), UNCLEAR),
    "below": (standing(0, 0, -1, 0.3, 0.3, 0.5), TABLE, NO),
    "in another room": (standing(9, 9, 0.75, 0.3, 0.3, 0.5), TABLE, NO),
    "box that leans": (box(0.5, 0.2, 0.97, 0.3, 0.3, 0.3, pitch=30), TABLE, UNCLEAR),
    "on a slightly tilted table": (
        standing(0.9, 0, 0.75 + 0.9 * math.tan(math.radians(4)), 0.1, 0.1, 0.5),
        box(0, 0, 0.375 / math.cos(math.radians(4)), 2, 1, 0.75, pitch=-4),
        YES,
    ),
}


@pytest.mark.parametrize("name", ON)
def test_what_rests_on_what(name):
    a, b, expected = ON[name]
    assert rests_on(a, b) == expected


def test_tolerances_of_resting_are_the_callers():
    lamp = standing(0.5, 0.2, 0.85, 0.3, 0.3, 0.5)
    assert rests_on(lamp, TABLE, contact_m=0.11) == YES
    assert rests_on(lamp, TABLE, clear_m=0.09) == NO
    over = standing(0.9, 0, 0.75, 0.3, 0.3, 0.5)  # 5/6 of it lies over the table
    assert [int(rests_on(over, TABLE, share=s)) for s in (0.8, 0.85)] == [YES, UNCLEAR]
    beside = standing(1.12, 0, 0.75, 0.3, 0.3, 0.5)  # a tenth of it does
    assert [int(rests_on(beside, TABLE, miss_share=s)) for s in (0.09, 0.11)] == [UNCLEAR, NO]
    leaning = box(0, 0, 0.9, 0.3, 0.3, 0.3, pitch=12)
    assert [int(rests_on(leaning, TABLE, tilt_deg=t)) for t in (11, 13)] == [UNCLEAR, YES]


def test_stacks():
    """A cup on a book on a table on a rug; a lamp stands on the table, a chair elsewhere."""
    scene = joined(
        standing(0.3, 0.1, 0.79, 0.08, 0.08, 0.1),  # cup, within the contact tolerance of the table too
        standing(0.3, 0.1, 0.75, 0.2, 0.3, 0.04),  # book
        TABLE,
        standing(0, 0, -0.01, 3, 2, 0.01),  # rug
        standing(-0.5, 0, 0.75, 0.2, 0.2, 0.5),  # lamp
        standing(9, 0, 0, 0.5, 0.5, 0.9),  # chair
    )
    y, n, u = int(YES), int(NO), int(UNCLEAR)
    expected = [
        [n, y, u, u, n, n],
        [n, n, y, u, n, n],
        [n, n, n, y, n, n],
        [n, n, n, n, n, n],
        [n, n, y, u, n, n],
        [n, n, n, n, n, n],
    ]
    cup = standing(0.3, 0.1, 0.79, 0.08, 0.08, 0.1)
    assert rests_on(cup, TABLE) == YES  # judged by itself
    assert supports(scene).tolist() == expected
    twice = joined(scene, scene)
    assert supports(twice).tolist() == [expected, expected]


ABOVE = {
    "lamp over a table": (standing(0.5, 0.2, 1.4, 0.3, 0.3, 0.5), TABLE, YES),
    "lamp on a table": (standing(0.5, 0.2, 0.75, 0.3, 0.3, 0.5), TABLE, YES),
    "table below a lamp": (TABLE, standing(0.5, 0.2, 1.4, 0.3, 0.3, 0.5), NO),
    "higher, but beside": (standing(5, 0, 1.4, 0.3, 0.3, 0.5), TABLE, NO),
    "partly over": (standing(1.1, 0, 1.4, 0.3, 0.3, 0.5), TABLE, UNCLEAR),
    "sunk in": (standing(0, 0, 0.4, 0.3, 0.3, 0.9), TABLE, UNCLEAR),
    "same": (TABLE, TABLE, NO),
}


@pytest.mark.parametrize("name", ABOVE)
def test_what_is_straight_above_what(name):
    a, b, expected = ABOVE[name]
    assert above(a, b) == expected


CABINET = standing(0, 0, 0, 1, 0.6, 2)
INSIDE = {
    "in a cabinet": (standing(0, 0, 0.5, 0.3, 0.3, 0.3), CABINET, YES),
    "turned": (standing(0, 0, 0.5, 0.3, 0.3, 0.3, yaw=45), CABINET, YES),
    "sticks out by an error": (standing(0, -0.19, 0.5, 0.3, 0.3, 0.3), CABINET, YES),
    "half out": (standing(0, -0.3, 0.5, 0.3, 0.3, 0.3), CABINET, UNCLEAR),
    "hardly in": (standing(0, -0.4, 0.5, 0.3, 0.3, 0.3), CABINET, NO),
    "on top": (standing(0, 0, 2, 0.3, 0.3, 0.3), CABINET, NO),
    "touching": (standing(0, -0.45, 0.5, 0.3, 0.3, 0.3), CABINET, NO),
    "the cabinet in what is in it": (CABINET, standing(0, 0, 0.5, 0.3, 0.3, 0.3), NO),
    "annotated twice": (CABINET, standing(0.01, 0, 0, 1, 0.6, 2), UNCLEAR),
    "thin shelf board": (standing(0, 0, 1, 0.9, 0.5, 0.01), CABINET, YES),
    "rod that pierces it": (standing(0, 0, 1, 5, 0.02, 0.02), CABINET, UNCLEAR),
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_is_inside_what(name):
    a, b, expected = INSIDE[name]
    assert inside(a, b) == expected


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_turning_and_mirroring_the_world_changes_no_relation(seed):
    rng = np.random.default_rng(seed)
    how = "tilted" if seed % 2 else "yaw"
    a, b = many(rng, 20, how), many(rng, 20, how)
    R = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    t = rng.normal(size=3) * 3
    measures = (
        footprint_overlaps_m2,
        horizontal_distances_m,
        protrusions_m,
        vertical_gap_m,
        shared_volumes_m3,
    )
    for other in (lambda x: moved(x, R, t), mirrored):
        for measure in measures:
            np.testing.assert_allclose(measure(other(a), other(b)), measure(a, b), atol=1e-7)
        for verdict in (rests_on, above, inside):
            assert (verdict(other(a), other(b)) == verdict(a, b)).mean() > 0.99  # ties may fall either way
        np.testing.assert_allclose(
            gap_along_m(moved(a, R, t), moved(b, R, t), R @ X), gap_along_m(a, b, X), atol=1e-9
        )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_laws(seed):
    rng = np.random.default_rng(seed)
    a, b, c = (many(rng, 20, "tilted" if seed % 2 else "yaw", spread=1.5) for _ in range(3))
    np.testing.assert_allclose(horizontal_distances_m(a, b), horizontal_distances_m(b, a), atol=1e-9)
    np.testing.assert_allclose(footprint_overlaps_m2(a, b), footprint_overlaps_m2(b, a), atol=1e-9)
    np.testing.assert_allclose(shared_volumes_m3(a, b), shared_volumes_m3(b, a), atol=1e-7)
    # Between sets the triangle inequality holds with the size of the one in the middle.
    middle = 2 * np.sqrt((c.half_m**2).sum(-1))
    around = horizontal_distances_m(a, c) + middle + horizontal_distances_m(c, b)
    assert (horizontal_distances_m(a, b) <= around + 1e-9).all()
    # Nothing rests on what rests on it.
    assert not ((rests_on(a, b) == YES) & (rests_on(b, a) == YES)).any()
    assert not ((inside(a, b) == YES) & (inside(b, a) == YES)).any()
    apart = horizontal_distances_m(a, b) > 0
    assert (rests_on(a, b)[apart] == NO).all() and (inside(a, b)[apart] == NO).all()


def test_pairs_broadcast():
    rng = np.random.default_rng(8)
    flat = many(rng, 2 * 5)
    stacked = Boxes(
        center_m=flat.center_m.reshape(2, 5, 3),
        half_m=flat.half_m.reshape(2, 5, 3),
        R_world_box=flat.R_world_box.reshape(2, 5, 3, 3),
    )
    rows = Boxes(
        center_m=stacked.center_m[:, :, None],
        half_m=stacked.half_m[:, :, None],
        R_world_box=stacked.R_world_box[:, :, None],
    )
    columns = Boxes(
        center_m=stacked.center_m[:, None],
        half_m=stacked.half_m[:, None],
        R_world_box=stacked.R_world_box[:, None],
    )
    for relation in (
        rests_on,
        above,
        inside,
        footprint_overlaps_m2,
        horizontal_distances_m,
        shared_volumes_m3,
    ):
        got = relation(rows, columns)
        assert got.shape == (2, 5, 5)
        one = relation(
            Boxes(center_m=flat.center_m[7], half_m=flat.half_m[7], R_world_box=flat.R_world_box[7]),
            Boxes(center_m=flat.center_m[9], half_m=flat.half_m[9], R_world_box=flat.R_world_box[9]),
        )
        assert got[1, 2, 4] == pytest.approx(one, abs=1e-12)
    assert supports(stacked).shape == (2, 5, 5)
    none = Boxes(center_m=np.zeros((0, 3)), half_m=np.zeros((0, 3)), R_world_box=np.zeros((0, 3, 3)))
    assert supports(none).shape == (0, 0)


def test_what_stands_on_what_in_furnished_rooms():
    """The generator of rooms knows what it put on what, and says nothing of it to the scene's boxes."""
    rooms = procedural.Procedural(seed=1, options={"count": 8, "frame_count": 2})
    pairs = Counter()
    for index in range(8):
        room = procedural.build_room(rooms.options, 1, index)
        items = room.layout.items
        assert [item.category for item in items] == [o.category for o in room.objects]
        verdicts = supports(boxes_of(room.objects))
        for i, upper in enumerate(items):
            for j, lower in enumerate(items):
                pairs[upper.support is lower, int(verdicts[i, j])] += 1
    assert pairs[True, int(YES)] > 20
    assert pairs[True, int(NO)] == pairs[True, int(UNCLEAR)] == 0
    assert pairs[False, int(YES)] == 0
    assert pairs[False, int(UNCLEAR)] < 0.002 * pairs[False, int(NO)]
