"""What `vllm_chat` does around the engine, with a stand-in for vLLM; the real engine is in tests/real_llm/test_vllm.py."""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from misbehaving import SCHEMA, asked

from ouroboros_data.errors import ModelError, RecipeError
from ouroboros_data.models import vllm_chat
from ouroboros_data.models.chat import ChatFailure, ChatMessage, ChatReply, ChatRequest, ImagePart, TextPart
from ouroboros_data.models.vllm_chat import build


class EngineDeadError(Exception):
    """As vLLM's."""


class Engine:
    """Stands in for `vllm.LLM`: refuses a batch whole when one of its messages holds a trigger word."""

    started: list[dict[str, Any]]

    def __init__(self, **arguments: Any) -> None:
        if arguments["model"] == "broken":
            raise RuntimeError("no weights\nhere")
        self.started.append(arguments)
        self.calls: list[list[Any]] = []

    def chat(self, messages: list[Any], params: list[Any], **more: Any) -> list[Any]:
        self.calls.append([messages, params, more])
        texts = [str(conversation[-1]["content"]) for conversation in messages]
        if any("id=long" in text for text in texts):
            raise ValueError("the prompt is longer than the maximum context length of 10")
        if any("id=odd" in text for text in texts):
            raise KeyError("template")
        if any("id=dead" in text for text in texts):
            raise EngineDeadError("EngineCore died")
        return [self.output(text, param.max_tokens) for text, param in zip(texts, params, strict=True)]

    @staticmethod
    def output(text: str, limit: int) -> Any:
        finish = {1: "length", 2: "abort"}.get(limit, "stop")
        completion = SimpleNamespace(text=f"to {text}", token_ids=[1, 2, 3], finish_reason=finish)
        return SimpleNamespace(prompt_token_ids=[1, 2], outputs=[completion])


@pytest.fixture()
def vllm(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    """A process where vLLM is installed and no engine runs."""
    names = ("vllm", "vllm.sampling_params", "vllm.v1", "vllm.v1.engine", "vllm.v1.engine.exceptions")
    modules = {name: ModuleType(name) for name in names}
    Engine.started = []
    top: Any = modules["vllm"]
    top.__spec__ = importlib.machinery.ModuleSpec("vllm", None)
    top.LLM = Engine
    top.SamplingParams = lambda **fields: SimpleNamespace(**fields)
    params: Any = modules["vllm.sampling_params"]
    params.StructuredOutputsParams = lambda **fields: SimpleNamespace(**fields)
    exceptions: Any = modules["vllm.v1.engine.exceptions"]
    exceptions.EngineDeadError = EngineDeadError
    exceptions.EngineGenerateError = type("EngineGenerateError", (Exception,), {})
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(vllm_chat, "_ENGINE", {})
    return Engine


def test_without_vllm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"vLLM is not installed \(pip install 'ouroboros-data\[vllm\]'"):
        build(options={"model": "m"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "model is missing"),
        ({"model": "m", "batch": 0}, "batch"),
        ({"model": "m", "tensor_parallel_size": 0}, "tensor_parallel_size"),
        ({"model": "m", "max_model_len": 0}, "max_model_len"),
        ({"model": "m", "gpu_memory_utilization": 1.5}, "gpu_memory_utilization"),
        ({"model": "m", "batches": 1}, "did you mean batch"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build(options=options)


def test_the_engine_starts_with_the_first_request_and_is_shared(vllm: type[Engine]) -> None:
    model, same = (build(options={"model": "m", "engine": {"enforce_eager": True}}) for _ in range(2))
    assert vllm.started == []
    model.chat([asked("a")])
    same.chat([asked("b")])
    (arguments,) = vllm.started
    assert arguments["enforce_eager"] is True and arguments["gpu_memory_utilization"] == 0.9
    assert arguments["structured_outputs_config"]["disable_any_whitespace"] is True
    with pytest.raises(ModelError, match="another engine runs in this process"):
        build(options={"model": "other"}).chat([asked("a")])


def test_what_the_engine_is_told(vllm: type[Engine]) -> None:
    build(options={"model": "m", "template_options": {"enable_thinking": False}}).chat(
        [asked("a", formatted=True, seed=2**31 + 4, temperature=0.5, top_p=0.9, max_tokens=50), asked("b")]
    )
    (engine,) = vllm_chat._ENGINE.values()
    ((messages, params, more),) = engine.calls
    assert messages[0] == [{"role": "user", "content": "Say something in JSON. id=a"}]
    assert params[0].structured_outputs.json == SCHEMA and params[1].structured_outputs is None
    assert (params[0].seed, params[0].temperature, params[0].top_p, params[0].max_tokens) == (4, 0.5, 0.9, 50)
    assert more["chat_template_kwargs"] == {"enable_thinking": False}


def test_one_bad_request_does_not_take_its_batch_along(vllm: type[Engine]) -> None:
    picture = ChatRequest(
        messages=(
            ChatMessage(
                role="user", parts=(TextPart(text="id=p"), ImagePart(image=np.zeros((2, 2, 3), np.uint8)))
            ),
        )
    )
    requests = [asked("a"), asked("long"), asked("cut", max_tokens=1), asked("stopped", max_tokens=2)]
    requests += [picture, asked("odd"), asked("b")]
    told: list[int] = []
    model = build(options={"model": "m", "batch": 4})
    outcomes = model.chat(requests, on_outcome=lambda index, outcome: told.append(index))
    kinds = [one.reason if isinstance(one, ChatFailure) else one.text for one in outcomes]
    a, b = (f"to Say something in JSON. id={name}" for name in "ab")
    assert kinds == [a, "too_long", "truncated", "endpoint", "media", "rejected", b]
    assert isinstance(outcomes[0], ChatReply) and outcomes[0].format == "plain"
    assert sorted(told) == list(range(7))
    assert (model.usage.requests, model.usage.failed) == (7, 5)
    assert (model.usage.prompt_tokens, model.usage.completion_tokens) == (8, 12)
    assert all("\n" not in one.detail for one in outcomes if isinstance(one, ChatFailure))


def test_an_engine_that_dies_or_does_not_start_ends_the_run(vllm: type[Engine]) -> None:
    with pytest.raises(ModelError, match="the engine stopped: EngineDeadError: EngineCore died"):
        build(options={"model": "m"}).chat([asked("a"), asked("dead")])
    vllm_chat._ENGINE.clear()
    with pytest.raises(ModelError, match="does not start: RuntimeError: no weights here"):
        build(options={"model": "broken"}).chat([asked("a")])


def test_outcomes_are_kept_batch_by_batch(vllm: type[Engine], tmp_path: Path) -> None:
    requests = [asked("a"), asked("b"), asked("dead")]
    with pytest.raises(ModelError):
        build(options={"model": "m", "batch": 2}, cache=tmp_path).chat(requests)
    outcomes = build(options={"model": "m", "batch": 2}, cache=tmp_path).chat(requests[:2])
    assert all(one.cached for one in outcomes)


def test_the_id_says_no_place_on_this_machine(vllm: type[Engine], tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    one = build(options={"model": str(tmp_path / "weights"), "label": "tuned"}).id
    assert one.startswith("vllm:weights (tuned)/") and str(tmp_path) not in one
    assert build(options={"model": str(tmp_path / "weights"), "label": "tuned", "dtype": "float16"}).id != one
