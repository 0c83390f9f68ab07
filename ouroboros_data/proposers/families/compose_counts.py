"""Counts under a condition: count_within, count_closer, count_taller; and which kind there are more of: which_more."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ouroboros_data.english import plural
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, program, sampled
from ouroboros_data.proposers.families.compose_hops import picker
from ouroboros_data.proposers.phrases import (
    WITHIN_M,
    Group,
    Reference,
    closer,
    groups,
    mentions,
    meters,
    references,
    row,
    singles,
    taller,
    within,
)
from ouroboros_data.proposers.view import View

LEAST_OF_A_KIND = 3
"""Of two, a condition that one meets is met by one: the answer would always be the same."""


def sets(view: View, rng: np.random.Generator, size: int | None) -> Callable[[], Group | None]:
    """Draws what is counted: all of a kind, or ``size`` unique objects."""
    kinds = [group for group in groups(view) if len(group.members) >= LEAST_OF_A_KIND]
    flat = singles(view)

    def pick() -> Group | None:
        if size is None:
            return kinds[int(rng.integers(len(kinds)))] if kinds else None
        if len(flat) <= size:
            return None
        return row(view, [flat[k].index for k in rng.permutation(len(flat))[:size].tolist()])

    return pick


def _named(group: Group) -> str:
    return group.text if len(group.names) == 1 else f"of these ({group.text})"


def count_within(view: View, rng: np.random.Generator, *, size: int | None, hops: int = 0) -> Iterator[Ask]:
    """How many objects are within a distance of another."""
    anchor, pick = picker(references(view, hops), rng), sets(view, rng, size)

    def draw() -> tuple[str, tuple[Reference, Group, float, int]] | None:
        a, group = anchor(), pick()
        if a is None or group is None or set(a.names) & set(group.names):
            return None
        limit = WITHIN_M[int(rng.integers(len(WITHIN_M)))]
        verdicts = within(view, a.index, group.members, limit)
        found = sum(verdicts or [])
        return (str(found), (a, group, limit, found)) if 0 < found < len(group.members) else None

    for a, group, limit, found in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *group.names),
            slots={"a": a.text, "set": _named(group), "d": meters(limit)},
            mentions=mentions(a, group),
            program=program(
                f"a = {a.code}",
                f"near = [o for o in {group.code} if distance(o, a) <= {limit:g}]",
                'return number(len(near), "count")',
            ),
            expected=found,
            unit="count",
        )


def count_closer(view: View, rng: np.random.Generator, *, size: int | None, hops: int = 0) -> Iterator[Ask]:
    """How many objects are closer to one thing than to another."""
    anchor, pick = picker(references(view, hops), rng), sets(view, rng, size)
    flat = singles(view)

    def draw() -> tuple[str, tuple[Reference, Reference, Group, int]] | None:
        q, group = anchor(), pick()
        if q is None or group is None:
            return None
        p = flat[int(rng.integers(len(flat)))] if flat else q
        if len({*p.names, *q.names, *group.names}) != len(p.names) + len(q.names) + len(group.names):
            return None
        verdicts = [closer(view, k, p.index, q.index) for k in group.members]
        if None in verdicts or not 0 < sum(map(bool, verdicts)) < len(verdicts):
            return None
        return str(sum(map(bool, verdicts))), (p, q, group, sum(map(bool, verdicts)))

    for p, q, group, found in sampled(draw, rng):
        yield Ask(
            subject=(*sorted((p.text, q.text)), *group.names),
            slots={"p": p.text, "q": q.text, "set": _named(group)},
            mentions=mentions(p, q, group),
            program=program(
                f"p = {p.code}",
                f"q = {q.code}",
                f"closer = [o for o in {group.code} if distance(o, p) < distance(o, q)]",
                'return number(len(closer), "count")',
            ),
            expected=found,
            unit="count",
        )


def count_taller(view: View, rng: np.random.Generator, *, size: int, hops: int = 0) -> Iterator[Ask]:
    """How many unique objects are taller than another one."""
    anchor, pick = picker(references(view, hops), rng), sets(view, rng, size)

    def draw() -> tuple[str, tuple[Reference, Group, int]] | None:
        a, group = anchor(), pick()
        if a is None or group is None or set(a.names) & set(group.names):
            return None
        above = [taller(view, k, a.index) for k in group.members]
        below = [taller(view, a.index, k) for k in group.members]
        decided = all(up != down for up, down in zip(above, below, strict=True))
        return (str(sum(above)), (a, group, sum(above))) if decided and any(above) and any(below) else None

    for a, group, found in sampled(draw, rng):
        yield Ask(
            subject=(a.text, *group.names),
            slots={"a": a.text, "set": _named(group)},
            mentions=mentions(a, group),
            program=program(
                f"a = {a.code}",
                f"taller = [o for o in {group.code} if height(o) > height(a)]",
                'return number(len(taller), "count")',
            ),
            expected=found,
            unit="count",
        )


def which_more(
    view: View, rng: np.random.Generator, *, kinds: int, least: int = 1, most: int = 10**6
) -> Iterator[Ask]:
    """Of which kind there are the most, or the fewest; it leads by least to most."""
    counts = {name: len(indices) for name, indices in view.seen.items()}
    by_answer = defaultdict(list)
    for chosen in itertools.combinations(counts, kinds):
        ranked = sorted(counts[name] for name in chosen)
        for end, lead in (("most", ranked[-1] - ranked[-2]), ("fewest", ranked[1] - ranked[0])):
            if least <= lead <= most:
                best = (max if end == "most" else min)(chosen, key=counts.__getitem__)
                by_answer[best].append((end, chosen, best))
    for end, chosen, best in interleave(by_answer, rng):
        options = tuple(plural(name) for name in chosen)
        pick = "max" if end == "most" else "min"
        yield Ask(
            subject=chosen,
            slots={
                "items": ", ".join(options),
                "listed": " and ".join([", ".join(options[:-1]), options[-1]]),
                "end": end,
            },
            mentions=chosen,
            program=program(f"kinds = {OPTIONS}", f"return choice({pick}(kinds, key=count), kinds)"),
            expected=plural(best),
            options=options,
        )


_KIND = "all of a kind, 3 or more"

COUNT_WITHIN = Family(
    group="composition",
    note="how many objects are within a distance of another",
    prior_bound=0.55,
    wordings=(
        "How many {set} are within {d} of {a}, measured between closest points?",
        "Measured between closest points, how many {set} are no more than {d} away from {a}?",
        "Think of everything up to {d} away from {a}. How many {set} reach into that zone, at least with a part?",
        "From {a} to how many {set} is the gap {d} or less, from closest point to closest point?",
        "How many {set} could be touched with the end of a string of {d} that is tied to {a}, at the best place for "
        "each, if nothing stood in the way?",
    ),
    knobs={
        "kind": Knob(note=_KIND, find=partial(count_within, size=None)),
        "three": Knob(note="3 different objects", find=partial(count_within, size=3)),
        "five": Knob(note="5 different objects", find=partial(count_within, size=5)),
        "hop": Knob(
            note="3 different objects near one that is pointed to over a hop",
            find=partial(count_within, size=3, hops=1),
        ),
    },
)

COUNT_CLOSER = Family(
    group="composition",
    note="how many objects are closer to one thing than to another",
    prior_bound=0.6,
    wordings=(
        "How many {set} are closer to {p} than to {q}?",
        "For how many {set} is {p} nearer than {q}?",
        "Compare distances: how many {set} have less space between them and {p} than between them and {q}?",
        "Take the distance to {p} and the distance to {q}. For how many {set} is the first one smaller?",
        "If each looked for the nearer one of {p} and {q}, how many {set} would choose {p}?",
    ),
    knobs={
        "kind": Knob(note=_KIND, find=partial(count_closer, size=None)),
        "three": Knob(note="3 different objects", find=partial(count_closer, size=3)),
        "five": Knob(note="5 different objects", find=partial(count_closer, size=5)),
        "hop": Knob(
            note="3 different objects, one of the two things is pointed to over a hop",
            find=partial(count_closer, size=3, hops=1),
        ),
    },
)

COUNT_TALLER = Family(
    group="composition",
    note="how many objects are taller than another",
    prior_bound=0.6,
    wordings=(
        "How many {set} are taller than {a}?",
        "Compared by their own heights, how many {set} exceed {a}?",
        "Measure {a} from bottom to top. How many {set} measure more than that?",
        "If all of them were put side by side on the floor, how many {set} would stand taller than {a}?",
        "By how many {set} is {a} exceeded in height?",
    ),
    knobs={
        "three": Knob(note="3 different objects", find=partial(count_taller, size=3)),
        "five": Knob(note="5 different objects", find=partial(count_taller, size=5)),
        "hop": Knob(
            note="3 different objects against one that is pointed to over a hop",
            find=partial(count_taller, size=3, hops=1),
        ),
    },
)

WHICH_MORE = Family(
    group="composition",
    note="of which kind of object there are the most, or the fewest",
    prior_bound=0.25,
    wordings=(
        "Of which of these does the video show the {end}: {items}?",
        "Count each of these kinds: {items}. Of which kind are there the {end}?",
        "These are here in different numbers: {items}. Of which of them are there the {end}?",
        "Go through the whole space and count the {listed}. Of which do you find the {end}?",
        "Somebody ranks these by how many there are: {items}. Which do they have the {end} of?",
    ),
    knobs={
        "two_one": Knob(note="2 kinds, by one", find=partial(which_more, kinds=2, most=1)),
        "two_more": Knob(note="2 kinds, by two or more", find=partial(which_more, kinds=2, least=2)),
        "three": Knob(note="3 kinds, by one or more", find=partial(which_more, kinds=3)),
    },
)
