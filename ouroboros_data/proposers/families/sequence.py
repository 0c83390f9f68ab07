"""Order in time and along a way: obj_appearance_order, route_planning."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.view import NEVER, Array, View

MAX_OPTIONS = 4
MIN_LEG_M = 0.6
CORNER_DEG = 15.0
"""Distance of a turn from the borders at 45° and 135° between straight on, turn and turn back."""
TURNS = ("Turn Left", "Turn Right", "Turn Back")


def appearance_order(
    view: View, rng: np.random.Generator, *, items: int, least_frames: int = 1, most_frames: int = 10**6
) -> Iterator[Ask]:
    """Order in which categories come into view; neighbours are least to most sampled frames apart."""
    first = {name: frame for name, frame in view.first_frame.items() if frame != NEVER}
    names = list(first)
    if len(names) < items:
        return
    frames = np.array([first[name] for name in names])
    in_video = np.array([view.first_in_video[name] for name in names])

    def draw() -> tuple[str, tuple[int, ...]] | None:
        chosen = tuple(sorted(_one_per_frame(frames, items, rng)))
        if len(chosen) < items:
            return None
        order = np.argsort(frames[list(chosen)])
        steps = np.diff(frames[list(chosen)][order])
        # Someone who watches the whole video must come to the same order.
        agreed = np.diff(in_video[list(chosen)][order]).min() > 0
        fits = agreed and steps.min() >= least_frames and steps.max() <= most_frames
        return (str(order.tolist()), chosen) if fits else None

    for chosen in sampled(draw, rng):
        shown = [names[k] for k in chosen]  # alphabetical: the order in the text tells nothing
        right = ", ".join(sorted(shown, key=lambda name: first[name]))
        wrong = [", ".join(order) for order in itertools.permutations(shown) if ", ".join(order) != right]
        yield Ask(
            subject=tuple(shown),
            slots={"items": ", ".join(shown)},
            mentions=tuple(shown),
            program=program(
                f"names = {lit(shown)}",
                "first = {name: min([first_seen(o) for o in objects(name)]) for name in names}",
                "order = sorted(names, key=lambda name: first[name])",
                f'return choice(", ".join(order), {OPTIONS})',
            ),
            expected=right,
            options=_with_some(right, wrong, rng),
        )


def _one_per_frame(frames: np.ndarray, items: int, rng: np.random.Generator) -> list[int]:
    """Random categories that come into view in different frames, as many as there are up to ``items``."""
    chosen: list[int] = []
    for k in rng.permutation(len(frames)).tolist():
        if len(chosen) < items and all(frames[k] != frames[other] for other in chosen):
            chosen.append(k)
    return chosen


def route(view: View, rng: np.random.Generator, *, turns: int) -> Iterator[Ask]:
    """Turns of a walk from object to object, each leg straight and free of other furniture."""
    stops = turns + 2  # start, what the walker faces, and one stop a turn
    if len(view.single) < stops:
        return
    walk = view.walk_m[np.ix_(view.single, view.single)]
    sequences = [", ".join(steps) for steps in itertools.product(TURNS, repeat=turns)]
    for places, right in sampled(lambda: _random_walk(view, walk, turns, rng), rng):
        names = [view.name(view.single[k]) for k in places]
        start, facing, *visited = names
        yield Ask(
            subject=tuple(names),
            slots={
                "start": start,
                "facing": facing,
                "goal": visited[-1],
                "steps": _steps(visited),
                "visited": ", then to ".join(f"the {name}" for name in visited),
                "before": "at the start" if turns == 1 else f"before each of the {turns} legs",
            },
            mentions=tuple(names),
            program=program(
                f"places = [only(name) for name in {lit(names)}]",
                "turns = path_turns(*places)",
                f'return choice(", ".join(turns).title(), {OPTIONS})',
            ),
            expected=right,
            options=_with_some(right, [s for s in sequences if s != right], rng),
        )


def _random_walk(
    view: View, walk: Array, turns: int, rng: np.random.Generator
) -> tuple[str, tuple[tuple[int, ...], str]] | None:
    """Turns of a random walk; with them its start, faced object and stops. None where it gets stuck."""
    far = walk >= MIN_LEG_M
    start = int(rng.integers(len(walk)))
    places, taken, behind = [start], [], False
    facing = _any(far[start], rng)
    if facing is None:
        return None
    places.append(facing)
    here, reference = start, facing  # directions are measured from here→reference, which lies ahead or behind
    for _ in range(turns):
        signed = (view.turn_deg[here, reference] + (180.0 if behind else 0.0) + 180.0) % 360.0 - 180.0
        size = np.abs(signed)
        good = (
            far[here]
            & ~view.crossed[here]
            & (size >= 45.0 + CORNER_DEG)
            & (np.abs(size - 135.0) >= CORNER_DEG)
        )
        good[places] = False
        stop = _any(good, rng)
        if stop is None:
            return None
        taken.append("Turn Back" if size[stop] > 135.0 else "Turn Left" if signed[stop] > 0 else "Turn Right")
        places.append(stop)
        here, reference, behind = stop, here, True
    return ", ".join(taken), (tuple(places), ", ".join(taken))


def _any(mask: npt.NDArray[np.bool_], rng: np.random.Generator) -> int | None:
    indices = np.flatnonzero(mask)
    return int(indices[rng.integers(len(indices))]) if len(indices) else None


def _steps(visited: Sequence[str]) -> str:
    legs = (
        f"{2 * n + 1}. [please fill in] {2 * n + 2}. Go forward until the {name}."
        for n, name in enumerate(visited)
    )
    return " ".join(legs)


def _with_some(right: str, wrong: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    # Uniform over the wrong ones: distractors made by editing the right answer point back to it.
    picked = rng.permutation(len(wrong))[: MAX_OPTIONS - 1]
    return (right, *(wrong[k] for k in sorted(picked.tolist())))


_ORDER_NOTE = "{} categories that come into view {}"

APPEARANCE_ORDER = Family(
    group="vsi",
    note="in which order objects come into view for the first time",
    prior_bound=0.1,
    wordings=(
        "What will be the first-time appearance order of the following categories in the video: {items}?",
        "In what order do these come into view for the first time: {items}?",
        "Watching from the beginning, in what order do you first see these: {items}?",
        "Sort the following by the moment of their first appearance in the video, earliest first: {items}. "
        "What is the order?",
        "The video shows these one after another for the first time: {items}. Which comes into view first, which "
        "next, and so on to the last?",
    ),
    knobs={
        "two_apart": Knob(
            note=_ORDER_NOTE.format(2, "at least 2 sampled frames apart"),
            find=partial(appearance_order, items=2, least_frames=2),
        ),
        "two_adjacent": Knob(
            note=_ORDER_NOTE.format(2, "in consecutive sampled frames"),
            find=partial(appearance_order, items=2, most_frames=1),
        ),
        "three": Knob(
            note=_ORDER_NOTE.format(3, "in different sampled frames"), find=partial(appearance_order, items=3)
        ),
        "four": Knob(
            note=_ORDER_NOTE.format(4, "in different sampled frames, as in VSI-Bench"),
            find=partial(appearance_order, items=4),
        ),
    },
)

ROUTE_PLANNING = Family(
    group="vsi",
    note="the turns of a walk from object to object",
    prior_bound=0.3,
    wordings=(
        "You are a robot beginning at the {start} and facing the {facing}. You want to navigate to the "
        "{goal}. You will perform the following actions (Note: for each [please fill in], choose either "
        "'turn back,' 'turn left,' or 'turn right.'): {steps} You have reached the final destination.",
        "You stand at the {start}, facing the {facing}, and walk in a straight line to {visited}. Which way "
        "do you turn {before}: left, right or back (more than 135 degrees)?",
        "Beginning at the {start} and facing the {facing}, a robot drives straight to {visited}. What turn "
        "does it make {before}: turn left, turn right or, for more than 135 degrees, turn back?",
        "Someone at the {start} looks at the {facing}, then goes straight to {visited}, turning {before}. A turn of more "
        "than 135 degrees counts as turning back. Which turns are these, in order?",
        "Plan a walk from the {start}, where you face the {facing}, straight to {visited}. For the turn {before}, "
        "choose left, right, or back if it is more than 135 degrees: what do you choose?",
    ),
    knobs={
        "one_turn": Knob(note="one turn and one leg", find=partial(route, turns=1)),
        "two_turns": Knob(note="two turns, two legs", find=partial(route, turns=2)),
        "three_turns": Knob(note="three turns, three legs", find=partial(route, turns=3)),
    },
)
