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
    "unknown key of a source": (
        "name: x\nprograms: {noise: {by_source: {scannet: {yaw: 1}}}}\n",
        "unknown key programs.noise.by_source.scannet.yaw (did you mean yaw_deg?)",
    ),
    "noise of a source out of range": (
        "name: x\nprograms: {noise: {by_source: {scannet: {yaw_deg: 91}}}}\n",
        "programs.noise.by_source.scannet.yaw_deg: 91 is greater than the maximum of 90",
    ),
    "by_source is a number": (
        "name: x\nprograms: {noise: {by_source: 1}}\n",
        "programs.noise.by_source: 1 is not of type 'object'",
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


def test_a_source_has_its_noise_and_a_recipe_changes_single_values_of_it() -> None:
    from ouroboros_data.config import SOURCE_NOISE

    shipped = Recipe(name="x").programs.noise
    assert {s: shipped.of(s) for s in SOURCE_NOISE} == dict(SOURCE_NOISE)
    assert set(SOURCE_NOISE) == {"scannet", "arkitscenes", "scannetpp", "procedural"}
    assert shipped.of("elsewhere") is shipped
    noise = load_recipe(
        "quickstart",
        [
            "programs.noise.center_m=0.5",
            "programs.noise.by_source.scannet.yaw_deg=7",
            "programs.noise.by_source.mine.area_rel=0.1",
        ],
    ).programs.noise
    assert noise.of("elsewhere").center_m == 0.5
    assert noise.of("scannet").yaw_deg == 7.0
    assert noise.of("scannet").center_m == SOURCE_NOISE["scannet"].center_m
    assert noise.of("arkitscenes") == SOURCE_NOISE["arkitscenes"]
    assert (noise.of("mine").area_rel, noise.of("mine").center_m, noise.of("mine").yaw_deg) == (0.1, 0.5, 2.0)


def test_the_noise_of_a_source_is_part_of_what_resume_goes_by() -> None:
    changed = load_recipe("quickstart", ["programs.noise.by_source.scannet.yaw_deg=7"])
    assert to_json(changed.programs) != to_json(load_recipe("quickstart").programs)
    assert to_json(changed.programs)["noise"]["by_source"]["scannet"]["yaw_deg"] == 7.0
