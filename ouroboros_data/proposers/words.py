"""Which category names a question can point with."""

from __future__ import annotations

from collections.abc import Collection

from ouroboros_data.english import in_plural, named_categories, plural

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
    return named_categories(text.lower(), {*mentions, *categories}) - set(mentions)
