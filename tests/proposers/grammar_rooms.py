"""Scenes made by hand for the grammar's tests: boxes at chosen places, pixel shares at choice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ouroboros_data.ids import rng
from ouroboros_data.types import CameraFrame, ObjectView, Room, Scene, SceneObject

SINGLES = (
    "bed", "sofa", "desk", "refrigerator", "trash bin", "lamp", "plant", "tv", "nightstand", "backpack",
    "door", "stove", "mirror", "guitar", "clock", "printer",
)  # fmt: skip
GROUPS = ("chair", "pillow", "monitor", "shelf", "picture")
FRAMES = 6

Spot = tuple[str, tuple[float, float, float], tuple[float, float, float], float]
"""Category, centre, extents, yaw in degrees."""


def scene(
    spots: Sequence[Spot],
    shares: Sequence[Sequence[float]] | None = None,
    *,
    area_m2: float = 20.2,
    name: str = "made",
) -> Scene:
    """A scene of boxes; ``shares``: per object, the share of each frame (0 = not shown; default large throughout)."""
    objects = tuple(
        SceneObject(id=f"o{n}", category=category, center_m=center, extent_m=extent, R_world_object=_yaw(yaw))
        for n, (category, center, extent, yaw) in enumerate(spots)
    )
    table = shares or [[0.05] * FRAMES] * len(objects)
    frames = tuple(
        CameraFrame(
            id=f"f{k}",
            index=4 * k,
            time_s=2.0 * k,
            size_px=(64, 48),
            K_px=((40.0, 0.0, 32.0), (0.0, 40.0, 24.0), (0.0, 0.0, 1.0)),
            T_world_camera=(
                (1.0, 0.0, 0.0, 0.0),
                (0.0, 0.0, 1.0, 0.0),
                (0.0, -1.0, 0.0, 1.5),
                (0.0, 0.0, 0.0, 1.0),
            ),
            views=tuple(
                ObjectView(object_id=o.id, pixel_share=row[k])
                for o, row in zip(objects, table, strict=True)
                if row[k]
            ),
        )
        for k in range(len(table[0]) if table else FRAMES)
    )
    return Scene(
        id=name,
        source="made",
        space_id=name,
        license="CC0-1.0",
        frames_origin="rendered",
        room=Room(area_m2=area_m2),
        objects=objects,
        frames=frames,
    )


def frame_ids(made: Scene) -> tuple[str, ...]:
    """All frames of a scene."""
    return tuple(frame.id for frame in made.frames)


def random_scene(
    seed: int, *, singles: int = 12, groups: int = 3, side_m: float = 7.0, turned: bool = True
) -> Scene:
    """Boxes strewn over a floor: no room to live in, but every kind of question can be asked of it."""
    dice = rng("made room", seed)
    names = [SINGLES[k] for k in dice.permutation(len(SINGLES))[:singles]]
    for k in dice.permutation(len(GROUPS))[:groups].tolist():
        names += [GROUPS[k]] * int(dice.integers(2, 7))
    spots, shares = [], []
    for name in names:
        extent = tuple(float(v) for v in dice.uniform(0.2, 1.2, 3).round(3))
        x, y = (float(v) for v in dice.uniform(0.0, side_m, 2).round(3))
        spots.append((name, (x, y, extent[2] / 2), extent, float(dice.uniform(0.0, 360.0)) * turned))
        first = int(dice.integers(FRAMES))
        size = float(dice.choice([0.001, 0.006, 0.01, 0.03, 0.06], p=[0.04, 0.24, 0.24, 0.24, 0.24]))
        shares.append([0.0 if k < first else size for k in range(FRAMES)])
    return scene(spots, shares, area_m2=float(dice.uniform(8.0, 60.0)), name=f"random-{seed}-{turned}")


def _yaw(degrees: float) -> tuple[tuple[float, float, float], ...]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))
