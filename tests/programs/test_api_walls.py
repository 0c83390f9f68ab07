"""longest_wall() and free_wall() on halls whose answer is worked out on paper; Monty and CPython agree on each."""

from __future__ import annotations

import hand_scenes as hand
import layouts
import pytest

from ouroboros_data.config import NoiseSettings
from ouroboros_data.programs import api
from ouroboros_data.programs.sandbox import SandboxPool

box = hand.box
# 6 m by 4 m. North, west and east are taken up, and with them 0.6 m at either end of the south.
SIDES = (
    box("n", "cabinet", (3.0, 3.7, 0.5), (6.0, 0.6, 1.0)),
    box("w", "shelf", (0.3, 2.0, 0.5), (0.6, 4.0, 1.0)),
    box("e", "sofa", (5.7, 2.0, 0.5), (0.6, 4.0, 1.0)),
)
CROSSED = ((0.0, 0.0), (6.0, 4.0), (6.0, 0.0), (0.0, 4.0))
STEPPED = ((0.0, 0.0), (2.8, 0.0), (2.8, 0.15), (3.2, 0.15), (3.2, 0.0), (6.0, 0.0), (6.0, 4.0), (4.0, 6.0), (2.0, 6.0), (0.0, 4.0))  # fmt: skip


@pytest.fixture(scope="module")
def pool():
    with SandboxPool() as opened:
        yield opened


def run(pool, layout, expression: str):
    source = f'def answer():\n    return number({expression}, "m")'
    tables = api.tables(layout, None, hand.SHARE)
    outcome = pool.run(tables, [source])[0]
    assert pool.confirm(tables, [source], [outcome]) == [outcome]
    return outcome


def at_south(y: float, category: str = "table", low: float = 0.0, high: float = 1.0):
    """A metre wide and 0.6 m deep, in the middle of the southern wall."""
    return box("x", category, (3.0, y, (low + high) / 2), (1.0, 0.6, high - low))


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        ((), 4.8),
        ((at_south(0.35),), 1.9),
        ((at_south(0.6),), 1.9),
        ((at_south(0.8),), "unclear"),  # half a metre off the wall
        ((at_south(1.2),), 4.8),
        ((at_south(0.35, "rug", high=0.05),), 4.8),
        ((at_south(0.35, "picture", low=1.2, high=1.8),), 4.8),
        ((at_south(0.35, "window", low=0.5, high=1.8),), "unclear"),
        ((at_south(0.0, "door", high=2.0),), 1.9),
        ((at_south(0.1, "wall", high=2.5),), 4.8),
        ((at_south(0.1, "kitchen floor", high=0.3),), 4.8),
    ],
)
def test_the_longest_free_stretch(pool, things, expected):
    outcome = run(pool, layouts.scene(*SIDES, *things, floor=layouts.HALL), "free_wall()")
    if isinstance(expected, str):
        assert outcome.reason == expected and outcome.detail.startswith("free_wall(): whether")
    else:
        assert outcome.answer.value == pytest.approx(expected, abs=1e-9)
        assert outcome.evidence.calls == ("free_wall()",) and outcome.evidence.object_ids == ()


@pytest.mark.parametrize(
    ("floor", "expected"),
    [
        (layouts.HALL, 6.0),
        (((0, 0), (7, 0), (7, 2), (3, 2), (3, 5), (0, 5)), 7.0),
        (STEPPED, "unclear"),
        ((), "no_floor"),
        (CROSSED, "no_floor"),
    ],
)
def test_the_longest_wall(pool, floor, expected):
    outcome = run(pool, layouts.scene(*SIDES, floor=floor), "longest_wall()")
    found = outcome.reason if outcome.answer is None else outcome.answer.value
    assert found == (expected if isinstance(expected, str) else pytest.approx(expected))


def test_without_things_all_of_a_wall_is_free(pool):
    assert run(pool, layouts.scene(floor=layouts.HALL), "free_wall()").answer.value == pytest.approx(6.0)


def test_both_take_no_arguments(pool):
    for call in ("longest_wall(1)", 'free_wall("sofa")'):
        outcome = run(pool, layouts.scene(*SIDES, floor=layouts.HALL), call)
        assert outcome.reason == "runtime" and "TypeError" in outcome.detail


def test_what_they_say_where_the_outline_is_not_known(pool):
    outcome = run(pool, layouts.scene(*SIDES), "free_wall()")
    assert outcome.detail == "free_wall(): the outline of the floor is not known in this scene"


def test_copies_have_walls_of_their_own(pool):
    layout = layouts.scene(*SIDES, at_south(0.35), floor=layouts.HALL)
    drawn = api.draw_jitter(layout, None, 6)
    copies = api.jittered_tables(drawn, min_pixel_share=hand.SHARE, noise=NoiseSettings(), multiple=1.0)
    for call, expected in (("longest_wall()", 6.0), ("free_wall()", 1.9)):
        source = f'def answer():\n    return number({call}, "m")'
        found = [outcome.answer.value for outcome in pool.run_copies(copies, [source])[0]]
        assert len(set(found)) == 6
        assert found == pytest.approx([expected] * 6, abs=0.35)
