"""Any OpenAI-compatible endpoint as a chat model: bounded concurrency, retries, and a reply format that the server honours.

Every request ends as one outcome: a reply, or a failure that says whose fault it was. Retried are statuses 408, 409,
429 and from 500 on, connections that cannot be made or break off, and bodies that are no reply; with exponential waits
and jitter, or for as long as the server asks, until attempts or deadline run out.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2

from ouroboros_data.errors import ModelError
from ouroboros_data.models import openai_wire as wire
from ouroboros_data.models.chat import (
    ChatFailure,
    ChatModel,
    ChatOutcome,
    ChatReply,
    ChatRequest,
    FormatKind,
    ReplyFormat,
    Usage,
)
from ouroboros_data.models.chat_media import MediaError
from ouroboros_data.models.openai_http import Endpoint, Job, Pace
from ouroboros_data.models.openai_options import OpenAIOptions, checked, model_id, read_key, wire_of
from ouroboros_data.models.openai_wire import Trouble
from ouroboros_data.models.reply_cache import CachedChat

PROBE_TRIES = 3
"""Errors from 500 on before a reply format counts as not supported: llama-cpp-python answers unknown ones with a 500."""
_ENDPOINT_FAILED = frozenset({"endpoint", "unreachable", "timeout", "rejected"})


def build(*, options: Mapping[str, Any], cache: Path | None = None) -> ChatModel:
    """A client with a reply cache around it where ``cache`` names a directory.

    Raises:
        RecipeError: An option is missing, unknown or out of range.
        ModelError: The key's variable is not set.
    """
    chosen = checked(options)
    model = OpenAIChat(chosen, key=read_key(chosen))
    return model if cache is None else CachedChat(model, cache, media_roots=model.wire.media_roots)


class OpenAIChat:
    """See `ChatModel`."""

    def __init__(
        self,
        options: OpenAIOptions,
        *,
        key: str | None,
        pace: Pace | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take options that were checked; opens no connection. For the arguments see `Endpoint`."""
        self.id = model_id(options)
        self.takes_images = options.takes_images
        self.usage = Usage(
            cost=0.0 if options.price_in is not None or options.price_out is not None else None
        )
        self.wire = wire_of(options)
        self._options = options
        self._endpoint = Endpoint(options, key=key, usage=self.usage, pace=pace, jitter=jitter)
        self._settled: FormatKind | None = None
        self._failed_in_row = 0

    def chat(
        self,
        requests: Sequence[ChatRequest],
        *,
        on_outcome: Callable[[int, ChatOutcome], None] | None = None,
    ) -> list[ChatOutcome]:
        """See `ChatModel`."""
        try:
            return asyncio.run(self._all(requests, on_outcome))
        except BaseExceptionGroup as group:
            # The workers stop at the first error; what the others then say is noise.
            first: BaseException = group
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None

    def close(self) -> None:
        """See `ChatModel`. Connections live no longer than a call of `chat`."""

    async def _all(
        self, requests: Sequence[ChatRequest], on_outcome: Callable[[int, ChatOutcome], None] | None
    ) -> list[ChatOutcome]:
        outcomes: dict[int, ChatOutcome] = {}
        waiting = iter(enumerate(requests))
        probing = asyncio.Lock()
        workers = min(self._options.concurrency, len(requests))
        http = self._endpoint.client(workers)

        async def work() -> None:
            for index, request in waiting:
                outcome = await self._one(http, probing, request)
                outcomes[index] = outcome
                self.usage.requests += 1
                self.usage.failed += isinstance(outcome, ChatFailure)
                if on_outcome is not None:
                    on_outcome(index, outcome)
                self._give_up_if_hopeless(outcome)

        async with http, asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
        return [outcomes[index] for index in range(len(requests))]

    async def _one(
        self, http: httpx2.AsyncClient, probing: asyncio.Lock, request: ChatRequest
    ) -> ChatOutcome:
        try:
            body = wire.body(request, self.wire)
        except MediaError as error:
            return ChatFailure(reason="media", detail=str(error), attempts=0)
        job, asked = Job(body=body), request.reply_format
        if asked is None:
            self._endpoint.start(job)
            found = await self._endpoint.attempts(http, job, {}, "plain")
        else:
            settled = self._settled
            if settled is None:
                async with probing:  # one request finds the format out, the others wait for it
                    settled = self._settled
                    if settled is None:
                        found = await self._probe(http, job, asked)
            if settled is not None:
                found = await self._in_settled(http, job, asked, settled)
        if isinstance(found, ChatReply):
            return dataclasses.replace(found, attempts=job.attempts)
        if found.fatal:
            raise ModelError(
                f"the endpoint refuses {self._options.model}: {found.detail}",
                where=self._options.base_url,
                fix="check base_url, model, and the key in the variable that api_key_env names",
            )
        return ChatFailure(
            reason=found.reason,
            detail=found.detail,
            attempts=job.attempts,
            text=found.text,
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
        )

    async def _probe(self, http: httpx2.AsyncClient, job: Job, asked: ReplyFormat) -> ChatReply | Trouble:
        """Find the first format that the server takes and honours, with a real request, and keep to it.

        Servers take fields that they do not know and ignore them, so a reply that breaks its schema counts as not
        honoured. Where none is honoured, the first that was taken stays.
        """
        self._endpoint.start(job)
        taken: ChatReply | None = None
        found: ChatReply | Trouble | None = None
        for kind in self._options.formats:
            if kind == "plain" and taken is not None:
                break
            fields = wire.format_fields(asked, kind)
            if fields is None:
                continue
            found = await self._endpoint.attempts(http, job, fields, kind, server_errors=PROBE_TRIES)
            if isinstance(found, ChatReply):
                if kind == "plain" or _honours(found.text, asked):
                    self._settled = kind
                    return found
                taken = taken or found
            elif found.reason in ("truncated", "refused"):
                self._settled = kind if found.reason == "truncated" else None
                return found
            elif not _about_the_format(found):
                break
        if taken is not None:
            self._settled = taken.format
            return taken
        return found or Trouble(reason="rejected", detail="no reply format can express this schema")

    async def _in_settled(
        self, http: httpx2.AsyncClient, job: Job, asked: ReplyFormat, settled: FormatKind
    ) -> ChatReply | Trouble:
        """Ask in the settled format; where it fails for this one schema, once in each of those after it."""
        self._endpoint.start(job)
        ladder = self._options.formats
        found: ChatReply | Trouble | None = None
        for kind in ladder[ladder.index(settled) :]:
            fields = wire.format_fields(asked, kind)
            if fields is None:
                continue
            limit = None if kind == settled else 1
            found = await self._endpoint.attempts(http, job, fields, kind, server_errors=limit)
            if isinstance(found, ChatReply) or not _about_the_format(found):
                return found
        return found or Trouble(reason="rejected", detail="no reply format can express this schema")

    def _give_up_if_hopeless(self, outcome: ChatOutcome) -> None:
        if isinstance(outcome, ChatFailure) and outcome.reason == "media":
            return
        if isinstance(outcome, ChatReply) or outcome.reason not in _ENDPOINT_FAILED:
            self._failed_in_row = 0
            return
        self._failed_in_row += 1
        fix = "start the server or correct base_url; the same command goes on from here"
        if outcome.reason == "unreachable" and not self._endpoint.heard:
            raise ModelError(f"nobody answers: {outcome.detail}", where=self._options.base_url, fix=fix)
        if self._failed_in_row >= self._options.give_up_after:
            raise ModelError(
                f"{self._failed_in_row} requests in a row failed; the last: {outcome.detail}",
                where=self._options.base_url,
                fix=fix,
            )


def _about_the_format(trouble: Trouble) -> bool:
    if trouble.reason == "endpoint":
        return (trouble.status or 0) >= 500
    # OpenRouter says 404 of a format that no provider of the model takes; others say it of the model.
    return trouble.reason == "rejected" and (not trouble.fatal or trouble.status == 404)


def _honours(text: str, asked: ReplyFormat) -> bool:
    import jsonschema

    try:
        jsonschema.validate(json.loads(text), dict(asked.schema))
    except (ValueError, RecursionError, jsonschema.ValidationError, jsonschema.SchemaError):
        return False
    return True
