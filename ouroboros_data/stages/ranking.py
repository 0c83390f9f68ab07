"""Which way a program ranks things, read off its text, and which way a question asks it to.

Both sides say nothing where they are not sure: a manual loop, a key that subtracts, "the second tallest".
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Way = Literal["least", "most", "rising", "falling"]
OPPOSITE: dict[Way, Way] = {"least": "most", "most": "least", "rising": "falling", "falling": "rising"}

_SIZES = {
    "height": {"tall", "size"},
    "length": {"long", "size"},
    "width": {"long", "size"},
    "longest": {"long", "size"},
    "volume": {"size"},
    "footprint": {"size"},
}
_KINDS: dict[str, frozenset[str]] = {
    **{name: frozenset(kinds) for name, kinds in _SIZES.items()},
    **dict.fromkeys(
        ("distance", "center_distance", "horizontal_distance", "camera_distance", "path_length"),
        frozenset(["near"]),
    ),
    "view_share": frozenset(["size"]),
    "count": frozenset(["number"]),
    "len": frozenset(["number"]),
}
"""What the values of a function can be called superlatives of."""

_WORDS: tuple[tuple[str, str, Way], ...] = (
    ("near", r"closest|nearest|(?:smallest|shortest|least)\s+(?:gap|distance)", "least"),
    ("near", r"farthest|furthest|most\s+(?:distant|remote)|(?:largest|longest|greatest)\s+(?:gap|distance)", "most"),
    ("tall", r"tallest|highest", "most"),
    ("tall", r"lowest|shortest(?!\s+(?:gap|distance|path|way|route|walk|side|edge))", "least"),
    ("long", r"longest(?!\s+(?:gap|distance|path|way|route|walk|side|edge|dimension))|widest", "most"),
    ("long", r"narrowest", "least"),
    ("size", r"(?:largest|biggest|bulkiest)(?!\s+(?:gap|distance|of\s+its|side|edge|dimension))", "most"),
    ("size", r"smallest(?!\s+(?:gap|distance|side|edge|dimension))", "least"),
    ("number", r"(?<!at )most\s+(?:numerous|common|frequent)|(?<!at )the\s+most(?=\s+(?!distant|remote)\w+s\b)", "most"),
    ("number", r"fewest|least\s+(?:numerous|common|frequent)", "least"),
)  # fmt: skip
_WORD = [(kind, re.compile(rf"\b(?:{words})\b"), way) for kind, words, way in _WORDS]
# Measures of distance that are not what is ranked; and what turns a superlative round or past the first place.
_ASIDE = re.compile(r"\b(?:closest|nearest)\s+points?\b|\b(?:the\s+)?narrowest\s+(?:point|place)\b")
_UNSURE = re.compile(
    r"\b(?:not|never|except|excluding|other than|apart from|besides|n't|second|third|fourth|next(?!\s+to\b)|runner)\b|-(?:st|nd|rd|th)\b"
    r"|\b(?:2nd|3rd|4th)\b"
)
_RISING = re.compile(r"\b(?:ascending|increasing|rising)\b")
_FALLING = re.compile(r"\b(?:descending|decreasing|falling)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """A step that picks from a row, or puts one in order."""

    kinds: frozenset[str]
    """Of ``near``, ``tall``, ``long``, ``size``, ``number``."""
    way: Way
    text: str
    """For people."""


def asked(text: str) -> list[Ranking]:
    """The superlatives and orders of a question; empty where one of its words makes that doubtful.

    Args:
        text: Lower case.
    """
    if _UNSURE.search(text):
        return []
    text = _ASIDE.sub(" ", text)
    found = sorted(
        (match.start(), match.end(), kind, way, match[0])
        for kind, pattern, way in _WORD
        for match in pattern.finditer(text)
    )
    order = _order(text, found)
    if order:
        return order
    kinds = {"tall": frozenset(["tall", "long"]) if re.search(r"\bshortest\b", text) else frozenset(["tall"])}
    return [
        Ranking(kinds=kinds.get(kind, frozenset([kind])), way=way, text=" ".join(word.split()))
        for _, _, kind, way, word in found
    ]


def _order(text: str, found: list[tuple[int, int, str, Way, str]]) -> list[Ranking]:
    """Of words like from tallest to shortest, closest first, in ascending order of height."""
    rises, falls = _RISING.search(text), _FALLING.search(text)
    if (rises is None) != (falls is None) and not found:
        said = rises or falls
        assert said is not None
        every = frozenset(kind for kind, _, _ in _WORD)
        return [Ranking(kinds=every, way="rising" if rises else "falling", text=said[0])]
    if len(found) == 2 and re.fullmatch(
        r"(?:\s+\w+)?(?:\s+\w+)?\s+(?:to|through)\s+(?:the\s+)?", text[found[0][1] : found[1][0]]
    ):
        (_, _, first, way, one), (_, _, last, other, two) = found
        if way == other or not (first == last or {first, last} <= {"tall", "long"}):
            return []
        turned: Way = "rising" if way == "least" else "falling"
        return [Ranking(kinds=frozenset([first]), way=turned, text=f"{one} to {two}")]
    if len(found) == 1 and re.match(r"\s+(?:ones?\s+)?(?:comes?\s+)?first\b", text[found[0][1] :]):
        _, _, kind, way, word = found[0]
        return [
            Ranking(
                kinds=frozenset([kind]), way="rising" if way == "least" else "falling", text=f"{word} first"
            )
        ]
    return []


def done(source: str) -> list[Ranking] | None:
    """The rankings of a program; None where the way of one of them cannot be told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = _Program(ast.parse(source))
            return list(program.rankings())
        except (SyntaxError, ValueError, RecursionError, MemoryError, _DoubtError):
            return None


class _DoubtError(Exception):
    """What a step does cannot be told."""


class _Program:
    def __init__(self, tree: ast.Module) -> None:
        self._nodes = list(ast.walk(tree))
        self._parent = {child: node for node in self._nodes for child in ast.iter_child_nodes(node)}
        self._bound: dict[str, list[ast.expr | ast.FunctionDef | None]] = defaultdict(list)
        for node in self._nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    self._bound[target.id].append(node.value)
            elif isinstance(node, ast.FunctionDef):
                self._bound[node.name].append(node)
        stored = [n.id for n in self._nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        for name in set(stored):
            if stored.count(name) > 1:
                self._bound[name].append(None)

    def rankings(self) -> Iterator[Ranking]:
        for node in self._nodes:
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("sort", "reverse"):
                raise _DoubtError
            if not isinstance(node.func, ast.Name) or node.func.id in self._bound:
                continue
            name = node.func.id
            if name in ("closest", "farthest"):
                way: Way = "least" if name == "closest" else "most"
                yield Ranking(kinds=frozenset(["near"]), way=way, text=f"{name}()")
            elif name in ("min", "max", "sorted"):
                yield from self._by_value(node, name)

    def _by_value(self, node: ast.Call, name: str) -> Iterator[Ranking]:
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        if len(node.args) != 1 or None in options:
            if "key" in options or None in options:
                raise _DoubtError
            return  # max(a, b): sides of one thing, most often
        key = options.get("key")
        ranked = self._value(key) if key is not None else self._element(node.args[0])
        if ranked is None:
            return
        kinds, negative = ranked
        text = f"{name}() by {'-' if negative else ''}{ast.unparse(key) if key is not None else 'value'}"[:80]
        if name != "sorted":
            way: Way = "least" if (name == "min") != negative else "most"
            yield Ranking(kinds=kinds, way=way, text=text)
            return
        reverse = options.get("reverse")
        if reverse is not None and not (
            isinstance(reverse, ast.Constant) and isinstance(reverse.value, bool | int)
        ):
            raise _DoubtError
        falling = negative != bool(isinstance(reverse, ast.Constant) and reverse.value)
        for used in self._uses(node, falling):
            yield Ranking(kinds=kinds, way=used, text=text)

    def _uses(self, node: ast.expr, falling: bool, depth: int = 0) -> set[Way]:
        """What is taken of a sorted row: its head, its end, or the row."""
        parent = self._parent[node]
        if depth > 8:
            raise _DoubtError
        if isinstance(parent, ast.Subscript) and parent.value is node:
            place = parent.slice
            if isinstance(place, ast.Slice):
                if place.lower is place.upper is None and place.step and ast.unparse(place.step) == "-1":
                    return self._uses(parent, not falling, depth + 1)
                raise _DoubtError
            first = {"0": True, "-1": False}.get(ast.unparse(place))
            if first is None:
                raise _DoubtError
            return {"most" if first == falling else "least"}
        if (
            isinstance(parent, ast.Call)
            and isinstance(parent.func, ast.Name)
            and parent.func.id
            in (
                "reversed",
                "list",
                "tuple",
            )
        ):
            return self._uses(parent, falling != (parent.func.id == "reversed"), depth + 1)
        if isinstance(parent, ast.comprehension) and parent.iter is node:
            whole = self._parent[parent]
            if not isinstance(whole, ast.ListComp) or len(whole.generators) != 1:
                raise _DoubtError
            return self._uses(whole, falling, depth + 1)
        if (
            isinstance(parent, ast.Assign)
            and len(parent.targets) == 1
            and isinstance(parent.targets[0], ast.Name)
        ):
            name = parent.targets[0].id
            loads = [
                n
                for n in self._nodes
                if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
            ]
            if len(self._bound[name]) != 1 or not loads:
                raise _DoubtError
            return {use for load in loads for use in self._uses(load, falling, depth + 1)}
        if isinstance(parent, ast.Return) or (
            isinstance(parent, ast.Call)
            and isinstance(parent.func, ast.Name)
            and parent.func.id == "ordering"
        ):
            return {"falling" if falling else "rising"}
        raise _DoubtError

    def _value(self, key: ast.expr) -> tuple[frozenset[str], bool]:
        """What a key function measures, and whether it turns the sign."""
        if isinstance(key, ast.Name) and len(self._bound.get(key.id, [])) == 1:
            bound = self._bound[key.id][0]
            if isinstance(bound, ast.FunctionDef):
                if len(bound.body) != 1 or not isinstance(bound.body[0], ast.Return):
                    raise _DoubtError
                value = bound.body[0].value
            elif isinstance(bound, ast.Lambda):
                value = bound.body
            else:
                raise _DoubtError
        elif isinstance(key, ast.Name) and key.id in _KINDS and key.id not in self._bound:
            return _KINDS[key.id], False
        elif isinstance(key, ast.Lambda):
            value = key.body
        else:
            raise _DoubtError
        measured = self._measure(value)
        if measured is None:
            raise _DoubtError
        return measured

    def _element(self, row: ast.expr) -> tuple[frozenset[str], bool] | None:
        """What the elements of a row measure; None where it is no ranking by a measure."""
        if isinstance(row, ast.Name) and len(self._bound.get(row.id, [])) == 1:
            bound = self._bound[row.id][0]
            if isinstance(bound, ast.expr):
                row = bound
        if isinstance(row, ast.ListComp | ast.GeneratorExp):
            return self._measure(row.elt)
        if isinstance(row, ast.List) and row.elts:
            each = {self._measure(item) for item in row.elts}
            return each.pop() if len(each) == 1 else None
        return None

    def _measure(self, value: ast.expr | None) -> tuple[frozenset[str], bool] | None:
        if isinstance(value, ast.Tuple) and value.elts:
            return self._measure(value.elts[0])
        negative = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub)
        if negative:
            assert isinstance(value, ast.UnaryOp)
            value = value.operand
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            if value.func.id == "round" and value.args:
                inner = self._measure(value.args[0])
                return None if inner is None else (inner[0], inner[1] != negative)
            if value.func.id in _KINDS and value.func.id not in self._bound:
                return _KINDS[value.func.id], negative
        return None
