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
    """Sequences side by side; each distinct frame is held once."""

    input_ids: torch.Tensor
    """(sequences, length)."""
    attention_mask: torch.Tensor
    """(sequences, length), 1 where there is a token; or (sequences, 1, length, length), added to attention scores."""
    position_ids: torch.Tensor
    """(3, sequences, length): time, height, width (M-RoPE)."""
    pixel_values: torch.Tensor | None
    """(patches of all distinct frames, patch values)."""
    grid_thw: torch.Tensor | None
    """(distinct frames, 3)."""
    frame_index: tuple[int, ...]
    """Distinct frame behind each image block, in reading order."""
    asked: tuple[tuple[int, int], ...] = ()
    """Per row: its sequence, and the place of its prompt's last token, where the reply's first one is predicted."""


class Encoder:
    """Tokeniser, image processor and the position rule of one model. The frame cache lives as long as the encoder."""

    def __init__(
        self, *, tokenizer: Any, image_processor: Any, core: Any, style: PromptStyle, cache_bytes: int
    ) -> None:
        self.tokenizer, self.image_processor, self.style = tokenizer, image_processor, style
        self._core = core
        self._image_id = int(core.config.image_token_id)
        pad = tokenizer.pad_token_id
        self._pad = int(tokenizer.eos_token_id if pad is None else pad)
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

    def batch(self, rows: Sequence[Row], *, pack: int = 1) -> Batch:
        """Pad rows to one length on the right; up to ``pack`` neighbours about the same frames share one sequence.

        A shared sequence is the frames once (none for rows without), then each row's question and reply. A row's tokens see the frames and
        themselves, at the positions that they would have alone, so the logits are those of separate rows.
        """
        packs: list[list[Row]] = []
        for row in rows:
            last = packs[-1][-1] if packs else None
            shared = last is not None and row.prompt.frames == last.prompt.frames
            if shared and len(packs[-1]) < pack:
                packs[-1].append(row)
            else:
                packs.append([row])
        ids: list[list[int]] = []
        places: list[torch.Tensor] = []
        owners: list[list[int]] = []
        asked: list[tuple[int, int]] = []
        for number, members in enumerate(packs):
            head = self._head(members[0].prompt)
            ids.append(list(members[0].prompt.ids[:head]))
            owners.append([0] * head)
            parts = [self.positions(members[0].prompt, 0)[:, :head]]
            for owner, row in enumerate(members, start=1):
                asked.append((number, len(ids[-1]) + len(row.prompt.ids) - head - 1))
                ids[-1] += row.prompt.ids[head:] + row.reply
                owners[-1] += [owner] * (len(row.prompt.ids) - head + len(row.reply))
                parts.append(self.positions(row.prompt, len(row.reply))[:, head:])
            places.append(torch.cat(parts, dim=1))
        single = all(len(members) == 1 for members in packs)
        mask = _padded(owners, -1) >= 0
        return self._assembled(
            [members[0].prompt for members in packs],
            _padded(ids, self._pad),
            mask.long() if single else _block_mask(_padded(owners, -1)),
            places,
            tuple(asked),
        )

    def left_batch(self, prompts: Sequence[Prompt]) -> Batch:
        """Pad prompts on the left, for generation."""
        length = max(len(prompt.ids) for prompt in prompts)
        ids = torch.full((len(prompts), length), self._pad)
        mask = torch.zeros((len(prompts), length), dtype=torch.long)
        for index, prompt in enumerate(prompts):
            ids[index, length - len(prompt.ids) :] = torch.tensor(prompt.ids)
            mask[index, length - len(prompt.ids) :] = 1
        places = [
            torch.cat([torch.zeros(3, length - len(p.ids), dtype=torch.long), self.positions(p, 0)], 1)
            for p in prompts
        ]
        return self._assembled(prompts, ids, mask, places, ())

    def _assembled(
        self,
        prompts: Sequence[Prompt],
        ids: torch.Tensor,
        mask: torch.Tensor,
        places: Sequence[torch.Tensor],
        asked: tuple[tuple[int, int], ...],
    ) -> Batch:
        positions = torch.zeros((3, *ids.shape), dtype=torch.long)
        for index, place in enumerate(places):
            positions[:, index, : place.shape[1]] = place
        distinct: dict[FrameKey, Patches] = {}
        for prompt in prompts:
            distinct.update(zip(prompt.frames, prompt.patches, strict=True))
        number = {key: i for i, key in enumerate(distinct)}
        seen = list(distinct.values())
        return Batch(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            pixel_values=torch.cat([p.values for p in seen]) if seen else None,
            grid_thw=torch.tensor([p.grid_thw for p in seen]) if seen else None,
            frame_index=tuple(number[key] for prompt in prompts for key in prompt.frames),
            asked=asked,
        )

    def _head(self, prompt: Prompt) -> int:
        """Tokens up to the last image token."""
        if not prompt.patches:
            return 0
        return len(prompt.ids) - prompt.ids[::-1].index(self._image_id)

    def positions(self, prompt: Prompt, extra: int) -> torch.Tensor:
        """(3, prompt + extra) positions by the model's own rule; text after the last image counts on by one."""
        size = len(prompt.ids) + extra
        if not prompt.patches:
            return torch.arange(size).expand(3, size)
        head = self._head(prompt)
        # The rule looks at where images start and how large they are, not at words.
        key = (head, prompt.ids.index(self._image_id), tuple(p.grid_thw for p in prompt.patches))
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


def _padded(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    out = torch.full((len(rows), max(map(len, rows))), fill)
    for index, row in enumerate(rows):
        out[index, : len(row)] = torch.tensor(row)
    return out


def _block_mask(owner: torch.Tensor) -> torch.Tensor:
    """Additive mask: causal, and a token sees the shared head (owner 0) and its own row only; -1 is padding."""
    length = owner.shape[1]
    same = owner[:, :, None] == owner[:, None, :]
    seen = (same | (owner[:, None, :] == 0)) & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]
