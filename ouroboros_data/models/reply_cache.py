"""Replies on disk, keyed by the whole request, so that a resumed run asks nothing twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ouroboros_data.errors import ModelError, OuroborosError
from ouroboros_data.ids import canonical_json, content_hash
from ouroboros_data.models.chat import (
    LASTING,
    ChatFailure,
    ChatModel,
    ChatOutcome,
    ChatReply,
    ChatRequest,
    ImagePart,
    Part,
    TextPart,
    VideoPart,
)
from ouroboros_data.models.chat_media import MediaError, image_digest, read_file
from ouroboros_data.records import from_json, to_json
from ouroboros_data.store import write_atomic

VERSION = "1"
"""Part of every key: raise it when the same request would be sent in other words."""


class CachedChat:
    """A chat model that remembers. Replies are kept, and failures that are the model's own words (`LASTING`).

    An entry appears whole or not at all; one that cannot be read is asked again and replaced. Equal requests in one
    call are asked once.
    """

    def __init__(self, model: ChatModel, directory: Path, *, media_roots: Sequence[Path] = ()) -> None:
        """Wrap a model.

        Args:
            model: Who is asked where nothing is known.
            directory: Where entries lie; created when the first one is written.
            media_roots: Where files of requests may be read for their digests: those of the model.
        """
        self._model, self._directory, self._roots = model, directory, tuple(media_roots)
        self.id = model.id
        self.takes_images = model.takes_images
        self.usage = model.usage

    def close(self) -> None:
        """See `ChatModel`."""
        self._model.close()

    def chat(
        self,
        requests: Sequence[ChatRequest],
        *,
        on_outcome: Callable[[int, ChatOutcome], None] | None = None,
    ) -> list[ChatOutcome]:
        """See `ChatModel`.

        Raises:
            ModelError: See `ChatModel`; what was answered before is kept.
            StoreError: The cache cannot be written.
        """
        outcomes: dict[int, ChatOutcome] = {}

        def settle(index: int, outcome: ChatOutcome) -> None:
            outcomes[index] = outcome
            if outcome.cached:
                self.usage.requests += 1
                self.usage.cached += 1
                self.usage.failed += isinstance(outcome, ChatFailure)
            if on_outcome is not None:
                on_outcome(index, outcome)

        keys = [self._key(request) for request in requests]
        asked: dict[str, list[int]] = {}
        for index, key in enumerate(keys):
            if (known := self._read(key)) is not None:
                settle(index, known)
            else:
                asked.setdefault(key or f"no key {index}", []).append(index)
        groups = list(asked.values())

        def answered(place: int, outcome: ChatOutcome) -> None:
            first, *others = groups[place]
            self._write(keys[first], outcome)
            settle(first, outcome)
            for other in others:
                settle(other, dataclasses.replace(outcome, cached=True))

        if groups:
            self._model.chat([requests[group[0]] for group in groups], on_outcome=answered)
        return [outcomes[index] for index in range(len(requests))]

    def _key(self, request: ChatRequest) -> str | None:
        try:
            return content_hash(
                "chat", VERSION, self.id, described(request, media_roots=self._roots), size=64
            )
        except MediaError:
            return None  # the model will say so in its own outcome

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / f"{key}.json"

    def _read(self, key: str | None) -> ChatOutcome | None:
        if key is None:
            return None
        try:
            entry = json.loads(self._path(key).read_text("utf-8"))
            if not isinstance(entry, dict) or entry.get("sha256") != _sum(entry.get("outcome")):
                return None
            kind: type[ChatReply] | type[ChatFailure]
            kind = ChatReply if entry.get("kind") == "reply" else ChatFailure
            outcome: ChatReply | ChatFailure = from_json(kind, entry["outcome"], where=key, error=ModelError)
        except (OSError, ValueError, RecursionError, OuroborosError):
            return None
        return dataclasses.replace(outcome, cached=True)

    def _write(self, key: str | None, outcome: ChatOutcome) -> None:
        if key is None or (isinstance(outcome, ChatFailure) and outcome.reason not in LASTING):
            return
        kept = to_json(outcome)
        entry = {
            "model": self.id,
            "kind": "reply" if isinstance(outcome, ChatReply) else "failure",
            "outcome": kept,
            "sha256": _sum(kept),
        }
        write_atomic(self._path(key), canonical_json(entry) + "\n")


def _sum(outcome: Any) -> str:
    return hashlib.sha256(canonical_json(outcome).encode()).hexdigest()


def described(request: ChatRequest, *, media_roots: Sequence[Path] = ()) -> Any:
    """A request as JSON-like data, with digests in place of pictures and files.

    Raises:
        MediaError: A file of the request may not or cannot be read.
    """

    def part(one: Part) -> Any:
        if isinstance(one, TextPart):
            return {"text": one.text}
        if isinstance(one, ImagePart):
            return {"image": image_digest(one.image)}
        if isinstance(one, VideoPart):
            return {"video": [image_digest(frame) for frame in one.frames], "times_s": list(one.times_s)}
        file = read_file(one.path, media_roots)
        return {"file": hashlib.sha256(file.data).hexdigest(), "mime": file.mime}

    asked = request.reply_format
    return {
        "messages": [
            {"role": message.role, "parts": [part(one) for one in message.parts]}
            for message in request.messages
        ],
        # As text: decoding follows the order of the properties, which `canonical_json` would lose.
        "reply_format": None if asked is None else {"name": asked.name, "schema": json.dumps(asked.schema)},
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
    }
