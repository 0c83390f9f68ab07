"""Formulas of the ten types of VSI-Bench."""

from __future__ import annotations

import cmath
import math
import re

from oracle_registry import Case, Truth, gap_m, oracle

from ouroboros_data.english import plurals
from ouroboros_data.types import SceneObject


@oracle("object_counting")
def counting(case: Case) -> Truth:
    (name,) = case.named(
        r"^How many (.+)\(s\) are in this room\?$",
        r"^How many (.+) are there in this room\?$",
        r"^What is the number of (.+) in this room\?$",
        r"how many (.+) does the video show\?$",
        r"counts the (.+)\. What number",
    )
    return sum(name in (o.category, *plurals(o.category)) for o in case.scene.objects)


@oracle("object_abs_distance")
def abs_distance(case: Case) -> Truth:
    a, b = case.named(
        r"distance between the (.+) and the (.+) \(in",
        r"distance from the (.+) to the (.+) \(in",
        r"are the (.+) and the (.+), measured",
        r"gap between the (.+) and the (.+) at its",
        r"tight from the point of the (.+) that is closest to the (.+) to the point of",
    )
    return gap_m(case.one(a), case.one(b)) * (100 if "centimeters" in case.text else 1)


@oracle("object_size_estimation")
def size(case: Case) -> Truth:
    (name,) = case.named(
        r"or height\) of the (.+), measured",
        r"How long is the (.+) along its longest",
        r"What does the (.+) measure along",
        r"and the height of the (.+): how much",
        r"If you measured the (.+) in length",
    )
    assert "centimeters" in case.text
    return 100 * max(case.one(name).extent_m)


@oracle("room_size_estimation")
def room_size(case: Case) -> Truth:
    assert "square meters" in case.text
    return case.scene.room.area_m2


@oracle("object_rel_distance")
def rel_distance(case: Case) -> Truth:
    several = r"(?: \(of several of a kind, the closest counts\))?"
    parts = case.named(
        rf"these objects \((?P<b>.+)\) is the closest to the (?P<a>.+?){several}\?$",
        rf"nearest to the (?P<a>.+), measured between closest points{several}: (?P<b>.+)\?$",
        rf"itself and the (?P<a>.+?){several}: (?P<b>.+)\?$",
        rf"Start at the (?P<a>.+) and measure the gap to each of these{several}: (?P<b>.+)\. Which",
        rf"^Of (?P<b>.+), which one comes closest to the (?P<a>.+?){several}, when",
    )
    target, names = case.one(parts[0]), parts[1].split(", ")
    assert sorted(names) == sorted(case.question.options)
    return min(names, key=lambda name: min(gap_m(target, o) for o in case.all(name)))


@oracle("obj_appearance_order")
def appearance(case: Case) -> Truth:
    (items,) = case.named(
        r"categories in the video: (.+)\?$",
        r"these come into view for the first time: (.+)\?$",
        r"do you first see these: (.+)\?$",
        r"earliest first: (.+)\. What",
        r"after another for the first time: (.+)\. Which",
    )

    def first(name: str) -> int:
        return next(
            k for k, frame in enumerate(case.frames) if any(case.shows(frame, o) for o in case.all(name))
        )

    return ", ".join(sorted(items.split(", "), key=first))


def plan(o: SceneObject) -> complex:
    return complex(o.center_m[0], o.center_m[1])


def left_of(ahead: complex, way: complex) -> float:
    """Signed angle from ahead to way in degrees, left positive, in (-180, 180]."""
    return math.degrees(cmath.phase(way / ahead))


@oracle("object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard")
def direction(case: Case) -> Truth:
    tail = r"(?: to my| on your|: on which|, and left|\?$| is:)"
    names = case.named(
        rf"standing by the (?P<a>.+) and facing the (?P<b>.+), is the (?P<c>.+?){tail}",
        r"Standing at the (?P<a>.+) and looking at the (?P<b>.+), (?:is|would|in which).* the (?P<c>.+?)"
        r"(?: on your left or|, where back|: front)",
        r"next to the (?P<a>.+), looking straight towards the (?P<b>.+): .* ?the (?P<c>.+?)(?:, left| on your| ahead)",
        r"being at the (?P<a>.+) with the (?P<b>.+) straight ahead of you\. .*(?:face|Facing|where) the (?P<c>.+?)(?: takes| is:|\?$)",
        r"From where the (?P<a>.+) is, somebody looks directly at the (?P<b>.+?)\. .*[Ii]s the (?P<c>.+?)(?: on their|\?$)",
        r"directly at the (?P<b>.+) from where the (?P<a>.+) is\. .* holds the (?P<c>.+)\?$",
    )
    stand, facing, target = (plan(case.one(name)) for name in names)
    angle = left_of(facing - stand, target - stand)
    side = "left" if angle > 0 else "right"
    if case.question.question_type == "object_rel_direction_easy":
        return side
    if case.question.question_type == "object_rel_direction_medium":
        return "back" if abs(angle) > 135 else side
    return f"{'front' if abs(angle) < 90 else 'back'}-{side}"


@oracle("route_planning")
def route(case: Case) -> Truth:
    start, facing, rest = case.named(
        r"beginning at the (.+) and facing the (.+)\. You want to navigate to the (.+)$",
        r"stand at the (.+), facing the (.+), and walk in a straight line to the (.+)\. Which way",
        r"Beginning at the (.+) and facing the (.+), a robot drives straight to the (.+)\. What",
        r"Someone at the (.+) looks at the (.+), then goes straight to the (.+), turning",
        r"walk from the (.+), where you face the (.+), straight to the (.+)\. For",
    )
    stops = re.findall(r"Go forward until the ([^.]+)\.", rest) or rest.split(", then to the ")
    heading = plan(case.one(facing)) - plan(case.one(start))
    here, turns = plan(case.one(start)), []
    for stop in (plan(case.one(name)) for name in stops):
        angle = left_of(heading, stop - here)
        assert abs(angle) > 45
        turns.append("Turn Back" if abs(angle) > 135 else "Turn Left" if angle > 0 else "Turn Right")
        heading, here = stop - here, stop
    return ", ".join(turns)
