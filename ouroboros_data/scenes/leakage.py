"""The leakage guard: which scans a training set must not hold.

Blocked are the scenes of VSI-Bench, the official validation and test folds, and every other scan of the same physical
space (ScanNet's ``sceneXXXX_*``, a visit of ARKitScenes). The ids lie in ``leakage_ids.json``, each list with the
place it was read from. For ARKitScenes, val minus the benchmark's own ids is not safe: most of those videos share a
visit with a benchmark scene, and one visit crosses the folds.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.types import Scene

DATA_FILE = Path(__file__).with_name("leakage_ids.json")
DATASETS = ("scannetpp", "scannet", "arkitscenes")  # the longer name first: a source may only begin with it
Rule = Literal["vsi_bench", "official_fold", "space_of_vsi_bench", "space_of_official_fold", "unknown_visit"]
_SCANNET = re.compile(r"(scene\d{4})_\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the guard has to say about a scene."""

    rule: Rule
    reason: str
    blocked: bool
    """False for a scene that can only be flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What the guard did in a run: goes into the manifest."""

    status: Literal["on", "off", "overridden"]
    """``off`` where the recipe is not for training; ``overridden`` where benchmark scenes were allowed."""
    data: str
    """Version and digest of the ids."""
    blocked: int
    """Scenes that were left out."""
    benchmark_scenes: tuple[str, ...]
    """Scenes in the run that the guard blocks when it is on."""
    flagged: tuple[str, ...]
    """Scenes in the run whose space is unknown, so that nobody can say whether it is a benchmark's."""


def examine(source: str, scene_id: str, space_id: str = "") -> Finding | None:
    """What speaks against training on a scene; None where nothing does.

    Args:
        source: Dataset, or a name that begins with it (``scannet_train``). Others are never blocked.
        scene_id: As the dataset's owners name it.
        space_id: The adapter's name of the physical space, where it is known.
    """
    dataset = next((name for name in DATASETS if source.startswith(name)), None)
    if dataset is None:
        return None
    ids = _ids()
    found = ids.listed.get((dataset, scene_id))
    if found is not None:
        rule, title = found
        return Finding(rule=rule, reason=f"leakage guard: {title}", blocked=True)
    space = _space(dataset, scene_id) or space_id
    relative = ids.spaces.get((dataset, space))
    if relative is not None:
        rule, other, title = relative
        reason = f"leakage guard: the same space ({space}) as {other}, {title}"
        return Finding(rule="space_of_vsi_bench" if rule == "vsi_bench" else "space_of_official_fold",
                       reason=reason, blocked=True)  # fmt: skip
    if dataset == "arkitscenes" and scene_id in ids.unknown_visits:
        reason = "its visit is NA: its room may be that of a benchmark scene"
        return Finding(rule="unknown_visit", reason=reason, blocked=False)
    return None


def data_version() -> str:
    """Version of the ids and the beginning of their file's sha256."""
    return _ids().version


def guard_of(purpose: str, allowed: bool, scenes: Sequence[Scene], blocked: int) -> Guard:
    """Sum up a run.

    Args:
        purpose: The recipe's.
        allowed: Whether benchmark scenes were allowed.
        scenes: All that are in the run.
        blocked: How many were left out by the guard.
    """
    findings = [(scene.id, examine(scene.source, scene.id, scene.space_id)) for scene in scenes]
    return Guard(
        status="off" if purpose != "train" else "overridden" if allowed else "on",
        data=data_version(),
        blocked=blocked,
        benchmark_scenes=tuple(name for name, found in findings if found is not None and found.blocked),
        flagged=tuple(name for name, found in findings if found is not None and not found.blocked),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ids:
    version: str
    listed: dict[tuple[str, str], tuple[Rule, str]]
    spaces: dict[tuple[str, str], tuple[Rule, str, str]]
    """Dataset and space to the strongest rule, and the scene that it is about."""
    visits: dict[str, str]
    unknown_visits: frozenset[str]


@functools.cache
def _ids() -> _Ids:
    raw = DATA_FILE.read_bytes()
    data: dict[str, Any] = json.loads(raw)
    visits = {
        video: visit for visit, videos in data["arkitscenes_visits"]["visits"].items() for video in videos
    }
    listed: dict[tuple[str, str], tuple[Rule, str]] = {}
    spaces: dict[tuple[str, str], tuple[Rule, str, str]] = {}
    for entry in data["lists"]:  # VSI-Bench comes first, so that it is what a scene in two lists is called
        dataset, rule, title = entry["dataset"], entry["rule"], entry["title"]
        for name in entry["ids"]:
            listed.setdefault((dataset, name), (rule, title))
            match = _SCANNET.fullmatch(name)
            space = match[1] if match else visits.get(name)
            if space is not None:
                spaces.setdefault((dataset, space), (rule, name, title))
    return _Ids(
        version=f"{data['version']}-{hashlib.sha256(raw).hexdigest()[:12]}",
        listed=listed,
        spaces=spaces,
        visits=visits,
        unknown_visits=frozenset(data["arkitscenes_unknown_visits"]["ids"]),
    )


def _space(dataset: str, scene_id: str) -> str | None:
    if dataset == "scannet":
        match = _SCANNET.fullmatch(scene_id)
        return match[1] if match else None
    return _ids().visits.get(scene_id) if dataset == "arkitscenes" else None
