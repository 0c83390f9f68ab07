from __future__ import annotations

from pathlib import Path

import pytest

from ouroboros_data import doctor
from ouroboros_data.programs import jail


def test_it_tells_what_the_jail_stopped_when_it_was_tried() -> None:
    lines = {check.name: check for check in doctor.examine()}
    report, said = jail.probe("auto"), lines["programs are confined by: os_jail"]
    assert lines["sandbox"].status == "ok"
    if report.holds:
        assert said.status == "ok" and "landlock: ABI" in said.detail
        assert "make a socket: EPERM" in lines["programs are confined by: os_jail_tried"].detail
    else:
        assert said.status == "bad" and report.problem in said.detail


def test_it_says_loudly_that_there_is_no_jail(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = jail.Report(mode="auto", problem="landlock: missing: Function not implemented")
    monkeypatch.setattr(jail, "probe", lambda mode: missing)
    lines = {check.name: check for check in doctor.examine()}
    said = lines["programs are confined by: os_jail"]
    assert said.status == "bad" and "landlock: missing" in said.detail and "--allow-unjailed" in said.detail


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
