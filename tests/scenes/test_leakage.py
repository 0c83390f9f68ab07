"""No benchmark scene, and no other scan of its room, gets into training data unnoticed."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ouroboros_data.card import _guard, _overridden
from ouroboros_data.claim import check_claim
from ouroboros_data.config import Recipe, SceneSettings, recipe_from_mapping
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import SceneError
from ouroboros_data.progress import Silent
from ouroboros_data.records import to_json
from ouroboros_data.resources import problems
from ouroboros_data.scenes import leakage
from ouroboros_data.scenes.leakage import examine, guard_of
from ouroboros_data.stages.scenes import Skipped, ingest, listed
from ouroboros_data.store import RunStore
from ouroboros_data.types import Room, Scene

DATA = json.loads(leakage.DATA_FILE.read_text("utf-8"))
VSI = {entry["dataset"]: entry["ids"] for entry in DATA["lists"] if entry["rule"] == "vsi_bench"}


def rule_of(source: str, name: str, space: str = "") -> str | None:
    found = examine(source, name, space)
    assert found is None or found.blocked == (found.rule != "unknown_visit")
    return None if found is None else found.rule


def test_all_288_scenes_of_vsi_bench_are_blocked_by_name() -> None:
    assert {name: len(ids) for name, ids in VSI.items()} == {
        "scannet": 88,
        "arkitscenes": 150,
        "scannetpp": 50,
    }
    for source, ids in VSI.items():
        assert {rule_of(source, name) for name in ids} == {"vsi_bench"}
        found = examine(source, ids[0])
        assert found is not None and found.reason == "leakage guard: a scene of VSI-Bench"


def test_every_scan_of_a_benchmark_space_is_blocked() -> None:
    # scene0025_01 is in VSI-Bench; scene0025_07 is in no list at all.
    found = examine("scannet", "scene0025_07")
    assert found is not None and found.rule == "space_of_vsi_bench"
    assert found.reason == "leakage guard: the same space (scene0025) as scene0025_01, a scene of VSI-Bench"
    # 41159525 is in VSI-Bench; the rest of its visit is in Training, but for one.
    assert rule_of("arkitscenes", "41159525") == "vsi_bench"
    assert rule_of("arkitscenes", "41159519") == "official_fold"
    for name in ("41159521", "41159526"):
        found = examine("arkitscenes", name)
        assert found is not None and found.rule == "space_of_vsi_bench" and "(381879)" in found.reason
    # A video that no list knows, but whose visit the adapter does.
    assert rule_of("arkitscenes", "99999999") is None
    assert rule_of("arkitscenes", "99999999", "381879") == "space_of_vsi_bench"


def test_official_folds_are_blocked() -> None:
    assert rule_of("scannet", "scene0707_00") == "official_fold"  # test
    assert rule_of("scannet", "scene0011_00") == "official_fold"  # val, not in VSI-Bench
    assert rule_of("scannet", "scene0000_00") is None  # train
    assert rule_of("arkitscenes", "47333462") is None


def test_an_unknown_visit_is_flagged_and_not_blocked() -> None:
    found = examine("arkitscenes", "40753679")
    assert found is not None and (found.rule, found.blocked) == ("unknown_visit", False)


def test_other_sources_are_untouched_and_a_longer_name_does_not_hide_one() -> None:
    assert examine("procedural", "scene0025_01") is None
    assert examine("my_scans", "41159525") is None
    assert rule_of("scannet_train", "scene0025_01") == "vsi_bench"
    # The two datasets begin alike; their ids do not mix.
    assert rule_of("scannetpp", "7b6477cb95") == "vsi_bench"
    assert rule_of("scannet", "7b6477cb95") is None
    assert rule_of("scannetpp", "scene0025_01") is None


def test_the_shipped_ids_are_those_of_the_official_lists(shared_data: Path) -> None:
    folds: dict[str, tuple[str, str]] = {}
    for path in sorted((shared_data / "arkitscenes").glob("*_train_val_splits.csv")):
        with path.open() as handle:
            folds |= {row["video_id"]: (row["visit_id"], row["fold"]) for row in csv.DictReader(handle)}
    assert len(folds) == 5071
    held_out = {visit for visit, fold in folds.values() if fold == "Validation"}
    for video, (visit, _) in folds.items():
        rule = rule_of("arkitscenes", video)
        assert (rule is not None and rule != "unknown_visit") == (visit in held_out), video
        assert (rule == "unknown_visit") == (visit == "NA"), video
    lists = {
        name: (shared_data / f"scannet/scannetv2_{name}.txt").read_text().split()
        for name in ("train", "val", "test")
    }
    assert {rule_of("scannet", name) for name in lists["train"]} == {None}
    assert None not in {rule_of("scannet", name) for name in lists["val"] + lists["test"]}
    asked = [
        json.loads(line) for line in (shared_data / "vsi_bench/questions.jsonl").read_text().splitlines()
    ]
    assert {rule_of(row["dataset"], row["scene_name"]) for row in asked} == {"vsi_bench"}


def box(x: float, y: float, *lengths: float) -> dict[str, Any]:
    axes = [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    return {"centroid": [x, y, lengths[2] / 2], "axesLengths": list(lengths), "normalizedAxes": axes}


def entry(shift: float = 0.0) -> dict[str, Any]:
    boxes = {
        "table": [box(0.5 + shift, 0.5, 1.6, 0.8, 0.8)],
        "chair": [box(-1.2, 1.4, 0.5, 0.5, 0.9), box(1.6, -1.2, 0.5, 0.6, 0.9)],
        "cabinet": [box(-1.8, -1.5 + shift, 0.4, 0.6, 1.8)],
        "bed": [box(1.9, 1.9, 1.1, 1.8, 0.5)],
    }
    counts = {name: len(found) for name, found in boxes.items()}
    return {"room_size": 24.5 + shift, "object_counts": counts, "object_bbox": boxes}


def write(root: Path, dataset: str, names: list[str]) -> Path:
    root.mkdir(exist_ok=True)
    data = {name: entry(0.1 * i) for i, name in enumerate(names)}
    (root / f"{dataset}_meta_info.json").write_text(json.dumps(data))
    return root


def recipe(root: Path, **more: Any) -> Recipe:
    options = {"frame_count": 2, "size_px": [32, 32]}
    settings = SceneSettings(adapter="meta_info", root=str(root), options=options)
    return Recipe(name="x", scenes=settings, **more)


def taken(asked: Recipe, run: Path) -> tuple[list[str], list[Skipped]]:
    with RunStore(run) as store, LocalEngine(1) as engine:
        scenes, skipped = ingest(asked, store, engine, Silent())
    return [scene.id for scene in scenes], skipped


def test_a_training_run_leaves_benchmark_scenes_out_and_goes_on(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "scannet", ["scene0025_01", "scene0000_00", "scene0025_07"])
    names, skipped = taken(recipe(root), tmp_path / "run")
    assert names == ["scene0000_00"]
    assert [(s.id, s.rule) for s in skipped] == [
        ("scene0025_01", "vsi_bench"),
        ("scene0025_07", "space_of_vsi_bench"),
    ]
    assert not (tmp_path / "run/media/scene0025_01").exists(), "a blocked scene is not even loaded"
    everything = ["scene0025_01", "scene0000_00", "scene0025_07"]
    assert taken(recipe(root, purpose="test"), tmp_path / "run") == (everything, [])
    allowed = recipe(root)
    allowed = replace(allowed, scenes=replace(allowed.scenes, allow_benchmark_scenes=True))
    assert taken(allowed, tmp_path / "run") == (everything, [])


def test_a_visit_that_only_the_adapter_knows_blocks_too(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "arkitscenes", ["90000001", "90000002", "40753679"])
    rows = "video_id,visit_id,fold\n90000001,381879,Training\n90000002,1,Training\n40753679,NA,Training\n"
    (root / "3dod_train_val_splits.csv").write_text(rows)
    names, skipped = taken(recipe(root), tmp_path / "run")
    assert names == ["90000002", "40753679"]
    assert [(s.id, s.rule) for s in skipped] == [("90000001", "space_of_vsi_bench")]
    # The verdict is not part of the stored scene: without the guard the same unit is used.
    assert taken(recipe(root, purpose="test"), tmp_path / "run")[0] == ["90000001", "90000002", "40753679"]


def test_nothing_left_says_what_to_do(tmp_path: Path) -> None:
    root = write(tmp_path / "root", "scannet", ["scene0025_01", "scene0707_00"])
    with pytest.raises(SceneError) as caught:
        listed(recipe(root))
    assert str(caught.value) == (
        f"{root}: all 2 scenes are kept out of training; the first, scene0025_01: leakage guard: a scene of VSI-Bench "
        "(purpose: test, or --allow-benchmark-scenes, or other scenes)"
    )
    assert len(listed(recipe(root, purpose="test"))[0]) == 2
    visit = write(tmp_path / "visit", "arkitscenes", ["90000001"])
    (visit / "3dod_train_val_splits.csv").write_text("video_id,visit_id,fold\n90000001,381879,Training\n")
    with pytest.raises(
        SceneError, match=r"none of 1 .*1 of them by the leakage guard.*--allow-benchmark-scenes"
    ):
        taken(recipe(visit), tmp_path / "run")


def scene(source: str, name: str) -> Scene:
    return Scene(id=name, source=source, space_id=name, license="", frames_origin="captured",
                 room=Room(area_m2=1.0), objects=(), frames=())  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "allowed", "status", "card", "warns"),
    [
        ("train", False, "on", "None: the leakage guard was on and left out 3 scenes (ids 1-", False),
        ("test", False, "off", "1 scene; the leakage guard is off for test data (ids 1-", False),
        ("train", True, "overridden", "1 scene; the leakage guard was overridden (`allow_bench", True),
    ],
)
def test_manifest_and_card_say_what_the_guard_did(
    purpose: str, allowed: bool, status: str, card: str, warns: bool
) -> None:
    scenes = [
        scene("scannet", "scene0000_00"),
        scene("arkitscenes", "40753679"),
        scene("procedural", "room-1"),
    ]
    if status != "on":
        scenes.append(scene("scannet", "scene0025_01"))
    guard = to_json(guard_of(purpose, allowed, scenes, 3))
    assert guard["status"] == status and guard["data"] == leakage.data_version()
    assert guard["benchmark_scenes"] == ([] if status == "on" else ["scene0025_01"])
    assert guard["flagged"] == ["40753679"]
    assert not [path for path, _ in problems("manifest", {"leakage": guard}) if path.startswith("leakage")]
    assert [path for path, _ in problems("manifest", {"leakage": {**guard, "status": "?"}}) if "leak" in path]
    manifest = {"leakage": guard, "scenes": {"train": 3, "held_out": 1}}
    assert _guard(manifest).startswith(card) and "40753679" in _guard(manifest)
    assert ("1 of 4 scenes are those of VSI-Bench" in _overridden(manifest)) == warns
    assert _guard({}) == "Not checked." and _overridden({}) == ""


def test_a_run_from_before_the_guard_is_still_the_same_run(tmp_path: Path) -> None:
    asked = recipe_from_mapping({"name": "old", "scenes": {"holdout": 0.2}}, where="")
    before = to_json(asked)
    del before["scenes"]["allow_benchmark_scenes"]
    with RunStore(tmp_path) as store:
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(before))
        check_claim(store, asked)


def test_the_option_of_the_command_line_reaches_manifest_and_card(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    names = ["scene0025_01", "scene0000_00", "scene0025_07", "scene0000_01", "scene0001_00", "scene0002_00"]
    root = write(tmp_path / "root", "scannet", names)
    (tmp_path / "recipe.yaml").write_text(
        f"""
name: leak
iterations: 1
scenes: {{adapter: meta_info, root: {root}, holdout: 0.2, options: {{frame_count: 12}}}}
frames: {{count: 6}}
proposer: {{name: grammar, drafts_per_scene: 24}}
programs: {{jitters: 2}}
solver: {{name: example_memory, steps: 4}}
"""
    )

    def build(run: str, *more: str) -> tuple[dict[str, Any], str]:
        command = [sys.executable, "-m", "ouroboros_data.cli", "build", "recipe.yaml", "--run", run, *more]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        dataset = tmp_path / run / "dataset"
        return json.loads((dataset / "manifest.json").read_text()), (dataset / "README.md").read_text()

    manifest, card = build("guarded")
    assert manifest["leakage"]["status"] == "on" and manifest["leakage"]["blocked"] == 2
    assert [s["id"] for s in manifest["scenes"]["skipped"]] == ["scene0025_01", "scene0025_07"]
    assert "left out 2 scenes" in card and "Holds benchmark scenes" not in card
    manifest, card = build("allowed", "--allow-benchmark-scenes")
    assert manifest["leakage"]["status"] == "overridden" and manifest["leakage"]["blocked"] == 0
    assert sorted(manifest["leakage"]["benchmark_scenes"]) == ["scene0025_01", "scene0025_07"]
    assert manifest["recipe"]["scenes"]["allow_benchmark_scenes"] is True
    assert manifest["scenes"]["skipped"] == [] and "Holds benchmark scenes" in card
