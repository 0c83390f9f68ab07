"""Recipes of models: whatever can be checked without the model is checked."""

from __future__ import annotations

import importlib.util

import pytest
import yaml
from typer.testing import CliRunner

from ouroboros_data import registry
from ouroboros_data.cli import app
from ouroboros_data.config import Recipe, load_recipe, options_from_mapping
from ouroboros_data.errors import ModelError, RecipeError
from ouroboros_data.models.openai_options import checked
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.llm.options import ModelSettings, proposer_options, reviewer_options
from ouroboros_data.resources import recipe_paths

NAMES = ["paper-4b", "paper-8b", "endpoint", "vllm-local"]


def models(recipe: Recipe) -> list[ModelSettings]:
    return [
        proposer_options(recipe.proposer.options).model,
        reviewer_options(recipe.reviewer.options).model,
    ]


def test_every_recipe_of_a_model_is_tested_here() -> None:
    found = {path.stem for path in recipe_paths() if load_recipe(str(path)).proposer.name == "llm"}
    assert found == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_parts_are_installed_and_take_its_options(name: str) -> None:
    recipe = load_recipe(name)
    registry.find("scene_adapters", recipe.scenes.adapter)
    registry.find("solvers", recipe.solver.name)
    proposer = registry.load("proposers", recipe.proposer.name)(options=recipe.proposer.options)
    assert dict(proposer.bins()) == dict(Grammar(options={}).bins())
    if recipe.reviewer.name != "none":
        registry.load("reviewers", recipe.reviewer.name)(options=recipe.reviewer.options)
    for model in models(recipe):
        registry.find("chat_models", model.name)
        if model.name == "openai":
            checked(model.options)
            assert model.options.get("api_key_env") is None
        elif importlib.util.find_spec("vllm") is None:
            with pytest.raises(ModelError, match="not installed"):  # which it says after the options' check
                registry.load("chat_models", model.name)(options=model.options, cache=None)


@pytest.mark.parametrize("name", ["paper-4b", "paper-8b"])
def test_the_papers_setting(name: str) -> None:
    recipe = load_recipe(name)
    solver, curriculum = recipe.solver, recipe.curriculum
    assert recipe.iterations == 4 and solver.steps == 100 and solver.batch_size == 64
    assert solver.learning_rate == 1e-6 and recipe.frames.count == 32 and solver.name == "transformers"
    assert (curriculum.easy_above, curriculum.hard_below) == (0.9, 0.1)
    assert recipe.scenes.adapter == "store" and recipe.purpose == "train"
    size = name.removeprefix("paper-").upper()
    # One model in all three parts.
    named = {model.options["model"] for model in models(recipe)} | {solver.options["model"]}
    assert named == {f"Qwen/Qwen3-VL-{size}-Instruct"}
    assert all(model.options["takes_images"] for model in models(recipe))


@pytest.mark.solver
@pytest.mark.parametrize("name", ["paper-4b", "paper-8b"])
def test_the_solver_takes_its_options(name: str) -> None:
    from ouroboros_data.models.pretrained import PretrainedOptions

    options = options_from_mapping(PretrainedOptions, load_recipe(name).solver.options, where="x")
    # bfloat16 has 8 bits: a step of 1e-6 is lost on a weight above 1e-3, and the optimiser keeps no copy.
    assert options.dtype == "float32" and options.lora is None and options.optimizer == "adamw"


def test_the_two_recipes_of_the_paper_differ_by_the_model_alone() -> None:
    small, large = (load_recipe(name) for name in ("paper-4b", "paper-8b"))
    texts = [repr(recipe).replace("8B", "4B").replace("8b", "4b") for recipe in (small, large)]
    assert texts[0].partition("purpose")[2] == texts[1].partition("purpose")[2]


@pytest.mark.parametrize("name", NAMES)
def test_show_explains_and_resolves(name: str) -> None:
    shown = CliRunner().invoke(app, ["recipes", "show", name]).output
    assert shown.startswith(f"# ouroboros-data build {name}") and shown.count("\n#") >= 4
    whole = yaml.safe_load(shown)
    assert whole["name"] == name and whole["curriculum"]["easy_above"] == 0.9
    assert whole["proposer"]["options"]["model"]["options"]["model"]


def test_a_budget_that_no_feedback_fits_is_refused_before_the_run() -> None:
    with pytest.raises(RecipeError, match="feedback_tokens: 40"):
        proposer_options({"feedback_tokens": 40})
    assert proposer_options({"feedback_tokens": 0}).feedback_tokens == 0
