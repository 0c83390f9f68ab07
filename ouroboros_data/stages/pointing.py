"""Whether "the X" points at one of several X."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from ouroboros_data.english import namings
from ouroboros_data.geometry import relations
from ouroboros_data.geometry.between import between
from ouroboros_data.geometry.boxes import Boxes, boxes_of
from ouroboros_data.programs import api
from ouroboros_data.types import Evidence, Scene

# What makes "the chair …" point at one of several chairs.
_SPECIFIER = r"(?!\s+(?:that|which|who|whose|closest|nearest|farthest|furthest|with|seen|first|last)\b)"
# "The lamp on the desk" does, where the program looked for it among all lamps; "is the lamp on the desk" does not. By
# word: the calls that look, and where in their arguments the lamps stand.
_PLACES: dict[str, dict[str, slice]] = {
    "on": {"on": slice(1, None), "supports": slice(1, 2)},
    "in": {"inside": slice(0, 1), "contents": slice(1, None)},
    "inside": {"inside": slice(0, 1), "contents": slice(1, None)},
    "between": {"between": slice(0, 1)},
    "above": {"above": slice(0, 1)},
    "below": {"above": slice(1, 2)},
    "under": {"above": slice(1, 2)},
}
_PLACE = re.compile(rf"\s+({'|'.join(_PLACES)})\s+the\b")
_VERB = re.compile(r"\b(?:is|are|was|were|does|do|did|can|could|would|will|has|have|if|whether)\s+the\s+$")


def definite(name: str, text: str, categories: Iterable[str], places: Collection[str]) -> bool:
    """Whether the text says 'the <name>' in the singular, with nothing behind that singles one out.

    Args:
        name: A category.
        text: Lower case.
        categories: All names that count.
        places: From `places_asked`.
    """
    for _, spelling, match in namings(text, categories):
        before, after = text[: match.start()], text[match.end() :]
        if spelling != name or after[:3] == "(s)":
            continue
        if re.search(r"\bthe\s+$", before) and re.match(_SPECIFIER, after):
            place = _PLACE.match(after)
            if place is None or place[1] not in places or _VERB.search(before):
                return True
    return False


def places_asked(name: str, scene: Scene, evidence: Evidence) -> frozenset[str]:
    """Words of place by which a program singled out one object of a category.

    It looked at all of them beside the same things, and only one is there: with two lamps on the desk, "the lamp on the
    desk" is nobody's.
    """
    index = {o.id: i for i, o in enumerate(scene.objects)}
    every = {o.id for o in scene.objects if api.canonical(o.category) == name}
    found = set()
    for word, functions in _PLACES.items():
        looked: defaultdict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
        for call in evidence.calls:
            function, _, arguments = call.rstrip(")").partition("(")
            if function in functions:
                roles = arguments.split(",")
                at = set(roles[functions[function]])
                looked[word, tuple(role for role in roles if role not in at)] |= at
        for (_, beside), seen in looked.items():
            if (
                every <= seen
                and _how_many(word, scene, [index[i] for i in sorted(every)], [index[i] for i in beside]) == 1
            ):
                found.add(word)
    return frozenset(found)


def _how_many(word: str, scene: Scene, those: Sequence[int], beside: Sequence[int]) -> int:
    """How many of some objects are, or may be, where a word of place says."""
    boxes = boxes_of(scene.objects)
    them = _some(boxes, those)
    if word == "between":
        if len(beside) != 2:
            return 0
        verdicts = between(them, *(_some(boxes, [k]) for k in beside))
    elif len(beside) != 1:
        return 0
    elif word == "on":
        verdicts = relations.supports(boxes)[list(those), beside[0]]
    elif word in ("in", "inside"):
        verdicts = relations.inside(them, _some(boxes, beside))
    elif word == "above":
        verdicts = relations.above(them, _some(boxes, beside))
    else:
        verdicts = relations.above(_some(boxes, beside), them)
    return int((verdicts != relations.NO).sum())


def _some(boxes: Boxes, index: Sequence[int]) -> Boxes:
    rows = list(index)
    return Boxes(
        center_m=boxes.center_m[rows], half_m=boxes.half_m[rows], R_world_box=boxes.R_world_box[rows]
    )
