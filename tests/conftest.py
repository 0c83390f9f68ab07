from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def checkout() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real scan data that may not be committed; its place comes from the environment."""
    place = os.environ.get("OUROBOROS_SHARED_DATA")
    if not place:
        pytest.skip("OUROBOROS_SHARED_DATA is not set: real scan data is not part of this repository")
    path = Path(place)
    assert path.is_dir(), f"OUROBOROS_SHARED_DATA={place} is not a directory"
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> dict[str, str]:
    """A place where the example package is installed as anybody's would be."""
    site = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(site),
    ]
    subprocess.run([*command, str(checkout / "tests/plugin_package")], check=True)
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A directory with a finished quickstart run in it, small, with a solver that needs no torch."""
    directory = tmp_path_factory.mktemp("small")
    small = [
        "scenes.options.count=10",
        "proposer.drafts_per_scene=24",
        "programs.jitters=2",
        "solver.name=example_memory",
    ]
    words = [word for setting in small for word in ("--set", setting)]
    command = [sys.executable, "-m", "ouroboros_data.cli", "build", "--iter", "3", *words]
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return directory
