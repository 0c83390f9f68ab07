"""Spoiled datasets are found out row by row, exactly those rows; what a repair leaves is right."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import audit_kit as kit
import pytest
from datasets import load_dataset

from ouroboros_data.auditing.audit import Report, Scenes, audit, scenes_of_run, scenes_of_store
from ouroboros_data.auditing.published import read_published
from ouroboros_data.auditing.repair import write_copy
from ouroboros_data.errors import SandboxError, SnapshotError, StoreError
from ouroboros_data.progress import Silent
from ouroboros_data.resources import validate
from ouroboros_data.snapshot import read_manifest

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("published") / "dataset"
    kit.publish(directory)
    return directory


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("scenes") / "store"
    kit.put(directory, *map(kit.scene, kit.SCENES))
    return directory


def audited(directory: Path, scenes: Scenes | Path, *, repair: bool = False, workers: int = 1) -> Report:
    published = read_published(directory)
    looked, programs = published.settings()
    return audit(
        published,
        scenes_of_store(scenes) if isinstance(scenes, Path) else scenes,
        programs=programs,
        min_pixel_share=looked.min_pixel_share,
        workers=workers,
        progress=Silent(),
        repair=repair,
    )


def repaired(directory: Path, store: Path, out: Path) -> tuple[Report, Any]:
    report = audited(directory, store, repair=True)
    published = read_published(directory)
    return report, write_copy(published, report, out, published.settings()[1])


def found(report: Report) -> set[tuple[str, int]]:
    return {(row.file, row.position) for row in report.differing}


def columns(report: Report) -> set[str]:
    return {d.column for row in report.differing for d in row.differences}


def flip(row: dict[str, Any]) -> None:
    """Another answer of the same kind, consistent with itself."""
    if row["answer_type"] == "choice":
        at = (ord(row["answer"]) - ord("A") + 1) % len(row["options"])
        row["answer"], row["answer_value"] = "ABCDEFGHIJ"[at], row["options"][at]
    elif row["answer_type"] == "boolean":
        row["answer"] = {"yes": "no", "no": "yes"}[row["answer"]]
        row["answer_value"] = {"yes": "true", "no": "false"}[row["answer"]]
    elif row["answer_type"] == "ordering":
        items = row["answer"].split(", ")
        row["answer"] = ", ".join([*items[1:], items[0]])
        row["answer_value"] = json.dumps([*items[1:], items[0]], separators=(",", ":"))
    else:
        row["answer"] = str(round(float(row["answer"]) + 1, 1)).removesuffix(".0")
        row["answer_value"] = row["answer"]


def some(rows: Rows) -> set[int]:
    return set(range(1, len(rows), 5))


def test_a_dataset_as_it_was_built_holds(dataset: Path, store: Path) -> None:
    report = audited(dataset, store)
    assert report.clean and report.rows == report.same == sum(len(kit.read(dataset, i)) for i in (1, 2)) > 50
    types = {row["answer_type"] for row in kit.read(dataset, 1)}
    assert {"choice", "number"} <= types, "the rooms are to try more than one kind of answer"


def test_worker_processes_say_the_same(dataset: Path, store: Path, tmp_path: Path) -> None:
    def spoil(_: int, rows: Rows) -> set[int]:
        for i in some(rows):
            flip(rows[i])
        return some(rows)

    kit.spoiled(dataset, tmp_path / "d", spoil)
    assert audited(tmp_path / "d", store, workers=2) == audited(tmp_path / "d", store)


def test_flipped_answers_are_found_and_put_right(dataset: Path, store: Path, tmp_path: Path) -> None:
    def spoil(_: int, rows: Rows) -> set[int]:
        for i in some(rows):
            flip(rows[i])
        return some(rows)

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed and columns(report) <= {"answer", "answer_value"}
    assert (done.corrected, done.dropped) == (len(changed), 0)
    for iteration in (1, 2):
        for n, (old, new) in enumerate(
            zip(kit.read(dataset, iteration), kit.read(tmp_path / "out", iteration), strict=True)
        ):
            if (kit.shard(iteration), n) in changed:
                assert new["band"] is new["confidence"] is new["blind_confidence"] is None
                measured = ("band", "confidence", "blind_confidence", "elsewhere_confidence")
                new |= {name: old[name] for name in measured}
            assert new == old


def test_edited_margins_are_found_and_put_right(dataset: Path, store: Path, tmp_path: Path) -> None:
    def spoil(_: int, rows: Rows) -> set[int]:
        for i in some(rows):
            rows[i]["margin"] = 1.0 if rows[i]["margin"] != 1.0 else 2.0
        return some(rows)

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed and columns(report) == {"margin"}
    assert done.corrected == len(changed)
    for iteration in (1, 2):
        assert kit.read(tmp_path / "out", iteration) == kit.read(dataset, iteration)
    assert read_manifest(tmp_path / "out")["repairs"][0]["answers_changed"] == 0


def test_swapped_programs_are_found_and_never_answer_the_wrong_question(
    dataset: Path, store: Path, tmp_path: Path
) -> None:
    def spoil(_: int, rows: Rows) -> set[int]:
        a, b = 0, next(i for i in range(1, len(rows)) if rows[i]["program"] != rows[0]["program"])
        rows[a]["program"], rows[b]["program"] = rows[b]["program"], rows[a]["program"]
        return {a, b}

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed and "id" in columns(report)
    assert (done.corrected, done.dropped) == (0, len(changed))
    lines = [json.loads(line) for line in (tmp_path / "out/changes.jsonl").read_text().splitlines()]
    assert {(line["file"], line["row"]) for line in lines} == changed
    assert {line["action"] for line in lines} == {"dropped"}


def test_swapped_programs_without_hashed_ids_are_dropped_too(
    dataset: Path, store: Path, tmp_path: Path
) -> None:
    """Where ids tell nothing, the objects do: a program that gives another answer from others is not the row's."""

    def spoil(iteration: int, rows: Rows) -> set[int]:
        for n, row in enumerate(rows):
            row["id"] = f"plain-{iteration}-{n}"
        first = rows[0]
        b = next(
            i
            for i, row in enumerate(rows)
            if row["evidence"] != first["evidence"] and row["answer"] != first["answer"]
        )
        first["program"], rows[b]["program"] = rows[b]["program"], first["program"]
        return {0, b}

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed and "id" not in columns(report)
    assert (done.corrected, done.dropped) == (0, len(changed))


@pytest.mark.parametrize("hashed", [True, False])
def test_a_program_is_trusted_by_its_id_or_by_its_objects(
    hashed: bool, dataset: Path, store: Path, tmp_path: Path
) -> None:
    """Answer and evidence changed together: with a hashed id it is they that are wrong, else it may be the program."""

    def spoil(iteration: int, rows: Rows) -> set[int]:
        for n, row in enumerate(rows):
            row["id"] = row["id"] if hashed else f"plain-{iteration}-{n}"
        flip(rows[1])
        rows[1]["evidence"] = ["b"] if rows[1]["evidence"] != ["b"] else ["l"]
        return {1}

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed
    assert (done.corrected, done.dropped) == ((2, 0) if hashed else (0, 2))


def test_a_scene_that_moved_by_20_cm_is_found(dataset: Path, tmp_path: Path) -> None:
    moved = kit.scene("room-b")
    table = replace(moved.objects[0], center_m=(0.2, 0.0, 0.5))
    moved = replace(moved, objects=(table, *moved.objects[1:]))
    kit.put(tmp_path / "store", kit.scene("room"), moved, kit.scene("room-c"))
    report, done = repaired(dataset, tmp_path / "store", tmp_path / "out")
    expected = {
        (kit.shard(i), n)
        for i in (1, 2)
        for n, row in enumerate(kit.read(dataset, i))
        if row["scene_id"] == "room-b"
    }
    assert found(report) == expected and {"scene_sha256", "answer_value"} <= columns(report)
    assert done.corrected + done.dropped == len(expected) and done.corrected > 0
    again = audited(tmp_path / "out", tmp_path / "store")
    assert again.clean, again.differing


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("evidence", ["t"]),
        ("frame_times_s", [0.0, 1.0, 2.0, 3.0]),
        ("sample_fps", 9.0),
        ("space_id", "elsewhere"),
        ("frames", "captured"),
        ("unit", "s"),
        ("options", ["one", "two"]),
        ("question", "How far is the table from the tv, measured from the closest point?"),
        ("scene_sha256", "0" * 64),
        ("iteration", 7),
        ("frame_ids", ["f0", "f1", "f2", "nowhere"]),
        ("frame_ids", ["f3"]),
        ("program", "def answer():\n    return number(1, 'm')\n"),
        ("program", "def answer(:\n"),
        ("answer_type", "boolean"),
    ],
)
def test_any_derived_column_counts(
    column: str, value: Any, dataset: Path, store: Path, tmp_path: Path
) -> None:
    def spoil(iteration: int, rows: Rows) -> set[int]:
        if iteration == 2 or rows[3][column] == value:
            assert iteration == 2, "the row has this value already"
            return set()
        rows[3][column] = value
        return {3}

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, _ = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed
    # What a row is made from shows in its id.
    made_from = column in ("program", "question", "options", "frame_ids")
    assert columns(report) & {column, "id"} if made_from else column in columns(report)
    again = audited(tmp_path / "out", store)
    assert again.clean, again.differing


def test_an_object_that_the_frames_do_not_show_is_found_and_dropped(
    dataset: Path, store: Path, tmp_path: Path
) -> None:
    """The sofa is in no frame: a row about it, consistent in all its columns, is still not to be published."""
    source = 'def answer():\n    return number(100 * longest(only("sofa")), "cm")\n'
    text = "What is the length of the longest dimension of the sofa, measured in centimeters?"

    def spoil(iteration: int, rows: Rows) -> set[int]:
        if iteration == 2:
            return set()
        rows[0] |= {
            "proposer": "by hand", "program": source, "question": text, "question_type": "object_size_estimation", "evidence": ["s"],
            "options": [], "answer_type": "number", "unit": "cm", "answer": "200", "answer_value": "200.0", "margin": 1.0,
        }  # fmt: skip
        return {0}

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert found(report) == changed and columns(report) == {"visible"}
    assert done.dropped == 1


def test_missing_scenes_are_named_and_their_rows_are_kept_and_counted(dataset: Path, tmp_path: Path) -> None:
    other = replace(kit.scene("room-c"), source="another")
    kit.put(tmp_path / "store", kit.scene("room"), other)

    def spoil(iteration: int, rows: Rows) -> set[int]:
        at = next(i for i, row in enumerate(rows) if row["scene_id"] == "room")
        flip(rows[at])
        return {at}

    changed = kit.spoiled(dataset, tmp_path / "d", spoil)
    report, done = repaired(tmp_path / "d", tmp_path / "store", tmp_path / "out")
    assert [(m.source, m.id) for m in report.missing] == [("hand", "room-b"), ("hand", "room-c")]
    assert "not in" in report.missing[0].reason and "from another only" in report.missing[1].reason
    assert found(report) == changed
    assert done.unchecked == sum(m.rows for m in report.missing) == len(report.unchecked) > 0
    assert done.rows == report.rows and not report.clean
    assert f"{done.unchecked} could not be checked" in (tmp_path / "out/README.md").read_text()


def test_a_damaged_scene_is_missing_and_not_a_crash(dataset: Path, tmp_path: Path) -> None:
    kit.put(tmp_path / "store", *map(kit.scene, kit.SCENES))
    scenes = scenes_of_store(tmp_path / "store")
    Path(scenes.files["hand", "room"].path).write_bytes(b"PAR1 not really")
    report = audited(dataset, scenes)
    assert [m.id for m in report.missing] == ["room"] and "damaged" in report.missing[0].reason
    assert not report.differing and not report.clean


def test_rows_of_another_program_api_are_reported_and_not_judged(
    dataset: Path, store: Path, tmp_path: Path
) -> None:
    def spoil(iteration: int, rows: Rows) -> set[int]:
        for row in rows:
            row["program_api"] = "1"
            if iteration == 1:
                row["answer"] = "wrong"
        return set()

    kit.spoiled(dataset, tmp_path / "d", spoil)
    report = audited(tmp_path / "d", store)
    assert report.other_api == {"1": report.rows} and not report.differing
    assert not report.clean, "nothing was judged"


def test_files_that_are_not_the_manifests_are_reported(dataset: Path, store: Path, tmp_path: Path) -> None:
    kit.spoiled(dataset, tmp_path / "d", lambda i, rows: set())
    assert audited(tmp_path / "d", store).clean, "writing the same rows gives the same bytes"
    rows = kit.read(dataset, 2)
    kit.write_parquet(tmp_path / "d" / kit.shard(2), rows[:-1])
    kit.write_parquet(tmp_path / "d/data/iter_1-00001-of-00002.parquet", rows)
    said = " | ".join(audited(tmp_path / "d", store).files)
    for part in (
        "is not in the manifest",
        "other bytes",
        "the manifest says",
        "not those that its snapshot id",
    ):
        assert part in said
    (tmp_path / "d" / kit.shard(1)).unlink()
    assert any("is missing" in problem for problem in audited(tmp_path / "d", store).files)


def test_the_repaired_copy_loads_has_a_lineage_and_leaves_the_original_alone(
    dataset: Path, store: Path, tmp_path: Path
) -> None:
    def spoil(iteration: int, rows: Rows) -> set[int]:
        if iteration == 1:
            return set()
        flip(rows[2])
        rows[4]["question"] += " Or not?"
        return {2, 4}

    kit.spoiled(dataset, tmp_path / "d", spoil)
    before = {p: p.read_bytes() for p in (tmp_path / "d").rglob("*") if p.is_file()}
    _, done = repaired(tmp_path / "d", store, tmp_path / "out")
    assert {p: p.read_bytes() for p in (tmp_path / "d").rglob("*") if p.is_file()} == before
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in loaded.items()} == {
        "iter_1": len(kit.read(dataset, 1)),
        "iter_2": len(kit.read(dataset, 2)) - 1,
    }
    for row in loaded["iter_2"]:
        validate("sample", row, where=row["id"], error=SnapshotError)
    old, new = read_manifest(dataset), read_manifest(tmp_path / "out")
    assert new["snapshots"][0]["id"] == old["snapshots"][0]["id"], "iteration 1 is as it was"
    assert new["snapshots"][1]["id"] not in (old["snapshots"][1]["id"], new["snapshots"][0]["id"])
    assert new["snapshots"][1]["parent"] == new["snapshots"][0]["id"]
    (entry,) = new["repairs"]
    changes = (tmp_path / "out/changes.jsonl").read_bytes()
    assert entry["of"] == old["snapshots"][1]["id"] and (entry["corrected"], entry["dropped"]) == (1, 1)
    assert entry["changes_sha256"] == hashlib.sha256(changes).hexdigest()
    first = json.loads(changes.splitlines()[0])
    stored, right = kit.read(tmp_path / "d", 2)[2]["answer"], kit.read(dataset, 2)[2]["answer"]
    assert first["columns"]["answer"] == [stored, right]
    assert "## Corrections" in (tmp_path / "out/README.md").read_text()
    again = audited(tmp_path / "out", store)
    assert again.clean, (again.files, again.differing)
    assert done.snapshot == new["snapshots"][1]["id"]


def test_a_repair_appears_whole_or_not_at_all(
    dataset: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.spoiled(dataset, tmp_path / "d", lambda i, rows: {flip(rows[0]) or 0})
    published = read_published(tmp_path / "d")
    report = audited(tmp_path / "d", store, repair=True)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ouroboros_data.auditing.repair.write_atomic", full)
        with pytest.raises(StoreError, match="No space left"):
            write_copy(published, report, tmp_path / "out", published.settings()[1])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").touch()
    with pytest.raises(StoreError, match="is there already"):
        write_copy(published, report, tmp_path / "out", published.settings()[1])
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_plain_parquet_directories_are_audited_and_repaired(
    dataset: Path, store: Path, tmp_path: Path
) -> None:
    rows = kit.read(dataset, 1)
    for row in rows:
        row["margin"] = max(row["margin"], 1.0)
    flip(rows[1])
    kit.write_parquet(tmp_path / "d/one.parquet", rows)
    published = read_published(tmp_path / "d")
    report = audit(
        published, scenes_of_store(store), programs=kit.PROGRAMS, min_pixel_share=kit.SHARE, workers=1,
        progress=Silent(), repair=True,
    )  # fmt: skip
    assert found(report) == {("one.parquet", 1)}
    write_copy(published, report, tmp_path / "out", kit.PROGRAMS)
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"][1]["answer"] == kit.read(dataset, 1)[1]["answer"]


def test_a_dataset_does_not_say_how_its_programs_are_confined(dataset: Path) -> None:
    """The kit's manifest asks for no jail at all."""
    recipe = read_manifest(dataset)["recipe"]["programs"]
    assert recipe["jail"] == "none" and recipe["allow_unjailed"]
    programs = read_published(dataset).settings()[1]
    assert (programs.jail, programs.allow_unjailed) == ("auto", False)
    assert programs.jitters == recipe["jitters"]


def test_a_run_has_its_scenes(dataset: Path, tmp_path: Path) -> None:
    from ouroboros_data.records import to_json

    units = tmp_path / "run/units/scenes"
    units.mkdir(parents=True)
    (tmp_path / "run/recipe.yaml").write_text("name: x\n")
    for name in kit.SCENES[:2]:
        (units / f"{name}.jsonl").write_text(json.dumps({"scene": to_json(kit.scene(name))}) + "\n")
    (units / "c.jsonl").write_text(
        json.dumps({"skipped": {"id": "room-c", "reason": "too dark", "rule": ""}})
    )
    report = audited(dataset, scenes_of_run(tmp_path / "run"))
    assert not report.differing
    assert [(m.id, m.reason) for m in report.missing] == [("room-c", "the build left it out: too dark")]
    with pytest.raises(StoreError, match="not a run directory"):
        scenes_of_run(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no Parquet files"),
        ({"a.parquet": b"nonsense"}, "not a Parquet file"),
        ({"manifest.json": b"{"}, "not readable"),
    ],
)
def test_what_is_no_dataset_is_refused_in_one_line(
    files: dict[str, bytes], message: str, tmp_path: Path
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SnapshotError, match=message) as refused:
        read_published(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(SnapshotError, match="has no column id, iteration"):
        read_published(tmp_path)


def test_a_manifest_cannot_point_outside(dataset: Path, tmp_path: Path) -> None:
    kit.spoiled(dataset, tmp_path / "d", lambda i, rows: set())
    path = tmp_path / "d/manifest.json"
    text = path.read_text().replace(kit.shard(1), "../secret.parquet")
    path.write_text(text)
    with pytest.raises(SnapshotError, match="outside of the dataset"):
        read_published(tmp_path / "d")


def test_errors_come_back_whole_from_worker_processes() -> None:
    error = pickle.loads(pickle.dumps(SandboxError("what", where="where", fix="fix")))
    assert type(error) is SandboxError and str(error) == "where: what (fix)"
