"""What can be set right in a program's text, each by name. See `fixers`."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Callable, Mapping

from ouroboros_data.proposers.ask import lit
from ouroboros_data.types import AnswerType, Unit

_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_RENAMED = {"one": "only", "longest_side": "longest", "room_size": "room_area", "floor_area": "room_area"}
_ANSWERS = ("number", "choice", "ordering", "boolean")
_CALLED_WITHOUT = ("room_area", "categories", "sampled_frames")
_GIVE_OBJECTS = ("only", "closest", "farthest")


class Context:
    """What a program is for."""

    def __init__(self, answer_type: AnswerType, unit: Unit | None, options: tuple[str, ...]) -> None:
        self.answer_type, self.unit, self.options = answer_type, unit, options


def code_fence(source: str, _: Context) -> str:
    """Marks of a code block round the program."""
    found = _FENCE.match(source)
    return found[1].rstrip() + "\n" if found else source


def escaped_newlines(source: str, _: Context) -> str:
    """Line ends that were escaped twice."""
    if "\n" in source.strip() or "\\n" not in source:
        return source
    return source.replace("\\n", "\n").replace("\\t", "    ").replace('\\"', '"')


def indentation(source: str, _: Context) -> str:
    """Spaces before all lines, tabs."""
    plain = textwrap.dedent(source.expandtabs(4)).strip("\n")
    return plain + "\n" if plain != source.rstrip("\n") else source


def stray_ends(source: str, _: Context) -> str:
    """Braces, quotes and backticks that the JSON object's end left behind the program."""
    if parsed(source) is not None:
        return source
    cut = source.rstrip()
    for _step in range(6):
        if not cut or cut[-1] not in "}\"'`],;":
            return source
        cut = cut[:-1].rstrip()
        if parsed(cut) is not None:
            return cut + "\n"
    return source


def no_def(source: str, _: Context) -> str:
    """A body without its ``def answer():``."""
    if re.search(r"^\s*def\s", source, re.MULTILINE) or not source.strip():
        return source
    body = textwrap.dedent(source).strip("\n")
    made = "def answer():\n" + textwrap.indent(body, "    ") + "\n"
    return made if parsed(made) is not None else source


def def_name(source: str, _: Context) -> str:
    """Another name or arguments of the one function: ``def solve(scene):``."""
    tree = parsed(source)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return source
    return re.sub(r"^def\s+\w+\s*\([^()]*\)(?:\s*->[^:\n]*)?\s*:", "def answer():", source, count=1)


def scene_prefix(source: str, _: Context) -> str:
    """``scene.objects("x")`` for ``objects("x")``, and other APIs' names for the same function."""
    source = re.sub(r"\bscene\.(?=\w)", "", source)
    for old, new in _RENAMED.items():
        source = re.sub(rf"(?<![\w.]){old}(?=\s*\()", new, source)
    for name in _CALLED_WITHOUT:  # an attribute there, a call here
        source = re.sub(rf"(?<![\w.\"']){name}(?![\w\"'(])(?!\s*[=(])", f"{name}()", source)
    return source


def missing_return(source: str, _: Context) -> str:
    """A last line that is the answer and does not return it."""
    tree = parsed(source)
    function = _answer(tree)
    if function is None or _own_returns(function):
        return source
    last = function.body[-1]
    if not isinstance(last, ast.Expr):
        return source
    value = last.value
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "print" and len(value.args) == 1:
        value = value.args[0]
    function.body[-1] = ast.Return(value)
    return _text(tree)


def typed_answer(source: str, context: Context) -> str:
    """A bare value that is returned: ``return distance(a, b)`` for ``return number(distance(a, b), "m")``."""
    tree = parsed(source)
    function = _answer(tree)
    if function is None:
        return source
    changed = False
    for node in _own_returns(function):
        if node.value is None or _typed(node.value, function):
            continue
        value = ast.unparse(node.value)
        if context.answer_type == "number" and context.unit:
            made = f'number({value}, "{context.unit}")'
        elif context.answer_type == "choice":
            made = f"choice({value}, {lit(context.options)})"
        elif context.answer_type == "ordering":
            made = f"ordering({value})"
        else:
            made = f"boolean({value})"
        node.value = ast.parse(made, mode="eval").body
        changed = True
    return _text(tree) if changed else source


def option_list(source: str, context: Context) -> str:
    """The list of options written out in another order or with letters: the question's own."""
    tree = parsed(source)
    if tree is None or not context.options:
        return source
    wanted = list(context.options)
    folded = sorted(option.casefold() for option in wanted)
    changed = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "choice" or len(node.args) != 2:
            continue
        listed = node.args[1]
        if not isinstance(listed, ast.List | ast.Tuple):
            continue
        texts = [e.value if isinstance(e, ast.Constant) else None for e in listed.elts]
        if texts == wanted or not all(isinstance(text, str) for text in texts):
            continue
        if sorted(str(text).casefold() for text in texts) == folded:
            node.args[1] = ast.parse(lit(wanted), mode="eval").body
            changed = True
    return _text(tree) if changed else source


def object_for_name(source: str, context: Context) -> str:
    """An object where its category is wanted: ``choice(closest(…), …)``."""
    tree = parsed(source)
    function = _answer(tree)
    if function is None or context.answer_type != "choice":
        return source
    bound = {
        node.targets[0].id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    changed = False
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "choice" and node.args:
            value = node.args[0]
            meant = bound.get(value.id) if isinstance(value, ast.Name) else value
            if isinstance(meant, ast.Call) and ast.unparse(meant.func) in _GIVE_OBJECTS:
                node.args[0] = ast.Attribute(value, "category", ast.Load())
                changed = True
    return _text(tree) if changed else source


PROGRAM_FIXERS: Mapping[str, Callable[[str, Context], str]] = {
    "code_fence": code_fence,
    "escaped_newlines": escaped_newlines,
    "indentation": indentation,
    "stray_ends": stray_ends,
    "no_def": no_def,
    "def_name": def_name,
    "scene_prefix": scene_prefix,
    "missing_return": missing_return,
    "typed_answer": typed_answer,
    "option_list": option_list,
    "object_for_name": object_for_name,
}
"""In the order in which they are tried."""


def fix_program(source: str, context: Context) -> tuple[str, list[str]]:
    """The program after all fixers, and the names of those that changed something."""
    used = []
    for name, fix in PROGRAM_FIXERS.items():
        fixed = fix(source, context)
        if fixed != source:
            source = fixed
            used.append(name)
    return source, used


def parsed(source: str) -> ast.Module | None:
    """The program's syntax tree; None where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # e.g. "\d" in a string
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _answer(tree: ast.Module | None) -> ast.FunctionDef | None:
    found = tree.body[0] if tree and len(tree.body) == 1 else None
    return found if isinstance(found, ast.FunctionDef) and found.body else None


def _own_returns(function: ast.FunctionDef) -> list[ast.Return]:
    """The returns of a function, those of functions inside it left out."""
    found: list[ast.Return] = []
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Return):
            found.append(node)
        elif not isinstance(node, ast.FunctionDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return found


def _typed(value: ast.expr, function: ast.FunctionDef) -> bool:
    """Whether an expression is an answer already, or a name that may hold one."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in _ANSWERS
    if isinstance(value, ast.IfExp):
        return _typed(value.body, function) or _typed(value.orelse, function)
    if isinstance(value, ast.Name):
        return any(
            isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets)
            and _typed(node.value, function)
            and not isinstance(node.value, ast.Name)
            for node in ast.walk(function)
        )
    return False


def _text(tree: ast.Module | None) -> str:
    assert tree is not None
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
