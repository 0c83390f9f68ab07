"""``<id>_3dod_annotation.json``: labelled boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ouroboros_data.errors import SceneError
from scene_adapters.raw_files import Floats, fail, numbers, read_json, shown

MAX_EDGE_M = 30.0
"""No piece of furniture is longer; in centimetres all are."""
MAX_CENTER_M = 1000.0
_ORTHONORMAL = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBox:
    """One annotated box, in metres and the mesh's z-up world."""

    label: str
    center_m: Floats
    """(3,)."""
    extent_m: Floats
    """(3,), full edge lengths along the box's axes."""
    R_world_box: Floats
    """(3, 3), columns are the axes, determinant 1."""


def read_annotation(path: Path) -> list[LabelledBox]:
    """Boxes of a scan, in the order of the file.

    ``obbAligned`` is taken: metres, z up. Its neighbour ``obb`` is in centimetres and y up. The *rows* of
    ``normalizedAxes`` are the axes (apple/ARKitScenes:threedod/benchmark_scripts/utils/box_utils.py transposes it).
    Where the axes are a left-handed triple the third is turned round, which leaves the box as it is.

    Raises:
        SceneError: Cannot be read, a field is missing or wrong (it is named), the annotators skipped the scan, or
            there are no boxes.
    """
    where = str(path)
    data = read_json(path)
    if data.get("skipped") is True:
        raise SceneError("skipped: the annotators left this scan out", where=where, fix="leave the video out")
    entries = data.get("data")
    if not isinstance(entries, list):
        fail(f"data must be a list, got {shown(entries)}", where)
    if not entries:
        raise SceneError("data is empty: the scan has no boxes", where=where, fix="leave the video out")
    return [_box(entry, f"data[{number}]", where) for number, entry in enumerate(entries)]


def _box(entry: Any, field: str, where: str) -> LabelledBox:
    entry = _mapping(entry, field, where)
    label = entry.get("label")
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= 64:
        fail(f"{field}.label must be a name, got {shown(label)}", where)
    segments = _mapping(entry.get("segments"), f"{field}.segments", where)
    field = f"{field}.segments.obbAligned"
    box = _mapping(segments.get("obbAligned"), field, where)
    center, extent = _finite(box, "centroid", 3, field, where), _finite(box, "axesLengths", 3, field, where)
    rows = _finite(box, "normalizedAxes", 9, field, where).reshape(3, 3)
    if extent.min() <= 0:
        fail(f"{field}.axesLengths must be positive, got {extent.min():g}", where)
    if extent.max() > MAX_EDGE_M:
        fail(f"{field}.axesLengths: {extent.max():g} m is too long, expected metres", where)
    if np.abs(center).max() > MAX_CENTER_M:
        fail(f"{field}.centroid: {np.abs(center).max():g} m is too far away, expected metres", where)
    if np.abs(rows).max() > 2 or np.abs(rows @ rows.T - np.eye(3)).max() > _ORTHONORMAL:
        fail(f"{field}.normalizedAxes are not orthonormal rows", where)
    rows[2] *= np.sign(np.linalg.det(rows))
    return LabelledBox(label=label.strip(), center_m=center, extent_m=extent, R_world_box=rows.T)


def _mapping(value: Any, field: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        fail(f"{field} must be a mapping, got {shown(value)}", where)
    return value


def _finite(data: Mapping[str, Any], key: str, count: int, field: str, where: str) -> Floats:
    values = numbers(data.get(key), count, f"{field}.{key}", where)
    if not np.isfinite(values).all():
        fail(f"{field}.{key} must be finite numbers", where)
    return values
