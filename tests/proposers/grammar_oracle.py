"""Drafts of VSI-Bench's types on scenes made by hand, and formulas for axis-aligned ones."""

from __future__ import annotations

import cmath
import math

import grammar_rooms as rooms
from oracle_registry import Case, load_all

from ouroboros_data.plugins import Brief
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.types import Draft, Scene, SceneObject

SHARE = 0.002
VSI = tuple(
    f"{name}/*" for name, family in FAMILIES.items() if family.group == "vsi" and "choice" not in name
)


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
    """What the registered formula reads off the question's text."""
    truth = load_all()[draft.question.question_type](Case(scene=made, question=draft.question))
    assert isinstance(truth, int | float | str)
    return truth


def brief(count: int = 40, seed: int = 0, iteration: int = 1, **weights: float) -> Brief:
    return Brief(
        iteration=iteration,
        count=count,
        seed=seed,
        weights={k.replace("__", "/"): v for k, v in weights.items()},
    )


def propose(made: Scene, request: Brief, **options: object) -> list[Draft]:
    options = {"include": VSI, **options}
    return list(Grammar(options=options).propose(made, rooms.frame_ids(made), request))
