"""Grammars made from schemas match what the schemas allow: tried by turning them into regular expressions.

Whether a real server reads them is tried in tests/real_llm.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ouroboros_data.models.gbnf import UnsupportedSchema, grammar

DRAFT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "question", "options", "unit", "program"],
    "properties": {
        "type": {"const": "object_counting"},
        "question": {"type": "string", "minLength": 8, "maxLength": 40, "pattern": "[?]$"},
        "options": {
            "type": "array",
            "items": {"enum": ["chair", 'the "tall" one']},
            "minItems": 2,
            "maxItems": 3,
        },
        "unit": {"anyOf": [{"enum": ["m", "cm"]}, {"type": "null"}]},
        "program": {"$ref": "#/$defs/text"},
        "note": {"type": ["string", "null"]},
        "score": {"type": "number"},
    },
    "$defs": {"text": {"type": "string"}},
}
VALID = {
    "type": "object_counting",
    "question": "How many chairs\nare there?",
    "options": ["chair", 'the "tall" one'],
    "unit": "m",
    "program": 'def answer():\n    return "é\\"',
}
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|[\w-]+|[()|?*]')


def expression(text: str) -> re.Pattern[str]:
    """The grammar as one regular expression; GBNF is close to one, its rules put in for their names."""
    rules = dict(line.split(" ::= ", 1) for line in text.splitlines())

    def written(body: str, depth: int) -> str:
        assert depth < 40, "a rule that refers to itself has no regular expression"
        out = ""
        rest = body
        while rest := rest.lstrip():
            token = _TOKEN.match(rest)
            assert token, f"not GBNF: {rest[:40]!r}"
            word, rest = token[0], rest[token.end() :]
            if word.startswith('"'):
                out += f"(?:{re.escape(json.loads(word))})"
            elif word[0].isalpha():
                out += f"(?:{written(rules[word], depth + 1)})"
            else:
                out += "(?:" if word == "(" else word
        return out

    return re.compile(written(rules["root"], 0))


def matches(schema: Any, value: Any) -> bool:
    return bool(expression(grammar(schema)).fullmatch(json.dumps(value, ensure_ascii=False)))


def test_a_draft_that_the_schema_allows_matches() -> None:
    assert matches(DRAFT, VALID)
    assert matches(DRAFT, {**VALID, "unit": None, "options": ["chair"] * 3})
    assert matches(DRAFT, {**VALID, "note": None})
    assert matches(DRAFT, {**VALID, "note": "x", "score": -1.5})
    assert matches(DRAFT, {**VALID, "score": 12})


@pytest.mark.parametrize(
    "change",
    [
        {"type": "room_size"},
        {"question": "short?"},
        {"question": "x" * 41},
        {"options": ["chair"]},
        {"options": ["chair"] * 4},
        {"options": ["chair", "table"]},
        {"unit": "inch"},
        {"program": 3},
        {"more": 1},
        {"score": "1"},
    ],
)
def test_what_the_schema_forbids_does_not_match(change: dict[str, Any]) -> None:
    assert not matches(DRAFT, {**VALID, **change})


def test_a_missing_field_does_not_match() -> None:
    for name in VALID:
        assert not matches(DRAFT, {key: value for key, value in VALID.items() if key != name})


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"const": []}, [], [1]),
        ({"const": {"a": [1, "b"]}}, {"a": [1, "b"]}, {"a": [1]}),
        ({"type": "array", "items": {"type": "integer"}}, [1, -20, 0], [1.5]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, [], [1]),
        ({"type": "array", "maxItems": 1}, ["x"], ["x", "y"]),
        ({"type": "boolean"}, True, "true"),
        ({"type": "object"}, {}, {"a": 1}),
        ({"enum": ["ü", "line\nbreak", "back\\slash"]}, "line\nbreak", "line break"),
        ({"oneOf": [{"type": "null"}, {"type": "array", "items": {"type": "null"}}]}, [None], [[]]),
    ],
)
def test_single_forms(schema: Any, good: Any, bad: Any) -> None:
    assert matches(schema, good)
    assert not matches(schema, bad)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"$ref": "http://example.com/x"},
        {"$ref": "#/$defs/none"},
        {"type": "array", "items": True},
        {"anyOf": [{"pattern": "x"}]},
    ],
)
def test_what_cannot_be_expressed_is_refused(schema: Any) -> None:
    with pytest.raises(UnsupportedSchema):
        grammar(schema)


def test_schemas_that_refer_to_themselves_make_a_rule_and_deep_ones_are_refused() -> None:
    tree = {
        "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}},
        "$ref": "#/$defs/t",
    }
    assert "ref--defs-t ::=" in grammar(tree) and grammar(tree).count("ref--defs-t") == 4
    deep: Any = {"type": "null"}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    with pytest.raises(UnsupportedSchema, match="deep"):
        grammar(deep)
