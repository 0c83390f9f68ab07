from __future__ import annotations

from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.config import NoiseSettings, ProgramSettings, SourceNoise
from ouroboros_data.programs import api, margins
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Answer

SETTINGS = ProgramSettings()


@pytest.fixture(scope="module")
def pool():
    with SandboxPool() as opened:
        yield opened


def measure(pool, scene, *bodies, settings=SETTINGS, frames=hand.FRAMES):
    sources = ["def answer():\n    return " + body for body in bodies]
    outcomes = pool.run(api.tables(scene, frames, hand.SHARE), sources)
    assert all(o.ok for o in outcomes), [o.detail for o in outcomes]
    return margins.measure(
        pool, scene, frames, sources, outcomes, settings=settings, min_pixel_share=hand.SHARE
    )


def turned(degrees_from_axis: float):
    """The tv stands this many degrees past the border between left and right, 3 m from the table."""
    import math

    a = math.radians(180 + degrees_from_axis)
    scene = hand.room()
    objects = tuple(
        replace(o, center_m=(3 * math.cos(a), 3 * math.sin(a), 0.5)) if o.id == "v" else o
        for o in scene.objects
    )
    return replace(scene, objects=objects)


SIDE = 'choice(sector(only("table"), objects("chair")[0], only("tv"), "left-right"), ["left", "right"])'


def test_margins_grow_with_the_distance_from_the_border(pool):
    # 2 cm at 2 m and 3 m: about 1° of noise.
    found = [measure(pool, turned(degrees), SIDE)[0].multiple for degrees in (0.02, 1.0, 5.0, 60.0)]
    assert found[0] == 0.0
    assert found == sorted(found)
    assert found[1] < 1.0 <= found[2]
    assert found[3] == 4.0


def test_insufficient_margins_say_what_changed(pool):
    weak, strong = measure(pool, turned(0.02), SIDE, 'number(count("chair"), "count")')
    assert not weak.sufficient and strong.sufficient
    assert "left" in weak.detail and "right" in weak.detail
    assert strong == margins.Margin(multiple=4.0)


def test_counts_hold_and_close_ties_do_not(pool):
    scene = hand.room()
    chairs = tuple(replace(o, center_m=(0.0, 2.01, 0.5)) if o.id == "c2" else o for o in scene.objects)
    tie = replace(scene, objects=chairs)  # gaps of 0.75 and 1.26 m: far apart
    near = replace(
        scene,
        objects=tuple(replace(o, center_m=(0.0, 1.51, 0.5)) if o.id == "c2" else o for o in scene.objects),
    )  # gaps of 0.75 and 0.76 m
    body = 'choice(closest(only("table"), objects("chair")).id, ["c1", "c2"])'
    assert measure(pool, tie, body)[0].multiple >= 2.0
    assert measure(pool, near, body)[0].multiple < 1.0


def test_appearances_near_the_visibility_threshold_are_not_stable(pool):
    order = 'ordering([o.category for o in sorted([only("lamp"), only("tv")], key=first_seen)])'
    assert measure(pool, hand.room(), order)[0].multiple >= 2.0
    frames = (hand.frame(0, {"v": 0.0022, "t": 0.1}), hand.frame(1, {"l": 0.1}), hand.frame(2, {"v": 0.1}))
    shaky = replace(hand.room(), frames=frames)
    assert measure(pool, shaky, order, frames=("f0", "f1", "f2"))[0].multiple < 1.0


def test_short_gaps_have_larger_relative_noise(pool):
    strict = replace(SETTINGS, number_tolerance_abs=0.0)
    near = 'number(distance(only("table"), objects("chair")[0]), "m")'
    far = 'number(distance(only("table"), only("tv")), "m")'
    tight, wide = measure(pool, hand.room(), near, far, settings=strict)
    assert tight.multiple < wide.multiple
    assert measure(pool, hand.room(), near)[0].multiple >= 1.0  # within 0.1 m


def test_no_copies_means_no_test(pool):
    untested = measure(pool, turned(0.02), SIDE, settings=replace(SETTINGS, jitters=0))[0]
    assert untested.multiple is None and untested.sufficient


def test_without_noise_everything_holds(pool):
    still = SourceNoise(center_m=0.0, extent_rel=0.0, yaw_deg=0.0, area_rel=0.0)
    assert measure(pool, turned(0.02), SIDE, settings=replace(SETTINGS, noise=still))[0].multiple == 4.0


def test_margins_do_not_depend_on_the_batch(pool):
    bodies = [SIDE, 'number(room_area(), "m2")', 'number(100 * longest(only("tv")), "cm")']
    together = measure(pool, turned(1.0), *bodies)
    assert together == [measure(pool, turned(1.0), body)[0] for body in bodies]


@pytest.mark.parametrize(
    ("unit", "base", "other", "step", "same"),
    [
        ("count", 3, 4, None, False),
        ("count", 3, 3, None, True),
        ("m", 0.5, 0.59, None, True),  # 0.1 m absolute
        ("m", 0.5, 0.61, None, False),
        ("m", 5.0, 5.4, None, True),  # a tenth
        ("cm", 50.0, 54.0, None, True),
        ("cm", 50.0, 56.0, None, False),
        ("deg", 20.0, 24.0, None, False),
        ("deg", 20.0, 24.0, 10.0, True),  # half a step
        ("deg", 20.0, 26.0, 10.0, False),
    ],
)
def test_tolerances(unit, base, other, step, same):
    a, b = (Answer(type="number", value=v, text="", unit=unit) for v in (base, other))
    assert margins.agrees(a, b, SETTINGS, step=step) is same


def test_a_scene_has_the_noise_of_its_source(pool):
    rough = NoiseSettings(center_m=0.2)
    settings = replace(SETTINGS, noise=SourceNoise(by_source={"rough": rough}))
    scene = turned(5.0)  # 5 degrees are far for the default, and little for 20 cm
    calm = measure(pool, scene, SIDE, settings=settings)[0].multiple
    shaken = measure(pool, replace(scene, source="rough"), SIDE, settings=settings)[0].multiple
    assert calm >= 2.0 and shaken < 1.0


def test_sixteen_copies_are_the_default():
    assert SETTINGS.jitters == 16
