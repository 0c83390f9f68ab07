"""What rests on what, and how far above: what_is_on, rests_on_what, is_on, height_gap."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.geometry.relations import NO, YES, rests_on, supports
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.figures import central, holds
from ouroboros_data.proposers.phrases import WIDE, Quantity, figures, heights_m, once, row, singles
from ouroboros_data.proposers.view import View

INSIDE_M = 0.1
"""What rests on something lies that far inside its edges, or its whole footprint does after growing by so much."""
BURDEN_M = 0.8
"""What is longer is looked for on the floor."""
TOP_M = 0.3
"""Of the shorter side of what things are put on: a monitor is none."""
MIN_STEP_M = 0.2
Pairs = npt.NDArray[np.bool_]


@once
def _resting(view: View) -> tuple[Pairs, Pairs]:
    """(objects, objects) whether i surely rests on j; whether it surely does not."""
    n = len(view.scene.objects)
    boxes = view.boxes
    sure = supports(boxes) == YES
    grown = Boxes(
        center_m=boxes.center_m,
        half_m=boxes.half_m + np.array([INSIDE_M, INSIDE_M, 0.0]),
        R_world_box=boxes.R_world_box,
    )
    upper, lower = _of(grown, (n, 1)), _of(boxes, (1, n))
    yes: Pairs = sure & (rests_on(upper, lower) == YES)
    no: Pairs = np.ones((n, n), dtype=bool)
    for clear_m in (0.12, 0.3):
        no &= supports(boxes, clear_m=clear_m, miss_share=0.03) == NO
    return yes, no


def _of(boxes: Boxes, shape: tuple[int, int]) -> Boxes:
    return Boxes(
        center_m=boxes.center_m.reshape(*shape, 3),
        half_m=boxes.half_m.reshape(*shape, 3),
        R_world_box=boxes.R_world_box.reshape(*shape, 3, 3),
    )


@once
def _could_rest(view: View) -> Pairs:
    """(objects, objects) whether i is small enough beside j to be looked for on it."""
    size, area = view.size_m, figures(view).footprint_m2
    _, _, high = heights_m(view)
    small = size.max(-1) <= BURDEN_M
    carries = (size[:, 1] >= TOP_M) & (size[:, 2] >= 0.3) & (high <= 1.8)
    fits: Pairs = small[:, None] & carries[None] & (area[:, None] <= 0.8 * area[None])
    return fits


def what_is_on(view: View, rng: np.random.Generator, *, size: int) -> Iterator[Ask]:
    """Which of several small things is on something."""
    yield from _choices(view, rng, size, upward=True)


def rests_on_what(view: View, rng: np.random.Generator, *, size: int) -> Iterator[Ask]:
    """On which of several things something rests."""
    yield from _choices(view, rng, size, upward=False)


def _choices(view: View, rng: np.random.Generator, size: int, *, upward: bool) -> Iterator[Ask]:
    yes, no = _resting(view)
    could = _could_rest(view)
    flat = {r.index for r in singles(view)}
    pairs = [(i, j) for i, j in np.argwhere(yes).tolist() if i in flat and j in flat]

    by_name: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, j in pairs:
        by_name[view.name(i if upward else j)].append((i, j))

    def draw() -> tuple[str, tuple[int, int, tuple[int, ...]]] | None:
        if not by_name:
            return None
        alike = by_name[sorted(by_name)[int(rng.integers(len(by_name)))]]  # most things lie on tables
        i, j = alike[int(rng.integers(len(alike)))]
        right, asked = (i, j) if upward else (j, i)
        wrong = no[:, j] & could[:, j] if upward else no[i] & could[i]
        others = [k for k in np.flatnonzero(wrong).tolist() if k in flat and k not in (i, j)]
        if len(others) < size - 1:
            return None
        some = [others[k] for k in rng.permutation(len(others))[: size - 1].tolist()]
        return view.name(right), (right, asked, tuple(sorted((right, *some), key=view.name)))

    # Where all answers of a scene are one, as the table that everything lies on, it is asked for once.
    found = itertools.islice(sampled(draw, rng), None if len(by_name) > 1 else 1)
    for right, asked, members in found:
        items, name = row(view, members), view.name(asked)
        test = "supports(a, o)" if upward else "supports(o, a)"
        yield Ask(
            subject=(name, *items.names),
            slots={"a": f"the {name}", "items": items.text},
            mentions=(name, *items.names),
            program=program(
                f"a = only({lit(name)})",
                f"found = [o for o in {items.code} if {test}]",
                f"return choice(found[0].category, {OPTIONS})",
            ),
            expected=view.name(right),
            options=items.names,
        )


def is_on(view: View, rng: np.random.Generator, *, large: bool) -> Iterator[Ask]:
    """Whether something is on something; where it is not, it could be. ``large``: it looks large in some frame."""
    yes, no = _resting(view)
    flat = [r.index for r in singles(view)]
    # A thing that is on the floor for certain is no riddle: one that rests on something may be anywhere.
    raised: list[bool] = np.asarray(yes.any(axis=1)).tolist()
    on = [(i, j) for i, j in itertools.permutations(flat, 2) if yes[i, j] and view.large(i) == large]
    off = [
        (i, j)
        for i, j in itertools.permutations(flat, 2)
        if no[i, j] and raised[i] and _could_rest(view)[i, j] and view.large(i) == large
    ]
    pairs = zip(rng.permutation(len(on)).tolist(), rng.permutation(len(off)).tolist(), strict=False)
    both = [
        (on[m], off[n])[:: int(rng.choice([1, -1]))] for m, n in pairs
    ]  # as many of the one as of the other
    for i, j in itertools.chain.from_iterable(both):
        a, b = view.name(i), view.name(j)
        yield Ask(
            subject=(a, b),
            slots={"a": f"the {a}", "b": f"the {b}"},
            mentions=(a, b),
            program=program(f"return boolean(supports(only({lit(b)}), only({lit(a)})))"),
            expected=bool(yes[i, j]),
            answer_type="boolean",
        )


def height_gap(
    view: View, rng: np.random.Generator, *, least_m: float = MIN_STEP_M, most_m: float = np.inf
) -> Iterator[Ask]:
    """How much higher the bottom of one object is than the top of another."""
    own, low, high = heights_m(view)
    noise = figures(view).noise
    groups: dict[str, list[tuple[int, int, Quantity]]] = defaultdict(list)
    for a in singles(view):
        for b in singles(view):
            i, j = a.index, b.index
            gap = float(low[i] - high[j])
            if not least_m <= gap < most_m:
                continue
            sd = float(np.hypot(figures(view).center_sd_m, noise.extent_rel * np.hypot(own[i], own[j]) / 2))
            fine = [step for step in (10.0, 25.0, 50.0) if holds(100 * gap, WIDE * 100 * sd, step)]
            if fine and central(100 * gap, fine[0]):
                quantity = Quantity(
                    code="vertical_gap(a, b)",
                    value=100 * gap,
                    unit="cm",
                    step=fine[0],
                    resolution=f"in centimeters, to the nearest {fine[0]:g}",
                )
                groups[f"{fine[0]} {quantity.stated}"].append((i, j, quantity))

    def draw() -> tuple[str, tuple[int, int, Quantity]] | None:
        if not groups:
            return None
        stated = sorted(groups)[int(rng.integers(len(groups)))]
        return stated, groups[stated][int(rng.integers(len(groups[stated])))]

    for i, j, quantity in sampled(draw, rng):
        upper, lower = view.name(i), view.name(j)
        yield Ask(
            subject=(upper, lower),
            slots={"a": f"the {upper}", "b": f"the {lower}", "resolution": quantity.resolution},
            mentions=(upper, lower),
            program=program(f"a = only({lit(upper)})", f"b = only({lit(lower)})", quantity.result),
            expected=quantity.value,
            unit="cm",
        )


WHAT_IS_ON = Family(
    group="composition",
    note="which of several things is on top of something",
    prior_bound=0.35,
    wordings=(
        "Which of these is on top of {a}: {items}?",
        "What do you find on {a}: {items}?",
        "Only one of these rests on {a}: {items}. Which one?",
        "If {a} were carried away, which of these would lose what it stands or lies on: {items}?",
        "Look at the top of {a}. Which of the following stands or lies there: {items}?",
    ),
    knobs={
        "two": Knob(note="2 candidates", find=partial(what_is_on, size=2)),
        "three": Knob(note="3 candidates", find=partial(what_is_on, size=3)),
        "four": Knob(note="4 candidates", find=partial(what_is_on, size=4)),
    },
)

RESTS_ON_WHAT = Family(
    group="composition",
    note="on which of several things something rests",
    prior_bound=0.65,
    wordings=(
        "What does {a} stand or lie on: {items}?",
        "On which of these does {a} rest: {items}?",
        "Which of the following holds {a} up from below: {items}?",
        "Where do you find {a}: on top of which of these, {items}?",
        "Look right underneath {a}. Which of these is it on: {items}?",
    ),
    knobs={
        "two": Knob(note="2 candidates", find=partial(rests_on_what, size=2)),
        "three": Knob(note="3 candidates", find=partial(rests_on_what, size=3)),
        "four": Knob(note="4 candidates", find=partial(rests_on_what, size=4)),
    },
)

IS_ON = Family(
    group="composition",
    note="whether one thing is on another",
    prior_bound=0.55,
    wordings=(
        "Is {a} on top of {b}?",
        "Does {a} rest on {b}?",
        "Would lifting {b} straight up lift {a} along with it, because it stands or lies on it?",
        "Look for {a}. Does it stand or lie on {b}?",
        "Can {a} be found on {b}?",
    ),
    knobs={
        "large": Knob(note="it looks large in some frame", find=partial(is_on, large=True)),
        "small": Knob(note="it looks small in all frames", find=partial(is_on, large=False)),
    },
)

HEIGHT_GAP = Family(
    group="composition",
    note="how much higher one object begins than another ends",
    prior_bound=0.45,
    wordings=(
        "How much higher is the bottom of {a} than the top of {b}, measured straight up and whether or not one is above the "
        "other ({resolution})?",
        "Compare two heights over the floor: that of the bottom of {a} and that of the top of {b}. By how much is the first "
        "one greater ({resolution})?",
        "Since {a} begins higher up than {b} ends, what is the difference in height between the bottom of the former and the top of "
        "the latter ({resolution})?",
        "If a level line were drawn across the room at the top of {b}, how far above the line would the bottom of {a} be "
        "({resolution})?",
        "How far would the top of {b} have to be raised to be level with the bottom of {a} ({resolution})?",
    ),
    knobs={
        "small": Knob(note="less than 60 cm", find=partial(height_gap, most_m=0.6)),
        "large": Knob(note="60 cm or more", find=partial(height_gap, least_m=0.6)),
    },
)
