"""JSON Schema to GBNF, the grammar language of llama.cpp's servers, for those that take a grammar but no schema.

Covers what schemas of drafts use: objects, arrays, enumerations, scalars, alternatives and local references. String
patterns and number ranges are left to the reader of the reply, which validates it anyway. Grammar language:
llama.cpp, grammars/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BASE = {
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
    "string": r'"\"" char* "\""',
    "integer": '"-"? ("0" | [1-9] [0-9]{0,15})',
    "number": 'integer ("." [0-9]{1,15})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
}
# One optional space: with free whitespace small models fill a reply with it.
_COMMA, _COLON = '", "', '": "'
_MAX_DEPTH = 32


class UnsupportedSchema(ValueError):
    """A schema that this converter cannot express."""


def grammar(schema: Mapping[str, Any]) -> str:
    """GBNF whose ``root`` matches JSON texts of the schema.

    Raises:
        UnsupportedSchema: It uses what is not covered, or nests too deep.
    """
    rules: dict[str, str] = {}
    root = _Converter(schema, rules).value(schema, 0)
    listed = [f"root ::= {root}", *(f"{name} ::= {body}" for name, body in rules.items())]
    listed += [f"{name} ::= {body}" for name, body in _BASE.items()]
    return "\n".join(listed) + "\n"


def _literal(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class _Converter:
    def __init__(self, root: Mapping[str, Any], rules: dict[str, str]) -> None:
        self.root, self.rules = root, rules

    def value(self, schema: Any, depth: int) -> str:
        if not isinstance(schema, Mapping):
            raise UnsupportedSchema("a schema must be an object")
        if depth > _MAX_DEPTH:
            raise UnsupportedSchema("the schema nests too deep")
        if "$ref" in schema:
            return self.reference(schema["$ref"], depth)
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return "(" + " | ".join(_literal(value) for value in schema["enum"]) + ")"
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return "(" + " | ".join(self.value(each, depth + 1) for each in schema[several]) + ")"
        kind = schema.get("type")
        if isinstance(kind, list):
            return "(" + " | ".join(self.value({**schema, "type": one}, depth + 1) for one in kind) + ")"
        match kind:
            case "object":
                return self.object(schema, depth)
            case "array":
                return self.array(schema, depth)
            case "string" if "minLength" in schema or "maxLength" in schema:
                return f'"\\"" char{_times(schema.get("minLength", 0), schema.get("maxLength"))} "\\""'
            case "string" | "integer" | "number" | "boolean" | "null":
                return str(kind)
        raise UnsupportedSchema(f"no type that a grammar can express: {sorted(schema)}")

    def reference(self, pointer: Any, depth: int) -> str:
        if not isinstance(pointer, str) or not pointer.startswith("#/"):
            raise UnsupportedSchema(f"reference {pointer!r} is not local")
        name = "ref-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in pointer[2:])
        if name not in self.rules:
            target: Any = self.root
            for step in pointer[2:].split("/"):
                if not isinstance(target, Mapping) or step not in target:
                    raise UnsupportedSchema(f"reference {pointer!r} leads nowhere")
                target = target[step]
            self.rules[name] = ""  # a schema may refer to itself
            self.rules[name] = self.value(target, depth + 1)
        return name

    def object(self, schema: Mapping[str, Any], depth: int) -> str:
        properties = schema.get("properties", {})
        required = [name for name in properties if name in schema.get("required", ())]
        optional = [name for name in properties if name not in required]
        if not required and optional:
            raise UnsupportedSchema("an object needs a required property")
        if not required:
            return '"{}"'
        pairs = {
            name: f"{_literal(name)} {_COLON} {self.value(properties[name], depth + 1)}"
            for name in properties
        }
        body = f" {_COMMA} ".join(pairs[name] for name in required)
        body += "".join(f" ({_COMMA} {pairs[name]})?" for name in optional)
        return f'("{{" {body} "}}")'

    def array(self, schema: Mapping[str, Any], depth: int) -> str:
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        if high == 0:
            return '"[]"'
        item = self.value(schema["items"], depth + 1) if "items" in schema else "string"
        more = _times(max(low - 1, 0), None if high is None else high - 1)
        filled = f'"[" {item} ({_COMMA} {item}){more} "]"'
        return f"({filled})" if low > 0 else f'("[]" | {filled})'


def _times(low: int, high: int | None) -> str:
    return f"{{{low},{'' if high is None else high}}}"
