from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ouroboros_data.errors import StoreError
from ouroboros_data.store import RunStore, write_atomic


def test_a_unit_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunStore(tmp_path / "run") as store:
        assert not store.done("probe", "k")

        def no_space(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(StoreError, match="No space left"):
            store.write("probe", "k", [{"a": 1}])
        assert not store.done("probe", "k")
        assert list((tmp_path / "run/units/probe").iterdir()) == []
        monkeypatch.undo()
        store.write("probe", "k", [{"a": 1}, {"b": 2}])
        assert store.read("probe", "k") == [{"a": 1}, {"b": 2}]


def test_a_damaged_unit_names_file_and_line(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        store.write("probe", "k", [{"a": 1}])
        path = tmp_path / "units/probe/k.jsonl"
        path.write_text('{"a": 1}\n{"b": \n')
        with pytest.raises(StoreError, match=r"k\.jsonl:2: damaged line \(delete the file"):
            store.read("probe", "k")


def test_two_builds_in_one_directory_are_refused(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from ouroboros_data.store import RunStore; RunStore(Path(sys.argv[1]))"
    with RunStore(tmp_path):
        other = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert "another build is running here" in other.stderr
    again = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="choose another --run"):
        RunStore(tmp_path / "file" / "run")


def test_reading_what_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a run directory"):
        RunStore(tmp_path, writable=False)


def test_events_skip_a_torn_last_line(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        store.event(stage="a", seconds=1.0)
        with (tmp_path / "events.jsonl").open("a") as handle:
            handle.write('{"stage": "b", "sec')
        assert [event["stage"] for event in store.events()] == ["a"]


def test_atomic_write_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a/b.txt"
    write_atomic(path, "one")
    write_atomic(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]
