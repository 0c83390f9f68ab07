"""The first lesson: which categories are in a frame. Only the vision tower and the words for things learn here.

A small language model that is given untrained vision tokens finds it easier to ignore them. So the tower is first taught
to put something near the word "chair" wherever there is a chair: the presence of each category in a frame is predicted
from the similarity of the frame's tokens to the category's word embedding (multiple-instance learning, no position is
given). Frames are cheap, since no language model runs: about 400 a CPU second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, layer_norm, normalize

from ouroboros_data.ids import rng
from ouroboros_data.models.optim import MuonWithAdam
from ouroboros_data.plugins import FrameSource, Image
from ouroboros_data.types import CameraFrame, Question, Scene

LEARNING_RATE = 0.02
PRESENT = 0.004
"""Share of a frame's pixels from which on a category counts as present; below, but not zero, it is left open."""
BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Frames of one size, and what is in them."""

    patches: torch.Tensor
    """(frames, patches, patch values), float16."""
    grid_thw: torch.Tensor
    """(3,)."""
    share: torch.Tensor
    """(frames, categories): share of the frame's pixels."""


def make_pictures(images: Sequence[Image], shares: npt.NDArray[np.float32], image_processor: Any) -> Pictures:
    """Run the frames, all of one size, through the image processor."""
    patches, grid = [], None
    for start in range(0, len(images), 64):
        out = image_processor(
            images=list(images[start : start + 64]), return_tensors="pt", input_data_format="channels_last"
        )
        grid = out["image_grid_thw"]
        patches.append(out["pixel_values"].reshape(len(grid), -1, out["pixel_values"].shape[-1]).half())
    assert grid is not None, "there are frames"
    return Pictures(patches=torch.cat(patches), grid_thw=grid[0], share=torch.from_numpy(shares))


def learn_to_see(
    model: Any,
    tokenizer: Any,
    pictures: Pictures,
    categories: Sequence[str],
    *,
    steps: int,
    seed: int,
    progress: Callable[[int, float], None],
) -> None:
    """Train the vision tower and the embeddings of the category words, in place; half the frames are mirrored.

    Args:
        model: A Qwen3VLForConditionalGeneration.
        tokenizer: Its tokeniser.
        pictures: What to look at.
        categories: Names, in the order of ``pictures.share``'s columns.
        steps: Batches of 64 frames, at a learning rate that falls over the last two fifths.
        seed: Decides which frames, in which order.
        progress: Called as ``progress(1, loss)``.
    """
    tower, table = model.model.visual, model.get_input_embeddings().weight
    words = torch.zeros(len(categories), table.shape[0])
    for index, name in enumerate(categories):
        ids = tokenizer(name, add_special_tokens=False)["input_ids"]
        words[index, ids] = 1 / len(ids)
    bias = torch.nn.Parameter(torch.full((len(categories),), -3.0))
    scale = torch.nn.Parameter(torch.tensor(10.0))
    named = list(tower.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "pos_embed" not in name]
    others = [p for name, p in named if p.ndim != 2 or "pos_embed" in name]
    optimizer = MuonWithAdam(matrices, [*others, table, bias, scale], LEARNING_RATE)
    random = rng("tiny vision", seed)
    model.train()
    for step in range(steps):
        chosen = torch.from_numpy(random.integers(len(pictures.patches), size=BATCH))
        patches = pictures.patches[chosen].float()
        mirror = torch.from_numpy(random.random(BATCH) < 0.5)
        patches[mirror] = mirrored(patches[mirror], pictures.grid_thw, model.config.vision_config)
        grids = pictures.grid_thw.expand(BATCH, 3)
        found = model.model.get_image_features(patches.flatten(0, 1), grids)
        tokens = torch.stack(list(found.pooler_output))
        tokens = layer_norm(tokens, tokens.shape[-1:]) / tokens.shape[-1] ** 0.5
        logits = (scale * tokens @ normalize(words @ table, dim=-1).T).logsumexp(1) + bias
        share = pictures.share[chosen]
        present = share >= PRESENT
        each = binary_cross_entropy_with_logits(logits, present.float(), reduction="none")
        loss = (each * (present | (share == 0))).sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        late = max(0.0, step / steps - 0.6) / 0.4
        optimizer.set_learning_rate(LEARNING_RATE * (1 - 0.9 * late))
        optimizer.step()
        progress(1, float(loss.detach()))
    optimizer.zero_grad()
    model.eval()


def mirrored(patches: torch.Tensor, grid_thw: torch.Tensor, config: Any) -> torch.Tensor:
    """Left and right swapped, in the patch order of Qwen's image processor.

    Args:
        patches: (frames, patches, patch values) of single-frame grids.
        grid_thw: (3,), the same for all.
        config: The vision tower's configuration.
    """
    side, merge, time = config.patch_size, config.spatial_merge_size, config.temporal_patch_size
    _, rows, columns = (int(n) for n in grid_thw)
    shape = (len(patches), rows // merge, columns // merge, merge, merge, 3, time, side, side)
    return patches.reshape(shape).flip(2, 4, 8).reshape(patches.shape)


def shares_by_category(scene: Scene, frame: CameraFrame) -> dict[str, float]:
    """Pixels that show each category / pixels of the frame."""
    category = {item.id: item.category for item in scene.objects}
    out: dict[str, float] = {}
    for view in frame.views:
        name = category[view.object_id]
        out[name] = out.get(name, 0.0) + view.pixel_share
    return out


def look(
    scenes: Sequence[Scene], frames: FrameSource, image_processor: Any
) -> tuple[Pictures, tuple[str, ...]]:
    """All frames of the scenes, and the names of what is in them."""
    categories = tuple(sorted({item.category for scene in scenes for item in scene.objects}))
    column = {name: i for i, name in enumerate(categories)}
    rows = []
    images: list[Image] = []
    for scene in scenes:
        ids = tuple(frame.id for frame in scene.frames)
        images += frames(
            Question(
                id="", scene_id=scene.id, frame_ids=ids, question_type="", text="", answer_type="ordering"
            )
        )
        for frame in scene.frames:
            row = np.zeros(len(categories), np.float32)
            for name, share in shares_by_category(scene, frame).items():
                row[column[name]] = share
            rows.append(row)
    return make_pictures(images, np.stack(rows), image_processor), categories


def save_state(model: Any, path: Path) -> None:
    """Write the weights whole or not at all, so that a killed warm start need not look at the frames again."""
    partial = path.with_suffix(".tmp")
    torch.save(model.state_dict(), partial)
    partial.replace(path)


def load_state(path: Path) -> dict[str, torch.Tensor]:
    """Weights that `save_state` wrote."""
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return state
