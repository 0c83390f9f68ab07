"""The solver: a Qwen-VL model in transformers, scored, asked and trained. The tiny one and the pretrained ones share it."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

# With the default wait policy two busy processes on two cores slow a step more than tenfold (measured).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import torch
from safetensors import SafetensorError

from ouroboros_data.errors import SolverError
from ouroboros_data.ids import content_hash
from ouroboros_data.models.encoding import Batch, Encoder, Row
from ouroboros_data.models.optim import OptimizerName, Stepper, make_optimizer
from ouroboros_data.models.prompts import PromptStyle, candidates, published, target_text
from ouroboros_data.plugins import FrameSource, Labelled, TrainReport
from ouroboros_data.records import to_json
from ouroboros_data.types import Confidence, Question

MAX_NEW_TOKENS = 16
"""As in VSI-Bench."""
_STATE = "solver_state.pt"
_META = "solver.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverConfig:
    """How a loaded model is asked and trained."""

    style: PromptStyle
    optimizer: OptimizerName
    learning_rate: float
    batch_size: int
    micro_batch: int
    """Rows that go through the model at once in training; gradients are summed up to ``batch_size``."""
    score_batch: int
    pack: int = 4
    """Rows about the same frames that share one sequence (`encoding.Encoder.batch`); in training such rows are drawn
    together. Wants an attention implementation that takes a mask (sdpa, eager); 1 for none."""
    checkpoint_steps: int = 25
    cache_mb: int = 512


def use_threads(count: int) -> None:
    """Fix torch's threads: sums are split among them, so another number gives other last digits."""
    torch.set_num_threads(count)


def quiet() -> None:
    """Switch off transformers' own progress bars: they break into ours, once for every checkpoint."""
    from transformers.utils import logging

    logging.disable_progress_bar()


class TransformersSolver:
    """Implements `plugins.Solver`.

    Closed questions (choice, boolean) are answered by the best-scoring reply among the options, open ones by greedy
    decoding; the same with frames and without.
    """

    def __init__(
        self,
        *,
        model: Any,
        tokenizer: Any,
        image_processor: Any,
        config: SolverConfig,
        disclosure: Mapping[str, Any],
    ) -> None:
        self.model, self.config, self.disclosure = model, config, disclosure
        if "mm_encoder_outputs" not in inspect.signature(type(self.core.model).forward).parameters:
            raise SolverError(
                f"{type(self.core).__name__} of transformers {version('transformers')} takes no encoded frames",
                fix="pip install -U transformers, or use a Qwen3-VL model",
            )
        self.tokenizer, self.image_processor = tokenizer, image_processor
        self._optimizer: Stepper | None = None
        self._id: str | None = None
        self.encoder = Encoder(
            tokenizer=tokenizer,
            image_processor=image_processor,
            core=self.core.model,
            style=config.style,
            cache_bytes=config.cache_mb << 20,
        )
        model.eval()

    @property
    def core(self) -> Any:
        """The conditional-generation model below an adapter, if there is one."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def id(self) -> str:
        """Digest of the weights, the vocabulary and the prompt's words."""
        if self._id is None:
            digest = hashlib.sha256()
            for name, value in sorted(self.model.state_dict().items()):
                digest.update(name.encode())
                digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
            words = content_hash(
                to_json(self.config.style), self.tokenizer.get_vocab(), self.tokenizer.chat_template
            )
            self._id = content_hash(digest.hexdigest(), words)
        return self._id

    @property
    def optimizer(self) -> Stepper:
        """Optimiser; its state outlives a round."""
        if self._optimizer is None:
            self._optimizer = make_optimizer(self.model, self.config.optimizer, self.config.learning_rate)
        return self._optimizer

    def changed(self) -> None:
        """Say that weights were written: the digest is stale."""
        self._id = None

    def row(self, item: Labelled, frames: FrameSource | None) -> Row:
        """Tokenise a labelled question."""
        text = target_text(item.question, item.answer, self.config.style)
        return Row(prompt=self.encoder.prompt(item.question, frames), reply=self.encoder.reply(text))

    def score(
        self, items: Sequence[Labelled], frames: FrameSource, *, blind: bool = False
    ) -> list[Confidence]:
        """Confidence p = exp(mean log-probability of the answer's tokens), end token left out (arXiv 2606.11719)."""
        self.encoder.forget()
        tasks = [
            (item.question, target_text(item.question, item.answer, self.config.style)) for item in items
        ]
        means = self._mean_logprobs(tasks, None if blind else frames)
        return [
            Confidence(question_id=item.question.id, p=float(torch.tensor(mean).exp()), n_tokens=tokens)
            for item, (mean, tokens) in zip(items, means, strict=True)
        ]

    def answer(self, questions: Sequence[Question], frames: FrameSource, *, blind: bool = False) -> list[str]:
        """Answers in the published form."""
        self.encoder.forget()
        source, style = None if blind else frames, self.config.style
        closed = [(i, list(candidates(q, style))) for i, q in enumerate(questions)]
        tasks = [(questions[i], text) for i, texts in closed for text in texts]
        scores = iter(self._mean_logprobs(tasks, source))
        replies: dict[int, str] = {}
        for i, texts in closed:
            if texts:
                values = [next(scores)[0] for _ in texts]
                replies[i] = texts[values.index(max(values))]
        unanswered = [i for i in range(len(questions)) if i not in replies]
        for i, reply in zip(
            unanswered, self._greedy([questions[i] for i in unanswered], source), strict=True
        ):
            replies[i] = reply
        return [published(question, replies[i], style) for i, question in enumerate(questions)]

    def train(
        self,
        items: Sequence[Labelled],
        frames: FrameSource,
        *,
        steps: int,
        seed: int,
        checkpoint: Path,
        progress: Callable[[int, float], None],
        decay_from: float = 1.0,
    ) -> TrainReport:
        """Fine-tune in place; see `ouroboros_data.models.sft.fine_tune`."""
        from ouroboros_data.models.sft import fine_tune

        return fine_tune(
            self,
            items,
            frames,
            steps=steps,
            seed=seed,
            checkpoint=checkpoint,
            progress=progress,
            decay_from=decay_from,
        )

    def answer_logits(self, batch: Batch, rows: Sequence[Row], *, end: bool) -> list[torch.Tensor]:
        """Logits, (reply tokens [+ 1 for what comes after], vocabulary), per row of a right-padded batch."""
        hidden = self._hidden(batch).last_hidden_state
        counts = [len(row.reply) + end for row in rows]
        places = [
            (s, at + i) for (s, at), count in zip(batch.asked, counts, strict=True) for i in range(count)
        ]
        where = torch.tensor(places, device=hidden.device)
        # Only where a reply token is predicted: the logits of a whole prompt would be most of the work and memory.
        logits = self.core.lm_head(hidden[where[:, 0], where[:, 1]]).float()
        return list(logits.split(counts))

    def save(self, directory: Path) -> None:
        """Write weights (as transformers or peft save them), tokeniser, image processor, optimiser state."""
        directory.parent.mkdir(parents=True, exist_ok=True)
        partial = directory.with_name(f"{directory.name}.{os.getpid()}.tmp")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            self.model.save_pretrained(partial)
            self.tokenizer.save_pretrained(partial)
            self.image_processor.save_pretrained(partial)
            torch.save({"optimizer": self.optimizer.state_dict()}, partial / _STATE)
            meta = {"id": self.id, "disclosure": dict(self.disclosure), "style": to_json(self.config.style)}
            (partial / _META).write_text(json.dumps(meta, indent=1), "utf-8")
            shutil.rmtree(directory, ignore_errors=True)
            partial.rename(directory)
        except OSError as error:
            raise SolverError(f"cannot save the solver: {error}", where=str(directory)) from None

    def load(self, directory: Path) -> None:
        """Replace weights and optimiser state by saved ones.

        Raises:
            SolverError: Nothing was saved there, the model is another one, or the weights are damaged.
        """
        try:
            meta = json.loads((directory / _META).read_text("utf-8"))
            state = torch.load(directory / _STATE, weights_only=True)
            self._load_weights(directory)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise SolverError(f"cannot load the saved solver: {reason}", where=str(directory)) from None
        self.optimizer.load_state_dict(state["optimizer"])
        self.changed()
        if self.id != meta["id"]:
            raise SolverError(
                f"weights have digest {self.id}, {meta['id']} was saved",
                where=str(directory),
                fix="delete the directory and run again, or use the recipe that made it",
            )

    def _load_weights(self, directory: Path) -> None:
        if self.model is not self.core:
            from peft import set_peft_model_state_dict
            from peft.utils import load_peft_weights

            set_peft_model_state_dict(self.model, load_peft_weights(str(directory), device="cpu"))
            return
        saved = type(self.model).from_pretrained(directory, dtype=self.model.dtype)
        self.model.load_state_dict(saved.state_dict())

    def _hidden(self, batch: Batch, cache: Any = None) -> Any:
        core, device = self.core.model, self.core.device
        encoded = {}
        if batch.pixel_values is not None and batch.grid_thw is not None:
            found = core.get_image_features(batch.pixel_values.to(device), batch.grid_thw.to(device))
            found.pooler_output = tuple(found.pooler_output[i] for i in batch.frame_index)
            if getattr(found, "deepstack_features", None):  # Qwen3-VL has them, its forebears do not
                found.deepstack_features = [
                    tuple(level[i] for i in batch.frame_index) for level in found.deepstack_features
                ]
            encoded["image"] = found
        mask = batch.attention_mask.to(device)
        return core(
            input_ids=batch.input_ids.to(device),
            attention_mask=mask.to(core.dtype) if mask.is_floating_point() else mask,
            position_ids=batch.position_ids.to(device),
            mm_encoder_outputs=encoded,
            cache=cache,
            use_cache=cache is not None,
        )

    @torch.inference_mode()
    def _mean_logprobs(
        self, tasks: Sequence[tuple[Question, str]], frames: FrameSource | None
    ) -> list[tuple[float, int]]:
        """(Mean log-probability, tokens) of each reply text."""
        out: dict[int, tuple[float, int]] = {}
        for part in _batches([question for question, _ in tasks], self.config.score_batch):
            rows = [
                Row(prompt=self.encoder.prompt(tasks[i][0], frames), reply=self.encoder.reply(tasks[i][1]))
                for i in part
            ]
            logits = self.answer_logits(self.encoder.batch(rows, pack=self.config.pack), rows, end=False)
            for i, row, values in zip(part, rows, logits, strict=True):
                chosen = values.log_softmax(-1)[range(len(row.reply)), list(row.reply)]
                out[i] = (float(chosen.double().mean()), len(row.reply))
        return [out[i] for i in range(len(tasks))]

    @torch.inference_mode()
    def _greedy(self, questions: Sequence[Question], frames: FrameSource | None) -> list[str]:
        from transformers import DynamicCache

        out: dict[int, str] = {}
        end = self.tokenizer.eos_token_id
        for part in _batches(questions, self.config.score_batch):
            batch = self.encoder.left_batch([self.encoder.prompt(questions[i], frames) for i in part])
            cache = DynamicCache(config=self.core.config.get_text_config())
            replies: list[list[int]] = [[] for _ in part]
            finished = [False] * len(part)
            for _ in range(MAX_NEW_TOKENS):
                hidden = self._hidden(batch, cache).last_hidden_state[:, -1]
                tokens = self.core.lm_head(hidden).argmax(-1).cpu()
                for j, token in enumerate(tokens.tolist()):
                    finished[j] = finished[j] or token == end
                    if not finished[j]:
                        replies[j].append(token)
                if all(finished):
                    break
                batch = Batch(
                    input_ids=tokens[:, None],
                    attention_mask=torch.cat(
                        [batch.attention_mask, torch.ones(len(part), 1, dtype=torch.long)], 1
                    ),
                    position_ids=batch.position_ids[:, :, -1:] + 1,
                    pixel_values=None,
                    grid_thw=None,
                    frame_index=(),
                )
            for i, ids in zip(part, replies, strict=True):
                out[i] = str(self.tokenizer.decode(ids, skip_special_tokens=True))
        return [out[i] for i in range(len(questions))]


def _batches(questions: Sequence[Question], size: int) -> Iterable[list[int]]:
    # Neighbours share frames, which the vision tower then sees once; the order depends on the questions alone.
    order = sorted(range(len(questions)), key=lambda i: (questions[i].scene_id, questions[i].frame_ids, i))
    for start in range(0, len(order), size):
        yield order[start : start + size]
