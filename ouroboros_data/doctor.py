"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from ouroboros_data.errors import OuroborosError
from ouroboros_data.stages.solve import cache_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding; ``bad`` means that the default recipe cannot run."""

    name: str
    status: Literal["ok", "note", "bad"]
    detail: str


def examine() -> Iterator[Check]:
    """Look at everything that a build needs, in the order in which it is needed."""
    yield Check(
        name="python", status="ok", detail=f"{sys.version.split()[0]}, {os.cpu_count()} cores, {_memory()}"
    )
    yield _program_run()
    yield from _confinement()
    yield _decoder("av", "video frames are read with PyAV", "pip install av")
    yield _decoder("decord", "second decoder, frames.reader: decord", "pip install 'ouroboros-data[decord]'")
    yield _solver()
    yield _cache()


def torch_stack_problem(stderr: str) -> str:
    """Say what a failed import of the model stack means, from its traceback."""
    if "torchvision::nms" in stderr:
        return (
            "the installed torchvision does not match torch, which breaks every transformers model: "
            "pip uninstall torchvision (the tiny solver needs none), or install the pair that belongs together"
        )
    last = stderr.strip().splitlines()[-1] if stderr.strip() else "no message"
    missing = "No module named" in last
    return f"{last}; pip install 'ouroboros-data[solver]'" if missing else last


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{total:.0f} GiB memory, {shutil.disk_usage(Path.cwd()).free / 2**30:.0f} GiB free on disk"


def _program_run() -> Check:
    from ouroboros_data.programs.sandbox import SandboxPool

    try:
        with SandboxPool(allow_unjailed=True):
            pass
    except (OuroborosError, OSError) as error:
        return Check(
            name="sandbox", status="bad", detail=f"{error}; pip install --force-reinstall pydantic-monty"
        )
    return Check(
        name="sandbox",
        status="ok",
        detail=f"program worker starts (pydantic-monty {version('pydantic-monty')})",
    )


def _confinement() -> Iterator[Check]:
    from ouroboros_data.programs import jail
    from ouroboros_data.programs.confinement import confinement

    for name, detail in confinement().items():
        missing = name == "os_jail" and detail.startswith("none")
        status: Literal["ok", "note", "bad"] = (
            "bad" if missing else "ok" if name.startswith("os_jail") else "note"
        )
        if missing:
            detail += "; a kernel with Landlock and seccomp (5.13 on), bubblewrap with --sandbox bwrap, or --allow-unjailed"
        yield Check(name=f"programs are confined by: {name}", status=status, detail=detail)
    bwrap = jail.probe("bwrap")
    detail = "holds here too" if bwrap.holds else f"not here: {bwrap.problem}"
    yield Check(name="--sandbox bwrap", status="ok" if bwrap.holds else "note", detail=detail)


def _decoder(module: str, good: str, fix: str) -> Check:
    try:
        found = version(module)
    except PackageNotFoundError:
        status: Literal["note", "bad"] = "bad" if module == "av" else "note"
        return Check(name=module, status=status, detail=f"not installed; {fix}")
    return Check(name=module, status="ok", detail=f"{found}; {good}")


def _solver() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check(
            name="solver", status="bad", detail="torch is not installed; pip install 'ouroboros-data[solver]'"
        )
    # In a process of its own: a torchvision that does not match torch poisons every later import.
    code = (
        "import torch; from transformers import Qwen3VLForConditionalGeneration; "
        "print(torch.__version__, 'GPU: ' + torch.cuda.get_device_name() if torch.cuda.is_available() else 'no GPU')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return Check(
            name="solver", status="bad", detail="importing torch and transformers took over 5 minutes"
        )
    if done.returncode:
        return Check(name="solver", status="bad", detail=torch_stack_problem(done.stderr))
    return Check(name="solver", status="ok", detail=f"torch {done.stdout.strip()}")


def _cache() -> Check:
    directory = cache_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".doctor.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        fix = "set OUROBOROS_CACHE to a directory that can be written"
        return Check(name="cache", status="bad", detail=f"{directory}: {error.strerror}; {fix}")
    return Check(name="cache", status="ok", detail=str(directory))
