"""The first round of a recipe without its solver: propose, check, write down. A build in the same directory goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouroboros_data.claim import check_claim, claim
from ouroboros_data.config import Recipe
from ouroboros_data.curriculum import bin_weights
from ouroboros_data.engine.local import LocalEngine
from ouroboros_data.errors import SceneError
from ouroboros_data.feedback import briefs
from ouroboros_data.ids import canonical_json
from ouroboros_data.media.frames import FrameBank, sample_frame_ids
from ouroboros_data.plugins import Brief, Proposer
from ouroboros_data.programs.jail import require
from ouroboros_data.progress import Progress
from ouroboros_data.records import to_json
from ouroboros_data.stages.loading import load_usable
from ouroboros_data.stages.propose import Checked, open_proposer, propose_round
from ouroboros_data.stages.review import open_reviewer, review_round
from ouroboros_data.stages.scenes import Skipped, ingest, listed, open_adapter, split
from ouroboros_data.store import RunStore, write_atomic
from ouroboros_data.types import Discarded, Scene

ACCEPTED, REJECTED, VERDICTS = "accepted.jsonl", "rejected.jsonl", "verdicts.jsonl"
DISCARDED = "discarded.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRound:
    """What one round of proposals came to."""

    scenes: int
    skipped: tuple[Skipped, ...]
    checked: tuple[Checked, ...]
    discarded: tuple[Discarded, ...]
    """What never became a draft; there is none of it from the grammar."""
    usage: Mapping[str, Any] | None
    """Counters of the chat model that the proposer asked, where it asked one."""
    seconds: float
    """Of proposing and checking; what had been done before is not in it."""
    files: Mapping[str, Path]


def propose_once(
    recipe: Recipe,
    run: Path,
    out: Path,
    *,
    progress: Progress,
    watch: Callable[[Sequence[Mapping[str, Any]]], None] | None = None,
) -> OneRound:
    """Propose and check what the first round of a build of this recipe would, and write it down.

    ``accepted.jsonl`` and ``rejected.jsonl`` hold one draft a line (schemas/draft.schema.json), ``verdicts.jsonl`` says
    what was thought of each, by file and line: repeats share an id. ``discarded.jsonl`` holds what a model wrote and nobody
    could make a draft of. Units of work are those of a build: a stopped round is continued, and a build of the same recipe
    in this directory starts from it.

    Args:
        recipe: Its solver is not looked at.
        run: The run directory.
        out: Where the files go.
        progress: Told how far it is.
        watch: See `propose_round`.

    Raises:
        RecipeError, PluginError, SceneError, SandboxError: The recipe cannot be carried out.
        StoreError: The directory cannot be written, is in use, or holds a run of another recipe.
    """
    listed(recipe)
    require(recipe.programs.jail, recipe.programs.allow_unjailed)
    open_reviewer(recipe)
    with RunStore(run) as store, LocalEngine(recipe.engine.workers) as engine:
        check_claim(store, recipe)
        scenes, skipped = ingest(recipe, store, engine, progress)
        train, _ = split(scenes, recipe)
        claim(store, recipe)
        started = time.perf_counter()
        frames = FrameBank({scene.id: scene for scene in train}, recipe.frames.reader)
        proposed = propose_round(
            recipe,
            train,
            first_briefs(recipe, train),
            [],
            label="propose and check",
            store=store,
            engine=engine,
            progress=progress,
            frames=frames,
            watch=watch,
        )
        checked = review_round(recipe, train, proposed.checked, frames, store=store, progress=progress)
        frames.close()
        seconds = time.perf_counter() - started
    files = {name: out / name for name in (ACCEPTED, REJECTED, VERDICTS, DISCARDED)}
    lines: dict[str, list[str]] = {name: [] for name in files}
    for item in checked:
        name = ACCEPTED if item.verdict.status == "accepted" else REJECTED
        lines[name].append(canonical_json(to_json(item.draft)))
        said = {"file": name, "line": len(lines[name]), "verdict": to_json(item.verdict)}
        lines[VERDICTS].append(canonical_json(said))
    lines[DISCARDED] = [canonical_json(to_json(item)) for item in proposed.discarded]
    for name, path in files.items():
        write_atomic(path, "".join(f"{line}\n" for line in lines[name]))
    return OneRound(
        scenes=len(train),
        skipped=tuple(skipped),
        checked=tuple(checked),
        discarded=proposed.discarded,
        usage=_usage(open_proposer(recipe, run / "replies")),
        seconds=seconds,
        files=files,
    )


def _usage(proposer: Proposer) -> Mapping[str, Any] | None:
    model = vars(proposer).get("model")  # not there before it is asked
    return None if model is None else dict(to_json(model.usage))


def first_briefs(recipe: Recipe, scenes: Sequence[Scene]) -> dict[str, Brief]:
    """Briefs of a first round: every bin alike, no feedback."""
    weights = bin_weights([], list(open_proposer(recipe).bins()), 1, recipe.curriculum)
    return briefs(recipe, scenes, 1, weights, [], {}, [])


def first_scene(recipe: Recipe, scene_id: str | None, media: Path) -> tuple[Scene, tuple[str, ...], Brief]:
    """One scene of the recipe with its sampled frames and its brief, and no run directory.

    Args:
        recipe: The recipe.
        scene_id: Which; the first that can be used if None.
        media: Existing directory for what the adapter makes.

    Raises:
        RecipeError, PluginError, SceneError: See `propose_once`; also if there is no such scene.
    """
    refs, _ = listed(recipe)
    adapter = open_adapter(recipe.scenes, recipe.seed)
    failure: SceneError | None = None
    for ref in refs:
        if scene_id not in (None, ref.id):
            continue
        try:
            scene = load_usable(adapter, ref, media)
        except SceneError as error:
            failure = failure or error
            continue
        return scene, sample_frame_ids(scene, recipe.frames.count), first_briefs(recipe, [scene])[scene.id]
    raise failure or SceneError(
        f"no scene {scene_id!r}", where=recipe.scenes.root or recipe.scenes.adapter, fix=f"e.g. {refs[0].id}"
    )
