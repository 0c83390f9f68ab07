"""A source's scenes into a store: loaded once, by worker processes, each failure recorded and passed over."""

from __future__ import annotations

import contextlib
import shutil
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouroboros_data.config import SceneSettings
from ouroboros_data.errors import OuroborosError, SceneError, StoreError
from ouroboros_data.ids import content_hash
from ouroboros_data.progress import Progress
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.stages.loading import KILLED, bug, load_usable, run_each
from ouroboros_data.stages.scenes import Skipped, open_adapter
from ouroboros_data.types import SceneRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of the scenes that a source lists."""

    listed: int
    kept: int
    """Were in the store already, made from the same bytes with the same options."""
    stored: int
    failed: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    settings: SceneSettings
    seed: int
    ref: SceneRef
    key: str
    store: str
    bases: dict[str, str]


def ingest_into(
    store: Path, settings: SceneSettings, *, seed: int, workers: int, progress: Progress
) -> Ingested:
    """Load what is not in the store yet. Killed at any time, it loses only the scenes in flight.

    Args:
        store: Directory of the store; made if it is not there.
        settings: Adapter, its root and options, and how many scenes at most.
        seed: Of adapters that make scenes.
        workers: Processes; 0 means one per core, 1 works in this process.
        progress: Where to show it.

    Raises:
        PluginError, RecipeError: See `open_adapter`.
        SceneError: The source lists no scenes.
        StoreError: The store cannot be written, or another process writes to it.
    """
    refs = list(open_adapter(settings, seed).refs())[: settings.limit]
    if not refs:
        raise SceneError(
            "no scenes found", where=settings.root or settings.adapter, fix="check the directory"
        )
    scenestore.create(store)
    with scenestore.locked(store):
        scenestore.sweep(store)
        bases = {scenestore.MEDIA: str(store / scenestore.MEDIA)}
        if settings.root is not None:
            bases[scenestore.root_name(store, settings.adapter, Path(settings.root))] = settings.root
        keys = [content_hash("scene", settings.adapter, ref.id, ref.key) for ref in refs]
        there = {entry.key for entry in scenestore.entries(store)}
        tasks = [
            _Task(settings=settings, seed=seed, ref=ref, key=key, store=str(store), bases=bases)
            for ref, key in zip(refs, keys, strict=True)
            if key not in there
        ]
        kept, failed = len(refs) - len(tasks), []
        try:
            with progress.stage(f"scenes from {settings.adapter}", len(refs)) as advance:
                advance(kept)
                for task, outcome in run_each(_ingest, tasks, workers, died={"failed": KILLED}):
                    scenestore.log(store, id=task.ref.id, key=task.key, adapter=settings.adapter, **outcome)
                    if "failed" in outcome:
                        failed.append(Skipped(id=task.ref.id, reason=outcome["failed"]))
                    advance(note=f"{len(failed)} failed" if failed else task.ref.id)
        finally:
            scenestore.sweep(store)
    return Ingested(listed=len(refs), kept=kept, stored=len(tasks) - len(failed), failed=tuple(failed))


def _ingest(task: _Task) -> dict[str, Any]:
    store, started = Path(task.store), time.perf_counter()
    media = store / scenestore.MEDIA / task.key
    try:
        media.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create: {error.strerror}", where=str(media)) from None
    try:
        scene = load_usable(open_adapter(task.settings, task.seed), task.ref, media)
        entry = scenestore.put(store, scene, key=task.key, adapter=task.settings.adapter, bases=task.bases)
    except StoreError:
        raise
    except OuroborosError as error:
        shutil.rmtree(media, ignore_errors=True)
        return {"failed": str(error)}
    except Exception as error:  # an adapter's bug costs its scene, not the run
        shutil.rmtree(media, ignore_errors=True)
        return {"failed": bug(error), "traceback": traceback.format_exc()}
    with contextlib.suppress(OSError):
        media.rmdir()  # fails where the adapter made something
    return {"stored": entry.file, "seconds": round(time.perf_counter() - started, 3)}
