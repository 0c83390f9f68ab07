"""``ouroboros-data scenes …``. Heavy imports stay inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ouroboros_data.cli_common import RecipeArg, SetOption, boundary

scenes_app = typer.Typer(help="Look at scenes.", no_args_is_help=True)


@scenes_app.command("list")
def scenes_list(recipe: RecipeArg = "quickstart", overrides: SetOption = None) -> None:
    """List the scenes that a recipe's adapter finds."""
    with boundary() as console:
        from ouroboros_data.config import load_recipe
        from ouroboros_data.stages.scenes import open_adapter

        resolved = load_recipe(recipe, overrides or [])
        refs = open_adapter(resolved.scenes, resolved.seed).refs()
        for ref in refs[: resolved.scenes.limit]:
            console.print(f"{ref.source:<14} {ref.id}")


@scenes_app.command("show")
def scenes_show(
    scene_id: Annotated[str, typer.Argument(help="A scene id from `scenes list`.")],
    recipe: Annotated[str, typer.Option("--recipe", help="Recipe whose adapter reads it.")] = "quickstart",
    overrides: SetOption = None,
    frames: Annotated[Path | None, typer.Option(help="Write the sampled frames here as one PNG.")] = None,
) -> None:
    """Print one scene: room, objects, and in how many sampled frames each object is seen."""
    with boundary() as console:
        from ouroboros_data.config import load_recipe
        from ouroboros_data.report.scene import show_scene

        show_scene(console, load_recipe(recipe, overrides or []), scene_id, frames)
