"""A scene as a few lines of text: what a question may name, how many there are, sizes and places."""

from __future__ import annotations

from collections.abc import Iterable

from ouroboros_data.feedback import estimate_tokens
from ouroboros_data.programs.names import canonical
from ouroboros_data.proposers.view import View
from ouroboros_data.types import SceneObject


def describe(view: View, frame_ids: tuple[str, ...], *, budget_tokens: int) -> str:
    """The scene as seen in some of its frames.

    Only what the frames show surely is in it: a question about anything else could not be answered. Unique categories
    come first; what does not fit into the budget is left out, and the last line says so.

    Args:
        view: The scene.
        frame_ids: The frames.
        budget_tokens: Upper limit for `ouroboros_data.feedback.estimate_tokens`, but the head is always there.
    """
    scene = view.scene
    single = {name: indices for name, indices in view.seen.items() if len(indices) == 1}
    several = {name: indices for name, indices in view.seen.items() if len(indices) > 1}
    times = {frame.id: frame.time_s for frame in scene.frames}
    span_s = times[frame_ids[-1]] - times[frame_ids[0]] if frame_ids else 0.0
    head = [
        f"SCENE. Floor area {scene.room.area_m2:.0f} m2. {len(frame_ids)} frames over {span_s:.0f} s.",
        f'One of each, say "the X": {", ".join(single) or "nothing"}.',
        f'Several, never say "the X" of them: {", ".join(f"{name} x{len(i)}" for name, i in several.items()) or "nothing"}.',
        "Nothing else can be asked about. Length x width x height, and where the middle is (x, y, z), in metres:",
    ]
    rows = [
        _line(canonical(name), scene.objects[index], view.size_m[index])
        for indices in (single, several)
        for name, members in indices.items()
        for index in members
    ]
    kept = _fitting(head, rows, budget_tokens)
    if kept < len(rows):
        rows = [*rows[:kept], f"and {len(rows) - kept} more"]
    return "\n".join([*head, *rows])


def _line(name: str, item: SceneObject, size_m: Iterable[float]) -> str:
    size = "x".join(f"{value:.1f}" for value in size_m)
    place = ", ".join(f"{value + 0.0:.1f}" for value in item.center_m)
    return f"{name} {size} at {place}"


def _fitting(head: list[str], rows: list[str], budget_tokens: int) -> int:
    spent = estimate_tokens("\n".join(head)) + 8
    for kept, row in enumerate(rows):
        spent += estimate_tokens(row) + 1
        if spent > budget_tokens:
            return kept
    return len(rows)
