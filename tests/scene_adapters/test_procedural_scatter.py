"""Scattered rooms: what stands in them, and that nothing about it follows from the words."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
import shapely

from ouroboros_data.errors import RecipeError
from scene_adapters.procedural import Options, Procedural
from scene_adapters.procedural.adapter import build_room
from scene_adapters.procedural.catalog import CATEGORIES
from scene_adapters.procedural.scatter import SCATTERED

KINDS = ("bed", "sofa", "chair", "table", "stool", "nightstand", "cabinet", "piano", "door", "picture")
WORLD = Options(arrangement="scattered", categories=KINDS, objects=(5, 10), area_m2=(9.0, 25.0), l_shaped=0.0)


@pytest.fixture(scope="module")
def rooms():
    return [build_room(WORLD, 4, index) for index in range(80)]


def footprint(obj):
    center, axes = np.array(obj.center_m), np.array(obj.R_world_object)
    half = np.array(obj.extent_m) / 2
    corners = [center + axes @ (half * (i, j, 0)) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return shapely.Polygon([corner[:2] for corner in corners])


def heights(obj):
    return obj.center_m[2] - obj.extent_m[2] / 2, obj.center_m[2] + obj.extent_m[2] / 2


def test_only_what_is_listed_in_the_numbers_that_are_asked_for(rooms):
    for room in rooms:
        assert {obj.category for obj in room.objects} <= set(KINDS)
        assert 5 <= len(room.objects) <= 10
        assert 9 - 0.05 <= room.room.area_m2 <= 25.05
    assert {obj.category for room in rooms for obj in room.objects} == set(KINDS)


def test_nothing_shares_space_floats_or_leaves_the_room(rooms):
    for room in rooms:
        floor = shapely.Polygon(room.room.floor_polygon_m).buffer(1e-6)
        for obj in room.objects:
            assert floor.contains(footprint(obj)), obj
            assert heights(obj)[1] < room.room.height_m
            if obj.category not in ("door", "picture"):
                assert heights(obj)[0] == pytest.approx(0.0, abs=1e-9), obj
            elif obj.category == "picture":
                assert 0.9 < heights(obj)[0] < 1.5
                assert footprint(obj).distance(floor.exterior) < 0.02
        for a, b in itertools.combinations(room.objects, 2):
            if min(heights(a)[1], heights(b)[1]) - max(heights(a)[0], heights(b)[0]) > 1e-6:
                assert footprint(a).intersection(footprint(b)).area < 1e-9, (a, b)


def test_of_what_fits_the_kind_does_not_tell_the_number(rooms):
    numbers = defaultdict(list)
    for room in rooms:
        for name, count in Counter(obj.category for obj in room.objects).items():
            numbers[name].append(count)
    small = ("chair", "stool", "nightstand", "picture")
    means = {name: np.mean(numbers[name]) for name in small}
    assert max(means.values()) - min(means.values()) < 0.6, means
    for name in small:
        shares = Counter(numbers[name])
        assert len(numbers[name]) > 15 and max(numbers[name]) == 4, name
        assert shares.most_common(1)[0][1] < 0.75 * len(numbers[name]), (name, shares)


def test_a_room_depends_on_seed_number_and_options_alone(rooms):
    assert build_room(WORLD, 4, 7).objects == rooms[7].objects
    assert build_room(WORLD, 5, 7).objects != rooms[7].objects


def test_every_category_that_stands_or_hangs_can_be_scattered():
    seen = Counter()
    for index in range(60):
        room = build_room(Options(arrangement="scattered", objects=(20, 30), area_m2=(40.0, 60.0)), 1, index)
        seen.update(obj.category for obj in room.objects)
    assert set(seen) == set(SCATTERED)
    assert set(CATEGORIES) - set(SCATTERED) >= {"pillow", "laptop", "book"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categories": ["chair"]}, "categories: wants arrangement: scattered"),
        (
            {"arrangement": "scattered", "categories": ["chair", "dragon"]},
            "categories: must be among bed, sofa",
        ),
        ({"arrangement": "scattered", "categories": ["pillow"]}, "categories: must be among"),
        ({"arrangement": "scattered", "categories": ["chair", "chair"]}, "categories: must differ"),
        ({"arrangement": "piled"}, "arrangement"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(RecipeError, match=message):
        Procedural(options=options)
