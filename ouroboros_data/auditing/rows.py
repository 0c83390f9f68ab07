"""One published row against what its program and its scene give today."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ouroboros_data import resources
from ouroboros_data.config import ProgramSettings
from ouroboros_data.ids import content_hash
from ouroboros_data.media.frames import sampled_times
from ouroboros_data.programs import api, margins
from ouroboros_data.programs.results import Outcome
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.snapshot import answer_columns
from ouroboros_data.stages import gates
from ouroboros_data.types import Scene

DERIVED = frozenset(
    "space_id frames frame_times_s sample_fps scene_sha256 answer answer_value unit answer_type options "
    "evidence margin visible".split()
)
"""Columns that follow from the program and the scene (``visible`` is no column: it follows from ``evidence``)."""


Row = Mapping[str, Any]
_CLOSE = 1e-9
"""Unrounded numbers may differ by this share: another processor or numpy rounds the last bit elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How rows are derived."""

    programs: ProgramSettings
    min_pixel_share: float
    repair: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A column whose value is not what it should be."""

    column: str
    stored: Any
    found: Any
    """The value it should have, or words where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A published row and what is known about it from elsewhere."""

    file: str
    position: int
    """Of the row in its file, from 0."""
    row: Row
    iteration: int | None
    """That the manifest files it under."""
    id_known: bool
    """Whether its proposer's ids are what `id_of` gives."""


def id_of(row: Row) -> str:
    """The id that a row has if its proposer hashes what it wrote, as `grammar` does."""
    return content_hash(row["scene_id"], row["frame_ids"], row["question"], row["options"], row["program"])


def scene_columns(scene: Scene, digest: str, frame_ids: Sequence[str]) -> dict[str, Any]:
    """Columns that follow from the scene and the named frames alone (raises SceneError: a frame is not in it)."""
    times_s, fps = sampled_times(scene, frame_ids)
    return {
        "space_id": scene.space_id,
        "frames": scene.frames_origin,
        "frame_times_s": list(times_s),
        "sample_fps": fps,
        "scene_sha256": digest,
    }


def check_rows(
    scene: Scene, digest: str, items: Sequence[Item], settings: Settings, pool: SandboxPool
) -> list[list[Difference]]:
    """Derive rows about one scene again; per row what differs.

    Args:
        scene: What they are about.
        digest: Its `scene_digest`.
        items: Rows of the program API that this version runs.
        settings: How they are derived.
        pool: Where programs run.

    Raises:
        SandboxError: The sandbox does not work.
    """
    frames = {frame.id for frame in scene.frames}
    found: dict[int, list[Difference]] = {}
    batches: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for n, item in enumerate(items):
        found[n] = _of_the_row_alone(item)
        unknown = [i for i in item.row["frame_ids"] or () if i not in frames]
        if unknown:
            said = f"the scene has no frame {unknown[0]!r}"
            found[n].append(Difference(column="frame_ids", stored=item.row["frame_ids"], found=said))
        if any(d.column not in DERIVED and d.column != "id" for d in found[n]):
            continue  # what it was derived from is not there
        found[n] += _differing(item.row, scene_columns(scene, digest, item.row["frame_ids"]))
        batches[tuple(item.row["frame_ids"])].append(n)
    for frame_ids, which in batches.items():
        outcomes = _outcomes(scene, frame_ids, [items[n].row["program"] for n in which], settings, pool)
        for n, (outcome, margin) in zip(which, outcomes, strict=True):
            found[n] += _of_the_outcome(items[n].row, scene, frame_ids, outcome, margin, settings)
    return [found[n] for n in range(len(items))]


def _of_the_row_alone(item: Item) -> list[Difference]:
    row, out = item.row, dict[str, Difference]()
    for path, message in resources.problems("sample", dict(row)):
        column = path.partition(".")[0]
        out.setdefault(column, Difference(column=column, stored=row.get(column), found=message))
    if item.iteration is not None and row["iteration"] != item.iteration:
        out["iteration"] = Difference(column="iteration", stored=row["iteration"], found=item.iteration)
    if item.id_known and row["id"] != (expected := id_of(row)):
        out["id"] = Difference(column="id", stored=row["id"], found=expected)
    return [difference for column, difference in out.items() if column not in DERIVED]


def _outcomes(
    scene: Scene, frame_ids: tuple[str, ...], sources: Sequence[str], settings: Settings, pool: SandboxPool
) -> list[tuple[Outcome, float | None]]:
    tables = api.tables(scene, frame_ids, settings.min_pixel_share)
    outcomes = pool.confirm(tables, sources, pool.run(tables, sources))
    alive = [i for i, outcome in enumerate(outcomes) if outcome.ok]
    measured = margins.measure(
        pool,
        scene,
        frame_ids,
        [sources[i] for i in alive],
        [outcomes[i] for i in alive],
        settings=settings.programs,
        min_pixel_share=settings.min_pixel_share,
    )
    margin_of = {i: margin.multiple for i, margin in zip(alive, measured, strict=True)}
    return [(outcome, margin_of.get(i)) for i, outcome in enumerate(outcomes)]


def _of_the_outcome(
    row: Row,
    scene: Scene,
    frame_ids: tuple[str, ...],
    outcome: Outcome,
    margin: float | None,
    settings: Settings,
) -> list[Difference]:
    answer = outcome.answer
    if answer is None:
        failure = f"the program fails: {outcome.reason}: {outcome.detail}"
        return [Difference(column="answer", stored=row["answer"], found=failure)]
    out = _differing(
        row,
        {
            **answer_columns(answer),
            "answer_type": answer.type,
            "options": list(outcome.options),
            "evidence": list(outcome.evidence.object_ids),
            "margin": margin,
        },
    )
    hidden = gates.visible(scene, frame_ids, outcome.evidence, settings.min_pixel_share)
    if hidden:
        out.append(Difference(column="visible", stored="yes", found=hidden.detail))
    return out


def _differing(row: Row, expected: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(column=column, stored=row[column], found=value)
        for column, value in expected.items()
        if not _equal(column, row[column], value)
    ]


def _equal(column: str, stored: Any, found: Any) -> bool:
    if column != "answer_value" or stored == found:
        return bool(stored == found)
    try:
        a, b = json.loads(stored), json.loads(found)
    except (TypeError, ValueError):
        return False
    # Whole numbers and booleans are exact.
    return type(a) is type(b) is float and abs(a - b) <= _CLOSE * max(abs(a), abs(b))
