"""Scripted chat models and small scenes for the tests of the `llm` proposer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import grammar_rooms as rooms

from ouroboros_data.models.chat import ChatFailure, ChatOutcome, ChatReply, ChatRequest, Usage
from ouroboros_data.plugins import Brief
from ouroboros_data.proposers.grammar import Drawn, Grammar
from ouroboros_data.proposers.llm import brief as briefs
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.types import Scene

PLAIN = (
    "object_counting/*",
    "object_abs_distance/half_m",
    "object_rel_direction_easy/*",
    "object_rel_distance/two_clear",
)
"""Families old enough that their wordings stay."""


class Scripted:
    """A chat model that does what a function says, and counts."""

    id = "scripted"
    takes_images = False

    def __init__(self, answer: Callable[[ChatRequest, int], ChatOutcome | str]) -> None:
        self._answer = answer
        self.requests: list[ChatRequest] = []
        self.usage = Usage()

    def chat(self, requests: Sequence[ChatRequest], *, on_outcome=None) -> list[ChatOutcome]:
        outcomes = []
        for index, request in enumerate(requests):
            said = self._answer(request, len(self.requests))
            self.requests.append(request)
            outcome = wrote(said) if isinstance(said, str) else said
            if on_outcome is not None:
                on_outcome(index, outcome)
            outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        pass


def wrote(text: str) -> ChatReply:
    return ChatReply(
        text=text,
        finish_reason="stop",
        prompt_tokens=1,
        completion_tokens=1,
        format="json_schema",
        attempts=1,
    )


def failed(reason: str, text: str = "") -> ChatFailure:
    return ChatFailure(reason=reason, detail=f"because {reason}", attempts=1, text=text)


def frame_ids(scene: Scene) -> tuple[str, ...]:
    return tuple(frame.id for frame in scene.frames)


def brief(count: int = 8, seed: int = 1, **more) -> Brief:
    return Brief(iteration=1, count=count, seed=seed, weights={}, **more)


def drawn(name: str, *, seeds: int = 40, include: Sequence[str] = ("*",)) -> tuple[Scene, Drawn]:
    """A question of one bin about a made-up scene."""
    grammar = Grammar(options={"include": list(include)})
    weights = {other: float(other == name) for other in grammar.bins()}
    for seed in range(seeds):
        scene = rooms.random_scene(seed)
        for found in grammar.draw(scene, frame_ids(scene), replace(brief(1, seed), weights=weights)):
            return scene, found
    raise AssertionError(f"no scene has {name}")


def asked(name: str) -> tuple[Scene, Asked]:
    """A brief of one bin, with the scene that it is about."""
    scene, found = drawn(name)
    return scene, briefs.asked(found, tuple(sorted({o.category for o in scene.objects})))


def fields_of(text: str) -> dict:
    return json.loads(text)
