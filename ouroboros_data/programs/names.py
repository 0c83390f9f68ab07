"""Which category of a scene a word means: plurals and other words for the same thing.

Only words that mean the same in every room are here. "Mug" for a cup, "painting" for a picture and "office chair" for a
chair are not: there are cups that are no mugs, and a question may have meant only those.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from ouroboros_data.english import plurals

_SAME = (
    ("air conditioner", "ac unit"),
    ("backpack", "rucksack"),
    ("bathtub", "bath tub"),
    ("bicycle", "bike"),
    ("blinds", "window blinds"),
    ("bookshelf", "bookcase", "book shelf", "book case"),
    ("cell phone", "mobile phone", "cellphone", "smartphone"),
    ("clothes dryer", "tumble dryer"),
    ("computer mouse", "mouse"),
    ("dresser", "chest of drawers"),
    ("file cabinet", "filing cabinet"),
    ("laptop", "laptop computer"),
    ("microwave", "microwave oven"),
    ("monitor", "computer monitor"),
    ("nightstand", "night stand", "bedside table"),
    ("refrigerator", "fridge"),
    ("sofa", "couch"),
    ("trash bin", "trash can", "garbage bin", "garbage can", "rubbish bin", "dustbin", "waste bin"),
    ("tv", "television"),
    ("washer", "washing machine"),
    ("whiteboard", "white board"),
)
_GROUP = {name: names for names in _SAME for name in names}


def canonical(category: str) -> str:
    """The spelling under which categories are compared: lower case, single spaces, no underscores."""
    return " ".join(category.lower().replace("_", " ").split())


def resolve(name: str, categories: Iterable[str]) -> str | None:
    """The scene's category that a word means, e.g. ``sofa`` for ``Couches``.

    Args:
        name: Any spelling.
        categories: Canonical categories of the scene.

    Returns:
        None where the scene has no such category, or two that the word may mean.
    """
    word, known = canonical(name), tuple(sorted(set(categories)))
    others = aliases(known)
    if word in others:
        return others[word] or None
    return word if word in known else None


@functools.lru_cache(maxsize=1024)
def aliases(categories: tuple[str, ...]) -> dict[str, str]:
    """Other words for a scene's categories; an empty text for a word that may mean two of them.

    A category's own name is among them only in that last case: the scene calls one thing a sofa and another a couch.
    """
    meant: dict[str, set[str]] = {}
    for category in categories:
        for word in _GROUP.get(category, (category,)):
            for form in (word, *plurals(word)):
                meant.setdefault(form, set()).add(category)
    own = set(categories)
    out = {}
    for word, found in meant.items():
        if word in own:  # not for being another category's plural
            found = {word, *(other for other in found if other in _GROUP.get(word, ()))}
            if found == {word}:
                continue
        out[word] = found.pop() if len(found) == 1 else ""
    return out
