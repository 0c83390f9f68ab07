"""The tiny solver's own rooms, with captions and questions: never the run's rooms, and no torch in here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ouroboros_data import registry
from ouroboros_data.config import FrameSettings
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import SolverError
from ouroboros_data.ids import content_hash, seed_from
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.models.tiny_lessons import lessons, naming
from ouroboros_data.plugins import Brief, Labelled, Proposer, SceneAdapter
from ouroboros_data.programs import api
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Scene

ADAPTER, PROPOSER = "procedural", "grammar"
_ROOMS_A_UNIT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPlan:
    """What is made of how many rooms."""

    seed: int
    rooms: int
    frames: int
    captions_per_room: int
    questions_per_room: int

    def key(self) -> str:
        """Changes when other rooms, captions or questions would come out."""
        refs = _adapter(self.seed, self.rooms).refs()
        return content_hash(
            [ref.key for ref in refs],
            _proposer().id,
            api.API_VERSION,
            [self.frames, self.captions_per_room],
            self.questions_per_room,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A room with what is said and asked about it."""

    scene: Scene
    names: tuple[Labelled, ...]
    """Captions of single frames, one each."""
    captions: tuple[Labelled, ...]
    questions: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    plan: RoomPlan
    start: int
    media: str


def make_lessons(plan: RoomPlan, media: Path, advance: Callable[[int], None]) -> list[Lesson]:
    """Build, film and caption the rooms in worker processes; videos are written below ``media``.

    Raises:
        SolverError: No question came out.
        OuroborosError: A worker died.
    """
    media.mkdir(parents=True, exist_ok=True)
    starts = range(0, plan.rooms, _ROOMS_A_UNIT)
    units = [_Unit(plan=plan, start=start, media=str(media)) for start in starts]
    made: dict[int, list[Lesson]] = {}
    with LocalEngine() as engine:  # its own, so that the workers' memory is free again before training
        for position, part in engine.map(_unit, units):
            made[position] = part
            advance(len(part))
    found = [lesson for position in sorted(made) for lesson in made[position]]
    if not any(lesson.questions for lesson in found):
        raise SolverError(
            "the warm start's rooms gave no questions", fix="raise solver.options rooms or questions_per_room"
        )
    return found


def _unit(unit: _Unit) -> list[Lesson]:
    plan = unit.plan
    adapter, proposer = _adapter(plan.seed, plan.rooms), _proposer()
    share = FrameSettings().min_pixel_share
    found = []
    with SandboxPool() as pool:
        for ref in adapter.refs()[unit.start : unit.start + _ROOMS_A_UNIT]:
            scene = adapter.load(ref, Path(unit.media))
            frame_ids = sample_frame_ids(scene, plan.frames)
            brief = Brief(iteration=0, count=plan.questions_per_room, seed=plan.seed, weights={})
            drafts = proposer.propose(scene, frame_ids, brief)
            outcomes = pool.run(
                api.tables(scene, frame_ids, share), [draft.program.source for draft in drafts]
            )
            answers = [
                (draft.question, outcome.answer) for draft, outcome in zip(drafts, outcomes, strict=True)
            ]
            found.append(
                Lesson(
                    scene=scene,
                    names=tuple(naming(scene, frame.id) for frame in scene.frames),
                    captions=tuple(lessons(scene, frame_ids, plan.captions_per_room, plan.seed)),
                    questions=tuple(
                        Labelled(question=question, answer=answer.text)
                        for question, answer in answers
                        if answer
                    ),
                )
            )
    return found


@functools.lru_cache(maxsize=4)
def _adapter(seed: int, rooms: int) -> SceneAdapter:
    make = registry.load("scene_adapters", ADAPTER)
    # Hashed together with a word of its own: no run's rooms have this seed.
    adapter: SceneAdapter = make(
        root=None, seed=seed_from("tiny solver's own rooms", seed), options={"count": rooms}
    )
    return adapter


def _proposer() -> Proposer:
    proposer: Proposer = registry.load("proposers", PROPOSER)(options={})
    return proposer
