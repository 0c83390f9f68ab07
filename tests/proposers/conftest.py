from __future__ import annotations

import grammar_rooms as rooms
import pytest
from grammar_oracle import brief, propose

from ouroboros_data.types import Draft, Scene


@pytest.fixture(scope="package")
def many() -> list[tuple[Scene, list[Draft]]]:
    """Axis-aligned scenes, whose gaps a one-line formula gives, with many drafts each."""
    scenes = [rooms.random_scene(seed, turned=False) for seed in range(30)]
    return [(made, propose(made, brief(count=60))) for made in scenes]
