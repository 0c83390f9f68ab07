"""Gates that hold a question's words against its program and its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ouroboros_data.english import namings
from ouroboros_data.programs import api
from ouroboros_data.programs.results import Outcome
from ouroboros_data.stages import ranking
from ouroboros_data.stages.gates import Rejection, reject
from ouroboros_data.types import Draft, Scene

_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_UNITS = {
    "m": r"m\b|met(?:er|re)s?\b",
    "cm": r"cm\b|centimet(?:er|re)s?\b",
    "m2": r"m2\b|m²|sqm\b|square\s+met(?:er|re)s?\b",
    "deg": r"deg\b|degrees?\b|°",
    "s": r"s\b|sec(?:ond)?s?\b",
}
_STATED = r"\b(?:is|are|was|were|equals?|measures?|answer:|has|have)\s+(?:about|around|exactly|roughly|approximately|only)?\s*"
_SUPERLATIVE = r"closest|nearest|farthest|furthest"
_HOP = re.compile(rf"{_SUPERLATIVE}|tallest|shortest|longest")


def direction(draft: Draft) -> Rejection | None:
    """The program takes the end of a ranking that the question asks for.

    Rejects only what is sure: every ranking of a kind in the program goes against every word of that kind; or, over several
    hops, there are as many rankings as words and they cannot be paired.
    """
    asked = ranking.asked(draft.question.text.lower())
    done = ranking.done(draft.program.source) if asked else None
    for want in asked:
        same_kind = [other for other in asked if other.kinds & want.kinds]
        found = [step for step in done or () if step.kinds & want.kinds]
        if not found:
            continue
        if any(other.way != want.way for other in same_kind):
            single = all(_HOP.fullmatch(word.text) for word in same_kind)
            single &= all(step.way in ("least", "most") for step in found)  # a row in order is no hop
            ways = sorted(word.way for word in same_kind), sorted(step.way for step in found)
            if single and len(found) == len(same_kind) and ways[0] != ways[1]:
                words, steps = (", ".join(r.text for r in row) for row in (same_kind, found))
                return reject(
                    "wording", "direction", f"the question asks for {words}; the program takes {steps}"
                )
            continue
        if all(step.way == ranking.OPPOSITE[want.way] for step in found):
            detail = (
                f"the question asks for the {want.text}, the program takes the other end: {found[0].text}"
            )
            return reject("wording", "direction", detail)
    return None


def candidates(draft: Draft, scene: Scene, outcome: Outcome) -> Rejection | None:
    """'The X closest to the Y' is chosen among X, by the distance from Y; over several hops, each of them is.

    Looks only where the text has as many such words as the program made such choices.
    """
    text = draft.question.text.lower()
    category = {o.id: api.canonical(o.category) for o in scene.objects}
    words = re.findall(rf"\b(?:{_SUPERLATIVE})\b(?!\s+points?\b)", text)
    chosen = [call for call in outcome.evidence.calls if call.startswith(("closest(", "farthest("))]
    if not words or len(words) != len(chosen):
        return None
    choices = []
    for call in chosen:
        target, *among = call.rstrip(")").partition("(")[2].split(",")
        choices.append((category.get(target), {category[i] for i in among if i in category and i != target}))
    found = list(namings(text, set(category.values())))
    for name, _, match in found:
        before = re.search(r"\bthe\s+$", text[: match.start()])
        after = re.match(
            rf"\s+(?:that\s+is\s+|which\s+is\s+)?(?:the\s+)?(?:{_SUPERLATIVE})\s+to\b\s*(the\s+)?",
            text[match.end() :],
        )
        if not before or not after:
            continue
        fits = [target for target, among in choices if among == {name}]
        if not fits:
            others = ", ".join(sorted(set().union(*(among for _, among in choices)) - {name}))
            detail = f"'the {name} closest to': the program also chooses among {others}"
            return reject("wording", "candidates", detail)
        anchor = next((a for a, _, m in found if after[1] and m.start() == match.end() + after.end()), None)
        if anchor is not None and anchor not in fits:
            detail = f"'the {name} closest to the {anchor}': the program measures from {fits[0]}"
            return reject("wording", "candidates", detail)
    return None


def gives_away(draft: Draft, outcome: Outcome) -> Rejection | None:
    """The question does not tell its answer.

    Of options, one that the text names alone is enough, right or wrong: were only right ones rejected, the
    accepted rows would tell that a named option is wrong.
    """
    question, answer = draft.question, outcome.answer
    assert answer is not None
    text = question.text.lower()
    if answer.type == "choice":
        # Options that are lists ("bed, tv") are told apart by their order, which every list in a text has.
        named = [option for option in question.options if _says(text, option)]
        if len(named) == 1 and ", " not in named[0]:
            return reject("wording", "gives_away", f"of the options the text names {named[0]!r} alone")
    if answer.type == "number":
        spellings = [answer.text]
        if answer.text.isdecimal() and int(answer.text) < len(_NUMBERS):
            spellings.append(_NUMBERS[int(answer.text)])
        if _states(text, spellings, answer.unit, outcome.evidence.categories):
            return reject("wording", "gives_away", f"the text states the answer, {answer.text}")
    return None


def _says(text: str, option: str) -> bool:
    words = r"\s+".join(re.escape(word) for word in option.lower().split())
    return re.search(rf"(?<![\w-]){words}(?![\w-])", text) is not None


def _states(text: str, spellings: Sequence[str], unit: str | None, categories: Sequence[str]) -> bool:
    """Whether the text asserts the number: 'is 2.5 metres', 'there are 3 chairs', 'the 3 chairs'."""
    values = "|".join(re.escape(s) + r"(?:\.0+)?" for s in spellings)
    number = rf"(?<![\w.])(?:{values})(?![\w]|\.\d)"
    if unit == "count":
        if len(categories) != 1:
            return False
        return any(
            re.search(rf"\b(?:the|are|has|have|of)\s+(?:all\s+|only\s+)?{number}\s+(?:\w+\s+)?$", text[: match.start()])
            for _, _, match in namings(text, categories)
        )  # fmt: skip
    if unit is None:
        return False
    return re.search(rf"{_STATED}{number}\s*(?:{_UNITS[unit]})", text) is not None
