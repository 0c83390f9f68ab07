"""Records to and from JSON-like data (cattrs): unknown keys are errors, tuples become lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import cattrs

from ouroboros_data.errors import OuroborosError

T = TypeVar("T")

_CONVERTER = cattrs.Converter(forbid_extra_keys=True, unstruct_collection_overrides={tuple: list})


def _strict(cls: Any) -> Any:
    # cattrs would coerce: 3 to "3", "yes" to True. A wrong type in a file is an error, not a hint.
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not cls and not (cls is float and type(value) is int):
            raise TypeError(f"expected {cls.__name__}, got {type(value).__name__} {value!r}")
        return cls(value)

    return structure


for _scalar in (int, float, str, bool):
    _CONVERTER.register_structure_hook(_scalar, _strict(_scalar))
_CONVERTER.register_structure_hook(
    float | int | str | bool | tuple[str, ...],
    lambda value, _: tuple(value) if isinstance(value, list) else value,
)


def to_json(record: Any) -> Any:
    """Plain dicts, lists and scalars of a record."""
    return _CONVERTER.unstructure(record)


def from_json(cls: type[T], value: Any, *, where: str, error: type[OuroborosError], fix: str = "") -> T:
    """Build ``cls`` from JSON-like data.

    Raises:
        error: A key is unknown or missing, or a value has the wrong type; the message names the field.
    """
    if not isinstance(value, Mapping):
        raise error(f"expected a mapping, got {type(value).__name__}", where=where, fix=fix)
    try:
        return _CONVERTER.structure(value, cls)
    except cattrs.BaseValidationError as problem:
        lines = cattrs.transform_error(problem, format_exception=_describe)
        said = [line.replace(" @ $.", " at ").removesuffix(" @ $") for line in lines[:3]]
        raise error("; ".join(said), where=where, fix=fix) from None


def _describe(problem: BaseException, kind: type | None) -> str:
    if isinstance(problem, KeyError):
        return "missing"
    if isinstance(problem, cattrs.ForbiddenExtraKeysError):
        return f"unknown key {', '.join(sorted(problem.extra_fields))}"
    text = str(problem)
    # What cattrs' generated code trips over when a scalar or a list stands where a record should.
    if isinstance(problem, AttributeError) or "not iterable" in text or "not subscriptable" in text:
        return "expected a mapping or a list"
    return text.replace("not in literal typing.Literal", "is not one of ")


def merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Deep merge of nested mappings; ``extra`` wins."""
    out = dict(base)
    for key, value in extra.items():
        old = out.get(key)
        out[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return out
