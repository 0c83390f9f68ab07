"""Which objects a counting program sifts, read off its text."""

from __future__ import annotations

import ast
import warnings


def filtered_categories(source: str) -> frozenset[str] | None:
    """Categories of the row that a program counts a part of, as it spells them; empty for every object.

    None where there is not exactly one such row, or where it cannot be told what is in it: only a row that comes
    straight from ``objects(…)`` with names written out is known.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    nodes = list(ast.walk(tree))
    conditional = [
        node
        for node in nodes
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp)
        and any(part.ifs for part in node.generators)
    ]
    if len(conditional) != 1 or isinstance(conditional[0], ast.DictComp):
        return None
    sifted = conditional[0]
    others = [n for n in nodes if isinstance(n, ast.comprehension)]
    if len(sifted.generators) != 1 or len(others) != 1:
        return None
    row = sifted.generators[0].iter
    if isinstance(row, ast.Name):
        bound = [
            n.value
            for n in nodes
            if isinstance(n, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == row.id for t in n.targets)
        ]
        stores = [
            n for n in nodes if isinstance(n, ast.Name) and n.id == row.id and isinstance(n.ctx, ast.Store)
        ]
        if len(bound) != 1 or len(stores) != 1:
            return None
        row = bound[0]
    if not (isinstance(row, ast.Call) and isinstance(row.func, ast.Name) and row.func.id == "objects"):
        return None
    if any(isinstance(node, ast.BinOp) for node in nodes if node is not sifted and _around(node, sifted)):
        return None  # the part is added to something else
    names = [a.value for a in row.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return frozenset(names) if len(names) == len(row.args) else None


def _around(node: ast.AST, inner: ast.AST) -> bool:
    return any(child is inner for child in ast.walk(node))
