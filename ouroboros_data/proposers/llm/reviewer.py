"""The `llm` reviewer: a frozen chat model that sees frames, question and answer, and says what is wrong with them.

The filter of the Ouroboros-Spatial paper (arXiv 2606.11719): out goes what can be answered from language alone, and what the
pictures contradict. The two are asked apart, the first without anything that shows the room and without the answer: whoever
sees either finds the question easy. A model that takes no pictures is shown the annotation instead, and can tell only what that contradicts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ouroboros_data import registry
from ouroboros_data.ids import content_hash, seed_from
from ouroboros_data.models.chat import (
    ChatFailure,
    ChatMessage,
    ChatModel,
    ChatOutcome,
    ChatRequest,
    ImagePart,
    Part,
    ReplyFormat,
    TextPart,
)
from ouroboros_data.plugins import FrameSource, Reviewed, ToReview
from ouroboros_data.proposers.llm.fixers import objects_in
from ouroboros_data.proposers.llm.options import reviewer_options
from ouroboros_data.proposers.llm.proposer import named, open_model
from ouroboros_data.proposers.llm.scene_text import describe
from ouroboros_data.proposers.view import look
from ouroboros_data.types import LETTERS, Review, Vote

VERSION = "2"
MAX_SAID = 300
LOOK = """\
You check questions about a video of a room before they are used to test people. You see what the video shows, a question and the answer that is taken to be right.
Reply with one JSON object and nothing else:
reason: one short sentence
contradicted: true if what is shown makes this answer wrong, else false; false if you cannot tell
"""
BLIND = """\
You check questions about a video of a room before they are used to test people. You see a question, but neither the video nor the answer: rooms differ, and you know nothing about this one.
Reply with one JSON object and nothing else:
reason: one short sentence
answerable_without_looking: true if common sense or the question's own words give the answer away, false if one has to see the room to know it
"""


def _schema(flag: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, flag: {"type": "boolean"}},
        "required": ["reason", flag],
        "additionalProperties": False,
    }


BLIND_FLAG, LOOK_FLAG = "answerable_without_looking", "contradicted"
SCHEMAS: Mapping[str, Mapping[str, Any]] = {flag: _schema(flag) for flag in (BLIND_FLAG, LOOK_FLAG)}
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


class LlmReviewer:
    """Votes on rows that passed all other gates."""

    def __init__(self, *, options: Mapping[str, Any], cache: Path | None = None) -> None:
        """Check the options; the model is built when it is first asked.

        Args:
            options: See `ReviewerOptions`.
            cache: Directory in which replies are kept.

        Raises:
            RecipeError: An option is unknown or out of range.
        """
        self._options = reviewer_options(options)
        self._cache = cache
        registry.find("chat_models", self._options.model.name)
        chosen = self._options
        self._words = {BLIND_FLAG: chosen.blind_prompt or BLIND, LOOK_FLAG: chosen.prompt or LOOK}
        words = content_hash(self._words, SCHEMAS, size=8)
        self.id = f"llm-reviewer/{VERSION}-{words} {named(self._options.model)}"

    @functools.cached_property
    def model(self) -> ChatModel:
        """The chat model (raises RecipeError, ModelError, PluginError)."""
        return open_model(self._options.model, self._cache)

    def review(self, items: Sequence[ToReview], frames: FrameSource | None) -> list[Reviewed]:
        """Ask for the votes on all items.

        Args:
            items: Rows with their answers.
            frames: Gives the frames as pictures; None shows none.

        Raises:
            ModelError: Nothing can be asked of the model at all.
            SceneError: A scene's pictures cannot be read.
        """
        votes = self._options.votes
        requests = [
            self._request(item, flag, k, frames)
            for item in items
            for k in range(votes)
            for flag in (BLIND_FLAG, LOOK_FLAG)
        ]
        outcomes = self.model.chat(requests) if requests else []
        found = [vote_of(blind, look) for blind, look in zip(outcomes[::2], outcomes[1::2], strict=True)]
        return [self._judged(found[i * votes : (i + 1) * votes]) for i in range(len(items))]

    def preview(self, item: ToReview) -> str:
        """The two prompts about one row as text."""
        from ouroboros_data.proposers.llm.prompt import shown

        return "".join(shown(self._messages(item, flag, ())) for flag in (BLIND_FLAG, LOOK_FLAG))

    def _judged(self, votes: Sequence[Vote]) -> Reviewed:
        chosen = self._options
        review = Review(reviewer=self.id, votes=tuple(votes))
        for reason, said, least in (
            ("answerable_blind", [(v.blind, v.said_blind) for v in votes], chosen.blind_from),
            ("contradicted", [(v.contradicted, v.said) for v in votes], chosen.contradicted_from),
        ):
            readable = [(flag, words) for flag, words in said if flag is not None]
            if len(readable) < chosen.min_readable:
                detail = f"{len(readable)} of {len(votes)} votes on {reason} can be read"
                return Reviewed(review=review, reason="unreadable", detail=detail)
            against = [words for flag, words in readable if flag]
            if readable and len(against) / len(readable) >= least:
                detail = f"{len(against)} of {len(readable)} votes: {against[0]}"
                return Reviewed(review=review, reason=reason, detail=detail)
        return Reviewed(review=review)

    def _request(self, item: ToReview, flag: str, number: int, frames: FrameSource | None) -> ChatRequest:
        chosen = self._options
        shown: Sequence[Part] = ()
        if flag == LOOK_FLAG and frames is not None and chosen.images and self.model.takes_images:
            shown = [ImagePart(image=image) for image in frames(item.question)]
        return ChatRequest(
            messages=self._messages(item, flag, shown),
            reply_format=ReplyFormat(name=flag, schema=SCHEMAS[flag]),
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            max_tokens=chosen.max_tokens,
            seed=seed_from("review", flag, item.question.id, number) & 0x7FFFFFFF,
        )

    def _messages(self, item: ToReview, flag: str, shown: Sequence[Part]) -> tuple[ChatMessage, ...]:
        parts: list[Part] = list(shown)
        if flag == LOOK_FLAG and not shown:
            view = look(
                item.scene, item.question.frame_ids, visible_share=item.min_pixel_share, large_share=0.02
            )
            text = describe(view, item.question.frame_ids, budget_tokens=self._options.scene_tokens)
            parts.append(TextPart(text=f"{text}\n\n"))
        parts.append(TextPart(text=asked(item, answer=flag == LOOK_FLAG)))
        return (
            ChatMessage(role="system", parts=(TextPart(text=self._words[flag]),)),
            ChatMessage(role="user", parts=tuple(parts)),
        )


def asked(item: ToReview, *, answer: bool) -> str:
    """Question, options and, where that is wanted, answer as the reviewer reads them."""
    question, truth = item.question, item.answer
    lines = [f"Question: {question.text}"]
    said = truth.text
    if question.options:
        lines.append("Options: " + " ".join(f"{LETTERS[k]}. {o}" for k, o in enumerate(question.options)))
        said = f"{truth.text}. {truth.value}"
    elif truth.unit and truth.unit != "count":
        said = f"{truth.text} {truth.unit}"
    return "\n".join([*lines, f"Answer: {said}"] if answer else lines)


def vote_of(blind: ChatOutcome, look: ChatOutcome) -> Vote:
    """What the two replies say; one that cannot be read abstains, and is kept like the others."""
    without, said_blind = _read(blind, BLIND_FLAG)
    contradicted, said = _read(look, LOOK_FLAG)
    return Vote(blind=without, contradicted=contradicted, said=said, said_blind=said_blind)


def _read(outcome: ChatOutcome, flag: str) -> tuple[bool | None, str]:
    if isinstance(outcome, ChatFailure):
        return None, _cut(f"{outcome.reason}: {outcome.detail} {outcome.text}")
    objects, _ = objects_in(outcome.text)
    found = objects[0] if len(objects) == 1 and isinstance(objects[0], dict) else {}
    value = _flag(found.get(flag))
    if value is None:
        return None, _cut(outcome.text)
    reason = found.get("reason", "")
    return value, _cut(reason if isinstance(reason, str) else json.dumps(reason))


def _cut(said: str) -> str:
    """The beginning of what was said, without halves of surrogate pairs, which no file takes."""
    return said[:MAX_SAID].encode("utf-8", "replace").decode()


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
