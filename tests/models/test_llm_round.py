"""``propose`` with a language model behind an endpoint: one round from request to file, on a server that is not always right."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from misbehaving import Answer, Seen, Server, reply
from typer.testing import CliRunner

from ouroboros_data.cli import app
from ouroboros_data.english import plural

SETTINGS = ["scenes.options.count=4", "scenes.holdout=0.2", "programs.jitters=2", "engine.workers=1",
            "proposer.drafts_per_scene=4", "proposer.options.include=[object_counting/*]",
            "reviewer.name=llm",
            "proposer.options.model.options.concurrency=1"]  # fmt: skip


def behaviour() -> Callable[[Seen], Answer]:
    """A right question on three of six requests, then a broken program, prose and half a reply.

    The first reply has to be good: it shows the client that the server honours the format.
    """
    turn = itertools.count()

    def behave(seen: Seen) -> Answer:
        schema = seen.body["response_format"]["json_schema"]["schema"]
        if "contradicted" in schema["properties"]:
            return Answer(body=reply(json.dumps({"reason": "so it seems", "contradicted": False})))
        if "answerable_without_looking" in schema["properties"]:
            said = {"reason": "so it seems", "answerable_without_looking": next(turn) % 3 == 0}
            return Answer(body=reply(json.dumps(said)))
        (category,) = schema["properties"]["categories"]["items"]["enum"]
        kind = next(turn) % 6
        if kind == 4:
            return Answer(body=reply("I would rather not."))
        if kind == 5:
            return Answer(body=reply('{"question_type": "object_cou', finish="length"))
        made = {
            "question_type": "object_counting",
            "categories": [category],
            "question": f"How many {plural(category)} can be counted in the whole room?",
            "answer_type": "number",
            "options": [],
            "unit": "count",
            "program": f'def answer():\n    return number({"how_many" if kind == 3 else "count"}("{category}"), "count")\n',
        }
        return Answer(body=reply(json.dumps(made)))

    return behave


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(behaviour()) as running:
        yield running


def propose(server: Server, run: Path, *more: str) -> Any:
    model = [f"{part}.options.model.options.base_url={server.url}" for part in ("proposer", "reviewer")]
    words = [word for setting in [*SETTINGS, *model] for word in ("--set", setting)]
    return CliRunner().invoke(app, ["propose", "endpoint", "--run", str(run), *words, *more])


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def round_one(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    run = tmp_path_factory.mktemp("round") / "run"
    done = propose(server, run, "--json")
    assert done.exit_code == 0, done.output
    return run, json.loads(done.output)


def test_every_request_ends_somewhere(round_one: tuple[Path, dict[str, Any]], server: Server) -> None:
    told = round_one[1]
    proposals = [s for s in server.seen if "question_type" in json.dumps(s.body["response_format"])]
    funnel, files = told["funnel"], {name: lines(Path(path)) for name, path in told["files"].items()}
    assert funnel["proposed"] == len(proposals) == told["usage"]["requests"] > 8
    assert funnel["proposed"] == sum(len(files[f"{n}.jsonl"]) for n in ("accepted", "rejected", "discarded"))
    assert funnel["accepted"] == len(files["accepted.jsonl"]) > 0
    # The reviewer is asked twice about what the gates let pass.
    assert len(server.seen) - len(proposals) == 2 * funnel["gated"]
    for row in files["accepted.jsonl"]:
        assert row["proposer"].startswith("llm/") and "how_many" not in row["program"]["source"]
    raws = {row["reason"]: row["raw"] for row in files["discarded.jsonl"]}
    assert raws == {"not_json": "I would rather not.", "truncated": '{"question_type": "object_cou'}
    stages = {reason.partition("/")[0] for reason in told["rejected"]}
    assert stages == {"parse", "execute", "review"}  # each of the ways in which this server fails
    assert funnel["proposed"] - funnel["accepted"] == sum(told["rejected"].values())


def test_the_second_time_nothing_is_asked(
    round_one: tuple[Path, dict[str, Any]], server: Server, tmp_path: Path
) -> None:
    run, told = round_one
    before, files = len(server.seen), {p.name: p.read_bytes() for p in (run / "proposals").iterdir()}
    done = propose(server, run)
    assert done.exit_code == 0, done.output
    assert len(server.seen) == before
    assert {p.name: p.read_bytes() for p in (run / "proposals").iterdir()} == files
    assert f"{told['funnel']['proposed']}" in done.output and "parse/" in done.output


def test_dry_run_asks_nothing(server: Server, tmp_path: Path) -> None:
    before = len(server.seen)
    done = propose(server, tmp_path / "run", "--dry-run")
    assert done.exit_code == 0 and len(server.seen) == before
    assert "=== system" in done.output and "object_counting" in done.output
    assert re.search(r"\d+ m2", done.output) and not (tmp_path / "run").exists()


def test_an_endpoint_that_is_not_there_is_one_line(tmp_path: Path, server: Server) -> None:
    done = propose(
        server,
        tmp_path / "run",
        "--set",
        "proposer.options.model.options.base_url=http://127.0.0.1:9/v1",
        "--set",
        "proposer.options.model.options.backoff_s=0.01",
        "--set",
        "proposer.options.model.options.give_up_after=2",
    )
    assert done.exit_code == 1 and "error:" in done.output and "Traceback" not in done.output
