from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scanned_rooms import (
    TALL_M,
    Piece,
    ScannedRoom,
    l_shape,
    rectangle,
    rooms_with_doors,
    scan,
    u_shape,
)
from shapely.geometry import box

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.floor import Floor, floor_outline
from ouroboros_data.geometry.plan import Grid, covered, outlines, surface_samples

THREE, DOORS = rooms_with_doors()
TWO_DOORS = box(4, 1, 4.15, 1.9)
TWO = shapely.union_all([box(0, 0, 4, 3), box(4.15, 0, 7, 3), TWO_DOORS])
# A ring corridor around a block that nobody entered.
AROUND = rectangle(7, 6) - box(2, 2, 5, 4)
CLOSET = rectangle(2.5, 3.2) | box(2.5, 1, 3.1, 1.7)
FURNITURE = (
    Piece(box(0, 0, 2, 1.6), 0.5),
    Piece(box(3.4, 0, 4, 1.2), 2.0, top_seen=False),
    Piece(box(3.4, 4.2, 4, 5), 1.9),
    Piece(box(0, 4.4, 1.2, 5), 0.75),
    Piece(box(1.5, 2.5, 2.7, 3.3), 0.75),
)
BEDROOM = (
    Piece(box(0, 0, 1.4, 2), 0.5),
    Piece(box(2, 0, 2.5, 1), 0.8),
    Piece(box(1.9, 2.6, 2.5, 3.2), 2.2, top_seen=False),
)
WINDOWS = (box(1, -0.1, 3, 0.1), box(-0.1, 2, 0.1, 4))
MISSED = (box(2.5, 1, 3, 1.4), box(0, 2.5, 0.3, 3), box(3.2, 2.6, 4, 3))

ROOMS = {
    "rectangle, 8 m²": ScannedRoom(rectangle(2.5, 3.2)),
    "rectangle, 20 m²": ScannedRoom(rectangle(4, 5), ceiling=True),
    "rectangle, 300 m²": ScannedRoom(rectangle(20, 15), step_m=0.1),
    "L, 17 m²": ScannedRoom(l_shape(5, 4, 2, 1.5)),
    "L, 150 m²": ScannedRoom(l_shape(15, 13, 9, 5), step_m=0.1),
    "U, 39 m²": ScannedRoom(u_shape(8, 6, 3, 3)),
    "U with a narrow gap": ScannedRoom(u_shape(5, 4, 0.6, 2.5)),
    "corridor around a block": ScannedRoom(AROUND),
    "two rooms and a door": ScannedRoom(TWO, doorways=(TWO_DOORS,)),
    "three rooms and two doors": ScannedRoom(THREE, doorways=DOORS),
    "furniture": ScannedRoom(rectangle(4, 5), FURNITURE),
    "small bedroom, noise": ScannedRoom(rectangle(2.5, 3.2), BEDROOM, noise_m=0.01),
    "furniture, missed floor, noise": ScannedRoom(rectangle(4, 5), FURNITURE, unseen=MISSED, noise_m=0.01),
    "one side open": ScannedRoom(l_shape(5, 4, 2, 1.5), no_walls=(box(-1, -1, 6, 0.5),)),
    "no walls at all": ScannedRoom(rectangle(4, 5), no_walls=(box(-1, -1, 6, 6),), noise_m=0.01),
    "windows": ScannedRoom(rectangle(4, 5), FURNITURE, windows=WINDOWS, stray=400, noise_m=0.01),
    "windows, much outside": ScannedRoom(rectangle(4, 5), windows=WINDOWS, stray=3000, noise_m=0.01),
    "ragged walls": ScannedRoom(
        rectangle(4, 5), FURNITURE, windows=WINDOWS, stray=400, noise_m=0.01, wall_tops_m=0.5
    ),
    "hollow walls, seen to head height": ScannedRoom(THREE, doorways=DOORS, wall_tops_m=0.8, noise_m=0.01),
    "closet behind a lintel": ScannedRoom(CLOSET, doorways=(box(2.5, 1, 2.6, 1.7),)),
    "bed where the scan ends": ScannedRoom(
        rectangle(4, 5), (Piece(box(1, 0, 3, 2), 0.5),), no_walls=(box(-1, -1, 6, 2.5),)
    ),
    "coarse, noise of 2 cm, sloped": ScannedRoom(rectangle(2.5, 3.2), noise_m=0.02, tilt=0.01, step_m=0.1),
    "fine, noise of 2 cm": ScannedRoom(rectangle(2.5, 3.2), noise_m=0.02),
    "everything": ScannedRoom(
        THREE,
        (FURNITURE[0], Piece(box(6.9, 3.2, 7.5, 4), 2.0, top_seen=False), Piece(box(0, 5.4, 2, 6), 0.9)),
        DOORS,
        windows=(box(1, -0.1, 3, 0.1),),
        stray=300,
        noise_m=0.01,
        wall_tops_m=0.4,
        ceiling=True,
        tilt=0.005,
        unseen=(box(5, 2, 5.4, 2.4),),
    ),
}


def area_of(ring) -> float:
    return shapely.Polygon(ring).area


@pytest.mark.parametrize("turn_deg", [0.0, 13.0, 22.5, 45.0])
@pytest.mark.parametrize("name", ROOMS)
def test_area_is_within_two_percent(name, turn_deg):
    room = replace(ROOMS[name], turn_deg=turn_deg)
    floor = floor_outline(*scan(room, seed=int(turn_deg)))
    assert floor.area_m2 == pytest.approx(room.area_m2, rel=0.02)
    assert len(floor.parts) == 1
    assert floor.floor_z_m == pytest.approx(0.4, abs=0.05)
    assert (floor.height_m is None) == (not room.ceiling)
    if room.ceiling:
        assert floor.height_m == pytest.approx(TALL_M, abs=0.02)


@pytest.mark.parametrize("name", ["L, 17 m²", "U, 39 m²", "two rooms and a door", "furniture", "everything"])
def test_the_outline_is_that_of_the_room(name):
    room = replace(ROOMS[name], turn_deg=31.0)
    floor = floor_outline(*scan(room))
    turned = shapely.affinity.rotate(room.floor, 31.0, origin=(0, 0))
    true = shapely.affinity.translate(turned, 1.7, -3.1)
    found = shapely.Polygon(floor.outline_m)
    assert found.is_valid
    assert found.exterior.is_ccw
    assert found.symmetric_difference(true).area < 0.03 * room.area_m2
    assert found.area == pytest.approx(floor.area_m2, rel=0.02)


def test_rooms_that_nothing_joins_are_parts():
    a = scan(ScannedRoom(rectangle(4, 3)))
    b = scan(ScannedRoom(rectangle(2, 3)))
    speck = scan(ScannedRoom(rectangle(0.5, 0.5)))
    vertices = np.concatenate([a[0], b[0] + [6, 0, 0], speck[0] + [0, 8, 0]])
    faces = np.concatenate([a[1], b[1] + len(a[0]), speck[1] + len(a[0]) + len(b[0])])
    floor = floor_outline(vertices, faces)
    assert [area_of(ring) for ring in floor.parts] == pytest.approx([12, 6], rel=0.01)
    assert floor.outline_m == floor.parts[0]
    assert floor.area_m2 == pytest.approx(18, rel=0.01)


def test_a_speck_far_away_does_not_spoil_the_grid():
    vertices, faces = scan(ScannedRoom(rectangle(4, 3)))
    far = np.array([[900.0, 900, 0.4], [900.1, 900, 0.4], [900, 900.1, 0.4], [1e30, 0, 0], [np.nan, 0, 0]])
    n = len(vertices)
    more = np.array([[n, n + 1, n + 2], [0, 1, n + 3], [0, 1, n + 4]])
    floor = floor_outline(np.concatenate([vertices, far]), np.concatenate([faces, more]))
    assert floor.area_m2 == pytest.approx(12, rel=0.01)


def test_a_wide_floor_of_many_pieces_is_whole():
    vertices, faces = scan(ScannedRoom(rectangle(4, 3), step_m=0.25))
    many = [vertices + np.array([9 * i, 9 * j, 0]) for i in range(9) for j in range(9)]
    floor = floor_outline(
        np.concatenate(many), np.concatenate([faces + i * len(vertices) for i in range(81)])
    )
    assert len(floor.parts) == 81
    assert floor.area_m2 == pytest.approx(81 * 12, rel=0.02)


def test_large_triangles_and_slanted_walls():
    plan = shapely.Polygon([(0, 0), (6, 0.7), (5, 4.1), (2, 5), (-1, 3)])
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(plan))
    floor_3d = [np.c_[np.array(p.exterior.coords)[:3], np.zeros(3)] for p in pieces]
    ring = np.array(plan.exterior.coords)
    walls = []
    for a, b in itertools.pairwise(ring):
        low, high = np.array([[*a, 0], [*b, 0]]), np.array([[*a, 2.5], [*b, 2.5]])
        walls += [np.array([low[0], low[1], high[1]]), np.array([low[0], high[1], high[0]])]
    corners = np.concatenate([*floor_3d, *walls])
    found = floor_outline(corners, np.arange(len(corners)).reshape(-1, 3))
    assert found.area_m2 == pytest.approx(plan.area, rel=0.005)
    assert shapely.Polygon(found.outline_m).symmetric_difference(plan).area < 0.01 * plan.area


@pytest.mark.parametrize("name", ["everything", "furniture"])
def test_winding_does_not_matter(name):
    vertices, faces = scan(ROOMS[name])
    floor = floor_outline(vertices, faces)
    assert floor_outline(vertices, faces[:, ::-1]) == floor
    mixed = np.where((np.arange(len(faces)) % 2)[:, None] == 0, faces, faces[:, ::-1])
    assert floor_outline(vertices, mixed).area_m2 == pytest.approx(ROOMS[name].area_m2, rel=0.02)


def test_the_same_mesh_has_the_same_floor_in_any_order():
    vertices, faces = scan(ROOMS["everything"])
    floor = floor_outline(vertices, faces)
    assert floor_outline(vertices, faces) == floor
    rng = np.random.default_rng(0)
    order = rng.permutation(len(vertices))
    shuffled = floor_outline(vertices[order], np.argsort(order)[faces[rng.permutation(len(faces))]])
    assert shuffled.area_m2 == pytest.approx(floor.area_m2, rel=1e-3)


def test_a_table_top_or_a_cupboard_is_no_ceiling_and_no_floor():
    room = ScannedRoom(rectangle(4, 5), (Piece(box(0, 0, 4, 3), 0.75), Piece(box(3, 4, 4, 5), 2.2)))
    floor = floor_outline(*scan(room))
    assert floor.floor_z_m == pytest.approx(0.4, abs=0.01)
    assert floor.height_m is None
    assert floor.area_m2 == pytest.approx(20, rel=0.02)


def test_what_lies_behind_a_wall_is_not_floor():
    """A sill of half a metre outside of the window, level and joined to the wall."""
    room = ScannedRoom(rectangle(4, 5), windows=(box(1, -0.1, 3, 0.1),))
    vertices, faces = scan(room)
    sill = np.array([[1, -0.5, 0.9], [3, -0.5, 0.9], [3, 0, 0.9], [1, 0, 0.9]])
    sill += np.array([1.7, -3.1, 0.4])
    n = len(vertices)
    more = np.array([[n, n + 1, n + 2], [n, n + 2, n + 3]])
    floor = floor_outline(np.concatenate([vertices, sill]), np.concatenate([faces, more]))
    assert floor.area_m2 == pytest.approx(20, rel=0.005)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(25, 80),
    st.integers(32, 80),
    st.floats(0, 360),
    st.floats(0, 0.01),
    st.tuples(st.floats(0.1, 0.6), st.floats(0.1, 0.6)),
)
def test_any_l_shape_is_within_two_percent(x, y, turn_deg, noise_m, cut):
    cut_x, cut_y = (round(share * side / 2) * 0.2 for share, side in zip(cut, (x, y), strict=True))
    plan = l_shape(x * 0.1, y * 0.1, max(cut_x, 0.3), max(cut_y, 0.3))
    plan = shapely.set_precision(plan, 0.1)
    room = ScannedRoom(plan, turn_deg=turn_deg, noise_m=noise_m, step_m=0.1)
    if room.area_m2 < 8:
        return
    assert floor_outline(*scan(room)).area_m2 == pytest.approx(room.area_m2, rel=0.02)


QUAD = np.array([[0, 0, 0], [3, 0, 0], [3, 3, 0], [0, 3, 0]], float)


@pytest.mark.parametrize(
    ("vertices", "faces", "says"),
    [
        (QUAD, np.zeros((0, 3), int), "no faces"),
        (np.zeros((0, 3)), np.zeros((0, 3), int), "no faces"),
        (QUAD[:, :2], np.array([[0, 1, 2]]), r"got \(4, 2\)"),
        (QUAD, np.array([[0, 1, 4]]), "0 to 4, there are 4"),
        (QUAD, np.array([[0, 1, -1]]), "-1 to 1, there are 4"),
        (QUAD, np.array([[0, 1, 1]]), "no floor"),
        (QUAD * np.nan, np.array([[0, 1, 2]]), "no floor"),
        (QUAD[:, [0, 2, 1]], np.array([[0, 1, 2], [0, 2, 3]]), "no level faces"),
        (QUAD * 0.1, np.array([[0, 1, 2], [0, 2, 3]]), "no level surface of 1 m²"),
        (QUAD * 1e30, np.array([[0, 1, 2], [0, 2, 3]]), "larger than"),
    ],
)
def test_no_floor_is_said(vertices, faces, says):
    with pytest.raises(SceneError, match=says):
        floor_outline(vertices, faces)


def test_coverage_counts_centres():
    grid = Grid(turn_rad=0.0, origin_m=(0.0, 0.0), cell_m=1.0, shape=(6, 6))
    triangle = np.array([[[0, 0, 0], [4, 0, 0], [0, 4, 0]]], float)
    marks = covered(grid, triangle)
    expected = np.add.outer(np.arange(6) + 0.5, np.arange(6) + 0.5) <= 4
    np.testing.assert_array_equal(marks, expected)
    np.testing.assert_array_equal(covered(grid, triangle[:, ::-1]), expected)


def test_samples_lie_evenly_on_the_triangle():
    grid = Grid(turn_rad=0.3, origin_m=(-1.0, -2.0), cell_m=0.05, shape=(200, 200))
    triangle = np.array([[0.2, 0.1, 0.0], [3.1, 0.4, 1.0], [0.9, 2.2, 3.0]])
    cells, z = surface_samples(grid, triangle[None])
    np.testing.assert_allclose(z.mean(), triangle[:, 2].mean(), rtol=0.01)
    assert 0 < z.min() < z.max() < 3
    places = grid.world(np.stack(np.divmod(cells, 200), 1) + 0.5)
    np.testing.assert_allclose(places.mean(0), triangle[:, :2].mean(0), atol=0.02)
    assert set(np.unique(cells)) >= set(np.flatnonzero(covered(grid, triangle[None])))


def test_outlines_of_a_ring_and_a_saddle():
    grid = Grid(turn_rad=0.4, origin_m=(3.0, 1.0), cell_m=0.1, shape=(30, 30))
    marks = np.zeros((30, 30), np.float32)
    marks[5:25, 5:25] = 1
    marks[10:15, 10:15] = 0
    marks[26:28, 25:27] = 1
    marks[28:30, 27:29] = 1
    found = sorted(outlines(grid, marks), key=lambda p: -p.area)
    assert len(found) == 3
    assert len(found[0].interiors) == 1
    assert found[0].area == pytest.approx((400 - 25) * 0.01, abs=0.01)
    square = shapely.Polygon(grid.world(np.array([[5.0, 5], [25, 5], [25, 25], [5, 25]])))
    assert shapely.Polygon(found[0].exterior).symmetric_difference(square).area < 0.01  # half a cell off: 0.2
    assert outlines(grid, np.zeros((30, 30), np.float32)) == []


def test_a_mesh_of_a_real_scans_size_takes_a_second():
    pieces = tuple(Piece(box(x, y, x + 1.5, y + 0.8), 0.8) for x in (0, 2.5, 5, 8) for y in (0, 3, 6))
    room = ScannedRoom(rectangle(10, 8), pieces, noise_m=0.005, step_m=0.025, turn_deg=17)
    vertices, faces = scan(room)
    assert len(faces) > 600_000
    times = []
    for _ in range(3):
        start = time.process_time()
        floor = floor_outline(vertices, faces)
        times.append(time.process_time() - start)
    assert floor.area_m2 == pytest.approx(room.area_m2, rel=0.005)
    assert min(times) < 2.0, "twice the target: the machine may be busy"


def real_scan(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    raw = (shared_data / "scannet/scans/scene0000_00/scene0000_00_vh_clean_2.labels.ply").read_bytes()
    start = raw.index(b"end_header\n") + 11
    rows = np.dtype([("p", "<f4", 3), ("rgba", "u1", 4), ("label", "<u2")])
    vertices = np.frombuffer(raw, rows, 81_369, start)["p"]
    polygons = np.dtype([("n", "u1"), ("v", "<i4", 3)])
    return vertices, np.frombuffer(raw, polygons, 153_587, start + 81_369 * rows.itemsize)["v"]


def test_floor_of_a_real_scan(shared_data):
    floor: Floor = floor_outline(*real_scan(shared_data))
    # An alpha shape of all vertices has 46.5 m², with what lies behind the walls and what reaches their top.
    assert 41.5 < floor.area_m2 < 45.0
    assert len(floor.parts) == 1
    assert floor.floor_z_m == pytest.approx(0.05, abs=0.02)
    assert floor.height_m is None  # ScanNet's rooms have no ceiling
