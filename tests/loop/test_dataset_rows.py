"""What is published holds: each row can be derived again from its own columns and the scene."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import SceneError, SnapshotError
from ouroboros_data.programs import api
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.records import from_json
from ouroboros_data.resources import validate
from ouroboros_data.types import Scene


@pytest.fixture(scope="module")
def rows(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    loaded = load_dataset(
        str(small_run / "runs/quickstart/dataset"), cache_dir=str(tmp_path_factory.mktemp("cache"))
    )
    assert list(loaded) == ["iter_1", "iter_2", "iter_3"]
    return [row for split in loaded.values() for row in split]


@pytest.fixture(scope="module")
def scenes(small_run: Path) -> dict[str, Scene]:
    found = {}
    for path in (small_run / "runs/quickstart/units/scenes").glob("*.jsonl"):
        record = json.loads(path.read_text())["scene"]
        found[record["id"]] = from_json(Scene, record, where=str(path), error=SceneError)
    return found


def test_every_rows_program_gives_its_answer_again(
    rows: list[dict[str, Any]], scenes: dict[str, Scene]
) -> None:
    with SandboxPool() as pool:
        for row in rows:
            scene = scenes[row["scene_id"]]
            (outcome,) = pool.run(api.tables(scene, row["frame_ids"], 0.002), [row["program"]])
            assert outcome.answer is not None, (row["id"], outcome.detail)
            assert outcome.answer.text == row["answer"], row["id"]
            assert list(outcome.evidence.object_ids) == row["evidence"]
            assert scene_digest(scene) == row["scene_sha256"]


def test_every_row_satisfies_its_schema_and_stands_once(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        validate("sample", row, where=row["id"], error=SnapshotError)
    assert max(Counter(row["id"] for row in rows).values()) == 1
    assert len(rows) > 300


def test_frames_are_those_of_the_scene_and_show_what_the_program_touched(
    rows: list[dict[str, Any]], scenes: dict[str, Scene]
) -> None:
    for row in rows:
        frames = {frame.id: frame for frame in scenes[row["scene_id"]].frames}
        assert [frames[i].time_s for i in row["frame_ids"]] == pytest.approx(row["frame_times_s"])
        seen = {v.object_id for i in row["frame_ids"] for v in frames[i].views if v.pixel_share >= 0.002}
        assert set(row["evidence"]) <= seen, row["id"]


def test_margins_are_at_least_the_noise(rows: list[dict[str, Any]]) -> None:
    assert {row["margin"] for row in rows} <= {1.0, 2.0, 4.0}


def test_held_out_rooms_are_not_published(
    rows: list[dict[str, Any]], scenes: dict[str, Scene], small_run: Path
) -> None:
    manifest = json.loads((small_run / "runs/quickstart/dataset/manifest.json").read_text())
    published = {row["scene_id"] for row in rows}
    assert len(published) == manifest["scenes"]["train"] == len(scenes) - manifest["scenes"]["held_out"]
