from __future__ import annotations

import json

import grammar_rooms as rooms
import llm_kit as kit
import numpy as np
import pytest

from ouroboros_data.errors import RecipeError
from ouroboros_data.models.chat import ImagePart, TextPart
from ouroboros_data.plugins import ToReview
from ouroboros_data.proposers.llm.reviewer import (
    BLIND,
    BLIND_FLAG,
    LOOK,
    LOOK_FLAG,
    LlmReviewer,
    asked,
    vote_of,
)
from ouroboros_data.stages.gates import GATES
from ouroboros_data.types import Answer, Question

SCENE = rooms.random_scene(3)
MODEL = {"name": "openai", "options": {"model": "a-model"}}


def item(**more) -> ToReview:
    given = dict(
        id="q1", scene_id=SCENE.id, frame_ids=kit.frame_ids(SCENE), question_type="x", text="Is the bed left or right?",
        answer_type="choice", options=("left", "right"),
    )  # fmt: skip
    return ToReview(
        scene=SCENE,
        question=Question(**{**given, **more}),
        answer=Answer(type="choice", value="right", text="B"),
        min_pixel_share=0.002,
    )


def said(flag, value, **more) -> str:
    return json.dumps({"reason": f"so {flag}", flag: value, **more})


def vote(blind, contradicted) -> tuple[str, str]:
    return said(BLIND_FLAG, blind), said(LOOK_FLAG, contradicted)


def judged(votes, **options):
    made = LlmReviewer(options={"model": MODEL, "votes": len(votes), **options}, cache=None)

    def reply(request, number):
        assert request.reply_format.name == (BLIND_FLAG, LOOK_FLAG)[number % 2]
        return votes[number // 2][number % 2]

    model = kit.Scripted(reply)
    made.__dict__["model"] = model
    return made.review([item()], None)[0], model


@pytest.mark.parametrize("flag", [BLIND_FLAG, LOOK_FLAG])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"reason": "so", "FLAG": false}', False),
        ('{"reason": "so", "FLAG": true}', True),
        ('{"reason": "so", "FLAG": "yes"}', True),
        ('{"reason": "so", "FLAG": " No "}', False),
        ('```json\n{"reason": "so", "FLAG": true}\n```', True),
        ('{"reason": {"a": 1}, "FLAG": true}', True),
        ("I think it is fine.", None),
        ('{"reason": "so", "FLAG": null}', None),
        ('{"reason": "so", "FLAG": "perhaps"}', None),
        ('{"reason": "so", "FLAG": 1}', None),
        ('{"reason": "x"}', None),
        ('{"reason": "so", "FLAG": true}{"reason": "so", "FLAG": false}', None),
        ("[]", None),
        ("", None),
    ],
)
def test_votes_are_read_or_abstain(flag, text, value) -> None:
    text = text.replace("FLAG", flag)
    fine = kit.wrote(said(LOOK_FLAG if flag == BLIND_FLAG else BLIND_FLAG, False))
    pair = (kit.wrote(text), fine) if flag == BLIND_FLAG else (fine, kit.wrote(text))
    found = vote_of(*pair)
    mine, words = (found.blind, found.said_blind) if flag == BLIND_FLAG else (found.contradicted, found.said)
    other = found.contradicted if flag == BLIND_FLAG else found.blind
    assert (mine, other) == (value, False)
    if value is None:
        assert words == text[:300]


def test_a_failure_abstains_and_is_kept() -> None:
    found = vote_of(kit.wrote(said(BLIND_FLAG, True)), kit.failed("truncated", '{"reas'))
    assert (found.blind, found.contradicted) == (True, None)
    assert "truncated" in found.said and '{"reas' in found.said and found.said_blind == f"so {BLIND_FLAG}"


N, B, C, X = vote(False, False), vote(True, False), vote(False, True), ("unreadable", "unreadable")
BX, XC = (B[0], "unreadable"), ("unreadable", C[1])


@pytest.mark.parametrize(
    ("votes", "options", "reason"),
    [
        ([N], {}, ""),
        ([B], {}, "answerable_blind"),
        ([C], {}, "contradicted"),
        ([X], {}, ""),
        ([X], {"min_readable": 1}, "unreadable"),
        ([B, N], {}, "answerable_blind"),
        ([B, N, N], {}, ""),
        ([B, N, N], {"blind_from": 0.3}, "answerable_blind"),
        ([B, X, X], {}, "answerable_blind"),  # abstentions do not vote
        ([B, X, X], {"min_readable": 2}, "unreadable"),
        ([C, C, N], {}, "contradicted"),
        ([C, N, N], {"contradicted_from": 1.0}, ""),
        ([C, C, C], {"contradicted_from": 1.0}, "contradicted"),
        ([B, C, N, N], {}, ""),
        ([BX], {}, "answerable_blind"),  # each of the two is read for itself
        ([XC], {}, "contradicted"),
        ([XC], {"min_readable": 1}, "unreadable"),
    ],
)
def test_thresholds(votes, options, reason) -> None:
    found, model = judged(votes, **options)
    assert found.reason == reason
    assert reason == "" or reason in GATES["review"]
    assert len(found.review.votes) == len(votes)
    # Samples, not one reply so many times.
    assert len({request.seed for request in model.requests}) == len(model.requests) == 2 * len(votes)


def test_without_looking_it_sees_neither_room_nor_answer() -> None:
    _, model = judged([N])
    system, user = model.requests[0].messages
    assert system.parts[0].text == BLIND
    assert [part.text for part in user.parts] == [
        "Question: Is the bed left or right?\nOptions: A. left B. right"
    ]


def test_it_sees_question_options_answer_and_the_scene() -> None:
    _, model = judged([N])
    system, user = model.requests[1].messages
    assert system.parts[0].text == LOOK
    text = "".join(part.text for part in user.parts)
    assert text.startswith("SCENE.")
    assert "Question: Is the bed left or right?\nOptions: A. left B. right\nAnswer: B. right" in text


def test_with_pictures_it_sees_them_and_not_the_annotation() -> None:
    made = LlmReviewer(options={"model": MODEL}, cache=None)
    model = kit.Scripted(lambda request, number: N[number])
    model.takes_images = True
    made.__dict__["model"] = model
    made.review([item()], lambda question: [np.zeros((4, 4, 3), np.uint8)] * len(question.frame_ids))
    blind, look = (request.messages[1].parts for request in model.requests)
    assert [type(part) for part in blind] == [TextPart]
    assert [type(part) for part in look] == [ImagePart] * len(SCENE.frames) + [TextPart]
    assert "SCENE." not in look[-1].text


@pytest.mark.parametrize(
    ("answer", "more", "line"),
    [
        (Answer(type="number", value=2.31, text="2.3", unit="m"), {"answer_type": "number", "unit": "m", "options": ()}, "Answer: 2.3 m"),
        (Answer(type="number", value=4, text="4", unit="count"), {"answer_type": "number", "unit": "count", "options": ()}, "Answer: 4"),
        (Answer(type="boolean", value=True, text="yes"), {"answer_type": "boolean", "options": ()}, "Answer: yes"),
    ],
)  # fmt: skip
def test_answers_as_they_are_shown(answer, more, line) -> None:
    one = item(**more)
    one = ToReview(scene=one.scene, question=one.question, answer=answer, min_pixel_share=0.002)
    assert asked(one, answer=True).splitlines()[-1] == line
    assert line not in asked(one, answer=False)


def test_a_prompt_of_ones_own_is_another_reviewer() -> None:
    given = {}, {"prompt": "Judge."}, {"blind_prompt": "Guess."}
    made = [LlmReviewer(options={"model": MODEL, **m}, cache=None) for m in given]
    assert len({one.id for one in made}) == 3
    assert "=== system\nJudge." in made[1].preview(item())
    assert made[2].preview(item()).startswith("=== system\nGuess.")


@pytest.mark.parametrize(
    "options",
    [{"votes": 0}, {"blind_from": 0.0}, {"contradicted_from": 1.5}, {"min_readable": 2}, {"votez": 1}],
)
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(RecipeError):
        LlmReviewer(options={"model": MODEL, **options}, cache=None)
