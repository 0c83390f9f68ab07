"""What a program may call. This file is the program API, version 3; docs/program-api.md explains it.

It is never imported: the host sends its text and that of prelude_answers.py (and of prelude_further.py where a
program uses it) to the sandbox, ahead of the programs, and Monty runs it there. So it is plain Python in Monty's dialect, without third-party imports.
Names with a leading underscore are out of reach of programs (the lint rejects them). Nothing mutable that
outlives a call is ever handed out, so one program cannot change what the next one sees.
"""

# mypy: ignore-errors
# Monty has no use for annotations, and parsing them costs.
import math
from collections import namedtuple

_Object = namedtuple("Object", ["id", "category", "center", "size", "frames"])

_ids: list = []
_categories: list = []
_times: list = []
_by_category: dict = {}
_by_id: dict = {}
_boxes: list = []  # six numbers an object: centre x, y, z; length, width, height
_gaps = ""  # the distances of all pairs i < j, 16 characters each
_seen: list = []  # one integer an object: bit p is set where sampled frame p shows it
_area = 0.0
_further: dict = {}  # tables of prelude_further.py by name
_words = ""  # a line each, word, tab, category: other words for the scene's categories
_meant = None  # the same as a dictionary, made when a word is met that is no category
_missed = None  # the last name that nothing in the scene has
_handles: dict = {}
_tracing = False
_touched: dict = {}
_calls: dict = {}
_failure = None
_CALLS = 256


def _fail(reason, message):
    global _failure
    if _failure is None:  # sticky: a program cannot catch it and go on
        _failure = (reason, message)
    raise ValueError(message)


def _note(name, indices):
    if _tracing:
        for i in indices:
            _touched[i] = 1
        if len(_calls) < _CALLS:
            _calls[(name, *indices)] = 1


def _name(category, call):
    if isinstance(category, _Object):
        return category.category
    if not isinstance(category, str):
        _fail("bad_argument", f"{call}() takes category names, got {type(category).__name__}")
    return " ".join(category.lower().replace("_", " ").split())


def _names(categories, call):
    flat = []
    for category in categories:
        if isinstance(category, (list, tuple, set)) and not isinstance(category, _Object):
            flat.extend(category)
        else:
            flat.append(category)
    return [_name(category, call) for category in flat]


def _handle(i):
    handle = _handles.get(i)
    if handle is None:
        b = 6 * i
        center = (_boxes[b], _boxes[b + 1], _boxes[b + 2])
        size = (_boxes[b + 3], _boxes[b + 4], _boxes[b + 5])
        frames = tuple([p for p in range(len(_times)) if (_seen[i] >> p) & 1])
        handle = _Object(_ids[i], _categories[i], center, size, frames)
        _handles[i] = handle
    return handle


def _index(o, call):
    if not isinstance(o, _Object):
        what = f"{o!r}"[:40] if isinstance(o, (str, int, float)) else type(o).__name__
        _fail("bad_argument", f"{call}() takes objects, got {what}: get one with only('…') or objects('…')")
    return _by_id[o.id]


def _meaning(name, call):
    global _meant, _missed
    if _meant is None:
        _meant = dict([line.split("\t") for line in _words.split("\n")]) if _words else {}
    category = _meant.get(name)
    if category == "":
        _fail("unclear", f"{call}(): {name!r} may mean more than one category here; {_listing()}")
    if category is None:
        _missed = name
    return category


def _listing():
    return "the scene has " + (", ".join(sorted(_by_category)) or "no objects")


def _found(name, call):
    found = _by_category.get(name)
    if found is None:  # a plural, another word for it, or not there
        found = _by_category.get(_meaning(name, call)) or []
    return found


def _of(categories, call):
    names = _names(categories, call)
    if not names:
        return list(range(len(_ids)))
    if len(names) == 1:
        return list(_found(names[0], call))
    found = {}
    for name in names:
        for i in _found(name, call):
            found[i] = 1
    return sorted(found)


def objects(*categories):
    """All objects of these categories in scene order; of all categories without arguments."""
    found = _of(categories, "objects")
    _note("objects", found)
    return [_handle(i) for i in found]


def only(category):
    """The one object of this category; the program fails unless there is exactly one."""
    name = _name(category, "only")
    found = _found(name, "only")
    if len(found) != 1:
        _note("only", found)
        if found:
            _fail("not_unique", f"only({name!r}): the scene has {len(found)} of them")
        _fail("no_such_object", f"only({name!r}): none in the scene; {_listing()}")
    _note("only", found)
    return _handle(found[0])


def count(*categories):
    """How many objects of these categories there are."""
    found = _of(categories, "count")
    _note("count", found)
    return len(found)


def categories():
    """The category names of the scene, sorted."""
    _note("categories", range(len(_ids)))
    return sorted(_by_category)


def _gap(i, j):
    if i == j:
        return 0.0
    if i > j:
        i, j = j, i
    n = len(_ids)
    at = 16 * (i * n - i * (i + 1) // 2 + j - i - 1)
    return float(_gaps[at : at + 16])


def _symmetric(name, i, j):
    _note(name, (i, j) if i < j else (j, i))


def distance(a, b):
    """Gap in metres between the closest points of two objects' boxes, 0 where they touch."""
    i, j = _index(a, "distance"), _index(b, "distance")
    _symmetric("distance", i, j)
    return _gap(i, j)


def center_distance(a, b):
    """Distance in metres between the centres of two objects' boxes."""
    i, j = _index(a, "center_distance"), _index(b, "center_distance")
    _symmetric("center_distance", i, j)
    p, q = _handle(i).center, _handle(j).center
    return math.sqrt((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2)


def _size(o, call):
    i = _index(o, call)
    _note(call, (i,))
    return _handle(i).size


def length(o):
    """Longer horizontal edge of the object's box, metres."""
    return _size(o, "length")[0]


def width(o):
    """Shorter horizontal edge of the object's box, metres."""
    return _size(o, "width")[1]


def height(o):
    """Edge of the object's box that is nearest to vertical, metres."""
    return _size(o, "height")[2]


def longest(o):
    """Longest edge of the object's box, metres."""
    return max(_size(o, "longest"))


def volume(o):
    """Volume of the object's box, cubic metres."""
    a, b, c = _size(o, "volume")
    return a * b * c


def room_area():
    """Floor area of the room, square metres."""
    _note("room_area", ())
    return _area


def visible_frames(o):
    """Positions of the sampled frames that show the object, as a tuple."""
    i = _index(o, "visible_frames")
    _note("visible_frames", (i,))
    return _handle(i).frames


def first_seen(o):
    """Time in seconds of the first sampled frame that shows the object; the program fails if none does."""
    i = _index(o, "first_seen")
    _note("first_seen", (i,))
    shown = _handle(i).frames
    if not shown:
        _fail("not_visible", f"first_seen(): no sampled frame shows the {_categories[i]}")
    return _times[shown[0]]


def sampled_frames():
    """How many frames the question samples."""
    return len(_times)


def _direction(p, q, call):
    x, y = q[0] - p[0], q[1] - p[1]
    if math.hypot(x, y) < 1e-6:
        _fail("degenerate", f"{call}(): two of the objects are straight above each other or the same")
    return math.degrees(math.atan2(y, x))


def _bearing(stand, facing, target, call):
    s, f, t = _index(stand, call), _index(facing, call), _index(target, call)
    _note(call, (s, f, t))
    here = _handle(s).center
    angle = (_direction(here, _handle(t).center, call) - _direction(here, _handle(f).center, call)) % 360.0
    return 0.0 if angle == 360.0 else angle


def bearing(stand, facing, target):
    """Degrees in [0, 360), counter-clockwise from above, from stand→facing to stand→target; box centres,
    xy.
    """
    return _bearing(stand, facing, target, "bearing")


def sector(stand, facing, target, scheme):
    """Name of the sector that target lies in, by scheme: left-right, left-right-back or quadrants."""
    angle = _bearing(stand, facing, target, "sector")
    if scheme == "left-right":
        return "left" if angle < 180 else "right"
    if scheme == "left-right-back":
        return "left" if angle < 135 else "back" if angle < 225 else "right"
    if scheme == "quadrants":
        return ["front-left", "back-left", "back-right", "front-right"][int(angle // 90)]
    _fail("bad_argument", "sector(): the scheme is 'left-right', 'left-right-back' or 'quadrants'")


def _rank(target, candidates, call):
    t = _index(target, call)
    if isinstance(candidates, _Object) or not isinstance(candidates, (list, tuple, set)):
        _fail("bad_argument", f"{call}() takes a list of objects as its second argument")
    found = [_index(o, call) for o in candidates]
    _note(call, (t, *sorted(found)))
    found = [i for i in found if i != t]
    if not found:
        _fail("empty", f"{call}(): there is no candidate besides the target")
    return t, found


def closest(target, candidates):
    """The candidate with the smallest distance() to target; target itself is left out."""
    t, found = _rank(target, candidates, "closest")
    return _handle(min(found, key=lambda i: _gap(t, i)))


def farthest(target, candidates):
    """The candidate with the largest distance() to target."""
    t, found = _rank(target, candidates, "farthest")
    return _handle(max(found, key=lambda i: _gap(t, i)))


def path_turns(start, facing, *stops):
    """Turns of a walker who stands at start, looks at facing, and visits the stops: one name per stop."""
    if len(stops) == 1 and isinstance(stops[0], list):
        stops = tuple(stops[0])
    here, ahead = _index(start, "path_turns"), _index(facing, "path_turns")
    route = [_index(o, "path_turns") for o in stops]
    if not route:
        _fail("empty", "path_turns(): give at least one stop")
    _note("path_turns", (here, ahead, *route))
    heading = _direction(_handle(here).center, _handle(ahead).center, "path_turns")
    turns = []
    for stop in route:
        direction = _direction(_handle(here).center, _handle(stop).center, "path_turns")
        angle = (direction - heading + 180.0) % 360.0 - 180.0
        if abs(angle) > 135:
            turns.append("turn back")
        elif angle > 45:
            turns.append("turn left")
        elif angle < -45:
            turns.append("turn right")
        else:
            _fail("no_turn", f"path_turns(): the way to stop {len(turns) + 1} goes straight on")
        heading, here = direction, stop
    return turns
