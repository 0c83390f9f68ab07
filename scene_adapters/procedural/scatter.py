"""Rooms without a purpose: a few kinds of things, each in its own number, put down anywhere.

In a furnished room the words alone say much: chairs come in fours, a bathtub comes with a toilet. Here nothing follows
from anything else, so what stands where can only be seen. Only that a small room has no space for a second bed remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from scene_adapters.procedural.catalog import CATEGORIES, HUNG, RESTING
from scene_adapters.procedural.layout import Item, Layout
from scene_adapters.procedural.shell import Shell

SCATTERED = tuple(name for name in CATEGORIES if name not in RESTING)
"""What can be scattered: all that stands on the floor or hangs on a wall."""
_NUMBERS = (1, 1, 1, 2, 2, 3, 4)
"""How many there are of a kind, whichever kind it is."""
_LOW_M = {"door": (0.0, 0.0), "window": (0.75, 1.0), "clock": (1.5, 1.9)}
_WIDE_M = 0.7


def scatter(shell: Shell, random: Random, *, fewest: int, most: int, categories: Sequence[str]) -> Layout:
    """Put down a drawn number of objects between ``fewest`` and ``most``; fewer where they do not fit."""
    layout = Layout(shell, random)
    target = random.randint(fewest, most)
    for name in random.sample(list(categories), len(categories)):
        for _ in range(min(random.choice(_NUMBERS), target - len(layout.items))):
            _put(layout, name)
    return layout


def _put(layout: Layout, name: str) -> Item | None:
    if name in HUNG:
        return layout.hang(name, _LOW_M.get(name, (1.0, 1.4)))
    placed = None
    if layout.random.random() < 0.5:
        if CATEGORIES[name].size_m[0][1] > _WIDE_M:
            placed = layout.in_open(name, margin_m=0.25)
        else:
            placed = layout.on_floor(name)
    return placed or layout.at_wall(name, corner=0.2)
