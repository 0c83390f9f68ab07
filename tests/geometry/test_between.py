"""Between, on layouts whose answer is worked out on paper, and under motions that must not change it."""

from __future__ import annotations

import numpy as np
import pytest

from ouroboros_data.geometry.between import between
from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.geometry.relations import NO, UNCLEAR, YES


def one(x: float, y: float, dx: float, dy: float, *, z: float = 0.5, yaw_deg: float = 0.0) -> Boxes:
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    return Boxes(
        center_m=np.array([x, y, z]),
        half_m=np.array([dx, dy, 1.0]) / 2,
        R_world_box=np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]),
    )


SOFA, TV = one(0, 0, 1.0, 2.0), one(6, 0, 0.4, 1.0)
"""Between them x runs from 0.5 to 5.8; at x = 3 the band reaches from y = -0.764 to 0.764."""


@pytest.mark.parametrize(
    ("o", "verdict"),
    [
        (one(3, 0, 1.0, 0.6), YES),
        (one(3, 0, 1.0, 4.0), YES),  # two fifths of it, but on the line: seen from it, 180°
        (one(3, 0.55, 1.0, 1.0), YES),  # y from 0.05 to 1.05: 0.71 of it; 159°
        (one(3, 0.6, 1.0, 1.0), UNCLEAR),  # 0.66 of it; 157°
        (one(3, 2.0, 1.0, 1.0), UNCLEAR),  # none of it; 113°
        (one(3, 3.1, 1.0, 1.0), NO),  # 88°: as far off the line as its ends
        (one(1.0, 0, 1.0, 1.0), YES),  # right beside the sofa
        (one(0.85, 0, 1.0, 1.0), YES),  # 0.15 of it under the sofa
        (one(0.6, 0, 1.0, 1.0), UNCLEAR),  # pushed under, 0.6 in sight
        (one(0.35, 0, 0.5, 0.5), UNCLEAR),  # 0.8 on the sofa
        (one(0.2, 0, 0.5, 0.5), NO),  # 0.9 and more on the sofa, or under it
        (one(0.7, 0, 1.0, 4.0), UNCLEAR),  # on the line, a third of it between them, 0.15 under the sofa
        (one(-2.0, 0, 1.0, 1.0), NO),  # behind it
        (one(8.0, 0.3, 1.0, 1.0), NO),  # behind the tv
        (one(0.3, 1.8, 0.4, 0.6), NO),  # at the sofa's end, 82°
        (one(3, 0, 1.0, 0.6, z=9.0), YES),  # heights never enter
    ],
)
def test_verdicts(o: Boxes, verdict: int) -> None:
    assert between(o, SOFA, TV) == verdict
    assert between(o, TV, SOFA) == verdict


def test_between_narrow_things_the_line_counts() -> None:
    a, b = one(0, 0, 0.1, 0.1), one(4, 0, 0.1, 0.1)
    assert between(one(2, 0.34, 0.5, 0.5), a, b) == YES  # 160.7°
    assert between(one(2, 0.37, 0.5, 0.5), a, b) == UNCLEAR  # 159.0°


def test_nothing_is_between_things_that_lie_side_by_side_or_above_each_other() -> None:
    assert between(one(0, 0, 0.4, 0.4), one(0, 0, 2, 2), one(0, 0, 1, 1, z=2.0)) == UNCLEAR
    touching = one(1, 0, 1, 1), one(2, 0, 1, 1)
    for x in np.linspace(-1, 4, 26):
        assert between(one(x, 0, 0.4, 0.4), *touching) != YES


def test_in_front_of_a_long_thing_that_stands_askew() -> None:
    # A bar from (1.7, -0.75) to (4.3, 0.75): most of its length is beside the line to its centre.
    post, bar = one(0, 0, 0.3, 0.3), one(3, 0, 3.0, 0.1, yaw_deg=30.0)
    assert between(one(2.6, 0.2, 0.3, 0.2), post, bar) == YES
    assert between(one(2.6, -0.7, 0.3, 0.2), post, bar) != YES  # behind the bar
    assert between(one(3.6, -0.3, 0.3, 0.2), post, bar) == NO


def test_turning_moving_mirroring_and_swapping_the_ends_change_nothing() -> None:
    dice = np.random.default_rng(5)
    n = 4000
    half = dice.uniform(0.1, 1.0, (3, n, 3))
    center = dice.uniform(-3, 3, (3, n, 3))
    turn = dice.uniform(0, 360, (3, n))

    def boxes(k: int, angle: float = 0.0, sign: float = 1.0, shift: float = 0.0) -> Boxes:
        yaw = np.radians(sign * turn[k] + angle)
        c, s, zero = np.cos(yaw), np.sin(yaw), np.zeros(n)
        rotation = np.stack([c, -s, zero, s, c, zero, zero, zero, zero + 1], -1).reshape(n, 3, 3)
        mirrored = center[k] * [1, sign, 1]
        a = np.radians(angle)
        world = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        return Boxes(center_m=mirrored @ world.T + shift, half_m=half[k], R_world_box=rotation)

    base = between(boxes(0), boxes(1), boxes(2))
    assert {int(v) for v in np.unique(base)} == {-1, 0, 1} and (base == YES).sum() > 100
    assert (base == between(boxes(0), boxes(2), boxes(1))).mean() > 0.999
    turned = between(*(boxes(k, angle=37.0, shift=5.0) for k in range(3)))
    assert (base == turned).mean() > 0.999
    mirror = between(*(boxes(k, sign=-1.0) for k in range(3)))
    assert (base == mirror).mean() > 0.999


def test_stricter_verdicts_never_turns_no_into_yes() -> None:
    dice = np.random.default_rng(6)
    made = [
        Boxes(
            center_m=dice.uniform(-3, 3, (2000, 3)),
            half_m=dice.uniform(0.1, 0.8, (2000, 3)),
            R_world_box=np.broadcast_to(np.eye(3), (2000, 3, 3)),
        )
        for _ in range(3)
    ]
    loose = between(*made)
    strict = between(*made, share=0.9, over_share=0.97, straight_deg=170.0, miss_share=0.02, aside_deg=75.0)
    assert set(loose[strict == YES].tolist()) == {1}
    assert set(loose[strict == NO].tolist()) == {0}
    assert (strict == UNCLEAR).sum() > (loose == UNCLEAR).sum()
