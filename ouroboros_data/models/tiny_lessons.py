"""What the tiny solver is told before the loop, about rooms of its own: captions of clips.

Question answering alone teaches a fresh small model next to nothing in the time there is; one caption carries dozens of
supervised tokens where an answer carries one. A caption goes through the things that are visible in alphabetical order,
and each value follows its thing ("chair 2, lamp 3"): so what comes next depends on the pictures, not on a random order,
and the token that the value is predicted from is the word to look for.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ouroboros_data.geometry.boxes import bearing_deg, boxes_of, distances_m
from ouroboros_data.ids import content_hash, rng
from ouroboros_data.plugins import Labelled
from ouroboros_data.types import Question, Scene, SceneObject

VISIBLE = 0.004
"""Share of a frame's pixels from which on a caption names an object."""

Shares = Sequence[Mapping[str, float]]
"""Per frame: object id to share of the pixels."""
Made = tuple[str, str] | None
"""Text of the question and of the caption."""


def clips(scene: Scene, first: tuple[str, ...], count: int, seed: int) -> list[tuple[str, ...]]:
    """``count`` different views of a scene: the frames of ``first``, then one random frame out of each stretch of the video.

    The same few frames again and again are learnt by heart.
    """
    found = {first: None}
    frames = len(first)
    ends = [round(i * len(scene.frames) / frames) for i in range(frames + 1)]
    for turn in range(8 * count):
        if len(found) == count:
            break
        random = rng("clip", seed, scene.id, turn)
        chosen = [int(random.integers(a, b)) for a, b in itertools.pairwise(ends) if a < b]
        found.setdefault(tuple(scene.frames[i].id for i in chosen))
    return list(found)


def lessons(scene: Scene, frame_ids: tuple[str, ...], count: int, seed: int) -> list[Labelled]:
    """``count`` captions about a clip, a mix of all kinds; fewer where it has too little to say."""
    shares = _shares(scene, frame_ids)
    made: dict[str, Labelled] = {}
    for turn in range(count * 3):
        random = rng("lesson", seed, scene.id, frame_ids, turn)
        task = TASKS[int(random.choice(len(TASKS), p=_SHARES))]
        found = _MAKERS[task](scene, shares, random)
        if found is not None:
            text, answer = found
            question = Question(
                id=content_hash("lesson", scene.id, frame_ids, text, answer),
                scene_id=scene.id,
                frame_ids=frame_ids,
                question_type=f"lesson/{task}",
                text=text,
                answer_type="ordering",
            )
            made.setdefault(question.id, Labelled(question=question, answer=answer))
        if len(made) == count:
            break
    return list(made.values())


def _shares(scene: Scene, frame_ids: tuple[str, ...]) -> Shares:
    frames = {frame.id: frame for frame in scene.frames}
    return [{v.object_id: v.pixel_share for v in frames[name].views} for name in frame_ids]


def _seen(scene: Scene, shares: Shares) -> list[SceneObject]:
    return [o for o in scene.objects if any(frame.get(o.id, 0.0) >= VISIBLE for frame in shares)]


def _single(scene: Scene, shares: Shares) -> dict[str, SceneObject]:
    """Visible objects that are the only one of their category, by category."""
    count = Counter(o.category for o in scene.objects)
    return {o.category: o for o in _seen(scene, shares) if count[o.category] == 1}


def _named(scene: Scene, frame: Mapping[str, float]) -> list[str]:
    """Categories that take up enough of a frame, all their instances together."""
    area: Counter[str] = Counter()
    for o in scene.objects:
        area[o.category] += frame.get(o.id, 0.0)  # type: ignore[assignment] # a Counter of floats
    return sorted(name for name, share in area.items() if share >= VISIBLE)


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in sorted(values)) or "nothing"


def _frame(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    number = int(random.integers(len(shares)))
    return f"What is in frame {number + 1}?", ", ".join(_named(scene, shares[number])) or "nothing"


def _first(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    first: dict[str, int] = {}
    for number, frame in enumerate(shares, start=1):
        for name in _named(scene, frame):
            first.setdefault(name, number)
    return "In which frame is each thing first seen?", _listed(first)


def _counts(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    return "How many of each are there?", _listed(Counter(o.category for o in _seen(scene, shares)))


def _sizes(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    sizes = {name: round(10 * max(o.extent_m)) * 10 for name, o in _single(scene, shares).items()}
    return ("How long is each?", _listed(sizes)) if sizes else None


def _distances(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    single = _single(scene, shares)
    if len(single) < 2:
        return None
    anchor = sorted(single)[int(random.integers(len(single)))]
    others = [o for name, o in single.items() if name != anchor]
    gaps = distances_m(boxes_of([single[anchor]] * len(others)), boxes_of(others))
    metres = {o.category: _shortest(round(2 * float(gap)) / 2) for o, gap in zip(others, gaps, strict=True)}
    return f"How far is each from the {anchor}?", _listed(metres)


def _directions(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    single = _single(scene, shares)
    if len(single) < 3:
        return None
    names = sorted(single)
    stand, facing = (names[i] for i in random.permutation(len(names))[:2])
    at = {name: np.array(o.center_m[:2]) for name, o in single.items()}
    where = {
        name: _QUADRANTS[int(float(bearing_deg(at[stand], at[facing], at[name])) // 90) % 4]
        for name in names
        if name not in (stand, facing)
    }
    return f"Standing at the {stand}, facing the {facing}, where is each?", _listed(where)


def _room(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    return "How large is the room?", str(round(scene.room.area_m2))


def _shortest(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


_QUADRANTS = ("front-left", "back-left", "back-right", "front-right")
_MAKERS: Mapping[str, Callable[[Scene, Shares, np.random.Generator], Made]] = {
    "frame": _frame,
    "first": _first,
    "counts": _counts,
    "sizes": _sizes,
    "distances": _distances,
    "directions": _directions,
    "room": _room,
}
TASKS = tuple(_MAKERS)
_SHARES = (0.25, 0.25, 0.2, 0.05, 0.1, 0.1, 0.05)
