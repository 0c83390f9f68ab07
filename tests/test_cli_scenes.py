"""`ouroboros-data scenes …` as a newcomer meets it, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ouroboros_data.cli_scenes import scenes_app
from ouroboros_data.scenes import store as scenestore

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "errors_scenes.txt"
SMALL = ["--set", "frame_count=4", "--set", "size_px=[64, 48]"]


def run(*words: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ouroboros_data.cli", "scenes", *words]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, **(env or {})},
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of six rooms."""
    directory = tmp_path_factory.mktemp("cli")
    done = run("ingest", "procedural", "--out", "rooms", "--set", "count=6", *SMALL, cwd=directory)
    assert done.returncode == 0, done.stderr
    assert "6 scenes listed: 6 loaded, 0 were there already, 0 failed" in done.stdout
    assert "scenes: {adapter: store, root: rooms}" in done.stdout
    return directory


def test_the_same_command_again_loads_only_what_is_missing(place: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in (place / "rooms/scenes").iterdir()}
    assert len(files) == 6
    more = run("ingest", "procedural", "--out", "rooms", "--set", "count=8", *SMALL, cwd=place)
    assert "8 scenes listed: 2 loaded, 6 were there already, 0 failed" in more.stdout
    assert files.items() <= {p: p.stat().st_mtime_ns for p in (place / "rooms/scenes").iterdir()}.items()
    # Another option makes other records: they replace, and the pictures of the old ones go.
    options = ["--set", "count=8", "--set", "frame_count=5", "--set", "size_px=[64, 48]"]
    other = run("ingest", "procedural", "--out", "rooms", *options, "--limit", "2", cwd=place)
    assert "2 scenes listed: 2 loaded, 0 were there already" in other.stdout
    assert len(list((place / "rooms/scenes").iterdir())) == len(list((place / "rooms/media").iterdir())) == 8
    assert [entry.frames for entry in scenestore.entries(place / "rooms")] == [5, 5, 4, 4, 4, 4, 4, 4]


def test_list_and_show(place: Path) -> None:
    listed = run("list", "rooms", cwd=place).stdout
    assert "room-0-00003" in listed and "rendered" in listed and " spaces" in listed
    done = run(
        "show",
        "room-0-00003",
        "--store",
        "rooms",
        "--plot",
        "out/plan.png",
        "--frames",
        "out/sheet.png",
        cwd=place,
    )
    assert done.returncode == 0, done.stderr
    assert "objects, boxes annotated; frames rendered" in done.stdout and "camera at heights" in done.stdout
    plan, sheet = (np.asarray(Image.open(place / "out" / name)) for name in ("plan.png", "sheet.png"))
    assert max(plan.shape) > 1000 and len(np.unique(plan.reshape(-1, 3), axis=0)) > 50
    assert sheet.shape == (480 * 3 // 4 + 20, 4 * 480, 3) and sheet[20:].std() > 20


def test_a_recipe_reads_the_store(place: Path) -> None:
    (place / "mine.yaml").write_text("name: mine\nscenes: {adapter: store, root: rooms}\n")
    listed = run("list", "--recipe", "mine.yaml", cwd=place).stdout.split()
    assert listed[:4] == ["procedural", "room-0-00000", "procedural", "room-0-00001"]
    shown = run("show", "room-0-00001", "--recipe", "mine.yaml", "--set", "frames.count=3", cwd=place)
    assert "seen in of 3" in shown.stdout, shown.stderr


def test_check_of_a_source_and_of_a_store(place: Path, tmp_path: Path) -> None:
    done = run("check", "--source", "procedural", "--set", "count=3", *SMALL, cwd=tmp_path)
    assert done.returncode == 0 and "3 scenes: 3 ok, 0 usable with warnings, 0 unusable" in done.stdout
    assert list(tmp_path.iterdir()) == []
    shutil.copytree(place / "rooms", tmp_path / "rooms")
    video = next((tmp_path / "rooms/media").rglob("video.mp4"))
    video.unlink()
    bad = run("check", "rooms", "--json", cwd=tmp_path)
    assert bad.returncode == 1
    scenes = json.loads(bad.stdout)
    (broken,) = [scene for scene in scenes if scene["verdict"] != "ok"]
    assert broken["id"] == video.parent.name and broken["verdict"] == "unusable"
    (finding,) = broken["findings"]
    assert (finding["check"], finding["severity"]) == ("load", "error")
    assert "video.mp4: the scene's pictures are not there" in finding["what"]
    assert "scenes ingest" in finding["fix"]
    text = run("check", "rooms", cwd=tmp_path)
    assert text.returncode == 1 and f"{broken['id']}  unusable" in text.stdout and "→ delete" in text.stdout
    assert f"{len(scenes)} scenes: {len(scenes) - 1} ok" in text.stdout


BOX = {"centroid": [0, 0, 1], "axesLengths": [1, 1, 1], "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1]}


def layouts(folder: Path, **sizes: object) -> None:
    folder.mkdir(exist_ok=True)
    entries = {
        name: {"room_size": size, "object_counts": {"chair": 1}, "object_bbox": {"chair": [BOX]}}
        for name, size in sizes.items()
    }
    (folder / "scannet_meta_info.json").write_text(json.dumps(entries))


def test_a_bad_scene_costs_itself(tmp_path: Path) -> None:
    layouts(tmp_path / "dir", scene0000_00=20.0, scene0001_00=-1, scene0002_00="large")
    done = run("ingest", "meta_info", "dir", "--out", "store", *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 scenes listed: 1 loaded, 0 were there already, 2 failed" in done.stdout
    assert "scene0001_00: " in done.stdout and "room_size must be positive, got -1" in done.stdout
    assert {line["id"]: "failed" in line for line in scenestore.history(tmp_path / "store")} == {
        "scene0000_00": False,
        "scene0001_00": True,
        "scene0002_00": True,
    }
    assert "2 could not be loaded, for example scene0001_00" in run("list", "store", cwd=tmp_path).stdout
    layouts(tmp_path / "dir", scene0000_00=20.0, scene0001_00=18.0, scene0002_00="large")
    again = run("ingest", "meta_info", "dir", "--out", "store", *SMALL, cwd=tmp_path)
    assert "3 scenes listed: 1 loaded, 1 were there already, 1 failed" in again.stdout
    assert "1 could not be loaded, for example scene0002_00" in run("list", "store", cwd=tmp_path).stdout
    assert len(list((tmp_path / "store/media").iterdir())) == 2


ADAPTER = """
import os
from pathlib import Path
from ouroboros_data.types import *

class Adapter:
    def __init__(self, *, root, seed, options):
        self.root = root
    def refs(self):
        return [SceneRef(id=f"s{i}", source="odd", key=str(i)) for i in range(8)]
    def load(self, ref, media):
        if ref.id == "s2":
            raise ValueError("operands could not be broadcast\\ntogether")
        if ref.id == "s4":
            os._exit(9)  # as the kernel does for lack of memory
        i = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        pose = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
        thing = SceneObject(id="o", category="chair", center_m=(0.0, 0.0, 1.0), extent_m=(1.0, 1.0, 1.0), R_world_object=i)
        frame = CameraFrame(id="f", index=0, time_s=0.0, size_px=(4, 4), K_px=i, T_world_camera=pose)
        return Scene(id=ref.id, source="odd", space_id=ref.id, license="CC0-1.0", frames_origin="captured",
            room=Room(area_m2=9.0), objects=(thing,), frames=(frame,), root=str(self.root))
"""


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, str]:
    """An adapter of somebody else that fails in ways that no protocol allows."""
    site = tmp_path / "site"
    info = site / "odd_scans-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-scans\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ouroboros_data.scene_adapters]\nodd = odd_scans:Adapter\n")
    (site / "odd_scans.py").write_text(ADAPTER)
    (tmp_path / "raw").mkdir()
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))}


def test_bugs_and_dead_workers_cost_their_scene(tmp_path: Path, odd: dict[str, str]) -> None:
    done = run("ingest", "odd", "raw", "--out", "store", "--workers", "2", cwd=tmp_path, env=odd)
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, done.stderr
    assert "8 scenes listed: 6 loaded, 0 were there already, 2 failed" in done.stdout
    assert "s4: loading it ends its worker process, most likely for lack of memory" in done.stdout
    bug = "s2: the adapter failed: ValueError at odd_scans.py:13: operands could not be broadcast together"
    assert bug in done.stdout
    assert [entry.id for entry in scenestore.entries(tmp_path / "store")] == [
        "s0",
        "s1",
        "s3",
        "s5",
        "s6",
        "s7",
    ]
    (logged,) = [line for line in scenestore.history(tmp_path / "store") if line["id"] == "s2"]
    assert "Traceback" in logged["traceback"]
    checked = run("check", "raw", "--source", "odd", "--workers", "2", "--json", cwd=tmp_path, env=odd)
    assert checked.returncode == 1, checked.stderr
    loads = {
        s["id"]: s["findings"][0]["what"]
        for s in json.loads(checked.stdout)
        if s["findings"][0]["check"] == "load"
    }
    assert set(loads) == {"s2", "s4"} and bug.removeprefix("s2: ") == loads["s2"]


def test_scans_that_moved(tmp_path: Path, odd: dict[str, str]) -> None:
    run("ingest", "odd", "raw", "--out", "store", "--limit", "2", cwd=tmp_path, env=odd)
    (tmp_path / "raw").rename(tmp_path / "there")
    lost = run("show", "s0", "--store", "store", cwd=tmp_path)
    assert lost.returncode == 1 and "--root odd=DIR" in lost.stderr
    done = run("ingest", "--out", "store", "--root", "odd=there", cwd=tmp_path)
    assert done.returncode == 0 and "odd lies in there: 2 of its 2 scenes are there" in done.stdout
    assert run("show", "s0", "--store", "store", cwd=tmp_path).returncode == 0


def test_ctrl_c_loses_only_what_was_in_flight(tmp_path: Path) -> None:
    # Rooms that take long enough: on an idle machine forty small ones are done before the signal comes.
    slow = ["--set", "frame_count=16", "--set", "size_px=[320, 240]"]
    words = ["ingest", "procedural", "--out", "store", "--workers", "2", "--set", "count=40", *slow]
    command = [sys.executable, "-m", "ouroboros_data.cli", "scenes", *words]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job inherits "ignore", and so would this one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("store/scenes/*.parquet"))) < 5:
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)  # to the parent alone: the workers must not outlive it
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130, (out, err)
    assert err == "stopped. Nothing is lost: the same command goes on where this one stopped.\n"
    kept = len(scenestore.entries(tmp_path / "store"))
    assert 5 <= kept < 40 and scenestore.damaged(tmp_path / "store") == []
    again = run(*words, cwd=tmp_path)
    assert f"40 scenes listed: {40 - kept} loaded, {kept} were there already, 0 failed" in again.stdout
    assert (
        len(list((tmp_path / "store/media").iterdir()))
        == len(list((tmp_path / "store/scenes").iterdir()))
        == 40
    )


def test_two_ingests_into_one_store_are_refused(place: Path) -> None:
    with scenestore.locked(place / "rooms"):
        done = run("ingest", "procedural", "--out", "rooms", cwd=place)
    assert done.returncode == 1 and "another process writes to this store" in done.stderr


def bad_inputs(place: Path) -> dict[str, list[str]]:
    """Name to command; every one must end in one clear line."""
    layouts(place / "bad", scene0000_00=-1)
    (place / "empty").mkdir()
    (place / "other").mkdir()
    (place / "other/notes.txt").touch()
    layouts(place / "good", scene0000_00=20.0)
    made = run("ingest", "meta_info", "good", "--out", "store", *SMALL, cwd=place)
    assert made.returncode == 0
    return {
        "ingest of nothing": ["ingest", "--out", "new"],
        "ingest from nowhere": ["ingest", "meta_info", "nowhere", "--out", "new"],
        "ingest from an empty directory": ["ingest", "meta_info", "empty", "--out", "new"],
        "ingest with an unknown option": ["ingest", "meta_info", "good", "--out", "new", "--set", "frames=3"],
        "ingest with an option that is none": ["ingest", "meta_info", "good", "--out", "new", "--set", "frames"],
        "ingest of bad scenes alone": ["ingest", "meta_info", "bad", "--out", "new-bad"],
        "ingest into another directory": ["ingest", "meta_info", "good", "--out", "other"],
        "ingest into a file": ["ingest", "meta_info", "good", "--out", "other/notes.txt"],
        "a root of an unknown name": ["ingest", "--out", "store", "--root", "scannet=good"],
        "a root of no store": ["ingest", "--out", "other", "--root", "scannet=good"],
        "list of no store": ["list", "other"],
        "list of a recipe as a store": ["list", "quickstart"],
        "show from no store": ["show", "scene0000_00", "--store", "other"],
        "show of an unknown scene": ["show", "scene0001_00", "--store", "store"],
        "show to a place that cannot be written": [
            "show", "scene0000_00", "--store", "store", "--plot", "other/notes.txt/plan.png",
        ],
        "check of nothing": ["check"],
        "check without a source": ["check", "good"],
        "check of nowhere": ["check", "nowhere", "--source", "meta_info"],
    }  # fmt: skip


def test_bad_input_is_one_line_that_names_the_thing_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = bad_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    lines = []
    for name, words in commands.items():
        done = CliRunner().invoke(scenes_app, words)
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit), (name, done.exception)
        assert done.stderr.count("\n") == 1, (name, done.stderr)
        if "alone" not in name:
            assert not (tmp_path / "new").exists(), name
        lines.append(f"# {name}\n{done.stderr.replace(str(tmp_path), 'DIR')}")
    text = "".join(lines)
    if not GOLDEN.is_file():  # a first run writes what a person then reads and commits
        GOLDEN.write_text(text)
        pytest.fail(f"wrote {GOLDEN}: read it, then commit it")
    assert text == GOLDEN.read_text()


def test_help_names_the_commands(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert all(word in done.stdout for word in ("ingest", "check", "list", "show"))
