"""What a program may look like, checked on the host before the sandbox sees it.

The sandbox confines programs by itself; the lint is what lets programs share a session: without ``global``,
underscore names and attribute assignment no program can reach what the next one uses.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import NamedTuple

MAX_BYTES = 6 * 1024

# Reflection, I/O and identity: none has a use in a program, and each has been part of somebody's escape or
# makes results differ between runs.
_BANNED_NAMES = frozenset(
    "breakpoint classmethod compile delattr dir eval exec exit getattr globals hasattr hash help id input "
    "locals memoryview object open property quit setattr staticmethod super type vars".split()
)
_BANNED_NODES: dict[type[ast.AST], str] = {
    ast.Import: "import (math is already there)",
    ast.ImportFrom: "import (math is already there)",
    ast.Global: "global",
    ast.Nonlocal: "nonlocal",
    ast.ClassDef: "class",
    ast.Delete: "del",
    ast.With: "with",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Await: "await",
    ast.AsyncFunctionDef: "async",
    ast.AsyncFor: "async",
    ast.AsyncWith: "async",
    ast.Match: "match",
}
_DUNDER = re.compile(r"__\w")


class Finding(NamedTuple):
    """Why a program is refused."""

    reason: str
    """``lint`` or ``syntax``."""
    detail: str
    """One line with line and column."""


def check(source: str) -> Finding | None:
    """Return why ``source`` may not run, or None.

    A program is the text of one function ``def answer():`` of at most 6 KB. Helper functions go inside it.
    """
    if not isinstance(source, str) or not source.strip():
        return Finding("lint", "the program is empty: it must define answer()")
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        return Finding("lint", "the program is not valid Unicode text")
    if size > MAX_BYTES:
        return Finding("lint", f"the program has {size} bytes, {MAX_BYTES} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. "\d" in a string
            tree = ast.parse(source)
            return _check_tree(tree)
    except SyntaxError as error:
        return Finding("syntax", _syntax_line(error, source))
    except (ValueError, RecursionError, MemoryError) as error:
        # NUL bytes; nesting deeper than the parser or the walk takes.
        return Finding("syntax", f"the program cannot be parsed: {error or type(error).__name__}")


def _check_tree(tree: ast.Module) -> Finding | None:
    function = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(function, ast.FunctionDef) or function.name != "answer":
        return Finding("lint", "the program must be one function, def answer(): …, and nothing beside it")
    arguments = function.args
    if arguments.posonlyargs or arguments.args or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
        return _at(function, "answer() takes no arguments")
    if function.decorator_list or not isinstance(function.returns, ast.Name | ast.Constant | None):
        return _at(function, "answer() takes no decorators and at most a plain return annotation")
    for node in ast.walk(tree):
        problem = _node_problem(node)
        if problem:
            return _at(node, problem)
    return None


def _node_problem(node: ast.AST) -> str:
    banned = _BANNED_NODES.get(type(node))
    if banned:
        return f"{banned} is not allowed"
    if isinstance(node, ast.Name):
        if node.id == "answer":
            # Programs of a batch are defined one after the other: the name may mean a neighbour.
            return "answer() cannot call itself; put a helper function inside it"
        if node.id in _BANNED_NAMES or _hidden(node.id):
            return f"the name {node.id} is not allowed"
    elif isinstance(node, ast.Attribute):
        if node.attr.startswith("_"):
            return f"the attribute {node.attr} is not allowed"
        if not isinstance(node.ctx, ast.Load):
            return f"assigning to the attribute {node.attr} is not allowed"
    elif isinstance(node, ast.FunctionDef):
        if _hidden(node.name) or node.decorator_list:
            return f"the function {node.name}: no leading underscore, no decorators"
    elif isinstance(node, ast.arg | ast.keyword):
        if node.arg is not None and _hidden(node.arg):
            return f"the name {node.arg} is not allowed"
    elif isinstance(node, ast.ExceptHandler):
        if node.name is not None and _hidden(node.name):
            return f"the name {node.name} is not allowed"
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bytes | complex):
            return f"{type(node.value).__name__} values are not allowed"
        if isinstance(node.value, str) and _DUNDER.search(node.value):
            return "double underscores in texts are not allowed"
    elif isinstance(node, ast.comprehension) and node.is_async:
        return "async is not allowed"
    return ""


def _hidden(name: str) -> bool:
    return name.startswith("_") and name != "_"


def _at(node: ast.AST, problem: str) -> Finding:
    line = getattr(node, "lineno", None)
    return Finding("lint", f"line {line}, column {node.col_offset + 1}: {problem}" if line else problem)  # type: ignore[attr-defined]


def _syntax_line(error: SyntaxError, source: str) -> str:
    number = error.lineno or 1
    lines = source.splitlines()
    shown = lines[number - 1].strip()[:80] if 0 < number <= len(lines) else ""
    return f"line {number}, column {error.offset or 1}: {error.msg} | {shown}"
