"""One program on one scene, for users and notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from ouroboros_data.errors import SandboxError
from ouroboros_data.programs import api
from ouroboros_data.programs.jail import Mode
from ouroboros_data.programs.results import Outcome
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Scene


def run_program(
    source: str,
    scene: Scene,
    frame_ids: Sequence[str] | None = None,
    *,
    api_version: str = api.API_VERSION,
    min_pixel_share: float = 0.002,
    mode: Mode = "auto",
    allow_unjailed: bool = False,
) -> Outcome:
    """Run one program on one scene in a sandbox of its own.

    Args:
        source: Text of ``def answer(): …``; docs/program-api.md has what it may call.
        scene: The scene that it is about.
        frame_ids: The question's sampled frames; None means all.
        api_version: Version of the API that the program was written for.
        min_pixel_share: From this share of the pixels on an object counts as visible in a frame.
        mode: Which jail confines the program.
        allow_unjailed: Run it also where the jail does not hold.

    Returns:
        Its answer, or the reason why it has none; a failing program is no exception.

    Raises:
        SandboxError: The sandbox does not work, its jail does not hold, or the API version is unknown.
    """
    if api_version != api.API_VERSION:
        raise SandboxError(
            f"unknown program API {api_version!r}", fix=f"this version runs API {api.API_VERSION!r}"
        )
    with SandboxPool(mode=mode, allow_unjailed=allow_unjailed) as pool:
        return pool.run(api.tables(scene, frame_ids, min_pixel_share), [source])[0]
