from __future__ import annotations

import json

import grammar_rooms as rooms
import llm_kit as kit
import numpy as np
import pytest

from ouroboros_data.errors import RecipeError
from ouroboros_data.models.chat import ImagePart, TextPart
from ouroboros_data.plugins import ToReview
from ouroboros_data.proposers.llm.reviewer import SYSTEM, LlmReviewer, asked, vote_of
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


def vote(blind, contradicted, **more) -> str:
    return json.dumps(
        {"reason": "so", "answerable_without_looking": blind, "contradicted": contradicted, **more}
    )


def judged(votes, **options):
    made = LlmReviewer(options={"model": MODEL, "votes": len(votes), **options}, cache=None)
    model = kit.Scripted(lambda request, number: votes[number])
    made.__dict__["model"] = model
    return made.review([item()], None)[0], model


@pytest.mark.parametrize(
    ("said", "blind", "contradicted"),
    [
        (vote(False, False), False, False),
        (vote(True, False), True, False),
        (vote(False, True), False, True),
        (vote("yes", "No"), True, False),
        (f"```json\n{vote(True, True)}\n```", True, True),
        ("I think it is fine.", None, None),
        (vote(None, False), None, None),
        (vote("perhaps", False), None, None),
        (vote(1, 0), None, None),
        ('{"reason": "x"}', None, None),
        (vote(True, True) + vote(False, False), None, None),
        ("[]", None, None),
        ("", None, None),
    ],
)
def test_votes_are_read_or_abstain(said, blind, contradicted) -> None:
    found = vote_of(kit.wrote(said))
    assert (found.blind, found.contradicted) == (blind, contradicted)
    if blind is None:
        assert found.said == said[:300]


def test_a_failure_abstains_and_is_kept() -> None:
    found = vote_of(kit.failed("truncated", '{"reas'))
    assert (found.blind, found.contradicted) == (None, None)
    assert "truncated" in found.said and '{"reas' in found.said


N, B, C, X = vote(False, False), vote(True, False), vote(False, True), "unreadable"


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
    ],
)
def test_thresholds(votes, options, reason) -> None:
    found, model = judged(votes, **options)
    assert found.reason == reason
    assert reason == "" or reason in GATES["review"]
    assert len(found.review.votes) == len(votes) == len(model.requests)
    assert len({request.seed for request in model.requests}) == len(
        votes
    )  # samples, not one reply so many times


def test_it_sees_question_options_answer_and_the_scene() -> None:
    _, model = judged([N])
    system, user = model.requests[0].messages
    assert system.parts[0].text == SYSTEM
    text = "".join(part.text for part in user.parts)
    assert text.startswith("SCENE.")
    assert "Question: Is the bed left or right?\nOptions: A. left B. right\nAnswer: B. right" in text


def test_with_pictures_it_sees_them_and_not_the_annotation() -> None:
    made = LlmReviewer(options={"model": MODEL}, cache=None)
    model = kit.Scripted(lambda request, number: N)
    model.takes_images = True
    made.__dict__["model"] = model
    made.review([item()], lambda question: [np.zeros((4, 4, 3), np.uint8)] * len(question.frame_ids))
    parts = model.requests[0].messages[1].parts
    assert [type(part) for part in parts] == [ImagePart] * len(SCENE.frames) + [TextPart]
    assert "SCENE." not in parts[-1].text


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
    assert asked(one).splitlines()[-1] == line


def test_a_prompt_of_ones_own_is_another_reviewer() -> None:
    one, other = (LlmReviewer(options={"model": MODEL, **m}, cache=None) for m in ({}, {"prompt": "Judge."}))
    assert one.id != other.id and other.preview(item()).startswith("=== system\nJudge.")


@pytest.mark.parametrize(
    "options",
    [{"votes": 0}, {"blind_from": 0.0}, {"contradicted_from": 1.5}, {"min_readable": 2}, {"votez": 1}],
)
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(RecipeError):
        LlmReviewer(options={"model": MODEL, **options}, cache=None)
