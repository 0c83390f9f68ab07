"""Angles and heights from the camera to things: how far to turn, and whether to look up or down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.geometry.relations import UP, span_m
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program
from ouroboros_data.proposers.families.framing import (
    LITTLE_CUT,
    SIGMAS,
    bearing_noise_deg,
    central,
    evenly,
    frame_name,
    noise,
)
from ouroboros_data.proposers.view import View

DEAD_M = 0.05
"""The program API's own: less is neither above nor below."""
WIDEST_DEG = 60.0
"""Of a wider thing people do not agree on the middle."""


def bearing(view: View, rng: np.random.Generator, *, step: float, shown: bool) -> Iterator[Ask]:
    """By how many degrees the camera would have to turn to look at the middle of an object."""
    sight = view.sight
    angle, narrow = np.abs(sight.azimuth_deg), np.subtract(*sight.azimuth_span_deg[::-1])
    usable = (sight.shown & (sight.cut <= LITTLE_CUT)) if shown else sight.hidden
    usable = (
        usable & (narrow <= WIDEST_DEG) & (angle <= 180.0 - step / 2) & (bearing_noise_deg(view) <= step / 2)
    )
    groups = defaultdict(list)
    for k, n in np.argwhere(usable[:, view.single]).tolist():
        value = float(angle[k, view.single[n]])
        if central(value, step):
            groups[round(value / step)].append((k, int(view.single[n])))
    for k, i in interleave(groups, rng):
        name = view.name(i)
        yield Ask(
            subject=(name, str(k)),
            slots={
                "x": name,
                "frame": frame_name(k, len(view.frames)),
                "resolution": f"in degrees, to the nearest {step:g}",
            },
            mentions=(name,),
            program=program(
                f"x = only({lit(name)})", f'return number(abs(camera_bearing({k}, x)), "deg", {step:g})'
            ),
            expected=float(angle[k, i]),
            unit="deg",
        )


def elevation(view: View, rng: np.random.Generator, *, shown: bool) -> Iterator[Ask]:
    """Whether the whole of an object is higher or lower than the camera."""
    sight, level = view.sight, noise(view)
    gap = np.abs(sight.level_gap_m)
    half = np.diff(span_m(view.boxes, UP))[:, 0] / 2
    clear = DEAD_M + SIGMAS * np.hypot(level.center_m, level.extent_rel * half)
    usable = (sight.shown if shown else sight.hidden) & (gap >= clear)
    groups = defaultdict(list)
    for k, n in np.argwhere(usable[:, view.single]).tolist():
        i = int(view.single[n])
        groups["above" if sight.level_gap_m[k, i] > 0 else "below"].append((k, i))
    for k, i in evenly(groups, rng):
        name = view.name(i)
        yield Ask(
            subject=(name, str(k)),
            slots={"x": name, "frame": frame_name(k, len(view.frames))},
            mentions=(name,),
            program=program(f"return choice(camera_level({k}, only({lit(name)})), {OPTIONS})"),
            expected="above" if sight.level_gap_m[k, i] > 0 else "below",
            options=("above", "below"),
        )


BEARING = Family(
    group="camera",
    note="by how many degrees the camera would have to turn to face an object",
    prior_bound=0.4,
    wordings=(
        "By how many degrees would the camera of {frame}, held level, have to turn left or right to look straight "
        "at the middle of the {x} ({resolution})?",
        "In {frame}, what is the angle, seen from above, between where the camera looks and the direction of the "
        "middle of the {x} ({resolution})?",
        "You take {frame} and then turn on the spot, the shorter way, to face the middle of the {x}. How far do you "
        "turn ({resolution})?",
        "How many degrees to the side of the camera's viewing direction in {frame} is the middle of the {x}, seen "
        "from above ({resolution})?",
        "Standing where {frame} was taken and looking the way it looks, how large a turn, left or right, brings the "
        "middle of the {x} straight ahead ({resolution})?",
    ),
    knobs={
        "ten_shown": Knob(
            note="tens of degrees, object shown in the frame", find=partial(bearing, step=10.0, shown=True)
        ),
        "thirty_unseen": Knob(
            note="multiples of 30 degrees, object not shown in the frame",
            find=partial(bearing, step=30.0, shown=False),
        ),
    },
)

ELEVATION = Family(
    group="camera",
    note="whether an object is higher or lower than the camera",
    prior_bound=0.6,
    wordings=(
        "Is the {x} above or below the height of the camera in {frame}?",
        "In {frame}, does the whole of the {x} lie above or below the camera's own height?",
        "Compared with how high the camera is held in {frame}, is the {x} above or below that height?",
        "Imagine a level plane through the camera at the moment of {frame}: is the {x} entirely above or entirely "
        "below it?",
        "Would you find the {x} above or below the level from which {frame} was taken?",
    ),
    knobs={
        "shown": Knob(note="object shown in the frame", find=partial(elevation, shown=True)),
        "unseen": Knob(note="object not shown in the frame", find=partial(elevation, shown=False)),
    },
)
