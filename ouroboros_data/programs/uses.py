"""Which of the costly tables a program needs, read off its text.

The functions here name tables that are made and sent only for programs that use them. Everything is read from names:
a program that mentions one gets its table. Ways on foot cost a hundredth of a second for each pair of objects, so for
them the arguments are traced back to the categories that the program names.
"""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ouroboros_data.programs import names

TABLE_OF = {
    "footprint": "footprints",
    "vertical_gap": "spans",
    "horizontal_distance": "horizontal",
    "supports": "on",
    "on": "on",
    "above": "above",
    "inside": "inside",
    "contents": "inside",
    "between": "plans",
    "path_length": "ways",
    "longest_wall": "walls",
    "free_wall": "walls",
    "camera_distance": "camera_gaps",
    "depth_order": "camera_gaps",
    "camera_bearing": "azimuths",
    "camera_side": "sides",
    "camera_facing": "facing",
    "camera_level": "levels",
    "left_in_view": "in_view",
    "view_share": "view_shares",
    "camera_height": "cameras",
    "camera_moved": "cameras",
    "camera_turn": "cameras",
    "camera_shift": "cameras",
}
"""Functions of prelude_further.py, and the table that each reads."""
MAX_WAYS = 24
"""Pairs of objects between which ways are sought for one program."""

_MENTION = re.compile(rf"\b(?:{'|'.join(TABLE_OF)})\b")
_SAME_AS_ARGUMENTS = frozenset(
    "only objects sorted list tuple set frozenset reversed min max enumerate zip dict iter next".split()
)
_OF_SECOND = frozenset(["closest", "farthest", "filter", "map"])
_PARTS_OF = frozenset(["values", "items", "get", "copy", "pop", "keys", "setdefault"])
_ADD_TO = frozenset(["append", "extend", "insert", "add", "update"])

Pair = tuple[int, int]
Found = frozenset[str] | None
"""Categories that an expression's objects, or names, are of; None where that cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Tables, and the pairs of objects between which ways are needed."""

    tables: frozenset[str]
    pairs: frozenset[Pair] = frozenset()


def needs(sources: Sequence[str], categories: tuple[str, ...]) -> Needs:
    """What programs need that are run together.

    Args:
        sources: Texts of programs.
        categories: Canonical category of each object of the scene.
    """
    tables = frozenset(TABLE_OF[name] for source in sources for name in _mentioned(source))
    pairs: set[Pair] = set()
    if "ways" in tables:
        for source in sources:
            pairs |= way_pairs(source, categories)
    return Needs(tables=tables, pairs=frozenset(pairs))


def batches(sources: Sequence[str], most: int) -> list[list[int]]:
    """Programs that are run together, as places in ``sources``; one that asks for ways is run by itself.

    Whether the ways that it needs are known must not depend on its neighbours.
    """
    alone = [i for i, source in enumerate(sources) if "path_length" in _mentioned(source)]
    own = set(alone)
    rest = [i for i in range(len(sources)) if i not in own]
    return [rest[k : k + most] for k in range(0, len(rest), most)] + [[i] for i in alone]


def way_pairs(source: str, categories: tuple[str, ...]) -> frozenset[Pair]:
    """Pairs i < j of objects between which a program may ask for ways; empty where they are more than `MAX_WAYS`."""
    tree = _tree(source)
    if "path_length" not in _mentioned(source) or tree is None:
        return frozenset()
    trace = _Trace(tree, tuple(sorted(set(categories))))
    anything = trace.anything()
    pairs: set[Pair] = set()
    called: set[int] = set()
    ends: list[tuple[Found, Found]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "path_length":
            called.add(id(node.func))
            if len(node.args) == 2 and not any(isinstance(a, ast.Starred) for a in node.args):
                ends.append((trace.of(node.args[0]), trace.of(node.args[1])))
            else:
                ends.append((None, None))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "path_length" and id(node) not in called:
            ends.append((None, None))
    for first, second in ends:
        starts, goals = (
            [i for i, category in enumerate(categories) if category in (anything if end is None else end)]
            for end in (first, second)
        )
        pairs |= {(min(i, j), max(i, j)) for i in starts for j in goals if i != j}
        if len(pairs) > MAX_WAYS:
            return frozenset()
    return frozenset(pairs)


class _Trace:
    """Follows expressions back to the categories that they were made from, whatever the order of statements."""

    def __init__(self, tree: ast.Module, categories: tuple[str, ...]) -> None:
        self._tree = tree
        self._categories = categories
        self._bound: dict[str, list[ast.expr | None]] = {}
        self._open: set[str] = set()
        self._over: set[int] = set()
        for node in ast.walk(tree):
            self._visit(node)

    def anything(self) -> frozenset[str]:
        """Categories of all objects that the program may get hold of."""
        found: set[str] = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                takes = {"objects": 0, "on": 1, "contents": 1}.get(node.func.id)
                if takes is not None and len(node.args) <= takes:
                    return frozenset(self._categories)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= self._meant(node.value)
        return frozenset(found)

    def of(self, node: ast.expr | None) -> Found:
        """Categories of what an expression gives, or of the elements of what it gives."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._meant(node.value)
        if isinstance(node, ast.Name):
            return self._of_name(node.id)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, ast.Subscript | ast.Starred | ast.NamedExpr):
            return self.of(node.value)
        if isinstance(node, ast.Attribute):
            return self.of(node.value) if node.attr in ("category", "id") else None
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self._union(node.elts)
        if isinstance(node, ast.Dict):
            return self._union([*node.keys, *node.values])
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self.of(node.elt)
        if isinstance(node, ast.DictComp):
            return self._union([node.key, node.value])
        if isinstance(node, ast.IfExp):
            return self._union([node.body, node.orelse])
        if isinstance(node, ast.BoolOp):
            return self._union(node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
            return self._union([node.left, node.right])
        return None

    def _of_name(self, name: str) -> Found:
        if name in self._open:  # adds nothing that its other bindings do not
            return frozenset()
        if name not in self._bound:
            return None
        self._open.add(name)
        found = self._union(self._bound[name])
        self._open.discard(name)
        return found

    def _of_call(self, node: ast.Call) -> Found:
        function = node.func
        if isinstance(function, ast.Attribute):
            return self.of(function.value) if function.attr in _PARTS_OF else None
        if not isinstance(function, ast.Name) or function.id in self._bound:
            return None
        name, arguments = function.id, node.args
        if name in ("objects", "on", "contents"):
            arguments = arguments if name == "objects" else arguments[1:]
            return self._union(arguments) if arguments else None
        if name in _OF_SECOND:
            return self.of(arguments[1]) if len(arguments) == 2 else None
        if name == "depth_order":
            return self._union(arguments[1:])
        return self._union(arguments) if name in _SAME_AS_ARGUMENTS else None

    def _union(self, nodes: Iterable[ast.expr | None]) -> Found:
        found: set[str] = set()
        for node in nodes:
            part = self.of(node)
            if part is None:
                return None
            found |= part
        return frozenset(found)

    def _meant(self, text: str) -> frozenset[str]:
        name = names.resolve(text, self._categories)
        return frozenset([name]) if name else frozenset()

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            self._bind(node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            self._bind(node.target, node.iter)
        elif isinstance(node, ast.FunctionDef):
            self._bound.setdefault(node.name, []).append(None)
            self._bind_arguments(node.args, None)
        elif isinstance(node, ast.Call):
            self._visit_call(node)
        elif isinstance(node, ast.Lambda) and id(node) not in self._over:
            self._bind_arguments(node.args, None)

    def _visit_call(self, node: ast.Call) -> None:
        """``sorted(xs, key=lambda x: …)`` and the like bind x to an element; ``xs.append(x)`` adds to xs."""
        base = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(base, ast.Name) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADD_TO:
            self._bound.setdefault(base.id, []).append(node.args[-1] if node.args else None)
        over = base or (node.args[0] if len(node.args) == 1 else None)
        functions = [(keyword.value, over) for keyword in node.keywords if keyword.arg == "key"]
        if isinstance(node.func, ast.Name) and node.func.id in ("map", "filter") and len(node.args) == 2:
            functions.append((node.args[0], node.args[1]))
        for function, elements in functions:
            if isinstance(function, ast.Lambda) and len(function.args.args) == 1:
                self._bind_arguments(function.args, elements)
                self._over.add(id(function))  # a call is visited before what is in it

    def _bind(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self._bound.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Subscript | ast.Starred):
            self._bind(target.value, value)
        elif isinstance(target, ast.Tuple | ast.List):
            # Of enumerate() and zip() each part may be an element of any argument; the same holds for pairs.
            for part in target.elts:
                self._bind(part, value)

    def _bind_arguments(self, arguments: ast.arguments, value: ast.expr | None) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in [*every, *filter(None, (arguments.vararg, arguments.kwarg))]:
            self._bound.setdefault(argument.arg, []).append(value)


@functools.lru_cache(maxsize=4096)
def _mentioned(source: str) -> frozenset[str]:
    if source.isascii() and not _MENTION.search(source):  # letters beyond ASCII may spell a name differently
        return frozenset()
    tree = _tree(source)
    if tree is None:
        return frozenset()
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) & TABLE_OF.keys()


def _tree(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None  # it will not run either
