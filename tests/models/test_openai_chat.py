"""The client against a server that misbehaves: nothing lost, nothing doubled, bounded retries, typed failures."""

from __future__ import annotations

import email.utils
import itertools
import time
from collections import Counter
from typing import Any

import pytest
from misbehaving import Answer, Seen, Server, asked, error, good, reply

from ouroboros_data.errors import ModelError
from ouroboros_data.ids import rng
from ouroboros_data.models.chat import ChatFailure, ChatReply
from ouroboros_data.models.openai_chat import OpenAIChat
from ouroboros_data.models.openai_http import Pace
from ouroboros_data.models.openai_options import checked

SCALE = 0.01
HTML = b"<!DOCTYPE html><html><head><style>p{}</style></head><body><h1>502 Bad Gateway</h1></body></html>"


def client(server: Server, **options: Any) -> OpenAIChat:
    chosen = checked({"model": "m", "base_url": server.url, **options})
    return OpenAIChat(chosen, key=None, pace=Pace(SCALE), jitter=lambda: 0.5)


def first_then_good(*bad: Answer):
    return lambda seen: bad[seen.tries - 1] if seen.tries <= len(bad) else good(seen)


def test_replies_keep_the_order_and_concurrency_is_bounded() -> None:
    def slower_first(seen: Seen) -> Answer:
        return Answer(body=reply(f"reply to {seen.id}"), delay_s=0.04 if seen.id == "0" else 0.004)

    told: list[int] = []
    with Server(slower_first) as server:
        model = client(server, concurrency=4)
        outcomes = model.chat(
            [asked(str(i)) for i in range(30)], on_outcome=lambda index, outcome: told.append(index)
        )
    assert [one.text for one in outcomes] == [f"reply to {i}" for i in range(30)]
    assert set(server.count().values()) == {1}
    assert server.most_in_flight == 4
    assert sorted(told) == list(range(30)) and told[0] != 0
    assert (model.usage.requests, model.usage.attempts, model.usage.retries) == (30, 30, 0)
    assert (model.usage.prompt_tokens, model.usage.completion_tokens, model.usage.cost) == (210, 90, None)


def test_no_requests_no_connections() -> None:
    with Server(good) as server:
        assert client(server).chat([]) == []
    assert server.seen == []


def test_the_body_says_what_was_asked() -> None:
    with Server(good) as server:
        client(server, extra_body={"min_p": 0.1}, leave_out=["top_p"]).chat(
            [asked("a", temperature=0.25, max_tokens=33, seed=2**40 + 5)]
        )
    body = server.seen[0].body
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Say something in JSON. id=a"}],
        "temperature": 0.25,
        "max_tokens": 33,
        "seed": 5,
        "min_p": 0.1,
    }


def test_reasoning_models_get_their_own_field_for_the_length() -> None:
    with Server(good) as server:
        client(server, max_tokens_field="max_completion_tokens").chat([asked("a", max_tokens=9)])
    assert server.seen[0].body["max_completion_tokens"] == 9 and "max_tokens" not in server.seen[0].body


@pytest.mark.parametrize(
    "bad",
    [
        *(error(status) for status in (408, 409, 429, 500, 502, 503, 504, 529)),
        Answer(status=200, body=reply("half")[:-20]),
        Answer(status=200, body=HTML),
        Answer(status=502, body=HTML),
        Answer(status=200, body=b'{"choices": []}'),
        Answer(status=200, body=b'{"error": {"message": "upstream", "code": 502}}'),
        Answer(status=200, body=b'{"error": {"code": 502}, "choices": [{"message": {"content": "half"}}]}'),
        Answer(status=200, body=reply("", finish="error")),
        Answer(status=200, body=b"[" * 100_000),
        Answer(status=200, body=reply("half"), cut_after=30),
        Answer(status=200, body=reply("half"), cut_after=0),
        Answer(cut_after=-1),
        Answer(body=reply("late"), delay_s=3.0),
        Answer(status=200, body=b"not gzip", headers={"content-encoding": "gzip"}),
    ],
    ids=lambda bad: f"{bad.status}-{bad.cut_after}-{bad.body[:12]!r}"[:40],
)
def test_what_passes_by_itself_is_asked_again(bad: Answer) -> None:
    with Server(first_then_good(bad, bad)) as server:
        (outcome,) = client(server, attempt_timeout_s=50.0).chat([asked("a")])
    assert isinstance(outcome, ChatReply), outcome
    assert outcome.text == "reply to a" and outcome.attempts == 3
    assert server.count() == {"a": 3}


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        (error(500), "endpoint", "HTTP 500: server_error it broke"),
        (error(429), "endpoint", "HTTP 429"),
        (Answer(status=200, body=HTML), "endpoint", "not a JSON object: 502 Bad Gateway"),
        (Answer(status=200, body=reply("half")[:-20]), "endpoint", "not a JSON object"),
        (Answer(status=200, body=reply("half"), cut_after=30), "unreachable", "RemoteProtocolError"),
        (Answer(delay_s=5.0), "timeout", "no whole answer within 50 s"),
    ],
)
def test_attempts_are_bounded(bad: Answer, reason: str, words: str) -> None:
    with Server(lambda seen: good(seen) if seen.id == "b" else bad) as server:
        model = client(server, attempts=4, attempt_timeout_s=50.0)
        assert isinstance(model.chat([asked("b")])[0], ChatReply)
        (outcome,) = model.chat([asked("a")])
    assert isinstance(outcome, ChatFailure)
    assert (outcome.reason, outcome.attempts) == (reason, 4)
    assert words in outcome.detail and len(outcome.detail) < 400 and "\n" not in outcome.detail
    assert server.count()["a"] == 4
    assert (model.usage.failed, model.usage.attempts, model.usage.retries) == (1, 5, 3)


@pytest.mark.parametrize(
    ("answer", "reason", "attempts"),
    [
        (error(400, "no such field"), "rejected", 1),
        (error(422), "rejected", 1),
        (error(403), "rejected", 1),
        (error(400, "This model's maximum context length is 10 tokens"), "too_long", 1),
        (error(500, "context_length_exceeded"), "too_long", 1),
        (error(400, "blocked: content_filter"), "refused", 1),
        (Answer(status=307, headers={"location": "/elsewhere"}), "endpoint", 1),
    ],
)
def test_what_does_not_pass_is_asked_once(answer: Answer, reason: str, attempts: int) -> None:
    with Server(lambda seen: answer) as server:
        (outcome,) = client(server).chat([asked("a")])
    assert isinstance(outcome, ChatFailure) and (outcome.reason, outcome.attempts) == (reason, attempts)
    assert len(server.seen) == 1


def test_cut_and_refused_replies_are_failures_that_keep_their_words() -> None:
    answers = {
        "cut": reply("{half", finish="length", tokens=(5, 64)),
        "filtered": reply("so far", finish="content_filter"),
        "refused": reply("", refusal="I will not."),
    }
    with Server(lambda seen: Answer(body=answers[seen.id])) as server:
        model = client(server)
        cut, filtered, refused = model.chat([asked(name) for name in answers])
    assert (cut.reason, cut.text, cut.completion_tokens) == ("truncated", "{half", 64)
    assert (filtered.reason, filtered.text) == ("refused", "so far")
    assert (refused.reason, refused.text) == ("refused", "I will not.")
    assert (model.usage.completion_tokens, model.usage.failed) == (70, 3)


def test_waits_as_long_as_the_server_says_and_the_others_wait_too() -> None:
    def limited(seen: Seen) -> Answer:
        return error(429, retry_after="30") if (seen.id, seen.tries) == ("a", 1) else good(seen)

    with Server(limited) as server:
        outcomes = client(server, concurrency=1).chat([asked("a"), asked("b")])
        assert [one.attempts for one in outcomes] == [2, 1]
        gap_s = server.seen[1].at_s - server.seen[0].at_s
    assert gap_s >= 30 * SCALE

    def first_limited(seen: Seen) -> Answer:
        return error(503, retry_after_ms="30000") if not server.seen[1:] else good(seen)

    with Server(first_limited) as server:
        client(server, concurrency=1, attempts=1).chat([asked("a"), asked("b")])
        assert server.count() == {"a": 1, "b": 1}
        assert server.seen[1].at_s - server.seen[0].at_s >= 30 * SCALE


def test_without_a_word_from_the_server_waits_double_up_to_a_bound() -> None:
    with Server(first_then_good(*[error(429)] * 5)) as server:
        client(server, backoff_s=4.0, backoff_max_s=10.0).chat([asked("a")])
    at = [one.at_s for one in server.seen]
    gaps_s = [(b - a) / SCALE for a, b in itertools.pairwise(at)]
    for gap_s, expected_s in zip(gaps_s, [3.0, 6.0, 7.5, 7.5, 7.5], strict=True):
        assert expected_s <= gap_s < expected_s + 30.0  # the machine is shared


def test_a_wait_that_is_too_long_fails_the_request_at_once() -> None:
    when = email.utils.formatdate(time.time() + 3600, usegmt=True)
    for said in ("3600", when, "inf"):
        with Server(lambda seen, said=said: error(429, retry_after=said)) as server:
            (outcome,) = client(server, deadline_s=9000.0).chat([asked("a")])
        assert isinstance(outcome, ChatFailure) and outcome.attempts == 1
        assert "asks to wait" in outcome.detail


def test_the_deadline_bounds_the_whole_request() -> None:
    with Server(lambda seen: error(500)) as server:
        (outcome,) = client(server, attempts=100, backoff_s=1.0, deadline_s=100.0).chat([asked("a")])
    assert isinstance(outcome, ChatFailure) and outcome.reason == "timeout"
    assert "deadline of 100 s" in outcome.detail
    # The last one may have been cut off on its way.
    assert 3 <= outcome.attempts <= 20 and len(server.seen) in (outcome.attempts, outcome.attempts - 1)


def test_a_body_that_drips_in_is_cut_off() -> None:
    with Server(lambda seen: Answer(body=reply("x" * 500), drip_s=0.02)) as server:
        began = time.monotonic()
        (outcome,) = client(server, attempts=2, attempt_timeout_s=10.0).chat([asked("a")])
    assert isinstance(outcome, ChatFailure) and outcome.reason == "timeout"
    assert time.monotonic() - began < 3.0


def test_a_body_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ouroboros_data.models.openai_http.MAX_BODY_BYTES", 10_000)
    with Server(lambda seen: Answer(body=b" " * 50_000)) as server:
        (outcome,) = client(server).chat([asked("a")])
    assert isinstance(outcome, ChatFailure) and "more than 10000 bytes" in outcome.detail


def test_with_three_in_ten_failing_nothing_is_lost_and_nothing_doubled() -> None:
    bad = [
        error(429),
        error(429, retry_after="1"),
        error(500),
        error(503, retry_after="0"),
        Answer(status=502, body=HTML),
        Answer(body=HTML),
        Answer(body=reply("never")[:-9]),
        Answer(body=reply("never"), cut_after=40),
        Answer(cut_after=-1),
    ]
    said: Counter[str] = Counter()

    def unreliable(seen: Seen) -> Answer:
        draw = rng("unreliable", seen.id, seen.tries)
        if draw.random() < 0.3:
            return bad[int(draw.integers(len(bad)))]
        said[seen.id] += 1
        return Answer(body=reply(f"reply to {seen.id}"), delay_s=float(draw.random()) * 0.005)

    names = [f"r{i}" for i in range(200)]
    told: Counter[int] = Counter()
    with Server(unreliable) as server:
        model = client(server, concurrency=16, attempts=8)
        outcomes = model.chat([asked(name) for name in names], on_outcome=lambda i, o: told.update([i]))
    assert [one.text for one in outcomes] == [f"reply to {name}" for name in names]
    assert said == Counter(names)  # no request was asked again after its good answer
    assert told == Counter(range(200))
    assert server.count() == {name: outcome.attempts for name, outcome in zip(names, outcomes, strict=True)}
    assert model.usage.attempts == len(server.seen) > 250
    assert model.usage.retries == len(server.seen) - 200
    assert model.usage.prompt_tokens == 7 * 200
    assert max(one.attempts for one in outcomes) <= 8


@pytest.mark.parametrize("status", [401, 402, 404])
def test_a_refused_key_or_an_unknown_model_ends_everything(status: int) -> None:
    with (
        Server(lambda seen: error(status, "no")) as server,
        pytest.raises(ModelError, match=f"refuses m: HTTP {status}"),
    ):
        client(server, concurrency=2).chat([asked(str(i)) for i in range(50)])
    assert len(server.seen) <= 2


def test_an_empty_account_ends_everything_though_its_status_is_that_of_a_rate_limit() -> None:
    with (
        Server(lambda seen: error(429, "insufficient_quota")) as server,
        pytest.raises(ModelError, match="insufficient_quota"),
    ):
        client(server, concurrency=1).chat([asked("a"), asked("b")])
    assert len(server.seen) == 1


def test_where_nobody_listens_the_run_ends() -> None:
    with Server(good) as server:
        url = server.url
    chosen = checked({"model": "m", "base_url": url, "attempts": 3, "concurrency": 1})
    with pytest.raises(ModelError, match="nobody answers: ConnectError") as caught:
        OpenAIChat(chosen, key=None, pace=Pace(SCALE)).chat([asked(str(i)) for i in range(9)])
    assert url in str(caught.value) and "\n" not in str(caught.value)


def test_many_failures_in_a_row_end_the_run_and_what_came_before_was_told() -> None:
    told: list[str] = []
    with (
        Server(lambda seen: good(seen) if int(seen.id) < 5 else error(500)) as server,
        pytest.raises(ModelError, match="6 requests in a row failed; the last: HTTP 500"),
    ):
        client(server, concurrency=1, attempts=2, give_up_after=6).chat(
            [asked(str(i)) for i in range(50)],
            on_outcome=lambda index, outcome: told.append(type(outcome).__name__),
        )
    assert told == ["ChatReply"] * 5 + ["ChatFailure"] * 6
    assert len(server.seen) == 5 + 6 * 2


def test_failures_that_are_not_in_a_row_end_nothing() -> None:
    with Server(lambda seen: good(seen) if int(seen.id) % 3 == 2 else error(500)) as server:
        outcomes = client(server, concurrency=1, attempts=1, give_up_after=3).chat(
            [asked(str(i)) for i in range(12)]
        )
    assert [isinstance(one, ChatReply) for one in outcomes] == [False, False, True] * 4


def test_an_error_of_the_one_who_is_told_comes_out_as_it_is() -> None:
    def stop(index: int, outcome: object) -> None:
        raise ZeroDivisionError("mine")

    with Server(good) as server, pytest.raises(ZeroDivisionError, match="mine"):
        client(server).chat([asked(str(i)) for i in range(9)], on_outcome=stop)


def test_cost_follows_the_prices() -> None:
    with Server(lambda seen: Answer(body=reply("x", tokens=(1000, 500)))) as server:
        model = client(server, price_in=2.0, price_out=10.0)
        model.chat([asked("a"), asked("b")])
    assert model.usage.cost == pytest.approx(2 * (1000 * 2.0 + 500 * 10.0) / 1e6)


def test_counts_that_are_no_counts_and_content_in_parts() -> None:
    bodies = {
        "a": b'{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":"many","completion_tokens":-4}}',
        "b": b'{"choices":[{"message":{"content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}}]}',
        "c": b'{"choices":[{"message":{"content":null}}],"usage":7}',
    }
    with Server(lambda seen: Answer(body=bodies[seen.id])) as server:
        outcomes = client(server).chat([asked(name) for name in bodies])
    assert [one.text for one in outcomes] == ["x", "xy", ""]
    assert all(one.finish_reason == "stop" and one.prompt_tokens == 0 for one in outcomes)
    assert all(one.completion_tokens == 0 for one in outcomes)
