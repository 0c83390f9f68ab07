"""The command line as a newcomer meets it, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "errors.txt"


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ouroboros_data.cli", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in (
        "build",
        "report",
        "adapters",
        "doctor",
        "recipes",
        "scenes",
        "run-program",
        "verify",
        "audit",
    ):
        assert command in done.stdout


def test_recipes_and_adapters_are_listed(tmp_path: Path) -> None:
    assert {"quickstart", "real_layouts"} <= set(run("recipes", "list", cwd=tmp_path).stdout.split())
    shown = run("recipes", "show", "quickstart", "--set", "seed=7", cwd=tmp_path).stdout
    assert "seed: 7" in shown and "easy_above: 0.9" in shown
    assert shown.startswith("# ouroboros-data build --iter 3\n#\n# The whole loop") and yaml.safe_load(shown)
    assert {"procedural", "meta_info", "grammar", "tiny"} <= set(run("adapters", cwd=tmp_path).stdout.split())


def test_scenes_list_and_show(tmp_path: Path) -> None:
    listed = run("scenes", "list", "--set", "scenes.limit=3", cwd=tmp_path).stdout.split()
    assert len(listed) == 6
    done = run("scenes", "show", listed[1], "--frames", "out/sheet.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "objects" in done.stdout and (tmp_path / "out/sheet.png").stat().st_size > 1000


def bad_inputs(place: Path) -> dict[str, list[str]]:
    """Name to command; every one must end in one clear line."""
    (place / "empty").mkdir()
    (place / "broken").mkdir()
    (place / "broken/scannet_meta_info.json").write_text(
        '{"scene0000_00": {"room_size": 3,\n "object_counts" {}}'
    )
    (place / "bare").mkdir()
    (place / "bare/scannet_meta_info.json").write_text(
        json.dumps({"scene0000_00": {"room_size": 9.0, "object_counts": {}, "object_bbox": {}}})
    )
    (place / "key.yaml").write_text("name: x\nsceens: {}\n")
    (place / "file").touch()
    real = ["build", "real_layouts", "--run", "run", "--set", "engine.workers=1"]
    return {
        "scenes root is missing": [*real, "--set", "scenes.root=nowhere"],
        "scenes root is not given": real,
        "scenes root is empty": [*real, "--set", "scenes.root=empty"],
        "broken JSON": [*real, "--set", "scenes.root=broken"],
        "a scene with no objects": [*real, "--set", "scenes.root=bare"],
        "unknown recipe": ["build", "quickstrat"],
        "unknown recipe key": ["build", "key.yaml"],
        "unknown override": ["build", "quickstart", "--set", "solver.lr=1"],
        "unknown adapter": ["build", "quickstart", "--run", "run", "--set", "scenes.adapter=scanet"],
        "unknown adapter option": ["build", "quickstart", "--run", "run", "--set", "scenes.options.rooms=3"],
        "unknown solver": [
            "build",
            "quickstart",
            "--run",
            "run",
            "--set",
            "solver.name=huge",
            "--set",
            "scenes.options.count=2",
        ],
        "run directory cannot be written": ["build", "quickstart", "--run", "file/run"],
        "report of nothing": ["report", "nowhere"],
        "unknown scene": ["scenes", "show", "no-such-room"],
    }


def test_bad_input_is_one_line_that_names_the_thing_and_the_remedy(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lines = []
    for name, words in bad_inputs(tmp_path).items():
        before = {p for p in tmp_path.rglob("*.parquet")}
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 1, (name, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1, (name, done.stderr)
        assert {p for p in tmp_path.rglob("*.parquet")} == before
        lines.append(f"# {name}\n{done.stderr.replace(str(tmp_path), 'DIR').replace(str(ROOT), 'CHECKOUT')}")
    text = "".join(lines)
    if not GOLDEN.is_file():  # a first run writes what a person then reads and commits
        GOLDEN.write_text(text)
        pytest.fail(f"wrote {GOLDEN}: read it, then commit it")
    assert text == GOLDEN.read_text()
