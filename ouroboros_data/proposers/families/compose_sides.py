"""Sides from an imagined standpoint: hop_direction, same_side."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.geometry.boxes import bearing_deg, corners
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, alternating, lit, program, sampled
from ouroboros_data.proposers.families.compose_hops import picker
from ouroboros_data.proposers.families.direct import (
    CLEAR_DEG,
    MAX_APART_M,
    MIN_APART_M,
    MIN_CLEARANCE_DEG,
    NOISE_SIGMAS,
    SCHEMES,
)
from ouroboros_data.proposers.phrases import Reference, figures, mentions, references, singles
from ouroboros_data.proposers.view import View

TRIES = 20


def side_of(view: View, stand: int, facing: int, target: int, scheme: str) -> tuple[str, float] | None:
    """Sector of a target and its distance from the sector's border in degrees.

    None where the three are too close or too far apart, or less than half of the target's footprint to either side of its
    centre is in the sector.
    """
    walk, gap = view.walk_m, view.gap_m
    pairs = ((stand, facing), (stand, target), (facing, target))
    if not all(MIN_APART_M <= walk[pair] <= MAX_APART_M for pair in pairs):
        return None
    if gap[stand, facing] <= 0.0 or gap[stand, target] <= 0.0:
        return None
    at = view.boxes.center_m[:, :2]
    turn = float(bearing_deg(at[stand], at[facing], at[target]))
    end, name = next((end, name) for end, name in SCHEMES[scheme] if turn < end)
    start = max([0.0, *(border for border, _ in SCHEMES[scheme] if border <= turn)])
    outline = corners(view.boxes)[target, :, :2]
    reach = (bearing_deg(at[stand], at[target], outline) + 180.0) % 360.0 - 180.0
    left, right = end - turn, turn - start
    if left < reach.max() / 2 or right < -reach.min() / 2:
        return None
    one = figures(view).center_sd_m / np.array([walk[stand, facing], walk[stand, target]])
    clearance = min(left, right)
    return (name, clearance) if clearance >= NOISE_SIGMAS * np.degrees(np.hypot(*one)) else None


def hop_direction(
    view: View, rng: np.random.Generator, *, hops: int, least_deg: float, most_deg: float = 180.0
) -> Iterator[Ask]:
    """Left, right or back of somebody, for an object that is pointed to over hops."""
    pick, flat = picker(references(view, hops), rng), singles(view)

    sides = tuple(name for _, name in SCHEMES["left-right-back"])

    def draw() -> tuple[str, tuple[Reference, Reference, Reference, str]] | None:
        wanted = sides[int(rng.integers(len(sides)))]  # behind one there is less room: it gets as many tries
        found = (attempt() for _ in range(TRIES))
        return next((drawn for drawn in found if drawn is not None and drawn[0] == wanted), None)

    def attempt() -> tuple[str, tuple[Reference, Reference, Reference, str]] | None:
        target = pick()
        if target is None or len(flat) < 2:
            return None
        stand, facing = (flat[k] for k in rng.permutation(len(flat))[:2].tolist())
        if {*stand.names, *facing.names} & set(target.names):
            return None
        found = side_of(view, stand.index, facing.index, target.index, "left-right-back")
        if found is None or not least_deg <= found[1] < most_deg:
            return None
        return found[0], (stand, facing, target, found[0])

    for stand, facing, target, side in sampled(draw, rng):
        yield Ask(
            subject=(stand.text, facing.text, target.text),
            slots={"stand": stand.text, "facing": facing.text, "target": target.text},
            mentions=mentions(stand, facing, target),
            program=program(
                f"target = {target.code}",
                f'return choice(sector({stand.code}, {facing.code}, target, "left-right-back"), {OPTIONS})',
            ),
            expected=side,
            options=sides,
        )


def same_side(
    view: View, rng: np.random.Generator, *, least_deg: float, most_deg: float = 180.0
) -> Iterator[Ask]:
    """Whether two objects are on the same side of somebody, left or right."""
    flat = singles(view)

    def draw() -> tuple[str, tuple[Reference, Reference, Reference, Reference, bool]] | None:
        if len(flat) < 4:
            return None
        stand, facing, *both = (flat[k] for k in rng.permutation(len(flat))[:4].tolist())
        a, b = sorted(both, key=lambda r: r.text)
        found = [side_of(view, stand.index, facing.index, r.index, "left-right") for r in (a, b)]
        if found[0] is None or found[1] is None:
            return None
        if not least_deg <= min(found[0][1], found[1][1]) < most_deg:
            return None
        same = found[0][0] == found[1][0]
        return str(same), (stand, facing, a, b, same)

    for stand, facing, a, b, same in alternating(draw, rng):
        yield Ask(
            subject=(stand.text, facing.text, a.text, b.text),
            slots={"stand": stand.text, "facing": facing.text, "a": a.text, "b": b.text},
            mentions=mentions(stand, facing, a, b),
            program=program(
                f"stand = {stand.code}",
                f"facing = {facing.code}",
                f'sides = [sector(stand, facing, only(name), "left-right") for name in {lit((*a.names, *b.names))}]',
                "return boolean(sides[0] == sides[1])",
            ),
            expected=same,
            answer_type="boolean",
        )


HOP_DIRECTION = Family(
    group="composition",
    note="left, right or back of somebody, for an object that is pointed to by its place or size",
    prior_bound=0.5,
    wordings=(
        "Standing at {stand} and looking at {facing}, would you have to turn left, right or back to face {target}, where back "
        "means a turn of 135 degrees or more?",
        "Look for {target}. For someone at {stand} who faces {facing}, is it to the left, to the right or, if they had to turn "
        "by 135 degrees or more to face it, at their back?",
        "You are next to {stand}, looking straight towards {facing}. On which side of you is {target}: left, right, or back "
        "(135 degrees or more from where you look)?",
        "From {stand}, somebody looks directly at {facing}. Call it back if something lies 135 degrees or more off their line "
        "of sight, otherwise left or right: where is {target}?",
        "Imagine being at {stand} with {facing} straight ahead of you. Facing {target} takes a turn to the left, to the right, "
        "or, if it is 135 degrees or more, a turn back: which of these?",
    ),
    knobs={
        "one_clear": Knob(
            note=f"one hop, {CLEAR_DEG:g}° or more inside its sector",
            find=partial(hop_direction, hops=1, least_deg=CLEAR_DEG),
        ),
        "one_near": Knob(
            note=f"one hop, {MIN_CLEARANCE_DEG:g}-{CLEAR_DEG:g}° from the border to the next sector",
            find=partial(hop_direction, hops=1, least_deg=MIN_CLEARANCE_DEG, most_deg=CLEAR_DEG),
        ),
        "two": Knob(
            note=f"two hops, {CLEAR_DEG:g}° or more inside its sector",
            find=partial(hop_direction, hops=2, least_deg=CLEAR_DEG),
        ),
    },
)

SAME_SIDE = Family(
    group="composition",
    note="whether two objects are on the same side of somebody who stands at one thing and faces another",
    prior_bound=0.57,
    wordings=(
        "Standing at {stand} and looking at {facing}, do you have {a} and {b} on the same side of you, both left or both right?",
        "If I am standing by {stand} and facing {facing}, are {a} and {b} on the same side of me, left or right?",
        "Somebody at {stand} faces {facing}. Are {a} and {b} both on their left, or both on their right?",
        "A line runs from {stand} through {facing} and on in both directions. Seen from above, are {a} and {b} on the same side "
        "of the line?",
        "You are next to {stand}, looking straight towards {facing}. Would you find {a} and {b} on one and the same side, left or "
        "right?",
    ),
    knobs={
        "clear": Knob(
            note=f"both {CLEAR_DEG:g}° or more from straight ahead and straight behind",
            find=partial(same_side, least_deg=CLEAR_DEG),
        ),
        "near": Knob(
            note=f"one of them {MIN_CLEARANCE_DEG:g}-{CLEAR_DEG:g}° from straight ahead or straight behind",
            find=partial(same_side, least_deg=MIN_CLEARANCE_DEG, most_deg=CLEAR_DEG),
        ),
    },
)
