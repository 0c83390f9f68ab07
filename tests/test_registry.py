from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from ouroboros_data import registry
from ouroboros_data.errors import PluginError


def test_ours_are_found_by_entry_point_like_anybodys() -> None:
    assert {"procedural", "meta_info"} <= set(registry.known("scene_adapters"))
    assert "grammar" in registry.known("proposers")
    assert {"tiny", "transformers"} <= set(registry.known("solvers"))


def test_a_miss_lists_what_is_known() -> None:
    with pytest.raises(PluginError, match=r"no scene adapter named 'scanet' \(known: .*procedural"):
        registry.load("scene_adapters", "scanet")


def test_a_failed_import_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("x", "no_such_module_zz:X", "ouroboros_data.solvers")
    monkeypatch.setattr(registry, "known", lambda kind: {"x": entry})
    with pytest.raises(PluginError, match=r"no_such_module_zz.*doctor"):
        registry.load("solvers", "x")
    monkeypatch.setitem(registry._EXTRA, "no_such_module_zz", "solver")
    with pytest.raises(PluginError, match=r"pip install 'ouroboros-data\[solver\]'"):
        registry.load("solvers", "x")
