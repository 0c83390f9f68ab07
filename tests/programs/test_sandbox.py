"""Hostile and broken programs: none gets an answer, none harms its neighbours, the pool lives on."""

from __future__ import annotations

import multiprocessing
import os
import signal

import hand_scenes as hand
import pytest

from ouroboros_data.errors import SandboxError
from ouroboros_data.programs import api, lint, results, sandbox
from ouroboros_data.programs.sandbox import SandboxPool

GOOD = 'def answer():\n    return number(distance(only("table"), only("tv")), "m")\n'
HOSTILE = {
    "endless loop": "def answer():\n    while True:\n        pass",
    "endless loop that catches": (
        "def answer():\n    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            pass"
    ),
    "memory by list": "def answer():\n    x = [0] * 10**9\n    return number(len(x), 'count')",
    "memory by growth": (
        "def answer():\n    x = 'ab'\n    while len(x) < 10**10:\n        x = x + x\n    return number(1, 'count')"
    ),
    "big power": "def answer():\n    return number(9**9**9, 'count')",
    "big squares": (
        "def answer():\n    x = 3\n    for _ in range(200):\n        x = x * x\n    return number(1, 'count')"
    ),
    "big result": "def answer():\n    return number(10**5000, 'count')",
    "big text": "def answer():\n    return choice('a' * 10**6, ['a' * 10**6, 'b'])",
    "endless recursion": "def answer():\n    return answer()",
    "mutual recursion": "def answer():\n    def f():\n        return f()\n    return f()",
    "global poisoning": (
        "def answer():\n    global distance\n    distance = lambda a, b: 99.0\n    return number(1.0, 'm')"
    ),
    "global hidden in a nested function": (
        "def answer():\n    def f():\n        global count\n        count = len\n    f()\n    return number(1.0, 'm')"
    ),
    "poisoning through a class": (
        "def answer():\n    class A:\n        pass\n    A.f = 1\n    return number(1.0, 'm')"
    ),
    "patching the module": "def answer():\n    math.pi = 3\n    return number(math.pi, 'm')",
    "patching an API function": "def answer():\n    distance.answer = 1\n    return number(1.0, 'm')",
    "changing the tables": "def answer():\n    _boxes[0] = 99.0\n    return number(1.0, 'm')",
    "calling the host's half": "def answer():\n    _load([[], '', [], 1.0])\n    return number(1.0, 'm')",
    "changing a handle": "def answer():\n    only('table').size = (9, 9, 9)\n    return number(1.0, 'm')",
    "changing a tuple": "def answer():\n    only('table').size[0] = 9.0\n    return number(1.0, 'm')",
    "replacing a handle": (
        "def answer():\n    t = only('table')._replace(size=(9, 9, 9))\n    return number(height(t), 'm')"
    ),
    "dunder attribute": "def answer():\n    return number(len(().__class__.__bases__), 'count')",
    "dunder by getattr": "def answer():\n    return number(len(getattr((), '_' + '_class_' + '_')), 'm')",
    "dunder by format": "def answer():\n    return choice('{0.__class__}'.format(1), ['a', 'b'])",
    "dunder name": "def answer():\n    return number(len(__name__), 'count')",
    "import": "def answer():\n    import os\n    return number(1.0, 'm')",
    "import outside": "import os\ndef answer():\n    return number(1.0, 'm')",
    "import by name": "def answer():\n    return number(__import__('os').getpid(), 'count')",
    "open": "def answer():\n    return number(len(open('/etc/passwd').read()), 'count')",
    "eval": "def answer():\n    return number(eval('1+1'), 'count')",
    "exec": "def answer():\n    exec('x = 1')\n    return number(1.0, 'm')",
    "two functions": "def answer():\n    return number(1.0, 'm')\ndef count(*c):\n    return 7",
    "code outside": "def answer():\n    return number(1.0, 'm')\ndistance = None",
    "escape from the wrapper": "def answer():\n    return number(1.0, 'm')\n_programs.clear()",
    "unfinished text": "def answer():\n    return number(1.0, '''m",
    "unfinished bracket": "def answer():\n    return number((1.0, 'm'",
    "line continuation": "def answer():\n    return number(1.0, 'm')\\",
    "default argument": "def answer(x=1):\n    return number(1.0, 'm')",
    "decorator": "@print\ndef answer():\n    return number(1.0, 'm')",
    "annotation with a call": "def answer() -> print(1):\n    return number(1.0, 'm')",
    "generator": "def answer():\n    yield number(1.0, 'm')",
    "async": "async def answer():\n    return number(1.0, 'm')",
    "no text": "   ",
    "NUL byte": "def answer():\n    return number(1.0, '\0m')",
    "lone surrogate": "def answer():\n    return choice('\ud800', ['\ud800', 'b'])",
    "too long": "def answer():\n    return number(1.0, 'm')\n" + "#" * 7000,
    "deep brackets": "def answer():\n    return number(" + "(" * 2500 + "1" + ")" * 2500 + ", 'm')",
    "deep operators": "def answer():\n    return number(" + "-" * 5000 + "1, 'm')",
    "deep attributes": "def answer():\n    return number(x" + ".a" * 2900 + ", 'm')",
    "a handle": "def answer():\n    return only('table')",
    "a handle in a number": "def answer():\n    return number(only('table'), 'm')",
    "a bare number": "def answer():\n    return 3.0",
    "a look-alike": "def answer():\n    return ('number', 3.0, 'm', None)",
    "nothing": "def answer():\n    number(1.0, 'm')",
    "a function": "def answer():\n    return distance",
    "a bool as a count": "def answer():\n    return number(True, 'count')",
    "a float as a count": "def answer():\n    return number(3.0, 'count')",
    "an int as a bool": "def answer():\n    return boolean(1)",
    "not a number": "def answer():\n    return number(float('nan'), 'm')",
    "infinity": "def answer():\n    return number(float('inf'), 'm')",
    "unit of its own": "def answer():\n    return number(1.0, 'miles')",
    "an address": "def answer():\n    s = str(distance)\n    return choice(s, [s, 'b'])",
    "same options": "def answer():\n    return choice('a', ['a', 'a'])",
    "a list that holds itself": "def answer():\n    x = ['a']\n    x.append(x)\n    return ordering(x)",
    "raising on purpose": "def answer():\n    raise SystemExit",
    "hash": "def answer():\n    return number(hash('a') % 7, 'count')",
    "identity": "def answer():\n    return number(id(answer) % 7, 'count')",
}


@pytest.fixture(scope="module")
def pool():
    with SandboxPool(alone_s=0.2) as opened:
        yield opened


@pytest.fixture(scope="module")
def tables():
    return api.tables(hand.room(), None, hand.SHARE)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_get_no_answer_and_change_nothing(pool, tables, name):
    outcomes = pool.run(tables, [GOOD, HOSTILE[name], GOOD])
    assert outcomes[1].answer is None, outcomes[1].answer
    assert outcomes[1].reason and outcomes[1].detail
    assert [outcomes[i].answer.value for i in (0, 2)] == [2.4, 2.4]
    assert pool.run(tables, [GOOD])[0].answer.value == 2.4


def test_all_hostile_programs_in_one_batch(pool, tables):
    sources = [s for hostile in HOSTILE.values() for s in (hostile, GOOD)]
    outcomes = pool.run(tables, sources)
    assert len(outcomes) == len(sources)
    assert not any(o.ok for o in outcomes[::2])
    assert all(o.ok and o.answer.value == 2.4 for o in outcomes[1::2])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("endless loop", "timeout"),
        ("endless loop that catches", "timeout"),
        ("memory by list", "memory"),
        ("global poisoning", "lint"),
        ("unfinished bracket", "syntax"),
        ("a handle", "bad_result"),
        ("mutual recursion", "runtime"),
    ],
)
def test_reasons(pool, tables, name, reason):
    assert pool.run(tables, [HOSTILE[name]])[0].reason == reason


def test_the_sandbox_alone_keeps_its_tables_to_itself(pool, tables, monkeypatch):
    """Without the lint, only what Monty and the fresh session give."""
    monkeypatch.setattr(lint, "check", lambda source: None)
    for name in ("open", "import by name", "patching the module", "changing a handle", "dunder attribute"):
        assert not pool.run(tables, [HOSTILE[name]])[0].ok, name
    poison = "def answer():\n    global distance\n    distance = None\n    return number(1.0, 'm')"
    pool.run(tables, [poison])
    assert pool.run(tables, [GOOD])[0].answer.value == 2.4  # the next batch has a session of its own


def test_outcomes_do_not_depend_on_the_batch(pool, tables):
    sources = [GOOD, HOSTILE["a handle"], 'def answer():\n    return number(count("chair"), "count")\n']
    together = pool.run(tables, sources * 50)
    alone = [pool.run(tables, [source])[0] for source in sources]
    assert together == alone * 50


def test_a_dead_worker_loses_nothing(pool, tables, monkeypatch):
    """The worker is killed in the middle of a batch, once: the batch is repeated program by program."""
    import pydantic_monty as monty

    session_class, kills = monty.MontySession, []

    class Dying:
        def __init__(self, session):
            self.session = session

        @property
        def worker_pid(self):
            return self.session.worker_pid

        def __enter__(self):
            self.session.__enter__()
            return self

        def __exit__(self, *problem):
            return self.session.__exit__(*problem)

        def feed_run(self, code, **options):
            if "_programs" in code and "_run_all(_programs" in code and not kills:
                kills.append(self.session.worker_pid)
                os.kill(self.session.worker_pid, signal.SIGKILL)
            return self.session.feed_run(code, **options)

    real = pool._pool

    class Pool:
        def checkout(self, **options):
            session = real.checkout(**options)
            assert isinstance(session, session_class)
            return Dying(session)

    monkeypatch.setattr(pool, "_pool", Pool())
    outcomes = pool.run(tables, [GOOD] * 5)
    assert kills and all(o.ok and o.answer.value == 2.4 for o in outcomes)


def test_run_copies_gives_one_outcome_per_copy(pool):
    from ouroboros_data.config import NoiseSettings

    jitter = api.draw_jitter(hand.room(), None, 3)
    copies = api.jittered_tables(jitter, min_pixel_share=hand.SHARE, noise=NoiseSettings(), multiple=1.0)
    loop = 'def answer():\n    while distance(only("table"), only("tv")) != 2.4:\n        pass\n    return boolean(True)'
    good, stuck = pool.run_copies(copies, [GOOD, loop])
    assert len(good) == len(stuck) == 3
    assert len({o.answer.value for o in good}) == 3
    assert {o.reason for o in stuck} == {"timeout"}


def test_an_api_that_does_not_run_is_nobodys_failure(pool, tables, monkeypatch):
    for text in ("def (", "import nowhere", "1 / 0"):
        monkeypatch.setattr(api, "prelude", lambda whole, text=text: text + "\n")
        with pytest.raises(SandboxError, match="cannot run the program API"):
            pool.run(tables, [GOOD])


def test_results_that_repeat_are_told_from_those_that_only_seem_to():
    rows = [
        ["ok", "boolean", True, None, None], ["ok", "boolean", 1, None, None], ["ok", "number", 1, "count", None],
        ["ok", "number", 1, "count", None], ["ok", "number", 1.0, "m", None], ["ok", "number", 0.0, "m", None],
        ["ok", "number", -0.0, "m", None], ["ok", "choice", "a", ["a", "b"], None], ["ok", "choice", "a", ["a", "c"], None],
        ["failed", "runtime", "x"], ["failed", "runtime", "x"], ["ok", "ordering", ["a", "b"], None, None],
    ]  # fmt: skip
    assert [repr(o) for o in sandbox._outcomes(rows)] == [repr(results.outcome_of(row)) for row in rows]


def test_closed_pools_and_forks_are_refused(tables):
    pool = SandboxPool()
    with pytest.raises(SandboxError, match="closed"):
        pool.run(tables, [GOOD])
    with pool:
        context = multiprocessing.get_context("fork")
        queue = context.Queue()

        def child():
            try:
                pool.run(tables, [GOOD])
            except SandboxError as error:
                queue.put(str(error))

        process = context.Process(target=child)
        process.start()
        assert "before a fork" in queue.get(timeout=20)
        process.join(20)
        assert pool.run(tables, [GOOD])[0].ok


def test_the_lint_lets_ordinary_programs_pass():
    source = '''
def answer() -> dict:
    """Docstring."""
    best, *_ = sorted(objects("chair"), key=lambda o: distance(o, only("table")))
    names = {o.category: height(o) for o in objects() if height(o) > 0.1}
    def helper(x, y=1, *rest, **more):
        return [x for _ in range(3)]
    total = 0
    for name, h in names.items():
        total += h
    try:
        assert total > 0, f"{total:.2f}"
    except ValueError as error:
        pass
    return choice("a" if total else "b", ["a", "b"])
'''
    assert lint.check(source) is None


def test_lint_says_where():
    finding = lint.check("def answer():\n    x = 1\n    import os\n")
    assert finding == ("lint", "line 3, column 5: import (math is already there) is not allowed")
    assert lint.check("def answer():\n    return (1\n").reason == "syntax"
