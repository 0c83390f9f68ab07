"""The jail of the operating system around Monty's worker: how it is started, and whether it holds here.

The worker is started through ``inside/launch.py``, which takes everything away from itself (descriptors,
environment, privileges, files by Landlock, system calls by seccomp) before it becomes the worker. Whether that
holds is tried, not guessed: ``probe`` has the launcher put on the worker's own rules and try to get out. Where it
does not hold nothing is run, unless the user says so.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ouroboros_data.errors import SandboxError

Mode = Literal["auto", "bwrap", "none"]
INSIDE = Path(__file__).with_name("inside")
_PATIENCE_S = 20.0
_BWRAP_START_S = 5.0
_MFD_EXEC = 0x10
FIX = "ouroboros-data doctor tells what is missing; --allow-unjailed runs programs without the jail, and the dataset's manifest will say so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Whether the jail holds on this machine, by trial."""

    mode: Mode
    problem: str = ""
    """Why it does not hold; empty where it does."""
    layers: dict[str, str] = field(default_factory=dict)
    tried: dict[str, str] = field(default_factory=dict)
    """What a process inside tried, and the error that it got, or ``allowed``."""

    @property
    def holds(self) -> bool:
        """Whether every layer was put on and every attempt failed."""
        return not self.problem


def require(mode: Mode, allow_unjailed: bool) -> Report:
    """The report, if programs may be run on its strength.

    Raises:
        SandboxError: The jail does not hold and ``allow_unjailed`` is not set.
    """
    report = probe(mode)
    if not report.holds and not allow_unjailed:
        raise SandboxError(f"programs would run without a jail: {report.problem}", fix=FIX)
    return report


@functools.cache
def probe(mode: Mode) -> Report:
    """Try the jail (about 50 ms; once a process)."""
    if mode == "none":
        return Report(mode=mode, problem="switched off by programs.jail: none")
    if sys.platform != "linux":
        return Report(mode=mode, problem=f"there is none for {sys.platform}, only for Linux")
    try:
        return _probe_bwrap() if mode == "bwrap" else _probe_launcher()
    except (OSError, ValueError, SandboxError, subprocess.SubprocessError) as error:
        return Report(mode=mode, problem=f"it cannot be tried: {error}")


class Launcher:
    """The executable that a pool starts as its worker; it exists as long as this object is open.

    A script in memory: nothing is left on the disk, and a ``noexec`` /tmp does not matter.
    """

    def __init__(self, *, strict: bool, bwrap: str | None = None, probe: bool = False) -> None:
        """``strict``: do not start without every layer. ``bwrap``: use this bubblewrap. ``probe``: only try.

        Raises:
            SandboxError: There is no Python or no worker to start.
            OSError: The system cannot make it.
        """
        binary = monty_binary()
        interpreter, libraries = needed_files(binary)
        options = {
            "binary": binary,
            "read": libraries,
            "run": [binary, interpreter],
            "strict": strict,
            "bwrap": bwrap,
            "probe": probe,
        }
        start = "import sys; sys.path.insert(0, sys.argv.pop(1)); import launch; launch.main()"
        command = [*python_command("-I"), "-c", start, str(INSIDE), json.dumps(options)]
        try:
            self._descriptor = os.memfd_create("ouroboros-launcher", os.MFD_CLOEXEC | _MFD_EXEC)
        except OSError:  # kernels before 6.3 do not know the flag, and need none
            self._descriptor = os.memfd_create("ouroboros-launcher", os.MFD_CLOEXEC)
        loader = os.environ.get("LD_LIBRARY_PATH")  # some Pythons find their own library through it
        prefix = f"LD_LIBRARY_PATH={shlex.quote(loader)} " if loader else ""
        os.write(self._descriptor, f'#!/bin/sh\n{prefix}exec {shlex.join(command)} "$@"\n'.encode())
        self.path = f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def close(self) -> None:
        """No worker can be started afterwards."""
        os.close(self._descriptor)

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def launcher(report: Report) -> Launcher | None:
    """What to start workers through: with the whole jail where it holds, else with what there is of it.

    None where nothing can be put on, or nothing is wanted.
    """
    if report.holds:
        return Launcher(strict=True, bwrap=shutil.which("bwrap") if report.mode == "bwrap" else None)
    return Launcher(strict=False) if report.mode != "none" and report.layers else None


def python_command(*flags: str) -> list[str]:
    """This interpreter, without site packages.

    Raises:
        SandboxError: This process does not know its interpreter (an embedded Python).
    """
    if not sys.executable:
        raise SandboxError("sys.executable is empty: no Python to start workers with")
    return [sys.executable, "-S", *flags]


def monty_binary() -> str:
    """Path of the worker's binary.

    Raises:
        SandboxError: It is not installed.
    """
    from pydantic_monty._binary import find_monty_binary

    try:
        return os.path.realpath(find_monty_binary())
    except FileNotFoundError:
        raise SandboxError(
            "pydantic-monty's worker is not installed", fix="pip install pydantic-monty==1.4.0"
        ) from None


@functools.cache
def needed_files(binary: str) -> tuple[str, list[str]]:
    """The program interpreter (dynamic loader) of an ELF binary, and the libraries that it would load.

    Raises:
        SandboxError: It is no 64-bit little-endian ELF file with a loader that can list them.
    """
    with Path(binary).open("rb") as file:
        head = file.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            raise SandboxError(f"{binary} is no 64-bit Linux program")
        table, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
        file.seek(table)
        headers = file.read(size * count)
        interpreter = ""
        for at in range(0, len(headers), size):
            kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", headers, at)
            if kind == 3:  # PT_INTERP
                file.seek(offset)
                interpreter = file.read(length).rstrip(b"\0").decode()
    if not interpreter:
        return binary, []  # linked statically
    listed = subprocess.run(
        [interpreter, "--list", binary],
        capture_output=True,
        text=True,
        env={},
        timeout=_PATIENCE_S,
        check=False,
    )
    words = [line.split("=>")[-1].split()[0] for line in listed.stdout.splitlines() if line.strip()]
    libraries = [word for word in words if word.startswith("/") and word != interpreter]
    if listed.returncode or not libraries:
        raise SandboxError(f"{interpreter} does not list the libraries of {binary}")
    return interpreter, libraries


def _probe_launcher() -> Report:
    with Launcher(strict=False, probe=True) as launcher:
        done = subprocess.run(
            [launcher.path], capture_output=True, text=True, stdin=subprocess.DEVNULL, env={}, timeout=_PATIENCE_S, check=False
        )  # fmt: skip
    lines = done.stdout.splitlines()
    if not lines:
        return Report(mode="auto", problem=f"the launcher does not start (status {done.returncode})")
    told = json.loads(lines[-1])
    problems = [f"{name}: {said}" for name, said in told["layers"].items() if said.startswith("missing")]
    problems += [
        f"inside it, to {name} is allowed" for name, said in told["tried"].items() if said == "allowed"
    ]
    return Report(mode="auto", problem="; ".join(problems), layers=told["layers"], tried=told["tried"])


def _probe_bwrap() -> Report:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return Report(mode="bwrap", problem="bubblewrap (bwrap) is not installed")
    with Launcher(strict=True, bwrap=bwrap) as launcher:
        worker = subprocess.Popen(
            [launcher.path, "subprocess"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )  # fmt: skip
        try:
            seen = _wait_for(worker)
        finally:
            worker.kill()
            worker.communicate()
    if isinstance(seen, str):
        return Report(mode="bwrap", problem=seen)
    problem = problem_of(seen, namespaces=True)
    return Report(mode="bwrap", problem=problem, layers={k: v for k, v in seen.items() if k != "program"})


def _wait_for(worker: subprocess.Popen[bytes]) -> dict[str, str] | str:
    seen: dict[str, str] = {}
    until = time.monotonic() + _BWRAP_START_S
    while time.monotonic() < until:
        if worker.poll() is not None:
            return f"bubblewrap does not start the worker (status {worker.returncode})"
        seen = observed(worker.pid)
        # While it loads its libraries it has another descriptor.
        if seen.get("program") == Path(monty_binary()).name and not problem_of(seen, namespaces=True):
            return seen
        time.sleep(0.005)
    return seen or "bubblewrap does not start the worker in time"


def observed(pid: int) -> dict[str, str]:
    """What the kernel says about a worker: of the last descendant of ``pid``, since bubblewrap stays its parent."""
    try:
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        seen = {
            "program": status["Name"],
            "seccomp": status["Seccomp"].strip(),
            "no_new_privs": status["NoNewPrivs"].strip(),
            "capabilities": status["CapEff"].strip(),
            "descriptors": " ".join(sorted((fd.name for fd in Path(f"/proc/{pid}/fd").iterdir()), key=int)),
        }
        for name in ("user", "mnt", "net", "pid", "ipc"):
            own = Path(f"/proc/{pid}/ns/{name}").readlink() != Path(f"/proc/self/ns/{name}").readlink()
            seen[f"namespace {name}"] = "own" if own else "shared"
    except (OSError, ValueError, KeyError):
        return {}  # it has ended
    return seen


def problem_of(seen: dict[str, str], *, namespaces: bool = False) -> str:
    """What is wrong with a worker that has been observed; empty if nothing is."""
    wanted = {"seccomp": "2", "no_new_privs": "1", "capabilities": "0" * 16, "descriptors": "0 1 2"}
    if namespaces:
        wanted |= dict.fromkeys(("namespace user", "namespace mnt", "namespace net", "namespace pid"), "own")
    wrong = [
        f"{name} is {seen.get(name, 'unknown')}, not {value}"
        for name, value in wanted.items()
        if seen.get(name) != value
    ]
    return "; ".join(wrong)
