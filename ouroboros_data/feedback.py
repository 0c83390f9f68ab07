"""What a round taught, as the next round's briefs.

Per scene its own questions of the last round with the solver's confidence, per bin the bands over all scenes, and the
weights that `curriculum` makes of both. The paper (arXiv 2606.11719) hands a proposer both levels as text.
"""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ouroboros_data.config import Recipe
from ouroboros_data.curriculum import Outcome, answerable_blind, scene_weights
from ouroboros_data.errors import RecipeError
from ouroboros_data.ids import seed_from
from ouroboros_data.plugins import BandCounts, Brief, Past
from ouroboros_data.types import Band, Draft, ProbeResult, Scene, Verdict

_BANDS: tuple[Band, ...] = ("frontier", "easy", "hard")


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
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        also = {"blind": outcome.blind, "informative": outcome.informative}
        found.setdefault(outcome.bin, Counter()).update({outcome.band: 1, **also})
    return {name: BandCounts(**found[name]) for name in sorted(found)}


HEAD = """\
Feedback on round {round}: the solver was asked every question that was accepted.
easy: it was sure of the right answer. hard: it gave the right answer almost no chance. frontier: in between.
blind: it knew the answer without the frames. What is frontier and not blind teaches it most.
Write more that is like the frontier, less that is like the easy, the hard and the blind. Repeat no question.
"""
LEAST_BUDGET = 150
"""Tokens that hold what the words mean; a smaller budget is refused."""
NOTHING_YET = "There is no feedback yet: this is the first round.\n"
_PIECE = re.compile(r"[A-Za-z]{1,4}|\n|[^\sA-Za-z]")


def estimate_tokens(text: str) -> int:
    """How many tokens a language model makes of an English text, on the high side.

    One for every four letters of a word, every digit, mark and line end, and every byte outside ASCII. No tokenizer is
    needed for it, so the same text costs the same whatever the model. Of feedback it makes 1.2 to 1.3 times as many as
    the tokenizer of Qwen2.5, of programs 1.6 times.
    """
    return sum(len(piece.encode()) if not piece.isascii() else 1 for piece in _PIECE.findall(text))


def render(brief: Brief, *, budget_tokens: int) -> str:
    """The feedback in a brief as text for a language model.

    What tells least is left out first, in whole lines, and the last line says how much that was. Of the scene's
    questions the first of each bin and band tell most, frontier before easy before hard. Of the bins those tell most
    whose share of informative questions differs most surely from that of all (largest z-score).

    Args:
        brief: With the scene's history and the counts by bin.
        budget_tokens: Upper limit for `estimate_tokens` of the result.

    Raises:
        RecipeError: The budget does not even hold what the words mean; it never is from `LEAST_BUDGET` on.
    """
    if not brief.history and not brief.bin_counts:
        return NOTHING_YET
    # In turn from both, so that neither level of feedback crowds out the other.
    pairs = itertools.zip_longest(_by_use(brief.history), _bins_by_use(brief.bin_counts))
    order = [item for pair in pairs for item in pair if item is not None]

    def cost(length: int) -> int:
        return estimate_tokens(_text(brief, order[:length]))

    # Each line costs more than the last line's figures may shrink by; only without that line a longer text may be cheaper.
    whole = cost(len(order)) <= budget_tokens
    fitting = len(order) if whole else bisect.bisect_right(range(len(order)), budget_tokens, key=cost) - 1
    if fitting < 0:
        raise RecipeError(
            f"a budget of {budget_tokens} tokens is too small for any feedback", fix=f"give {cost(0)} or more"
        )
    return _text(brief, order[:fitting])


def explain(brief: Brief, bins: Iterable[str]) -> list[str]:
    """What a brief asks of a proposer that goes by weights: one line per bin, in the order of ``bins``.

    Each says which share of the drafts the bin gets while it has something to ask here (its weight over the sum of all),
    and from which counts that came: of the last round over all scenes, and of this scene alone.
    """
    weights = {name: brief.weights.get(name, 1.0) for name in bins}
    whole = sum(weights.values()) or 1.0
    width = max(map(len, weights), default=0)
    lines = [f"{'bin':<{width}}   share  last round: easy/frontier/hard, here"]
    for name, weight in weights.items():
        counts = brief.bin_counts.get(name)
        told = _counts(counts) if counts else "nothing known"
        own = Counter(past.band for past in brief.history if past.bin == name)
        here = f"; here {own['easy']}/{own['frontier']}/{own['hard']}" if own else ""
        lines.append(f"{name:<{width}}  {weight / whole:>6.2%}  {told}{here}")
    return lines


def _by_use(history: Sequence[Past]) -> list[Past]:
    """A scene's questions, what tells most first."""
    rank: Counter[tuple[str, str]] = Counter()
    keyed: list[tuple[int, int, int, Past]] = []
    for past in history:
        keyed.append((rank[past.bin, past.band], _BANDS.index(past.band), len(keyed), past))
        rank[past.bin, past.band] += 1
    return [past for *_, past in sorted(keyed, key=lambda item: item[:3])]


def _bins_by_use(counts: Mapping[str, BandCounts]) -> list[str]:
    """Names of bins, what tells most first."""
    total = sum(_asked(c) for c in counts.values())
    mean = sum(c.informative for c in counts.values()) / max(total, 1)
    spread = math.sqrt(mean * (1.0 - mean)) or 1.0  # all alike: every bin tells the same

    def z(name: str) -> float:
        n = _asked(counts[name])
        return abs(counts[name].informative - n * mean) / (spread * math.sqrt(n)) if n else 0.0

    return sorted(counts, key=lambda name: (-z(name), name))


def _text(brief: Brief, kept: Sequence[Past | str]) -> str:
    questions = [past for past in brief.history if any(past is item for item in kept)]
    bins = [name for name in brief.bin_counts if name in kept]
    lines = []
    if questions:
        lines.append("This scene: band and confidence in the right answer | bin | question | right answer")
        lines += [f"- {_past(past)}" for past in questions]
    if bins:
        lines.append("All scenes, by bin: easy/frontier/hard, and how many of them blind")
        lines += [f"- {name} {_counts(brief.bin_counts[name])}" for name in bins]
    out = len(brief.history) - len(questions), len(brief.bin_counts) - len(bins)
    if any(out):
        lines.append(f"Left out for length: {out[0]} questions of this scene, {out[1]} bins")
    return HEAD.format(round=brief.iteration - 1) + "".join(f"{line}\n" for line in lines)


def _past(past: Past) -> str:
    blind = " blind" if past.blind else ""
    text = " ".join(past.text.split())  # a question is one line
    return f"{past.band} {past.confidence:.2f}{blind} | {past.bin} | {text} | {past.answer}"


def _counts(counts: BandCounts) -> str:
    blind = f", {counts.blind} blind" if counts.blind else ""
    return f"{counts.easy}/{counts.frontier}/{counts.hard}{blind}"


def _asked(counts: BandCounts) -> int:
    return counts.easy + counts.frontier + counts.hard
