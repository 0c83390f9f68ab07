"""Programs per second in the jail and out of it, and verified samples per second, on one core.

    python benchmarks/programs.py [--rooms 6] [--drafts 64] [--rounds 7] [--jitters 16]

Programs are the grammar's, on rooms of the `procedural` adapter. *Plain* is what anybody would write: compile and
exec of the same API text and the same programs in this process, with nothing between them and the machine. The
engines take turns within each round, and the ratio is the median over rounds of each round's ratio, so that other
work on the machine hits both. Everything is held on one core; a CPU second counts the workers' time too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ouroboros_data import registry
from ouroboros_data.config import ProgramSettings
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief
from ouroboros_data.programs import api, jail, lint, margins, sandbox
from ouroboros_data.programs.results import Outcome, failed, outcome_of
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Scene

SHARE = 0.002
FRAMES = 6


@dataclass(frozen=True)
class Work:
    """A room, a choice of frames, and the programs of its drafts."""

    scene: Scene
    frame_ids: tuple[str, ...]
    tables: api.Tables
    sources: list[str]


def rooms(count: int, drafts: int) -> list[Work]:
    adapter = registry.load("scene_adapters", "procedural")(root=None, seed=5, options={"count": count})
    proposer = registry.load("proposers", "grammar")(options={})
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for ref in adapter.refs():
            scene = adapter.load(ref, Path(folder))
            frame_ids = sample_frame_ids(scene, FRAMES)
            brief = Brief(iteration=1, count=drafts, seed=1, weights={}, min_pixel_share=SHARE)
            sources = [draft.program.source for draft in proposer.propose(scene, frame_ids, brief)]
            found.append(Work(scene, frame_ids, api.tables(scene, frame_ids, SHARE), sources))
    return found


def plain(tables: api.Tables, sources: Sequence[str]) -> list[Outcome]:
    """The same outcomes without any wall: API, programs and results in this interpreter."""
    names: dict[str, Any] = sandbox._given(tables, tables.copies[:1], True)
    exec(compile(api.prelude(whole=False) + sandbox._SETUP, "<api>", "exec"), names)
    programs = []
    findings = [lint.check(source) for source in sources]
    for source, finding in zip(sources, findings, strict=True):
        if finding is None:
            exec(compile(source, "<program>", "exec"), names)
            programs.append(names["answer"])
    results = iter(names["_run_all"](programs, tables.copies[:1])[0])
    return [
        failed(*finding) if finding else outcome_of(packed[:-2], api.evidence_of(packed, tables))
        for finding, packed in ((f, None if f else next(results)) for f in findings)
    ]


def bare(tables: api.Tables, sources: Sequence[str]) -> Any:
    """Compile and exec alone: no lint, no check of the results."""
    names: dict[str, Any] = sandbox._given(tables, tables.copies[:1], True)
    exec(compile(api.prelude(whole=False) + sandbox._SETUP, "<api>", "exec"), names)
    programs = []
    for source in sources:
        exec(compile(source, "<program>", "exec"), names)
        programs.append(names["answer"])
    return names["_run_all"](programs, tables.copies[:1])


def cpu_s(pool: SandboxPool) -> float:
    """CPU seconds of this process and of the pool's workers so far."""
    total = time.process_time()
    pids = [pool._checked_worker] + [twin._process.pid for twin in pool._twins if twin._process]
    for pid in filter(None, pids):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def speeds(rounds: int, work: Sequence[Work], engines: dict[str, Callable[[Work], Any]]) -> None:
    programs = sum(len(w.sources) for w in work)
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(rounds + 1):
        for name, engine in engines.items():
            start = time.perf_counter()
            for w in work:
                engine(w)
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    for name, spent in seconds.items():
        rate = programs / statistics.median(spent)
        print(f"  {name:52} {rate:8.0f}/s  {1e6 / rate:7.0f} µs a program")
    for name, against in (
        ("plain, checked", "jailed, checked"),
        ("plain, bare", "jailed, bare"),
        ("not jailed, bare", "jailed, bare"),
    ):
        keys = {short: key for key in seconds for short in (name, against) if key.startswith(short)}
        ratios = [a / b for a, b in zip(seconds[keys[name]], seconds[keys[against]], strict=True)]
        low, high = min(ratios), max(ratios)
        print(f"  {against} / {name}: {statistics.median(ratios):.2f}× (rounds {low:.2f} to {high:.2f})")


def verified(rounds: int, work: Sequence[Work], pool: SandboxPool, jitters: int) -> None:
    settings = replace(ProgramSettings(), jitters=jitters)
    parts: dict[str, float] = dict.fromkeys(("tables", "run", "cross-check", "margins"), 0.0)
    wall, cpu, asked, agreed, kept = 0.0, 0.0, 0, 0, 0
    for number in range(rounds + 1):
        for w in work:
            marks, used = [time.perf_counter()], cpu_s(pool)
            tables = api.tables(w.scene, w.frame_ids, SHARE)
            marks.append(time.perf_counter())
            outcomes = pool.run(tables, w.sources)
            marks.append(time.perf_counter())
            outcomes = pool.confirm(tables, w.sources, outcomes)
            marks.append(time.perf_counter())
            good = [i for i, outcome in enumerate(outcomes) if outcome.ok]
            measured = margins.measure(
                pool, w.scene, w.frame_ids, [w.sources[i] for i in good], [outcomes[i] for i in good],
                settings=settings, min_pixel_share=SHARE,
            )  # fmt: skip
            marks.append(time.perf_counter())
            if number:
                for name, a, b in zip(parts, marks, marks[1:], strict=False):
                    parts[name] += b - a
                wall += marks[-1] - marks[0]
                cpu += cpu_s(pool) - used
                asked += len(w.sources)
                agreed += len(good)
                kept += sum(m.sufficient for m in measured)
    print(
        f"verified samples, {jitters} jitters and the cross-check: {asked} programs, {agreed} agreed on, {kept} hold at the noise"
    )
    print(
        f"  {agreed / wall:.0f} measured samples a second of wall time, {agreed / cpu:.0f} a CPU second; {kept / wall:.0f} and {kept / cpu:.0f} accepted"
    )
    for name, seconds in parts.items():
        print(f"  {name:12} {1e6 * seconds / agreed:7.0f} µs a sample  {seconds / wall:5.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rooms", 6), ("drafts", 64), ("rounds", 7), ("jitters", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    work = rooms(options.rooms, options.drafts)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # workers inherit it
    report = jail.probe("auto")
    print(f"jail: {'holds' if report.holds else report.problem}; {report.layers}")
    start = time.perf_counter()
    with SandboxPool() as pool, SandboxPool(mode="none", allow_unjailed=True) as loose:
        first = work[0]
        pool.run(first.tables, first.sources[:1])
        print(f"start to first answer: {1e3 * (time.perf_counter() - start):.0f} ms")
        for w in work:
            assert pool.run(w.tables, w.sources) == plain(w.tables, w.sources), "the engines do not agree"
        count, objects = sum(len(w.sources) for w in work), sum(len(w.tables.ids) for w in work)
        print(
            f"{len(work)} rooms, {objects / len(work):.0f} objects, {count / len(work):.0f} programs a room; medians of {options.rounds} rounds"
        )
        speeds(
            options.rounds,
            work,
            {
                "jailed, checked (lint, evidence, typed answers)": lambda w: pool.run(w.tables, w.sources),
                "plain, checked (the same lint and checks)": lambda w: plain(w.tables, w.sources),
                "jailed, bare (feed in, results out)": lambda w: pool._feed(
                    w.tables, w.sources, w.tables.copies[:1], True
                ),
                "plain, bare (compile and exec)": lambda w: bare(w.tables, w.sources),
                "not jailed, bare": lambda w: loose._feed(w.tables, w.sources, w.tables.copies[:1], True),
            },
        )
        verified(max(1, options.rounds // 2), work, pool, options.jitters)


if __name__ == "__main__":
    main()
