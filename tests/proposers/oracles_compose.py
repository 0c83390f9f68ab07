"""Formulas of compositions: they read who is meant, what is asked and which way round from the question's words."""

from __future__ import annotations

import cmath
import itertools
import math
import re

import numpy as np
import shapely
from oracle_registry import Case, Truth, corners, footprint, gap_m, length_width_height, oracle, plan_gap_m

from ouroboros_data.english import plurals
from ouroboros_data.types import SceneObject


def slots(case: Case, *forms: str) -> dict[str, str]:
    """What stands for {names} in the one form that the text has; ``…`` stands for anything."""
    found = []
    for form in forms:
        pattern = re.escape(form).replace("…", ".*")
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", pattern)
        match = re.fullmatch(pattern, case.text)
        if match:
            found.append(match.groupdict())
    assert len(found) == 1, (len(found), case.text)
    return found[0]


def metres(words: str) -> float:
    """2 of ``2 meters``."""
    number, unit = words.split()
    assert unit == ("meter" if number == "1" else "meters"), words
    return float(number)


def tall(o: SceneObject) -> float:
    return length_width_height(o)[2]


def who(case: Case, phrase: str) -> SceneObject:
    """The object that a noun phrase points to."""
    far = re.fullmatch(r"the ([^,]+?) that is (closest to|farthest from) (the .+)", phrase)
    if far:
        anchor, candidates = who(case, far[3]), case.all(far[1])
        assert len(candidates) > 1 and anchor.category != far[1], phrase
        gaps = {o.id: gap_m(anchor, o) for o in candidates}
        pick = min if far[2] == "closest to" else max
        return pick(candidates, key=lambda o: gaps[o.id])
    size = re.fullmatch(r"the (tallest|longest) (.+)", phrase)
    if size and len(case.all(size[2])) > 1:
        measure = tall if size[1] == "tallest" else lambda o: length_width_height(o)[0]
        return max(case.all(size[2]), key=measure)
    assert phrase.startswith("the "), phrase
    return case.one(phrase.removeprefix("the "))


def several(case: Case, text: str) -> list[SceneObject]:
    """The objects of a list, or all of a kind in the plural."""
    listed = re.fullmatch(r"of these \((.+)\)", text)
    names = (listed[1] if listed else text).split(", ")
    if len(names) > 1 or listed:
        return [case.one(name) for name in names]
    found = [o for o in case.scene.objects if names[0] in plurals(o.category)]
    assert len(found) > 2 and len({o.category for o in found}) == 1, text
    return found


def items(case: Case, text: str) -> list[SceneObject]:
    """The listed objects, which are the options where there are any."""
    found = [case.one(name) for name in text.split(", ")]
    options = case.question.options
    assert not options or sorted(options) == sorted(o.category for o in found)
    return found


def the_only(found: list[SceneObject]) -> str:
    (one,) = found
    return one.category


@oracle("hop_distance")
def hop_distance(case: Case) -> Truth:
    s = slots(
        case,
        "What is the distance between {a} and {b}, measured between closest points (in meters, …)?",
        "How far is it from {a} to {b}, from closest point to closest point (in meters, …)?",
        "Measured between closest points, how far apart are {a} and {b} (in meters, …)?",
        "Look for {b}. How wide is the gap between it and {a} at its narrowest point (in meters, …)?",
        "A tape is stretched over the shortest way through the air between {a} and {b}. How long is it (in meters, …)?",
    )
    return gap_m(who(case, s["a"]), who(case, s["b"]))


@oracle("hop_height")
def hop_height(case: Case) -> Truth:
    s = slots(
        case,
        "What height does {a} have, from its own bottom to its own top (in centimeters, …)?",
        "How tall is {a} (in centimeters, …)?",
        "Look for {a}. How much does it measure from its own bottom to its own top (in centimeters, …)?",
        "If somebody measured {a} from bottom to top, what would they read (in centimeters, …)?",
        "From bottom to top, what does {a} measure (in centimeters, …)?",
    )
    return 100 * tall(who(case, s["a"]))


@oracle("hop_nearest")
def hop_nearest(case: Case) -> Truth:
    s = slots(
        case,
        "Which of these is the closest to {a}: {items}?",
        "Look for {a}. Which of the following is the nearest to it: {items}?",
        "Of these, which one has the smallest distance from {a}: {items}?",
        "Measured from {a}, which of these is the least far away: {items}?",
        "Starting out from {a}, which of these would you reach over the shortest distance: {items}?",
    )
    a = who(case, s["a"])
    return min(items(case, s["items"]), key=lambda o: gap_m(a, o)).category


@oracle("hop_comparison")
def hop_comparison(case: Case) -> Truth:
    s = slots(
        case,
        "Which is {more}: {a} or {b}?",
        "Compare {a} with {b}. Which of the two is {more}?",
        "One of these two is {more} than the other: {a}; {b}. Which one?",
        "Look for {a}, and then for {b}. Which of them is {more}?",
        "Between these two, which one is {more}: {a} or {b}?",
    )
    two = {phrase: who(case, phrase) for phrase in (s["a"], s["b"])}
    assert sorted(two) == sorted(case.question.options)
    if s["more"] in ("taller", "less tall"):
        return (max if s["more"] == "taller" else min)(two, key=lambda phrase: tall(two[phrase]))
    word, _, third = s["more"].partition(" the ")
    anchor = who(case, f"the {third}")
    pick = {"closer to": min, "farther from": max}[word]
    return pick(two, key=lambda phrase: gap_m(anchor, two[phrase]))


def angle(stand: SceneObject, facing: SceneObject, target: SceneObject) -> float:
    """Degrees to the left of straight ahead, negative to the right."""
    here, ahead, there = (complex(o.center_m[0], o.center_m[1]) for o in (stand, facing, target))
    return math.degrees(cmath.phase((there - here) / (ahead - here)))


@oracle("hop_direction")
def hop_direction(case: Case) -> Truth:
    s = slots(
        case,
        "Standing at {s} and looking at {f}, would you have to turn left, right or back to face {t}, where back means a turn "
        "of 135 degrees or more?",
        "Look for {t}. For someone at {s} who faces {f}, is it to the left, …",
        "You are next to {s}, looking straight towards {f}. On which side of you is {t}: left, right, or back (135 …",
        "From {s}, somebody looks directly at {f}. Call it back if something lies 135 degrees or more off …: where is {t}?",
        "Imagine being at {s} with {f} straight ahead of you. Facing {t} takes a turn to the left, …",
    )
    turn = angle(who(case, s["s"]), who(case, s["f"]), who(case, s["t"]))
    assert min(abs(turn), abs(abs(turn) - 135)) > 10
    return "back" if abs(turn) > 135 else "left" if turn > 0 else "right"


@oracle("same_side")
def same_side(case: Case) -> Truth:
    s = slots(
        case,
        "Standing at {s} and looking at {f}, do you have {a} and {b} on the same side of you, both left or both right?",
        "If I am standing by {s} and facing {f}, are {a} and {b} on the same side of me, left or right?",
        "Somebody at {s} faces {f}. Are {a} and {b} both on their left, or both on their right?",
        "A line runs from {s} through {f} and on in both directions. Seen from above, are {a} and {b} on the same side of the "
        "line?",
        "You are next to {s}, looking straight towards {f}. Would you find {a} and {b} on one and the same side, left or right?",
    )
    stand, facing, a, b = (who(case, s[key]) for key in "sfab")
    return (angle(stand, facing, a) > 0) == (angle(stand, facing, b) > 0)


@oracle("count_within")
def count_within(case: Case) -> Truth:
    s = slots(
        case,
        "How many {set} are within {d} of {a}, measured between closest points?",
        "Measured between closest points, how many {set} are no more than {d} away from {a}?",
        "Think of everything up to {d} away from {a}. How many {set} reach into that zone, at least with a part?",
        "From {a} to how many {set} is the gap {d} or less, from closest point to closest point?",
        "How many {set} could be touched with the end of a string of {d} that is tied to {a}, at the best place …",
    )
    a = who(case, s["a"])
    return sum(gap_m(a, o) <= metres(s["d"]) for o in several(case, s["set"]))


@oracle("count_closer")
def count_closer(case: Case) -> Truth:
    s = slots(
        case,
        "How many {set} are closer to {p} than to {q}?",
        "For how many {set} is {p} nearer than {q}?",
        "Compare distances: how many {set} have less space between them and {p} than between them and {q}?",
        "Take the distance to {p} and the distance to {q}. For how many {set} is the first one smaller?",
        "If each looked for the nearer one of {p} and {q}, how many {set} would choose {again}?",
    )
    assert s.get("again", s["p"]) == s["p"]
    p, q = who(case, s["p"]), who(case, s["q"])
    return sum(gap_m(o, p) < gap_m(o, q) for o in several(case, s["set"]))


@oracle("count_taller")
def count_taller(case: Case) -> Truth:
    s = slots(
        case,
        "How many {set} are taller than {a}?",
        "Compared by their own heights, how many {set} exceed {a}?",
        "Measure {a} from bottom to top. How many {set} measure more than that?",
        "If all of them were put side by side on the floor, how many {set} would stand taller than {a}?",
        "By how many {set} is {a} exceeded in height?",
    )
    a = who(case, s["a"])
    return sum(tall(o) > tall(a) for o in several(case, s["set"]))


@oracle("which_more")
def which_more(case: Case) -> Truth:
    s = slots(
        case,
        "Of which of these does the video show the {end}: {items}?",
        "Count each of these kinds: {items}. Of which kind are there the {end}?",
        "These are here in different numbers: {items}. Of which of them are there the {end}?",
        "Go through the whole space and count the {listed}. Of which do you find the {end}?",
        "Somebody ranks these by how many there are: {items}. Which do they have the {end} of?",
    )
    names = re.split(", | and ", s.get("items") or s["listed"])
    assert sorted(names) == sorted(case.question.options)
    counts = {name: sum(name in plurals(o.category) for o in case.scene.objects) for name in names}
    ranked = sorted(counts.values())
    assert ranked[0] > 0
    if s["end"] == "most":
        assert ranked[-1] > ranked[-2]
        return max(counts, key=counts.__getitem__)
    assert s["end"] == "fewest" and ranked[0] < ranked[1]
    return min(counts, key=counts.__getitem__)


@oracle("tallest_within")
def tallest_within(case: Case) -> Truth:
    s = slots(
        case,
        "Which is the tallest of those that are within {d} of {a}, measured between closest points: {items}?",
        "From this list, keep what is within {d} of {a}, measured between closest points: {items}. Which … the tallest?",
        "Only some of these are within {d} of {a}, measured between closest points: {items}. Which is the tallest of …",
        "Leave out whatever is more than {d} away from {a}, measured between closest points. Which of the rest is the "
        "tallest: {items}?",
        "Look no farther than {d} around {a}, measured between closest points. Which is the tallest one there: {items}?",
    )
    a = who(case, s["a"])
    near = [o for o in items(case, s["items"]) if gap_m(a, o) <= metres(s["d"])]
    assert len(near) > 1
    return max(near, key=tall).category


@oracle("odd_one_out")
def odd_one_out(case: Case) -> Truth:
    s = slots(
        case,
        "Measured between closest points, {which} within {d} of {a}: {items}. Which is the exception?",
        "One of these {which} within {d} of {a}, unlike the others: {items}. Which one, measured between closest points?",
        "Compare how far these are from {a}, measured between closest points: {items}. Which one alone {which} within {d} "
        "of it?",
        "With respect to {a}, {which} within {d}, measured between closest points: {items}. Name the odd one out. Which "
        "is it?",
        "Somebody sorts these by whether they are within {d} of {a}, measured between closest points: {items}. Which one "
        "alone {which}?",
    )
    inside = {
        "none of these except one is": True,
        "all of these except one are": False,
        "is": True,
        "is not": False,
    }[s["which"]]
    a = who(case, s["a"])
    return the_only([o for o in items(case, s["items"]) if (gap_m(a, o) <= metres(s["d"])) == inside])


@oracle("farthest_of")
def farthest_of(case: Case) -> Truth:
    s = slots(
        case,
        "Which of these is the farthest from {a}: {items}?",
        "Of the following, which one is farthest away from {a}: {items}?",
        "Starting at {a}, to which of these is the distance the greatest: {items}?",
        "Measured from {a}, which of these is the most distant: {items}?",
        "Someone at {a} looks for whatever is farthest off among these: {items}. What is it?",
    )
    a = who(case, s["a"])
    return max(items(case, s["items"]), key=lambda o: gap_m(a, o)).category


@oracle("next_to")
def next_to(case: Case) -> Truth:
    s = slots(
        case,
        "Which of these is right next to {a}: {items}?",
        "Of the following, which one is directly beside {a}: {items}?",
        "Only one of these is right beside {a}: {items}. Which one?",
        "What is the immediate neighbor of {a} among these: {items}?",
        "Look at what is right next to {a}. Which of these is it: {items}?",
    )
    a = who(case, s["a"])
    return the_only([o for o in items(case, s["items"]) if gap_m(a, o) < 0.5 and plan_gap_m(a, o) > 0])


def hull_share(o: SceneObject, a: SceneObject, b: SceneObject) -> float:
    """How much of what lies under one box is in the convex hull of two others, without what lies under these."""
    both = [footprint(a), footprint(b)]
    gap = shapely.unary_union(both).convex_hull.difference(shapely.unary_union(both))
    under = footprint(o)
    return float(under.intersection(gap).area / under.area)


@oracle("between_two")
def between_two(case: Case) -> Truth:
    s = slots(
        case,
        "Seen from above, which of these lies between {a} and {b}: {items}?",
        "Which of the following is between {a} and {b} on a floor plan: {items}?",
        "On a plan of the floor, a strip is drawn from {a} straight to {b}. Which of these lies in it: {items}?",
        "One of these has {a} on one side and {b} on the opposite side, seen from above: {items}. Which one?",
        "Looking down from the ceiling, what do you find in the space between {a} and {b}: {items}?",
    )
    a, b = who(case, s["a"]), who(case, s["b"])
    shares = {o.category: hull_share(o, a, b) for o in items(case, s["items"])}
    best, second = sorted(shares.values(), reverse=True)[:2]
    assert best - second > 0.15, (shares, case.text)
    return max(shares, key=shares.__getitem__)


def carries(lower: SceneObject, upper: SceneObject) -> bool:
    """The underside of one is at the top of the other, and most of it over it."""
    top, bottom = corners(lower)[:, 2].max(), corners(upper)[:, 2].min()
    under = footprint(upper)
    over = under.intersection(footprint(lower)).area / under.area
    return bool(abs(bottom - top) < 0.06 and over > 0.85)


@oracle("what_is_on")
def what_is_on(case: Case) -> Truth:
    s = slots(
        case,
        "Which of these is on top of {a}: {items}?",
        "What do you find on {a}: {items}?",
        "Only one of these rests on {a}: {items}. Which one?",
        "If {a} were carried away, which of these would lose what it stands or lies on: {items}?",
        "Look at the top of {a}. Which of the following stands or lies there: {items}?",
    )
    a = who(case, s["a"])
    return the_only([o for o in items(case, s["items"]) if carries(a, o)])


@oracle("rests_on_what")
def rests_on_what(case: Case) -> Truth:
    s = slots(
        case,
        "What does {a} stand or lie on: {items}?",
        "On which of these does {a} rest: {items}?",
        "Which of the following holds {a} up from below: {items}?",
        "Where do you find {a}: on top of which of these, {items}?",
        "Look right underneath {a}. Which of these is it on: {items}?",
    )
    a = who(case, s["a"])
    return the_only([o for o in items(case, s["items"]) if carries(o, a)])


@oracle("is_on")
def is_on(case: Case) -> Truth:
    s = slots(
        case,
        "Is {a} on top of {b}?",
        "Does {a} rest on {b}?",
        "Would lifting {b} straight up lift {a} along with it, because it stands or lies on it?",
        "Look for {a}. Does it stand or lie on {b}?",
        "Can {a} be found on {b}?",
    )
    return carries(who(case, s["b"]), who(case, s["a"]))


@oracle("height_gap")
def height_gap(case: Case) -> Truth:
    s = slots(
        case,
        "How much higher is the bottom of {a} than the top of {b}, measured straight up and whether or …(in centimeters, …)?",
        "Compare two heights over the floor: that of the bottom of {a} and that of the top of {b}. By how much is the first one "
        "greater (in centimeters, …)?",
        "Since {a} begins higher up than {b} ends, what is the difference in height between …(in centimeters, …)?",
        "If a level line were drawn across the room at the top of {b}, how far above the line would the bottom of {a} be (in "
        "centimeters, …)?",
        "How far would the top of {b} have to be raised to be level with the bottom of {a} (in centimeters, …)?",
    )
    return 100 * float(corners(who(case, s["a"]))[:, 2].min() - corners(who(case, s["b"]))[:, 2].max())


@oracle("distance_order")
def distance_order(case: Case) -> Truth:
    s = slots(
        case,
        "Order these by their distance from {a}, {first} first: {items}. What is the order?",
        "In which order do these come if you sort them from {first} to {last}, as measured from {a}: {items}?",
        "Starting at {a}, how far is it to each of these: {items}? Name them in order, {first} first.",
        "What is the order, {first} first, of the following by how far they are from {a}: {items}?",
        "Rank the following by distance from {a}: {items}. Which order results, from {first} to {last}?",
    )
    assert {s["first"], s.get("last")} <= {"closest", "farthest", None}
    a = who(case, s["a"])
    order = sorted(items(case, s["items"]), key=lambda o: gap_m(a, o), reverse=s["first"] == "farthest")
    assert [o.category for o in order] != [] and all(
        abs(gap_m(a, one) - gap_m(a, other)) > 0.3 for one, other in itertools.pairwise(order)
    )
    return tuple(o.category for o in order)


@oracle("height_order")
def height_order(case: Case) -> Truth:
    s = slots(
        case,
        "Order these by their own height, from {first} to {last}: {items}. What is the order?",
        "Which order results if you sort the following from {first} to {last}: {items}?",
        "Each of these is measured from bottom to top: {items}. In which order do they come, from {first} to {last}?",
        "Rank these by height: {items}. What is the order from {first} to {last}?",
        "If these were lined up on the floor from {first} to {last}, in which order would they stand: {items}?",
    )
    assert {s["first"], s["last"]} == {"shortest", "tallest"}
    found = items(case, s["items"])
    assert np.diff(sorted(tall(o) for o in found)).min() > 0.1
    return tuple(o.category for o in sorted(found, key=tall, reverse=s["first"] == "tallest"))
