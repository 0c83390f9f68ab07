"""From what a model wrote to a draft, or to the reason why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ouroboros_data.english import named_categories
from ouroboros_data.ids import content_hash
from ouroboros_data.models.chat import ChatFailure, ChatOutcome
from ouroboros_data.programs import lint
from ouroboros_data.programs.api import API_VERSION
from ouroboros_data.programs.names import canonical
from ouroboros_data.proposers.ask import OPTIONS, lit
from ouroboros_data.proposers.llm import faithful, schema
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.proposers.llm.fixers import fix_fields, objects_in
from ouroboros_data.proposers.llm.program_fixers import Context, fix_program
from ouroboros_data.types import Discarded, Draft, Program, Question, Scene, Unit, Writing

MAX_RAW = 4000
"""Characters kept of a reply that was discarded."""
Turn = Literal["first", "repair", "resample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What all drafts of one call have in common."""

    scene: Scene
    frame_ids: tuple[str, ...]
    proposer: str


def draft_of(outcome: ChatOutcome, asked: Asked, source: Source, turn: Turn = "first") -> Draft | Discarded:
    """A draft where the reply is one, else what came back and why it is none."""
    if isinstance(outcome, ChatFailure):
        return _discarded(asked, source, "parse", outcome.reason, outcome.detail, outcome.text)
    objects, fixes = objects_in(outcome.text)
    if not objects:
        return _discarded(asked, source, "parse", "not_json", "no JSON object in the reply", outcome.text)
    if len(objects) > 1:
        return _discarded(
            asked, source, "parse", "several", f"{len(objects)} JSON objects in the reply", outcome.text
        )
    fields = objects[0]
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        return _discarded(asked, source, "parse", "reply_schema", "not an object of fields", outcome.text)
    fields, more = fix_fields(fields, asked)
    fixes = [*fixes, *more]
    wrong = schema.problems(asked, fields)
    if wrong:
        return _discarded(asked, source, "parse", "reply_schema", wrong, outcome.text)
    if asked.drawn is not None:
        doubt = faithful.doubt(fields["question"], asked.drawn, asked.known)
        if doubt:
            return _discarded(asked, source, "brief", doubt.reason, doubt.detail, outcome.text)
    unit: Unit | None = fields["unit"] or None if fields["answer_type"] == "number" else None
    options = tuple(fields["options"]) if fields["answer_type"] == "choice" else ()
    program, mended = fix_program(
        with_options(fields["program"], options), Context(fields["answer_type"], unit, options)
    )
    text = fields["question"]
    return Draft(
        question=Question(
            id=content_hash(source.scene.id, source.frame_ids, text, options, program),
            scene_id=source.scene.id,
            frame_ids=source.frame_ids,
            question_type=asked.question_type,
            text=text,
            answer_type=fields["answer_type"],
            options=options,
            unit=unit,
        ),
        program=Program(source=program, api_version=API_VERSION),
        bin=asked.bin,
        mentions=_mentions(text, options, asked),
        proposer=source.proposer,
        seed=asked.seed,
        witness=asked.drawn.source if asked.drawn else "",
        writing=Writing(turn=turn, fixes=(*fixes, *mended)),
    )


def problem(made: Draft | Discarded) -> str:
    """What a model should be told is wrong with its reply; empty where it can be used as far as can be seen unrun."""
    if isinstance(made, Discarded):
        return f"{made.reason}: {made.detail}"
    found = lint.check(made.program.source)
    return f"the program: {found.detail}" if found else ""


def repairable(made: Draft | Discarded) -> bool:
    """Whether another try could help: something came back, and it cannot be used."""
    if isinstance(made, Draft):
        return bool(problem(made))
    return bool(made.raw) and made.reason not in ("refused", "media", "too_long")


def with_options(program: str, options: Sequence[str]) -> str:
    """A program with its list of options in place of their name."""
    return re.sub(rf"(?<!\w){OPTIONS}(?!\w)", lambda _: lit(list(options)), program) if options else program


def _mentions(text: str, options: Sequence[str], asked: Asked) -> tuple[str, ...]:
    if asked.drawn is not None:
        return tuple(canonical(name) for name in asked.drawn.ask.mentions)
    known = set(asked.known)
    return tuple(sorted(named_categories(text.lower(), known) | ({canonical(o) for o in options} & known)))


def _writable(text: str) -> str:
    """The text without halves of surrogate pairs, which no file takes."""
    return text.encode("utf-8", "replace").decode()


def _discarded(asked: Asked, source: Source, stage: str, reason: str, detail: str, raw: str) -> Discarded:
    return Discarded(
        scene_id=source.scene.id,
        bin=asked.bin,
        stage=stage,
        reason=reason,
        detail=_writable(detail[:500]),
        raw=_writable(raw[:MAX_RAW]),
        proposer=source.proposer,
        seed=asked.seed,
    )
