"""How large frames show things."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.families.framing import (
    either,
    frame_label,
    frame_name,
    numbered,
    singles_shown,
    together,
)
from ouroboros_data.proposers.view import View

MIN_RATIO = 2.0
"""By how much one thing has to look larger than another: shares that differ by less than 1.75 may change places within
the noise, and people do not measure."""
CLEAR_RATIO = 4.0


def compare(
    view: View, rng: np.random.Generator, *, candidates: int, least: float = MIN_RATIO, most: float = np.inf
) -> Iterator[Ask]:
    """Which of several objects takes up more of a frame than the others, or less."""
    shares = view.sight.shares

    def draw() -> tuple[str, tuple[int, bool, int, tuple[int, ...]]] | None:
        k, large = int(rng.integers(len(view.frames))), bool(rng.integers(2))
        there = singles_shown(view, k)
        if len(there) < candidates:
            return None
        chosen = sorted(there[rng.permutation(len(there))[:candidates]].tolist(), key=view.name)
        first, second = sorted(chosen, key=lambda i: float(shares[k, i]), reverse=large)[:2]
        ratio = float(shares[k, first] / shares[k, second])
        fits = least <= (ratio if large else 1 / ratio) < most
        return (view.name(first), (k, large, first, tuple(chosen))) if fits else None

    for k, large, winner, chosen in sampled(draw, rng):
        options = tuple(view.name(i) for i in chosen)  # alphabetical: the order in the text tells nothing
        yield Ask(
            subject=(str(k), str(large), *options),
            slots={
                "items": ", ".join(options),
                "frame": frame_name(k, len(view.frames)),
                "size": "largest" if large else "smallest",
                "more": "more" if large else "less",
                "much": "most" if large else "least",
            },
            mentions=options,
            program=program(
                f"names = {OPTIONS}",
                f"found = {'max' if large else 'min'}(names, key=lambda name: view_share({k}, only(name)))",
                "return choice(found, names)",
            ),
            expected=view.name(winner),
            options=options,
        )


def largest_view(
    view: View, rng: np.random.Generator, *, candidates: int, least: float = MIN_RATIO, most: float = np.inf
) -> Iterator[Ask]:
    """In which of several frames an object takes up more of the image than in the others; all of them show it."""
    sight, single = view.sight, view.single

    def draw() -> tuple[str, tuple[int, tuple[int, ...]]] | None:
        i = int(single[rng.integers(len(single))])
        there = np.flatnonzero(sight.shown[:, i])
        if len(there) < candidates:
            return None
        chosen = sorted(there[rng.permutation(len(there))[:candidates]].tolist())
        first, second = sorted(chosen, key=lambda k: -float(sight.shares[k, i]))[:2]
        fits = least <= float(sight.shares[first, i] / sight.shares[second, i]) < most
        return (frame_label(first), (i, tuple(chosen))) if fits else None

    if not len(single):
        return
    for i, chosen in sampled(draw, rng):
        name, options = view.name(i), tuple(frame_label(k) for k in chosen)
        yield Ask(
            subject=(name, *options),
            slots={"x": name, "items": either(options), "all": together(options), "numbered": numbered(view)},
            mentions=(name,),
            program=program(
                f"x = only({lit(name)})",
                f"found = max({list(chosen)}, key=lambda k: view_share(k, x))",
                f'return choice("frame " + str(found + 1), {OPTIONS})',
            ),
            expected=frame_label(max(chosen, key=lambda k: float(sight.shares[k, i]))),
            options=options,
        )


COMPARE = Family(
    group="camera",
    note="which of several objects takes up more of a frame, or less",
    prior_bound=0.25,
    wordings=(
        "Which of these takes up the {size} part of the image in {frame}: {items}?",
        "In {frame}, which one of the following covers {more} of the image than the others do: {items}?",
        "Looking at {frame}, what fills the {size} area of the image: {items}?",
        "Of {items}, which one do you see {much} of in {frame}, going by the area that it covers in the image?",
        "If you cut these out of {frame}, counting only what can be seen of them, which cutting would be the {size}: "
        "{items}?",
    ),
    knobs={
        "two_clear": Knob(
            note="2 candidates, at least 4 times as large",
            find=partial(compare, candidates=2, least=CLEAR_RATIO),
        ),
        "two_close": Knob(
            note="2 candidates, 2-4 times as large", find=partial(compare, candidates=2, most=CLEAR_RATIO)
        ),
        "three": Knob(note="3 candidates, at least twice as large", find=partial(compare, candidates=3)),
    },
)

LARGEST_VIEW = Family(
    group="camera",
    note="in which frame an object takes up more of the image than in others",
    prior_bound=0.4,
    wordings=(
        "In which of these frames does the {x} take up the largest part of the image: {items} ({numbered})?",
        "Which frame shows the {x} largest: {items} ({numbered})?",
        "Where does the {x} cover the most area of the image: in {items} ({numbered})?",
        "You want the image in which the visible part of the {x} is largest. Which do you take: {items} ({numbered})?",
        "Compare how much of the image the {x} fills in {all}; {numbered}. In which one is it the most?",
    ),
    knobs={
        "two_clear": Knob(
            note="2 frames, at least 4 times as large",
            find=partial(largest_view, candidates=2, least=CLEAR_RATIO),
        ),
        "two_close": Knob(
            note="2 frames, 2-4 times as large", find=partial(largest_view, candidates=2, most=CLEAR_RATIO)
        ),
        "three": Knob(note="3 frames, at least twice as large", find=partial(largest_view, candidates=3)),
    },
)
