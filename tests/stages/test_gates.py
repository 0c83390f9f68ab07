from __future__ import annotations

import json
from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data import resources
from ouroboros_data.programs import results
from ouroboros_data.records import to_json
from ouroboros_data.stages import gates
from ouroboros_data.types import Answer, Evidence

ROOM = hand.room()
DISTANCE = hand.draft(
    "How far is the table from the tv, in metres?",
    'return number(distance(only("table"), only("tv")), "m")',
    mentions=("table", "tv"),
)


def with_question(draft, **changes):
    return replace(draft, question=replace(draft.question, **changes))


def test_a_good_draft_has_the_right_form():
    assert gates.schema(DISTANCE, ROOM, hand.FRAMES) is None


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (with_question(DISTANCE, text="?"), "schema"),
        (with_question(DISTANCE, question_type="Object Distance"), "schema"),
        (with_question(DISTANCE, answer_type="text"), "schema"),
        (replace(DISTANCE, bin="near"), "schema"),
        (replace(DISTANCE, seed=-1), "schema"),
        (with_question(DISTANCE, scene_id="other"), "scene"),
        (with_question(DISTANCE, frame_ids=("f0",)), "frames"),
        (replace(DISTANCE, program=replace(DISTANCE.program, api_version="1")), "api_version"),
        (with_question(DISTANCE, unit=None), "unit"),
        (with_question(DISTANCE, options=("a", "b")), "options"),
        (with_question(DISTANCE, answer_type="choice", unit=None), "options"),
        (with_question(DISTANCE, answer_type="choice", unit=None, options=("Left", "left ")), "options"),
        (with_question(DISTANCE, answer_type="choice", options=("left", "right")), "unit"),
        (with_question(DISTANCE, answer_type="boolean"), "unit"),
    ],
)
def test_schema(draft, reason):
    rejection = gates.schema(draft, ROOM, hand.FRAMES)
    assert rejection is not None
    assert (rejection.stage, rejection.reason) == ("schema", reason)
    assert rejection.detail


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        ({}, ["ok", "number", 1.0, "m", None], None),
        ({}, ["ok", "number", 1.0, "cm", None], "unit"),
        ({}, ["ok", "boolean", True, None, None], "answer_type"),
        (
            {"answer_type": "choice", "unit": None, "options": ("left", "right")},
            ["ok", "choice", "left", ["left", "right"], None],
            None,
        ),
        (
            {"answer_type": "choice", "unit": None, "options": ("left", "right")},
            ["ok", "choice", "left", ["right", "left"], None],
            "options",
        ),
    ],
)
def test_type(changes, outcome, reason):
    rejection = gates.answer_type(with_question(DISTANCE, **changes), results.outcome_of(outcome))
    assert (rejection and rejection.reason) == reason


def evidence(*ids, calls=("call(x)",)):
    categories = {o.id: o.category for o in ROOM.objects}
    return Evidence(object_ids=ids, categories=tuple(sorted({categories[i] for i in ids})), calls=calls)


EVERYTHING = tuple(o.id for o in ROOM.objects)


@pytest.mark.parametrize(
    ("text", "mentions", "ids", "reason"),
    [
        ("How far is the table from the tv?", ("table", "tv"), ("t", "v"), None),
        ("How far is the table from the tv?", (), ("t", "v"), None),
        ("How many chairs are there?", ("chair",), ("c1", "c2"), None),
        ("How many chair(s) are in this room?", ("chair",), ("c1", "c2"), None),
        ("How far is the chair from the tv?", ("chair", "tv"), ("c1", "v"), "not_unique"),
        ("How tall is the chair closest to the tv?", ("chair", "tv"), ("c1", "c2", "v"), None),
        ("How tall is the tallest chair?", ("chair",), ("c1", "c2"), None),
        ("Which of the chairs is near the tv?", ("chair", "tv"), ("c1", "c2", "v"), None),
        ("How far is the trash bin from the tv?", ("trash bin", "tv"), ("b", "v"), None),
        ("How far is the Trash  Bin from the TV?", ("trash bin", "tv"), ("b", "v"), None),
        ("How far is the table from the lamp?", ("table", "lamp"), ("t",), "unused"),
        ("How far is the table from the lamp?", ("table",), ("t",), "unused"),
        ("How far is the table from there?", ("table",), ("t", "v"), "unnamed"),
        ("How far is the table from the tv?", ("table", "tv", "lamp"), ("t", "v", "l"), "mention_absent"),
        ("How tall is the piano?", ("piano",), (), "unknown_category"),
        ("Which object in the room is the tallest?", (), EVERYTHING, None),
        ("What is the tallest in the room?", (), EVERYTHING, "unnamed"),
        ("What is the floor area of this room?", (), (), None),
        ("How far is the unstable tabletop from the tv?", ("tv",), ("v",), None),
    ],
)
def test_reference(text, mentions, ids, reason):
    draft = replace(with_question(DISTANCE, text=text), mentions=mentions)
    rejection = gates.reference(draft, ROOM, evidence(*ids))
    assert (rejection and rejection.reason) == reason


def test_options_name_categories_too():
    draft = with_question(
        replace(DISTANCE, mentions=("tv", "lamp", "table")),
        text="Which of these objects is the closest to the tv?",
        answer_type="choice",
        unit=None,
        options=("lamp", "table"),
    )
    assert gates.reference(draft, ROOM, evidence("v", "l", "t")) is None
    assert gates.reference(draft, ROOM, evidence("v", "l")).reason == "unused"


def test_visible_wants_every_object_in_some_sampled_frame():
    assert gates.visible(ROOM, hand.FRAMES, evidence("t", "v"), hand.SHARE) is None
    assert gates.visible(ROOM, hand.FRAMES, evidence(), hand.SHARE) is None
    hidden = gates.visible(ROOM, hand.FRAMES, evidence("t", "s"), hand.SHARE)
    assert hidden is not None and hidden.reason == "not_visible" and "sofa (s)" in hidden.detail
    assert gates.visible(ROOM, ("f0", "f3"), evidence("t", "v"), hand.SHARE) is not None
    assert gates.visible(ROOM, hand.FRAMES, evidence("v"), 0.04) is not None  # seen, too small
    # A count of which one instance is out of view cannot be answered from the frames.
    assert gates.visible(ROOM, ("f0",), evidence("c1", "c2"), hand.SHARE) is not None


def outcome(value, unit, *calls):
    return results.Outcome(
        answer=Answer(type="number", value=value, text=results.number_text(value, unit), unit=unit),
        evidence=Evidence(calls=calls),
    )


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (outcome(2, "count", "count(c1,c2)"), None),
        (outcome(0, "count", "count()"), "zero"),
        (outcome(0.04, "m", "distance(t,l)"), "zero"),
        (outcome(0.0, "deg", "bearing(t,c1,v)"), None),
        (outcome(3, "count"), "constant"),
        (outcome(1.0, "m", "closest(t,c1)"), "single_candidate"),
        (outcome(1.0, "m", "closest(t,c1,t)"), "single_candidate"),
        (outcome(1.0, "m", "closest(t,c1,c2)"), None),
    ],
)
def test_degenerate(made, reason):
    rejection = gates.degenerate(DISTANCE, ROOM, made)
    assert (rejection and rejection.reason) == reason


def test_every_program_failure_is_a_reason_of_the_execute_gate():
    for reason in results.REASONS:
        assert gates.execute(results.failed(reason, "x")).reason == reason


def test_the_verdict_schema_knows_every_stage(checkout):
    schema = json.loads((checkout / "schemas/verdict.schema.json").read_text())
    assert schema["properties"]["stage"]["enum"] == ["", *gates.GATES]


def test_the_scene_schema_takes_our_scenes_and_not_broken_ones():
    good = json.loads(json.dumps(to_json(ROOM)))
    assert not list(resources.problems("scene", good))
    for path, value in {
        ("objects",): [],
        ("room", "area_m2"): 0,
        ("objects", 0, "extent_m"): [1.0, 0.0, 1.0],
        ("objects", 0, "category"): "Trash_Bin",
        ("objects", 0, "id"): "a,b",
        ("objects", 0, "R_world_object"): [[1.0, 0.0], [0.0, 1.0]],
        ("frames", 0, "views", 0, "pixel_share"): 2.0,
        ("frames_origin",): "guessed",
        ("colour",): "red",
    }.items():
        broken = json.loads(json.dumps(good))
        place = broken
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert list(resources.problems("scene", broken)), path
