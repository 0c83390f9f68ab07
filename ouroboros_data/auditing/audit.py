"""Every row of a published dataset derived again from its program and its scene, and compared with what is published."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.auditing.published import Part, Published
from ouroboros_data.auditing.repair import corrected
from ouroboros_data.auditing.rows import Difference, Item, Row, Settings, check_rows, id_of
from ouroboros_data.config import ProgramSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import SceneError, StoreError
from ouroboros_data.programs import api
from ouroboros_data.programs.jail import require
from ouroboros_data.programs.worker import sandbox_here
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.scenes import table as scenetable
from ouroboros_data.types import Scene

Key = tuple[str, str]
"""Source and id of a scene."""
Status = Literal["same", "differs", "no_scene", "other_api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a scene's record lies."""

    path: str
    digest: str = ""
    """Of a scene in a store; a run's units have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """The scenes that rows are checked against."""

    place: str
    files: Mapping[Key, Found]
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a scene is not there, by id, where that is known."""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReport:
    """What the audit says of one row."""

    file: str
    position: int
    """Of the row in its file, from 0."""
    id: str
    scene_id: str
    status: Status
    detail: str = ""
    differences: tuple[Difference, ...] = ()
    corrected: Row | None = None
    """The row as it should be, where a repair is asked for and the corrected row passes all gates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingScene:
    """A scene that rows are about and that was not to be had."""

    source: str
    id: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The audit of a dataset."""

    rows: int
    same: int
    differing: tuple[RowReport, ...]
    missing: tuple[MissingScene, ...]
    unchecked: tuple[RowReport, ...]
    """Rows without a scene, or of another program API."""
    other_api: Mapping[str, int]
    """Rows by the API version that this version does not run."""
    files: tuple[str, ...]
    """What is wrong with the dataset's files, apart from its rows."""

    @property
    def clean(self) -> bool:
        """Whether at least one row was judged, and nothing differs or is missing."""
        return self.same > 0 and not (self.differing or self.missing or self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    found: Found
    items: tuple[Item, ...]
    settings: Settings


def scenes_of_store(store: Path) -> Scenes:
    """The scenes of a store (raises SceneError: not one)."""
    files = {
        (entry.source, entry.id): Found(path=str(store / "scenes" / entry.file), digest=entry.digest)
        for entry in scenestore.entries(store)
    }
    lost = [path.name for path in scenestore.damaged(store)]
    fix = f"ouroboros-data scenes ingest SOURCE DIR --out {store}"
    if lost:
        fix += f"; {len(lost)} files there are damaged, the first: {lost[0]}"
    reasons = {name: f"it could not be ingested: {why}" for name, why in scenestore.failures(store).items()}
    return Scenes(place=str(store), files=files, reasons=reasons, fix=fix)


def scenes_of_run(run: Path) -> Scenes:
    """The scenes that a build kept in its run directory (raises StoreError: not one, or a unit is damaged)."""
    if not (run / "recipe.yaml").is_file():
        raise StoreError(
            "not a run directory", where=str(run), fix="give the --run of a build, or --scenes STORE"
        )
    files, reasons = {}, {}
    # A run keeps what it loaded; where a scene was loaded twice (its files had changed) the later one is in force.
    for path in sorted((run / "units/scenes").glob("*.jsonl"), key=lambda p: p.stat().st_mtime_ns):
        unit = _unit(path)
        if "scene" in unit:
            files[unit["scene"].get("source", ""), unit["scene"].get("id", "")] = Found(path=str(path))
        else:
            skipped = unit.get("skipped", {})
            reasons[skipped.get("id", "")] = f"the build left it out: {skipped.get('reason', '')}"
    return Scenes(place=str(run), files=files, reasons=reasons, fix="give the run that the dataset came from")


def _unit(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as handle:
            unit: dict[str, Any] = json.loads(handle.readline())
            if not isinstance(unit.get("scene", {}), dict):
                raise ValueError("no scene")
            return unit
    except (OSError, ValueError, AttributeError):
        fix = "delete the file and run the build again"
        raise StoreError("cannot be read", where=str(path), fix=fix) from None


def load_scene(found: Found) -> Scene:
    """A scene's record; its pictures are not needed and not looked for (raises SceneError, StoreError)."""
    path = Path(found.path)
    if found.digest:
        return scenetable.read_scene(path, found.digest)
    return from_json(Scene, _unit(path)["scene"], where=found.path, error=SceneError)


def audit(
    dataset: Published,
    scenes: Scenes,
    *,
    programs: ProgramSettings,
    min_pixel_share: float,
    workers: int,
    progress: Progress,
    repair: bool = False,
) -> Report:
    """Check all rows of a dataset, scene by scene, in worker processes.

    Args:
        dataset: What is published.
        scenes: The scenes that it should rest on.
        programs: Noise, number of copies and tolerances, and the jail.
        min_pixel_share: From this share on an object counts as visible in a frame.
        workers: Processes; 0 means one per core.
        progress: Told how far it is.
        repair: Also work out what differing rows should be.

    Raises:
        SandboxError: The sandbox does not work, or its jail does not hold.
    """
    require(programs.jail, programs.allow_unjailed)
    settings = Settings(programs=programs, min_pixel_share=min_pixel_share, repair=repair)
    by_scene: dict[Key, list[Item]] = defaultdict(list)
    unchecked: list[RowReport] = []
    known = _id_scheme(dataset.parts)
    for part in dataset.parts:
        for position, row in enumerate(part.rows):
            if row["program_api"] != api.API_VERSION:
                detail = f"program API {row['program_api']!r}, this version runs {api.API_VERSION!r}"
                unchecked.append(_unjudged(part.file, position, row, "other_api", detail))
                continue
            item = Item(
                file=part.file,
                position=position,
                row=row,
                id_known=row["proposer"] in known,
                iteration=part.iteration,
            )
            by_scene[str(row["source"]), str(row["scene_id"])].append(item)
    missing: list[MissingScene] = []

    def lost(key: Key, items: Sequence[Item], why: str) -> None:
        missing.append(MissingScene(source=key[0], id=key[1], rows=len(items), reason=why))
        unchecked.extend(_unjudged(i.file, i.position, i.row, "no_scene", why) for i in items)

    keys = []
    for key in sorted(by_scene):
        if key in scenes.files:
            keys.append(key)
        else:
            lost(key, by_scene[key], _why(key, scenes))
    tasks = [_Task(found=scenes.files[k], items=tuple(by_scene[k]), settings=settings) for k in keys]
    judged: list[RowReport] = []
    with LocalEngine(workers) as engine, progress.stage("audit", len(tasks)) as advance:
        for at, result in engine.map(_audit_scene, tasks):
            if isinstance(result, str):
                lost(keys[at], tasks[at].items, result)
            else:
                judged += result
            advance()
    order = {part.file: n for n, part in enumerate(dataset.parts)}

    def place(report: RowReport) -> tuple[int, int]:
        return order[report.file], report.position

    return Report(
        rows=len(judged) + len(unchecked),
        same=sum(report.status == "same" for report in judged),
        differing=tuple(sorted((r for r in judged if r.status == "differs"), key=place)),
        missing=tuple(sorted(missing, key=lambda m: (m.source, m.id))),
        unchecked=tuple(sorted(unchecked, key=place)),
        other_api=Counter(str(part.rows[r.position]["program_api"]) for part in dataset.parts for r in unchecked
                          if r.file == part.file and r.status == "other_api"),
        files=dataset.problems,
    )  # fmt: skip


def _why(key: Key, scenes: Scenes) -> str:
    others = sorted(source for source, name in scenes.files if name == key[1])
    if others:
        return f"{scenes.place} has a scene of this id from {', '.join(others)} only"
    return scenes.reasons.get(key[1], f"not in {scenes.place}")


def _unjudged(file: str, position: int, row: Row, status: Status, detail: str) -> RowReport:
    return RowReport(
        file=file,
        position=position,
        id=str(row["id"]),
        scene_id=str(row["scene_id"]),
        status=status,
        detail=detail,
    )


def _id_scheme(parts: Sequence[Part]) -> frozenset[str]:
    """Proposers whose ids are hashes of question and program: seen from one row, it binds all of theirs."""
    return frozenset(row["proposer"] for part in parts for row in part.rows if row["id"] == id_of(row))


def _audit_scene(task: _Task) -> list[RowReport] | str:
    """Reports on all rows of one scene, or why there is no scene."""
    try:
        scene = load_scene(task.found)
    except (SceneError, StoreError) as error:
        return str(error)
    settings = task.settings
    pool = sandbox_here(settings.programs.jail, settings.programs.allow_unjailed)
    digest = scene_digest(scene)
    reports = []
    for item, differences in zip(
        task.items, check_rows(scene, digest, task.items, settings, pool), strict=True
    ):
        fixed, reason = None, ""
        if differences and settings.repair:
            fixed, reason = corrected(item, scene, digest, differences, settings, pool)
        reports.append(
            RowReport(
                file=item.file,
                position=item.position,
                id=str(item.row["id"]),
                scene_id=scene.id,
                status="differs" if differences else "same",
                detail=reason,
                differences=tuple(differences),
                corrected=fixed,
            )
        )
    return reports
