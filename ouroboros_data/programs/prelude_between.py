"""What lies between two things, seen from above: the end of the program API's text. Continues prelude_further.py.

The same as geometry/between.py, by other means: the host has a library for polygons, the sandbox has none.
"""

# mypy: ignore-errors
# ruff: noqa: F821 (names of prelude.py, which stands before this text in the sandbox)


def between(o, a, b):
    """Whether o lies between a and b, seen from above."""
    k, i = _pair(o, a, "between")
    j = _pair(o, b, "between")[1]
    _pair(a, b, "between")
    if i > j:
        i, j = j, i
    _note("between", (k, i, j))
    names = f"the {_categories[i]} and the {_categories[j]}"
    return _decided(_between(k, i, j), f"whether the {_categories[k]} is between {names}")


def _between(k, i, j):  # geometry/between.py
    o, a, b = [_outline(n) for n in (k, i, j)]
    p, q, r = [(sum([x for x, _ in plan]) / 6, sum([y for _, y in plan]) / 6) for plan in (o, a, b)]
    if math.hypot(r[0] - q[0], r[1] - q[1]) <= 1e-6:
        return "?"
    to_a, to_b = (q[0] - p[0], q[1] - p[1]), (r[0] - p[0], r[1] - p[1])
    cross, dot = to_a[0] * to_b[1] - to_a[1] * to_b[0], to_a[0] * to_b[0] + to_a[1] * to_b[1]
    sight = math.degrees(math.atan2(abs(cross), dot))
    on_a, area = _clipped(o, a), max(_surface(o), 1e-12)
    over = (_surface(on_a) + _surface(_clipped(o, b)) - _surface(_clipped(on_a, b))) / area
    held = _surface(_clipped(o, _hull(a + b))) / area - over
    if held >= 0.7 or (sight >= 160.0 and over <= 0.1):
        return "1"
    return "0" if over >= 0.9 or (held < 0.1 and sight < 90.0) else "?"


def _outline(n):
    plan = _further["plans"][12 * n : 12 * n + 12]
    return [(plan[m], plan[m + 1]) for m in range(0, 12, 2)]


def _turns(p, q, r):
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _surface(polygon):
    return sum([_turns(polygon[0], polygon[m], polygon[m + 1]) for m in range(1, len(polygon) - 1)]) / 2


def _clipped(polygon, convex):
    for m in range(len(convex)):
        p, q, kept = convex[m - 1], convex[m], []
        for n in range(len(polygon)):
            here, there = polygon[n - 1], polygon[n]
            s, t = _turns(p, q, here), _turns(p, q, there)
            if (s < 0) != (t < 0):
                kept.append(tuple([here[c] + s / (s - t) * (there[c] - here[c]) for c in (0, 1)]))
            if t >= 0:
                kept.append(there)
        polygon = kept
    return polygon


def _hull(points):
    half = []
    for row in (sorted(points), sorted(points, reverse=True)):
        start = len(half)
        for point in row:
            while len(half) >= start + 2 and _turns(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        half.pop()
    return half
