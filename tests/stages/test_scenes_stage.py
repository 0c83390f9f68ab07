from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ouroboros_data.config import Recipe, SceneSettings
from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.stages.scenes import open_adapter, split
from ouroboros_data.types import Room, Scene


def scene(number: int, space: str) -> Scene:
    return Scene(
        id=f"scan-{number}",
        source="test",
        space_id=space,
        license="",
        frames_origin="captured",
        room=Room(area_m2=1.0),
        objects=(),
        frames=(),
    )


def recipe(holdout: float, seed: int = 0) -> Recipe:
    return Recipe(name="x", seed=seed, scenes=SceneSettings(holdout=holdout))


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30).filter(lambda s: len(set(s)) > 1),
    st.integers(0, 5),
)
def test_no_space_is_on_both_sides_and_no_scene_is_lost(spaces: list[str], seed: int) -> None:
    scenes = [scene(i, space) for i, space in enumerate(spaces)]
    train, held = split(scenes, recipe(0.3, seed))
    assert not {s.space_id for s in train} & {s.space_id for s in held}
    assert sorted(train + held, key=lambda s: s.id) == sorted(scenes, key=lambda s: s.id)
    assert train and held


def test_the_split_does_not_depend_on_order_or_on_what_else_is_there() -> None:
    scenes = [scene(i, f"space-{i}") for i in range(40)]
    held = {s.id for s in split(scenes, recipe(0.25))[1]}
    assert {s.id for s in split(scenes[::-1], recipe(0.25))[1]} == held
    assert len(held) == 10
    assert {s.id for s in split(scenes, recipe(0.25, seed=1))[1]} != held


def test_holding_everything_out_is_refused() -> None:
    with pytest.raises(RecipeError, match="leaves none to train on"):
        split([scene(0, "a")], recipe(0.5))


def test_nothing_held_out() -> None:
    assert split([scene(0, "a")], recipe(0.0))[1] == []


def test_a_missing_root_names_it() -> None:
    settings = replace(SceneSettings(adapter="meta_info"), root="/no/such/place")
    with pytest.raises(SceneError, match=r"/no/such/place: .*scenes\.root"):
        open_adapter(settings, 0)
