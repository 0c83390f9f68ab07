"""Confines itself and becomes Monty's worker: what the pool starts in the worker's place.

The first argument is JSON: ``binary``; ``read`` and ``run``, the files that the binary needs to start;
``strict``, whether to give up where a layer is missing; ``bwrap``, the path of bubblewrap or null; ``probe``, to
try to get out instead of starting anything, and to report on standard output. The others are the binary's own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ouroboros_data.programs.inside import confine, filters
else:
    import confine
    import filters

MEMORY_BYTES = 512 << 20  # address space, of which Monty takes 180 MB before the first program and uses 8
CPU_S = 3600  # for a worker that outlives its pool; programs have limits of their own
FILES = 16
REFUSED = 125


def main() -> None:
    """Does not return where it becomes the worker."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    os.setsid()  # a Ctrl-C is for the pool's owner, and the terminal is out of reach
    os.chdir("/")
    confine.close_inherited()
    confine.limit(memory_bytes=MEMORY_BYTES, cpu_s=CPU_S, files=FILES)
    if options["bwrap"]:
        _become_bubblewrap(options)
    layers: dict[str, str] = {}
    attempts = _attempts(os.getppid())
    for name, put_on in _layers(options):
        try:
            layers[name] = put_on()
        except OSError as error:
            layers[name] = f"missing: {error.strerror or error}"
            if options["strict"]:
                sys.exit(REFUSED)
    if options["probe"]:
        _report(layers, attempts)
    else:
        os.execve(options["binary"], [options["binary"], *sys.argv[2:]], {})


def _layers(options: dict[str, Any]) -> Iterator[tuple[str, Callable[[], str]]]:
    def privileges() -> str:
        confine.drop_privileges()
        return "no_new_privs, no capabilities"

    def landlock() -> str:
        return f"ABI {confine.landlock(read=options['read'], run=options['run'])}"

    def seccomp() -> str:
        confine.seccomp(filters.monty_rules(os.getpid()))
        return f"{len(filters.monty_rules(0))} system calls allowed"

    yield from (("privileges", privileges), ("landlock", landlock), ("seccomp", seccomp))


def _become_bubblewrap(options: dict[str, Any]) -> None:
    """Namespaces of its own, and a root directory that holds the binary and its libraries, read-only."""
    rules = confine.filter_for(filters.monty_rules(1))  # the worker is process 1 of its namespace
    descriptor, end = os.pipe()
    os.set_inheritable(descriptor, True)
    os.write(end, rules)  # a few KB, far less than a pipe holds
    os.close(end)
    words = (
        "--unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --as-pid-1 "
        "--die-with-parent --new-session --clearenv --cap-drop ALL"
    ).split()
    for path in [*options["read"], *options["run"]]:
        words += ["--ro-bind", path, path]
    words += ["--remount-ro", "/", "--chdir", "/", "--seccomp", str(descriptor)]
    os.execve(options["bwrap"], [options["bwrap"], *words, "--", options["binary"], *sys.argv[2:]], {})


def _report(layers: dict[str, str], attempts: dict[str, Callable[[], object]]) -> None:
    tried = {name: confine.outcome(attempt) for name, attempt in attempts.items()}
    # Whatever comes after a successful exec is not ours to print, so the line without it goes first.
    print(json.dumps({"layers": layers, "tried": {**tried, _EXEC: "allowed"}}), flush=True)
    tried[_EXEC] = confine.outcome(lambda: os.execve(sys.executable, [sys.executable, "-c", ""], {}))
    print(json.dumps({"layers": layers, "tried": tried}), flush=True)


_EXEC = "run another program"


def _attempts(parent: int) -> dict[str, Callable[[], object]]:
    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    return {
        "read a file": lambda: os.open(__file__, os.O_RDONLY),
        "write a file": lambda: os.open(os.devnull, os.O_WRONLY),
        "list a directory": lambda: os.open("/", os.O_RDONLY),
        "make a socket": lambda: confine.call("socket", 2, 1, 0),
        "start a process": fork,
        "signal its parent": lambda: os.kill(parent, 0),
        "read its parent's memory": lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY),
        "make writable code": lambda: confine.call("mmap", 0, 4096, 7, 0x22, -1, 0),
    }
