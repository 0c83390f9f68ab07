"""The last gate: a reviewer looks at what passed all others. Its votes are stored, whatever they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ouroboros_data import registry
from ouroboros_data.config import Recipe
from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import StoreError
from ouroboros_data.ids import content_hash
from ouroboros_data.plugins import FrameSource, Reviewed, Reviewer, ToReview
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json, to_json
from ouroboros_data.stages.gates import reject
from ouroboros_data.stages.propose import Checked
from ouroboros_data.store import RunStore
from ouroboros_data.types import Scene

CHUNK = 64
"""Rows a unit."""
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    question_id: str
    reviewed: Reviewed


def open_reviewer(recipe: Recipe, cache: Path | None = None) -> Reviewer | None:
    """Build the recipe's reviewer; None where it has none (raises PluginError, RecipeError)."""
    if recipe.reviewer.name == NONE:
        return None
    reviewer: Reviewer = registry.load("reviewers", recipe.reviewer.name)(
        options=recipe.reviewer.options, cache=cache
    )
    return reviewer


def review_round(
    recipe: Recipe,
    scenes: Sequence[Scene],
    checked: Sequence[Checked],
    frames: FrameSource | None,
    *,
    store: RunStore,
    progress: Progress,
) -> list[Checked]:
    """The same drafts with the reviewer's votes; those that it objects to are rejected. Finished chunks are read.

    Args:
        recipe: The run's recipe.
        scenes: That the drafts are about.
        checked: Drafts with their verdicts, balance done.
        frames: Gives the reviewer pictures.
        store: Of the run.
        progress: Told how far it is.

    Raises:
        ModelError: The reviewer's model cannot be asked; what was stored stays.
        SceneError: A scene's pictures cannot be read.
    """
    out = list(checked)
    reviewer = open_reviewer(recipe, store.root / "replies")
    todo = [i for i, item in enumerate(out) if item.verdict.status == "accepted"]
    if reviewer is None or not todo:
        return out
    by_id = {scene.id: scene for scene in scenes}
    digests = {scene.id: scene_digest(scene) for scene in scenes}
    with progress.stage("review", len(todo)) as advance:
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            items = [_item(out[i], by_id, recipe.frames.min_pixel_share) for i in chunk]
            identity = [
                [i.question.id, digests[i.scene.id], i.answer.text, i.question.frame_ids] for i in items
            ]
            settings = to_json([recipe.reviewer, recipe.frames])
            key = content_hash("review", reviewer.id, settings, identity)
            if not store.done("review", key):
                found = reviewer.review(items, frames)
                assert len(found) == len(items), "a reviewer judges every item"
                rows = [
                    to_json(_Stored(question_id=item.question.id, reviewed=one))
                    for item, one in zip(items, found, strict=True)
                ]
                store.write("review", key, rows)
            for i, row in zip(chunk, store.read("review", key), strict=True):
                stored = from_json(_Stored, row, where=f"units/review/{key}.jsonl", error=StoreError)
                out[i] = _after(out[i], stored.reviewed)
            advance(len(chunk))
    return out


def _item(item: Checked, scenes: Mapping[str, Scene], min_pixel_share: float) -> ToReview:
    question, answer = item.draft.question, item.verdict.answer
    assert answer is not None, "an accepted draft has an answer"
    return ToReview(
        scene=scenes[question.scene_id], question=question, answer=answer, min_pixel_share=min_pixel_share
    )


def _after(item: Checked, reviewed: Reviewed) -> Checked:
    verdict = replace(item.verdict, review=reviewed.review)
    if reviewed.reason:
        said = reject("review", reviewed.reason, reviewed.detail)
        verdict = replace(
            verdict, status="rejected", stage=said.stage, reason=said.reason, detail=said.detail
        )
    return replace(item, verdict=verdict)
