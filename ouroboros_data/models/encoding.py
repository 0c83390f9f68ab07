"""From questions and frames to token ids, positions and pixel patches.

Only what Qwen's own processor does is repeated here (one ``<|image_pad|>`` per merged patch): that processor cannot be
built without torchvision, whose absence is normal on a machine without a GPU. `tests/models` compares the two forms.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ouroboros_data.errors import SolverError
from ouroboros_data.models.prompts import PromptStyle, messages
from ouroboros_data.plugins import FrameSource
from ouroboros_data.types import Question

FrameKey = tuple[str, str]
"""Scene id, frame id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """One frame as the vision tower takes it."""

    values: torch.Tensor
    """(patches, patch values), float32."""
    grid_thw: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question, tokenised, with its frames' patches."""

    ids: tuple[int, ...]
    frames: tuple[FrameKey, ...]
    patches: tuple[Patches, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A prompt with a reply after it."""

    prompt: Prompt
    reply: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows side by side; each distinct frame is held once."""

    input_ids: torch.Tensor
    """(rows, length)."""
    attention_mask: torch.Tensor
    """(rows, length)."""
    position_ids: torch.Tensor
    """(3, rows, length): time, height, width (M-RoPE)."""
    pixel_values: torch.Tensor | None
    """(patches of all distinct frames, patch values)."""
    grid_thw: torch.Tensor | None
    """(distinct frames, 3)."""
    frame_index: tuple[int, ...]
    """Distinct frame behind each image block, in reading order of the rows."""


class Encoder:
    """Tokeniser, image processor and the position rule of one model. The frame cache lives as long as the encoder."""

    def __init__(
        self, *, tokenizer: Any, image_processor: Any, core: Any, style: PromptStyle, cache_bytes: int
    ) -> None:
        self.tokenizer, self.image_processor, self.style = tokenizer, image_processor, style
        self._core = core
        self._image_id = int(core.config.image_token_id)
        self._merge = int(core.config.vision_config.spatial_merge_size)
        self._cache_bytes, self._held = cache_bytes, 0
        self._patches: OrderedDict[FrameKey, Patches] = OrderedDict()
        self._tokens: dict[tuple[str, int], list[int]] = {}
        self._positions: dict[tuple[Any, ...], torch.Tensor] = {}

    def forget(self) -> None:
        """Drop cached frames: another frame source may give other pixels under the same ids."""
        self._patches.clear()
        self._held = 0

    def prompt(self, question: Question, frames: FrameSource | None) -> Prompt:
        """Tokenise a question; ``frames=None`` leaves the image blocks out."""
        patches = self._frames(question, frames) if frames is not None else ()
        ids: list[int] = []
        blocks = iter(patches)
        for token in self._template(question, len(patches)):
            if token == self._image_id:
                t, h, w = next(blocks).grid_thw
                ids += [token] * (t * h * w // self._merge**2)
            else:
                ids.append(token)
        keys = tuple((question.scene_id, frame_id) for frame_id in question.frame_ids) if patches else ()
        return Prompt(ids=tuple(ids), frames=keys, patches=patches)

    def reply(self, text: str) -> tuple[int, ...]:
        """Token ids of an answer, without the end token."""
        ids = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        if not ids:
            raise SolverError(f"answer {text!r} has no tokens")
        return ids

    def batch(self, rows: Sequence[Row], *, left: bool = False) -> Batch:
        """Pad rows to one length, on the right, or on the left for generation."""
        length = max(len(row.prompt.ids) + len(row.reply) for row in rows)
        pad = self.tokenizer.pad_token_id
        ids = torch.full((len(rows), length), 0 if pad is None else pad)
        mask = torch.zeros((len(rows), length), dtype=torch.long)
        positions = torch.zeros((3, len(rows), length), dtype=torch.long)
        distinct: dict[FrameKey, Patches] = {}
        order: list[FrameKey] = []
        for index, row in enumerate(rows):
            size = len(row.prompt.ids) + len(row.reply)
            place = slice(length - size, length) if left else slice(0, size)
            ids[index, place] = torch.tensor(row.prompt.ids + row.reply)
            mask[index, place] = 1
            positions[:, index, place] = self.positions(row.prompt, len(row.reply))
            distinct.update(zip(row.prompt.frames, row.prompt.patches, strict=True))
            order += row.prompt.frames
        number = {key: i for i, key in enumerate(distinct)}
        seen = list(distinct.values())
        return Batch(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            pixel_values=torch.cat([p.values for p in seen]) if seen else None,
            grid_thw=torch.tensor([p.grid_thw for p in seen]) if seen else None,
            frame_index=tuple(number[key] for key in order),
        )

    def positions(self, prompt: Prompt, extra: int) -> torch.Tensor:
        """(3, prompt + extra) positions by the model's own rule; text after the last image counts on by one."""
        size = len(prompt.ids) + extra
        if not prompt.patches:
            return torch.arange(size).expand(3, size)
        images = [i for i, token in enumerate(prompt.ids) if token == self._image_id]
        head = images[-1] + 1
        # The rule looks at where images start and how large they are, not at words.
        key = (head, tuple(prompt.patches[i].grid_thw for i in range(len(prompt.patches))), images[0])
        if key not in self._positions:
            ids = torch.tensor([prompt.ids[:head]])
            found, _ = self._core.get_rope_index(
                ids,
                mm_token_type_ids=(ids == self._image_id).int(),
                image_grid_thw=torch.tensor([p.grid_thw for p in prompt.patches]),
            )
            self._positions[key] = found[:, 0]
        start = self._positions[key]
        rest = torch.arange(size - head) + start.max() + 1
        return torch.cat([start, rest.expand(3, -1)], dim=1)

    def _template(self, question: Question, frames: int) -> list[int]:
        chat = messages(question, frames, self.style)
        key = (repr(chat[0]["content"][-1]), frames)
        if key not in self._tokens:
            text = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            self._tokens[key] = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if self._tokens[key].count(self._image_id) != frames:
                raise SolverError(
                    f"the chat template makes {self._tokens[key].count(self._image_id)} image blocks of {frames} frames",
                    fix="use a model whose template writes one <|image_pad|> per image, and no such text in questions",
                )
        return self._tokens[key]

    def _frames(self, question: Question, frames: FrameSource) -> tuple[Patches, ...]:
        keys = [(question.scene_id, frame_id) for frame_id in question.frame_ids]
        missing = [key for key in keys if key not in self._patches]
        if missing:
            images = frames(question)
            if len(images) != len(keys):
                raise SolverError(
                    f"{len(images)} frames for {len(keys)} frame ids", where=f"question {question.id}"
                )
            for key, image in zip(keys, images, strict=True):
                if key in self._patches:
                    continue
                out = self.image_processor(
                    images=[image], return_tensors="pt", input_data_format="channels_last"
                )
                grid = tuple(int(n) for n in out["image_grid_thw"][0])
                self._patches[key] = Patches(values=out["pixel_values"], grid_thw=(grid[0], grid[1], grid[2]))
                self._held += out["pixel_values"].nbytes
        found = []
        for key in keys:
            self._patches.move_to_end(key)
            found.append(self._patches[key])
        while self._held > self._cache_bytes and len(self._patches) > len(keys):
            self._held -= self._patches.popitem(last=False)[1].values.nbytes
        return tuple(found)
