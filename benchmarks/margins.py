"""Do margins mean something? How many answers are wrong of a scene that was annotated with noise, by margin.

::

    python benchmarks/margins.py [--rooms 20] [--copies 4] [--questions 60] [--noise 1.0] [--json OUT]

The boxes, floor areas and pixel shares of exact procedural rooms get the noise that the recipe supposes. Programs
are run and their margins measured on the noisy scene alone, as for a real scan; then the same programs are run on
the exact room. Two sets of programs: the grammar's, which keep away from borders by themselves, and ones drawn
without any care, which stand where the borders are. The second set is what the margins are judged by: of its
rows with a margin of 1 or more at most 1 % may change their answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ouroboros_data import registry
from ouroboros_data.config import NoiseSettings, ProgramSettings
from ouroboros_data.ids import rng
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief
from ouroboros_data.programs import api, margins
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.types import Mat3, Scene, SceneObject, Vec3

SHARE = 0.002
FRAMES = 6
LIMIT = 0.01
SCHEMES = {
    "left-right": ["left", "right"],
    "left-right-back": ["left", "right", "back"],
    "quadrants": ["front-left", "front-right", "back-left", "back-right"],
}


def noisy(scene: Scene, noise: NoiseSettings, multiple: float, random: np.random.Generator) -> Scene:
    """The scene as somebody would have annotated it."""
    area = scene.room.area_m2 * max(1.0 + multiple * noise.area_rel * random.standard_normal(), 0.1)
    return replace(
        scene,
        id=f"{scene.id}-noisy-{random.integers(1 << 40)}",
        room=replace(scene.room, area_m2=float(area)),
        objects=tuple(_moved(o, noise, multiple, random) for o in scene.objects),
        frames=tuple(
            replace(
                frame,
                views=tuple(
                    replace(
                        view,
                        pixel_share=float(min(1.0, view.pixel_share * 2 ** (multiple * random.uniform(-1, 1)))),
                    )
                    for view in frame.views
                ),
            )
            for frame in scene.frames
        ),
    )  # fmt: skip


def _moved(
    record: SceneObject, noise: NoiseSettings, multiple: float, random: np.random.Generator
) -> SceneObject:
    center = np.array(record.center_m) + multiple * noise.center_m * random.standard_normal(3)
    scale = np.maximum(1.0 + multiple * noise.extent_rel * random.standard_normal(3), 0.1)
    turn = np.radians(multiple * noise.yaw_deg * random.standard_normal())
    c, s = np.cos(turn), np.sin(turn)
    rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ np.array(record.R_world_object)
    return replace(
        record,
        center_m=_vec(center),
        extent_m=_vec(np.array(record.extent_m) * scale),
        R_world_object=_mat(rotation),
    )


def _vec(values: Any) -> Vec3:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _mat(rows: Any) -> Mat3:
    a, b, c = (_vec(row) for row in rows)
    return a, b, c


def careless(scene: Scene, count: int, random: np.random.Generator) -> list[str]:
    """Programs about any objects, near a border or not."""
    counts = Counter(o.category for o in scene.objects)
    single = sorted(name for name, n in counts.items() if n == 1)
    programs: list[str] = []
    while len(programs) < count and len(single) >= 3:
        a, b, c = (single[i] for i in random.permutation(len(single))[:3])
        pair = [b, c]
        scheme = list(SCHEMES)[int(random.integers(3))]
        limit = float(np.round(random.uniform(0.3, 4.0), 1))
        kind = int(random.integers(7))
        line = (
            f"choice(closest(only({a!r}), objects({b!r}, {c!r})).category, {pair!r})",
            f"choice(sector(only({a!r}), only({b!r}), only({c!r}), {scheme!r}), {SCHEMES[scheme]!r})",
            f"choice(max([only(n) for n in {pair!r}], key=height).category, {pair!r})",
            f"boolean(volume(only({a!r})) > volume(only({b!r})))",
            f"number(len([o for o in objects() if distance(o, only({a!r})) < {limit}]), 'count')",
            f"ordering([o.category for o in sorted([only(n) for n in {pair!r}], key=first_seen)])",
            f"number(distance(only({a!r}), only({b!r})), 'm')",
        )[kind]
        programs.append(f"def answer():\n    return {line}\n")
    return programs


def changed(
    pool: SandboxPool,
    exact: Scene,
    seen: Scene,
    sources: Sequence[str],
    settings: ProgramSettings,
) -> list[tuple[float, bool]]:
    """The margin of each program on the scene as seen, and whether its answer is another on the exact one."""
    frame_ids = sample_frame_ids(exact, FRAMES)
    outcomes = pool.run(api.tables(seen, frame_ids, SHARE), sources)
    ran = [i for i, outcome in enumerate(outcomes) if outcome.ok]
    sources, outcomes = [sources[i] for i in ran], [outcomes[i] for i in ran]
    measured = margins.measure(
        pool, seen, frame_ids, sources, outcomes, settings=settings, min_pixel_share=SHARE
    )
    truth = pool.run(api.tables(exact, frame_ids, SHARE), sources)
    rows = []
    for margin, said, true in zip(measured, outcomes, truth, strict=True):
        assert said.answer is not None and margin.multiple is not None
        same = true.answer is not None and margins.agrees(true.answer, said.answer, settings, step=said.step)
        rows.append((margin.multiple, not same))
    return rows


def curve(rows: Sequence[tuple[float, bool]]) -> dict[str, dict[str, int]]:
    """Rows and changed ones by margin, and all from 1 on."""
    found = {}
    for multiple in (0.0, *margins.MULTIPLES):
        flags = [wrong for margin, wrong in rows if margin == multiple]
        found[f"{multiple:g}"] = {"rows": len(flags), "changed": sum(flags)}
    kept = [wrong for margin, wrong in rows if margin >= margins.REQUIRED]
    found["1 or more"] = {"rows": len(kept), "changed": sum(kept)}
    found["all"] = {"rows": len(rows), "changed": sum(wrong for _, wrong in rows)}
    return found


def main() -> int:
    """Print both curves; 1 where more than 1 % of the careless rows with a margin change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--noise", type=float, default=1.0, help="multiple of the recipe's noise")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = ProgramSettings()
    adapter = registry.load("scene_adapters", "procedural")(
        root=None, seed=11, options={"count": options.rooms}
    )
    grammar = registry.load("proposers", "grammar")(options={})
    sets: dict[str, list[tuple[float, bool]]] = {"grammar": [], "careless": []}
    with tempfile.TemporaryDirectory() as folder, SandboxPool() as pool:
        for ref in adapter.refs():
            exact = adapter.load(ref, Path(folder))
            for k in range(options.copies):
                random = rng("margins benchmark", ref.id, k)
                seen = noisy(exact, settings.noise.of(exact.source), options.noise, random)
                brief = Brief(iteration=1, count=options.questions, seed=k, weights={}, min_pixel_share=SHARE)
                drafts = grammar.propose(seen, sample_frame_ids(seen, FRAMES), brief)
                sources = [draft.program.source for draft in drafts]
                sets["grammar"] += changed(pool, exact, seen, sources, settings)
                sources = careless(seen, options.questions, random)
                sets["careless"] += changed(pool, exact, seen, sources, settings)
    report = {name: curve(rows) for name, rows in sets.items()}
    for name, found in report.items():
        print(
            f"{name}: {options.rooms} rooms, {options.copies} noisy copies, {options.noise:g} x noise, {settings.jitters} jitters"
        )
        for margin, n in found.items():
            share = n["changed"] / n["rows"] if n["rows"] else 0.0
            print(f"  margin {margin:10} {n['rows']:6} rows {n['changed']:5} changed  {share:7.2%}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    kept = report["careless"]["1 or more"]
    return int(kept["changed"] > LIMIT * kept["rows"])


if __name__ == "__main__":
    sys.exit(main())
