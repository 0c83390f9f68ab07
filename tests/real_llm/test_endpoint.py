"""The client against a real model behind llama.cpp's server (``serve.py`` here). Opt-in, never in CI.

``OUROBOROS_LLM_URL=http://127.0.0.1:8155/v1 python -m pytest -s tests/real_llm/test_endpoint.py``
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from ouroboros_data.models.chat import (
    ChatFailure,
    ChatMessage,
    ChatReply,
    ChatRequest,
    ReplyFormat,
    TextPart,
)
from ouroboros_data.models.openai_chat import build

URL = os.environ.get("OUROBOROS_LLM_URL")
pytestmark = [
    pytest.mark.real_llm,
    pytest.mark.skipif(not URL, reason="OUROBOROS_LLM_URL names no server: opt-in, see above"),
]
SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 10, "maxLength": 120},
        "answer_type": {"enum": ["number", "choice"]},
        "options": {"type": "array", "items": {"enum": ["chair", "table", "lamp"]}, "maxItems": 3},
        "unit": {"anyOf": [{"enum": ["m", "cm"]}, {"type": "null"}]},
        "program": {"$ref": "#/$defs/program"},
    },
    "required": ["question", "answer_type", "options", "unit", "program"],
    "additionalProperties": False,
    "$defs": {"program": {"type": "string", "maxLength": 200}},
}
WORDS = (
    "Reply with a JSON object about a room: a question on its chairs, the answer_type, the options (chair, table or "
    "lamp, or none), a unit (m, cm or null) and a Python program."
)


def asked(seed: int, words: str = WORDS, **fields) -> ChatRequest:
    message = ChatMessage(role="user", parts=(TextPart(text=words),))
    form = ReplyFormat(name="draft", schema=SCHEMA)
    return ChatRequest(
        messages=(message,), **{"reply_format": form, "max_tokens": 300, "seed": seed, **fields}
    )


def model(cache: Path | None = None, **options):
    return build(
        options={"model": "any", "base_url": URL, "concurrency": 1, "deadline_s": 300.0, **options},
        cache=cache,
    )


@pytest.mark.parametrize("form", ["json_schema", "json_object", "grammar"])
def test_each_form_is_honoured_by_the_server(form: str) -> None:
    for outcome in model(formats=[form]).chat([asked(seed) for seed in range(3)]):
        print(outcome)
        assert isinstance(outcome, ChatReply) and outcome.format == form
        jsonschema.validate(json.loads(outcome.text), SCHEMA)


def test_the_first_form_is_kept_after_one_request_and_replies_are_remembered(tmp_path: Path) -> None:
    one = model(tmp_path)
    (first,) = one.chat([asked(0)])
    assert isinstance(first, ChatReply) and (first.format, first.attempts) == ("json_schema", 1)
    assert one.usage.prompt_tokens > 20 and one.usage.completion_tokens > 10
    (again,) = model(tmp_path).chat([asked(0)])
    assert again.cached and again.text == first.text


def test_cut_replies_and_prompts_that_are_too_long_are_told_apart() -> None:
    cut, long = model().chat([asked(0, max_tokens=5), asked(0, "chair " * 9000)])
    print(cut, long, sep="\n")
    assert isinstance(cut, ChatFailure) and cut.reason == "truncated" and cut.text
    assert isinstance(long, ChatFailure) and long.reason == "too_long"


def test_a_slow_reply_is_cut_off_by_the_deadline() -> None:
    (outcome,) = model(attempt_timeout_s=1.0, deadline_s=1.5, attempts=2).chat([asked(0, max_tokens=300)])
    assert isinstance(outcome, ChatFailure) and outcome.reason == "timeout"
