"""How far the camera moves: between two frames, up or down, and which two are farthest apart."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program, sampled
from ouroboros_data.proposers.families.framing import central, either, either_way, numbered, two_names
from ouroboros_data.proposers.view import View

MIN_MOVE_M = 0.4
MIN_RISE_M = 0.15
"""SpatialEvo's least difference in height as well."""


def distance(
    view: View,
    rng: np.random.Generator,
    *,
    step: float,
    resolution: str,
    least_m: float = MIN_MOVE_M,
    most_m: float = np.inf,
) -> Iterator[Ask]:
    """How far apart the camera's places in two frames are."""
    moved = view.sight.motion.distance_m
    groups = defaultdict(list)
    for i, j in np.argwhere(np.triu((moved >= least_m) & (moved < most_m), 1)).tolist():
        value = float(moved[i, j])
        if step < 0.5 or central(value, step):
            groups[round(value / max(step, 0.5))].append((i, j))
    for i, j in interleave(groups, rng):
        yield Ask(
            subject=(str(i), str(j)),
            slots={**two_names(view, i, j), "resolution": resolution},
            mentions=(),
            program=program(f'return number(camera_moved({i}, {j}), "m", {step:g})'),
            expected=float(moved[i, j]),
            unit="m",
        )


def elevation(
    view: View, rng: np.random.Generator, *, least_m: float = MIN_RISE_M, most_m: float = np.inf
) -> Iterator[Ask]:
    """In which of two frames the camera is held higher."""
    rise = view.sight.motion.level_m[..., 2]
    usable = (np.abs(rise) >= least_m) & (np.abs(rise) < most_m) & view.sight.headed[:, None]
    usable &= usable.T  # either one may come to stand first
    upward = [(i, j) if rise[i, j] > 0 else (j, i) for i, j in np.argwhere(np.triu(usable, 1)).tolist()]
    for i, j in either_way(upward, rng):
        yield Ask(
            subject=(str(min(i, j)), str(max(i, j))),
            slots=two_names(view, i, j),
            mentions=(),
            program=program(
                f"right, ahead, up = camera_shift({i}, {j})",
                f'return choice("higher" if up > 0 else "lower", {OPTIONS})',
            ),
            expected="higher" if rise[i, j] > 0 else "lower",
            options=("higher", "lower"),
        )


def farthest(
    view: View, rng: np.random.Generator, *, candidates: int, least_m: float, most_m: float = np.inf
) -> Iterator[Ask]:
    """Which of several pairs of frames was taken from places that are farthest apart, or closest together."""
    moved, count = view.sight.motion.distance_m, len(view.frames)
    pairs = list(itertools.combinations(range(count), 2))
    labels = {pair: f"frames {pair[0] + 1} and {pair[1] + 1}" for pair in pairs}

    def draw() -> tuple[str, tuple[bool, tuple[tuple[int, int], ...]]] | None:
        chosen = tuple(sorted(pairs[n] for n in rng.permutation(len(pairs))[:candidates]))
        far = bool(rng.integers(2))
        best, other = sorted(chosen, key=lambda pair: float(moved[pair]), reverse=far)[:2]
        fits = least_m <= abs(moved[best] - moved[other]) < most_m
        return (labels[best], (far, chosen)) if fits else None

    if len(pairs) < candidates:
        return
    for far, chosen in sampled(draw, rng):
        options = tuple(labels[pair] for pair in chosen)
        listed = ", ".join(f"{lit(labels[pair])}: {pair}" for pair in chosen)
        yield Ask(
            subject=(str(far), *options),
            slots={
                "size": "largest" if far else "smallest",
                "distance": f"the {'longest' if far else 'shortest'} distance",
                "apart": "farthest apart" if far else "closest together",
                "items": either(options),
                "numbered": numbered(view),
            },
            mentions=(),
            program=program(
                f"pairs = {{{listed}}}",
                f"found = {'max' if far else 'min'}(pairs, key=lambda name: camera_moved(*pairs[name]))",
                f"return choice(found, {OPTIONS})",
            ),
            expected=labels[(max if far else min)(chosen, key=lambda pair: float(moved[pair]))],
            options=options,
        )


_HALF_M = "in meters, to the nearest half meter"

DISTANCE = Family(
    group="camera",
    note="how far apart the camera's places in two frames are",
    prior_bound=0.3,
    wordings=(
        "How far apart are the places of the camera in {one} and in {other}, in a straight line ({resolution})?",
        "What is the straight-line distance between where {one} and where {other} was taken ({resolution})?",
        "Ignoring any detour, how far from its place in {one} has the camera got in {other} ({resolution})?",
        "You stand where {one} was taken. How far away from you is the spot from which {other} was taken "
        "({resolution})?",
        "Comparing {one} with {other}, by what distance has the camera changed its place, as the crow flies "
        "({resolution})?",
    ),
    knobs={
        "half_m_near": Knob(
            note="half metres, less than 2 m apart",
            find=partial(distance, step=0.5, resolution=_HALF_M, most_m=2.0),
        ),
        "half_m_far": Knob(
            note="half metres, 2 m apart or more",
            find=partial(distance, step=0.5, resolution=_HALF_M, least_m=2.0),
        ),
        "tenth_m": Knob(
            note="tenths of a metre",
            find=partial(distance, step=0.1, resolution="in meters, to one decimal place"),
        ),
    },
)

ELEVATION = Family(
    group="camera",
    note="in which of two frames the camera is held higher",
    prior_bound=0.55,
    wordings=(
        "Is the camera higher or lower in {other} than in {one}?",
        "Compared with {one}, is the camera held higher or lower in {other}?",
        "Looking at {one} and at {other}: is the one who takes {other} holding the camera higher or lower than for "
        "{one}?",
        "From the place of {one}, would the camera have to be brought higher or lower to reach the height from which "
        "{other} was taken?",
        "Take the camera's height above the floor in {one}. Is its height in {other} higher or lower?",
    ),
    knobs={
        "clear": Knob(note="0.35 m or more higher or lower", find=partial(elevation, least_m=0.35)),
        "slight": Knob(note="0.15-0.35 m higher or lower", find=partial(elevation, most_m=0.35)),
    },
)

FARTHEST = Family(
    group="camera",
    note="which pair of frames was taken from places that are farthest apart, or closest together",
    prior_bound=0.35,
    wordings=(
        "Which of these pairs of frames was taken from places that lie {apart}: {items} ({numbered})?",
        "Between which two frames is the change of the camera's place the {size}: {items} ({numbered})?",
        "Compare the camera's places in the frames; {numbered}. Which of these two lie {apart}: {items}?",
        "For which pair is it {distance} in a straight line from the one camera position to the other: {items} "
        "({numbered})?",
        "You walk straight from the spot of the one frame to the spot of the other. For which pair is that step the "
        "{size}: {items} ({numbered})?",
    ),
    knobs={
        "two_clear": Knob(
            note="2 pairs that differ by 0.8 m or more", find=partial(farthest, candidates=2, least_m=0.8)
        ),
        "two_close": Knob(
            note="2 pairs that differ by 0.3-0.8 m",
            find=partial(farthest, candidates=2, least_m=0.3, most_m=0.8),
        ),
        "three": Knob(note="3 pairs, 0.3 m or more ahead", find=partial(farthest, candidates=3, least_m=0.3)),
    },
)
