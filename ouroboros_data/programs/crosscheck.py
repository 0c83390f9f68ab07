"""Accepted programs run once more, in a jailed CPython with another hash seed: two interpreters have to agree.

That catches bugs of either interpreter, answers that hang on the order of a set, and a neighbour's influence. The
answer that counts is always Monty's: a program that took CPython over could at most confirm itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ouroboros_data.errors import SandboxError
from ouroboros_data.programs import guard, jail
from ouroboros_data.programs.results import Outcome, failed, outcome_of

RUN = "_run_all([answer], _given_copies)[0][0]"
_SEEDS = ("1", "2", "3", "4", "5")
_TWINS = 4
"""A program that uses sets runs under this many hash seeds: with one, every other choice of two would pass."""
_FRAME_BYTES = 1 << 16
"""An answer is a few hundred bytes; a twin that announces more is not to be listened to."""
_START_S = 30.0
_GRACE_S = 2.0
_TIMEOUT = ["failed", "timeout", "ran past the time limit"]
_CRASHED = ["failed", "crash", "the process died, or wrote what it should not"]


class _Ended(Exception):
    """The twin is gone, or is to be; ``late``: because it took too long."""

    def __init__(self, *, late: bool = False) -> None:
        super().__init__()
        self.late = late


class _OutOfTurn(Exception):
    """The twin gave an answer that was not asked for: a program has taken it over."""


class Twin:
    """A CPython worker in its own jail, started on first use and replaced when it dies."""

    def __init__(self, *, limit_s: float, number: int = 0) -> None:
        """``limit_s``: wall time of one program; ``number``: which of the hash seeds that this process has not."""
        self._limit_s = limit_s
        self._number = number
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._deadline = 0.0
        self.report: dict[str, Any] = {}
        """What the running twin said about its jail."""

    def run(self, setup: str, given: Mapping[str, Any], sources: Sequence[str]) -> list[Any]:
        """One packed result per program; what kills the twin costs only the program that did it.

        Args:
            setup: Text of the API and the call that opens its tables.
            given: The names that ``setup`` and the programs' run need.
            sources: Programs that have passed the lint and the guard.

        Raises:
            SandboxError: No twin can be started, or it is not in its jail.
        """
        try:
            return self._batch(setup, given, sources)
        except _OutOfTurn:
            return [self._alone(setup, given, source) for source in sources]

    def _alone(self, setup: str, given: Mapping[str, Any], source: str) -> Any:
        self.close()
        try:
            return self._batch(setup, given, [source])[0]
        except _OutOfTurn:
            return _CRASHED
        finally:
            self.close()

    def _batch(self, setup: str, given: Mapping[str, Any], sources: Sequence[str]) -> list[Any]:
        results: list[Any] = []
        again = -1
        while len(results) < len(sources):
            first, batch = len(results), os.urandom(8).hex()
            request = {
                "setup": setup,
                "given": dict(given),
                "run": RUN,
                "limit_s": self._limit_s,
                "batch": batch,
                "sources": sources[first:],
            }
            self._send(json.dumps(request).encode())
            try:
                while len(results) < len(sources):
                    results.append(self._answer(batch, len(results) - first))
            except _Ended as ended:
                late = self.close() == -signal.SIGALRM or ended.late
                if not late and again != len(results):
                    again = len(results)  # it may have been dead before, or killed from outside: once more
                else:
                    results.append(_TIMEOUT if late else _CRASHED)
                continue
            try:
                end = self._answer(batch, len(sources) - first)
            except _Ended:
                raise _OutOfTurn from None
            if end != "end" or self._buffer:
                raise _OutOfTurn
        return results

    def _answer(self, batch: str, index: int) -> Any:
        self._deadline = time.monotonic() + self._limit_s + _GRACE_S
        try:
            said = json.loads(self._receive())
        except ValueError:
            raise _Ended from None
        if isinstance(said, dict):
            self.close()
            raise SandboxError(f"CPython cannot run the program API: {str(said)[:200]}")
        if type(said) is not list or len(said) != 3 or said[:2] != [batch, index]:
            raise _OutOfTurn
        return said[2]

    def close(self) -> int | None:
        """End the twin; its status, None if it had to be ended."""
        process, self._process, self._buffer = self._process, None, b""
        if process is None:
            return 0
        assert process.stdin is not None and process.stdout is not None
        try:
            # A process that has just died may not be seen as dead yet.
            status: int | None = process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            status = None
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        # -I and -E would ignore the hash seed; the environment holds nothing else.
        start = "import sys; sys.path.insert(0, sys.argv.pop(1)); import twin; twin.main()"
        own = os.environ.get("PYTHONHASHSEED", "")
        environment = {"PYTHONHASHSEED": [seed for seed in _SEEDS if seed != own][self._number]}
        if "LD_LIBRARY_PATH" in os.environ:  # some Pythons find their own library through it
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        self._process = subprocess.Popen(
            [*jail.python_command("-s", "-P"), "-c", start, str(jail.INSIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._deadline = time.monotonic() + _START_S
        try:
            self.report = json.loads(self._receive())
            loose = [name for name, said in self.report["tried"].items() if said == "allowed"]
        except (_Ended, ValueError) as error:
            raise SandboxError(
                f"the second interpreter does not start (status {self.close()})", fix=jail.FIX
            ) from error
        if loose:
            self.close()
            raise SandboxError(f"inside the second interpreter, to {loose[0]} is allowed", fix=jail.FIX)
        return self._process

    def _send(self, message: bytes) -> None:
        data = memoryview(struct.pack("<I", len(message)) + message)
        for attempt in (1, 2):  # one that died between two batches is replaced
            process = self._process or self._start()
            assert process.stdin is not None
            rest, until = data, time.monotonic() + _START_S
            try:
                while rest:
                    if not select.select([], [process.stdin], [], max(0.0, until - time.monotonic()))[1]:
                        raise _Ended(late=True)
                    rest = rest[os.write(process.stdin.fileno(), rest) :]
                return
            except (_Ended, OSError):
                self.close()
                if attempt == 2:
                    raise SandboxError(
                        "the second interpreter takes no programs", fix="ouroboros-data doctor"
                    ) from None

    def _receive(self) -> bytes:
        (size,) = struct.unpack("<I", self._take(4))
        if size > _FRAME_BYTES:
            raise _Ended
        return self._take(size)

    def _take(self, size: int) -> bytes:
        process = self._process
        if process is None:
            raise _Ended
        assert process.stdout is not None
        while len(self._buffer) < size:
            patience = max(0.0, self._deadline - time.monotonic())
            if not select.select([process.stdout], [], [], patience)[0]:
                raise _Ended(late=True)
            part = os.read(process.stdout.fileno(), _FRAME_BYTES)
            if not part:
                raise _Ended
            self._buffer += part
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


def twins(*, limit_s: float) -> tuple[Twin, ...]:
    """What ``confirm`` needs; none is started before it is used."""
    return tuple(Twin(limit_s=limit_s, number=number) for number in range(_TWINS))


def confirm(
    twins: Sequence[Twin],
    setup: str,
    given: Mapping[str, Any],
    sources: Sequence[str],
    outcomes: Sequence[Outcome],
) -> list[Outcome]:
    """The outcomes, with ``disagreement`` in the place of each answer that CPython does not give too.

    Answers are compared by exact value and type: value, text, unit, options and step. All programs run in the first
    twin, those that use sets in every one.
    """
    checked = list(outcomes)
    for i, outcome in enumerate(outcomes):
        finding = guard.check(sources[i]) if outcome.ok else None
        if finding:
            checked[i] = failed(finding.reason, finding.detail, outcome.evidence)
    for number, twin in enumerate(twins):
        which = [i for i, o in enumerate(checked) if o.ok and (number == 0 or guard.uses_sets(sources[i]))]
        if not which:
            continue
        for i, packed in zip(which, twin.run(setup, given, [sources[i] for i in which]), strict=True):
            other = outcome_of(packed)
            if _form(other) != _form(outcomes[i]):
                said = f"{_say(outcomes[i])} in the sandbox, {_say(other)} in CPython"
                checked[i] = failed("disagreement", said, outcomes[i].evidence)
    return checked


def _form(outcome: Outcome) -> str:
    # repr tells 1 from 1.0 and True, and 0.0 from -0.0.
    return repr((outcome.answer, outcome.options, outcome.step))


def _say(outcome: Outcome) -> str:
    answer = outcome.answer
    return (
        f"failed ({outcome.reason}: {outcome.detail})"
        if answer is None
        else f"{answer.value!r} {answer.unit or ''}".strip()
    )
