"""One vocabulary for all sources: what a source calls a thing, and what questions call it.

A wrong label gives wrong answers, and so does a missing one: where one of three chairs is called "seat", a count of
chairs is off. So each word of a source (`labels.json`) is one of:

- a category, or another name of one (``office chair``, ``coat hanger``, ``tv_monitor``);
- structure: walls, floors, pipes. No objects, and nothing else is in doubt because of them;
- vague (``object``, ``bin``), or several things in one instance (``books``, ``stack of chairs``). No objects, and
  what they may be, or hold, is in doubt;
- unknown: no object; a category that it ends in, is the plural of, or is a likely slip of the pen for, is in doubt.

A few categories are easily taken for another (``cushion`` for ``pillow``): they are objects, but the other one is in
doubt beside them. A category in doubt has no objects in that scene. ``object`` and the like put nothing in doubt:
annotators use them for what they could not name.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ouroboros_data.english import plurals

_BETWEEN_WORDS = re.compile(r"[_,()\s]+")
_SEVERAL = re.compile(r"(?:stack|pile|set|row|case|box|bag|bunch|group|pair|roll)s? of (.+)")
_JOINED = re.compile(r"\s*/\s*|\s+and\s+|\s+w/\s*|\s*&\s*")
_ALIKE = 0.8
"""`difflib` ratio from which on an unknown word may be a misspelt one: "chiar", "tabel" are, "stable" is not asked."""
_LONGEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What one word of a source says."""

    category: str | None
    """Canonical category; None where it names no object."""
    doubts: tuple[str, ...] = ()
    """Categories that cannot be counted in a scene that holds the word."""
    known: bool = True
    """Whether the vocabulary has the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Categories of a scene's instances."""

    categories: tuple[str | None, ...]
    """One per instance, in their order; None where the instance is no object of the scene."""
    doubtful: Mapping[str, int]
    """Category to the number of its instances that were left out because another label puts it in doubt."""
    unknown: Mapping[str, int]
    """Words that the vocabulary lacks, and how often they were met."""

    def summary(self) -> str:
        """One line for the log; empty where there is nothing to tell."""
        parts = []
        if self.doubtful:
            parts.append(f"left out, as another label casts doubt on their number: {_listed(self.doubtful)}")
        if self.unknown:
            parts.append(f"labels that the vocabulary does not know, left out: {_listed(self.unknown)}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vocabulary:
    category: Mapping[str, str]
    """Names of categories, own and other ones."""
    doubts: Mapping[str, tuple[str, ...]]
    """Vague words, groups and kin."""
    nothing: frozenset[str]
    """Words that name no object: structure, vague ones, groups."""
    plural: Mapping[str, str]
    """Plurals of the names to their categories."""


def plain(label: str) -> str:
    """Lower case, single spaces; underscores, commas and parentheses count as spaces."""
    return _BETWEEN_WORDS.sub(" ", label.lower()).strip()


def settle(raw_labels: Sequence[str], *, doubted: Iterable[str] = ()) -> Settled:
    """Categories for the instances of one scene; the module's text says by which rules.

    Args:
        raw_labels: The source's own words, one an instance. All of the scene's instances belong here, also those
            that are no objects: they decide what is in doubt.
        doubted: Categories that are in doubt for another reason.
    """
    meanings = [meaning(label) for label in raw_labels]
    doubts = {*doubted, *(name for found in meanings for name in found.doubts)}
    categories = [None if found.category in doubts else found.category for found in meanings]
    return Settled(
        categories=tuple(categories),
        doubtful=Counter(m.category for m in meanings if m.category is not None and m.category in doubts),
        unknown=Counter(plain(raw) for raw, m in zip(raw_labels, meanings, strict=True) if not m.known),
    )


@functools.lru_cache(maxsize=8192)
def meaning(label: str) -> Meaning:
    """What one label says, apart from its scene."""
    name, words = plain(label)[:_LONGEST], _vocabulary()
    if name in words.category:
        category = words.category[name]
        return Meaning(category=category, doubts=words.doubts.get(category, ()))
    if name in words.nothing or not name:
        return Meaning(category=None, doubts=words.doubts.get(name, ()))
    return Meaning(category=None, doubts=tuple(sorted(_doubts_of_unknown(name, words))), known=False)


def categories() -> frozenset[str]:
    """All canonical categories."""
    return frozenset(_vocabulary().category.values())


def _doubts_of_unknown(name: str, words: _Vocabulary) -> set[str]:
    found: set[str] = set()
    several = _SEVERAL.fullmatch(name)
    for part in _JOINED.split(several[1] if several else name):
        pieces = part.split()
        endings = [" ".join(pieces[i:]) for i in range(len(pieces))]
        close = next(
            (ending for ending in endings if ending in words.category or ending in words.plural), None
        )
        if close is None:
            alike = difflib.get_close_matches(part, words.category, n=2, cutoff=_ALIKE)
            found |= {words.category[name] for name in alike}
        else:
            found.add(words.category.get(close) or words.plural[close])
    return found


@functools.lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    data = json.loads(Path(__file__).with_name("labels.json").read_text("utf-8"))
    category = {name: name for name in [*data["same"], *data["alone"]]}
    for canonical, names in data["same"].items():
        category |= dict.fromkeys(names, canonical)
    doubts = {word: tuple(may) for kind in ("vague", "groups", "kin") for word, may in data[kind].items()}
    return _Vocabulary(
        category=category,
        doubts=doubts,
        nothing=frozenset([*data["structure"], *data["nothing"], *data["vague"], *data["groups"]]),
        plural={many: category[name] for name in category for many in plurals(name)},
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))[:400]
