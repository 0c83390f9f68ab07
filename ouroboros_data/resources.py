"""Schemas and recipes that ship with the package, and validation against them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ouroboros_data.errors import OuroborosError


def root() -> Path:
    """Directory that holds ``schemas`` and ``recipes``: inside the wheel, or the checkout."""
    package = Path(__file__).resolve().parent
    packed = package / "_data"
    return packed if (packed / "schemas").is_dir() else package.parent


def recipe_paths() -> list[Path]:
    """All shipped recipes, sorted."""
    return sorted((root() / "recipes").rglob("*.yaml"))


@functools.cache
def _validator(name: str) -> Any:
    import jsonschema

    schema = json.loads((root() / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield (path, message) of each violation of ``schemas/{name}.schema.json``, in document order."""
    for error in sorted(_validator(name).iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]):
        path = ".".join(str(part) for part in error.absolute_path) or "(top level)"
        yield path, error.message if len(error.message) < 200 else error.message[:200] + "…"


def validate(
    name: str, value: Any, *, where: str, error: type[OuroborosError], fix: str = ""
) -> Mapping[str, Any]:
    """Return ``value`` if it satisfies the schema, else raise ``error`` that names the first bad field."""
    for path, message in problems(name, value):
        raise error(f"{path}: {message}", where=where, fix=fix or f"see schemas/{name}.schema.json")
    checked: Mapping[str, Any] = value
    return checked
