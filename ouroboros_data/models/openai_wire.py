"""Chat requests as the JSON that OpenAI-compatible servers take, and their answers as outcomes. No network here."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.models import gbnf
from ouroboros_data.models.chat import (
    ChatMessage,
    ChatReply,
    ChatRequest,
    FailureReason,
    FilePart,
    FormatKind,
    ImagePart,
    Part,
    ReplyFormat,
    TextPart,
)
from ouroboros_data.models.chat_media import MediaError, MediaFile, data_url, encoded, read_file
from ouroboros_data.plugins import Image

RETRIED = frozenset({408, 409, 429})
"""Statuses below 500 that may pass by themselves; all from 500 on may."""
TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|(maximum|max|available) (context|model|sequence) (length|size)"
    r"|context (length|window|size)|prompt is too long|input is too long",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content_policy_violation|content management policy", re.IGNORECASE)
_NO_CREDIT = re.compile(r"insufficient_quota|billing_hard_limit", re.IGNORECASE)
_EXCERPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How requests are written for one server."""

    model: str
    takes_images: bool
    image_format: Literal["jpeg", "png"]
    max_image_pixels: int | None
    video: Literal["frames", "video_url"]
    media_roots: tuple[Path, ...]
    max_tokens_field: str
    left_out: frozenset[str]
    """Sampling fields that this server refuses."""
    extra_body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An attempt that gave no reply."""

    reason: FailureReason
    detail: str
    status: int | None = None
    retry: bool = False
    """The same attempt may work later."""
    retry_after_s: float | None = None
    fatal: bool = False
    """No request will work until a person does something."""
    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def body(request: ChatRequest, wire: Wire) -> dict[str, Any]:
    """The request's body without a reply format.

    Raises:
        MediaError: A picture or file may not or cannot be sent.
    """
    made: dict[str, Any] = {
        **wire.extra_body,
        "model": wire.model,
        "messages": messages(request, wire),
        "temperature": request.temperature,
        "top_p": request.top_p,
        wire.max_tokens_field: request.max_tokens,
        "seed": request.seed % 2**31,
    }
    return {key: value for key, value in made.items() if key not in wire.left_out}


def messages(request: ChatRequest, wire: Wire) -> list[dict[str, Any]]:
    """The conversation in OpenAI's form, which vLLM's `LLM.chat` takes as well (raises MediaError)."""
    return [_message(message, wire) for message in request.messages]


def format_fields(asked: ReplyFormat, kind: FormatKind) -> dict[str, Any] | None:
    """What a body says of the reply's form; None where the schema cannot be said in this way."""
    schema = dict(asked.schema)
    match kind:
        case "json_schema":
            named = {"name": asked.name, "strict": True, "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case "json_object":
            # `schema` beside the type: llama.cpp, llama-cpp-python, Together, Fireworks.
            return {"response_format": {"type": "json_object", "schema": schema}}
        case "grammar":
            try:
                written = gbnf.grammar(schema)
            except gbnf.UnsupportedSchema:
                return None
            # llama.cpp reads the first, vLLM the second, vLLM before 0.12 the third; each ignores the others.
            return {"grammar": written, "structured_outputs": {"json": schema}, "guided_json": schema}
        case "plain":
            return {}


def _message(message: ChatMessage, wire: Wire) -> dict[str, Any]:
    if all(isinstance(part, TextPart) for part in message.parts):
        # Many templates take a string only, and all take one.
        texts = [part.text for part in message.parts if isinstance(part, TextPart)]
        return {"role": message.role, "content": "\n\n".join(texts)}
    content = [piece for part in message.parts for piece in _pieces(part, wire)]
    return {"role": message.role, "content": content}


def _pieces(part: Part, wire: Wire) -> list[dict[str, Any]]:
    if isinstance(part, TextPart):
        return [{"type": "text", "text": part.text}]
    if not wire.takes_images:
        raise MediaError(f"{wire.model} is said to take no pictures (takes_images: false)")
    if isinstance(part, ImagePart):
        return [_image(part.image, wire)]
    if isinstance(part, FilePart):
        return [_media(read_file(part.path, wire.media_roots))]
    if len(part.frames) != len(part.times_s) or not part.frames:
        raise MediaError(f"a video of {len(part.frames)} frames with {len(part.times_s)} times")
    if wire.video == "video_url":
        # vLLM's form for frames that are already sampled: JPEGs in base64, set apart by commas (vllm/multimodal/media/video.py).
        frames = [encoded(frame, "jpeg", wire.max_image_pixels) for frame in part.frames]
        joined = ",".join(data_url(frame).partition(",")[2] for frame in frames)
        return [{"type": "video_url", "video_url": {"url": f"data:video/jpeg;base64,{joined}"}}]
    pieces: list[dict[str, Any]] = []
    for frame, time_s in zip(part.frames, part.times_s, strict=True):
        pieces += [{"type": "text", "text": f"{time_s:.1f} s:"}, _image(frame, wire)]
    return pieces


def _image(image: Image, wire: Wire) -> dict[str, Any]:
    return _media(encoded(image, wire.image_format, wire.max_image_pixels))


def _media(file: MediaFile) -> dict[str, Any]:
    kind = "video_url" if file.mime.startswith("video/") else "image_url"
    return {"type": kind, kind: {"url": data_url(file)}}


def read(status: int, headers: Mapping[str, str], text: str, kind: FormatKind) -> ChatReply | Trouble:
    """What an HTTP answer means. The reply's ``attempts`` is 1: the caller counts.

    Args:
        status: Of the answer.
        headers: With lower-case names.
        text: The body, already free of secrets.
        kind: How the reply's form had been asked for.
    """
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    if status == 200:
        return _reply(parsed, text, kind)
    said = _error_words(parsed, text)
    detail = f"HTTP {status}: {said}"
    if status in (401, 402, 404) or (status == 429 and _NO_CREDIT.search(text)):
        return Trouble(reason="rejected", detail=detail, status=status, fatal=True)
    if status >= 500 or status in RETRIED:
        # llama.cpp and others report these with a 500.
        if TOO_LONG.search(said):
            return Trouble(reason="too_long", detail=detail, status=status)
        after = retry_after_s(headers)
        return Trouble(reason="endpoint", detail=detail, status=status, retry=True, retry_after_s=after)
    if 300 <= status < 400:
        return Trouble(
            reason="endpoint", detail=f"HTTP {status}: a redirect; base_url is not final", status=status
        )
    reason: FailureReason = "rejected"
    if _FILTERED.search(text):
        reason = "refused"
    elif TOO_LONG.search(said):
        reason = "too_long"
    return Trouble(reason=reason, detail=detail, status=status)


def _reply(parsed: Any, text: str, kind: FormatKind) -> ChatReply | Trouble:
    def broken(what: str) -> Trouble:
        return Trouble(reason="endpoint", detail=f"{what}: {excerpt(text)}", status=200, retry=True)

    if not isinstance(parsed, dict):
        return broken("the body is not a JSON object")
    if parsed.get("error"):
        # Gateways that had already sent the status.
        return broken("an error in a reply of status 200")
    choices = parsed.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return broken("no choices in the reply")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        return broken("no message in the reply")
    content = message.get("content")
    if isinstance(content, list):  # some servers answer in parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        content = ""
    finish = str(choices[0].get("finish_reason") or "stop")
    usage = parsed.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    prompt, written = _count(counted.get("prompt_tokens")), _count(counted.get("completion_tokens"))
    refusal = message.get("refusal")
    if finish == "content_filter" or (isinstance(refusal, str) and refusal):
        words = refusal if isinstance(refusal, str) and refusal else content
        detail = f"refused ({finish}): {excerpt(words)}"
        return Trouble(
            reason="refused",
            detail=detail,
            status=200,
            text=words,
            prompt_tokens=prompt,
            completion_tokens=written,
        )
    if finish == "length":
        return Trouble(
            reason="truncated",
            detail=f"cut at {written} tokens",
            status=200,
            text=content,
            prompt_tokens=prompt,
            completion_tokens=written,
        )
    if finish == "error":
        return broken("the reply broke off")
    return ChatReply(
        text=content,
        finish_reason=finish,
        prompt_tokens=prompt,
        completion_tokens=written,
        format=kind,
        attempts=1,
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _error_words(parsed: Any, text: str) -> str:
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        words = [str(error[key]) for key in ("code", "type", "message", "detail") if error.get(key)]
        if words:
            return excerpt(" ".join(words))
    return excerpt(text)


def excerpt(text: str) -> str:
    """The start of a text as one printable line; tags of HTML are dropped."""
    if "<" in text[:_EXCERPT] and ">" in text:
        text = re.sub(
            r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text[:10_000], flags=re.DOTALL | re.IGNORECASE
        )
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:5_000]).split())
    return (line[: _EXCERPT - 1] + "…") if len(line) > _EXCERPT else (line or "(empty)")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, by ``retry-after-ms`` or ``retry-after`` (seconds or a date), if it does."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit_s
        except (KeyError, ValueError):
            continue
        return seconds if seconds >= 0 else None  # also drops NaN
    when = email.utils.parsedate_tz(headers.get("retry-after", ""))
    if when is None:
        return None
    return max(0.0, email.utils.mktime_tz(when) - time.time())
