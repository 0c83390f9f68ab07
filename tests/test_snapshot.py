from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from ouroboros_data.errors import SnapshotError
from ouroboros_data.resources import validate
from ouroboros_data.snapshot import freeze, read_manifest, read_snapshots, to_row
from ouroboros_data.types import Answer, Draft, Evidence, ProbeResult, Program, Question, Sample, Verdict

RECIPE = {
    "name": "x",
    "description": "",
    "purpose": "train",
    "seed": 0,
    "scenes": {},
    "solver": {"name": "tiny", "steps": 1, "batch_size": 1},
}


def manifest(upto: int) -> dict[str, Any]:
    entry = {
        "proposed": 2, "accepted": 2, "rejected": {}, "bands": {"easy": 0, "frontier": 2, "hard": 0}, "bands_by_bin": {},
        "proposed_by_bin": {}, "mean_confidence": 0.5, "mean_blind_confidence": 0.2, "mean_elsewhere_confidence": 0.3, "train_loss": 0.1, "exam": None, "seconds": {},
    }  # fmt: skip
    return {
        "recipe": RECIPE, "versions": {"ouroboros-data": "0"}, "sources": ["procedural"], "solver": {}, "confinement": {}, "start": None,
        "scenes": {"train": 1, "held_out": 0, "skipped": []}, "iterations": [{"iteration": i, **entry} for i in range(1, upto + 1)],
    }  # fmt: skip


def sample(number: int, iteration: int = 1, **answer: Any) -> Sample:
    answer = {"type": "choice", "value": "left", "text": "A", **answer}
    question = Question(
        id=f"q{number}", scene_id="s", frame_ids=("000000", "000004"), question_type="object_rel_direction_easy", text="Left or right?",
        answer_type=answer["type"], options=("left", "right") if answer["type"] == "choice" else (),
    )  # fmt: skip
    return Sample(
        draft=Draft(
            question=question, program=Program(source="def answer(): ...", api_version="1"), bin="d/clear", mentions=("bed",),
            proposer="p/1", seed=2**62,
        ),
        verdict=Verdict(question_id=question.id, status="accepted", answer=Answer(**answer), margin=2.0, evidence=Evidence(object_ids=("bed-0",))),
        iteration=iteration, scene_source="procedural", space_id="s", scene_sha256="0" * 64, frames_origin="rendered",
        frame_times_s=(0.0, 2.0), sample_fps=0.5,
        probe=ProbeResult(question_id=question.id, solver="w", confidence=0.4, blind_confidence=0.3, elsewhere_confidence=0.35, band="frontier"),
    )  # fmt: skip


def build(directory: Path, rounds: Mapping[int, list[Sample]]) -> dict[int, str]:
    parent, ids = None, {}
    for iteration, samples in rounds.items():
        parent = freeze(directory, samples, iteration=iteration, parent=parent, manifest=manifest(iteration))
        ids[iteration] = parent.id
    return ids


def load(directory: Path, *args: str, cache: Path, **kwargs: str) -> Any:
    return load_dataset(str(directory), *args, cache_dir=str(cache), **kwargs)


def test_load_dataset_gives_splits_and_aliases(tmp_path: Path) -> None:
    build(
        tmp_path / "d",
        {
            1: [sample(1), sample(2)],
            2: [sample(3, 2, type="number", value=2.5, text="2.5", unit="m")],
            3: [sample(4, 3)],
        },
    )
    everything = load(tmp_path / "d", cache=tmp_path / "c")
    assert {name: len(split) for name, split in everything.items()} == {"iter_1": 2, "iter_2": 1, "iter_3": 1}
    alias = load(tmp_path / "d", "iter_2", cache=tmp_path / "c")
    assert list(alias) == ["train"]
    row = alias["train"][0]
    assert (row["answer"], row["answer_value"], row["unit"], row["options"]) == ("2.5", "2.5", "m", [])
    validate("sample", row, where="row", error=SnapshotError)
    assert row == to_row(sample(3, 2, type="number", value=2.5, text="2.5", unit="m"))


@pytest.mark.parametrize("value", [True, 3, 2.5, "left", ("a", "b")])
def test_every_published_answer_is_a_string(value: Any) -> None:
    kind = {bool: "boolean", int: "number", float: "number", str: "choice", tuple: "ordering"}[type(value)]
    row = to_row(sample(1, type=kind, value=value, text="x"))
    validate("sample", row, where="row", error=SnapshotError)
    if kind != "choice":
        assert json.loads(row["answer_value"]) == (list(value) if kind == "ordering" else value)


def test_the_id_is_a_function_of_rows_and_history(tmp_path: Path) -> None:
    one = build(tmp_path / "a", {1: [sample(1)], 2: [sample(2, 2)]})
    assert build(tmp_path / "b", {1: [sample(1)], 2: [sample(2, 2)]}) == one
    other = build(tmp_path / "c", {1: [sample(9)], 2: [sample(2, 2)]})
    assert other[1] != one[1] and other[2] != one[2]


def test_freezing_again_changes_nothing_and_a_damaged_file_is_written_again(tmp_path: Path) -> None:
    rounds = {1: [sample(1)], 2: [sample(2, 2)]}
    build(tmp_path, rounds)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()}
    build(tmp_path, rounds)
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()} == before
    shard = tmp_path / "data/iter_2-00000-of-00001.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:100])
    build(tmp_path, rounds)
    assert shard.read_bytes() == whole


def test_card_and_manifest_agree_and_show_no_paths(tmp_path: Path) -> None:
    build(tmp_path / "d", {1: [sample(1)]})
    found = read_manifest(tmp_path / "d")
    assert found is not None
    card = (tmp_path / "d/README.md").read_text()
    assert found["snapshots"][0]["id"] in card and str(tmp_path) not in card + json.dumps(found)
    from huggingface_hub import DatasetCard

    data = DatasetCard(card).data.to_dict()
    assert [c["config_name"] for c in data["configs"]] == ["default", "iter_1"]
    assert data["dataset_info"][0]["splits"][0]["num_examples"] == 1


def test_nothing_accepted_is_an_error_not_an_empty_dataset(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="accepted no rows"):
        freeze(tmp_path, [], iteration=1, parent=None, manifest=manifest(1))
    assert not list(tmp_path.iterdir())


def test_an_unprobed_sample_is_refused() -> None:
    with pytest.raises(SnapshotError, match="probed"):
        to_row(replace(sample(1), probe=None))


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(SnapshotError, match=r"manifest\.json: not readable"):
        read_snapshots(tmp_path)
