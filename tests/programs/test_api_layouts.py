"""Every function over further tables, on layouts whose answer is worked out on paper; Monty and CPython agree on each."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import hand_scenes as hand
import layouts
import numpy as np
import pytest

from ouroboros_data.config import NoiseSettings
from ouroboros_data.geometry import relations, viewpoint
from ouroboros_data.programs import api, measures
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import ObjectView

box, camera, scene = hand.box, layouts.camera, layouts.scene
ROOT2 = math.sqrt(2)


@pytest.fixture(scope="module")
def pool():
    with SandboxPool() as opened:
        yield opened


@pytest.fixture
def ask(pool):
    def run(layout, expression: str, frames=None):
        """What an expression gives, or the reason why it gives nothing."""
        body = (
            f"value = {expression}\n"
            "if isinstance(value, bool):\n    return boolean(value)\n"
            "if isinstance(value, (int, float)):\n    return number(value, 'deg')\n"
            "if isinstance(value, list):\n    value = '+'.join([o.id for o in value])\n"
            "return choice(value or 'nothing', [value or 'nothing', 'another'])"
        )
        source = "def answer():\n" + "\n".join("    " + line for line in body.splitlines())
        tables = api.tables(layout, frames, hand.SHARE)
        outcome = pool.run(tables, [source])[0]
        assert pool.confirm(tables, [source], [outcome]) == [outcome]
        assert outcome.ok or outcome.detail
        return outcome.answer.value if outcome.ok else outcome.reason

    return run


def check(found, expected):
    if isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-6) and not isinstance(found, str)
    else:
        assert found == expected and type(found) is type(expected)


TABLE = box("t", "table", (0.0, 0.0, 0.5), (2.0, 1.0, 1.0))


def above_table(bottom: float, x=0.0, size=(0.2, 0.2, 0.4), category="lamp"):
    return box("o", category, (x, 0.0, bottom + size[2] / 2), size)


RESTS = 'supports(only("table"), only("lamp"))'


@pytest.mark.parametrize(
    ("layout", "expression", "expected"),
    [
        # Resting.
        ([TABLE, above_table(1.0)], RESTS, True),
        ([TABLE, above_table(1.04)], RESTS, True),
        ([TABLE, above_table(0.97)], RESTS, True),
        ([TABLE, above_table(1.1)], RESTS, "unclear"),
        ([TABLE, above_table(0.8)], RESTS, "unclear"),  # sunk in
        ([TABLE, above_table(1.2)], RESTS, False),  # hangs over it
        ([TABLE, above_table(1.0, x=1.0)], RESTS, "unclear"),  # half over the edge
        ([TABLE, above_table(1.0, x=1.2)], RESTS, False),
        ([TABLE, above_table(0.0)], RESTS, False),  # under it
        ([TABLE, above_table(1.0)], 'supports(only("lamp"), only("table"))', False),
        ([TABLE, above_table(1.0)], 'supports(only("lamp"), only("lamp"))', "degenerate"),
        ([TABLE, above_table(1.0)], 'on(only("table"))', "o"),
        ([TABLE, above_table(1.0)], 'on(only("lamp"))', "nothing"),
        ([TABLE, above_table(1.1)], 'on(only("table"))', "unclear"),
        ([TABLE, above_table(1.1)], 'on(only("table"), "vase")', "nothing"),  # the lamp is not asked about
        (
            [
                replace(TABLE, R_world_object=hand.yaw(33.0)),
                above_table(1.0, x=0.4),
                box("b", "book", (-0.4, 0.0, 1.01), (0.2, 0.3, 0.02), hand.yaw(10.0)),
                box("c", "chair", (2.5, 0.0, 0.5), (0.5, 0.5, 1.0)),
            ],
            'on(only("table"))',
            "o+b",
        ),
        # A cup on a book on the table: on the book; on the table people answer both ways.
        (
            [TABLE, box("b", "book", (0, 0, 1.02), (0.3, 0.3, 0.04)), box("c", "cup", (0, 0, 1.09), (0.1, 0.1, 0.1))],
            'supports(only("book"), only("cup"))',
            True,
        ),
        (
            [TABLE, box("b", "book", (0, 0, 1.02), (0.3, 0.3, 0.04)), box("c", "cup", (0, 0, 1.09), (0.1, 0.1, 0.1))],
            'supports(only("table"), only("cup"))',
            "unclear",
        ),
        # Above.
        ([TABLE, above_table(1.7)], 'above(only("lamp"), only("table"))', True),
        ([TABLE, above_table(1.0)], 'above(only("lamp"), only("table"))', True),
        ([TABLE, above_table(1.7)], 'above(only("table"), only("lamp"))', False),
        ([TABLE, above_table(1.7, x=1.2)], 'above(only("lamp"), only("table"))', False),
        ([TABLE, above_table(1.7, x=1.05)], 'above(only("lamp"), only("table"))', "unclear"),  # a quarter over it
        ([TABLE, above_table(0.85)], 'above(only("lamp"), only("table"))', "unclear"),  # sunk in
        # Gaps.
        ([TABLE, above_table(1.7, x=4.0)], 'vertical_gap(only("lamp"), only("table"))', 0.7),
        ([TABLE, above_table(0.0, x=4.0)], 'vertical_gap(only("lamp"), only("table"))', -1.0),
        ([TABLE, above_table(1.7, x=4.0)], 'vertical_gap(only("table"), only("lamp"))', -2.1),
        (
            [TABLE, box("o", "lamp", (0, 0, 3.0), (1.0, 1.0, 1.0), layouts.tilted(0, 45.0))],
            'vertical_gap(only("lamp"), only("table"))',
            2.0 - ROOT2 / 2,
        ),
        ([TABLE, above_table(9.0, x=3.1)], 'horizontal_distance(only("lamp"), only("table"))', 2.0),
        ([TABLE, above_table(9.0)], 'horizontal_distance(only("table"), only("lamp"))', 0.0),
        (
            [
                box("o", "lamp", (4.0, 0, 0), (1.0, 1.0, 1.0)),
                box("t", "table", (0, 0, 5), (2.0, 2.0, 1.0), hand.yaw(45.0)),
            ],
            'horizontal_distance(only("table"), only("lamp"))',
            3.5 - ROOT2,
        ),
        (
            [box("o", "lamp", (3.0, 4.0, 0), (2.0, 2.0, 1.0)), box("t", "table", (-1, 0, 0), (2.0, 2.0, 1.0))],
            'horizontal_distance(only("lamp"), only("table"))',
            math.hypot(2.0, 2.0),
        ),
        # Footprints.
        ([TABLE], 'footprint(only("table"))', 2.0),
        ([replace(TABLE, R_world_object=hand.yaw(20.0))], 'footprint(only("table"))', 2.0),
        (
            [box("t", "table", (0, 0, 0), (3.0, 2.0, 1.0), layouts.tilted(0, 30.0))],
            'footprint(only("table"))',
            3.0 * (2.0 * math.cos(math.pi / 6) + 1.0 * math.sin(math.pi / 6)),
        ),
    ],
)  # fmt: skip
def test_boxes(ask, layout, expression, expected):
    check(ask(scene(*layout), expression), expected)


CABINET = box("k", "kitchen cabinet", (0, 0, 0.5), (1.0, 0.5, 1.0))
WITHIN = 'inside(only("cup"), only("kitchen cabinet"))'


def cup(x: float, z=0.5, size=0.2):
    return box("c", "cup", (x, 0.0, z), (size, size, size))


@pytest.mark.parametrize(
    ("layout", "expression", "expected"),
    [
        ([CABINET, cup(0.0)], WITHIN, True),
        ([CABINET, cup(0.44)], WITHIN, True),  # sticks out by 4 cm
        ([CABINET, cup(0.5)], WITHIN, "unclear"),  # half in
        ([CABINET, cup(0.59)], WITHIN, False),
        ([CABINET, cup(2.0)], WITHIN, False),
        ([CABINET, cup(0.0, z=1.1)], WITHIN, False),  # on it
        ([CABINET, box("c", "cup", (0, 0, 0.5), (1.0, 0.5, 1.0))], WITHIN, "unclear"),  # one thing, twice?
        ([CABINET, cup(0.0, size=3.0)], WITHIN, False),
        ([CABINET, cup(0.0)], 'inside(only("kitchen cabinet"), only("cup"))', "no_container"),
        ([TABLE, cup(0.0)], 'inside(only("cup"), only("table"))', "no_container"),
        ([CABINET, cup(0.0), box("d", "cup", (0.2, 0, 0.2), (0.1, 0.1, 0.1), hand.yaw(45.0)), cup(3.0)],
         'contents(only("kitchen cabinet"))', "c+d"),
        ([CABINET, cup(0.5), box("p", "pan", (0.2, 0, 0.2), (0.1, 0.1, 0.1))],
         'contents(only("kitchen cabinet"), "pan")', "p"),
        ([CABINET, cup(0.5), box("p", "pan", (0.2, 0, 0.2), (0.1, 0.1, 0.1))],
         'contents(only("kitchen cabinet"))', "unclear"),
    ],
)  # fmt: skip
def test_containers(ask, layout, expression, expected):
    layout = [replace(o, id=f"c{i}") if o.id == "c" and i > 2 else o for i, o in enumerate(layout)]
    check(ask(scene(*layout), expression), expected)


BED = box("b", "bed", (1.0, 2.0, 0.5), (1.0, 1.0, 1.0))
SOFA = box("s", "sofa", (5.0, 2.0, 0.5), (1.0, 1.0, 1.0))
WALK = 'path_length(only("bed"), only("sofa"))'
# Round the end of a cabinet, 0.25 m off its corners: two tangents, two arcs and the metre between.
_TO_CORNER = math.sqrt(1.0**2 + 0.5**2 - 0.25**2)
_BEND = math.atan2(0.5, 1.0) + math.asin(0.25 / math.hypot(1.0, 0.5))
ROUND_THE_END = 2 * (_TO_CORNER + 0.25 * _BEND) + 1.0


def between(category: str, width: float, height=1.0, bottom=0.0):
    """What reaches from the southern wall towards the northern one, half way."""
    return box("x", category, (3.0, width / 2, bottom + height / 2), (1.0, width, height))


@pytest.mark.parametrize(
    ("layout", "expected", "tolerance"),
    [
        ([BED, SOFA], 3.0, 1e-6),
        ([BED, SOFA, between("cabinet", 1.0)], 3.0, 1e-6),  # not in the way
        ([BED, SOFA, between("cabinet", 3.0)], ROUND_THE_END, 0.005),
        ([BED, SOFA, between("rug", 4.0, height=0.05)], 3.0, 1e-6),  # walked over
        ([BED, SOFA, between("lamp", 4.0, bottom=2.0)], 3.0, 1e-6),  # walked under
        ([BED, SOFA, between("sliding door", 4.0)], 3.0, 1e-6),  # walked through
        ([BED, SOFA, between("cabinet", 4.0)], "unreachable", 0),
        ([BED, SOFA, between("cabinet", 3.6)], "unreachable", 0),  # 0.4 m are too narrow
        ([BED, box("t", "table", (4.0, 2.0, 0.4), (1.1, 1.1, 0.8)), box("s", "sofa", (4.0, 2.0, 1.0), (0.2, 0.2, 0.4))], "unclear", 0),
        ([BED, box("t", "table", (4.0, 2.0, 0.4), (3.0, 3.0, 0.8)), box("s", "sofa", (4.0, 2.0, 1.0), (0.2, 0.2, 0.4))], "unreachable", 0),
    ],
)  # fmt: skip
def test_ways_on_foot(ask, layout, expected, tolerance):
    found = ask(scene(*layout, floor=layouts.HALL), WALK)
    assert found == (expected if isinstance(expected, str) else pytest.approx(expected, abs=tolerance))
    assert ask(scene(*layout, floor=layouts.HALL), 'path_length(only("sofa"), only("bed"))') == found


@pytest.mark.parametrize("floor", [(), ((0, 0), (6, 4), (6, 0), (0, 4)), ((0, 0), (6, 0))])
def test_no_ways_without_an_outline(ask, floor):
    assert ask(scene(BED, SOFA, floor=floor), WALK) == "no_floor"


def test_ways_for_too_many_pairs_are_not_looked_for(ask):
    chairs = [box(f"c{i}", "chair", (0.5 + 0.8 * i, 0.5, 0.5), (0.4, 0.4, 1.0)) for i in range(7)]
    layout = scene(BED, SOFA, *chairs, floor=layouts.HALL)
    assert ask(layout, 'min([path_length(only("bed"), c) for c in objects("chair")])') == pytest.approx(
        0.8, abs=0.2
    )
    everything = "min([path_length(a, b) for a in objects() for b in objects() if a.id < b.id])"
    assert ask(layout, everything) == "too_many_pairs"


EAST = camera(0, at=(0.0, 0.0, 1.5), heading=0.0, shows=("a", "b", "c"))


def shows(share: float):
    """A frame that shows the lamp at this size."""
    return replace(EAST, views=(ObjectView(object_id="a", pixel_share=share),))


def at(x: float, y: float, z=1.5, name="a", category="lamp", size=(0.2, 0.2, 0.2), turn=0.0):
    return box(name, category, (x, y, z), size, hand.yaw(turn))


@pytest.mark.parametrize(
    ("cameras", "layout", "expression", "expected"),
    [
        ([EAST], [at(3, 0)], 'camera_distance(0, only("lamp"))', 2.9),
        ([EAST], [at(-3, 0)], 'camera_distance(0, only("lamp"))', 2.9),
        ([EAST], [at(0, 0)], 'camera_distance(0, only("lamp"))', 0.0),
        ([EAST], [at(3, 0, turn=45.0)], 'camera_distance(0, only("lamp"))', 3.0 - 0.1 * ROOT2),
        ([EAST], [at(3, 4, size=(2.0, 4.0, 1.0))], 'camera_distance(0, only("lamp"))', math.hypot(2.0, 2.0)),
        ([EAST], [at(2, 2)], 'camera_bearing(0, only("lamp"))', 45.0),
        ([EAST], [at(2, -2, z=9.0)], 'camera_bearing(0, only("lamp"))', -45.0),
        ([EAST], [at(-2, 2)], 'camera_bearing(0, only("lamp"))', 135.0),
        ([EAST], [at(0.05, 0)], 'camera_bearing(0, only("lamp"))', "unclear"),
        ([camera(0, heading=90.0, pitch=-30.0, roll=20.0)], [at(-1, 1)], 'camera_bearing(0, only("lamp"))', 45.0),
        ([camera(0, pitch=-80.0)], [at(2, 2)], 'camera_bearing(0, only("lamp"))', "unclear"),  # looks at the floor
        ([EAST], [at(2, 1)], 'camera_side(0, only("lamp"))', "left"),
        ([EAST], [at(2, -1)], 'camera_side(0, only("lamp"))', "right"),
        ([EAST], [at(-2, -1)], 'camera_side(0, only("lamp"))', "right"),  # also behind
        ([EAST], [at(2, 0.3)], 'camera_side(0, only("lamp"))', "unclear"),
        ([camera(0, heading=180.0)], [at(2, 1)], 'camera_side(0, only("lamp"))', "right"),
        ([camera(0, heading=180.0, roll=180.0)], [at(2, 1)], 'camera_side(0, only("lamp"))', "right"),
        ([EAST], [at(1, 1)], 'camera_facing(0, only("lamp"))', "in front"),
        ([EAST], [at(-1, 1)], 'camera_facing(0, only("lamp"))', "behind"),
        ([EAST], [at(0.1, 3)], 'camera_facing(0, only("lamp"))', "unclear"),
        ([EAST], [at(1, 1, z=2.0)], 'camera_level(0, only("lamp"))', "above"),
        ([EAST], [at(1, 1, z=1.0)], 'camera_level(0, only("lamp"))', "below"),
        ([EAST], [at(1, 1, z=1.56)], 'camera_level(0, only("lamp"))', "unclear"),
        ([EAST], [at(3, 1), at(3, -1, name="b", category="cup")], 'left_in_view(0, only("lamp"), only("cup"))', True),
        ([EAST], [at(3, 1), at(3, -1, name="b", category="cup")], 'left_in_view(0, only("cup"), only("lamp"))', False),
        ([EAST], [at(3, -1), at(9, 1, name="b", category="cup")], 'left_in_view(0, only("lamp"), only("cup"))', False),
        ([EAST], [at(3, 0.1), at(5, 0, name="b", category="cup")], 'left_in_view(0, only("lamp"), only("cup"))', "unclear"),
        ([camera(0, shows="a")], [at(3, 1), at(3, -1, name="b", category="cup")], 'left_in_view(0, only("lamp"), only("cup"))', "not_visible"),
        ([EAST], [at(3, 0), at(2, 1, name="b", category="cup"), at(1, 1, name="c", category="pan")], 'depth_order(0, *objects())', "c+b+a"),
        ([EAST], [at(3, 0), at(2, 1, name="b", category="cup")], 'depth_order(0, objects("lamp"))', "a"),
        ([EAST], [at(3, 0), at(3.14, 0, name="b", category="cup")], 'depth_order(0, *objects())', "unclear"),
        ([EAST], [at(3, 0), at(3.16, 0, name="b", category="cup")], 'depth_order(0, *objects())', "a+b"),
        ([EAST], [at(3, 0), at(2, 1, name="z", category="cup")], 'depth_order(0, *objects())', "not_visible"),
        ([EAST], [at(3, 0)], "depth_order(0)", "empty"),
        ([EAST], [at(3, 0)], 'view_share(0, only("lamp"))', 0.1),
        ([shows(0.3), shows(0.002), shows(0.0019), camera(3)], [at(3, 0)], 'view_share(0, only("lamp"))', 0.3),
        ([shows(0.3), shows(0.002), shows(0.0019), camera(3)], [at(3, 0)], 'view_share(1, only("lamp"))', 0.002),
        ([shows(0.3), shows(0.002), shows(0.0019), camera(3)], [at(3, 0)], 'view_share(2, only("lamp"))', 0.0),
        ([shows(0.3), shows(0.002), shows(0.0019), camera(3)], [at(3, 0)], 'view_share(3, only("lamp"))', 0.0),
        ([EAST], [at(3, 0), at(2, 1, name="z", category="cup")], 'view_share(0, only("cup"))', 0.0),
        ([EAST], [at(3, 0)], 'view_share(1, only("lamp"))', "bad_argument"),
        ([EAST], [at(3, 0)], 'view_share(0, "lamp")', "bad_argument"),
        ([EAST], [at(3, 0, z=0.3)], "camera_height(0)", 1.3),  # its underside, at 0.2, is the floor
        ([EAST], [], "camera_height(0)", "unclear"),
        ([EAST], [at(3, 0)], 'camera_distance(1, only("lamp"))', "bad_argument"),
        ([EAST], [at(3, 0)], 'camera_distance(-1, only("lamp"))', "bad_argument"),
        ([EAST], [at(3, 0)], 'camera_distance(True, only("lamp"))', "bad_argument"),
        ([], [at(3, 0)], 'camera_distance(0, only("lamp"))', "bad_argument"),
        ([EAST, camera(1, heading=90.0)], [], "camera_turn(0, 1)", 90.0),
        ([EAST, camera(1, heading=90.0)], [], "camera_turn(1, 0)", -90.0),
        ([camera(0, heading=170.0), camera(1, heading=-170.0)], [], "camera_turn(0, 1)", 20.0),
        ([EAST, camera(1, heading=30.0, pitch=50.0, roll=40.0)], [], "camera_turn(0, 1)", 30.0),
        ([EAST, EAST], [], "camera_turn(0, 1)", 0.0),
        ([EAST, camera(1, heading=178.0)], [], "camera_turn(0, 1)", "unclear"),
        ([EAST, camera(1, heading=20.0, pitch=-80.0)], [], "camera_turn(0, 1)", "unclear"),
        ([EAST, camera(1, at=(1.0, 2.0, 3.5))], [], "camera_moved(0, 1)", 3.0),
        ([camera(0, heading=90.0), camera(1, at=(1.0, 2.0, 1.7))], [], "camera_shift(0, 1)[0]", 1.0),
        ([camera(0, heading=90.0), camera(1, at=(1.0, 2.0, 1.7))], [], "camera_shift(0, 1)[1]", 2.0),
        ([camera(0, heading=90.0, pitch=40.0), camera(1, at=(1.0, 2.0, 1.7))], [], "camera_shift(0, 1)[2]", 0.2),
        ([camera(0, pitch=-89.0), EAST], [], "camera_shift(0, 1)[1]", "unclear"),
    ],
)  # fmt: skip
def test_cameras(ask, cameras, layout, expression, expected):
    cameras = [replace(frame, id=f"f{i}") for i, frame in enumerate(cameras)]
    check(ask(scene(*layout, cameras=cameras), expression), expected)


def test_positions_count_the_sampled_frames_only(ask):
    layout = scene(at(5, 0), cameras=[camera(i, at=(float(i), 0.0, 1.5)) for i in range(4)])
    assert ask(layout, 'camera_distance(1, only("lamp"))') == pytest.approx(3.9)
    assert ask(layout, 'camera_distance(1, only("lamp"))', ("f0", "f3")) == pytest.approx(1.9)
    assert ask(layout, 'camera_distance(0, only("lamp"))', ("f3", "f0")) == pytest.approx(1.9)
    assert ask(layout, "camera_moved(0, 1)", ("f0", "f3")) == pytest.approx(3.0)
    assert ask(layout, "camera_moved(0, 2)", ("f0", "f3")) == "bad_argument"


def test_zones_in_programs_are_those_of_the_geometry():
    assert relations.rests_on.__kwdefaults__ | {"tilt_deg": 10.0} == relations.supports.__kwdefaults__
    assert viewpoint.nearer_to_camera.__kwdefaults__["dead_m"] == 0.15
    assert "_NEARER_M = 0.15" in api.prelude()


def test_unclear_cannot_be_caught(pool):
    source = f"def answer():\n    try:\n        {RESTS}\n    except Exception:\n        pass\n    return boolean(False)"
    outcome = pool.run(api.tables(scene(TABLE, above_table(1.1)), None, hand.SHARE), [source])[0]
    assert outcome.reason == "unclear" and "lamp rests on the table" in outcome.detail


def test_evidence_names_frames_and_objects(pool):
    layout = scene(at(3, 0), at(2, 1, name="b", category="cup"), cameras=[EAST, camera(1, heading=9.0)])
    source = "def answer():\n    o = depth_order(0, *objects('cup', 'lamp'))[0]\n    camera_turn(0, 1)\n    return number(camera_distance(1, o), 'm')"
    evidence = pool.run(api.tables(layout, None, hand.SHARE), [source])[0].evidence
    assert evidence.object_ids == ("a", "b")
    assert evidence.calls == (
        "objects(a,b)",
        "depth_order(@0,a,b)",
        "camera_turn(@0,@1)",
        "camera_distance(@1,b)",
    )


def test_shares_of_copies_move_by_a_third_and_vanish_below_the_threshold(pool):
    layout = scene(
        at(3, 0), cameras=[replace(shows(s), id=f"f{i}") for i, s in enumerate((0.3, 0.0025, 0.9))]
    )
    drawn = api.draw_jitter(layout, None, 32)
    copies = api.jittered_tables(drawn, min_pixel_share=hand.SHARE, noise=NoiseSettings(), multiple=1.0)

    def read(frame: int) -> list[float]:
        source = f"def answer():\n    return number(view_share({frame}, only('lamp')), 'm')"
        return [run[0].answer.value for run in zip(*pool.run_copies(copies, [source]), strict=True)]

    large, small, whole = (np.array(read(frame)) for frame in range(3))
    assert 0.3 / 1.32 <= large.min() < 0.26 and 0.34 < large.max() <= 0.3 * 1.32
    assert whole.max() == 1.0
    hidden = 0.0025 * 2 ** drawn.flicker[:, 1, 0] < 0.002
    assert 0 < hidden.sum() < 32 and ((small == 0.0) == hidden).all()
    assert (small[~hidden] >= 0.0025 / 1.32).all()


def test_what_view_share_says_about_bad_arguments(pool):
    layout = scene(at(3, 0), cameras=[EAST])
    for call, detail in (
        ("view_share(1, only('lamp'))", "view_share() takes positions of sampled frames (0 to 0), got 1"),
        (
            "view_share(0, 'lamp')",
            "view_share() takes objects, got 'lamp': get one with only('…') or objects('…')",
        ),
    ):
        source = f"def answer():\n    return number({call}, 'm')"
        outcome = pool.run(api.tables(layout, None, hand.SHARE), [source])[0]
        assert (outcome.reason, outcome.detail) == ("bad_argument", detail)


def test_copies_have_tables_of_their_own(pool):
    layout = scene(BED, SOFA, above_table(0.0), cameras=[camera(0, at=(3.0, 3.0, 1.5))], floor=layouts.HALL)
    drawn = api.draw_jitter(layout, None, 6)
    copies = api.jittered_tables(drawn, min_pixel_share=hand.SHARE, noise=NoiseSettings(), multiple=1.0)
    for expression in (
        WALK,
        'camera_distance(0, only("bed"))',
        'footprint(only("bed"))',
        'vertical_gap(only("bed"), only("sofa"))',
        'horizontal_distance(only("bed"), only("sofa"))',
        'camera_bearing(0, only("sofa"))',
        "camera_height(0)",
    ):
        source = f"def answer():\n    return number({expression}, 'm')"
        found = [outcome.answer.value for outcome in pool.run_copies(copies, [source])[0]]
        base = pool.run(api.tables(layout, None, hand.SHARE), [source])[0].answer.value
        assert len({*found, base}) == 7, expression
        assert found == pytest.approx([base] * 6, abs=4.0 if "bearing" in expression else 0.3)


def test_the_outline_scales_with_the_area():
    layout = scene(BED, floor=layouts.HALL)
    drawn = api.draw_jitter(layout, None, 4)
    copies = api.jittered_tables(drawn, min_pixel_share=hand.SHARE, noise=NoiseSettings(), multiple=2.0)
    for table, outline in zip(copies.copies, copies.measures.outlines_m, strict=True):
        (x0, y0), (x1, _), (_, y1), _ = outline
        assert (x1 - x0) * (y1 - y0) == pytest.approx(table[3])
        assert (x0 + x1, y0 + y1) == pytest.approx((6.0, 4.0))
        assert table[3] != pytest.approx(24.0, abs=1e-3)


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(measures.SceneError, match="10 km"):
        api.tables(scene(BED, replace(SOFA, center_m=(2e4, 0.0, 0.0))), None, hand.SHARE)


def test_every_object_in_every_frame(ask):
    """Cubes of 0.2 m along a line, seen from three places beside it: each entry of each table is another one."""
    names, places = "abcde", (1.0, 2.5, 4.5, 7.0, 10.0)
    cubes = [at(x, 0.0, name=name, category=f"cube {name}") for name, x in zip(names, places, strict=True)]
    # Two look east from the south of the line, the last one looks west from its north.
    eyes = [(0.0, -2.0, 0.0), (3.0, -3.0, 0.0), (8.0, 4.0, 180.0)]
    cameras = [
        camera(i, at=(x, y, 1.5), heading=turn, shows=tuple(names)) for i, (x, y, turn) in enumerate(eyes)
    ]
    layout = scene(*cubes, cameras=cameras)
    for i, (x, y, turn) in enumerate(eyes):
        reach = {
            name: math.hypot(max(abs(p - x) - 0.1, 0.0), abs(y) - 0.1)
            for name, p in zip(names, places, strict=True)
        }
        for name, p in zip(names, places, strict=True):
            cube = f'only("cube {name}")'
            check(ask(layout, f"camera_distance({i}, {cube})"), reach[name])
            azimuth = (math.degrees(math.atan2(-y, p - x)) - turn + 180.0) % 360.0 - 180.0
            check(ask(layout, f"camera_bearing({i}, {cube})"), azimuth)
            if abs(azimuth) < 80.0 or abs(azimuth) > 100.0:
                check(
                    ask(layout, f"camera_facing({i}, {cube})"),
                    "in front" if abs(azimuth) < 90.0 else "behind",
                )
            if 10.0 < abs(azimuth) < 170.0:
                check(ask(layout, f"camera_side({i}, {cube})"), "left" if azimuth > 0 else "right")
        order = sorted(names, key=lambda name: reach[name])
        apart = min(reach[b] - reach[a] for a, b in itertools.pairwise(order))
        check(ask(layout, f"depth_order({i}, *objects())"), "+".join(order) if apart > 0.15 else "unclear")
    for j, second in enumerate(names):
        for k, first in enumerate(names[:j]):
            a, b = f'only("cube {first}")', f'only("cube {second}")'
            check(ask(layout, f"horizontal_distance({b}, {a})"), places[j] - places[k] - 0.2)
    # From the first camera what is farther along the line is farther to the right; the last one looks the other way.
    for a, b in (("b", "c"), ("b", "e"), ("d", "e")):
        check(
            ask(layout, f'left_in_view(0, only("cube {a}"), only("cube {b}"))'),
            True if a != "d" else "unclear",
        )
    check(ask(layout, 'left_in_view(2, only("cube a"), only("cube d"))'), False)


def test_the_examples_of_the_documentation_run(ask, pool, checkout):
    text = (checkout / "docs" / "program-api.md").read_text("utf-8")
    first, second = (b for b in text.split("```python\n")[1:] if b.startswith("def answer"))
    desk = [
        box("d", "desk", (3.0, 0.0, 0.4), (2.0, 2.0, 0.8)),
        box("l", "lamp", (3.5, 0.5, 1.0), (0.2, 0.2, 0.4)),
        box("m", "monitor", (2.5, -0.5, 1.0), (0.2, 0.4, 0.4)),
        box("p", "printer", (1.0, 0.0, 0.2), (0.4, 0.4, 0.4)),  # nearer, on the floor
        box("t", "telephone", (3.0, 0.6, 0.85), (0.2, 0.2, 0.1)),
    ]
    layout = scene(*desk, cameras=[camera(0, shows=("d", "l", "m", "p", "t"))])
    for source, room, answer in ((first, hand.room(), 0.75), (second, layout, "monitor")):
        outcome = pool.run(api.tables(room, None, hand.SHARE), [source.partition("```")[0]])[0]
        assert outcome.ok, outcome.detail
        assert outcome.answer.value == answer
