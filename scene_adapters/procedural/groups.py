"""Groups of things that belong together: openings with curtains, work places, tables with seats."""

from __future__ import annotations

import math

from scene_adapters.procedural.layout import Item, Layout
from scene_adapters.procedural.shell import Box


def openings(layout: Layout) -> None:
    """Hang one or two doors, and windows, some of them with curtains."""
    random = layout.random
    for _ in range(2 if layout.shell.area_m2 > 25 and random.random() < 0.5 else 1):
        layout.hang("door", (0.0, 0.0), clear_m=0.85, tries=30)
    for _ in range(random.randint(1, 1 + min(3, int(layout.shell.area_m2 / 14)))):
        window = layout.hang("window", (0.75, 1.0), clear_m=0.35)
        if window is not None and random.random() < 0.35:
            _curtains(layout, window)


def _curtains(layout: Layout, window: Item) -> None:
    size = layout.size("curtain")
    if size is None or window.wall is None:
        return
    width, depth, height = size
    for side in (-1, 1):
        x, y = window.box.at(side * (window.box.hx + width / 2 + 0.02), depth / 2 - window.box.hy)
        top = min(window.box.z1 + 0.1, layout.shell.height_m - 0.05)
        low = round(max(0.03, top - height), 3)
        box = Box(x, y, window.box.yaw, width / 2, depth / 2, low, round(low + height, 3))
        layout.add_box("curtain", size, box, wall=window.wall)


def islands(layout: Layout, target: int) -> None:
    """Furnish the middle of a large room, which would stay empty with everything along the walls."""
    random = layout.random
    for _ in range(int(layout.shell.area_m2 / 16)):
        if len(layout.items) >= target - 3:
            return
        draw = random.random()
        if draw < 0.35:
            dining_group(layout, least=0.3)
        elif draw < 0.55:
            work_place(layout, free=True)
        else:
            center = layout.in_open(
                "table" if draw < 0.8 else "ottoman", margin_m=0.8, most_m=(1.3, 0.8, 0.5)
            )
            if center is None:
                continue
            seat = random.choice(("armchair", "sofa", "stool", "armchair"))
            for side in random.sample(range(4), random.randint(2, 3)):
                layout.facing(
                    center, seat, side=side, gap_m=random.uniform(0.3, 0.45), most_m=(1.9, 1.0, 1.1)
                )
            if center.category == "table":
                layout.on_top(center, random.choice(("bowl", "book", "plant")))


def work_place(layout: Layout, *, free: bool = False) -> Item | None:
    """A desk at a wall, or free in the room, with a chair and what one works with."""
    random = layout.random
    desk = layout.in_open("desk", margin_m=0.75) if free else layout.at_wall("desk", corner=0.3, front_m=0.75)
    if desk is None:
        return None
    layout.facing(
        desk, "chair", along_m=random.uniform(-0.15, 0.05), gap_m=random.uniform(0.05, 0.2),
        turn=random.uniform(-0.35, 0.35), passage=False, style=1,
    )  # fmt: skip
    if random.random() < 0.75:
        layout.on_top(desk, "monitor", turn=0.08, along=(-0.5, 0.5), ahead=(-1.0, -0.7))
        layout.on_top(desk, "keyboard", turn=0.05, along=(-0.4, 0.4), ahead=(0.3, 0.7))
    else:
        layout.on_top(desk, "laptop", turn=0.15, along=(-0.5, 0.5), ahead=(-0.3, 0.5))
    for name, chance in (("lamp", 0.35), ("telephone", 0.3), ("book", 0.5), ("monitor", 0.15)):
        if random.random() < chance:
            layout.on_top(desk, name)
    if random.random() < 0.3 and desk.wall is not None:
        layout.beside(desk, "computer tower", random.choice((-1, 1)))
    return desk


def dining_group(layout: Layout, *, least: float) -> None:
    """A table with 2 to 10 equal chairs around it; ``least`` cuts off the smaller tables."""
    random = layout.random
    table = layout.in_open("table", margin_m=0.75, least=least, tries=30)
    if table is None:
        table = layout.in_open("table", margin_m=0.6, tries=30) or layout.at_wall("table", front_m=0.7)
    if table is None:
        return
    seat = layout.size("chair")
    style = random.randrange(2)
    per_side = max(1, int(table.size_m[0] / 0.68))
    spots = [
        (side, (i + 0.5) / per_side * table.size_m[0] - table.size_m[0] / 2)
        for side in (0, 2)
        for i in range(per_side)
    ]
    spots += [(1, 0.0), (3, 0.0)] if random.random() < 0.6 else []
    for side, along in spots[: random.randint(min(2, len(spots)), len(spots))]:
        layout.facing(
            table, "chair", along_m=along, side=side, gap_m=random.uniform(0.03, 0.12),
            turn=random.uniform(-0.12, 0.12), size=seat, style=style, passage=False,
        )  # fmt: skip
    for name in random.sample(["bowl", "plant", "book", "laptop"], random.randint(1, 2)):
        layout.on_top(table, name, turn=math.pi)
