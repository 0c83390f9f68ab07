"""vLLM in this process as a chat model: `LLM.chat` in batches, with structured outputs and pictures.

One engine a process, because an engine takes the GPU whole. Tested with vLLM 0.32 on a CPU (tests/real_llm).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.config import options_from_mapping
from ouroboros_data.errors import ModelError, RecipeError
from ouroboros_data.ids import content_hash
from ouroboros_data.models import openai_wire as wire
from ouroboros_data.models.chat import (
    ChatFailure,
    ChatModel,
    ChatOutcome,
    ChatReply,
    ChatRequest,
    FailureReason,
    Usage,
)
from ouroboros_data.models.chat_media import MediaError
from ouroboros_data.models.reply_cache import CachedChat
from ouroboros_data.records import merged

WHERE = "model options"
_FIX = "pip install 'ouroboros-data[vllm]' in a venv of its own (see docs/dependencies.md)"
_ENGINE: dict[str, Any] = {}
"""The process's engine by a digest of its arguments: empty or one entry."""
_DEFAULTS: Mapping[str, Any] = {
    # Otherwise small models fill a reply with whitespace, which JSON allows; the setting needs a named backend.
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    "disable_log_stats": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmOptions:
    """Options of the chat model ``vllm``."""

    model: str
    """Directory or hub id."""
    revision: str | None = None
    label: str = ""
    """Tells models of one name apart in rows and in the reply cache."""
    takes_images: bool = False
    video: Literal["frames", "video_url"] = "frames"
    """Videos as pictures, each after its time, or as one video."""
    max_image_pixels: int | None = None
    media_roots: tuple[str, ...] = ()
    batch: int = 64
    """Requests handed to the engine at once; outcomes are known, and cached, after each batch."""
    dtype: str = "auto"
    max_model_len: int | None = None
    tensor_parallel_size: int = 1
    gpu_memory_utilization: float = 0.9
    engine: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of ``vllm.LLM``; they win over those above."""
    template_options: Mapping[str, Any] = field(default_factory=dict)
    """``chat_template_kwargs``, such as ``enable_thinking: false``."""


def build(*, options: Mapping[str, Any], cache: Path | None = None) -> ChatModel:
    """A model whose engine starts with the first request, with a reply cache around it where ``cache`` is given.

    Raises:
        RecipeError: An option is missing, unknown or out of range.
        ModelError: vLLM is not installed.
    """
    if "model" not in options:
        raise RecipeError("model is missing", where=WHERE, fix="a directory or hub id")
    chosen: VllmOptions = options_from_mapping(VllmOptions, options, where=WHERE)
    for name in ("batch", "tensor_parallel_size"):
        if getattr(chosen, name) < 1:
            raise RecipeError(f"{name}: must be at least 1", where=WHERE)
    for name in ("max_model_len", "max_image_pixels"):
        if getattr(chosen, name) is not None and getattr(chosen, name) < 1:
            raise RecipeError(f"{name}: must be at least 1", where=WHERE)
    if not 0.0 < chosen.gpu_memory_utilization <= 1.0:
        raise RecipeError("gpu_memory_utilization: must be in (0, 1]", where=WHERE)
    if importlib.util.find_spec("vllm") is None:
        raise ModelError("vLLM is not installed", where=WHERE, fix=_FIX)
    model = VllmChat(chosen)
    return model if cache is None else CachedChat(model, cache, media_roots=model.wire.media_roots)


class VllmChat:
    """See `ChatModel`."""

    def __init__(self, options: VllmOptions) -> None:
        """Take options that were checked; loads nothing."""
        self._options = options
        self.takes_images = options.takes_images
        self.usage = Usage()
        self.wire = wire.Wire(
            model=options.model,
            takes_images=options.takes_images,
            image_format="png",  # stays in this process: no reason to lose anything
            max_image_pixels=options.max_image_pixels,
            video=options.video,
            media_roots=tuple(Path(root) for root in options.media_roots),
            max_tokens_field="max_tokens",
            left_out=frozenset(),
            extra_body={},
        )
        # A directory's place on this machine is nobody's business.
        name = Path(options.model).name if Path(options.model).is_dir() else options.model
        pictures = [options.video, options.max_image_pixels] if options.takes_images else []
        shape = content_hash(
            "vllm",
            options.revision,
            options.dtype,
            dict(options.engine),
            dict(options.template_options),
            pictures,
            size=8,
        )
        self.id = f"vllm:{name}{f' ({options.label})' if options.label else ''}/{shape}"

    def chat(
        self,
        requests: Sequence[ChatRequest],
        *,
        on_outcome: Callable[[int, ChatOutcome], None] | None = None,
    ) -> list[ChatOutcome]:
        """See `ChatModel`."""
        outcomes: dict[int, ChatOutcome] = {}

        def settle(index: int, outcome: ChatOutcome) -> None:
            outcomes[index] = outcome
            self.usage.requests += 1
            self.usage.failed += isinstance(outcome, ChatFailure)
            self.usage.prompt_tokens += outcome.prompt_tokens
            self.usage.completion_tokens += outcome.completion_tokens
            if on_outcome is not None:
                on_outcome(index, outcome)

        for start in range(0, len(requests), self._options.batch):
            ready: dict[int, list[dict[str, Any]]] = {}
            for index in range(start, min(start + self._options.batch, len(requests))):
                try:
                    ready[index] = wire.messages(requests[index], self.wire)
                except MediaError as error:
                    settle(index, ChatFailure(reason="media", detail=str(error), attempts=0))
            self._ask(requests, ready, settle)
        return [outcomes[index] for index in range(len(requests))]

    def close(self) -> None:
        """See `ChatModel`. The engine stays for the process's next model of the same options."""

    def _ask(
        self,
        requests: Sequence[ChatRequest],
        ready: Mapping[int, list[dict[str, Any]]],
        settle: Callable[[int, ChatOutcome], None],
    ) -> None:
        if not ready:
            return
        engine = _engine(self._options)
        order = list(ready)
        found, problem = self._run(engine, [requests[index] for index in order], list(ready.values()))
        if problem is None:
            for index, output in zip(order, found, strict=True):
                settle(index, _outcome(output, requests[index], attempts=1))
        elif len(order) == 1:
            settle(order[0], _failure(problem))
        else:
            # The engine refuses a batch for one request of it, and takes its others back: find out which it was.
            for index in order:
                self._ask(requests, {index: ready[index]}, settle)

    def _run(
        self, engine: Any, requests: list[ChatRequest], messages: list[list[dict[str, Any]]]
    ) -> tuple[list[Any], Exception | None]:
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        self.usage.attempts += len(requests)
        try:
            params = [_sampling(request) for request in requests]
            outputs = engine.chat(
                messages,
                params,
                use_tqdm=False,
                chat_template_kwargs=dict(self._options.template_options) or None,
            )
        except (EngineDeadError, EngineGenerateError, MemoryError) as error:
            raise ModelError(f"the engine stopped: {_said(error)}", where=self._options.model) from error
        except (
            Exception
        ) as error:  # whatever a template, a processor or the engine raises for one request's content
            return [], error
        return list(outputs), None


def _sampling(request: ChatRequest) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    asked = request.reply_format
    return SamplingParams(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=request.max_tokens,
        seed=request.seed % 2**31,
        structured_outputs=None if asked is None else StructuredOutputsParams(json=dict(asked.schema)),
    )


def _outcome(output: Any, request: ChatRequest, attempts: int) -> ChatOutcome:
    completion = output.outputs[0]
    prompt, written = len(output.prompt_token_ids or ()), len(completion.token_ids)
    finish = completion.finish_reason or "stop"
    if finish == "stop":
        return ChatReply(
            text=completion.text,
            finish_reason=finish,
            prompt_tokens=prompt,
            completion_tokens=written,
            format="json_schema" if request.reply_format else "plain",
            attempts=attempts,
        )
    reason: FailureReason = "truncated" if finish == "length" else "endpoint"
    return ChatFailure(
        reason=reason,
        detail=f"cut at {written} tokens" if reason == "truncated" else f"the engine ended it: {finish}",
        attempts=attempts,
        text=completion.text,
        prompt_tokens=prompt,
        completion_tokens=written,
    )


def _failure(problem: Exception) -> ChatFailure:
    said = _said(problem)
    reason: FailureReason = "too_long" if wire.TOO_LONG.search(said) else "rejected"
    return ChatFailure(reason=reason, detail=said, attempts=1)


def _said(problem: BaseException) -> str:
    return wire.excerpt(f"{type(problem).__name__}: {problem}")


def _engine(options: VllmOptions) -> Any:
    """The process's engine, started when it is first needed.

    Raises:
        ModelError: It cannot be started, or one with other arguments runs already.
    """
    arguments = {
        "model": options.model,
        "revision": options.revision,
        "dtype": options.dtype,
        "max_model_len": options.max_model_len,
        "tensor_parallel_size": options.tensor_parallel_size,
        "gpu_memory_utilization": options.gpu_memory_utilization,
    }
    arguments = merged({**_DEFAULTS, **arguments}, options.engine)
    key = content_hash("engine", arguments)
    if key in _ENGINE:
        return _ENGINE[key]
    if _ENGINE:
        raise ModelError(
            "another engine runs in this process",
            where=options.model,
            fix="use the same options for both models, or serve one of them and use the model `openai`",
        )
    try:
        from vllm import LLM

        _ENGINE[key] = LLM(**arguments)
    except ImportError as error:
        raise ModelError(f"vLLM cannot be imported: {_said(error)}", where=WHERE, fix=_FIX) from error
    except Exception as error:  # the engine raises whatever its parts do
        raise ModelError(f"the engine does not start: {_said(error)}", where=options.model) from error
    return _ENGINE[key]
