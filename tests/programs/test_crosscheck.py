"""The second opinion: what it agrees with, what it stops, and what happens when its process dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import hand_scenes as hand
import pytest

from ouroboros_data.config import ProgramSettings
from ouroboros_data.errors import SandboxError
from ouroboros_data.programs import api, crosscheck, jail, sandbox
from ouroboros_data.programs.confinement import confinement
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.stages.ground import ground
from ouroboros_data.types import Answer

sys.path.insert(0, str(Path(__file__).parents[1] / "proposers"))
import grammar_rooms as rooms
from grammar_oracle import brief, propose

GOOD = 'def answer():\n    return number(distance(only("table"), only("tv")), "m")\n'
COUNT = 'def answer():\n    return number(count("chair"), "count")\n'
LOOP = "def answer():\n    while True:\n        pass\n"
HONEST = ["ok", "number", 2.4, "m", None]


@pytest.fixture(scope="module")
def tables():
    return api.tables(hand.room(), None, hand.SHARE)


@pytest.fixture(scope="module")
def pool():
    report = jail.probe("auto")
    if not report.holds:
        pytest.skip(f"the jail does not hold here: {report.problem}")
    with SandboxPool(alone_s=0.3) as opened:
        yield opened


def ask(twin, tables, sources):
    given = sandbox._given(tables, tables.copies[:1], False)
    return twin.run(api.prelude() + sandbox._SETUP, given, sources)


def test_it_agrees_with_every_family_of_the_grammar(pool):
    asked = 0
    for seed in range(4):
        made = rooms.random_scene(seed)
        sources = [draft.program.source for draft in propose(made, brief(count=40, seed=seed))]
        tables = api.tables(made, rooms.frame_ids(made), 0.002)
        outcomes = pool.run(tables, sources)
        assert pool.confirm(tables, sources, outcomes) == outcomes
        asked += sum(o.ok for o in outcomes)
    assert asked > 100


SAME = {
    "sums from left to right": "return number(sum([0.1] * 10), 'm')",
    "sums that nearly cancel": "return number(sum([1e8, 1.0, -1e8, 0.1]), 'm')",
    "rounds as Python does": "return number(round(2.675, 2) + round(3.45, 1) + round(0.5) + round(1.5), 'm')",
    "mathematics": "return number(math.sin(1.1) + math.atan2(0.3, -2.0) + math.sqrt(2) ** 0.7 + math.hypot(3.1, 4.2), 'm')",
    "texts": "t = f'{1 / 3:.3f}' + 'ß'.upper() + 'a'.center(5, '*')\n    return choice(t, [t, 'b'])",
    "floor division of negatives": "return number(-7 // 2 + -7 % 3 + divmod(-7, 2)[1] + 7.5 // -2, 'm')",
    "stable sorts": "return ordering([o.id for o in sorted(objects(), key=lambda o: len(o.category))])",
    "comprehensions, sets and dicts": "d = {k: len(k) for k in categories()}\n    return number(len({v for v in d.values()}), 'count')",
    "minus zero": "return number(-0.0, 'm')",
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_it_agrees_about_the_language(pool, tables, name):
    source = f"def answer():\n    {SAME[name]}\n"
    outcomes = pool.run(tables, [source])
    assert outcomes[0].ok, outcomes[0]
    assert pool.confirm(tables, [source], outcomes) == outcomes


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        (GOOD, {"value": 2.4000000000000004}),
        (GOOD, {"value": 2.3}),
        (GOOD, {"unit": "cm"}),
        (COUNT, {"value": 2.0}),
        (COUNT, {"value": 3}),
        (COUNT, {"text": "3"}),
        ("def answer():\n    return boolean(True)\n", {"value": False}),
        ("def answer():\n    return boolean(True)\n", {"value": 1}),
        ("def answer():\n    return number(0.0, 'm')\n", {"value": -0.0}),
        ("def answer():\n    return ordering(['a', 'b'])\n", {"value": ("b", "a")}),
    ],
)
def test_any_difference_of_value_or_type_is_a_disagreement(pool, tables, source, changed):
    outcome = pool.run(tables, [source])[0]
    wrong = replace(outcome, answer=replace(outcome.answer, **changed))
    checked = pool.confirm(tables, [source, source], [wrong, outcome])
    assert checked[0].reason == "disagreement" and checked[0].answer is None
    assert "in the sandbox" in checked[0].detail and checked[0].evidence == outcome.evidence
    assert checked[1] == outcome


def test_options_and_step_are_compared_too(pool, tables):
    sources = [
        "def answer():\n    return choice('a', ['a', 'b'])\n",
        "def answer():\n    return number(1.3, 'm', 0.5)\n",
    ]
    outcomes = pool.run(tables, sources)
    wrong = [replace(outcomes[0], options=("a", "c")), replace(outcomes[1], step=0.25)]
    assert [o.reason for o in pool.confirm(tables, sources, wrong)] == ["disagreement"] * 2
    assert pool.confirm(tables, sources, outcomes) == outcomes


def test_failures_are_left_as_they_are(pool, tables):
    sources = [GOOD, "def answer():\n    import os\n", LOOP]
    outcomes = pool.run(tables, sources)
    assert [o.reason for o in pool.confirm(tables, sources, outcomes)] == ["", "lint", "timeout"]


def test_a_draft_whose_answer_hangs_on_a_sets_order_is_rejected_by_the_gate(pool):
    unstable = hand.draft(
        "Which of the table and the tv comes first?",
        's = list({c for c in "abcdefgh"} | {o.category for o in objects("table", "tv")})\n'
        'return choice("table" if s[0] in "abcd" else "tv", ["table", "tv"])',
        mentions=("table", "tv"), answer_type="choice", options=("table", "tv"), kind="object_rel_distance",
    )  # fmt: skip
    unstable = replace(unstable, question=replace(unstable.question, id="unstable"))
    good = hand.draft("How far is the table from the tv, in metres?", 'return number(distance(only("table"), only("tv")), "m")', mentions=("table", "tv"))  # fmt: skip
    frames = ("f0", "f1", "f2", "f3")
    settings = ProgramSettings()
    bad, fine = ground(
        hand.room(), frames, [unstable, good], programs=settings, min_pixel_share=hand.SHARE, pool=pool
    )
    assert (bad.stage, bad.reason) == ("execute", "disagreement") and bad.detail
    assert fine.status == "accepted"


# --- the process ---


TWO = """
def answer():
    s = {c: 1 for c in ["table", "tv"]}
    first = list(set(s))[0]
    return choice(first, ["table", "tv"])
"""


def test_choices_of_two_that_hang_on_a_set_are_mostly_found(pool, tables):
    """Each of these has one chance in two under one hash seed, and one in sixteen under four."""
    sources = [TWO.replace('"tv"', f'"{name}"') for name in "abcdefghijklmnop"]
    outcomes = pool.run(tables, sources)
    assert all(outcome.ok for outcome in outcomes)
    assert sum(o.reason == "disagreement" for o in pool.confirm(tables, sources, outcomes)) >= 12
    one = crosscheck.confirm(pool._twins[:1], api.prelude() + sandbox._SETUP, sandbox._given(tables, tables.copies[:1], False), sources, outcomes)  # fmt: skip
    assert sum(o.reason == "disagreement" for o in one) < 12


def test_the_hash_seed_is_another_one(pool, tables, monkeypatch):
    source = "def answer():\n    real = distance.__globals__['__builtins__']\n    return number(real['hash']('spatial') % 10**9, 'count')\n"

    def expected(seed):
        code = "print(hash('spatial') % 10**9)"
        done = subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)  # fmt: skip
        return int(done.stdout)

    for own, wanted in ((None, "1"), ("0", "1"), ("1", "2"), ("random", "1")):
        if own is None:
            monkeypatch.delenv("PYTHONHASHSEED", raising=False)
        else:
            monkeypatch.setenv("PYTHONHASHSEED", own)
        with crosscheck.Twin(limit_s=1.0) as twin:
            assert ask(twin, tables, [source]) == [["ok", "number", expected(wanted), "count", None]]


def test_what_the_process_tried_and_has(tables, monkeypatch):
    monkeypatch.setenv("SECRET", "hidden")
    with crosscheck.Twin(limit_s=1.0) as twin:
        assert ask(twin, tables, [GOOD]) == [HONEST]
        assert len(twin.report["tried"]) == 6 and set(twin.report["tried"].values()) <= {"EPERM", "EACCES"}
        place = Path(f"/proc/{twin._process.pid}")
        assert place.joinpath("environ").read_bytes().startswith(b"PYTHONHASHSEED=")
        assert b"SECRET" not in place.joinpath("environ").read_bytes()
        assert {fd.name for fd in place.joinpath("fd").iterdir()} == {"0", "1", "2"}
        assert place.joinpath("fd/2").readlink() == Path("/dev/null")
        limits = place.joinpath("limits").read_text()
        assert f"Max address space         {512 << 20}" in limits


def test_one_that_loops_costs_its_own_answer_alone(tables):
    with crosscheck.Twin(limit_s=0.3) as twin:
        late = ["failed", "timeout", "ran past the time limit"]
        assert ask(twin, tables, [GOOD, LOOP, GOOD, LOOP, LOOP, GOOD]) == [
            HONEST,
            late,
            HONEST,
            late,
            late,
            HONEST,
        ]


def test_one_that_is_killed_between_batches_is_replaced(tables):
    with crosscheck.Twin(limit_s=1.0) as twin:
        ask(twin, tables, [GOOD])
        first = twin._process.pid
        os.kill(first, signal.SIGKILL)
        assert ask(twin, tables, [GOOD] * 3) == [HONEST] * 3
        assert twin._process.pid != first


ORPHAN = """
import sys
sys.path[:0] = {tests!r}
import hand_scenes as hand, os, test_crosscheck as t
twin = t.crosscheck.Twin(limit_s=1.0)
tables = t.api.tables(hand.room(), None, hand.SHARE)
t.ask(twin, tables, [t.GOOD])
def leave(*_):
    print(twin._process.pid, flush=True)
    os.kill(os.getpid(), 9)
twin._answer = leave
t.ask(twin, tables, [t.GOOD, t.{last}])
"""


@pytest.mark.parametrize("last", ["GOOD", "LOOP"])
def test_the_process_ends_with_its_owner(last):
    tests = Path(__file__).parents[1]
    script = ORPHAN.format(tests=[str(tests), str(tests / "programs")], last=last)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    for _ in range(1500):
        if not Path(f"/proc/{pid}/exe").exists():
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} lives on")


POISON = """
def answer():
    global distance, only, number, math
    real = distance.__globals__["__builtins__"]
    distance = lambda a, b: 99.0
    only = number = math = None
    len = None
    return boolean(True)
"""


def test_programs_of_a_batch_do_not_share_names_in_cpython_either(tables):
    with crosscheck.Twin(limit_s=1.0) as twin:
        assert ask(twin, tables, [POISON, GOOD])[1] == HONEST


def test_an_api_that_cpython_cannot_run_is_nobodys_disagreement(tables):
    with crosscheck.Twin(limit_s=1.0) as twin, pytest.raises(SandboxError, match=r"cannot run the program API: .*nowhere"):  # fmt: skip
        twin.run("import nowhere_to_be_found", {}, [GOOD])


def test_tables_are_the_same_behind_the_wire(tables):
    given = sandbox._given(tables, tables.copies[:1], False)
    assert json.loads(json.dumps(given)) == given


def test_without_a_jail_no_cpython_is_started(tables):
    with SandboxPool(mode="none", allow_unjailed=True) as pool:
        outcomes = pool.run(tables, [GOOD])
        assert pool.confirm(tables, [GOOD], outcomes) == outcomes
        assert pool._twins[0]._process is None
    assert confinement("none", True)["second_opinion"].startswith("none")


def test_the_answer_that_counts_is_montys(pool, tables):
    outcome = pool.run(tables, [GOOD])[0]
    assert pool.confirm(tables, [GOOD], [outcome])[0] is outcome
    assert outcome.answer == Answer(type="number", value=2.4, text="2.4", unit="m")


# --- a Monty worker that somebody has taken over ---

# The wire form of Monty 1.4.0: a configuration accepted, and a feed whose value is None.
ACCEPTED = b"\2\0\0\0R\0"
NOTHING = b"\x11\0\0\x002\x08\x12\x06\x08\x01\x12\x02\x12\0\xa0\x01\x06\xb0\x01\xe8\x07"
TAKEN_OVER = """#!{python}
import os, struct
def request():
    size = struct.unpack("<I", os.read(0, 4))[0]
    while size:
        size -= len(os.read(0, size))
request(); os.write(1, {accepted!r})
request(); os.write(1, {nothing!r})
request()
{flood}
"""
FLOODS = {
    "four gigabytes announced": 'os.write(1, b"\\xf0\\xff\\xff\\xff")\nwhile True: os.write(1, b"a" * 65536)',
    "one gigabyte announced": 'os.write(1, struct.pack("<I", 1 << 30))\nwhile True: os.write(1, b"a" * 65536)',
    "noise": 'while True: os.write(1, b"a" * 65536)',
    "replies without end": 'while True: os.write(1, b"\\2\\0\\0\\0R\\0" * 1000)',
    "half a frame, then silence": 'os.write(1, b"\\x10\\0\\0\\0ab")\nos.read(0, 4)',
    "an empty reply": "os.write(1, bytes(4))",
}
# In a process of its own, whose memory tells what the client takes in.
LISTENER = """
import resource, sys, types
sys.path.insert(0, {tests!r})
import hand_scenes as hand
from ouroboros_data.programs import api, jail
from ouroboros_data.programs.sandbox import SandboxPool
jail.launcher = lambda report: types.SimpleNamespace(path={fake!r}, close=lambda: None)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with SandboxPool(alone_s=0.2, mode="none", allow_unjailed=True) as pool:
    tables = api.tables(hand.room(), None, hand.SHARE)
    print(*[o.reason for o in pool.run(tables, ["def answer():\\n    return boolean(True)"])])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", FLOODS)
def test_a_worker_that_has_been_taken_over_floods_nobody(tmp_path, name):
    fake = tmp_path / "fake"
    fake.write_text(
        TAKEN_OVER.format(python=sys.executable, accepted=ACCEPTED, nothing=NOTHING, flood=FLOODS[name])
    )
    fake.chmod(0o700)
    script = LISTENER.format(tests=str(Path(__file__).parents[1]), fake=str(fake))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    reason, grown_kb = done.stdout.split()
    assert reason in ("crash", "timeout") and int(grown_kb) < 50_000
