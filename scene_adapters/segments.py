"""Segment annotation as ScanNet and ScanNet++ store it: vertices belong to segments, segments to groups.

``segIndices[i]`` is the segment of vertex i; a segment's number is a name, not a vertex. A group (``segGroups``) lists
segments and has a label. What real files have, and what is made of it:

- a group listed twice (ScanNet's scene0217_00): one of them is left out;
- a vertex in several groups: it goes to the smallest of them (scannetpp/scannetpp: semantic/transforms/mesh.py). A
  group that keeps less than half of its vertices that way is no object, and its category is in doubt; the same holds for
  a group most of whose segments are not in the file, and for both of two groups of the same vertices;
- groups none or few of whose segments exist, throughout: the annotation belongs to another segmentation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from scene_adapters.labels import meaning, settle
from scene_adapters.raw_files import REPAIR, fail, read_json, shown, whole_numbers
from scene_adapters.scan import RawInstance

Indices = npt.NDArray[np.int64]

MAX_GROUPS = 20_000
LEAST_FOUND = 0.5
"""Share of all listed segments that must exist, for the two files to belong together."""
LEAST_OWN = 0.5
"""Share of its vertices that a group keeps, or of its segments that exist; below, it is no object."""
_MAX_LABEL = 200
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """One entry of ``segGroups``."""

    object_id: int
    label: str
    segments: Indices
    """Sorted, each once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Owned:
    """The vertices of a scene's groups."""

    groups: tuple[Group, ...]
    """Those that are listed once."""
    vertices: tuple[Indices, ...]
    """Per group, sorted; no vertex is in two."""
    whole: tuple[bool, ...]
    """Per group, whether that is what was annotated, nearly."""
    repeats: int


def read_segments(path: Path, vertex_count: int) -> Indices:
    """Segment of each vertex, (n,), from ``segIndices``.

    Raises:
        SceneError: The file is damaged, or belongs to a mesh of another number of vertices.
    """
    segment_of = whole_numbers(read_json(path).get("segIndices"), "segIndices", str(path))
    if len(segment_of) != vertex_count:
        raise SceneError(
            f"segIndices has {len(segment_of)} entries, the mesh has {vertex_count} vertices",
            where=str(path),
            fix="take both from the same release; a decimated mesh has segments of its own",
        )
    return segment_of


def read_groups(path: Path) -> tuple[list[Group], str]:
    """The entries of ``segGroups``, and the name of the segments' file if the file says it.

    Raises:
        SceneError: A field is missing or of the wrong type (it is named), or there are no groups.
    """
    where, data = str(path), read_json(path)
    entries = data.get("segGroups")
    if not isinstance(entries, list):
        fail(f"segGroups must be a list, got {shown(entries)}", where)
    if not entries:
        raise SceneError("segGroups is empty: nothing is annotated", where=where, fix="leave the scan out")
    if len(entries) > MAX_GROUPS:
        fail(f"segGroups: {len(entries)} are too many", where)
    groups = []
    for at, entry in enumerate(entries):
        field = f"segGroups[{at}]"
        if not isinstance(entry, dict):
            fail(f"{field} must be a mapping, got {shown(entry)}", where)
        # ScanNet++ has files without objectId, and ids that need not be in order.
        number = entry.get("objectId", entry.get("id"))
        if type(number) is not int or not 0 <= number < 1 << 62:
            fail(f"{field}.objectId must be an integer from 0 on, got {shown(number)}", where)
        label = entry.get("label")
        if not isinstance(label, str) or len(label) > _MAX_LABEL:
            fail(f"{field}.label must be a name, got {shown(label)}", where)
        segments = np.unique(whole_numbers(entry.get("segments"), f"{field}.segments", where))
        groups.append(Group(object_id=number, label=label, segments=segments))
    named = data.get("segmentsFile")
    return groups, named if isinstance(named, str) else ""


def vertices_of(
    groups: Sequence[Group], segment_of: Indices, where: str, *, least_found: float = LEAST_FOUND
) -> Owned:
    """Give each vertex to one group at most; the module's text says how.

    Args:
        groups: As read.
        segment_of: Segment of each vertex, (n,).
        where: The annotation's file, for messages.
        least_found: Share of all listed segments that must exist, for the two files to belong together.

    Raises:
        SceneError: Too few of the segments exist, or two different groups have the same ``objectId``.
    """
    kept: list[Group] = []
    seen: dict[tuple[str, bytes], Group] = {}
    ids: dict[int, Group] = {}
    for group in groups:
        if (group.label, group.segments.tobytes()) in seen:
            continue
        if group.object_id in ids:
            raise SceneError(
                f"segGroups: objectId {group.object_id} stands for a {ids[group.object_id].label} and for another {group.label}",
                where=where,
                fix=REPAIR,
            )
        ids[group.object_id] = seen[group.label, group.segments.tobytes()] = group
        kept.append(group)
    order = np.argsort(segment_of, kind="stable")
    names, starts = np.unique(segment_of[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    all_vertices, found = [], []
    for group in kept:
        at = np.searchsorted(names, group.segments)
        there = at < len(names)
        there[there] = names[at[there]] == group.segments[there]
        parts = [order[starts[i] : ends[i]] for i in at[there]]
        all_vertices.append(np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64))
        found.append(int(there.sum()))
    total = sum(len(group.segments) for group in kept)
    if sum(found) < least_found * total or not total:
        raise SceneError(
            f"segGroups: {total - sum(found)} of {total} segments are not in segIndices",
            where=where,
            fix="it belongs to another segmentation of the scan: download both files of one release",
        )
    owner = np.full(len(segment_of), -1)
    # The smallest is the last to take, so it has the last word; of equals the first listed one.
    for i in sorted(range(len(kept)), key=lambda i: (-len(all_vertices[i]), -i)):
        owner[all_vertices[i]] = i
    vertices = tuple(v[owner[v] == i] for i, v in enumerate(all_vertices))
    twins = {v.tobytes(): 0 for v in all_vertices}
    for v in all_vertices:
        twins[v.tobytes()] += 1
    whole = tuple(
        len(own) > 0
        and len(own) >= LEAST_OWN * len(before)
        and there >= LEAST_OWN * len(group.segments)
        and twins[before.tobytes()] == 1
        for group, own, before, there in zip(kept, vertices, all_vertices, found, strict=True)
    )
    return Owned(groups=tuple(kept), vertices=vertices, whole=whole, repeats=len(groups) - len(kept))


def instances_of(
    owned: Owned, where: str, nyu40_of: Callable[[str], int | None] = lambda _: None
) -> tuple[RawInstance, ...]:
    """Labelled instances, objects or not (`RawInstance.category` is None for the others).

    Args:
        owned: Groups and their vertices.
        where: The annotation's file, for the log.
        nyu40_of: Class of a raw label in the NYU40 list.
    """
    labels = [group.label for group in owned.groups]
    broken = [label for label, whole in zip(labels, owned.whole, strict=True) if not whole]
    doubted = {name for label in broken for name in (meaning(label).category, *meaning(label).doubts) if name}
    settled = settle(labels, doubted=doubted)
    notes = [settled.summary()] if settled.summary() else []
    if owned.repeats:
        notes.append(f"{owned.repeats} groups are listed twice")
    if broken:
        notes.append(f"vertices missing, or claimed by another group: {', '.join(sorted(set(broken)))[:200]}")
    if notes:
        _LOG.info("%s: %s", where, "; ".join(notes))
    return tuple(
        RawInstance(
            id=f"{_plain(category or group.label)}-{group.object_id}",
            raw_label=group.label,
            category=category,
            nyu40=nyu40_of(group.label),
            vertex_index=vertices,
        )
        for group, vertices, category in zip(owned.groups, owned.vertices, settled.categories, strict=True)
        if len(vertices)
    )


def _plain(name: str) -> str:
    return (
        "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())[:64].strip("-") or "unnamed"
    )
