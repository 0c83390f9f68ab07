"""What can be set right in a reply without asking again, each by name: fields in this module, programs in `program_fixers`.

A fixer changes the form of what was said, never what it says: it does not choose another object, direction or number.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ouroboros_data.english import plural, plurals
from ouroboros_data.programs.names import aliases, canonical, resolve
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.proposers.llm.schema import FIELDS

Fields = dict[str, Any]

_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n?(.*?)\n?\s*```\s*$", re.DOTALL)
_TYPES = {
    "bool": "boolean", "yes/no": "boolean", "yesno": "boolean", "order": "ordering", "ordered list": "ordering",
    "int": "number", "integer": "number", "float": "number", "numeric": "number", "numerical": "number",
    "multiple choice": "choice", "multiple_choice": "choice", "option": "choice",
}  # fmt: skip
_UNITS = {
    "meter": "m", "meters": "m", "metre": "m", "metres": "m",
    "centimeter": "cm", "centimeters": "cm", "centimetre": "cm", "centimetres": "cm",
    "m^2": "m2", "m²": "m2", "sqm": "m2", "sq m": "m2", "square meter": "m2", "square meters": "m2", "square metres": "m2",
    "degree": "deg", "degrees": "deg", "°": "deg", "second": "s", "seconds": "s", "sec": "s",
    "counts": "count", "number": "count", "objects": "count", "none": "", "null": "", "n/a": "", "-": "",
}  # fmt: skip
_LETTER = re.compile(r"^\s*\(?[A-Ja-j][.):]\)?\s+")


def objects_in(text: str) -> tuple[list[Any], list[str]]:
    """The JSON objects at the top of a text, and the fixers that it took to read them."""
    used = []
    fenced = _FENCE.match(text)
    if fenced:
        text = fenced[1]
        used.append("fence")
    found: list[Any] = []
    rest = text
    beside = ""
    while "{" in rest:
        before, rest = rest[: rest.index("{")], rest[rest.index("{") :]
        beside += before
        value, length, name = _first_object(rest)
        if value is None:
            return found, used
        found.append(value)
        rest = rest[length:]
        if name and name not in used:
            used.append(name)
    if (beside + rest).strip(" \t\r\n`") and found:
        used.append("prose")
    return found, used


def _first_object(text: str) -> tuple[Any, int, str]:
    """The object at the beginning of a text, its length, and the fixer that was needed; None if it is none."""
    for name, strict in (("", True), ("raw_newlines", False)):
        try:
            value, length = json.JSONDecoder(strict=strict).raw_decode(text)
            return value, length, name
        except (ValueError, RecursionError):
            continue
    whole = text[: text.rfind("}") + 1]
    if not whole:
        return None, 0, ""
    bare = re.sub(r",(\s*[}\]])", r"\1", whole)
    try:
        return json.loads(bare, strict=False), len(whole), "trailing_comma"
    except (ValueError, RecursionError):
        pass
    try:
        value = ast.literal_eval(whole)
        if isinstance(value, dict):
            return value, len(whole), "python_dict"
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        pass
    return None, 0, ""


def extra_fields(fields: Fields, asked: Asked) -> Fields:
    """Drops fields that nobody asked for, such as the answer."""
    return {name: value for name, value in fields.items() if name in FIELDS}


def absent_fields(fields: Fields, asked: Asked) -> Fields:
    """Adds fields whose only value the brief fixes."""
    if asked.drawn is None:
        return fields
    fixed = {
        "question_type": asked.question_type,
        "categories": list(asked.categories),
        "answer_type": asked.answer_type,
        "options": list(asked.options),
        "unit": asked.unit or "",
    }
    return {**{name: value for name, value in fixed.items() if name not in fields}, **fields}


def answer_type(fields: Fields, asked: Asked) -> Fields:
    """Other words for the answer types: bool, order, int."""
    said = fields.get("answer_type")
    if isinstance(said, str):
        word = said.strip().lower()
        return {**fields, "answer_type": _TYPES.get(word, word)}
    return fields


def unit(fields: Fields, asked: Asked) -> Fields:
    """Other spellings of units: metres, m^2, degrees, null."""
    said = fields.get("unit", "")
    if said is None:
        return {**fields, "unit": ""}
    if isinstance(said, str):
        word = " ".join(said.strip().lower().split())
        return {**fields, "unit": _UNITS.get(word, word)}
    return fields


def categories(fields: Fields, asked: Asked) -> Fields:
    """Plurals, synonyms and underscores in the list of categories, and their order."""
    said = fields.get("categories")
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        return fields
    known = asked.known or asked.categories
    names = list(dict.fromkeys(resolve(name, known) or canonical(name) for name in said))
    if asked.drawn is not None and set(names) == set(asked.categories):
        names = list(asked.categories)
    return {**fields, "categories": names}


def options(fields: Fields, asked: Asked) -> Fields:
    """Letters before options; the brief's order."""
    said = fields.get("options")
    if said is None:
        return {**fields, "options": []}
    if not isinstance(said, list) or not all(isinstance(option, str) for option in said):
        return fields
    plain = [_LETTER.sub("", option).strip() for option in said]
    if asked.options and {o.casefold() for o in plain} == {o.casefold() for o in asked.options}:
        plain = list(asked.options)
    if asked.drawn is not None and not asked.options and asked.answer_type != "choice":
        plain = []  # of yes and no, or of what is to be ordered
    return {**fields, "options": plain}


def question_text(fields: Fields, asked: Asked) -> Fields:
    """Spaces, quotes round the whole, a label before it, a missing question mark, options or letters behind it."""
    said = fields.get("question")
    if not isinstance(said, str):
        return fields
    text = " ".join(said.split())
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    text = re.sub(r"^(?:question|q)\s*:\s*", "", text, flags=re.IGNORECASE)
    if text[:1].islower():
        text = text[0].upper() + text[1:]
    if re.match(r"(?:what|which|how|where|is|are|does|do|in what|in which)\b", text, re.IGNORECASE):
        text = re.sub(r"(?<=[\w)\"'])[.]?$", "?", text)
    return {**fields, "question": text}


def question_names(fields: Fields, asked: Asked) -> Fields:
    """Synonyms and underscores in the question: the scene's own name of each category."""
    said = fields.get("question")
    if not isinstance(said, str):
        return fields
    known = tuple(sorted(set(asked.known or asked.categories)))
    own = {form for name in known for form in (name, *plurals(name))}
    text = said
    for name in known:
        if " " in name:
            text = re.sub(rf"(?<![\w-]){re.escape(name.replace(' ', '_'))}(?![\w-])", name, text)
    others = {word: name for word, name in aliases(known).items() if name and word not in own}
    for word in sorted(others, key=len, reverse=True):
        name = others[word]
        many = word in {form for other in others if other != word for form in plurals(other)}
        text = re.sub(
            rf"(?<![\w-]){re.escape(word)}(?![\w-])",
            plural(name) if many else name,
            text,
            flags=re.IGNORECASE,
        )
    return {**fields, "question": text}


FIELD_FIXERS: Mapping[str, Callable[[Fields, Asked], Fields]] = {
    "extra_fields": extra_fields,
    "absent_fields": absent_fields,
    "answer_type": answer_type,
    "unit": unit,
    "categories": categories,
    "options": options,
    "question_text": question_text,
    "question_names": question_names,
}
"""In the order in which they are tried."""


def fix_fields(fields: Fields, asked: Asked) -> tuple[Fields, list[str]]:
    """The fields after all fixers, and the names of those that changed something."""
    used = []
    for name, fix in FIELD_FIXERS.items():
        fixed = fix(fields, asked)
        if fixed != fields:
            fields = fixed
            used.append(name)
    return fields, used
