from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry import walls
from ouroboros_data.geometry.boxes import Boxes

HALL = [(0.0, 0.0), (6.0, 0.0), (6.0, 4.0), (0.0, 4.0)]


def boxes(*spots: tuple[tuple[float, float, float], tuple[float, float, float]], yaw: float = 0.0) -> Boxes:
    """Centre and extents each."""
    c, s = math.cos(yaw), math.sin(yaw)
    n = len(spots)
    return Boxes(
        center_m=np.array([center for center, _ in spots], float).reshape(n, 3),
        half_m=np.array([extent for _, extent in spots], float).reshape(n, 3) / 2,
        R_world_box=np.broadcast_to(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]), (n, 3, 3)).copy(),
    )


def free(*spots: tuple[tuple[float, float, float], tuple[float, float, float]], outline=HALL) -> float | None:  # type: ignore[no-untyped-def]
    return walls.free_wall_m(boxes(*spots), outline, np.ones(len(spots), bool), floor_z_m=0.0)


def standing(x: float, y: float, w: float = 1.0, d: float = 0.6, low: float = 0.0, high: float = 1.0):  # type: ignore[no-untyped-def]
    return ((x, y, (low + high) / 2), (w, d, high - low))


LONG_WALLS_BLOCKED = (
    standing(3.0, 3.7, w=6.0),
    standing(0.3, 2.0, w=0.6, d=4.0),
    standing(5.7, 2.0, w=0.6, d=4.0),
)
"""North, west and east are taken up; 0.6 m at either end of the south too, by the two on its sides."""


def test_walls_are_the_edges_of_the_outline_and_not_its_ragged_bits() -> None:
    assert walls.longest_wall_m(HALL) == pytest.approx(6.0)
    ragged = [(0, 0), (2, 0.03), (3, -0.04), (4, 0.02), (6, 0), (6, 4), (0, 4)]
    assert walls.longest_wall_m(ragged) == pytest.approx(6.0, abs=0.05)
    ell = [(0, 0), (7, 0), (7, 2), (3, 2), (3, 5), (0, 5)]
    assert walls.longest_wall_m(ell) == pytest.approx(7.0)
    # A pillar 0.15 m deep in the middle: one wall of 6 m or two of less than 3 m?
    pillar = [(2.8, 0.0), (2.8, 0.15), (3.2, 0.15), (3.2, 0.0)]
    assert walls.longest_wall_m([(0, 0), *pillar, (6, 0), (6, 4), (4, 6), (2, 6), (0, 4)]) is None


def test_an_empty_hall_is_free_along_its_longest_wall() -> None:
    assert free() == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        ((), 4.8),
        (standing(3.0, 0.3), 1.9),
        (standing(2.0, 0.3), 2.9),  # right of it from 2.5 to 5.4
        (standing(3.0, 0.6, d=0.6), 1.9),  # 0.3 m off the wall
        (standing(3.0, 0.8, d=0.6), None),  # 0.5 m off the wall
        (standing(3.0, 1.5, d=0.6), 4.8),
        (standing(3.0, 0.3, high=0.05), 4.8),  # a mat
        (standing(3.0, 0.3, low=1.0, high=1.5), 4.8),  # hangs on the wall
        (standing(3.0, 0.3, low=0.5, high=1.5), None),
        (standing(3.0, 0.3, low=0.3, high=1.5), 1.9),
        (standing(3.0, -0.05, d=0.1, high=2.0), 1.9),  # a door in the wall
        (standing(3.0, -0.6, d=0.6), 4.8),  # behind the wall
    ],
)  # fmt: skip
def test_what_stands_at_the_foot_of_a_wall_takes_it_up(thing, expected) -> None:  # type: ignore[no-untyped-def]
    found = free(*LONG_WALLS_BLOCKED, *([thing] if thing else []))
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_things_that_do_not_count_take_up_nothing() -> None:
    spots = (*LONG_WALLS_BLOCKED, standing(3.0, 0.3))
    found = walls.free_wall_m(boxes(*spots), HALL, np.array([True, True, True, False]), floor_z_m=0.0)
    assert found == pytest.approx(4.8)
    assert walls.at_walls(boxes(*spots), HALL, np.ones(4, bool), floor_z_m=0.0).tolist() == [True] * 4
    middle = boxes(standing(3.0, 2.0), standing(3.0, 0.3), standing(3.0, 0.3, low=1.0))
    assert walls.at_walls(middle, HALL, np.ones(3, bool), floor_z_m=0.0).tolist() == [False, True, False]


def test_the_floor_may_lie_anywhere() -> None:
    tall = (
        standing(3.0, 3.7, w=6.0, high=2.0),
        standing(0.3, 2.0, w=0.6, d=4.0, high=2.0),
        standing(5.7, 2.0, w=0.6, d=4.0, high=2.0),
    )
    spots = (*tall, standing(3.0, 0.3, low=1.0, high=1.5))
    # With the floor 0.9 m up, what hung on the wall stands by it.
    assert walls.free_wall_m(boxes(*spots), HALL, np.ones(4, bool), floor_z_m=0.9) == pytest.approx(1.9)
    lifted = [((x, y, z - 7.0), size) for (x, y, z), size in spots]
    found = walls.free_wall_m(boxes(*lifted), HALL, np.ones(4, bool), floor_z_m=-7.0)
    assert found == pytest.approx(4.8)


def test_clockwise_outlines_are_the_same_walls() -> None:
    assert free(*LONG_WALLS_BLOCKED, standing(3.0, 0.3), outline=HALL[::-1]) == pytest.approx(1.9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.2, 5.8), st.floats(0.2, 3.8), st.floats(0.2, 1.5), st.floats(0.2, 1.5)),
        max_size=6,
    )
)
def test_no_other_stretch_is_free_and_longer(things: list[tuple[float, float, float, float]]) -> None:
    # Sliding a window of the found length along every wall: nothing is in it at the found place, and a longer one is
    # blocked everywhere.
    found = free(*(standing(x, y, w, d) for x, y, w, d in things))
    if found is None:
        return
    shapes = [shapely.box(x - w / 2, y - d / 2, x + w / 2, y + d / 2) for x, y, w, d in things]

    def is_free(length: float) -> bool:
        for (x0, y0), (x1, y1) in zip(HALL, HALL[1:] + HALL[:1], strict=True):
            whole = math.hypot(x1 - x0, y1 - y0)
            if length > whole:
                continue
            u = np.array([(x1 - x0) / whole, (y1 - y0) / whole])
            n = np.array([-u[1], u[0]])
            for s in np.linspace(0, whole - length, 241):
                a, b = np.array([x0, y0]) + s * u, np.array([x0, y0]) + (s + length) * u
                window = shapely.Polygon([a - 0.1 * n, b - 0.1 * n, b + 0.5 * n, a + 0.5 * n])
                if not any(window.intersection(shape).area > 1e-9 for shape in shapes):
                    return True
        return False

    assert found < 0.05 or is_free(found - 0.03)
    assert not is_free(found + 0.03)


@pytest.mark.parametrize(
    "outline", [[], [(0, 0), (1, 0)], [(0, 0), (6, 4), (6, 0), (0, 4)], [(0, 0), (math.nan, 0), (1, 1)]]
)
def test_bad_outlines_are_named(outline: list[tuple[float, float]]) -> None:
    with pytest.raises(SceneError, match="no simple polygon"):
        walls.longest_wall_m(outline)
