"""Finished examples for a prompt: what the grammar asks of made-up rooms, in the form of a reply."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ouroboros_data.ids import rng
from ouroboros_data.plugins import Brief
from ouroboros_data.proposers.grammar import Drawn, Grammar
from ouroboros_data.proposers.llm import brief as briefs
from ouroboros_data.proposers.llm.rooms import MOST_FRAMES, ROOMS, room
from ouroboros_data.types import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """A brief and the reply that it should get."""

    brief: str
    reply: str
    drawn: Drawn
    scene: Scene


class Exemplars:
    """Draws exemplars. The same seed gives the same ones."""

    def __init__(self, grammar: Grammar, bins: Sequence[str], frames: int = 8) -> None:
        """Remember which bins there are; nothing is drawn yet.

        Args:
            grammar: Draws them.
            bins: Of the grammar.
            frames: How many frames their rooms show: as many as the scene, so that "the last frame" is the same one.
        """
        self._grammar, self._bins = grammar, tuple(bins)
        self._frames = min(max(frames, 1), MOST_FRAMES)
        self._of = functools.lru_cache(maxsize=4096)(self._of_room)

    def several(self, count: int, *keys: object) -> list[Exemplar]:
        """Up to ``count`` exemplars of different families."""
        dice = rng("exemplars", *keys)
        by_family: dict[str, list[str]] = {}
        for name in self._bins:
            by_family.setdefault(name.partition("/")[0], []).append(name)
        found: list[Exemplar] = []
        families = list(by_family)
        for k in dice.permutation(len(families)).tolist():
            if len(found) == count:
                break
            names = by_family[families[k]]
            exemplar = self.of_bin(names[int(dice.integers(len(names)))], *keys)
            if exemplar:
                found.append(exemplar)
        return found

    def of_bin(self, name: str, *keys: object, strangers_to: frozenset[str] = frozenset()) -> Exemplar | None:
        """An exemplar of one bin, or else of another one of its family; None where no room has any.

        Args:
            name: The bin.
            keys: Seed.
            strangers_to: Names that the exemplar had better not ask about, so that there is nothing to copy.
        """
        dice = rng("exemplar", name, *keys)
        family = name.partition("/")[0]
        others = [other for other in self._bins if other.partition("/")[0] == family and other != name]
        for candidate in [name, *others]:
            found = list(self._found(candidate, [int(k) for k in dice.permutation(ROOMS)]))
            if found:
                return min(found, key=lambda e: len(strangers_to & set(e.drawn.ask.mentions)))
        return None

    def _found(self, name: str, numbers: Sequence[int]) -> Iterator[Exemplar]:
        """The exemplars of the first rooms that have any."""
        left = 3
        for number in numbers:
            exemplar = self._of(name, number)
            if exemplar:
                yield exemplar
                left -= 1
            if not left:
                return

    def _of_room(self, name: str, number: int) -> Exemplar | None:
        scene = room(number, self._frames)
        weights: Mapping[str, float] = {other: float(other == name) for other in self._bins}
        brief = Brief(iteration=0, count=1, seed=number, weights=weights)
        drawn = next(self._grammar.draw(scene, tuple(f.id for f in scene.frames), brief), None)
        if drawn is None:
            return None
        asked = briefs.asked(drawn, ())
        return Exemplar(brief=briefs.text(asked), reply=reply(asked), drawn=drawn, scene=scene)


def reworded(exemplar: Exemplar, wording: str) -> Exemplar:
    """The exemplar in another of its family's wordings, with the brief that belongs to it; itself if it has no such one.

    A brief says which words to use as they are. They belong to one wording, and in a sentence of another one they
    would be out of place: "the less bounding box".
    """
    drawn = exemplar.drawn
    text = wording.format_map(drawn.ask.slots)
    if wording not in drawn.family.wordings or text not in drawn.texts:
        return exemplar
    other = replace(drawn, text=text)
    asked = briefs.asked(other, ())
    return Exemplar(brief=briefs.text(asked), reply=reply(asked), drawn=other, scene=exemplar.scene)


def reply(asked: briefs.Asked) -> str:
    """What a model should write for a brief that was drawn."""
    assert asked.drawn is not None
    drawn = asked.drawn
    fields = {
        "question_type": asked.question_type,
        "categories": list(asked.categories),
        "question": drawn.text,
        "answer_type": drawn.ask.answer_type,
        "options": list(drawn.options),
        "unit": drawn.ask.unit or "",
        "program": drawn.ask.program,
    }
    return json.dumps(fields, ensure_ascii=False)
