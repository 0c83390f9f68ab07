"""Formulas for the families about cameras and views, from the words of a question and the cameras' own numbers.

A camera at the eye looks along the third column of its pose; the first column points to the right in its picture, the
second one down. Plans are complex numbers: real to the east, imaginary to the north.
"""

from __future__ import annotations

import cmath
import math
import re

import numpy as np
import numpy.typing as npt
from oracle_registry import SHARE, Case, Truth, basis, corners, oracle
from scipy.optimize import lsq_linear

from ouroboros_data.english import plurals
from ouroboros_data.types import CameraFrame, SceneObject

_FRAME = r"(?:the first frame|the last frame|frame \d+ of \d+)"
_ONE = re.compile(_FRAME)
_LABEL = re.compile(r"frame (\d+)(?! of)\b")


# What the words point to.


def said_frames(case: Case) -> list[CameraFrame]:
    """Frames in the order in which the text names them, without the list of options."""
    found = []
    for words in _ONE.findall(case.text):
        if words == "the first frame":
            found.append(0)
        elif words == "the last frame":
            found.append(len(case.frames) - 1)
        else:
            number, of = re.findall(r"\d+", words)
            assert int(of) == len(case.frames), case.text
            found.append(int(number) - 1)
    return [case.frames[k] for k in found]


def said_frame(case: Case) -> CameraFrame:
    frames = {frame.id: frame for frame in said_frames(case)}
    assert len(frames) == 1, case.text
    return next(iter(frames.values()))


def said_things(case: Case, text: str | None = None) -> list[str]:
    """Categories in the order in which the text names them, longest names first, each once."""
    names = sorted({o.category for o in case.scene.objects}, key=len, reverse=True)
    spelt = {form: name for name in names for form in (name, *plurals(name))}
    pattern = "|".join(re.escape(form) for form in sorted(spelt, key=len, reverse=True))
    return list(
        dict.fromkeys(
            spelt[word] for word in re.findall(rf"(?<![\w-])({pattern})(?![\w-])", text or case.text)
        )
    )


def only_thing(case: Case) -> SceneObject:
    (name,) = said_things(case)
    return case.one(name)


def offered(case: Case) -> list[str]:
    """The options, in their own order; the text lists the same ones."""
    assert sorted(said_things(case)) == sorted(case.question.options), case.text
    return list(case.question.options)


def offered_frames(case: Case) -> dict[str, CameraFrame]:
    listed = {f"frame {number}" for number in _LABEL.findall(case.text)}
    assert listed == set(case.question.options), case.text
    assert f"the {len(case.frames)} frames are numbered in order from 1" in case.text
    return {label: case.frames[int(label.split()[1]) - 1] for label in case.question.options}


def says(case: Case, yes: str, no: str) -> bool:
    """Which of two words the text has."""
    found = [word for word in (yes, no) if re.search(rf"\b(?:{word})\b", case.text)]
    assert len(found) == 1, (found, case.text)
    return found[0] == yes


# Cameras.


def eye(frame: CameraFrame) -> npt.NDArray[np.float64]:
    return np.array(frame.T_world_camera)[:3, 3]


def column(frame: CameraFrame, k: int) -> npt.NDArray[np.float64]:
    return np.array(frame.T_world_camera)[:3, k]


def plan(point: npt.NDArray[np.float64]) -> complex:
    return complex(point[0], point[1])


def heading(frame: CameraFrame) -> complex:
    return plan(column(frame, 2))


def left_deg(frame: CameraFrame, point: npt.NDArray[np.float64]) -> float:
    """From the heading to a point, counter-clockwise seen from above."""
    return math.degrees(cmath.phase((plan(point) - plan(eye(frame))) / heading(frame)))


def reach_m(frame: CameraFrame, o: SceneObject) -> float:
    """From the eye to the nearest point of a box."""
    solved = lsq_linear(basis(o), eye(frame) - np.array(o.center_m), bounds=(-1, 1), method="bvls", tol=1e-12)
    return float(np.linalg.norm(basis(o) @ solved.x + np.array(o.center_m) - eye(frame)))


def across(frame: CameraFrame, o: SceneObject) -> float:
    """Column of the box's centre in the picture, in units of the focal length."""
    away = np.array(o.center_m) - eye(frame)
    assert column(frame, 2) @ away > 0, "behind the camera"
    return float(column(frame, 0) @ away / (column(frame, 2) @ away))


def share(frame: CameraFrame, o: SceneObject) -> float:
    return sum(view.pixel_share for view in frame.views if view.object_id == o.id)


def apart_m(a: CameraFrame, b: CameraFrame) -> float:
    return math.dist(eye(a), eye(b))


def sector(case: Case, angle: float) -> str:
    """The option that an angle to the left lies in."""
    side, end = "left" if angle > 0 else "right", "front" if abs(angle) < 90 else "back"
    options = set(case.question.options)
    if options == {"left", "right"}:
        return side
    if options == {"in front", "behind"}:
        return "in front" if end == "front" else "behind"
    assert options == {"front-left", "front-right", "back-left", "back-right"}
    return f"{end}-{side}"


def stated(case: Case, value: float) -> float:
    assert ("degrees" in case.text) == (case.question.unit == "deg"), case.text
    assert ("meters" in case.text) == (case.question.unit == "m"), case.text
    return value


# One camera and things.


@oracle("camera_object_distance")
def object_distance(case: Case) -> Truth:
    thing = only_thing(case)
    if f"the first frame that shows the {thing.category}" in case.text:
        frame = next(frame for frame in case.frames if case.shows(frame, thing))
    else:
        frame = said_frame(case)
    assert re.search(r"closest|nearest", case.text)
    return stated(case, reach_m(frame, thing))


@oracle("camera_object_position")
def object_position(case: Case) -> Truth:
    return sector(case, left_deg(said_frame(case), np.array(only_thing(case).center_m)))


@oracle("camera_object_choice")
def object_choice(case: Case) -> Truth:
    frame, found = said_frame(case), []
    (where,) = (
        words
        for words in ("to the left of", "to the right of", "in front of", "behind")
        if re.search(rf"\b{words}\b (?:you|the camera)", case.text)
    )
    for name in offered(case):
        angle = left_deg(frame, np.array(case.one(name).center_m))
        there = {
            "to the left of": angle > 0,
            "to the right of": angle < 0,
            "in front of": abs(angle) < 90,
            "behind": abs(angle) > 90,
        }
        found += [name] if there[where] else []
    assert len(found) == 1, (found, case.text)
    return found[0]


@oracle("camera_object_angle")
def object_angle(case: Case) -> Truth:
    return stated(case, abs(left_deg(said_frame(case), np.array(only_thing(case).center_m))))


@oracle("camera_object_elevation")
def object_elevation(case: Case) -> Truth:
    heights, at = corners(only_thing(case))[:, 2], eye(said_frame(case))[2]
    assert heights.min() > at or heights.max() < at
    return "above" if heights.min() > at else "below"


@oracle("camera_object_approach")
def object_approach(case: Case) -> Truth:
    frames = said_frames(case)
    assert len(frames) == 2 and frames[0] != frames[1]
    before, after = frames
    # Wordings that name the frame in question first.
    if case.text.startswith(("Is the place from which", "In ", "How does")):
        before, after = after, before
    thing = only_thing(case)
    nearer = reach_m(after, thing) < reach_m(before, thing)
    middle = np.array(thing.center_m)
    assert (math.dist(eye(after), middle) < math.dist(eye(before), middle)) == nearer
    return "closer" if nearer else "farther away"


@oracle("camera_nearest_frame")
def nearest_frame(case: Case) -> Truth:
    frames, thing = offered_frames(case), only_thing(case)
    near = says(case, "closest to|smallest", "farthest from|largest")
    return (min if near else max)(frames, key=lambda label: reach_m(frames[label], thing))


# Two cameras.


def two(case: Case) -> tuple[CameraFrame, CameraFrame]:
    frames = said_frames(case)
    distinct = list({frame.id: frame for frame in frames}.values())
    assert len(distinct) == 2, case.text
    return distinct[0], distinct[1]


@oracle("camera_camera_position")
def camera_position(case: Case) -> Truth:
    stand, other = two(case)
    return sector(case, left_deg(stand, eye(other)))


@oracle("camera_camera_distance")
def camera_distance(case: Case) -> Truth:
    return stated(case, apart_m(*two(case)))


@oracle("camera_camera_farthest")
def camera_farthest(case: Case) -> Truth:
    listed = set(re.findall(r"frames \d+ and \d+", case.text))
    assert listed == set(case.question.options), case.text
    far = says(
        case, "farthest apart|largest|the longest distance", "closest together|smallest|the shortest distance"
    )

    def apart(label: str) -> float:
        a, b = (case.frames[int(number) - 1] for number in re.findall(r"\d+", label))
        return apart_m(a, b)

    return (max if far else min)(case.question.options, key=apart)


@oracle("camera_camera_elevation")
def camera_elevation(case: Case) -> Truth:
    a, b = two(case)
    # "higher in B than in A", and wordings that name A first.
    base, other = (b, a) if case.text.startswith("Is the camera") else (a, b)
    return "higher" if eye(other)[2] > eye(base)[2] else "lower"


@oracle("camera_motion_turn")
def motion_turn(case: Case) -> Truth:
    a, b = two(case)
    start, end = (b, a) if case.text.startswith("Going the shorter way round") else (a, b)
    return "left" if cmath.phase(heading(end) / heading(start)) > 0 else "right"


@oracle("camera_motion_angle")
def motion_angle(case: Case) -> Truth:
    a, b = two(case)
    return stated(case, abs(math.degrees(cmath.phase(heading(a) / heading(b)))))


# Within one frame.


def from_near(case: Case, names: list[str]) -> list[str]:
    frame = said_frame(case)
    assert all(case.shows(frame, case.one(name)) for name in names)
    order = sorted(names, key=lambda name: reach_m(frame, case.one(name)))
    middles = sorted(names, key=lambda name: math.dist(eye(frame), case.one(name).center_m))
    return order if order == middles else []


@oracle("view_depth_order")
def depth_order(case: Case) -> Truth:
    names = said_things(case)
    assert {tuple(sorted(option.split(", "))) for option in case.question.options} == {tuple(sorted(names))}
    return ", ".join(from_near(case, names))


@oracle("view_depth_nearest")
def depth_nearest(case: Case) -> Truth:
    frame, names = said_frame(case), offered(case)
    assert all(case.shows(frame, case.one(name)) for name in names)
    near = says(case, "closest to|the shortest way", "farthest from|the longest way")
    return (min if near else max)(names, key=lambda name: reach_m(frame, case.one(name)))


@oracle("view_left_right")
def left_right(case: Case) -> Truth:
    frame, (first, second) = said_frame(case), said_things(case)
    if case.text.startswith("If you look from"):
        first, second = second, first
    a, b = case.one(first), case.one(second)
    assert case.shows(frame, a) and case.shows(frame, b)
    return "left" if across(frame, a) < across(frame, b) else "right"


@oracle("view_left_to_right")
def left_to_right(case: Case) -> Truth:
    frame, names = said_frame(case), said_things(case)
    assert all(case.shows(frame, case.one(name)) for name in names)
    assert {tuple(sorted(option.split(", "))) for option in case.question.options} == {tuple(sorted(names))}
    return ", ".join(sorted(names, key=lambda name: across(frame, case.one(name))))


@oracle("view_size_compare")
def size_compare(case: Case) -> Truth:
    frame, names = said_frame(case), offered(case)
    large = says(case, "largest|more|most", "smallest|less|least")
    ranked = sorted(names, key=lambda name: share(frame, case.one(name)), reverse=large)
    sizes = sorted(share(frame, case.one(name)) for name in ranked[:2])
    assert sizes[1] >= 2 * sizes[0] > 0
    return ranked[0]


@oracle("view_size_largest")
def size_largest(case: Case) -> Truth:
    frames, thing = offered_frames(case), only_thing(case)
    sizes = sorted((share(frame, thing) for frame in frames.values()), reverse=True)
    assert sizes[0] >= 2 * sizes[1] > 0
    return max(frames, key=lambda label: share(frames[label], thing))


# Which frame shows what.


def shows_any(case: Case, frame: CameraFrame, name: str) -> bool:
    """Surely one way or the other."""
    sizes = [share(frame, o) for o in case.all(name)]
    assert max(sizes) >= 2 * SHARE or max(sizes) < SHARE / 10, (name, sizes)
    return max(sizes) >= SHARE


@oracle("frame_presence")
def presence(case: Case) -> Truth:
    frame, names = said_frame(case), offered(case)
    shown = not re.search(r"\b(?:cannot|not)\b", case.text)
    found = [name for name in names if shows_any(case, frame, name) == shown]
    assert len(found) == 1, (found, case.text)
    return found[0]


def said_as_one(case: Case, name: str) -> None:
    """ "The X" is for the only one."""
    assert bool(re.search(rf"\bthe {name}\b", case.text)) == (len(case.all(name)) == 1), case.text


@oracle("frame_sighting")
def sighting(case: Case) -> Truth:
    (name,) = said_things(case)
    said_as_one(case, name)
    offered_frames(case)
    first = says(case, "first|earliest", "last|latest")
    numbered = list(enumerate(case.frames, 1))
    for number, frame in numbered if first else reversed(numbered):
        if shows_any(case, frame, name):
            return f"frame {number}"
    raise AssertionError(case.text)


@oracle("frame_together")
def together(case: Case) -> Truth:
    a, b = said_things(case)
    both = [
        label
        for label, frame in offered_frames(case).items()
        if all(share(frame, case.one(name)) >= SHARE for name in (a, b))
    ]
    assert len(both) == 1, (both, case.text)
    return both[0]


@oracle("frame_count_showing")
def count_showing(case: Case) -> Truth:
    (name,) = said_things(case)
    said_as_one(case, name)
    assert re.search(rf"\b{len(case.frames)}\b", case.text)
    return sum(shows_any(case, frame, name) for frame in case.frames)


@oracle("frame_object_counting")
def object_counting(case: Case) -> Truth:
    (name,), frame = said_things(case), said_frame(case)
    sizes = [share(frame, o) for o in case.all(name)]
    assert all(size >= 2 * SHARE or size < SHARE / 10 for size in sizes)
    return sum(size >= SHARE for size in sizes)
