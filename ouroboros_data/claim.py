"""A run directory belongs to one recipe."""

from __future__ import annotations

from dataclasses import replace

import yaml

from ouroboros_data.config import Recipe, recipe_from_mapping
from ouroboros_data.errors import RecipeError
from ouroboros_data.records import to_json
from ouroboros_data.store import RunStore, write_atomic


def check_claim(store: RunStore, recipe: Recipe) -> None:
    """More iterations or other workers are the same run; anything else is not.

    Raises:
        RecipeError: The directory holds a run of another recipe.
    """
    path = store.root / "recipe.yaml"
    if path.is_file():
        old = recipe_from_mapping(yaml.safe_load(path.read_text("utf-8")), where=str(path))
        if replace(old, iterations=recipe.iterations, engine=recipe.engine) != recipe:
            raise RecipeError(
                "this directory holds a run of another recipe",
                where=str(path),
                fix="choose another --run DIR",
            )


def claim(store: RunStore, recipe: Recipe) -> None:
    """Write down whose directory this is."""
    text = yaml.safe_dump(to_json(recipe), sort_keys=False, allow_unicode=True)
    write_atomic(store.root / "recipe.yaml", text)
