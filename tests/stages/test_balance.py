from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.stages.balance import balance, most
from ouroboros_data.types import Answer, Verdict


def item(k, answer, *, options=(), text="Which is it?", kind="kind", status="accepted"):
    draft = hand.draft(text, "pass", mentions=(), answer_type=answer.type, options=options, kind=kind)
    draft = replace(draft, question=replace(draft.question, id=f"q{k}"))
    return draft, Verdict(question_id=f"q{k}", status=status, answer=answer)


def yes(value=True):
    return Answer(type="boolean", value=value, text="yes" if value else "no")


def choice(value, options):
    return Answer(type="choice", value=value, text="ABCD"[options.index(value)])


def kept(items):
    return [answer for i, answer in enumerate(items) if i not in balance(items)]


@pytest.mark.parametrize(
    ("counts", "kinds", "limit"),
    [
        ([1], 2, 4),  # nothing to cut
        ([2, 2], 2, 4),
        ([4], 4, 4),
        ([5], 4, 4),
        ([100], 2, 8),  # 8 = 4 + 2 √4
        ([10], 2, 8),
        ([50, 50], 2, 50),
        ([40, 20], 2, 40),  # 40 ≤ 30 + 2 √30 = 40.95
        ([100, 20], 2, 42),  # 42 ≤ 31 + 2 √31 = 42.1, and 43 > 31.5 + 2 √31.5 = 42.7
        ([100], 4, 4),
        ([30, 10, 10, 10], 4, 19),  # 19 ≤ 12.25 + 2 √12.25 = 19.25, and 20 > 12.5 + 2 √12.5 = 19.6
    ],
)
def test_how_many_may_stay(counts, kinds, limit):
    assert most(counts, kinds) == limit


def test_always_yes_is_cut_and_says_so():
    items = [item(k, yes()) for k in range(100)]
    out = balance(items)
    assert len(out) == 92
    assert {(r.stage, r.reason) for r in out.values()} == {("balance", "answer")}
    assert all("100 times of 100" in r.detail for r in out.values())


def test_chance_is_left_alone():
    dice = random.Random(1)
    items = [item(k, yes(dice.random() < 0.5)) for k in range(400)]
    options = ["a", "b", "c", "d"]
    items += [item(k, choice(dice.choice(options), options), options=options) for k in range(400, 800)]
    assert len(balance(items)) <= 8


def test_letters_are_weighed_where_the_values_differ():
    items = []
    for k in range(60):
        options = [f"x{k}", f"y{k}", f"z{k}"]
        items.append(item(k, choice(f"x{k}", options), options=options))
    out = balance(items)
    assert {r.reason for r in out.values()} == {"letter"}
    assert len(items) - len(out) == most([60], 3)


def test_values_are_weighed_where_the_letters_are_even():
    items = []
    for k in range(60):
        options = ["left", "right"] if k % 2 else ["right", "left"]
        items.append(item(k, choice("left", options), options=options))
    out = balance(items)
    assert {r.reason for r in out.values()} == {"answer"}
    assert len(items) - len(out) == 8


def test_types_are_weighed_apart_and_rejected_rows_not_at_all():
    items = [item(k, yes(), kind=f"kind{k % 20}") for k in range(100)]
    assert not balance(items)
    items = [item(k, yes(), status="rejected") for k in range(100)]
    assert not balance(items)


def test_closest_against_farthest_only_where_both_are_asked():
    answer = Answer(type="number", value=1.0, text="1.0", unit="m")
    near = [item(k, answer, text="How far is the closest chair?") for k in range(100)]
    far = [item(k, answer, text="How far is the farthest chair?") for k in range(100, 110)]
    assert not balance(near)
    assert not balance(near + far[:7])
    out = balance(near + far)
    assert {r.reason for r in out.values()} == {"wording"}
    stay = Counter(i < 100 for i in range(110) if i not in out)
    assert stay[False] == 10 and 10 <= stay[True] == most([100, 10], 2)
    # "closest point" says how to measure, not what is asked for.
    aside = [item(k, answer, text="Measured at the closest point, how far is it?") for k in range(100)]
    assert not balance(aside + far)


def test_what_goes_hangs_on_the_questions_alone():
    items = [item(k, yes()) for k in range(40)]
    gone = {items[i][0].question.id for i in balance(items)}
    shuffled = list(items)
    random.Random(3).shuffle(shuffled)
    assert {shuffled[i][0].question.id for i in balance(shuffled)} == gone
    assert gone != {f"q{k}" for k in range(8, 40)}
