"""Margins foretell which answers the noise of an annotation has changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ouroboros_data import registry
from ouroboros_data.config import ProgramSettings
from ouroboros_data.ids import rng
from ouroboros_data.programs.sandbox import SandboxPool

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import margins as bench


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[float, bool]]:
    adapter = registry.load("scene_adapters", "procedural")(root=None, seed=3, options={"count": 5})
    settings = ProgramSettings()
    found: list[tuple[float, bool]] = []
    with SandboxPool() as pool:
        for ref in adapter.refs():
            exact = adapter.load(ref, tmp_path_factory.mktemp("rooms"))
            for k in range(2):
                random = rng("test of margins", ref.id, k)
                seen = bench.noisy(exact, settings.noise.of(exact.source), 1.0, random)
                found += bench.changed(pool, exact, seen, bench.careless(seen, 50, random), settings)
    return found


def test_of_rows_with_a_margin_hardly_one_changes(rows: list[tuple[float, bool]]) -> None:
    kept = bench.curve(rows)["1 or more"]
    assert kept["rows"] > 300
    assert kept["changed"] <= bench.LIMIT * kept["rows"]


def test_of_rows_without_one_many_do(rows: list[tuple[float, bool]]) -> None:
    found = bench.curve(rows)
    assert found["0"]["rows"] >= 10
    assert found["0"]["changed"] > 0.1 * found["0"]["rows"]
    assert (
        found["all"]["rows"]
        == len(rows)
        == sum(n["rows"] for k, n in found.items() if k not in ("all", "1 or more"))
    )
