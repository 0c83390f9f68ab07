"""The second half of the program API's text: answers, and how programs are run. Continues prelude.py."""

# mypy: ignore-errors
# ruff: noqa: F821 (names of prelude.py, which stands before this text in the sandbox)

_Result = namedtuple("Result", ["kind", "value", "detail", "step"])


def number(value, unit, step=None):
    """A number with its unit: count, m, cm, m2, deg or s; step is the resolution that the question states."""
    return _Result("number", value, unit, step)


def choice(value, options):
    """One of 2 to 10 distinct options."""
    return _Result("choice", value, options, None)


def ordering(items):
    """2 to 12 distinct names in order."""
    return _Result("ordering", items, None, None)


def boolean(value):
    """Yes or no."""
    return _Result("boolean", value, None, None)


_round = round


def round(value, digits=None):
    """Round as Python does; Monty's own is wrong for some values with digits."""
    if digits is None or digits <= 0:
        return _round(value) if digits is None else _round(value, digits)
    return float(f"{value:.{digits}f}")


def print(*values, sep=" ", end="\n"):
    """Prints nothing."""


def _scalar(value):
    kind = type(value)
    if kind is int or kind is float:
        return value == value and abs(value) <= 1e9  # also keeps big integers off the wire
    return kind is bool or (kind is str and len(value) <= 200)


def _texts(values):
    if type(values) is not list and type(values) is not tuple:
        return None
    if len(values) > 12 or not all([type(v) is str and len(v) <= 200 for v in values]):
        return None
    return list(values)


def _pack(result):
    if type(result) is not _Result:
        names = "number(), choice(), ordering() or boolean()"
        return ["failed", "bad_result", f"answer() must return {names}, got {type(result).__name__}"]
    kind, value, detail, step = result
    if kind == "ordering":
        value = _texts(value)
        if value is None:
            return ["failed", "bad_result", "ordering() takes a list of 2 to 12 short texts"]
    elif not _scalar(value):
        return ["failed", "bad_result", f"{kind}() got a value it cannot take: {type(value).__name__}"]
    if kind == "choice":
        detail = _texts(detail)
        if detail is None:
            return ["failed", "bad_result", "choice() takes a list of 2 to 10 short texts as its options"]
    elif kind == "number":
        if type(detail) is not str or len(detail) > 16:
            return ["failed", "bad_result", "number() takes the unit as its second argument"]
        if step is not None and (type(step) is bool or not _scalar(step)):
            return ["failed", "bad_result", "number(): step must be a number"]
    return ["ok", kind, value, detail, step]


def _open(ids, names, times, words, doubtful, tracing):
    global _ids, _categories, _times, _by_category, _by_id, _words, _meant, _tracing
    _ids, _categories, _times, _words, _meant, _tracing = ids, names, times, words, None, tracing
    _by_category, _by_id = {}, {}
    for i in range(len(ids)):
        _by_id[ids[i]] = i
        _by_category.setdefault(names[i], []).append(i)
    for name in doubtful:  # the scene calls one thing a sofa and another a couch
        _by_category[name] = None


def _load(table):
    global _boxes, _gaps, _seen, _area, _further, _handles
    _boxes, _gaps, _seen, _area, _further = table
    _handles = {}


def _run(program):
    global _failure, _touched, _calls, _missed
    _failure, _touched, _calls, _missed = None, {}, {}, None
    try:
        packed = _pack(program())
    except BaseException as error:
        packed = ["failed", "runtime", f"{type(error).__name__}: {error}"[:300]]
        if _missed is not None:  # most often the reason: the list was empty
            packed.append(f"no {_missed!r} here, {_listing()}"[:300])
    if _failure is not None:
        packed = ["failed", _failure[0], _failure[1][:300]]
    if _tracing:
        packed.append(sorted(_touched))
        packed.append([list(call) for call in _calls])
    return packed


def _run_all(programs, tables):
    results = []
    for table in tables:
        _load(table)
        results.append([_run(program) for program in programs])
    return results
