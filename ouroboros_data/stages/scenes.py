"""Adapters' scenes into the run, and the split into training and held-out spaces."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouroboros_data import registry
from ouroboros_data.config import Recipe, SceneSettings
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.ids import canonical_json, content_hash
from ouroboros_data.plugins import SceneAdapter
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json, to_json
from ouroboros_data.scenes import leakage
from ouroboros_data.stages.loading import load_usable
from ouroboros_data.store import RunStore
from ouroboros_data.types import Scene, SceneRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A scene that could not be used, and why."""

    id: str
    reason: str
    rule: str = ""
    """Of the leakage guard, if it was that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    settings: SceneSettings
    seed: int
    ref: SceneRef
    media: str


def open_adapter(settings: SceneSettings, seed: int) -> SceneAdapter:
    """Build the recipe's adapter (raises PluginError, RecipeError, SceneError)."""
    return _adapter(settings.adapter, settings.root, seed, canonical_json(settings.options))


@functools.lru_cache(maxsize=4)  # a worker process serves many scenes of one adapter
def _adapter(name: str, root: str | None, seed: int, options: str) -> SceneAdapter:
    import json

    cls = registry.load("scene_adapters", name)
    path = Path(root).expanduser() if root else None
    if path is not None and not path.exists():
        raise SceneError("the scenes root does not exist", where=str(path), fix="--set scenes.root=DIR")
    adapter: SceneAdapter = cls(root=path, seed=seed, options=json.loads(options))
    return adapter


def _ingest(task: _Task) -> dict[str, Any]:
    adapter = open_adapter(task.settings, task.seed)
    try:
        scene = load_usable(adapter, task.ref, Path(task.media))
    except SceneError as error:
        return {"skipped": to_json(Skipped(id=task.ref.id, reason=str(error)))}
    return {"scene": to_json(scene)}


def listed(recipe: Recipe) -> tuple[list[SceneRef], list[Skipped]]:
    """Scenes that the recipe asks for, and those of them that the leakage guard keeps out.

    Raises:
        PluginError, RecipeError: See `open_adapter`.
        SceneError: There are none, or the guard leaves none.
    """
    settings = recipe.scenes
    refs = list(open_adapter(settings, recipe.seed).refs())
    where = settings.root or settings.adapter
    if not refs:
        raise SceneError("no scenes found", where=where, fix="check scenes.root")
    refs = refs[: settings.limit]
    blocked = [found for ref in refs if (found := _guarded(recipe, ref.source, ref.id)) is not None]
    if len(blocked) == len(refs):
        raise SceneError(
            f"all {len(refs)} scenes are kept out of training; the first, {blocked[0].id}: {blocked[0].reason}",
            where=where,
            fix="purpose: test, or --allow-benchmark-scenes, or other scenes",
        )
    names = {found.id for found in blocked}
    return [ref for ref in refs if ref.id not in names], blocked


def ingest(
    recipe: Recipe, store: RunStore, engine: LocalEngine, progress: Progress
) -> tuple[list[Scene], list[Skipped]]:
    """Bring the recipe's scenes into the run; a scene that is there already is not made again.

    Raises:
        SceneError: Not one scene can be used.
    """
    settings = recipe.scenes
    refs, skipped = listed(recipe)
    media = store.directory("media")
    keys = [content_hash("scene", settings.adapter, ref.id, ref.key) for ref in refs]
    todo = [i for i, key in enumerate(keys) if not _usable(store, key, media)]
    tasks = [_Task(settings=settings, seed=recipe.seed, ref=refs[i], media=str(media)) for i in todo]
    with progress.stage(f"scenes from {settings.adapter}", len(refs)) as advance:
        advance(len(refs) - len(todo))
        for position, row in engine.map(_ingest, tasks):
            if "scene" in row:  # where a scene lies on this machine is not part of what it is
                row["scene"]["root"] = _relative(row["scene"]["root"], media)
            store.write("scenes", keys[todo[position]], [row])
            advance()
    scenes: list[Scene] = []
    for key in keys:
        row = store.read("scenes", key)[0]
        if "skipped" in row:
            skipped.append(from_json(Skipped, row["skipped"], where=key, error=SceneError))
            continue
        row["scene"]["root"] = str(media / row["scene"]["root"])
        scene = from_json(Scene, row["scene"], where=f"units/scenes/{key}.jsonl", error=SceneError)
        # Again, now that its space is known. Never stored: the unit must not depend on the guard's data.
        found = _guarded(recipe, scene.source, scene.id, scene.space_id)
        if found is None:
            scenes.append(scene)
        else:
            skipped.append(found)
    if not scenes:
        kept_out = sum(bool(s.rule) for s in skipped)
        why = f", {kept_out} of them by the leakage guard" if kept_out else ""
        raise SceneError(
            f"none of {len(skipped)} scenes can be used{why}; the first: {skipped[0].reason}",
            where=settings.root or settings.adapter,
            fix="purpose: test, or --allow-benchmark-scenes, or other scenes" if kept_out else "",
        )
    return scenes, skipped


def _guarded(recipe: Recipe, source: str, scene_id: str, space_id: str = "") -> Skipped | None:
    """The guard's word on a scene that it keeps out of this recipe's run."""
    if recipe.purpose != "train" or recipe.scenes.allow_benchmark_scenes:
        return None
    found = leakage.examine(source, scene_id, space_id)
    if found is None or not found.blocked:
        return None
    return Skipped(id=scene_id, reason=found.reason, rule=found.rule)


def _relative(root: str, media: Path) -> str:
    path = Path(root)
    return str(path.relative_to(media)) if path.is_relative_to(media) else root


def _usable(store: RunStore, key: str, media: Path) -> bool:
    if not store.done("scenes", key):
        return False
    scene: Mapping[str, Any] | None = store.read("scenes", key)[0].get("scene")
    return (
        scene is None or scene["video"] is None or (media / scene["root"] / scene["video"]["path"]).exists()
    )


def split(scenes: Sequence[Scene], recipe: Recipe) -> tuple[list[Scene], list[Scene]]:
    """Training and held-out scenes. Whole spaces are held out, chosen by hash: a rescan never crosses the border.

    Raises:
        RecipeError: Nothing would be left to train on.
    """
    spaces = sorted(
        {scene.space_id for scene in scenes}, key=lambda space: content_hash("holdout", recipe.seed, space)
    )
    count = math.ceil(recipe.scenes.holdout * len(spaces))
    if count >= len(spaces):
        raise RecipeError(
            f"holding out {count} of {len(spaces)} spaces leaves none to train on",
            fix="lower scenes.holdout or give more scenes",
        )
    held = set(spaces[:count])
    return [s for s in scenes if s.space_id not in held], [s for s in scenes if s.space_id in held]
