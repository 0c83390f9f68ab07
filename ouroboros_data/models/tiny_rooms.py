"""The tiny solver's own rooms, with captions and questions: never the run's rooms, and no torch in here."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ouroboros_data import registry
from ouroboros_data.config import FrameSettings
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import SolverError
from ouroboros_data.ids import content_hash, rng, seed_from
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.models.tiny_lessons import clips, lessons
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
    """Frames of a clip."""
    clips: int
    """Clips of a room: other frames of the same video."""
    captions_per_clip: int
    questions_per_clip: int
    blind_share: float
    """Share of the questions that are shown without frames."""
    world: str = "{}"
    """Options of the adapter, as canonical JSON: the plan has to be hashable."""
    asked: str = "{}"
    """Options of the proposer, as canonical JSON."""

    def key(self) -> str:
        """Changes when other rooms, captions or questions would come out."""
        refs = _adapter(self.seed, self.rooms, self.world).refs()
        return content_hash(
            [ref.key for ref in refs],
            _proposer(self.asked).id,
            self.asked,
            api.API_VERSION,
            [self.frames, self.clips, self.captions_per_clip, self.questions_per_clip, self.blind_share],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A room with what is said and asked about it."""

    scene: Scene
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
        RecipeError: ``world`` or ``asked`` holds an unknown option.
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
            "the warm start's rooms gave no questions", fix="raise solver.options rooms or questions_per_clip"
        )
    return found


def _unit(unit: _Unit) -> list[Lesson]:
    adapter = _adapter(unit.plan.seed, unit.plan.rooms, unit.plan.world)
    # The grammar's programs are this package's own, not a model's, so the warm start also works without a jail.
    with SandboxPool(allow_unjailed=True) as pool:
        refs = adapter.refs()[unit.start : unit.start + _ROOMS_A_UNIT]
        return [_lesson(unit.plan, adapter.load(ref, Path(unit.media)), pool) for ref in refs]


def _lesson(plan: RoomPlan, scene: Scene, pool: SandboxPool) -> Lesson:
    proposer, share = _proposer(plan.asked), FrameSettings().min_pixel_share
    captions: list[Labelled] = []
    questions: list[Labelled] = []
    for number, frame_ids in enumerate(
        clips(scene, sample_frame_ids(scene, plan.frames), plan.clips, plan.seed)
    ):
        captions += lessons(scene, frame_ids, plan.captions_per_clip, plan.seed)
        seed = seed_from("tiny solver's questions", plan.seed, number)
        brief = Brief(iteration=0, count=plan.questions_per_clip, seed=seed, weights={})
        drafts = proposer.propose(scene, frame_ids, brief)
        tables = api.tables(scene, frame_ids, share)
        outcomes = pool.run(tables, [draft.program.source for draft in drafts])
        for draft, outcome in zip(drafts, outcomes, strict=True):
            if outcome.answer is not None:
                blind = rng("without frames", plan.seed, draft.question.id).random() < plan.blind_share
                questions.append(Labelled(question=draft.question, answer=outcome.answer.text, blind=blind))
    return Lesson(scene=scene, captions=tuple(captions), questions=tuple(questions))


@functools.lru_cache(maxsize=4)
def _adapter(seed: int, rooms: int, world: str) -> SceneAdapter:
    make = registry.load("scene_adapters", ADAPTER)
    # Hashed together with a word of its own: no run's rooms have this seed.
    adapter: SceneAdapter = make(
        root=None,
        seed=seed_from("tiny solver's own rooms", seed),
        options={**json.loads(world), "count": rooms},
    )
    return adapter


@functools.lru_cache(maxsize=4)
def _proposer(asked: str) -> Proposer:
    proposer: Proposer = registry.load("proposers", PROPOSER)(options=json.loads(asked))
    return proposer
