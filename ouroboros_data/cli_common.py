"""What all commands share: options, and the boundary at which failures become one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ouroboros_data.errors import OuroborosError

if TYPE_CHECKING:
    from rich.console import Console

RecipeArg = Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override, e.g. scenes.limit=20.")
]

SandboxOption = Annotated[
    Literal["auto", "bwrap", "none"] | None,
    typer.Option(
        "--sandbox", help="What confines programs; see doctor. Default: the recipe's programs.jail."
    ),
]
UnjailedOption = Annotated[
    bool,
    typer.Option(
        "--allow-unjailed", help="Run programs also where the jail does not hold; the manifest says so."
    ),
]


def jail_overrides(sandbox: str | None, allow_unjailed: bool) -> list[str]:
    """The two options above as a recipe's ``--set`` texts."""
    chosen = [f"programs.jail={sandbox}"] if sandbox else []
    return [*chosen, "programs.allow_unjailed=true"] if allow_unjailed else chosen


@contextmanager
def boundary(resume: str = "") -> Iterator[Console]:
    """Turn every expected failure into one line and an exit code; a bug still shows its traceback."""
    from rich.console import Console

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    out = Console(highlight=False)
    if not out.is_terminal:
        out = Console(highlight=False, width=120)  # a log file has no width of its own
    try:
        yield out
    except OuroborosError as error:
        errors.print("[red]error:[/] ", end="")
        errors.print(str(error), markup=False)
        raise typer.Exit(1) from None
    except OSError as error:
        errors.print("[red]error:[/] ", end="")
        errors.print(f"{error.filename or 'system'}: {error.strerror or error}", markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print(f"[yellow]stopped.[/] {resume}")
        raise typer.Exit(130) from None
