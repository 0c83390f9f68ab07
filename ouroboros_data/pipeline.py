"""The loop, on one page.

Every stage reads finished units from the run directory and makes only what is missing, so running it again after any
interruption continues, and a finished run is only read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ouroboros_data import registry
from ouroboros_data.claim import check_claim, claim
from ouroboros_data.config import Recipe
from ouroboros_data.curriculum import Outcome, bin_weights
from ouroboros_data.digest import scene_digest
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import SnapshotError
from ouroboros_data.feedback import brief_of, briefs, outcome_of
from ouroboros_data.manifest import manifest_of
from ouroboros_data.media.frames import FrameBank, sampled_times
from ouroboros_data.plugins import Brief
from ouroboros_data.programs.jail import require
from ouroboros_data.progress import Progress, Silent
from ouroboros_data.snapshot import freeze
from ouroboros_data.stages.propose import Checked, Proposed, open_proposer, propose_round
from ouroboros_data.stages.review import open_reviewer, review_round
from ouroboros_data.stages.scenes import ingest, listed, split
from ouroboros_data.stages.solve import LOOKS, SolverStages, probe_results
from ouroboros_data.store import RunStore
from ouroboros_data.summary import Exam, IterationSummary, exam_of, rejections, summarise
from ouroboros_data.types import ProbeResult, Sample, Scene, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build leaves behind."""

    dataset: Path
    snapshot: Snapshot
    start: Exam | None
    iterations: tuple[IterationSummary, ...]
    bins: dict[str, str]


def build(recipe: Recipe, run: Path, *, progress: Progress | None = None) -> BuildResult:
    """Run the loop for ``recipe.iterations`` rounds in the directory ``run``, or continue it.

    Raises:
        RecipeError, PluginError, SceneError, SandboxError: Before any work, when the recipe cannot be carried out.
        StoreError: The directory cannot be written, is in use, or holds a run of another recipe.
        SnapshotError: A round accepted nothing.
    """
    progress = progress or Silent()
    # A recipe that cannot be carried out must fail here, before anything is written, rendered or trained.
    listed(recipe)
    require(recipe.programs.jail, recipe.programs.allow_unjailed)
    bins = dict(open_proposer(recipe).bins())
    open_reviewer(recipe)
    registry.find("solvers", recipe.solver.name)
    with RunStore(run) as store, LocalEngine(recipe.engine.workers) as engine:
        check_claim(store, recipe)
        clock = Clock(store)
        by_id: dict[str, Scene] = {}
        frames = FrameBank(by_id, recipe.frames.reader)
        solver = SolverStages(recipe, store, frames, progress)

        def propose(
            label: str, to: Sequence[Scene], asked: dict[str, Brief], earlier: list[Checked]
        ) -> Proposed:
            found = propose_round(
                recipe,
                to,
                asked,
                earlier,
                label=label,
                store=store,
                engine=engine,
                progress=progress,
                frames=frames,
            )
            kept = review_round(recipe, to, found.checked, frames, store=store, progress=progress)
            return replace(found, checked=tuple(kept))

        progress.say("[bold]before the loop[/]")
        with clock.stage(0, "scenes"):
            scenes, skipped = ingest(recipe, store, engine, progress)
        train, held_out = split(scenes, recipe)
        with clock.stage(0, "warm start"):
            checkpoint = solver.start()
        disclosure = checkpoint.disclosure
        claim(store, recipe)
        by_id.update({scene.id: scene for scene in scenes})
        with clock.stage(0, "held-out drafts"):
            count = recipe.scenes.holdout_drafts
            even = {scene.id: replace(brief_of(recipe, scene, 0, {}), count=count) for scene in held_out}
            exam = _accepted(propose("held-out drafts", held_out, even, []).checked) if held_out else []
        with clock.stage(0, "examine"):
            replies = solver.examine(checkpoint, exam)

        start: Exam | None = None
        rows: list[Checked] = []
        outcomes: list[Outcome] = []
        summaries: list[IterationSummary] = []
        probes: dict[str, ProbeResult] = {}
        snapshot: Snapshot | None = None
        for t in range(1, recipe.iterations + 1):
            progress.say(f"[bold]iteration {t} of {recipe.iterations}[/]")
            weights = bin_weights(outcomes, list(bins), t, recipe.curriculum)
            asked = briefs(recipe, train, t, weights, rows, probes, outcomes)
            with clock.stage(t, "propose"):
                proposed = propose("propose and check", train, asked, rows)
            accepted = _some(_accepted(proposed.checked), proposed, t)
            with clock.stage(t, "probe"):
                read = {look: solver.probe(checkpoint, accepted, look) for look in LOOKS}
            probed_with = checkpoint
            with clock.stage(t, "train"):
                checkpoint, trained = solver.train(checkpoint, accepted, t)
            probes |= probe_results(recipe, probed_with, read, trained)
            outcomes += [outcome_of(recipe, item, probes, t) for item in accepted]
            rows += accepted
            start = start or exam_of(probed_with.id, exam, replies, rows)
            with clock.stage(t, "examine"):
                result = exam_of(checkpoint.id, exam, solver.examine(checkpoint, exam), rows)
            loss = checkpoint.disclosure.get("loss", 0.0)
            summaries.append(
                summarise(t, proposed, probes, train_loss=loss, exam=result, seconds=clock.seconds(t))
            )
            manifest = manifest_of(recipe, train, held_out, skipped, disclosure, start, summaries)
            snapshot = freeze(
                store.root / "dataset",
                [_sample(item, by_id, probes, t) for item in accepted],
                iteration=t,
                parent=snapshot,
                manifest=manifest,
            )
            progress.say(f"  snapshot [cyan]{snapshot.id}[/], {snapshot.rows} rows")
    assert snapshot is not None, "a recipe has at least one iteration"
    return BuildResult(
        dataset=run / "dataset", snapshot=snapshot, start=start, iterations=tuple(summaries), bins=bins
    )


class Clock:
    """Seconds by stage, from events.jsonl: a resumed run adds to what the stopped one spent."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    @contextmanager
    def stage(self, iteration: int, name: str) -> Iterator[None]:
        """Time a stage; also when it is interrupted."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = round(time.perf_counter() - started, 3)
            self._store.event(iteration=iteration, stage=name, seconds=spent)

    def seconds(self, iteration: int) -> dict[str, float]:
        """Sums by stage name."""
        sums: dict[str, float] = {}
        for event in self._store.events():
            if event.get("iteration") == iteration and "seconds" in event:
                sums[event["stage"]] = sums.get(event["stage"], 0.0) + event["seconds"]
        return sums


def _accepted(checked: Sequence[Checked]) -> list[Checked]:
    return [item for item in checked if item.verdict.status == "accepted"]


def _some(accepted: list[Checked], proposed: Proposed, iteration: int) -> list[Checked]:
    if not accepted:
        counts = rejections(proposed)
        why = ", ".join(f"{n} {reason}" for reason, n in counts.most_common(3)) or "nothing was proposed"
        fix = "ask for fewer drafts_per_scene, give more scenes, or allow more bins"
        total = len(proposed.checked) + len(proposed.discarded)
        raise SnapshotError(f"iteration {iteration} accepted none of {total} drafts: {why}", fix=fix)
    return accepted


def _sample(
    item: Checked, scenes: dict[str, Scene], probes: dict[str, ProbeResult], iteration: int
) -> Sample:
    question = item.draft.question
    scene = scenes[question.scene_id]
    times_s, fps = sampled_times(scene, question.frame_ids)
    return Sample(
        draft=item.draft,
        verdict=item.verdict,
        iteration=iteration,
        scene_source=scene.source,
        space_id=scene.space_id,
        scene_sha256=scene_digest(scene),
        frames_origin=scene.frames_origin,
        frame_times_s=times_s,
        sample_fps=fps,
        probe=probes[question.id],
    )
