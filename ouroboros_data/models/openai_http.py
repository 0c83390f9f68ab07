"""One OpenAI-compatible endpoint over HTTP: attempts, waits and deadlines. Gives outcomes, raises nothing.

httpx2 rather than the openai SDK: docs/dependencies.md says why.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from ouroboros_data.models import openai_wire as wire
from ouroboros_data.models.chat import ChatReply, FormatKind, Usage
from ouroboros_data.models.openai_options import OpenAIOptions
from ouroboros_data.models.openai_wire import Trouble

MAX_BODY_BYTES = 16 << 20
CONNECT_TIMEOUT_S = 10.0
# Its debug lines hold the answers' headers, in which some gateways repeat the key.
logging.getLogger("httpcore2").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Pace:
    """Time as the client sees it. Tests run it faster: a scale of 0.01 makes a second of waiting last 10 ms."""

    scale: float = 1.0

    def now_s(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic() / self.scale

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds * self.scale)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Context that raises TimeoutError when its block takes longer."""
        return asyncio.timeout(seconds * self.scale)


@dataclass(slots=True)
class Job:
    """One chat request on its way. The deadline is set when it is first sent."""

    body: dict[str, Any]
    deadline_s: float = 0.0
    attempts: int = 0


class Endpoint:
    """Posts jobs until each has an outcome."""

    def __init__(
        self,
        options: OpenAIOptions,
        *,
        key: str | None,
        usage: Usage,
        pace: Pace | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take options that were checked; opens no connection.

        Args:
            options: See `OpenAIOptions`.
            key: Sent as bearer token, and kept out of everything else.
            usage: Whose attempts, retries, tokens and cost are counted here.
            pace: Of waits and timeouts.
            jitter: Gives numbers in [0, 1) that spread the waits; replies do not depend on it.
        """
        self.heard = False
        """Whether anybody has answered, be it with an error."""
        self._options, self._key, self._usage = options, key, usage
        self._pace, self._jitter = pace or Pace(), jitter
        self._resume_s = 0.0

    def client(self, connections: int) -> httpx2.AsyncClient:
        """A connection pool for one event loop."""
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key}"
        return httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),  # the attempt as a whole has its own
            limits=httpx2.Limits(max_connections=max(connections, 1)),
        )

    def start(self, job: Job) -> None:
        """Start the job's clock: waiting for a free worker or for another's probe is not its time."""
        job.deadline_s = self._pace.now_s() + self._options.deadline_s

    async def attempts(
        self,
        http: httpx2.AsyncClient,
        job: Job,
        fields: Mapping[str, Any],
        kind: FormatKind,
        server_errors: int | None = None,
    ) -> ChatReply | Trouble:
        """Post until there is an outcome; ``server_errors`` bounds the statuses from 500 on among the attempts."""
        payload = json.dumps({**job.body, **fields}).encode("ascii")
        last = Trouble(reason="timeout", detail="nothing was sent")
        for attempt in range(self._options.attempts):
            wait_s = self._resume_s - self._pace.now_s()
            if wait_s > 0:
                wait_s += self._options.backoff_s * self._jitter()
            if attempt:
                wait_s = max(wait_s, self._backoff_s(attempt - 1, last))
            if self._pace.now_s() + max(wait_s, 0.0) >= job.deadline_s:
                detail = f"the deadline of {self._options.deadline_s:g} s comes first; last: {last.detail}"
                return dataclasses.replace(last, reason="timeout", detail=detail)
            if wait_s > 0:
                await self._pace.sleep(wait_s)
            self._usage.retries += attempt > 0
            found = await self._post(http, job, payload, kind)
            if isinstance(found, ChatReply) or not found.retry:
                return found
            last = found
            if found.retry_after_s is not None:
                if found.retry_after_s > self._options.retry_after_max_s:
                    detail = f"{found.detail} (asks to wait {found.retry_after_s:.0f} s)"
                    return dataclasses.replace(found, detail=detail)
                # The others would only be sent away too.
                self._resume_s = max(self._resume_s, self._pace.now_s() + found.retry_after_s)
            if (found.status or 0) >= 500 and server_errors is not None:
                server_errors -= 1
                if server_errors <= 0:
                    break
        return dataclasses.replace(last, detail=f"{last.detail} (attempt {job.attempts} was the last)")

    def _backoff_s(self, failures: int, last: Trouble) -> float:
        options = self._options
        spread = min(options.backoff_s * 2.0 ** min(failures, 30), options.backoff_max_s)
        if last.retry_after_s is not None:
            return last.retry_after_s + options.backoff_s * self._jitter()
        return spread * (0.5 + 0.5 * self._jitter())

    async def _post(
        self, http: httpx2.AsyncClient, job: Job, payload: bytes, kind: FormatKind
    ) -> ChatReply | Trouble:
        job.attempts += 1
        self._usage.attempts += 1
        limit_s = min(self._options.attempt_timeout_s, job.deadline_s - self._pace.now_s())
        data = bytearray()
        try:
            async with self._pace.timeout(limit_s):
                url = f"{self._options.base_url.rstrip('/')}/chat/completions"
                async with http.stream("POST", url, content=payload) as response:
                    async for chunk in response.aiter_bytes():
                        data += chunk
                        if len(data) > MAX_BODY_BYTES:
                            return Trouble(reason="endpoint", detail=f"more than {MAX_BODY_BYTES} bytes")
        except (TimeoutError, httpx2.TimeoutException):
            return Trouble(reason="timeout", detail=f"no whole answer within {limit_s:.3g} s", retry=True)
        except httpx2.DecodingError as error:
            return Trouble(reason="endpoint", detail=self._described(error), retry=True)
        except httpx2.RequestError as error:
            return Trouble(reason="unreachable", detail=self._described(error), retry=True)
        self.heard = True
        headers = {name.lower(): value for name, value in response.headers.items()}
        text = self._scrubbed(data.decode("utf-8", "replace"))
        found = wire.read(response.status_code, headers, text, kind)
        # Here and not by outcome: a reply that only showed that a format is not honoured was paid for as well.
        self._usage.prompt_tokens += found.prompt_tokens
        self._usage.completion_tokens += found.completion_tokens
        if self._usage.cost is not None:
            self._usage.cost += found.prompt_tokens * (self._options.price_in or 0.0) / 1e6
            self._usage.cost += found.completion_tokens * (self._options.price_out or 0.0) / 1e6
        return found

    def _described(self, error: Exception) -> str:
        return wire.excerpt(self._scrubbed(f"{type(error).__name__}: {error}".rstrip(": ")))

    def _scrubbed(self, text: str) -> str:
        """Without the key: some gateways repeat a bad one in their error."""
        return text if self._key is None else text.replace(self._key, "[key]")
