from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ouroboros_data.programs import lint

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import llm_corpus


@pytest.mark.parametrize(
    ("theirs", "kind", "unit", "options", "expected"),
    [
        (
            "def answer(scene):\n    return distance(scene.one('bed'), scene.one('tv'))",
            "number", "m", (),
            "def answer():\n    return number(distance(only('bed'), only('tv')), 'm')\n",
        ),
        (
            "def answer(scene):\n    return closest(scene.one('bed'), scene.objects('tv', 'desk'))",
            "choice", None, ("tv", "desk"),
            "def answer():\n    return choice(closest(only('bed'), objects('tv', 'desk')).category, ['tv', 'desk'])\n",
        ),
        (
            "def answer(scene):\n    return direction(scene.one('a'), scene.one('b'), scene.one('c'))",
            "choice", None, ("x", "y"),
            "def answer():\n    return choice(sector(only('a'), only('b'), only('c'), 'quadrants'), ['x', 'y'])\n",
        ),
        (
            "def answer(scene):\n    return longest_side(scene.one('a')) > scene.room_area",
            "boolean", None, (),
            "def answer():\n    return boolean(longest(only('a')) > room_area())\n",
        ),
        (
            "def answer(scene):\n    return sorted(scene.categories, key=lambda c: scene.count(c))",
            "ordering", None, (),
            "def answer():\n    return ordering(sorted(categories(), key=lambda c: count(c)))\n",
        ),
        ("def answer(scene):\n    return 1}", "number", "m", (), "def answer(scene):\n    return 1}"),
    ],
)  # fmt: skip
def test_their_api_in_ours(theirs: str, kind: str, unit: str | None, options: Any, expected: str) -> None:
    assert llm_corpus.ours(theirs, kind, unit, options) == expected
    assert (lint.check(expected) is None) == ("}" not in expected)


def test_every_real_program_parses_or_has_a_reason(shared_data: Path) -> None:
    tallies = llm_corpus.linted(shared_data / "llm_programs")
    assert [sum(tally.values()) for tally in tallies.values()] == [3752, 3752]
    assert "passes" not in tallies["as they are"]  # none is called answer()
    assert tallies["with the function renamed"] == Counter(passes=3752)


def test_what_is_known_to_be_bad_in_real_transcripts_does_not_pass(shared_data: Path) -> None:
    transcripts = shared_data / "llm_proposals/transcripts_20.json"
    rows = {row.id: row for row in llm_corpus.replay(transcripts, shared_data / "vsi_bench")}
    assert set(llm_corpus.BAD) <= set(rows)
    assert [name for name in llm_corpus.BAD if rows[name].passes] == []
    # Their objects() took one category, ours takes several: nothing is wrong with these two.
    passed = sorted(name for name, row in rows.items() if row.passes and not row.ran)
    assert passed == ["runs_1.5b_main.jsonl:3", "runs_1.5b_main.jsonl:3 repaired"]
    reasons = {name: (rows[name].verdict.stage, rows[name].verdict.reason) for name in llm_corpus.BAD}
    assert reasons == {
        "runs_1.5b_v2.jsonl:0": ("degenerate", "all"),
        "runs_1.5b_v2.jsonl:3": ("wording", "candidates"),
        "runs_1.5b_v2.jsonl:4": ("degenerate", "single_candidate"),
        "runs_1.5b_v2.jsonl:13 repaired": ("degenerate", "zero"),
    }
