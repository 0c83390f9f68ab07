"""The artifact that users get: the wheel, in a venv of its own, away from the checkout, without torch."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        str(out),
        str(checkout),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ouroboros_data", "scene_adapters"}
    assert "ouroboros_data/_data/recipes/quickstart.yaml" in names
    assert "ouroboros_data/_data/schemas/scene.schema.json" in names
    assert {
        f"ouroboros_data/programs/inside/{name}.py" for name in ("launch", "twin", "confine", "filters")
    } <= set(names)
    assert "ouroboros_data/programs/prelude.py" in names and "ouroboros_data/py.typed" in names


def test_the_wheel_builds_a_curriculum_outside_the_checkout(
    wheel: Path, checkout: Path, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    pip = [str(tmp_path / "venv/bin/python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True)
    subprocess.run([*pip, "hatchling"], check=True)
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", str(checkout / "tests/plugin_package")], check=True
    )
    script = str(tmp_path / "venv/bin/ouroboros-data")
    small = [
        "--set",
        "scenes.options.count=8",
        "--set",
        "programs.jitters=2",
        "--set",
        "solver.name=example_memory",
    ]
    done = subprocess.run(
        [script, "build", "--iter", "1", *small], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/quickstart/dataset/data/iter_1-00000-of-00001.parquet").is_file()
    code = "import importlib.util as u, ouroboros_data; print(u.find_spec('torch'), ouroboros_data.__file__)"
    told = subprocess.run(
        [str(tmp_path / "venv/bin/python"), "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("None ") and str(tmp_path) in told.stdout
    missing = subprocess.run(
        [script, "build", "--iter", "1", "--run", "other", "--set", "scenes.options.count=8"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert missing.returncode == 1 and "pip install 'ouroboros-data[solver]'" in missing.stderr, (
        missing.stderr
    )
