"""A pretrained Qwen-VL as solver: full fine-tuning or LoRA, on CPU or GPU, by the code that the tiny solver runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.config import SolverSettings, options_from_mapping
from ouroboros_data.errors import RecipeError, SolverError
from ouroboros_data.models.prompts import ChoiceStyle, PromptStyle
from ouroboros_data.models.transformers_solver import SolverConfig, TransformersSolver, quiet, use_threads
from ouroboros_data.progress import Progress

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
"""Model types whose positions and image blocks `encoding` knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraOptions:
    """Adapters instead of full fine-tuning."""

    rank: int = 16
    alpha: int = 32
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedOptions:
    """What a recipe may say under ``solver.options``."""

    model: str
    """Directory or hub id, such as Qwen/Qwen3-VL-4B-Instruct."""
    revision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str = "auto"
    """``auto`` takes the first GPU where there is one, else the CPU."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    lora: LoraOptions | None = None
    gradient_checkpointing: bool = False
    optimizer: Literal["adamw", "muon"] = "adamw"
    choices: ChoiceStyle = "letter"
    frame_label: str = ""
    bare_prompt: bool = False
    """Leave VSI-Bench's words around the question out."""
    max_pixels: int | None = None
    """Frames are scaled down to this many pixels; None keeps the model's own limit."""
    micro_batch: int = 1
    score_batch: int = 4
    pack: int = 4
    checkpoint_steps: int = 25
    cache_mb: int = 2048
    threads: int | None = None


def build(
    *, options: Mapping[str, Any], seed: int, training: SolverSettings, cache: Path, progress: Progress
) -> TransformersSolver:
    """Load a pretrained model with its tokeniser and image processor.

    Raises:
        RecipeError: ``model`` is missing, an option is unknown or does not fit the machine.
        SolverError: The model cannot be found or read, or is of another family.
    """
    if "model" not in options:
        raise RecipeError(
            "model is missing", where="solver.options", fix="e.g. model: Qwen/Qwen3-VL-4B-Instruct"
        )
    chosen: PretrainedOptions = options_from_mapping(PretrainedOptions, options, where="solver.options")
    if chosen.attention == "flash_attention_2" and chosen.pack != 1:
        raise RecipeError(
            "flash_attention_2 takes no packing mask", where="solver.options", fix="pack: 1, or sdpa"
        )
    if chosen.threads is not None:
        use_threads(chosen.threads)
    quiet()
    progress.say(f"  loading {chosen.model}")
    model, tokenizer, image_processor = _load(chosen)
    if chosen.lora is not None:
        model = _with_lora(model, chosen.lora, seed)
    if chosen.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    solver = TransformersSolver(
        model=model,
        tokenizer=tokenizer,
        image_processor=image_processor,
        config=SolverConfig(
            style=_style(chosen),
            optimizer=chosen.optimizer,
            learning_rate=training.learning_rate,
            batch_size=training.batch_size,
            micro_batch=chosen.micro_batch,
            score_batch=chosen.score_batch,
            pack=chosen.pack,
            checkpoint_steps=chosen.checkpoint_steps,
            cache_mb=chosen.cache_mb,
        ),
        disclosure={},
    )
    weights = list(model.parameters())
    solver.disclosure = {
        "model": chosen.model,
        "revision": getattr(solver.core.config, "_commit_hash", None) or chosen.revision,
        "architecture": type(solver.core).__name__,
        "parameters": sum(p.numel() for p in weights),
        "trainable_parameters": sum(p.numel() for p in weights if p.requires_grad),
        "dtype": str(solver.core.dtype).removeprefix("torch."),
        "warm_start": None,
    }
    return solver


def _load(options: PretrainedOptions) -> tuple[Any, Any, Any]:
    import torch

    where = f"solver.options.model {options.model}"
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

        config = AutoConfig.from_pretrained(options.model, revision=options.revision)
        if config.model_type not in FAMILIES:
            raise SolverError(
                f"model type {config.model_type!r} is not supported",
                where=where,
                fix=f"one of {', '.join(FAMILIES)}",
            )
        model = AutoModelForImageTextToText.from_pretrained(
            options.model,
            revision=options.revision,
            dtype=options.dtype,
            attn_implementation=options.attention,
        ).to(device)
        tokenizer = AutoTokenizer.from_pretrained(options.model, revision=options.revision)
        # The PIL form works with and without torchvision, and gives the same pixels on every machine.
        image_processor = AutoImageProcessor.from_pretrained(
            options.model, revision=options.revision, backend="pil"
        )
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise SolverError(_reason(error), where=where, fix=_remedy(error)) from None
    if options.max_pixels is not None:
        image_processor.size = {**dict(image_processor.size), "longest_edge": options.max_pixels}
        image_processor.size["shortest_edge"] = min(image_processor.size["shortest_edge"], options.max_pixels)
    return model, tokenizer, image_processor


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def _remedy(error: Exception) -> str:
    text = str(error)
    if "torchvision::" in text:
        return "torchvision does not match torch: pip uninstall torchvision, or install the pair that belongs together"
    if isinstance(error, ImportError):
        return "pip install 'ouroboros-data[solver]'"
    if "out of memory" in text.lower():
        return "a smaller model, dtype: bfloat16, lora, or a smaller max_pixels"
    return "give a directory with config.json and weights, or a hub id that this machine can reach"


def _with_lora(model: Any, options: LoraOptions, seed: int) -> Any:
    import torch

    from ouroboros_data.ids import seed_from

    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise SolverError("lora needs peft", fix="pip install 'ouroboros-data[solver]'") from None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_from("lora", seed) % 2**31)
        return get_peft_model(
            model,
            LoraConfig(
                r=options.rank,
                lora_alpha=options.alpha,
                target_modules=list(options.targets),
                lora_dropout=0.0,
            ),
        )


def _style(options: PretrainedOptions) -> PromptStyle:
    if options.bare_prompt:
        return PromptStyle(
            choices=options.choices,
            preamble="",
            after_choice="",
            after_number="",
            after_boolean="",
            after_ordering="",
            frame_label=options.frame_label,
        )
    return PromptStyle(choices=options.choices, frame_label=options.frame_label)
