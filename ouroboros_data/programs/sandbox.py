"""Runs programs in Monty workers: an interpreter without I/O, in a jailed process of its own, under limits.

Programs of one scene share a session and are run up to 64 at a time; whatever makes such a batch fail, each
of its programs is then run alone in a fresh session, so no program loses its result to a neighbour, and the
ones that fail get an exact message.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pydantic_monty as monty

from ouroboros_data.errors import SandboxError
from ouroboros_data.programs import api, crosscheck, jail, lint, uses
from ouroboros_data.programs.api import Table, Tables
from ouroboros_data.programs.results import Outcome, failed, outcome_of

_FEED = 64
ALONE_S = 1.0
_BATCH = 2
"""Time limit of a feed of several programs or copies, in limits of one program."""
MEMORY_BYTES = 64 << 20
DEPTH = 150
_FROZEN: monty.OSPolicy = {
    "datetime": datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC),
    "sleep": "zero",
    "process_time": "zero",
    "random_start": {"seed": 0},
}
_SETUP = "_open(_given_ids, _given_categories, _given_times, _given_words, _given_doubtful, _given_tracing)\n"


@dataclass(frozen=True, slots=True)
class _Broken:
    """A feed that gave no results."""

    reason: str
    detail: str


class SandboxPool:
    """A Monty worker that is started on entry and replaced when it dies.

    Create it in the process that uses it: a pool that is carried over a fork hangs, so its use there is
    refused.
    """

    def __init__(
        self, *, alone_s: float = ALONE_S, mode: jail.Mode = "auto", allow_unjailed: bool = False
    ) -> None:
        """Nothing is started yet.

        Args:
            alone_s: Time limit of one program on one scene; programs need about a thousandth of it.
            mode: Which jail.
            allow_unjailed: Run programs also where the jail does not hold, with as much of it as there is.
        """
        self._alone_s = alone_s
        self._mode: jail.Mode = mode
        self._allow_unjailed = allow_unjailed
        self._jailed = False
        self._launcher: jail.Launcher | None = None
        self._pool: monty.Monty | None = None
        self._pid = 0
        self._checked_worker = 0
        self._twins = crosscheck.twins(limit_s=_BATCH * alone_s)

    def __enter__(self) -> Self:
        """Start the worker.

        Raises:
            SandboxError: The jail does not hold and that is not allowed, or the worker does not start.
        """
        report = jail.require(self._mode, self._allow_unjailed)
        self._jailed = report.holds
        self._launcher = jail.launcher(report)
        pool = monty.Monty(
            binary_path=self._launcher.path if self._launcher else None,
            max_processes=1,
            # Backstops: big-integer arithmetic does not look at the worker's own clock.
            feed_duration_limit_grace=0.5,
            request_timeout=60.0,
            checkout_timeout=60.0,
            max_checkouts_per_worker=500,
        )
        try:
            pool.__enter__()
        except (OSError, RuntimeError, monty.MontyError) as error:
            self._close_launcher()
            raise SandboxError(
                f"the worker does not start: {error}", fix="pip install pydantic-monty==1.4.0"
            ) from None
        self._pool, self._pid = pool, os.getpid()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.__exit__(kind, value, trace)
            for twin in self._twins:
                twin.close()
        self._close_launcher()

    def _close_launcher(self) -> None:
        launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()

    def run(self, scene_tables: Tables, sources: Sequence[str]) -> list[Outcome]:
        """Run each program on the first copy; one outcome per program, in order, with evidence.

        Raises:
            SandboxError: The pool is closed, was carried over a fork, or its worker cannot be replaced.
        """
        findings = [lint.check(source) for source in sources]
        clean = [i for i, finding in enumerate(findings) if finding is None]
        outcomes = [failed(*finding) if finding else failed("crash", "") for finding in findings]
        for i, packed in zip(
            clean, self._packed(scene_tables, [sources[i] for i in clean], True), strict=True
        ):
            outcomes[i] = (
                failed(packed.reason, packed.detail)
                if isinstance(packed, _Broken)
                else outcome_of(packed[0][:-2], api.evidence_of(packed[0], scene_tables))
            )
        return outcomes

    def run_copies(self, scene_tables: Tables, sources: Sequence[str]) -> list[list[Outcome]]:
        """Run programs that passed ``run`` on every copy: one list per program, one outcome per copy."""
        results: list[list[Outcome]] = []
        for packed in self._packed(scene_tables, sources, False):
            if isinstance(packed, _Broken):
                results.append([failed(packed.reason, packed.detail)] * len(scene_tables.copies))
            else:
                results.append(_outcomes(packed))
        return results

    def confirm(
        self, scene_tables: Tables, sources: Sequence[str], outcomes: Sequence[Outcome]
    ) -> list[Outcome]:
        """What ``run`` gave, with a failure in the place of each answer that a jailed CPython does not give too.

        Without a jail (and where that is allowed) outcomes are returned as they are: CPython is never let loose.

        Raises:
            SandboxError: The second interpreter does not start, or its jail does not hold.
        """
        self._checked_pool()
        if not self._jailed:
            return list(outcomes)
        checked: dict[int, Outcome] = {}
        for which in uses.batches(sources, max(1, len(sources))):
            batch, before = [sources[i] for i in which], [outcomes[i] for i in which]
            given = _given(scene_tables, scene_tables.copies[:1], False, batch)
            after = crosscheck.confirm(self._twins, api.prelude() + _SETUP, given, batch, before)
            checked.update(zip(which, after, strict=True))
        return [checked[i] for i in range(len(sources))]

    def _packed(self, scene_tables: Tables, sources: Sequence[str], first: bool) -> list[list[Any] | _Broken]:
        """Per program the packed result of each copy; failures have been repeated alone."""
        copies = scene_tables.copies[:1] if first else scene_tables.copies
        out: dict[int, list[Any] | _Broken] = {}
        for which in uses.batches(sources, _FEED):
            batch = [sources[i] for i in which]
            results = self._feed(scene_tables, batch, copies, first)
            if isinstance(results, _Broken):
                out |= {i: self._alone(scene_tables, sources[i], copies, first) for i in which}
                continue
            for i, source, packed in zip(which, batch, results, strict=True):
                repeat = first and packed[0][0] == "failed" and packed[0][1] == "runtime"
                out[i] = self._alone(scene_tables, source, copies, first) if repeat else packed
        return [out[i] for i in range(len(sources))]

    def _alone(
        self, scene_tables: Tables, source: str, copies: Sequence[Table], trace: bool
    ) -> list[Any] | _Broken:
        results = self._feed(scene_tables, [source], copies, trace)
        if isinstance(results, _Broken):
            return results
        packed: list[Any] = results[0]
        if trace and packed[0][0] == "failed" and packed[0][1] == "runtime":
            shown = self._traceback(scene_tables, source, copies[0])
            packed[0][2] = shown or packed[0][2]
        return packed

    def _feed(
        self, scene_tables: Tables, sources: Sequence[str], copies: Sequence[Table], trace: bool
    ) -> list[list[Any]] | _Broken:
        """One session, one feed: per program the packed result of each copy."""
        # The lint has made sure that each text is one function called answer, so texts cannot run into each
        # other.
        parts = ["_programs = []\n"]
        parts += [f"{source}\n_programs.append(answer)\n" for source in sources]
        limit = self._alone_s * (1 if len(sources) == len(copies) == 1 else _BATCH)
        code = "".join([*parts, "_run_all(_programs, _given_copies)"])
        given = _given(scene_tables, copies, trace, sources)
        results = self._execute(given, code, limit)
        if isinstance(results, _Broken):
            return results
        if not _well_formed(results, len(copies), len(sources)):
            return _Broken("crash", "the sandbox returned results of another shape")
        return [[row[i] for row in results] for i in range(len(sources))]

    def _traceback(self, scene_tables: Tables, source: str, copy: Table) -> str:
        """Run once more without the net, for the line and the caret of an exception."""
        code = f"_load(_given_copies[0])\n{source}\nanswer()"
        given = _given(scene_tables, [copy], False, [source])
        broken = self._execute(given, code, self._alone_s)
        return broken.detail if isinstance(broken, _Broken) and broken.reason == "runtime" else ""

    def _execute(self, given: dict[str, Any], code: str, limit_s: float, *, again: bool = True) -> Any:
        pool = self._checked_pool()
        limits: monty.ResourceLimits = {
            "max_feed_duration_secs": limit_s,
            "max_memory": MEMORY_BYTES,
            "max_recursion_depth": DEPTH,
            "max_suspensions": 8,
        }
        # Most programs need the first part of the API only, and parsing the rest costs.
        whole = any(table[-1] for table in given["_given_copies"])
        fed = False
        try:
            with pool.checkout(limits=limits, os_policy=_FROZEN) as session:
                session.feed_run(api.prelude(whole=whole) + _SETUP, inputs=given, print_callback=_silent)
                self._check_worker(session.worker_pid)
                fed = True
                return session.feed_run(code, print_callback=_silent)
        except (monty.MontySyntaxError, monty.MontyRuntimeError) as error:
            broken = _broken(error)
            if not fed and broken.reason in ("syntax", "runtime"):  # a table too large is the scene's doing
                raise SandboxError(f"the sandbox cannot run the program API: {broken.detail}") from None
            return broken
        except monty.MontyCrashedError as error:
            if not fed:
                # Not the programs' doing; a worker that has come to the end of its CPU time, or none that starts.
                if again:
                    return self._execute(given, code, limit_s, again=False)
                raise SandboxError(f"no worker can be had: {error}", fix="ouroboros-data doctor") from None
            if error.timed_out:
                return _Broken("timeout", "ran past the time limit and had to be killed")
            return _Broken("crash", f"the worker died: {error}")
        except monty.MontyError as error:
            return _Broken("crash", f"{type(error).__name__}: {error}")
        except (ValueError, OverflowError, RecursionError, TypeError) as error:
            # A result that has no form on the host, e.g. an integer of thousands of digits.
            return _Broken("bad_result", f"the result cannot leave the sandbox: {error}")
        except (OSError, TimeoutError, RuntimeError) as error:
            if fed and "protocol error" in str(error):  # it talks nonsense: somebody has taken it over
                return _Broken("crash", f"the worker had to be ended: {error}")
            raise SandboxError(f"no worker can be had: {error}", fix="ouroboros-data doctor") from None

    def _check_worker(self, pid: int | None) -> None:
        """The very worker that is about to get programs is in the jail; once for each that is started."""
        if not self._jailed or pid is None or pid == self._checked_worker:
            return
        problem = jail.problem_of(jail.observed(pid), namespaces=self._mode == "bwrap")
        if problem:
            raise SandboxError(f"the worker is not in its jail: {problem}", fix=jail.FIX)
        self._checked_worker = pid

    def _checked_pool(self) -> monty.Monty:
        if self._pool is None:
            raise SandboxError(
                "the sandbox pool is closed", fix="use it inside `with SandboxPool() as pool:`"
            )
        if self._pid != os.getpid():
            raise SandboxError("the sandbox pool was made before a fork", fix="make one in each process")
        return self._pool


def _given(
    scene_tables: Tables, copies: Sequence[Table], trace: bool, sources: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "_given_ids": list(scene_tables.ids),
        "_given_categories": list(scene_tables.categories),
        "_given_times": list(scene_tables.times_s),
        "_given_words": scene_tables.words,
        "_given_doubtful": list(scene_tables.doubtful),
        "_given_tracing": trace,
        "_given_copies": scene_tables.given(sources, len(copies)),
    }


def _silent(stream: str, text: str) -> None:
    """Programs do not print."""


def _outcomes(packed: Sequence[list[Any]]) -> list[Outcome]:
    """Results of copies, most of which say the same: what repeats the one before it is not checked again."""
    out: list[Outcome] = []
    before: list[Any] = []
    for one in packed:
        # Not floats (0.0 equals -0.0), and True equals 1.
        same = one == before and type(one[2]) is type(before[2]) and type(one[2]) in (str, bool, int)
        out.append(out[-1] if same else outcome_of(one))
        before = one
    return out


def _well_formed(results: Any, copies: int, programs: int) -> bool:
    return (
        type(results) is list
        and len(results) == copies
        and all(type(row) is list and len(row) == programs for row in results)
        and all(type(one) is list and len(one) >= 3 for row in results for one in row)
    )


def _broken(error: monty.MontySyntaxError | monty.MontyRuntimeError) -> _Broken:
    if isinstance(error, monty.MontySyntaxError):
        return _Broken("syntax", _message(error))
    # Limits cannot be caught by programs; the texts are Monty's.
    text = str(error)
    if text.startswith("MemoryError: memory limit"):
        return _Broken("memory", f"needs more than {MEMORY_BYTES >> 20} MB")
    if text.startswith("TimeoutError: ") and "time limit exceeded" in text:
        return _Broken("timeout", "ran past the time limit")
    return _Broken("runtime", _message(error))


def _message(error: monty.MontySyntaxError | monty.MontyRuntimeError) -> str:
    """Line, column and message, with the source line marked where it went wrong."""
    text = str(error)
    # The prelude is the session's first input, the programs are its second. Their text starts in line 2.
    own = [frame for frame in error.traceback() if frame.filename == "<python-input-1>" and frame.line >= 2]
    if not own:
        return text
    frame = own[-1]
    line, at = frame.source_line or "", frame.column - 1
    marked = f"{line[:at]}▶{line[at:]}".strip()
    return f"line {frame.line - 1}, column {frame.column}: {text} | {marked}"
