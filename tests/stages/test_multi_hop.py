"""Gates on references over several steps: good ones pass, and each way of getting one wrong is caught."""

from __future__ import annotations

from dataclasses import replace

import hand_scenes as hand
import pytest

from ouroboros_data.programs import api, results
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.stages import gates, wording
from ouroboros_data.types import Answer, Evidence

box = hand.box


def desk_room(*more):
    """A desk with a lamp and two more lamps on the floor; three chairs, two cabinets, a tv."""
    room = hand.room()
    objects = (
        box("d", "desk", (0.0, 0.0, 0.4), (1.6, 0.8, 0.8)),
        box("l1", "lamp", (0.3, 0.0, 1.0), (0.2, 0.2, 0.4)),
        box("l2", "lamp", (3.0, 3.0, 0.7), (0.3, 0.3, 1.4)),
        box("l3", "lamp", (-3.0, 3.0, 0.7), (0.3, 0.3, 1.4)),
        box("c1", "chair", (0.0, 2.0, 0.5), (0.5, 0.5, 1.0)),
        box("c2", "chair", (0.0, -3.0, 0.5), (0.5, 0.5, 1.0)),
        box("c3", "chair", (4.0, -3.0, 0.5), (0.5, 0.5, 1.0)),
        box("k1", "cabinet", (5.0, 0.0, 1.0), (0.5, 1.0, 2.0)),
        box("k2", "cabinet", (-5.0, 0.0, 0.5), (0.5, 1.0, 1.0)),
        box("v", "tv", (0.0, 4.5, 0.8), (1.0, 0.1, 0.6)),
        *more,
    )
    return replace(room, objects=objects, frames=(hand.frame(0, {o.id: 0.05 for o in objects}),))


ROOM = desk_room()


@pytest.fixture(scope="module")
def pool():
    with SandboxPool() as opened:
        yield opened


def judged(pool, text, body, mentions, room=ROOM):
    """The reason of the reference or wording gates, for a program that runs."""
    draft = hand.draft(text, body, mentions=mentions, frames=("f0",))
    tables = api.tables(room, None, hand.SHARE)
    outcome = pool.run(tables, [draft.program.source])[0]
    assert outcome.ok, outcome.detail
    found = (
        gates.reference(draft, room, outcome.evidence)
        or wording.direction(draft)
        or wording.candidates(draft, room, outcome)
        or wording.gives_away(draft, outcome)
    )
    return found.reason if found else None


ON_DESK = 'lamp = on(only("desk"), "lamp")[0]\nreturn number(distance(lamp, only("tv")), "m")'
NAMES = ("lamp", "desk", "tv")


@pytest.mark.parametrize(
    ("text", "body", "mentions", "reason"),
    [
        ("How far is the tv from the lamp on the desk?", ON_DESK, NAMES, None),
        ("How far is the lamp on the desk from the tv?", ON_DESK, NAMES, "not_unique"),  # "is the lamp on": a verb's
        ("Between the tv and the lamp under the desk, how far is it?", ON_DESK, NAMES, "not_unique"),
        ("How far is the tv from the lamp near the desk?", ON_DESK, NAMES, "not_unique"),
        (
            "How far is the tv from the lamp on the desk?",  # any lamp
            'return number(distance(objects("lamp")[0], only("tv")) + 0 * height(only("desk")), "m")',
            NAMES,
            "not_unique",
        ),
        (
            "How far is the tv from the lamp on the desk?",  # only one of the lamps was looked at
            'lamp = objects("lamp")[0]\n'
            'assert supports(only("desk"), lamp)\n'
            'return number(distance(lamp, only("tv")), "m")',
            NAMES,
            "not_unique",
        ),
        (
            "How tall is the chair between the desk and the tv?",
            'a, b = only("desk"), only("tv")\n'
            'return number(height([c for c in objects("chair") if between(c, a, b)][0]), "m")',
            ("chair", "desk", "tv"),
            "not_unique",  # "is the chair between"
        ),
        (
            "What is the height of the chair between the desk and the tv?",
            'a, b = only("desk"), only("tv")\n'
            'return number(height([c for c in objects("chair") if between(c, a, b)][0]), "m")',
            ("chair", "desk", "tv"),
            None,
        ),
    ],
)  # fmt: skip
def test_the_lamp_on_the_desk_is_one_of_several(pool, text, body, mentions, reason):
    assert judged(pool, text, body, mentions) == reason


def test_of_two_lamps_on_the_desk_neither_is_the_lamp_on_the_desk(pool):
    text = "How far is the tv from the lamp on the desk?"
    assert judged(pool, text, ON_DESK, NAMES) is None
    both = desk_room(box("l4", "lamp", (-0.3, 0.0, 1.0), (0.2, 0.2, 0.4)))
    assert judged(pool, text, ON_DESK, NAMES, both) == "not_unique"


TWO_HOPS = "How tall is the chair that is closest to the cabinet that is closest to the tv?"


@pytest.mark.parametrize(
    ("text", "body", "mentions", "reason"),
    [
        (
            "How far is the tv from the chair closest to the tallest cabinet?",
            'c = closest(max(objects("cabinet"), key=height), objects("chair"))\n'
            'return number(distance(c, only("tv")), "m")',
            ("chair", "cabinet", "tv"),
            None,
        ),
        (
            "How far is the tv from the chair closest to the tallest cabinet?",
            'c = closest(min(objects("cabinet"), key=height), objects("chair"))\n'
            'return number(distance(c, only("tv")), "m")',
            ("chair", "cabinet", "tv"),
            "direction",
        ),
        (
            TWO_HOPS,
            'return number(height(closest(closest(only("tv"), objects("cabinet")), objects("chair"))), "m")',
            ("chair", "cabinet", "tv"),
            None,
        ),
        (  # the hops in the wrong order
            TWO_HOPS,
            'return number(height(closest(closest(only("tv"), objects("chair")), objects("cabinet"))), "m")',
            ("chair", "cabinet", "tv"),
            "candidates",
        ),
        (  # one hop chooses among others as well
            TWO_HOPS,
            'return number(height(closest(closest(only("tv"), objects("cabinet")), objects("chair", "tv"))), "m")',
            ("chair", "cabinet", "tv"),
            "candidates",
        ),
        (
            "How tall is the chair that is farthest from the cabinet that is closest to the tv?",
            'return number(height(farthest(closest(only("tv"), objects("cabinet")), objects("chair"))), "m")',
            ("chair", "cabinet", "tv"),
            None,
        ),
        (  # both ends are asked for, one is taken twice
            "How tall is the chair that is farthest from the cabinet that is closest to the tv?",
            'return number(height(closest(closest(only("tv"), objects("cabinet")), objects("chair"))), "m")',
            ("chair", "cabinet", "tv"),
            "direction",
        ),
        (  # a hop to the farthest, and a row that begins with the closest
            "Starting at the chair farthest from the tv, how far is it to the desk and to the tv? Order them, closest first.",
            'c = farthest(only("tv"), objects("chair"))\n'
            'row = sorted(objects("desk", "tv"), key=lambda o: distance(c, o))\n'
            "return ordering([o.category for o in row])",
            ("chair", "desk", "tv"),
            None,
        ),
        (  # measured from the wrong thing
            "How far is the desk from the chair closest to the tv?",
            'return number(distance(only("tv"), closest(only("desk"), objects("chair"))), "m")',
            ("chair", "desk", "tv"),
            "candidates",
        ),
        (
            "How far is the desk from the chair closest to the tv?",
            'return number(distance(only("desk"), closest(only("tv"), objects("chair"))), "m")',
            ("chair", "desk", "tv"),
            None,
        ),
        (  # "next to" is no "next closest"
            "Next to the desk, how tall is the chair closest to the tv?",
            'only("desk")\nreturn number(height(farthest(only("tv"), objects("chair"))), "m")',
            ("chair", "desk", "tv"),
            "direction",
        ),
        (
            "How tall is the next closest chair to the tv?",
            'return number(height(farthest(only("tv"), objects("chair"))), "m")',
            ("chair", "tv"),
            None,
        ),
    ],
)  # fmt: skip
def test_references_over_hops(pool, text, body, mentions, reason):
    assert judged(pool, text, body, mentions) == reason


def test_calls_without_their_words_decide_nothing():
    """Fewer words than choices, or more: the gate does not guess which belongs to which."""
    made = results.Outcome(
        answer=Answer(type="number", value=1.0, text="1.0", unit="m"),
        evidence=Evidence(calls=("closest(v,c1,c2)", "closest(d,k1,k2)")),
    )
    draft = hand.draft("How tall is the chair closest to the desk?", "pass", mentions=("chair", "desk"))
    assert wording.candidates(draft, ROOM, made) is None
