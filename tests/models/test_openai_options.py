"""Options of the endpoint are checked before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from ouroboros_data import registry
from ouroboros_data.errors import RecipeError
from ouroboros_data.models.openai_chat import build
from ouroboros_data.models.openai_options import checked, model_id


def test_it_is_found_by_name() -> None:
    assert registry.load("chat_models", "openai") is build


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "model is missing"),
        ({"model": " "}, "model is empty"),
        ({"model": 3}, "expected str"),
        ({"model": "m", "modle": 1}, "did you mean model"),
        ({"model": "m", "concurrency": 0}, "concurrency: must be at least 1"),
        ({"model": "m", "attempts": 0}, "attempts: must be at least 1"),
        ({"model": "m", "deadline_s": 0}, "deadline_s: must be above 0"),
        ({"model": "m", "backoff_s": float("nan")}, "backoff_s: must be above 0"),
        ({"model": "m", "retry_after_max_s": float("inf")}, "retry_after_max_s"),
        ({"model": "m", "price_in": -1.0}, "price_in: must not be negative"),
        ({"model": "m", "max_image_pixels": 0}, "max_image_pixels"),
        ({"model": "m", "formats": []}, "formats"),
        ({"model": "m", "formats": ["plain", "plain"]}, "formats"),
        ({"model": "m", "formats": ["xml"]}, "is not one of"),
        ({"model": "m", "base_url": "localhost:8000"}, "base_url"),
        ({"model": "m", "base_url": "ftp://host/v1"}, "base_url: not an http or https address"),
        ({"model": "m", "base_url": "http://"}, "base_url"),
        ({"model": "m", "base_url": "http://[::1"}, "base_url"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        build(options=options)
    assert "\n" not in str(caught.value)


def test_the_id_names_the_model_and_what_shapes_its_replies() -> None:
    base = {"model": "Qwen/Qwen3-VL-4B-Instruct"}
    plain = model_id(checked(base))
    assert plain.startswith("openai:Qwen/Qwen3-VL-4B-Instruct/")
    for same in ({"base_url": "http://127.0.0.1:1/v1"}, {"api_key_env": "KEY"}, {"concurrency": 2}):
        assert model_id(checked({**base, **same})) == plain
    others = [
        {"extra_body": {"min_p": 0.1}},
        {"leave_out": ["seed"]},
        {"formats": ["plain"]},
        {"label": "awq"},
        {"takes_images": True},
        {"takes_images": True, "max_image_pixels": 100_000},
    ]
    assert len({model_id(checked({**base, **other})) for other in others} | {plain}) == 7
