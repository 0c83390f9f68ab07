"""Walls and ways on foot, where the floor's outline is known: longest_wall, free_wall_length, fits_at_wall,
walking_distance, walking_nearest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import (
    OPTIONS,
    Ask,
    Family,
    Knob,
    alternating,
    interleave,
    lit,
    program,
)
from ouroboros_data.proposers.families.sums import HALF_M
from ouroboros_data.proposers.figures import SURE_SIGMAS, Figures, central, holds, listed, onlys, picks
from ouroboros_data.proposers.view import View

TENTH_M = "in meters, to one decimal place"
MIN_WAY_M = 0.8
MOST_WAYS = 12
"""Ways that are looked for, a bin and call: each takes a hundredth of a second."""
MIN_LEAD_M = 0.6
"""How much longer the second shortest way has to be."""


def longest_wall(view: View, rng: np.random.Generator, *, step: float, resolution: str) -> Iterator[Ask]:
    """Length of the longest wall, stated to a resolution."""
    length = view.floor.longest_wall_m
    if length is not None and _stated(length, 0.02 * length, step):
        yield _length_of("longest_wall()", length, step, resolution)


def free_wall(view: View, rng: np.random.Generator, *, step: float, resolution: str) -> Iterator[Ask]:
    """Length of the longest stretch of wall that nothing stands at, stated to a resolution."""
    length = _known_free(view)
    if length is not None and _stated(length, _free_sd(view, length), step):
        yield _length_of("free_wall()", length, step, resolution)


def _stated(value: float, sd: float, step: float) -> bool:
    return (step == 0.1 or central(value, step)) and holds(value, sd, step, least=0.1) and value >= 0.5


def _length_of(call: str, value: float, step: float, resolution: str) -> Ask:
    stated = "" if step == 0.1 else f", {step:g}"
    return Ask(
        subject=(),
        slots={"resolution": resolution},
        mentions=(),
        program=program(f'return number({call}, "m"{stated})'),
        expected=value,
        unit="m",
    )


def _known_free(view: View) -> float | None:
    """The free length, where all that takes up wall is in view."""
    length = view.floor.free_wall_m
    return length if length is not None and _in_view(view, view.floor.at_walls) else None


def _in_view(view: View, objects: list[int]) -> bool:
    return bool((view.best_share[objects] >= view.visible_share).all())


def _free_sd(view: View, length: float) -> float:
    noise = Figures(view).noise
    return float(
        np.hypot(np.sqrt(2.0) * noise.center_m + noise.extent_rel * 0.5, noise.area_rel / 2 * length)
    )


def fits_at_wall(view: View, rng: np.random.Generator, *, items: int) -> Iterator[Ask]:
    """Whether some objects would fit at a free stretch of wall, side by side."""
    figures = Figures(view)
    movable = figures.movable
    free = _known_free(view)
    if free is None or len(movable) < items:
        return
    long = view.size_m[:, 0]

    def draw() -> tuple[str, tuple[int, ...]] | None:
        chosen = tuple(sorted(movable[k] for k in picks(rng, len(movable), items)))
        lengths = long[list(chosen)]
        sd = np.hypot(_free_sd(view, free), figures.noise.extent_rel * np.linalg.norm(lengths))
        spare = free - float(lengths.sum())
        far = max(0.25, SURE_SIGMAS * float(sd)) <= abs(spare) <= 2.0 * free
        return (str(spare > 0), chosen) if far and lengths.min() >= 0.3 else None

    for chosen in alternating(draw, rng):
        names = [view.name(k) for k in chosen]
        one = items == 1
        yield Ask(
            subject=tuple(names),
            slots={
                "items": listed(names),
                "side": "its longer horizontal side" if one else "their longer horizontal sides",
                "how": "" if one else ", side by side",
            },
            mentions=tuple(names),
            program=program(
                f"needed = sum([length(only(name)) for name in {lit(names)}])",
                "return boolean(needed < free_wall())",
            ),
            expected=bool(free > float(long[list(chosen)].sum())),
            answer_type="boolean",
        )


def walking_distance(view: View, rng: np.random.Generator, *, detour: bool) -> Iterator[Ask]:
    """Way on foot between two objects; detour: round something."""
    figures = Figures(view)
    if not view.floor.outline_m or not _in_view(view, view.floor.obstacles):
        return
    apart = (view.walk_m[np.ix_(view.single, view.single)] >= MIN_WAY_M) & (view.crossed == detour)
    pairs = rng.permutation(np.argwhere(np.triu(apart, 1)))[:MOST_WAYS]
    groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i, j in view.single[pairs].tolist():
        straight = figures.plan_gap_m(i, j)
        way = view.floor.way_m(i, j) if straight >= MIN_WAY_M else None
        if (
            way is not None
            and (way >= 1.2 * straight if detour else way <= 1.08 * straight)
            and central(way, 0.5)
            and holds(way, figures.gap_sd_m(i, j), 0.5, least=0.1)
        ):
            groups[round(way / 0.5)].append((min(i, j), max(i, j)))
    for i, j in interleave(groups, rng):
        a, b, way = view.name(i), view.name(j), view.floor.way_m(i, j)
        if way is not None and view.floor.way_holds(i, j):
            yield Ask(
                subject=(a, b),
                slots={"a": a, "b": b, "resolution": HALF_M},
                mentions=(a, b),
                program=program(*onlys(a=a, b=b), 'return number(path_length(a, b), "m", 0.5)'),
                expected=way,
                unit="m",
            )


def walking_nearest(view: View, rng: np.random.Generator, *, items: int) -> Iterator[Ask]:
    """To which of several objects the way on foot is shortest."""
    single = view.single.tolist()
    if not view.floor.outline_m or not _in_view(view, view.floor.obstacles) or len(single) <= items:
        return
    groups: dict[str, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    for _ in range(MOST_WAYS // items):
        start, *others = (single[k] for k in picks(rng, len(single), items + 1))
        gaps = sorted(view.gap_m[start, others].tolist())
        if gaps[0] < 0.4 or gaps[1] - gaps[0] < 0.3:
            continue
        ways = [(view.floor.way_m(start, k), k) for k in others]
        known = sorted((way, k) for way, k in ways if way is not None)
        if len(known) == items and known[1][0] - known[0][0] >= MIN_LEAD_M:
            groups[view.name(known[0][1])].append((start, tuple(sorted(others))))
    for start, goals in interleave(groups, rng):
        if not all(view.floor.way_holds(start, k) for k in goals):
            continue
        here, names = view.name(start), sorted(view.name(k) for k in goals)
        best = min(goals, key=lambda k: view.floor.way_m(start, k) or np.inf)
        yield Ask(
            subject=(here, *names),
            slots={"start": here, "items": listed(names, last=" or "), "plain": ", ".join(names)},
            mentions=(here, *names),
            program=program(
                f"start = only({lit(here)})",
                f"goals = [only(name) for name in {lit(names)}]",
                f"return choice(min(goals, key=lambda o: path_length(start, o)).category, {OPTIONS})",
            ),
            expected=view.name(best),
            options=tuple(names),
        )


_FOOT = "lower than half a meter above the floor and within half a meter of the wall"
LONGEST_WALL = Family(
    group="composition",
    note="length of the longest wall",
    prior_bound=0.15,
    wordings=(
        "How long is the longest straight wall of the space shown ({resolution})?",
        "Of all straight walls here, take the longest, whatever stands in front of it. What is its length ({resolution})?",
        "If you measured every straight wall from corner to corner, what would be the greatest length ({resolution})?",
        "From one corner to the next, how far does the longest straight wall run ({resolution})?",
        "What length does the longest of the straight walls have along the floor ({resolution})?",
    ),
    knobs={
        "half_m": Knob(note="half metres", find=partial(longest_wall, step=0.5, resolution=HALF_M)),
        "tenth_m": Knob(note="tenths of a metre", find=partial(longest_wall, step=0.1, resolution=TENTH_M)),
    },
)

FREE_WALL_LENGTH = Family(
    group="composition",
    note="length of the longest stretch of wall that nothing stands at",
    prior_bound=0.35,
    wordings=(
        f"How long is the longest stretch of straight wall with nothing (entrances count) {_FOOT} ({{resolution}})?",
        f"A stretch of wall is free if nothing, not even an entrance, is {_FOOT}. What is the length of the longest free straight "
        "stretch ({resolution})?",
        "Somebody wants to put something long and low against a straight wall, where neither furniture nor an entrance is "
        "within half a meter of the wall and lower than half a meter above the floor. How long may it be at most "
        "({resolution})?",
        f"Leave out all wall that has something, be it an entrance, {_FOOT}. Of what remains, how long is the longest straight piece "
        "({resolution})?",
        f"Without moving anything, how much straight wall in one piece can be had where no thing and no entrance is {_FOOT} "
        "({resolution})?",
    ),
    knobs={
        "half_m": Knob(note="half metres", find=partial(free_wall, step=0.5, resolution=HALF_M)),
        "tenth_m": Knob(note="tenths of a metre", find=partial(free_wall, step=0.1, resolution=TENTH_M)),
    },
)

FITS_AT_WALL = Family(
    group="composition",
    note="whether objects would fit at a free stretch of wall",
    prior_bound=0.6,
    wordings=(
        f"A stretch of wall is free if nothing, not even an entrance, is {_FOOT}. Is there a free straight stretch that is longer "
        "than {items}{how}, measured along {side}?",
        f"Take the longest straight stretch of wall with nothing (entrances count) {_FOOT}. Does it have the length for {{items}}"
        "{how}, along {side}?",
        "Could things of the size of {items} be put against one straight piece of wall{how}, with {side} to the wall, where "
        "neither furniture nor an entrance is within half a meter of the wall and lower than half a meter above the floor?",
        "Measure {items} along {side}{how}. Is one straight piece of wall longer than that where no thing and no entrance is "
        "within half a meter of the wall and lower than half a meter above the floor?",
        f"With {{side}} to the wall{{how}}, would {{items}} find room along one straight piece of wall that has nothing, not even "
        f"an entrance, {_FOOT}, as everything stands now?",
    ),
    knobs={
        "one": Knob(note="1 object", find=partial(fits_at_wall, items=1)),
        "two": Knob(note="2 objects", find=partial(fits_at_wall, items=2)),
        "three": Knob(note="3 objects", find=partial(fits_at_wall, items=3)),
    },
)

WALKING_DISTANCE = Family(
    group="composition",
    note="length of the shortest way on foot between two objects",
    prior_bound=0.35,
    wordings=(
        "You are half a meter wide. How far do you have to walk from the edge of the {a} to the edge of the {b}, by the "
        "shortest way around the furniture ({resolution})?",
        "What is the length of the shortest way on foot between the {a} and the {b}, from edge to edge and around everything "
        "that is in the way, for somebody half a meter wide ({resolution})?",
        "A cleaning robot half a meter wide drives from beside the {a} to beside the {b} and takes the shortest way that the "
        "furniture allows. What distance is there to cover, measured from edge to edge ({resolution})?",
        "Going around furniture and not over it, how long is the shortest way between the edges of the {a} and the {b} if you "
        "need half a meter of width to pass ({resolution})?",
        "From the edge of the {a}, the way on foot to the edge of the {b} is to be as short as possible, and every passage on "
        "it at least half a meter wide. How long is it ({resolution})?",
    ),
    knobs={
        "straight": Knob(note="the way is straight, or nearly", find=partial(walking_distance, detour=False)),
        "detour": Knob(
            note="furniture makes the way longer by a fifth or more",
            find=partial(walking_distance, detour=True),
        ),
    },
)

WALKING_NEAREST = Family(
    group="composition",
    note="to which of several objects the way on foot is shortest",
    prior_bound=0.3,
    wordings=(
        "You are half a meter wide and walk around the furniture. Starting at the edge of the {start}, to which of these is "
        "the way shortest: {items}?",
        "From the {start}, somebody half a meter wide wants to walk around the furniture to {items}, from edge to edge. Which "
        "way is the shortest to walk?",
        "A cleaning robot half a meter wide stands beside the {start}. Which of the following can it drive to with the least "
        "distance, going around all furniture: {plain}?",
        "Compare the shortest ways on foot, at least half a meter wide, from the edge of the {start} to the edges of these: "
        "{plain}. Which one is reached first at an even pace?",
        "Going around furniture and needing half a meter of width to pass, is it {items} that is reached from the {start} by "
        "the shortest walk, from edge to edge?",
    ),
    knobs={
        "two": Knob(note="2 options", find=partial(walking_nearest, items=2)),
        "three": Knob(note="3 options", find=partial(walking_nearest, items=3)),
    },
)
