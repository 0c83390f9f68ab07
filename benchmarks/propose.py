"""What the grammar can ask, how fast, and what the gates make of it.

    python benchmarks/propose.py speed    [--layouts DIR] [--scenes 40] [--drafts 64] [--frames 32]
    python benchmarks/propose.py distinct [--layouts DIR] [--questions 50000] [--drafts 64]
    python benchmarks/propose.py finders  [--layouts DIR] [--scenes 40]

Scenes are those of *_meta_info.json files below DIR, rendered by the `meta_info` adapter, else procedural rooms.

``speed``: proposals a CPU second of one core, alone and with everything that a build does to them (programs in the
sandbox, second interpreter, noise, gates). Both happen to the same drafts in turn. By family: how many pass, and why
the others do not. ``distinct``: rounds of proposals over all scenes, each scene told what was asked about it before,
until there are enough; how many question texts are different ones. ``finders``: CPU time that each bin takes for its
first question of a scene, or to find that there is none.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ouroboros_data import registry
from ouroboros_data.config import ProgramSettings
from ouroboros_data.errors import SceneError
from ouroboros_data.ids import rng, seed_from
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief, Past
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.view import look
from ouroboros_data.stages.balance import balance
from ouroboros_data.stages.ground import ground
from ouroboros_data.types import Draft, Scene, Verdict

SHARE = 0.002


def scenes(options: argparse.Namespace) -> Iterator[tuple[Scene, tuple[str, ...]]]:
    name, root, given = (
        "procedural",
        None,
        {"count": options.scenes or 40, "frame_count": max(16, options.frames)},
    )
    if options.layouts:
        # As many frames as are asked about, so that each may be named.
        name, root, given = "meta_info", options.layouts, {"frame_count": max(24, options.frames)}
    adapter = registry.load("scene_adapters", name)(root=root, seed=5, options=given)
    refs = list(adapter.refs())
    step = max(1, len(refs) // options.scenes) if options.scenes else 1
    with tempfile.TemporaryDirectory() as folder:
        for ref in refs[::step][: options.scenes]:
            try:
                scene = adapter.load(ref, Path(folder))
            except SceneError as error:
                print(f"left out: {error}")
                continue
            yield scene, sample_frame_ids(scene, options.frames)


def brief(scene: Scene, count: int, iteration: int = 1, history: Sequence[Past] = ()) -> Brief:
    return Brief(
        iteration=iteration,
        count=count,
        seed=seed_from("benchmark", iteration, scene.id),
        weights={},
        history=tuple(history),
        min_pixel_share=SHARE,
    )


def cpu_s(pool: SandboxPool) -> float:
    """CPU seconds of this process and of the pool's workers so far."""
    total = time.process_time()
    for pid in filter(None, [pool._checked_worker, *(t._process.pid for t in pool._twins if t._process)]):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


@dataclass
class Row:
    """Sums over a family."""

    drafts: int = 0
    accepted: int = 0


def speed(options: argparse.Namespace) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # workers inherit it
    proposer, programs = Grammar(options={}), ProgramSettings()
    proposing = checking = 0.0
    items: list[tuple[Draft, Verdict]] = []
    with SandboxPool() as pool:
        for number, (scene, frame_ids) in enumerate(scenes(options)):
            start = time.process_time()
            drafts = proposer.propose(scene, frame_ids, brief(scene, options.drafts))
            proposed, before = time.process_time() - start, cpu_s(pool)
            verdicts = ground(scene, frame_ids, drafts, programs=programs, min_pixel_share=SHARE, pool=pool)
            checked = cpu_s(pool) - before
            if number:  # the first scene pays for imports and for starting the sandbox
                proposing, checking = proposing + proposed, checking + checked
                items += zip(drafts, verdicts, strict=True)
    accepted = sum(v.status == "accepted" for _, v in items)
    unbalanced = balance(items)
    print(f"{len(items)} drafts, {programs.jitters} copies under noise; CPU seconds of one core")
    print(f"  proposed alone                {len(items) / proposing:8.0f} a second")
    print(f"  proposed, verified and gated  {len(items) / (proposing + checking):8.0f} a second")
    print(f"  accepted                      {accepted / (proposing + checking):8.0f} a second")
    print(f"accepted before balance {accepted / len(items):.1%}; balance takes {len(unbalanced)} more")
    print("| family | drafts | accepted | rejected for |\n|---|---|---|---|")
    sums: dict[str, Row] = defaultdict(Row)
    why: dict[str, Counter[str]] = defaultdict(Counter)
    for draft, verdict in items:
        name = draft.question.question_type
        sums[name].drafts += 1
        sums[name].accepted += verdict.status == "accepted"
        if verdict.status != "accepted":
            why[name][f"{verdict.stage}/{verdict.reason}"] += 1
    for name in FAMILIES:
        row = sums[name]
        reasons = ", ".join(f"{reason} {n}" for reason, n in why[name].most_common(3))
        share = f"{row.accepted / row.drafts:.0%}" if row.drafts else "–"
        print(f"| {name} | {row.drafts} | {share} | {reasons} |")
    print("rejected for, share of all drafts:")
    for reason, n in sum(why.values(), Counter[str]()).most_common():
        print(f"  {reason:32} {n / len(items):7.2%}")


def distinct(options: argparse.Namespace) -> None:
    proposer = Grammar(options={})
    known = list(scenes(options))
    history: dict[str, list[Past]] = defaultdict(list)
    texts: list[tuple[str, str]] = []
    alive, iteration, spent = known, 0, 0.0
    while alive and len(texts) < options.questions:
        iteration += 1
        left = []
        for scene, frame_ids in alive:
            start = time.process_time()
            drafts = proposer.propose(
                scene, frame_ids, brief(scene, options.drafts, iteration, history[scene.id])
            )
            spent += time.process_time() - start
            history[scene.id] += [
                Past(text=d.question.text, answer="", bin=d.bin, band="frontier", confidence=0.5)
                for d in drafts
            ]
            texts += [(d.question.question_type, d.question.text) for d in drafts]
            if drafts:
                left.append((scene, frame_ids))
        alive = left
        shown = f"round {iteration}: {len(texts)} questions, {len(alive)} scenes have more"
        print(shown, f"{len({t for _, t in texts}) / max(len(texts), 1):.1%} distinct", flush=True)
    texts = texts[: options.questions]
    print(f"{len(texts)} questions over {len(known)} scenes in {iteration} rounds, {spent:.0f} CPU s")
    print(
        f"distinct texts: {len({text for _, text in texts})}, {len({t for _, t in texts}) / len(texts):.1%}"
    )
    frame = re.compile(r"the (first|last) frame|frames? \d+( (and|of) \d+)*")
    masked = {frame.sub("a frame", text) for _, text in texts}
    print(f"with every frame called the same: {len(masked)}, {len(masked) / len(texts):.1%}")
    print("| family | questions | distinct |\n|---|---|---|")
    for name in FAMILIES:
        own = [text for family, text in texts if family == name]
        share = f"{len(set(own)) / len(own):.0%}" if own else "–"
        print(f"| {name} | {len(own)} | {share} |")


def finders(options: argparse.Namespace) -> None:
    spent: dict[str, list[float]] = defaultdict(list)
    found: Counter[str] = Counter()
    for scene, frame_ids in scenes(options):
        view = look(scene, frame_ids, visible_share=SHARE, large_share=0.02)
        for _ in range(2):  # tables of the view that several finders share are made in the first pass
            for family_name, family in FAMILIES.items():
                for knob_name, knob in family.knobs.items():
                    name = f"{family_name}/{knob_name}"
                    start = time.process_time()
                    first = next(iter(knob.find(view, rng("finders", scene.id, name))), None)
                    spent[name].append(time.process_time() - start)
                    found[name] += first is not None
    print("| bin | scenes with a question | ms, median | ms, worst |\n|---|---|---|---|")
    for name, times in sorted(spent.items(), key=lambda item: -sum(item[1])):
        second = sorted(1e3 * t for t in times)
        share = found[name] / len(times)
        print(f"| {name} | {share:.0%} | {second[len(second) // 2]:.2f} | {second[-1]:.1f} |")
    total = sum(map(sum, spent.values()))
    print(f"all {len(spent)} bins: {1e3 * total / len(next(iter(spent.values()))):.1f} ms a scene")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["speed", "distinct", "finders"])
    parser.add_argument("--layouts", type=Path)
    parser.add_argument("--scenes", type=int, help="spread evenly over all; default all layouts, or 40 rooms")
    parser.add_argument("--drafts", type=int, default=64, help="asked for in one call")
    parser.add_argument("--frames", type=int, default=32, help="sampled in each scene; the paper takes 32")
    parser.add_argument("--questions", type=int, default=50_000)
    options = parser.parse_args()
    {"speed": speed, "distinct": distinct, "finders": finders}[options.what](options)


if __name__ == "__main__":
    main()
