"""Formulas of the families of comparison, volume, floor, sums, moves and figures as options."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
from oracle_registry import Case, Truth, footprint, gap_m, length_width_height, oracle, volume_m3

from ouroboros_data.english import plurals
from ouroboros_data.types import SceneObject


def nearest_option(case: Case, value: float, unit: str) -> str:
    """The option whose figure is nearest; it must be clearly so."""
    assert all(option.endswith(" " + unit) for option in case.question.options), case.question.options
    off = sorted((abs(float(option.split()[0]) - value), option) for option in case.question.options)
    assert off[0][0] < 0.75 * off[1][0], (value, case.question.options)
    return off[0][1]


def spread(case: Case) -> list[float]:
    figures = sorted(float(option.split()[0]) for option in case.question.options)
    ordered = sorted(case.question.options, key=lambda option: float(option.split()[0]))
    assert " or ".join([", ".join(ordered[:-1]), ordered[-1]]) in case.text
    assert all(b >= 1.19 * a for a, b in itertools.pairwise(figures)), figures
    return figures


def kind(case: Case, spelling: str) -> list[SceneObject]:
    """All of a kind that the text names in the plural."""
    return [o for o in case.scene.objects if spelling in plurals(o.category)]


def row(text: str) -> list[str]:
    """Names of "the a, the b and the c"."""
    return [re.sub(r"^the ", "", part) for part in re.split(r", | and | or ", text)]


def middle(o: SceneObject) -> complex:
    return complex(o.center_m[0], o.center_m[1])


def between_middles(a: SceneObject, b: SceneObject) -> float:
    return math.dist(a.center_m, b.center_m)


@oracle("abs_distance_choice")
def distance_choice(case: Case) -> Truth:
    a, b = case.named(
        r"distance between the (.+) and the (.+?): ",
        r"far are the (.+) and the (.+) from each other",
        r"gap between the (.+) and the (.+) at its",
        r"^The (.+) and the (.+) are some way",
        r"reach from the (.+) to the (.+), between",
    )
    truth = gap_m(case.one(a), case.one(b))
    figures = spread(case)
    assert figures[0] >= 0.55 * truth - 0.05 and figures[-1] <= 1.75 * truth + 0.05
    return nearest_option(case, truth, "m")


@oracle("size_choice")
def size_choice(case: Case) -> Truth:
    (name,) = case.named(
        r"height\) of the (.+?): ",
        r"ow long is the (.+) along",
        r"the height of the (.+): is it",
        r"^The (.+) is measured in",
        r"how much the (.+) measures where",
    )[:1]
    truth = 100 * max(case.one(name).extent_m)
    figures = spread(case)
    assert figures[0] >= 0.4 * truth - 0.5 and figures[-1] <= 1.8 * truth + 0.5
    return nearest_option(case, truth, "cm")


@oracle("room_size_choice")
def room_size_choice(case: Case) -> Truth:
    truth = case.scene.room.area_m2
    figures = spread(case)
    assert figures[0] >= 0.25 * truth and figures[-1] <= 1.75 * truth + 0.05
    return nearest_option(case, truth, "m²")


@oracle("gap_comparison")
def gap_comparison(case: Case) -> Truth:
    a, b, c, d = case.named(
        r"gap between the (?P<a>.+) and the (?P<b>.+) wider than the gap between the (?P<c>.+) and the (?P<d>.+), each",
        r"are the (?P<a>.+) and the (?P<b>.+) farther apart than the (?P<c>.+) and the (?P<d>.+)\?$",
        r"points of the (?P<a>.+) and the (?P<b>.+), another between those of the (?P<c>.+) and the (?P<d>.+)\. Is the "
        r"first string longer",
        r"points, (?P<a>.+) to (?P<b>.+) and (?P<c>.+) to (?P<d>.+): is the former greater",
        r"far the (?P<c>.+) and the (?P<d>.+) are apart .* Is it less than the same measure for the (?P<a>.+) and the "
        r"(?P<b>.+)\?$",
    )
    return gap_m(case.one(a), case.one(b)) > gap_m(case.one(c), case.one(d))


@oracle("closest_pair")
def closest_pair(case: Case) -> Truth:
    near = bool(re.search("closest together|smallest", case.text))
    assert near != bool(re.search("farthest apart|largest", case.text))
    (pairs,) = case.named(
        r"(?:together|apart): (.+)\?$",
        r"by their closest points: (.+)\?$",
        r"point to closest point: (.+)\. Which pair",
        r"what counts: (.+)\?$",
        r"some pairs: (.+)\. In which",
    )
    gaps = {}
    for pair in pairs.split("; "):
        a, b = re.fullmatch(r"the (.+) and the (.+)", pair).groups()  # type: ignore[union-attr]
        gaps[f"{a} and {b}"] = gap_m(case.one(a), case.one(b))
    assert set(gaps) == set(case.question.options)
    return (min if near else max)(gaps, key=gaps.__getitem__)


@oracle("stack_comparison")
def stack_comparison(case: Case) -> Truth:
    a, b, c = case.named(
        r"If the (.+) stood on top of the (.+), would the two together be taller than the (.+)\?$",
        r"heights of the (.+) and the (.+)\. Is the sum more than the height of the (.+)\?$",
        r"Is the (?P<c>.+) shorter than a stack made of the (?P<a>.+) with the (?P<b>.+) on top",
        r"two things, the (.+) at the bottom and the (.+) on it, rise higher from its foot than the (.+) does",
        r"the (.+) placed upright on the (.+)\. Would this measure more from bottom to top than the (.+)\?$",
    )
    tall = [length_width_height(case.one(name))[2] for name in (a, b, c)]
    return tall[0] + tall[1] > tall[2]


@oracle("swap_places")
def swap_places(case: Case) -> Truth:
    a, b, c = case.named(
        r"If the (.+) and the (.+) swapped places, .* closer to the (.+), measured",
        r"middle of the (.+) moves to where the middle of the (.+) is now, .* nearer to that of the (.+)\?$",
        r"^The (.+) goes where the (.+) is and .* centre of the (.+)\?$",
        r"positions of the (.+) and the (.+), centre for centre\. .* centre of the (.+)\?$",
        r"would the (.+) or the (.+) be closer to the (.+) once",
    )
    # A thing ends up where the other was.
    return b if between_middles(case.one(a), case.one(c)) < between_middles(case.one(b), case.one(c)) else a


@oracle("larger_volume")
def larger_volume(case: Case) -> Truth:
    most = bool(re.search(r"\b(?:more|most|larger|largest)\b", case.text))
    assert most != bool(re.search(r"\b(?:less|least|smaller|smallest)\b", case.text))
    (items,) = case.named(
        r"takes up .* space: (.+)\?$",
        r"bounding box by volume, (.+)\?$",
        r"Whose box has .* volume: (.+)\?$",
        r"and height for (.+)\. Which",
        r"is it (.+) that needs",
    )
    names = row(items)
    assert sorted(names) == sorted(case.question.options)
    return (max if most else min)(names, key=lambda name: volume_m3(case.one(name)))


@oracle("volume_ratio")
def volume_ratio(case: Case) -> Truth:
    large, small = case.named(
        r"does the (?P<a>.+) take up roughly .* space as the (?P<b>.+)\?$",
        r"just encloses the (?P<a>.+) about .* just encloses the (?P<b>.+)\?$",
        r"box of the (?P<a>.+) is larger than that of the (?P<b>.+)\. By what",
        r"box of the (?P<a>.+) by that of the (?P<b>.+)\. Which",
        r"Each of the (?P<a>.+) and the (?P<b>.+) is packed .* first box have .* volume of the second",
    )
    spread(case)
    return nearest_option(case, volume_m3(case.one(large)) / volume_m3(case.one(small)), "times")


@oracle("floor_share")
def floor_share(case: Case) -> Truth:
    (what,) = case.named(
        r"shown covered by (.+), seen from above\?$",
        r"floor lies under (.+): ",
        r"floor area under (.+) by the floor area of everything",
        r"is hidden by (.+) from somebody",
        r"of it go to (.+), seen",
    )
    every = re.fullmatch(r"all the (.+) \(each by its own bounding box, added up\)", what)
    alone = re.fullmatch(r"the (.+) \(by its bounding box\)", what)
    assert (every is None) != (alone is None), what
    things = kind(case, every[1]) if every else [case.one(alone[1])]  # type: ignore[index]
    covered = sum(footprint(o).area for o in things)
    spread(case)
    return nearest_option(case, 100 * covered / case.scene.room.area_m2, "%")


@oracle("total_footprint")
def total_footprint(case: Case) -> Truth:
    (what,) = case.named(
        r"floor do all the (.+) together cover",
        r"box of each of the (.+)\. What is the total",
        r"boxes of all the (.+) have in total",
        r"box of each of the (.+)\. What area do the outlines",
        r"footprints of the (.+), taking",
    )
    things = kind(case, what)
    assert len(things) > 1
    return sum(footprint(o).area for o in things)


@oracle("floor_left")
def floor_left(case: Case) -> Truth:
    (items,) = case.named(
        r"shown if only (.+) stood in it",
        r"boxes of (.+) from the floor area",
        r"save where (.+) would stand",
        r"less what (.+) cover by",
        r"nothing but (.+) in the space",
    )
    return case.scene.room.area_m2 - sum(footprint(case.one(name)).area for name in row(items))


@oracle("height_difference")
def height_difference(case: Case) -> Truth:
    a, b = case.named(
        r"taller is the (?P<a>.+) than the (?P<b>.+) \(in",
        r"height between the (?P<a>.+) and the (?P<b>.+), each",
        r"bottom to top, the (?P<a>.+) is taller than the (?P<b>.+)\. By",
        r"height of the (?P<b>.+) from the height of the (?P<a>.+)\. What",
        r"height of the (?P<a>.+) exceed that of the (?P<b>.+) \(in",
    )
    more = length_width_height(case.one(a))[2] - length_width_height(case.one(b))[2]
    assert more > 0
    return more


@oracle("row_length")
def row_length(case: Case) -> Truth:
    (items,) = case.named(
        r"^If (.+) were put in a row",
        r"side of each of these: (.+)\. What",
        r"^Line up (.+) without gaps",
        r"lengths of (.+), where length",
        r"wall would (.+) take up",
    )
    return sum(length_width_height(case.one(name))[0] for name in row(items))


@oracle("average_height")
def average_height(case: Case) -> Truth:
    (what,) = case.named(
        r"average height of the (.+) \(in",
        r"every one of the (.+) from bottom",
        r"tall are the (.+) on average",
        r"heights of all the (.+) and divide",
        r"over all the (.+) here",
    )
    things = kind(case, what)
    assert len(things) > 1
    return float(np.mean([100 * length_width_height(o)[2] for o in things]))


@oracle("count_difference")
def count_difference(case: Case) -> Truth:
    a, b = case.named(
        r"many more (?P<a>.+) than (?P<b>.+) are there",
        r"fewer (?P<b>.+) than (?P<a>.+) here",
        r"Count the (?P<a>.+), count the (?P<b>.+): by",
        r"each of the (?P<b>.+) were paired with one of the (?P<a>.+), how",
        r"number of (?P<a>.+) less the number of (?P<b>.+)\?$",
    )
    return len(kind(case, a)) - len(kind(case, b))


@oracle("count_total")
def count_total(case: Case) -> Truth:
    (kinds,) = case.named(
        r"^How many (.+) are there altogether",
        r"total number of (.+) in the space",
        r"^Counting (.+) together",
        r"^Add up the (.+): how",
        r"held all the (.+), how",
    )
    return sum(len(kind(case, name)) for name in row(kinds))


def after_move(case: Case, a: str, b: str, c: str) -> tuple[float, float]:
    """Distance of the middles of a and c on the plan, before and after a has gone towards b."""
    (step,) = case.named(r"(half a meter|\d(?:\.\d)? meters?)\b(?! \()(?=.*)")[:1]
    step_m = 0.5 if step == "half a meter" else float(step.split()[0])
    start, goal, other = (middle(case.one(name)) for name in (a, b, c))
    end = start + step_m * (goal - start) / abs(goal - start)
    return abs(start - other), abs(end - other)


MOVES = (
    r"If the (?P<a>.+) were moved .* straight towards the (?P<b>.+), (?:would|how far) .*middle .*middle of the (?P<c>.+?)"
    r"(?: or get|, as seen)",
    r"plan, the (?P<a>.+) is slid .* in the direction of the (?P<b>.+), from middle to middle\. .* to the (?P<c>.+?)"
    r"(?: or farther|, measured)",
    r"shifts the (?P<a>.+) by .* on a straight line to the (?P<b>.+?)\. .*(?:is the|to the) (?P<c>.+?)(?: now| \(in)",
    r"middles of the (?P<a>.+) and the (?P<c>.+?) (?:shrink|be once) .* directly towards the (?P<b>.+?)(?:\?$| \(in)",
    r"^Let the (?P<a>.+) slide straight towards the (?P<b>.+) for .* middle of the (?P=a) (?:closer )?to the middle of the (?P<c>.+?)"
    r"(?: or take| \(to)",
)


@oracle("move_closer")
def move_closer(case: Case) -> Truth:
    before, after = after_move(case, *case.named(*MOVES))
    return "closer" if after < before else "farther away"


@oracle("move_distance")
def move_distance(case: Case) -> Truth:
    return after_move(case, *case.named(*MOVES))[1]


@oracle("turn_angle")
def turn_angle(case: Case) -> Truth:
    names = case.named(
        r"at the (.+) and facing the (.+), by how many degrees do you have to turn to face the (.+), the",
        r"from the (?P<a>.+) to the (?P<b>.+) and from the (?P=a) to the (?P<c>.+) \(to",
        r"at the (.+) points at the (.+)\. How large .* point at the (.+), taking",
        r"where the (.+) is, with the (.+) straight ahead\. How far off straight ahead is the (.+), to either",
        r"from the middle of the (.+) to those of the (.+) and of the (.+)\. Which",
    )
    stand, facing, target = (middle(case.one(name)) for name in names)
    cosine = (
        ((target - stand) * (facing - stand).conjugate()).real / abs(target - stand) / abs(facing - stand)
    )
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


@oracle("turn_goal")
def turn_goal(case: Case) -> Truth:
    stand, facing, turn, items = case.named(
        r"stand at the (.+), facing the (.+), and make (.+)\. Which of these .* directly: (.+)\?$",
        r"Standing at the (.+) and looking at the (.+), you make (.+)\. Is it (.+) that is now",
        r"robot at the (.+) points at the (.+) and then makes (.+) on the spot\. .* points: (.+)\?$",
        r"from the (.+) to the (.+) and change it by (.+)\. Starting .* most nearly to (.+)\?$",
        r"your back to the (.+) you look at the (.+); you make (.+) without .* ahead, (.+)\?$",
    )
    names = row(items)
    assert sorted(names) == sorted(case.question.options)
    start = middle(case.one(stand))
    factor = {"a quarter turn to the left": 1j, "a quarter turn to the right": -1j, "half a turn": -1}[turn]
    ahead = (middle(case.one(facing)) - start) * factor

    def along(name: str) -> float:
        way = middle(case.one(name)) - start
        return (way * ahead.conjugate()).real / abs(way) / abs(ahead)

    ranked = sorted(names, key=along)
    assert along(ranked[-1]) > 0.96 and along(ranked[-2]) < 0.77
    return ranked[-1]
