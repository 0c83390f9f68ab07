"""The `grammar` proposer: templates filled from what is known of the scene, each with its program.

Question types and their forms follow VSI-Bench (arXiv 2412.14171). Well-posedness margins follow VLM-3R's
generator (VITA-Group/VLM-3R:vlm_3r_data_process) or are wider; see docs/families.md. They only keep drafts
from being wasted: whether an answer holds is decided by the host's gates.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from ouroboros_data.config import options_from_mapping
from ouroboros_data.errors import DraftError, RecipeError
from ouroboros_data.ids import content_hash, rng, seed_from
from ouroboros_data.plugins import Brief
from ouroboros_data.programs.api import API_VERSION
from ouroboros_data.proposers.ask import OPTIONS, Ask, Family, Knob, lit
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.view import View, look
from ouroboros_data.proposers.words import strangers
from ouroboros_data.types import Draft, Program, Question, Scene

PROGRAM_API = API_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarOptions:
    """Options of the grammar proposer."""

    include: tuple[str, ...] = ("*",)
    """Glob patterns of the bins to use, e.g. ``object_counting/*``."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of bins to leave out; wins over ``include``."""
    wordings: int | None = None
    """Use only the first so many wordings of each type; all by default."""
    large_share: float = 0.02
    """Share of a frame from which an object looks large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A question that was drawn for a scene, before it is put into one of its wordings."""

    bin: str
    family: Family
    knob: Knob
    ask: Ask
    texts: tuple[str, ...]
    """The family's wordings, filled in."""
    text: str
    """One of them, drawn."""
    options: tuple[str, ...]
    """The ask's options in the order that was drawn."""
    seed: int

    @property
    def source(self) -> str:
        """The program, with its options in that order."""
        return self.ask.program.replace(OPTIONS, lit(self.options))


PLAIN = 4
"""Questions of one family about one scene, those of the history included, whose texts name nothing in it ("How far did the
camera move between frame 2 and frame 5?"). They read the same about every scene; a scene with little else to ask about
would give nothing but those."""
_ALIKE = {f"object_rel_direction_{grain}": "object_rel_direction" for grain in ("easy", "medium", "hard")}
"""Families that ask the same of the same subject, more or less finely."""


class Grammar:
    """Proposes questions of all families in `FAMILIES`, with difficulty set by explicit knobs."""

    id = "grammar/1"

    def __init__(self, *, options: Mapping[str, Any]) -> None:
        """Check the options.

        Raises:
            RecipeError: An option is unknown, out of range, or a pattern matches no bin.
        """
        self._options: GrammarOptions = options_from_mapping(
            GrammarOptions, options, where="proposer.options"
        )
        _check(self._options, options)
        self._knobs = {
            name: (family, knob)
            for name, (family, knob) in _all_bins().items()
            if _matches(name, self._options.include) and not _matches(name, self._options.exclude)
        }
        if not self._knobs:
            raise RecipeError(
                "no bin is left", where="proposer.options", fix="widen include or narrow exclude"
            )

    def bins(self) -> Mapping[str, str]:
        """All bins that the options leave, with what each knob does."""
        return {
            name: knob.note + (f" ({knob.known} by construction)" if knob.known else "")
            for name, (_, knob) in self._knobs.items()
        }

    def propose(self, scene: Scene, frame_ids: tuple[str, ...], brief: Brief) -> Sequence[Draft]:
        """Write up to ``brief.count`` drafts; fewer where the scene holds no more well-posed questions.

        Each draft draws its bin by weight among the bins that still have something new to ask here.

        Raises:
            DraftError: A frame id is not the scene's, or a weight is not a finite number of at least 0.
        """
        return [
            _draft(scene, frame_ids, drawn, proposer=self.id) for drawn in self.draw(scene, frame_ids, brief)
        ]

    def draw(self, scene: Scene, frame_ids: tuple[str, ...], brief: Brief) -> Iterator[Drawn]:
        """What `propose` words and puts together: up to ``brief.count`` well-posed questions, bins drawn by weight.

        Raises:
            DraftError: A frame id is not the scene's, or a weight is not a finite number of at least 0.
        """
        weights = {name: _weight(name, brief) for name in self._knobs}
        view = look(
            scene,
            frame_ids,
            visible_share=brief.min_pixel_share,
            large_share=self._options.large_share,
        )
        asked = {past.text for past in brief.history}
        taken: set[tuple[str, ...]] = set()
        plain = Counter(past.bin.partition("/")[0] for past in brief.history)
        supply = {
            name: self._new_asks(name, view, brief, asked, taken, plain)
            for name, weight in weights.items()
            if weight > 0
        }
        names, shares = list(supply), np.array([weights[name] for name in supply])
        made = 0
        while made < brief.count and shares.any():
            seed = seed_from(brief.seed, scene.id, brief.iteration, made)
            dice = np.random.default_rng(seed)
            at = _draw(shares, dice)
            name = names[at]
            found = next(supply[name], None)
            if found is None:
                shares[at] = 0.0  # the next best bin gets this draft
                continue
            ask, texts = found
            taken.add(_subject(name, ask))
            plain[name.partition("/")[0]] += 1
            text = texts[int(dice.integers(len(texts)))]
            family, knob = self._knobs[name]
            made += 1
            yield Drawn(
                bin=name,
                family=family,
                knob=knob,
                ask=ask,
                texts=tuple(texts),
                text=text,
                options=tuple(ask.options[i] for i in dice.permutation(len(ask.options))),
                seed=seed,
            )

    def _new_asks(
        self,
        name: str,
        view: View,
        brief: Brief,
        asked: AbstractSet[str],
        taken: AbstractSet[tuple[str, ...]],
        plain: Mapping[str, int],
    ) -> Iterator[tuple[Ask, list[str]]]:
        """The bin's questions that neither this call nor an earlier round has asked, with usable wordings."""
        family, knob = self._knobs[name]
        for ask in knob.find(view, rng(brief.seed, view.scene.id, brief.iteration, name)):
            if not ask.mentions and plain[name.partition("/")[0]] >= PLAIN:
                return
            if _subject(name, ask) in taken:
                continue
            every = [wording.format_map(ask.slots) for wording in family.wordings]
            if asked.isdisjoint(every):
                texts = [
                    t for t in every[: self._options.wordings] if not strangers(t, ask.mentions, view.members)
                ]
                if texts:
                    yield ask, texts


def _subject(name: str, ask: Ask) -> tuple[str, ...]:
    family = name.partition("/")[0]
    return (_ALIKE.get(family, family), *ask.subject)


def _draft(scene: Scene, frame_ids: tuple[str, ...], drawn: Drawn, *, proposer: str) -> Draft:
    return Draft(
        question=Question(
            id=content_hash(scene.id, frame_ids, drawn.text, drawn.options, drawn.source),
            scene_id=scene.id,
            frame_ids=frame_ids,
            question_type=drawn.bin.partition("/")[0],
            text=drawn.text,
            answer_type=drawn.ask.answer_type,
            options=drawn.options,
            unit=drawn.ask.unit,
        ),
        program=Program(source=drawn.source, api_version=PROGRAM_API),
        bin=drawn.bin,
        mentions=drawn.ask.mentions,
        proposer=proposer,
        seed=drawn.seed,
    )


def _draw(shares: npt.NDArray[np.float64], dice: np.random.Generator) -> int:
    ends = np.cumsum(shares)
    return min(
        int(np.searchsorted(ends, dice.random() * ends[-1], side="right")), int(np.flatnonzero(shares)[-1])
    )


def _weight(name: str, brief: Brief) -> float:
    weight = brief.weights.get(name, 1.0)
    if not math.isfinite(weight) or weight < 0:
        raise DraftError(
            f"weight {weight} of bin {name}", where="brief.weights", fix="give finite numbers >= 0"
        )
    return weight


def _all_bins() -> dict[str, tuple[Family, Knob]]:
    return {
        f"{question_type}/{label}": (family, knob)
        for question_type, family in FAMILIES.items()
        for label, knob in family.knobs.items()
    }


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _check(options: GrammarOptions, given: Mapping[str, Any]) -> None:
    where = "proposer.options"
    for key, patterns in (("include", options.include), ("exclude", options.exclude)):
        if isinstance(given.get(key), str):  # would be read as one pattern a letter
            raise RecipeError(
                f"{key}: expected a list of patterns", where=where, fix=f"{key}: [{given[key]!r}]"
            )
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in _all_bins()):
                known = ", ".join(f"{name}/*" for name in FAMILIES)
                raise RecipeError(f"{key}: {pattern!r} matches no bin", where=where, fix=f"e.g. {known}")
    if options.wordings is not None and options.wordings < 1:
        raise RecipeError(
            f"wordings: {options.wordings} is less than 1", where=where, fix="leave it out for all"
        )
    if not 0.0 < options.large_share < 1.0:
        what = f"large_share: {options.large_share} is not between 0 and 1"
        raise RecipeError(what, where=where, fix="e.g. 0.02")
