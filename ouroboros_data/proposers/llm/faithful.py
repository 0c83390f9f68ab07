"""Whether a model's question asks what its brief says, by holding it against the family's own wordings.

The brief's program is known, so its answer is too; what is not known is whether the model's words mean the same. They do
as far as can be told if they name the same things in the same parts, use given phrases as they are, and touch the same
notions as one of the wordings. Where that cannot be shown the question is dropped: a lost question costs less than a wrong label.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from ouroboros_data.english import named_categories, namings, plurals
from ouroboros_data.programs.names import canonical
from ouroboros_data.proposers.grammar import Drawn
from ouroboros_data.proposers.llm import meaning

_MARK = "§"
_BRACKETS = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why a question may ask something else than its brief."""

    reason: str
    """Of the stage ``brief`` in `ouroboros_data.stages.gates.GATES`."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A text without its given phrases, and with what it names."""

    notions: frozenset[str]
    cues: Mapping[str, frozenset[str]]
    order: tuple[str, ...]
    """By first mention."""
    counts: Mapping[str, int]
    """How often each thing is named."""
    spellings: frozenset[str]


def doubt(text: str, drawn: Drawn, categories: Collection[str]) -> Doubt | None:
    """Why ``text`` may not ask what was drawn; None where it asks it as far as can be told.

    Args:
        text: The model's question.
        drawn: What its brief told it to ask.
        categories: Canonical categories of the scene.
    """
    said = normal(text)
    known = {*categories, *(canonical(name) for name in drawn.ask.mentions)}
    told = {canonical(name) for name in drawn.ask.mentions}
    named = named_categories(said, known)
    offered = {canonical(option) for option in drawn.options} & known
    if named - told:
        return Doubt(reason="ingredients", detail=f"also names {', '.join(sorted(named - told))}")
    if told - named - offered:
        return Doubt(
            reason="ingredients", detail=f"does not name {', '.join(sorted(told - named - offered))}"
        )
    listed = offered & told
    if listed & named and listed - named:
        return Doubt(
            reason="ingredients", detail=f"lists some of the options: {', '.join(sorted(listed & named))}"
        )
    doubts = [_against(said, wording, drawn, known) for wording in drawn.family.wordings]
    if None in doubts:
        return None
    # The reason that got farthest is the one to tell.
    return max((d for d in doubts if d), key=lambda d: ("phrase", "meaning", "roles").index(d.reason))


def phrases(wording: str, drawn: Drawn) -> tuple[str, ...]:
    """Words that a question has to use as they are: slots of a wording that are more than names, and what is in brackets.

    Brackets hold what must not be lost in other words: resolutions, and what counts as what.
    """
    known = frozenset(canonical(name) for name in drawn.ask.mentions)
    filled = wording.format_map(drawn.ask.slots)
    found = [drawn.ask.slots[name] for name in slots(wording) if name in drawn.ask.slots]
    found += [text for text in _BRACKETS.findall(filled) if text != "s"]
    return tuple(
        dict.fromkeys(
            text.strip().strip("()") for text in found if text.strip() and not _only_names(text, known)
        )
    )


@functools.lru_cache(maxsize=1024)
def slots(wording: str) -> tuple[str, ...]:
    """Names of the slots that a wording uses, in their order."""
    return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(wording) if name))


def normal(text: str) -> str:
    """Lower case, single spaces, one spelling of metre and of quotes."""
    text = text.lower().replace("’", "'").replace("metre", "meter").replace("centimetre", "centimeter")
    return " ".join(text.split())


def _against(said: str, wording: str, drawn: Drawn, known: Collection[str]) -> Doubt | None:
    given = sorted({normal(phrase) for phrase in phrases(wording, drawn)}, key=lambda p: (-len(p), p))
    for phrase in given:
        if phrase not in said:
            return Doubt(reason="phrase", detail=f"lacks the words {phrase!r}")
    mine = _read(_marked(said, given), known)
    theirs = _read(_marked(normal(wording.format_map(drawn.ask.slots)), given), known)
    if mine.notions != theirs.notions:
        more, less = mine.notions - theirs.notions, theirs.notions - mine.notions
        return Doubt(
            reason="meaning",
            detail=f"asks of {', '.join(sorted(more)) or 'nothing'} instead of {', '.join(sorted(less)) or 'nothing'}",
        )
    spelt = mine.spellings - theirs.spellings
    if spelt:
        return Doubt(reason="roles", detail=f"writes {', '.join(sorted(spelt))}")
    for name, found in mine.cues.items():
        if name in theirs.cues and not found <= theirs.cues[name]:
            shown = given[int(name[1:])] if name.startswith(_MARK) else name
            return Doubt(reason="roles", detail=f"{shown} has another part: {', '.join(sorted(found))}")
    both = [name for name in mine.order if name in theirs.order]
    again = [name for name in both if mine.counts[name] > theirs.counts[name]]
    if again:  # "closest to the sofa: chair, stove, sofa"
        return Doubt(reason="roles", detail=f"names {', '.join(again)} once more")
    if max(theirs.counts.values(), default=0) > 1 and both != [name for name in theirs.order if name in both]:
        # Which of its several parts a name has in the model's words cannot be told.
        return Doubt(reason="roles", detail=f"names {', '.join(both)} in another order")
    for cue in sorted({cue for name in both for cue in mine.cues[name]}):
        one = [name for name in both if cue in mine.cues[name]]
        other = [name for name in theirs.order if name in one]
        if one != other:
            return Doubt(reason="roles", detail=f"names {', '.join(one)} in another order")
    return None


def _read(text: str, known: Collection[str]) -> _Reading:
    places: dict[int, str] = {}
    spellings = set()
    spans = []
    for name, spelling, match in namings(text, known):
        places[match.start()] = name
        spellings.add(spelling)
        spans.append(match.span())
    for match in re.finditer(rf"{_MARK}\d+", text):
        places[match.start()] = match[0]
        spans.append(match.span())
    spans.sort()
    rest = text
    for start, end in reversed(spans):
        rest = f"{rest[:start]} ; {rest[end:]}"
    return _Reading(
        notions=meaning.notions(rest),
        cues=meaning.cues(text, places),
        order=meaning.order([places[start] for start in sorted(places)]),
        counts=Counter(places.values()),
        spellings=frozenset(spellings),
    )


def _marked(text: str, given: Sequence[str]) -> str:
    """The text with a mark in place of each phrase, those that say a resolution taken out: they may stand anywhere."""
    for k, phrase in enumerate(given):
        pattern = rf"(?<!\w){re.escape(phrase)}(?!\w)"
        free = phrase.startswith(("in ", "to ", "of ")) or f"({phrase})" in text
        text = re.sub(pattern, " ; " if free else f"{_MARK}{k}", text)
    return text


def _only_names(value: str, known: Collection[str]) -> bool:
    rest = value.lower()
    for name in sorted(known, key=len, reverse=True):
        for form in sorted({name, *plurals(name)}, key=len, reverse=True):
            rest = re.sub(rf"(?<![\w-]){re.escape(form)}(?![\w-])", " ", rest)
    return not set(re.findall(r"[a-z0-9]+", rest)) - {"the", "a", "an", "and", "or"}
