from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ouroboros_data.errors import DraftError
from ouroboros_data.records import from_json, merged, to_json
from ouroboros_data.types import Answer, Draft, Evidence, Program, Question, Verdict

text = st.text(max_size=20)
answers = st.one_of(
    st.builds(lambda v: Answer(type="number", value=v, text=str(v)), st.integers(-9, 9)),
    st.builds(lambda v: Answer(type="number", value=v, text=str(v), unit="m"), st.floats(-9, 9)),
    st.builds(lambda v: Answer(type="boolean", value=v, text=str(v)), st.booleans()),
    st.builds(lambda v: Answer(type="ordering", value=tuple(v), text=str(v)), st.lists(text, max_size=4)),
)
verdicts = st.builds(
    lambda a, t, m: Verdict(
        question_id=t,
        status="accepted",
        answer=a,
        margin=m,
        evidence=Evidence(object_ids=(t,), categories=()),
    ),
    st.none() | answers,
    text,
    st.none() | st.floats(0, 4),
)


@given(verdicts)
def test_a_record_survives_a_round_trip_with_its_types(verdict: Verdict) -> None:
    back = from_json(Verdict, json.loads(json.dumps(to_json(verdict))), where="x", error=DraftError)
    assert back == verdict
    if verdict.answer is not None and back.answer is not None:
        assert type(back.answer.value) is type(verdict.answer.value)


def draft() -> Draft:
    question = Question(
        id="q",
        scene_id="s",
        frame_ids=("1",),
        question_type="t",
        text="How many?",
        answer_type="number",
        unit="count",
    )
    return Draft(
        question=question,
        program=Program(source="", api_version="1"),
        bin="t/x",
        mentions=(),
        proposer="p",
        seed=1,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "1"}, "expected int, got str '1' at seed"),
        ({"seed": True}, "expected int, got bool True at seed"),
        ({"colour": 1}, "unknown key colour"),
        ({"question": {"id": "q"}}, "missing at question.scene_id"),
        ({"question": 3}, "expected a mapping"),
    ],
)
def test_the_message_names_the_field(change: dict[str, object], message: str) -> None:
    with pytest.raises(DraftError, match="row 7") as caught:
        from_json(Draft, {**to_json(draft()), **change}, where="row 7", error=DraftError)
    assert message in str(caught.value)


def test_a_question_has_no_place_for_an_answer() -> None:
    assert not any("answer" in name and name != "answer_type" for name in Question.__slots__)


def test_merge_is_deep_and_leaves_its_input_alone() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merged(base, {"a": {"b": 9}, "e": 4}) == {"a": {"b": 9, "c": 2}, "d": 3, "e": 4}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}
