"""A chat model that follows a script: right replies about counting, and wrong ones of every kind, by seed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ouroboros_data.ids import content_hash
from ouroboros_data.models.chat import (
    ChatFailure,
    ChatModel,
    ChatOutcome,
    ChatReply,
    ChatRequest,
    ImagePart,
    TextPart,
    Usage,
)
from ouroboros_data.models.reply_cache import CachedChat

KINDS = ("good", "good", "fenced", "prose", "two", "types", "hostile", "truncated", "off")


class Script:
    """Says the same to the same request."""

    id = "example-script"
    answered = 0
    """By all of this process."""

    def __init__(self, takes_images: bool) -> None:
        self.usage = Usage()
        self.takes_images = takes_images

    def chat(
        self,
        requests: Sequence[ChatRequest],
        *,
        on_outcome: Callable[[int, ChatOutcome], None] | None = None,
    ) -> list[ChatOutcome]:
        from ouroboros_example import log

        outcomes = []
        for index, request in enumerate(requests):
            parts = [part for turn in request.messages for part in turn.parts]
            said = [part.text for part in parts if isinstance(part, TextPart)]
            shapes = [part.image.shape for part in parts if isinstance(part, ImagePart)]
            log("chat", content_hash(said, request.seed))
            log("pictures", str(shapes).replace(" ", ""))
            outcome = answer(request)
            if on_outcome is not None:
                on_outcome(index, outcome)
            outcomes.append(outcome)
            Script.answered += 1
            if Script.answered == int(os.environ.get("EXAMPLE_KILL_AFTER", "-1")):
                os.kill(os.getpid(), signal.SIGKILL)
        return outcomes

    def close(self) -> None:
        pass


def build(*, options: Mapping[str, Any], cache: Path | None = None) -> ChatModel:
    model = Script(bool(options.get("takes_images")))
    return model if cache is None else CachedChat(model, cache)


def answer(request: ChatRequest) -> ChatOutcome:
    assert request.reply_format is not None
    if request.reply_format.name in ("answerable_without_looking", "contradicted"):
        flag = request.reply_format.name
        vote = {"reason": "scripted", flag: flag == "contradicted" and request.seed % 5 == 0}
        return _wrote("no JSON" if request.seed % 7 == 0 else json.dumps(vote))
    fields = {name: kind for name, kind in request.reply_format.schema["properties"].items()}
    name = fields["categories"]["items"]["enum"][0]
    many = f"{name}s"
    good = {
        "question_type": fields["question_type"]["enum"][0],
        "categories": [name],
        "question": f"How many {many} can be found in this room?",
        "answer_type": "number",
        "options": [],
        "unit": "count",
        "program": f'def answer():\n    return number(count("{name}"), "count")\n',
    }
    kind = KINDS[request.seed % len(KINDS)]
    text = json.dumps(good)
    if kind == "truncated":
        return ChatFailure(reason="truncated", detail="cut at max_tokens", attempts=1, text=text[:60])
    return _wrote(
        {
            "good": text,
            "fenced": f"```json\n{text}\n```",
            "prose": "What a lovely room this is.",
            "two": f"{text}\n{text}",
            "types": json.dumps({**good, "question": 7}),
            "hostile": json.dumps(
                {**good, "program": "import os\ndef answer():\n    return number(1, 'count')"}
            ),
            "off": json.dumps({**good, "question": f"How many {many} are left of the door?"}),
        }[kind]
    )


def _wrote(text: str) -> ChatReply:
    return ChatReply(
        text=text,
        finish_reason="stop",
        prompt_tokens=1,
        completion_tokens=1,
        format="json_schema",
        attempts=1,
    )
