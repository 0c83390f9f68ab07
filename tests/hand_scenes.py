"""A room whose every measure can be worked out on paper, and drafts about it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ouroboros_data.types import (
    CameraFrame,
    Draft,
    ObjectView,
    Program,
    Question,
    Room,
    Scene,
    SceneObject,
)

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
POSE = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
SHARE = 0.002


def yaw(degrees: float):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))


def box(object_id, category, center, extent, rotation=IDENTITY) -> SceneObject:
    return SceneObject(
        id=object_id, category=category, center_m=center, extent_m=extent, R_world_object=rotation
    )


def frame(i: int, shows: dict[str, float]) -> CameraFrame:
    return CameraFrame(
        id=f"f{i}",
        index=12 * i,
        time_s=0.5 * i,
        size_px=(64, 48),
        K_px=IDENTITY,
        T_world_camera=POSE,
        views=tuple(ObjectView(object_id=o, pixel_share=s) for o, s in shows.items()),
    )


def room() -> Scene:
    """Seen from above, x to the right, y up; all heights from the floor.

    A table at the origin, a chair to its east (gap 0.75 m) and one to its north (gap 2.25 m), a tv to its south
    (gap 2.4 m), a trash bin to its north-east, a lamp on the table, a sofa that no frame shows.
    """
    return Scene(
        id="room",
        source="hand",
        space_id="room",
        license="CC0",
        frames_origin="rendered",
        room=Room(area_m2=24.04),
        objects=(
            box("t", "table", (0.0, 0.0, 0.5), (2.0, 1.0, 1.0)),
            box("c1", "chair", (2.0, 0.0, 0.5), (0.5, 0.5, 1.0)),
            box("c2", "chair", (0.0, 3.0, 0.5), (0.5, 0.5, 1.0)),
            box("v", "tv", (0.0, -3.0, 0.5), (1.0, 0.2, 0.6)),
            box("b", "trash bin", (2.0, 3.0, 0.2), (0.3, 0.3, 0.4)),
            box("l", "lamp", (-0.5, 0.0, 1.2), (0.2, 0.2, 0.4)),
            box("s", "sofa", (-4.0, 0.0, 0.4), (2.0, 0.9, 0.8), yaw(90)),
        ),
        frames=(
            frame(0, {"t": 0.2, "c1": 0.02}),
            frame(1, {"c2": 0.03, "l": 0.03}),
            frame(2, {"v": 0.03, "b": 0.03}),
            frame(3, {"t": 0.1}),
        ),
    )


FRAMES = ("f0", "f1", "f2", "f3")


def draft(
    text: str,
    body: str,
    *,
    mentions: Sequence[str],
    answer_type: str = "number",
    unit: str | None = "m",
    options: Sequence[str] = (),
    kind: str = "object_abs_distance",
    frames: tuple[str, ...] = FRAMES,
    scene_id: str = "room",
    api_version: str = "3",
) -> Draft:
    """A draft whose program has ``body`` as its indented lines."""
    source = "def answer():\n" + "\n".join("    " + line for line in body.splitlines()) + "\n"
    return Draft(
        question=Question(
            id=f"q-{text}-{body}",
            scene_id=scene_id,
            frame_ids=frames,
            question_type=kind,
            text=text,
            answer_type=answer_type,
            options=tuple(options),
            unit=unit if answer_type == "number" else None,
        ),
        program=Program(source=source, api_version=api_version),
        bin=f"{kind}/near",
        mentions=tuple(mentions),
        proposer="test 1",
        seed=1,
    )
