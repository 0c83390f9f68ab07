"""Nothing is asked twice, nothing that was not answered is remembered, and a damaged entry is asked again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving import Answer, Seen, Server, asked, error, good, reply

from ouroboros_data.errors import ModelError, StoreError
from ouroboros_data.ids import content_hash
from ouroboros_data.models.chat import (
    ChatMessage,
    ChatRequest,
    FilePart,
    ImagePart,
    ReplyFormat,
    TextPart,
    VideoPart,
)
from ouroboros_data.models.openai_chat import build
from ouroboros_data.models.reply_cache import described


def cached(server: Server, place: Path, **options: Any):
    base = {"model": "m", "base_url": server.url, "attempts": 2, "backoff_s": 0.001, "takes_images": True}
    return build(options={**base, **options}, cache=place)


def entries(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    requests = [asked(str(i)) for i in range(20)]
    with Server(good) as server:
        first = cached(server, tmp_path).chat(requests)
        told: list[int] = []
        model = cached(server, tmp_path)
        second = model.chat(requests, on_outcome=lambda index, outcome: told.append(index))
        assert len(server.seen) == 20
    assert second == [dataclasses.replace(one, cached=True) for one in first]
    assert not any(one.cached for one in first)
    assert sorted(told) == list(range(20))
    usage = model.usage
    assert (usage.requests, usage.cached, usage.attempts, usage.prompt_tokens) == (20, 20, 0, 0)


def test_the_same_model_behind_another_port_is_the_same_model(tmp_path: Path) -> None:
    with Server(good) as server:
        cached(server, tmp_path).chat([asked("a")])
    with Server(good) as other:
        (outcome,) = cached(other, tmp_path).chat([asked("a")])
        assert outcome.cached and not other.seen
        for different in ({"label": "q4"}, {"extra_body": {"min_p": 0.1}}, {"model": "n"}):
            (outcome,) = cached(other, tmp_path, **different).chat([asked("a")])
            assert not outcome.cached
        assert len(other.seen) == 3


def test_equal_requests_of_one_call_are_asked_once(tmp_path: Path) -> None:
    with Server(good) as server:
        model = cached(server, tmp_path)
        outcomes = model.chat([asked("a"), asked("b"), asked("a"), asked("a", seed=1)])
        assert server.count() == {"a": 2, "b": 1}
    assert [one.text for one in outcomes] == ["reply to a", "reply to b", "reply to a", "reply to a"]
    assert [one.cached for one in outcomes] == [False, False, True, False]
    assert (model.usage.requests, model.usage.cached) == (4, 1)


def test_what_the_model_said_is_kept_and_what_the_endpoint_did_is_not(tmp_path: Path) -> None:
    answers = {
        "cut": Answer(body=reply("{", finish="length")),
        "refused": Answer(body=reply("", refusal="no")),
        "broken": Answer(body=b"<html>"),
        "down": error(500),
        "bad": error(400),
        "long": error(400, "maximum context length"),
    }
    with Server(lambda seen: answers[seen.id]) as server:
        first = cached(server, tmp_path, concurrency=1).chat([asked(name) for name in answers])
        before = server.count()
        second = cached(server, tmp_path, concurrency=1).chat([asked(name) for name in answers])
        again = server.count() - before
    assert set(again) == {"broken", "down", "bad", "long"}
    assert second[:2] == [dataclasses.replace(one, cached=True) for one in first[:2]]
    assert second[2:] == first[2:]


def test_what_was_answered_before_the_end_is_not_asked_again(tmp_path: Path) -> None:
    dead = True

    def behave(seen: Seen) -> Answer:
        return error(500) if dead and int(seen.id) >= 7 else good(seen)

    requests = [asked(str(i)) for i in range(12)]
    with Server(behave) as server:
        with pytest.raises(ModelError):
            cached(server, tmp_path, concurrency=1, give_up_after=2).chat(requests)
        dead = False
        server.seen.clear()
        outcomes = cached(server, tmp_path).chat(requests)
        assert set(server.count()) == {str(i) for i in range(7, 12)}
    assert [one.text for one in outcomes] == [f"reply to {i}" for i in range(12)]
    assert [one.cached for one in outcomes] == [True] * 7 + [False] * 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: text.replace("reply to a", "reply to b"),
        lambda text: text.replace('"outcome"', '"outcame"'),
        lambda text: text.replace('"attempts":1', '"attempts":"1"'),
        lambda text: "[" * 100_000,
    ],
)
def test_a_damaged_entry_is_asked_again_and_replaced(tmp_path: Path, damage: Any) -> None:
    with Server(good) as server:
        cached(server, tmp_path).chat([asked("a")])
        (entry,) = entries(tmp_path)
        whole = entry.read_text("utf-8")
        entry.write_text(damage(whole), "utf-8")
        assert entry.read_text("utf-8") != whole
        (outcome,) = cached(server, tmp_path).chat([asked("a")])
        assert outcome.text == "reply to a" and not outcome.cached
        assert entry.read_text("utf-8") == whole
        (outcome,) = cached(server, tmp_path).chat([asked("a")])
        assert outcome.cached and len(server.seen) == 2


def test_a_cache_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with Server(good) as server, pytest.raises(StoreError, match="cannot write"):
        cached(server, tmp_path / "file").chat([asked("a")])


PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def plain(*parts: Any, **fields: Any) -> ChatRequest:
    return ChatRequest(messages=(ChatMessage(role="user", parts=(TextPart(text="id=a"), *parts)),), **fields)


def ordered(*names: str) -> ReplyFormat:
    return ReplyFormat(name="d", schema={"type": "object", "properties": {name: {} for name in names}})


def test_requests_that_differ_in_anything_have_other_descriptions(tmp_path: Path) -> None:
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    one.write_bytes(b"\x89PNG\r\n\x1a\n1")
    two.write_bytes(b"\x89PNG\r\n\x1a\n2")
    darker = PICTURE.copy()
    darker[1, 3, 2] -= 1
    several = [
        plain(),
        plain(seed=1),
        plain(temperature=0.0),
        plain(top_p=0.5),
        plain(max_tokens=5),
        plain(reply_format=ordered("a", "b")),
        plain(reply_format=ordered("b", "a")),  # decoding follows the order
        plain(TextPart(text="more")),
        plain(ImagePart(image=PICTURE)),
        plain(ImagePart(image=darker)),
        plain(ImagePart(image=PICTURE.reshape(4, 2, 3))),
        plain(VideoPart(frames=(PICTURE, PICTURE), times_s=(0.0, 1.0))),
        plain(VideoPart(frames=(PICTURE, PICTURE), times_s=(0.0, 2.0))),
        plain(VideoPart(frames=(PICTURE, darker), times_s=(0.0, 1.0))),
        plain(FilePart(path=one)),
        plain(FilePart(path=two)),
        dataclasses.replace(plain(), messages=(ChatMessage(role="system", parts=(TextPart(text="id=a"),)),)),
    ]
    said = [described(request, media_roots=[tmp_path]) for request in several]
    assert len({content_hash(one) for one in said}) == len(several)
    assert str(tmp_path) not in repr(said)  # the same picture in another place is the same request
    view = PICTURE[:, ::-1][:, ::-1]
    assert described(plain(ImagePart(image=view))) == described(plain(ImagePart(image=PICTURE)))


def test_a_file_outside_the_roots_is_neither_read_nor_remembered(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n1")
    with Server(good) as server:
        model = cached(server, tmp_path / "cache", media_roots=[str(tmp_path / "cache")])
        bad, fine = model.chat([plain(FilePart(path=file)), plain()])
        assert len(server.seen) == 1
    assert bad.reason == "media" and fine.text == "reply to a"
    assert len(entries(tmp_path / "cache")) == 1
