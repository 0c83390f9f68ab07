"""Comparisons of distances: object_rel_distance."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.view import View

MIN_NEAREST_M = 0.15
MIN_LEAD_M = 0.25
"""How much farther the second candidate has to be. VLM-3R asks for 0.15 m, which jitter overturns."""
LARGE_ROOM_M2 = 40.0
"""Above it the lead is doubled, as VLM-3R means to: noise grows with the scan."""
CLEAR_LEAD_M = 0.8


def rel_distance(
    view: View, rng: np.random.Generator, *, candidates: int, least_m: float, most_m: float = np.inf
) -> Iterator[Ask]:
    """Which candidate category is closest to a unique object; its lead is in [least, most)."""
    names = list(view.seen)
    if len(names) <= candidates or not len(view.single):
        return
    least_m = max(least_m, MIN_LEAD_M * (1 + (view.scene.room.area_m2 > LARGE_ROOM_M2)))
    nearest = np.stack(
        [view.gap_m[view.single][:, indices].min(axis=1) for indices in view.seen.values()], axis=1
    )
    own = {name: k for k, name in enumerate(names)}

    def draw() -> tuple[str, tuple[int, tuple[int, ...]]] | None:
        row = int(rng.integers(len(view.single)))
        chosen = tuple(sorted(rng.permutation(len(names))[:candidates].tolist()))
        if own[view.name(view.single[row])] in chosen:
            return None
        gaps = nearest[row, list(chosen)]
        first, second = np.sort(gaps)[:2]
        fits = first >= MIN_NEAREST_M and least_m <= second - first < most_m
        return (names[chosen[int(gaps.argmin())]], (row, chosen)) if fits else None

    for row, chosen in sampled(draw, rng):
        target = view.name(view.single[row])
        options = tuple(names[k] for k in chosen)  # alphabetical: the order in the text tells nothing
        yield Ask(
            subject=(target, *options),
            slots={"target": target, "items": ", ".join(options), "several": _several(view, options)},
            mentions=(target, *options),
            program=program(
                f"target = only({lit(target)})",
                f"nearest = closest(target, objects({lit(options)[1:-1]}))",
                f"return choice(nearest.category, {OPTIONS})",
            ),
            expected=options[int(nearest[row, list(chosen)].argmin())],
            options=options,
        )


def _several(view: View, options: tuple[str, ...]) -> str:
    """What VSI-Bench adds to all of these questions; it matters where a candidate exists more than once."""
    repeated = any(len(view.seen[name]) > 1 for name in options)
    return " (of several of a kind, the closest counts)" if repeated else ""


def _knob(candidates: int, word: str) -> dict[str, Knob]:
    return {
        f"{word}_clear": Knob(
            note=f"{candidates} candidates, the closest leads by {CLEAR_LEAD_M} m or more",
            find=partial(rel_distance, candidates=candidates, least_m=CLEAR_LEAD_M),
        ),
        f"{word}_close": Knob(
            note=f"{candidates} candidates, the closest leads by {MIN_LEAD_M}-{CLEAR_LEAD_M} m",
            find=partial(rel_distance, candidates=candidates, least_m=MIN_LEAD_M, most_m=CLEAR_LEAD_M),
        ),
    }


REL_DISTANCE = Family(
    group="vsi",
    note="which of several objects is closest to another",
    prior_bound=0.15,
    wordings=(
        "Measuring from the closest point of each object, which of these objects ({items}) is the closest to "
        "the {target}{several}?",
        "Which of these is nearest to the {target}, measured between closest points{several}: {items}?",
        "Which of the following has the smallest gap between itself and the {target}{several}: {items}?",
        "Start at the {target} and measure the gap to each of these{several}: {items}. Which gap is the shortest?",
        "Of {items}, which one comes closest to the {target}{several}, when the gap between the nearest points is "
        "what counts?",
    ),
    knobs={
        **_knob(2, "two"),
        **_knob(3, "three"),
        "four": Knob(
            note=f"4 candidates, as in VSI-Bench, the closest leads by {MIN_LEAD_M} m or more",
            find=partial(rel_distance, candidates=4, least_m=MIN_LEAD_M),
        ),
    },
)
