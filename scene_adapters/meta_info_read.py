"""``*_meta_info.json`` files: read, checked, and turned into layouts."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import as_mat3
from ouroboros_data.types import SceneObject, Vec3

SUFFIX = "_meta_info.json"
_REPAIR = "leave the scene out of the file, or fix the field"
# Names that the questions of VSI-Bench use for categories that the files call otherwise.
ALIASES = {"coat hanger": "coat rack", "tv monitor": "tv"}
_BETWEEN_WORDS = re.compile(r"[_,()]")
_MAX_NAME = 64
_ORTHONORMAL = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A category whose boxes and stated count do not agree."""

    category: str
    counted: int
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a file says about one scene."""

    objects: tuple[SceneObject, ...]
    room_area_m2: float
    doubts: tuple[Doubt, ...]
    repeats: int
    """Boxes that were listed again with the same numbers, and left out."""


def read_file(path: Path) -> dict[str, Any]:
    """Scene entries by scene name, not yet checked.

    Raises:
        SceneError: The file cannot be read, is not JSON (names line and column), or is not a mapping of scenes.
    """
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise SceneError(
            f"not UTF-8 text (byte {error.start})", where=str(path), fix="copy it again"
        ) from None
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise SceneError(
            f"not JSON: {error.msg}", where=place, fix="copy it again, or fix that line"
        ) from None
    except RecursionError:
        raise SceneError("not JSON that can be read: nested too deeply", where=str(path)) from None
    if not isinstance(data, dict) or not data:
        raise SceneError(
            "expected a JSON object with an entry per scene",
            where=str(path),
            fix='{"scene name": {"room_size": …, "object_counts": …, "object_bbox": …}}',
        )
    return data


def parse_scene(entry: Any, *, where: str) -> Layout:
    """Check one scene's entry and turn it into a layout.

    Args:
        entry: ``{"room_size", "object_counts", "object_bbox": {category: [box]}}``, a box being ``{"centroid",
            "axesLengths", "normalizedAxes"}`` with full lengths and axes as rows, in metres and world axes.
        where: File and scene, for messages.

    Raises:
        SceneError: A field is missing, of the wrong type, not finite or not a rotation, or there are no objects.
    """
    entry = _mapping(entry, "the scene", where)
    area = _number(entry, "room_size", where)
    if area <= 0:
        _fail(f"room_size must be positive, got {area:g}", where)
    counts: dict[str, int] = {}
    for name, count in _mapping(entry.get("object_counts"), "object_counts", where).items():
        if type(count) is not int or count < 0:
            _fail(f"object_counts.{name} must be a whole number, got {count!r}", where)
        counts[canonical(name)] = counts.get(canonical(name), 0) + count
    boxes: dict[str, list[tuple[Vec3, Vec3, tuple[float, ...]]]] = {}
    repeats = 0
    for name, entries in _mapping(entry.get("object_bbox"), "object_bbox", where).items():
        if not isinstance(entries, list):
            _fail(f"object_bbox.{name} must be a list of boxes", where)
        if not 1 <= len(canonical(name)) <= _MAX_NAME:
            _fail(
                f"object_bbox: a category's name has 1 to {_MAX_NAME} characters, got {name!r}"[:160], where
            )
        kept = boxes.setdefault(canonical(name), [])
        for number, box in enumerate(entries):
            parsed = _box(box, f"object_bbox.{name}[{number}]", where)
            if parsed in kept:
                repeats += 1
            else:
                kept.append(parsed)
    objects = tuple(
        SceneObject(
            id=f"{category.replace(' ', '-')}-{number}",
            category=category,
            center_m=center,
            extent_m=extent,
            R_world_object=as_mat3(np.reshape(axes, (3, 3)).T),
        )
        for category, kept in boxes.items()
        for number, (center, extent, axes) in enumerate(kept)
    )
    if not objects:
        raise SceneError("a scene with no objects", where=where, fix="leave the scene out of the file")
    doubts = tuple(
        Doubt(category=category, counted=counts.get(category, 0), boxes=len(boxes.get(category, ())))
        for category in sorted({*counts, *boxes})
        if counts.get(category, 0) != len(boxes.get(category, ()))
    )
    return Layout(objects=objects, room_area_m2=area, doubts=doubts, repeats=repeats)


def canonical(name: str) -> str:
    """Category as questions name it; commas and parentheses, which ids may not hold, count as spaces."""
    plain = " ".join(_BETWEEN_WORDS.sub(" ", name).lower().split())
    return ALIASES.get(plain, plain)


def read_visits(path: Path) -> dict[str, str]:
    """ARKitScenes' video ids to visit ids: videos of one visit show the same room.

    Raises:
        SceneError: The file cannot be read or lacks the columns ``video_id`` and ``visit_id``.
    """
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            if not {"video_id", "visit_id"} <= set(reader.fieldnames or ()):
                raise SceneError(
                    "has no columns video_id and visit_id",
                    where=str(path),
                    fix="use 3dod_train_val_splits.csv",
                )
            return {
                row["video_id"]: row["visit_id"] for row in reader if row["visit_id"] not in ("", "NA", None)
            }
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SceneError(f"not a CSV file: {error}", where=str(path)) from None


def _box(box: Any, field: str, where: str) -> tuple[Vec3, Vec3, tuple[float, ...]]:
    data = _mapping(box, field, where)
    center = _numbers(data, "centroid", 3, field, where)
    extent = _numbers(data, "axesLengths", 3, field, where)
    axes = _numbers(data, "normalizedAxes", 9, field, where)
    if min(extent) <= 0:
        _fail(f"{field}.axesLengths must be positive, got {min(extent):g}", where)
    matrix = np.reshape(axes, (3, 3))
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > _ORTHONORMAL:
        _fail(f"{field}.normalizedAxes are not orthonormal rows", where)
    if np.linalg.det(matrix) < 0:
        _fail(f"{field}.normalizedAxes are mirrored (determinant -1)", where)
    return (center[0], center[1], center[2]), (extent[0], extent[1], extent[2]), axes


def _mapping(value: Any, field: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _fail(f"{field} must be a mapping, got {_shown(value)}", where)
    return value


def _number(data: Mapping[str, Any], key: str, where: str) -> float:
    return _finite(data.get(key), key, where)


def _numbers(data: Mapping[str, Any], key: str, count: int, field: str, where: str) -> tuple[float, ...]:
    values = data.get(key)
    if not isinstance(values, list) or len(values) != count:
        _fail(f"{field}.{key} must be a list of {count} numbers, got {_shown(values)}", where)
    return tuple(_finite(value, f"{field}.{key}[{i}]", where) for i, value in enumerate(values))


def _finite(value: Any, field: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _fail(f"{field} must be a finite number, got {_shown(value)}", where)
    return float(value)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return f"a list of {len(value)}" if isinstance(value, list) else f"{value!r}"[:60]


def _fail(what: str, where: str) -> NoReturn:
    raise SceneError(what, where=where, fix=_REPAIR)


def files_below(root: Path) -> Iterator[tuple[str, Path]]:
    """Dataset name and path of each file of this kind right below the root, sorted.

    Raises:
        SceneError: The root is missing or holds no such file.
    """
    if not root.is_dir():
        what = "not a directory" if root.exists() else "no such directory"
        raise SceneError(what, where=str(root), fix="set scenes.root to the directory with *_meta_info.json")
    paths = sorted(root.glob(f"*{SUFFIX}"))
    if not paths:
        raise SceneError(
            f"holds no *{SUFFIX}", where=str(root), fix="set scenes.root to the directory that does"
        )
    for path in paths:
        yield path.name.removesuffix(SUFFIX), path
