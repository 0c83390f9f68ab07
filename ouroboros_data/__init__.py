"""Closed-loop spatial question-answer curricula from 3D scans (arXiv 2606.11719).

The public names are imported on first use, so that ``import ouroboros_data`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ouroboros_data.config import Recipe, load_recipe
    from ouroboros_data.pipeline import BuildResult, build
    from ouroboros_data.programs.run import run_program
    from ouroboros_data.scenes.file import load_scene

__all__ = ["BuildResult", "Recipe", "build", "load_recipe", "load_scene", "run_program"]

_HOME = {
    "BuildResult": "pipeline",
    "Recipe": "config",
    "build": "pipeline",
    "load_recipe": "config",
    "load_scene": "scenefile",
    "run_program": "programs.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ouroboros_data' has no attribute {name!r}")
    return getattr(import_module(f"ouroboros_data.{_HOME[name]}"), name)
