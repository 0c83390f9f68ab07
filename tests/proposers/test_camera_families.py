"""The families about cameras and views: what they ask on scenes worked out on paper, and what they leave alone."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

import many_scenes
import numpy as np
import pytest

from ouroboros_data.config import ProgramSettings
from ouroboros_data.ids import rng
from ouroboros_data.media.frames import sample_frame_ids
from ouroboros_data.models.prompts import PromptStyle, messages
from ouroboros_data.plugins import Brief
from ouroboros_data.programs.sandbox import SandboxPool
from ouroboros_data.proposers.ask import Ask
from ouroboros_data.proposers.families import (
    camera_angles,
    camera_camera,
    camera_moves,
    camera_near,
    camera_object,
    framing,
    view_frames,
    view_order,
    view_size,
)
from ouroboros_data.proposers.families.cameras import CAMERA_FAMILIES
from ouroboros_data.proposers.grammar import Grammar
from ouroboros_data.proposers.sight import outline_shares
from ouroboros_data.proposers.view import View, look
from ouroboros_data.stages.ground import ground
from ouroboros_data.types import CameraFrame, ObjectView, Room, Scene, SceneObject

SHARE = 0.002
Shows = Mapping[str, float | tuple[float, float, float]]


def thing(
    name: str, at: tuple[float, float, float], size: float | tuple[float, float, float] = 0.4
) -> SceneObject:
    """A box along the axes; ids are ``name`` or ``name 2``."""
    extent = (size, size, size) if isinstance(size, float) else size
    return SceneObject(
        id=name,
        category=name.rstrip(" 0123456789"),
        center_m=at,
        extent_m=extent,
        R_world_object=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    )


def camera(at: tuple[float, float, float], compass: str, shows: Shows = {}) -> tuple[object, ...]:  # noqa: B006
    """A level camera that looks to the east, north, west or south; ``shows``: share, or share, projected, truncated."""
    x, y = {"east": (1.0, 0.0), "north": (0.0, 1.0), "west": (-1.0, 0.0), "south": (0.0, -1.0)}[compass]
    pose = ((y, 0.0, x, at[0]), (-x, 0.0, y, at[1]), (0.0, -1.0, 0.0, at[2]), (0.0, 0.0, 0.0, 1.0))
    return pose, shows


def view(objects: Iterable[SceneObject], *cameras: tuple[object, ...]) -> View:
    frames = tuple(
        CameraFrame(
            id=f"f{k}",
            index=k,
            time_s=float(k),
            size_px=(640, 480),
            K_px=((320.0, 0.0, 320.0), (0.0, 320.0, 240.0), (0.0, 0.0, 1.0)),
            T_world_camera=pose,
            views=tuple(
                ObjectView(object_id=name, pixel_share=seen)
                if isinstance(seen, float)
                else ObjectView(
                    object_id=name, pixel_share=seen[0], projected_share=seen[1], truncated_share=seen[2]
                )
                for name, seen in shows.items()
            ),
        )
        for k, (pose, shows) in enumerate(cameras)  # type: ignore[misc]
    )
    made = Scene(
        id="made",
        source="made",
        space_id="made",
        license="CC0-1.0",
        frames_origin="rendered",
        room=Room(area_m2=20.0),
        objects=tuple(objects),
        frames=frames,
    )
    return look(made, tuple(f.id for f in frames), visible_share=SHARE, large_share=0.02)


def found(asks: Iterator[Ask], *slots: str) -> set[tuple[str, ...]]:
    """Slots and the expected answer of everything that is asked."""
    return {(*(ask.slots[slot] for slot in slots), str(ask.expected)) for ask in asks}


DICE = rng("camera families")
WHOLE = (0.02, 0.02, 0.0)
"""Shown, with nothing before it and nothing cut off."""
EYE = (0.0, 0.0, 1.5)
AROUND = [
    thing("lamp", (1.5, 2.0, 1.0)),  # north-east: ahead and right of a camera that looks north
    thing("bed", (-2.0, 1.5, 1.0)),
    thing("sofa", (-2.0, -1.5, 1.0)),
    thing("desk", (1.5, -2.0, 1.0)),
]
ELSEWHERE = camera((9.0, 9.0, 1.5), "east", dict.fromkeys(("lamp", "bed", "sofa", "desk"), WHOLE))


def test_frames_are_named_as_solvers_count_them() -> None:
    assert [framing.frame_name(k, 4) for k in range(4)] == [
        "the first frame", "frame 2 of 4", "frame 3 of 4", "the last frame",
    ]  # fmt: skip
    question = (
        Grammar(options={})
        .propose(
            many_scenes.procedural(1),
            sample_frame_ids(many_scenes.procedural(1), 4),
            Brief(iteration=1, count=1, seed=0, weights={}),
        )[0]
        .question
    )
    shown = messages(question, 4, PromptStyle(frame_label="frame {n}"))[0]["content"]
    labels = [part["text"] for part in shown if part.get("text", "").startswith("frame ")]
    assert labels == [framing.frame_label(k) for k in range(4)]


def test_quadrants_around_a_camera_that_looks_north_and_one_that_looks_west() -> None:
    ask = camera_object.position(
        view(AROUND, camera(EYE, "north"), camera(EYE, "west"), ELSEWHERE),
        DICE,
        scheme="quadrants",
        shown=False,
    )
    assert found(ask, "x", "frame") == {
        ("lamp", "the first frame", "front-right"),
        ("bed", "the first frame", "front-left"),
        ("sofa", "the first frame", "back-left"),
        ("desk", "the first frame", "back-right"),
        ("lamp", "frame 2 of 3", "back-right"),
        ("bed", "frame 2 of 3", "front-right"),
        ("sofa", "frame 2 of 3", "front-left"),
        ("desk", "frame 2 of 3", "back-left"),
    }


def test_what_reaches_over_the_middle_is_on_no_side() -> None:
    across = thing(
        "rug", (0.8, 2.0, 0.0), (3.0, 0.4, 0.1)
    )  # its middle is 22° to the right, its edge to the left
    shows = dict.fromkeys(("rug", "lamp", "bed"), WHOLE)
    asked = found(
        camera_object.position(
            view([across, AROUND[0], AROUND[1]], camera(EYE, "north", shows)),
            DICE,
            scheme="sides",
            shown=True,
        ),
        "x",
    )
    assert asked == {("lamp", "right"), ("bed", "left")}


def test_a_side_alone_is_not_asked() -> None:
    shows = dict.fromkeys(("lamp", "desk"), WHOLE)
    right_only = view([AROUND[0], AROUND[3]], camera(EYE, "north", shows))
    assert not list(camera_object.position(right_only, DICE, scheme="sides", shown=True))


def test_which_is_behind() -> None:
    asks = list(
        camera_object.which(
            view(AROUND[:3], camera(EYE, "north"), ELSEWHERE), DICE, candidates=3, scheme="facing"
        )
    )
    assert {(a.slots["where"], a.slots["frame"], a.expected) for a in asks} == {
        ("behind", "the first frame", "sofa")
    }
    assert asks[0].options == ("bed", "lamp", "sofa")


def test_angle_to_the_middle() -> None:
    at_60 = thing("tv", (-3.0 * math.sin(math.radians(62)), 3.0 * math.cos(math.radians(62)), 1.5))
    at_45 = thing("plant", (2.0, 2.0, 1.5))  # between two multiples of 30
    seen = view(
        [at_60, at_45], camera(EYE, "north"), camera((9.0, 9.0, 1.5), "east", {"tv": WHOLE, "plant": WHOLE})
    )
    asks = [a for a in camera_angles.bearing(seen, DICE, step=30.0, shown=False)]
    assert [(a.slots["x"], a.expected) for a in asks] == [("tv", pytest.approx(62.0))]


def test_height_counts_whole_boxes_only() -> None:
    things = [
        thing("clock", (2.0, 1.0, 2.2)),
        thing("bed", (2.0, 0.0, 0.4)),
        thing("door", (2.0, -1.0, 1.2), (0.1, 1.0, 2.4)),
        thing("tv", (3.0, 0.0, 1.27)),  # its top is 3 cm below the camera
    ]
    shows = dict.fromkeys(("clock", "bed", "door", "tv"), WHOLE)
    seen = view(things, camera(EYE, "east", shows))
    for k in range(20):
        asked = found(camera_angles.elevation(seen, rng("level", k), shown=True), "x")
        assert asked == {("clock", "above"), ("bed", "below")}


def test_distance_goes_to_the_nearest_point() -> None:
    # The side of the table that faces the camera is 2 m ahead, its middle 2.5 m.
    table = thing("table", (2.5, 0.0, 1.5), (1.0, 1.0, 1.0))
    seen = view([table], camera((1.0, 0.0, 1.5), "east"), camera(EYE, "east", {"table": WHOLE}))
    assert [
        (a.slots["frame"], a.expected) for a in camera_object.distance(seen, DICE, step=0.5, resolution="")
    ] == [("the last frame", pytest.approx(2.0))]
    first = list(camera_object.distance(seen, DICE, step=0.5, resolution="", first=True))
    assert [a.slots["frame"] for a in first] == ["the first frame that shows the table"]
    assert "visible_frames(x)[0]" in first[0].program


def test_places_of_cameras_from_each_other() -> None:
    # The second one stands 2 m ahead and 1 m to the left of the first, which looks north, and looks east.
    seen = view([], camera(EYE, "north"), camera((-1.0, 2.0, 1.5), "east"))
    assert found(camera_camera.position(seen, DICE, scheme="quadrants"), "one", "other") == {
        ("the first frame", "the last frame", "front-left"),
        ("the last frame", "the first frame", "front-right"),  # 1 m ahead, 2 m to the right
    }
    # Turning from north to east is to the right, and the other way round to the left.
    turns = {
        next(
            iter(found(camera_camera.turn(seen, rng("turn", k), least_deg=45, most_deg=100), "one", "other"))
        )
        for k in range(20)
    }
    assert turns == {
        ("the first frame", "the last frame", "right"),
        ("the last frame", "the first frame", "left"),
    }
    assert found(camera_camera.turn_angle(seen, DICE, step=30.0), "one") == {("the first frame", "90.0")}
    (moved,) = camera_moves.distance(seen, DICE, step=0.1, resolution="")
    assert moved.expected == pytest.approx(math.sqrt(5))


def test_a_camera_that_mostly_turns_left_is_not_asked_about_left_turns_only() -> None:
    seen = view([], camera(EYE, "north"), camera(EYE, "west"), camera(EYE, "north"), camera(EYE, "west"))
    for k in range(20):
        turns = [a.expected for a in camera_camera.turn(seen, rng("even", k), least_deg=45, most_deg=100)]
        assert Counter(turns) == {"left": 2, "right": 2}


def test_who_looks_at_the_floor_has_no_heading() -> None:
    down = (((1.0, 0.0, 0.0, -1.0), (0.0, -1.0, 0.0, 2.0), (0.0, 0.0, -1.0, 2.5), (0.0, 0.0, 0.0, 1.0)), {})
    seen = view(AROUND, camera(EYE, "north"), down, ELSEWHERE)
    assert all(
        a.slots["one"] != "frame 2 of 3" for a in camera_camera.position(seen, DICE, scheme="quadrants")
    )
    assert not found(camera_camera.turn_angle(view([], camera(EYE, "north"), down), DICE, step=30.0))
    assert not list(camera_moves.elevation(view([], camera(EYE, "north"), down), DICE))
    placed = camera_object.position(seen, DICE, scheme="quadrants", shown=False)
    assert {a.slots["frame"] for a in placed} == {"the first frame"}


def test_higher_and_lower() -> None:
    seen = view([], camera(EYE, "north"), camera((0.0, 1.0, 1.8), "west"), camera((0.0, 2.0, 1.6), "west"))
    asked = set[tuple[str, ...]]()
    for k in range(20):
        asked |= found(camera_moves.elevation(seen, rng("rise", k)), "one", "other")
    first, middle, last = "the first frame", "frame 2 of 3", "the last frame"
    assert asked == {  # 10 cm between the first and the last is left alone
        (first, middle, "higher"),
        (middle, first, "lower"),
        (middle, last, "lower"),
        (last, middle, "higher"),
    }


def test_farthest_pair_of_frames() -> None:
    seen = view([], *(camera((x, 0.0, 1.5), "north") for x in (0.0, 1.0, 3.0)))
    asks = list(camera_moves.farthest(seen, DICE, candidates=3, least_m=0.3))
    assert {(a.slots["size"], a.expected) for a in asks} == {
        ("largest", "frames 1 and 3"),
        ("smallest", "frames 1 and 2"),
    }


def test_nearest_frame_and_approach() -> None:
    shows = {"bed": WHOLE}
    seen = view(
        [thing("bed", (5.0, 0.0, 0.5))], *(camera((x, 0.0, 1.5), "east", shows) for x in (0.0, 1.0, 3.0))
    )
    asked = found(camera_near.nearest_frame(seen, DICE, candidates=3, shown=True), "end")
    assert asked == {("closest to", "frame 3"), ("farthest from", "frame 1")}
    assert not list(camera_near.nearest_frame(seen, DICE, candidates=3, shown=False))
    for one, other, answer in found(camera_near.approach(seen, DICE, shown=True), "one", "other"):
        places = {"the first frame": 0, "frame 2 of 3": 1, "the last frame": 2}
        assert (answer == "closer") == (places[other] > places[one])


def test_where_nearest_points_and_middles_disagree_nothing_is_asked() -> None:
    low = (0.0, 0.0, 0.3)
    pairs = [
        # A rug that begins nearer than the stool, and whose middle is farther away.
        [thing("rug", (3.5, 0.0, 0.0), (5.0, 1.0, 0.1)), thing("stool", (2.2, 0.8, 0.3))],
        # A shelf beside the way: also nearer by depth, but its middle is farther away.
        [thing("shelf", (2.0, 2.0, 0.3), (0.4, 4.0, 0.4)), thing("stool", (2.4, 0.0, 0.3))],
        # Something far to the side, which is farther away, and less deep in the image.
        [thing("plant", (2.76, 2.31, 0.3)), thing("stool", (3.0, 0.0, 0.3))],
        # On the floor below the eye: farther than the picture on the wall, though one comes to it first.
        [thing("bowl", (1.75, 0.0, -1.3), 0.2), thing("picture", (1.6, -1.3, 0.3), 0.2)],
        # A curtain nearer by all but its middle, which is high up.
        [thing("curtain", (2.0, 0.0, 2.2), (0.4, 0.4, 3.8)), thing("stool", (2.4, 0.0, 0.3))],
    ]
    for things in pairs:
        seen = view(things, camera(low, "east", {o.id: WHOLE for o in things}))
        assert not list(view_order.depth_order(seen, DICE, candidates=2)), things
        assert not list(view_order.nearest(seen, DICE, candidates=2)), things
    things = pairs[0]
    apart = view(
        [thing("bed", (5.0, 0.0, 0.3)), things[1]],
        camera((0.0, 0.0, 0.3), "east", {"bed": WHOLE, "stool": WHOLE}),
    )
    assert [a.expected for a in view_order.depth_order(apart, DICE, candidates=2)] == ["stool, bed"]
    assert found(view_order.nearest(apart, DICE, candidates=2), "end") == {
        ("closest to", "stool"),
        ("farthest from", "bed"),
    }


def test_left_and_right_in_the_image() -> None:
    things = [thing("lamp", (3.0, 1.5, 1.5)), thing("tv", (3.0, 0.0, 1.5)), thing("bed", (3.0, -1.5, 1.5))]
    shows = {"lamp": WHOLE, "tv": WHOLE, "bed": WHOLE}
    seen = view(things, camera(EYE, "east", shows), camera((6.0, 0.0, 1.5), "west", shows))
    for a, b, frame, answer in found(view_order.left_right(seen, DICE, least_deg=20.0), "a", "b", "frame"):
        eastward = ["lamp", "tv", "bed"]
        earlier = eastward.index(a) < eastward.index(b)
        assert answer == ("left" if earlier == (frame == "the first frame") else "right")
    orders = {a.slots["frame"]: a.expected for a in view_order.left_to_right(seen, DICE, candidates=3)}
    assert orders == {"the first frame": "lamp, tv, bed", "the last frame": "bed, tv, lamp"}
    # What stands before a part of another thing is on neither side of it.
    behind = thing("window", (5.0, 1.0, 1.5), (0.1, 4.0, 1.0))
    pair = view([things[0], behind], camera(EYE, "east", {"lamp": WHOLE, "window": WHOLE}))
    assert not list(view_order.left_right(pair, DICE, least_deg=0.0))


def test_sizes_need_a_factor_of_two() -> None:
    things = [thing("lamp", (3.0, 1.5, 1.5)), thing("tv", (3.0, 0.0, 1.5)), thing("bed", (3.0, -1.5, 1.5))]
    shows = {"lamp": (0.05, 0.05, 0.0), "tv": (0.024, 0.024, 0.0), "bed": (0.02, 0.02, 0.0)}
    seen = view(things, camera(EYE, "east", shows), camera(EYE, "east", {"lamp": WHOLE}))
    pairs = {(a.options, a.slots["size"], a.expected) for a in view_size.compare(seen, DICE, candidates=2)}
    assert pairs == {
        (("lamp", "tv"), "largest", "lamp"),
        (("lamp", "tv"), "smallest", "tv"),
        (("bed", "lamp"), "largest", "lamp"),
        (("bed", "lamp"), "smallest", "bed"),
    }
    three = {(a.slots["size"], a.expected) for a in view_size.compare(seen, DICE, candidates=3)}
    assert three == {("largest", "lamp")}
    assert found(view_size.largest_view(seen, DICE, candidates=2), "x") == {("lamp", "frame 1")}


GROUP = [
    thing("chair", (3.0, 0.0, 0.5)),
    thing("chair 2", (3.0, 1.0, 0.5)),
    thing("chair 3", (3.0, 2.0, 0.5)),
]


def test_presence_leaves_out_what_is_hardly_there() -> None:
    things = [thing("lamp", (3.0, 1.5, 1.5)), thing("tv", (3.0, 0.0, 1.5)), thing("bed", (3.0, -1.5, 1.5))]
    everything = camera(EYE, "east", dict.fromkeys(("lamp", "tv", "bed"), WHOLE))
    clear = view(things, camera(EYE, "east", {"lamp": WHOLE, "bed": WHOLE}), everything)
    for shown, answer, size in ((True, {"lamp", "bed"}, 2), (False, {"tv"}, 3)):
        asks = list(view_frames.presence(clear, DICE, candidates=size, shown=shown))
        assert {a.expected for a in asks} == answer and {a.slots["frame"] for a in asks} == {
            "the first frame"
        }
    for trace in (0.0002, 0.0019, 0.003):
        doubtful = view(things, camera(EYE, "east", {"lamp": WHOLE, "tv": trace}), everything)
        asks = list(view_frames.presence(doubtful, DICE, candidates=2, shown=True))
        assert {a.options for a in asks} == {("bed", "lamp")}


def test_first_and_last_sight_and_how_often() -> None:
    things = [*GROUP, thing("lamp", (3.0, 1.5, 1.5)), thing("tv", (3.0, 0.0, 1.5))]
    shows: list[Shows] = [
        {"lamp": WHOLE},
        {"lamp": WHOLE, "chair 2": WHOLE},
        {"tv": 0.001, "chair": WHOLE, "chair 3": WHOLE},
        {"tv": WHOLE},
        {"tv": WHOLE},
    ]
    seen = view(things, *(camera(EYE, "east", each) for each in shows))
    # The tv may have been seen in frame 3 already.
    asked = found(view_frames.sighting(seen, DICE, candidates=2, first=True), "thing")
    assert asked == {("the lamp", "frame 1"), ("one of the chairs", "frame 2")}
    asked = found(view_frames.sighting(seen, DICE, candidates=2, first=False), "thing")
    assert asked == {("the lamp", "frame 2"), ("one of the chairs", "frame 3"), ("the tv", "frame 5")}
    more = view(things, *(camera(EYE, "east", each) for each in [*shows[:2], {}, *shows[3:], {"tv": WHOLE}]))
    # Not all chairs are in sight, so none is named.
    assert found(view_frames.frames_shown(more, DICE, large=True), "thing") == {
        ("the lamp", "2"),
        ("the tv", "3"),
    }


def test_one_frame_that_shows_both() -> None:
    things = [thing("lamp", (3.0, 1.5, 1.5)), thing("tv", (3.0, 0.0, 1.5))]
    both = {"lamp": WHOLE, "tv": WHOLE}
    seen = view(
        things,
        *(
            camera(EYE, "east", each)
            for each in ({"lamp": WHOLE}, both, {"lamp": WHOLE, "tv": 0.001}, {"tv": WHOLE})
        ),
    )
    asks = list(view_frames.together(seen, DICE, candidates=2))
    assert {a.expected for a in asks} == {"frame 2"}
    assert {a.options for a in asks} == {("frame 1", "frame 2"), ("frame 2", "frame 4")}


def test_counting_in_a_frame() -> None:
    cups = [thing("cup", (3.0, 0.2 * k, 1.0), 0.1) for k in range(1)] + [
        thing(f"cup {k}", (3.0, 0.2 * k, 1.0), 0.1) for k in (2, 3)
    ]
    shows: list[Shows] = [
        {"cup": WHOLE},
        {"cup": WHOLE, "cup 2": WHOLE},
        {"cup": WHOLE, "cup 2": WHOLE, "cup 3": WHOLE},  # all of them: that is counting in the room
        {"cup": WHOLE, "cup 2": 0.001},  # one or two
        {},
    ]
    seen = view(cups, *(camera(EYE, "east", each) for each in shows))
    assert found(view_frames.count_in_frame(seen, DICE, large=True), "xs", "frame") == {
        ("cups", "the first frame", "1"),
        ("cups", "frame 2 of 5", "2"),
    }


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        ((0.02, 0.02, 0.0), True),
        ((0.02, 0.02, 0.49), True),
        ((0.02, 0.02, 0.51), False),  # mostly outside of the frame
        ((0.02, 0.079, 0.0), True),
        ((0.02, 0.081, 0.0), False),  # mostly behind something
        ((0.0041, 0.0041, 0.0), True),
        ((0.0039, 0.0039, 0.0), False),  # tiny
    ],
)
def test_what_is_hardly_seen_in_a_frame_is_not_asked_about_there(
    seen: tuple[float, float, float], named: bool
) -> None:
    things = [thing("lamp", (3.0, 1.5, 1.5)), thing("tv", (5.0, -1.5, 1.5))]
    everything = camera(EYE, "east", {"lamp": (0.2, 0.2, 0.0), "tv": (0.2, 0.2, 0.0)})
    made = view(things, camera(EYE, "east", {"lamp": seen, "tv": (0.2, 0.2, 0.0)}), everything)
    for asks in (
        view_order.depth_order(made, DICE, candidates=2),
        view_order.left_right(made, DICE, least_deg=10.0),
        view_size.compare(made, DICE, candidates=2),
        camera_object.position(made, DICE, scheme="sides", shown=True),
    ):
        assert ("the first frame" in {a.slots["frame"] for a in asks if "lamp" in a.mentions}) == named


def outline_share(corners_m: np.ndarray, frame: CameraFrame) -> tuple[float, float]:
    # A second box in the same call has to change nothing.
    inside, outside = outline_shares(np.stack([np.full((8, 3), [-9.0, 0.0, 0.0]), corners_m]), [frame, frame])
    assert (inside[0], outside[0]) == (0.0, 1.0)
    return float(inside[1]), float(outside[1])


def test_outline_of_a_box_that_the_source_says_nothing_about() -> None:
    # A square of 2 m, 4 m ahead, fills 160 of 640 by 160 of 480 pixels; moved by 4 m, half of it is cut off.
    ahead = camera((0.0, 0.0, 0.0), "east")
    frame = view([], ahead).frames[0]
    flat = [[4.0, y, z] for y in (-1.0, 1.0) for z in (-1.0, 1.0)]
    square = np.array(flat + flat)
    assert outline_share(square, frame) == pytest.approx((160 * 160 / (640 * 480), 0.0))
    assert outline_share(square + np.array([0.0, 4.0, 0.0]), frame) == pytest.approx(
        (80 * 160 / (640 * 480), 0.5)
    )
    assert outline_share(square - np.array([0.0, 4.0, 0.0]), frame) == pytest.approx(
        (80 * 160 / (640 * 480), 0.5)
    )
    assert outline_share(square - np.array([0.0, 0.0, 3.0]), frame) == pytest.approx(
        (80 * 160 / (640 * 480), 0.5)
    )
    assert outline_share(square - np.array([8.0, 0.0, 0.0]), frame) == (0.0, 1.0)
    # A wall beside the camera, from behind it to 2 m ahead: it reaches far out of the frame.
    beside = np.array([[x, 1.0, z] for x in (-1.0, 2.0) for z in (-0.5, 0.5)] * 2)
    inside, outside = outline_share(beside, frame)
    assert 0.02 < inside < 0.3 and outside > 0.9


def test_answers_do_not_pile_up() -> None:
    groups = {"often": list(range(40)), "rare": [100, 101, 102], "once": [200]}
    kept = Counter("often" if n < 40 else "rare" if n < 200 else "once" for n in framing.evenly(groups, DICE))
    assert kept == {"often": 3, "rare": 3, "once": 1}
    assert list(framing.evenly({"often": [1, 2, 3]}, DICE)) == []
    turned = Counter(pair for k in range(200) for pair in framing.either_way([(1, 2)], rng("turned", k)))
    assert abs(turned[1, 2] - 100) < 40
    assert Counter(a < b for a, b in framing.either_way([(1, 2)] * 10, DICE)) == {True: 5, False: 5}


def test_nearly_all_drafts_pass_the_gates_in_every_family() -> None:
    accepted, total, why = Counter[str](), Counter[str](), defaultdict[str, Counter[str]](Counter)
    with SandboxPool() as pool:
        for index in range(0, 60, 5):
            made = many_scenes.procedural(index)
            ids = sample_frame_ids(made, 4)
            drafts = [
                draft
                for name in CAMERA_FAMILIES
                for draft in Grammar(options={"include": [f"{name}/*"]}).propose(
                    made, ids, Brief(iteration=1, count=4, seed=index, weights={}, min_pixel_share=SHARE)
                )
            ]
            verdicts = ground(made, ids, drafts, programs=ProgramSettings(), min_pixel_share=SHARE, pool=pool)
            for draft, verdict in zip(drafts, verdicts, strict=True):
                total[draft.question.question_type] += 1
                accepted[draft.question.question_type] += verdict.status == "accepted"
                why[draft.question.question_type][verdict.reason] += 1
    assert set(total) == set(CAMERA_FAMILIES) and total.total() > 500
    assert {name: why[name] for name in total if accepted[name] < 0.9 * total[name]} == {}
