"""A published dataset as its files say it: rows by file, and whether the files are those of the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouroboros_data.config import FrameSettings, ProgramSettings, recipe_from_mapping
from ouroboros_data.errors import RecipeError, SnapshotError
from ouroboros_data.ids import file_sha256
from ouroboros_data.snapshot import features, read_manifest, snapshot_id

_FIX = "give the directory of a dataset that ouroboros-data made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one file."""

    file: str
    """Relative to the dataset."""
    iteration: int | None
    """None where there is no manifest."""
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A dataset in a local directory."""

    directory: Path
    manifest: Mapping[str, Any] | None
    parts: tuple[Part, ...]
    problems: tuple[str, ...]
    """What is wrong with files: other bytes than the manifest says, files that it does not name, another snapshot id."""

    def settings(self) -> tuple[FrameSettings, ProgramSettings]:
        """Under which settings the rows were made, as the manifest says; the defaults where there is none.

        How programs are confined is the machine's owner's to say, and never taken from a dataset.

        Raises:
            SnapshotError: They are not of this version's form.
        """
        said = dict((self.manifest or {}).get("recipe", {}))
        kept = {name: dict(said[name]) for name in ("frames", "programs") if name in said}
        for name in ("jail", "allow_unjailed"):
            kept.get("programs", {}).pop(name, None)
        try:
            recipe = recipe_from_mapping({"name": "audit", **kept}, where="manifest.json: recipe")
        except RecipeError as error:
            fix = "give the settings with --recipe RECIPE"
            raise SnapshotError(error.what, where=str(self.directory / error.where), fix=fix) from None
        return recipe.frames, recipe.programs


def read_published(directory: Path) -> Published:
    """Read a dataset: one with a manifest, or any directory of Parquet files with the published columns.

    Raises:
        SnapshotError: There is none, a file is not readable, or it has other columns.
    """
    if not directory.is_dir():
        raise SnapshotError("no such directory", where=str(directory), fix=_FIX)
    manifest = read_manifest(directory)
    if manifest is None:
        paths = sorted(directory.rglob("*.parquet"))
        if not paths:
            raise SnapshotError("holds no Parquet files", where=str(directory), fix=_FIX)
        parts = tuple(
            Part(file=path.relative_to(directory).as_posix(), iteration=None, rows=_read(path))
            for path in paths
        )
        return Published(directory=directory, manifest=None, parts=parts, problems=())
    found = tuple(
        Part(file=name, iteration=snapshot["iteration"], rows=_read(_inside(directory, name)))
        for snapshot in manifest["snapshots"]
        for name in snapshot["files"]
        if _inside(directory, name).is_file()
    )
    if not found:
        raise SnapshotError(
            "none of the manifest's files is there", where=str(directory), fix="copy it again"
        )
    return Published(
        directory=directory,
        manifest=manifest,
        parts=found,
        problems=tuple(_problems(directory, manifest, found)),
    )


def _inside(directory: Path, name: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise SnapshotError(
            f"names a file outside of the dataset: {name!r}", where=str(directory / "manifest.json")
        )
    return directory / path


def _problems(directory: Path, manifest: Mapping[str, Any], parts: Sequence[Part]) -> Iterator[str]:
    named = {name for snapshot in manifest["snapshots"] for name in snapshot["files"]}
    there = {path.relative_to(directory).as_posix() for path in directory.rglob("*.parquet")}
    for name in sorted(there - named):
        yield f"{name}: is not in the manifest; its rows were not checked, and load_dataset may read them"
    parent = None
    for snapshot in manifest["snapshots"]:
        label = f"iter_{snapshot['iteration']}"
        rows = [row for part in parts if part.iteration == snapshot["iteration"] for row in part.rows]
        for name, digest in snapshot["files"].items():
            if name not in there:
                yield f"{name}: is missing"
            elif file_sha256(directory / name) != digest:
                yield f"{name}: other bytes than the manifest's sha256 says"
        if len(rows) != snapshot["rows"]:
            yield f"{label}: {len(rows)} rows, the manifest says {snapshot['rows']}"
        if snapshot["parent"] != parent:
            yield f"{label}: its parent is {snapshot['parent']}, the snapshot before it is {parent}"
        if snapshot_id(rows, snapshot["parent"]) != snapshot["id"]:
            yield f"{label}: its rows are not those that its snapshot id {snapshot['id']} stands for"
        parent = snapshot["id"]


def _read(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = features().arrow_schema
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SnapshotError(
            f"not a Parquet file, or damaged: {' '.join(str(error).split())[:200]}",
            where=str(path),
            fix="copy it again",
        ) from None
    absent = [name for name in schema.names if name not in table.column_names]
    if absent:
        raise SnapshotError(f"has no column {', '.join(absent)}", where=str(path), fix=_FIX)
    try:
        rows: list[dict[str, Any]] = table.select(schema.names).cast(schema).to_pylist()
    except (pa.ArrowException, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise SnapshotError(f"a column has another type: {said}", where=str(path), fix=_FIX) from None
    return rows
