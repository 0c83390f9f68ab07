"""An OpenAI-compatible server on loopback that answers as a test says, well or badly, and counts what it is asked."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ouroboros_data.models.chat import ChatMessage, ChatRequest, ReplyFormat, TextPart


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as the server got it."""

    id: str
    """From the words ``id=…`` in the last message."""
    tries: int
    """How often this id has been asked, this time included."""
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    at_s: float

    @property
    def format(self) -> str:
        """Name of the reply format that was asked for."""
        if "grammar" in self.body:
            return "grammar"
        return self.body.get("response_format", {}).get("type", "plain")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut_after: int | None = None
    """Send so many bytes of the body, then break the connection; -1 breaks it before anything is sent."""
    drip_s: float = 0.0
    """Pause after every byte."""


def reply(text: str, *, finish: str = "stop", tokens: tuple[int, int] = (7, 3), **more: Any) -> bytes:
    """Body of a chat completion."""
    message = {"role": "assistant", "content": text, **more}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
        }
    ).encode()


def good(seen: Seen) -> Answer:
    """A plain good reply that names the request."""
    return Answer(body=reply(f"reply to {seen.id}"))


def error(status: int, message: str = "it broke", **headers: str) -> Answer:
    """An error in OpenAI's form."""
    body = json.dumps({"error": {"message": message, "type": "server_error"}}).encode()
    return Answer(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "unit": {"enum": ["m", "cm"]}},
    "required": ["id", "unit"],
    "additionalProperties": False,
}


def asked(name: str, *, formatted: bool = False, **fields: Any) -> ChatRequest:
    """A request that the server knows by its name."""
    message = ChatMessage(role="user", parts=(TextPart(text=f"Say something in JSON. id={name}"),))
    reply_format = ReplyFormat(name="draft", schema=SCHEMA) if formatted else None
    return ChatRequest(messages=(message,), reply_format=reply_format, **fields)


class Server:
    """Runs in a thread between ``with`` and its end; ``seen`` is in order of arrival."""

    def __init__(self, behave: Callable[[Seen], Answer]) -> None:
        self.behave = behave
        self.seen: list[Seen] = []
        self.in_flight = self.most_in_flight = 0
        self.delivered: Counter[str] = Counter()
        """Whole answers of status 200, by id."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def count(self) -> Counter[str]:
        """Requests by id."""
        return Counter(one.id for one in self.seen)

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        assert head[0] == "POST /v1/chat/completions HTTP/1.1"
        words = re.findall(r"id=([\w-]+)", json.dumps(body["messages"]))
        name = words[-1] if words else ""
        tries = 1 + sum(one.id == name for one in self.seen)
        seen = Seen(id=name, tries=tries, body=body, headers=headers, at_s=time.monotonic())
        self.seen.append(seen)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._send(self.behave(seen), seen, writer)
        finally:
            self.in_flight -= 1

    async def _send(self, answer: Answer, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(answer.delay_s)
        if answer.cut_after == -1:
            return False
        lines = [f"HTTP/1.1 {answer.status} Said", f"content-length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        for start in range(len(answer.body)) if answer.drip_s else ():
            writer.write(answer.body[start : start + 1])
            await writer.drain()
            await asyncio.sleep(answer.drip_s)
        if not answer.drip_s:
            writer.write(answer.body[: answer.cut_after])
            await writer.drain()
        if answer.cut_after is not None:
            return False
        self.delivered[seen.id] += answer.status == 200
        return True
