"""What a question says against what its program does: drafts that must and must not be rejected."""

from __future__ import annotations

from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.programs import results
from ouroboros_data.stages import gates, wording
from ouroboros_data.types import Answer, Evidence

ROOM = hand.room()
BY_HEIGHT = "return ordering([o.category for o in sorted(xs, key={key}{reverse})])"


def ranked(text, body):
    return hand.draft(text, body, mentions=("table",))


SURE = {
    "tallest to shortest, rising": (
        "Order these from tallest to shortest: table, tv, lamp?",
        "xs = [only(n) for n in ['table', 'tv', 'lamp']]\n"
        "return ordering([o.category for o in sorted(xs, key=height)])",
    ),
    "shortest to tallest, reversed": (
        "Order these from shortest to tallest: table, tv, lamp?",
        "return ordering([o.category for o in sorted(objects('table', 'tv'), key=height, reverse=True)])",
    ),
    "closest to farthest, negative key": (
        "List the chair and the tv from closest to farthest to the table?",
        "t = only('table')\n"
        "return ordering([o.category for o in sorted(objects('chair', 'tv'), key=lambda o: -distance(o, t))])",
    ),
    "turned round by a slice": (
        "Order the table and the tv from shortest to tallest?",
        "xs = sorted(objects('table', 'tv'), key=height)\n"
        "return ordering([o.category for o in xs[::-1]])",
    ),
    "turned round by reversed": (
        "Order by height in ascending order: table, tv?",
        "return ordering([o.category for o in reversed(sorted(objects('table', 'tv'), key=height))])",
    ),
    "tallest first": (
        "Sort the table and the tv, tallest first.",
        "return ordering([o.category for o in sorted(objects('table', 'tv'), key=lambda o: height(o))])",
    ),
    "max for smallest": (
        "What is the volume of the smallest chair, in metres?",
        "return number(volume(max(objects('chair'), key=volume)), 'm')",
    ),
    "min of what it takes up in a frame, for largest": (
        "Which takes up the largest part of the first frame: table, tv?",
        "return choice(min(['table', 'tv'], key=lambda n: view_share(0, only(n))), ['table', 'tv'])",
    ),
    "farthest() for closest": (
        "Which of these is the closest to the table?",
        "return choice(farthest(only('table'), objects('chair', 'tv')).category, ['chair', 'tv'])",
    ),
    "closest() for farthest, with closest points aside": (
        "Measured between closest points, which is the farthest from the table?",
        "return choice(closest(only('table'), objects('chair', 'tv')).category, ['chair', 'tv'])",
    ),
    "min of gaps for the largest gap": (
        "What is the largest distance between a chair and the table?",
        "return number(min(distance(c, only('table')) for c in objects('chair')), 'm')",
    ),
    "last of a falling row": (
        "How tall is the tallest chair?",
        "return number(height(sorted(objects('chair'), key=height, reverse=True)[-1]), 'm')",
    ),
    "least of a negative": (
        "How tall is the smallest chair?",
        "return number(height(min(objects('chair'), key=lambda o: -volume(o))), 'm')",
    ),
    "tuple keys": (
        "How tall is the chair nearest to the table?",
        "t = only('table')\n"
        "return number(height(max(objects('chair'), key=lambda o: (distance(o, t), o.id))), 'm')",
    ),
    "sizes by a helper": (
        "Which is the biggest?",
        "def size(o):\n    return round(volume(o), 2)\n"
        "return choice(min(objects('table', 'tv'), key=size).category, ['table', 'tv'])",
    ),
    "fewest": (
        "Of which category are there the fewest?",
        "return choice(max(['chair', 'tv'], key=lambda n: count(n)), ['chair', 'tv'])",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "body"), SURE.values(), ids=SURE)
def test_the_wrong_end_of_a_ranking(text, body):
    rejection = wording.direction(ranked(text, body))
    assert rejection is not None
    assert (rejection.stage, rejection.reason) == ("wording", "direction")
    assert rejection.detail


def turned(text):
    for one, other in (("tallest", "shortest"), ("closest", "farthest"), ("smallest", "biggest")):
        text = text.replace(one, "§").replace(other, one).replace("§", other)
    return text


@pytest.mark.parametrize(
    "name",
    ["tallest to shortest, rising", "shortest to tallest, reversed", "farthest() for closest", "max for smallest",
     "last of a falling row"],
)  # fmt: skip
def test_the_same_programs_are_right_for_the_opposite_question(name):
    text, body = SURE[name]
    assert wording.direction(ranked(turned(text), body)) is None


NOT_SURE = {
    "right": (
        "Order these from tallest to shortest: table, tv?",
        "return ordering([o.category for o in sorted(objects('table', 'tv'), key=height, reverse=True)])",
    ),
    "second": (
        "How tall is the second closest chair to the table?",
        "return number(height(farthest(only('table'), objects('chair'))), 'm')",
    ),
    "not the closest": (
        "How tall is the chair that is not the closest to the table?",
        "return number(height(farthest(only('table'), objects('chair'))), 'm')",
    ),
    "both ends": (
        "How much farther is the farthest chair than the closest one?",
        "t = only('table')\nreturn number(distance(t, farthest(t, objects('chair'))), 'm')",
    ),
    "shortest distance is no height": (
        "What is the shortest distance from the table to the tallest chair?",
        "return number(distance(only('table'), max(objects('chair'), key=height)), 'm')",
    ),
    "shortest distance": (
        "What is the shortest distance from the table to the tv?",
        "return number(distance(only('table'), only('tv')), 'm')",
    ),
    "another kind": (
        "What is the distance from the largest chair to the table, in metres?",
        "return number(distance(closest(only('table'), objects('chair')), only('table')), 'm')",
    ),
    "closest of groups": (
        "Which kind is the farthest from the table?",
        "t = only('table')\n"
        "return choice(max(['chair', 'tv'], key=lambda n: min(distance(t, o) for o in objects(n))), ['chair', 'tv'])",
    ),
    "largest of its sides": (
        "What is the largest of the length, width and height of the table?",
        "o = only('table')\nreturn number(max(length(o), width(o), height(o)), 'm')",
    ),
    "least of a negative": (
        "Which is the tallest?",
        "return choice(min(objects('table', 'tv'), key=lambda o: -height(o)).category, ['table', 'tv'])",
    ),
    "key that subtracts": (
        "Which is the tallest?",
        "return choice(min(objects('table', 'tv'), key=lambda o: 9 - height(o)).category, ['table', 'tv'])",
    ),
    "alphabet": (
        "Which of these is the closest to the table?",
        "names = sorted(['tv', 'chair'], reverse=True)\n"
        "return choice(closest(only('table'), objects(*names)).category, ['chair', 'tv'])",
    ),
    "sort in place": (
        "Order these from tallest to shortest: table, tv?",
        "xs = objects('table', 'tv')\nxs.sort(key=height)\nxs = xs[::-1]\n"
        "return ordering([o.category for o in xs])",
    ),
    "head of a falling row": (
        "How tall is the tallest chair?",
        "return number(height(sorted(objects('chair'), key=height, reverse=True)[0]), 'm')",
    ),
    "double turn": (
        "Order the table and the tv from tallest to shortest?",
        "xs = sorted(objects('table', 'tv'), key=lambda o: -height(o), reverse=True)\n"
        "return ordering([o.category for o in reversed(xs)])",
    ),
    "a loop": (
        "How tall is the tallest chair?",
        "best = 99.0\nfor o in objects('chair'):\n    best = min(best, height(o))\nreturn number(best, 'm')",
    ),
    "not Python": ("Which is the tallest?", "return ("),
    "own closest": (
        "Which is the closest?",
        "def farthest(a, b):\n    return b[0]\nreturn choice(farthest(1, ['a']), ['a', 'b'])",
    ),
    "at most": (
        "Are there at most three chairs?",
        "return boolean(min(count('chair'), 4) <= 3)",
    ),
    "counted names after at most": (
        "Does the room have at most tables and chairs?",
        "return boolean(min(['table', 'tv'], key=count) == 'tv')",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "body"), NOT_SURE.values(), ids=NOT_SURE)
def test_what_is_right_or_not_sure_passes(text, body):
    assert wording.direction(ranked(text, body)) is None


def chosen(*calls, ids=("t", "c1", "c2", "v")):
    return results.Outcome(
        answer=Answer(type="number", value=1.0, text="1.0", unit="m"),
        evidence=Evidence(object_ids=ids, categories=("chair", "table", "tv"), calls=calls),
    )


@pytest.mark.parametrize(
    ("text", "calls", "reason"),
    [
        ("How tall is the chair closest to the table?", ("closest(t,c1,c2)",), None),
        ("How tall is the chair that is closest to the table?", ("closest(t,c1,c2,v)",), "candidates"),
        ("How tall is the chair closest to the table?", ("closest(t,c1,v)",), "candidates"),
        (
            "How tall is the chair farthest from the table?",
            ("farthest(t,c1,v)",),
            None,
        ),  # "from" says nothing sure
        ("Which of the chair and the tv is closest to the table?", ("closest(t,c1,v)",), None),
        ("Which of the tv, the chair is closest to the table?", ("closest(t,c1,v)",), None),
        ("Which of these is the closest to the table?", ("closest(t,c1,v)",), None),
        ("How tall is the chair closest to the thing closest to the tv?", ("closest(t,c1,v)",), None),
        ("How tall is the chair closest to the tv?", ("closest(v,c1,c2)", "closest(t,c1,v)"), None),
        ("How tall is the chair closest to the tv?", ("closest(t,c1,v)", "closest(v,c1,c2)"), None),
    ],
)
def test_the_x_closest_to_is_chosen_among_x(text, calls, reason):
    rejection = wording.candidates(ranked(text, "pass"), ROOM, chosen(*calls))
    assert (rejection and rejection.reason) == reason


def answered(text, answer, options=(), categories=("table", "tv")):
    draft = hand.draft(text, "pass", mentions=(), answer_type=answer.type, unit=answer.unit, options=options)
    return wording.gives_away(
        draft, results.Outcome(answer=answer, options=options, evidence=Evidence(categories=categories))
    )


def number(text, unit, value=None):
    return Answer(type="number", value=float(text) if value is None else value, text=text, unit=unit)


@pytest.mark.parametrize(
    ("text", "answer", "categories", "reason"),
    [
        ("The distance between the table and the tv is 2.5 meters.", number("2.5", "m"), ("table", "tv"), "gives_away"),
        ("The gap is about 2.5 m, how wide is it?", number("2.5", "m"), ("table", "tv"), "gives_away"),
        ("The table is 90 cm long: how long is it in cm?", number("90", "cm"), ("table",), "gives_away"),
        ("There are 3 chairs. How many chairs are there?", number("3", "count", 3), ("chair",), "gives_away"),
        ("How many of the three chairs are there?", number("3", "count", 3), ("chair",), "gives_away"),
        ("The distance between the table and the tv is 2.5 meters.", number("2.6", "m"), ("table", "tv"), None),
        ("The gap is 12.5 m?", number("2.5", "m"), ("table", "tv"), None),
        ("The gap is 2.55 m?", number("2.5", "m"), ("table", "tv"), None),
        ("How long is it, to the nearest 10 cm?", number("10", "cm"), ("table",), None),
        ("How far is it within 1 m of the table?", number("1.0", "m"), ("table",), None),
        ("How many chairs are within 3 metres of the table?", number("3", "count", 3), ("chair", "table"), None),
        ("How many chairs are there?", number("3", "count", 3), ("chair",), None),
        ("A turn of 135 degrees is back; what is the bearing?", number("135", "deg"), ("table",), None),
    ],
)  # fmt: skip
def test_numbers_that_the_text_states(text, answer, categories, reason):
    rejection = answered(text, answer, categories=categories)
    assert (rejection and rejection.reason) == reason


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("Is the tv, which is to the left of the table, left of it?", ("left", "right"), "gives_away"),
        ("Is the tv left or right?", ("left", "right"), None),
        ("On which side is it?", ("left", "right"), None),
        ("Is it in the leftmost place, or right-hand?", ("left", "right"), None),
        ("In what order do you first see these: bed, tv?", ("bed, tv", "tv, bed"), None),
        ("Left, right or behind you?", ("left", "right", "back"), None),
        ("front-left, front-right, back-left or back-right?", ("left", "right"), None),
    ],
)
@pytest.mark.parametrize("value", [0, 1])
def test_options_that_the_text_names_alone(text, options, reason, value):
    """Right or wrong: were only right ones rejected, what is accepted would tell that a named option is wrong."""
    answer = Answer(type="choice", value=options[value], text="AB"[value])
    rejection = answered(text, answer, options)
    assert (rejection and rejection.reason) == reason


def counting(body):
    return hand.draft("How many?", body, mentions=("chair",), unit="count", kind="counting")


@pytest.mark.parametrize(
    ("body", "value", "reason"),
    [
        ("return number(len([c for c in objects('chair') if distance(c, only('table')) < 9]), 'count')", 2, "all"),
        ("return number(sum(1 for c in objects('chairs') if height(c) > 0), 'count')", 2, "all"),
        ("xs = objects('chair', 'tv')\nreturn number(len([c for c in xs if height(c) > 0]), 'count')", 3, "all"),
        ("return number(len([o for o in objects() if height(o) > 0]), 'count')", 7, "all"),
        ("return number(len([c for c in objects('chair') if height(c) > 9]), 'count')", 1, None),
        ("return number(len(objects('chair')), 'count')", 2, None),
        ("return number(count('chair'), 'count')", 2, None),
        # One that meets the condition, and a table: two by chance.
        ("return number(count('table') + len([c for c in objects('chair') if height(c) > 9]), 'count')", 2, None),
        ("xs = objects('chair')\nxs = xs[:1]\nreturn number(len([c for c in xs if height(c)]), 'count')", 2, None),
        ("return number(len([1 for c in objects('chair') for t in objects('tv') if distance(c, t)]), 'count')", 2, None),
        ("n = 'chair'\nreturn number(len([c for c in objects(n) if height(c)]), 'count')", 2, None),
    ],
)  # fmt: skip
def test_a_condition_that_all_meet(body, value, reason):
    made = results.Outcome(
        answer=number(str(value), "count", value), evidence=Evidence(calls=("objects(c1)",))
    )
    rejection = gates.degenerate(counting(body), ROOM, made)
    assert (rejection and rejection.reason) == reason


YES, NO = (Answer(type="boolean", value=v, text="yes" if v else "no") for v in (True, False))
LEFT = Answer(type="choice", value="left", text="A")


@pytest.mark.parametrize(
    ("own", "options", "others", "reason"),
    [
        (number("2.5", "m"), (), [number("2.5", "m")] * 2, "same_everywhere"),
        (number("2.5", "m"), (), [number("2.5", "m")], None),
        (number("2.5", "m"), (), [number("2.5", "m", 2.5001)] * 7, None),  # alike as stated, not the same
        (number("1", "count", 1), (), [number("1", "count", 1)] * 3, None),
        (number("1", "count", 1), (), [number("1", "count", 1)] * 4, "same_everywhere"),
        (YES, (), [YES] * 5, None),
        (YES, (), [YES] * 6, "same_everywhere"),
        (YES, (), [YES] * 6 + [NO], None),
        (YES, (), [YES] * 5 + [None] * 2, None),
        (YES, (), [None] * 7, None),
        (YES, (), [], None),
        (LEFT, ("left", "right"), [LEFT] * 5, None),
        (LEFT, ("left", "right", "back"), [LEFT] * 4, "same_everywhere"),
        # The letter depends on the order of options, the value does not.
        (LEFT, ("left", "right", "back"), [replace(LEFT, text="B")] * 4, "same_everywhere"),
    ],
)
def test_constant_programs(own, options, others, reason):
    outcomes = [
        results.Outcome(answer=a) if a else results.failed("no_such_object", "only()") for a in others
    ]
    rejection = gates.varies(results.Outcome(answer=own, options=options), outcomes)
    assert (rejection and rejection.reason) == reason
