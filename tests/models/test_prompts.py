"""What a solver reads, and how replies come back in the published form."""

from __future__ import annotations

import pytest

from ouroboros_data.errors import SolverError
from ouroboros_data.models.prompts import (
    BARE,
    PromptStyle,
    candidates,
    messages,
    published,
    target_text,
    user_text,
)
from ouroboros_data.types import AnswerType, Question

VSI = PromptStyle()


def ask(kind: AnswerType, *options: str) -> Question:
    return Question(
        id="q",
        scene_id="s",
        frame_ids=("a", "b"),
        question_type="t",
        text="Which?",
        answer_type=kind,
        options=options,
    )


CHOICE = ask("choice", "trash bin", "chair", "Turn Left, Turn Back")


def test_the_default_words_are_vsi_benchs():
    assert user_text(CHOICE, VSI) == (
        "These are frames of a video.\nWhich?\nOptions:\nA. trash bin\nB. chair\nC. Turn Left, Turn Back\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert user_text(ask("number"), VSI) == (
        "These are frames of a video.\nWhich?\nPlease answer the question using a single word or phrase."
    )


def test_the_bare_style_has_the_question_and_its_options():
    assert user_text(CHOICE, BARE) == "Which?\nOptions: trash bin; chair; Turn Left, Turn Back."
    assert user_text(ask("number"), BARE) == "Which?"


def test_frames_come_first_and_can_be_numbered():
    kinds = [part["type"] for part in messages(CHOICE, 2, VSI)[0]["content"]]
    assert kinds == ["image", "image", "text"]
    labelled = messages(CHOICE, 2, PromptStyle(frame_label="Frame {n}:"))[0]["content"]
    assert [part.get("text", "<image>") for part in labelled[:4]] == [
        "Frame 1:",
        "<image>",
        "Frame 2:",
        "<image>",
    ]
    assert [part["type"] for part in messages(CHOICE, 0, VSI)[0]["content"]] == ["text"]


def test_blind_and_seen_have_the_same_words():
    assert messages(CHOICE, 0, VSI)[0]["content"][-1] == messages(CHOICE, 2, VSI)[0]["content"][-1]


@pytest.mark.parametrize("style", [VSI, BARE])
def test_targets_come_back_as_they_were_published(style):
    for letter in "ABC":
        assert published(CHOICE, target_text(CHOICE, letter, style), style) == letter
    for kind, answer in (("number", "3.4"), ("ordering", "chair, sofa"), ("boolean", "yes")):
        assert published(ask(kind), target_text(ask(kind), answer, style), style) == answer


@pytest.mark.parametrize("answer", ["D", "", "AB", "a", "chair"])
def test_an_answer_that_is_no_letter_is_an_error(answer):
    with pytest.raises(SolverError, match="not one of A, B, C"):
        target_text(CHOICE, answer, BARE)


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("B.", "B"),
        ("B. chair", "B"),
        ("(B)", "(B)"),
        ("chair", "chair"),
        ("D", "D"),
        ("", ""),
    ],
)
def test_letters_are_read_as_vsi_bench_does(reply, letter):
    assert published(CHOICE, reply, VSI) == letter


def test_only_closed_questions_have_candidates():
    assert list(candidates(CHOICE, VSI)) == ["A", "B", "C"]
    assert list(candidates(CHOICE, BARE)) == list(CHOICE.options)
    assert list(candidates(ask("boolean"), VSI)) == ["yes", "no"]
    assert not candidates(ask("number"), VSI) and not candidates(ask("ordering"), VSI)
