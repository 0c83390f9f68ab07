"""A published dataset about three small rooms, with the store of their scenes, and ways to spoil it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hand_scenes import FRAMES, SHARE, room

from ouroboros_data import registry
from ouroboros_data.config import ProgramSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.ids import seed_from
from ouroboros_data.media.frames import sampled_times
from ouroboros_data.plugins import Brief
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.snapshot import features, freeze, write_parquet
from ouroboros_data.stages.ground import duplicate_key, ground
from ouroboros_data.types import ProbeResult, Sample, Scene

PROGRAMS = ProgramSettings(jitters=4)
SCENES = ("room", "room-b", "room-c")


def scene(name: str) -> Scene:
    """The hand-made room with a few things elsewhere, each time others."""
    shift = {"room": 0.0, "room-b": 0.35, "room-c": -0.3}[name]
    moved = tuple(
        replace(o, center_m=(o.center_m[0] + shift, o.center_m[1] + shift / 2, o.center_m[2]))
        if o.id in ("c1", "b")
        else o
        for o in room().objects
    )
    return replace(room(), id=name, space_id=name, objects=moved)


def put(store: Path, *scenes: Scene) -> None:
    """Keep scenes in a store; there are no pictures, and none are needed."""
    scenestore.create(store)
    for number, each in enumerate(scenes):
        rooted = replace(each, root=str(store / "media" / f"{number:016x}"))
        key = f"{number:016x}"
        scenestore.put(store, rooted, key=key, adapter="hand", bases={"media": str(store / "media")})
    scenestore.sweep(store)


def manifest(upto: int) -> dict[str, Any]:
    entry = {
        "proposed": 2, "accepted": 2, "rejected": {}, "bands": {"easy": 0, "frontier": 2, "hard": 0}, "bands_by_bin": {},
        "proposed_by_bin": {}, "mean_confidence": 0.5, "mean_blind_confidence": 0.2, "mean_elsewhere_confidence": 0.3,
        "train_loss": 0.1, "exam": None, "seconds": {},
    }  # fmt: skip
    recipe = {
        "name": "x", "description": "", "purpose": "train", "seed": 0, "scenes": {}, "solver": {"name": "tiny", "steps": 1, "batch_size": 1},
        "frames": {"min_pixel_share": SHARE}, "programs": {"jitters": PROGRAMS.jitters, "jail": "none", "allow_unjailed": True},
    }  # fmt: skip
    return {
        "recipe": recipe, "versions": {"ouroboros-data": "0"}, "sources": ["hand"], "solver": {}, "confinement": {}, "start": None,
        "scenes": {"train": 3, "held_out": 0, "skipped": []}, "iterations": [{"iteration": i, **entry} for i in range(1, upto + 1)],
    }  # fmt: skip


def publish(directory: Path) -> None:
    """Two iterations of accepted questions of the grammar, as a build would freeze them."""
    proposer = registry.load("proposers", "grammar")(options={})
    parent, seen = None, set()
    with SandboxPool() as pool:
        for iteration in (1, 2):
            samples = []
            for name in SCENES:
                about = scene(name)
                brief = Brief(iteration=iteration, count=14, seed=seed_from(iteration, name), weights={})
                drafts = proposer.propose(about, FRAMES, brief)
                verdicts = ground(
                    about, FRAMES, drafts, programs=PROGRAMS, min_pixel_share=SHARE, pool=pool, seen=frozenset(seen)
                )  # fmt: skip
                times_s, fps = sampled_times(about, FRAMES)
                for draft, verdict in zip(drafts, verdicts, strict=True):
                    if verdict.status == "accepted":
                        seen.add(duplicate_key(draft, verdict.answer, verdict.evidence))
                        probe = ProbeResult(
                            question_id=draft.question.id, solver="w", confidence=0.4, blind_confidence=0.3,
                            elsewhere_confidence=0.35, band="frontier",
                        )  # fmt: skip
                        samples.append(
                            Sample(
                                draft=draft,
                                verdict=verdict,
                                iteration=iteration,
                                scene_source="hand",
                                space_id=name,
                                scene_sha256=scene_digest(about),
                                frames_origin="rendered",
                                frame_times_s=times_s,
                                sample_fps=fps,
                                probe=probe,
                            )
                        )
            parent = freeze(
                directory, samples, iteration=iteration, parent=parent, manifest=manifest(iteration)
            )


def shard(iteration: int) -> str:
    return f"data/iter_{iteration}-00000-of-00001.parquet"


def read(directory: Path, iteration: int) -> list[dict[str, Any]]:
    return pq.ParquetFile(directory / shard(iteration)).read().select(list(features())).to_pylist()


def spoiled(
    original: Path, copy: Path, spoil: Callable[[int, list[dict[str, Any]]], set[int]]
) -> set[tuple[str, int]]:
    """Copy a dataset with rows changed by ``spoil(iteration, rows)``, which returns the positions that it changed."""
    shutil.copytree(original, copy)
    changed = set()
    for iteration in (1, 2):
        rows = read(copy, iteration)
        changed |= {(shard(iteration), position) for position in spoil(iteration, rows)}
        write_parquet(copy / shard(iteration), rows)
    return changed
