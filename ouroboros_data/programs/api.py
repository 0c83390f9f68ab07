"""The host's half of the program API: the prelude's text, and the data tables that it reads.

All geometry is computed here, ahead of the programs, and crosses over as plain data: a call from the sandbox
to the host costs more than a whole program, and does not work inside ``sorted(key=…)``.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ouroboros_data.config import NoiseSettings
from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.boxes import Array, Boxes, boxes_of, length_width_height, pair_distances_m
from ouroboros_data.ids import rng
from ouroboros_data.programs import names, uses
from ouroboros_data.programs.measures import SLACK_SIGMAS, Measures, cells, further
from ouroboros_data.programs.names import canonical as canonical
from ouroboros_data.types import CameraFrame, Evidence, Scene

API_VERSION = "3"

FUNCTIONS = (
    *(
        "objects only count categories distance center_distance length width height longest volume room_area "
        "visible_frames first_seen sampled_frames bearing sector closest farthest path_turns number choice "
        "ordering boolean round"
    ).split(),
    *uses.TABLE_OF,
)
"""Names that a program may call besides Python's builtins and ``math``."""

SHARE_NOISE = 0.4
"""Octaves by which a share that programs read moves at most, at 1 × the noise: of two that differ by a factor of 1.75 the
larger one stays the larger."""

Table = list[Any]
"""One copy of a scene's measurements: ``[boxes, gaps, seen, area, further]`` as ``prelude._load`` reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the programs of one scene and one choice of frames may know."""

    ids: tuple[str, ...]
    categories: tuple[str, ...]
    times_s: tuple[float, ...]
    words: str
    """Other words for the categories, as ``prelude._meaning`` reads them."""
    doubtful: tuple[str, ...]
    """Categories that mean the same as another one of the scene."""
    copies: tuple[Table, ...]
    """The fifth part of each is empty; ``given`` fills it."""
    measures: Measures = field(compare=False, repr=False)

    def given(self, sources: Sequence[str], copies: int) -> list[Table]:
        """The first copies, with the further tables that these programs need."""
        needed = uses.needs(sources, self.categories)
        if not needed.tables:
            return list(self.copies[:copies])
        return [
            [*table[:-1], further(self.measures, needed, k)] for k, table in enumerate(self.copies[:copies])
        ]


@functools.cache
def prelude(*, whole: bool = True) -> str:
    """Text that defines the API in the sandbox, without docstrings and comments (they cost a millisecond).

    Args:
        whole: Also the functions that read further tables.
    """
    parts = ("prelude.py", "prelude_answers.py", "prelude_further.py", "prelude_between.py")[
        : 4 if whole else 2
    ]
    files = (Path(__file__).with_name(name) for name in parts)
    tree = ast.parse("".join(path.read_text("utf-8") for path in files))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.Module)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree) + "\n"


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
    boxes = boxes_of(scene.objects)
    one = Boxes(center_m=boxes.center_m[None], half_m=boxes.half_m[None], R_world_box=boxes.R_world_box[None])
    log_shares = _log2_shares(scene, frames)[None]
    return _tables(scene, frames, one, np.ones(1), log_shares, np.exp2(log_shares), min_pixel_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """Directions in which the copies of a scene move, drawn once and used at every multiple."""

    scene: Scene
    frames: tuple[CameraFrame, ...]
    shift: Array
    """(copies, objects, 3) standard normal, like the next three."""
    stretch: Array
    turn: Array
    area: Array
    flicker: Array
    """(copies, frames, objects) uniform in (-1, 1)."""


def draw_jitter(scene: Scene, frame_ids: Sequence[str] | None, copies: int) -> Jitter:
    """Directions that depend on the scene and the number of the copy alone, so all programs meet the same copies.

    Raises:
        SceneError: A frame is not in the scene.
    """
    frames, digest, n = _frames(scene, frame_ids), scene_digest(scene), len(scene.objects)
    streams = [rng("jitter", digest, k) for k in range(copies)]
    at = {frame.id: i for i, frame in enumerate(scene.frames)}
    rows = [at[frame.id] for frame in frames]
    # The order of the draws is part of the results.
    return Jitter(
        scene=scene,
        frames=tuple(frames),
        shift=np.stack([stream.standard_normal((n, 3)) for stream in streams]),
        stretch=np.stack([stream.standard_normal((n, 3)) for stream in streams]),
        turn=np.stack([stream.standard_normal(n) for stream in streams]),
        area=np.array([stream.standard_normal() for stream in streams]),
        flicker=np.stack([stream.uniform(-1.0, 1.0, (len(scene.frames), n))[rows] for stream in streams]),
    )


def jittered_tables(
    jitter: Jitter, *, min_pixel_share: float, noise: NoiseSettings, multiple: float
) -> Tables:
    """Tables of scenes that differ from the annotation by ``multiple`` times its noise.

    Boxes move, scale along their axes and turn about the vertical; the floor scales, with its outline; each pixel share
    is scaled by up to 2 to the power ±``multiple``, so that a view near the threshold comes and goes. What a program reads
    of a share moves by `SHARE_NOISE` of that: how large a thing is in a picture is known better than whether one notices it.
    """
    scene = jitter.scene
    boxes = boxes_of(scene.objects)
    moved = Boxes(
        center_m=boxes.center_m + multiple * noise.center_m * jitter.shift,
        half_m=boxes.half_m * np.maximum(1.0 + multiple * noise.extent_rel * jitter.stretch, 0.1),
        R_world_box=_yaw_matrices(np.radians(multiple * noise.yaw_deg * jitter.turn)) @ boxes.R_world_box,
    )
    areas = np.maximum(1.0 + multiple * noise.area_rel * jitter.area, 0.1)
    annotated = _log2_shares(scene, jitter.frames)
    log_shares = annotated + multiple * jitter.flicker
    shares = np.minimum(np.exp2(annotated + SHARE_NOISE * multiple * jitter.flicker), 1.0)
    slack_m = SLACK_SIGMAS * multiple * noise.center_m
    return _tables(scene, jitter.frames, moved, areas, log_shares, shares, min_pixel_share, slack_m=slack_m)


def evidence_of(packed: Any, scene_tables: Tables) -> Evidence:
    """Turn the indices that the prelude recorded into ids, categories and calls.

    ``calls`` names each distinct call with the objects in their roles, e.g. ``bearing(o3,o5,o7)``; positions of frames
    are marked, as in ``camera_side(@2,o3)``.
    """
    if type(packed) is not list or len(packed) < 2 or packed[0] not in ("ok", "failed"):
        return Evidence()
    touched, calls = packed[-2:]
    ids, categories = scene_tables.ids, scene_tables.categories
    return Evidence(
        object_ids=tuple(ids[i] for i in touched),
        categories=tuple(sorted({categories[i] for i in touched})),
        calls=tuple(
            f"{call[0]}({','.join(i if type(i) is str else ids[i] for i in call[1:])})" for call in calls
        ),
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


def _tables(
    scene: Scene,
    frames: Sequence[CameraFrame],
    boxes: Boxes,
    area_shares: Array,
    log_shares: Array,
    shares: Array,
    min_pixel_share: float,
    *,
    slack_m: float = 0.0,
) -> Tables:
    """One copy per leading index of the arrays; ``area_shares`` are of the annotated floor area.

    ``log_shares`` (k, f, n) decide what is visible; ``shares`` are what programs read of it.
    """
    floor = np.log2(min_pixel_share) if min_pixel_share > 0 else -np.inf
    visible = np.isfinite(log_shares) & (log_shares >= floor)
    bits = np.array([1 << p for p in range(len(frames))], dtype=object)
    numbers = np.concatenate([boxes.center_m, length_width_height(boxes)], axis=-1)
    gaps = pair_distances_m(boxes)
    outline = np.array(scene.room.floor_polygon_m, float).reshape(-1, 2)
    middle = outline.mean(0) if len(outline) else outline
    categories = tuple(canonical(o.category) for o in scene.objects)
    copies = tuple(
        [
            numbers[k].ravel().tolist(),
            cells(gaps[k]),
            [int(total) for total in bits @ visible[k].astype(object)]
            if frames
            else [0] * len(scene.objects),
            float(scene.room.area_m2 * area_shares[k]),
            {},
        ]
        for k in range(len(area_shares))
    )
    words = names.aliases(tuple(sorted(set(categories))))
    return Tables(
        ids=tuple(o.id for o in scene.objects),
        categories=categories,
        times_s=tuple(float(frame.time_s) for frame in frames),
        words="\n".join(f"{word}\t{category}" for word, category in words.items()),
        doubtful=tuple(category for category in sorted(set(categories)) if category in words),
        copies=copies,
        measures=Measures(
            boxes=boxes,
            gaps_m=gaps,
            outlines_m=tuple(middle + np.sqrt(share) * (outline - middle) for share in area_shares),
            poses=np.array([frame.T_world_camera for frame in frames], float).reshape(-1, 4, 4),
            categories=categories,
            slack_m=slack_m,
            shares=np.where(visible, shares, 0.0),
        ),
    )


def _yaw_matrices(yaw_rad: Array) -> Array:
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    out = np.zeros((*yaw_rad.shape, 3, 3))
    out[..., 0, 0], out[..., 0, 1], out[..., 1, 0], out[..., 1, 1], out[..., 2, 2] = c, -s, s, c, 1.0
    return out
