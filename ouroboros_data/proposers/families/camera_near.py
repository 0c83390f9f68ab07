"""How near the camera comes to things: in which frame, and whether it comes nearer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, interleave, lit, program, sampled
from ouroboros_data.proposers.families.framing import (
    either,
    frame_label,
    frame_name,
    numbered,
    place_noise_m,
    together,
)
from ouroboros_data.proposers.view import Array, View

CLEAR_M = 0.8
CLOSE_M = 0.35


def _least_m(view: View) -> Array:
    """(n,) least difference of two distances from an object: what moves it moves both, most often alike."""
    least: Array = np.maximum(CLOSE_M, place_noise_m(view))
    return least


def nearest_frame(
    view: View,
    rng: np.random.Generator,
    *,
    candidates: int,
    shown: bool | None = None,
    least_m: float = CLOSE_M,
    most_m: float = np.inf,
) -> Iterator[Ask]:
    """In which frame the camera is nearest to an object, or farthest from it; ``shown``: whether all of them show it."""
    sight, count, single = view.sight, len(view.frames), view.single
    if not len(single) or count < candidates:
        return
    least = np.maximum(_least_m(view), least_m)

    def draw() -> tuple[str, tuple[int, bool, tuple[int, ...]]] | None:
        i = int(single[rng.integers(len(single))])
        chosen = sorted(rng.permutation(count)[:candidates].tolist())
        near = bool(rng.integers(2))
        if shown is not None and bool(sight.shown[chosen, i].all()) != shown:
            return None
        best = _best(sight.gap_m[chosen, i], near)
        lead = _lead(sight.gap_m[chosen, i], near)
        # Whoever judges by the middle of the thing must come to the same frame.
        agreed = (
            _best(sight.centre_m[chosen, i], near) == best and _lead(sight.centre_m[chosen, i], near) > 0.15
        )
        fits = agreed and least[i] <= lead < most_m
        return (frame_label(chosen[best]), (i, near, tuple(chosen))) if fits else None

    for i, near, chosen in sampled(draw, rng):
        name, options = view.name(i), tuple(frame_label(k) for k in chosen)
        yield Ask(
            subject=(name, str(near), *options),
            slots={
                "x": name,
                "end": "closest to" if near else "farthest from",
                "size": "smallest" if near else "largest",
                "items": either(options),
                "all": together(options),
                "numbered": numbered(view),
            },
            mentions=(name,),
            program=program(
                f"x = only({lit(name)})",
                f"frames = {list(chosen)}",
                f"found = {'min' if near else 'max'}(frames, key=lambda k: camera_distance(k, x))",
                f'return choice("frame " + str(found + 1), {OPTIONS})',
            ),
            expected=options[_best(sight.gap_m[list(chosen), i], near)],
            options=options,
        )


def _best(distances: Array, near: bool) -> int:
    return int(distances.argmin() if near else distances.argmax())


def _lead(distances: Array, near: bool) -> float:
    ranked = np.sort(distances if near else -distances)
    return float(ranked[1] - ranked[0])


def approach(
    view: View,
    rng: np.random.Generator,
    *,
    shown: bool | None = None,
    least_m: float = CLOSE_M,
    most_m: float = np.inf,
) -> Iterator[Ask]:
    """Whether the camera is closer to an object in one frame than in another, or farther away.

    Args:
        view: The scene.
        rng: For the order.
        shown: Whether both frames show the object; None for either.
        least_m: Least difference of the distances.
        most_m: They differ by less than this.
    """
    sight, least = view.sight, np.maximum(_least_m(view), least_m)
    groups: dict[str, list[tuple[int, int, int]]] = {"closer": [], "farther away": []}
    for i in view.single.tolist():
        gap, centre, both = (
            sight.gap_m[:, i],
            sight.centre_m[:, i],
            np.outer(sight.shown[:, i], sight.shown[:, i]),
        )
        loss, middle_loss = gap[:, None] - gap[None], centre[:, None] - centre[None]
        usable = (loss >= least[i]) & (loss < most_m) & (middle_loss >= 0.15)
        if shown is not None:
            usable &= both == shown
        for a, b in np.argwhere(usable).tolist():
            # Both orders can be asked; the coin keeps the answers even, and the subject asks once.
            groups["closer"].append((i, a, b))
            groups["farther away"].append((i, b, a))
    for i, one, other in interleave(groups, rng):
        name = view.name(i)
        yield Ask(
            subject=(name, str(min(one, other)), str(max(one, other))),
            slots={
                "x": name,
                "one": frame_name(one, len(view.frames)),
                "other": frame_name(other, len(view.frames)),
            },
            mentions=(name,),
            program=program(
                f"x = only({lit(name)})",
                f"closer = camera_distance({other}, x) < camera_distance({one}, x)",
                f'return choice("closer" if closer else "farther away", {OPTIONS})',
            ),
            expected="closer" if sight.gap_m[other, i] < sight.gap_m[one, i] else "farther away",
            options=("closer", "farther away"),
        )


NEAREST_FRAME = Family(
    group="camera",
    note="in which frame the camera is closest to an object, or farthest from it",
    prior_bound=0.4,
    wordings=(
        "In which of these frames is the camera {end} the {x}: {items} ({numbered})?",
        "Where was the camera {end} the {x}: in {items} ({numbered})?",
        "Of {all}, for which is the distance from the camera to the closest point of the {x} the {size} "
        "({numbered})?",
        "Which one was taken from the spot {end} the {x}, whether or not it shows it: {items} ({numbered})?",
        "Compare the camera's places in {all}; {numbered}. Which of them has the {size} distance to the {x}?",
    ),
    knobs={
        "two_shown": Knob(
            note="2 frames that show the object, 0.35 m or more ahead",
            find=partial(nearest_frame, candidates=2, shown=True),
        ),
        "two_clear": Knob(
            note="2 frames of which at least one does not show the object, 0.8 m or more ahead",
            find=partial(nearest_frame, candidates=2, shown=False, least_m=CLEAR_M),
        ),
        "two_close": Knob(
            note="2 frames of which at least one does not show the object, 0.35-0.8 m ahead",
            find=partial(nearest_frame, candidates=2, shown=False, most_m=CLEAR_M),
        ),
        "four": Knob(note="4 frames, 0.35 m or more ahead", find=partial(nearest_frame, candidates=4)),
    },
)

APPROACH = Family(
    group="camera",
    note="whether the camera is closer to an object in one frame than in another",
    prior_bound=0.55,
    wordings=(
        "Compared with {one}, is the camera closer to the {x} in {other}, or farther away?",
        "Is the place from which {other} was taken closer to the {x} than that of {one}, or farther away from it?",
        "In {other}, is the camera at a place closer to the {x} than in {one}, or farther away from it?",
        "You go from where {one} was taken to where {other} was taken. Are you then closer to the {x} or farther "
        "away from it than before?",
        "How does the camera's distance to the {x} in {other} compare with that in {one}: is the camera closer or "
        "farther away?",
    ),
    knobs={
        "shown_clear": Knob(
            note="both frames show the object, 0.8 m or more of difference",
            find=partial(approach, shown=True, least_m=CLEAR_M),
        ),
        "shown_close": Knob(
            note="both frames show the object, 0.35-0.8 m of difference",
            find=partial(approach, shown=True, most_m=CLEAR_M),
        ),
        "unseen": Knob(
            note="a frame does not show the object, 0.35 m or more of difference",
            find=partial(approach, shown=False),
        ),
    },
)
