"""Options of an adapter: strict types and names from the dataclass, ranges from its own list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from ouroboros_data.errors import RecipeError
from ouroboros_data.records import from_json

WHERE = "scenes.options"
T = TypeVar("T")


class Film(Protocol):
    """The options of every adapter that renders a video."""

    @property
    def fps(self) -> float:
        """Frames per second."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width, height."""


def read_options(cls: type[T], options: Mapping[str, Any]) -> T:
    """The options as ``cls``, ranges not yet checked (raises RecipeError that names the field)."""
    return from_json(cls, options, where=WHERE, error=RecipeError)


def need(holds: bool, known: Any, field: str, what: str) -> None:
    """Refuse options whose ``field`` is out of range (raises RecipeError unless ``holds``)."""
    if not holds:
        raise RecipeError(f"{field}: {what}, got {getattr(known, field)!r}", where=WHERE)


def need_film(known: Film) -> None:
    """Refuse a frame rate or a frame size that no video can have (raises RecipeError)."""
    even = all(32 <= n <= 4096 and n % 2 == 0 for n in known.size_px)
    need(0.1 <= known.fps <= 120, known, "fps", "must lie in 0.1 to 120")
    need(even, known, "size_px", "must be even, 32 to 4096")
