"""A corrected copy of a dataset: rows get the answers that their programs give, or go where they would be rejected."""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ouroboros_data.auditing.rows import DERIVED, Difference, Item, Settings, scene_columns
from ouroboros_data.errors import SnapshotError, StoreError
from ouroboros_data.ids import canonical_json
from ouroboros_data.manifest import versions
from ouroboros_data.programs.confinement import confinement
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.snapshot import answer_columns, freeze_rows, write_parquet
from ouroboros_data.stages.ground import ground
from ouroboros_data.store import write_atomic
from ouroboros_data.types import Draft, Program, Question, Scene

if TYPE_CHECKING:
    from ouroboros_data.auditing.audit import Report
    from ouroboros_data.auditing.published import Published
    from ouroboros_data.config import ProgramSettings

_MEASURED = ("confidence", "band", "blind_confidence", "elsewhere_confidence", "train_confidence")
"""What a solver was measured at, on the answer that the row had then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What a repair did."""

    corrected: int
    dropped: int
    unchecked: int
    rows: int
    """Left in the copy."""
    snapshot: str
    """Id of the last iteration; empty for a dataset without a manifest."""


def corrected(
    item: Item,
    scene: Scene,
    digest: str,
    differences: Sequence[Difference],
    settings: Settings,
    pool: SandboxPool,
) -> tuple[dict[str, Any] | None, str]:
    """The row as it should be, or None and why it has to go.

    It stays where its question and its program still belong together and pass all gates on the scene of today. A
    program that was exchanged gives a right answer to another question, so every doubt about that drops the row.

    Raises:
        SandboxError: The sandbox does not work.
    """
    row = item.row
    columns = {difference.column for difference in differences}
    foreign = sorted(columns - DERIVED - {"iteration"})
    if "id" in foreign:
        return None, "its question or its program was changed after its id was made from them"
    if foreign:
        return None, f"cannot be derived: {foreign[0]}: {_first(differences, foreign[0])}"
    # A hashed id that agrees says that the program is the row's own. Without one, its objects have to say it.
    if not item.id_known and "scene_sha256" not in columns and {"evidence", "answer"} <= columns:
        return None, "its program gives another answer from other objects: it may be another question's"
    if _first(differences, "iteration") is not None:
        row = {**row, "iteration": _first(differences, "iteration")}
    frame_ids = tuple(row["frame_ids"])
    (verdict,) = ground(
        scene,
        frame_ids,
        [draft_of(row)],
        programs=settings.programs,
        min_pixel_share=settings.min_pixel_share,
        pool=pool,
    )
    if verdict.status == "rejected" or verdict.answer is None:
        return None, f"{verdict.stage}/{verdict.reason}: {verdict.detail}"
    new = {
        **row,
        **scene_columns(scene, digest, frame_ids),
        **answer_columns(verdict.answer),
        "evidence": list(verdict.evidence.object_ids),
        "margin": verdict.margin,
    }
    if new["answer"] != row["answer"]:
        new |= dict.fromkeys(_MEASURED)
    return new, ""


def _first(differences: Sequence[Difference], column: str) -> Any:
    return next((d.found for d in differences if d.column == column), None)


def draft_of(row: Mapping[str, Any]) -> Draft:
    """The draft that a published row was. Which categories the text names is not published; gates read the text."""
    number = row["answer_type"] == "number"
    return Draft(
        question=Question(
            id=row["id"],
            scene_id=row["scene_id"],
            frame_ids=tuple(row["frame_ids"]),
            question_type=row["question_type"],
            text=row["question"],
            answer_type=row["answer_type"],
            options=tuple(row["options"]),
            unit=row["unit"] or None if number else None,
        ),
        program=Program(source=row["program"], api_version=row["program_api"]),
        bin=row["bin"],
        mentions=(),
        proposer=row["proposer"],
        seed=row["seed"],
    )


def need_free(out: Path) -> None:
    """Refuse a place where something is (raises StoreError)."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise StoreError("is there already", where=str(out), fix="give a new directory to --repair")


def write_copy(dataset: Published, report: Report, out: Path, programs: ProgramSettings) -> Repaired:
    """Write the corrected copy with ``changes.jsonl``; it appears whole or not at all.

    Raises:
        StoreError: ``out`` is there already, or cannot be written.
        SnapshotError: No row would be left.
    """
    need_free(out)
    fixes = {(r.file, r.position): r for r in report.differing}
    rounds: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    files: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    changes: list[dict[str, Any]] = []
    for part in dataset.parts:
        for position, row in enumerate(part.rows):
            fix = fixes.get((part.file, position))
            kept = row if fix is None else fix.corrected
            if fix is not None:
                changes.append(_change(part.file, position, row, kept, fix.detail))
            if kept is not None:
                files[part.file].append(kept)
                rounds[part.iteration or 0].append(kept)
    changes += [
        {"action": "unchecked", "file": r.file, "row": r.position, "id": r.id, "scene_id": r.scene_id, "reason": r.detail}
        for r in report.unchecked
    ]  # fmt: skip
    if not files:
        raise SnapshotError("no row would be left", where=str(dataset.directory))
    counts = {
        name: sum(c["action"] == name for c in changes) for name in ("corrected", "dropped", "unchecked")
    }
    answers = sum("answer" in c["columns"] for c in changes if c["action"] == "corrected")
    text = "".join(canonical_json(change) + "\n" for change in changes)
    partial = out.with_name(f".{out.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    snapshot = ""
    try:
        partial.mkdir(parents=True)
        if dataset.manifest is None:
            for name, rows in files.items():
                write_parquet(partial / name, rows)
            write_atomic(partial / "README.md", _plain_card(files))
        else:
            old = {k: v for k, v in dataset.manifest.items() if k not in ("snapshots", "schema_version")}
            entry = {
                "of": dataset.manifest["snapshots"][-1]["id"],
                **counts,
                "answers_changed": answers,
                "changes_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "versions": versions(),
                "confinement": confinement(programs.jail, programs.allow_unjailed),
            }
            made = freeze_rows(partial, rounds, {**old, "repairs": [*old.get("repairs", []), entry]})
            snapshot = made[-1].id
        write_atomic(partial / "changes.jsonl", text)
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise StoreError(
            f"cannot write: {error.strerror or error}", where=str(out), fix="choose another --repair OUT"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Repaired(**counts, rows=sum(map(len, files.values())), snapshot=snapshot)


def _change(
    file: str, position: int, row: Mapping[str, Any], kept: Mapping[str, Any] | None, reason: str
) -> dict[str, Any]:
    """A line of the change list; columns are ``[old, new]``."""
    where = {"file": file, "row": position, "id": row["id"], "scene_id": row["scene_id"]}
    if kept is None:
        return {"action": "dropped", **where, "reason": reason}
    columns = {name: [row[name], kept[name]] for name in row if row[name] != kept[name]}
    return {"action": "corrected", **where, "columns": columns}


def _plain_card(files: Mapping[str, Any]) -> str:
    """What load_dataset needs to read the Parquet files and not the change list."""
    lines = "".join(f'\n      - "{name}"' for name in sorted(files))
    return f"---\nconfigs:\n  - config_name: default\n    data_files:\n    - split: train\n      path:{lines}\n---\n"
