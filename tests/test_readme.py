"""What README and docs tell a newcomer to type is true today."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ouroboros_data.resources import recipe_paths

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def test_python_blocks_of_the_readme_run(small_run: Path, environment: dict[str, str]) -> None:
    found = blocks(ROOT / "README.md", "python")
    assert len(found) >= 2
    for block in found:
        done = subprocess.run(
            [sys.executable, "-c", block],
            cwd=small_run,
            env={**environment, "HF_HOME": str(small_run / "hf")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        assert done.stdout.strip(), f"prints nothing:\n{block}"


def test_commands_of_the_readme_run(small_run: Path, environment: dict[str, str]) -> None:
    lines = [
        line.split("#")[0].strip()
        for block in blocks(ROOT / "README.md", "bash")
        for line in block.splitlines()
    ]
    ours = [line for line in lines if line.startswith("ouroboros-data ")]
    assert len(ours) >= 6
    listed = subprocess.run(
        [sys.executable, "-m", "ouroboros_data.cli", "scenes", "list"],
        cwd=small_run,
        capture_output=True,
        text=True,
        check=True,
    )
    room = listed.stdout.split()[1]
    for line in ours:
        words = shlex.split(line)[1:]
        if words[0] in ("build", "doctor") or "DIR" in words:
            continue  # build: by the fixture; doctor: tests/test_doctor.py; DIR: a download of the reader's own
        words = [room if word == "ROOM_ID" else word for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "ouroboros_data.cli", *words],
            cwd=small_run,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (small_run / "sheet.png").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_recipes_exist(page: Path) -> None:
    shipped = {path.stem for path in recipe_paths()}
    named = re.findall(
        r"ouroboros-data (?:build|recipes show) (?!-)(?:recipes/)?([\w-]+)", page.read_text("utf-8")
    )
    assert set(named) <= shipped | {"turns", "runs"}, named


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert (
        set(re.findall(r"^make (\w+)", "\n".join(blocks(ROOT / "README.md", "bash")), re.MULTILINE))
        <= targets
    )
