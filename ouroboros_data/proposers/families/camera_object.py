"""Where things are from the camera: how far, and on which side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program, sampled
from ouroboros_data.proposers.families.framing import (
    LITTLE_CUT,
    bearing_noise_deg,
    central,
    either,
    evenly,
    frame_name,
)
from ouroboros_data.proposers.sight import Mask
from ouroboros_data.proposers.view import NEVER, View

MIN_GAP_M = 0.4
DEAD_DEG = 10.0
"""The program API's own: within it a thing is on neither side."""
CLEAR_DEG = 5.0
"""Beyond that, at the least."""
Scheme = Literal["sides", "facing", "quadrants"]
QUADRANTS = ("front-left", "front-right", "back-left", "back-right")
_KINDS: dict[Scheme, tuple[str, ...]] = {
    "sides": ("left", "right"),
    "facing": ("in front", "behind"),
    "quadrants": QUADRANTS,
}
_TO: dict[Scheme, str] = {
    "sides": "to your left or to your right",
    "facing": "in front of you or behind you",
    "quadrants": "to your front-left, front-right, back-left or back-right",
}
_RESULT: dict[Scheme, str] = {
    "sides": "camera_side({k}, x)",
    "facing": "camera_facing({k}, x)",
    "quadrants": '("front-" if camera_facing({k}, x) == "in front" else "back-") + camera_side({k}, x)',
}


def distance(
    view: View,
    rng: np.random.Generator,
    *,
    step: float,
    resolution: str,
    least_m: float = MIN_GAP_M,
    most_m: float = np.inf,
    first: bool = False,
) -> Iterator[Ask]:
    """From the camera to the nearest point of an object that the frame shows; ``first``: the first frame that does."""
    sight, count = view.sight, len(view.frames)
    usable = sight.shown & (sight.cut <= LITTLE_CUT) & (sight.gap_m >= least_m) & (sight.gap_m < most_m)
    groups = defaultdict(list)
    for i in view.single.tolist():
        start = view.first_frame[view.name(i)]
        if start != NEVER and not sight.hidden[:start, i].all():
            start = NEVER  # somebody may have seen a bit of it before
        for k in [start] if first else range(count):
            if k != NEVER and usable[k, i] and (step < 0.5 or central(float(sight.gap_m[k, i]), step)):
                groups[round(float(sight.gap_m[k, i]) / max(step, 0.5))].append((k, i))
    for k, i in interleave(groups, rng):
        name = view.name(i)
        yield Ask(
            subject=(name, str(k)),
            slots={
                "x": name,
                "frame": f"the first frame that shows the {name}" if first else frame_name(k, count),
                "resolution": resolution,
            },
            mentions=(name,),
            program=program(
                f"x = only({lit(name)})",
                f"frame = {'visible_frames(x)[0]' if first else k}",
                f'return number(camera_distance(frame, x), "m", {step:g})',
            ),
            expected=float(sight.gap_m[k, i]),
            unit="m",
        )


def _sectors(view: View) -> tuple[dict[str, Mask], dict[str, Mask]]:
    """(f, n) objects that lie wholly on a side of the camera, and wholly before or behind it."""
    sight = view.sight
    centre, (right, left) = sight.azimuth_deg, sight.azimuth_span_deg
    clear = DEAD_DEG + np.maximum(CLEAR_DEG, bearing_noise_deg(view))

    def within(middle: float) -> Mask:
        """Wholly in the half circle around an azimuth, the centre well inside."""
        offset = (centre - middle + 180.0) % 360.0 - 180.0
        whole = (offset + (left - centre) <= 85.0) & (offset - (centre - right) >= -85.0)
        inside: Mask = (np.abs(offset) <= 90.0 - clear) & whole & (sight.gap_m >= MIN_GAP_M)
        return inside

    return {"left": within(90.0), "right": within(-90.0)}, {"in front": within(0.0), "behind": within(180.0)}


def _places(view: View, scheme: Scheme) -> dict[str, Mask]:
    sides, facing = _sectors(view)
    if scheme == "sides":
        return sides
    if scheme == "facing":
        return facing
    ends = {"front": facing["in front"], "back": facing["behind"]}
    return {name: ends[name.split("-")[0]] & sides[name.split("-")[1]] for name in QUADRANTS}


def position(view: View, rng: np.random.Generator, *, scheme: Scheme, shown: bool) -> Iterator[Ask]:
    """On which side of the camera an object is that the frame shows, or does not show."""
    sight, kinds = view.sight, _KINDS[scheme]
    usable = sight.shown if shown else sight.hidden
    groups = defaultdict(list)
    for name, mask in _places(view, scheme).items():
        for k, n in np.argwhere((mask & usable)[:, view.single]).tolist():
            groups[name].append((name, k, int(view.single[n])))
    for right, k, i in evenly(groups, rng):
        name = view.name(i)
        yield Ask(
            subject=(name, str(k)),
            slots={
                "x": name,
                "frame": frame_name(k, len(view.frames)),
                "to": _TO[scheme],
                "sides": either(kinds),
            },
            mentions=(name,),
            program=program(
                f"x = only({lit(name)})", f"return choice({_RESULT[scheme].format(k=k)}, {OPTIONS})"
            ),
            expected=right,
            options=kinds,
        )


def which(view: View, rng: np.random.Generator, *, candidates: int, scheme: Scheme) -> Iterator[Ask]:
    """Which one of several objects is on a side of the camera; all others are on the opposite one."""
    names = [view.name(i) for i in view.single]
    places = {name: mask[:, view.single] for name, mask in _places(view, scheme).items()}
    words = {
        "left": "to the left of",
        "right": "to the right of",
        "in front": "in front of",
        "behind": "behind",
    }
    first, last = _KINDS[scheme]

    def draw() -> tuple[str, tuple[int, str, int, tuple[int, ...]]] | None:
        k = int(rng.integers(len(view.frames)))
        side, other = (first, last) if rng.integers(2) else (last, first)
        here, there = (np.flatnonzero(places[name][k]) for name in (side, other))
        if not len(here) or len(there) < candidates - 1:
            return None
        winner = int(here[rng.integers(len(here))])
        chosen = (winner, *there[rng.permutation(len(there))[: candidates - 1]].tolist())
        return side, (k, side, winner, tuple(sorted(chosen)))

    if len(names) < candidates:
        return
    for k, side, winner, chosen in sampled(draw, rng):
        options = tuple(names[n] for n in chosen)  # alphabetical: the order in the text tells nothing
        call = "camera_side" if scheme == "sides" else "camera_facing"
        yield Ask(
            subject=(str(k), *options),
            slots={
                "items": ", ".join(options),
                "frame": frame_name(k, len(view.frames)),
                "where": words[side],
            },
            mentions=options,
            program=program(
                f"names = {OPTIONS}",
                f"there = [name for name in names if {call}({k}, only(name)) == {lit(side)}]",
                "return choice(there[0], names)",
            ),
            expected=names[winner],
            options=options,
        )


_HALF_M = "in meters, to the nearest half meter"

DISTANCE = Family(
    group="camera",
    note="how far from the camera an object is in a frame",
    prior_bound=0.3,
    wordings=(
        "How far is the camera from the closest point of the {x} in {frame} ({resolution})?",
        "In {frame}, what is the distance between the camera and the closest point of the {x} ({resolution})?",
        "Measured in a straight line, how far away from the camera is the nearest part of the {x} at the moment "
        "of {frame} ({resolution})?",
        "You stand where {frame} was taken. What distance separates you from the point of the {x} that is closest "
        "to the camera ({resolution})?",
        "If a tape were pulled tight from the camera of {frame} to the nearest point of the {x}, what length would "
        "it show ({resolution})?",
    ),
    knobs={
        "half_m_near": Knob(
            note="half metres, object shown in the frame and less than 2 m away",
            find=partial(distance, step=0.5, resolution=_HALF_M, most_m=2.0),
        ),
        "half_m_far": Knob(
            note="half metres, object shown in the frame and 2 m away or more",
            find=partial(distance, step=0.5, resolution=_HALF_M, least_m=2.0),
        ),
        "tenth_m": Knob(
            note="tenths of a metre, object shown in the frame",
            find=partial(distance, step=0.1, resolution="in meters, to one decimal place"),
        ),
        "first_seen": Knob(
            note="half metres, at the first frame that shows the object",
            find=partial(distance, step=0.5, resolution=_HALF_M, first=True),
        ),
    },
)

POSITION = Family(
    group="camera",
    note="on which side of the camera an object is in a frame",
    prior_bound=0.55,
    wordings=(
        "Standing where {frame} was taken and looking the way the camera looks there, is the {x} {to}?",
        "Take the camera's place in {frame} and face the same way as it does. Where is the {x} from there: {sides}?",
        "Relative to the camera of {frame}, held level, where is the {x}: {sides}?",
        "If you had taken {frame} yourself, would the {x} have been {to} at that moment?",
        "Seen from above, with the camera of {frame} in the center and its view pointing forward, does the {x} lie "
        "{sides}?",
    ),
    knobs={
        "side_shown": Knob(
            note="left or right, object shown in the frame",
            find=partial(position, scheme="sides", shown=True),
        ),
        "side_unseen": Knob(
            note="left or right, object not shown in the frame",
            find=partial(position, scheme="sides", shown=False),
        ),
        "facing_unseen": Knob(
            note="in front or behind, object not shown in the frame",
            find=partial(position, scheme="facing", shown=False),
        ),
        "quadrant_unseen": Knob(
            note="one of four quadrants, object not shown in the frame",
            find=partial(position, scheme="quadrants", shown=False),
        ),
    },
)

WHICH = Family(
    group="camera",
    note="which of several objects is on a given side of the camera in a frame",
    prior_bound=0.25,
    wordings=(
        "Standing where {frame} was taken and looking the way the camera looks there, which of these is {where} "
        "you: {items}?",
        "Which one of the following is {where} the camera in {frame}, going by the direction in which it looks "
        "there: {items}?",
        "Of {items}, only one is {where} you when you take {frame}. Which one is it?",
        "Put yourself in the camera's place in {frame}, facing as it does. One of these is {where} you: {items}. "
        "Which?",
        "Seen from above, which of these lies {where} the camera of {frame}, held level: {items}?",
    ),
    knobs={
        "side_two": Knob(
            note="left or right, 2 candidates", find=partial(which, candidates=2, scheme="sides")
        ),
        "side_three": Knob(
            note="left or right, 3 candidates", find=partial(which, candidates=3, scheme="sides")
        ),
        "facing_two": Knob(
            note="in front or behind, 2 candidates", find=partial(which, candidates=2, scheme="facing")
        ),
        "facing_three": Knob(
            note="in front or behind, 3 candidates", find=partial(which, candidates=3, scheme="facing")
        ),
    },
)
