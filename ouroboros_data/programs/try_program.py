"""One program on one scene with everything that is known about its answer, for people who write programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ouroboros_data.config import ProgramSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.programs import api, margins
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Answer, Evidence, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it."""

    ok: bool
    scene_id: str
    scene_sha256: str
    program_api: str
    answer: Answer | None
    options: tuple[str, ...]
    """Of a choice, in the program's order."""
    reason: str
    """Why there is no answer, from ``results.REASONS``."""
    detail: str
    margin: float | None
    margin_detail: str
    evidence: Evidence


def try_program(
    source: str,
    scene: Scene,
    frame_ids: Sequence[str] | None,
    *,
    programs: ProgramSettings,
    min_pixel_share: float,
) -> Tried:
    """Run a program as a build does: in the sandbox, confirmed by the second interpreter, with its margin.

    Args:
        source: Text of ``def answer(): …``.
        scene: The scene that it is about.
        frame_ids: The question's sampled frames; None means all.
        programs: Noise, number of copies and tolerances, and the jail.
        min_pixel_share: From this share on an object counts as visible in a frame.

    Raises:
        SandboxError: The sandbox does not work, or its jail does not hold.
        SceneError: A frame is not in the scene.
    """
    tables = api.tables(scene, frame_ids, min_pixel_share)
    named = tuple(frame.id for frame in scene.frames) if frame_ids is None else tuple(frame_ids)
    with SandboxPool(mode=programs.jail, allow_unjailed=programs.allow_unjailed) as pool:
        (outcome,) = pool.confirm(tables, [source], pool.run(tables, [source]))
        margin = margins.Margin(multiple=None)
        if outcome.ok:
            (margin,) = margins.measure(
                pool,
                scene,
                named,
                [source],
                [outcome],
                settings=programs,
                min_pixel_share=min_pixel_share,
            )
    return Tried(
        ok=outcome.ok,
        scene_id=scene.id,
        scene_sha256=scene_digest(scene),
        program_api=api.API_VERSION,
        answer=outcome.answer,
        options=outcome.options,
        reason=outcome.reason,
        detail=outcome.detail,
        margin=margin.multiple,
        margin_detail=margin.detail,
        evidence=outcome.evidence,
    )
