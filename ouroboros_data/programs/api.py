"""The host's half of the program API: the prelude's text, and the data tables that it reads.

All geometry is computed here, ahead of the programs, and crosses over as plain data: a call from the sandbox
to the host costs more than a whole program, and does not work inside ``sorted(key=…)``.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ouroboros_data.config import NoiseSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.boxes import Array, Boxes, boxes_of, length_width_height, pair_distances_m
from ouroboros_data.ids import content_hash, rng
from ouroboros_data.types import CameraFrame, Evidence, Scene

API_VERSION = "1"

FUNCTIONS = (
    "objects only count categories distance center_distance length width height longest volume room_area "
    "visible_frames first_seen sampled_frames bearing sector closest farthest path_turns number choice "
    "ordering boolean round"
).split()
"""Names that a program may call besides Python's builtins and ``math``."""

Table = list[Any]
"""One copy of a scene's measurements: ``[boxes, gaps, seen, area]`` as ``prelude._load`` reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the programs of one scene and one choice of frames may know."""

    ids: tuple[str, ...]
    categories: tuple[str, ...]
    times_s: tuple[float, ...]
    copies: tuple[Table, ...]


@functools.cache
def prelude() -> str:
    """Text that defines the API in the sandbox, without docstrings and comments (they cost a millisecond)."""
    tree = ast.parse(Path(__file__).with_name("prelude.py").read_text("utf-8"))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.Module)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree) + "\n"


@functools.cache
def api_digest() -> str:
    """Changes whenever what programs compute may change."""
    return content_hash("program api", API_VERSION, prelude())


def canonical(category: str) -> str:
    """The spelling under which categories are compared: lower case, single spaces, no underscores."""
    return " ".join(category.lower().replace("_", " ").split())


def tables(scene: Scene, frame_ids: Sequence[str] | None, min_pixel_share: float) -> Tables:
    """Tables of the scene as it is annotated.

    Args:
        scene: Any scene.
        frame_ids: The question's sampled frames; None means all of them.
        min_pixel_share: From this share on an object counts as visible in a frame.

    Raises:
        SceneError: A frame is not in the scene.
    """
    frames = _frames(scene, frame_ids)
    log_shares = _log2_shares(scene, frames)
    boxes = boxes_of(scene.objects)
    seen = _seen(log_shares, min_pixel_share)
    return _tables(scene, frames, [_table(boxes, seen, scene.room.area_m2)])


def jittered_tables(
    scene: Scene,
    frame_ids: Sequence[str] | None,
    min_pixel_share: float,
    *,
    noise: NoiseSettings,
    multiple: float,
    copies: int,
) -> Tables:
    """Tables of ``copies`` scenes that differ from the annotation by ``multiple`` times its noise.

    Copy k moves in the same direction at every multiple, and the direction depends on the scene and k alone,
    so all programs meet the same copies. Boxes move, scale along their axes and turn about the vertical; the
    room scales; each pixel share is scaled by up to 2 to the power ±``multiple``, so that a view near the
    threshold comes and goes.
    """
    frames = _frames(scene, frame_ids)
    log_shares = _log2_shares(scene, frames)
    boxes, digest, n = boxes_of(scene.objects), scene_digest(scene), len(scene.objects)
    directions = [rng("jitter", digest, k) for k in range(copies)]
    # One draw per copy for every quantity, in this order; shares last, as the frames vary from question to
    # question.
    shift = np.stack([d.standard_normal((n, 3)) for d in directions])
    stretch = np.stack([d.standard_normal((n, 3)) for d in directions])
    turn = np.stack([d.standard_normal(n) for d in directions])
    area = np.array([d.standard_normal() for d in directions])
    all_flicker = [d.uniform(-1.0, 1.0, (len(scene.frames), n)) for d in directions]
    at = {frame.id: i for i, frame in enumerate(scene.frames)}
    rows = [at[frame.id] for frame in frames]
    yaw = np.radians(multiple * noise.yaw_deg * turn)
    moved = Boxes(
        center_m=boxes.center_m + multiple * noise.center_m * shift,
        half_m=boxes.half_m * np.maximum(1.0 + multiple * noise.extent_rel * stretch, 0.1),
        R_world_box=_yaw_matrices(yaw) @ boxes.R_world_box,
    )
    areas = scene.room.area_m2 * np.maximum(1.0 + multiple * noise.area_rel * area, 0.1)
    gaps = pair_distances_m(moved)
    out = []
    for k in range(copies):
        seen = _seen(log_shares + multiple * all_flicker[k][rows], min_pixel_share)
        copy = Boxes(center_m=moved.center_m[k], half_m=moved.half_m[k], R_world_box=moved.R_world_box[k])
        out.append(_table(copy, seen, float(areas[k]), gaps[k]))
    return _tables(scene, frames, out)


def evidence_of(packed: Any, scene_tables: Tables) -> Evidence:
    """Turn the indices that the prelude recorded into ids, categories and calls.

    ``calls`` names each distinct call with the objects in their roles, e.g. ``bearing(o3,o5,o7)``.
    """
    if type(packed) is not list or len(packed) < 2 or packed[0] not in ("ok", "failed"):
        return Evidence()
    touched, calls = packed[-2:]
    ids, names = scene_tables.ids, scene_tables.categories
    return Evidence(
        object_ids=tuple(ids[i] for i in touched),
        categories=tuple(sorted({names[i] for i in touched})),
        calls=tuple(f"{call[0]}({','.join(ids[i] for i in call[1:])})" for call in calls),
    )


def _frames(scene: Scene, frame_ids: Sequence[str] | None) -> list[CameraFrame]:
    if frame_ids is None:
        return list(scene.frames)
    by_id = {frame.id: frame for frame in scene.frames}
    for frame_id in frame_ids:
        if frame_id not in by_id:
            raise SceneError(f"no frame {frame_id!r}", where=scene.id, fix="use ids of scene.frames")
    return [by_id[frame_id] for frame_id in frame_ids]


def _log2_shares(scene: Scene, frames: Sequence[CameraFrame]) -> Array:
    """(frames, objects) log2 of the pixel share; -inf where the frame does not show the object."""
    index = {o.id: i for i, o in enumerate(scene.objects)}
    shares = np.zeros((len(frames), len(scene.objects)))
    for row, frame in zip(shares, frames, strict=True):
        for view in frame.views:
            if view.object_id in index:
                row[index[view.object_id]] = view.pixel_share
    with np.errstate(divide="ignore"):
        logs: Array = np.log2(shares)
    return logs


def _seen(log_shares: Array, min_pixel_share: float) -> list[int]:
    floor = np.log2(min_pixel_share) if min_pixel_share > 0 else -np.inf
    visible: npt.NDArray[np.bool_] = np.isfinite(log_shares) & (log_shares >= floor)
    return [sum(1 << int(p) for p in np.flatnonzero(column)) for column in visible.T]


def _table(boxes: Boxes, seen: list[int], area_m2: float, gaps_m: Array | None = None) -> Table:
    numbers = np.concatenate([boxes.center_m, length_width_height(boxes)], axis=1)
    gaps = pair_distances_m(boxes) if gaps_m is None else gaps_m
    return [numbers.ravel().tolist(), ("%16.11f" * len(gaps)) % tuple(gaps.tolist()), seen, float(area_m2)]


def _tables(scene: Scene, frames: Sequence[CameraFrame], copies: list[Table]) -> Tables:
    return Tables(
        ids=tuple(o.id for o in scene.objects),
        categories=tuple(canonical(o.category) for o in scene.objects),
        times_s=tuple(float(frame.time_s) for frame in frames),
        copies=tuple(copies),
    )


def _yaw_matrices(yaw_rad: Array) -> Array:
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    out = np.zeros((*yaw_rad.shape, 3, 3))
    out[..., 0, 0], out[..., 0, 1], out[..., 1, 0], out[..., 1, 1], out[..., 2, 2] = c, -s, s, c, 1.0
    return out
