"""Every family on many scenes: program, question and an independent formula agree, and guessing earns no more than declared.

Rooms are procedural; with OUROBOROS_SHARED_DATA the real layouts of VSI-Bench come on top.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import many_scenes
import pytest
from oracle_registry import SHARE, Case, Truth, Within, load_all

from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.plugins import Brief
from ouroboros_data.programs import api
from ouroboros_data.programs.results import Outcome
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.proposers import grammar
from ouroboros_data.proposers.ask import LEAST_WORDINGS
from ouroboros_data.proposers.families import FAMILIES
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.view import View, look
from ouroboros_data.proposers.words import strangers
from ouroboros_data.stages.balance import balance
from ouroboros_data.types import Draft, Scene, Verdict

ROOMS = 200
ROOMS_BESIDE_LAYOUTS = 80
FRAMES = 6
A_FAMILY = 5
"""Drafts of one family in one scene."""
LEAST_FAMILIES = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    scene: Scene
    draft: Draft
    outcome: Outcome
    truth: Truth

    @property
    def published(self) -> str:
        """What guessing would have to hit."""
        answer = self.outcome.answer
        assert answer is not None
        return str(answer.value) if answer.type == "choice" else answer.text


def scenes() -> list[Scene]:
    place = os.environ.get("OUROBOROS_SHARED_DATA")
    real = many_scenes.layouts(Path(place) / "vsi_bench") if place else ()
    made = [many_scenes.procedural(k) for k in range(ROOMS_BESIDE_LAYOUTS if real else ROOMS)]
    return [*made, *real]


@functools.cache
def proposers() -> dict[str, Grammar]:
    return {name: Grammar(options={"include": [f"{name}/*"]}) for name in FAMILIES}


def drafts_of(made: Scene, frame_ids: tuple[str, ...]) -> Iterator[Draft]:
    for k, proposer in enumerate(proposers().values()):
        yield from proposer.propose(
            made, frame_ids, Brief(iteration=1, count=A_FAMILY, seed=k, weights={}, min_pixel_share=SHARE)
        )


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    formulas, found = load_all(), []
    shared: dict[str, View] = {}

    def look_once(made: Scene, frame_ids: tuple[str, ...], **shares: float) -> View:
        if made.id not in shared:
            shared.clear()
            shared[made.id] = look(made, frame_ids, **shares)
        return shared[made.id]

    with SandboxPool() as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(grammar, "look", look_once)  # one scene's families share its tables
        for made in scenes():
            frame_ids = sample_frame_ids(made, FRAMES)
            drafts = list(drafts_of(made, frame_ids))
            outcomes = pool.run(api.tables(made, frame_ids, SHARE), [d.program.source for d in drafts])
            for draft, outcome in zip(drafts, outcomes, strict=True):
                assert outcome.answer is not None, (draft.bin, outcome.detail, draft.program.source)
                truth = formulas[draft.question.question_type](Case(scene=made, question=draft.question))
                found.append(Row(scene=made, draft=draft, outcome=outcome, truth=truth))
    return found


def test_there_are_enough_families_and_each_has_a_formula() -> None:
    assert len(FAMILIES) >= LEAST_FAMILIES
    assert set(load_all()) >= set(FAMILIES)
    assert {family.group for family in FAMILIES.values()} <= {"vsi", "camera", "pair", "composition"}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_what_it_is_and_how_it_can_be_turned(name: str) -> None:
    family = FAMILIES[name]
    assert len(set(family.wordings)) == len(family.wordings) >= LEAST_WORDINGS
    assert len({wording.split("{")[0] for wording in family.wordings}) >= 3, "wordings begin alike"
    assert 2 <= len(family.knobs) <= 5
    assert family.note and "\n" not in family.note and 0 < family.prior_bound <= 0.75
    assert all(knob.note and "\n" not in knob.note for knob in family.knobs.values())


def test_program_and_question_agree_with_an_independent_formula(rows: list[Row]) -> None:
    for row in rows:
        answer, question = row.outcome.answer, row.draft.question
        assert answer is not None
        where = (
            row.scene.id,
            row.draft.bin,
            question.text,
            row.draft.program.source,
            answer.value,
            row.truth,
        )
        assert (answer.type, answer.unit) == (question.answer_type, question.unit), where
        assert row.outcome.options == question.options, where
        if isinstance(row.truth, bool | str):
            assert type(answer.value) is type(row.truth) and answer.value == row.truth, where
        elif isinstance(row.truth, Within):
            assert row.truth.low <= float(answer.value) <= row.truth.high, where  # type: ignore[arg-type]
        elif isinstance(row.truth, tuple):
            assert answer.value == row.truth, where
        else:
            assert answer.value == pytest.approx(row.truth, rel=1e-5, abs=1e-5), where


def test_options_hold_exactly_one_right_answer(rows: list[Row]) -> None:
    for row in rows:
        question = row.draft.question
        if question.answer_type == "choice":
            folded = [option.casefold().strip() for option in question.options]
            assert len(set(folded)) == len(folded) >= 2
            assert question.options.count(str(row.truth)) == 1


def test_texts_name_what_the_program_uses_and_nothing_else(rows: list[Row]) -> None:
    for row in rows:
        text, mentions = row.draft.question.text, row.draft.mentions
        assert "{" not in text and "  " not in text and text == text.strip(), text
        assert not strangers(text, mentions, {o.category for o in row.scene.objects}), text
        named = strangers(" ; ".join([text, *row.draft.question.options]), (), mentions)
        assert named == set(mentions), (text, mentions)
        if mentions:
            assert set(row.outcome.evidence.categories) == set(mentions), (text, row.outcome.evidence)


def test_every_bin_and_every_wording_is_used(rows: list[Row]) -> None:
    assert {row.draft.bin for row in rows} == set(Grammar(options={}).bins())
    texts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        texts[row.draft.question.question_type].append(row.draft.question.text)
    for name, family in FAMILIES.items():
        for wording in family.wordings:
            form = re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(wording)))
            assert any(form.fullmatch(text) for text in texts[name]), wording


def test_guessing_earns_no_more_than_declared(rows: list[Row]) -> None:
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        answers[row.draft.question.question_type][row.published] += 1
    assert answers.keys() == FAMILIES.keys()
    beaten = {
        name: (answer, count / counts.total(), FAMILIES[name].prior_bound)
        for name, counts in answers.items()
        for answer, count in counts.most_common(1)
        if count > FAMILIES[name].prior_bound * counts.total()
    }
    assert beaten == {}


def test_letters_are_balanced_in_every_family(rows: list[Row]) -> None:
    places: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    for row in rows:
        options = row.draft.question.options
        if options:
            places[row.draft.question.question_type, len(options)][options.index(str(row.truth))] += 1
    for (name, size), counts in places.items():
        total = counts.total()
        bound = 4.5 * math.sqrt(total * (1 / size) * (1 - 1 / size))
        assert all(abs(counts[k] - total / size) <= bound for k in range(size)), (name, counts)


def test_the_balance_of_a_round_leaves_two_sided_families_alone(rows: list[Row]) -> None:
    # What is asked evenly is not taken out again, after it has been run and tested for nothing.
    items = [
        (row.draft, Verdict(question_id=row.draft.question.id, status="accepted", answer=row.outcome.answer))
        for row in rows
    ]
    gone = balance(items)
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.draft.question.answer_type == "boolean":
            said[row.draft.question.question_type][row.published] += 1
    assert len(said) >= 5
    for name, counts in said.items():
        assert abs(counts["yes"] - counts["no"]) <= 2 * math.sqrt(counts.total()), (name, counts)
    assert not {rows[i].draft.question.question_type for i in gone} & set(said)
    # Nor is much lost of the others; 0.4 are what one of three sides is scarce by.
    total = Counter(row.draft.question.question_type for row in rows)
    lost = Counter(rows[i].draft.question.question_type for i in gone)
    assert {name: lost[name] / total[name] for name in lost if lost[name] > 0.4 * total[name]} == {}
