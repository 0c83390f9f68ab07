"""Order within one frame: what is nearest, and what is farther to the left."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.families.framing import (
    either_way,
    frame_name,
    place_noise_m,
    singles_shown,
    with_some,
)
from ouroboros_data.proposers.sight import Mask
from ouroboros_data.proposers.view import Array, View

DEAD_M = 0.15
"""The program API's own, and that of SpatialEvo and VLM-3R: less is no difference."""
CLEAR_M = 0.8
DEAD_DEG = 5.0
"""The program API's own."""
NEAR_DEG = 10.0
CLEAR_DEG = 25.0
EDGE_DEG = 2.0
"""How far the middle of one thing lies outside of the other, in the picture."""

Drawn = tuple[int, tuple[int, ...]]


def _some_shown(view: View, candidates: int, rng: np.random.Generator) -> Drawn | None:
    """A frame, and some of the objects that it shows, in the order of their names."""
    k = int(rng.integers(len(view.frames)))
    there = singles_shown(view, k)
    if len(there) < candidates:
        return None
    return k, tuple(sorted(there[rng.permutation(len(there))[:candidates]].tolist(), key=view.name))


def _other_ways(view: View) -> tuple[tuple[Array, float], ...]:
    """Other ways to judge what is nearer, (f, n), and how clear each has to be.

    By the middle of things, by how far along the floor one would walk to them (a low thing is farther from the eye than
    the wall above it), and by the depth in the picture.
    """
    sight = view.sight
    return (sight.centre_m, DEAD_M), (sight.level_m, DEAD_M), (sight.depth_m, 0.01)


def _nearest_first(view: View, drawn: Drawn, *, least_m: float, most_m: float) -> list[int] | None:
    """Objects by their distance from the camera; None unless neighbours differ enough, and have the same order by
    `_other_ways`.
    """
    k, chosen = drawn
    sight, off = view.sight, place_noise_m(view)
    order = sorted(chosen, key=lambda i: float(sight.gap_m[k, i]))
    steps = [
        (float(sight.gap_m[k, b] - sight.gap_m[k, a]), DEAD_M + float(np.hypot(off[a], off[b])))
        for a, b in itertools.pairwise(order)
    ]
    agreed = all(np.diff(table[k, order]).min() >= least for table, least in _other_ways(view))
    clear = agreed and all(step >= max(needed, least_m) for step, needed in steps)
    return order if clear and min(step for step, _ in steps) < most_m else None


def depth_order(
    view: View, rng: np.random.Generator, *, candidates: int, least_m: float = 0.0, most_m: float = np.inf
) -> Iterator[Ask]:
    """Order of objects in a frame from the nearest to the camera to the farthest."""

    def draw() -> tuple[str, Drawn] | None:
        drawn = _some_shown(view, candidates, rng)
        order = drawn and _nearest_first(view, drawn, least_m=least_m, most_m=most_m)
        return (str([drawn[1].index(i) for i in order]), drawn) if drawn and order else None

    for k, chosen in sampled(draw, rng):
        order = _nearest_first(view, (k, chosen), least_m=least_m, most_m=most_m)
        assert order is not None
        shown = [view.name(i) for i in chosen]  # alphabetical: the order in the text tells nothing
        right = ", ".join(view.name(i) for i in order)
        wrong = [", ".join(other) for other in itertools.permutations(shown) if ", ".join(other) != right]
        yield Ask(
            subject=(str(k), *shown),
            slots={"items": ", ".join(shown), "frame": frame_name(k, len(view.frames))},
            mentions=tuple(shown),
            program=program(
                f"things = [only(name) for name in {lit(shown)}]",
                f"order = depth_order({k}, *things)",
                f'return choice(", ".join([o.category for o in order]), {OPTIONS})',
            ),
            expected=right,
            options=with_some(right, wrong, rng),
        )


def nearest(
    view: View, rng: np.random.Generator, *, candidates: int, least_m: float = 0.0, most_m: float = np.inf
) -> Iterator[Ask]:
    """Which of several objects that a frame shows is nearest to its camera, or farthest from it."""
    sight, off = view.sight, place_noise_m(view)

    def draw() -> tuple[str, tuple[int, bool, int, tuple[int, ...]]] | None:
        drawn = _some_shown(view, candidates, rng)
        if drawn is None:
            return None
        k, chosen = drawn
        near = bool(rng.integers(2))
        order = sorted(chosen, key=lambda i: float(sight.gap_m[k, i]))[:: 1 if near else -1]
        leads = [abs(float(sight.gap_m[k, i] - sight.gap_m[k, order[0]])) for i in order[1:]]
        needed = [DEAD_M + float(np.hypot(off[order[0]], off[i])) for i in order[1:]]
        agreed = all(
            (table[k, i] - table[k, order[0]]) * (1.0 if near else -1.0) >= least
            for table, least in _other_ways(view)
            for i in order[1:]
        )
        clear = all(lead >= max(need, least_m) for lead, need in zip(leads, needed, strict=True))
        fits = agreed and clear and leads[0] < most_m
        return (view.name(order[0]), (k, near, order[0], chosen)) if fits else None

    for k, near, winner, chosen in sampled(draw, rng):
        options = tuple(view.name(i) for i in chosen)  # alphabetical
        yield Ask(
            subject=(str(k), str(near), *options),
            slots={
                "items": ", ".join(options),
                "frame": frame_name(k, len(view.frames)),
                "end": "closest to" if near else "farthest from",
                "way": "the shortest way" if near else "the longest way",
            },
            mentions=options,
            program=program(
                f"names = {OPTIONS}",
                f"found = {'min' if near else 'max'}(names, key=lambda name: camera_distance({k}, only(name)))",
                "return choice(found, names)",
            ),
            expected=view.name(winner),
            options=options,
        )


def _left_of(view: View, k: int, *, least_deg: float) -> Mask:
    """(n, n) whether the first is to the left of the second in a frame, clear of its edges."""
    middle, left, right = (table[k] for table in view.sight.right_deg)
    off = bearing_slack_deg(view)[k]
    slack = np.hypot(off[:, None], off[None])
    apart = middle[None] - middle[:, None] >= np.maximum(least_deg, DEAD_DEG + slack)
    clear = (middle[:, None] + EDGE_DEG + off[:, None] <= left[None]) & (
        right[:, None] <= middle[None] - EDGE_DEG - off[None]
    )
    found: Mask = apart & clear
    return found


def bearing_slack_deg(view: View) -> Array:
    """(f, n) how far the edges of boxes may be off in the picture."""
    slack: Array = np.degrees(np.arctan2(place_noise_m(view), np.maximum(view.sight.gap_m, 0.1)))
    return slack


def left_right(
    view: View,
    rng: np.random.Generator,
    *,
    least_deg: float,
    most_deg: float = np.inf,
    large: bool | None = None,
) -> Iterator[Ask]:
    """Whether one object is to the left or to the right of another in a frame."""
    sight, found = view.sight, []
    for k in range(len(view.frames)):
        there = singles_shown(view, k)
        left_of, middle = _left_of(view, k, least_deg=least_deg), sight.right_deg[0][k]
        for a, b in itertools.permutations(there.tolist(), 2):
            is_large = bool((sight.shares[k, [a, b]] >= view.large_share).all())
            if left_of[a, b] and middle[b] - middle[a] < most_deg and large in (None, is_large):
                found.append(((k, a), (k, b)))
    place = sight.right_deg[0]
    for (k, a), (_, b) in either_way(found, rng):
        yield Ask(
            subject=(str(k), *sorted((view.name(a), view.name(b)))),
            slots={"a": view.name(a), "b": view.name(b), "frame": frame_name(k, len(view.frames))},
            mentions=(view.name(a), view.name(b)),
            program=program(
                f"a = only({lit(view.name(a))})",
                f"b = only({lit(view.name(b))})",
                f'return choice("left" if left_in_view({k}, a, b) else "right", {OPTIONS})',
            ),
            expected="left" if place[k, a] < place[k, b] else "right",
            options=("left", "right"),
        )


def left_to_right(view: View, rng: np.random.Generator, *, candidates: int) -> Iterator[Ask]:
    """Order of objects in a frame from left to right."""
    lefts = [_left_of(view, k, least_deg=NEAR_DEG) for k in range(len(view.frames))]

    def ordered(drawn: Drawn) -> list[int] | None:
        k, chosen = drawn
        place = view.sight.right_deg[0][k]
        order = sorted(chosen, key=lambda i: float(place[i]))
        return order if all(lefts[k][a, b] for a, b in itertools.combinations(order, 2)) else None

    def draw() -> tuple[str, Drawn] | None:
        drawn = _some_shown(view, candidates, rng)
        order = drawn and ordered(drawn)
        return (str([drawn[1].index(i) for i in order]), drawn) if drawn and order else None

    for k, chosen in sampled(draw, rng):
        order = ordered((k, chosen))
        assert order is not None
        shown = [view.name(i) for i in chosen]  # alphabetical
        right = ", ".join(view.name(i) for i in order)
        wrong = [", ".join(other) for other in itertools.permutations(shown) if ", ".join(other) != right]
        yield Ask(
            subject=(str(k), *shown),
            slots={"items": ", ".join(shown), "frame": frame_name(k, len(view.frames))},
            mentions=tuple(shown),
            program=program(
                f"things = [only(name) for name in {lit(shown)}]",
                "def before(o):",
                f"    return len([other for other in things if other.id != o.id and left_in_view({k}, other, o)])",
                'order = ", ".join([o.category for o in sorted(things, key=before)])',
                f"return choice(order, {OPTIONS})",
            ),
            expected=right,
            options=with_some(right, wrong, rng),
        )


DEPTH_ORDER = Family(
    group="camera",
    note="order of objects in a frame, from the nearest to the camera to the farthest",
    prior_bound=0.25,
    wordings=(
        "In what order are these, from the closest to the camera to the farthest from it, in {frame}: {items}?",
        "Sort these by their distance from the camera in {frame}, closest first: {items}. What is the order?",
        "Going away from the camera of {frame}, in what order do you come to the nearest points of these: {items}?",
        "Which order do {items} have in {frame}, from the nearest to the farthest from the camera?",
        "Looking at {frame}, rank these from near to far, by the point of each that is closest to the camera: "
        "{items}. Which ranking is right?",
    ),
    knobs={
        "two": Knob(note="2 objects", find=partial(depth_order, candidates=2)),
        "three_clear": Knob(
            note="3 objects, 0.8 m or more between neighbours",
            find=partial(depth_order, candidates=3, least_m=CLEAR_M),
        ),
        "three_close": Knob(
            note="3 objects, some neighbours less than 0.8 m apart",
            find=partial(depth_order, candidates=3, most_m=CLEAR_M),
        ),
        "four": Knob(note="4 objects", find=partial(depth_order, candidates=4)),
    },
)

NEAREST = Family(
    group="camera",
    note="which of several objects in a frame is closest to the camera, or farthest from it",
    prior_bound=0.25,
    wordings=(
        "Which of these is {end} the camera in {frame}: {items}?",
        "In {frame}, which one of the following is {end} the camera, measured to the closest point of each: {items}?",
        "Going straight from the camera of {frame}, to which of these is it {way}: {items}?",
        "Of {items}, which is {end} the person who takes {frame}?",
        "Looking at {frame}: among {items}, what is {end} the spot from which it was taken?",
    ),
    knobs={
        "two_clear": Knob(
            note="2 candidates, 0.8 m or more ahead", find=partial(nearest, candidates=2, least_m=CLEAR_M)
        ),
        "two_close": Knob(
            note="2 candidates, less than 0.8 m ahead", find=partial(nearest, candidates=2, most_m=CLEAR_M)
        ),
        "three": Knob(note="3 candidates", find=partial(nearest, candidates=3)),
        "four": Knob(note="4 candidates", find=partial(nearest, candidates=4)),
    },
)

LEFT_RIGHT = Family(
    group="camera",
    note="which of two objects is farther to the left in a frame",
    prior_bound=0.55,
    wordings=(
        "In {frame}, is the {a} to the left or to the right of the {b}, as it appears in the image?",
        "Looking at {frame} as an image, does the {a} appear left or right of the {b}?",
        "Where does the {a} appear in {frame}: to the left or to the right of the {b}?",
        "If you look from the {b} to the {a} in the image of {frame}, do your eyes move left or right?",
        "As the camera sees them in {frame}, is the {a} on the left side or on the right side of the {b}?",
    ),
    knobs={
        "clear": Knob(
            note="25 degrees or more apart in the view", find=partial(left_right, least_deg=CLEAR_DEG)
        ),
        "near_large": Knob(
            note="10-25 degrees apart in the view, both look large",
            find=partial(left_right, least_deg=NEAR_DEG, most_deg=CLEAR_DEG, large=True),
        ),
        "near_small": Knob(
            note="10-25 degrees apart in the view, one looks small",
            find=partial(left_right, least_deg=NEAR_DEG, most_deg=CLEAR_DEG, large=False),
        ),
    },
)

LEFT_TO_RIGHT = Family(
    group="camera",
    note="order of objects in a frame from left to right",
    prior_bound=0.2,
    wordings=(
        "In what order do these appear in {frame}, from left to right: {items}?",
        "Looking at {frame}, name these as they follow each other from the left to the right of the image: {items}. "
        "What is the order?",
        "From left to right, how are {items} arranged in the image of {frame}?",
        "If your eyes move from the left edge of {frame} to its right edge, in what order do they meet these: {items}?",
        "Which is the left-to-right order of {items} as the camera sees them in {frame}?",
    ),
    knobs={
        "three": Knob(note="3 objects", find=partial(left_to_right, candidates=3)),
        "four": Knob(note="4 objects", find=partial(left_to_right, candidates=4)),
    },
)
