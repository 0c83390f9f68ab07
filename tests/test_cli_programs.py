"""``run-program``, ``verify`` and ``audit`` as a person meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import audit_kit as kit
import pytest
from hand_scenes import draft, room
from typer.testing import CliRunner

from ouroboros_data.cli import app
from ouroboros_data.records import to_json
from ouroboros_data.scenes.file import save_scene

DISTANCE = 'def answer():\n    return number(distance(only("table"), only("tv")), "m")\n'
GOOD = draft(
    "How far is the table from the tv, in meters?",
    'return number(distance(only("table"), only("tv")), "m")',
    mentions=("table", "tv"),
)
AMBIGUOUS = draft(
    "Is the chair that is closest to the table less than 0.755 m from the table?",
    'near = closest(only("table"), objects("chair"))\nreturn boolean(distance(only("table"), near) < 0.755)',
    mentions=("table", "chair"),
    answer_type="boolean",
)
SEVERAL = draft(
    "How far is the table from the chair, in meters?",
    'return number(distance(only("table"), only("chair")), "m")',
    mentions=("table", "chair"),
)


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    save_scene(room(), tmp_path / "room.json")
    return tmp_path / "room.json"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place") / "store"
    kit.put(place, *map(kit.scene, kit.SCENES))
    return place


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("published") / "dataset"
    kit.publish(directory)
    return directory


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_run_program_says_answer_margin_and_objects(tmp_path: Path, scene: Path) -> None:
    done = run("run-program", write(tmp_path / "p.py", DISTANCE), "--scene", scene)
    assert done.exit_code == 0, done.output
    assert "answer    2.4 m" in done.output and re.search(r"margin    [124]\b", done.output)
    assert "objects   t, v" in done.output and "distance(t,v)" in done.output


def test_run_program_as_json_from_a_store(tmp_path: Path, store: Path) -> None:
    program = write(tmp_path / "p.py", DISTANCE)
    done = run("run-program", program, "--store", store, "--scene-id", "room-b", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["ok"] and said["answer"] == {"type": "number", "value": 2.4, "text": "2.4", "unit": "m"}
    assert (said["scene_id"], said["evidence"]["object_ids"]) == ("room-b", ["t", "v"]) and said[
        "margin"
    ] >= 1


def test_run_program_shows_only_the_named_frames(tmp_path: Path, scene: Path) -> None:
    program = write(tmp_path / "p.py", 'def answer():\n    return number(sampled_frames(), "count")\n')
    said = json.loads(run("run-program", program, "--scene", scene, "--frames", "f1,f3", "--json").output)
    assert said["answer"]["value"] == 2
    said = json.loads(run("run-program", program, "--scene", scene, "--json").output)
    assert said["answer"]["value"] == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('def answer():\n    return number(distance(only("table"), only("chair")), "m")\n', "not_unique"),
        ("def answer():\n    return 1 / 0\n", "runtime"),
        ("import os\n", "lint"),
        ("def answer(:\n", "syntax"),
        ("", "lint"),
    ],
)
def test_a_program_without_an_answer_says_why_and_exits_1(
    text: str, reason: str, tmp_path: Path, scene: Path
) -> None:
    program = write(tmp_path / "p.py", text)
    done = run("run-program", program, "--scene", scene)
    assert done.exit_code == 1 and f"no answer: {reason}: " in done.output
    said = json.loads(run("run-program", program, "--scene", scene, "--json").output)
    assert not said["ok"] and said["reason"] == reason and said["answer"] is None


def test_verify_gives_each_draft_its_verdict(tmp_path: Path, scene: Path) -> None:
    lines = [json.dumps(to_json(d)) for d in (GOOD, AMBIGUOUS, SEVERAL, GOOD)]
    elsewhere = to_json(GOOD) | {"question": {**to_json(GOOD.question), "scene_id": "nowhere"}}
    frames = to_json(GOOD) | {"question": {**to_json(GOOD.question), "frame_ids": ["f9"]}}
    lines += ["", "not json", '{"question": 3}', json.dumps(elsewhere), json.dumps(frames)]
    path = write(tmp_path / "drafts.jsonl", "\n".join(lines))
    done = run("verify", path, "--scene", scene, "--json", "--workers", 1)
    assert done.exit_code == 1, done.output
    said = {line["line"]: line["verdict"] for line in json.loads(done.output)}
    assert said[1]["status"] == "accepted" and said[1]["answer"]["text"] == "2.4" and said[1]["margin"] >= 1
    assert {n: (v["stage"], v["reason"]) for n, v in said.items() if n > 1} == {
        2: ("reference", "unnamed")
        if said[2]["reason"] == "unnamed"
        else (said[2]["stage"], said[2]["reason"]),
        3: ("execute", "not_unique"),
        4: ("duplicate", "duplicate"),
        6: ("schema", "schema"),
        7: ("schema", "schema"),
        8: ("schema", "scene"),
        9: ("schema", "frames"),
    }
    assert "frame 'f9'" in said[9]["detail"] and "nowhere" in said[8]["detail"]
    shown = run("verify", path, "--scene", scene, "--workers", 1)
    assert shown.exit_code == 1 and "3: " in shown.output and "rejected execute/not_unique" in shown.output


def test_verify_of_good_drafts_exits_0(tmp_path: Path, store: Path) -> None:
    path = write(tmp_path / "drafts.jsonl", json.dumps(to_json(GOOD)) + "\n")
    done = run("verify", path, "--store", store, "--workers", 1)
    assert done.exit_code == 0, done.output
    assert "1: " in done.output and "accepted: 2.4" in done.output


def test_verify_loads_scenes_of_a_recipe(tmp_path: Path) -> None:
    """Drafts of the shipped recipe's proposer about one of its rooms."""
    from ouroboros_data.config import load_recipe
    from ouroboros_data.media.frames import sample_frame_ids
    from ouroboros_data.plugins import Brief
    from ouroboros_data.stages.propose import open_proposer
    from ouroboros_data.stages.scenes import open_adapter

    small = ["scenes.limit=1"]
    recipe = load_recipe("quickstart", small)
    (tmp_path / "media").mkdir()
    adapter = open_adapter(recipe.scenes, recipe.seed)
    scene = adapter.load(next(iter(adapter.refs())), tmp_path / "media")
    frames = sample_frame_ids(scene, recipe.frames.count)
    drafts = open_proposer(recipe).propose(scene, frames, Brief(iteration=1, count=5, seed=1, weights={}))
    path = write(tmp_path / "d.jsonl", "".join(json.dumps(to_json(d)) + "\n" for d in drafts))
    done = run("verify", path, "--recipe", "quickstart", "--set", small[0], "--workers", 1, "--json")
    said = [line["verdict"] for line in json.loads(done.output)]
    assert len(said) == 5 and any(v["status"] == "accepted" for v in said)
    assert not [v for v in said if v["stage"] in ("schema", "execute")]


def test_audit_of_a_dataset_that_holds(dataset: Path, store: Path) -> None:
    done = run("audit", dataset, "--scenes", store, "--workers", 1)
    assert done.exit_code == 0, done.output
    assert " as published, 0 differ, 0 not checked" in done.output


def test_audit_shows_old_and_new_and_repairs(dataset: Path, store: Path, tmp_path: Path) -> None:
    def spoil(iteration: int, rows: list[dict[str, Any]]) -> set[int]:
        rows[2]["margin"] = 0.25
        return {2}

    kit.spoiled(dataset, tmp_path / "d", spoil)
    done = run("audit", tmp_path / "d", "--scenes", store, "--workers", 1, "--repair", tmp_path / "out")
    assert done.exit_code == 1, done.output
    assert f"{kit.shard(1)} row 2: " in done.output and "margin: 0.25 → " in done.output
    assert "2 differ (margin 2)" in done.output and "2 corrected, 0 dropped" in done.output
    again = run("audit", tmp_path / "out", "--scenes", store, "--workers", 1, "--json")
    assert again.exit_code == 0, again.output
    said = json.loads(again.output)
    assert said["clean"] and said["same"] == said["rows"] and said["differing"] == []


def test_audit_names_missing_scenes_and_the_remedy(dataset: Path, tmp_path: Path) -> None:
    kit.put(tmp_path / "store", kit.scene("room"))
    done = run("audit", dataset, "--scenes", tmp_path / "store", "--workers", 1)
    assert done.exit_code == 1
    assert (
        "scene room-b of hand is missing" in done.output and "scene room-c of hand is missing" in done.output
    )
    assert "to check those rows: ouroboros-data scenes ingest" in done.output
    said = json.loads(run("audit", dataset, "--scenes", tmp_path / "store", "--workers", 1, "--json").output)
    assert [m["id"] for m in said["missing"]] == ["room-b", "room-c"] and not said["clean"]


def test_nothing_to_repair_writes_nothing(dataset: Path, store: Path, tmp_path: Path) -> None:
    done = run("audit", dataset, "--scenes", store, "--workers", 1, "--repair", tmp_path / "out")
    assert done.exit_code == 0 and "no copy was written" in done.output
    assert not list(tmp_path.iterdir())


def test_without_a_jail_nothing_runs_unless_it_is_allowed(
    dataset: Path, store: Path, scene: Path, tmp_path: Path
) -> None:
    program = write(tmp_path / "p.py", DISTANCE)
    drafts = write(tmp_path / "d.jsonl", json.dumps(to_json(GOOD)) + "\n")
    commands = [
        ["run-program", program, "--scene", scene],
        ["verify", drafts, "--scene", scene, "--workers", "1"],
        ["audit", dataset, "--scenes", store, "--workers", "1"],
    ]
    for words in commands:
        done = run(*words, "--sandbox", "none")
        assert done.exit_code == 1 and "--allow-unjailed" in done.output, done.output
        assert done.output.count("\n") == 1
        assert run(*words, "--sandbox", "none", "--allow-unjailed").exit_code == 0


def test_bad_input_is_one_line(dataset: Path, store: Path, scene: Path, tmp_path: Path) -> None:
    program = write(tmp_path / "p.py", DISTANCE)
    binary = tmp_path / "b.py"
    binary.write_bytes(b"\xff\xfe")
    empty = write(tmp_path / "empty.jsonl", "\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    commands = {
        "no scenes": ["run-program", program],
        "give one of them": ["run-program", program, "--scene", scene, "--store", store],
        "no --scene-id": ["run-program", program, "--store", store],
        "no scene 'x'": ["run-program", program, "--store", store, "--scene-id", "x"],
        "no frame 'f9'": ["run-program", program, "--scene", scene, "--frames", "f9"],
        "No such file": ["run-program", tmp_path / "no.py", "--scene", scene],
        "not a program": ["run-program", binary, "--scene", scene],
        "not a scene store": ["run-program", program, "--store", tmp_path, "--scene-id", "room"],
        "holds no drafts": ["verify", empty, "--scene", scene],
        "cannot be read": ["verify", tmp_path / "no.jsonl", "--scene", scene],
        "one place": ["audit", dataset],
        "not a run directory": ["audit", dataset, "--run", tmp_path],
        "no such directory": ["audit", tmp_path / "no", "--scenes", store],
        "is there already": ["audit", dataset, "--scenes", store, "--repair", tmp_path / "full"],
        "no recipe": ["audit", dataset, "--scenes", store, "--recipe", "quickstrat"],
    }
    for said, words in commands.items():
        done = run(*words)
        assert done.exit_code == 1 and said in done.output, (said, done.output, done.exception)
        assert done.output.count("\n") == 1, done.output
