"""What the tiny solver is told before the loop, about rooms of its own: captions of frames and of layouts.

Question answering alone teaches a fresh small model next to nothing in the time there is; one caption carries dozens of
supervised tokens where an answer carries one.
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
TASKS = ("frames", "counts", "sizes", "distances", "directions", "order", "room")


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


def naming(scene: Scene, frame_id: str) -> Labelled:
    """Caption of one frame: what it shows, the largest first."""
    area = _by_category(scene, _shares(scene, (frame_id,))[0])
    answer = ", ".join(_largest(area, 5)) or "nothing"
    question = Question(
        id=content_hash("naming", scene.id, frame_id),
        scene_id=scene.id,
        frame_ids=(frame_id,),
        question_type="lesson/names",
        text="What is here?",
        answer_type="ordering",
    )
    return Labelled(question=question, answer=answer)


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


def _by_category(scene: Scene, frame: Mapping[str, float]) -> dict[str, float]:
    category = {o.id: o.category for o in scene.objects}
    area: dict[str, float] = {}
    for name, share in frame.items():
        area[category[name]] = area.get(category[name], 0.0) + share
    return area


def _largest(area: Mapping[str, float], count: int) -> list[str]:
    order = sorted(area.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, share in order if share >= VISIBLE][:count]


def _frames(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    lines = []
    for number, frame in enumerate(shares, start=1):
        lines.append(f"{number} {', '.join(_largest(_by_category(scene, frame), 6)) or 'nothing'}")
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


def _room(scene: Scene, shares: Shares, random: np.random.Generator) -> Made:
    return "How large is the room?", str(round(scene.room.area_m2))


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
    "room": _room,
}
_SHARES = (0.25, 0.2, 0.05, 0.1, 0.05, 0.3, 0.05)
