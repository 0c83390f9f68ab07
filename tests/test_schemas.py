from __future__ import annotations

import json
from dataclasses import fields

import jsonschema
import pytest

from ouroboros_data import types
from ouroboros_data.errors import SceneError
from ouroboros_data.resources import root, validate
from ouroboros_data.snapshot import _COLUMNS

NAMES = sorted(p.name.removesuffix(".schema.json") for p in (root() / "schemas").glob("*.schema.json"))


def test_all_contracts_are_there() -> None:
    assert NAMES == ["draft", "manifest", "probe", "recipe", "sample", "scene", "verdict"]


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_2020_12_schema_that_refuses_unknown_keys(name: str) -> None:
    schema = json.loads((root() / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert list(jsonschema.Draft202012Validator(schema).iter_errors({"no such key": 1}))


@pytest.mark.parametrize(
    ("name", "record"),
    [("scene", "Scene"), ("draft", "Draft"), ("verdict", "Verdict"), ("probe", "ProbeResult")],
)
def test_schema_and_record_have_the_same_fields(name: str, record: str) -> None:
    schema = json.loads((root() / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    assert set(schema["properties"]) == {f.name for f in fields(getattr(types, record))}


def test_sample_schema_describes_the_published_columns() -> None:
    schema = json.loads((root() / "schemas" / "sample.schema.json").read_text("utf-8"))
    assert set(schema["properties"]) == set(_COLUMNS) == set(schema["required"])


def test_a_violation_names_the_path() -> None:
    with pytest.raises(SceneError, match=r"s\.yaml: scenes\.limit: 0 is less than"):
        validate("recipe", {"name": "x", "scenes": {"limit": 0}}, where="s.yaml", error=SceneError)
