"""``eval``: VSI-Bench's scores of a file of predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ouroboros_data.cli_common import boundary

if TYPE_CHECKING:
    from rich.console import Console

    from ouroboros_data.evaluation.vsibench import VsiScores


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("eval")(evaluate)


def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS",
            help="JSON or JSON Lines with id and prediction, a sample log of lmms-eval, or a table of VLMEvalKit.",
        ),
    ],
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", help="VSI-Bench's test.jsonl, where the predictions hold ids and replies only."
        ),
    ] = None,
    scorer: Annotated[
        Literal["official", "first", "last", "all"],
        typer.Option(
            "--scorer", help="What of a reply counts: its first word, or its first or last number or letter."
        ),
    ] = "official",
    missing: Annotated[
        Literal["refuse", "zero", "skip"],
        typer.Option("--missing", help="Questions of --questions without a prediction."),
    ] = "refuse",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score predictions as VSI-Bench's own scorer does; name the scorer wherever you report the figure."""
    with boundary() as console:
        from ouroboros_data.evaluation.predictions import read_predictions
        from ouroboros_data.evaluation.vsibench import SCORERS, score
        from ouroboros_data.records import to_json

        read = read_predictions(predictions, questions, missing=missing)
        tables = [score(read.rows, name) for name in (SCORERS if scorer == "all" else (scorer,))]
        if as_json:
            found = {"missing": len(read.missing), "scores": [to_json(table) for table in tables]}
            typer.echo(json.dumps(found, indent=1))
        else:
            _show(console, tables, len(read.missing), missing)


def _show(console: Console, tables: list[VsiScores], absent: int, missing: str) -> None:
    from rich.table import Table

    shown = Table("VSI-Bench", "n", *(f"{table.scorer} scorer" for table in tables), box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    first = tables[0]
    for name, task in first.tasks.items():
        shown.add_row(name, str(task.n), *(f"{100 * table.tasks[name].score:.2f}" for table in tables))
        if name == "object_rel_direction":
            for level, part in first.types.items():
                if level.startswith(name):
                    scores = (f"{100 * table.types[level].score:.2f}" for table in tables)
                    shown.add_row(f"  {level.removeprefix(name + '_')}", str(part.n), *scores)
    total = sum(task.n for task in first.tasks.values())
    shown.add_row("overall", str(total), *(f"{100 * table.overall:.2f}" for table in tables), style="bold")
    console.print(shown)
    if len(first.tasks) < 8:
        console.print(f"{len(first.tasks)} of 8 tasks occur: the overall figure is not VSI-Bench's.")
    if absent:
        what = "count 0" if missing == "zero" else "are left out: the figures are not VSI-Bench's"
        console.print(f"{absent} questions without a prediction {what}.")
    if first.zero_truths:
        console.print(
            f"{first.zero_truths} true numbers are 0, where the official scorer breaks off; only 0 counts."
        )
