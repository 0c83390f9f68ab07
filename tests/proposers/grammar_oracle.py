"""Answers by formulas that share nothing with the proposer or the program API, for axis-aligned scenes."""

from __future__ import annotations

import cmath
import math

import grammar_rooms as rooms

from ouroboros_data.plugins import Brief
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.types import Draft, Scene, SceneObject

SHARE = 0.002


def of(made: Scene, category: str) -> list[SceneObject]:
    return [o for o in made.objects if o.category == category]


def plan(o: SceneObject) -> complex:
    return complex(o.center_m[0], o.center_m[1])


def aligned_gap(a: SceneObject, b: SceneObject) -> float:
    between = [
        max(abs(p - q) - (s + t) / 2, 0.0)
        for p, q, s, t in zip(a.center_m, b.center_m, a.extent_m, b.extent_m, strict=True)
    ]
    return math.hypot(*between)


def left_of(ahead: complex, way: complex) -> float:
    """Signed angle from ahead to way in degrees, left positive, in (-180, 180]."""
    return math.degrees(cmath.phase(way / ahead))


def independent(made: Scene, draft: Draft) -> float | str:
    kind, names = draft.question.question_type, draft.mentions
    some = [of(made, name)[0] for name in names]
    if kind == "object_counting":
        return len(of(made, names[0]))
    if kind == "room_size_estimation":
        return made.room.area_m2
    if kind == "object_size_estimation":
        return 100 * max(some[0].extent_m)
    if kind == "object_abs_distance":
        return aligned_gap(*some) * (100 if draft.question.unit == "cm" else 1)
    if kind == "object_rel_distance":
        return min(names[1:], key=lambda name: min(aligned_gap(some[0], o) for o in of(made, name)))
    if kind == "obj_appearance_order":
        first = {
            name: min(
                frame.index
                for frame in made.frames
                for view in frame.views
                if view.pixel_share >= SHARE and view.object_id in {o.id for o in of(made, name)}
            )
            for name in names
        }
        return ", ".join(sorted(names, key=first.__getitem__))
    places = [plan(o) for o in some]
    if kind == "route_planning":
        heading, here, steps = places[1] - places[0], places[0], []
        for stop in places[2:]:
            angle = left_of(heading, stop - here)
            assert abs(angle) > 45
            steps.append("Turn Back" if abs(angle) > 135 else "Turn Left" if angle > 0 else "Turn Right")
            heading, here = stop - here, stop
        return ", ".join(steps)
    angle = left_of(places[1] - places[0], places[2] - places[0])
    side = "left" if angle > 0 else "right"
    if kind == "object_rel_direction_easy":
        return side
    if kind == "object_rel_direction_medium":
        return "back" if abs(angle) > 135 else side
    return f"{'front' if abs(angle) < 90 else 'back'}-{side}"


def brief(count: int = 40, seed: int = 0, iteration: int = 1, **weights: float) -> Brief:
    return Brief(
        iteration=iteration,
        count=count,
        seed=seed,
        weights={k.replace("__", "/"): v for k, v in weights.items()},
    )


def propose(made: Scene, request: Brief, **options: object) -> list[Draft]:
    return list(Grammar(options=options).propose(made, rooms.frame_ids(made), request))
