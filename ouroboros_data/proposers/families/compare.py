"""Comparisons of derived quantities: gap_comparison, closest_pair, stack_comparison, swap_places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import (
    OPTIONS,
    Ask,
    Family,
    Knob,
    alternating,
    lit,
    program,
    sampled,
)
from ouroboros_data.proposers.figures import SURE_SIGMAS, Figures, one_of_two, onlys, picks
from ouroboros_data.proposers.view import View

MIN_GAP_M = 0.2
CLEAR = 2.0
"""The larger is at least so many times the smaller."""
CLOSE = 1.25
Pair = tuple[int, int]


def gap_comparison(
    view: View, rng: np.random.Generator, *, common: bool, least: float, most: float = np.inf
) -> Iterator[Ask]:
    """Whether one gap is wider than another; the wider is least to most times the other."""
    figures, single = Figures(view), view.single.tolist()
    size = 3 if common else 4
    if len(single) < size:
        return

    def draw() -> tuple[str, tuple[Pair, Pair]] | None:
        some = [single[k] for k in picks(rng, len(single), size)]
        first, second = _in_order(view, some)
        fits = _apart(figures, first, second, least, most)
        return (str(view.gap_m[first] > view.gap_m[second]), (first, second)) if fits else None

    for first, second in alternating(draw, rng):
        a, b, c, d = (view.name(k) for k in (*first, *second))
        pairs = sorted([tuple(sorted((a, b))), tuple(sorted((c, d)))])
        yield Ask(
            subject=(*pairs[0], *pairs[1]),
            slots={"a": a, "b": b, "c": c, "d": d},
            mentions=tuple(dict.fromkeys((a, b, c, d))),
            program=program(
                f"first = distance(only({lit(a)}), only({lit(b)}))",
                f"second = distance(only({lit(c)}), only({lit(d)}))",
                "return boolean(first > second)",
            ),
            expected=bool(view.gap_m[first] > view.gap_m[second]),
            answer_type="boolean",
        )


def _in_order(view: View, some: list[int]) -> tuple[Pair, Pair]:
    """Two pairs of three or four objects, the same way round whenever they are drawn: a later round knows the text again.

    Which pair comes first says nothing about the answer.
    """
    a, b, *rest = some
    pairs = [(a, b), (a, rest[0])] if len(rest) == 1 else [(min(a, b), max(a, b)), (min(rest), max(rest))]
    first, second = sorted(pairs)
    return (second, first) if one_of_two(view.scene.id, first, second) else (first, second)


def _apart(figures: Figures, first: Pair, second: Pair, least: float, most: float) -> bool:
    low, high = sorted((float(figures.view.gap_m[first]), float(figures.view.gap_m[second])))
    sd = np.hypot(figures.gap_sd_m(*first), figures.gap_sd_m(*second))
    return low >= MIN_GAP_M and least * low <= high < most * low and high - low >= SURE_SIGMAS * float(sd)


def closest_pair(
    view: View, rng: np.random.Generator, *, pairs: int, least: float, most: float = np.inf
) -> Iterator[Ask]:
    """Which of several pairs is closest together or farthest apart, by a factor of least to most."""
    figures, single = Figures(view), view.single.tolist()
    if len(single) < 2 * pairs:
        return

    def draw() -> tuple[str, tuple[bool, tuple[Pair, ...]]] | None:
        some = [single[k] for k in picks(rng, len(single), 2 * pairs)]
        chosen = sorted(tuple(sorted(some[2 * k : 2 * k + 2])) for k in range(pairs))
        near = one_of_two(view.scene.id, chosen)
        ranked = sorted(chosen, key=lambda pair: view.gap_m[pair] if near else -view.gap_m[pair])
        fits = _apart(figures, ranked[0], ranked[1], least, most)
        return (view.name(ranked[0][0]), (near, tuple(chosen))) if fits else None

    for near, chosen in sampled(draw, rng):
        names = {f"{view.name(i)} and {view.name(j)}": (view.name(i), view.name(j)) for i, j in chosen}
        gaps = {text: float(view.gap_m[pair]) for text, pair in zip(names, chosen, strict=True)}
        pick = "min" if near else "max"
        shown = {text: list(pair) for text, pair in names.items()}
        yield Ask(
            subject=tuple(names),
            slots={
                "pairs": "; ".join(f"the {a} and the {b}" for a, b in names.values()),
                "end": "closest together" if near else "farthest apart",
                "size": "smallest" if near else "largest",
            },
            mentions=tuple(name for pair in names.values() for name in pair),
            program=program(
                f"pairs = {_literal(shown)}",
                "gaps = {text: distance(only(a), only(b)) for text, (a, b) in pairs.items()}",
                f"return choice({pick}(gaps, key=lambda text: gaps[text]), {OPTIONS})",
            ),
            expected=(min if near else max)(gaps, key=gaps.__getitem__),
            options=tuple(names),
        )


def _literal(table: dict[str, list[str]]) -> str:
    return "{" + ", ".join(f"{lit(key)}: {lit(value)}" for key, value in table.items()) + "}"


def stack_comparison(
    view: View, rng: np.random.Generator, *, least: float, most: float = np.inf
) -> Iterator[Ask]:
    """Whether one thing on top of another is taller than a third, which is taller than either."""
    figures, single = Figures(view), view.single.tolist()
    movable = figures.movable
    tall = view.size_m[:, 2]
    if len(single) < 3 or len(movable) < 2:
        return

    def draw() -> tuple[str, tuple[int, int, int]] | None:
        a, b = sorted(movable[k] for k in picks(rng, len(movable), 2))
        c = single[int(rng.integers(len(single)))]
        if c in (a, b):
            return None
        low, high = sorted((float(tall[a] + tall[b]), float(tall[c])))
        sd = figures.noise.extent_rel * float(np.linalg.norm(tall[[a, b, c]]))
        fits = tall[c] > max(tall[a], tall[b]) and least * low <= high < most * low
        return (
            (str(tall[a] + tall[b] > tall[c]), (a, b, c)) if fits and high - low >= SURE_SIGMAS * sd else None
        )

    for a, b, c in alternating(draw, rng):
        upper, lower, other = *sorted((view.name(a), view.name(b))), view.name(c)
        yield Ask(
            subject=(upper, lower, other),
            slots={"a": upper, "b": lower, "c": other},
            mentions=(upper, lower, other),
            program=program(
                *onlys(upper=upper, lower=lower, other=other),
                "return boolean(height(upper) + height(lower) > height(other))",
            ),
            expected=bool(tall[a] + tall[b] > tall[c]),
            answer_type="boolean",
        )


def swap_places(view: View, rng: np.random.Generator, *, least: float, most: float = np.inf) -> Iterator[Ask]:
    """Which of two objects is closer to a third after they have changed places."""
    figures, single = Figures(view), view.single.tolist()
    movable = figures.movable
    at = view.boxes.center_m
    if len(single) < 3 or len(movable) < 2:
        return

    def draw() -> tuple[str, tuple[int, int, int]] | None:
        a, b = sorted(movable[k] for k in picks(rng, len(movable), 2))
        c = single[int(rng.integers(len(single)))]
        if c in (a, b):
            return None
        to_a, to_b = (float(np.linalg.norm(at[k] - at[c])) for k in (a, b))
        low, high = sorted((to_a, to_b))
        apart = max(0.3, SURE_SIGMAS * float(np.sqrt(2.0)) * figures.center_sd_m)
        fits = low >= 0.5 and least * low <= high < most * low and high - low >= apart
        return (view.name(b if to_a < to_b else a), (a, b, c)) if fits else None

    for a, b, c in sampled(draw, rng):
        first, second, other = view.name(a), view.name(b), view.name(c)
        to_a, to_b = (float(np.linalg.norm(at[k] - at[c])) for k in (a, b))
        yield Ask(
            subject=(first, second, other),
            slots={"a": first, "b": second, "c": other},
            mentions=(first, second, other),
            program=program(
                *onlys(a=first, b=second, c=other),
                "# After the swap a is where b was.",
                "return choice(a.category if center_distance(b, c) < center_distance(a, c) else b.category, "
                f"{OPTIONS})",
            ),
            expected=second if to_a < to_b else first,
            options=(first, second),
        )


def _by_factor(find: Callable[..., Iterator[Ask]], what: str, **settings: object) -> dict[str, Knob]:
    return {
        "clear": Knob(
            note=f"{what} at least {CLEAR:g} times the other",
            find=partial(find, least=CLEAR, **settings),
        ),
        "close": Knob(
            note=f"{what} {CLOSE:g}-{CLEAR:g} times the other",
            find=partial(find, least=CLOSE, most=CLEAR, **settings),
        ),
    }


GAP_COMPARISON = Family(
    group="composition",
    note="whether the gap between two objects is wider than that between two others",
    prior_bound=0.55,
    wordings=(
        "Is the gap between the {a} and the {b} wider than the gap between the {c} and the {d}, each measured between "
        "closest points?",
        "Going by their closest points, are the {a} and the {b} farther apart than the {c} and the {d}?",
        "One string is pulled tight between the closest points of the {a} and the {b}, another between those of the {c} "
        "and the {d}. Is the first string longer than the second?",
        "Compare two distances between closest points, {a} to {b} and {c} to {d}: is the former greater?",
        "Take how far the {c} and the {d} are apart at their closest points. Is it less than the same measure for the "
        "{a} and the {b}?",
    ),
    knobs={
        **_by_factor(gap_comparison, "four objects, the wider gap", common=False),
        "one_common": Knob(
            note=f"both gaps begin at one object, the wider at least {CLOSE:g} times the other",
            find=partial(gap_comparison, common=True, least=CLOSE),
        ),
    },
)

CLOSEST_PAIR = Family(
    group="composition",
    note="which of several pairs of objects is closest together, or farthest apart",
    prior_bound=0.1,
    wordings=(
        "Measured between closest points, which of these pairs is {end}: {pairs}?",
        "Which two are {end}, going by their closest points: {pairs}?",
        "Consider the gap within each pair, from closest point to closest point: {pairs}. Which pair has the {size} gap?",
        "Of the following pairs, whose members are {end} when closest points are what counts: {pairs}?",
        "Here are some pairs: {pairs}. In which of them is the distance between the closest points the {size}?",
    ),
    knobs={
        **{f"two_{k}": v for k, v in _by_factor(closest_pair, "two pairs, one gap", pairs=2).items()},
        "three": Knob(
            note=f"three pairs, the second gap differs by a factor of {CLOSE:g} or more",
            find=partial(closest_pair, pairs=3, least=CLOSE),
        ),
    },
)

STACK_COMPARISON = Family(
    group="composition",
    note="whether two objects on top of each other would be taller than a third",
    prior_bound=0.55,
    wordings=(
        "If the {a} stood on top of the {b}, would the two together be taller than the {c}?",
        "Add up the heights of the {a} and the {b}. Is the sum more than the height of the {c}?",
        "Is the {c} shorter than a stack made of the {b} with the {a} on top, going by their heights alone?",
        "Would a pile of two things, the {b} at the bottom and the {a} on it, rise higher from its foot than the {c} does "
        "from its own?",
        "Imagine the {a} placed upright on the {b}. Would this measure more from bottom to top than the {c}?",
    ),
    knobs={
        "clear": Knob(
            note="the taller at least 1.5 times the other", find=partial(stack_comparison, least=1.5)
        ),
        "close": Knob(
            note="the taller 1.1-1.5 times the other", find=partial(stack_comparison, least=1.1, most=1.5)
        ),
    },
)

SWAP_PLACES = Family(
    group="composition",
    note="which of two objects would be closer to a third after they have changed places",
    prior_bound=0.15,
    wordings=(
        "If the {a} and the {b} swapped places, middle for middle, which of the two would then be closer to the {c}, "
        "measured between middles?",
        "Suppose the middle of the {a} moves to where the middle of the {b} is now, and the other way round. Is it the {a} "
        "or the {b} whose middle is then nearer to that of the {c}?",
        "The {b} goes where the {a} is and the {a} goes where the {b} is, centre to centre. After that, which one has "
        "the shorter distance from its centre to the centre of the {c}?",
        "Exchange the positions of the {a} and the {b}, centre for centre. Which of them ends up with its centre closer to "
        "the centre of the {c}?",
        "Going by centres, would the {a} or the {b} be closer to the {c} once the {a} and the {b} had traded positions?",
    ),
    knobs={
        "clear": Knob(note="the farther at least 1.8 times as far", find=partial(swap_places, least=1.8)),
        "close": Knob(
            note="the farther 1.2-1.8 times as far", find=partial(swap_places, least=1.2, most=1.8)
        ),
    },
)
