"""What language models really wrote, against the lint and the gates.

::

    python benchmarks/llm_corpus.py --programs DIR --transcripts FILE --meta DIR [--json OUT]

``--programs`` holds ``*.jsonl`` files with a ``code`` field: programs for another API, of which each must parse or be
refused with a reason. ``--transcripts`` holds proposals of small models with what their own sandbox made of them;
``--meta`` the ``*_meta_info.json`` of their scenes. Their API is mapped to ours (`ours`), the answers and gates are
ours. None of the data ships with this project.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouroboros_data import registry
from ouroboros_data.config import ProgramSettings
from ouroboros_data.programs import api, lint
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.stages.ground import ground
from ouroboros_data.types import (
    AnswerType,
    CameraFrame,
    Draft,
    ObjectView,
    Program,
    Question,
    Room,
    Scene,
    Verdict,
)

SHARE = 0.002
FRAME = "f0"
UNIT_MATRIX = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
BAD = {
    "runs_1.5b_v2.jsonl:0": "the threshold takes in every chair there is",
    "runs_1.5b_v2.jsonl:3": "'the table closest to' is chosen of {table, radiator}",
    "runs_1.5b_v2.jsonl:4": "'the table closest to' of one table",
    "runs_1.5b_v2.jsonl:13 repaired": "the answer is 0",
}
"""Proposals that ran and gave an answer of the right type, and are no good; read by a person."""
_TYPES: dict[str, AnswerType] = {
    "number": "number",
    "choice": "choice",
    "order": "ordering",
    "bool": "boolean",
}
_RENAMED = {"one": "only", "objects": "objects", "count": "count"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A proposal, what its own sandbox said, and what our gates say."""

    id: str
    ran: bool
    question: str
    verdict: Verdict

    @property
    def passes(self) -> bool:
        """Whether all our gates let it pass."""
        return self.verdict.status == "accepted"


def ours(source: str, answer_type: str, unit: str | None, options: tuple[str, ...]) -> str:
    """A program for ``scene.one(…)`` as one for our API; text that does not parse is left as it is."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    return ast.unparse(ast.fix_missing_locations(_Ours(answer_type, unit, options).visit(tree))) + "\n"


class _Ours(ast.NodeTransformer):
    def __init__(self, answer_type: str, unit: str | None, options: tuple[str, ...]) -> None:
        self._last = {
            "number": f", {unit!r})",
            "choice": f", {list(options)!r})",
            "ordering": ")",
            "boolean": ")",
        }[answer_type]
        self._type = answer_type

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """``answer(scene)`` has no argument with us."""
        if node.name == "answer":
            node.args.args = []
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``scene.one(…)``, ``direction(…)`` and ``longest_side(…)`` under our names."""
        self.generic_visit(node)
        function = node.func
        if _of_scene(function) and isinstance(function, ast.Attribute) and function.attr in _RENAMED:
            node.func = ast.Name(_RENAMED[function.attr], ast.Load())
        elif isinstance(function, ast.Name) and function.id == "direction":
            node.func = ast.Name("sector", ast.Load())
            node.args.append(ast.Constant("quadrants"))
        elif isinstance(function, ast.Name) and function.id == "longest_side":
            node.func = ast.Name("longest", ast.Load())
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``scene.room_area`` and ``scene.categories`` are calls with us."""
        self.generic_visit(node)
        if _of_scene(node) and node.attr in ("room_area", "categories"):
            return ast.Call(ast.Name(node.attr, ast.Load()), [], [])
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """A bare value becomes a typed answer; a handle in a choice is its category, as their sandbox took it."""
        self.generic_visit(node)
        if node.value is None:
            return node
        value = ast.unparse(node.value)
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "closest":
            value += ".category"
        node.value = ast.parse(f"{self._type}({value}{self._last}", mode="eval").body
        return node


def _of_scene(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "scene"


def proposals(transcripts: list[dict[str, Any]]) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """Id, scene, whether its own sandbox took it, and fields of each proposal and of each repaired one."""
    for record in transcripts:
        scene = record["scene"].partition("/")[2]
        yield record["id"], scene, record["eval"]["ok"], json.loads(record["output"])
        if record["repair"]:
            repaired = record["repair"]
            yield f"{record['id']} repaired", scene, repaired["eval"]["ok"], json.loads(repaired["raw"])


def draft_of(name: str, scene: Scene, fields: Mapping[str, Any]) -> Draft:
    """A proposal as a draft about one frame that shows everything."""
    answer_type = _TYPES[fields["answer_type"]]
    options = tuple(fields["options"]) if answer_type == "choice" else ()
    unit = fields["unit"] or None if answer_type == "number" else None
    return Draft(
        question=Question(
            id=name,
            scene_id=scene.id,
            frame_ids=(FRAME,),
            question_type=fields["task_type"],
            text=fields["question"],
            answer_type=answer_type,
            options=options,
            unit=unit,
        ),
        program=Program(
            source=ours(fields["program"], answer_type, unit, options), api_version=api.API_VERSION
        ),
        bin=f"{fields['task_type']}/replay",
        mentions=(),
        proposer="transcript",
        seed=0,
    )


def layouts(meta: Path, names: set[str]) -> dict[str, Scene]:
    """The scenes as boxes, with one frame that shows all of them: what is in view is not what is tried here."""
    adapter = registry.load("scene_adapters", "meta_info")(root=meta, seed=0, options={})
    scenes = {}
    for ref in adapter.refs():
        if ref.id in names:
            layout = adapter.layout(ref.id)
            frame = CameraFrame(
                id=FRAME,
                index=0,
                time_s=0.0,
                size_px=(64, 48),
                K_px=UNIT_MATRIX,
                T_world_camera=(
                    (1.0, 0.0, 0.0, 0.0),
                    (0.0, 1.0, 0.0, 0.0),
                    (0.0, 0.0, 1.0, 0.0),
                    (0.0, 0.0, 0.0, 1.0),
                ),
                views=tuple(ObjectView(object_id=o.id, pixel_share=0.1) for o in layout.objects),
            )
            scenes[ref.id] = Scene(
                id=ref.id,
                source=ref.source,
                space_id=ref.id,
                license="",
                frames_origin="rendered",
                room=Room(area_m2=layout.room_area_m2),
                objects=layout.objects,
                frames=(frame,),
            )
    return scenes


def replay(transcripts: Path, meta: Path) -> list[Replay]:
    """Every proposal through all gates, each by itself."""
    found = list(proposals(json.loads(transcripts.read_text("utf-8"))))
    scenes = layouts(meta, {scene for _, scene, _, _ in found})
    settings = ProgramSettings()
    done = []
    with SandboxPool() as pool:
        for name, scene_id, ran, fields in found:
            scene = scenes.get(scene_id)
            if scene is None:
                print(f"{name}: {scene_id} is not in the metadata, left out")
                continue
            draft = draft_of(name, scene, fields)
            (verdict,) = ground(scene, (FRAME,), [draft], programs=settings, min_pixel_share=SHARE, pool=pool)
            done.append(Replay(id=name, ran=ran, question=fields["question"], verdict=verdict))
    return done


def linted(programs: Path) -> dict[str, Counter[str]]:
    """What the lint says of each program, as it is and with its function called ``answer``."""
    tallies: dict[str, Counter[str]] = {"as they are": Counter(), "with the function renamed": Counter()}
    for path in sorted(programs.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            code = json.loads(line)["code"]
            renamed = re.sub(r"\bcompute_answer\b", "answer", code)
            for tally, source in zip(tallies.values(), (code, renamed), strict=True):
                finding = lint.check(source)
                tally["passes" if finding is None else _reason(finding)] += 1
    return tallies


def _reason(finding: lint.Finding) -> str:
    assert finding.reason in ("lint", "syntax") and finding.detail
    return f"{finding.reason}: {re.sub(r'line [0-9]+(, column [0-9]+)?:? ?', '', finding.detail)[:70]}"


def main() -> None:
    """Print what passes, and why the rest does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", type=Path)
    parser.add_argument("--transcripts", type=Path)
    parser.add_argument("--meta", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {}
    if options.programs:
        report["programs"] = tallies = linted(options.programs)
        for how, tally in tallies.items():
            print(f"{sum(tally.values()):,} programs {how}:")
            for reason, count in tally.most_common(12):
                print(f"  {count:5}  {reason}")
    if options.transcripts:
        if not options.meta:
            parser.error("--transcripts needs --meta")
        rows = replay(options.transcripts, options.meta)
        bad = [row for row in rows if row.id in BAD]
        failed = [row for row in rows if not row.ran]
        for row in rows:
            said = "passes" if row.passes else f"{row.verdict.stage}/{row.verdict.reason}"
            known = BAD.get(row.id, "" if row.ran else "failed in its own sandbox")
            print(f"{row.id:32} {said:27} {row.question[:60]:60}  {known}")
        print(f"{len(rows)} proposals, {sum(row.passes for row in rows)} pass")
        print(f"{len(bad)} ran there and are known to be bad: {sum(row.passes for row in bad)} pass")
        print(f"{len(failed)} failed there: {sum(row.passes for row in failed)} pass")
        report["transcripts"] = [
            {"id": r.id, "ran": r.ran, "known_bad": BAD.get(r.id, ""), "status": r.verdict.status, "stage": r.verdict.stage,
             "reason": r.verdict.reason, "detail": r.verdict.detail}
            for r in rows
        ]  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
