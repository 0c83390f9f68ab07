"""A room that is being furnished: moves that place one object each, in the frame of `shell`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from ouroboros_data.types import Vec3
from scene_adapters.procedural.catalog import CATEGORIES
from scene_adapters.procedural.shell import Box, Shell, Wall, overlap

GAP_M = 0.02
"""Least distance between neighbours that do not rest on each other, and to walls for furniture."""
_WALL_GAP_M = 0.005  # what hangs on a wall
_TOP_HEIGHT_M = {"plant": 0.6, "lamp": 0.65}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """A placed object."""

    category: str
    size_m: Vec3
    box: Box
    style: int
    wall: Wall | None = None
    """The wall that it stands at or hangs on."""
    support: Item | None = None
    """What it rests on; None for the floor or a wall."""


class Layout:
    """A room that is being furnished. Each move returns the placed item, or None where nothing fits."""

    def __init__(self, shell: Shell, random: Random) -> None:
        self.shell, self.random = shell, random
        self.items: list[Item] = []
        self._passages: list[Box] = []

    def count(self, category: str) -> int:
        """How many there are already."""
        return sum(item.category == category for item in self.items)

    def size(self, category: str, *, most_m: Vec3 = (9.0, 9.0, 9.0), least: float = 0.0) -> Vec3 | None:
        """A size from the category's range, whole centimetres, none above ``most_m``; None if the range is above.

        ``least`` cuts off the lower share of each range.
        """
        out = []
        for (low, high), most in zip(CATEGORIES[category].size_m, most_m, strict=True):
            low += least * (high - low)
            if low > most:
                return None
            out.append(round(self.random.uniform(low, min(high, most)), 3))
        return out[0], out[1], out[2]

    def at_wall(
        self,
        category: str,
        *,
        near: Item | None = None,
        most_m: Vec3 = (9.0, 9.0, 9.0),
        least: float = 0.0,
        corner: float = 0.35,
        front_m: float = 0.0,
        tries: int = 14,
    ) -> Item | None:
        """Stand an object with its back to a wall, often in a corner, with ``front_m`` of free floor before it."""
        size = self.size(category, most_m=most_m, least=least)
        if size is None:
            return None
        width, depth, height = size
        walls = [near.wall] if near is not None and near.wall is not None else self.shell.walls
        walls = [wall for wall in walls if wall.length_m > width + 2 * GAP_M]
        if not walls:
            return None
        for _ in range(tries):
            wall = self.random.choices(walls, [w.length_m for w in walls])[0]
            low, high = width / 2 + GAP_M, wall.length_m - width / 2 - GAP_M
            along = self.random.uniform(low, high)
            if self.random.random() < corner:
                along = low if self.random.random() < 0.5 else high
            x, y = wall.at(along, depth / 2 + GAP_M)
            box = Box(x, y, wall.yaw, width / 2, depth / 2, 0.0, height)
            if self.fits(box) and (front_m <= 0 or self._free_front(box, front_m)):
                return self._add(category, size, box, wall=wall)
        return None

    def beside(
        self, anchor: Item, category: str, side: int, *, gap_m: float = 0.05, least: float = 0.0
    ) -> Item | None:
        """Stand an object at the anchor's left (-1) or right (1), backs in line."""
        size = self.size(category, least=least)
        if size is None:
            return None
        width, depth, height = size
        x, y = anchor.box.at(side * (anchor.box.hx + gap_m + width / 2), depth / 2 - anchor.box.hy)
        box = Box(x, y, anchor.box.yaw, width / 2, depth / 2, 0.0, height)
        # A row of cupboards must not run past the end of its wall into the open part of an L.
        if anchor.wall is not None and not anchor.wall.spans(x, y, width):
            return None
        return self._add(category, size, box, wall=anchor.wall) if self.fits(box) else None

    def facing(
        self,
        anchor: Item,
        category: str,
        *,
        along_m: float = 0.0,
        gap_m: float = 0.1,
        side: int = 0,
        turn: float = 0.0,
        most_m: Vec3 = (9.0, 9.0, 9.0),
        size: Vec3 | None = None,
        style: int | None = None,
        toward: bool = True,
        passage: bool = True,
    ) -> Item | None:
        """Stand an object before a side of the anchor (0 front, 1 left, 2 back, 3 right), looking at it or away."""
        size = size or self.size(category, most_m=most_m)
        if size is None:
            return None
        width, depth, height = size
        angle = side * math.pi / 2
        reach = (anchor.box.hy if side % 2 == 0 else anchor.box.hx) + gap_m + depth / 2
        local = (
            math.cos(angle) * along_m - math.sin(angle) * reach,
            math.sin(angle) * along_m + math.cos(angle) * reach,
        )
        x, y = anchor.box.at(*local)
        yaw = anchor.box.yaw + angle + (math.pi if toward else 0.0) + turn
        box = Box(x, y, yaw, width / 2, depth / 2, 0.0, height)
        return self._add(category, size, box, style=style) if self.fits(box, passages=passage) else None

    def in_open(
        self,
        category: str,
        *,
        margin_m: float,
        most_m: Vec3 = (9.0, 9.0, 9.0),
        least: float = 0.0,
        tries: int = 16,
    ) -> Item | None:
        """Stand an object away from the walls, parallel to them, with a margin to everything."""
        size = self.size(category, most_m=most_m, least=least)
        if size is None:
            return None
        width, depth, height = size
        for _ in range(tries):
            yaw = self.random.choice((0.0, math.pi / 2))
            x = self._middling(self.shell.width_m)
            y = self._middling(self.shell.depth_m)
            around = Box(x, y, yaw, width / 2 + margin_m, depth / 2 + margin_m, 0.0, height)
            if self.fits(around, passages=False):
                return self._add(category, size, Box(x, y, yaw, width / 2, depth / 2, 0.0, height))
        return None

    def on_floor(self, category: str, *, least: float = 0.0, tries: int = 14) -> Item | None:
        """Put something movable down near a wall or beside furniture, turned a little."""
        for _ in range(tries):
            size = self.size(category, least=least)
            if size is None:
                return None
            width, depth, height = size
            standing = [i for i in self.items if i.wall is not None and i.support is None and i.box.z0 == 0.0]
            if standing and self.random.random() < 0.5:
                host = self.random.choice(standing)
                side, back = self.random.choice((-1, 1)), self.random.uniform(0.0, 0.15)
                x, y = host.box.at(side * (host.box.hx + width / 2 + 0.08), depth / 2 - host.box.hy + back)
                yaw = host.box.yaw + self.random.uniform(-0.2, 0.2)
            else:
                wall = self.random.choices(self.shell.walls, [w.length_m for w in self.shell.walls])[0]
                along, inward = self.random.uniform(0.2, wall.length_m - 0.2), self.random.uniform(0.06, 0.25)
                x, y = wall.at(along, depth / 2 + inward)
                yaw = wall.yaw + self.random.uniform(-0.45, 0.45)
            box = Box(x, y, yaw, width / 2, depth / 2, 0.0, height)
            if self.fits(box):
                return self._add(category, size, box)
        return None

    def on_top(
        self,
        support: Item,
        category: str,
        *,
        along: tuple[float, float] = (-1.0, 1.0),
        ahead: tuple[float, float] = (-1.0, 1.0),
        turn: float = 0.25,
        yaw: float | None = None,
        tries: int = 6,
    ) -> Item | None:
        """Rest an object on the support's top, within the given share of its half edges, wholly inside its outline."""
        top = support.box
        widest = 1.9 * max(top.hx, top.hy)
        # A floor lamp or a big plant would topple a table.
        highest = min(_TOP_HEIGHT_M.get(category, 9.0), self.shell.height_m - top.z1 - 0.05)
        size = self.size(category, most_m=(widest, widest, highest))
        if size is None:
            return None
        width, depth, height = size
        for _ in range(tries):
            angle = (yaw or 0.0) + self.random.uniform(-turn, turn)
            cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
            room_x = top.hx - 0.01 - (width * cos + depth * sin) / 2
            room_y = top.hy - 0.01 - (width * sin + depth * cos) / 2
            if room_x < 0 or room_y < 0:
                return None
            x, y = top.at(self.random.uniform(*along) * room_x, self.random.uniform(*ahead) * room_y)
            box = Box(x, y, top.yaw + angle, width / 2, depth / 2, top.z1, round(top.z1 + height, 3))
            if self.fits(box, passages=False):
                return self._add(category, size, box, support=support)
        return None

    def hang(
        self,
        category: str,
        low_m: tuple[float, float],
        *,
        above: Item | None = None,
        most_m: Vec3 = (9.0, 9.0, 9.0),
        clear_m: float = 0.0,
        tries: int = 14,
    ) -> Item | None:
        """Hang something on a wall with its lower edge in the range, keeping ``clear_m`` of air before it."""
        size = self.size(category, most_m=most_m)
        if size is None:
            return None
        width, depth, height = size
        for _ in range(tries):
            low = round(self.random.uniform(*low_m), 3)
            if low + height > self.shell.height_m - 0.08:
                low = round(self.shell.height_m - 0.08 - height, 3)
                if low < 0.0:
                    return None
            if above is not None and above.wall is not None:
                wall = above.wall
                along = wall.along(above.box.x, above.box.y) + self.random.uniform(-0.3, 0.3)
                if above.box.z1 + 0.08 > low:
                    low = round(above.box.z1 + 0.12, 3)
            else:
                wall = self.random.choices(self.shell.walls, [w.length_m for w in self.shell.walls])[0]
                along = self.random.uniform(0.0, wall.length_m)
            if (
                not width / 2 + 0.1 < along < wall.length_m - width / 2 - 0.1
                or low + height > self.shell.height_m - 0.05
            ):
                continue
            x, y = wall.at(along, depth / 2 + _WALL_GAP_M)
            box = Box(x, y, wall.yaw, width / 2, depth / 2, low, round(low + height, 3))
            if not self.fits(box, gap=0.06):
                continue
            x, y = wall.at(along, (depth + clear_m) / 2 + _WALL_GAP_M)
            before = Box(x, y, wall.yaw, width / 2, (depth + clear_m) / 2, box.z0, box.z1)
            if clear_m == 0.0 or self.fits(before, passages=False):
                if clear_m > 0.0:
                    self._passages.append(before)
                return self._add(category, size, box, wall=wall)
        return None

    def fits(self, box: Box, *, gap: float = GAP_M, passages: bool = True) -> bool:
        """Whether the box lies in the room, clear of all items, and of what has to stay open."""
        shell, edge = self.shell, 0.004
        for x, y in box.corners():
            if not (edge <= x <= shell.width_m - edge and edge <= y <= shell.depth_m - edge):
                return False
        if box.z1 > shell.height_m - 0.02 or (shell.notch is not None and overlap(box, shell.notch, edge)):
            return False
        if any(overlap(box, item.box, gap) for item in self.items):
            return False
        return not passages or not any(overlap(box, zone) for zone in self._passages)

    def reserve(self, box: Box) -> None:
        """Keep a space open from what is placed against walls and put down later."""
        self._passages.append(box)

    def _free_front(self, box: Box, front_m: float) -> bool:
        x, y = box.at(0.0, box.hy + front_m / 2)
        before = Box(x, y, box.yaw, box.hx, front_m / 2, 0.0, 1.2)
        if not self.fits(before, gap=0.0, passages=False):
            return False
        self._passages.append(before)
        return True

    def _middling(self, length_m: float) -> float:
        # The sum of two uniform draws favours the middle of the room.
        return length_m * (self.random.random() + self.random.random()) / 2

    def add_box(self, category: str, size: Vec3, box: Box, *, wall: Wall | None = None) -> Item | None:
        """Put an object exactly there."""
        return self._add(category, size, box, wall=wall) if self.fits(box) else None

    def _add(
        self,
        category: str,
        size: Vec3,
        box: Box,
        *,
        wall: Wall | None = None,
        support: Item | None = None,
        style: int | None = None,
    ) -> Item:
        if style is None:
            style = self.random.randrange(len(CATEGORIES[category].shapes))
        item = Item(category=category, size_m=size, box=box, style=style, wall=wall, support=support)
        self.items.append(item)
        return item
