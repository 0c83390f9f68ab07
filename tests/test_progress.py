from __future__ import annotations

import io

import pytest
from rich.console import Console

from ouroboros_data import progress


def test_a_log_file_is_told_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    out = io.StringIO()
    with progress.Terminal(Console(file=out, width=120)).stage("scenes", 100) as advance:
        advance(20)  # were there already
        for _ in range(80):
            now[0] += 10
            advance()
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    # 4 scenes in 40 s, so 76 take 760 s.
    assert lines[0] == "scenes 24 of 100, about 13 min left"
    assert lines[-2].endswith("about 40 s left") and lines[-1] == "scenes 100 of 100 in 800.0 s"
    assert len(lines) == 20


def test_short_stages_take_one_line() -> None:
    out = io.StringIO()
    with progress.Terminal(Console(file=out, width=120)).stage("scenes", 3) as advance:
        for _ in range(3):
            advance()
    assert out.getvalue().count("\n") == 1 and "3 of 3" in out.getvalue()
