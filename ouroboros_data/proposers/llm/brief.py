"""What one request asks for: a question whose ingredients code has chosen, or one of the model's own choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ouroboros_data.programs.names import canonical
from ouroboros_data.proposers.grammar import Drawn
from ouroboros_data.proposers.llm import faithful
from ouroboros_data.types import AnswerType, Unit

_STEP = re.compile(r', "(?:m|cm|m2|deg|s|count)", ([\d.]+)\)\s*$')
FREE_TYPE = "open_question"
FREE_BIN = f"{FREE_TYPE}/free"
FREE_NOTE = "a question of the model's own choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request's brief, as code needs it to write the prompt and to read the reply."""

    bin: str
    seed: int
    categories: tuple[str, ...]
    """What the question may name; all of it where the brief was drawn."""
    drawn: Drawn | None = None
    """What the grammar drew; None leaves the choice to the model."""
    known: tuple[str, ...] = field(default=(), repr=False)
    """All categories of the scene."""

    @property
    def question_type(self) -> str:
        """The type that the question is filed under."""
        return self.bin.partition("/")[0]

    @property
    def answer_type(self) -> AnswerType | None:
        """The answer's type, where it is fixed."""
        return self.drawn.ask.answer_type if self.drawn else None

    @property
    def unit(self) -> Unit | None:
        """The answer's unit, where there is one and it is fixed."""
        return self.drawn.ask.unit if self.drawn else None

    @property
    def options(self) -> tuple[str, ...]:
        """The options in their order, where they are fixed."""
        return self.drawn.options if self.drawn else ()


def asked(drawn: Drawn, known: Sequence[str]) -> Asked:
    """The brief for what the grammar drew."""
    return Asked(
        bin=drawn.bin,
        seed=drawn.seed,
        categories=tuple(dict.fromkeys(canonical(name) for name in drawn.ask.mentions)),
        drawn=drawn,
        known=tuple(known),
    )


def text(brief: Asked) -> str:
    """The brief as the model reads it: everything but words and program."""
    if brief.drawn is None:
        return (
            "BRIEF\n"
            f"question_type: {FREE_TYPE}. Choose yourself what to ask, so that looking at the frames is needed.\n"
            f"categories: some of {', '.join(brief.categories)}\n"
            "Name every category that the program looks at, and nothing else. State how distances and sizes are measured."
        )
    drawn, ask = brief.drawn, brief.drawn.ask
    lines = ["BRIEF", f"question_type: {brief.question_type} ({drawn.family.note})"]
    wording = wording_of(drawn)
    given = faithful.phrases(wording, drawn)
    for name in faithful.slots(wording):
        value = ask.slots.get(name, "").strip()
        if value and value.strip("()") not in given:
            lines.append(f"{name}: {value}")
    lines += [f'use these words as they are: "{phrase}"' for phrase in given]
    if not ask.mentions:
        lines.append("name no object")
    step = _STEP.search(ask.program)
    lines.append(
        f"answer_type: {ask.answer_type}{f' in {ask.unit}' if ask.unit else ''}{f', step {step[1]}' if step else ''}"
    )
    if drawn.options:
        lines.append(f"OPTIONS: {' | '.join(drawn.options)}")
    return "\n".join(lines)


def wording_of(drawn: Drawn) -> str:
    """The family's wording that was drawn, unfilled."""
    return next(
        (w for w in drawn.family.wordings if w.format_map(drawn.ask.slots) == drawn.text),
        drawn.family.wordings[0],
    )
