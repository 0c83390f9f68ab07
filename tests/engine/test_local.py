from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import OuroborosError


def square(x: int) -> int:
    return x * x


def die_at_three(x: int) -> int:
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def fail_at_two(x: int) -> int:
    if x == 2:
        raise ValueError("two")
    return x


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_once_with_its_position(workers: int) -> None:
    with LocalEngine(workers) as engine:
        assert sorted(engine.map(square, range(20))) == [(i, i * i) for i in range(20)]
        assert sorted(engine.map(square, [])) == []


def test_a_killed_worker_is_an_error_that_says_how_to_go_on() -> None:
    with LocalEngine(2) as engine:
        with pytest.raises(OuroborosError, match="run the same command again"):
            list(engine.map(die_at_three, range(8)))
        assert sorted(engine.map(square, [1, 2])) == [(0, 1), (1, 4)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bug_in_a_stage_is_not_swallowed(workers: int) -> None:
    with LocalEngine(workers) as engine, pytest.raises(ValueError, match="two"):
        list(engine.map(fail_at_two, range(8)))


def test_workers_end_when_their_parent_is_killed() -> None:
    code = """
import os, sys, time
from ouroboros_data.engine.local import LocalEngine
if __name__ == "__main__":
    with LocalEngine(2) as engine:
        print(*{pid for _, pid in engine.map(os.getpgid, [0] * 8)}, flush=True)
        print(*[p.pid for p in engine._pool._processes.values()], flush=True)
        time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert workers and not any(_alive(pid) for pid in workers)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def sleep_then_write(path: str) -> None:
    Path(path).write_text("begun")
    time.sleep(120)


def test_killing_does_not_wait_for_work_in_flight(tmp_path: Path) -> None:
    engine = LocalEngine(2)
    results = engine.map(sleep_then_write, [str(tmp_path / "a"), str(tmp_path / "b")])

    def wait() -> None:
        with pytest.raises(OuroborosError):
            next(results)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not (tmp_path / "a").exists():
        time.sleep(0.05)
    pool = engine._pool
    assert pool is not None
    workers = list(pool._processes)
    started = time.monotonic()
    engine.kill()
    waiting.join(timeout=20)
    # By their ids: who reaps a process, the pool's thread or this one, is a race that is_alive() does not survive.
    assert time.monotonic() - started < 20 and not any(Path(f"/proc/{pid}").exists() for pid in workers)
    engine.kill()  # twice is fine
