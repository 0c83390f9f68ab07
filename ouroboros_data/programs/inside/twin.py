"""The second opinion: a CPython that confines itself and then runs programs which Monty has run before.

Frames of four bytes of length (little-endian) and JSON, on standard input and output. The first frame out says
what is in force. Each request gives the API's text, the tables and the programs; each program gets one frame.
A program that takes too long ends the process by SIGALRM. Nobody reads standard error.
"""

from __future__ import annotations

import bisect  # noqa: F401 (these: what the API may import has to be loaded before the files are gone)
import builtins
import collections  # noqa: F401
import functools
import gc
import itertools  # noqa: F401
import json
import math  # noqa: F401
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ouroboros_data.programs.inside import confine, filters
else:
    import confine
    import filters

MEMORY_BYTES, CPU_S, FILES = 512 << 20, 3600, 8
# What programs may use of CPython's builtins. The API's own round and print stand in front of these.
_ALLOWED = (
    "abs all any bin bool chr dict divmod enumerate filter float format frozenset hex int isinstance issubclass iter "
    "len list map max min next oct ord pow range repr reversed round set slice sorted str sum tuple zip "
    "True False None NotImplemented Exception ArithmeticError AssertionError AttributeError IndexError KeyError "
    "LookupError NameError NotImplementedError OverflowError RecursionError RuntimeError StopIteration TypeError "
    "UnboundLocalError ValueError ZeroDivisionError BaseException SystemExit"
).split()


def main() -> None:
    """Serves until standard input ends."""
    parent = os.getppid()
    confine.close_inherited()
    confine.limit(memory_bytes=MEMORY_BYTES, cpu_s=CPU_S, files=FILES, processes=0)
    os.chdir("/")
    confine.drop_privileges()
    layers = {"privileges": "no_new_privs, no capabilities"}
    try:
        layers["landlock"] = f"ABI {confine.landlock()}"
    except OSError as error:  # the filter alone lets no file be opened
        layers["landlock"] = f"missing: {error.strerror or error}"
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    rules = filters.twin_rules(os.getpid())
    gc.collect()
    gc.freeze()
    confine.seccomp(rules)
    layers["seccomp"] = f"{len(rules)} system calls allowed"
    _send({"layers": layers, "tried": _tried(parent), "python": platform.python_version()})
    while (request := _receive()) is not None:
        try:
            api = _api(request)
        except Exception as error:  # the package's own text, not a program's
            _send({"api": f"{type(error).__name__}: {error}"})
            return
        for index, packed in enumerate(_answers(api, request)):
            _send(f'["{request["batch"]}", {index}, {packed}]')
        _send([request["batch"], len(request["sources"]), "end"])


@functools.lru_cache(maxsize=1)  # all scenes of a run have the same API
def _compiled(text: str) -> CodeType:
    return compile(text, "<api>", "exec")


def _api(request: dict[str, Any]) -> dict[str, Any]:
    own = {"__builtins__": {**vars(builtins), "sum": _sum}, "__name__": "api"}
    api: dict[str, Any] = {**own, **request["given"]}
    exec(_compiled(request["setup"]), api)
    return api


def _answers(api: dict[str, Any], request: dict[str, Any]) -> Iterable[str]:
    public = {name: value for name, value in api.items() if not name.startswith("_")}
    allowed = {name: getattr(builtins, name) for name in _ALLOWED} | {"sum": _sum}
    run = compile(request["run"], "<run>", "eval")
    for source in request["sources"]:
        signal.setitimer(signal.ITIMER_REAL, request["limit_s"])
        try:
            program: dict[str, Any] = {**public, "__builtins__": dict(allowed), "__name__": "program"}
            exec(compile(source, "<program>", "exec"), program)
            api["answer"] = program["answer"]
            packed = eval(run, api)
            # As text at once: a result that has no form in JSON is this program's failure.
            text = json.dumps(packed)
        except BaseException as error:
            text = json.dumps(["failed", "runtime", f"{type(error).__name__}: {error}"[:300]])
        signal.setitimer(signal.ITIMER_REAL, 0)
        yield text


def _sum(values: Iterable[Any], /, start: Any = 0) -> Any:
    """Add from left to right, as Monty does; CPython compensates for rounding from 3.12 on."""
    for value in values:
        start = start + value
    return start


def _tried(parent: int) -> dict[str, str]:
    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    attempts: dict[str, Callable[[], object]] = {
        "read a file": lambda: os.open(__file__, os.O_RDONLY),
        "write a file": lambda: os.open(os.devnull, os.O_WRONLY),
        "make a socket": lambda: confine.call("socket", 2, 1, 0),
        "start a process": fork,
        "signal its parent": lambda: os.kill(parent, 0),
        "run another program": lambda: os.execve(sys.executable, [sys.executable, "-c", ""], {}),
    }
    return {name: confine.outcome(attempt) for name, attempt in attempts.items()}


def _receive() -> dict[str, Any] | None:
    head = _read(4)
    if len(head) < 4:
        return None
    request: dict[str, Any] = json.loads(_read(struct.unpack("<I", head)[0]))
    return request


def _read(size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := os.read(0, min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _send(message: Any) -> None:
    data = (message if isinstance(message, str) else json.dumps(message)).encode()
    data = struct.pack("<I", len(data)) + data
    while data:
        data = data[os.write(1, data) :]
