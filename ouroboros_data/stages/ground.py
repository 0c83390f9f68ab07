"""Drafts in, verdicts out: runs the programs of one scene and takes each draft through the gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ouroboros_data.config import ProgramSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.programs import api, margins
from ouroboros_data.programs.results import Outcome
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.stages import gates, wording
from ouroboros_data.stages.gates import Rejection
from ouroboros_data.stages.keys import duplicate_key, near_duplicate_keys
from ouroboros_data.types import Answer, Draft, Evidence, Scene, Verdict

__all__ = ["duplicate_key", "ground", "keys_of", "scene_digest"]


def ground(
    scene: Scene,
    frame_ids: tuple[str, ...],
    drafts: Sequence[Draft],
    *,
    programs: ProgramSettings,
    min_pixel_share: float,
    pool: SandboxPool,
    seen: frozenset[str] = frozenset(),
    elsewhere: Sequence[api.Tables] = (),
) -> list[Verdict]:
    """Check the drafts about one scene; exactly one verdict per draft, in order.

    Pure: the verdicts depend on the arguments alone. Work is saved by order: a draft that a cheap gate
    rejects is neither run nor jittered.

    Args:
        scene: The scene.
        frame_ids: The frames that every draft must be answerable from.
        drafts: What a proposer wrote.
        programs: Noise, jitter count and tolerances.
        min_pixel_share: From this share on an object counts as visible in a frame.
        pool: Where programs run.
        seen: ``keys_of`` everything accepted in earlier rounds.
        elsewhere: Other scenes, on which the programs are run to see whether their answers ever vary.

    Raises:
        SandboxError: The sandbox does not work; no verdict is made up for that.
    """
    stopped: dict[int, Rejection] = {}
    for i, draft in enumerate(drafts):
        problem = gates.schema(draft, scene, frame_ids)
        if problem:
            stopped[i] = problem
    outcomes, witnesses = _outcomes(scene, frame_ids, drafts, stopped, min_pixel_share, pool)
    for i, outcome in outcomes.items():
        problem = _static(scene, frame_ids, drafts[i], outcome, witnesses.get(i), min_pixel_share)
        if problem:
            stopped[i] = problem
    alive = [i for i in range(len(drafts)) if i not in stopped]
    if elsewhere and alive:
        sources = [drafts[i].program.source for i in alive]
        runs = [pool.run(other, sources) for other in elsewhere]
        for i, outcomes_of_i in zip(alive, zip(*runs, strict=True), strict=True):
            problem = gates.varies(outcomes[i], outcomes_of_i)
            if problem:
                stopped[i] = problem
        alive = [i for i in alive if i not in stopped]
    measured = margins.measure(
        pool,
        scene,
        frame_ids,
        [drafts[i].program.source for i in alive],
        [outcomes[i] for i in alive],
        settings=programs,
        min_pixel_share=min_pixel_share,
    )
    margin_of = dict(zip(alive, measured, strict=True))
    taken = set(seen)
    verdicts = []
    for i, draft in enumerate(drafts):
        if i in margin_of:
            answer = outcomes[i].answer
            assert answer is not None
            key, *near = keys_of(draft, answer, outcomes[i].evidence)
            problem = gates.margin(margin_of[i]) or gates.duplicate(key, near, taken)
            if problem:
                stopped[i] = problem
            else:
                taken.update((key, *near))
        verdict = _verdict(draft, outcomes.get(i), stopped.get(i))
        verdicts.append(replace(verdict, margin=margin_of[i].multiple) if i in margin_of else verdict)
    return verdicts


def keys_of(draft: Draft, answer: Answer, evidence: Evidence) -> tuple[str, ...]:
    """All keys under which an accepted draft is known again, the strictest first."""
    return duplicate_key(draft, answer, evidence), *near_duplicate_keys(draft, answer, evidence)


def _outcomes(
    scene: Scene,
    frame_ids: tuple[str, ...],
    drafts: Sequence[Draft],
    stopped: dict[int, Rejection],
    min_pixel_share: float,
    pool: SandboxPool,
) -> tuple[dict[int, Outcome], dict[int, Outcome]]:
    """What the programs give, and the witnesses of those that gave an answer."""
    alive = [i for i in range(len(drafts)) if i not in stopped]
    if not alive:
        return {}, {}
    tables = api.tables(scene, frame_ids, min_pixel_share)
    sources = [drafts[i].program.source for i in alive]
    found = dict(zip(alive, pool.confirm(tables, sources, pool.run(tables, sources)), strict=True))
    witnessed = [i for i, outcome in found.items() if outcome.ok and drafts[i].witness]
    others = pool.run(tables, [drafts[i].witness for i in witnessed]) if witnessed else []
    return found, dict(zip(witnessed, others, strict=True))


def _static(
    scene: Scene,
    frame_ids: tuple[str, ...],
    draft: Draft,
    outcome: Outcome,
    witness: Outcome | None,
    min_pixel_share: float,
) -> Rejection | None:
    return (
        gates.execute(outcome)
        or gates.answer_type(draft, outcome)
        or gates.agreement(draft, outcome, witness)
        or gates.reference(draft, scene, outcome.evidence)
        or wording.direction(draft)
        or wording.candidates(draft, scene, outcome)
        or wording.gives_away(draft, outcome)
        or gates.visible(scene, frame_ids, outcome.evidence, min_pixel_share)
        or gates.degenerate(draft, scene, outcome)
    )


def _verdict(draft: Draft, outcome: Outcome | None, rejection: Rejection | None) -> Verdict:
    verdict = Verdict(
        question_id=draft.question.id,
        status="rejected" if rejection else "accepted",
        answer=outcome.answer if outcome else None,
        evidence=outcome.evidence if outcome else Evidence(),
    )
    if rejection:
        return replace(verdict, stage=rejection.stage, reason=rejection.reason, detail=rejection.detail)
    return verdict
