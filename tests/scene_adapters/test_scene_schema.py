"""What adapters load is what schemas/scene.schema.json promises, and survives a trip through JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ouroboros_data import registry
from ouroboros_data.errors import SceneError
from ouroboros_data.records import from_json, to_json
from ouroboros_data.resources import problems
from ouroboros_data.scenes.file import load_scene, save_scene
from ouroboros_data.types import Room, Scene

SMALL = {"size_px": [64, 48], "frame_count": 4}


def check(scene: Scene) -> None:
    data = json.loads(json.dumps(to_json(scene)))
    assert list(problems("scene", data)) == []
    assert from_json(Scene, data, where=scene.id, error=SceneError) == scene
    ids = [record.id for record in scene.objects]
    assert len(set(ids)) == len(ids)
    assert {view.object_id for frame in scene.frames for view in frame.views} <= set(ids)
    path = Path(scene.root) / "scene.json"
    save_scene(scene, path)
    assert load_scene(path) == scene


def loaded(name: str, media: Path, pick: slice, **settings: Any) -> list[Scene]:
    adapter = registry.load("scene_adapters", name)(**settings)
    return [adapter.load(ref, media) for ref in adapter.refs()[pick]]


def test_procedural_rooms(tmp_path: Path) -> None:
    rooms = loaded("procedural", tmp_path, slice(None), seed=5, options={"count": 4, **SMALL})
    assert len(rooms) == 4
    for room in rooms:
        check(room)


def test_a_layout_with_awkward_names(tmp_path: Path) -> None:
    box = {
        "centroid": [0, 0, 1],
        "axesLengths": [1, 1, 1],
        "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    }
    names = ["TV_Monitor", "  trash   can ", "coat hanger", "Box (small, red)"]
    boxes = {name: [{**box, "centroid": [2 * i, 0, 1]}] for i, name in enumerate(names)}
    entry = {"room_size": 30, "object_counts": dict.fromkeys(names, 1), "object_bbox": boxes}
    (tmp_path / "scannet_meta_info.json").write_text(json.dumps({"scene0000_00": entry}))
    (scene,) = loaded("meta_info", tmp_path, slice(None), root=tmp_path, seed=0, options=SMALL)
    check(scene)
    assert [record.category for record in scene.objects] == ["tv", "trash can", "coat rack", "box small red"]


def layout_file(folder: Path, scene: str, category: str) -> None:
    box = {"centroid": [0, 0, 1], "axesLengths": [1, 1, 1], "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    entry = {"room_size": 30, "object_counts": {category: 1}, "object_bbox": {category: [box]}}
    (folder / "scannet_meta_info.json").write_text(json.dumps({scene: entry}))


@pytest.mark.parametrize(
    ("scene", "category", "said"),
    [
        ("../elsewhere", "chair", "scene '../elsewhere': a name has letters"),
        ("a b", "chair", "scene 'a b': a name has letters"),
        (
            "scene0000_00",
            "( )",
            "scene0000_00: object_bbox: a category's name has 1 to 64 characters, got '( )'",
        ),
        ("scene0000_00", "x" * 65, "has 1 to 64 characters"),
    ],
)
def test_names_that_cannot_be_used(tmp_path: Path, scene: str, category: str, said: str) -> None:
    layout_file(tmp_path, scene, category)
    with pytest.raises(SceneError, match=re.escape(said)):
        loaded("meta_info", tmp_path, slice(None), root=tmp_path, seed=0, options=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["scannet_meta_info.json"]


def test_real_layouts(tmp_path: Path, shared_data: Path) -> None:
    root = shared_data / "vsi_bench"
    scenes = loaded("meta_info", tmp_path, slice(None, None, 24), root=root, seed=0, options=SMALL)
    assert len(scenes) == 6 and {scene.source for scene in scenes} == {"scannet", "arkitscenes"}
    for scene in scenes:
        check(scene)


def test_names_of_all_real_layouts(shared_data: Path) -> None:
    """All 122, boxes only: rendering them takes too long here."""
    adapter = registry.load("scene_adapters", "meta_info")(root=shared_data / "vsi_bench", seed=0)
    for ref in adapter.refs():
        layout = adapter.layout(ref.id)
        bare = Scene(
            id=ref.id,
            source=ref.source,
            space_id=ref.id,
            room=Room(area_m2=layout.room_area_m2),
            objects=layout.objects,
            license="see the source",
            frames_origin="rendered",
            frames=(),
        )
        assert list(problems("scene", to_json(bare))) == [], ref.id


def test_a_comma_in_an_id_is_noticed(tmp_path: Path) -> None:
    (room,) = loaded("procedural", tmp_path, slice(None), seed=5, options={"count": 1, **SMALL})
    broken = dataclasses.replace(room.objects[0], id="a,b", category="Trash_bin")
    data = to_json(dataclasses.replace(room, objects=(broken, *room.objects[1:])))
    assert {path for path, _ in problems("scene", data)} == {"objects.0.id", "objects.0.category"}
