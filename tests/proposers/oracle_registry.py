"""Formulas that answer a family's questions without the proposer, the program API or the package's geometry.

A formula is given the question as a solver sees it and the scene, and works from the words::

    @oracle("chair_stack")
    def chair_stack(case: Case) -> Truth:
        a, b = case.named(r"Would the (.+?) fit on the (.+?)\\?", r"On the (.+?), would the (.+?) fit\\?")
        ...

It returns what the program has to give, not rounded: a number in the question's unit, an option's text, True or
False, or the items in order. Modules named ``oracles_*.py`` beside this one are imported by the tests.
"""

from __future__ import annotations

import importlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import lsq_linear

from ouroboros_data.types import CameraFrame, Question, Scene, SceneObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A number that a coarser method can only bound."""

    low: float
    high: float


Truth = float | str | bool | tuple[str, ...] | Within
SHARE = 0.002
"""Share of a frame's pixels from which an object counts as visible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question and its scene."""

    scene: Scene
    question: Question

    @property
    def text(self) -> str:
        return self.question.text

    @property
    def frames(self) -> list[CameraFrame]:
        """The sampled frames, in the question's order."""
        by_id = {frame.id: frame for frame in self.scene.frames}
        return [by_id[name] for name in self.question.frame_ids]

    def named(self, *patterns: str) -> tuple[str, ...]:
        """Groups of the one pattern that occurs in the text (its named groups in the order of their names, if any)."""
        found = [match for pattern in patterns if (match := re.search(pattern, self.text))]
        assert len(found) == 1, (len(found), self.text)
        by_name = found[0].groupdict()
        return tuple(by_name[key] for key in sorted(by_name)) if by_name else found[0].groups()

    def all(self, category: str) -> list[SceneObject]:
        return [o for o in self.scene.objects if o.category == category]

    def one(self, category: str) -> SceneObject:
        (found,) = self.all(category)
        return found

    def shows(self, frame: CameraFrame, o: SceneObject, share: float = SHARE) -> bool:
        return any(view.object_id == o.id and view.pixel_share >= share for view in frame.views)


Formula = Callable[[Case], Truth]
FORMULAS: dict[str, Formula] = {}


def oracle(*question_types: str) -> Callable[[Formula], Formula]:
    """Register a formula for question types."""

    def register(formula: Formula) -> Formula:
        for name in question_types:
            assert name not in FORMULAS, name
            FORMULAS[name] = formula
        return formula

    return register


def load_all() -> dict[str, Formula]:
    """All formulas, from every oracles_*.py."""
    for path in sorted(Path(__file__).parent.glob("oracles_*.py")):
        importlib.import_module(path.stem)
    return FORMULAS


# Arithmetic of boxes, by other means than the package's.


def basis(o: SceneObject) -> npt.NDArray[np.float64]:
    """(3, 3) columns are the half edges in world coordinates."""
    return np.array(o.R_world_object) * (np.array(o.extent_m) / 2)


def corners(o: SceneObject) -> npt.NDArray[np.float64]:
    """(8, 3) in world coordinates."""
    return np.array([o.center_m + basis(o) @ s for s in itertools.product((-1, 1), repeat=3)])


def gap_m(a: SceneObject, b: SceneObject) -> float:
    """Between closest points: a bounded least-squares problem over both boxes."""
    matrix = np.hstack([basis(a), -basis(b)])
    offset = np.array(b.center_m) - np.array(a.center_m)
    solved = lsq_linear(matrix, offset, bounds=(-1, 1), method="bvls", tol=1e-12)
    return float(np.linalg.norm(matrix @ solved.x - offset))


def footprint(o: SceneObject) -> shapely.Polygon:
    """What lies under the box."""
    return shapely.MultiPoint(corners(o)[:, :2]).convex_hull


def plan_gap_m(a: SceneObject, b: SceneObject) -> float:
    """Between footprints."""
    return float(footprint(a).distance(footprint(b)))


def length_width_height(o: SceneObject) -> tuple[float, float, float]:
    """The two lying edges, longer first, and the edge nearest to the vertical."""
    upright = max(range(3), key=lambda k: abs(o.R_world_object[2][k]))
    lying = sorted((o.extent_m[k] for k in range(3) if k != upright), reverse=True)
    return lying[0], lying[1], o.extent_m[upright]


def volume_m3(o: SceneObject) -> float:
    return float(np.prod(o.extent_m))
