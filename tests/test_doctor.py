from __future__ import annotations

from pathlib import Path

import pytest

from ouroboros_data import doctor


def test_it_says_loudly_that_there_is_no_jail() -> None:
    lines = {check.name: check for check in doctor.examine()}
    jail = next(check for name, check in lines.items() if "os_jail" in name)
    assert jail.status == "note" and jail.detail.startswith("none")
    assert lines["sandbox"].status == "ok"


def test_a_mismatched_torchvision_is_named() -> None:
    said = doctor.torch_stack_problem("Traceback\nRuntimeError: operator torchvision::nms does not exist\n")
    assert "torchvision does not match torch" in said and "pip uninstall torchvision" in said


def test_missing_extra_is_named() -> None:
    said = doctor.torch_stack_problem("ModuleNotFoundError: No module named 'transformers'")
    assert "pip install 'ouroboros-data[solver]'" in said


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OUROBOROS_CACHE", str(tmp_path / "file" / "cache"))
    check = list(doctor.examine())[-1]
    assert check.name == "cache" and check.status == "bad" and "OUROBOROS_CACHE" in check.detail
