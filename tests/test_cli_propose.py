"""``propose`` and ``families`` as a person meets them."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ouroboros_data.cli import app
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.report import families as pages
from ouroboros_data.report.families import END, START
from ouroboros_data.report.funnel import STEPS, Fate, Live, reasons, steps, tables
from ouroboros_data.stages.gates import GATES

RECIPE = """
name: example
seed: 3
scenes: {adapter: example_rooms, holdout: 0.2, options: {count: 26}}
frames: {count: 2}
proposer: {name: example_counts, drafts_per_scene: 6}
programs: {jitters: 2}
solver: {name: example_memory, steps: 4}
engine: {workers: 2}
"""


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def start(
    directory: Path, environment: dict[str, str], *words: str, sleep: float = 0.0
) -> subprocess.Popen[str]:
    (directory / "recipe.yaml").write_text(RECIPE)
    return subprocess.Popen(
        [sys.executable, "-m", "ouroboros_data.cli", words[0], "recipe.yaml", *words[1:]],
        cwd=directory,
        env={**environment, "EXAMPLE_LOG": str(directory / "log"), "EXAMPLE_SLEEP": str(sleep)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # type: ignore[arg-type, return-value]
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(directory: Path, environment: dict[str, str], *words: str, code: int = 0) -> str:
    process = start(directory, environment, *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    return out


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    directory = tmp_path_factory.mktemp("proposed")
    told = json.loads(finish(directory, environment, "propose", "--run", "run", "--json"))
    (directory / "told.json").write_text(json.dumps(told))
    return directory


def test_counts_add_up_and_are_those_of_the_files(proposed: Path) -> None:
    told = json.loads((proposed / "told.json").read_text())
    files = {name: lines(proposed / path) for name, path in told["files"].items()}
    funnel = told["funnel"]
    assert list(funnel) == list(STEPS) and list(funnel.values()) == sorted(funnel.values(), reverse=True)
    assert funnel["proposed"] == len(files["accepted.jsonl"]) + len(files["rejected.jsonl"]) > 0
    assert funnel["accepted"] == len(files["accepted.jsonl"]) > 0
    assert funnel["proposed"] - funnel["accepted"] == sum(told["rejected"].values()) > 0
    for step in STEPS:
        assert funnel[step] == sum(family[step] for family in told["families"].values())
    verdicts = files["verdicts.jsonl"]
    assert len(verdicts) == funnel["proposed"]
    for row in verdicts:
        draft, verdict = files[row["file"]][row["line"] - 1], row["verdict"]
        assert draft["question"]["id"] == verdict["question_id"]
        assert row["file"] == f"{verdict['status']}.jsonl"
    why = Counter(f"{v['verdict']['stage']}/{v['verdict']['reason']}" for v in verdicts)
    assert {name: n for name, n in why.items() if name != "/"} == told["rejected"]
    assert {row["id"] for row in told["skipped"]} == {"example-6", "example-13", "example-20"}


def test_verify_reads_both_files(proposed: Path, environment: dict[str, str]) -> None:
    words = ["--recipe", "recipe.yaml", "--json"]
    for name, code in (("accepted", 0), ("rejected", 1)):
        command = [sys.executable, "-m", "ouroboros_data.cli", "verify", f"run/proposals/{name}.jsonl"]
        done = subprocess.run(
            [*command, *words], cwd=proposed, env=environment, capture_output=True, text=True, check=False
        )
        rows = json.loads(done.stdout)
        if name == "accepted":
            assert done.returncode == code and {r["verdict"]["status"] for r in rows} == {"accepted"}
        else:  # what was rejected for what it repeats stands here without it
            assert len(rows) == len(lines(proposed / "run/proposals/rejected.jsonl"))
            assert all("is not a draft" not in r["verdict"]["detail"] for r in rows)


def test_the_second_time_nothing_is_asked_and_a_build_goes_on(
    proposed: Path, environment: dict[str, str]
) -> None:
    before = Counter((proposed / "log").read_text().splitlines())
    out = finish(proposed, environment, "propose", "--run", "run")
    assert Counter((proposed / "log").read_text().splitlines()) == before
    assert "Proposals by family" in out and "object_counting" in out and "duplicate" in out
    finish(proposed, environment, "build", "--run", "run", "--iter", "1")
    after = Counter((proposed / "log").read_text().splitlines())
    again = {line for line in after if line.split()[0] == "scene" or line.startswith("propose 1 ")}
    assert again and all(after[line] == before[line] == 1 for line in again)


def test_ctrl_c_is_clean_and_the_same_command_goes_on(
    environment: dict[str, str], tmp_path: Path, proposed: Path
) -> None:
    process = start(tmp_path, environment, "propose", "--run", "run", sleep=0.05)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run/units/scenes").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "same command goes on" in err and "Traceback" not in err
    assert not (tmp_path / "run/proposals").exists()
    finish(tmp_path, environment, "propose", "--run", "run", "--out", "elsewhere")
    for name in ("accepted.jsonl", "rejected.jsonl", "verdicts.jsonl"):
        assert (tmp_path / "elsewhere" / name).read_bytes() == (
            proposed / "run/proposals" / name
        ).read_bytes()


def test_another_recipe_in_the_same_directory_is_refused(proposed: Path, environment: dict[str, str]) -> None:
    process = start(proposed, environment, "propose", "--run", "run", "--set", "seed=4")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "another recipe" in err and "Traceback" not in err


def test_dry_run_without_a_prompt_shows_the_brief() -> None:
    done = run("propose", "--dry-run", "--set", "proposer.options.include=[route_planning/*]")
    assert done.exit_code == 0, done.output
    assert "needs no prompt" in done.output and "up to 12 drafts" in done.output
    assert done.output.count("33.33%") == 3 and "room-0-00000" in done.output


def test_dry_run_shows_the_prompt_of_a_proposer_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(self: Grammar, scene: Any, frame_ids: Any, brief: Any) -> str:
        return f"PROMPT [bold] about {scene.id}, {len(frame_ids)} frames, {brief.count} drafts"

    monkeypatch.setattr(Grammar, "preview", preview, raising=False)
    words = ["propose", "--dry-run", "--scene-id", "room-0-00002"]
    assert run(*words).output == "PROMPT [bold] about room-0-00002, 4 frames, 12 drafts\n"
    told = json.loads(run(*words, "--json").output)
    assert told["prompt"].startswith("PROMPT") and told["brief"]["count"] == 12
    missing = run("propose", "--dry-run", "--scene-id", "kitchen")
    assert missing.exit_code == 1 and "no scene 'kitchen'" in missing.output


def test_every_step_of_the_funnel_is_reached_by_its_gates() -> None:
    stages = dict.fromkeys(GATES)
    fates = [Fate(bin="a/x", stage=stage, reason="r") for stage in stages] + [Fate(bin="b/y")]
    counts = steps(fates)
    assert counts["proposed"] == len(fates) and counts["accepted"] == 1
    assert counts["proposed"] > counts["parsed"] > counts["ran"] > counts["gated"] >= counts["reviewed"] >= 1
    assert sum(reasons(fates).values()) == len(stages)
    # What passed all gates but the reviewer's is gated; what the sandbox refused did not run.
    assert steps([Fate(bin="a/x", stage="review", reason="r")])["gated"] == 1
    assert steps([Fate(bin="a/x", stage="execute", reason="r")]) | {"gated": 0} == {
        "proposed": 1, "parsed": 1, "ran": 0, "gated": 0, "reviewed": 0, "accepted": 0,
    }  # fmt: skip
    assert steps([Fate(bin="a/x", stage="margin", reason="r")])["ran"] == 1


def test_live_counts_are_by_family_and_reason() -> None:
    live = Live()
    live.add(
        [
            {"draft": {"bin": "a/x"}, "verdict": {"stage": "", "reason": ""}},
            {"draft": {"bin": "a/y"}, "verdict": {"stage": "margin", "reason": "ambiguous"}},
            {"bin": "b/z", "stage": "parse", "reason": "not_json"},
        ]
    )
    console = Console(width=100, height=24, record=True, file=io.StringIO())
    console.print(live)
    text = console.export_text()
    assert re.search(r"a +1/2 +b +0/1", text) and "1 of 3 accepted" in text
    assert "margin/ambiguous 1" in text and "parse/not_json 1" in text
    assert [table.row_count for table in tables(live.fates)] == [3, 2]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 12), (200, 50), (30, 10)])
def test_live_counts_fit_the_terminal(width: int, height: int) -> None:
    live = Live()
    named = [f"family_number_{n}" for n in range(70)]
    live.add([{"draft": {"bin": f"{n}/x"}, "verdict": {"stage": "", "reason": ""}} for n in named])
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(live)
    shown = console.export_text().splitlines()
    assert len(shown) <= height - 4 and all(len(line.rstrip()) <= width for line in shown)
    if (width, height) == (200, 50):
        assert all(re.search(rf"{name} +1/1", "\n".join(shown)) for name in named)


def test_families_lists_every_family_with_its_knobs() -> None:
    listed = json.loads(run("families", "--json", "--no-examples").output)
    assert [entry["name"] for entry in listed] == list(FAMILIES)
    for entry in listed:
        family = FAMILIES[entry["name"]]
        assert list(entry["bins"]) == list(family.knobs) and entry["group"] == family.group
        assert entry["wordings"] == len(family.wordings) and entry["note"] == family.note


def test_a_named_family_has_an_example_for_every_knob() -> None:
    (entry,) = json.loads(run("families", "obj_appearance_order", "--json").output)
    assert [e["bin"] for e in entry["examples"]] == [f"obj_appearance_order/{k}" for k in entry["bins"]]
    for example in entry["examples"]:
        assert example["question"].endswith("?") and "def answer():" in example["program"]
        assert example["answer"] in "ABCD" and len(example["options"]) >= 2
    shown = run("families", "room_size_estimation").output
    assert "Q: " in shown and "def answer():" in shown and "families, " not in shown


def test_a_knob_without_an_example_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ROOMS", 2)  # whose cameras keep their height
    done = run("families", "camera_camera_elevation")
    assert done.exit_code == 0 and "no example in 2 rooms: clear, slight" in done.output


def test_an_unknown_family_has_a_suggestion() -> None:
    done = run("families", "rout_planning")
    assert done.exit_code == 1 and "did you mean route_planning?" in done.output


def test_families_of_somebody_elses_proposer(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "ouroboros_data.cli", "families", "--proposer", "example_counts"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "object_counting" in done.stdout and "how many of two kinds" in done.stdout


def test_the_tables_go_between_the_marks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    assert run("families", "--into", page).exit_code == 0
    text = page.read_text("utf-8")
    assert text == f"before\n{START}\n\n{run('families', '--markdown').output}\n{END}\nafter\n"
    assert all(f"| `{name}/{knob}` |" in text for name, family in FAMILIES.items() for knob in family.knobs)
    page.write_text("no marks")
    done = run("families", "--into", page)
    assert done.exit_code == 1 and "no place for the tables" in done.output and page.read_text() == "no marks"
