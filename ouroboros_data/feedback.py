"""What a round taught, as the next round's briefs.

Per scene its own questions of the last round with the solver's confidence, per bin the bands over all scenes, and the
weights that `curriculum` makes of both. The paper (arXiv 2606.11719) hands a proposer both levels as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from ouroboros_data.config import Recipe
from ouroboros_data.curriculum import Outcome, answerable_blind, scene_weights
from ouroboros_data.ids import seed_from
from ouroboros_data.plugins import BandCounts, Brief, Past
from ouroboros_data.types import Draft, ProbeResult, Scene, Verdict


class Judged(Protocol):
    """A draft and its verdict."""

    @property
    def draft(self) -> Draft:
        """What was proposed."""

    @property
    def verdict(self) -> Verdict:
        """What became of it."""


def outcome_of(recipe: Recipe, item: Judged, probes: Mapping[str, ProbeResult], iteration: int) -> Outcome:
    """What one accepted row says about its scene and bin."""
    question = item.draft.question
    probe = probes[question.id]
    return Outcome(
        iteration=iteration,
        scene_id=question.scene_id,
        bin=item.draft.bin,
        band=probe.band,
        blind=answerable_blind(
            max(probe.blind_confidence, probe.elsewhere_confidence), len(question.options), recipe.curriculum
        ),
    )


def briefs(
    recipe: Recipe,
    scenes: Sequence[Scene],
    iteration: int,
    weights: Mapping[str, float],
    rows: Sequence[Judged],
    probes: Mapping[str, ProbeResult],
    outcomes: Sequence[Outcome],
) -> dict[str, Brief]:
    """The brief of every scene for one round.

    Args:
        recipe: The run's recipe.
        scenes: Training scenes.
        iteration: The round that the briefs are for, from 1.
        weights: Share of proposals by bin, over all scenes.
        rows: Accepted rows of all earlier rounds.
        probes: Confidences by question id.
        outcomes: One per row, in the order of ``rows``.
    """
    last: dict[str, list[Outcome]] = {scene.id: [] for scene in scenes}
    past: dict[str, list[Past]] = {scene.id: [] for scene in scenes}
    for item, outcome in zip(rows, outcomes, strict=True):
        if outcome.iteration == iteration - 1 and item.verdict.answer is not None:
            probe = probes[item.draft.question.id]
            last[outcome.scene_id].append(outcome)
            past[outcome.scene_id].append(
                Past(
                    text=item.draft.question.text,
                    answer=item.verdict.answer.text,
                    bin=outcome.bin,
                    band=outcome.band,
                    confidence=probe.confidence,
                    blind=outcome.blind,
                )
            )
    counts = bin_counts([outcome for own in last.values() for outcome in own])
    return {
        scene.id: brief_of(
            recipe,
            scene,
            iteration,
            scene_weights(last[scene.id], weights, recipe.curriculum),
            tuple(past[scene.id]),
            counts,
        )
        for scene in scenes
    }


def brief_of(
    recipe: Recipe,
    scene: Scene,
    iteration: int,
    weights: Mapping[str, float],
    history: tuple[Past, ...] = (),
    counts: Mapping[str, BandCounts] | None = None,
) -> Brief:
    """The brief of one scene for one round."""
    return Brief(
        iteration=iteration,
        count=recipe.proposer.drafts_per_scene,
        seed=seed_from("propose", recipe.seed, iteration, scene.id),
        weights=weights,
        history=history,
        bin_counts=counts or {},
        min_pixel_share=recipe.frames.min_pixel_share,
    )


def bin_counts(outcomes: Sequence[Outcome]) -> dict[str, BandCounts]:
    """Bands by bin, bins in alphabetical order; bins without an outcome are left out."""
    bands: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        bands.setdefault(outcome.bin, Counter()).update([outcome.band, *["blind"] * outcome.blind])
    return {name: BandCounts(**bands[name]) for name in sorted(bands)}
