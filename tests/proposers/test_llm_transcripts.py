"""What small models really wrote for another API, read by the parser and the fixers of this one."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from ouroboros_data.programs import api, lint
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.proposers.llm.brief import Asked
from ouroboros_data.proposers.llm.fixers import fix_fields, objects_in
from ouroboros_data.proposers.llm.program_fixers import Context, fix_program

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import llm_corpus

RAN = 8
"""How many of them run and give the right kind of answer after the fixers. Before: none, for all are written for
another API."""
TYPES = {"number": "number", "choice": "choice", "order": "ordering", "bool": "boolean"}


@dataclass
class Row:
    id: str
    before: bool
    after: bool
    fixes: tuple[str, ...]
    detail: str


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[Row]:
    transcripts = json.loads((shared_data / "llm_proposals/transcripts_20.json").read_text("utf-8"))
    scenes = llm_corpus.layouts(
        shared_data / "vsi_bench", {record["scene"].partition("/")[2] for record in transcripts}
    )
    found = []
    with SandboxPool() as pool:
        for record in transcripts:
            objects, fixes = objects_in(record["output"])
            assert len(objects) == 1, record["id"]
            scene = scenes.get(record["scene"].partition("/")[2])
            if scene is None:  # not among the layouts that are there
                continue
            known = tuple(sorted({o.category for o in scene.objects}))
            asked = Asked(bin="open_question/free", seed=0, categories=known, known=known)
            fields, more = fix_fields(objects[0], asked)
            options = tuple(fields["options"]) if fields["answer_type"] == "choice" else ()
            context = Context(fields["answer_type"], fields["unit"] or None, options)
            source, mended = fix_program(fields["program"], context)
            tables = api.tables(scene, (llm_corpus.FRAME,), llm_corpus.SHARE)
            before, after = pool.run(tables, [objects[0]["program"], source])
            good = after.answer is not None and after.answer.type == TYPES.get(
                objects[0]["answer_type"], objects[0]["answer_type"]
            )
            found.append(
                Row(
                    id=record["id"],
                    before=before.ok,
                    after=good,
                    fixes=(*fixes, *more, *mended),
                    detail=f"{after.reason}: {after.detail}",
                )
            )
            if mended:
                assert lint.check(source) is None or lint.check(objects[0]["program"]) is not None
    return found


def test_nearly_all_can_be_run(rows: list[Row]) -> None:
    assert len(rows) >= 17


def test_fixers_make_programs_run_that_did_not(rows: list[Row]) -> None:
    assert sum(row.before for row in rows) == 0  # def answer(scene): another API's form
    ran = [row.id for row in rows if row.after]
    counts = Counter(name for row in rows for name in row.fixes)
    assert len(ran) == RAN, [(row.id, row.detail) for row in rows if not row.after]
    assert counts["def_name"] == len(rows) - 1 and counts["typed_answer"] >= 14, counts  # one does not parse


def test_what_still_fails_fails_for_what_no_fixer_may_guess(rows: list[Row]) -> None:
    reasons = Counter(row.detail.partition(":")[0] for row in rows if not row.after)
    assert set(reasons) <= {"not_unique", "syntax", "lint", "bad_argument", "bad_result", "runtime"}, [
        (row.id, row.detail) for row in rows if not row.after
    ]
    assert reasons["not_unique"] >= 5  # "the table" where there are four
