"""A planted key comes out nowhere but in the header that it is for."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path

import pytest
from misbehaving import Answer, Seen, Server, asked, error, reply

from ouroboros_data.errors import ModelError, RecipeError
from ouroboros_data.models.openai_chat import build

KEY = "sk-planted-0123456789abcdef"


def grumble(seen: Seen) -> Answer:
    """A server that repeats the key wherever it can."""
    told = seen.headers["authorization"]
    answers = {
        "echo": Answer(body=reply(f"your header was {told}")),
        "cut": Answer(body=reply(told, finish="length")),
        "refused": Answer(body=reply("", refusal=told)),
        "bad": error(400, f"bad request with {told}"),
        "down": error(500, f"failed for {told}", x_key=told),
        "html": Answer(body=f"<p>{told}</p>".encode()),
        "moved": Answer(status=302, headers={"location": f"/?{KEY}"}),
        "drop": Answer(body=told.encode() * 9, cut_after=60),
        "key": error(401, f"Incorrect API key provided: {KEY}"),
    }
    return answers[seen.id]


def test_the_key_is_sent_and_comes_out_nowhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PLANTED_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    names = ["echo", "cut", "refused", "bad", "down", "html", "moved", "drop"]
    with Server(grumble) as server:
        options = {
            "model": "m",
            "base_url": server.url,
            "api_key_env": "PLANTED_KEY",
            "attempts": 2,
            "backoff_s": 0.001,
            "concurrency": 1,
        }
        model = build(options=options, cache=tmp_path / "replies")
        outcomes = model.chat([asked(name) for name in names])
        assert {one.headers["authorization"] for one in server.seen} == {f"Bearer {KEY}"}
        with pytest.raises(ModelError) as caught:
            model.chat([asked("key")])
    said = [repr(one) for one in outcomes]
    said += [repr(model), model.id, repr(model.usage), json.dumps(options), str(caught.value)]
    said += ["".join(traceback.format_exception(caught.value))]
    said += [record.getMessage() for record in caplog.records] + [caplog.text, *capfd.readouterr()]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    said += [path.read_text("utf-8") + str(path) for path in files]
    assert len(files) == 3  # the reply, the cut one, the refused one
    assert all("planted" not in text.lower().replace("planted_key", "") for text in said)
    assert any(
        "[key]" in text for text in said
    )  # or the server repeated nothing, and this test shows nothing


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"api_key_env": KEY}, None),
        ({"api_key_env": "abcdef0123456789"}, None),
        ({"api_key": KEY}, None),
        ({"base_url": f"http://me:{KEY}@localhost/v1"}, None),
        ({"base_url": f"http://localhost/v1?key={KEY}"}, None),
        ({"api_key_env": "PLANTED_KEY"}, f"{KEY}\nx-other: 1"),
        ({"api_key_env": "PLANTED_KEY"}, f"{KEY} ü"),
        ({"api_key_env": "PLANTED_KEY"}, ""),
        ({"api_key_env": "PLANTED_KEY"}, None),
    ],
)
def test_wrong_places_for_a_key_are_refused_without_repeating_it(
    options: dict[str, str], variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLANTED_KEY", raising=False)
    if variable is not None:
        monkeypatch.setenv("PLANTED_KEY", variable)
    with pytest.raises((RecipeError, ModelError)) as caught:
        build(options={"model": "m", **options})
    assert "planted-" not in str(caught.value) and "abcdef0123" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_key_no_header() -> None:
    with Server(lambda seen: Answer(body=reply("x"))) as server:
        build(options={"model": "m", "base_url": server.url}).chat([asked("a")])
    assert "authorization" not in server.seen[0].headers
