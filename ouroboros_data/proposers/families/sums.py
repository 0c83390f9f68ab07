"""Sums, differences and averages: height_difference, row_length, average_height, count_difference, count_total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.english import plural
from ouroboros_data.proposers.ask import Ask, Family, Knob, interleave, lit, program, sampled
from ouroboros_data.proposers.figures import Figures, central, holds, listed, onlys, picks
from ouroboros_data.proposers.view import View

HALF_M = "in meters, to the nearest half meter"
QUARTER_M = "in meters, to the nearest quarter of a meter"


def height_difference(view: View, rng: np.random.Generator, *, step: float, resolution: str) -> Iterator[Ask]:
    """How much taller one object is than another."""
    figures, single = Figures(view), view.single.tolist()
    tall = view.size_m[:, 2]
    groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i in single:
        for j in single:
            more = float(tall[i] - tall[j])
            sd = figures.noise.extent_rel * float(np.hypot(tall[i], tall[j]))
            if more > 0 and central(more, step) and holds(more, sd, step, least=0.1):
                groups[round(more / step)].append((i, j))
    for i, j in interleave(groups, rng):
        a, b = view.name(i), view.name(j)
        yield Ask(
            subject=(a, b),
            slots={"a": a, "b": b, "resolution": resolution},
            mentions=(a, b),
            program=program(*onlys(a=a, b=b), f'return number(height(a) - height(b), "m", {step:g})'),
            expected=float(tall[i] - tall[j]),
            unit="m",
        )


def row_length(
    view: View, rng: np.random.Generator, *, items: int, step: float, resolution: str
) -> Iterator[Ask]:
    """How long some objects are in a row, one behind the other along their longer sides."""
    figures = Figures(view)
    movable = figures.movable
    long = view.size_m[:, 0]
    if len(movable) < items:
        return

    def draw() -> tuple[str, tuple[int, ...]] | None:
        chosen = tuple(sorted(movable[k] for k in picks(rng, len(movable), items)))
        lengths = long[list(chosen)]
        total, sd = float(lengths.sum()), figures.noise.extent_rel * float(np.linalg.norm(lengths))
        fits = central(total, step) and holds(total, sd, step, least=0.1) and lengths.min() >= 0.2
        return (str(round(total / step)), chosen) if fits else None

    for chosen in sampled(draw, rng):
        names = [view.name(k) for k in chosen]
        yield Ask(
            subject=tuple(names),
            slots={"items": listed(names), "resolution": resolution},
            mentions=tuple(names),
            program=program(
                f'return number(sum([length(only(name)) for name in {lit(names)}]), "m", {step:g})'
            ),
            expected=float(long[list(chosen)].sum()),
            unit="m",
        )


def average_height(view: View, rng: np.random.Generator, *, least: int, most: int) -> Iterator[Ask]:
    """Average height of all of a kind."""
    figures = Figures(view)
    groups: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for name, indices in view.seen.items():
        if least <= len(indices) <= most:
            heights = 100.0 * view.size_m[indices, 2]
            mean = float(heights.mean())
            sd = figures.noise.extent_rel * float(np.linalg.norm(heights)) / len(indices)
            if central(mean, 10.0) and holds(mean, sd, 10.0):
                groups[round(mean / 10.0)].append((name, mean))
    for name, mean in interleave(groups, rng):
        yield Ask(
            subject=(name,),
            slots={"xs": plural(name)},
            mentions=(name,),
            program=program(
                f"heights = [height(o) for o in objects({lit(name)})]",
                'return number(100 * sum(heights) / len(heights), "cm", 10)',
            ),
            expected=mean,
            unit="cm",
        )


def count_difference(
    view: View, rng: np.random.Generator, *, most: int, least: int, large: bool | None = None
) -> Iterator[Ask]:
    """How many more there are of one kind than of another; least, most: of the more frequent."""
    counts = {name: len(i) for name, i in view.seen.items()}
    groups: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for a in counts:
        for b in counts:
            all_large = view.large(*view.seen[a], *view.seen[b])
            if max(least, counts[b] + 1) <= counts[a] <= most and large in (None, all_large):
                groups[counts[a] - counts[b]].append((a, b))
    for a, b in interleave(groups, rng):
        yield Ask(
            subject=(a, b),
            slots={"as": plural(a), "bs": plural(b)},
            mentions=(a, b),
            program=program(f'return number(count({lit(a)}) - count({lit(b)}), "count")'),
            expected=counts[a] - counts[b],
            unit="count",
        )


def count_total(view: View, rng: np.random.Generator, *, kinds: int) -> Iterator[Ask]:
    """How many there are of several kinds together."""
    names = list(view.seen)
    if len(names) < kinds:
        return

    def draw() -> tuple[str, tuple[str, ...]] | None:
        chosen = tuple(sorted(names[k] for k in picks(rng, len(names), kinds)))
        total = sum(len(view.seen[name]) for name in chosen)
        return (str(total), chosen) if kinds < total <= 20 else None

    for chosen in sampled(draw, rng):
        kinds_named = [plural(name) for name in chosen]
        yield Ask(
            subject=chosen,
            slots={"kinds": " and ".join([", ".join(kinds_named[:-1]), kinds_named[-1]])},
            mentions=chosen,
            program=program(f'return number(count({lit(chosen)[1:-1]}), "count")'),
            expected=sum(len(view.seen[name]) for name in chosen),
            unit="count",
        )


HEIGHT_DIFFERENCE = Family(
    group="pair",
    note="how much taller one object is than another",
    prior_bound=0.5,
    wordings=(
        "How much taller is the {a} than the {b} ({resolution})?",
        "What is the difference in height between the {a} and the {b}, each measured from its own bottom to its own top "
        "({resolution})?",
        "Measured from bottom to top, the {a} is taller than the {b}. By how much ({resolution})?",
        "Subtract the height of the {b} from the height of the {a}. What is left ({resolution})?",
        "By what length does the height of the {a} exceed that of the {b} ({resolution})?",
    ),
    knobs={
        "half_m": Knob(note="half metres", find=partial(height_difference, step=0.5, resolution=HALF_M)),
        "quarter_m": Knob(
            note="quarters of a metre, things of up to about 1 m",
            find=partial(height_difference, step=0.25, resolution=QUARTER_M),
        ),
    },
)

ROW_LENGTH = Family(
    group="composition",
    note="length of a row of objects, end to end along their longer sides",
    prior_bound=0.25,
    wordings=(
        "If {items} were put in a row, end to end along the longer of their horizontal sides, how long would the row be "
        "({resolution})?",
        "Take the longer horizontal side of each of these: {items}. What do they add up to ({resolution})?",
        "Line up {items} without gaps, each pointing along the line with its longer horizontal side. What is the length of "
        "the line ({resolution})?",
        "What is the sum of the lengths of {items}, where length is the longer of the two horizontal sides "
        "({resolution})?",
        "How much straight wall would {items} take up, placed next to each other with the longer horizontal side to the "
        "wall ({resolution})?",
    ),
    knobs={
        "two": Knob(
            note="2 objects, half metres", find=partial(row_length, items=2, step=0.5, resolution=HALF_M)
        ),
        "three": Knob(
            note="3 objects, half metres", find=partial(row_length, items=3, step=0.5, resolution=HALF_M)
        ),
        "four": Knob(
            note="4 objects, whole metres",
            find=partial(row_length, items=4, step=1.0, resolution="in whole meters"),
        ),
    },
)

AVERAGE_HEIGHT = Family(
    group="composition",
    note="average height of all of a kind",
    prior_bound=0.25,
    wordings=(
        "What is the average height of the {xs} (in centimeters, to the nearest 10)?",
        "Measure every one of the {xs} from bottom to top. What do you get on average (in centimeters, to the nearest 10)?",
        "How tall are the {xs} on average (in centimeters, to the nearest 10)?",
        "Add the heights of all the {xs} and divide by how many there are: what is the result (in centimeters, to the "
        "nearest 10)?",
        "Averaged over all the {xs} here, what is the height (in centimeters, to the nearest 10)?",
    ),
    knobs={
        "two": Knob(note="2 instances", find=partial(average_height, least=2, most=2)),
        "several": Knob(note="3 or more instances", find=partial(average_height, least=3, most=20)),
    },
)

COUNT_DIFFERENCE = Family(
    group="composition",
    note="how many more there are of one kind than of another",
    prior_bound=0.5,
    wordings=(
        "How many more {as} than {bs} are there?",
        "There are fewer {bs} than {as} here. How many fewer?",
        "Count the {as}, count the {bs}: by how many is the first number larger?",
        "If each of the {bs} were paired with one of the {as}, how many {as} would be left over?",
        "What is the number of {as} less the number of {bs}?",
    ),
    knobs={
        "few_large": Knob(
            note="the larger count is 3-4, all look large in some frame",
            find=partial(count_difference, least=3, most=4, large=True),
        ),
        "few_small": Knob(
            note="the larger count is 3-4, one of them looks small in all frames",
            find=partial(count_difference, least=3, most=4, large=False),
        ),
        "many": Knob(note="the larger count is 5-12", find=partial(count_difference, least=5, most=12)),
    },
)

COUNT_TOTAL = Family(
    group="composition",
    note="how many there are of several kinds together",
    prior_bound=0.4,
    wordings=(
        "How many {kinds} are there altogether?",
        "What is the total number of {kinds} in the space shown?",
        "Counting {kinds} together, what number do you reach?",
        "Add up the {kinds}: how many are they in all?",
        "If one list held all the {kinds}, how many entries would it have?",
    ),
    knobs={
        "two": Knob(note="2 kinds", find=partial(count_total, kinds=2)),
        "three": Knob(note="3 kinds", find=partial(count_total, kinds=3)),
    },
)
