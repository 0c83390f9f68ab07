"""Pure stage functions over units of work, in a pool of processes on this machine."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from ouroboros_data.errors import OuroborosError

A = TypeVar("A")
R = TypeVar("R")


def _die_with(parent: int) -> None:
    # A killed parent cannot tell its workers; without this they would wait for work for ever.
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _start_worker(parent: int) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


class LocalEngine:
    """A process pool that is started on first use and hands out a bounded number of units ahead."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[A], R], items: Sequence[A]) -> Iterator[tuple[int, R]]:
        """Yield (position, result) as units finish.

        Raises:
            OuroborosError: A worker died (for instance killed for memory); finished units are not lost.
        """
        if self.workers == 1:
            yield from ((i, function(item)) for i, item in enumerate(items))
            return
        if self._pool is None:
            # Spawn: workers must not inherit this process's threads (torch), locks or sandbox pipes.
            self._pool = ProcessPoolExecutor(
                self.workers,
                mp_context=get_context("spawn"),
                initializer=_start_worker,
                initargs=(os.getpid(),),
            )
        todo = iter(enumerate(items))
        running: dict[Future[R], int] = {}
        try:
            for i, item in todo:
                running[self._pool.submit(function, item)] = i
                if len(running) >= 2 * self.workers:
                    yield from self._collect(running)
            while running:
                yield from self._collect(running)
        except BrokenProcessPool:
            self._pool = None
            raise OuroborosError(
                "a worker process died, most likely for lack of memory",
                fix="run the same command again to go on; --set engine.workers=1 needs less memory",
            ) from None
        finally:
            for future in running:
                future.cancel()

    @staticmethod
    def _collect(running: dict[Future[R], int]) -> Iterator[tuple[int, R]]:
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            yield running.pop(future), future.result()

    def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def kill(self) -> None:
        """End the workers in the middle of their work: for units that appear whole or not at all."""
        if self._pool is not None:
            workers = list((self._pool._processes or {}).values())  # public from Python 3.14 on
            self._pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.kill()
            for worker in workers:
                worker.join()
            self._pool = None

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
