"""The embedded solver: a real Qwen3-VL of about a million weights, made on this machine, so that the loop runs anywhere.

It is built once from its options and a seed, warmed up on captions and questions about rooms of its own, and kept in the
cache. No weights are downloaded. What was done to it before the loop is in its ``disclosure``.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ouroboros_data.config import SolverSettings, options_from_mapping
from ouroboros_data.errors import RecipeError, SolverError
from ouroboros_data.ids import canonical_json, content_hash, seed_from
from ouroboros_data.media.frames import FrameBank
from ouroboros_data.models import tiny_parts, tiny_vision
from ouroboros_data.models.prompts import BARE
from ouroboros_data.models.tiny_rooms import Lesson, RoomPlan, make_lessons
from ouroboros_data.models.transformers_solver import SolverConfig, TransformersSolver, quiet, use_threads
from ouroboros_data.progress import Progress
from ouroboros_data.records import to_json

VERSION = "4"
"""Part of the cache key: raise it whenever the same options and seed give other weights."""
STYLE = replace(BARE, frame_label="{n}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyOptions:
    """What a recipe may say under ``solver.options``."""

    threads: int = 1
    """Of torch. Another number gives other last digits, hence another run."""
    layers: int = 3
    width: int = 128
    vision_layers: int = 2
    vision_width: int = 64
    max_pixels: int = 64 * 48
    """Frames are scaled down to this; a patch is 8 px, four patches make a token."""
    frames: int = 4
    """Frames of a warm-start clip; best the recipe's ``frames.count``."""
    rooms: int = 260
    world: dict[str, Any] = field(default_factory=dict)
    """Options of the `procedural` adapter for these rooms; best the recipe's ``scenes.options``, whose ``count`` is ignored."""
    asked: dict[str, Any] = field(default_factory=dict)
    """Options of the `grammar` for the questions about them; best the recipe's ``proposer.options``."""
    clips: int = 6
    """Clips of a room, each with other frames of its video."""
    captions_per_clip: int = 3
    questions_per_clip: int = 6
    blind_share: float = 0.1
    """Share of the warm start's questions that are shown without frames: a solver that never met such a prompt fails
    at its form, which would pass for a need to look."""
    see_steps: int = 250
    """First: which categories are in a frame; vision tower and word embeddings only (`tiny_vision`)."""
    warm_steps: int = 260
    """Then: captions and questions about clips."""
    decay_from: float = 1.0
    """From this share of the warm steps on the learning rate falls; below 1 the loop starts higher and gains less."""
    warm_learning_rate: float = 0.006
    """Muon's, before the loop; ``solver.learning_rate`` is the loop's, and lower: at this one the weights are still noisy."""
    warm_batch: int = 32
    pack: int = 4
    """Rows of one scene that share a sequence in training and scoring."""


def build(
    *, options: Mapping[str, Any], seed: int, training: SolverSettings, cache: Path, progress: Progress
) -> TransformersSolver:
    """The warmed-up solver, from the cache or made now (a minute or two); resumable when killed.

    Raises:
        RecipeError: An option is unknown, of the wrong type or out of range.
        SolverError: The cache cannot be written, or the warm start failed.
    """
    chosen = _checked(options)
    quiet()
    use_threads(chosen.threads)
    plan = RoomPlan(
        seed=seed,
        rooms=chosen.rooms,
        frames=chosen.frames,
        clips=chosen.clips,
        captions_per_clip=chosen.captions_per_clip,
        questions_per_clip=chosen.questions_per_clip,
        blind_share=chosen.blind_share,
        world=canonical_json({name: value for name, value in chosen.world.items() if name != "count"}),
        asked=canonical_json(chosen.asked),
    )
    libraries = {name: version(name) for name in ("torch", "transformers", "tokenizers")}
    key = content_hash("tiny", VERSION, to_json(chosen), seed, plan.key(), libraries)
    home = cache / "tiny" / key
    if not (home / "solver").is_dir():
        _make(chosen, plan, training, home, progress)
    progress.say(f"  tiny solver from {home}")
    return _open(home, chosen, training)


def _checked(options: Mapping[str, Any]) -> TinyOptions:
    chosen: TinyOptions = options_from_mapping(TinyOptions, options, where="solver.options")
    for name, low in (
        ("threads", 1),
        ("layers", 1),
        ("vision_layers", 1),
        ("frames", 1),
        ("rooms", 1),
        ("clips", 1),
        ("warm_batch", 1),
    ):
        if getattr(chosen, name) < low:
            raise RecipeError(f"{name}: {getattr(chosen, name)} is less than {low}", where="solver.options")
    for name in ("width", "vision_width"):
        if getattr(chosen, name) % 32 or getattr(chosen, name) <= 0:
            raise RecipeError(f"{name}: must be a multiple of 32", where="solver.options")
    if not 0.0 <= chosen.blind_share <= 1.0:
        raise RecipeError(f"blind_share: {chosen.blind_share} is not in 0 to 1", where="solver.options")
    if chosen.max_pixels < (tiny_parts.PATCH_PX * tiny_parts.MERGE) ** 2:
        raise RecipeError("max_pixels: less than one token", where="solver.options", fix="at least 256")
    return chosen


def _make(
    options: TinyOptions, plan: RoomPlan, training: SolverSettings, home: Path, progress: Progress
) -> None:
    started = time.perf_counter()
    work = home / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SolverError(
            f"the cache cannot be written: {error.strerror}", where=str(home), fix="set OUROBOROS_CACHE"
        ) from None
    with progress.stage("warm start: rooms", plan.rooms) as advance:
        found = make_lessons(plan, work / "media", advance)
    solver = _fresh(options, plan, training, found)
    bank = FrameBank({lesson.scene.id: lesson.scene for lesson in found})
    _see(solver, options, plan, found, bank, work, progress)
    mixed = [item for lesson in found for item in (*lesson.captions, *lesson.questions)]
    with progress.stage("warm start: captions and questions", options.warm_steps) as advance:
        report = solver.train(
            mixed,
            bank,
            steps=options.warm_steps,
            seed=seed_from("tiny warm start", plan.seed),
            checkpoint=work / "mix",
            progress=lambda done, loss: advance(done, f"loss {loss:.3f}"),
            decay_from=options.decay_from,
        )
    bank.close()
    solver.disclosure = {
        "architecture": "Qwen3VLForConditionalGeneration, random start, no pretrained weights",
        "parameters": sum(p.numel() for p in solver.model.parameters()),
        "vocabulary": len(solver.tokenizer),
        "warm_start": {
            "rooms": plan.rooms,
            "rooms_from": "procedural adapter, a seed of its own: none of the run's rooms",
            "frames_looked_at": sum(len(lesson.scene.frames) for lesson in found),
            "captions": sum(len(lesson.captions) for lesson in found),
            "questions": sum(len(lesson.questions) for lesson in found),
            "questions_without_frames": sum(item.blind for item in mixed),
            "tasks": ["presence", *sorted({item.question.question_type for item in mixed})],
            "steps": {"presence": options.see_steps, "mix": options.warm_steps},
            "batch_size": {"presence": tiny_vision.BATCH, "mix": options.warm_batch},
            "final_loss": round(report.loss, 4),
            "seconds": round(time.perf_counter() - started, 1),
        },
        "number_embeddings": "initialised so that near values are near vectors",
    }
    solver.save(home / "solver")
    shutil.rmtree(work, ignore_errors=True)


def _see(
    solver: TransformersSolver,
    options: TinyOptions,
    plan: RoomPlan,
    found: list[Lesson],
    bank: FrameBank,
    work: Path,
    progress: Progress,
) -> None:
    path = work / "seeing.pt"
    with progress.stage("warm start: what is in a frame", options.see_steps) as advance:
        if path.is_file():
            solver.model.load_state_dict(tiny_vision.load_state(path))
            advance(options.see_steps)
        else:
            scenes = [lesson.scene for lesson in found]
            pictures, categories = tiny_vision.look(scenes, bank, solver.image_processor)
            tiny_vision.learn_to_see(
                solver.model,
                solver.tokenizer,
                pictures,
                categories,
                steps=options.see_steps,
                seed=plan.seed,
                progress=lambda steps, loss: advance(steps, f"loss {loss:.3f}"),
            )
            tiny_vision.save_state(solver.model, path)
    solver.changed()


def _fresh(
    options: TinyOptions, plan: RoomPlan, training: SolverSettings, found: list[Lesson]
) -> TransformersSolver:
    texts = {"user", "assistant", "yes", "no", *tiny_parts.number_texts()}
    for lesson in found:
        for item in (*lesson.captions, *lesson.questions):
            texts.update((item.question.text, item.answer, *item.question.options))
    tokenizer = tiny_parts.make_tokenizer(texts)
    config = tiny_parts.make_config(
        tokenizer,
        layers=options.layers,
        width=options.width,
        vision_layers=options.vision_layers,
        vision_width=options.vision_width,
    )
    return TransformersSolver(
        model=tiny_parts.make_model(config, tokenizer, plan.seed),
        tokenizer=tokenizer,
        image_processor=tiny_parts.make_image_processor(options.max_pixels),
        config=replace(
            _config(options, training),
            learning_rate=options.warm_learning_rate,
            batch_size=options.warm_batch,
            micro_batch=options.warm_batch,
        ),
        disclosure={},
    )


def _open(home: Path, options: TinyOptions, training: SolverSettings) -> TransformersSolver:
    from transformers import AutoImageProcessor, AutoTokenizer, Qwen3VLForConditionalGeneration

    directory = home / "solver"
    try:
        meta = json.loads((directory / "solver.json").read_text("utf-8"))
        solver = TransformersSolver(
            model=Qwen3VLForConditionalGeneration.from_pretrained(directory),
            tokenizer=AutoTokenizer.from_pretrained(directory),
            image_processor=AutoImageProcessor.from_pretrained(directory, backend="pil"),
            config=_config(options, training),
            disclosure=meta["disclosure"],
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise SolverError(
            f"the cached solver is damaged: {error}", where=str(home), fix="delete the directory"
        ) from None
    solver.load(directory)
    return solver


def _config(options: TinyOptions, training: SolverSettings) -> SolverConfig:
    return SolverConfig(
        style=STYLE,
        optimizer="muon",
        learning_rate=training.learning_rate,
        batch_size=training.batch_size,
        micro_batch=training.batch_size,
        score_batch=64,
        pack=options.pack,
    )
