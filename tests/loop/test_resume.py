"""The whole loop with a third party's installed plug-ins: same result after any interruption, no work done twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

RECIPE = """
name: example
seed: 3
iterations: 3
scenes: {adapter: example_rooms, holdout: 0.2, options: {count: 26}}
frames: {count: 2}
proposer: {name: example_counts, drafts_per_scene: 6}
programs: {jitters: 2}
solver: {name: example_memory, steps: 4}
engine: {workers: 2}
"""


def _interruptible() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background of a shell is born deaf to Ctrl-C


def start(
    directory: Path, environment: dict[str, str], *more: str, sleep: float = 0.0
) -> subprocess.Popen[str]:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "recipe.yaml").write_text(RECIPE)
    command = [sys.executable, "-m", "ouroboros_data.cli", "build", "recipe.yaml", "--run", "run", *more]
    extra = {"EXAMPLE_LOG": str(directory / "log"), "EXAMPLE_SLEEP": str(sleep)}
    return subprocess.Popen(
        command,
        cwd=directory,
        env={**environment, **extra},
        preexec_fn=_interruptible,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(directory: Path, environment: dict[str, str], *more: str) -> str:
    process = start(directory, environment, *more)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def snapshots(directory: Path) -> list[str]:
    manifest: dict[str, Any] = json.loads((directory / "run/dataset/manifest.json").read_text())
    return [s["id"] for s in manifest["snapshots"]]


def calls(directory: Path) -> Counter[str]:
    return Counter((directory / "log").read_text().splitlines())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    finish(directory, environment)
    return directory


def test_counts_add_up_and_the_bad_scene_is_told(whole: Path, environment: dict[str, str]) -> None:
    manifest = json.loads((whole / "run/dataset/manifest.json").read_text())
    for entry in manifest["iterations"]:
        assert entry["proposed"] == entry["accepted"] + sum(entry["rejected"].values())
        assert entry["accepted"] == sum(entry["bands"].values()) > 0
    assert [s["id"] for s in manifest["scenes"]["skipped"]] == ["example-6", "example-13", "example-20"]
    assert manifest["scenes"]["train"] + manifest["scenes"]["held_out"] == 23
    assert str(whole) not in json.dumps(manifest)


def test_the_same_recipe_gives_the_same_snapshots(
    whole: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    finish(tmp_path, environment)
    assert snapshots(tmp_path) == snapshots(whole)


def test_a_finished_run_asks_nothing_again(whole: Path, environment: dict[str, str]) -> None:
    before = calls(whole)
    out = finish(whole, environment)
    assert calls(whole) == before
    assert "accepted rows" in out and "load_dataset" in out


def test_more_iterations_continue(whole: Path, environment: dict[str, str], tmp_path: Path) -> None:
    finish(tmp_path, environment, "--iter", "1")
    one = snapshots(tmp_path)
    finish(tmp_path, environment, "--iter", "3")
    assert snapshots(tmp_path) == snapshots(whole) and snapshots(whole)[:1] == one
    assert max(calls(tmp_path).values()) == 1


def test_kill_9_at_ten_moments_then_resume(whole: Path, environment: dict[str, str], tmp_path: Path) -> None:
    kills = 0
    for attempt in range(40):
        process = start(tmp_path, environment, sleep=0.06)
        try:
            process.communicate(timeout=1.5 + 0.37 * attempt)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        for line in _parquets(tmp_path):
            assert line.stat().st_size > 0
    assert kills >= 10, "the run ended before it was killed ten times: raise the sleep"
    finish(tmp_path, environment)
    assert snapshots(tmp_path) == snapshots(whole)
    # Only units that were in flight when the process died may have been begun again, each kill owing at most the
    # two shards that the two workers held, or the one model unit.
    again = Counter(line.split()[0] for line, n in calls(tmp_path).items() for _ in range(n - 1))
    assert again["scene"] <= 4 * kills and again["propose"] <= 4 * 8 * kills
    assert again["train"] <= kills and again["score-False"] <= 512 * kills


def test_ctrl_c_says_how_to_go_on(environment: dict[str, str], tmp_path: Path, whole: Path) -> None:
    process = start(tmp_path, environment, sleep=0.05)
    deadline = time.monotonic() + 60
    while not (tmp_path / "log").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "same command goes on" in err and "Traceback" not in err
    finish(tmp_path, environment)
    assert snapshots(tmp_path) == snapshots(whole)


def test_another_recipe_in_the_same_directory_is_refused(whole: Path, environment: dict[str, str]) -> None:
    process = start(whole, environment, "--set", "seed=4")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "another recipe" in err and "Traceback" not in err


def test_the_plugin_whose_import_fails_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    process = start(tmp_path, environment, "--set", "scenes.adapter=broken_import")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "a_package_that_nobody_has" in err and "Traceback" not in err


def _parquets(directory: Path) -> list[Path]:
    return (
        sorted((directory / "run/dataset").rglob("[!.]*.parquet"))
        if (directory / "run/dataset").exists()
        else []
    )
