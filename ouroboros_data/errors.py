"""Every failure that a user can meet, one class per boundary.

::

    OuroborosError
    ├── RecipeError      recipe text, unknown keys, values out of range
    ├── PluginError      an adapter, proposer or solver that cannot be found or imported
    ├── SceneError       a scene file, video or annotation that cannot be read
    ├── DraftError       a proposer's output that breaks the draft schema
    ├── SandboxError     the worker that runs programs, not the program
    ├── SolverError      a model that cannot be built, loaded or trained
    ├── ModelError       a chat model that cannot be built, or that cannot be asked anything at all
    ├── StoreError       the run directory: permissions, disk, a damaged shard, a second writer
    ├── EvaluationError  a file of predictions or questions that cannot be scored
    └── SnapshotError    a dataset that cannot be frozen or read back

A bad row or scene is *recorded* (a rejected verdict, a skipped scene); these are raised only where the caller
decides, or where nothing can go on.
"""

from __future__ import annotations

from typing import Any


class OuroborosError(Exception):
    """Base of all. ``str()`` is one line: what, where and what to do."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what, where, fix)

    def __reduce__(self) -> tuple[Any, ...]:
        # Raised in worker processes: the default would call the class with three positional arguments.
        return _rebuilt, (type(self), self.what, self.where, self.fix)

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line} ({self.fix})" if self.fix else line


def _rebuilt(cls: type[OuroborosError], what: str, where: str, fix: str) -> OuroborosError:
    return cls(what, where=where, fix=fix)


class RecipeError(OuroborosError):
    """The recipe is not valid; raised before any work."""


class PluginError(OuroborosError):
    """A named plug-in is unknown, or its import failed."""


class SceneError(OuroborosError):
    """A scene cannot be read."""


class DraftError(OuroborosError):
    """A proposer's output is not a draft."""


class SandboxError(OuroborosError):
    """The sandbox itself failed; a failing *program* is a verdict, not an exception."""


class SolverError(OuroborosError):
    """A solver cannot be built, loaded or trained."""


class ModelError(OuroborosError):
    """A chat model cannot be built, or nothing can be asked of it: a refused key, no server."""


class StoreError(OuroborosError):
    """The run directory cannot be read or written."""


class SnapshotError(OuroborosError):
    """A snapshot cannot be frozen or loaded."""


class EvaluationError(OuroborosError):
    """Predictions or questions cannot be read or scored."""
