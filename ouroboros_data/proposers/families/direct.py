"""Directions from an imagined standpoint: object_rel_direction_easy, _medium, _hard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from ouroboros_data.config import NoiseSettings
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program
from ouroboros_data.proposers.view import Array, View

Mask = npt.NDArray[np.bool_]

MIN_APART_M = 1.0
"""From where one stands to what one faces and to the target. VSI-Bench allows 0.3 m, but nobody stands *in* the object: with
half a metre's freedom of where "by the table" is, a quarter of the answers at 0.3 m depend on the spot."""
MAX_APART_M = 6.0
MIN_CLEARANCE_DEG = 15.0
"""From a sector's border. VSI-Bench and VLM-3R keep about 10°."""
CLEAR_DEG = 25.0
NOISE_SIGMAS = 3.0

SCHEMES: dict[str, tuple[tuple[float, str], ...]] = {
    "left-right": ((180.0, "left"), (360.0, "right")),
    "left-right-back": ((135.0, "left"), (225.0, "back"), (360.0, "right")),
    "quadrants": ((90.0, "front-left"), (180.0, "back-left"), (270.0, "back-right"), (360.0, "front-right")),
}
"""Sectors by scheme: upper border in degrees counter-clockwise from straight ahead, name."""


def direction(
    view: View, rng: np.random.Generator, *, scheme: str, clear: bool, large: bool | None = None
) -> Iterator[Ask]:
    """Where a target lies for someone who stands at one unique object and faces another."""
    if len(view.single) < 3:
        return
    ends = np.array([end for end, _ in SCHEMES[scheme]])
    starts = np.concatenate([[0.0], ends[:-1]])
    names = [name for _, name in SCHEMES[scheme]]
    turn = view.turn_deg
    sector = np.searchsorted(ends, turn, side="right").clip(max=len(ends) - 1)
    left_room, right_room = ends[sector] - turn, turn - starts[sector]
    clearance = np.minimum(left_room, right_room)
    usable: Mask = _distinct(view) & (
        clearance >= np.maximum(MIN_CLEARANCE_DEG, NOISE_SIGMAS * _noise_deg(view))
    )
    reach_left, reach_right = (reach[:, None, :] for reach in view.spread_deg)
    if clear:  # the whole footprint lies in the sector
        usable &= (clearance >= CLEAR_DEG) & (left_room >= reach_left) & (right_room >= reach_right)
    else:  # most of it does
        usable &= (clearance < CLEAR_DEG) & (left_room >= reach_left / 2) & (right_room >= reach_right / 2)
    if large is not None:
        is_large = view.best_share[view.single] >= view.large_share
        all_large = is_large[:, None, None] & is_large[None, :, None] & is_large[None, None, :]
        usable &= all_large == large
    groups = defaultdict(list)
    for i, j, k in np.argwhere(usable).tolist():
        groups[names[sector[i, j, k]]].append((i, j, k))
    for triple in interleave(groups, rng):
        stand, facing, target = (view.name(view.single[n]) for n in triple)
        yield Ask(
            subject=(stand, facing, target),
            slots={"stand": stand, "facing": facing, "target": target},
            mentions=(stand, facing, target),
            program=program(
                f"stand = only({lit(stand)})",
                f"facing = only({lit(facing)})",
                f"target = only({lit(target)})",
                f'return choice(sector(stand, facing, target, "{scheme}"), {OPTIONS})',
            ),
            expected=names[sector[triple]],
            options=tuple(names),
        )


def _distinct(view: View) -> Mask:
    """(s, s, s) three different objects, none nearly on top of another."""
    walk = view.walk_m[np.ix_(view.single, view.single)]
    apart = (walk >= MIN_APART_M) & (walk <= MAX_APART_M)
    outside = view.gap_m[np.ix_(view.single, view.single)] > 0.0
    usable: Mask = (apart & outside)[:, :, None] & (apart & outside)[:, None, :] & apart[None, :, :]
    return usable


def _noise_deg(view: View) -> Array:
    """(s, s, s) standard deviation of the bearing under annotation noise of the centres."""
    walk = np.maximum(view.walk_m[np.ix_(view.single, view.single)], 1e-6)
    one = np.sqrt(2.0) * NoiseSettings().center_m / walk
    noise: Array = np.degrees(np.hypot(one[:, :, None], one[:, None, :]))
    return noise


def _knobs(scheme: str) -> dict[str, Knob]:
    return {
        "clear_large": Knob(
            note=f"target {CLEAR_DEG:g}° or more inside its sector, all three look large in some frame",
            find=partial(direction, scheme=scheme, clear=True, large=True),
        ),
        "clear_small": Knob(
            note=f"target {CLEAR_DEG:g}° or more inside its sector, some object looks small in all frames",
            find=partial(direction, scheme=scheme, clear=True, large=False),
        ),
        "near": Knob(
            note=f"target {MIN_CLEARANCE_DEG:g}-{CLEAR_DEG:g}° from the border to the next sector",
            find=partial(direction, scheme=scheme, clear=False),
        ),
    }


EASY = Family(
    group="vsi",
    note="left or right of somebody who stands at one object and faces another",
    prior_bound=0.55,
    wordings=(
        "If I am standing by the {stand} and facing the {facing}, is the {target} to my left or my right?",
        "Standing at the {stand} and looking at the {facing}, is the {target} on your left or your right?",
        "You are next to the {stand}, looking straight towards the {facing}: on which side of you is the "
        "{target}, left or right?",
        "Imagine being at the {stand} with the {facing} straight ahead of you. Would you turn to the left or to the "
        "right, whichever is shorter, to face the {target}?",
        "From where the {stand} is, somebody looks directly at the {facing}. Is the {target} on their left-hand side "
        "or on their right-hand side?",
    ),
    knobs=_knobs("left-right"),
)

MEDIUM = Family(
    group="vsi",
    note="left, right or back of somebody who stands at one object and faces another",
    prior_bound=0.45,
    wordings=(
        "An object is to my back if I would have to turn at least 135 degrees in order to face it. If I am "
        "standing by the {stand} and facing the {facing}, is the {target} to my left, right, or back?",
        "Standing at the {stand} and looking at the {facing}, would you have to turn left, right or back to "
        "face the {target}, where back means a turn of 135 degrees or more?",
        "You are next to the {stand}, looking straight towards the {facing}: is the {target} on your left, "
        "on your right, or behind you (135 degrees or more from where you look)?",
        "Imagine being at the {stand} with the {facing} straight ahead of you. Facing the {target} takes a turn to the "
        "left, a turn to the right, or, if it is 135 degrees or more, a turn back: which of these?",
        "From where the {stand} is, somebody looks directly at the {facing}. Call it back if something lies 135 degrees "
        "or more off their line of sight, otherwise left or right: where is the {target}?",
    ),
    knobs=_knobs("left-right-back"),
)

HARD = Family(
    group="vsi",
    note="the quadrant round somebody who stands at one object and faces another",
    prior_bound=0.35,
    wordings=(
        "The directions refer to the quadrants of a Cartesian plane (if I am standing at the origin and "
        "facing along the positive y-axis). If I am standing by the {stand} and facing the {facing}, is the "
        "{target} to my front-left, front-right, back-left, or back-right?",
        "Standing at the {stand} and looking at the {facing}, in which quadrant around you is the {target}: "
        "front-left, front-right, back-left or back-right?",
        "You are next to the {stand}, looking straight towards the {facing}: is the {target} ahead or "
        "behind, and left or right of you (front-left, front-right, back-left or back-right)?",
        "Imagine being at the {stand} with the {facing} straight ahead of you. Which word describes where the {target} "
        "is: front-left, front-right, back-left or back-right?",
        "Somebody looks directly at the {facing} from where the {stand} is. Their surroundings fall into four quarters, "
        "front-left, front-right, back-left and back-right: which one holds the {target}?",
    ),
    knobs=_knobs("quadrants"),
)
