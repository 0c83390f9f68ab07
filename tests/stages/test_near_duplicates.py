from __future__ import annotations

from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.stages import gates
from ouroboros_data.stages.ground import keys_of
from ouroboros_data.types import Answer, Evidence

M = Answer(type="number", value=2.4, text="2.4", unit="m")
YES, NO = (Answer(type="boolean", value=v, text="yes" if v else "no") for v in (True, False))
LEFT = Answer(type="choice", value="left", text="A")
SECTOR = ("sector(t,c1,v)",)


def asked(text, answer, calls, ids=("t", "v"), *, kind="kind", options=()):
    draft = hand.draft(text, "pass", mentions=(), answer_type=answer.type, options=options, kind=kind)
    return keys_of(draft, answer, Evidence(object_ids=ids, calls=calls))


def verdict(first, second):
    key, *near = second
    rejection = gates.duplicate(key, near, set(first))
    return rejection and rejection.reason


GAP = asked("How far is the table from the tv?", M, ("only(t)", "only(v)", "distance(t,v)"))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (GAP, GAP, "duplicate"),
        (GAP, asked("Gap of tv and table?", M, ("only(v)", "only(t)", "distance(t,v)")), "duplicate"),
        # Another type, a detour of the program, roles of a symmetric relation.
        (GAP, asked("Gap?", M, ("only(t)", "only(v)", "distance(t,v)"), kind="other"), "near_duplicate"),
        (GAP, asked("Gap?", M, ("objects(t)", "objects(v)", "distance(t,v)")), "near_duplicate"),
        (GAP, asked("Gap?", M, ("distance(v,t)",)), "near_duplicate"),
        (GAP, asked("Gap?", replace(M, text="2"), ("only(t)", "only(v)", "distance(t,v)")), None),
        (GAP, asked("Apart?", M, ("center_distance(t,v)",)), None),
        (GAP, asked("Gap?", M, ("distance(t,l)",), ids=("l", "t")), None),
        # The same words, whatever comes out.
        (GAP, asked("How far is the  table from the TV.", replace(M, text="9.9"), ("height(t)",)), "near_duplicate"),
        (
            asked("Taller: the table than the tv?", YES, ("height(t)", "height(v)")),
            asked("Taller: the tv than the table?", NO, ("height(t)", "height(v)")),
            "near_duplicate",
        ),
        (
            asked("Taller: the table than the tv?", YES, ("height(t)", "height(v)")),
            asked("Wider: the table than the tv?", YES, ("width(t)", "width(v)")),
            None,
        ),
        (
            asked("Is the gap over 2 m?", YES, ("distance(t,v)",)),
            asked("Is the gap over 3 m?", NO, ("distance(t,v)",)),
            None,
        ),
        (
            asked("In frame one, is the table left of the tv?", YES, ("left_in_view(@1,t,v)",)),
            asked("In frame one, is the tv left of the table?", NO, ("left_in_view(@1,v,t)",)),
            "near_duplicate",
        ),
        (
            asked("Is the table above the tv?", YES, ("above(t,v)",)),
            asked("Is the tv above the table?", NO, ("above(v,t)",)),
            None,
        ),
        # Roles of a direction are not symmetric.
        (
            asked("Left or right of table, facing chair?", LEFT, SECTOR, ("c1", "t", "v")),
            asked("Left or right of chair, facing table?", LEFT, ("sector(c1,t,v)",), ("c1", "t", "v")),
            None,
        ),
        (
            asked("Which is nearest to the tv?", LEFT, ("closest(v,t,c1)",), options=("a", "left")),
            asked("Which is nearest to the tv?", LEFT, ("closest(v,t,c1,l)",), ("l", "t"), options=("b", "left")),
            None,
        ),
        (
            asked("Nearest to the tv?", LEFT, ("closest(v,t,c1)",), options=("a", "left")),
            asked("Closest to the tv?", LEFT, ("closest(v,t,c1)",), options=("b", "left")),
            "near_duplicate",
        ),
        # Fields of handles leave no measures behind.
        (
            asked("How high does the tv hang?", M, ("only(t)", "only(v)")),
            asked("How far east is the tv?", M, ("only(t)", "only(v)", "objects(v)")),
            None,
        ),
    ],
)  # fmt: skip
def test_near_duplicates(first, second, reason):
    assert verdict(first, second) == reason
    assert verdict(second, first) == reason


def test_another_scene_is_another_question():
    draft = hand.draft("Gap?", "pass", mentions=())
    elsewhere = replace(draft, question=replace(draft.question, scene_id="other"))
    evidence = Evidence(object_ids=("t", "v"), calls=("distance(t,v)",))
    assert verdict(keys_of(draft, M, evidence), keys_of(elsewhere, M, evidence)) is None
