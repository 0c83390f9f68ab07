"""What families of arithmetic share: how noisy a figure is, and options that are figures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ouroboros_data.config import NoiseSettings, SourceNoise
from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.geometry.footprints import footprint_areas_m2, horizontal_distances_m
from ouroboros_data.geometry.paths import floor_level_m
from ouroboros_data.geometry.relations import undersides_m
from ouroboros_data.ids import content_hash, rng
from ouroboros_data.programs.measures import ends_in
from ouroboros_data.proposers.ask import lit
from ouroboros_data.proposers.view import Array, View

SURE_SIGMAS = 2.5
"""Of 16 jittered copies one in ten sets has one that is farther off."""
CENTRAL = 0.3
"""How far from a multiple of the stated step a value may lie, in steps: 0.5 is where rounding turns over."""
TOLERANCE_REL = 0.1
ON_FLOOR_M = 0.15
FIXED = frozenset(
    "bathtub blackboard blinds column counter countertop curtain door doorframe doorway fireplace heater ledge partition "
    "pillar pipe radiator railing range screen shower sink stairs staircase toilet urinal vent whiteboard window windowsill".split()
)
"""Categories, or their last words, of what belongs to the building: nobody would take it elsewhere."""
APART_M = 0.02
"""Between footprints that are added up."""


@dataclass(frozen=True)
class Figures:
    """Sizes of a scene's objects with their noise, one standard deviation."""

    view: View

    @cached_property
    def noise(self) -> NoiseSettings:
        """That of the scene's source."""
        return SourceNoise().of(self.view.scene.source)

    @cached_property
    def footprint_m2(self) -> Array:
        """(objects,) floor area under each box."""
        return footprint_areas_m2(self.view.boxes)

    @cached_property
    def volume_m3(self) -> Array:
        """(objects,) of the boxes."""
        product: Array = self.view.size_m.prod(-1)
        return product

    @cached_property
    def movable(self) -> list[int]:
        """Single objects that somebody could carry off."""
        return [k for k in self.view.single.tolist() if not ends_in(self.view.name(k), FIXED)]

    @cached_property
    def on_floor(self) -> list[int]:
        """Objects that stand on the floor, and are more than a mat."""
        low = undersides_m(self.view.boxes)
        tall = self.view.size_m[:, 2] > ON_FLOOR_M
        level = floor_level_m(self.view.boxes)
        return np.flatnonzero((np.abs(low - level) <= ON_FLOOR_M) & tall).tolist()

    def apart_on_floor(self, indices: Sequence[int]) -> bool:
        """Whether no two of the footprints share floor, which would count twice in a sum."""
        pairs = np.array(list(itertools.combinations(indices, 2)), dtype=np.intp).reshape(-1, 2)
        if not len(pairs):
            return True
        first, second = (self._some(pairs[:, k]) for k in (0, 1))
        return bool((horizontal_distances_m(first, second) >= APART_M).all())

    def _some(self, indices: npt.NDArray[np.intp]) -> Boxes:
        boxes = self.view.boxes
        return Boxes(
            center_m=boxes.center_m[indices],
            half_m=boxes.half_m[indices],
            R_world_box=boxes.R_world_box[indices],
        )

    def plan_gap_m(self, i: int, j: int) -> float:
        """Gap between two footprints."""
        return float(horizontal_distances_m(self._some(np.array([i])), self._some(np.array([j])))[0])

    def gap_sd_m(self, i: int, j: int) -> float:
        """Of the gap between two boxes."""
        lying = np.hypot(self.view.size_m[i, 0], self.view.size_m[j, 0]) / 2
        per_m = np.hypot(self.noise.extent_rel, np.radians(self.noise.yaw_deg) / 2)
        return float(np.hypot(self.center_sd_m, per_m * lying))

    @property
    def center_sd_m(self) -> float:
        """Of the distance between two centres."""
        return float(np.sqrt(2.0) * self.noise.center_m)

    @property
    def area_sd_rel(self) -> float:
        """Of a footprint."""
        return float(np.sqrt(2.0) * self.noise.extent_rel)

    @property
    def volume_sd_rel(self) -> float:
        """Of a volume."""
        return float(np.sqrt(3.0) * self.noise.extent_rel)


def central(value: float, step: float) -> bool:
    """Whether a value is stated rightly by the nearest multiple of a step, which is not 0."""
    nearest = step * round(value / step)
    return nearest > 0 and abs(value - nearest) <= CENTRAL * step


def holds(value: float, sd: float, step: float, *, least: float = 0.0) -> bool:
    """Whether a number is likely to stay within the tolerance that it is held to.

    Args:
        value: The number.
        sd: Its noise.
        step: The resolution that the question states.
        least: Absolute tolerance of the unit (0.1 for m and m2).
    """
    return SURE_SIGMAS * sd <= max(TOLERANCE_REL * abs(value), step / 2, least)


def ladder(
    value: float,
    *subject: object,
    rungs: int,
    ratio: tuple[float, float],
    say: Callable[[float], str],
) -> tuple[int, tuple[str, ...]] | None:
    """Options that are figures, each so many times the one below it, the right one on any rung alike.

    The spacing is the same wherever the right one stands, so that the options do not tell it.

    Args:
        value: What is right.
        subject: Scene and names: the options are the same whenever they come up.
        rungs: Number of options.
        ratio: Bounds of the ratio of neighbours.
        say: Text of an option; begins with the figure, as in ``1.2 m``.

    Returns:
        The place of the right option, and the options from the least; None where rounding blurs them.
    """
    dice = rng("ladder", *subject, rungs)
    place = int(dice.integers(rungs))
    factor = float(dice.uniform(*ratio))
    texts = [say(value * factor ** (k - place)) for k in range(rungs)]
    stated = [float(text.split()[0]) for text in texts]
    if any(high < 1.2 * low for low, high in itertools.pairwise(stated)) or stated[0] <= 0:
        return None
    if min(range(rungs), key=lambda k: abs(stated[k] - value)) != place:
        return None
    return place, tuple(texts)


NEAREST = "min(options, key=lambda text: abs(float(text.split()[0]) - value))"
"""What a program with options from `ladder` chooses; needs ``options`` and ``value``."""


def border_rel(ratio: float) -> float:
    """How far below the right option the value may fall before the next lower one is nearer, as a share."""
    return (1.0 - 1.0 / ratio) / 2.0


def either(options: Sequence[str]) -> str:
    """Options in a row, as in: 2 m, 3 m or 4 m."""
    return " or ".join([", ".join(options[:-1]), options[-1]])


def one_of_two(*subject: object) -> bool:
    """A choice that is the same whenever a subject comes up, so that a later round knows its text again.

    For which end of a ranking is asked for, and the like: it says nothing about the answer.
    """
    return int(content_hash(*subject)[0], 16) % 2 == 0


def listed(names: Sequence[str], *, last: str = " and ") -> str:
    """Names in a row, as in: the bed, the sofa and the desk."""
    named = [f"the {name}" for name in names]
    return last.join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]


def picks(dice: np.random.Generator, count: int, size: int) -> tuple[int, ...]:
    """So many different numbers below ``count``, in random order."""
    return tuple(dice.permutation(count)[:size].tolist())


def onlys(**names: str) -> list[str]:
    """Program lines that get one object each."""
    return [f"{role} = only({lit(name)})" for role, name in names.items()]
