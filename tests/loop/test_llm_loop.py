"""A build whose questions a scripted language model writes: counts add up, and nothing is asked twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

RECIPE = """
name: written
seed: 5
iterations: 2
scenes: {adapter: example_rooms, holdout: 0.2, holdout_drafts: 3, options: {count: 20}}
frames: {count: 2}
proposer:
  name: llm
  drafts_per_scene: 3
  options:
    model: {name: example_script, options: {takes_images: true}}
    include: ["object_counting/*"]
    exemplars: 1
    scenes_at_once: 8
programs: {jitters: 2, constant_check_scenes: 0}
reviewer: {name: llm, options: {model: {name: example_script}, votes: 2}}
solver: {name: example_memory, steps: 4}
engine: {workers: 1}
"""


def build(
    directory: Path, environment: dict[str, str], *, kill_after: int = -1
) -> subprocess.CompletedProcess[str]:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "recipe.yaml").write_text(RECIPE)
    command = [sys.executable, "-m", "ouroboros_data.cli", "build", "recipe.yaml", "--run", "run"]
    extra = {"EXAMPLE_LOG": str(directory / "log"), "EXAMPLE_KILL_AFTER": str(kill_after)}
    return subprocess.run(
        command, cwd=directory, env={**environment, **extra}, capture_output=True, text=True, check=False, timeout=300
    )  # fmt: skip


def chats(directory: Path) -> Counter[str]:
    return Counter(line for line in (directory / "log").read_text().splitlines() if line.startswith("chat "))


def manifest(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "run/dataset/manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    directory = tmp_path_factory.mktemp("written")
    done = build(directory, environment)
    assert done.returncode == 0, done.stderr
    return directory


def test_counts_add_up_with_what_never_became_a_draft(whole: Path) -> None:
    reasons: Counter[str] = Counter()
    for entry in manifest(whole)["iterations"]:
        assert entry["proposed"] == entry["accepted"] + sum(entry["rejected"].values())
        assert sum(entry["proposed_by_bin"].values()) == entry["proposed"]
        assert entry["accepted"] > 0
        reasons.update(entry["rejected"])
    expected = {"parse/not_json", "parse/several", "parse/reply_schema", "parse/truncated", "execute/lint"}
    assert expected <= set(reasons), reasons
    assert any(name.startswith("brief/") for name in reasons), reasons
    assert reasons["review/contradicted"] > 0
    assert all(count > 0 for count in reasons.values())


def test_rows_say_who_wrote_them_what_was_mended_and_how_they_were_judged(whole: Path) -> None:
    rows = [
        row
        for path in sorted((whole / "run/dataset/data").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    fixes: Counter[str] = Counter()
    for row in rows:
        assert row["proposer"].startswith("llm/1-") and row["proposer"].endswith(" example_script")
        writing, review = json.loads(row["writing"]), json.loads(row["review"])
        assert writing["turn"] == "first"
        fixes.update(writing["fixes"])
        assert review["reviewer"].startswith("llm-reviewer/2-") and len(review["votes"]) == 2
        assert all(set(vote) == {"blind", "contradicted", "said", "said_blind"} for vote in review["votes"])
        assert row["question"].startswith("How many ") and row["answer"] == row["answer_value"]
        assert int(row["answer"]) == len(row["evidence"])  # what was counted
    assert fixes["fence"] > 0
    votes = [vote for row in rows for vote in json.loads(row["review"])["votes"]]
    assert any(vote["blind"] is None for vote in votes)  # abstentions are stored


def test_the_proposer_sees_the_frames_that_its_model_takes_and_the_reviewer_none(whole: Path) -> None:
    shown = Counter(line for line in (whole / "log").read_text().splitlines() if line.startswith("pictures"))
    assert set(shown) == {"pictures [(32,32,3),(32,32,3)]", "pictures []"}


def test_no_request_is_sent_twice(whole: Path, environment: dict[str, str]) -> None:
    before = chats(whole)
    assert before and set(before.values()) == {1}
    done = build(whole, environment)
    assert done.returncode == 0, done.stderr
    assert chats(whole) == before


@pytest.mark.parametrize("replies", [1, 20, 40])
def test_a_build_that_is_killed_between_reply_and_check_goes_on_without_asking_again(
    replies: int, whole: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    killed = build(tmp_path, environment, kill_after=replies)
    assert killed.returncode == -signal.SIGKILL
    assert sum(chats(tmp_path).values()) == replies
    done = build(tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert chats(tmp_path) == chats(whole)
    ids = [[s["id"] for s in manifest(d)["snapshots"]] for d in (tmp_path, whole)]
    assert ids[0] == ids[1]
