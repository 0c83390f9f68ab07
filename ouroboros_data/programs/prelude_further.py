"""The part of the program API's text that reads further tables; it is sent only where a program uses one of its names.

Continues prelude.py and prelude_answers.py. geometry/relations.py, viewpoint.py and paths.py define what is read here;
marks of verdicts are "1", "0" and "?", and "?" fails the program.
"""

# mypy: ignore-errors
# ruff: noqa: F821 (names of prelude.py, which stands before this text in the sandbox)

_NEARER_M = 0.15
_HALF_TURN_DEG = 175.0


def _decided(mark, question):
    if mark == "?":
        _fail("unclear", f"{question}: the boxes do not tell")
    return mark == "1"


def _pair(a, b, call):
    i, j = _index(a, call), _index(b, call)
    if i == j:
        _fail("degenerate", f"{call}() of the {_categories[i]} and itself")
    return i, j


def _among(o, categories, call):
    j = _index(o, call)
    others = [i for i in _of(categories, call) if i != j]
    _note(call, (j, *others))
    return j, others


def _above_diagonal(table, i, j):
    return float(table[_entry(i, j) : _entry(i, j) + 16])


def _entry(i, j):
    if i > j:
        i, j = j, i
    n = len(_ids)
    return 16 * (i * n - i * (i + 1) // 2 + j - i - 1)


def footprint(o):
    """Floor area under the object's box, square metres."""
    i = _index(o, "footprint")
    _note("footprint", (i,))
    return _further["footprints"][i]


def vertical_gap(upper, lower):
    """Height of the lowest point of upper over the highest point of lower, metres; below 0 where it is under it."""
    i, j = _pair(upper, lower, "vertical_gap")
    _note("vertical_gap", (i, j))
    return _further["spans"][2 * i] - _further["spans"][2 * j + 1]


def horizontal_distance(a, b):
    """Gap between two footprints, metres; 0 where they overlap."""
    i, j = _pair(a, b, "horizontal_distance")
    _symmetric("horizontal_distance", i, j)
    return _above_diagonal(_further["horizontal"], i, j)


def _rests(i, j):
    mark = _further["on"][i * len(_ids) + j]
    return _decided(mark, f"whether the {_categories[i]} rests on the {_categories[j]}")


def supports(lower, upper):
    """Whether upper rests directly on lower."""
    i, j = _pair(upper, lower, "supports")
    _note("supports", (j, i))
    return _rests(i, j)


def on(o, *categories):
    """The objects (of these categories) that rest directly on o."""
    j, others = _among(o, categories, "on")
    return [_handle(i) for i in others if _rests(i, j)]


def above(a, b):
    """Whether a is straight above b, touching it or not."""
    i, j = _pair(a, b, "above")
    _note("above", (i, j))
    mark = _further["above"][i * len(_ids) + j]
    return _decided(mark, f"whether the {_categories[i]} is above the {_categories[j]}")


def _within(i, j, call):
    mark = _further["inside"][i * len(_ids) + j]
    if mark == "x":
        _fail("no_container", f"{call}(): a {_categories[j]} is nothing that holds things")
    return _decided(mark, f"whether the {_categories[i]} is inside the {_categories[j]}")


def inside(a, b):
    """Whether a is inside the container b."""
    i, j = _pair(a, b, "inside")
    _note("inside", (i, j))
    return _within(i, j, "inside")


def contents(o, *categories):
    """The objects (of these categories) that are inside the container o."""
    j, others = _among(o, categories, "contents")
    return [_handle(i) for i in others if _within(i, j, "contents")]


def path_length(a, b):
    """Length in metres of the shortest way on foot from beside a to beside b."""
    i, j = _pair(a, b, "path_length")
    _symmetric("path_length", i, j)
    if _further["floor"]:
        _fail("no_floor", f"path_length(): {_further['floor']}")
    way = _further["ways"].get(f"{min(i, j)},{max(i, j)}", "missing")
    names = f"the {_categories[i]} and the {_categories[j]}"
    if way == "missing":
        _fail(
            "too_many_pairs", f"path_length() between {names}: name fewer objects, with only() or objects()"
        )
    if way == "none":
        _fail("unreachable", f"path_length(): no way on foot joins {names}")
    if way == "far":
        _fail("unclear", f"path_length(): nobody can walk right up to {names}")
    return way


def _wall(which, call, doubt):
    _note(call, ())
    found = _further["walls"]
    if type(found) is str:
        _fail("no_floor", f"{call}(): {found}")
    if found[which] is None:
        _fail("unclear", f"{call}(): {doubt}")
    return found[which]


def longest_wall():
    """Length in metres of the longest straight wall."""
    return _wall(0, "longest_wall", "the outline of the floor is too ragged to tell")


def free_wall():
    """Length in metres of the longest stretch of straight wall that has nothing at its foot."""
    return _wall(1, "free_wall", "whether some things stand at a wall is open to doubt")


def _frame(frame, call):
    if type(frame) is not int or not 0 <= frame < len(_times):
        what = f"{frame!r}"[:40] if isinstance(frame, (str, int, float)) else type(frame).__name__
        known = f"0 to {len(_times) - 1}" if _times else "none here"
        _fail("bad_argument", f"{call}() takes positions of sampled frames ({known}), got {what}")
    return frame


def _note_frames(call, frames, indices):
    if _tracing:
        for i in indices:
            _touched[i] = 1
        if len(_calls) < _CALLS:
            _calls[(call, *[f"@{p}" for p in frames], *indices)] = 1


def _seen_from(frame, o, call):
    p, i = _frame(frame, call), _index(o, call)
    _note_frames(call, (p,), (i,))
    return p, i, p * len(_ids) + i


def _shown(p, i, call):
    if not (_seen[i] >> p) & 1:
        _fail("not_visible", f"{call}(): frame {p} does not show the {_categories[i]}")


def _camera_gap(at):
    return float(_further["camera_gaps"][16 * at : 16 * at + 16])


def camera_distance(frame, o):
    """Metres from the camera of a sampled frame to the nearest point of the object's box."""
    return _camera_gap(_seen_from(frame, o, "camera_distance")[2])


def camera_bearing(frame, o):
    """Degrees in (-180, 180] from where the camera heads to the object, positive to the left, seen from above."""
    p, i, at = _seen_from(frame, o, "camera_bearing")
    angle = _further["azimuths"][at]
    if angle is None:
        _fail(
            "unclear", f"camera_bearing(): frame {p} looks too steeply, or is right over the {_categories[i]}"
        )
    return angle


def camera_side(frame, o):
    """Whether the object is to the left or to the right of where the camera heads: "left", "right"."""
    p, i, at = _seen_from(frame, o, "camera_side")
    question = f"on which side of the camera of frame {p} the {_categories[i]} is"
    return "left" if _decided(_further["sides"][at], question) else "right"


def camera_facing(frame, o):
    """Whether the object is "in front" of the camera or "behind" it."""
    p, i, at = _seen_from(frame, o, "camera_facing")
    question = f"whether the {_categories[i]} is in front of the camera of frame {p}"
    return "in front" if _decided(_further["facing"][at], question) else "behind"


def camera_level(frame, o):
    """Whether the object is wholly "above" or "below" the height of the camera."""
    p, i, at = _seen_from(frame, o, "camera_level")
    question = f"whether the {_categories[i]} is above the camera of frame {p}"
    return "above" if _decided(_further["levels"][at], question) else "below"


def left_in_view(frame, a, b):
    """Whether a is to the left of b in the picture."""
    p = _frame(frame, "left_in_view")
    i, j = _pair(a, b, "left_in_view")
    _note_frames("left_in_view", (p,), (i, j))
    _shown(p, i, "left_in_view")
    _shown(p, j, "left_in_view")
    mark = _further["in_view"][p][_entry(i, j) // 16]
    question = f"which of {_categories[i]} and {_categories[j]} is farther to the left in frame {p}"
    return _decided(mark, question) == (i < j)


def depth_order(frame, *items):
    """The objects from the nearest to the camera to the farthest."""
    if len(items) == 1 and isinstance(items[0], list):
        items = items[0]
    p = _frame(frame, "depth_order")
    found = [_index(o, "depth_order") for o in items]
    _note_frames("depth_order", (p,), sorted(found))
    if not found:
        _fail("empty", "depth_order(): give at least one object")
    for i in found:
        _shown(p, i, "depth_order")
    ranked = sorted([(_camera_gap(p * len(_ids) + i), i) for i in found])
    for k in range(1, len(ranked)):
        if ranked[k][0] - ranked[k - 1][0] < _NEARER_M:
            names = f"{_categories[ranked[k - 1][1]]} and {_categories[ranked[k][1]]}"
            _fail("unclear", f"depth_order(): {names} are about as far from the camera of frame {p}")
    return [_handle(i) for _, i in ranked]


def view_share(frame, o):
    """Share of the frame's area that shows the object, from 0 to 1; 0 where the frame does not show it."""
    return _further["view_shares"][_seen_from(frame, o, "view_share")[2]]


def _camera(p):
    return _further["cameras"][4 * p : 4 * p + 4]


def camera_height(frame):
    """Height of the camera over the floor, metres."""
    p = _frame(frame, "camera_height")
    _note_frames("camera_height", (p,), ())
    level = _further["floor_level"]
    if level is None:
        _fail("unclear", "camera_height(): nothing here stands on the floor")
    return _camera(p)[2] - level


def _two_frames(first, second, call):
    p, q = _frame(first, call), _frame(second, call)
    _note_frames(call, (p, q), ())
    return _camera(p), _camera(q)


def camera_moved(first, second):
    """Straight distance in metres between the camera's places in two sampled frames."""
    a, b = _two_frames(first, second, "camera_moved")
    return math.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 + (b[2] - a[2]) ** 2)


def camera_turn(first, second):
    """Degrees by which the camera's heading in the second frame is to the left of that in the first, in (-175, 175)."""
    a, b = _two_frames(first, second, "camera_turn")
    if a[3] is None or b[3] is None:
        _fail("unclear", "camera_turn(): the camera looks too steeply to have a heading")
    turn = 180.0 - (180.0 - (b[3] - a[3])) % 360.0
    if abs(turn) >= _HALF_TURN_DEG:
        _fail("unclear", "camera_turn(): about half a turn, which has no side")
    return turn


def camera_shift(first, second):
    """Where the camera is in the second frame, from the first held level: metres (right, ahead, up)."""
    a, b = _two_frames(first, second, "camera_shift")
    if a[3] is None:
        _fail("unclear", f"camera_shift(): the camera of frame {first} looks too steeply to have a heading")
    x, y, heading = b[0] - a[0], b[1] - a[1], math.radians(a[3])
    cos, sin = math.cos(heading), math.sin(heading)
    return (x * sin - y * cos, x * cos + y * sin, b[2] - a[2])
