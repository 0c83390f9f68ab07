"""Imports point down only, light modules stay light, and files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the top down. A module may import from its own layer and from those below it.
LAYERS: list[set[str]] = [
    {"cli", "cli_scenes", "cli_programs", "cli_propose", "cli_eval", "cli_common"},
    {"doctor"},
    {"report", "pipeline", "one_round", "auditing"},
    {"manifest", "summary", "snapshot", "card", "evaluation", "claim"},
    {"stages"},
    {"proposers", "programs", "models"},
    {"curriculum", "feedback"},
    {"engine", "geometry", "media", "digest", "scenes"},
    {"store", "config", "registry", "resources", "records", "plugins", "progress"},
    {"ids", "english"},
    {"types", "errors"},
]
ADAPTERS_MAY_USE = {"types", "errors", "ids", "english", "records", "geometry", "media", "plugins"}
# The `store` adapter is a thin reader of what `scenes ingest` writes; one module knows both sides of that form.
ALSO = {"store.py": {"scenes"}}
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "trimesh",
    "embreex",
    "av",
    "scipy",
    "pyarrow",
    "shapely",
    "peft",
}


def level(module: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if module in layer)


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names |= (
                {f"{module}.{alias.name}" for alias in node.names} if module == "ouroboros_data" else {module}
            )
    return names


@pytest.mark.parametrize("path", sources("ouroboros_data"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(ROOT / "ouroboros_data").with_suffix("").parts[0]
    if own == "__init__":
        return
    for name in imported(path):
        assert not name.startswith("scene_adapters"), (
            f"{path} imports {name}: adapters are reached by entry point"
        )
        if name.startswith("ouroboros_data."):
            other = name.split(".")[1]
            assert level(other) >= level(own), f"{own} imports {other}, which lies above it"


@pytest.mark.parametrize("path", sources("scene_adapters"), ids=lambda p: str(p.relative_to(ROOT)))
def test_adapters_stand_on_the_lowest_layers_only(path: Path) -> None:
    for name in imported(path):
        if name.startswith("ouroboros_data"):
            allowed = ADAPTERS_MAY_USE | ALSO.get(str(path.relative_to(ROOT / "scene_adapters")), set())
            assert name.split(".")[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize(
    "path", sources("ouroboros_data") + sources("scene_adapters"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 360, "split it: a newcomer reads a file in one go"


@pytest.mark.parametrize("module", ["ouroboros_data", "ouroboros_data.cli", "ouroboros_data.config"])
def test_the_command_line_starts_light(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not HEAVY & {name.split(".")[0] for name in loaded}


def test_core_has_no_torch_at_import_time_of_the_pipeline() -> None:
    code = "import sys, ouroboros_data.pipeline; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers"} & set(loaded)
