"""The decord backend, seen from the process that wants frames."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.media.reader import REPAIR, AvReader, Frames, check_indices

TIMEOUT_S = 120.0
"""For one request, opening included."""
_GRACE_S = 5.0


class DecordReader:
    """Frames by decord, in a child process that all readers of this process share."""

    def __init__(self, path: Path) -> None:
        """Open the file once and note its size.

        decord 0.6.0 was seen to return wrong frames, without a word, from open groups of pictures, from files
        with an edit list (it counts frames that are never shown) and from MPEG-TS. So PyAV reads the index first,
        and such files are refused.

        Raises:
            SceneError: Not a video, cut off, not exact under decord, no answer in time, or decord is missing.
        """
        self._path = path
        self._closed = False
        with AvReader(path) as index:
            expected, shown_px = index.frame_count, index.size_px
            doubtful = index.open_groups or index.format_name == "mpegts"
        self._frame_count, self._fps, first = _request(path, [])
        if doubtful or self._frame_count != expected or first.shape[2:0:-1] != shown_px:
            raise SceneError("decord cannot seek in it exactly", where=str(path), fix="use the av reader")
        self._size_px = (first.shape[2], first.shape[1])

    @property
    def frame_count(self) -> int:
        """See `FrameReader`."""
        return self._frame_count

    @property
    def fps(self) -> float:
        """See `FrameReader`."""
        return self._fps

    @property
    def size_px(self) -> tuple[int, int]:
        """See `FrameReader`."""
        return self._size_px

    def read(self, indices: Sequence[int]) -> Frames:
        """See `FrameReader`."""
        if self._closed:
            raise SceneError("the reader is closed", where=str(self._path))
        wanted = check_indices(indices, self._frame_count, self._path)
        if not wanted:
            return np.empty((0, self._size_px[1], self._size_px[0], 3), np.uint8)
        unique = sorted(set(wanted))
        frames = _request(self._path, unique)[2]
        return frames[np.searchsorted(unique, wanted)]

    def close(self) -> None:
        """See `FrameReader`. The child lives on for the next reader."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Child:
    def __init__(self) -> None:
        self.pid = os.getpid()  # a fork must not talk over its parent's pipes
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ouroboros_data.media.decord_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.buffer = bytearray()

    def ask(self, request: dict[str, Any], timeout_s: float) -> tuple[dict[str, Any], bytearray]:
        """One request, one reply (raises TimeoutError, EOFError if the child died)."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise EOFError from None
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.buffer:
                self._more(selector, deadline)
            line, _, self.buffer = self.buffer.partition(b"\n")
            reply: dict[str, Any] = json.loads(line)
            size = int(np.prod(reply.get("shape", [0])))
            while len(self.buffer) < size:
                self._more(selector, deadline)
        # One request at a time: nothing follows the reply.
        body, self.buffer = self.buffer, bytearray()
        return reply, body

    def kill(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()

    def kill_if_own(self) -> None:
        if self.pid == os.getpid() and self.process.returncode is None:
            self.kill()

    def _more(self, selector: selectors.BaseSelector, deadline: float) -> None:
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        assert self.process.stdout is not None
        part = os.read(self.process.stdout.fileno(), 1 << 20)
        if not part:
            raise EOFError
        self.buffer += part


_child: _Child | None = None


def _request(path: Path, indices: Sequence[int]) -> tuple[int, float, Frames]:
    """Frame count, rate and frames; without indices the first frame (raises SceneError)."""
    global _child
    where = str(path)
    if importlib.util.find_spec("decord") is None:
        fix = "pip install 'ouroboros-data[decord]', or use the av reader"
        raise SceneError("decord is not installed", where=where, fix=fix)
    if _child is None or _child.pid != os.getpid():
        _child = _Child()
        atexit.register(_child.kill_if_own)
    request = {"path": str(path.resolve()), "indices": list(indices), "timeout_s": TIMEOUT_S}
    try:
        reply, body = _child.ask(request, TIMEOUT_S + _GRACE_S)
    except (TimeoutError, EOFError):
        _child.kill()
        status, _child = _child.process.returncode, None
        late = status == -signal.SIGALRM or status == -signal.SIGKILL
        what = (
            f"decord gave no answer within {TIMEOUT_S:g} s" if late else f"decord crashed (status {status})"
        )
        raise SceneError(what, where=where, fix="use the av reader") from None
    except BaseException:
        # Interrupted halfway: what is left in the pipe would answer the next request.
        _child.kill()
        _child = None
        raise
    if "error" in reply:
        raise SceneError(f"decord cannot read it: {reply['error']}", where=where, fix=REPAIR)
    frames = np.frombuffer(body, np.uint8).reshape(reply["shape"])
    return reply["frame_count"], reply["fps"], frames
