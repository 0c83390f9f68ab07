"""Supervised fine-tuning on answer tokens, with each sample's confidence read from the same forward pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ouroboros_data.errors import SolverError
from ouroboros_data.ids import content_hash, rng
from ouroboros_data.models.encoding import Row
from ouroboros_data.plugins import FrameSource, Labelled, TrainReport
from ouroboros_data.types import Confidence

if TYPE_CHECKING:
    from ouroboros_data.models.transformers_solver import TransformersSolver

CHECKPOINT = "training.pt"


def fine_tune(
    solver: TransformersSolver,
    items: Sequence[Labelled],
    frames: FrameSource,
    *,
    steps: int,
    seed: int,
    checkpoint: Path,
    progress: Callable[[int, float], None],
    decay_from: float = 1.0,
) -> TrainReport:
    """Train in place for ``steps`` steps; the optimiser's state is the solver's own.

    The loss is the mean over the answers' tokens and the end token of a batch; prompts are masked. Rows are drawn
    without replacement until all were used, then in a new order. Killed at any moment, the same call gives the same
    weights: batches depend on ``seed`` and the step alone, and the state below ``checkpoint`` is written whole.

    Args:
        solver: Weights to train.
        items: Questions with answers; all answers must have at least one token.
        frames: Frames of each question.
        steps: Optimiser steps.
        seed: Decides the order of rows.
        checkpoint: Directory for resumable state. State of another call (other weights, rows or seed) is not used.
        progress: Called as ``progress(1, loss)`` after each step, once with the number of steps that were resumed.
        decay_from: From this share of the steps on the learning rate falls, linearly, to a tenth; 1 keeps it constant.

    Raises:
        SolverError: No rows, an answer that cannot be learnt, a loss that is not finite.
    """
    if steps <= 0:
        return TrainReport(steps=0, loss=0.0, confidences=())
    if not items:
        raise SolverError("nothing to train on", fix="no row was accepted: see the rejections by reason")
    solver.encoder.forget()
    config = solver.config
    key = content_hash(
        solver.id,
        seed,
        [steps, config.learning_rate, decay_from],
        [[item.question.id, item.answer, item.blind] for item in items],
    )
    state = _read(checkpoint, key)
    losses: list[float] = []
    confidences: dict[str, tuple[float, int]] = {}
    if state is not None:
        _restore(solver, state)
        losses, confidences = state["losses"], state["confidences"]
        progress(len(losses), losses[-1])
    solver.changed()
    order = _order(items, config.batch_size, config.pack, seed)
    for step, indices in zip(range(steps), order, strict=False):
        if step < len(losses):
            continue
        if decay_from < 1:
            late = max(0.0, step / steps - decay_from) / (1 - decay_from)
            solver.optimizer.set_learning_rate(config.learning_rate * (1 - 0.9 * late))
        rows = [solver.row(items[i], None if items[i].blind else frames) for i in indices]
        loss, scores = _step(solver, rows)
        if not torch.isfinite(torch.tensor(loss)):
            raise SolverError(f"the loss became {loss} at step {step + 1}", fix="lower solver.learning_rate")
        losses.append(loss)
        for i, row, p in zip(indices, rows, scores, strict=True):
            confidences.setdefault(items[i].question.id, (p, len(row.reply)))
        if (step + 1) % config.checkpoint_steps == 0 and step + 1 < steps:
            _write(checkpoint, key, solver, losses, confidences)
        progress(1, loss)
    solver.model.eval()
    tail = losses[-max(1, steps // 10) :]
    return TrainReport(
        steps=steps,
        loss=sum(tail) / len(tail),
        confidences=tuple(Confidence(question_id=k, p=p, n_tokens=n) for k, (p, n) in confidences.items()),
    )


def _step(solver: TransformersSolver, rows: Sequence[Row]) -> tuple[float, list[float]]:
    solver.model.train()
    optimizer, end = solver.optimizer, int(solver.tokenizer.eos_token_id)
    optimizer.zero_grad()
    tokens = sum(len(row.reply) + 1 for row in rows)
    total, scores = 0.0, []
    for start in range(0, len(rows), solver.config.micro_batch):
        part = rows[start : start + solver.config.micro_batch]
        logits = solver.answer_logits(solver.encoder.batch(part, pack=solver.config.pack), part, end=True)
        targets = torch.tensor(
            [token for row in part for token in (*row.reply, end)], device=logits[0].device
        )
        chosen = torch.cat(logits).log_softmax(-1).gather(1, targets[:, None])[:, 0]
        loss = -chosen.sum() / tokens
        loss.backward()
        total += float(loss.detach())
        pieces = chosen.detach().double().split([len(row.reply) + 1 for row in part])
        scores += [float(piece[:-1].mean().exp()) for piece in pieces]  # the end token is learnt, not scored
    optimizer.step()
    return total, scores


def _order(items: Sequence[Labelled], batch: int, per_scene: int, seed: int) -> Iterator[list[int]]:
    """Endless batches: a new order each time round; ``per_scene`` rows with the same frames stay together."""
    by_frames: dict[tuple[object, ...], list[int]] = {}
    for i, item in enumerate(items):
        key = (item.blind, item.question.scene_id, *item.question.frame_ids)
        by_frames.setdefault(key, []).append(i)
    rest: list[int] = []
    turn = 0
    while True:
        random = rng("sft", seed, turn)
        blocks = []
        for members in by_frames.values():
            mixed = random.permutation(members).tolist()
            blocks += [mixed[i : i + per_scene] for i in range(0, len(mixed), per_scene)]
        for block in random.permutation(len(blocks)):
            rest += blocks[block]
            while len(rest) >= batch:
                yield rest[:batch]
                rest = rest[batch:]
        turn += 1


def _restore(solver: TransformersSolver, state: dict[str, Any]) -> None:
    own = dict(solver.model.named_parameters())
    with torch.no_grad():
        for name, value in state["weights"].items():
            own[name].copy_(value)
    solver.optimizer.load_state_dict(state["optimizer"])


def _read(checkpoint: Path, key: str) -> dict[str, Any] | None:
    path = checkpoint / CHECKPOINT
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state if state["key"] == key else None


def _write(
    checkpoint: Path,
    key: str,
    solver: TransformersSolver,
    losses: list[float],
    confidences: dict[str, tuple[float, int]],
) -> None:
    partial = checkpoint / f"{CHECKPOINT}.{os.getpid()}.tmp"
    weights = {name: p.detach() for name, p in solver.model.named_parameters() if p.requires_grad}
    state = {
        "key": key,
        "weights": weights,
        "optimizer": solver.optimizer.state_dict(),
        "losses": losses,
        "confidences": confidences,
    }
    try:
        checkpoint.mkdir(parents=True, exist_ok=True)
        torch.save(state, partial)
        partial.replace(checkpoint / CHECKPOINT)
    except OSError as error:
        raise SolverError(f"cannot write a training checkpoint: {error}", where=str(checkpoint)) from None
