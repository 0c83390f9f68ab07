"""Which frame shows what: presence, first and last sight, how many frames, how many things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np

from ouroboros_data.english import plural
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit, program, sampled
from ouroboros_data.proposers.families.framing import either, evenly, frame_label, frame_name, numbered, the
from ouroboros_data.proposers.sight import Mask
from ouroboros_data.proposers.view import View


def _by_kind(view: View) -> tuple[list[str], Mask, Mask]:
    """Categories that a text can name; (categories, f) whether a frame surely shows one, and surely shows none."""
    sight, names = view.sight, list(view.seen)
    shown, hidden = np.zeros((2, len(names), len(view.frames)), dtype=bool)
    for n, name in enumerate(names):
        shown[n] = sight.shown[:, view.seen[name]].any(1)
        hidden[n] = sight.hidden[:, view.seen[name]].all(1)
    return names, shown, hidden


def presence(view: View, rng: np.random.Generator, *, candidates: int, shown: bool) -> Iterator[Ask]:
    """Which one of several categories a frame shows, or does not show."""
    names, showing, hiding = _by_kind(view)
    yes, no = (showing, hiding) if shown else (hiding, showing)

    def draw() -> tuple[str, tuple[int, int, tuple[int, ...]]] | None:
        k = int(rng.integers(len(view.frames)))
        right, wrong = np.flatnonzero(yes[:, k]), np.flatnonzero(no[:, k])
        if not len(right) or len(wrong) < candidates - 1:
            return None
        winner = int(right[rng.integers(len(right))])
        chosen = (winner, *wrong[rng.permutation(len(wrong))[: candidates - 1]].tolist())
        return names[winner], (k, winner, tuple(sorted(chosen)))

    if len(names) < candidates:
        return
    for k, winner, chosen in sampled(draw, rng):
        options = tuple(names[n] for n in chosen)  # alphabetical
        is_in = f"any([view_share({k}, o) > 0 for o in objects(name)])"
        yield Ask(
            subject=(str(k), str(shown), *options),
            slots={
                "items": ", ".join(options),
                "frame": frame_name(k, len(view.frames)),
                "can": "can" if shown else "cannot",
                "does": "does" if shown else "does not",
                "is": "is" if shown else "is not",
            },
            mentions=options,
            program=program(
                f"names = {OPTIONS}",
                f"found = [name for name in names if {'' if shown else 'not '}{is_in}]",
                "return choice(found[0], names)",
            ),
            expected=names[winner],
            options=options,
        )


def sighting(view: View, rng: np.random.Generator, *, candidates: int, first: bool) -> Iterator[Ask]:
    """In which frame something of a category is shown for the first time, or for the last time."""
    (names, shown, hidden), count = _by_kind(view), len(view.frames)
    if count < candidates:
        return
    groups = defaultdict(list)
    for n, name in enumerate(names):
        order = range(count) if first else range(count - 1, -1, -1)
        for k in order:
            if hidden[n, k]:
                continue
            if shown[n, k] and shown[n].sum() > 1:  # shown once only: first and last are the same question
                groups[frame_label(k)].append((name, k))
            break
    for name, k in evenly(groups, rng):
        others = [other for other in range(count) if other != k]
        chosen = sorted([k, *(others[n] for n in rng.permutation(len(others))[: candidates - 1])])
        options = tuple(frame_label(other) for other in chosen)
        yield Ask(
            subject=(name, str(first)),
            slots={
                "thing": the(view, name),
                "time": "first" if first else "last",
                "begin": "first comes into view" if first else "is in view for the last time",
                "end": "earliest" if first else "latest",
                "items": either(options),
                "numbered": numbered(view),
            },
            mentions=(name,),
            program=program(
                f"frames = sorted([k for o in objects({lit(name)}) for k in visible_frames(o)])",
                f'return choice("frame " + str(frames[{0 if first else -1}] + 1), {OPTIONS})',
            ),
            expected=frame_label(k),
            options=options,
        )


def together(view: View, rng: np.random.Generator, *, candidates: int) -> Iterator[Ask]:
    """Which of several frames shows two objects at once."""
    sight, single = view.sight, view.single
    if len(single) < 2 or len(view.frames) < candidates:
        return

    def draw() -> tuple[str, tuple[int, int, int, tuple[int, ...]]] | None:
        i, j = sorted(single[rng.permutation(len(single))[:2]].tolist(), key=view.name)
        both = np.flatnonzero(sight.shown[:, i] & sight.shown[:, j])
        never = np.flatnonzero(sight.hidden[:, i] | sight.hidden[:, j])
        if not len(both) or len(never) < candidates - 1:
            return None
        right = int(both[rng.integers(len(both))])
        chosen = (right, *never[rng.permutation(len(never))[: candidates - 1]].tolist())
        return frame_label(right), (i, j, right, tuple(sorted(chosen)))

    for i, j, right, chosen in sampled(draw, rng):
        a, b, options = view.name(i), view.name(j), tuple(frame_label(k) for k in chosen)
        yield Ask(
            subject=(a, b, *options),
            slots={"a": a, "b": b, "items": either(options), "numbered": numbered(view)},
            mentions=(a, b),
            program=program(
                f"a, b = only({lit(a)}), only({lit(b)})",
                f"both = [k for k in {list(chosen)} if view_share(k, a) > 0 and view_share(k, b) > 0]",
                f'return choice("frame " + str(both[0] + 1), {OPTIONS})',
            ),
            expected=frame_label(right),
            options=options,
        )


def frames_shown(view: View, rng: np.random.Generator, *, large: bool) -> Iterator[Ask]:
    """How many of the frames show something of a category."""
    (names, shown, hidden), groups = _by_kind(view), defaultdict(list)
    for n, name in enumerate(names):
        number = int(shown[n].sum())
        if (shown[n] | hidden[n]).all() and view.large(*view.seen[name]) == large:
            groups[str(number)].append((name, number))
    for name, number in evenly(groups, rng):
        yield Ask(
            subject=(name,),
            slots={"thing": the(view, name, "at least one of"), "count": str(len(view.frames))},
            mentions=(name,),
            program=program(
                f"things = objects({lit(name)})",
                "frames = [k for k in range(sampled_frames()) if any([view_share(k, o) > 0 for o in things])]",
                'return number(len(frames), "count")',
            ),
            expected=number,
            unit="count",
        )


def count_in_frame(view: View, rng: np.random.Generator, *, large: bool) -> Iterator[Ask]:
    """How many of a category one frame shows, where it does not show all of them; ``large``: whether all look so."""
    sight, groups = view.sight, defaultdict(list)
    for name, indices in view.seen.items():
        for k in range(len(view.frames)):
            shown, hidden = sight.shown[k, indices], sight.hidden[k, indices]
            number = int(shown.sum())
            sizes = sight.shares[k, indices][shown]
            decided = bool((shown | hidden).all()) and 0 < number < len(indices)
            if decided and bool((sizes >= view.large_share).all()) == large:
                groups[str(number)].append((name, k, number))
    for name, k, number in evenly(groups, rng):
        yield Ask(
            subject=(name, str(k)),
            slots={"xs": plural(name), "frame": frame_name(k, len(view.frames))},
            mentions=(name,),
            program=program(
                f"shown = [o for o in objects({lit(name)}) if view_share({k}, o) > 0]",
                'return number(len(shown), "count")',
            ),
            expected=number,
            unit="count",
        )


PRESENCE = Family(
    group="camera",
    note="which of several kinds of objects a frame shows, or does not show",
    prior_bound=0.25,
    wordings=(
        "Which of these {can} be seen in {frame}: {items}?",
        "Looking only at {frame}, which one of the following {is} visible: {items}?",
        "Of {items}, which one {does} appear in {frame}?",
        "One of these {can} be found in {frame}: {items}. Which one is it?",
        "If {frame} were the only one you had, which of these {is} in view there: {items}?",
    ),
    knobs={
        "shown_two": Knob(note="2 candidates, 1 is shown", find=partial(presence, candidates=2, shown=True)),
        "shown_four": Knob(note="4 candidates, 1 is shown", find=partial(presence, candidates=4, shown=True)),
        "missing_two": Knob(
            note="2 candidates, 1 is not shown", find=partial(presence, candidates=2, shown=False)
        ),
        "missing_three": Knob(
            note="3 candidates, 1 is not shown", find=partial(presence, candidates=3, shown=False)
        ),
    },
)

SIGHTING = Family(
    group="camera",
    note="in which frame something is shown for the first or the last time",
    prior_bound=0.4,
    wordings=(
        "In which of these frames is {thing} shown for the {time} time: {items} ({numbered})?",
        "Which of these is the {time} frame that shows {thing}: {items} ({numbered})?",
        "Going through the frames in order, in which one do you see {thing} for the {time} time: {items} ({numbered})?",
        "When do the frames show {thing} for the {time} time: in {items} ({numbered})?",
        "Of all frames that show {thing}, which is the {end} one: {items} ({numbered})?",
    ),
    knobs={
        "first_two": Knob(
            note="first time, 2 frames to choose from", find=partial(sighting, candidates=2, first=True)
        ),
        "first_four": Knob(
            note="first time, 4 frames to choose from", find=partial(sighting, candidates=4, first=True)
        ),
        "last_two": Knob(
            note="last time, 2 frames to choose from", find=partial(sighting, candidates=2, first=False)
        ),
        "last_four": Knob(
            note="last time, 4 frames to choose from", find=partial(sighting, candidates=4, first=False)
        ),
    },
)

TOGETHER = Family(
    group="camera",
    note="which frame shows two objects at once",
    prior_bound=0.5,
    wordings=(
        "Which of these frames shows both the {a} and the {b}: {items} ({numbered})?",
        "In which frame can you see the {a} and the {b} at the same time: {items} ({numbered})?",
        "The {a} and the {b} are in view together in only one of these: {items} ({numbered}). Which one?",
        "Where do the {a} and the {b} appear in the same image: in {items} ({numbered})?",
        "You need one image that has the {a} as well as the {b} in it. Which do you take: {items} ({numbered})?",
    ),
    knobs={
        "two": Knob(note="2 frames to choose from", find=partial(together, candidates=2)),
        "four": Knob(note="4 frames to choose from", find=partial(together, candidates=4)),
    },
)

FRAMES_SHOWN = Family(
    group="camera",
    note="how many of the frames show something",
    prior_bound=0.5,
    wordings=(
        "In how many of the {count} frames can you see {thing}?",
        "How many of the {count} frames show {thing}?",
        "Going through all {count} frames, in how many of them is {thing} in view?",
        "If only the frames that show {thing} were kept, how many of the {count} would be left?",
        "What number of frames, out of {count}, have {thing} in them?",
    ),
    knobs={
        "large": Knob(note="what looks large in some frame", find=partial(frames_shown, large=True)),
        "small": Knob(note="what looks small in all frames", find=partial(frames_shown, large=False)),
    },
)

COUNT_IN_FRAME = Family(
    group="camera",
    note="how many of a kind one frame shows, when others are out of view",
    prior_bound=0.6,
    wordings=(
        "How many {xs} can be seen in {frame}?",
        "In {frame}, how many {xs} are visible?",
        "Looking only at {frame}, count the {xs} in view. How many are there?",
        "What is the number of {xs} that {frame} shows?",
        "If {frame} were the only one you had, how many {xs} would you know of?",
    ),
    knobs={
        "large": Knob(note="all that are shown look large", find=partial(count_in_frame, large=True)),
        "small": Knob(note="one that is shown looks small", find=partial(count_in_frame, large=False)),
    },
)
