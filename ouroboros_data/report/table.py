"""A run as plain tables, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Entry = Mapping[str, Any]


def show(console: Console, manifest: Entry, dataset: str) -> None:
    """Print funnel, bands, held-out accuracy, steering, time, and what to do next."""
    iterations = manifest["iterations"]
    console.print(_funnel(iterations))
    exams = [exam for exam in (manifest.get("start"), *(it["exam"] for it in iterations)) if exam]
    if exams:
        console.print(_accuracy(exams))
    console.print(_steering(iterations))
    _next_steps(console, manifest, dataset)


def _funnel(iterations: Sequence[Entry]) -> Table:
    table = Table(title="Iterations", title_justify="left", show_edge=False)
    table.add_column("", no_wrap=True)
    for it in iterations:
        table.add_column(f"iter_{it['iteration']}", justify="right")

    def row(label: str, cells: Sequence[str], style: str = "") -> None:
        table.add_row(label, *cells, style=style)

    row("drafts proposed", [f"{it['proposed']:,}" for it in iterations])
    for reason in sorted({name for it in iterations for name in it["rejected"]}):
        row(f"  rejected: {reason}", [f"{it['rejected'].get(reason, 0):,}" for it in iterations], "dim")
    row("accepted rows", [f"{it['accepted']:,}" for it in iterations], "bold")
    for name in ("easy", "frontier", "hard"):
        row(f"  {name}", [f"{it['bands'][name] / max(it['accepted'], 1):.0%}" for it in iterations])
    row("mean confidence before training", [f"{it['mean_confidence']:.3f}" for it in iterations])
    row("  the same without frames", [f"{it['mean_blind_confidence']:.3f}" for it in iterations])
    row("  with another room's frames", [f"{it['mean_elsewhere_confidence']:.3f}" for it in iterations])
    row("training loss", [f"{it['train_loss']:.3f}" for it in iterations])
    for stage in dict.fromkeys(name for it in iterations for name in it["seconds"]):
        row(f"seconds: {stage}", [f"{it['seconds'].get(stage, 0):.1f}" for it in iterations], "dim")
    return table


def _accuracy(exams: Sequence[Entry]) -> Table:
    title = (
        "Accuracy on held-out scenes (MRA for numbers, exact match for choices); the last weights without frames, "
        "with another room's frames, and the best constant answers"
    )
    table = Table(title=title, title_justify="left", show_edge=False)
    table.add_column("question type")
    table.add_column("n", justify="right")
    for i in range(len(exams)):
        table.add_column("start" if i == 0 else f"iter_{i}", justify="right")
    floors = {"blind": "no frames", "elsewhere": "other room", "majority": "majority"}
    for title in floors.values():
        table.add_column(title, justify="right")
    last = exams[-1]["by_type"]
    for name, score in sorted(last.items()):
        seen = [f"{exam['by_type'][name]['seen']:.3f}" for exam in exams]
        table.add_row(name, str(score["n"]), *seen, *(f"{score[which]:.3f}" for which in floors))

    def macro(exam: Entry, which: str) -> str:
        return f"{sum(s[which] for s in exam['by_type'].values()) / max(len(exam['by_type']), 1):.3f}"

    ends = [macro(exam, "seen") for exam in exams]
    total = str(sum(s["n"] for s in last.values()))
    table.add_row("macro mean", total, *ends, *(macro(exams[-1], which) for which in floors), style="bold")
    return table


def _steering(iterations: Sequence[Entry]) -> Table:
    table = Table(
        title="Share of proposals by bin, and bands of what was accepted",
        title_justify="left",
        show_edge=False,
    )
    table.add_column("bin", no_wrap=True)
    for it in iterations:
        table.add_column(f"iter_{it['iteration']}", justify="right")
    table.add_column("easy/frontier/hard %, first → last", justify="right", no_wrap=True)
    for name in sorted({b for it in iterations for b in it["proposed_by_bin"]}):
        shares = [f"{it['proposed_by_bin'].get(name, 0) / max(it['proposed'], 1):.1%}" for it in iterations]
        ends = [_bands(it["bands_by_bin"].get(name, {})) for it in (iterations[0], iterations[-1])]
        table.add_row(name, *shares, " → ".join(ends))
    return table


def _bands(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    if not total:
        return "–"
    return "/".join(f"{100 * counts.get(name, 0) / total:.0f}" for name in ("easy", "frontier", "hard"))


def _next_steps(console: Console, manifest: Entry, dataset: str) -> None:
    last = manifest["snapshots"][-1]
    rows = sum(s["rows"] for s in manifest["snapshots"])
    skipped = manifest["scenes"]["skipped"]
    if skipped:
        console.print(
            f"\n[yellow]{len(skipped)} scenes were skipped[/], for example {skipped[0]['id']}: {skipped[0]['reason']}"
        )
    if manifest["recipe"]["purpose"] == "test":
        console.print("[yellow]purpose: test[/] – these rows are for testing, not for training.")
    console.print(f"\n{rows:,} rows in {dataset}  (snapshot {last['id']})")
    console.print("Load it:", highlight=False)
    console.print(
        f'  [cyan]python -c "from datasets import load_dataset; '
        f"print(load_dataset('{dataset}', 'iter_{last['iteration']}', split='train')[0])\"[/]",
        highlight=False,
        soft_wrap=True,
    )
