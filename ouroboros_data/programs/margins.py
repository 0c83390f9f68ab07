"""How far from flipping an answer is, in multiples of the annotation noise.

The host measures it by running the same program on jittered copies of the scene. What a program says about
its own margin plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ouroboros_data.config import ProgramSettings
from ouroboros_data.programs import api
from ouroboros_data.programs.results import Outcome
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Answer, Scene

REQUIRED = 1.0
"""An answer has to hold at this multiple of the noise."""
_LARGER = (2.0, 4.0)
_SMALLER = 0.5
MULTIPLES = (_SMALLER, REQUIRED, *_LARGER)
"""Every value that a margin above 0 can take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The margin of one answer."""

    multiple: float | None
    """Largest tested multiple up to which every copy gave the same answer; 0 if none; None if not tested."""
    detail: str = ""
    """The first disagreement, for people."""

    @property
    def sufficient(self) -> bool:
        """Whether the answer survives the noise (or the recipe does not test it)."""
        return self.multiple is None or self.multiple >= REQUIRED


def measure(
    pool: SandboxPool,
    scene: Scene,
    frame_ids: Sequence[str],
    sources: Sequence[str],
    outcomes: Sequence[Outcome],
    *,
    settings: ProgramSettings,
    min_pixel_share: float,
) -> list[Margin]:
    """Margin of each program's answer.

    The noise itself is tried first; answers that hold go on to 2 and 4 times the noise, the others back to
    half. Copies move along one line per copy, so an answer that holds at the noise is taken to hold at half
    of it.

    Args:
        pool: Where programs run.
        scene: The scene as annotated.
        frame_ids: The sampled frames.
        sources: Programs.
        outcomes: What each gave on the scene as annotated; all have an answer.
        settings: Noise by source, tolerances and the number of copies; 0 copies means no test.
        min_pixel_share: Threshold of visibility.
    """
    if settings.jitters == 0:
        return [Margin(multiple=None)] * len(sources)
    if not sources:
        return []
    noise = settings.noise.of(scene.source)
    jitter = api.draw_jitter(scene, frame_ids, settings.jitters)

    def disagreements(multiple: float, which: Sequence[int]) -> dict[int, str]:
        if not which:
            return {}
        copies = api.jittered_tables(jitter, min_pixel_share=min_pixel_share, noise=noise, multiple=multiple)
        runs = pool.run_copies(copies, [sources[i] for i in which])
        return {
            i: problem
            for i, run in zip(which, runs, strict=True)
            if (problem := _disagreement(outcomes[i], run, multiple, settings))
        }

    everyone = range(len(sources))
    problems = disagreements(REQUIRED, everyone)
    reached = {i: 0.0 if i in problems else REQUIRED for i in everyone}
    weak = sorted(problems)
    at_half = disagreements(_SMALLER, weak)
    reached.update({i: _SMALLER for i in weak if i not in at_half})
    problems.update(at_half)
    alive = [i for i in everyone if reached[i] == REQUIRED]
    for multiple in _LARGER:
        lost = disagreements(multiple, alive)
        problems.update(lost)
        alive = [i for i in alive if i not in lost]
        reached.update(dict.fromkeys(alive, multiple))
    return [Margin(multiple=reached[i], detail=problems.get(i, "")) for i in everyone]


def agrees(base: Answer, other: Answer, settings: ProgramSettings, *, step: float | None = None) -> bool:
    """Whether two runs of a program gave the same answer.

    Choices, orderings, booleans and counts must be equal. Other numbers may differ by the wider of the
    relative tolerance, for m and m2 the absolute tolerance, and half the step that the question states.
    """
    if other.type != base.type or other.unit != base.unit:
        return False
    if base.type != "number" or base.unit == "count":
        return other.value == base.value
    assert isinstance(base.value, int | float) and isinstance(other.value, int | float)
    allowed = settings.number_tolerance_rel * abs(base.value)
    if base.unit in ("m", "m2"):
        allowed = max(allowed, settings.number_tolerance_abs)
    if step is not None:
        allowed = max(allowed, step / 2)
    return abs(other.value - base.value) <= allowed


def _disagreement(base: Outcome, run: Sequence[Outcome], multiple: float, settings: ProgramSettings) -> str:
    assert base.answer is not None
    for other in run:
        if other.answer is None:
            return f"at {multiple:g} × the annotation noise the program fails: {other.reason}"
        if other.options != base.options or not agrees(base.answer, other.answer, settings, step=base.step):
            return f"at {multiple:g} × the annotation noise {_say(base.answer)} becomes {_say(other.answer)}"
    return ""


def _say(answer: Answer) -> str:
    if answer.type == "number":
        return f"{answer.value:.4g} {answer.unit}"
    return ", ".join(answer.value) if isinstance(answer.value, tuple) else f"{answer.value}"
