"""Tables that only some programs read: how boxes lie to each other and to the cameras, and ways on foot.

They are made when a program asks for them, once for a scene and its copies, and kept for the others. A table is plain
data as `prelude_further.py` reads it. Verdicts are marks, "1", "0" and "?"; what is not a number is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry import paths, relations, viewpoint, walls
from ouroboros_data.geometry.boxes import Array, Boxes, pair_indices
from ouroboros_data.geometry.footprints import footprint_areas_m2, footprints_m, horizontal_distances_m
from ouroboros_data.programs.uses import Needs, Pair

HOLDS_OTHERS = frozenset(
    "basin basket bathtub bin bookcase bookshelf box bucket cabinet closet crate cupboard dishwasher drawer dresser "
    "fridge hamper locker microwave nightstand oven refrigerator shelf sink suitcase wardrobe".split()
) | {"trash can", "garbage can"}
"""Categories, or their last words, that hold things: furniture and vessels with an inner space that their box stands for. A box
is not hollow, so what is under a table or behind a chair's legs lies in its box as well, and is not inside it."""
WALKED_THROUGH = frozenset(
    "blinds ceiling curtain door doorframe doorway floor room wall window windowsill".split()
)
"""Categories, or their last words, that are not in a walker's way: openings, what hangs in them, and the room itself."""

CONTACT_M = 0.05
"""Up to here faces of two boxes count as touching, see `relations.rests_on`. It allows for the errors of the annotation."""
SLACK_SIGMAS = 4.0
"""A copy's boxes have the annotation's errors and the noise that was added. Without as much slack for the noise (two
centres, two heights), nine in ten things that rest on others would not do so in some copy, and no label would hold."""

THE_ROOM_ITSELF = frozenset("ceiling floor room wall".split())
"""Categories, or their last words, that stand at no wall."""

_MARKS = np.frombuffer(b"?01", dtype=np.uint8)
_CELL = 16
NO_OUTLINE = "the outline of the floor is not known in this scene"
CROSSED_OUTLINE = "the outline of the floor crosses itself in this scene"
_GREATEST = 9999.0
"""Lengths take 16 characters with 11 decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What the tables are made from, and those that have been made. Copies lead: boxes are (k, n, …)."""

    boxes: Boxes
    gaps_m: Array
    """(k, n(n-1)/2) distances of pairs i < j."""
    outlines_m: tuple[Array, ...]
    """The floor's outline in each copy, (p, 2); (0, 2) where it is not known."""
    poses: Array
    """(f, 4, 4) ``T_world_camera`` of the sampled frames."""
    categories: tuple[str, ...]
    shares: Array
    """(k, f, n) share of each frame's pixels that shows the object; 0 where it does not count as visible."""
    slack_m: float = 0.0
    """How far noise that was added to the boxes may part things that touch, or sink one into the other."""
    made: dict[tuple[str, int], Any] = field(default_factory=dict)

    def of_copy(self, index: int) -> Boxes:
        """Boxes (n, …) of one copy."""
        every = self.boxes
        return Boxes(
            center_m=every.center_m[index], half_m=every.half_m[index], R_world_box=every.R_world_box[index]
        )


def further(measures: Measures, needs: Needs, copy: int) -> dict[str, Any]:
    """The tables that programs need, by name, of one copy.

    Raises:
        SceneError: A length is too great to be written down.
    """
    out: dict[str, Any] = {}
    for name in sorted(needs.tables):
        if name == "ways":
            out |= _ways(measures, needs, copy)
            continue
        if (name, copy) not in measures.made:
            measures.made[name, copy] = _MAKERS[name](measures, copy)
        out[name] = measures.made[name, copy]
        if name == "cameras":
            level = paths.floor_level_m(measures.of_copy(copy))
            out["floor_level"] = None if np.isnan(level) else level
    return out


def cells(values: Array) -> str:
    """Lengths in a row, 16 characters each: cheaper to send than a list.

    Raises:
        SceneError: One of them does not fit.
    """
    flat = values.ravel()
    if flat.size and not np.abs(flat).max() < _GREATEST:
        raise SceneError("objects or cameras are 10 km apart", fix="give the scene in metres")
    return f"%{_CELL}.11f" * flat.size % tuple(flat.tolist())


def ends_in(category: str, words: frozenset[str]) -> bool:
    """Whether the category or its last word is one of these: "shoe cabinet" is a cabinet, "cabinet door" is not."""
    return category in words or category.rpartition(" ")[2] in words


def _ways(measures: Measures, needs: Needs, copy: int) -> dict[str, Any]:
    made = measures.made
    if ("plan", copy) not in made:
        made["plan", copy] = _plan(measures, copy)
    plan = made["plan", copy]
    if isinstance(plan, str):
        return {"floor": plan, "ways": {}}
    ways = made.setdefault(("ways", copy), {})
    for pair in needs.pairs:
        if pair not in ways:
            ways[pair] = _way(plan, pair)
    return {"floor": "", "ways": {f"{i},{j}": ways[i, j] for i, j in sorted(needs.pairs)}}


def _plan(measures: Measures, copy: int) -> paths.FloorPlan | str:
    outline = measures.outlines_m[copy]
    if not len(outline):
        return NO_OUTLINE
    boxes = measures.of_copy(copy)
    blocks = paths.blocks_walking(boxes, floor_z_m=paths.floor_level_m(boxes))
    blocks &= ~np.array([ends_in(c, WALKED_THROUGH) for c in measures.categories], dtype=bool)
    try:
        return paths.floor_plan(boxes, outline, blocks)
    except SceneError:
        return CROSSED_OUTLINE


def _way(plan: paths.FloorPlan, pair: Pair) -> float | str:
    found = paths.way(plan, *pair)
    if np.isinf(found.length_m):
        return "none"
    return found.length_m if all(found.touches) else "far"


def _walls(measures: Measures, copy: int) -> list[float | None] | str:
    """Length of the longest wall and of its longest free stretch, None in doubt; a text where the outline is none."""
    outline = measures.outlines_m[copy]
    if not len(outline):
        return NO_OUTLINE
    boxes = measures.of_copy(copy)
    counts = ~np.array([ends_in(c, THE_ROOM_ITSELF) for c in measures.categories], dtype=bool)
    try:
        free = walls.free_wall_m(boxes, outline, counts, floor_z_m=paths.floor_level_m(boxes))
        return [walls.longest_wall_m(outline), free]
    except SceneError:
        return CROSSED_OUTLINE


def _marks(verdicts: npt.NDArray[np.int8]) -> str:
    return _MARKS[verdicts.ravel().astype(np.intp) + 1].tobytes().decode("ascii")


def _numbers(values: Array) -> list[float | None]:
    return [None if value != value else value for value in values.ravel().tolist()]


def _rows(boxes: Boxes) -> Boxes:
    """(n, 1, …), so that against (n, …) all pairs result."""
    return Boxes(
        center_m=boxes.center_m[:, None], half_m=boxes.half_m[:, None], R_world_box=boxes.R_world_box[:, None]
    )


def _take(boxes: Boxes, index: npt.NDArray[np.intp]) -> Boxes:
    return Boxes(
        center_m=boxes.center_m[index], half_m=boxes.half_m[index], R_world_box=boxes.R_world_box[index]
    )


def _on(measures: Measures, copy: int) -> str:
    if not measures.categories:
        return ""
    contact_m = CONTACT_M + measures.slack_m
    return _marks(relations.supports(measures.of_copy(copy), contact_m=contact_m, sink_m=measures.slack_m))


def _above(measures: Measures, copy: int) -> str:
    n = len(measures.categories)
    first, second = np.divmod(np.arange(n * n), max(n, 1))
    boxes = measures.of_copy(copy)
    contact_m = CONTACT_M + measures.slack_m
    return _marks(relations.above(_take(boxes, first), _take(boxes, second), contact_m=contact_m))


def _inside(measures: Measures, copy: int) -> str:
    """Marks of all pairs, "x" where the second one is no container. Boxes that do not meet are not clipped."""
    n = len(measures.categories)
    holds = np.array([ends_in(c, HOLDS_OTHERS) for c in measures.categories], dtype=bool)
    meet = np.zeros((n, n), dtype=bool)
    first, second = pair_indices(n)
    meet[first, second] = meet[second, first] = measures.gaps_m[copy] <= 0.0
    verdicts = np.zeros((n, n), dtype=np.int8)
    inner, outer = np.nonzero(meet & holds)
    if len(inner):
        boxes = measures.of_copy(copy)
        verdicts[inner, outer] = relations.inside(
            _take(boxes, inner), _take(boxes, outer), stick_out_m=CONTACT_M + measures.slack_m
        )
    marks = np.array(list(_marks(verdicts)), dtype="<U1").reshape(n, n)
    return "".join(np.where(holds, marks, "x").ravel().tolist())


def _horizontal(measures: Measures, copy: int) -> str:
    first, second = pair_indices(len(measures.categories))
    boxes = measures.of_copy(copy)
    return cells(horizontal_distances_m(_take(boxes, first), _take(boxes, second)))


def _in_view(measures: Measures, copy: int) -> list[str]:
    """One text a frame, pairs i < j; frame by frame, for all at once would take much memory."""
    first, second = pair_indices(len(measures.categories))
    boxes = measures.of_copy(copy)
    a, b = _take(boxes, first), _take(boxes, second)
    return [_marks(viewpoint.left_in_view(a, b, pose)) for pose in measures.poses]


def _cameras(measures: Measures, copy: int) -> list[float | None]:
    heading = viewpoint.headings_deg(measures.poses)
    return _numbers(np.concatenate([measures.poses[:, :3, 3], heading[:, None]], -1))


def _one_by_one(make: Callable[[Boxes, Array], Any]) -> Callable[[Measures, int], Any]:
    """A table that takes the boxes (n, …) against the poses (f, 1, 4, 4) of all frames."""
    return lambda measures, copy: make(measures.of_copy(copy), measures.poses[:, None])


_MAKERS: Mapping[str, Callable[[Measures, int], Any]] = {
    "footprints": _one_by_one(lambda boxes, _: footprint_areas_m2(boxes).tolist()),
    "spans": _one_by_one(lambda boxes, _: relations.span_m(boxes, relations.UP).ravel().tolist()),
    "horizontal": _horizontal,
    "walls": _walls,
    "plans": _one_by_one(lambda boxes, _: footprints_m(boxes).ravel().tolist()),
    "on": _on,
    "above": _above,
    "inside": _inside,
    "camera_gaps": _one_by_one(lambda boxes, poses: cells(viewpoint.camera_distances_m(boxes, poses))),
    "azimuths": _one_by_one(lambda boxes, poses: _numbers(viewpoint.azimuths_deg(boxes.center_m, poses))),
    "sides": _one_by_one(lambda boxes, poses: _marks(viewpoint.left_of_camera(boxes, poses))),
    "facing": _one_by_one(lambda boxes, poses: _marks(viewpoint.in_front_of_camera(boxes, poses))),
    "levels": _one_by_one(lambda boxes, poses: _marks(viewpoint.above_camera(boxes, poses))),
    "in_view": _in_view,
    "view_shares": lambda measures, copy: measures.shares[copy].ravel().tolist(),
    "cameras": _cameras,
}
