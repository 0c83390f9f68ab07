"""Files of drafts against scenes: each gets the verdict that a build would give it."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ouroboros_data import resources
from ouroboros_data.config import ProgramSettings, Recipe
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import DraftError, SceneError
from ouroboros_data.programs.jail import require
from ouroboros_data.programs.worker import sandbox_here
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.scenes import table as scenetable
from ouroboros_data.scenes.file import load_scene
from ouroboros_data.stages.ground import ground
from ouroboros_data.stages.loading import load_usable
from ouroboros_data.stages.propose import Checked, accepted_keys
from ouroboros_data.stages.scenes import open_adapter
from ouroboros_data.types import Draft, Scene, Verdict


class SceneSource(Protocol):
    """Where scenes come from, by id. Goes to worker processes."""

    def get(self, scene_id: str, media: Path) -> Scene:
        """The scene (raises SceneError: there is none of this id, or it cannot be loaded)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScene:
    """One scene in a JSON file."""

    path: Path

    def get(self, scene_id: str, media: Path) -> Scene:
        """The scene, if ``scene_id`` is empty or its own (raises SceneError)."""
        scene = load_scene(self.path)
        if scene_id not in ("", scene.id):
            raise SceneError(f"no scene {scene_id!r}", where=str(self.path), fix=f"it holds {scene.id!r}")
        return scene


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreScenes:
    """The scenes of a store. Their pictures are not needed and not looked for."""

    store: Path

    def get(self, scene_id: str, media: Path) -> Scene:
        """The scene of this id (raises SceneError: none, several, or damaged)."""
        found = _entries(self.store).get(scene_id, [])
        if len(found) > 1:
            sources = ", ".join(sorted(entry.source for entry in found))
            raise SceneError(
                f"{len(found)} scenes {scene_id!r} ({sources})",
                where=str(self.store),
                fix="use a store of one source",
            )
        if not found:
            some = next(iter(_entries(self.store)), None)
            hint = (
                f"for example {some!r}; `ouroboros-data scenes list {self.store}`" if some else "it is empty"
            )
            raise SceneError(f"no scene {scene_id!r}", where=str(self.store), fix=hint)
        return scenetable.read_scene(self.store / "scenes" / found[0].file, found[0].digest)


@functools.lru_cache(maxsize=2)  # a worker process looks up many scenes
def _entries(store: Path) -> Mapping[str, list[scenestore.Entry]]:
    by_id: dict[str, list[scenestore.Entry]] = defaultdict(list)
    for entry in scenestore.entries(store):
        by_id[entry.id].append(entry)
    return by_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeScenes:
    """The scenes of a recipe's adapter, loaded when they are asked for."""

    recipe: Recipe

    def get(self, scene_id: str, media: Path) -> Scene:
        """The scene of this id (raises SceneError, PluginError, RecipeError)."""
        adapter = open_adapter(self.recipe.scenes, self.recipe.seed)
        where = self.recipe.scenes.root or self.recipe.scenes.adapter
        for ref in adapter.refs():
            if ref.id == scene_id:
                return load_usable(adapter, ref, media)
        raise SceneError(
            f"no scene {scene_id!r}", where=where, fix="`ouroboros-data scenes list --recipe RECIPE`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file of drafts with what is thought of it."""

    line: int
    """From 1."""
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    source: SceneSource
    scene_id: str
    drafts: tuple[Draft, ...]
    programs: ProgramSettings
    min_pixel_share: float


def verify(
    path: Path,
    source: SceneSource,
    *,
    programs: ProgramSettings,
    min_pixel_share: float,
    workers: int,
    progress: Progress,
) -> list[Line]:
    """A verdict for each draft of a file, in the file's order.

    A draft is checked on the frames that it names. A line that is no draft is rejected like any other.

    Args:
        path: Drafts as JSON lines (schemas/draft.schema.json); blank lines are skipped.
        source: Where their scenes are.
        programs: Noise, number of copies and tolerances, and the jail.
        min_pixel_share: From this share on an object counts as visible in a frame.
        workers: Processes; 0 means one per core.
        progress: Told how far it is.

    Raises:
        DraftError: The file cannot be read or is empty.
        SandboxError: The sandbox does not work, or its jail does not hold.
    """
    require(programs.jail, programs.allow_unjailed)
    verdicts: dict[int, Verdict] = {}
    by_scene: dict[str, list[tuple[int, Draft]]] = defaultdict(list)
    for number, text in _lines(path):
        try:
            draft = _draft(text)
        except DraftError as error:
            verdicts[number] = _rejected(f"line {number}", "schema", error.what)
        else:
            by_scene[draft.question.scene_id].append((number, draft))
    groups = list(by_scene.items())
    tasks = [
        _Task(
            source=source,
            scene_id=scene_id,
            drafts=tuple(draft for _, draft in group),
            programs=programs,
            min_pixel_share=min_pixel_share,
        )
        for scene_id, group in groups
    ]
    with (
        LocalEngine(workers) as engine,
        progress.stage("verify", sum(len(t.drafts) for t in tasks)) as advance,
    ):
        for at, found in engine.map(_verify_scene, tasks):
            verdicts.update(zip((number for number, _ in groups[at][1]), found, strict=True))
            advance(len(found))
    return [Line(line=number, verdict=verdicts[number]) for number in sorted(verdicts)]


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise DraftError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise DraftError("not UTF-8 text", where=str(path), fix="one draft a line, as JSON") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise DraftError("holds no drafts", where=str(path), fix="one draft a line, as JSON")
    return lines


def _draft(text: str) -> Draft:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DraftError(f"not JSON: {error}") from None
    for path, message in resources.problems("draft", data):
        raise DraftError(f"{path}: {message}")
    return from_json(Draft, data, where="", error=DraftError)


def _rejected(question_id: str, reason: str, detail: str) -> Verdict:
    return Verdict(question_id=question_id, status="rejected", stage="schema", reason=reason, detail=detail)


def _verify_scene(task: _Task) -> list[Verdict]:
    import tempfile

    try:
        with tempfile.TemporaryDirectory() as media:
            scene = task.source.get(task.scene_id, Path(media))
    except SceneError as error:
        return [_rejected(draft.question.id, "scene", str(error)) for draft in task.drafts]
    frames = {frame.id for frame in scene.frames}
    batches: dict[tuple[str, ...], list[int]] = defaultdict(list)
    out: dict[int, Verdict] = {}
    for i, draft in enumerate(task.drafts):
        unknown = [name for name in draft.question.frame_ids if name not in frames]
        if unknown:
            detail = f"the scene has no frame {unknown[0]!r}"
            out[i] = _rejected(draft.question.id, "frames", detail)
        else:
            batches[tuple(draft.question.frame_ids)].append(i)
    done: list[Checked] = []
    for frame_ids, which in batches.items():
        verdicts = _ground(task, replace(scene, root=""), frame_ids, which, done)
        done += [Checked(draft=task.drafts[i], verdict=v) for i, v in zip(which, verdicts, strict=True)]
        out.update(zip(which, verdicts, strict=True))
    return [out[i] for i in range(len(task.drafts))]


def _ground(
    task: _Task, scene: Scene, frame_ids: tuple[str, ...], which: Sequence[int], done: Sequence[Checked]
) -> list[Verdict]:
    return ground(
        scene,
        frame_ids,
        [task.drafts[i] for i in which],
        programs=task.programs,
        min_pixel_share=task.min_pixel_share,
        pool=sandbox_here(task.programs.jail, task.programs.allow_unjailed),
        seen=frozenset(accepted_keys(done).get(scene.id, ())),
    )
