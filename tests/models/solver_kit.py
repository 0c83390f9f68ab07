"""A very small solver and made-up clips of coloured frames, for the tests here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ouroboros_data.ids import rng
from ouroboros_data.models import tiny_parts
from ouroboros_data.models.prompts import BARE, PromptStyle
from ouroboros_data.models.transformers_solver import SolverConfig, TransformersSolver
from ouroboros_data.plugins import Image, Labelled
from ouroboros_data.types import AnswerType, Question

COLORS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220), "white": (240, 240, 240)}
TEXTS = [
    *tiny_parts.number_texts(),
    "user assistant yes no Options: Which color has the clip? How many? In which order?",
    "red, green, blue, white",
    "These are frames of a video. A. B. C. D.",
]


def question(
    name: str, scene: str, text: str, kind: AnswerType, options: Sequence[str] = (), frames: int = 2
) -> Question:
    return Question(
        id=name,
        scene_id=scene,
        frame_ids=tuple(f"f{i}" for i in range(frames)),
        question_type=kind,
        text=text,
        answer_type=kind,
        options=tuple(options),
    )


def clips(scenes: Sequence[str]) -> Mapping[str, str]:
    """Color of each made-up scene."""
    return {scene: list(COLORS)[i % len(COLORS)] for i, scene in enumerate(scenes)}


class Frames:
    """A frame source: plain colored pictures, a little noise, and a record of what was asked for."""

    def __init__(self, colors: Mapping[str, str]) -> None:
        self.colors, self.calls = dict(colors), 0

    def __call__(self, asked: Question) -> list[Image]:
        self.calls += 1
        made = []
        for frame in asked.frame_ids:
            noise = rng("test frame", asked.scene_id, frame).integers(0, 12, (36, 48, 3))
            made.append((np.array(COLORS[self.colors[asked.scene_id]]) + noise).clip(0, 255).astype(np.uint8))
        return made


SCENES = tuple(f"s{i}" for i in range(8))


def lesson_items() -> list[Labelled]:
    """Two questions a scene: one that only the frames answer, one that is always 3."""
    items = []
    for scene, color in clips(SCENES).items():
        options = tuple(np.roll(list(COLORS), int(scene[1:])).tolist())
        letter = "ABCD"[options.index(color)]
        asked = question(f"color-{scene}", scene, "Which color has the clip?", "choice", options)
        items.append(Labelled(question=asked, answer=letter))
        items.append(Labelled(question=question(f"count-{scene}", scene, "How many?", "number"), answer="3"))
    return items


def make_solver(style: PromptStyle = BARE, seed: int = 0, **changes: Any) -> TransformersSolver:
    tokenizer = tiny_parts.make_tokenizer(TEXTS, words=2600)
    config = tiny_parts.make_config(tokenizer, layers=2, width=64, vision_layers=1, vision_width=32)
    settings: dict[str, Any] = {
        "style": style,
        "optimizer": "muon",
        "learning_rate": 0.01,
        "batch_size": 8,
        "micro_batch": 8,
        "score_batch": 5,
        "pack": 4,
        "checkpoint_steps": 2,
    }
    return TransformersSolver(
        model=tiny_parts.make_model(config, tokenizer, seed),
        tokenizer=tokenizer,
        image_processor=tiny_parts.make_image_processor(48 * 36),
        config=SolverConfig(**(settings | changes)),
        disclosure={"made for": "tests"},
    )
