"""Volumes and floor: larger_volume, volume_ratio, floor_share, total_footprint, floor_left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.english import plural
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program, sampled
from ouroboros_data.proposers.figures import (
    NEAREST,
    SURE_SIGMAS,
    Figures,
    border_rel,
    central,
    either,
    holds,
    ladder,
    listed,
    one_of_two,
    onlys,
    picks,
)
from ouroboros_data.proposers.view import View

MIN_SHARE = 0.01


def larger_volume(
    view: View, rng: np.random.Generator, *, candidates: int, least: float, most: float = np.inf
) -> Iterator[Ask]:
    """Which of several boxes has the most or the least volume, by a factor of least to most."""
    figures, single = Figures(view), view.single.tolist()
    volume = figures.volume_m3
    if len(single) < candidates:
        return

    def draw() -> tuple[str, tuple[bool, tuple[int, ...]]] | None:
        chosen = tuple(sorted(single[k] for k in picks(rng, len(single), candidates)))
        more = one_of_two(view.scene.id, chosen)
        ranked = sorted(chosen, key=lambda k: float(volume[k]), reverse=more)
        factor = float(volume[ranked[0]] / volume[ranked[1]]) ** (1 if more else -1)
        sure = np.log(factor) >= SURE_SIGMAS * np.sqrt(2.0) * figures.volume_sd_rel
        return (view.name(ranked[0]), (more, chosen)) if sure and least <= factor < most else None

    for more, chosen in sampled(draw, rng):
        names = [view.name(k) for k in chosen]
        two = candidates == 2
        best = (max if more else min)(chosen, key=lambda k: float(volume[k]))
        yield Ask(
            subject=tuple(names),
            slots={
                "items": listed(names, last=" or "),
                "several": listed(names),
                "amount": ("more" if more else "less") if two else ("the most" if more else "the least"),
                "size": ("larger" if more else "smaller") if two else ("largest" if more else "smallest"),
            },
            mentions=tuple(names),
            program=program(
                f"items = [only(name) for name in {lit(names)}]",
                f"return choice({'max' if more else 'min'}(items, key=volume).category, {OPTIONS})",
            ),
            expected=view.name(best),
            options=tuple(names),
        )


def volume_ratio(
    view: View, rng: np.random.Generator, *, rungs: int, ratio: tuple[float, float]
) -> Iterator[Ask]:
    """How many times as large as a box another one is, roughly."""
    figures, single = Figures(view), view.single.tolist()
    volume = figures.volume_m3
    # Whichever option is right, the lowest is more than once as large: else it would be no answer to the question.
    smallest = 1.3 * ratio[1] ** (rungs - 1)
    sure = SURE_SIGMAS * np.sqrt(2.0) * figures.volume_sd_rel <= border_rel(ratio[0])
    if len(single) < 2 or not sure:
        return

    def draw() -> tuple[str, tuple[int, int]] | None:
        i, j = (single[k] for k in picks(rng, len(single), 2))
        times = float(volume[i] / volume[j])
        return (str(round(np.log(times))), (i, j)) if smallest <= times < 200.0 else None

    for i, j in sampled(draw, rng):
        times = float(volume[i] / volume[j])
        found = ladder(times, view.scene.id, i, j, rungs=rungs, ratio=ratio, say=lambda v: f"{v:.2g} times")
        if found is None:
            continue
        place, options = found
        large, small = view.name(i), view.name(j)
        yield Ask(
            subject=(large, small),
            slots={"a": large, "b": small, "figures": either(options)},
            mentions=(large, small),
            program=program(
                *onlys(a=large, b=small),
                "value = volume(a) / volume(b)",
                f"options = {OPTIONS}",
                f"return choice({NEAREST}, options)",
            ),
            expected=options[place],
            options=options,
        )


def floor_share(
    view: View, rng: np.random.Generator, *, group: bool, rungs: int, ratio: tuple[float, float]
) -> Iterator[Ask]:
    """What share of the floor one object covers, or all of a kind together, roughly."""
    figures, area = Figures(view), view.scene.room.area_m2
    sd = float(np.hypot(figures.area_sd_rel, figures.noise.area_rel))
    if area <= 0 or SURE_SIGMAS * sd > border_rel(ratio[0]):
        return
    standing = set(figures.on_floor)
    groups: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for name, indices in view.seen.items():
        if (len(indices) > 1) == group and standing.issuperset(indices) and figures.apart_on_floor(indices):
            share = float(figures.footprint_m2[indices].sum()) / area
            if MIN_SHARE <= share <= 0.4:
                groups[round(2 * np.log(share))].append((name, 100.0 * share))
    for name, percent in interleave(groups, rng):
        found = ladder(percent, view.scene.id, name, rungs=rungs, ratio=ratio, say=lambda v: f"{v:.2g} %")
        if found is None:
            continue
        place, options = found
        covered = (
            f"sum([footprint(o) for o in objects({lit(name)})])" if group else f"footprint(only({lit(name)}))"
        )
        yield Ask(
            subject=(name,),
            slots={
                "x": f"all the {plural(name)} (each by its own bounding box, added up)"
                if group
                else f"the {name} (by its bounding box)",
                "figures": either(options),
            },
            mentions=(name,),
            program=program(
                f"value = 100 * {covered} / room_area()",
                f"options = {OPTIONS}",
                f"return choice({NEAREST}, options)",
            ),
            expected=options[place],
            options=options,
        )


def total_footprint(
    view: View, rng: np.random.Generator, *, least: int, most: int, step: float, resolution: str
) -> Iterator[Ask]:
    """How much floor all instances of a category cover."""
    figures = Figures(view)
    standing = set(figures.on_floor)
    groups: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for name, indices in view.seen.items():
        if least <= len(indices) <= most and standing.issuperset(indices) and figures.apart_on_floor(indices):
            areas = figures.footprint_m2[indices]
            total, sd = float(areas.sum()), figures.area_sd_rel * float(np.linalg.norm(areas))
            if total >= 0.3 and (step == 0.1 or central(total, step)) and holds(total, sd, step, least=0.1):
                groups[round(total / step)].append((name, total))
    for name, total in interleave(groups, rng):
        stated = "" if step == 0.1 else f", {step:g}"
        yield Ask(
            subject=(name,),
            slots={"xs": plural(name), "resolution": resolution},
            mentions=(name,),
            program=program(
                f'return number(sum([footprint(o) for o in objects({lit(name)})]), "m2"{stated})'
            ),
            expected=total,
            unit="m2",
        )


def floor_left(view: View, rng: np.random.Generator, *, items: int) -> Iterator[Ask]:
    """How much of the floor area some objects leave."""
    figures, area = Figures(view), view.scene.room.area_m2
    standing = sorted(set(figures.on_floor) & set(view.single.tolist()))
    if area <= 0 or len(standing) < items:
        return

    def draw() -> tuple[str, tuple[int, ...]] | None:
        chosen = tuple(sorted(standing[k] for k in picks(rng, len(standing), items)))
        covered = figures.footprint_m2[list(chosen)]
        left = area - float(covered.sum())
        sd = float(np.hypot(area * figures.noise.area_rel, figures.area_sd_rel * np.linalg.norm(covered)))
        fits = (
            covered.min() >= 0.25  # what is not felt in the answer is not worth a word
            and covered.sum() >= 0.03 * area
            and left >= 1.0
            and central(left, 1.0)
            and holds(left, sd, 1.0, least=0.1)
            and figures.apart_on_floor(chosen)
        )
        return (str(round(left)), chosen) if fits else None

    for chosen in sampled(draw, rng):
        names = [view.name(k) for k in chosen]
        yield Ask(
            subject=tuple(names),
            slots={"items": listed(names)},
            mentions=tuple(names),
            program=program(
                f"covered = sum([footprint(only(name)) for name in {lit(names)}])",
                'return number(room_area() - covered, "m2", 1)',
            ),
            expected=area - float(figures.footprint_m2[list(chosen)].sum()),
            unit="m2",
        )


_BOX = "length times width times height of its bounding box"
LARGER_VOLUME = Family(
    group="pair",
    note="which of several objects takes up the most or the least space",
    prior_bound=0.15,
    wordings=(
        f"Taking {_BOX}, which takes up {{amount}} space: {{items}}?",
        "Which has the {size} bounding box by volume, {items}?",
        "Each object is packed into the tightest box with straight sides that holds it. Whose box has the {size} volume: "
        "{items}?",
        "Multiply length, width and height for {several}. Which of them comes out {size}?",
        "Judged by the volume of the boxes that just enclose them, is it {items} that needs {amount} space?",
    ),
    knobs={
        "two_clear": Knob(
            note="2 objects, one at least 3 times the other",
            find=partial(larger_volume, candidates=2, least=3.0),
        ),
        "two_close": Knob(
            note="2 objects, one 1.35-3 times the other",
            find=partial(larger_volume, candidates=2, least=1.35, most=3.0),
        ),
        "three": Knob(
            note="3 objects, the second differs by a factor of 1.35 or more",
            find=partial(larger_volume, candidates=3, least=1.35),
        ),
    },
)

VOLUME_RATIO = Family(
    group="composition",
    note="roughly how many times as much space an object takes up as another",
    prior_bound=0.15,
    wordings=(
        f"Taking {_BOX}, does the {{a}} take up roughly {{figures}} as much space as the {{b}}?",
        "Is the volume of the box that just encloses the {a} about {figures} that of the box that just encloses the {b}?",
        "By volume, the bounding box of the {a} is larger than that of the {b}. By what factor, roughly: {figures}?",
        "Divide the volume of the bounding box of the {a} by that of the {b}. Which of these comes closest to the result: "
        "{figures}?",
        "Each of the {a} and the {b} is packed into the tightest box with straight sides. Does the first box have approximately "
        "{figures} the volume of the second?",
    ),
    knobs={
        "two_far": Knob(
            note="2 options, one 4-5 times the other",
            find=partial(volume_ratio, rungs=2, ratio=(4.0, 5.0)),
        ),
        "three_near": Knob(
            note="3 options, each 2.7-3.2 times the next",
            find=partial(volume_ratio, rungs=3, ratio=(2.7, 3.2)),
        ),
    },
)

FLOOR_SHARE = Family(
    group="composition",
    note="roughly what share of the floor an object covers, or all of a kind",
    prior_bound=0.1,
    wordings=(
        "Is roughly {figures} of the floor area of the space shown covered by {x}, seen from above?",
        "Seen from above, about which part of the whole floor lies under {x}: {figures}?",
        "Divide the floor area under {x} by the floor area of everything that is shown. Which of these comes closest: {figures}?",
        "Some of the floor is hidden by {x} from somebody who looks straight down. Is it about {figures} of the whole floor area?",
        "If the whole floor area shown is 100 %, does roughly {figures} of it go to {x}, seen from above?",
    ),
    knobs={
        "two_far": Knob(
            note="one object, 2 options, one 2.5-3.5 times the other",
            find=partial(floor_share, group=False, rungs=2, ratio=(2.5, 3.5)),
        ),
        "three_near": Knob(
            note="one object, 3 options, each 1.8-2.2 times the next",
            find=partial(floor_share, group=False, rungs=3, ratio=(1.8, 2.2)),
        ),
        "group": Knob(
            note="all of a kind, 3 options, each 1.8-2.2 times the next",
            find=partial(floor_share, group=True, rungs=3, ratio=(1.8, 2.2)),
        ),
    },
)

_TENTH_M2 = "in square meters, to one decimal place"
TOTAL_FOOTPRINT = Family(
    group="composition",
    note="how much floor all of a kind cover",
    prior_bound=0.2,
    wordings=(
        "How much floor do all the {xs} together cover, by their bounding boxes seen from above ({resolution})?",
        "Add up the floor area under the bounding box of each of the {xs}. What is the total ({resolution})?",
        "Seen from straight above, what area do the bounding boxes of all the {xs} have in total ({resolution})?",
        "Someone chalks an outline on the floor straight below the bounding box of each of the {xs}. What area do the "
        "outlines enclose, added up ({resolution})?",
        "What is the sum of the footprints of the {xs}, taking the bounding box of each ({resolution})?",
    ),
    knobs={
        "two": Knob(
            note="2 instances, tenths of a square metre",
            find=partial(total_footprint, least=2, most=2, step=0.1, resolution=_TENTH_M2),
        ),
        "several": Knob(
            note="3 or more instances, tenths of a square metre",
            find=partial(total_footprint, least=3, most=12, step=0.1, resolution=_TENTH_M2),
        ),
        "half_m2": Knob(
            note="2 or more instances, half square metres",
            find=partial(
                total_footprint,
                least=2,
                most=12,
                step=0.5,
                resolution="in square meters, to the nearest half square meter",
            ),
        ),
    },
)

FLOOR_LEFT = Family(
    group="composition",
    note="the floor area that some objects leave",
    prior_bound=0.15,
    wordings=(
        "How much floor area would be left in the space shown if only {items} stood in it, by bounding box (in whole "
        "square meters)?",
        "Subtract the floor area under the bounding boxes of {items} from the floor area of the whole space shown. What "
        "remains (in whole square meters)?",
        "The whole floor that is shown gets a carpet, save where {items} would stand on it, by bounding box. How large is "
        "the carpet (in whole square meters)?",
        "What is the floor area of the space shown, less what {items} cover by bounding box seen from above (in whole "
        "square meters)?",
        "Imagine nothing but {items} in the space shown. By bounding boxes, how many square meters of floor stay "
        "uncovered (a whole number)?",
    ),
    knobs={
        "two": Knob(note="2 objects", find=partial(floor_left, items=2)),
        "three": Knob(note="3 objects", find=partial(floor_left, items=3)),
    },
)
