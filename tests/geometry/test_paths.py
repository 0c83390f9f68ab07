from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.transform import Rotation

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.boxes import Boxes, corners
from ouroboros_data.geometry.footprints import horizontal_distances_m
from ouroboros_data.geometry.paths import (
    blocks_walking,
    floor_level_m,
    floor_plan,
    turns_deg,
    way,
    way_lengths_m,
)

HALL = [(-6.0, -6.0), (6.0, -6.0), (6.0, 6.0), (-6.0, 6.0)]
R = 0.25


def short(arcs_m, corners):
    """How much too short a way may come out."""
    return 0.0016 * arcs_m + 1e-4 * corners


def boxes(*rows) -> Boxes:
    """Boxes from (x, y, length, width[, yaw[, bottom, height]])."""
    full = np.array([(*row, *(0.0, 0.0, 1.0)[len(row) - 4 :]) for row in rows], float)
    center = np.column_stack([full[:, :2], full[:, 5] + full[:, 6] / 2])
    return Boxes(
        center_m=center,
        half_m=np.column_stack([full[:, 2:4], full[:, 6]]) / 2,
        R_world_box=Rotation.from_euler("z", full[:, 4:5], degrees=True).as_matrix(),
    )


def plan_of(*rows, floor=HALL, blocks=None, **settings):
    scene = boxes(*rows)
    return floor_plan(
        scene, floor, np.ones(len(rows), bool) if blocks is None else np.array(blocks), **settings
    )


def length(*rows, **settings):
    return way(plan_of(*rows, **settings), 0, 1).length_m


POST_A, POST_B = (-3, 0, 0.2, 0.2), (3, 0, 0.2, 0.2)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((POST_A, POST_B), 5.8),  # the gap itself
        ((POST_A, (-2.9, 0, 0.2, 0.2)), 0.0),  # touching
        ((POST_A, (-3, 0, 1, 1)), 0.0),  # one in the other
        ((POST_A, (-2, 0, 0.2, 0.2)), 0.8),
        ((POST_A, (-2.7, 0, 0.2, 0.2)), 0.1),  # too narrow to pass between, but at both
        ((POST_A, (0, 3, 0.2, 0.2)), math.hypot(2.8, 2.8)),
        ((POST_A, POST_B, (0, 3, 1, 1)), 5.8),  # a thing beside the way
        ((POST_A, POST_B, (0, 0.751, 1, 1)), 5.8),  # just wide enough
        ((POST_A, (3, 0, 0.2, 0.2, 45)), 5.9 - 0.1 * math.sqrt(2)),
        # Between two that stand close to a third thing, with nothing in the way.
        ((POST_A, (-2.4, 0, 0.2, 0.2), (-2.7, 0.4, 1, 0.5)), 0.4),
    ],
)
def test_in_the_open_the_way_is_the_gap(rows, expected):
    assert length(*rows) == pytest.approx(expected, abs=1e-9)


def round_a_block(x, y, half):
    """Length from a point x before the middle of a block's side, over its corner circles (half, y), and back."""
    away = math.hypot(x - half, y)
    tangent = math.sqrt(away**2 - R**2)
    turn = math.atan2(y, x - half) + math.asin(R / away)
    return 2 * tangent + 2 * R * turn + 2 * half, turn


def test_round_a_block():
    """From the corner (-2.9, 0.1) of a post over the block's corners (±0.5, 1)."""
    got = way(plan_of(POST_A, POST_B, (0, 0, 1, 2)), 0, 1)
    exact, turn = round_a_block(2.9, 0.9, 0.5)
    assert exact - short(2 * R * turn, corners=2) <= got.length_m <= exact + 1e-9
    assert got.touches == (True, True)
    bends = turns_deg(got.points_m)
    assert bends == pytest.approx([-math.degrees(turn)] * 2, abs=6)  # chords of an arc of 11.25° a step
    assert got.points_m[0] == pytest.approx([-2.9, 0.1]) or got.points_m[0] == pytest.approx([-2.9, -0.1])
    assert np.hypot(*np.diff(got.points_m, axis=0).T).sum() == pytest.approx(got.length_m)


def test_a_wider_walker_goes_a_longer_way():
    rows = (POST_A, POST_B, (0, 0, 1, 2))
    lengths = [length(*rows, radius_m=r) for r in (0.05, 0.15, 0.25, 0.35)]
    assert lengths == sorted(lengths) and lengths[-1] - lengths[0] > 0.1


DOOR = [(0, 3.4, 0.2, 5.2), (0, -3.4, 0.2, 5.2)]  # a wall across the hall with a doorway 1.6 m wide


def test_through_a_doorway_and_not_through_a_crack():
    rows = [(-3, 3, 0.2, 0.2), (3, 3, 0.2, 0.2), *DOOR]
    through = way(plan_of(*rows), 0, 1)
    # From a post's corner (-2.9, 2.9) over the circles round the doorway's corners (±0.1, 0.8).
    away = math.hypot(2.8, 2.1)
    turn = math.atan2(2.1, 2.8) + math.asin(R / away)
    exact = 2 * math.sqrt(away**2 - R**2) + 2 * R * turn + 0.2
    assert exact - short(2 * R * turn, corners=2) <= through.length_m <= exact + 1e-9
    assert turns_deg(through.points_m) == pytest.approx([2 * math.degrees(turn)], abs=0.2)  # the wall is thin
    narrow = [(0, 3.1 + 0.1, 0.2, 5.9), (0, -3.1 - 0.1, 0.2, 5.9)]  # 0.5 m minus the tolerance is left
    assert length(*rows[:2], (0, 3.124, 0.2, 5.752), (0, -3.124, 0.2, 5.752)) == math.inf  # 0.496 m wide
    assert length(*rows[:2], (0, 3.126, 0.2, 5.748), (0, -3.126, 0.2, 5.748)) < 9  # 0.504 m
    assert length(*rows[:2], *narrow, radius_m=0.2) < 9


def test_unreachable_is_a_value():
    got = way(plan_of(POST_A, POST_B, (0, 0, 0.2, 12)), 0, 1)
    assert got.length_m == math.inf and got.points_m.shape == (0, 2)
    assert len(turns_deg(got.points_m)) == 0
    around = [(3, 1, 2.2, 0.1), (3, -1, 2.2, 0.1), (2, 0, 0.1, 2), (4, 0, 0.1, 2)]
    assert length(POST_A, POST_B, *around) == math.inf
    assert length(POST_A, POST_B, *around[:3]) < 12


def test_nobody_leaves_the_floor():
    """An L-shaped floor: the straight line crosses the part that is missing."""
    floor = [(-6.0, -6.0), (6.0, -6.0), (6.0, 0.0), (0.0, 0.0), (0.0, 6.0), (-6.0, 6.0)]
    got = way(plan_of((-1, 5, 0.2, 0.2), (5, -1, 0.2, 0.2), floor=floor), 0, 1)
    # To the circle round the inner corner (0, 0), a piece of it, and on; from the posts' lower and left corners.
    away = math.hypot(0.9, 4.9)
    tangent, lean = math.sqrt(away**2 - R**2), math.asin(R / away) - math.atan2(0.9, 4.9)
    exact = 2 * tangent + R * (math.pi / 2 + 2 * lean)
    assert exact - short(R * (math.pi / 2 + 2 * lean), corners=1) <= got.length_m <= exact + 1e-9
    assert shapely.Polygon(floor).buffer(1e-6).covers(shapely.LineString(got.points_m))
    two_rooms = [(-6, -6), (6, -6), (6, 6), (0.1, 6), (0.1, -5.8), (-0.1, -5.8), (-0.1, 6), (-6, 6)]
    assert length(POST_A, POST_B, floor=two_rooms) == math.inf
    assert length(POST_A, POST_B, floor=two_rooms, radius_m=0.09) > 12


def test_walks_start_and_end_at_things_against_the_wall():
    """A door leaf in the wall, and a picture beyond it, are reached although nobody's centre gets to a wall."""
    door, post = (-6.05, 0, 0.1, 0.9), (0, 0, 0.2, 0.2)
    got = way(plan_of(door, post), 0, 1)
    assert got.touches == (True, True) and got.length_m == pytest.approx(5.9, abs=1e-9)
    inside = way(plan_of((-5.98, 0, 0.04, 0.9), post), 0, 1)
    assert inside.touches == (True, True) and inside.length_m == pytest.approx(5.86, abs=1e-9)


def test_no_way_leads_from_door_to_door_outside():
    """Two doors in the walls on both sides of a notch in the floor, which nobody crosses."""
    notched = [(-6, -6), (6, -6), (6, 6), (1, 6), (1, 0), (-1, 0), (-1, 6), (-6, 6)]
    doors = (-0.95, 4, 0.1, 0.9), (0.95, 4, 0.1, 0.9)
    got = way(plan_of(*doors, floor=notched), 0, 1)
    # From the lower edges of the doors, at (±1, 3.55), past the corners of the notch at 0.25 m.
    assert got.touches == (True, True)
    assert 2 * 3.5 + 2.0 < got.length_m < 2 * 3.55 + 2.0 + 1.5
    assert shapely.Polygon(notched).buffer(1e-6).covers(shapely.LineString(got.points_m[1:-1]))


def test_the_end_of_a_narrowing_wedge():
    """Between two things that lean on a long one, the walker fits to where it is near enough, and no farther.

    A long thing left of x = 0; above, the widened edge y = 1; below, a widened edge that rises towards the long thing
    by 20° and meets the other at (0.2, 1). At x = 0.35 one is near enough to the long thing.
    """
    slope = math.radians(20)
    along, out = np.array([math.cos(slope), -math.sin(slope)]), np.array([math.sin(slope), math.cos(slope)])
    x, y = np.array([0.2, 1.0]) + 0.7 * along - (R + 0.2) * out
    end = 1.0 - 0.15 * math.tan(slope)
    rows = [(-0.5, 0, 1, 6), (3, end - 0.2, 0.2, 0.2), (x, y, 2, 0.4, -20), (1, 1.75, 2, 1)]
    got = way(plan_of(*rows), 0, 1)
    assert got.touches == (True, True)
    assert got.length_m == pytest.approx(0.35 + math.hypot(2.55, 0.1), abs=1e-6)
    assert got.points_m[1] == pytest.approx([0.35, end], abs=1e-6)


def test_a_lamp_on_a_table_is_only_within_reach():
    table, lamp, post = (0, 0, 1.4, 1.4), (0, 0, 0.2, 0.2, 0, 0.75, 0.5), (4, 0, 0.2, 0.2)
    got = way(plan_of(lamp, post, table), 0, 1)
    assert (
        got.touches == (False, True) and got.length_m == math.inf
    )  # 0.6 m to the edge, and the walker's own 0.25
    got = way(plan_of(lamp, post, table, reach_m=1.0), 0, 1)
    assert got.touches == (False, True) and got.length_m == pytest.approx(3.8, abs=1e-9)
    near_edge = (0.55, 0, 0.2, 0.2, 0, 0.75, 0.5)
    got = way(plan_of(near_edge, post, table), 0, 1)
    assert got.touches == (True, True) and got.length_m == pytest.approx(3.25, abs=1e-9)
    assert length(table, post, lamp) == pytest.approx(3.2, abs=1e-9)  # the lamp goes with its table
    assert length(lamp, table, post) == 0.0


def test_chairs_around_a_table():
    """Pushed in by half they leave with the table; drawn back they close it off, and it is only within reach."""
    table, post = (0, 0, 1.2, 1.2), (4, 0, 0.2, 0.2)
    pushed = [(0.6, 0, 0.5, 0.5), (-0.6, 0, 0.5, 0.5), (0, 0.6, 0.5, 0.5), (0, -0.6, 0.5, 0.5)]
    got = way(plan_of(table, post, *pushed), 0, 1)
    assert got.touches == (True, True) and got.length_m == pytest.approx(3.3, abs=1e-9)
    drawn = [(0.9, 0, 0.5, 1.8), (-0.9, 0, 0.5, 1.8), (0, 0.9, 1.8, 0.5), (0, -0.9, 1.8, 0.5)]
    got = way(plan_of(table, post, *drawn), 0, 1)
    assert got.touches == (False, True)
    got = way(plan_of(table, post, *drawn, reach_m=1.0), 0, 1)
    assert got.length_m == pytest.approx(3.3, abs=1e-9)


def test_a_partition_is_not_reached_across():
    """A post right behind a thin long partition: the way leads round its end."""
    post, far, partition = (-0.12, 0, 0.2, 0.2), (3, 0, 0.2, 0.2), (0, 0, 0.02, 4)
    assert length(post, far, partition) > 4.5
    assert length(post, far, (0, 0, 0.02, 0.1)) > 2.9  # narrower than the post, but just in between


def test_what_one_walks_over_or_under():
    scene = boxes(
        (0, 0, 2, 2, 0, 0, 0.02),  # rug
        (0, 0, 1, 1, 0, 2.1, 0.4),  # hanging lamp
        (0, 0, 1, 1, 0, 0, 0.7),  # table
        (0, 0, 1, 1, 0, 1.2, 0.7),  # wall cupboard at the height of a head
        (0, 0, 1, 1, 0, 0.09, 0.005),
    )
    assert blocks_walking(scene, floor_z_m=0.0).tolist() == [False, False, True, True, False]
    assert blocks_walking(scene, floor_z_m=-1.0).tolist() == [True, False, True, False, True]
    assert blocks_walking(scene, floor_z_m=0.0, head_m=1.1).tolist() == [False, False, True, False, False]
    rows = (POST_A, POST_B, (0, 0, 1, 2))
    assert way(plan_of(*rows, blocks=[True, True, False]), 0, 1).length_m == pytest.approx(5.8)


def test_the_level_that_things_stand_on():
    heights = [-1.0, -1.0, -1.01, -0.98, -0.2, 0.3, -1.3]
    scene = boxes(*[(0, 0, 1, 1, 0, z, 0.7) for z in heights])
    assert floor_level_m(scene) == pytest.approx(-1.0)
    none = Boxes(center_m=np.zeros((0, 3)), half_m=np.zeros((0, 3)), R_world_box=np.zeros((0, 3, 3)))
    assert math.isnan(floor_level_m(none))


@pytest.mark.parametrize(
    "floor", [[], [(0, 0), (1, 1)], [(0, 0), (1, 1), (1, 0), (0, 1)], [(0, 0), (1, 0), (math.nan, 1)]]
)
def test_a_floor_must_be_a_simple_polygon(floor):
    with pytest.raises(SceneError, match="no simple polygon"):
        plan_of(POST_A, POST_B, floor=floor)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="flags"):
        plan_of(POST_A, POST_B, blocks=[True])
    with pytest.raises(ValueError, match="expected"):
        plan_of(POST_A, POST_B, radius_m=0.0)
    with pytest.raises(IndexError):
        way(plan_of(POST_A, POST_B), 0, 2)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0, 0), (1, 0)], []),
        ([(0, 0), (1, 0), (2, 0)], []),
        ([(0, 0), (1, 0), (1, 1)], [90]),
        ([(0, 0), (1, 0), (1, -1)], [-90]),
        ([(0, 0), (1, 0), (1.1, 0.1), (1.1, 1)], [90]),  # a rounded corner is one turn
        ([(0, 0), (1, 0), (2, 1), (2, 2)], [45, 45]),
        ([(0, 0), (1, 0), (1.1, 0.1), (2, 0.1)], [45, -45]),
        ([(0, 0), (1, 0), (1, 0), (1, 1)], [90]),  # standing still
        ([(0, 0), (-1, 0), (-2, 0.0), (-2, -1)], [90]),  # across the seam of angles
    ],
)
def test_turns(points, expected):
    assert turns_deg(np.array(points, float)) == pytest.approx(np.array(expected, float))


def crowd(rng, n):
    """Two posts with free floor around them, and n - 2 things of furniture between."""
    rows = [(-5, 0, 0.1, 0.1), (5, 0, 0.1, 0.1)]
    while len(rows) < n:
        x, y = rng.uniform([-4, -5], [4, 5])
        rows.append((x, y, *rng.uniform(0.2, 2.0, 2), rng.uniform(0, 90)))
    return rows


def by_full_graph(rows, floor):
    """The way between the posts over a visibility graph of everything at once, on shapely's own buffers."""
    scene = boxes(*rows)
    shapes = [shapely.convex_hull(shapely.multipoints(c[:, :2])) for c in corners(scene)]
    free = shapely.Polygon(floor).buffer(-R, quad_segs=32)
    free = free.difference(shapely.union_all([s.buffer(R, quad_segs=32) for s in shapes[2:]]))
    near = [s.buffer(R + 0.1 - 1e-3) for s in shapes[:2]]
    assert all(free.covers(zone) for zone in near)  # so the rule about the ends makes no difference
    nodes = shapely.get_coordinates(free)
    room = free.buffer(1e-6)
    shapely.prepare(room)
    i, j = np.triu_indices(len(nodes), 1)
    lines = shapely.linestrings(np.stack([nodes[i], nodes[j]], 1))
    seen = shapely.covers(room, lines)
    ends = [shapely.shortest_line(shapes[k], shapely.points(nodes)) for k in (0, 1)]
    direct = shapely.shortest_line(shapes[0], shapes[1])
    if room.covers(direct):
        return direct.length
    rows_, columns, weights = [i[seen]], [j[seen]], [shapely.length(lines[seen])]
    for k in (0, 1):
        good = np.flatnonzero(shapely.covers(room, ends[k]))
        rows_.append(good)
        columns.append(np.full(len(good), len(nodes) + k))
        weights.append(shapely.length(ends[k][good]))
    graph = csr_array(
        (np.maximum(np.concatenate(weights), 1e-12), (np.concatenate(rows_), np.concatenate(columns))),
        shape=(len(nodes) + 2,) * 2,
    )
    return float(dijkstra(graph, directed=False, indices=len(nodes))[len(nodes) + 1])


@pytest.mark.parametrize("seed", range(12))
def test_equals_a_visibility_graph_of_everything(seed):
    rng = np.random.default_rng(seed)
    rows = crowd(rng, int(rng.integers(4, 9)))
    got, expected = length(*rows), by_full_graph(rows, HALL)
    assert got == pytest.approx(expected, abs=2e-3)


def test_the_full_graphs_ways_are_not_all_straight():
    lengths = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        lengths.append(length(*crowd(rng, int(rng.integers(4, 9)))))
    assert sum(9.9 + 1e-6 < x < math.inf for x in lengths) >= 6


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_laws_of_ways(seed):
    rng = np.random.default_rng(seed)
    rows = crowd(rng, 8)
    scene, blocks = boxes(*rows), np.ones(8, bool)
    plan = floor_plan(scene, HALL, blocks)
    here, back = way(plan, 0, 1), way(plan, 1, 0)
    assert here.length_m == pytest.approx(back.length_m, abs=1e-9)
    again = way(floor_plan(scene, HALL, blocks), 0, 1)
    assert (again.points_m == here.points_m).all()
    a, b = (
        Boxes(center_m=scene.center_m[k], half_m=scene.half_m[k], R_world_box=scene.R_world_box[k])
        for k in (0, 1)
    )
    assert here.length_m >= float(horizontal_distances_m(a, b)) - 1e-9
    blocks[5] = False
    assert way(floor_plan(scene, HALL, blocks), 0, 1).length_m <= here.length_m + 2e-3
    lengths, touch = way_lengths_m(plan, [(0, 1), (1, 0), (2, 2)])
    assert lengths[2] == 0.0 and lengths[0] == here.length_m and touch.shape == (3,)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_turning_and_mirroring_the_room_changes_lengths_by_no_more_than_the_rounding(seed):
    rng = np.random.default_rng(seed)
    scene = boxes(*crowd(rng, 7))
    base = way(floor_plan(scene, HALL, np.ones(7, bool)), 0, 1)
    angle = rng.uniform(0, 360)
    turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()
    flip = np.diag([1.0, -1.0, 1.0])
    for M in (turn, flip, turn @ flip):
        axes = M @ scene.R_world_box * np.array([1.0, 1.0, np.linalg.det(M)])
        other = Boxes(center_m=scene.center_m @ M.T, half_m=scene.half_m, R_world_box=axes)
        got = way(floor_plan(other, np.array(HALL) @ M[:2, :2].T, np.ones(7, bool)), 0, 1)
        if math.isinf(base.length_m) or math.isinf(got.length_m):
            continue  # a passage as wide as the walker may be open the one way only
        assert got.length_m == pytest.approx(base.length_m, abs=5e-3)
