"""What a recipe may say of an OpenAI-compatible endpoint, checked; keys come from the environment alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2

from ouroboros_data.config import options_from_mapping
from ouroboros_data.errors import ModelError, RecipeError
from ouroboros_data.ids import content_hash
from ouroboros_data.models.chat import FormatKind
from ouroboros_data.models.openai_wire import Wire

WHERE = "model options"
FORMATS: tuple[FormatKind, ...] = ("json_schema", "json_object", "grammar", "plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIOptions:
    """Options of the chat model ``openai``."""

    model: str
    """The name that the server knows it by."""
    label: str = ""
    """Tells models of one name apart (a quantisation, a fine-tune) in rows and in the reply cache."""
    base_url: str = "https://api.openai.com/v1"
    """Not part of the model's identity: the same model behind another port gives the cached replies."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None sends none."""
    takes_images: bool = False
    video: Literal["frames", "video_url"] = "frames"
    """Videos as pictures, each after its time, or in vLLM's ``video_url`` form."""
    image_format: Literal["jpeg", "png"] = "jpeg"
    max_image_pixels: int | None = None
    """Larger pictures are scaled down before they are sent."""
    media_roots: tuple[str, ...] = ()
    """Directories below which files of requests may lie."""
    concurrency: int = 8
    """Requests in flight."""
    attempts: int = 6
    """HTTP requests for one chat request, per reply format that is tried."""
    attempt_timeout_s: float = 180.0
    deadline_s: float = 900.0
    """For one chat request, with all its attempts and waits."""
    backoff_s: float = 0.5
    """Wait after the first failed attempt; it doubles with each, up to ``backoff_max_s``, with jitter."""
    backoff_max_s: float = 30.0
    retry_after_max_s: float = 120.0
    """A server that asks for a longer wait has failed the request."""
    give_up_after: int = 16
    """So many chat requests in a row that the endpoint failed end the run."""
    formats: tuple[FormatKind, ...] = FORMATS
    """Reply formats to try, in this order; the first that the server honours is kept."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """OpenAI's reasoning models take the second only."""
    leave_out: tuple[Literal["temperature", "top_p", "seed"], ...] = ()
    """Sampling fields that this server refuses."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of every body, such as ``chat_template_kwargs``. Saved with the recipe: no secrets."""
    price_in: float | None = None
    """Per million prompt tokens; with ``price_out`` it makes the cost counter run."""
    price_out: float | None = None


def checked(options: Mapping[str, Any]) -> OpenAIOptions:
    """The options, ranges and address checked.

    Raises:
        RecipeError: An option is missing, unknown or out of range. A value that may be a secret is not repeated.
    """
    if "model" not in options:
        raise RecipeError("model is missing", where=WHERE, fix="the name that the server knows it by")
    chosen: OpenAIOptions = options_from_mapping(OpenAIOptions, options, where=WHERE)
    for name, low in (("concurrency", 1), ("attempts", 1), ("give_up_after", 1)):
        if getattr(chosen, name) < low:
            raise RecipeError(f"{name}: must be at least {low}", where=WHERE)
    for name in ("attempt_timeout_s", "deadline_s", "backoff_s", "backoff_max_s", "retry_after_max_s"):
        if not 0 < getattr(chosen, name) < float("inf"):
            raise RecipeError(f"{name}: must be above 0", where=WHERE)
    for name in ("price_in", "price_out"):
        price = getattr(chosen, name)
        if price is not None and not 0 <= price < float("inf"):
            raise RecipeError(f"{name}: must not be negative", where=WHERE)
    if chosen.max_image_pixels is not None and chosen.max_image_pixels < 1:
        raise RecipeError("max_image_pixels: must be at least 1", where=WHERE)
    if not chosen.formats or len(set(chosen.formats)) < len(chosen.formats):
        raise RecipeError("formats: name each once, and at least one", where=WHERE)
    if not chosen.model.strip():
        raise RecipeError("model is empty", where=WHERE)
    _check_address(chosen.base_url)
    return chosen


def _check_address(base_url: str) -> None:
    fix = "like https://host/v1; a key goes into an environment variable named by api_key_env"
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        raise RecipeError("base_url: not a URL", where=WHERE, fix=fix) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise RecipeError("base_url: not an http or https address", where=WHERE, fix=fix)
    if url.userinfo or url.query or url.fragment:
        # Recipes are saved and published with the dataset.
        raise RecipeError("base_url: may not carry a user, a password or a query", where=WHERE, fix=fix)


def read_key(chosen: OpenAIOptions) -> str | None:
    """The key from the environment.

    Raises:
        RecipeError: ``api_key_env`` is no name of a variable; it is not repeated, it may be the key itself.
        ModelError: The variable is not set, or holds what no header can carry.
    """
    name = chosen.api_key_env
    if name is None:
        return None
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name):
        raise RecipeError(
            "api_key_env: not the name of an environment variable",
            where=WHERE,
            fix="the name in capitals, such as OPENAI_API_KEY, never the key",
        )
    key = os.environ.get(name, "").strip()
    if not key:
        raise ModelError(f"the environment variable {name} is not set", where=WHERE, fix=f"export {name}=…")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ModelError(f"the environment variable {name} holds no key", where=WHERE)
    return key


def wire_of(chosen: OpenAIOptions) -> Wire:
    """How requests are written."""
    return Wire(
        model=chosen.model,
        takes_images=chosen.takes_images,
        image_format=chosen.image_format,
        max_image_pixels=chosen.max_image_pixels,
        video=chosen.video,
        media_roots=tuple(Path(root) for root in chosen.media_roots),
        max_tokens_field=chosen.max_tokens_field,
        left_out=frozenset(chosen.leave_out),
        extra_body=chosen.extra_body,
    )


def model_id(chosen: OpenAIOptions) -> str:
    """Name of the model with a digest of the options that shape its replies; not of the address, nor of the key."""
    pictures = [chosen.video, chosen.image_format, chosen.max_image_pixels] if chosen.takes_images else []
    shape = content_hash(
        "openai", sorted(chosen.leave_out), dict(chosen.extra_body), list(chosen.formats), pictures, size=8
    )
    return f"openai:{chosen.model}{f' ({chosen.label})' if chosen.label else ''}/{shape}"
