"""Scenes as JSON files (schemas/scene.schema.json)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ouroboros_data import resources
from ouroboros_data.errors import SceneError
from ouroboros_data.records import from_json, to_json
from ouroboros_data.store import write_atomic
from ouroboros_data.types import Scene


def load_scene(path: str | Path) -> Scene:
    """Read a scene file; its media are looked for beside it.

    Raises:
        SceneError: The file is missing, not JSON, or breaks the schema; the message names the field.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError as error:
        raise SceneError(f"not JSON: {error}", where=str(path)) from None
    resources.validate("scene", data, where=str(path), error=SceneError)
    scene = from_json(Scene, data, where=str(path), error=SceneError)
    return scene if scene.root else replace(scene, root=str(path.parent))


def save_scene(scene: Scene, path: str | Path) -> None:
    """Write a scene file beside its media; the machine's path to them is left out (raises StoreError)."""
    write_atomic(
        Path(path), json.dumps(to_json(replace(scene, root="")), indent=1, ensure_ascii=False) + "\n"
    )
