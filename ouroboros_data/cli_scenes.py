"""``ouroboros-data scenes …``. Heavy imports stay inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ouroboros_data.cli_common import SetOption, boundary

if TYPE_CHECKING:
    from rich.console import Console

    from ouroboros_data.config import SceneSettings
    from ouroboros_data.stages.ingest import Ingested

scenes_app = typer.Typer(help="Check scans, keep them in a store, look at them.", no_args_is_help=True)

Options = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Option of the adapter, e.g. frame_count=64."),
]
Seed = Annotated[int, typer.Option(help="Of adapters that make scenes.", min=0)]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first scenes of the source's list.")]
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", help="Scenes of this recipe. [default: quickstart]", show_default=False),
]
FAILURES_SHOWN = 10


@scenes_app.command("ingest")
def scenes_ingest(
    store: Annotated[Path, typer.Option("--out", metavar="STORE", help="Directory of the store.")],
    source: Annotated[
        str | None, typer.Argument(help="A scene adapter; `ouroboros-data adapters` lists them.")
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help="What its download script made; none for adapters that make scenes."
        ),
    ] = None,
    options: Options = None,
    seed: Seed = 0,
    workers: Workers = 0,
    limit: Limit = None,
    moved: Annotated[
        list[str] | None,
        typer.Option(
            "--root", metavar="NAME=DIR", help="The scans called NAME in STORE/roots.json lie in DIR now."
        ),
    ] = None,
) -> None:
    """Load scenes once and keep them. The same command again loads only what is not there yet."""
    with boundary("Nothing is lost: the same command goes on where this one stopped.") as console:
        import signal

        from ouroboros_data.errors import RecipeError, SceneError
        from ouroboros_data.progress import Terminal
        from ouroboros_data.stages.ingest import ingest_into

        if source is None and not moved:
            raise RecipeError("no source", fix="ouroboros-data scenes ingest SOURCE DIR --out STORE")
        for text in moved or []:
            _rebind(console, store, text)
        if source is None:
            return
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is a Ctrl-C
        settings = _settings(source, directory, options, limit)
        done = ingest_into(store, settings, seed=seed, workers=workers, progress=Terminal(console))
        _tell(console, done, store)
        if done.failed and not done.stored and not done.kept:
            fix = f"the reasons are above, and in {store / 'log.jsonl'}"
            raise SceneError(
                f"none of {done.listed} scenes can be used", where=str(directory or source), fix=fix
            )


def _settings(
    source: str, directory: Path | None, options: list[str] | None, limit: int | None
) -> SceneSettings:
    from ouroboros_data.config import overridden, recipe_from_mapping
    from ouroboros_data.errors import SceneError

    if directory is not None and not directory.is_dir():
        raise SceneError("no such directory", where=str(directory), fix="give the directory of the download")
    scenes = {
        "adapter": source,
        "root": str(directory.absolute()) if directory else None,
        "limit": limit,
        "options": overridden({}, options or []),
    }
    return recipe_from_mapping({"name": "scenes", "scenes": scenes}, where="--set").scenes


def _rebind(console: Console, store: Path, text: str) -> None:
    from ouroboros_data.errors import RecipeError, SceneError
    from ouroboros_data.scenes import store as scenestore

    name, sign, place = text.partition("=")
    scenestore.need_store(store)
    known = scenestore.roots(store)
    used = {entry.base for entry in scenestore.entries(store)} - {scenestore.MEDIA}
    names = ", ".join(sorted({*known, *used})) or "none"
    if not sign:
        raise RecipeError(f"--root {text}: expected NAME=DIR", fix=f"names in this store: {names}")
    if name not in {*known, *used}:
        raise RecipeError(f"no scans called {name!r} in this store", where=str(store), fix=f"known: {names}")
    if not Path(place).is_dir():
        raise SceneError(
            "no such directory", where=place, fix=f"give the directory of {name} on this machine"
        )
    with scenestore.locked(store):
        scenestore.bind(store, name, Path(place))
    mine = [entry for entry in scenestore.entries(store) if entry.base == name]
    there = sum((Path(place) / entry.place).exists() for entry in mine)
    console.print(f"{name} lies in {place}: {there} of its {len(mine)} scenes are there", markup=False)


def _tell(console: Console, done: Ingested, store: Path) -> None:
    console.print(
        f"{done.listed} scenes listed: {done.stored} loaded, {done.kept} were there already, {len(done.failed)} failed",
        markup=False,
    )
    for failure in done.failed[:FAILURES_SHOWN]:
        console.print(f"  {failure.id}: {failure.reason}", markup=False, soft_wrap=True)
    if len(done.failed) > FAILURES_SHOWN:
        more = len(done.failed) - FAILURES_SHOWN
        console.print(f"  … and {more} more, in {store / 'log.jsonl'}", markup=False)
    if done.stored or done.kept:
        said = f"In a recipe:  scenes: {{adapter: store, root: {store}}}"
        console.print(said, markup=False, soft_wrap=True)


@scenes_app.command("list")
def scenes_list(
    store: Annotated[Path | None, typer.Argument(help="A store; without it, a recipe's scenes.")] = None,
    recipe: Recipe = None,
    overrides: SetOption = None,
) -> None:
    """List the scenes of a store, or those that a recipe's adapter finds."""
    with boundary() as console:
        from ouroboros_data.config import load_recipe
        from ouroboros_data.errors import RecipeError
        from ouroboros_data.stages.scenes import open_adapter

        if store is not None:
            if recipe is not None or overrides:
                raise RecipeError("a store has no recipe", fix="leave --recipe and --set out")
            _list_store(console, store)
            return
        resolved = load_recipe(recipe or "quickstart", overrides or [])
        refs = open_adapter(resolved.scenes, resolved.seed).refs()
        for ref in refs[: resolved.scenes.limit]:
            console.print(f"{ref.source:<14} {ref.id}", markup=False)


def _list_store(console: Console, store: Path) -> None:
    from rich.markup import escape
    from rich.table import Table

    from ouroboros_data.scenes import store as scenestore

    if not scenestore.is_store(store) and not store.exists():
        from ouroboros_data.errors import SceneError

        fix = f"give a store, or --recipe {store}"
        raise SceneError("no such directory", where=str(store), fix=fix)
    found = scenestore.entries(store)
    table = Table("source", "scene", "space", "frames", "origin", "objects", "m²", "digest", show_edge=False)
    for entry in found:
        table.add_row(
            escape(entry.source),
            escape(entry.id),
            escape(entry.space_id),
            str(entry.frames),
            entry.frames_origin,
            str(entry.objects),
            f"{entry.area_m2:.1f}",
            entry.digest[:16],
        )
    console.print(table)
    spaces = len({(entry.source, entry.space_id) for entry in found})
    console.print(f"{len(found)} scenes of {spaces} spaces", markup=False)
    for path in scenestore.damaged(store):
        console.print(f"damaged: {path} (delete it and ingest the scene again)", markup=False, soft_wrap=True)
    failed = scenestore.failures(store)
    if failed:
        first = min(failed.items())  # the log is in the order of completion, which varies
        console.print(
            f"{len(failed)} could not be loaded, for example {first[0]}: {first[1]}",
            markup=False,
            soft_wrap=True,
        )


@scenes_app.command("show")
def scenes_show(
    scene_id: Annotated[str, typer.Argument(help="A scene id from `scenes list`.")],
    store: Annotated[Path | None, typer.Option("--store", help="The store that has it.")] = None,
    recipe: Recipe = None,
    overrides: SetOption = None,
    plot: Annotated[Path | None, typer.Option(help="Write a plan, seen from above, here as PNG.")] = None,
    frames: Annotated[
        Path | None, typer.Option(help="Write frames with the boxes of what they show here as one PNG.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Frames to look at. [default: 12, or the recipe's]", show_default=False
        ),
    ] = None,
) -> None:
    """Print one scene: room, camera, objects, and in how many frames each object is seen."""
    with boundary() as console:
        import tempfile

        from ouroboros_data.config import FrameSettings, SceneSettings, load_recipe
        from ouroboros_data.errors import RecipeError
        from ouroboros_data.report.scene import load_scene, show_scene
        from ouroboros_data.stages.scenes import open_adapter

        if store is not None:
            if recipe is not None:
                raise RecipeError("both --store and --recipe", fix="give one of them")
            from ouroboros_data.scenes import store as scenestore

            scenestore.need_store(store)
            settings, seed = SceneSettings(adapter="store", root=str(store)), 0
            looked = FrameSettings(count=count or 12)
        else:
            resolved = load_recipe(recipe or "quickstart", overrides or [])
            settings, seed, looked = resolved.scenes, resolved.seed, resolved.frames
        with tempfile.TemporaryDirectory() as media:
            scene = load_scene(open_adapter(settings, seed), scene_id, Path(media))
            show_scene(
                console,
                scene,
                count=count or looked.count,
                min_pixel_share=looked.min_pixel_share,
                reader=looked.reader,
                plot=plot,
                sheet=frames,
            )


@scenes_app.command("check")
def scenes_check(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A download, or a store.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="The adapter that reads DIR. [default: store, if it is one]"),
    ] = None,
    options: Options = None,
    seed: Seed = 0,
    workers: Workers = 0,
    limit: Limit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Tell which scenes can be used, what is wrong with the others, and what to do. Exit code 1 if one is unusable."""
    with boundary() as console:
        from ouroboros_data.errors import RecipeError
        from ouroboros_data.progress import Silent, Terminal
        from ouroboros_data.report.checks import show_checks
        from ouroboros_data.scenes import store as scenestore
        from ouroboros_data.stages.check import check_source

        if source is None and directory is not None and scenestore.is_store(directory):
            source = "store"
        if source is None:
            fix = "ouroboros-data scenes check DIR --source NAME; `ouroboros-data adapters` lists them"
            raise RecipeError("no --source, and not a store", where=str(directory or ""), fix=fix)
        settings = _settings(source, directory, options, limit)
        progress = Silent() if as_json else Terminal(console)
        checked = check_source(settings, seed=seed, workers=workers, progress=progress)
        if as_json:
            import json

            from ouroboros_data.records import to_json

            typer.echo(json.dumps(to_json(checked), indent=1, ensure_ascii=False))
        else:
            show_checks(console, checked)
        if any(scene.verdict == "unusable" for scene in checked):
            raise typer.Exit(1)
