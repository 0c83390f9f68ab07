"""How measured confidence becomes next round's request. Pure functions.

Bands and the propose → score → feed back loop: arXiv 2606.11719 (easy p > 0.9, hard p < 0.1, frontier between;
thresholds constant over the rounds; feedback per scene and per kind of question). Ours is that a row whose answer the
solver gives without frames counts as one that teaches nothing, whatever its band.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ouroboros_data.config import CurriculumSettings
from ouroboros_data.types import Band

PRIOR_COUNT = 4.0
"""Pseudo-samples that say "half informative": a bin seen once is not yet trusted."""
DECAY = 0.5
"""Weight of a round's counts one round later: the solver has moved on since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scored sample, as far as feedback is concerned."""

    iteration: int
    scene_id: str
    bin: str
    band: Band
    blind: bool = False
    """Whether the solver gave the answer without frames (`answerable_blind`)."""

    @property
    def informative(self) -> bool:
        """Neither easy nor hard, and the frames are needed."""
        return self.band == "frontier" and not self.blind


def band(confidence: float, settings: CurriculumSettings) -> Band:
    """Band of a confidence in [0, 1]."""
    if confidence > settings.easy_above:
        return "easy"
    return "hard" if confidence < settings.hard_below else "frontier"


def answerable_blind(confidence: float, options: int, settings: CurriculumSettings) -> bool:
    """Whether a row's answer is known from its words alone.

    The confidence is corrected for chance, so that one of two options at p = 0.5 counts as not known.

    Args:
        confidence: In the right answer, without the row's frames, in [0, 1].
        options: Number of options; 0 for an open answer.
        settings: ``blind_above`` is the limit.
    """
    chance = 1.0 / options if options else 0.0
    return (confidence - chance) / (1.0 - chance) > settings.blind_above


def bin_values(outcomes: Iterable[Outcome], bins: Sequence[str], iteration: int) -> dict[str, float]:
    """Smoothed share of informative samples of each bin, in (0, 1), older rounds discounted."""
    wanted = dict.fromkeys(bins, PRIOR_COUNT / 2)
    total = dict.fromkeys(bins, PRIOR_COUNT)
    for outcome in outcomes:
        if outcome.bin in total:
            weight = DECAY ** (iteration - 1 - outcome.iteration)
            total[outcome.bin] += weight
            wanted[outcome.bin] += weight * outcome.informative
    return {name: wanted[name] / total[name] for name in bins}


def bin_weights(
    outcomes: Sequence[Outcome], bins: Sequence[str], iteration: int, settings: CurriculumSettings
) -> dict[str, float]:
    """Share of the next round's proposals that each bin should get; sums to 1.

    A bin's share grows with its share of informative samples; ``settings.floor`` is spread evenly, so that no bin is
    ever lost for good: the solver changes, and a hard bin may come within reach.
    """
    even = 1.0 / len(bins)
    if settings.policy == "static" or not outcomes:
        return dict.fromkeys(bins, even)
    values = bin_values(outcomes, bins, iteration)
    whole = sum(values.values())
    return {name: settings.floor * even + (1.0 - settings.floor) * values[name] / whole for name in bins}


def scene_weights(
    own: Sequence[Outcome], weights: Mapping[str, float], settings: CurriculumSettings
) -> dict[str, float]:
    """Bend the global weights by what one scene's questions of the last round turned out to be.

    With n samples of a bin in this scene, f of them informative, the factor is that share shrunk towards one half, ×2:
    a bin that was all easy, hard or blind here is asked less often *here*, one that was all frontier more.
    """
    if settings.policy == "static" or settings.scene_strength <= 0:
        return dict(weights)
    strength = min(settings.scene_strength, 0.99)
    pseudo = 4.0 * (1.0 - strength) / strength
    factors: dict[str, float] = {}
    for name in {o.bin for o in own}:
        found = [o.informative for o in own if o.bin == name]
        factors[name] = 2.0 * (sum(found) + pseudo / 2) / (len(found) + pseudo)
    return {name: weight * factors.get(name, 1.0) for name, weight in weights.items()}
