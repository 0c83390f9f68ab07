"""The solver's stages: start, probe, train, examine. The model is built only when some unit is not done yet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ouroboros_data import registry
from ouroboros_data.config import Recipe
from ouroboros_data.curriculum import band
from ouroboros_data.errors import StoreError
from ouroboros_data.ids import content_hash, rng, seed_from
from ouroboros_data.plugins import FrameSource, Labelled, Solver
from ouroboros_data.progress import Progress
from ouroboros_data.records import from_json, to_json
from ouroboros_data.stages.propose import Checked
from ouroboros_data.store import RunStore
from ouroboros_data.types import Confidence, ProbeResult, Question

CHUNK = 512
"""Rows a probe unit."""
Look = Literal["seen", "blind", "elsewhere"]
LOOKS: Mapping[Look, str] = {
    "seen": "probe before training",
    "blind": "probe without frames",
    "elsewhere": "probe with other frames",
}
"""What a row is scored with: its frames, none, those of another scene; with the name of that stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Weights in the run directory."""

    id: str
    """The solver's digest of its weights."""
    path: str
    """Below the run directory."""
    disclosure: dict[str, Any] = field(default_factory=dict)
    """How the weights came about before the loop; only on the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answers to one held-out question."""

    question_id: str
    seen: str
    blind: str
    elsewhere: str
    """The answer with the frames of another held-out scene: a control that, unlike ``blind``, keeps the prompt's form."""


def cache_dir() -> Path:
    """Where built solvers are kept between runs (``OUROBOROS_CACHE``, else the XDG cache directory)."""
    base = os.environ.get("OUROBOROS_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ouroboros-data"


class SolverStages:
    """The solver of one run, with its finished work."""

    def __init__(self, recipe: Recipe, store: RunStore, frames: FrameSource, progress: Progress) -> None:
        self._recipe, self._store, self._frames, self._progress = recipe, store, frames, progress
        self._solver: Solver | None = None
        self._loaded = ""

    def start(self) -> Checkpoint:
        """The solver before the first round, warm-started where its plug-in does that."""
        settings = self._recipe.solver
        key = content_hash("start", to_json(settings), self._recipe.seed)
        if not self._store.done("start", key):
            solver = self._build()
            path = f"checkpoints/{key}"
            solver.save(self._store.root / path)
            made = Checkpoint(id=solver.id, path=path, disclosure=dict(solver.disclosure))
            self._store.write("start", key, [to_json(made)])
            self._loaded = path
        return self._read_checkpoint("start", key)

    def probe(self, checkpoint: Checkpoint, rows: Sequence[Checked], look: Look) -> dict[str, Confidence]:
        """Confidence of each row's answer under a checkpoint, by question id."""
        items = [labelled(row) for row in rows]
        if look == "elsewhere":
            moved = elsewhere_questions([item.question for item in items])
            items = [replace(item, question=question) for item, question in zip(items, moved, strict=True)]
        chunks = [items[i : i + CHUNK] for i in range(0, len(items), CHUNK)]
        keys = [
            content_hash(
                "probe",
                checkpoint.id,
                look,
                [[x.question.id, x.answer, x.question.scene_id, x.question.frame_ids] for x in chunk],
            )
            for chunk in chunks
        ]
        with self._progress.stage(LOOKS[look], len(rows)) as advance:
            for key, chunk in zip(keys, chunks, strict=True):
                if not self._store.done("probe", key):
                    scores = self._at(checkpoint).score(chunk, self._frames, blind=look == "blind")
                    self._store.write("probe", key, [to_json(_rounded(score)) for score in scores])
                advance(len(chunk))
        scores = [
            from_json(Confidence, row, where=key, error=StoreError)
            for key in keys
            for row in self._store.read("probe", key)
        ]
        return {score.question_id: score for score in scores}

    def train(
        self, checkpoint: Checkpoint, rows: Sequence[Checked], iteration: int
    ) -> tuple[Checkpoint, dict[str, float]]:
        """One round of SFT; returns the next checkpoint and each trained row's confidence in its forward pass."""
        settings = self._recipe.solver
        seed = seed_from("train", self._recipe.seed, iteration)
        key = content_hash("train", checkpoint.id, to_json(settings), seed, [_identity(row) for row in rows])
        with self._progress.stage("train", settings.steps) as advance:
            if not self._store.done("train", key):
                solver = self._at(checkpoint)
                partial = self._store.directory("checkpoints", f"{key}.partial")
                report = solver.train(
                    [labelled(row) for row in shuffled(rows, seed)],
                    self._frames,
                    steps=settings.steps,
                    seed=seed,
                    checkpoint=partial,
                    progress=lambda step, loss: advance(step, f"loss {loss:.3f}"),
                )
                path = f"checkpoints/{key}"
                solver.save(self._store.root / path)
                made = Checkpoint(id=solver.id, path=path, disclosure={"loss": round(report.loss, 6)})
                scores = [to_json(_rounded(score)) for score in report.confidences]
                self._store.write("train", key, [to_json(made), *scores])
                shutil.rmtree(partial, ignore_errors=True)
                self._loaded = path
            else:
                advance(settings.steps)
        first, *scored = self._store.read("train", key)
        trained = [from_json(Confidence, row, where=key, error=StoreError) for row in scored]
        made = from_json(Checkpoint, first, where=key, error=StoreError)
        return made, {score.question_id: score.p for score in trained}

    def examine(self, checkpoint: Checkpoint, exam: Sequence[Checked]) -> list[Reply]:
        """Answers to the held-out questions: with their frames, with none, and with another scene's."""
        key = content_hash("examine", checkpoint.id, [_identity(row) for row in exam])
        with self._progress.stage("held-out questions", 3 * len(exam)) as advance:
            if not self._store.done("examine", key):
                solver, questions = self._at(checkpoint), [row.draft.question for row in exam]
                seen = solver.answer(questions, self._frames)
                advance(len(exam))
                blind = solver.answer(questions, self._frames, blind=True)
                advance(len(exam))
                elsewhere = solver.answer(elsewhere_questions(questions), self._frames)
                advance(len(exam))
                replies = [
                    Reply(question_id=q.id, seen=s, blind=b, elsewhere=e)
                    for q, s, b, e in zip(questions, seen, blind, elsewhere, strict=True)
                ]
                self._store.write("examine", key, [to_json(reply) for reply in replies])
            else:
                advance(3 * len(exam))
        return [
            from_json(Reply, row, where=key, error=StoreError) for row in self._store.read("examine", key)
        ]

    def _read_checkpoint(self, stage: str, key: str) -> Checkpoint:
        return from_json(
            Checkpoint, self._store.read(stage, key)[0], where=f"units/{stage}/{key}", error=StoreError
        )

    def _build(self) -> Solver:
        if self._solver is None:
            settings = self._recipe.solver
            build = registry.load("solvers", settings.name)
            cache = cache_dir()
            self._solver = build(
                options=settings.options,
                seed=self._recipe.seed,
                training=settings,
                cache=cache,
                progress=self._progress,
            )
        return self._solver

    def _at(self, checkpoint: Checkpoint) -> Solver:
        solver = self._build()
        if self._loaded != checkpoint.path:
            solver.load(self._store.root / checkpoint.path)
            self._loaded = checkpoint.path
        return solver


def labelled(row: Checked) -> Labelled:
    """The training and scoring form of an accepted row."""
    assert row.verdict.answer is not None, "only accepted rows are trained on"
    return Labelled(question=row.draft.question, answer=row.verdict.answer.text)


def elsewhere_questions(questions: Sequence[Question]) -> list[Question]:
    """The same texts, asked of the frames of the next scene in the order of ids; of one scene alone, its own frames."""
    frames = {question.scene_id: question.frame_ids for question in questions}
    scenes = sorted(frames)
    following = dict(zip(scenes, scenes[1:] + scenes[:1], strict=True))
    return [
        replace(q, scene_id=following[q.scene_id], frame_ids=frames[following[q.scene_id]]) for q in questions
    ]


def shuffled(rows: Sequence[Checked], seed: int) -> list[Checked]:
    """Rows in a seeded order: rows of one scene must not sit in one batch."""
    order = rng("order", seed).permutation(len(rows))
    return [rows[i] for i in order]


def probe_results(
    recipe: Recipe,
    checkpoint: Checkpoint,
    read: Mapping[Look, Mapping[str, Confidence]],
    trained: Mapping[str, float],
) -> dict[str, ProbeResult]:
    """Join the readings of each row."""
    return {
        key: ProbeResult(
            question_id=key,
            solver=checkpoint.id,
            confidence=score.p,
            blind_confidence=read["blind"][key].p,
            elsewhere_confidence=read["elsewhere"][key].p,
            band=band(score.p, recipe.curriculum),
            train_confidence=trained.get(key),
        )
        for key, score in read["seen"].items()
    }


def _identity(row: Checked) -> list[str]:
    assert row.verdict.answer is not None
    return [row.draft.question.id, row.verdict.answer.text]


def _rounded(score: Confidence) -> Confidence:
    # Six decimals are stable against the order of float sums within one machine's kernels.
    return Confidence(question_id=score.question_id, p=round(score.p, 6), n_tokens=score.n_tokens)
