"""One sandbox a worker process, made there: a pool does not survive a fork."""

from __future__ import annotations

import atexit
import functools

from ouroboros_data.programs.jail import Mode
from ouroboros_data.programs.sandbox import SandboxPool


@functools.lru_cache(maxsize=1)
def sandbox_here(mode: Mode, allow_unjailed: bool) -> SandboxPool:
    """The sandbox of this process, started on first use and closed when the process ends.

    Raises:
        SandboxError: The jail does not hold and that is not allowed, or the worker does not start.
    """
    pool = SandboxPool(mode=mode, allow_unjailed=allow_unjailed).__enter__()
    atexit.register(pool.__exit__, None, None, None)
    return pool
