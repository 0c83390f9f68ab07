"""A request from its parts. What changes least comes first, so that a server can reuse what it has read."""

from __future__ import annotations

from collections.abc import Sequence

from ouroboros_data.models.chat import ChatMessage, ImagePart, Part, TextPart
from ouroboros_data.plugins import Image
from ouroboros_data.proposers.llm.exemplars import Exemplar

SYSTEM = """\
You write questions about a room that a video shows, each with a short Python program that finds the answer from measurements of the room.
You get a scene and a brief, and reply with one JSON object and nothing else:
question_type: as in the brief
categories: the categories that the question names, as in the brief
question: one question that ends with "?"
answer_type: number, choice, ordering or boolean
options: the texts of a choice in the brief's order, else []
unit: count, m, cm, m2, deg or s for a number, else ""
program: def answer(): ... that returns number(...), choice(...), ordering(...) or boolean(...)

Rules
- Ask exactly what the brief says, in words of your own. Name its categories in the same parts and no others. Words that it gives in quotes have to be in the question as they are.
- Somebody who watches the video has to be able to answer, and has to need the video for it. Do not give the answer away.
- Say "the X" only of what the scene lists as one of each; of what it lists as several say "the X closest to ..." or "how many X".
- State how a distance or size is measured and to which resolution it is wanted.
- The program finds the answer by calling the functions below; only() takes one name and is for what there is one of.
"""
REPAIR = """\
That cannot be used: {problem}
Reply with the whole JSON object again, corrected, and nothing else."""
_EXAMPLES = "EXAMPLES, about other rooms. Do not copy their sentences.\n"


def messages(
    *,
    page: str,
    exemplars: Sequence[Exemplar],
    scene: str,
    feedback: str,
    brief: str,
    own: Exemplar | None = None,
    frames: Sequence[Image] = (),
) -> tuple[ChatMessage, ...]:
    """System text and API page, exemplars as turns, then one turn with frames, scene, feedback and brief.

    Args:
        page: The page on the program API.
        exemplars: Finished examples.
        scene: The scene as text.
        feedback: What the last round taught; may be empty.
        brief: What is wanted.
        own: An example of the brief's own family.
        frames: Pictures, for models that take them.
    """
    turns = [_said("system", f"{SYSTEM}\n{page}")]
    for place, exemplar in enumerate(exemplars):
        turns += [
            _said("user", (_EXAMPLES if place == 0 else "") + exemplar.brief),
            _said("assistant", exemplar.reply),
        ]
    texts = [scene]
    if feedback.strip():
        texts.append(feedback.strip())
    if own is not None:
        texts.append(
            f"EXAMPLE of this type, about another room. Do not copy its sentence.\n{own.brief}\n{own.reply}"
        )
    texts.append(brief)
    parts: list[Part] = [ImagePart(image=image) for image in frames]
    parts += [TextPart(text=text + ("\n\n" if k < len(texts) - 1 else "")) for k, text in enumerate(texts)]
    return (*turns, ChatMessage(role="user", parts=tuple(parts)))


def again(said: Sequence[ChatMessage], reply: str, problem: str) -> tuple[ChatMessage, ...]:
    """The turns of a repair: the reply, and what is wrong with it."""
    return (*said, _said("assistant", reply), _said("user", REPAIR.format(problem=problem)))


def shown(turns: Sequence[ChatMessage]) -> str:
    """A prompt as text for a person; pictures as their sizes."""
    lines = []
    for turn in turns:
        lines.append(f"=== {turn.role}")
        text = "".join(
            part.text if isinstance(part, TextPart) else f"[{_name(part)}]\n" for part in turn.parts
        )
        lines.append(text)
    return "\n".join(lines) + "\n"


def _name(part: Part) -> str:
    if isinstance(part, ImagePart):
        return f"picture {part.image.shape[1]}x{part.image.shape[0]}"
    return type(part).__name__


def _said(role: str, text: str) -> ChatMessage:
    assert role in ("system", "user", "assistant")
    return ChatMessage(role=role, parts=(TextPart(text=text),))  # type: ignore[arg-type]  # checked above
