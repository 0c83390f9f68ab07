"""The program API on one page for a prompt, made from the API's own text, so that the two cannot differ."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ouroboros_data.programs import api

LEFT_OUT: Mapping[str, str] = {
    "print": "does nothing",
    "round": "Python's own",
    "visible_frames": "the same as .frames",
}
"""Functions that the page does not show, and why."""
CORE = tuple(
    (
        "objects only count distance length width height longest volume footprint room_area closest farthest "
        "sector first_seen path_turns number choice ordering boolean"
    ).split()
)
"""What a model needs that can be told little."""
_HEAD = """\
PROGRAM API. Lengths in metres, areas in square metres, angles in degrees, times in seconds; z is up.
An object has .category, .center (x, y, z), .size (length, width, height) and .frames (positions of the frames that show it).
`frame` is the position of a frame, from 0. Categories are texts such as "chair"."""
_TAIL = """\
Python's len, min, max, sum, sorted, abs, round, any, all, range, enumerate, zip and math may be used.
OPTIONS is the list of the question's options. Not allowed: import, class, with, print, a constant as the answer."""


@functools.cache
def functions() -> dict[str, str]:
    """Each function of the API by name: its call and, behind a dash, what its docstring says, on one line."""
    found = {}
    for path in sorted(Path(api.__file__).parent.glob("prelude*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                said = " ".join((ast.get_docstring(node) or "").split()).rstrip(".")
                found[node.name] = f"{node.name}({ast.unparse(node.args)}) - {said}"
    return found


@functools.cache
def page(which: Literal["full", "core"]) -> str:
    """The page: objects, functions, what is not allowed."""
    known = functions()
    names = [name for name in api.FUNCTIONS if name not in LEFT_OUT] if which == "full" else CORE
    return "\n".join([_HEAD, *(known[name] for name in dict.fromkeys(names)), _TAIL])
