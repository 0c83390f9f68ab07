"""A room drawn around a layout of boxes, and a walk through it that looks at all of them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from ouroboros_data.geometry.boxes import boxes_of, corners
from ouroboros_data.geometry.render import PATTERNS, Pattern, RenderMesh
from ouroboros_data.ids import seed_from
from ouroboros_data.types import SceneObject

Floats = npt.NDArray[np.float64]

_MARGIN_M = 0.12  # between the outermost box and the wall, so that windows show on it
_LEAST_HEIGHT_M = 2.4
# corners() counts the signs of x, y, z in binary.
_BOX_FACES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip
_HUES, _TONES = 30, ((0.80, 0.95), (0.45, 0.92), (0.85, 0.55))
# Of 4,000 salts the one that sets apart best those categories that real rooms hold together (CIELAB distance).
_SALT = "tint-2904"
_UNLABELLED = (0.62, 0.62, 0.62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The room around a layout: upright walls on a convex outline."""

    outline_m: Floats
    """(n, 2), counter-clockwise."""
    floor_m: float
    ceiling_m: float


def estimate_shell(objects: Sequence[SceneObject], area_m2: float) -> Shell:
    """Guess floor, ceiling and walls from the boxes, with the stated floor area where that is possible.

    The outline is the rectangle along the boxes' main heading that holds them all, grown until it has the area.
    Where that rectangle is already too big (rooms with more than four corners), it is their convex hull, grown likewise;
    a hull that is larger than the stated area stays as it is, for walls may not cut through boxes.

    Args:
        objects: At least one.
        area_m2: Stated floor area.
    """
    boxes = boxes_of(objects)
    points = corners(boxes).reshape(-1, 3)
    axes = np.swapaxes(boxes.R_world_box, -1, -2)  # (n, 3 axes, xyz)
    level = np.hypot(axes[..., 0], axes[..., 1])
    angle = np.arctan2(axes[..., 1], axes[..., 0])
    heading = float(np.angle(np.sum(level**4 * boxes.half_m * np.exp(4j * angle)))) / 4
    turn = np.array([[math.cos(heading), -math.sin(heading)], [math.sin(heading), math.cos(heading)]])
    local = points[:, :2] @ turn
    low, high = local.min(0), local.max(0)
    width, depth = high - low
    half_sum = (width + depth) / 2
    grown = (math.sqrt(half_sum**2 + max(0.0, area_m2 - width * depth)) - half_sum) / 2
    margin = max(grown, _MARGIN_M)
    if (width + 2 * _MARGIN_M) * (depth + 2 * _MARGIN_M) <= 1.1 * area_m2:
        low, high = low - margin, high + margin
        outline = np.array([low, (high[0], low[1]), high, (low[0], high[1])]) @ turn.T
    else:
        hull = shapely.MultiPoint(points[:, :2]).convex_hull
        # Sides move outwards alike: area = hull + perimeter * d + (what the mitred corners add) * d².
        wide = hull.buffer(1.0, join_style="mitre").area - hull.area - hull.length
        lack = max(0.0, area_m2 - hull.area)
        grown = (math.sqrt(hull.length**2 + 4 * wide * lack) - hull.length) / (2 * wide)
        hull = hull.buffer(max(grown, _MARGIN_M), join_style="mitre")
        outline = np.asarray(shapely.simplify(hull, 0.05).exterior.coords)[:-1]
    if shapely.Polygon(outline).exterior.is_ccw is False:
        outline = outline[::-1]
    floor = float(points[:, 2].min())
    return Shell(
        outline_m=outline,
        floor_m=floor,
        ceiling_m=max(float(points[:, 2].max()) + 0.1, floor + _LEAST_HEIGHT_M),
    )


def shell_meshes(shell: Shell) -> list[RenderMesh]:
    """Floor, ceiling and walls."""
    n = len(shell.outline_m)
    fan = np.array([(0, i, i + 1) for i in range(1, n - 1)])
    low = np.column_stack([shell.outline_m, np.full(n, shell.floor_m)])
    high = np.column_stack([shell.outline_m, np.full(n, shell.ceiling_m)])
    walls = []
    for i in range(n):
        j = (i + 1) % n
        walls.append(
            RenderMesh(
                vertices_m=np.array([low[i], low[j], high[j], high[i]]),
                faces=np.array([(0, 1, 2), (0, 2, 3)]),
                color=(0.90, 0.89, 0.85),
            )
        )
    floor = RenderMesh(
        vertices_m=low,
        faces=fan,
        color=(0.74, 0.66, 0.55),
        pattern="stripes",
        pattern_scale_m=0.25,
        pattern_contrast=0.12,
    )
    return [floor, RenderMesh(vertices_m=high, faces=fan, color=(0.97, 0.97, 0.97)), *walls]


def box_meshes(objects: Sequence[SceneObject], labelled: Sequence[bool]) -> list[RenderMesh]:
    """One solid per object, tinted by category; grey and without id where it is not labelled."""
    points = corners(boxes_of(objects))
    meshes = []
    for record, vertices, known in zip(objects, points, labelled, strict=True):
        color, pattern = tint(record.category) if known else (_UNLABELLED, PATTERNS[0])
        meshes.append(
            RenderMesh(
                vertices_m=vertices,
                faces=_BOX_FACES,
                color=color,
                pattern=pattern,
                pattern_scale_m=float(np.clip(max(record.extent_m) / 8, 0.04, 0.15)),
                object_id=record.id if known else None,
            )
        )
    return meshes


def tint(category: str) -> tuple[tuple[float, float, float], Pattern]:
    """Colour and pattern of a category, from its name alone: the same in every scene."""
    code = seed_from(_SALT, category)
    code, hue = divmod(code, _HUES)
    code, tone = divmod(code, len(_TONES))
    saturation, value = _TONES[tone]
    return colorsys.hsv_to_rgb(hue / _HUES, saturation, value), PATTERNS[code % len(PATTERNS)]
