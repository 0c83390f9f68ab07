"""Which reply format a server honours is found once, by a real request, whatever way it has of saying no."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from misbehaving import SCHEMA, Answer, Seen, Server, asked, error, reply
from test_openai_chat import client

from ouroboros_data.errors import ModelError
from ouroboros_data.models.chat import ChatFailure, ChatReply

GOOD = json.dumps({"id": "x", "unit": "m"})
NOT_SO = json.dumps({"unit": "inch"})


def serve(**by_format: Any):
    """Answers by the format that is asked for: bytes of a reply's text, or an `Answer`."""

    def behave(seen: Seen) -> Answer:
        said = by_format.get(seen.format, error(400, "unknown response_format"))
        return said if isinstance(said, Answer) else Answer(body=reply(said), delay_s=0.002)

    return behave


def formats(server: Server) -> Counter[str]:
    return Counter(one.format for one in server.seen)


def requests(count: int):
    return [asked(f"r{i}", formatted=True) for i in range(count)]


@pytest.mark.parametrize(
    ("by_format", "settled", "expected"),
    [
        ({"json_schema": GOOD}, "json_schema", {"json_schema": 20}),
        # 400 on json_schema.
        ({"json_object": GOOD}, "json_object", {"json_schema": 1, "json_object": 20}),
        # 500 on json_schema: asked three times, it might have passed.
        (
            {"json_schema": error(500), "json_object": GOOD},
            "json_object",
            {"json_schema": 3, "json_object": 20},
        ),
        (
            {"json_schema": error(404, "no provider takes it"), "json_object": GOOD},
            "json_object",
            {"json_schema": 1, "json_object": 20},
        ),
        ({"grammar": GOOD}, "grammar", {"json_schema": 1, "json_object": 1, "grammar": 20}),
        (
            {"plain": NOT_SO},
            "plain",
            {"json_schema": 1, "json_object": 1, "grammar": 1, "plain": 20},
        ),
        # Taken and ignored: the reply breaks its schema, the next one keeps it.
        (
            {"json_schema": NOT_SO, "json_object": NOT_SO, "grammar": GOOD},
            "grammar",
            {"json_schema": 1, "json_object": 1, "grammar": 20},
        ),
        # Ignored everywhere: the first that was taken stays.
        (
            {"json_schema": error(400), "json_object": NOT_SO, "grammar": "no JSON", "plain": GOOD},
            "json_object",
            {"json_schema": 1, "json_object": 20, "grammar": 1},
        ),
    ],
)
def test_the_format_is_found_once(by_format: dict[str, Any], settled: str, expected: dict[str, int]) -> None:
    with Server(serve(**by_format)) as server:
        model = client(server, concurrency=8)
        outcomes = model.chat(requests(20))
        assert formats(server) == expected
        assert all(isinstance(one, ChatReply) and one.format == settled for one in outcomes)
        # Remembered from call to call.
        (again,) = model.chat([asked("later", formatted=True)])
        assert again.attempts == 1 and again.format == settled
    if expected.get("json_schema") != 20:
        assert sum(one.attempts for one in outcomes) == sum(expected.values())


def test_a_server_error_that_passes_costs_no_format() -> None:
    def behave(seen: Seen) -> Answer:
        return error(503) if len(server.seen) <= 2 else Answer(body=reply(GOOD))

    with Server(behave) as server:
        outcomes = client(server).chat(requests(5))
    assert {one.format for one in outcomes} == {"json_schema"}
    assert formats(server) == {"json_schema": 7}


def test_what_is_sent_for_each_format() -> None:
    with Server(serve(plain="x")) as server:
        client(server).chat(requests(1))
    by_format = {one.format: one.body for one in server.seen}
    assert by_format["json_schema"]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "draft", "strict": True, "schema": SCHEMA},
    }
    assert by_format["json_object"]["response_format"] == {"type": "json_object", "schema": SCHEMA}
    assert by_format["grammar"]["grammar"].startswith("root ::= ")
    assert by_format["grammar"]["guided_json"] == SCHEMA
    assert by_format["grammar"]["structured_outputs"] == {"json": SCHEMA}
    assert "response_format" not in by_format["grammar"]
    assert not {"response_format", "grammar", "guided_json"} & set(by_format["plain"])


def test_free_text_asks_for_no_format() -> None:
    with Server(serve(plain="words")) as server:
        (outcome,) = client(server).chat([asked("a")])
    assert (outcome.text, outcome.format) == ("words", "plain")
    assert formats(server) == {"plain": 1}


def test_only_the_formats_of_the_options_are_tried() -> None:
    with Server(serve(plain="x")) as server:
        outcomes = client(server, formats=["json_object"]).chat(requests(3))
    assert formats(server) == {"json_object": 3}
    assert all(isinstance(one, ChatFailure) and one.reason == "rejected" for one in outcomes)


def test_one_schema_that_the_settled_format_cannot_take_falls_through_alone() -> None:
    def behave(seen: Seen) -> Answer:
        if seen.format == "json_schema" and seen.id == "r3":
            return error(400, "schema too complex")
        return Answer(body=reply(GOOD))

    with Server(behave) as server:
        outcomes = client(server, concurrency=1).chat(requests(6))
    assert [one.format for one in outcomes] == ["json_schema"] * 3 + ["json_object"] + ["json_schema"] * 2
    assert outcomes[3].attempts == 2


def test_all_ways_down_are_bounded() -> None:
    with Server(lambda seen: error(500)) as server:
        outcomes = client(server, attempts=4, concurrency=4, give_up_after=100).chat(requests(3))
    assert all(isinstance(one, ChatFailure) and one.reason == "endpoint" for one in outcomes)
    # Nothing was learned, so each request finds out for itself: three tries a format, never more than 4 formats.
    assert set(server.count().values()) == {12}
    assert [one.attempts for one in outcomes] == [12] * 3

    def dies(seen: Seen) -> Answer:
        return Answer(body=reply(GOOD)) if seen.id == "r0" else error(500)

    with Server(dies) as server:
        outcomes = client(server, attempts=4, concurrency=1, give_up_after=100).chat(requests(3))
    assert server.count() == {"r0": 1, "r1": 7, "r2": 7}  # 4 in the settled format, one in each of the others


def test_a_cut_reply_settles_the_format_and_a_dead_server_does_not() -> None:
    def behave(seen: Seen) -> Answer:
        if seen.id == "r0":
            return Answer(cut_after=-1)
        if seen.id == "r1":
            return Answer(body=reply('{"id": "r1', finish="length"))
        return Answer(body=reply(NOT_SO))

    with Server(behave) as server:
        model = client(server, concurrency=1, attempts=2)
        # Something has to have answered before, or the run would end here.
        model.chat([asked("warm")])
        dead, cut, *others = model.chat(requests(4))
    assert (dead.reason, dead.attempts) == ("unreachable", 2)
    assert cut.reason == "truncated"
    assert [(one.format, one.attempts) for one in others] == [("json_schema", 1)] * 2


def test_replies_of_the_wrong_form_are_given_as_they_are_once_the_format_is_known() -> None:
    with Server(lambda seen: Answer(body=reply(GOOD if seen.id == "r0" else NOT_SO))) as server:
        outcomes = client(server, concurrency=1).chat(requests(3))
    assert [one.text for one in outcomes] == [GOOD, NOT_SO, NOT_SO]
    assert len(server.seen) == 3


def test_an_unknown_model_is_told_from_an_unknown_format() -> None:
    with Server(lambda seen: error(404, "model not found")) as server, pytest.raises(ModelError, match="404"):
        client(server, concurrency=1).chat(requests(3))
    assert formats(server) == {"json_schema": 1, "json_object": 1, "grammar": 1, "plain": 1}


def test_a_refused_key_is_not_tried_in_other_formats() -> None:
    with Server(lambda seen: error(401)) as server, pytest.raises(ModelError, match="401"):
        client(server, concurrency=1).chat(requests(3))
    assert len(server.seen) == 1


def test_tokens_of_replies_that_only_showed_what_is_ignored_are_counted() -> None:
    with Server(serve(json_schema=NOT_SO, json_object=GOOD)) as server:
        model = client(server)
        model.chat(requests(1))
    assert model.usage.prompt_tokens == 14
    assert (model.usage.attempts, model.usage.retries) == (2, 0)
