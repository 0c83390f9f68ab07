"""``propose`` and ``families``: what a proposer can ask and what comes of it, without a solver."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ouroboros_data.cli_common import (
    RecipeArg,
    SandboxOption,
    SetOption,
    UnjailedOption,
    boundary,
    jail_overrides,
)

if TYPE_CHECKING:
    from rich.console import Console

    from ouroboros_data.config import Recipe
    from ouroboros_data.one_round import OneRound
    from ouroboros_data.report.funnel import Fate


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("propose")(propose)
    app.command("families")(families)


def propose(
    recipe: RecipeArg = "quickstart",
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Run directory; a build in it goes on. [default: runs/RECIPE]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory of the JSONL files. [default: RUN/proposals]"),
    ] = None,
    overrides: SetOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what one scene's proposer would be told, and stop.")
    ] = False,
    scene_id: Annotated[
        str | None, typer.Option("--scene-id", help="Which scene, with --dry-run. [default: the first]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    sandbox: SandboxOption = None,
    allow_unjailed: UnjailedOption = False,
) -> None:
    """Propose and check one round, without a solver: what is accepted, and what is rejected for which reason."""
    with boundary("Nothing is lost: the same command goes on where this one stopped.") as console:
        from ouroboros_data.config import load_recipe
        from ouroboros_data.one_round import propose_once
        from ouroboros_data.progress import Silent, Terminal
        from ouroboros_data.report.funnel import Fate, Live

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        resolved = load_recipe(recipe, [*(overrides or []), *jail_overrides(sandbox, allow_unjailed)])
        if dry_run:
            _dry_run(console, resolved, scene_id, as_json)
            return
        directory = run or Path("runs") / resolved.name
        live = Live()
        done = propose_once(
            resolved,
            directory,
            out or directory / "proposals",
            progress=Silent() if as_json else Terminal(console, below=lambda: live),
            watch=None if as_json else live.add,
        )
        fates = [
            Fate(bin=item.draft.bin, stage=item.verdict.stage, reason=item.verdict.reason)
            for item in done.checked
        ]
        fates += [Fate(bin=item.bin, stage=item.stage, reason=item.reason) for item in done.discarded]
        if as_json:
            typer.echo(json.dumps(_result(resolved, done, fates), indent=1, ensure_ascii=False))
        else:
            _show(console, done, fates)


def families(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Families; with an example for every knob.")
    ] = None,
    proposer: Annotated[str, typer.Option(help="Whose families.")] = "grammar",
    examples: Annotated[bool, typer.Option(help="Make an example for each.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables of docs/families.md.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(metavar="PAGE.md", help="Put those tables between the marks in this page.")
    ] = None,
    sandbox: SandboxOption = None,
    allow_unjailed: UnjailedOption = False,
) -> None:
    """List question families: group, knobs, and an example each, made now on a procedural room."""
    with boundary() as console:
        from ouroboros_data.config import overridden, recipe_from_mapping
        from ouroboros_data.records import to_json
        from ouroboros_data.report import families as pages
        from ouroboros_data.stages.propose import open_proposer

        given = [f"proposer.name={json.dumps(proposer)}", *jail_overrides(sandbox, allow_unjailed)]
        recipe = recipe_from_mapping(overridden({"name": "families"}, given), where="--proposer")
        built = open_proposer(recipe)
        wanted = pages.chosen(pages.entries(built), names or [])
        if into is not None:
            pages.put_into(into, wanted)
            return
        if as_markdown:
            typer.echo(pages.markdown(wanted), nl=False)
            return
        found = (
            pages.with_examples(built, wanted, recipe.programs, every_knob=bool(names))
            if examples
            else iter(wanted)
        )
        if as_json:
            typer.echo(json.dumps([to_json(entry) for entry in found], indent=1, ensure_ascii=False))
            return
        for entry in found:
            pages.show(console, entry, searched=examples, every_knob=bool(names))
        if not names:
            bins = sum(len(entry.bins) for entry in wanted)
            console.print(f"{len(wanted)} families, {bins} bins")


def _result(recipe: Recipe, done: OneRound, fates: Sequence[Fate]) -> dict[str, Any]:
    from ouroboros_data.records import to_json
    from ouroboros_data.report.funnel import by_family, reasons, steps

    return {
        "recipe": recipe.name,
        "scenes": done.scenes,
        "skipped": to_json(done.skipped),
        "funnel": steps(fates),
        "rejected": reasons(fates),
        "families": {
            name: {**steps(own), "rejected": reasons(own)} for name, own in by_family(fates).items()
        },
        "usage": done.usage,
        "seconds": round(done.seconds, 3),
        "files": {name: str(path) for name, path in done.files.items()},
    }


def _show(console: Console, done: OneRound, fates: Sequence[Fate]) -> None:
    from ouroboros_data.report.funnel import tables

    for table in tables(fates):
        if table.row_count:
            console.print()
            console.print(table)
    console.print()
    if done.skipped:
        first = done.skipped[0]
        console.print(f"{len(done.skipped)} scenes were skipped, for example {first.id}: ", end="")
        console.print(first.reason, markup=False, soft_wrap=True)
    if done.usage is not None:
        u = done.usage
        cost = "" if u["cost"] is None else f", cost {u['cost']:.4g}"
        console.print(
            f"model: {u['requests']:,} requests, {u['cached']:,} of them from the cache, {u['failed']:,} failed; "
            f"{u['prompt_tokens']:,} tokens read, {u['completion_tokens']:,} written{cost}"
        )
    for name, path in done.files.items():
        console.print(f"{name:<16} {path}", markup=False, soft_wrap=True)


def _dry_run(console: Console, recipe: Recipe, scene_id: str | None, as_json: bool) -> None:
    import tempfile

    from ouroboros_data.feedback import explain
    from ouroboros_data.one_round import first_scene
    from ouroboros_data.records import to_json
    from ouroboros_data.stages.propose import open_proposer

    proposer = open_proposer(recipe)
    preview = getattr(proposer, "preview", None)
    with tempfile.TemporaryDirectory() as media:
        scene, frame_ids, brief = first_scene(recipe, scene_id, Path(media))
        prompt = None if preview is None else preview(scene, frame_ids, brief)
    if as_json:
        found = {"proposer": proposer.id, "scene": scene.id, "frames": frame_ids, "brief": brief}
        typer.echo(json.dumps({**to_json(found), "prompt": prompt}, indent=1, ensure_ascii=False))
        return
    if prompt is not None:
        typer.echo(prompt)
        return
    console.print(f"{proposer.id} needs no prompt. Its brief for {scene.id}:", markup=False, soft_wrap=True)
    console.print(
        f"up to {brief.count} drafts on frames {', '.join(frame_ids)}", markup=False, soft_wrap=True
    )
    for line in explain(brief, proposer.bins()):
        console.print(line, markup=False, soft_wrap=True)
