"""A Qwen3-VL of about a million weights, and its vocabulary. Architecture, template and processor are the real ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from ouroboros_data.ids import rng, seed_from

PATCH_PX, MERGE = 8, 2
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
NEWLINE = "\n"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_NUMBER = re.compile(r"▁?(\d+(?:\.\d+)?)")


def make_tokenizer(texts: Iterable[str], words: int = 4096) -> PreTrainedTokenizerFast:
    """Byte-fallback BPE over words; a number is one token where a text had it.

    Whole numbers as tokens make an exact number as improbable as it is: spelt in digits, the geometric mean over them
    (and a decimal point that is certain) rates a blind guess of centimetres at p ≈ 0.2, inside the frontier.

    Args:
        texts: What the vocabulary is learnt from.
        words: Upper bound of the vocabulary.
    """
    tokenizer = Tokenizer(BPE(byte_fallback=True, unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True),
            pre_tokenizers.Split(Regex(r"▁?\d+(\.\d+)?|▁?\p{L}+|▁|[^\p{L}\d▁]"), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1, right=0),
        ]
    )
    bytes_ = [f"<0x{value:02X}>" for value in range(256)]
    trainer = BpeTrainer(
        vocab_size=words, special_tokens=[*SPECIAL, NEWLINE, *bytes_], show_progress=False, min_frequency=1
    )
    # Sorted, each text once: the merges must not depend on how often something was asked.
    tokenizer.train_from_iterator(sorted(set(texts)), trainer)
    # The trainer knows no other way to reserve tokens; but bytes and the newline are text, and must survive decoding.
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [
        {**token, "special": token["content"] in SPECIAL}
        for token in data["added_tokens"]
        if token["content"] not in bytes_
    ]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(data)),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
        additional_special_tokens=list(SPECIAL[1:2] + SPECIAL[3:]),
        clean_up_tokenization_spaces=False,
    )


def number_texts() -> list[str]:
    """All numbers that an answer is likely to be: counts, centimetres, metres and square metres."""
    whole = [str(n) for n in range(1000)]
    return whole + [f"{n / 10:.1f}" for n in range(1000)]


def make_image_processor(max_pixels: int) -> Qwen2VLImageProcessorPil:
    """The processor of Qwen-VL for images, on PIL, scaling frames down to ``max_pixels``."""
    side = PATCH_PX * MERGE
    return Qwen2VLImageProcessorPil(
        patch_size=PATCH_PX,
        merge_size=MERGE,
        temporal_patch_size=2,
        size={"shortest_edge": side * side, "longest_edge": max_pixels},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )


def make_config(
    tokenizer: Any, *, layers: int, width: int, vision_layers: int, vision_width: int
) -> Qwen3VLConfig:
    """Configuration of the small model."""
    number = tokenizer.convert_tokens_to_ids
    head = 32
    return Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": width,
            "intermediate_size": width * 5 // 2,
            "num_hidden_layers": layers,
            "num_attention_heads": width // head,
            "num_key_value_heads": width // head,
            "head_dim": head,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [6, 5, 5],
                "mrope_interleaved": True,
            },
            "tie_word_embeddings": True,
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "bos_token_id": None,
        },
        vision_config={
            "depth": vision_layers,
            "hidden_size": vision_width,
            "intermediate_size": vision_width * 2,
            "num_heads": vision_width // head,
            "patch_size": PATCH_PX,
            "temporal_patch_size": 2,
            "spatial_merge_size": MERGE,
            "out_hidden_size": width,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def make_model(config: Qwen3VLConfig, tokenizer: Any, seed: int) -> Qwen3VLForConditionalGeneration:
    """Fresh weights from a seed; the caller's random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_from("tiny", seed) % 2**31)
        model = Qwen3VLForConditionalGeneration(config)
    _smooth_numbers(model.get_input_embeddings().weight, tokenizer, seed)
    return model.float()


@torch.no_grad()
def _smooth_numbers(table: torch.Tensor, tokenizer: Any, seed: int) -> None:
    """Start number tokens so that near values are near vectors.

    Without it 34.1 and 34.2 are as unrelated as two words, and a few thousand samples cannot teach a thousand of them.
    Random Fourier features of log(value): a similarity that depends on the ratio of two numbers.
    """
    found = [(i, _NUMBER.fullmatch(token)) for token, i in tokenizer.get_vocab().items()]
    numbers = sorted((i, float(match[1])) for i, match in found if match)
    if not numbers:
        return
    random = rng("tiny", "numbers", seed)
    width = table.shape[1]
    frequency = torch.tensor(random.normal(size=width) * 4.0)
    phase = torch.tensor(random.uniform(0, 2 * torch.pi, size=width))
    values = torch.tensor([value for _, value in numbers], dtype=torch.float64)
    features = torch.cos(torch.log(values + 0.5)[:, None] * frequency + phase) * 2**0.5
    scale = float(table.std())
    where = torch.tensor([i for i, _ in numbers])
    # A share of the random start stays: numbers must remain distinguishable.
    table[where] = (features * scale * 0.95).to(table.dtype) + 0.3 * table[where]
