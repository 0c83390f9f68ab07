"""Segments, groups and what is made of files that contradict themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw.mutate import mutations

from ouroboros_data.errors import SceneError
from scene_adapters.segments import Group, instances_of, read_groups, read_segments, vertices_of

# Vertices 0..11; the names of segments are numbers of vertices that lie elsewhere.
SEGMENT_OF = np.array([7, 7, 7, 7, 2, 2, 2, 9, 9, 0, 0, 11])


def group(object_id: int, label: str, *segments: int) -> Group:
    return Group(object_id=object_id, label=label, segments=np.array(sorted(segments)))


def categories(*groups: Group) -> dict[str, tuple[str | None, list[int]]]:
    found = instances_of(vertices_of(groups, SEGMENT_OF, "file"), "file")
    return {i.id: (i.category, np.asarray(i.vertex_index).tolist()) for i in found}


def test_segments_are_names_and_object_ids_are_kept() -> None:
    assert categories(group(4, "chair", 7), group(2, "table", 2, 9), group(0, "wall", 0)) == {
        "chair-4": ("chair", [0, 1, 2, 3]),
        "table-2": ("table", [4, 5, 6, 7, 8]),
        "wall-0": (None, [9, 10]),
    }


def test_a_group_listed_twice_is_one_object() -> None:
    # As in ScanNet's scene0217_00, where the second half repeats the first.
    owned = vertices_of(
        [group(0, "chair", 7), group(1, "table", 2), group(0, "chair", 7), group(3, "table", 2)],
        SEGMENT_OF,
        "f",
    )
    assert owned.repeats == 2
    assert [i.category for i in instances_of(owned, "f")] == ["chair", "table"]


def test_one_object_id_for_two_things_is_refused() -> None:
    with pytest.raises(SceneError, match="objectId 4 stands for a chair and for another table"):
        vertices_of([group(4, "chair", 7), group(4, "table", 2)], SEGMENT_OF, "f")


def test_a_shared_segment_goes_to_the_smaller_group() -> None:
    found = categories(group(0, "bed", 7, 2, 9), group(1, "pillow", 9))
    assert found == {"bed-0": ("bed", [0, 1, 2, 3, 4, 5, 6]), "pillow-1": ("pillow", [7, 8])}


def test_what_loses_most_of_its_vertices_is_in_doubt_with_its_category() -> None:
    # The blanket covers the sofa's segments: where the sofa is, nobody knows; another sofa cannot be counted.
    found = categories(group(0, "sofa", 7, 2), group(1, "blanket", 7), group(2, "sofa", 9))
    assert found == {
        "sofa-0": (None, [4, 5, 6]),
        "blanket-1": ("blanket", [0, 1, 2, 3]),
        "sofa-2": (None, [7, 8]),
    }


def test_two_labels_for_the_same_vertices_are_both_in_doubt() -> None:
    found = categories(group(0, "table", 7), group(1, "desk", 7), group(2, "desk", 2), group(3, "chair", 9))
    assert {name: category for name, (category, _) in found.items()} == {
        "table-0": None,
        "desk-2": None,
        "chair-3": "chair",
    }


def test_a_group_without_vertices_leaves_its_category_out() -> None:
    found = categories(group(0, "chair", 7), group(1, "chair", 55), group(2, "table", 2, 9, 0))
    assert found == {"chair-0": (None, [0, 1, 2, 3]), "table-2": ("table", [4, 5, 6, 7, 8, 9, 10])}


def test_a_group_with_few_of_its_segments_is_no_box_of_that_size() -> None:
    found = categories(group(0, "sofa", 7, 2, 9), group(1, "table", 0, 61, 62), group(2, "table", 11))
    assert {name: category for name, (category, _) in found.items()} == {
        "sofa-0": "sofa",
        "table-1": None,
        "table-2": None,
    }


def test_annotation_of_another_segmentation_is_refused() -> None:
    with pytest.raises(SceneError, match="3 of 4 segments are not in segIndices"):
        vertices_of([group(0, "chair", 40, 41), group(1, "table", 7, 42)], SEGMENT_OF, "f")
    with pytest.raises(SceneError, match="1 of 4"):
        vertices_of([group(0, "chair", 7, 2), group(1, "table", 9, 42)], SEGMENT_OF, "f", least_found=1.0)


def written(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data), "utf-8")
    return path


GROUP = {"id": 0, "objectId": 0, "label": "chair", "segments": [1]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "expected a JSON object"),
        ({}, "segGroups must be a list"),
        ({"segGroups": []}, "nothing is annotated"),
        ({"segGroups": [3]}, r"segGroups\[0\] must be a mapping"),
        ({"segGroups": [GROUP, {**GROUP, "objectId": "1"}]}, r"segGroups\[1\].objectId must be an integer"),
        ({"segGroups": [{**GROUP, "objectId": True}]}, r"objectId must be an integer"),
        ({"segGroups": [{**GROUP, "label": None}]}, r"segGroups\[0\].label must be a name"),
        ({"segGroups": [{**GROUP, "segments": 4}]}, r"segGroups\[0\].segments must be a list"),
        ({"segGroups": [{**GROUP, "segments": [1, -4]}]}, r"segments\[1\] must be an integer from 0 on"),
        ({"segGroups": [{**GROUP, "segments": [1.0]}]}, r"segments\[0\] must be an integer"),
        ({"segGroups": [{**GROUP, "segments": [10**40]}]}, r"segments\[0\] must be an integer"),
    ],
)
def test_damaged_groups_are_named(tmp_path: Path, data: Any, says: str) -> None:
    with pytest.raises(SceneError, match=says) as caught:
        read_groups(written(tmp_path / "a.json", data))
    assert "a.json" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"segIndices": [0, 1]}, "segIndices has 2 entries, the mesh has 3 vertices"),
        ({"segIndices": [0, "x" * 10_000_000, 1]}, r"segIndices\[1\] must be an integer"),
        ({"segIndices": {"0": 1}}, "segIndices must be a list"),
        ({}, "segIndices must be a list of integers, got nothing"),
    ],
    ids=["count", "huge", "mapping", "missing"],
)
def test_damaged_segments_are_named(tmp_path: Path, data: Any, says: str) -> None:
    with pytest.raises(SceneError, match=says):
        read_segments(written(tmp_path / "s.json", data), 3)


def test_json_that_no_parser_takes(tmp_path: Path) -> None:
    for text, says in [
        ("[" * 100_000, "nested too deeply"),
        ("{" + '"a":' + "9" * 5000 + "}", "not JSON"),
        ("{,}", ":1:2"),
        ("", ":1:1"),
        ("\xff", "not UTF-8"),
    ]:
        path = tmp_path / "x.json"
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(SceneError, match=says):
            read_groups(path)


@pytest.mark.parametrize("kind", ["segs", "aggregation"])
def test_damaged_files_fail_in_one_way(tmp_path: Path, kind: str) -> None:
    groups = [
        {"id": i, "objectId": i, "segments": [7, 2, 9, 0][i : i + 2], "label": f"chair {i}"} for i in range(4)
    ]
    data = (
        {"segIndices": SEGMENT_OF.tolist()} if kind == "segs" else {"segmentsFile": "s", "segGroups": groups}
    )
    path, refused = tmp_path / "f.json", 0
    for damaged in mutations(json.dumps(data, indent=1).encode(), 2500):
        path.write_bytes(damaged)
        try:
            if kind == "segs":
                assert read_segments(path, len(SEGMENT_OF)).dtype == np.int64
            else:
                instances_of(vertices_of(read_groups(path)[0], SEGMENT_OF, str(path)), "f.json")
        except SceneError as error:
            assert "f.json" in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 1000


def test_the_real_scene(shared_data: Path) -> None:
    root = shared_data / "scannet/scans/scene0000_00"
    segment_of = read_segments(root / "scene0000_00_vh_clean_2.0.010000.segs.json", 81369)
    groups, named = read_groups(root / "scene0000_00.aggregation.json")
    owned = vertices_of(groups, segment_of, "f")
    assert len(groups) == 55 and named.endswith("_vh_clean_2.0.010000.segs.json")
    assert owned.repeats == 0 and all(owned.whole)
    found = instances_of(owned, "f")
    assert len(found) == 55
    counts = {
        c: sum(i.category == c for i in found)
        for c in ("window", "trash bin", "stool", "cabinet", "tv", "wall")
    }
    assert counts == {"window": 2, "trash bin": 3, "stool": 4, "cabinet": 6, "tv": 1, "wall": 0}
