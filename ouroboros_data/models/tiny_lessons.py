"""What the tiny solver is told before the loop, about rooms of its own: captions of frames and of layouts.

Question answering alone teaches a fresh small model next to nothing in the time there is; one caption carries dozens of
supervised tokens where an answer carries one (measured; see docs/tiny-solver.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ouroboros_data.geometry.boxes import bearing_deg, boxes_of, distances_m
from ouroboros_data.ids import content_hash, rng
from ouroboros_data.plugins import Labelled
from ouroboros_data.types import Question, Scene, SceneObject

VISIBLE = 0.004
"""Share of a frame's pixels from which on a caption names an object."""
TASKS = ("frames", "counts", "sizes", "distances", "directions", "order", "where")


def lessons(scene: Scene, frame_ids: tuple[str, ...], count: int, seed: int) -> list[Labelled]:
    """``count`` captions about a scene, a mix of all kinds; fewer where the scene has too little to say."""
    made: dict[str, Labelled] = {}
    for turn in range(count * 3):
        random = rng("lesson", seed, scene.id, turn)
        task = TASKS[int(random.choice(len(TASKS), p=_SHARES))]
        found = _MAKERS[task](scene, _shares(scene, frame_ids), random)
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


Shares = Sequence[Mapping[str, float]]
"""Per frame: object id to share of the pixels."""
Made = tuple[str, str] | None


def _shares(scene: Scene, frame_ids: tuple[str, ...]) -> Shares:
    frames = {frame.id: frame for frame in scene.frames}
    return [{v.object_id: v.pixel_share for v in frames[name].views} for name in frame_ids]


def _seen(scene: Scene, shares: Shares) -> list[SceneObject]:
    return [o for o in scene.objects if any(frame.get(o.id, 0.0) >= VISIBLE for frame in shares)]


def _single(scene: Scene, shares: Shares) -> list[SceneObject]:
    count = Counter(o.category for o in scene.objects)
    return [o for o in _seen(scene, shares) if count[o.category] == 1]


def _frames(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    category = {o.id: o.category for o in scene.objects}
    lines = []
    for number, frame in enumerate(shares, start=1):
        area: Counter[str] = Counter()
        for name, share in frame.items():
            area[category[name]] += share  # type: ignore[assignment]
        named = [
            c for c, share in sorted(area.items(), key=lambda item: (-item[1], item[0])) if share >= VISIBLE
        ]
        lines.append(f"{number} {', '.join(named[:6]) or 'nothing'}")
    return "What is in each frame?", "; ".join(lines)


def _counts(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    count = Counter(o.category for o in _seen(scene, shares))
    listed = sorted(count.items(), key=lambda item: (-item[1], item[0]))
    return "How many of each are there?", ", ".join(f"{n} {c}" for c, n in listed[:14]) or "nothing"


def _sizes(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    chosen = _pick(_single(scene, shares), 6, random)
    if not chosen:
        return None
    names = ", ".join(o.category for o in chosen)
    return f"How long are {names}?", ", ".join(f"{round(10 * max(o.extent_m)) * 10}" for o in chosen)


def _distances(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    chosen = _pick(_single(scene, shares), 6, random)
    if len(chosen) < 2:
        return None
    others = chosen[1:]
    gaps = distances_m(boxes_of(chosen[:1] * len(others)), boxes_of(others))
    names = ", ".join(o.category for o in chosen[1:])
    rounded = ", ".join(_shortest(np.round(2 * gap) / 2) for gap in gaps)
    return f"How far from the {chosen[0].category} are {names}?", rounded


def _directions(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    chosen = _pick(_single(scene, shares), 6, random)
    if len(chosen) < 3:
        return None
    stand, facing, *targets = [np.array(o.center_m[:2]) for o in chosen]
    angles = [float(bearing_deg(stand, facing, target)) for target in targets]
    names = ", ".join(o.category for o in chosen[2:])
    words = ", ".join(_QUADRANTS[int(angle // 90) % 4] for angle in angles)
    return f"Standing at the {chosen[0].category}, facing the {chosen[1].category}, where are {names}?", words


def _order(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    first: dict[str, int] = {}
    category = {o.id: o.category for o in scene.objects}
    for number, frame in enumerate(shares, start=1):
        for name, share in frame.items():
            if share >= VISIBLE:
                first.setdefault(category[name], number)
    chosen = [c for c in random.permutation(sorted(first)).tolist()[:6]]
    if len(chosen) < 2:
        return None
    return f"In which frame is first {', '.join(chosen)}?", ", ".join(str(first[c]) for c in chosen)


def _where(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    number = int(random.integers(len(shares)))
    category = {o.id: o.category for o in scene.objects}
    parts = []
    seen = sorted(shares[number].items(), key=lambda item: (-item[1], item[0]))
    for name, share in seen[:6]:
        if share >= VISIBLE:
            parts.append(category[name])
    return (f"What is in frame {number + 1}?", ", ".join(parts)) if parts else None


def _pick(objects: list[SceneObject], count: int, random: np.random.Generator) -> list[SceneObject]:
    return [objects[i] for i in random.permutation(len(objects))[:count]]


def _shortest(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


_QUADRANTS = ("front-left", "back-left", "back-right", "front-right")
_MAKERS = {
    "frames": _frames,
    "counts": _counts,
    "sizes": _sizes,
    "distances": _distances,
    "directions": _directions,
    "order": _order,
    "where": _where,
}
_SHARES = (0.3, 0.15, 0.1, 0.15, 0.1, 0.15, 0.05)
