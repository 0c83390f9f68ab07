"""The JSON Schema of one reply, made from the draft's: what the brief fixes is an enum of one."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from ouroboros_data import resources
from ouroboros_data.programs.lint import MAX_BYTES
from ouroboros_data.proposers.llm.brief import Asked

MAX_CATEGORIES = 8
FIELDS = ("question_type", "categories", "question", "answer_type", "options", "unit", "program")
"""In the order in which they are written: what the question is about before its words, the program last."""


@functools.cache
def _draft() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        (resources.root() / "schemas" / "draft.schema.json").read_text("utf-8")
    )
    return loaded


def reply_schema(brief: Asked) -> dict[str, Any]:
    """The schema that is sent with a request.

    It leaves out the draft's upper bounds on texts: servers turn them into grammars of that many parts. `problems` knows them.
    """
    question = _draft()["properties"]["question"]["properties"]
    units = [unit or "" for unit in question["unit"]["enum"]]
    fixed = brief.drawn is not None
    options: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": 10}
    if fixed:
        options = _exactly(brief.options)
    properties = {
        "question_type": {"type": "string", "enum": [brief.question_type]},
        "categories": _exactly(brief.categories) if fixed else _some(brief.categories),
        "question": {"type": "string", "pattern": '^[A-Z][^"\\\\]+[?]$'},
        "answer_type": {
            "type": "string",
            "enum": [brief.answer_type] if fixed else question["answer_type"]["enum"],
        },
        "options": options,
        "unit": {"type": "string", "enum": [brief.unit or ""] if fixed else units},
        "program": {"type": "string"},
    }
    return {
        "type": "object",
        "properties": {name: properties[name] for name in FIELDS},
        "required": list(FIELDS),
        "additionalProperties": False,
    }


def problems(brief: Asked, reply: Any) -> str:
    """What is wrong with a reply, in one line; empty where nothing is."""
    schema = reply_schema(brief)
    question = _draft()["properties"]["question"]["properties"]["text"]
    # Not every server holds a model to the pattern; a question that ends in a full stop is one nevertheless.
    schema["properties"]["question"] = {key: value for key, value in question.items() if key != "description"}
    schema["properties"]["program"] = {"type": "string", "minLength": 1, "maxLength": MAX_BYTES}
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(reply), key=lambda e: list(map(str, e.path))
    )
    if not errors:
        return _unprintable(reply)
    first = errors[0]
    return f"{'.'.join(map(str, first.absolute_path)) or 'the object'}: {first.message}"[:300]


def _unprintable(reply: Mapping[str, Any]) -> str:
    """What cannot be shown to a reader, or be written to a file: control characters, halves of surrogate pairs."""
    for text in (reply["question"], *reply["options"], *reply["categories"]):
        if not text.isprintable():
            return f"not printable: {ascii(text)[:100]}"
    try:
        reply["program"].encode()
    except UnicodeEncodeError:
        return "program: not valid Unicode text"
    return ""


def _exactly(texts: tuple[str, ...]) -> dict[str, Any]:
    if not texts:
        return {"type": "array", "items": {"type": "string"}, "maxItems": 0}
    return {
        "type": "array",
        "items": {"type": "string", "enum": list(texts)},
        "minItems": len(texts),
        "maxItems": len(texts),
    }


def _some(texts: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"type": "string", "enum": list(texts)},
        "maxItems": min(MAX_CATEGORIES, len(texts)),
    }


def pretty(schema: Mapping[str, Any]) -> str:
    """A schema for a person, a field a line."""
    fields = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(kind)}" for name, kind in schema["properties"].items()
    )
    return f"{{\n{fields}\n}}"
