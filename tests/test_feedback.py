"""What a round taught, as the next round's briefs, and as text within a budget. Golden texts in tests/golden."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ouroboros_data.config import Recipe
from ouroboros_data.errors import RecipeError
from ouroboros_data.feedback import LEAST_BUDGET, bin_counts, briefs, estimate_tokens, outcome_of, render
from ouroboros_data.plugins import BandCounts, Brief, Past
from ouroboros_data.stages.propose import Checked
from ouroboros_data.types import Answer, Draft, ProbeResult, Program, Question, Room, Scene, Verdict

GOLDEN = Path(__file__).parent / "golden"
BRIEF = Brief(
    iteration=3,
    count=12,
    seed=5,
    weights={},
    history=(
        Past(text="How many chairs are in this room?", answer="4", bin="object_counting/many", band="frontier",
             confidence=0.4213),
        Past(text="How many tables are\n in this room?", answer="1", bin="object_counting/one", band="easy",
             confidence=0.9871, blind=True),
        Past(text="How many windows are in this room?", answer="1", bin="object_counting/one", band="easy",
             confidence=0.993, blind=True),
        Past(text="How far is the sofa from the bed, in metres?", answer="2.5", bin="object_abs_distance/half_m",
             band="hard", confidence=0.04),
    ),
    bin_counts={
        "object_abs_distance/half_m": BandCounts(easy=2, frontier=20, hard=18, informative=20),
        "object_counting/many": BandCounts(easy=10, frontier=55, hard=5, blind=4, informative=52),
        "object_counting/one": BandCounts(easy=70, frontier=2, hard=0, blind=71),
        "room_size_estimation/5m2": BandCounts(easy=1, frontier=1, hard=0, informative=1),
    },
)  # fmt: skip


@pytest.mark.parametrize("budget", [10_000, 330, 210, 140])
def test_the_text_is_what_it_was(budget: int) -> None:
    text = render(BRIEF, budget_tokens=budget)
    assert text == (GOLDEN / f"feedback_{budget}.txt").read_text("utf-8")
    assert estimate_tokens(text) <= budget


def test_the_first_round_has_none() -> None:
    assert "no feedback yet" in render(Brief(iteration=1, count=1, seed=0, weights={}), budget_tokens=10)


def test_a_budget_that_holds_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="budget of 20 tokens") as caught:
        render(BRIEF, budget_tokens=20)
    enough = int(re.findall(r"\d+", caught.value.fix)[0])
    assert estimate_tokens(render(BRIEF, budget_tokens=enough)) <= enough
    with pytest.raises(RecipeError):
        render(BRIEF, budget_tokens=enough - 1)


def test_the_least_budget_is_enough_whatever_there_is_to_say() -> None:
    long = replace(BRIEF.history[0], text="x " * 500)
    brief = replace(BRIEF, iteration=1001, history=(long,) * 9999, bin_counts={})
    assert estimate_tokens(render(brief, budget_tokens=LEAST_BUDGET)) <= LEAST_BUDGET


pasts = st.builds(
    Past,
    text=st.text(min_size=8, max_size=60),
    answer=st.sampled_from(["A", "12", "yes"]),
    bin=st.sampled_from(["a/1", "a/2", "b/1"]),
    band=st.sampled_from(["easy", "frontier", "hard"]),
    confidence=st.floats(0, 1),
    blind=st.booleans(),
)
few = st.integers(0, 9)
counted = st.builds(BandCounts, easy=few, frontier=few, hard=few)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(pasts, max_size=12),
    st.dictionaries(st.from_regex(r"[a-z]{1,9}/[a-z]", fullmatch=True), counted, max_size=12),
    st.integers(145, 700),
)
def test_whole_lines_within_the_budget_and_what_is_missing_is_told(
    history: list[Past], counts: dict[str, BandCounts], budget: int
) -> None:
    brief = replace(BRIEF, history=tuple(history), bin_counts=counts)
    whole, text = render(brief, budget_tokens=10**6), render(brief, budget_tokens=budget)
    assert estimate_tokens(text) <= budget
    kept = [line for line in text.split("\n") if line.startswith("- ")]
    every = [line for line in whole.split("\n") if line.startswith("- ")]
    assert len(every) == len(history) + len(counts) and "Left out" not in whole
    rest = iter(every)
    assert all(line in rest for line in kept), "a line is cut or out of order"
    told = re.search(r"Left out for length: (\d+) questions of this scene, (\d+) bins", text)
    assert (sum(map(int, told.groups())) if told else 0) == len(every) - len(kept)
    # A larger budget never takes a line away.
    larger = render(brief, budget_tokens=budget + 40).split("\n")
    assert all(larger.count(line) >= kept.count(line) for line in kept)


def test_what_tells_least_goes_first() -> None:
    counts = {"mean/a": BandCounts(easy=50, frontier=50, informative=50),
              "far/a": BandCounts(frontier=100, informative=100),
              "few/a": BandCounts(frontier=1, informative=1),
              "low/a": BandCounts(hard=60)}  # fmt: skip
    brief = replace(BRIEF, history=(), bin_counts=counts)
    order: list[str] = []
    for budget in range(140, 400):
        for line in render(brief, budget_tokens=budget).split("\n"):
            if line.startswith("- ") and line.split()[1] not in order:
                order.append(line.split()[1])
    assert order[0] in {"far/a", "low/a"} and set(order[:2]) == {"far/a", "low/a"} and len(order) == 4


def probe(name: str, confidence: float, blind: float, band: Any) -> ProbeResult:
    return ProbeResult(
        question_id=name,
        solver="s",
        confidence=confidence,
        blind_confidence=blind,
        elsewhere_confidence=0.0,
        band=band,
    )


def row(name: str, scene: str, bin_: str) -> Checked:
    question = Question(id=name, scene_id=scene, frame_ids=("f0",), question_type="a", text=f"Text of {name}?",
                        answer_type="number")  # fmt: skip
    program = Program(source="def answer(): return 1", api_version="2")
    draft = Draft(question=question, program=program, bin=bin_, mentions=(), proposer="p", seed=1)
    answer = Answer(type="number", value=1, text="1")
    return Checked(draft=draft, verdict=Verdict(question_id=name, status="accepted", answer=answer))


def scene(name: str) -> Scene:
    return Scene(id=name, source="s", space_id=name, license="", frames_origin="rendered",
                 room=Room(area_m2=9.0), objects=(), frames=())  # fmt: skip


def test_briefs_hold_the_last_round_only_and_every_bin_of_all_scenes() -> None:
    recipe = Recipe(name="r")
    rows = [row("old", "s1", "a/1"), row("q1", "s1", "a/1"), row("q2", "s2", "a/1"), row("q3", "s2", "a/2")]
    probes = {p.question_id: p for p in (
        probe("old", 0.5, 0.0, "frontier"), probe("q1", 0.5, 0.0, "frontier"),
        probe("q2", 0.5, 0.9, "frontier"), probe("q3", 0.95, 0.9, "easy"))}  # fmt: skip
    outcomes = [outcome_of(recipe, r, probes, 1 if r is rows[0] else 2) for r in rows]
    made = briefs(recipe, [scene("s1"), scene("s2")], 3, {"a/1": 0.5, "a/2": 0.5}, rows, probes, outcomes)
    assert [past.text for past in made["s1"].history] == ["Text of q1?"]
    assert [past.blind for past in made["s2"].history] == [True, True]
    expected = {"a/1": BandCounts(frontier=2, blind=1, informative=1), "a/2": BandCounts(easy=1, blind=1)}
    assert made["s1"].bin_counts == made["s2"].bin_counts == expected == bin_counts(outcomes[1:])
    # One informative question in this scene raises its bin here; one blind question lowers it there.
    assert made["s1"].weights["a/1"] > 0.5 > made["s2"].weights["a/1"]
    assert made["s1"].seed != made["s2"].seed and made["s1"].count == recipe.proposer.drafts_per_scene
