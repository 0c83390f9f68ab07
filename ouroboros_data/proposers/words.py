"""English for category names: plurals, and which names a question can point with."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection

_IRREGULAR = {
    "shelf": "shelves",
    "bookshelf": "bookshelves",
    "knife": "knives",
    "loaf": "loaves",
    "scarf": "scarves",
    "mouse": "mice",
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "foot": "feet",
    "piano": "pianos",
    "photo": "photos",
    "radio": "radios",
    "stereo": "stereos",
    "dresser": "dressers",
}
_SINGULAR_IN_S = {"bus", "canvas", "lens", "gas", "atlas", "cactus", "chess"}
_KIND_OF = {
    "armchair": "chair",
    "bookshelf": "shelf",
    "bookcase": "shelf",
    "wheelchair": "chair",
    "couch": "sofa",
}
# Structure, and names that say nothing: a person cannot tell which thing is meant.
_NOT_POINTABLE = frozenset(
    {
        "wall",
        "floor",
        "ceiling",
        "room",
        "object",
        "item",
        "thing",
        "structure",
        "furniture",
        "other",
        "unknown",
    }
)


def plural(name: str) -> str:
    """Plural of a category name; only the last word changes (``trash bin`` → ``trash bins``)."""
    head, space, last = name.rpartition(" ")
    return head + space + _plural_word(last)


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if in_plural(word):
        return word
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + "s"


def in_plural(name: str) -> bool:
    """Whether the name is a plural already (``blinds``, ``kitchen cabinets``)."""
    last = name.rpartition(" ")[2]
    return last.endswith("s") and not last.endswith(("ss", "us")) and last not in _SINGULAR_IN_S


def pointable(name: str, others: Collection[str]) -> bool:
    """Whether a person who hears ``name`` can tell which category of the scene is meant.

    Names that are plurals or structure cannot be pointed with, nor can a name that another category of the
    scene is a kind of: with a coffee table about, "the table" may mean either.
    """
    words = name.split()
    if not words or in_plural(name) or words[-1] in _NOT_POINTABLE or not name.replace(" ", "").isalpha():
        return False
    if plural(name) in others:
        return False
    return not any(
        other != name and (other.endswith(" " + name) or _KIND_OF.get(other.rpartition(" ")[2]) == name)
        for other in others
    )


def strangers(text: str, mentions: Collection[str], categories: Collection[str]) -> set[str]:
    """Categories of the scene that occur as words in ``text`` without being among ``mentions``."""
    rest = text.lower()
    for name in sorted(mentions, key=len, reverse=True):
        rest = _word(name).sub("~", rest)
    return {name for name in categories if name not in mentions and _word(name).search(rest)}


@functools.lru_cache(maxsize=4096)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{re.escape(plural(name))}|{re.escape(name)})\b")
