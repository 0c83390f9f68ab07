"""What a person sees while a run works: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Advance = Callable[..., None]
"""``advance(n=1, note="")``: n more units are done."""


_LINE_EVERY_S = 30.0


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Progress(Protocol):
    """Where stages report to."""

    def stage(self, label: str, total: int) -> contextlib.AbstractContextManager[Advance]:
        """Show one stage of ``total`` units."""

    def say(self, text: str) -> None:
        """Show one line (rich markup)."""


class Silent:
    """Shows nothing: for library use and tests."""

    @contextlib.contextmanager
    def stage(self, label: str, total: int) -> Iterator[Advance]:
        """Ignore it all."""
        yield lambda n=1, note="": None

    def say(self, text: str) -> None:
        """Ignore it."""


class Terminal:
    """Rich progress with elapsed and remaining time; where output is not a terminal, a line now and then."""

    def __init__(self, console: Console, below: Callable[[], RenderableType] | None = None) -> None:
        """Args:
        console: Where to.
        below: Drawn under the bar while a stage runs, again and again; only on a terminal.
        """
        self.console = console
        self._below = below

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, highlight=False)

    @contextlib.contextmanager
    def stage(self, label: str, total: int) -> Iterator[Advance]:
        """Show a bar while the stage runs, and one line with its time when it is done."""
        started = time.perf_counter()
        done = 0
        if self.console.is_terminal:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )
            from rich.progress import Progress as Bars

            columns = (
                TextColumn("  {task.description:<34}"),
                BarColumn(24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("[dim]{task.fields[note]}"),
            )
            below = self._below

            class Drawn(Bars):
                def get_renderables(self) -> Iterable[RenderableType]:
                    yield from super().get_renderables()
                    if below is not None:
                        yield below()

            with Drawn(*columns, console=self.console, transient=True) as bars:
                task = bars.add_task(label, total=total, note="")

                def advance(n: int = 1, note: str = "") -> None:
                    nonlocal done
                    done += n
                    bars.update(task, advance=n, note=note)

                yield advance
        else:
            said, before = started, None

            def count(n: int = 1, note: str = "") -> None:
                nonlocal done, said, before
                done += n
                before = (
                    done if before is None else before
                )  # what the first call tells may have been there already
                now = time.perf_counter()
                if now - said > _LINE_EVERY_S and before < done < total:
                    said = now
                    left = (now - started) / (done - before) * (total - done)
                    self.say(f"  {label:<34} {done} of {total}, about {_duration(left)} left")

            yield count
        self.say(f"  {label:<34} [green]{done}[/] of {total} in {time.perf_counter() - started:.1f} s")
