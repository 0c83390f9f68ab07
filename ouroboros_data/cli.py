"""The command line. Heavy imports stay inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from ouroboros_data import cli_eval, cli_programs, cli_propose
from ouroboros_data.cli_common import (
    RecipeArg,
    SandboxOption,
    SetOption,
    UnjailedOption,
    boundary,
    jail_overrides,
)
from ouroboros_data.cli_scenes import scenes_app

app = typer.Typer(
    name="ouroboros-data",
    help="Turn 3D scans into a curriculum of spatial questions, in a loop with the model that is trained on them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
recipes_app = typer.Typer(help="Shipped recipes.", no_args_is_help=True)
app.add_typer(recipes_app, name="recipes")
app.add_typer(scenes_app, name="scenes")


def main() -> None:
    """Entry point of the console script."""
    # A torch that spins while it waits starves the worker processes on few cores; it must be set before the import.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app()


@app.command()
def build(
    recipe: RecipeArg = "quickstart",
    iterations: Annotated[
        int | None, typer.Option("--iter", min=1, help="Rounds in all; more than before adds rounds.")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", help="Run directory; default runs/RECIPE.")] = None,
    allow_benchmark_scenes: Annotated[
        bool,
        typer.Option(
            "--allow-benchmark-scenes",
            help="Train on scenes of VSI-Bench and of official val/test folds; the manifest and the card say so.",
        ),
    ] = False,
    sandbox: SandboxOption = None,
    allow_unjailed: UnjailedOption = False,
    overrides: SetOption = None,
) -> None:
    """Run the loop: propose, check, probe, train, feed back, snapshot. The same command again continues."""
    with boundary("Nothing is lost: the same command goes on where this one stopped.") as console:
        from ouroboros_data.config import load_recipe
        from ouroboros_data.pipeline import build as run_loop
        from ouroboros_data.progress import Terminal
        from ouroboros_data.report.table import show
        from ouroboros_data.snapshot import read_manifest

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is a Ctrl-C
        extra = [f"iterations={iterations}"] if iterations else []
        extra += ["scenes.allow_benchmark_scenes=true"] if allow_benchmark_scenes else []
        extra += jail_overrides(sandbox, allow_unjailed)
        resolved = load_recipe(recipe, [*(overrides or []), *extra])
        directory = run or Path("runs") / resolved.name
        console.print(f"[bold]{resolved.name}[/]: {resolved.iterations} iterations in {directory}")
        result = run_loop(resolved, directory, progress=Terminal(console))
        manifest = read_manifest(result.dataset)
        assert manifest is not None, "a finished build has a manifest"
        console.print()
        show(console, manifest, str(result.dataset))


@app.command()
def report(run: Annotated[Path, typer.Argument(help="Run directory of a build.")]) -> None:
    """Print the tables of a run: funnel, bands, held-out accuracy, steering."""
    with boundary() as console:
        from ouroboros_data.errors import StoreError
        from ouroboros_data.report.table import show
        from ouroboros_data.snapshot import read_manifest

        manifest = read_manifest(run / "dataset")
        if manifest is None:
            raise StoreError(
                "no finished iteration here", where=str(run), fix="ouroboros-data build --run DIR"
            )
        show(console, manifest, str(run / "dataset"))


cli_programs.register(app)
cli_propose.register(app)
cli_eval.register(app)


@recipes_app.command("list")
def recipes_list() -> None:
    """List shipped recipes."""
    with boundary() as console:
        from rich.table import Table

        from ouroboros_data.config import load_recipe
        from ouroboros_data.resources import recipe_paths

        table = Table("recipe", "purpose", "scenes", "solver", "what it is", show_edge=False)
        for path in recipe_paths():
            r = load_recipe(str(path))
            table.add_row(path.stem, r.purpose, r.scenes.adapter, r.solver.name, r.description)
        console.print(table)


@recipes_app.command("show")
def recipes_show(recipe: RecipeArg, overrides: SetOption = None) -> None:
    """Print what a recipe says about itself, and the recipe with every default filled in."""
    with boundary():
        import itertools

        import yaml

        from ouroboros_data.config import find_recipe, load_recipe
        from ouroboros_data.records import to_json

        lines = find_recipe(recipe).read_text("utf-8").splitlines(keepends=True)
        typer.echo("".join(itertools.takewhile(lambda line: line.startswith("#"), lines)), nl=False)
        typer.echo(yaml.safe_dump(to_json(load_recipe(recipe, overrides or [])), sort_keys=False), nl=False)


@app.command()
def adapters() -> None:
    """List scene adapters, proposers, reviewers, chat models and solvers, installed ones of others included."""
    with boundary() as console:
        from typing import get_args

        from rich.table import Table

        from ouroboros_data.registry import Kind, known

        table = Table("kind", "name", "from", show_edge=False)
        for kind in get_args(Kind):
            for name, entry in known(kind).items():
                table.add_row(kind[:-1].replace("_", " "), name, entry.value)
        console.print(table)


@app.command()
def doctor() -> None:
    """Tell what works on this machine, what confines programs, and what to do about the rest."""
    with boundary() as console:
        from ouroboros_data.doctor import examine

        broken = False
        for check in examine():
            mark = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]bad [/]"}[check.status]
            broken = broken or check.status == "bad"
            console.print(f"{mark} {check.name}: ", end="")
            console.print(check.detail, markup=False)
        if broken:
            raise typer.Exit(1)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(version("ouroboros-data"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> Any:
    pass


if __name__ == "__main__":
    main()
