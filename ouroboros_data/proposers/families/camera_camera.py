"""Where the cameras of two frames lie and look, as seen from each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, program
from ouroboros_data.proposers.families.framing import central, either, either_way, evenly, two_names
from ouroboros_data.proposers.sight import Mask
from ouroboros_data.proposers.view import View

MIN_MOVE_M = 0.4
AXIS_DEG = 15.0
"""From straight ahead, left, right and behind."""
MIN_AHEAD_M = 0.3
Scheme = Literal["sides", "facing", "quadrants"]
_KINDS: dict[Scheme, tuple[str, ...]] = {
    "sides": ("left", "right"),
    "facing": ("in front", "behind"),
    "quadrants": ("front-left", "front-right", "back-left", "back-right"),
}
_TO: dict[Scheme, str] = {
    "sides": "to your left or to your right",
    "facing": "in front of you or behind you",
    "quadrants": "to your front-left, front-right, back-left or back-right",
}
_RESULT: dict[Scheme, str] = {
    "sides": '"left" if right < 0 else "right"',
    "facing": '"in front" if ahead > 0 else "behind"',
    "quadrants": '("front" if ahead > 0 else "back") + ("-left" if right < 0 else "-right")',
}


def _between(view: View, *, least: int, most: int) -> Mask:
    """(f, f) pairs of frames with so many steps from the one to the other."""
    at = np.arange(len(view.frames))
    steps = np.abs(at[:, None] - at[None])
    between: Mask = (steps >= least) & (steps <= most)
    return between


def position(
    view: View, rng: np.random.Generator, *, scheme: Scheme, least: int = 1, most: int = 10**6
) -> Iterator[Ask]:
    """Where the camera is in another frame, from its place and heading in one."""
    # Where the camera has no heading, right and ahead are nan, and nothing holds.
    right, ahead, _ = np.moveaxis(view.sight.motion.level_m, -1, 0)
    far = np.hypot(right, ahead) >= MIN_MOVE_M
    sideways = np.degrees(np.arctan2(np.abs(right), np.abs(ahead)))  # 0 straight ahead or behind, 90 beside
    usable = far & _between(view, least=least, most=most)
    if scheme != "facing":
        usable &= (sideways >= AXIS_DEG) & (np.abs(right) >= MIN_AHEAD_M)
    if scheme != "sides":
        usable &= (sideways <= 90.0 - AXIS_DEG) & (np.abs(ahead) >= MIN_AHEAD_M)
    groups = defaultdict(list)
    for i, j in np.argwhere(usable).tolist():
        side, end = "left" if right[i, j] < 0 else "right", ahead[i, j] > 0
        name = {
            "sides": side,
            "facing": "in front" if end else "behind",
            "quadrants": f"{'front' if end else 'back'}-{side}",
        }[scheme]
        groups[name].append((name, i, j))
    kinds = _KINDS[scheme]
    for name, i, j in evenly(groups, rng):
        yield Ask(
            subject=(str(i), str(j)),
            slots={**two_names(view, i, j), "to": _TO[scheme], "sides": either(kinds)},
            mentions=(),
            program=program(
                f"right, ahead, up = camera_shift({i}, {j})", f"return choice({_RESULT[scheme]}, {OPTIONS})"
            ),
            expected=name,
            options=kinds,
        )


def turn(view: View, rng: np.random.Generator, *, least_deg: float, most_deg: float) -> Iterator[Ask]:
    """To which side the camera turns from its heading in one frame to that in another."""
    yaw = view.sight.motion.yaw_deg
    usable = (np.abs(yaw) >= least_deg) & (np.abs(yaw) < most_deg)
    leftward = [(i, j) if yaw[i, j] > 0 else (j, i) for i, j in np.argwhere(np.triu(usable, 1)).tolist()]
    for i, j in either_way(leftward, rng):
        yield Ask(
            subject=(str(min(i, j)), str(max(i, j))),
            slots=two_names(view, i, j),
            mentions=(),
            program=program(f'return choice("left" if camera_turn({i}, {j}) > 0 else "right", {OPTIONS})'),
            expected="left" if yaw[i, j] > 0 else "right",
            options=("left", "right"),
        )


def turn_angle(view: View, rng: np.random.Generator, *, step: float) -> Iterator[Ask]:
    """By how many degrees the camera's headings in two frames differ."""
    angle = np.abs(view.sight.motion.yaw_deg)
    groups = defaultdict(list)
    for i, j in np.argwhere(np.triu(angle <= 170.0, 1)).tolist():
        if central(float(angle[i, j]), step):
            groups[round(float(angle[i, j]) / step)].append((i, j))
    for i, j in interleave(groups, rng):
        yield Ask(
            subject=(str(i), str(j)),
            slots={**two_names(view, i, j), "resolution": f"in degrees, to the nearest {step:g}"},
            mentions=(),
            program=program(f'return number(abs(camera_turn({i}, {j})), "deg", {step:g})'),
            expected=float(angle[i, j]),
            unit="deg",
        )


POSITION = Family(
    group="camera",
    note="where the camera is in one frame, seen from its place and heading in another",
    prior_bound=0.4,
    wordings=(
        "Standing where {one} was taken and looking the way the camera looks there, is the place where {other} was "
        "taken {to}?",
        "Take the camera's place in {one} and face the same way as it does. Where from there is the camera's place "
        "in {other}: {sides}?",
        "Relative to the camera of {one}, held level, where is the camera of {other}: {sides}?",
        "You have just taken {one} and have not turned. Is the spot from which {other} is taken {to}?",
        "Seen from above, with the camera of {one} in the center and its view pointing forward, does the camera of "
        "{other} lie {sides}?",
    ),
    knobs={
        "side": Knob(note="left or right", find=partial(position, scheme="sides")),
        "facing": Knob(note="in front or behind", find=partial(position, scheme="facing")),
        "quadrant_next": Knob(
            note="one of four quadrants, neighbouring frames",
            find=partial(position, scheme="quadrants", most=1),
        ),
        "quadrant_apart": Knob(
            note="one of four quadrants, frames with others between",
            find=partial(position, scheme="quadrants", least=2),
        ),
    },
)

TURN = Family(
    group="camera",
    note="to which side the camera turns from one frame to another",
    prior_bound=0.55,
    wordings=(
        "To get from the direction in which the camera looks in {one} to that in {other}, does one turn left or "
        "right (the shorter way)?",
        "Going the shorter way round, is the camera's viewing direction in {other} to the left or to the right of "
        "its viewing direction in {one}?",
        "You look the way the camera looks in {one}. Which way do you turn, left or right, to look the way it looks "
        "in {other}, if you take the shorter turn?",
        "Compare {one} with {other}: is the camera of {other} turned to the left or to the right of that of {one} "
        "(by less than half a turn)?",
        "Starting with the heading of {one}, would the camera reach the heading of {other} sooner by turning left "
        "or by turning right?",
    ),
    knobs={
        "slight": Knob(note="a turn of 15-45 degrees", find=partial(turn, least_deg=15.0, most_deg=45.0)),
        "middle": Knob(note="a turn of 45-100 degrees", find=partial(turn, least_deg=45.0, most_deg=100.0)),
        "wide": Knob(note="a turn of 100-160 degrees", find=partial(turn, least_deg=100.0, most_deg=160.0)),
    },
)

TURN_ANGLE = Family(
    group="camera",
    note="by how many degrees the camera's headings in two frames differ",
    prior_bound=0.45,
    wordings=(
        "By how many degrees do the directions in which the camera looks in {one} and in {other} differ, seen from "
        "above ({resolution})?",
        "Seen from above, what is the angle between the camera's headings in {one} and in {other} ({resolution})?",
        "You look the way the camera looks in {one}. How far do you turn, the shorter way, to look the way it looks "
        "in {other} ({resolution})?",
        "How large is the shorter turn, left or right, from the heading of {one} to the heading of {other} "
        "({resolution})?",
        "Comparing {one} with {other}, how much has the camera's heading changed, counted the shorter way "
        "({resolution})?",
    ),
    knobs={
        "ten": Knob(note="tens of degrees", find=partial(turn_angle, step=10.0)),
        "thirty": Knob(note="multiples of 30 degrees", find=partial(turn_angle, step=30.0)),
    },
)
