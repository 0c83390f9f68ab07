from __future__ import annotations

from pathlib import Path

import pytest

from ouroboros_data.config import Recipe, load_recipe, options_from_mapping, recipe_from_mapping
from ouroboros_data.errors import RecipeError
from ouroboros_data.records import to_json
from ouroboros_data.resources import recipe_paths

BAD = {
    "unknown top-level key": ("name: x\nscnes: {}\n", "unknown key scnes (did you mean scenes?)"),
    "unknown nested key": (
        "name: x\nprograms: {noise: {centre_m: 1}}\n",
        "unknown key programs.noise.centre_m (did you mean center_m?)",
    ),
    "wrong type": ("name: x\niterations: three\n", "iterations: 'three' is not of type 'integer'"),
    "out of range": (
        "name: x\nscenes: {holdout: 2}\n",
        "scenes.holdout: 2 is greater than the maximum of 0.9",
    ),
    "not YAML": ("name: [x\n", "bad.yaml:2:1: not YAML"),
    "not a mapping": ("- a\n", "a recipe is a mapping"),
    "no name": ("seed: 1\n", "'name' is a required property"),
    "bad name": ("name: a b\n", "name: 'a b' does not match"),
    "section is a list": ("name: x\nscenes: [1]\n", "scenes: [1] is not of type 'object'"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_recipe_names_file_key_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    line = str(caught.value)
    assert message in line and "bad.yaml" in line and "\n" not in line


@pytest.mark.parametrize("override", ["seed", "=3", "a b=1", "seed=[", ".seed=1"])
def test_a_bad_override_is_quoted(override: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        load_recipe("quickstart", [override])


def test_overrides_reach_nested_keys_and_the_last_one_wins() -> None:
    recipe = load_recipe("quickstart", ["scenes.limit=3", "scenes.limit=4", "solver.learning_rate=1e-3"])
    assert recipe.scenes.limit == 4
    assert recipe.solver.learning_rate == 0.001
    assert recipe.scenes.adapter == "procedural"


def test_an_unknown_recipe_lists_the_shipped_ones() -> None:
    with pytest.raises(RecipeError, match="quickstart"):
        load_recipe("quickstrat")


@pytest.mark.parametrize("path", recipe_paths(), ids=lambda p: p.stem)
def test_shipped_recipes_load_open_with_their_command_and_resolve_to_themselves(path: Path) -> None:
    recipe = load_recipe(str(path))
    assert recipe.name == path.stem and recipe.description
    assert path.read_text().startswith("# ouroboros-data build")
    assert recipe_from_mapping(to_json(recipe), where="x") == recipe


def test_recipes_can_be_named_as_in_a_checkout_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_recipe("recipes/real_layouts.yaml").name == "real_layouts"


def test_the_schema_knows_every_field_of_the_dataclasses() -> None:
    full = to_json(Recipe(name="x"))
    assert recipe_from_mapping(full, where="x") == Recipe(name="x")


def test_plugin_options_are_strict() -> None:
    from ouroboros_data.config import NoiseSettings

    with pytest.raises(RecipeError, match="did you mean yaw_deg"):
        options_from_mapping(NoiseSettings, {"yaw_degrees": 1.0}, where="o")
