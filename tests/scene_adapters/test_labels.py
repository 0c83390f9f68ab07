from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from ouroboros_data.english import in_plural
from scene_adapters import labels
from scene_adapters.labels import categories, meaning, settle
from scene_adapters.procedural.catalog import CATEGORIES

ARKIT = {
    "cabinet": "cabinet", "refrigerator": "refrigerator", "shelf": "shelf", "stove": "stove", "bed": "bed",
    "sink": "sink", "washer": "washer", "toilet": "toilet", "bathtub": "bathtub", "oven": "oven",
    "dishwasher": "dishwasher", "fireplace": "fireplace", "stool": "stool", "chair": "chair", "table": "table",
    "tv_monitor": "tv", "sofa": "sofa",
}  # fmt: skip
# Categories of VSI-Bench's questions that have another name here.
VSI_RENAMED = {"washing machine": "washer", "radiator": "heater"}


def data() -> dict[str, object]:
    path = Path(labels.__file__).with_name("labels.json")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({key for key, _ in pairs}) == len(pairs), "a key is there twice"
        return dict(pairs)

    return json.loads(path.read_text("utf-8"), object_pairs_hook=once)


@pytest.mark.parametrize(
    ("raw", "category"),
    [
        ("coat hanger", "coat rack"), ("tv_monitor", "tv"), ("trashcan", "trash bin"), ("trash can", "trash bin"),
        ("Trash  Can", "trash bin"), ("couch", "sofa"), ("office chair", "chair"), ("mouse", "computer mouse"),
        ("night stand", "nightstand"), ("book shelf", "bookshelf"), ("washing machine", "washer"),
        ("radiator", "heater"), ("wall", None), ("doorframe", None), ("object", None), ("REMOVE", None),
        ("unknown", None), ("books", None), ("person", None), ("", None), ("blorb", None),
    ],
)  # fmt: skip
def test_words_and_their_categories(raw: str, category: str | None) -> None:
    assert meaning(raw).category == category


def test_arkitscenes_labels() -> None:
    assert {raw: meaning(raw).category for raw in ARKIT} == ARKIT


def test_drawn_rooms_use_the_same_names() -> None:
    assert {name: meaning(name).category for name in CATEGORIES} == {name: name for name in CATEGORIES}


def test_vsi_bench_names_are_ours(shared_data: Path) -> None:
    for line in (shared_data / "vsi_bench/questions.jsonl").read_text("utf-8").splitlines():
        text = json.loads(line)["question"]
        found = re.search(r"How many (.+?)\(s\)|dimension \(.*\) of the (.+?), measured", text)
        if found:
            name = found[1] or found[2]
            assert meaning(name).category == VSI_RENAMED.get(name, name), name
    for dataset in ("scannet", "arkitscenes"):
        scenes = json.loads((shared_data / f"vsi_bench/{dataset}_meta_info.json").read_text("utf-8"))
        for scene in scenes.values():
            for name in scene["object_counts"]:
                assert meaning(name).category is not None, name


def test_every_word_of_scannets_table_is_known(shared_data: Path) -> None:
    with (shared_data / "scannet/scannetv2-labels.combined.tsv").open(encoding="utf-8", newline="") as handle:
        words = [row["raw_category"] for row in csv.DictReader(handle, delimiter="\t")]
    assert len(words) > 600
    assert [word for word in words if not meaning(word).known] == []


def test_frequent_words_of_the_older_table_are_known(shared_data: Path) -> None:
    with (shared_data / "scannet/scannet-labels.combined.v1.tsv").open(
        encoding="utf-8", newline=""
    ) as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    known = sum(int(row["count"]) for row in rows if meaning(row["category"]).known)
    assert known / sum(int(row["count"]) for row in rows) > 0.98


def test_the_file_says_each_word_once_and_names_its_source() -> None:
    words = data()
    assert "ScanNet" in words["about"][0]
    names = [
        *words["same"],
        *words["alone"],
        *words["structure"],
        *words["vague"],
        *words["nothing"],
        *words["groups"],
    ]
    names += [name for others in words["same"].values() for name in others]
    assert sorted(names) == sorted(set(names))
    assert all(name == labels.plain(name) for name in names)
    for kind in ("vague", "groups", "kin"):
        for word, doubts in words[kind].items():
            assert set(doubts) <= categories(), word
    assert set(words["kin"]) <= categories()


def test_a_category_in_the_plural_is_one_thing_by_nature() -> None:
    single = {"blinds", "stairs", "crutches", "headphones", "pants", "shorts", "thermos", "dumbbell plates"}
    assert {name for name in categories() if in_plural(name)} <= single


def test_a_group_or_a_vague_word_leaves_nothing_to_count() -> None:
    settled = settle(["book", "books", "book", "chair", "bin", "trash can", "object", "wall"])
    assert settled.categories == (None, None, None, "chair", None, None, None, None)
    assert settled.doubtful == {"book": 2, "trash bin": 1} and settled.unknown == {}
    assert "book 2, trash bin 1" in settled.summary()


def test_kin_stays_and_takes_the_other_out() -> None:
    assert settle(["cushion", "pillow", "sofa"]).categories == ("cushion", None, "sofa")
    assert settle(["pillow", "sofa"]).categories == ("pillow", "sofa")


@pytest.mark.parametrize(
    ("raw", "doubts"),
    [
        ("executive chair", {"chair"}), ("chiar", {"chair"}), ("stack of monitors", {"monitor"}),
        ("backpacks", {"backpack"}), ("oven/microwave", {"oven", "microwave"}), ("blue trash can", {"trash bin"}),
        ("blorb", set()), ("sink and toilet", {"sink", "toilet"}),
    ],
)  # fmt: skip
def test_an_unknown_word_is_no_object_and_casts_doubt_on_what_it_may_be(raw: str, doubts: set[str]) -> None:
    found = meaning(raw)
    assert not found.known and found.category is None and set(found.doubts) == doubts
    assert settle([raw]).unknown == {labels.plain(raw): 1}


def test_odd_labels_do_no_harm() -> None:
    for raw in ("x" * 10_000, "/", " and ", "stack of ", "\u0130\u00df", "a/" * 5000, "((,,__"):
        assert meaning(raw).category is None


def test_an_ordinary_scene_keeps_its_objects() -> None:
    raw = ["chair"] * 4 + [
        "table",
        "office chair",
        "monitor",
        "wall",
        "floor",
        "object",
        "trash can",
        "doorframe",
    ]
    settled = settle(raw)
    assert [c for c in settled.categories if c] == ["chair"] * 4 + ["table", "chair", "monitor", "trash bin"]
    assert settled.summary() == ""
