"""What belongs in which room: anchors against walls, groups around them, then things on tops, walls and floor."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from scene_adapters.procedural.groups import dining_group, islands, openings, work_place
from scene_adapters.procedural.layout import Item, Layout
from scene_adapters.procedural.shell import Box, Shell

Furnisher = Callable[[Layout], None]

_TOPS = ("table", "desk", "nightstand", "cabinet", "bookshelf", "bench", "piano", "washer", "dishwasher")
_TOP_LIMIT_M = 1.35  # nobody sees what lies higher


def furnish(shell: Shell, random: Random, *, fewest: int, most: int) -> Layout:
    """Fill a room up to a drawn number of objects between ``fewest`` and ``most``; it may come out lower if full."""
    layout = Layout(shell, random)
    # A small room holds little; a large one may still be sparse.
    roomy = min(most, int(13 + 0.75 * shell.area_m2))
    target = max(fewest, random.randint(min(roomy, max(fewest, roomy // 2)), roomy))
    openings(layout)
    shares = {kind: share for kind, (low, high, share) in ROOMS.items() if low <= shell.area_m2 <= high}
    kind = random.choices(list(shares), list(shares.values()))[0]
    _FURNISHERS[kind](layout)
    # Half of the largest rooms serve a second purpose, as studios and open kitchens do.
    if shell.area_m2 > 24 and random.random() < 0.6 and len(layout.items) < target:
        _FURNISHERS[
            random.choice([k for k in ("bedroom", "living", "office", "kitchen", "dining") if k != kind])
        ](layout)
    islands(layout, target)
    if len(layout.items) > target:
        _thin(layout, target)
    _fill(layout, kind, target)
    return layout


def _thin(layout: Layout, target: int) -> None:
    # Drop what carries nothing, last in first out, but keep anchors and openings.
    items = layout.items
    for index in range(len(items) - 1, 0, -1):
        if len(items) <= target:
            return
        if not any(other.support is items[index] for other in items) and items[index].category not in (
            "door",
            "window",
        ):
            del items[index]


def _bedroom(layout: Layout) -> None:
    random = layout.random
    for _ in range(2 if layout.shell.area_m2 > 22 and random.random() < 0.35 else 1):
        bed = layout.at_wall("bed", corner=0.25, tries=30)
        if bed is None:
            return
        for _ in range(random.randint(1, 2) if bed.size_m[0] < 1.4 else random.randint(2, 4)):
            layout.on_top(bed, "pillow", ahead=(-1.0, -0.75), turn=0.12)
        for side in (-1, 1):
            if random.random() < 0.8:
                stand = layout.beside(bed, "nightstand", side)
                if stand is not None and random.random() < 0.7:
                    layout.on_top(stand, "lamp")
        if random.random() < 0.6:
            layout.hang("picture", (1.2, 1.5), above=bed)
        if random.random() < 0.3:
            layout.facing(bed, "bench", gap_m=0.06, toward=False)
    layout.at_wall("wardrobe", front_m=0.5)
    if random.random() < 0.5:
        work_place(layout)
    if random.random() < 0.4:
        layout.at_wall("cabinet", front_m=0.4)
    if random.random() < 0.35:
        layout.at_wall("armchair", corner=0.6)


def _living(layout: Layout) -> None:
    random = layout.random
    sofa = layout.at_wall("sofa", corner=0.15, front_m=1.0, tries=30)
    if sofa is not None:
        table = layout.facing(
            sofa,
            "table",
            gap_m=random.uniform(0.35, 0.5),
            toward=False,
            most_m=(1.3, 0.75, 0.5),
            passage=False,
        )
        if table is not None:
            for name in random.sample(["book", "bowl", "plant", "laptop", "book"], 2):
                layout.on_top(table, name)
            if random.random() < 0.6:
                layout.facing(
                    table, "armchair", gap_m=0.45, side=random.choice((1, 3)), turn=random.uniform(-0.2, 0.2)
                )
            if random.random() < 0.5:
                layout.facing(table, "ottoman", gap_m=0.35)
        if random.random() < 0.6:
            layout.beside(sofa, "lamp", random.choice((-1, 1)), least=0.6)
        if random.random() < 0.7:
            layout.hang("picture", (1.25, 1.6), above=sofa)
    if layout.shell.area_m2 > 20 and random.random() < 0.4:
        layout.at_wall("sofa", front_m=0.6)
    stand = layout.at_wall("cabinet", most_m=(1.8, 0.55, 0.8), front_m=0.5)
    if stand is not None:
        layout.on_top(stand, "tv", turn=0.0, along=(-0.3, 0.3), ahead=(-0.2, 0.2))
    for name, chance in (
        ("bookshelf", 0.8),
        ("bookshelf", 0.35),
        ("piano", 0.3),
        ("heater", 0.5),
        ("armchair", 0.4),
    ):
        if random.random() < chance:
            layout.at_wall(name, front_m=0.3)
    for name, chance in (("plant", 0.7), ("guitar", 0.35), ("fan", 0.2), ("basket", 0.3)):
        if random.random() < chance:
            layout.on_floor(name)


def _office(layout: Layout) -> None:
    random = layout.random
    places = max(1, min(6, int(layout.shell.area_m2 / random.uniform(6.0, 12.0))))
    for index in range(places):
        work_place(layout, free=index % 3 == 2)
    stand = layout.at_wall("cabinet", front_m=0.4)
    if stand is not None:
        layout.on_top(stand, "printer", turn=0.06)
    for name, chance in (
        ("bookshelf", 0.8),
        ("wardrobe", 0.25),
        ("sofa", 0.25),
        ("heater", 0.5),
        ("bookshelf", 0.3),
    ):
        if random.random() < chance:
            layout.at_wall(name, front_m=0.3)
    if random.random() < 0.7:
        layout.hang("whiteboard", (0.85, 1.1))
    for name, chance in (
        ("trash bin", 0.8),
        ("plant", 0.6),
        ("backpack", 0.5),
        ("computer tower", 0.4),
        ("box", 0.3),
    ):
        if random.random() < chance:
            layout.on_floor(name)


def _kitchen(layout: Layout) -> None:
    random = layout.random
    anchor = layout.at_wall("refrigerator", corner=0.7, front_m=0.6, tries=24)
    row = ["stove", "cabinet", "sink", "dishwasher", "cabinet", "washer"]
    random.shuffle(row)
    for side in (-1, 1):
        last = anchor
        while (
            last is not None
            and row
            and (placed := layout.beside(last, row[0], side, gap_m=0.025)) is not None
        ):
            last = placed
            row.pop(0)
            front_x, front_y = last.box.at(0.0, last.box.hy + 0.3)
            layout.reserve(Box(front_x, front_y, last.box.yaw, last.box.hx, 0.3, 0.0, 1.2))
    for name in row:
        if name in ("stove", "sink", "cabinet") and layout.count(name) == 0:
            layout.at_wall(name, front_m=0.5)
    for item in list(layout.items):
        if item.category == "cabinet":
            for name in random.sample(["microwave", "kettle", "bowl", "plant"], 2):
                layout.on_top(item, name, turn=0.06)
    if layout.shell.area_m2 > 10:
        dining_group(layout, least=0.0)
    for name, chance in (("trash bin", 0.8), ("basket", 0.3), ("stool", 0.3)):
        if random.random() < chance:
            layout.on_floor(name)
    if random.random() < 0.5:
        layout.hang("clock", (1.7, 2.0))


def _dining(layout: Layout) -> None:
    random = layout.random
    dining_group(layout, least=0.5)
    stand = layout.at_wall("cabinet", front_m=0.4)
    if stand is not None:
        layout.on_top(stand, random.choice(("lamp", "tv", "plant")), turn=0.0)
    for name, chance in (
        ("bookshelf", 0.5),
        ("piano", 0.3),
        ("bench", 0.5),
        ("heater", 0.5),
        ("armchair", 0.3),
    ):
        if random.random() < chance:
            layout.at_wall(name, front_m=0.3)
    if random.random() < 0.5:
        layout.hang("whiteboard" if random.random() < 0.4 else "mirror", (0.85, 1.1))
    layout.on_floor("plant")


def _bathroom(layout: Layout) -> None:
    random = layout.random
    layout.at_wall("bathtub", corner=1.0, tries=24)
    layout.at_wall("toilet", front_m=0.45)
    basin = layout.at_wall("sink", front_m=0.5)
    if basin is not None:
        layout.hang("mirror", (1.2, 1.3), above=basin)
    if random.random() < 0.7:
        layout.at_wall("washer", front_m=0.4)
    layout.at_wall("cabinet", most_m=(1.1, 0.45, 1.1), front_m=0.3)
    for _ in range(random.randint(1, 3)):
        layout.hang("towel", (0.9, 1.3))
    for name, chance in (("basket", 0.8), ("trash bin", 0.8), ("stool", 0.5), ("plant", 0.4)):
        if random.random() < chance:
            layout.on_floor(name)
    if random.random() < 0.6:
        layout.at_wall("heater")


ROOMS: dict[str, tuple[float, float, float]] = {
    "bathroom": (0.0, 16.0, 3.0),
    "bedroom": (8.0, 48.0, 2.0),
    "office": (8.0, math.inf, 1.0),
    "kitchen": (8.0, 45.0, 1.6),
    "living": (13.0, math.inf, 1.5),
    "dining": (13.0, math.inf, 1.0),
}
"""Kinds of rooms: the floor areas in square metres at which they occur, and how often they do."""

_FURNISHERS: dict[str, Furnisher] = {
    "bathroom": _bathroom,
    "bedroom": _bedroom,
    "office": _office,
    "kitchen": _kitchen,
    "living": _living,
    "dining": _dining,
}

_FILL_FLOOR = (
    "plant", "trash bin", "backpack", "suitcase", "basket", "box", "fan", "guitar", "lamp", "stool", "ottoman",
)  # fmt: skip
_FILL_BATHROOM = ("plant", "trash bin", "basket", "box", "stool", "fan")
_FILL_WALL = ("picture", "picture", "mirror", "clock", "heater", "whiteboard", "tv")
_FILL_TOP = ("book", "book", "plant", "lamp", "bowl", "telephone", "laptop", "printer", "box", "kettle")
_LIMIT = {
    "book": 5,
    "picture": 5,
    "box": 5,
    "plant": 5,
    "lamp": 4,
    "bowl": 4,
    "stool": 4,
    "towel": 4,
    "backpack": 3,
}


def _fill(layout: Layout, kind: str, target: int) -> None:
    """Add loose things until the target is reached or nothing fits any more."""
    random, misses = layout.random, 0
    while len(layout.items) < target and misses < 40:
        where = random.random()
        if where < 0.45:
            name = random.choice(_FILL_BATHROOM if kind == "bathroom" else _FILL_FLOOR)
        elif where < 0.7:
            name = random.choice(
                ("towel", "mirror", "picture", "clock") if kind == "bathroom" else _FILL_WALL
            )
        else:
            name = random.choice(("bowl", "towel", "plant", "basket") if kind == "bathroom" else _FILL_TOP)
        seen = layout.count(name)
        # A second one of its kind is less likely than a first: unique things make better questions.
        if seen >= _LIMIT.get(name, 2) or (seen and random.random() < 0.7):
            misses += 1
            continue
        placed = _put(layout, name, where)
        misses += placed is None


def _put(layout: Layout, name: str, where: float) -> Item | None:
    random = layout.random
    if where < 0.45:
        return layout.on_floor(name, least=0.6 if name == "lamp" else 0.0)
    if where < 0.7 and name != "tv":  # it stands on a foot
        if name == "heater":
            return layout.at_wall("heater")
        low = {"clock": (1.6, 1.95), "towel": (0.9, 1.3), "whiteboard": (0.85, 1.1)}.get(name, (1.05, 1.5))
        return layout.hang(name, low, most_m=(9.0, 0.2, 9.0))
    tops = [i for i in layout.items if i.category in _TOPS and i.box.z1 < _TOP_LIMIT_M]
    return layout.on_top(random.choice(tops), name) if tops else None
