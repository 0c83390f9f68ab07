"""Hostile programs: none is accepted, none harms its neighbours or the pool, and none gets out of the jail."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import hand_scenes as hand
import pytest

from ouroboros_data.programs import api, crosscheck, guard, jail, lint, sandbox
from ouroboros_data.programs.sandbox import SandboxPool

sys.path.insert(0, str(Path(__file__).parent / "hostile"))
from escapes import DENIED, ESCAPES, program
from table import PROGRAMS

GOOD = 'def answer():\n    return number(distance(only("table"), only("tv")), "m")\n'


@pytest.fixture(scope="module")
def tables():
    return api.tables(hand.room(), None, hand.SHARE)


@pytest.fixture(scope="module")
def pool():
    report = jail.probe("auto")
    if not report.holds:
        pytest.skip(f"the jail does not hold here: {report.problem}")
    with SandboxPool(alone_s=0.2) as opened:
        yield opened


def judged(pool, tables, sources):
    return pool.confirm(tables, sources, pool.run(tables, sources))


def told(outcome):
    return f"answer: {outcome.answer.value}" if outcome.ok else outcome.reason


@pytest.fixture(scope="module")
def verdicts(pool, tables):
    """All of them together, each between two honest neighbours, in three batches."""
    return judged(pool, tables, [s for h in PROGRAMS.values() for s in (GOOD, h.source)] + [GOOD])


def test_there_are_enough_of_them():
    assert len(PROGRAMS) >= 80
    assert len(ESCAPES) >= 60
    assert {name.split(":")[0] for name in PROGRAMS} == {
        "resources", "escape", "outside", "output", "chance", "neighbours",
    }  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_ends_as_it_should(verdicts, name):
    outcome = verdicts[2 * list(PROGRAMS).index(name) + 1]
    assert told(outcome) in PROGRAMS[name].expected, (told(outcome), outcome.detail)
    assert outcome.ok or outcome.detail


def test_the_neighbours_are_right(verdicts):
    assert all(outcome.ok and outcome.answer.value == 2.4 for outcome in verdicts[::2])
    assert {o.evidence.calls for o in verdicts[::2]} == {("only(t)", "only(v)", "distance(t,v)")}


def test_the_next_batch_is_right_and_the_workers_are_still_jailed(verdicts, pool, tables):
    assert [o.answer.value for o in judged(pool, tables, [GOOD] * 3)] == [2.4] * 3
    assert jail.problem_of(jail.observed(pool._checked_worker)) == ""
    seen = jail.observed(pool._twins[0]._process.pid)
    assert seen["seccomp"] == "2" and seen["no_new_privs"] == "1" and seen["capabilities"] == "0" * 16
    assert set(seen["descriptors"].split()) <= {"0", "1", "2"}


def test_it_is_the_same_in_another_process_and_alone(verdicts, tables):
    """Those whose end does not hang on the machine's speed."""
    names = [
        n for n, h in PROGRAMS.items() if len(h.expected) == 1 and h.expected[0] not in ("timeout", "memory")
    ]
    with SandboxPool(alone_s=0.2) as other:
        for name in names:
            index = 2 * list(PROGRAMS).index(name) + 1
            again = judged(other, tables, [PROGRAMS[name].source])[0]
            assert told(again) == told(verdicts[index]), name


# --- from inside, with the language guard off ---


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    directory = tmp_path_factory.mktemp("outside")
    (directory / "kept").write_text("here")
    return directory


@pytest.fixture(scope="module")
def twin(pool):
    with crosscheck.Twin(limit_s=1.0) as opened:
        yield opened


def unguarded(twin, tables, sources):
    given = sandbox._given(tables, tables.copies[:1], False)
    return twin.run(api.prelude() + sandbox._SETUP, given, sources)


HONEST = ["ok", "number", 2.4, "m", None]


@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_gets_out(twin, tables, kept, name):
    text = program(ESCAPES[name][1], parent=os.getpid(), directory=str(kept))
    if "x32" in name and platform.machine() != "x86_64":
        pytest.skip("x32 is an x86-64 matter")
    before, packed, after = unguarded(twin, tables, [GOOD, text, GOOD])
    assert before == after == HONEST
    if ESCAPES[name][0] == DENIED:
        assert packed[:2] == ["ok", "number"], packed
        assert packed[2] in (1, 13), os.strerror(packed[2])  # EPERM, EACCES
    else:
        assert packed[0] == "failed" and packed[1] in ESCAPES[name][0].split("|"), packed
    assert sorted(p.name for p in kept.iterdir()) == ["kept"] and (kept / "kept").read_text() == "here"
    assert unguarded(twin, tables, [GOOD]) == [HONEST]


def test_the_attempts_work_where_there_is_no_jail(tables, kept, tmp_path, monkeypatch):
    """They fail because of the jail, not because they are badly written."""
    bare = tmp_path / "inside"
    bare.mkdir()
    for source in jail.INSIDE.glob("*.py"):
        text = source.read_text()
        if source.name == "twin.py":
            text = text.replace("    confine.seccomp(rules)\n", "").replace("confine.landlock()", "0")
        (bare / source.name).write_text(text)
    monkeypatch.setattr(jail, "INSIDE", bare)
    with (
        crosscheck.Twin(limit_s=1.0) as loose,
        pytest.raises(crosscheck.SandboxError, match=r"is allowed|does not start"),
    ):
        unguarded(loose, tables, [GOOD])
    # The check of its own jail is switched off as well, and it serves.
    text = (bare / "twin.py").read_text()
    (bare / "twin.py").write_text(text.replace('"tried": _tried(parent)', '"tried": {}'))
    names = [
        "reads a file",
        "makes a network socket",
        "forks",
        "makes a pipe",
        "lists a directory",
        "maps writable code",
    ]
    with crosscheck.Twin(limit_s=1.0) as loose:
        for name in names:
            text = program(ESCAPES[name][1], parent=os.getpid(), directory=str(kept))
            assert unguarded(loose, tables, [text]) == [["ok", "number", 0, "count", None]], name


GUARDED = [
    "x = (i for i in [1])\nreturn number(len(str(x.gi_frame)), 'count')",
    "return choice(('{0._' + '_class_' + '_}').format(1), ['a', 'b'])",
    "t = '{x.real}'.format(x=1)\nreturn choice(t, [t, 'b'])",
    "t = '{0[0]}'.format('ab')\nreturn choice(t, [t, 'b'])",
    "f = str.format\nreturn choice(f('{}', 1), ['1', 'b'])",
    "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    e.add_note('x')\nreturn number(1, 'count')",
    "return number(len(str(distance.func_code)), 'count')",
]  # fmt: skip


@pytest.mark.parametrize("body", GUARDED)
def test_the_guard_stops_what_the_lint_lets_through(body):
    source = "def answer():\n" + "\n".join("    " + line for line in body.splitlines()) + "\n"
    assert lint.check(source) is None
    finding = guard.check(source)
    assert finding is not None and finding.reason == "lint" and finding.detail.startswith("line ")


def test_the_guard_lets_ordinary_texts_be_formatted():
    source = (
        'def answer():\n    t = "{} {1:.2f} {{}} {:>5}".format(1, 2, 3)\n    return choice(t, [t, "b"])\n'
    )
    assert guard.check(source) is None


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("return number(len(set(objects())), 'count')", True),
        ("return number(len(frozenset('ab')), 'count')", True),
        ("return number(len({1, 2}), 'count')", True),
        ("return number(len({o.id for o in objects()}), 'count')", True),
        ("return number(len(ｓet('ab')), 'count')", True),
        ("return number(len({'é': 1}), 'count')", False),
        ("return choice(f'{1}', ['1', 'b'])", False),
        ("f = set\n    return number(len(f('ab')), 'count')", True),
    ],
)
def test_programs_that_use_sets_are_known(body, uses):
    assert guard.uses_sets(f"def answer():\n    {body}\n") is uses


def test_the_guard_reads_names_as_python_does():
    source = "def answer():\n    f = str.ｆormat\n    return choice(f('{}', 1), ['1', 'b'])\n"
    assert not lint.check(source) and guard.check(source) is not None
