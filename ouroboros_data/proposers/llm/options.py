"""Options of the `llm` proposer and of the `llm` reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ouroboros_data.config import options_from_mapping
from ouroboros_data.errors import RecipeError
from ouroboros_data.feedback import LEAST_BUDGET


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which chat model is asked."""

    name: str = "openai"
    """A plug-in of the group ``ouroboros_data.chat_models``."""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmOptions:
    """Options of the proposer."""

    model: ModelSettings = field(default_factory=ModelSettings)
    include: tuple[str, ...] = ("*",)
    """Glob patterns of the grammar's bins that briefs are drawn from."""
    exclude: tuple[str, ...] = ()
    large_share: float = 0.02
    """As in the grammar: share of a frame from which an object looks large."""
    free_share: float = 0.0
    """Share of the requests that leave the choice of the question to the model. Nothing but the gates and the reviewer
    then says whether words and program mean the same."""
    exemplars: int = 3
    """Finished examples before the scene, changed from scene to scene."""
    family_exemplar: bool = True
    """One more, of the brief's own family, right before it."""
    api: Literal["full", "core"] = "full"
    """Which functions the page on the API shows."""
    images: bool = True
    """Show the frames to models that take pictures."""
    scene_tokens: int = 700
    """Budget for the description of the scene."""
    feedback_tokens: int = 400
    """Budget for what the last round taught; 0 says nothing of it."""
    repair: Literal["none", "turn", "resample"] = "none"
    """What happens to a reply that cannot be used: nothing, a turn that tells what is wrong, or a fresh try."""
    scenes_at_once: int = 64
    """Whose questions are asked for in one go. Fewer show progress earlier, more keep a server busy."""
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerOptions:
    """Options of the reviewer."""

    model: ModelSettings = field(default_factory=ModelSettings)
    votes: int = 1
    """How often each row is looked at, and judged without looking: two requests a vote."""
    blind_from: float = 0.5
    """Rejected as answerable without looking from this share of the readable votes."""
    contradicted_from: float = 0.5
    """The same for contradicted by what is shown."""
    min_readable: int = 0
    """Rejected as unreadable with fewer readable votes; 0 lets such rows pass."""
    images: bool = True
    scene_tokens: int = 700
    prompt: str = ""
    """Replaces the instructions of the look at the frames; empty means the shipped ones. The reply's form stays the same."""
    blind_prompt: str = ""
    """The same for the judgement without frames."""
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 200


def proposer_options(given: Mapping[str, Any]) -> LlmOptions:
    """Checked options of the proposer (raises RecipeError)."""
    where = "proposer.options"
    options: LlmOptions = options_from_mapping(LlmOptions, given, where=where)
    _within(where, "free_share", options.free_share, 0.0, 1.0)
    _within(where, "exemplars", options.exemplars, 0, 16)
    _within(where, "scene_tokens", options.scene_tokens, 60, 100_000)
    if options.feedback_tokens:  # too small a budget must not stop a run in its second round
        _within(where, "feedback_tokens", options.feedback_tokens, LEAST_BUDGET, 100_000)
    _within(where, "scenes_at_once", options.scenes_at_once, 1, 100_000)
    _sampling(where, options.temperature, options.top_p, options.max_tokens)
    return options


def reviewer_options(given: Mapping[str, Any]) -> ReviewerOptions:
    """Checked options of the reviewer (raises RecipeError)."""
    where = "reviewer.options"
    options: ReviewerOptions = options_from_mapping(ReviewerOptions, given, where=where)
    _within(where, "votes", options.votes, 1, 64)
    _within(where, "blind_from", options.blind_from, 0.0, 1.0, above=True)
    _within(where, "contradicted_from", options.contradicted_from, 0.0, 1.0, above=True)
    _within(where, "min_readable", options.min_readable, 0, options.votes)
    _within(where, "scene_tokens", options.scene_tokens, 60, 100_000)
    _sampling(where, options.temperature, options.top_p, options.max_tokens)
    return options


def _sampling(where: str, temperature: float, top_p: float, max_tokens: int) -> None:
    _within(where, "temperature", temperature, 0.0, 2.0)
    _within(where, "top_p", top_p, 0.0, 1.0, above=True)
    _within(where, "max_tokens", max_tokens, 16, 100_000)


def _within(where: str, name: str, value: float, low: float, high: float, *, above: bool = False) -> None:
    if not (low < value if above else low <= value) or not value <= high:
        raise RecipeError(
            f"{name}: {value} is not {'above' if above else 'from'} {low:g} and up to {high:g}", where=where
        )
