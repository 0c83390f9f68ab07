"""The protocols that plug-ins implement. A plug-in is a class or function behind an entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ouroboros_data.types import (
    Answer,
    Band,
    Confidence,
    Discarded,
    Draft,
    Question,
    Review,
    Scene,
    SceneRef,
)

Image = npt.NDArray[np.uint8]
"""(height, width, 3) RGB."""
FrameSource = Callable[[Question], Sequence[Image]]
"""Gives the frames that a question names, in order."""


class SceneAdapter(Protocol):
    """Brings one kind of source into `Scene` form. Built as ``Adapter(root=…, seed=…, options=…)``."""

    def __init__(self, *, root: Path | None, seed: int, options: Mapping[str, Any]) -> None:
        """Check root and options.

        Raises:
            SceneError: The root is missing or holds nothing of this kind.
            RecipeError: An option is unknown or out of range.
        """

    def refs(self) -> Sequence[SceneRef]:
        """List the scenes in a stable order; cheap, loads nothing big."""

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Load one scene; media that the adapter makes are written below the existing directory ``media``.

        Raises:
            SceneError: This scene cannot be used; the run records it and goes on.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A question of an earlier round with what the solver made of it."""

    text: str
    answer: str
    bin: str
    band: Band
    confidence: float
    blind: bool = False
    """Whether the solver knew the answer without the frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandCounts:
    """Accepted questions of one bin by what the solver made of them."""

    easy: int = 0
    frontier: int = 0
    hard: int = 0
    blind: int = 0
    """Of all three: those whose answer the solver knew without the frames."""
    informative: int = 0
    """Frontier and not blind: what the next round wants more of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What one proposer call is asked for."""

    iteration: int
    count: int
    seed: int
    weights: Mapping[str, float]
    """Relative weight of each bin for this scene; a bin that is absent has weight 1."""
    history: tuple[Past, ...] = ()
    """This scene's accepted questions of the last round."""
    bin_counts: Mapping[str, BandCounts] = field(default_factory=dict)
    """The last round over all training scenes, by bin; empty in the first round."""
    min_pixel_share: float = 0.002
    """From this share of a frame's pixels on, an object counts as visible there."""


class Proposer(Protocol):
    """Writes questions with programs. Built as ``Proposer(options=…)``."""

    id: str
    """Name and version, recorded in each row."""

    def __init__(self, *, options: Mapping[str, Any]) -> None:
        """Check options (raises RecipeError)."""

    def bins(self) -> Mapping[str, str]:
        """All bins that it can emit, each with one line that says what its knob does."""

    def propose(self, scene: Scene, frame_ids: tuple[str, ...], brief: Brief) -> Sequence[Draft]:
        """Write up to ``brief.count`` drafts about the scene as seen in the frames. Pure: same input, same drafts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One scene that a proposer is asked about."""

    scene: Scene
    frame_ids: tuple[str, ...]
    brief: Brief


class HostProposer(Proposer, Protocol):
    """A proposer that is called in the main process with many scenes at once: one that asks a server, or holds a model.

    Built as ``Proposer(options=…, cache=…)``. What it gives is stored before anything is checked, so that nothing is
    asked twice. Its programs are never trusted.
    """

    where: Literal["host"]
    """What tells it from other proposers, which are called in worker processes."""
    scenes_at_once: int
    """How many scenes it is asked about in one call: enough to keep its server busy."""

    def __init__(self, *, options: Mapping[str, Any], cache: Path | None) -> None:
        """Check options (raises RecipeError); replies may be kept below ``cache``."""

    def propose_many(
        self, items: Sequence[Proposal], frames: FrameSource | None
    ) -> Sequence[Sequence[Draft | Discarded]]:
        """Write up to ``brief.count`` drafts about each scene; what came to nothing is given back as discarded.

        Raises:
            ModelError: Nothing can be asked at all; the run ends, and goes on from here when it is started again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ToReview:
    """A draft that passed all other gates, for a reviewer."""

    scene: Scene
    question: Question
    answer: Answer
    min_pixel_share: float
    """From this share of a frame's pixels on, an object counts as visible there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What a reviewer makes of a row."""

    review: Review
    reason: str = ""
    """Of the stage ``review`` in `ouroboros_data.stages.gates.GATES`; empty where the row passes."""
    detail: str = ""


class Reviewer(Protocol):
    """Looks at rows with their answers. Built as ``Reviewer(options=…, cache=…)``."""

    id: str

    def __init__(self, *, options: Mapping[str, Any], cache: Path | None) -> None:
        """Check options (raises RecipeError); replies may be kept below ``cache``."""

    def review(self, items: Sequence[ToReview], frames: FrameSource | None) -> Sequence[Reviewed]:
        """Judge each item, in order (raises ModelError: nothing can be asked at all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A question with its ground-truth answer text, for training and scoring only."""

    question: Question
    answer: str
    blind: bool = False
    """Trained on without its frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """Outcome of one round of SFT."""

    steps: int
    loss: float
    """Mean over the last tenth of the steps."""
    confidences: tuple[Confidence, ...]
    """Read from the training forward passes, in the order of first use."""


class Solver(Protocol):
    """The model in the loop. Built as ``build(options=…, seed=…, cache=…)``.

    ``score`` and ``answer`` use whatever weights are loaded; ``blind`` leaves the frames out.
    """

    id: str
    """Digest of the weights and of what shapes the prompt."""
    disclosure: Mapping[str, Any]
    """What was done to the weights before the loop (warm start), and their size: goes into the manifest."""

    def score(
        self, items: Sequence[Labelled], frames: FrameSource, *, blind: bool = False
    ) -> list[Confidence]:
        """Confidence of each ground-truth answer."""

    def answer(self, questions: Sequence[Question], frames: FrameSource, *, blind: bool = False) -> list[str]:
        """Greedy answers, in the published answer form (option letter, number, yes/no)."""

    def train(
        self,
        items: Sequence[Labelled],
        frames: FrameSource,
        *,
        steps: int,
        seed: int,
        checkpoint: Path,
        progress: Callable[[int, float], None],
    ) -> TrainReport:
        """Fine-tune in place for ``steps`` steps; optimiser state is carried over from earlier calls.

        Saves resumable state below ``checkpoint`` now and then, and continues from it if it is there.
        """

    def save(self, directory: Path) -> None:
        """Write weights, optimiser state and config; the directory appears whole or not at all."""

    def load(self, directory: Path) -> None:
        """Replace weights and optimiser state by saved ones (raises SolverError)."""
