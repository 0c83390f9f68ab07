"""Freeze an iteration into the published form: Parquet, card and manifest in one directory.

Config ``default`` holds splits ``iter_1..iter_N``; alias configs ``iter_k`` (split ``train``) point at the same files,
because ``load_dataset(split=…)`` fetches every split of a config.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ouroboros_data import resources
from ouroboros_data.card import card
from ouroboros_data.errors import SnapshotError
from ouroboros_data.ids import canonical_json, content_hash, file_sha256
from ouroboros_data.records import to_json
from ouroboros_data.store import write_atomic
from ouroboros_data.types import Answer, Sample, Snapshot

if TYPE_CHECKING:
    from datasets import Dataset, Features

SCHEMA_VERSION = "1"
_COLUMNS: dict[str, str | list[str]] = {
    "id": "string",
    "iteration": "int32",
    "source": "string",
    "scene_id": "string",
    "space_id": "string",
    "frames": "string",
    "frame_ids": ["string"],
    "frame_times_s": ["float64"],
    "sample_fps": "float64",
    "question": "string",
    "question_type": "string",
    "bin": "string",
    "answer_type": "string",
    "options": ["string"],
    "answer": "string",
    "answer_value": "string",
    "unit": "string",
    "program": "string",
    "program_api": "string",
    "evidence": ["string"],
    "margin": "float64",
    "confidence": "float64",
    "band": "string",
    "blind_confidence": "float64",
    "elsewhere_confidence": "float64",
    "train_confidence": "float64",
    "solver": "string",
    "proposer": "string",
    "seed": "int64",
    "scene_sha256": "string",
    "writing": "string",
    "review": "string",
}


def features() -> Features:
    """The published columns, typed explicitly: inferred types would differ between iterations."""
    from datasets import Features, List, Value

    return Features(
        {
            name: List(Value(kind[0])) if isinstance(kind, list) else Value(kind)
            for name, kind in _COLUMNS.items()
        }
    )


def to_row(sample: Sample) -> dict[str, Any]:
    """One published row: plain columns, every answer a string, no media and no paths."""
    question, verdict, probe = sample.draft.question, sample.verdict, sample.probe
    if verdict.answer is None or probe is None:
        raise SnapshotError("only accepted and probed samples are published", where=question.id)
    return {
        "id": question.id,
        "iteration": sample.iteration,
        "source": sample.scene_source,
        "scene_id": question.scene_id,
        "space_id": sample.space_id,
        "frames": sample.frames_origin,
        "frame_ids": list(question.frame_ids),
        "frame_times_s": list(sample.frame_times_s),
        "sample_fps": sample.sample_fps,
        "question": question.text,
        "question_type": question.question_type,
        "bin": sample.draft.bin,
        "answer_type": question.answer_type,
        "options": list(question.options),
        **answer_columns(verdict.answer),
        "program": sample.draft.program.source,
        "program_api": sample.draft.program.api_version,
        "evidence": list(verdict.evidence.object_ids),
        "margin": verdict.margin,
        "confidence": probe.confidence,
        "band": probe.band,
        "blind_confidence": probe.blind_confidence,
        "elsewhere_confidence": probe.elsewhere_confidence,
        "train_confidence": probe.train_confidence,
        "solver": probe.solver,
        "proposer": sample.draft.proposer,
        "seed": sample.draft.seed,
        "scene_sha256": sample.scene_sha256,
        "writing": _json(sample.draft.writing),
        "review": _json(verdict.review),
    }


def _json(record: Any) -> str | None:
    return None if record is None else canonical_json(to_json(record))


def answer_columns(answer: Answer) -> dict[str, str]:
    """The published columns that hold an answer."""
    value = answer.value
    return {
        "answer": answer.text,
        "answer_value": value if isinstance(value, str) else canonical_json(value),
        "unit": answer.unit or "",
    }


def snapshot_id(rows: Sequence[Mapping[str, Any]], parent: str | None) -> str:
    """Identity of an iteration: its rows in order, and all that came before."""
    return content_hash(SCHEMA_VERSION, parent, [content_hash(row, size=32) for row in rows])


def freeze(
    directory: Path,
    samples: Sequence[Sample],
    *,
    iteration: int,
    parent: Snapshot | None,
    manifest: Mapping[str, Any],
) -> Snapshot:
    """Write one iteration's shard, then card and manifest; each appears whole, the manifest last.

    Args:
        directory: The dataset directory, shared by all iterations.
        samples: Accepted samples in publishing order.
        iteration: From 1.
        parent: Snapshot of the iteration before.
        manifest: Everything but ``snapshots``.

    Raises:
        SnapshotError: There are no samples, or a file cannot be written.
    """
    if not samples:
        raise SnapshotError(f"iteration {iteration} accepted no rows")
    rows = [to_row(sample) for sample in samples]
    parent_id = parent.id if parent else None
    identity = snapshot_id(rows, parent_id)
    known = read_snapshots(directory)
    if iteration in known and known[iteration].id == identity and _intact(directory, known[iteration]):
        return known[iteration]
    name = f"data/iter_{iteration}-00000-of-00001.parquet"
    write_parquet(directory / name, rows)
    made = Snapshot(
        id=identity,
        parent=parent_id,
        iteration=iteration,
        rows=len(rows),
        files={name: file_sha256(directory / name)},
    )
    snapshots = [known[i] for i in sorted(known) if i < iteration] + [made]
    _write_papers(directory, snapshots, manifest)
    return made


def freeze_rows(
    directory: Path, rounds: Mapping[int, Sequence[Mapping[str, Any]]], manifest: Mapping[str, Any]
) -> list[Snapshot]:
    """Write all iterations of a dataset from rows as they are published, with a lineage of their own.

    Args:
        directory: Where nothing is yet.
        rounds: Rows by iteration, none empty.
        manifest: Everything but ``snapshots``.

    Raises:
        SnapshotError: A file cannot be written, or the manifest breaks the schema.
    """
    snapshots: list[Snapshot] = []
    for iteration, rows in sorted(rounds.items()):
        parent = snapshots[-1].id if snapshots else None
        name = f"data/iter_{iteration}-00000-of-00001.parquet"
        write_parquet(directory / name, rows)
        snapshots.append(
            Snapshot(
                id=snapshot_id(rows, parent),
                parent=parent,
                iteration=iteration,
                rows=len(rows),
                files={name: file_sha256(directory / name)},
            )
        )
    _write_papers(directory, snapshots, manifest)
    return snapshots


def _write_papers(directory: Path, snapshots: Sequence[Snapshot], manifest: Mapping[str, Any]) -> None:
    whole = {**manifest, "schema_version": SCHEMA_VERSION, "snapshots": [to_json(s) for s in snapshots]}
    resources.validate("manifest", whole, where="manifest", error=SnapshotError)
    write_atomic(directory / "README.md", card(whole, features(), _sizes(directory, snapshots)))
    write_atomic(
        directory / "manifest.json", json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )


def read_manifest(directory: Path) -> Mapping[str, Any] | None:
    """The dataset's manifest, checked against its schema; None where there is none yet."""
    path = directory / "manifest.json"
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(
            f"not readable: {error}", where=str(path), fix="delete it and run again"
        ) from None
    return resources.validate("manifest", data, where=str(path), error=SnapshotError)


def read_snapshots(directory: Path) -> dict[int, Snapshot]:
    """Snapshots of a dataset directory by iteration."""
    manifest = read_manifest(directory)
    return {} if manifest is None else {s["iteration"]: Snapshot(**s) for s in manifest["snapshots"]}


def _intact(directory: Path, snapshot: Snapshot) -> bool:
    return all(
        (directory / name).is_file() and file_sha256(directory / name) == digest
        for name, digest in snapshot.files.items()
    )


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows in the published columns, whole or not at all (raises SnapshotError: cannot be written)."""
    from datasets import Dataset, are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    table: Dataset = Dataset.from_list([dict(row) for row in rows], features=features())
    # The datasets writer cuts row groups by content and writes a page index, for the Hub's deduplication and viewer.
    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        table.to_parquet(partial)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SnapshotError(f"cannot write: {error}", where=str(path), fix="check free space") from None
    finally:
        if shown:
            enable_progress_bars()


def _sizes(directory: Path, snapshots: Sequence[Snapshot]) -> dict[int, int]:
    return {s.iteration: sum((directory / name).stat().st_size for name in s.files) for s in snapshots}
