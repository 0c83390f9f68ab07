"""All checks of all scenes of a source, in worker processes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ouroboros_data.config import SceneSettings
from ouroboros_data.errors import OuroborosError, SceneError
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.progress import Progress
from ouroboros_data.scenes.check import Finding, Floats, Verdict, check_pictures, check_record, verdict
from ouroboros_data.scenes.scan_check import check_scan
from ouroboros_data.stages.loading import KILLED, bug, run_each
from ouroboros_data.stages.scenes import open_adapter
from ouroboros_data.types import Question, Scene, SceneRef

_THUMBNAIL_PX = (32, 24)
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One scene and what is wrong with it."""

    id: str
    source: str
    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    settings: SceneSettings
    seed: int
    ref: SceneRef


def check_source(settings: SceneSettings, *, seed: int, workers: int, progress: Progress) -> list[Checked]:
    """Check each scene that an adapter lists, in its order. Nothing is kept.

    Args:
        settings: Adapter, its root and options, and how many scenes at most.
        seed: Of adapters that make scenes.
        workers: Processes; 0 means one per core.
        progress: Where to show it.

    Raises:
        PluginError, RecipeError: See `open_adapter`.
        SceneError: The source lists no scenes.
    """
    refs = list(open_adapter(settings, seed).refs())[: settings.limit]
    if not refs:
        raise SceneError(
            "no scenes found", where=settings.root or settings.adapter, fix="check the directory"
        )
    tasks = [_Task(settings=settings, seed=seed, ref=ref) for ref in refs]
    found: dict[str, tuple[Finding, ...]] = {}
    with progress.stage(f"checking {settings.adapter}", len(refs)) as advance:
        for task, findings in run_each(_check, tasks, workers, died=None):
            found[task.ref.id] = findings if findings is not None else (_load_failed(task.ref, KILLED, ""),)
            advance(note=task.ref.id)
    return [
        Checked(id=ref.id, source=ref.source, verdict=verdict(found[ref.id]), findings=found[ref.id])
        for ref in refs
    ]


def _check(task: _Task) -> tuple[Finding, ...] | None:
    try:
        with tempfile.TemporaryDirectory() as media:
            return tuple(check_one(open_adapter(task.settings, task.seed), task.ref, Path(media)))
    except OuroborosError as error:
        return (_load_failed(task.ref, str(error), ""),)
    except Exception as error:  # an adapter's bug costs its scene, not the run
        return (_load_failed(task.ref, bug(error), "report it with the scene's id"),)


def check_one(adapter: Any, ref: SceneRef, media: Path) -> list[Finding]:
    """All checks of one scene: of its record, its pictures, and the scan behind it where the adapter gives one.

    Raises:
        SceneError: Its scan cannot be read again.
    """
    try:
        scene = adapter.load(ref, media)
    except SceneError as error:
        return [_load_failed(ref, f"{error.where}: {error.what}" if error.where else error.what, error.fix)]
    findings = check_record(scene)
    if hasattr(adapter, "raw"):
        with adapter.raw(ref, media) as scan:
            findings += check_scan(scene, scan)
    if not any(
        finding.check in ("files", "repeats", "times") and finding.severity == "error" for finding in findings
    ):
        try:
            findings += check_pictures(scene, list(_thumbnails(scene)))
        except SceneError as error:
            what = f"its pictures cannot be read: {error.where}: {error.what}"
            findings.append(
                Finding(
                    scene=scene.id,
                    check="files",
                    severity="error",
                    what=what,
                    fix=error.fix or "download them again",
                )
            )
    return findings


def _thumbnails(scene: Scene) -> Iterator[Floats]:
    from PIL import Image as Pillow

    bank = FrameBank({scene.id: scene}, cache_bytes=0)
    with contextlib.closing(bank):
        for start in range(0, len(scene.frames), _AT_ONCE):
            ids = tuple(frame.id for frame in scene.frames[start : start + _AT_ONCE])
            asked = Question(
                id="", scene_id=scene.id, frame_ids=ids, question_type="", text="", answer_type="boolean"
            )
            for image in bank(asked):
                small = Pillow.fromarray(image).convert("L").resize(_THUMBNAIL_PX, Pillow.Resampling.BOX)
                yield np.asarray(small, float)


def _load_failed(ref: SceneRef, what: str, fix: str) -> Finding:
    return Finding(
        scene=ref.id,
        check="load",
        severity="error",
        what=what,
        fix=fix or "correct the files, or leave the scene out",
    )
