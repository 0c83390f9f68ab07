"""The `llm` proposer: briefs drawn by the grammar, worded and programmed by a chat model."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ouroboros_data import feedback, registry
from ouroboros_data.ids import canonical_json, content_hash, rng, seed_from
from ouroboros_data.models.chat import ChatModel, ChatOutcome, ChatReply, ChatRequest, ReplyFormat
from ouroboros_data.plugins import Brief, FrameSource, Image, Proposal
from ouroboros_data.programs.names import canonical
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.llm import brief as briefs
from ouroboros_data.proposers.llm import prompt, reply, schema
from ouroboros_data.proposers.llm.api_page import page
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.proposers.llm.exemplars import Exemplars, reworded
from ouroboros_data.proposers.llm.options import ModelSettings, proposer_options
from ouroboros_data.proposers.llm.reply import Source
from ouroboros_data.proposers.llm.scene_text import describe
from ouroboros_data.proposers.view import look
from ouroboros_data.types import Discarded, Draft, Question, Scene

VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    item: int
    asked: Asked
    source: Source
    request: ChatRequest


class Llm:
    """Asks a chat model for one question and program a request. Its programs are never trusted."""

    where: Literal["worker", "host"] = "host"

    def __init__(self, *, options: Mapping[str, Any], cache: Path | None = None) -> None:
        """Check the options; the model is built when it is first asked.

        Args:
            options: See `LlmOptions`.
            cache: Directory in which replies are kept.

        Raises:
            RecipeError: An option is unknown or out of range, or a pattern matches no bin.
        """
        self._options = proposer_options(options)
        chosen = self._options
        self.scenes_at_once = chosen.scenes_at_once
        self._grammar = Grammar(
            options={
                "include": list(chosen.include),
                "exclude": list(chosen.exclude),
                "large_share": chosen.large_share,
            }
        )
        registry.find("chat_models", chosen.model.name)
        self._cache = cache
        self._by_frames: dict[int, Exemplars] = {}
        self._page = page(chosen.api)
        # Of what every prompt is made: a change of words is another proposer, and its work is not found done.
        words = content_hash(prompt.SYSTEM, prompt.REPAIR, self._page, schema.FIELDS, size=8)
        self.id = f"llm/{VERSION}-{words} {named(chosen.model)}"

    def bins(self) -> Mapping[str, str]:
        """The grammar's bins, and one for questions of the model's own choice if there are any."""
        own = {briefs.FREE_BIN: briefs.FREE_NOTE} if self._options.free_share > 0 else {}
        return {**self._grammar.bins(), **own}

    @functools.cached_property
    def model(self) -> ChatModel:
        """The chat model (raises RecipeError, ModelError, PluginError)."""
        return open_model(self._options.model, self._cache)

    def _exemplars(self, frames: int) -> Exemplars:
        if frames not in self._by_frames:
            self._by_frames[frames] = Exemplars(self._grammar, list(self._grammar.bins()), frames)
        return self._by_frames[frames]

    def propose(self, scene: Scene, frame_ids: tuple[str, ...], brief: Brief) -> Sequence[Draft]:
        """The drafts of `propose_many` for one scene, without its pictures."""
        made = self.propose_many([Proposal(scene=scene, frame_ids=frame_ids, brief=brief)], None)[0]
        return [one for one in made if isinstance(one, Draft)]

    def propose_many(
        self, items: Sequence[Proposal], frames: FrameSource | None
    ) -> list[list[Draft | Discarded]]:
        """Ask for every brief of every scene; one draft or discard a request, in order.

        Args:
            items: Scenes with their frames and briefs.
            frames: Gives the frames as pictures; None shows none.

        Raises:
            ModelError: Nothing can be asked of the model at all.
            SceneError: A scene's pictures cannot be read.
        """
        asked = [one for place, item in enumerate(items) for one in self._requests(place, item, frames)]
        outcomes = self.model.chat([one.request for one in asked])
        made = [
            reply.draft_of(outcome, one.asked, one.source)
            for outcome, one in zip(outcomes, asked, strict=True)
        ]
        if self._options.repair != "none":
            made = self._second_tries(asked, outcomes, made)
        found: list[list[Draft | Discarded]] = [[] for _ in items]
        for one, result in zip(asked, made, strict=True):
            found[one.item].append(result)
        return found

    def preview(
        self, scene: Scene, frame_ids: tuple[str, ...], brief: Brief, frames: FrameSource | None = None
    ) -> str:
        """The first prompt for a scene as text, with the schema of its reply; asks nothing."""
        item = Proposal(scene=scene, frame_ids=frame_ids, brief=replace(brief, count=1))
        for one in self._requests(0, item, frames):
            form = one.request.reply_format
            assert form is not None
            return (
                f"{prompt.shown(one.request.messages)}=== schema of the reply\n{schema.pretty(form.schema)}\n"
            )
        return "nothing can be asked about this scene\n"

    def _requests(self, place: int, item: Proposal, frames: FrameSource | None) -> list[_Request]:
        chosen, scene, brief = self._options, item.scene, item.brief
        view = look(
            scene, item.frame_ids, visible_share=brief.min_pixel_share, large_share=chosen.large_share
        )
        source = Source(scene=scene, frame_ids=item.frame_ids, proposer=self.id)
        known = tuple(sorted({canonical(o.category) for o in scene.objects}))
        text = describe(view, item.frame_ids, budget_tokens=chosen.scene_tokens)
        told = ""
        if chosen.feedback_tokens and (brief.history or brief.bin_counts):
            told = feedback.render(brief, budget_tokens=chosen.feedback_tokens)
        exemplars = self._exemplars(len(item.frame_ids))
        examples = exemplars.several(chosen.exemplars, brief.seed, scene.id, brief.iteration)
        pictures = self._pictures(item, frames)
        found = []
        for one in self._asked(item, known, tuple(canonical(name) for name in view.seen)):
            own = None
            if chosen.family_exemplar and one.drawn is not None:
                own = exemplars.of_bin(one.bin, one.seed, strangers_to=frozenset(one.categories))
                own = own and reworded(own, briefs.wording_of(one.drawn))
            messages = prompt.messages(
                page=self._page,
                exemplars=examples,
                scene=text,
                feedback=told,
                brief=briefs.text(one),
                own=own,
                frames=pictures,
            )
            request = ChatRequest(
                messages=messages,
                reply_format=ReplyFormat(name=one.question_type, schema=schema.reply_schema(one)),
                temperature=chosen.temperature,
                top_p=chosen.top_p,
                max_tokens=chosen.max_tokens,
                seed=one.seed & 0x7FFFFFFF,
            )
            found.append(_Request(item=place, asked=one, source=source, request=request))
        return found

    def _asked(self, item: Proposal, known: tuple[str, ...], seen: tuple[str, ...]) -> list[Asked]:
        """The briefs: so many of the model's own choice as its share says, the others drawn."""
        brief = item.brief
        seeds = [seed_from(brief.seed, item.scene.id, brief.iteration, k, "free") for k in range(brief.count)]
        own = [
            Asked(bin=briefs.FREE_BIN, seed=seed, categories=seen, known=known)
            for seed in seeds
            if seen and rng(seed, "choice").uniform() < self._options.free_share
        ]
        drawn = self._grammar.draw(item.scene, item.frame_ids, replace(brief, count=brief.count - len(own)))
        return [*(briefs.asked(one, known) for one in drawn), *own]

    def _pictures(self, item: Proposal, frames: FrameSource | None) -> Sequence[Image]:
        if frames is None or not self._options.images or not self.model.takes_images:
            return ()
        return frames(frames_of(item.scene, item.frame_ids))

    def _second_tries(
        self,
        asked: Sequence[_Request],
        outcomes: Sequence[ChatOutcome],
        made: Sequence[Draft | Discarded],
    ) -> list[Draft | Discarded]:
        """Ask once more where that could help; the first result stays where the second is no better."""
        todo = [i for i, one in enumerate(made) if reply.repairable(one)]
        requests = [self._again(asked[i], outcomes[i], made[i]) for i in todo]
        turn: Literal["repair", "resample"] = "repair" if self._options.repair == "turn" else "resample"
        found = list(made)
        for i, outcome in zip(todo, self.model.chat(requests) if requests else [], strict=True):
            second = reply.draft_of(outcome, asked[i].asked, asked[i].source, turn)
            if isinstance(second, Draft) and not reply.problem(second):
                found[i] = second
        return found

    def _again(self, one: _Request, outcome: ChatOutcome, made: Draft | Discarded) -> ChatRequest:
        seed = seed_from(one.asked.seed, "again") & 0x7FFFFFFF
        if self._options.repair == "resample":
            return replace(one.request, seed=seed)
        said = outcome.text if isinstance(outcome, ChatReply) else outcome.text or "{}"
        messages = prompt.again(one.request.messages, said, reply.problem(made))
        return replace(one.request, messages=messages, seed=seed)


def named(settings: ModelSettings) -> str:
    """A model's name and label for rows: never an address."""
    name = str(settings.options.get("model") or settings.name)
    label = settings.options.get("label")
    return f"{name} ({label})" if label else name


def open_model(settings: ModelSettings, cache: Path | None) -> ChatModel:
    """A chat model; the same one for the same settings, so that a reviewer shares its proposer's engine.

    Raises:
        RecipeError, ModelError, PluginError: It cannot be built.
    """
    return _model(settings.name, canonical_json(settings.options), cache)


@functools.lru_cache(maxsize=4)
def _model(name: str, options: str, cache: Path | None) -> ChatModel:
    model: ChatModel = registry.load("chat_models", name)(options=json.loads(options), cache=cache)
    return model


def frames_of(scene: Scene, frame_ids: tuple[str, ...]) -> Question:
    """A question that names the frames: what a `FrameSource` takes."""
    return Question(
        id="", scene_id=scene.id, frame_ids=frame_ids, question_type="frames", text="", answer_type="boolean"
    )
