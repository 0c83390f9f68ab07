"""The room's shell and upright oriented boxes in it.

All of this is in the room's own frame: the floor's bounding rectangle has a corner at the origin, walls run along
x and y, z is up. Objects turn about z only, so two boxes overlap exactly if their height intervals do and their
footprints do, which four separating axes decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from ouroboros_data.types import Vec2

_TOUCH_M = 1e-6


class Box:
    """An upright oriented box: centre (x, y), yaw, half edges, and the interval of heights."""

    __slots__ = ("c", "hx", "hy", "reach", "s", "x", "y", "yaw", "z0", "z1")

    def __init__(self, x: float, y: float, yaw: float, hx: float, hy: float, z0: float, z1: float) -> None:
        self.x, self.y, self.yaw, self.hx, self.hy, self.z0, self.z1 = x, y, yaw, hx, hy, z0, z1
        self.c, self.s = math.cos(yaw), math.sin(yaw)
        self.reach = math.hypot(hx, hy)

    def at(self, along: float, ahead: float) -> Vec2:
        """Room position of a point given along the box's own x and y axes from its centre."""
        return self.x + self.c * along - self.s * ahead, self.y + self.s * along + self.c * ahead

    def corners(self) -> list[Vec2]:
        """The four corners of the footprint, counter-clockwise."""
        return [self.at(i * self.hx, j * self.hy) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def overlap(a: Box, b: Box, gap: float = 0.0) -> bool:
    """Whether two boxes come closer than ``gap`` sideways while sharing heights; resting on each other is fine."""
    if a.z0 >= b.z1 - _TOUCH_M or b.z0 >= a.z1 - _TOUCH_M:
        return False
    dx, dy = b.x - a.x, b.y - a.y
    if dx * dx + dy * dy >= (a.reach + b.reach + gap) ** 2:
        return False
    cos, sin = abs(a.c * b.c + a.s * b.s), abs(a.c * b.s - a.s * b.c)
    return (
        abs(dx * a.c + dy * a.s) < a.hx + b.hx * cos + b.hy * sin + gap
        and abs(dy * a.c - dx * a.s) < a.hy + b.hx * sin + b.hy * cos + gap
        and abs(dx * b.c + dy * b.s) < b.hx + a.hx * cos + a.hy * sin + gap
        and abs(dy * b.c - dx * b.s) < b.hy + a.hx * sin + a.hy * cos + gap
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """One side of the floor polygon; the room lies to the left of its direction."""

    start_m: Vec2
    direction: Vec2
    length_m: float
    yaw: float
    """Of an object with its back to the wall."""

    def at(self, along: float, inward: float) -> Vec2:
        """Position of a point on the wall, moved into the room."""
        (x, y), (ux, uy) = self.start_m, self.direction
        return x + ux * along - uy * inward, y + uy * along + ux * inward

    def along(self, x: float, y: float) -> float:
        """How far along the wall the point nearest to (x, y) lies."""
        return (x - self.start_m[0]) * self.direction[0] + (y - self.start_m[1]) * self.direction[1]

    def spans(self, x: float, y: float, width_m: float) -> bool:
        """Whether the wall is there behind the whole width of something centred at (x, y)."""
        return width_m / 2 <= self.along(x, y) <= self.length_m - width_m / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A rectangular or L-shaped room without furniture."""

    width_m: float
    depth_m: float
    height_m: float
    polygon_m: tuple[Vec2, ...]
    """Counter-clockwise."""
    notch: Box | None
    """The rectangle that an L lacks."""
    walls: tuple[Wall, ...]

    @property
    def area_m2(self) -> float:
        """Floor area."""
        cut = 4 * self.notch.hx * self.notch.hy if self.notch else 0.0
        return self.width_m * self.depth_m - cut


def make_shell(random: Random, area_m2: float, height_m: float, *, notched: bool) -> Shell:
    """A room of about ``area_m2``: exact but for rounding to centimetres and for the least width of 2.2 m."""
    aspect = random.uniform(0.62, 1.0)
    fx, fy = (random.uniform(0.28, 0.5), random.uniform(0.28, 0.5)) if notched else (0.0, 0.0)
    full = area_m2 / (1 - fx * fy)
    width = round(max(2.2, math.sqrt(full / aspect)), 2)
    depth = round(max(2.2, full / width), 2)
    if random.random() < 0.5:
        width, depth = depth, width
    points, notch = [(0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth)], None
    if notched:
        nx, ny = round(width * fx, 2), round(depth * fy, 2)
        corner = random.randrange(4)
        x, y = points[corner]
        in_x, in_y = (nx if x == 0 else width - nx), (ny if y == 0 else depth - ny)
        step = [(x, in_y), (in_x, in_y), (in_x, y)]
        points[corner : corner + 1] = step if corner % 2 == 0 else step[::-1]
        notch = Box((x + in_x) / 2, (y + in_y) / 2, 0.0, nx / 2, ny / 2, -1.0, 99.0)
    walls = []
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        walls.append(Wall(start_m=(x0, y0), direction=(ux, uy), length_m=length, yaw=math.atan2(uy, ux)))
    return Shell(
        width_m=width,
        depth_m=depth,
        height_m=height_m,
        polygon_m=tuple(points),
        notch=notch,
        walls=tuple(walls),
    )
