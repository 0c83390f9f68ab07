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
# "{}", "{0}", "{:.2f}": a field that names an attribute or an index can read anything.
_PLAIN_TEMPLATE = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\d*(?::[^{}]*)?\})*")


def check(source: str) -> Finding | None:
    """Return why CPython may not run a program that has passed the lint, or None."""
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
    """Whether a text may make a set, whose order depends on the hash seed (or may only say so in a name)."""
    return "set" in source or ("{" in source and _displays_set(source))


def _displays_set(source: str) -> bool:
    return any(isinstance(node, ast.Set | ast.SetComp) for node in ast.walk(ast.parse(source)))


def _at(node: ast.Attribute, problem: str) -> Finding:
    return Finding("lint", f"line {node.lineno}, column {node.col_offset + 1}: {problem}")
