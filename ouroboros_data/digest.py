"""Identity of a scene's record."""

from __future__ import annotations

import dataclasses

from ouroboros_data.ids import content_hash
from ouroboros_data.records import to_json
from ouroboros_data.types import Scene


def scene_digest(scene: Scene) -> str:
    """Hex sha256 of the record: everything but ``root``, which differs from machine to machine.

    The video enters by its own sha256, so the bytes are covered and not read again.
    """
    return content_hash("scene", to_json(dataclasses.replace(scene, root="")), size=64)
