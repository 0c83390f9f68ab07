"""What all families about frames share: how frames are named, how answers are kept even, and margins."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ouroboros_data.config import NoiseSettings, SourceNoise
from ouroboros_data.english import plural
from ouroboros_data.proposers.ask import interleave
from ouroboros_data.proposers.view import Array, View

T = TypeVar("T", bound=Hashable)

MAX_OPTIONS = 4
CENTRAL = 0.3
"""How far from a multiple of the stated step a value may lie, in steps: 0.5 is where rounding turns over."""
LITTLE_CUT = 0.3
"""Share of a thing that may lie outside of the frame where one has to see where it ends."""
SIGMAS = 3.0
"""Of sixteen copies, a move of this many standard deviations of the noise is met once in twenty scenes."""


def frame_name(k: int, count: int) -> str:
    """How a text names a sampled frame: solvers are shown them in order, numbered from 1 where they are numbered."""
    if k in (0, count - 1):
        return "the first frame" if k == 0 else "the last frame"
    return f"frame {k + 1} of {count}"


def two_names(view: View, one: int, other: int) -> dict[str, str]:
    """Slots for questions about two frames."""
    count = len(view.frames)
    return {"one": frame_name(one, count), "other": frame_name(other, count)}


def frame_label(k: int) -> str:
    """How an option names it."""
    return f"frame {k + 1}"


def numbered(view: View) -> str:
    """Says how frames are counted, for questions whose options are frames."""
    return f"the {len(view.frames)} frames are numbered in order from 1"


def either(options: Sequence[str]) -> str:
    """``a, b or c``."""
    return ", ".join(options[:-1]) + " or " + options[-1]


def together(options: Sequence[str]) -> str:
    """``a, b and c``."""
    return ", ".join(options[:-1]) + " and " + options[-1]


def the(view: View, name: str, several: str = "one of") -> str:
    """``the lamp``, or ``one of the chairs`` where there are several."""
    return f"the {name}" if len(view.members[name]) == 1 else f"{several} the {plural(name)}"


def central(value: float, step: float) -> bool:
    """Whether a value is near a multiple of the step that is not 0."""
    return round(value / step) > 0 and abs(value / step - round(value / step)) <= CENTRAL


def evenly(groups: Mapping[str, Sequence[T]], rng: np.random.Generator) -> Iterator[T]:
    """As `interleave`, but no answer comes more often than the next common one, so no answer alone.

    What is left when all others have run out would have one answer only: a two-sided question needs both sides.
    """
    if len(groups) < 2:
        return
    most = sorted(len(items) for items in groups.values())[-2]
    yield from interleave(
        {name: [items[i] for i in rng.permutation(len(items))[:most]] for name, items in groups.items()}, rng
    )


def either_way(items: Sequence[tuple[T, T]], rng: np.random.Generator) -> list[tuple[T, T]]:
    """Pairs whose answer turns with their order: half of them as they are, half turned, in random order."""
    coin = int(rng.integers(2))
    shuffled = [items[i] for i in rng.permutation(len(items))]
    return [(a, b) if (n + coin) % 2 else (b, a) for n, (a, b) in enumerate(shuffled)]


def with_some(
    right: str, wrong: Sequence[str], rng: np.random.Generator, most: int = MAX_OPTIONS
) -> tuple[str, ...]:
    """The right option and some wrong ones, drawn evenly: distractors made by editing the right one point to it."""
    picked = rng.permutation(len(wrong))[: most - 1]
    return (right, *(wrong[k] for k in sorted(picked.tolist())))


def noise(view: View) -> NoiseSettings:
    """Annotation noise of the scene's source, as recipes have it unless they say otherwise."""
    return SourceNoise().of(view.scene.source)


def place_noise_m(view: View) -> Array:
    """(n,) how far a face of each box may be off: `SIGMAS` standard deviations along its longest edge."""
    level = noise(view)
    half = view.boxes.half_m.max(-1)
    off: Array = SIGMAS * np.hypot(level.center_m, level.extent_rel * half)
    return off


def bearing_noise_deg(view: View) -> Array:
    """(f, n) how far the direction from a camera to a box's centre may be off."""
    reach = np.maximum(view.sight.level_m, 1e-6)
    off: Array = np.degrees(np.arctan2(SIGMAS * noise(view).center_m, reach))
    return off


def singles_shown(view: View, k: int) -> npt.NDArray[np.intp]:
    """Objects that a text can point to with "the X" and that frame k surely shows."""
    shown: npt.NDArray[np.intp] = view.single[view.sight.shown[k, view.single]]
    return shown
