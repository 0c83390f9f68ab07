"""Chat models: what is asked, what comes back, and the protocol that the clients implement.

A client is built as ``build(options=…, cache=…)`` behind an entry point of the group ``ouroboros_data.chat_models``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from ouroboros_data.plugins import Image

FormatKind = Literal["json_schema", "json_object", "grammar", "plain"]
"""How a server was told the reply's form: by `response_format` with a JSON Schema, by `json_object` with the schema
beside it, by a grammar or guided decoding in the body's extra fields, or not at all."""

FailureReason = Literal[
    "endpoint",  # error statuses to the last attempt, or bodies that are no reply: HTML, broken JSON, no choices
    "unreachable",  # no connection, or one that broke, to the last attempt
    "timeout",  # the deadline of the request passed
    "rejected",  # the server will not take this request: a 4xx that is none of the others
    "too_long",  # prompt and max_tokens do not fit the model's context
    "truncated",  # the reply was cut at max_tokens; `text` has what came
    "refused",  # content filter, or a refusal in the reply's own field
    "media",  # a picture or file that may not or cannot be sent, or a model that takes none
]
LASTING: frozenset[FailureReason] = frozenset({"truncated", "refused"})
"""What the model itself did and was paid for: kept in the reply cache. The others change with the server's settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImagePart:
    """One picture."""

    image: Image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoPart:
    """Frames in order, with their times from the start of the video."""

    frames: tuple[Image, ...]
    times_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A picture or video file. Clients read it only below the roots that their options allow."""

    path: Path


Part: TypeAlias = TextPart | ImagePart | VideoPart | FilePart


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One turn."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFormat:
    """A JSON Schema (2020-12) that the reply has to satisfy.

    Servers that offer no such thing ignore it, so the prompt has to ask for JSON and name the fields as well, and
    the reader of the reply validates it.
    """

    name: str
    """Letters, digits, ``_`` and ``-``, at most 64: servers refuse others."""
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model. Two requests that differ in ``seed`` alone are two samples."""

    messages: tuple[ChatMessage, ...]
    reply_format: ReplyFormat | None = None
    """None: free text."""
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int = 0
    """Sent to the server (cut to 31 bits), and part of what the reply cache keys on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What a model wrote, ended by itself."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    format: FormatKind
    """How the form of this reply was asked for; ``plain`` for free text."""
    attempts: int
    """HTTP requests (or engine calls) that it took, retries and probes of the format included."""
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFailure:
    """Why there is no reply. ``detail`` is one bounded line and never holds a key."""

    reason: FailureReason
    detail: str
    attempts: int
    text: str = ""
    """What the model had written: a truncated reply, the words of a refusal."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached: bool = False


ChatOutcome: TypeAlias = ChatReply | ChatFailure


@dataclass(slots=True, kw_only=True)
class Usage:
    """Counters of one model object, over all its calls."""

    requests: int = 0
    """Chat requests, answered from the cache or not."""
    cached: int = 0
    failed: int = 0
    attempts: int = 0
    """HTTP requests or engine calls."""
    retries: int = 0
    """Attempts after the first of a request, those that only try another reply format left out."""
    prompt_tokens: int = 0
    """Of attempts that the server counted; cached replies cost none."""
    completion_tokens: int = 0
    cost: float | None = None
    """In the currency of the prices in the options; None where none are given."""


class ChatModel(Protocol):
    """A model that answers chat requests. Built as ``build(options=…, cache=…)``, cache a directory or None."""

    id: str
    """Model name and what shapes a reply beyond the request; goes into rows and cache keys, never holds a key or address."""
    takes_images: bool
    usage: Usage

    def chat(
        self,
        requests: Sequence[ChatRequest],
        *,
        on_outcome: Callable[[int, ChatOutcome], None] | None = None,
    ) -> list[ChatOutcome]:
        """Answer all requests, in their order, one outcome each; what fails for one request is its `ChatFailure`.

        Args:
            requests: In any number; the client bounds how many run at once.
            on_outcome: Told each request's index and outcome as it comes, in any order, from the calling thread.

        Raises:
            ModelError: Nothing can be asked at all: the key is refused, the model unknown, nobody answers.
        """

    def close(self) -> None:
        """Let go of connections or of the engine."""
