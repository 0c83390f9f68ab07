"""The run directory: units of work keyed by content, written whole, one writer at a time.

::

    RUN/
      recipe.yaml         the resolved recipe
      units/STAGE/KEY.jsonl   finished work; the key hashes everything that went into it
      media/SCENE/        videos that the adapter made
      checkpoints/KEY/    solver weights and optimiser state
      events.jsonl        what took how long, append only
      dataset/            the published form (snapshot.py)

A unit appears by rename, so it is there whole or not at all: a killed run owes only the units in flight.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ouroboros_data.errors import StoreError
from ouroboros_data.ids import canonical_json

Row = Mapping[str, Any]


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, durably (raises StoreError). Text is written as UTF-8."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as handle:
            handle.write(content.encode("utf-8") if isinstance(content, str) else content)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write: {error.strerror or error}",
            where=str(path),
            fix="check permissions and free space",
        ) from None


class RunStore:
    """One run directory, held under an exclusive lock while it is open for writing."""

    def __init__(self, root: Path, *, writable: bool = True) -> None:
        """Open, and create if needed, a run directory.

        Raises:
            StoreError: It cannot be created or written, or another process is running in it.
        """
        self.root = root
        self._lock: int | None = None
        if writable:
            self._acquire()
        elif not (root / "recipe.yaml").is_file():
            raise StoreError("not a run directory", where=str(root), fix="give the --run of an earlier build")

    def _acquire(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot write here: {error.strerror}", where=str(self.root), fix="choose another --run DIR"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise StoreError(
                "another build is running here",
                where=str(self.root),
                fix="wait for it or choose another --run DIR",
            ) from None

    def close(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unit(self, stage: str, key: str) -> Path:
        return self.root / "units" / stage / f"{key}.jsonl"

    def done(self, stage: str, key: str) -> bool:
        """Whether the unit is finished."""
        return self._unit(stage, key).is_file()

    def read(self, stage: str, key: str) -> list[Any]:
        """Rows of a finished unit (raises StoreError when it is damaged)."""
        path = self._unit(stage, key)
        rows = []
        try:
            with path.open(encoding="utf-8") as handle:
                for number, line in enumerate(handle, 1):
                    try:
                        rows.append(json.loads(line))
                    except ValueError:
                        raise StoreError(
                            "damaged line",
                            where=f"{path}:{number}",
                            fix="delete the file and run again: it is redone",
                        ) from None
        except OSError as error:
            raise StoreError(f"cannot read: {error.strerror}", where=str(path)) from None
        return rows

    def write(self, stage: str, key: str, rows: Sequence[Any]) -> None:
        """Finish a unit."""
        write_atomic(self._unit(stage, key), "".join(canonical_json(row) + "\n" for row in rows))

    def directory(self, *parts: str) -> Path:
        """A directory below the run, created."""
        path = self.root.joinpath(*parts)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot create: {error.strerror}", where=str(path)) from None
        return path

    def event(self, **fields: Any) -> None:
        """Append one line to events.jsonl; events inform people and never enter a hash."""
        line = canonical_json({"time": round(time.time(), 3), **fields}) + "\n"
        try:
            with (self.root / "events.jsonl").open("a", encoding="utf-8") as handle:
                handle.write(line)
        except OSError as error:
            raise StoreError(
                f"cannot write: {error.strerror}", where=str(self.root / "events.jsonl")
            ) from None

    def events(self) -> Iterator[Row]:
        """All whole lines of events.jsonl; a torn last line is skipped."""
        path = self.root / "events.jsonl"
        if not path.is_file():
            return
        with path.open(encoding="utf-8") as handle:
            for line in handle:
                with contextlib.suppress(ValueError):
                    yield json.loads(line)
