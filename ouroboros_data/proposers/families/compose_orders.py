"""Order by distance and by height: distance_order, height_order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import Ask, Family, Knob, program, sampled
from ouroboros_data.proposers.families.compose_choices import draw_list
from ouroboros_data.proposers.phrases import (
    Group,
    Reference,
    closer,
    mentions,
    references,
    row,
    singles,
    taller,
)
from ouroboros_data.proposers.view import View


def distance_order(view: View, rng: np.random.Generator, *, size: int, hops: int = 0) -> Iterator[Ask]:
    """Several unique objects in the order of their distances from another one."""
    anchors = references(view, hops)

    def draw() -> tuple[str, tuple[Reference, Group, bool, tuple[int, ...]]] | None:
        drawn = draw_list(view, rng, anchors, size)
        if drawn is None:
            return None
        a, items = drawn
        order = sorted(items.members, key=lambda k: view.gap_m[a.index, k])
        if not all(closer(view, a.index, near, far) for near, far in itertools.pairwise(order)):
            return None
        rising = bool(rng.integers(2))
        order = order if rising else order[::-1]
        return str([items.members.index(k) for k in order]), (a, items, rising, tuple(order))

    for a, items, rising, order in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *items.names),
            slots={
                "a": a.text,
                "items": items.text,
                "first": "closest" if rising else "farthest",
                "from": "closest to farthest" if rising else "farthest to closest",
            },
            mentions=mentions(a, items),
            program=program(
                f"a = {a.code}",
                f"order = sorted({items.code}, key=lambda o: distance(a, o){'' if rising else ', reverse=True'})",
                "return ordering([o.category for o in order])",
            ),
            expected=tuple(view.name(k) for k in order),
            answer_type="ordering",
        )


def height_order(view: View, rng: np.random.Generator, *, size: int) -> Iterator[Ask]:
    """Several unique objects in the order of their heights."""
    flat = singles(view)

    def draw() -> tuple[str, tuple[Group, bool, tuple[int, ...]]] | None:
        if len(flat) < size:
            return None
        items = row(view, [flat[k].index for k in rng.permutation(len(flat))[:size].tolist()])
        order = sorted(items.members, key=lambda k: view.size_m[k, 2])
        if not all(taller(view, high, low) for low, high in itertools.pairwise(order)):
            return None
        rising = bool(rng.integers(2))
        order = order if rising else order[::-1]
        return str([items.members.index(k) for k in order]), (items, rising, tuple(order))

    for items, rising, order in sampled(draw, rng):
        yield Ask(
            subject=items.names,
            slots={"items": items.text, "from": "shortest to tallest" if rising else "tallest to shortest"},
            mentions=items.names,
            program=program(
                f"order = sorted({items.code}, key=height{'' if rising else ', reverse=True'})",
                "return ordering([o.category for o in order])",
            ),
            expected=tuple(view.name(k) for k in order),
            answer_type="ordering",
        )


DISTANCE_ORDER = Family(
    group="composition",
    note="several objects in the order of their distances from another",
    prior_bound=0.1,
    wordings=(
        "Order these by their distance from {a}, {first} first: {items}. What is the order?",
        "In which order do these come if you sort them from {from}, as measured from {a}: {items}?",
        "Starting at {a}, how far is it to each of these: {items}? Name them in order, {first} first.",
        "What is the order, {first} first, of the following by how far they are from {a}: {items}?",
        "Rank the following by distance from {a}: {items}. Which order results, from {from}?",
    ),
    knobs={
        "three": Knob(note="3 objects", find=partial(distance_order, size=3)),
        "four": Knob(note="4 objects", find=partial(distance_order, size=4)),
        "three_hop": Knob(
            note="3 objects, from one that is pointed to over a hop",
            find=partial(distance_order, size=3, hops=1),
        ),
    },
)

HEIGHT_ORDER = Family(
    group="composition",
    note="several objects in the order of their heights",
    prior_bound=0.1,
    wordings=(
        "Order these by their own height, from {from}: {items}. What is the order?",
        "Which order results if you sort the following from {from}: {items}?",
        "Each of these is measured from bottom to top: {items}. In which order do they come, from {from}?",
        "Rank these by height: {items}. What is the order from {from}?",
        "If these were lined up on the floor from {from}, in which order would they stand: {items}?",
    ),
    knobs={
        "three": Knob(note="3 objects", find=partial(height_order, size=3)),
        "four": Knob(note="4 objects", find=partial(height_order, size=4)),
        "five": Knob(note="5 objects", find=partial(height_order, size=5)),
    },
)
