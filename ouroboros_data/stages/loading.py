"""One scene out of an adapter, fit for use or refused."""

from __future__ import annotations

from pathlib import Path

from ouroboros_data.errors import SceneError
from ouroboros_data.plugins import SceneAdapter
from ouroboros_data.types import Scene, SceneRef


def load_usable(adapter: SceneAdapter, ref: SceneRef, media: Path) -> Scene:
    """Load a scene that questions can be asked about.

    Raises:
        SceneError: The adapter cannot load it, or it has no objects or no posed frames.
    """
    scene = adapter.load(ref, media)
    if not scene.objects:
        raise SceneError("the scene has no objects", where=ref.id, fix="annotate it or leave it out")
    if not scene.frames:
        raise SceneError("the scene has no posed frames", where=ref.id, fix="check its video and poses")
    return scene
