"""What a run says of itself: recipe, versions, sources, disclosure, counts. No machine's paths."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ouroboros_data.config import Recipe
from ouroboros_data.programs.confinement import confinement
from ouroboros_data.records import to_json
from ouroboros_data.scenes.leakage import guard_of
from ouroboros_data.stages.scenes import Skipped
from ouroboros_data.summary import Exam, IterationSummary
from ouroboros_data.types import Scene

_PACKAGES = (
    "ouroboros-data",
    "numpy",
    "pydantic-monty",
    "embreex",
    "av",
    "pyarrow",
    "datasets",
    "torch",
    "transformers",
)


def versions() -> dict[str, str]:
    """Versions that a row can depend on; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def manifest_of(
    recipe: Recipe,
    train: Sequence[Scene],
    held_out: Sequence[Scene],
    skipped: Sequence[Skipped],
    disclosure: Mapping[str, Any],
    start: Exam | None,
    summaries: Sequence[IterationSummary],
) -> dict[str, Any]:
    """Everything in the manifest but the snapshots (``snapshot.freeze`` adds those and checks the schema)."""
    resolved = to_json(recipe)
    root = resolved["scenes"].pop("root")
    return {
        "recipe": resolved,
        "versions": versions(),
        "sources": sorted({scene.source for scene in train}),
        "scenes": {
            "train": len(train),
            "held_out": len(held_out),
            "skipped": [
                {"id": s.id, "reason": s.reason.replace(str(root), "ROOT") if root else s.reason}
                for s in skipped
            ],
        },
        "leakage": to_json(
            guard_of(
                recipe.purpose,
                recipe.scenes.allow_benchmark_scenes,
                [*train, *held_out],
                sum(bool(s.rule) for s in skipped),
            )
        ),
        "solver": dict(disclosure),
        "confinement": confinement(recipe.programs.jail, recipe.programs.allow_unjailed),
        "start": to_json(start),
        "iterations": [to_json(summary) for summary in summaries],
    }
