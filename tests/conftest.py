from __future__ import annotations

import os
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
