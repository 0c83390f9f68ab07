"""One round of drafts: proposed and checked, scene by scene, in shards, then balanced as a whole."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from ouroboros_data import registry
from ouroboros_data.config import Recipe
from ouroboros_data.digest import scene_digest
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import StoreError
from ouroboros_data.ids import canonical_json, content_hash
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief, FrameSource, HostProposer, Proposal, Proposer
from ouroboros_data.programs.api import API_VERSION, tables
from ouroboros_data.programs.worker import sandbox_here
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json, to_json
from ouroboros_data.stages.balance import balance
from ouroboros_data.stages.drafting import Wanted, drafted
from ouroboros_data.stages.gates import GATES
from ouroboros_data.stages.ground import ground, keys_of
from ouroboros_data.store import RunStore
from ouroboros_data.types import Discarded, Draft, Scene, Verdict

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
class Proposed:
    """What one round of proposals came to."""

    checked: tuple[Checked, ...]
    discarded: tuple[Discarded, ...] = ()
    """What never became a draft: proposed and rejected like the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    recipe: Recipe
    scenes: tuple[Scene, ...]
    briefs: tuple[Brief, ...]
    seen: tuple[frozenset[str], ...]
    drafts: tuple[tuple[Draft, ...], ...] | None = None
    """By scene, where the proposer was called already."""


def open_proposer(recipe: Recipe, cache: Path | None = None) -> Proposer:
    """Build the recipe's proposer (raises PluginError, RecipeError).

    Args:
        recipe: The recipe.
        cache: Directory in which one that is called in the main process keeps its replies.
    """
    return _proposer(recipe.proposer.name, canonical_json(recipe.proposer.options), cache)


@functools.lru_cache(maxsize=4)
def _proposer(name: str, options: str, cache: Path | None) -> Proposer:
    built = registry.load("proposers", name)
    more = {"cache": cache} if getattr(built, "where", "worker") == "host" else {}
    proposer: Proposer = built(options=json.loads(options), **more)
    return proposer


def is_host(proposer: Proposer) -> TypeGuard[HostProposer]:
    """Whether a proposer is called in the main process."""
    return getattr(proposer, "where", "worker") == "host"


def _drafts(task: _Task, place: int, frame_ids: tuple[str, ...]) -> Sequence[Draft]:
    if task.drafts is not None:
        return task.drafts[place]
    proposer = open_proposer(task.recipe)
    return proposer.propose(task.scenes[place], frame_ids, task.briefs[place])


def _propose_and_ground(task: _Task) -> list[dict[str, Any]]:
    programs = task.recipe.programs
    share = task.recipe.frames.min_pixel_share
    checks = 0 if task.recipe.proposer.name in TRUSTED else programs.constant_check_scenes
    sampled = {scene.id: sample_frame_ids(scene, task.recipe.frames.count) for scene in task.scenes}
    known = {s.id: tables(s, sampled[s.id], share) for s in task.scenes} if checks else {}
    rows = []
    for place, (scene, seen) in enumerate(zip(task.scenes, task.seen, strict=True)):
        frame_ids = sampled[scene.id]
        drafts = _drafts(task, place, frame_ids)
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
    frames: FrameSource | None = None,
    watch: Callable[[Sequence[Mapping[str, Any]]], None] | None = None,
) -> Proposed:
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
        frames: Gives pictures to a proposer that is called in the main process.
        watch: Called with the stored rows of each shard as it is there; before balance, which needs all of them.
    """
    proposer = open_proposer(recipe, store.root / "replies")
    seen = accepted_keys(earlier)
    settings = to_json([recipe.frames, recipe.proposer, recipe.programs])
    shards = [scenes[i : i + SHARD] for i in range(0, len(scenes), SHARD)]
    keys, tasks, wanted = [], [], []
    for shard in shards:
        task = _Task(
            recipe=recipe,
            scenes=tuple(shard),
            briefs=tuple(briefs[scene.id] for scene in shard),
            seen=tuple(frozenset(seen[scene.id]) for scene in shard),
        )
        digests = [scene_digest(scene) for scene in shard]
        used = [sorted(keys_) for keys_ in task.seen]
        asked = to_json(task.briefs)
        keys.append(content_hash("propose", proposer.id, API_VERSION, GATES, settings, digests, asked, used))
        tasks.append(task)
        drafts_of = [proposer.id, to_json([recipe.frames, recipe.proposer]), digests, asked]
        wanted.append(Wanted(identity=drafts_of, items=functools.partial(_items, task)))
    todo = [i for i, key in enumerate(keys) if not store.done("propose", key)]
    total = sum(brief.count for brief in briefs.values())
    with progress.stage(label, total) as advance:
        advance(total - sum(b.count for i in todo for b in tasks[i].briefs))
        if watch is not None:
            for i in sorted(set(range(len(keys))).difference(todo)):
                watch(store.read("propose", keys[i]))
        for group in _groups(todo, proposer):
            discarded: dict[int, list[Any]] = {}
            if is_host(proposer):
                found = drafted(proposer, [wanted[i] for i in group], frames, store)
                for i, shard_drafts in zip(group, found, strict=True):
                    tasks[i] = replace(tasks[i], drafts=shard_drafts.drafts)
                    discarded[i] = to_json(shard_drafts.discarded)
            for position, rows in engine.map(_propose_and_ground, [tasks[i] for i in group]):
                rows = [*rows, *discarded.get(group[position], ())]
                store.write("propose", keys[group[position]], rows)
                if watch is not None:
                    watch(rows)
                advance(sum(brief.count for brief in tasks[group[position]].briefs))
    return _read(store, keys)


def _groups(shards: Sequence[int], proposer: Proposer) -> Iterator[Sequence[int]]:
    """Shards that are done together: all of them, but for proposers that are asked about so many scenes at once."""
    size = max(1, proposer.scenes_at_once // SHARD) if is_host(proposer) else max(1, len(shards))
    for start in range(0, len(shards), size):
        yield shards[start : start + size]


def _items(task: _Task) -> list[Proposal]:
    return [
        Proposal(scene=scene, frame_ids=sample_frame_ids(scene, task.recipe.frames.count), brief=brief)
        for scene, brief in zip(task.scenes, task.briefs, strict=True)
    ]


def _read(store: RunStore, keys: Sequence[str]) -> Proposed:
    checked: list[Checked] = []
    discarded: list[Discarded] = []
    for key in keys:
        where = f"units/propose/{key}.jsonl"
        for row in store.read("propose", key):
            if "verdict" in row:
                checked.append(from_json(Checked, row, where=where, error=StoreError))
            else:
                discarded.append(from_json(Discarded, row, where=where, error=StoreError))
    return Proposed(checked=tuple(_balanced(checked)), discarded=tuple(discarded))


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
