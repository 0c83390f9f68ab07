"""Counts, lengths and areas: object_counting, object_abs_distance, object_size_estimation, room_size."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.english import plural
from ouroboros_data.proposers.ask import Ask, Family, Knob, interleave, lit, program
from ouroboros_data.proposers.view import View
from ouroboros_data.types import Unit

MIN_GAP_M = 0.2
"""Closer boxes: how far apart is decided by annotation noise. VLM-3R drops them as well."""
CENTRAL = 0.3
"""How far from a multiple of the stated step a value may lie, in steps: 0.5 is where rounding turns over."""


def counting(
    view: View, rng: np.random.Generator, *, least: int, most: int, large: bool | None = None
) -> Iterator[Ask]:
    """How many of a category; ``large``: whether every instance has to look large in some frame."""
    groups = defaultdict(list)
    for name, indices in view.seen.items():
        if least <= len(indices) <= most and large in (None, view.large(*indices)):
            groups[len(indices)].append(name)
    for name in interleave(groups, rng):
        yield Ask(
            subject=(name,),
            slots={"x": name, "xs": plural(name)},
            mentions=(name,),
            program=program(f'return number(count({lit(name)}), "count")'),
            expected=len(view.seen[name]),
            unit="count",
        )


def distance(
    view: View,
    rng: np.random.Generator,
    *,
    unit: Unit,
    step: float,
    resolution: str,
    least_m: float = MIN_GAP_M,
    most_m: float = np.inf,
) -> Iterator[Ask]:
    """Gap between two unique objects, stated to a resolution."""
    scale = 100.0 if unit == "cm" else 1.0
    groups = defaultdict(list)
    for i, j in itertools.combinations(view.single.tolist(), 2):
        gap = float(view.gap_m[i, j])
        if least_m <= gap < most_m and _central(gap * scale, unit, step):
            groups[round(gap * scale / step)].append((i, j))
    for pair in interleave(groups, rng):
        a, b = (view.name(k) for k in pair)  # alphabetical, so that an earlier round's text is known again
        gap = float(view.gap_m[pair])
        yield Ask(
            subject=(a, b),
            slots={"a": a, "b": b, "resolution": resolution},
            mentions=(a, b),
            program=program(
                f"a = only({lit(a)})",
                f"b = only({lit(b)})",
                f"return {_number('distance(a, b)', unit, step)}",
            ),
            expected=gap * scale,
            unit=unit,
        )


def size(
    view: View,
    rng: np.random.Generator,
    *,
    step: float,
    resolution: str,
    least_m: float = 0.0,
    most_m: float = np.inf,
) -> Iterator[Ask]:
    """Longest dimension of a unique object, in centimetres, stated to a resolution."""
    groups = defaultdict(list)
    for i in view.single.tolist():
        longest = float(view.size_m[i].max())
        if least_m <= longest < most_m and _central(100.0 * longest, "cm", step):
            groups[round(100.0 * longest / step)].append(i)
    for i in interleave(groups, rng):
        name = view.name(i)
        yield Ask(
            subject=(name,),
            slots={"x": name, "resolution": resolution},
            mentions=(name,),
            program=program(f"o = only({lit(name)})", f"return {_number('longest(o)', 'cm', step)}"),
            expected=100.0 * float(view.size_m[i].max()),
            unit="cm",
        )


def room_size(view: View, rng: np.random.Generator, *, step: float, resolution: str) -> Iterator[Ask]:
    """Floor area of the scanned space, stated to a resolution."""
    area = view.scene.room.area_m2
    if area > 0 and _central(area, "m2", step):
        yield Ask(
            subject=(),
            slots={"resolution": resolution},
            mentions=(),
            program=program(f"return {_number('room_area()', 'm2', step)}"),
            expected=area,
            unit="m2",
        )


_FINEST: dict[Unit, float] = {"m": 0.1, "m2": 0.1, "cm": 1.0}


def _number(value: str, unit: Unit, step: float) -> str:
    value = f"100 * {value}" if unit == "cm" else value
    stated = "" if step == _FINEST[unit] else f", {step:g}"
    return f'number({value}, "{unit}"{stated})'


def _central(value: float, unit: Unit, step: float) -> bool:
    # The finest steps are below annotation noise wherever the value lies: what a label is worth there is the
    # host's to say. A stated value of 0 answers nothing.
    nearest = step * round(value / step)
    return nearest > 0 and (step == _FINEST[unit] or abs(value - nearest) <= CENTRAL * step)


COUNTING = Family(
    group="vsi",
    note="how many there are of a kind",
    prior_bound=0.65,
    wordings=(
        "How many {x}(s) are in this room?",
        "How many {xs} are there in this room?",
        "What is the number of {xs} in this room?",
        "Counting each one once, how many {xs} does the video show?",
        "Somebody walks through this room and counts the {xs}. What number do they arrive at?",
    ),
    knobs={
        "one": Knob(
            note="a category with a single instance: the answer is always 1",
            find=partial(counting, least=1, most=1),
            known="trivial",
        ),
        "few_large": Knob(
            note="2-3 instances, each of which looks large in some frame",
            find=partial(counting, least=2, most=3, large=True),
        ),
        "few_small": Knob(
            note="2-3 instances, at least one of which looks small in all frames",
            find=partial(counting, least=2, most=3, large=False),
        ),
        "many": Knob(note="4 or more instances", find=partial(counting, least=4, most=100)),
    },
)

ABS_DISTANCE = Family(
    group="vsi",
    note="gap between the closest points of two objects",
    prior_bound=0.3,
    wordings=(
        "Measuring from the closest point of each object, what is the distance between the {a} and the {b} "
        "({resolution})?",
        "What is the shortest distance from the {a} to the {b} ({resolution})?",
        "How far apart are the {a} and the {b}, measured between their closest points ({resolution})?",
        "How wide is the gap between the {a} and the {b} at its narrowest ({resolution})?",
        "A tape is pulled tight from the point of the {a} that is closest to the {b} to the point of the {b} that is "
        "closest to the {a}. How long is it ({resolution})?",
    ),
    knobs={
        "1m_near": Knob(
            note="whole metres, gap below 2.5 m",
            find=partial(distance, unit="m", step=1.0, resolution="in whole meters", most_m=2.5),
        ),
        "1m_far": Knob(
            note="whole metres, gap of 2.5 m or more",
            find=partial(distance, unit="m", step=1.0, resolution="in whole meters", least_m=2.5),
        ),
        "half_m": Knob(
            note="half metres",
            find=partial(distance, unit="m", step=0.5, resolution="in meters, to the nearest half meter"),
        ),
        "tenth_m": Knob(
            note="tenths of a metre, as VSI-Bench states it",
            find=partial(distance, unit="m", step=0.1, resolution="in meters, to one decimal place"),
        ),
        "1cm": Knob(
            note="whole centimetres: finer than frames can show",
            find=partial(distance, unit="cm", step=1.0, resolution="in whole centimeters", least_m=1.0),
            known="junk",
        ),
    },
)

_TEN_CM = "in centimeters, to the nearest 10"
SIZE = Family(
    group="vsi",
    note="longest dimension of an object",
    prior_bound=0.15,
    wordings=(
        "What is the length of the longest dimension (length, width, or height) of the {x}, measured "
        "{resolution}?",
        "How long is the {x} along its longest side, be that length, width or height ({resolution})?",
        "What does the {x} measure along the largest of its length, width and height ({resolution})?",
        "Take the length, the width and the height of the {x}: how much is the greatest of the three ({resolution})?",
        "If you measured the {x} in length, width and height, what would the largest of these figures be "
        "({resolution})?",
    ),
    knobs={
        "10cm_small": Knob(
            note="tens of centimetres, longest dimension below 1 m",
            find=partial(size, step=10.0, resolution=_TEN_CM, most_m=1.0),
        ),
        "10cm_large": Knob(
            note="tens of centimetres, longest dimension of 1 m or more",
            find=partial(size, step=10.0, resolution=_TEN_CM, least_m=1.0),
        ),
        "1cm": Knob(
            note="whole centimetres, as VSI-Bench states it",
            find=partial(size, step=1.0, resolution="in whole centimeters"),
        ),
    },
)

ROOM_SIZE = Family(
    group="vsi",
    note="floor area of what is shown",
    prior_bound=0.15,
    wordings=(
        "What is the size of this room, or of the combined space if multiple rooms are shown ({resolution})?",
        "How large is the floor area of the space shown ({resolution})?",
        "Taking everything that the video shows as one space, what is its floor area ({resolution})?",
        "What area does the floor have here, all rooms that are shown taken together ({resolution})?",
        "Someone wants to lay a new floor in the whole space that is shown. What area do they have to cover "
        "({resolution})?",
    ),
    knobs={
        "5m2": Knob(
            note="multiples of 5 square metres",
            find=partial(room_size, step=5.0, resolution="in square meters, to the nearest 5"),
        ),
        "1m2": Knob(
            note="whole square metres",
            find=partial(room_size, step=1.0, resolution="in whole square meters"),
        ),
        "tenth_m2": Knob(
            note="tenths of a square metre, as VSI-Bench states it",
            find=partial(room_size, step=0.1, resolution="in square meters, to one decimal place"),
        ),
    },
)
