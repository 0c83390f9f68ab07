"""English for category names: plurals, and which categories a text names."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

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
}
_SINGULAR_IN_S = {"bus", "canvas", "lens", "gas", "atlas", "cactus", "chess"}


def plural(name: str) -> str:
    """Plural of a category name; only the last word changes (``trash bin`` → ``trash bins``)."""
    head, space, last = name.rpartition(" ")
    return head + space + _plural_word(last)


def plurals(name: str) -> tuple[str, ...]:
    """All plurals that a writer may use, the usual one first (``scarf`` → ``scarves``, ``scarfs``)."""
    head, space, last = name.rpartition(" ")
    others = [_plural_word(last)]
    if last.endswith("s"):  # "iris" looks like a plural and need not be one
        others.append(last + "es")
    elif last.endswith("fe"):
        others += [last[:-2] + "ves", last + "s"]
    elif last.endswith("f"):
        others += [last[:-1] + "ves", last + "s"]
    elif last.endswith("o"):
        others.append(last + "es")
    return tuple(dict.fromkeys(head + space + word for word in others))


def in_plural(name: str) -> bool:
    """Whether the name is a plural already (``blinds``, ``kitchen cabinets``)."""
    last = name.rpartition(" ")[2]
    return last.endswith("s") and not last.endswith(("ss", "us")) and last not in _SINGULAR_IN_S


def namings(text: str, categories: Iterable[str]) -> Iterator[tuple[str, str, re.Match[str]]]:
    """Where a text names categories, as whole words in either number; longer names win over names inside them.

    Args:
        text: Lower case.
        categories: Names to look for.

    Yields:
        The category, the spelling that was found (single spaces), and the match.
    """
    names = tuple(sorted(categories))
    spellings = _spellings(names)
    for match in _pattern(names).finditer(text):
        found = " ".join(match[1].split())
        yield spellings[found], found, match


def named_categories(text: str, categories: Iterable[str]) -> set[str]:
    """The categories that a lower-case text names; see `namings`."""
    return {name for name, _, _ in namings(text, categories)}


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


@functools.lru_cache(maxsize=1024)
def _spellings(names: tuple[str, ...]) -> dict[str, str]:
    """Spelling to category; a category's own name wins over another's plural."""
    table = {form: name for name in names for form in plurals(name)}
    table.update({name: name for name in names})
    return table


@functools.lru_cache(maxsize=1024)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    spellings = sorted(_spellings(names), key=lambda s: (-len(s), s))
    body = "|".join(re.escape(s).replace(r"\ ", r"\s+") for s in spellings)
    return re.compile(rf"(?<![\w-])({body or '(?!)'})(?![\w-])")
