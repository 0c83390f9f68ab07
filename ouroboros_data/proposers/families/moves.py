"""What if something were moved, and turns on the spot: move_closer, move_distance, turn_angle, turn_goal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from ouroboros_data.proposers.ask import (
    OPTIONS,
    Ask,
    Family,
    Knob,
    alternating,
    interleave,
    lit,
    program,
    sampled,
)
from ouroboros_data.proposers.families.direct import MAX_APART_M, MIN_APART_M
from ouroboros_data.proposers.families.sums import HALF_M
from ouroboros_data.proposers.figures import CENTRAL, Figures, central, holds, listed, onlys, picks
from ouroboros_data.proposers.view import Array, View

Mask = npt.NDArray[np.bool_]

STEPS_M = (0.5, 1.0, 1.5)
MIN_WAY_M = 0.8
"""Between the middles of what is moved and what it is moved towards: shorter, and the direction is open to doubt."""
TURN_STEP_DEG = 30.0
AHEAD_DEG, BESIDE_DEG = 15.0, 40.0
"""Off straight ahead: what one faces at most, everything else that is offered at least."""
SIDES = {"left": 90.0, "right": 270.0, "back": 180.0}
TURNS = {"left": "a quarter turn to the left", "right": "a quarter turn to the right", "back": "half a turn"}


def _moved_by(step_m: float) -> tuple[str, str, str]:
    """Program lines: how far the moved middle is from the other one, seen from above, by the law of cosines."""
    return (
        "before = math.hypot(moved.center[0] - other.center[0], moved.center[1] - other.center[1])",
        "ahead = math.cos(math.radians(bearing(moved, toward, other)))",
        f"after = math.sqrt(before**2 + {step_m:g}**2 - 2 * {step_m:g} * before * ahead)",
    )


def _after(view: View, moved: int, toward: int, step_m: float) -> Array | None:
    """Where the middle of ``moved`` is in plan after it has gone straight towards another's middle."""
    start, way = (
        view.boxes.center_m[moved, :2],
        view.boxes.center_m[toward, :2] - view.boxes.center_m[moved, :2],
    )
    length = float(np.hypot(*way))
    if length < MIN_WAY_M or step_m > 0.8 * length:
        return None
    after: Array = start + step_m * way / length
    return after


def move_closer(view: View, rng: np.random.Generator, *, least: float, most: float = np.inf) -> Iterator[Ask]:
    """Whether a move brings an object closer to a third; the distance changes by least to most of the move."""
    single, movable = view.single.tolist(), Figures(view).movable
    if len(single) < 3 or not movable:
        return

    def draw() -> tuple[str, tuple[int, int, int, float]] | None:
        moved = movable[int(rng.integers(len(movable)))]
        toward, other = (single[k] for k in picks(rng, len(single), 2))
        if moved in (toward, other):
            return None
        step_m = STEPS_M[int(rng.integers(len(STEPS_M)))]
        change = _change(view, moved, toward, other, step_m)
        if change is None or not least * step_m <= abs(change) < most * step_m:
            return None
        return str(change < 0), (moved, toward, other, step_m)

    for moved, toward, other, step_m in alternating(draw, rng):
        a, b, c = view.name(moved), view.name(toward), view.name(other)
        change = _change(view, moved, toward, other, step_m)
        assert change is not None
        yield Ask(
            subject=(a, b, c),
            slots={"a": a, "b": b, "c": c, "step": _length(step_m)},
            mentions=(a, b, c),
            program=program(
                *onlys(moved=a, toward=b, other=c),
                *_moved_by(step_m),
                f'return choice("closer" if after < before else "farther away", {OPTIONS})',
            ),
            expected="closer" if change < 0 else "farther away",
            options=("closer", "farther away"),
        )


def _change(view: View, moved: int, toward: int, other: int, step_m: float) -> float | None:
    after = _after(view, moved, toward, step_m)
    if after is None:
        return None
    there = view.boxes.center_m[other, :2]
    before = float(view.walk_m[moved, other])
    return float(np.hypot(*(after - there))) - before if before >= MIN_WAY_M else None


def _length(step_m: float) -> str:
    return "half a meter" if step_m == 0.5 else f"{step_m:g} meter{'s' * (step_m > 1)}"


def move_distance(view: View, rng: np.random.Generator, *, near: bool) -> Iterator[Ask]:
    """How far from a third object something is after a move; near: within 2 m."""
    figures, single = Figures(view), view.single.tolist()
    movable = figures.movable
    if len(single) < 3 or not movable:
        return

    def draw() -> tuple[str, tuple[int, int, int, float]] | None:
        moved = movable[int(rng.integers(len(movable)))]
        toward, other = (single[k] for k in picks(rng, len(single), 2))
        if moved in (toward, other):
            return None
        step_m = STEPS_M[int(rng.integers(len(STEPS_M)))]
        after = _after(view, moved, toward, step_m)
        if after is None:
            return None
        left = float(np.hypot(*(after - view.boxes.center_m[other, :2])))
        moves = abs(left - float(view.walk_m[moved, other])) >= 0.3
        sd = 1.5 * figures.center_sd_m
        fits = moves and (left < 2.0) == near and central(left, 0.5) and holds(left, sd, 0.5, least=0.1)
        return (str(round(left / 0.5)), (moved, toward, other, step_m)) if fits else None

    for moved, toward, other, step_m in sampled(draw, rng):
        a, b, c = view.name(moved), view.name(toward), view.name(other)
        after = _after(view, moved, toward, step_m)
        assert after is not None
        yield Ask(
            subject=(a, b, c),
            slots={"a": a, "b": b, "c": c, "step": _length(step_m), "resolution": HALF_M},
            mentions=(a, b, c),
            program=program(
                *onlys(moved=a, toward=b, other=c),
                *_moved_by(step_m),
                'return number(after, "m", 0.5)',
            ),
            expected=float(np.hypot(*(after - view.boxes.center_m[other, :2]))),
            unit="m",
        )


def _apart(view: View) -> Mask:
    """(s, s) whether two objects are far enough apart for a direction, and stand clear of each other."""
    at = np.ix_(view.single, view.single)
    apart: Mask = (view.walk_m[at] >= MIN_APART_M) & (view.walk_m[at] <= MAX_APART_M) & (view.gap_m[at] > 0.0)
    return apart


def turn_angle(
    view: View, rng: np.random.Generator, *, least_deg: float, most_deg: float = 181.0
) -> Iterator[Ask]:
    """By how much somebody who stands at one object and faces another has to turn to face a third."""
    if len(view.single) < 3:
        return
    apart = _apart(view)
    turn = np.minimum(view.turn_deg, 360.0 - view.turn_deg)
    off = np.abs(turn - TURN_STEP_DEG * np.round(turn / TURN_STEP_DEG))
    usable = apart[:, :, None] & apart[:, None, :] & apart[None, :, :]
    usable &= np.arange(len(apart))[:, None] < np.arange(len(apart))  # either way round it is the same angle
    usable &= (turn >= least_deg) & (turn < most_deg) & (off <= CENTRAL * TURN_STEP_DEG)
    groups: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for i, j, k in np.argwhere(usable).tolist():
        groups[round(turn[i, j, k] / TURN_STEP_DEG)].append((i, j, k))
    for triple in interleave(groups, rng):
        stand, facing, target = (view.name(view.single[n]) for n in triple)
        yield Ask(
            subject=(stand, facing, target),
            slots={"stand": stand, "facing": facing, "target": target},
            mentions=(stand, facing, target),
            program=program(
                *onlys(stand=stand, facing=facing, target=target),
                "turn = bearing(stand, facing, target)",
                f'return number(min(turn, 360 - turn), "deg", {TURN_STEP_DEG:g})',
            ),
            expected=float(turn[triple]),
            unit="deg",
        )


def turn_goal(view: View, rng: np.random.Generator, *, items: int, back: bool) -> Iterator[Ask]:
    """What is ahead of somebody who stands at one object, faces another, and then turns."""
    count = len(view.single)
    if count < items + 2:
        return
    apart = _apart(view)
    sides = [side for side in SIDES if (side == "back") == back]

    def draw() -> tuple[str, tuple[str, tuple[int, ...]]] | None:
        side = sides[int(rng.integers(len(sides)))]
        stand, facing = picks(rng, count, 2)
        if not apart[stand, facing]:
            return None
        off = np.abs((view.turn_deg[stand, facing] - SIDES[side] + 180.0) % 360.0 - 180.0)
        free = apart[stand].copy()
        free[[stand, facing]] = False
        ahead = np.flatnonzero(free & (off <= AHEAD_DEG))
        beside = np.flatnonzero(free & (off >= BESIDE_DEG))
        if not len(ahead) or len(beside) < items - 1:
            return None
        goal = int(ahead[rng.integers(len(ahead))])
        others = sorted(int(beside[k]) for k in picks(rng, len(beside), items - 1))
        return view.name(view.single[goal]), (side, (stand, facing, goal, *others))

    for side, (stand, facing, goal, *others) in sampled(draw, rng):
        here, there, right = (view.name(view.single[k]) for k in (stand, facing, goal))
        offered = sorted([right, *(view.name(view.single[k]) for k in others)])
        yield Ask(
            subject=(side, here, there, *offered),
            slots={
                "stand": here,
                "facing": there,
                "turn": TURNS[side],
                "items": listed(offered, last=" or "),
            },
            mentions=(here, there, *offered),
            program=program(
                *onlys(stand=here, facing=there),
                f"items = [only(name) for name in {lit(offered)}]",
                f"off = {{o.id: abs((bearing(stand, facing, o) - {SIDES[side]:g} + 180) % 360 - 180) for o in items}}",
                f"return choice(min(items, key=lambda o: off[o.id]).category, {OPTIONS})",
            ),
            expected=right,
            options=tuple(offered),
        )


MOVE_CLOSER = Family(
    group="composition",
    note="whether moving an object towards another brings it closer to a third",
    prior_bound=0.55,
    wordings=(
        "If the {a} were moved {step} straight towards the {b}, would its middle come closer to the middle of the {c} or get "
        "farther away from it, as seen from above?",
        "On a floor plan, the {a} is slid {step} in the direction of the {b}, from middle to middle. Is it then closer to the "
        "{c} or farther away than before, measured between middles?",
        "Somebody shifts the {a} by {step} on a straight line to the {b}. Comparing middles on a floor plan, is the {c} "
        "now closer to it or farther away?",
        "Seen from above, does the distance between the middles of the {a} and the {c} shrink (closer) or grow (farther "
        "away) when the {a} is pushed {step} directly towards the {b}?",
        "Let the {a} slide straight towards the {b} for {step}. Does this bring the middle of the {a} closer to the middle "
        "of the {c} or take it farther away, heights left aside?",
    ),
    knobs={
        "clear": Knob(
            note="the distance changes by at least 0.6 of the move", find=partial(move_closer, least=0.6)
        ),
        "slanting": Knob(
            note="the distance changes by 0.25-0.6 of the move",
            find=partial(move_closer, least=0.25, most=0.6),
        ),
    },
)

MOVE_DISTANCE = Family(
    group="composition",
    note="how far an object is from a third after it has been moved towards another",
    prior_bound=0.35,
    wordings=(
        "If the {a} were moved {step} straight towards the {b}, how far would its middle be from the middle of the {c}, as "
        "seen from above ({resolution})?",
        "On a floor plan, the {a} is slid {step} in the direction of the {b}, from middle to middle. What is then its "
        "distance to the {c}, measured between middles ({resolution})?",
        "Somebody shifts the {a} by {step} on a straight line to the {b}. Comparing middles on a floor plan, how far is it "
        "now to the {c} ({resolution})?",
        "Seen from above, what will the distance between the middles of the {a} and the {c} be once the {a} has been pushed "
        "{step} directly towards the {b} ({resolution})?",
        "Let the {a} slide straight towards the {b} for {step}. Heights left aside, how many meters are there then from "
        "the middle of the {a} to the middle of the {c} (to the nearest half meter)?",
    ),
    knobs={
        "near": Knob(note="within 2 m after the move", find=partial(move_distance, near=True)),
        "far": Knob(note="2 m or more after the move", find=partial(move_distance, near=False)),
    },
)

TURN_ANGLE = Family(
    group="pair",
    note="by how many degrees one has to turn on the spot to face another object",
    prior_bound=0.35,
    wordings=(
        "Standing at the {stand} and facing the {facing}, by how many degrees do you have to turn to face the {target}, "
        "the shorter way round (to the nearest 30)?",
        "What is the angle, in degrees and as seen from above, between the directions from the {stand} to the {facing} and "
        "from the {stand} to the {target} (to the nearest 30)?",
        "A robot at the {stand} points at the {facing}. How large a turn on the spot makes it point at the {target}, taking "
        "the smaller of the two ways (in degrees, to the nearest 30)?",
        "You are where the {stand} is, with the {facing} straight ahead. How far off straight ahead is the {target}, to "
        "either side (in degrees, to the nearest 30)?",
        "Draw lines on a floor plan from the middle of the {stand} to those of the {facing} and of the {target}. Which angle, of at most 180 "
        "degrees, do they make (to the nearest 30)?",
    ),
    knobs={
        "narrow": Knob(note="30 or 60 degrees", find=partial(turn_angle, least_deg=20.0, most_deg=75.0)),
        "wide": Knob(note="90 degrees and more", find=partial(turn_angle, least_deg=75.0)),
    },
)

TURN_GOAL = Family(
    group="composition",
    note="which object is ahead after a turn on the spot",
    prior_bound=0.15,
    wordings=(
        "You stand at the {stand}, facing the {facing}, and make {turn}. Which of these do you then look at most directly: "
        "{items}?",
        "Standing at the {stand} and looking at the {facing}, you make {turn}. Is it {items} that is now ahead of you?",
        "A robot at the {stand} points at the {facing} and then makes {turn} on the spot. Which one is now most nearly in "
        "the direction in which it points: {items}?",
        "Take the direction from the {stand} to the {facing} and change it by {turn}. Starting at the {stand}, does it lead "
        "most nearly to {items}?",
        "With your back to the {stand} you look at the {facing}; you make {turn} without leaving the spot. What lies most "
        "nearly straight ahead, {items}?",
    ),
    knobs={
        "two": Knob(note="2 options, a quarter turn", find=partial(turn_goal, items=2, back=False)),
        "four": Knob(note="4 options, a quarter turn", find=partial(turn_goal, items=4, back=False)),
        "back": Knob(note="3 options, half a turn", find=partial(turn_goal, items=3, back=True)),
    },
)
