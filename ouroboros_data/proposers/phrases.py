"""Typed phrases that compositions are made of: who is meant, which ones, how much.

A phrase has words and program text that mean the same. One is made only where a clear gap decides it, whichever way a careful
person measures: the closest chair leads between closest points and between centres alike, the tallest cabinet both is the
tallest and reaches the highest. Every object that has a say is surely seen in the sampled frames.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from ouroboros_data.english import plural
from ouroboros_data.geometry.boxes import corners
from ouroboros_data.proposers.ask import lit
from ouroboros_data.proposers.figures import SURE_SIGMAS, Figures, central, holds
from ouroboros_data.proposers.view import Array, View
from ouroboros_data.types import Unit

T = TypeVar("T")
End = Literal["", "closest", "farthest", "tallest", "longest"]

LEAD_M = 0.4
"""How far the second candidate has to be behind the first one."""
LEAD_SHARE = 0.15
"""The same as a share of the longer distance: by eye, 5.0 m and 5.4 m are one."""
CLEAR_LEAD_M = 0.9
CENTER_LEAD_M = 0.1
"""And by how much the distances of the centres have to agree."""
TALL_SHARE = 0.15
"""How much of the height of the tallest the second one has to lack."""
TALL_M = 0.12
MOST_ANCHORS = 100
_LONG = frozenset(
    "bed bench bookshelf cabinet counter desk dresser rug shelf sofa table wardrobe whiteboard".split()
)
"""What people call the longest of its kind."""
_NO_HEIGHT = frozenset(
    "bag blanket book carpet cloth clothes cooktop counter cushion keyboard laptop mat mouse paper pillow rug sink stove "
    "towel".split()
)
"""Things that lie or hang as they are left, and such of which scans often have the upper side alone."""
MIN_HEIGHT_M = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A noun phrase that points to one object."""

    text: str
    """With its article: ``the chair that is closest to the tallest cabinet``."""
    code: str
    """An expression of the program API that gives the object."""
    index: int
    hops: int = 0
    """How many choices among several of a kind lead to it."""
    lead_m: float = float("inf")
    """By how much the closest of these choices was decided; distances only."""
    end: End = ""
    """How the last choice was made."""
    names: tuple[str, ...]
    """Categories that the text names, its own first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words for several objects, in the plural and without article: ``chairs``, or ``of the bed, the sofa and the desk``."""

    text: str
    code: str
    """An expression that gives a list of objects."""
    members: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its unit, and the resolution in which it is asked for."""

    code: str
    value: float
    unit: Unit
    step: float
    resolution: str
    """For the text: ``in centimeters, to the nearest 10``."""

    @property
    def result(self) -> str:
        """The program's last line."""
        factor = "100 * " if self.unit == "cm" else ""
        return f'return number({factor}{self.code}, "{self.unit}", {self.step:g})'

    @property
    def stated(self) -> int:
        """The answer in steps, for groups of alike answers."""
        return round(self.value / self.step)


def once(make: Callable[[View], T]) -> Callable[[View], T]:
    """Remembers what a function works out about a view for as long as the view lives."""
    key = f"{make.__module__}.{make.__qualname__}"

    @functools.wraps(make)
    def remembered(view: View) -> T:
        notes = vars(view)
        if key not in notes:
            notes[key] = make(view)
        found: T = notes[key]
        return found

    return remembered


@once
def figures(view: View) -> Figures:
    """Sizes and noise of the scene."""
    return Figures(view)


@once
def apart_m(view: View) -> Array:
    """(objects, objects) distances of the boxes' centres."""
    at = view.boxes.center_m
    distances: Array = np.linalg.norm(at[:, None] - at[None], axis=-1)
    return distances


@once
def heights_m(view: View) -> tuple[Array, Array, Array]:
    """(objects,) own height; (objects,) lowest and (objects,) highest point."""
    points = corners(view.boxes)[..., 2]
    return view.size_m[:, 2], points.min(-1), points.max(-1)


@once
def has_height(view: View) -> npt.NDArray[np.bool_]:
    """(objects,) whether people would agree how tall a thing is: its box stands upright, and its kind stands too."""
    own, low, high = heights_m(view)
    stands = [object_.category.rpartition(" ")[2] not in _NO_HEIGHT for object_ in view.scene.objects]
    found: npt.NDArray[np.bool_] = (high - low <= 1.12 * own) & (own >= MIN_HEIGHT_M) & stands
    return found


@once
def singles(view: View) -> list[Reference]:
    """References to what the scene has one of: the X."""
    return [
        Reference(text=f"the {name}", code=f"only({lit(name)})", index=indices[0], names=(name,))
        for name, indices in view.seen.items()
        if len(indices) == 1
    ]


@once
def groups(view: View) -> list[Group]:
    """All of a kind, of kinds with several instances."""
    return [
        Group(text=plural(name), code=f"objects({lit(name)})", members=tuple(indices), names=(name,))
        for name, indices in view.seen.items()
        if len(indices) > 1
    ]


def row(view: View, indices: Sequence[int]) -> Group:
    """Several objects, each the only one of its kind, by name and in alphabetical order."""
    ordered = sorted(indices, key=view.name)
    names = tuple(view.name(k) for k in ordered)
    return Group(
        text=", ".join(names), code=f"objects({lit(names)[1:-1]})", members=tuple(ordered), names=names
    )


def references(view: View, hops: int) -> list[Reference]:
    """References with so many hops, each decided by a clear gap. None names a category twice.

    All of them up to two hops; of the many with more, those that start from `MOST_ANCHORS` of the next shorter ones.
    """
    levels = _levels(view)
    while len(levels) <= hops:
        anchors = levels[-1][:: 1 + len(levels[-1]) // MOST_ANCHORS] if len(levels) > 2 else levels[-1]
        more = list(_nearest(view, anchors))
        levels.append([*_superlatives(view), *more] if len(levels) == 1 else more)
    return levels[hops]


@once
def _levels(view: View) -> list[list[Reference]]:
    return [singles(view)]


def _superlatives(view: View) -> list[Reference]:
    ends: list[Reference] = []
    for group in groups(view):
        (name,) = group.names
        for end, key in (("tallest", "height"), ("longest", "length")):
            index = tallest(view, group.members) if end == "tallest" else _longest(view, name, group.members)
            if index is not None:
                text, code = f"the {end} {name}", f"max({group.code}, key={key})"
                end_: End = "tallest" if end == "tallest" else "longest"
                ends.append(Reference(text=text, code=code, index=index, hops=1, end=end_, names=group.names))
    return ends


def tallest(view: View, members: Sequence[int]) -> int | None:
    """Which of several objects is the tallest by its own height and reaches the highest; None where that is not clear."""
    best = max(members, key=lambda k: view.size_m[k, 2])
    return best if all(taller(view, best, k) for k in members if k != best) else None


def taller(view: View, a: int, b: int) -> bool:
    """Whether one object is clearly taller than another, and reaches higher."""
    own, _, high = heights_m(view)
    if not (has_height(view)[a] and has_height(view)[b]):
        return False
    sd = figures(view).noise.extent_rel * np.hypot(own[a], own[b])
    lead = max(TALL_M, TALL_SHARE * own[a], SURE_SIGMAS * float(sd))
    return bool(own[a] - own[b] >= lead and high[a] - high[b] >= TALL_M)


def _longest(view: View, name: str, members: Sequence[int]) -> int | None:
    if name.rpartition(" ")[2] not in _LONG:
        return None
    size = view.size_m
    best = max(members, key=lambda k: size[k, 0])
    if size[best, 0] < size[best].max():  # a tall wardrobe: "longest" may mean its height
        return None
    rel = figures(view).noise.extent_rel
    for k in members:
        sd = rel * np.hypot(size[best, 0], size[k].max())
        if k != best and size[best, 0] - size[k].max() < max(
            TALL_SHARE * size[best, 0], SURE_SIGMAS * float(sd)
        ):
            return None
    return best


def _nearest(view: View, anchors: Sequence[Reference]) -> Iterator[Reference]:
    """The X closest to, and the X farthest from, each of the anchors."""
    for anchor in anchors:
        for group in groups(view):
            (name,) = group.names
            if name in anchor.names:
                continue
            ends: tuple[tuple[End, str], ...] = (("closest", "to"), ("farthest", "from"))
            for end, word in ends:
                decided = extreme(view, anchor.index, group.members, farthest=end == "farthest")
                if decided is None:
                    continue
                index, lead_m = decided
                yield Reference(
                    text=f"the {name} that is {end} {word} {anchor.text}",
                    code=f"{end}({anchor.code}, {group.code})",
                    index=index,
                    hops=anchor.hops + 1,
                    lead_m=min(lead_m, anchor.lead_m),
                    end=end,
                    names=(name, *anchor.names),
                )


def extreme(
    view: View, target: int, members: Sequence[int], *, farthest: bool = False
) -> tuple[int, float] | None:
    """The member that is closest to (or farthest from) the target, and its lead in m; None where that is not clear."""
    sign = -1.0 if farthest else 1.0
    ranked = sorted(members, key=lambda k: sign * view.gap_m[target, k])
    first, second = ranked[:2]
    gaps, centers = view.gap_m[target], apart_m(view)[target]
    lead = float(sign * (gaps[second] - gaps[first]))
    needed = max(LEAD_M, LEAD_SHARE * float(max(gaps[first], gaps[second])))
    if lead < needed or any(sign * (centers[k] - centers[first]) < CENTER_LEAD_M for k in ranked[1:]):
        return None
    sure = SURE_SIGMAS * np.hypot(
        figures(view).gap_sd_m(target, first), figures(view).gap_sd_m(target, second)
    )
    return (first, lead) if lead >= sure else None


def closer(view: View, k: int, p: int, q: int) -> bool | None:
    """Whether an object is closer to p than to q, by closest points and by centres; None where that is not clear."""
    by_gap = float(view.gap_m[k, q] - view.gap_m[k, p])
    by_center = float(apart_m(view)[k, q] - apart_m(view)[k, p])
    needed = max(LEAD_M, LEAD_SHARE * float(max(view.gap_m[k, p], view.gap_m[k, q])))
    if abs(by_gap) < needed or abs(by_center) < CENTER_LEAD_M or (by_gap > 0) != (by_center > 0):
        return None
    return by_gap > 0


WIDE = 1.2
"""Figures of one object have to stay within tolerance at this many times the usual noise: there is no lead to make up for it."""
WITHIN_M = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
"""Distances that conditions use."""
WITHIN_MARGIN_M = 0.3


def within(view: View, target: int, members: Sequence[int], limit_m: float) -> list[bool] | None:
    """Which members are within a distance of the target; None where one of them is near the limit."""
    gaps = view.gap_m[target, list(members)]
    margin = max(WITHIN_MARGIN_M, 0.15 * limit_m)
    return None if (np.abs(gaps - limit_m) < margin).any() else (gaps <= limit_m).tolist()


def meters(value: float) -> str:
    """A length in words."""
    return f"{value:g} meter" + ("" if value == 1 else "s")


def distance_between(view: View, a: Reference, b: Reference) -> Quantity | None:
    """Gap between two references in half metres; None where noise or rounding would decide."""
    gap = float(view.gap_m[a.index, b.index])
    if a.index == b.index or not central(gap, 0.5):
        return None
    if not holds(gap, figures(view).gap_sd_m(a.index, b.index), 0.5):
        return None
    return Quantity(
        code="distance(a, b)",
        value=gap,
        unit="m",
        step=0.5,
        resolution="in meters, to the nearest half meter",
    )


def height_of(view: View, a: Reference) -> Quantity | None:
    """Height of a reference in tens or quarters of a metre; None where noise or rounding would decide."""
    height = 100.0 * float(view.size_m[a.index, 2])
    sd = figures(view).noise.extent_rel * height
    for step in (10.0, 20.0, 25.0):
        if has_height(view)[a.index] and central(height, step) and holds(height, WIDE * sd, step):
            resolution = f"in centimeters, to the nearest {step:g}"
            return Quantity(code="height(a)", value=height, unit="cm", step=step, resolution=resolution)
    return None


def mentions(*phrases: Reference | Group) -> tuple[str, ...]:
    """Categories that phrases name, none twice."""
    return tuple(dict.fromkeys(name for phrase in phrases for name in phrase.names))
