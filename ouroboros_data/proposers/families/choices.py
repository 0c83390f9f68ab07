"""Lengths and areas as multiple choice: abs_distance_choice, size_choice, room_size_choice.

Options are 55-180 % of what is right (peers allow 25-175 %, sizes 40-180 %), each at least a fifth larger than the one
below it, and so far apart that noise does not carry the value past the middle between two of them. They have types of
their own, so that scores of numbers and of choices stay apart.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program
from ouroboros_data.proposers.figures import NEAREST, SURE_SIGMAS, Figures, border_rel, either, ladder
from ouroboros_data.proposers.view import View

FAR, NEAR, NEAR_SIZE = (1.6, 1.75), (1.27, 1.32), (1.31, 1.34)
"""Ratio of neighbours with two options, with three, and with three sizes: the largest of three stays within 175 % of the
least, or 180 %."""


def distance_choice(
    view: View, rng: np.random.Generator, *, rungs: int, ratio: tuple[float, float]
) -> Iterator[Ask]:
    """Gap between two unique objects."""
    figures = Figures(view)
    groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i, j in itertools.combinations(view.single.tolist(), 2):
        gap = float(view.gap_m[i, j])
        if gap >= 0.6 and SURE_SIGMAS * figures.gap_sd_m(i, j) <= border_rel(ratio[0]) * gap:
            groups[round(4 * np.log(gap))].append((i, j))
    for i, j in interleave(groups, rng):
        a, b = view.name(i), view.name(j)
        found = ladder(
            float(view.gap_m[i, j]), view.scene.id, a, b, rungs=rungs, ratio=ratio, say=lambda v: f"{v:.1f} m"
        )
        if found is not None:
            yield _ask((a, b), {"a": a, "b": b}, f"distance(only({lit(a)}), only({lit(b)}))", *found)


def size_choice(
    view: View, rng: np.random.Generator, *, rungs: int, ratio: tuple[float, float]
) -> Iterator[Ask]:
    """Longest dimension of a unique object."""
    figures = Figures(view)
    if 2.2 * figures.noise.extent_rel > border_rel(ratio[0]):
        return
    groups: dict[int, list[int]] = defaultdict(list)
    for i in view.single.tolist():
        longest = 100.0 * float(view.size_m[i].max())
        if longest >= 20.0:
            groups[round(4 * np.log(longest))].append(i)
    for i in interleave(groups, rng):
        name, longest = view.name(i), 100.0 * float(view.size_m[i].max())
        found = ladder(longest, view.scene.id, name, rungs=rungs, ratio=ratio, say=lambda v: f"{v:.0f} cm")
        if found is not None:
            yield _ask((name,), {"x": name}, f"100 * longest(only({lit(name)}))", *found)


def room_size_choice(
    view: View, rng: np.random.Generator, *, rungs: int, ratio: tuple[float, float]
) -> Iterator[Ask]:
    """Floor area of the scanned space."""
    area = view.scene.room.area_m2
    if area >= 4.0:
        found = ladder(area, view.scene.id, rungs=rungs, ratio=ratio, say=lambda v: f"{v:.1f} m²")
        if found is not None:
            yield _ask((), {}, "room_area()", *found)


def _ask(
    names: tuple[str, ...], slots: dict[str, str], value: str, place: int, options: tuple[str, ...]
) -> Ask:
    return Ask(
        subject=names,
        slots={**slots, "figures": either(options)},
        mentions=names,
        program=program(f"value = {value}", f"options = {OPTIONS}", f"return choice({NEAREST}, options)"),
        expected=options[place],
        options=options,
    )


def _knobs(find: Callable[..., Iterator[Ask]], near: tuple[float, float] = NEAR) -> dict[str, Knob]:
    return {
        "two_far": Knob(
            note=f"2 options, one {FAR[0]:g}-{FAR[1]:g} times the other",
            find=partial(find, rungs=2, ratio=FAR),
        ),
        "three_near": Knob(
            note=f"3 options, each {near[0]:g}-{near[1]:g} times the next",
            find=partial(find, rungs=3, ratio=near),
        ),
    }


DISTANCE_CHOICE = Family(
    group="vsi",
    note="gap between the closest points of two objects, as multiple choice",
    prior_bound=0.1,
    wordings=(
        "Measuring from the closest point of each object, which of these comes nearest to the distance between the {a} and the "
        "{b}: {figures}?",
        "About how far are the {a} and the {b} from each other, going by their closest points: {figures}?",
        "Which length is the best estimate of the gap between the {a} and the {b} at its narrowest: {figures}?",
        "The {a} and the {b} are some way apart. Is the distance between their closest points roughly {figures}?",
        "A string is to reach from the {a} to the {b}, between the points where they are closest. Does it need roughly "
        "{figures}?",
    ),
    knobs=_knobs(distance_choice),
)

SIZE_CHOICE = Family(
    group="vsi",
    note="longest dimension of an object, as multiple choice",
    prior_bound=0.1,
    wordings=(
        "Which of these comes nearest to the length of the longest dimension (length, width, or height) of the {x}: {figures}?",
        "About how long is the {x} along its longest side, be that length, width or height: {figures}?",
        "Take the largest of the length, the width and the height of the {x}: is it roughly {figures}?",
        "The {x} is measured in length, width and height. Would you say {figures} for the largest of the three?",
        "Which is the best estimate of how much the {x} measures where it measures most, in length, in width or in height: "
        "{figures}?",
    ),
    knobs=_knobs(size_choice, NEAR_SIZE),
)

ROOM_SIZE_CHOICE = Family(
    group="vsi",
    note="floor area of what is shown, as multiple choice",
    prior_bound=0.1,
    wordings=(
        "Which of these comes nearest to the size of this room, or of the combined space if multiple rooms are shown: {figures}?",
        "About how large is the floor area of the space shown: {figures}?",
        "Taking everything that the video shows as one space, is it {figures} that fits its floor area best?",
        "What is the best estimate of the area of the floor here, all rooms that are shown taken together: {figures}?",
        "Carpet is ordered for the whole space that is shown. Does it take roughly {figures}?",
    ),
    knobs=_knobs(room_size_choice),
)
