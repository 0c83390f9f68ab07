"""Recipes read a store as they read any source."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import hand_scenes as hand
import pytest

from ouroboros_data.config import SceneSettings
from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.progress import Silent
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.stages.ingest import ingest_into
from ouroboros_data.types import Question, Scene
from scene_adapters.procedural import Procedural
from scene_adapters.store import Store

SMALL = {"size_px": [64, 48], "frame_count": 4, "count": 3}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("s") / "store"
    settings = SceneSettings(adapter="procedural", options=SMALL)
    done = ingest_into(place, settings, seed=5, workers=1, progress=Silent())
    assert (done.stored, done.kept, done.failed) == (3, 0, ())
    return place


def test_scenes_are_those_of_the_source(store: Path, tmp_path: Path) -> None:
    source, stored = Procedural(seed=5, options=SMALL), Store(root=store)
    refs = stored.refs()
    assert [ref.id for ref in refs] == [ref.id for ref in source.refs()]
    assert {ref.source for ref in refs} == {"procedural"}
    for ref, original in zip(refs, source.refs(), strict=True):
        expected = source.load(original, tmp_path)
        found = stored.load(ref, tmp_path)
        assert dataclasses.replace(found, root="") == dataclasses.replace(expected, root="")
        bank = FrameBank({found.id: found})
        asked = Question(
            id="",
            scene_id=found.id,
            frame_ids=(found.frames[1].id,),
            question_type="",
            text="",
            answer_type="boolean",
        )
        (image,) = bank(asked)
        assert (image == FrameBank({found.id: expected})(asked)[0]).all() and image.std() > 5


def test_keys_change_with_the_record_and_with_nothing_else(tmp_path: Path) -> None:
    def key(scene: Scene, place: str) -> str:
        store, raw = tmp_path / place / "store", tmp_path / place
        scenestore.create(store)
        placed = dataclasses.replace(scene, root=str(raw))
        scenestore.put(store, placed, key="0" * 16, adapter="scans", bases={"scans": str(raw)})
        return Store(root=store).refs()[0].key

    assert key(hand.room(), "a") == key(hand.room(), "b")
    assert key(hand.room(), "a") != key(dataclasses.replace(hand.room(), license="MIT"), "c")


def two_sources(place: Path) -> Path:
    scenestore.create(place / "store")
    for source in ("left", "right"):
        scene = dataclasses.replace(hand.room(), source=source, root=str(place))
        scenestore.put(place / "store", scene, key="0" * 16, adapter=source, bases={"x": str(place)})
    scenestore.bind(place / "store", "x", place)
    return place / "store"


def test_one_id_in_two_sources_needs_a_choice(tmp_path: Path) -> None:
    store = two_sources(tmp_path)
    with pytest.raises(SceneError, match=r"left and right both have a scene room .*sources to"):
        Store(root=store)
    adapter = Store(root=store, options={"sources": ["right"]})
    (ref,) = adapter.refs()
    assert adapter.load(ref, tmp_path).source == "right"


def test_what_cannot_be_opened(tmp_path: Path, store: Path) -> None:
    with pytest.raises(RecipeError, match=r"scenes\.root: store reads scenes from a directory"):
        Store()
    with pytest.raises(SceneError, match="not a scene store"):
        Store(root=tmp_path)
    with pytest.raises(RecipeError, match=r"no 'scannet' \(it has procedural\)"):
        Store(root=store, options={"sources": ["scannet"]})
    with pytest.raises(RecipeError, match="unknown key source"):
        Store(root=store, options={"source": "scannet"})
    adapter = Store(root=store)
    with pytest.raises(SceneError, match="not a scene of this store"):
        adapter.load(dataclasses.replace(adapter.refs()[0], key="0" * 16), tmp_path)


def test_the_index_is_no_part_of_a_scene(store: Path) -> None:
    refs = Store(root=store).refs()
    (store / "index.parquet").unlink()
    assert Store(root=store).refs() == refs
    assert json.loads((store / "store.json").read_text()) == {"format": 1}
