"""Keys by which a draft is known again in other words."""

from __future__ import annotations

import re

from ouroboros_data.ids import content_hash
from ouroboros_data.types import Answer, Draft, Evidence

_SYMMETRIC = frozenset(["distance", "center_distance", "horizontal_distance", "path_length", "camera_moved"])
# Their two objects swapped ask the same question with the answer turned round.
_TURNED = frozenset(["left_in_view"])
# Finding and naming objects is no question about them.
_FINDING = frozenset(["objects", "only", "categories"])
_FILLER = frozenset("a an the this that these those of in on at is are there please what which".split())


def duplicate_key(draft: Draft, answer: Answer, evidence: Evidence) -> str:
    """Equal for two drafts that ask the same of the same objects in the same roles, however they word it.

    Roles are in ``evidence.calls``: ``bearing(a,b,c)`` and ``bearing(a,c,b)`` differ. The answer enters by
    value, so that shuffled options do not make a question new, and a number as it is stated: asking for it at another
    resolution is another question.
    """
    question = draft.question
    return content_hash(
        "duplicate",
        question.scene_id,
        question.question_type,
        answer.type,
        answer.unit,
        _value(answer),
        sorted(question.options),
        sorted(evidence.object_ids),
        sorted(evidence.calls),
    )


def near_duplicate_keys(draft: Draft, answer: Answer, evidence: Evidence) -> tuple[str, str]:
    """Keys of which one is equal for two drafts that ask the same under other names.

    The first: the same measures of the same objects with the same answer, whatever the type, the other options and
    the detours of the program, with the objects of symmetric relations in either role. "Is a left of b" and "is b
    left of a" are the same, and so are "is a taller than b" and "is b taller than a"; a yes or no about a number in
    the text ("more than 2 m") counts as it is answered.
    The second: the same words and options, whatever the program. If its answer differs, one of the two is wrong.
    """
    question = draft.question
    compares = answer.type == "boolean" and not re.search(r"\d", question.text)
    calls = {_neutral(call) for call in evidence.calls}
    measures = sorted(call for call in calls if call.partition("(")[0] not in _FINDING)
    by_measures = content_hash(
        "near duplicate",
        question.scene_id,
        answer.type,
        answer.unit,
        None if compares else _value(answer),
        # A program without measures compares fields of handles; its words are all there is to tell it by.
        measures or _words(question.text),
        sorted(evidence.object_ids),
        _words(question.text) if compares and not _turned_only(measures) else [],
    )
    by_words = content_hash(
        "same words", question.scene_id, _words(question.text), sorted(o.lower() for o in question.options)
    )
    return by_measures, by_words


def _turned_only(measures: list[str]) -> bool:
    """Whether a yes or no is sure to be the same question or its converse: one relation, or one size of two things."""
    names = {call.partition("(")[0] for call in measures}
    return len(names) == 1 and (len(measures) == 2 or names <= _TURNED)


def _neutral(call: str) -> str:
    name, _, rest = call.rstrip(")").partition("(")
    parts = rest.split(",")
    if name in _SYMMETRIC:
        return f"{name}({','.join(sorted(parts))})"
    if name in _TURNED:
        return f"{name}({','.join([parts[0], *sorted(parts[1:])])})"
    return call


def _value(answer: Answer) -> object:
    if answer.type == "number":
        return answer.text
    return list(answer.value) if isinstance(answer.value, tuple) else answer.value


def _words(text: str) -> list[str]:
    return [w for w in re.findall(r"[\w.-]*\w", text.lower()) if w not in _FILLER]
