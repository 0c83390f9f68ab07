"""One round of drafts: proposed and checked, scene by scene, in shards, then balanced as a whole."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ouroboros_data import registry
from ouroboros_data.config import Recipe
from ouroboros_data.digest import scene_digest
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import StoreError
from ouroboros_data.ids import canonical_json, content_hash
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief, Proposer
from ouroboros_data.programs.api import API_VERSION, tables
from ouroboros_data.programs.worker import sandbox_here
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json, to_json
from ouroboros_data.stages.balance import balance
from ouroboros_data.stages.gates import GATES
from ouroboros_data.stages.ground import ground, keys_of
from ouroboros_data.store import RunStore
from ouroboros_data.types import Draft, Scene, Verdict

SHARD = 8
"""Scenes a unit: what a killed run owes at most, per worker."""
TRUSTED = frozenset(["grammar"])
"""Proposers whose programs are our own, and need not be run on other scenes to see that their answers vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A draft and its verdict."""

    draft: Draft
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    recipe: Recipe
    scenes: tuple[Scene, ...]
    briefs: tuple[Brief, ...]
    seen: tuple[frozenset[str], ...]


def open_proposer(recipe: Recipe) -> Proposer:
    """Build the recipe's proposer (raises PluginError, RecipeError)."""
    return _proposer(recipe.proposer.name, canonical_json(recipe.proposer.options))


@functools.lru_cache(maxsize=4)
def _proposer(name: str, options: str) -> Proposer:
    proposer: Proposer = registry.load("proposers", name)(options=json.loads(options))
    return proposer


def _propose_and_ground(task: _Task) -> list[dict[str, Any]]:
    proposer, programs = open_proposer(task.recipe), task.recipe.programs
    share = task.recipe.frames.min_pixel_share
    checks = 0 if task.recipe.proposer.name in TRUSTED else programs.constant_check_scenes
    sampled = {scene.id: sample_frame_ids(scene, task.recipe.frames.count) for scene in task.scenes}
    known = {s.id: tables(s, sampled[s.id], share) for s in task.scenes} if checks else {}
    rows = []
    for scene, brief, seen in zip(task.scenes, task.briefs, task.seen, strict=True):
        frame_ids = sampled[scene.id]
        drafts = proposer.propose(scene, frame_ids, brief)
        verdicts = ground(
            scene,
            frame_ids,
            drafts,
            programs=programs,
            min_pixel_share=share,
            pool=sandbox_here(programs.jail, programs.allow_unjailed),
            seen=seen,
            elsewhere=[other for name, other in known.items() if name != scene.id][:checks],
        )
        rows += [
            to_json(Checked(draft=draft, verdict=verdict))
            for draft, verdict in zip(drafts, verdicts, strict=True)
        ]
    return rows


def propose_round(
    recipe: Recipe,
    scenes: Sequence[Scene],
    briefs: Mapping[str, Brief],
    earlier: Iterable[Checked],
    *,
    label: str,
    store: RunStore,
    engine: LocalEngine,
    progress: Progress,
    watch: Callable[[Sequence[Mapping[str, Any]]], None] | None = None,
) -> list[Checked]:
    """Drafts of all scenes with their verdicts, in scene order. Finished shards are read, not made again.

    Args:
        recipe: The run's recipe.
        scenes: Whom to ask about.
        briefs: By scene id.
        earlier: What was accepted in earlier rounds, and is not asked again.
        label: Of the bar.
        store: Of the run.
        engine: Where the work is done.
        progress: Told how far it is.
        watch: Called with the stored rows of each shard as it is there; before balance, which needs all of them.
    """
    seen = accepted_keys(earlier)
    settings = to_json([recipe.frames, recipe.proposer, recipe.programs])
    shards = [scenes[i : i + SHARD] for i in range(0, len(scenes), SHARD)]
    keys, tasks = [], []
    for shard in shards:
        task = _Task(
            recipe=recipe,
            scenes=tuple(shard),
            briefs=tuple(briefs[scene.id] for scene in shard),
            seen=tuple(frozenset(seen[scene.id]) for scene in shard),
        )
        digests = [scene_digest(scene) for scene in shard]
        used = [sorted(keys_) for keys_ in task.seen]
        identity = open_proposer(recipe).id, API_VERSION, GATES, settings, digests, to_json(task.briefs), used
        keys.append(content_hash("propose", *identity))
        tasks.append(task)
    todo = [i for i, key in enumerate(keys) if not store.done("propose", key)]
    total = sum(brief.count for brief in briefs.values())
    with progress.stage(label, total) as advance:
        advance(total - sum(b.count for i in todo for b in tasks[i].briefs))
        if watch is not None:
            for i in sorted(set(range(len(keys))).difference(todo)):
                watch(store.read("propose", keys[i]))
        for position, rows in engine.map(_propose_and_ground, [tasks[i] for i in todo]):
            store.write("propose", keys[todo[position]], rows)
            if watch is not None:
                watch(rows)
            advance(sum(brief.count for brief in tasks[todo[position]].briefs))
    return _balanced(
        from_json(Checked, row, where=f"units/propose/{key}.jsonl", error=StoreError)
        for key in keys
        for row in store.read("propose", key)
    )


def _balanced(checked: Iterable[Checked]) -> list[Checked]:
    items = list(checked)
    out = balance([(item.draft, item.verdict) for item in items])
    for i, rejection in out.items():
        verdict = replace(
            items[i].verdict,
            status="rejected",
            stage=rejection.stage,
            reason=rejection.reason,
            detail=rejection.detail,
        )
        items[i] = replace(items[i], verdict=verdict)
    return items


def accepted_keys(checked: Iterable[Checked]) -> Mapping[str, set[str]]:
    """Keys of the accepted drafts, by scene, under which they are known again."""
    keys: dict[str, set[str]] = defaultdict(set)
    for item in checked:
        if item.verdict.answer is not None and item.verdict.status == "accepted":
            found = keys_of(item.draft, item.verdict.answer, item.verdict.evidence)
            keys[item.draft.question.scene_id].update(found)
    return keys
