"""The gates that a draft passes, each a pure function that returns a rejection or None.

``ground`` calls them in the order of ``GATES``. A new gate is a function here and a line there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ouroboros_data import resources
from ouroboros_data.english import named_categories
from ouroboros_data.programs import api, results
from ouroboros_data.programs.margins import Margin
from ouroboros_data.programs.results import Outcome
from ouroboros_data.records import to_json
from ouroboros_data.stages import filters, pointing
from ouroboros_data.types import Draft, Evidence, Scene

GATES: dict[str, dict[str, str]] = {
    "parse": {
        **{
            name: f"a model was asked and gave no reply ({what})"
            for name, what in (
                ("endpoint", "the server failed"),
                ("unreachable", "no connection"),
                ("timeout", "too late"),
                ("rejected", "the server did not take the request"),
                ("too_long", "the prompt does not fit the model"),
                ("truncated", "cut off"),
                ("refused", "it would not answer"),
                ("media", "the pictures could not be sent"),
            )
        },
        "not_json": "a model's reply holds no JSON object",
        "several": "a model's reply holds more than one JSON object",
        "reply_schema": "a model's reply breaks the schema that its request named",
    },
    "brief": {
        "ingredients": "a model's question leaves out what it was told to ask about, or names more",
        "phrase": "a model's question lacks words that it was told to use as they are",
        "meaning": "a model's question asks for something else than it was told to",
        "roles": "a model's question gives the objects other parts than it was told to",
    },
    "schema": {
        "schema": "the draft breaks schemas/draft.schema.json",
        "options": "options are missing, not distinct, or given for an answer that has none",
        "unit": "a number without a unit, or a unit without a number",
        "scene": "the draft is about another scene",
        "frames": "the draft names other frames than the ones that were sampled",
        "api_version": "the program is written for an API that this version does not run",
    },
    "execute": dict(results.REASONS),
    "type": {
        "answer_type": "the program returns another kind of answer than the question asks for",
        "unit": "the program's unit is not the question's",
        "options": "the program's options are not the question's, in its order",
    },
    "agreement": {
        "disagree": "another program for the same question gives another answer",
        "witness": "another program for the same question gives no answer",
        "evidence": "another program for the same question gives this answer from other objects or frames",
    },
    "reference": {
        "not_unique": "the question says 'the X' and the scene has several X",
        "unknown_category": "the draft says that its text names a category that the scene does not have",
        "mention_absent": "the draft says that its text names a category that the text does not contain",
        "unused": "the question names a category that the program does not look at",
        "unnamed": "the program looks at a category that the question does not name",
    },
    "wording": {
        "direction": "the question asks for one end of a ranking, the program takes the other",
        "candidates": "the question says 'the X closest to the Y', the program chooses among others or measures from another",
        "gives_away": "the question states its answer, or names one of its options alone",
    },
    "visible": {"not_visible": "an object that the answer depends on is in none of the sampled frames"},
    "degenerate": {
        "constant": "the program looks at nothing in the scene",
        "zero": "a count, length, area or gap of zero",
        "all": "a condition that every object meets",
        "single_candidate": "the closest or farthest of one candidate",
        "same_everywhere": "the program gives the same answer on every other scene where it gives one",
    },
    "margin": {"ambiguous": "the answer changes within the noise of the annotation"},
    "duplicate": {
        "duplicate": "the same question about the same objects has been accepted before",
        "near_duplicate": "the same in other words, under another type, or with the roles of a symmetric relation swapped",
    },
    "balance": {
        "letter": "this round has more answers with this letter than chance would give",
        "answer": "this round has more answers of this value than chance would give",
        "wording": "this round asks for the closest far more often than for the farthest, or the reverse",
    },
    "review": {
        "answerable_blind": "the reviewer says that the answer can be had without looking",
        "contradicted": "the reviewer says that what is shown contradicts the answer",
        "unreadable": "too few of the reviewer's votes could be read",
    },
}
"""Stages in order, each with its closed list of reasons."""

# Phrases in which a possible category name does not stand for an object.
_PHRASES = re.compile(r"\b(?:floor (?:area|space|plan|size)|front door key|table of contents)\b")
_GENERIC = re.compile(r"\b(?:objects?|things?|items?|pieces?|furniture|everything|anything)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a draft stops here."""

    stage: str
    reason: str
    detail: str


def reject(stage: str, reason: str, detail: str) -> Rejection:
    """A rejection; the reason is one of the stage's in ``GATES``."""
    assert reason in GATES[stage], (stage, reason)
    return Rejection(stage=stage, reason=reason, detail=detail)


def schema(draft: Draft, scene: Scene, frame_ids: Sequence[str]) -> Rejection | None:
    """The draft has the right form, agrees with itself, and is about this scene and these frames."""
    for path, message in resources.problems("draft", to_json(draft)):
        return reject("schema", "schema", f"{path}: {message}")
    question = draft.question
    if question.scene_id != scene.id:
        return reject("schema", "scene", f"the draft is about {question.scene_id!r}, not {scene.id!r}")
    if tuple(question.frame_ids) != tuple(frame_ids):
        return reject("schema", "frames", "question.frame_ids are not the sampled frames")
    if draft.program.api_version != api.API_VERSION:
        return reject(
            "schema",
            "api_version",
            f"API {draft.program.api_version!r}, this version runs {api.API_VERSION!r}",
        )
    if question.answer_type == "choice":
        folded = {option.casefold().strip() for option in question.options}
        if len(question.options) < 2 or len(folded) != len(question.options):
            return reject(
                "schema", "options", f"a choice needs distinct options, got {list(question.options)}"
            )
    elif question.options:
        return reject("schema", "options", f"a {question.answer_type} has no options")
    if (question.answer_type == "number") != (question.unit is not None):
        return reject("schema", "unit", f"{question.answer_type} with unit {question.unit}")
    return None


def execute(outcome: Outcome) -> Rejection | None:
    """The program ran and gave an answer."""
    return None if outcome.ok else reject("execute", outcome.reason, outcome.detail)


def answer_type(draft: Draft, outcome: Outcome) -> Rejection | None:
    """The answer is of the kind that the question asks for."""
    question, answer = draft.question, outcome.answer
    assert answer is not None
    if answer.type != question.answer_type:
        return reject(
            "type", "answer_type", f"the question asks for a {question.answer_type}, got a {answer.type}"
        )
    if answer.unit != question.unit:
        return reject("type", "unit", f"the question asks for {question.unit}, got {answer.unit}")
    if outcome.options != tuple(question.options):
        return reject(
            "type",
            "options",
            f"the question offers {list(question.options)}, the program {list(outcome.options)}",
        )
    return None


def agreement(draft: Draft, outcome: Outcome, witness: Outcome | None) -> Rejection | None:
    """Another program for the same question, where the draft has one, publishes the same answer."""
    if witness is None:
        return None
    one, other = outcome.answer, witness.answer
    assert one is not None
    if other is None:
        return reject("agreement", "witness", f"{witness.reason}: {witness.detail}")
    if (one.type, one.unit, one.text, outcome.options) != (
        other.type,
        other.unit,
        other.text,
        witness.options,
    ):
        return reject("agreement", "disagree", f"{one.text} {one.unit or ''}, the other {other.text}")
    # Of two options a wrong program hits the right one half the time.
    for mine, others, what in (
        (set(outcome.evidence.object_ids), set(witness.evidence.object_ids), "objects"),
        (_frames_in(outcome.evidence), _frames_in(witness.evidence), "frames"),
    ):
        if mine != others:
            detail = f"looks at {what} {sorted(mine) or 'none'}, the other at {sorted(others) or 'none'}"
            return reject("agreement", "evidence", detail)
    return None


def _frames_in(evidence: Evidence) -> set[str]:
    """Positions of the frames that a program asked about, as ``@2``."""
    return {frame for call in evidence.calls for frame in re.findall(r"@\d+", call)}


def reference(draft: Draft, scene: Scene, evidence: Evidence) -> Rejection | None:
    """What the text names is what the program looks at, and 'the X' exists once."""
    counts = Counter(api.canonical(o.category) for o in scene.objects)
    mentions = {api.canonical(name) for name in draft.mentions}
    used = set(evidence.categories)
    text = _PHRASES.sub(" ", draft.question.text.lower())
    known = set(counts) | mentions
    in_text = named_categories(text, known)
    named = in_text | named_categories("; ".join(draft.question.options).lower(), known)
    for name in sorted(mentions - set(counts)):
        return reject("reference", "unknown_category", f"the scene has no {name}")
    for name in sorted(mentions - named):
        return reject("reference", "mention_absent", f"{name} is listed in mentions and not in the text")
    for name in sorted(in_text):
        if counts[name] > 1 and pointing.definite(
            name, text, known, pointing.places_asked(name, scene, evidence)
        ):
            return reject("reference", "not_unique", f"'the {name}': the scene has {counts[name]} of them")
    whole_scene = len(set(evidence.object_ids)) == len(scene.objects) and bool(_GENERIC.search(text))
    for name in sorted(named - used):
        return reject("reference", "unused", f"the text names {name}, the program does not look at it")
    for name in sorted(used - named):
        if not whole_scene:
            return reject("reference", "unnamed", f"the program looks at {name}, the text does not name it")
    return None


def visible(
    scene: Scene, frame_ids: Sequence[str], evidence: Evidence, min_pixel_share: float
) -> Rejection | None:
    """Every object that the program was given is in at least one sampled frame, so a viewer can know of
    it.
    """
    sampled = set(frame_ids)
    shown = {
        view.object_id
        for frame in scene.frames
        if frame.id in sampled
        for view in frame.views
        if view.pixel_share >= min_pixel_share
    }
    hidden = [object_id for object_id in evidence.object_ids if object_id not in shown]
    if not hidden:
        return None
    category = next(o.category for o in scene.objects if o.id == hidden[0])
    more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
    return reject(
        "visible", "not_visible", f"{category} ({hidden[0]}){more} in none of {len(sampled)} frames"
    )


def degenerate(draft: Draft, scene: Scene, outcome: Outcome) -> Rejection | None:
    """The answer says something about the scene."""
    answer, calls = outcome.answer, outcome.evidence.calls
    assert answer is not None
    if not calls:
        return reject("degenerate", "constant", "the program does not look at the scene")
    if answer.type == "number" and answer.unit in ("count", "m", "cm", "m2") and float(answer.text) == 0:
        return reject("degenerate", "zero", f"the answer is {answer.text} {answer.unit}")
    for call in calls:
        name, _, arguments = call.rstrip(")").partition("(")
        target, *candidates = arguments.split(",")
        if name in ("closest", "farthest") and len(set(candidates) - {target}) < 2:
            return reject("degenerate", "single_candidate", f"{call}: there is only one candidate")
    if answer.unit == "count":
        filtered = filters.filtered_categories(draft.program.source)
        among = None if filtered is None else _among(scene, filtered)
        if among is not None and answer.value == among:
            return reject("degenerate", "all", f"the condition holds for all {among} of them")
    return None


def _among(scene: Scene, names: Collection[str]) -> int | None:
    """How many objects have one of these names (all without names); None where a name is not the scene's own."""
    if not names:
        return len(scene.objects)
    counts = Counter(api.canonical(o.category) for o in scene.objects)
    wanted = [named_categories(api.canonical(name), counts) for name in names]
    return sum(counts[name] for name in set().union(*wanted)) if all(wanted) else None


CONTINUOUS_AGREE, DISCRETE_AGREE, BINARY_AGREE = 2, 4, 6
"""Other scenes that have to agree before a program counts as constant: lengths never meet by chance, counts of 1
often do, and two-sided answers agree in six scenes once in 64."""


def varies(outcome: Outcome, elsewhere: Iterable[Outcome]) -> Rejection | None:
    """The answer is not the same wherever the program gives one.

    Args:
        outcome: On the draft's own scene.
        elsewhere: On other scenes; those where it failed do not count.
    """
    answer = outcome.answer
    assert answer is not None
    others = [other.answer for other in elsewhere if other.answer is not None]
    if answer.type == "number" and answer.unit != "count":
        needed = CONTINUOUS_AGREE
    else:
        binary = answer.type == "boolean" or len(outcome.options) == 2
        needed = BINARY_AGREE if binary else DISCRETE_AGREE
    if len(others) < needed or any(
        (other.type, other.value, other.unit) != (answer.type, answer.value, answer.unit) for other in others
    ):
        return None
    return reject("degenerate", "same_everywhere", f"also in {len(others)} other scenes: {answer.value}")


def margin(measured: Margin) -> Rejection | None:
    """The answer survives the noise of the annotation."""
    return None if measured.sufficient else reject("margin", "ambiguous", measured.detail)


def duplicate(key: str, near: Iterable[str], seen: Collection[str]) -> Rejection | None:
    """Nothing equivalent has been accepted before (keys are made by `ouroboros_data.stages.keys`)."""
    if key in seen:
        return reject("duplicate", "duplicate", "same scene, type, objects in their roles, and answer")
    if any(other in seen for other in near):
        return reject("duplicate", "near_duplicate", "the same objects and answer in other words or roles")
    return None
