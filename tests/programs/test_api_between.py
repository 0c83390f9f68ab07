"""`between` in programs, and what noise does to things that touch."""

from __future__ import annotations

import itertools
from dataclasses import replace

import hand_scenes as hand
import layouts
import numpy as np
import pytest

from ouroboros_data.config import ProgramSettings
from ouroboros_data.geometry import between as geometry
from ouroboros_data.geometry.boxes import Boxes, boxes_of
from ouroboros_data.programs import api, margins
from ouroboros_data.programs.sandbox import SandboxPool

box = hand.box
SOFA, TV = box("s", "sofa", (0, 0, 0.4), (1.0, 2.0, 0.8)), box("v", "tv", (6, 0, 0.5), (0.4, 1.0, 0.6))
ASK = 'between(only("table"), only("sofa"), only("tv"))'


@pytest.fixture(scope="module")
def pool():
    with SandboxPool() as opened:
        yield opened


def run(pool, layout, expression):
    """The outcome of a yes or no, in both interpreters."""
    tables = api.tables(layout, None, hand.SHARE)
    sources = [f"def answer():\n    return boolean({expression})"]
    outcomes = pool.run(tables, sources)
    assert pool.confirm(tables, sources, outcomes) == outcomes
    return outcomes[0]


def table(x, y, dx=1.0, dy=1.0, turn=0.0):
    return box("t", "table", (x, y, 0.4), (dx, dy, 0.8), hand.yaw(turn))


@pytest.mark.parametrize(
    ("o", "expected"),
    [
        (table(3, 0), True),
        (table(3, 0.55), True),  # 0.71 of it lie between them, and it sees them 159° apart
        (table(3, 0.6), "unclear"),  # 0.66 and 157°
        (table(3, 2.0), "unclear"),
        (table(3, 3.1), False),
        (table(-2, 0), False),
        (table(8, 0.3), False),
        (table(0.85, 0), True),
        (table(0.6, 0), "unclear"),
        (table(0.35, 0, 0.5, 0.5), "unclear"),  # 0.8 over the sofa
        (table(0.2, 0, 0.5, 0.5), False),
        (table(0.7, 0, 1.0, 4.0), "unclear"),  # on the line, a third of it between them, 0.15 under the sofa
        (table(3, 0, 0.2, 3.0, turn=90.0), True),  # turned, it is 3 m long and 0.2 m wide
        (table(1.0, 0, 0.2, 3.0, turn=90.0), "unclear"),  # and here 1 m of that is under the sofa
    ],
)
def test_between(pool, o, expected):
    for names in ('only("sofa"), only("tv")', 'only("tv"), only("sofa")'):
        found = run(pool, layouts.scene(SOFA, TV, o), f'between(only("table"), {names})')
        assert (found.answer.value if found.ok else found.reason) == expected
        assert found.ok or "table is between the sofa and the tv" in found.detail
        assert found.evidence.calls[-1] == "between(t,s,v)"


def test_what_is_over_both_is_over_them_once(pool):
    ends = box("s", "sofa", (0, 0, 0.4), (2.0, 0.2, 0.8)), box("v", "tv", (0.5, 0, 0.5), (2.0, 0.2, 0.6))
    found = run(pool, layouts.scene(*ends, table(0.25, 0.05, 0.3, 0.3)), ASK)
    assert found.reason == "unclear"  # two thirds of it are over both, and it sees them 157° apart


@pytest.mark.parametrize(("y", "expected"), [(0.34, True), (0.37, "unclear")])  # 160.7° and 159.0°
def test_off_the_line_between_narrow_things(pool, y, expected):
    ends = box("s", "sofa", (1, 0, 0.4), (0.1, 0.1, 0.8)), box("v", "tv", (5, 0, 0.5), (0.1, 0.1, 0.6))
    found = run(pool, layouts.scene(*ends, table(3, y, 0.5, 0.5)), ASK)
    assert (found.answer.value if found.ok else found.reason) == expected


@pytest.mark.parametrize(
    ("expression", "reason", "detail"),
    [
        ('between(only("table"), only("sofa"), only("sofa"))', "degenerate", "between() of the sofa and itself"),
        ('between(only("sofa"), only("sofa"), only("tv"))', "degenerate", "between() of the sofa and itself"),
        ('between(only("sofa"), only("tv"), only("sofa"))', "degenerate", "between() of the sofa and itself"),
        ('between("table", only("sofa"), only("tv"))', "bad_argument", "between() takes objects, got 'table': get one with only('…') or objects('…')"),
        ('between(only("table"), only("sofa"), 3)', "bad_argument", "between() takes objects, got 3: get one with only('…') or objects('…')"),
        ('between(only("table"), objects("sofa"), only("tv"))', "bad_argument", "between() takes objects, got list: get one with only('…') or objects('…')"),
    ],
)  # fmt: skip
def test_bad_arguments_say_what_is_wrong(pool, expression, reason, detail):
    found = run(pool, layouts.scene(SOFA, TV, table(3, 0)), expression)
    assert (found.reason, found.detail) == (reason, detail)


def strewn(seed: int):
    """Four long things round the middle of a floor, with sixteen small ones strewn between and beside them."""
    dice = np.random.default_rng(seed)
    spots = [(0, 3), (6, 3), (3, 0), (3, 6), *dice.uniform(0.5, 5.5, (16, 2)).tolist()]

    def turn(k):
        if k % 3 == 0:
            return layouts.tilted(int(dice.integers(2)), float(dice.uniform(-20, 20)))
        return hand.yaw(float(dice.uniform(0, 360)))

    sizes = [dice.uniform(0.4, 2.5, 3) if k < 4 else dice.uniform(0.3, 1.0, 3) for k in range(20)]
    return [
        box(f"o{k}", f"thing {chr(97 + k)}", (x, y, float(dice.uniform(0, 3))), tuple(sizes[k]), turn(k))
        for k, (x, y) in enumerate(spots)
    ]


def test_programs_and_geometry_give_the_same_verdicts(pool):
    found, expected = [], []
    for seed in range(12):
        made = strewn(seed)
        boxes = boxes_of(made)
        triples = [(o, a, b) for o in range(4, 20) for a, b in itertools.combinations(range(4), 2)]
        o, a, b = (
            Boxes(
                center_m=boxes.center_m[list(index)],
                half_m=boxes.half_m[list(index)],
                R_world_box=boxes.R_world_box[list(index)],
            )
            for index in zip(*triples, strict=True)
        )
        expected += geometry.between(o, a, b).tolist()
        names = [c.category for c in made]
        sources = [
            f"def answer():\n    return boolean(between(only({names[i]!r}), only({names[j]!r}), only({names[k]!r})))"
            for i, j, k in triples
        ]
        outcomes = pool.run(api.tables(layouts.scene(*made), None, hand.SHARE), sources)
        found += [int(r.answer.value) if r.ok else -1 if r.reason == "unclear" else None for r in outcomes]
    assert found == expected
    assert min(np.bincount(np.array(found) + 1)) > 100


CUP_ON_TABLE = 'supports(only("table"), only("cup"))'


def margin(pool, bottom_m: float, expression: str = CUP_ON_TABLE, x: float = 0.0):
    layout = layouts.scene(
        box("t", "table", (0, 0, 0.4), (1.6, 0.9, 0.8)),
        box("c", "cup", (x, 0, bottom_m + 0.05), (0.1, 0.1, 0.1)),
        cameras=[layouts.camera(0, shows="tc")],
    )
    sources = [f"def answer():\n    return boolean({expression})"]
    outcomes = pool.run(api.tables(layout, None, hand.SHARE), sources)
    assert outcomes[0].ok, outcomes[0].detail
    (found,) = margins.measure(
        pool, layout, None, sources, outcomes, settings=ProgramSettings(), min_pixel_share=hand.SHARE
    )
    return outcomes[0].answer.value, found.multiple


def test_noise_does_not_lift_a_cup_off_its_table(pool):
    value, multiple = margin(pool, 0.8)
    assert value is True and multiple >= 1.0
    value, multiple = margin(pool, 0.8, 'above(only("cup"), only("table"))')
    assert value is True and multiple >= 1.0


def test_a_cup_at_the_edge_or_just_over_the_table_has_no_label(pool):
    value, multiple = margin(pool, 0.8, x=0.745)  # wholly over it, by 5 mm
    assert value is True and multiple < 1.0
    value, multiple = margin(pool, 0.96)  # hangs 16 cm over it: just no
    assert value is False and multiple < 1.0
    value, multiple = margin(pool, 1.3)
    assert value is False and multiple >= 1.0


def test_the_annotated_scene_itself_gets_no_slack():
    layout = layouts.scene(box("t", "table", (0, 0, 0.4), (1.6, 0.9, 0.8)))
    assert api.tables(layout, None, hand.SHARE).measures.slack_m == 0.0
    jitter = api.draw_jitter(layout, None, 2)
    noise = replace(ProgramSettings().noise.of("procedural"), center_m=0.03)
    copies = api.jittered_tables(jitter, min_pixel_share=hand.SHARE, noise=noise, multiple=2.0)
    assert copies.measures.slack_m == pytest.approx(4 * 2 * 0.03)
