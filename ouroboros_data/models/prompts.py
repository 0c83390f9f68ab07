"""What a solver reads and how its replies are read back.

Two ways to ask a multiple-choice question: ``letter`` (VSI-Bench's form: lettered options, the letter is the answer)
for instruction-tuned models, and ``text`` (the option's own words are the answer) for a solver that is too small to
learn the indirection through letters. Questions, gold answers and predictions keep the published form either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ouroboros_data.errors import SolverError
from ouroboros_data.types import Question

ChoiceStyle = Literal["letter", "text"]
LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptStyle:
    """Words around a question. The defaults are VSI-Bench's (thinking-in-space: lmms_eval/tasks/vsibench)."""

    choices: ChoiceStyle = "letter"
    preamble: str = "These are frames of a video."
    after_choice: str = "Answer with the option's letter from the given choices directly."
    after_number: str = "Please answer the question using a single word or phrase."
    after_boolean: str = "Answer with yes or no."
    after_ordering: str = "Answer with the items in order, separated by commas."
    frame_label: str = ""
    """Text before each frame, ``{n}`` is its number from 1; empty for none."""


BARE = PromptStyle(
    choices="text", preamble="", after_choice="", after_number="", after_boolean="", after_ordering=""
)
"""The question and its options, nothing else: every token costs a small solver time."""


def user_text(question: Question, style: PromptStyle) -> str:
    """Text of the user's turn, below the frames; the same with and without frames."""
    lines = [style.preamble, question.text]
    if question.answer_type == "choice":
        if style.choices == "letter":
            lines += ["Options:", *(f"{LETTERS[i]}. {option}" for i, option in enumerate(question.options))]
        else:
            lines.append(f"Options: {'; '.join(question.options)}.")
    after = {
        "choice": style.after_choice,
        "number": style.after_number,
        "boolean": style.after_boolean,
        "ordering": style.after_ordering,
    }
    lines.append(after[question.answer_type])
    return "\n".join(line for line in lines if line)


def messages(question: Question, frames: int, style: PromptStyle) -> list[dict[str, Any]]:
    """One user turn in chat form: ``frames`` image blocks, then the text."""
    content: list[dict[str, str]] = []
    for number in range(1, frames + 1):
        if style.frame_label:
            content.append({"type": "text", "text": style.frame_label.format(n=number)})
        content.append({"type": "image"})
    content.append({"type": "text", "text": user_text(question, style)})
    return [{"role": "user", "content": content}]


def target_text(question: Question, answer: str, style: PromptStyle) -> str:
    """Words to be learnt for a published answer.

    Raises:
        SolverError: A choice answer is not one of the question's letters.
    """
    if question.answer_type != "choice":
        return answer
    index = LETTERS.find(answer) if len(answer) == 1 else -1
    if not 0 <= index < len(question.options):
        known = ", ".join(LETTERS[: len(question.options)])
        raise SolverError(f"answer {answer!r} is not one of {known}", where=f"question {question.id}")
    return answer if style.choices == "letter" else question.options[index]


def candidates(question: Question, style: PromptStyle) -> Sequence[str]:
    """Target texts among which a closed question is answered; empty for an open one."""
    if question.answer_type == "choice":
        return [target_text(question, LETTERS[i], style) for i in range(len(question.options))]
    return ("yes", "no") if question.answer_type == "boolean" else ()


def published(question: Question, reply: str, style: PromptStyle) -> str:
    """Published form (letter, number, yes/no, items) of a reply; a reply that has none comes back as it is."""
    reply = reply.strip()
    if question.answer_type == "choice":
        if style.choices == "text":
            return LETTERS[question.options.index(reply)] if reply in question.options else reply
        first = reply.split(" ")[0].rstrip(".").strip().upper()
        return first if first and first in LETTERS[: len(question.options)] else reply
    return reply.lower() if question.answer_type == "boolean" else reply
