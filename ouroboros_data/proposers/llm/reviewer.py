"""The `llm` reviewer: a frozen chat model that sees frames, question and answer, and says what is wrong with them.

The filter of the Ouroboros-Spatial paper (arXiv 2606.11719): out goes what can be answered from language alone, and what the
pictures contradict. A model that takes no pictures is shown the annotation instead; it can then judge the first, and of
the second only what the annotation contradicts.
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

VERSION = "1"
MAX_SAID = 300
SYSTEM = """\
You check questions about a video of a room before they are used to test people. You see what the video shows, a question and the answer that is taken to be right.
Reply with one JSON object and nothing else:
reason: one short sentence
answerable_without_looking: true if somebody who has not seen this room would give this answer by common sense or from the question's own words, else false
contradicted: true if what is shown makes this answer wrong, else false; false if you cannot tell
"""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "answerable_without_looking": {"type": "boolean"},
        "contradicted": {"type": "boolean"},
    },
    "required": ["reason", "answerable_without_looking", "contradicted"],
    "additionalProperties": False,
}
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
        self._words = self._options.prompt or SYSTEM
        words = content_hash(self._words, SCHEMA, size=8)
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
        requests = [self._request(item, k, frames) for item in items for k in range(votes)]
        outcomes = self.model.chat(requests) if requests else []
        return [
            self._judged([vote_of(outcome) for outcome in outcomes[i * votes : (i + 1) * votes]])
            for i in range(len(items))
        ]

    def preview(self, item: ToReview) -> str:
        """The prompt about one row as text."""
        from ouroboros_data.proposers.llm.prompt import shown

        return shown(self._messages(item, ()))

    def _judged(self, votes: Sequence[Vote]) -> Reviewed:
        chosen = self._options
        review = Review(reviewer=self.id, votes=tuple(votes))
        readable = [vote for vote in votes if vote.blind is not None and vote.contradicted is not None]
        if len(readable) < chosen.min_readable:
            detail = f"{len(readable)} of {len(votes)} votes can be read"
            return Reviewed(review=review, reason="unreadable", detail=detail)
        for reason, count, least in (
            ("answerable_blind", sum(bool(vote.blind) for vote in readable), chosen.blind_from),
            ("contradicted", sum(bool(vote.contradicted) for vote in readable), chosen.contradicted_from),
        ):
            if readable and count / len(readable) >= least:
                said = next(
                    v.said for v in readable if (v.blind if reason == "answerable_blind" else v.contradicted)
                )
                return Reviewed(
                    review=review, reason=reason, detail=f"{count} of {len(readable)} votes: {said}"
                )
        return Reviewed(review=review)

    def _request(self, item: ToReview, number: int, frames: FrameSource | None) -> ChatRequest:
        chosen = self._options
        shown: Sequence[Part] = ()
        if frames is not None and chosen.images and self.model.takes_images:
            shown = [ImagePart(image=image) for image in frames(item.question)]
        return ChatRequest(
            messages=self._messages(item, shown),
            reply_format=ReplyFormat(name="review", schema=SCHEMA),
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            max_tokens=chosen.max_tokens,
            seed=seed_from("review", item.question.id, number) & 0x7FFFFFFF,
        )

    def _messages(self, item: ToReview, shown: Sequence[Part]) -> tuple[ChatMessage, ...]:
        parts: list[Part] = list(shown)
        if not shown:
            view = look(
                item.scene, item.question.frame_ids, visible_share=item.min_pixel_share, large_share=0.02
            )
            text = describe(view, item.question.frame_ids, budget_tokens=self._options.scene_tokens)
            parts.append(TextPart(text=f"{text}\n\n"))
        parts.append(TextPart(text=asked(item)))
        return (
            ChatMessage(role="system", parts=(TextPart(text=self._words),)),
            ChatMessage(role="user", parts=tuple(parts)),
        )


def asked(item: ToReview) -> str:
    """Question, options and answer as the reviewer reads them."""
    question, answer = item.question, item.answer
    lines = [f"Question: {question.text}"]
    said = answer.text
    if question.options:
        lines.append("Options: " + " ".join(f"{LETTERS[k]}. {o}" for k, o in enumerate(question.options)))
        said = f"{answer.text}. {answer.value}"
    elif answer.unit and answer.unit != "count":
        said = f"{answer.text} {answer.unit}"
    return "\n".join([*lines, f"Answer: {said}"])


def vote_of(outcome: ChatOutcome) -> Vote:
    """What a reply says; one that cannot be read abstains, and is kept like the others."""
    if isinstance(outcome, ChatFailure):
        said = f"{outcome.reason}: {outcome.detail} {outcome.text}"
        return Vote(blind=None, contradicted=None, said=_cut(said))
    objects, _ = objects_in(outcome.text)
    found = objects[0] if len(objects) == 1 and isinstance(objects[0], dict) else {}
    blind, contradicted = (_flag(found.get(name)) for name in ("answerable_without_looking", "contradicted"))
    if blind is None or contradicted is None:
        return Vote(blind=None, contradicted=None, said=_cut(outcome.text))
    reason = found.get("reason", "")
    return Vote(
        blind=blind,
        contradicted=contradicted,
        said=_cut(reason if isinstance(reason, str) else json.dumps(reason)),
    )


def _cut(said: str) -> str:
    """The beginning of what was said, without halves of surrogate pairs, which no file takes."""
    return said[:MAX_SAID].encode("utf-8", "replace").decode()


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
