"""What becomes of proposals: counts while they are made, and the funnel afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

STEPS = ("proposed", "parsed", "ran", "gated", "reviewed", "accepted")
"""How far a draft came. Each step's count holds those of the later ones."""
_STOPS: Mapping[str, str] = {
    "parse": "parsed",
    "brief": "parsed",
    "schema": "parsed",
    "execute": "ran",
    "type": "ran",
    "review": "reviewed",
}
"""The step that a rejection of this stage keeps a proposal from; of every other stage, ``gated``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """Where one proposal ended."""

    bin: str
    stage: str = ""
    """Of its rejection; empty when it was accepted."""
    reason: str = ""

    @property
    def family(self) -> str:
        """Its question type."""
        return self.bin.partition("/")[0]


def fate_of(row: Mapping[str, Any]) -> Fate:
    """Fate of a stored row of the stage ``propose``: a draft with its verdict, or what never became a draft."""
    if "verdict" in row:
        return Fate(bin=row["draft"]["bin"], stage=row["verdict"]["stage"], reason=row["verdict"]["reason"])
    return Fate(bin=row.get("bin") or "unknown/unknown", stage=row["stage"], reason=row["reason"])


def steps(fates: Iterable[Fate]) -> dict[str, int]:
    """How many came how far: keys are ``STEPS``."""
    reached: Counter[str] = Counter()
    for fate in fates:
        stop = STEPS.index(_STOPS.get(fate.stage, "gated")) if fate.stage else len(STEPS)
        reached.update(STEPS[:stop])
    return {name: reached[name] for name in STEPS}


def reasons(fates: Iterable[Fate]) -> dict[str, int]:
    """Rejections by ``stage/reason``, the commonest first."""
    return dict(Counter(f"{fate.stage}/{fate.reason}" for fate in fates if fate.stage).most_common())


def by_family(fates: Iterable[Fate]) -> dict[str, list[Fate]]:
    """Families in alphabetical order with their proposals."""
    found: dict[str, list[Fate]] = {}
    for fate in fates:
        found.setdefault(fate.family, []).append(fate)
    return dict(sorted(found.items()))


class Live:
    """Counts of a round while it is made."""

    def __init__(self) -> None:
        self.fates: list[Fate] = []

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Count the rows of one more shard."""
        self.fates += [fate_of(row) for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Accepted of proposed by family in as many columns as it takes, and below it the rejections by reason."""
        families = by_family(self.fates)
        if not families:
            return
        cells = [f"{sum(not f.stage for f in own)}/{len(own)}" for own in families.values()]
        wide = max(map(len, families)) + max(map(len, cells)) + 8  # two paddings
        blocks = max(1, options.max_width // wide)
        rows = min(-(-len(cells) // blocks), max(2, console.size.height - 7))
        shown = sorted(families, key=lambda name: -len(families[name]))[: rows * blocks]
        listed = [(name, cell) for name, cell in zip(families, cells, strict=True) if name in shown]
        table = Table(box=None, padding=(0, 2), show_header=False)
        for _ in range(blocks):
            table.add_column(no_wrap=True)
            table.add_column(no_wrap=True, justify="right")
        for n in range(rows):
            table.add_row(*(text for pair in listed[n::rows] for text in pair))
        yield table
        why = [f"{reason} {times}" for reason, times in reasons(self.fates).items()]
        done = f"{sum(not f.stage for f in self.fates):,} of {len(self.fates):,} accepted"
        yield Text(f"  {done}; rejected: {', '.join(why) or 'none'}", overflow="ellipsis", no_wrap=True)


def tables(fates: Sequence[Fate]) -> tuple[Table, Table]:
    """The funnel by family, and the rejections by reason."""
    funnel = Table(title="Proposals by family", title_justify="left", show_edge=False)
    funnel.add_column("family", no_wrap=True)
    for name in STEPS:
        funnel.add_column(name, justify="right")
    funnel.add_column("share", justify="right")
    families = by_family(fates)
    for name, own in families.items():
        funnel.add_row(name, *_cells(steps(own)))
    funnel.add_section()
    funnel.add_row("all", *_cells(steps(fates)), style="bold")
    rejected = Table(title="Rejected for", title_justify="left", show_edge=False)
    rejected.add_column("stage/reason", no_wrap=True)
    for name in ("drafts", "share of proposed"):
        rejected.add_column(name, justify="right")
    rejected.add_column("most in", no_wrap=True)
    for name, n in reasons(fates).items():
        where = Counter(f.family for f in fates if f"{f.stage}/{f.reason}" == name).most_common(2)
        rejected.add_row(name, f"{n:,}", f"{n / len(fates):.1%}", ", ".join(f"{f} {m}" for f, m in where))
    return funnel, rejected


def _cells(counts: Mapping[str, int]) -> list[str]:
    share = counts["accepted"] / counts["proposed"] if counts["proposed"] else 0.0
    return [*(f"{counts[name]:,}" for name in STEPS), f"{share:.0%}"]
