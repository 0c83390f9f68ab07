"""What a program must not say where CPython runs it, beyond what the lint forbids anywhere.

CPython's objects lead everywhere (frames, code, format fields that read attributes), Monty's do not. This is the
inner layer of the second opinion; the jail is the one that has to hold.
"""

from __future__ import annotations

import ast
import re
import warnings

from ouroboros_data.programs.lint import Finding

# Frames, generators, coroutines, tracebacks, code and function objects; what builds or walks classes.
_REFLECTIVE = re.compile(r"(?:gi|cr|ag|f|tb|co|func|im)_\w+|mro|format_map|with_traceback|add_note|maketrans")
_SUSPECT = re.compile(rf"\b(?:format|{_REFLECTIVE.pattern})\b")
# "{}", "{0}", "{:.2f}": a field that names an attribute or an index can read anything.
_PLAIN_TEMPLATE = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\d*(?::[^{}]*)?\})*")


def check(source: str) -> Finding | None:
    """Return why CPython may not run a program that has passed the lint, or None."""
    # Most programs hold none of these names; other letters than ASCII may spell them differently.
    if source.isascii() and not _SUSPECT.search(source):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if _REFLECTIVE.fullmatch(node.attr):
            return _at(node, f"the attribute {node.attr} is not allowed")
        if node.attr == "format" and not (
            isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            and _PLAIN_TEMPLATE.fullmatch(node.value.value)
        ):
            return _at(node, "format() is for texts written out, with plain fields like {} or {:.2f}")
    return None


def uses_sets(source: str) -> bool:
    """Whether a program may make a set, whose order depends on the hash seed."""
    if source.isascii() and "{" not in source:
        return "set" in source
    nodes = ast.walk(ast.parse(source))
    return any(
        isinstance(n, ast.Set | ast.SetComp) or (isinstance(n, ast.Name) and n.id in ("set", "frozenset"))
        for n in nodes
    )


def _at(node: ast.Attribute, problem: str) -> Finding:
    return Finding("lint", f"line {node.lineno}, column {node.col_offset + 1}: {problem}")
