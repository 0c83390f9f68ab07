"""Furniture as a few boxes and drums each, filling its bounding box exactly.

Local axes: x along the width, y along the depth with the front at +y, z up from 0 at the bottom. A shape function gets
the full edge lengths in metres and returns parts whose joint bounds are exactly that box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rgb = tuple[float, float, float]
Tone = Literal["main", "dark", "light"] | Rgb
"""The category's own tint, a darker or lighter one, or a fixed colour."""
Block = tuple[float, float, float, float, float, float]
"""x0, x1, y0, y1, z0, z1 in metres."""

_SIDES = 12  # a multiple of four, so that a drum touches all four sides of its box
_ANGLES = np.arange(_SIDES) * (2 * math.pi / _SIDES)
_RING = np.round(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], -1), 12)
_BLOCK_CORNER = np.array([[i, 2 + j, 4 + k] for k in (0, 1) for j in (0, 1) for i in (0, 1)])
_BLOCK_FACES = np.array(
    [
        [0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4],
        [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5],
    ]
)  # fmt: skip
_NEXT = np.roll(np.arange(_SIDES), -1)
_DRUM_FACES = np.concatenate(
    [
        np.stack([np.arange(_SIDES), _NEXT, np.arange(_SIDES) + _SIDES], -1),
        np.stack([_NEXT, _NEXT + _SIDES, np.arange(_SIDES) + _SIDES], -1),
        np.array([[0, i + 1, i] for i in range(1, _SIDES - 1)]),
        np.array([[0, i, i + 1] for i in range(1, _SIDES - 1)]) + _SIDES,
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drum:
    """A round prism or cut cone in the box ``block``; ``end`` and ``start`` scale its two faces."""

    block: Block
    start: float = 1.0
    end: float = 1.0
    axis: Literal["y", "z"] = "z"


@dataclass(frozen=True, slots=True)
class Part:
    """Primitives of one tone."""

    tone: Tone
    blocks: Sequence[Block] = ()
    drums: Sequence[Drum] = ()


Shape = Callable[[float, float, float], list[Part]]
"""(width, depth, height) in metres to parts."""


def part_mesh(part: Part) -> tuple[Floats, Ints]:
    """Vertices (n, 3) in metres and faces (m, 3) of a part."""
    vertices: list[Floats] = []
    faces: list[Ints] = []
    count = len(part.blocks)
    if count:
        edges = np.array(part.blocks, float)
        vertices.append(edges[:, _BLOCK_CORNER].reshape(-1, 3))
        faces.append((_BLOCK_FACES[None] + 8 * np.arange(count)[:, None, None]).reshape(-1, 3))
    base = 8 * count
    for drum in part.drums:
        vertices.append(_drum_vertices(drum))
        faces.append(_DRUM_FACES + base)
        base += 2 * _SIDES
    return np.concatenate(vertices), np.concatenate(faces)


def _drum_vertices(drum: Drum) -> Floats:
    low, high = np.array(drum.block[0::2]), np.array(drum.block[1::2])
    center, half = (low + high) / 2, (high - low) / 2
    along = 2 if drum.axis == "z" else 1
    across = (0, 1) if drum.axis == "z" else (0, 2)
    out = np.empty((2, _SIDES, 3))
    for face, scale, edge in ((0, drum.start, low), (1, drum.end, high)):
        out[face, :, along] = edge[along]
        for column, axis in enumerate(across):
            out[face, :, axis] = center[axis] + half[axis] * scale * _RING[:, column]
    return out.reshape(-1, 3)


def _legs(w: float, d: float, top: float, thick: float, inset: float = 0.0) -> list[Block]:
    x, y = w / 2 - inset, d / 2 - inset
    return [
        (sx * x - (thick if sx > 0 else 0), sx * x + (thick if sx < 0 else 0),
         sy * y - (thick if sy > 0 else 0), sy * y + (thick if sy < 0 else 0), 0.0, top)
        for sx in (-1, 1) for sy in (-1, 1)
    ]  # fmt: skip


def _full(w: float, d: float, z0: float, z1: float) -> Block:
    return (-w / 2, w / 2, -d / 2, d / 2, z0, z1)


def table(w: float, d: float, h: float) -> list[Part]:
    """Top on four legs."""
    return [Part("main", [_full(w, d, h - 0.05, h)]), Part("dark", _legs(w, d, h - 0.05, 0.06, 0.03))]


def desk(w: float, d: float, h: float) -> list[Part]:
    """Top, a side panel and a drawer block; open to the front."""
    x, y = w / 2, d / 2
    drawers = min(0.42, w * 0.35)
    slots = [
        (x - drawers + 0.03, x - 0.03, y - 0.03, y - 0.02, h * f, h * f + 0.03) for f in (0.2, 0.45, 0.7)
    ]
    return [
        Part("main", [_full(w, d, h - 0.05, h), (-x, -x + 0.05, -y, y - 0.02, 0, h - 0.05)]),
        Part("light", [(x - drawers, x, -y, y - 0.03, 0, h - 0.05)]),
        Part("dark", [*slots, (-x + 0.05, x - drawers, -y, -y + 0.03, h * 0.5, h - 0.05)]),
    ]


def chair(w: float, d: float, h: float) -> list[Part]:
    """Seat, back and four legs."""
    seat, y = 0.5 * h, d / 2
    back: list[Block] = [(-w / 2, w / 2, -y, -y + 0.05, seat + 0.12, h)]
    posts: list[Block] = [(s - 0.02, s + 0.02, -y, -y + 0.04, seat, seat + 0.12) for s in (-w / 3, w / 3)]
    return [
        Part("main", [_full(w, d, seat - 0.07, seat), *back]),
        Part("dark", [*_legs(w, d, seat - 0.07, 0.04), *posts]),
    ]


def swivel_chair(w: float, d: float, h: float) -> list[Part]:
    """Seat and back on a column with a foot cross."""
    seat, x, y = 0.5 * h, w / 2, d / 2
    foot: list[Block] = [(-x, x, -0.03, 0.03, 0, 0.07), (-0.03, 0.03, -y, y, 0, 0.07)]
    arms: list[Block] = [
        (s * x - 0.025 * (s + 1), s * x + 0.025 * (1 - s), -y / 2, y / 2, seat + 0.14, seat + 0.2)
        for s in (-1, 1)
    ]
    return [
        Part("main", [(-x + 0.06, x - 0.06, -y + 0.05, y, seat - 0.08, seat), (-x + 0.05, x - 0.05, -y, -y + 0.07, seat, h)]),
        Part("dark", [*foot, (-0.04, 0.04, -0.04, 0.04, 0.07, seat - 0.08), *arms,
                      *[(s * x - 0.025 * (s + 1), s * x + 0.025 * (1 - s), -0.03, 0.03, seat - 0.06, seat + 0.14) for s in (-1, 1)]]),
    ]  # fmt: skip


def stool(w: float, d: float, h: float) -> list[Part]:
    """Round seat on four legs."""
    return [
        Part("main", drums=[Drum(block=_full(w, d, h - 0.08, h))]),
        Part("dark", _legs(w * 0.7, d * 0.7, h - 0.08, 0.04)),
    ]


def bench(w: float, d: float, h: float) -> list[Part]:
    """Long seat on two slabs."""
    x = w / 2
    slabs: list[Block] = [
        (s * x * 0.8 - 0.04, s * x * 0.8 + 0.04, -d / 2, d / 2, 0, h - 0.07) for s in (-1, 1)
    ]
    return [Part("main", [_full(w, d, h - 0.07, h)]), Part("dark", slabs)]


def sofa(w: float, d: float, h: float) -> list[Part]:
    """Base, back, two arms, and seat cushions of about 0.7 m."""
    x, y, arm, seat = w / 2, d / 2, min(0.18, w * 0.15), 0.48 * h
    count = max(1, round((w - 2 * arm) / 0.7))
    step = (w - 2 * arm) / count
    cushions = [
        (-x + arm + i * step + 0.01, -x + arm + (i + 1) * step - 0.01, -y + 0.2, y, seat - 0.12, seat)
        for i in range(count)
    ]
    frame: list[Block] = [
        (-x, x, -y, -y + 0.2, 0.06, h),
        (-x, -x + arm, -y + 0.2, y, 0.06, 0.72 * h),
        (x - arm, x, -y + 0.2, y, 0.06, 0.72 * h),
        (-x + arm, x - arm, -y + 0.2, y - 0.02, 0.06, seat - 0.12),
    ]
    return [Part("main", frame), Part("light", cushions), Part("dark", _legs(w, d, 0.06, 0.06))]


def ottoman(w: float, d: float, h: float) -> list[Part]:
    """Padded box on short feet."""
    return [Part("main", [_full(w, d, 0.08, h)]), Part("dark", _legs(w, d, 0.08, 0.05, 0.02))]


def bed(w: float, d: float, h: float) -> list[Part]:
    """Frame, mattress with a turned-down sheet at the head (back), no headboard: pillows lie on the box's top."""
    y = d / 2
    return [
        Part((0.45, 0.30, 0.18), [_full(w, d, 0.10, 0.55 * h), *_legs(w, d, 0.10, 0.08)]),
        Part("main", [(-w / 2 + 0.01, w / 2 - 0.01, -y + 0.55, y - 0.01, 0.55 * h, h)]),
        Part((0.93, 0.93, 0.90), [(-w / 2 + 0.01, w / 2 - 0.01, -y + 0.01, -y + 0.55, 0.55 * h, h)]),
    ]


def pillow(w: float, d: float, h: float) -> list[Part]:
    """A cushion, thinner at its rim."""
    return [
        Part("main", [(-0.42 * w, 0.42 * w, -0.42 * d, 0.42 * d, 0, h), _full(w, d, 0.25 * h, 0.7 * h)]),
    ]


def drawers(w: float, d: float, h: float) -> list[Part]:
    """Chest with drawers of about 0.25 m and knobs."""
    y, rows = d / 2, max(1, round(h / 0.25))
    step = (h - 0.04) / rows
    fronts = [
        (
            -w / 2 + 0.03,
            w / 2 - 0.03,
            y - 0.03,
            y - 0.015,
            0.02 + i * step + 0.015,
            0.02 + (i + 1) * step - 0.015,
        )
        for i in range(rows)
    ]
    knobs = [
        (-0.04, 0.04, y - 0.015, y, 0.02 + (i + 0.5) * step - 0.015, 0.02 + (i + 0.5) * step + 0.015)
        for i in range(rows)
    ]
    return [
        Part("main", [(-w / 2, w / 2, -d / 2, y - 0.03, 0, h)]),
        Part("light", fronts),
        Part("dark", knobs),
    ]


def doors(w: float, d: float, h: float) -> list[Part]:
    """Cupboard with doors of about 0.5 m and handles."""
    y, columns = d / 2, max(1, round(w / 0.5))
    step = (w - 0.04) / columns
    fronts: list[Block] = []
    handles: list[Block] = []
    for i in range(columns):
        left = -w / 2 + 0.02 + i * step
        fronts.append((left + 0.015, left + step - 0.015, y - 0.03, y - 0.02, 0.08, h - 0.04))
        side = left + (step - 0.06 if i % 2 == 0 else 0.04)
        handles.append((side, side + 0.02, y - 0.02, y, 0.45 * h, 0.6 * h))
    return [
        Part("main", [(-w / 2, w / 2, -d / 2, y - 0.03, 0, h)]),
        Part("light", fronts),
        Part("dark", handles),
    ]


def bookshelf(w: float, d: float, h: float) -> list[Part]:
    """Open shelves, boards about 0.35 m apart, with a back panel."""
    x, y = w / 2, d / 2
    rows = max(2, round(h / 0.35))
    boards = [
        (-x + 0.03, x - 0.03, -y + 0.02, y, (h - 0.03) * i / rows, (h - 0.03) * i / rows + 0.03)
        for i in range(rows)
    ]
    return [
        Part(
            "main",
            [
                (-x, -x + 0.03, -y, y, 0, h),
                (x - 0.03, x, -y, y, 0, h),
                (-x + 0.03, x - 0.03, -y, y, h - 0.03, h),
                *boards,
            ],
        ),
        Part("dark", [(-x + 0.03, x - 0.03, -y, -y + 0.02, 0, h - 0.03)]),
    ]


def refrigerator(w: float, d: float, h: float) -> list[Part]:
    """Tall box with a gap between two doors and long handles."""
    x, y, split = w / 2, d / 2, 0.62 * h
    handles: list[Block] = [
        (-x + 0.05, -x + 0.08, y - 0.03, y, split - 0.45, split - 0.08),
        (-x + 0.05, -x + 0.08, y - 0.03, y, split + 0.08, split + 0.35),
    ]
    return [
        Part(
            "main",
            [
                (-x, x, -y, y - 0.06, 0, h),
                (-x, x, y - 0.06, y - 0.03, 0.04, split - 0.01),
                (-x, x, y - 0.06, y - 0.03, split + 0.01, h),
            ],
        ),
        Part((0.15, 0.15, 0.17), handles),
    ]


def stove(w: float, d: float, h: float) -> list[Part]:
    """Oven with a window, knobs, and four plates on top."""
    x, y = w / 2, d / 2
    plates = [
        Drum(block=(cx - 0.11, cx + 0.11, cy - 0.11, cy + 0.11, h - 0.015, h))
        for cx in (-x / 2, x / 2)
        for cy in (-y / 2, y / 2)
    ]
    knobs: list[Block] = [
        (cx - 0.02, cx + 0.02, y - 0.03, y, h - 0.12, h - 0.08)
        for cx in (-0.3 * w, -0.1 * w, 0.1 * w, 0.3 * w)
    ]
    return [
        Part("main", [(-x, x, -y, y - 0.03, 0, h - 0.015)]),
        Part((0.85, 0.32, 0.10), [(-x + 0.08, x - 0.08, y - 0.03, y - 0.02, 0.2 * h, 0.65 * h)]),
        Part((0.80, 0.80, 0.82), knobs, plates),
    ]


def front_loader(w: float, d: float, h: float) -> list[Part]:
    """Box with a round door: a washing machine."""
    x, y = w / 2, d / 2
    r = 0.32 * min(w, h)
    return [
        Part("main", [(-x, x, -y, y - 0.04, 0, h)]),
        Part(
            (0.20, 0.24, 0.34),
            drums=[Drum(block=(-r, r, y - 0.04, y, 0.45 * h - r, 0.45 * h + r), axis="y", end=0.8)],
        ),
        Part("dark", [(-x + 0.04, x - 0.04, y - 0.04, y - 0.03, 0.86 * h, 0.95 * h)]),
    ]


def panel_front(w: float, d: float, h: float) -> list[Part]:
    """Box with one front panel and a bar handle: a dishwasher."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, y - 0.04, 0, h), (-x + 0.03, x - 0.03, y - 0.04, y - 0.03, 0.1, 0.8 * h)]),
        Part(
            "dark",
            [(-x + 0.06, x - 0.06, y - 0.03, y, 0.84 * h, 0.89 * h), (-x, x, y - 0.04, y - 0.03, 0, 0.06)],
        ),
    ]


def sink(w: float, d: float, h: float) -> list[Part]:
    """Cupboard with a rim, a basin and a tap."""
    x, y, rim = w / 2, d / 2, h - 0.22
    return [
        Part("dark", [(-x + 0.04, x - 0.04, -y, y - 0.06, 0, rim - 0.10)]),
        Part("main", [(-x, x, -y, y, rim - 0.10, rim - 0.06), (-x, -x + 0.05, -y, y, rim - 0.06, rim), (x - 0.05, x, -y, y, rim - 0.06, rim),
                      (-x + 0.05, x - 0.05, y - 0.05, y, rim - 0.06, rim), (-x + 0.05, x - 0.05, -y, -y + 0.12, rim - 0.06, rim)]),
        Part((0.55, 0.57, 0.60), [(-0.02, 0.02, -y + 0.04, -y + 0.08, rim, h), (-0.02, 0.02, -y + 0.08, -y + 0.22, h - 0.04, h)]),
    ]  # fmt: skip


def toilet(w: float, d: float, h: float) -> list[Part]:
    """Tank at the back, bowl with a seat in front."""
    x, y, seat = w / 2, d / 2, 0.52 * h
    tank = 0.28 * d
    return [
        Part("main", [(-x, x, -y, -y + tank, seat, h), (-0.5 * x, 0.5 * x, -y, -y + tank, 0, seat)],
             [Drum(block=(-0.9 * x, 0.9 * x, -y + tank, y, 0, seat - 0.04), start=0.6)]),
        Part("dark", drums=[Drum(block=(-0.95 * x, 0.95 * x, -y + tank, y, seat - 0.04, seat))]),
    ]  # fmt: skip


def bathtub(w: float, d: float, h: float) -> list[Part]:
    """Open tub with water."""
    x, y, t = w / 2, d / 2, 0.08
    rim: list[Block] = [
        (-x, x, -y, -y + t, 0, h),
        (-x, x, y - t, y, 0, h),
        (-x, -x + t, -y + t, y - t, 0, h),
        (x - t, x, -y + t, y - t, 0, h),
    ]
    return [Part("main", rim), Part((0.35, 0.70, 0.85), [(-x + t, x - t, -y + t, y - t, 0, 0.7 * h)])]


def screen_on_foot(w: float, d: float, h: float) -> list[Part]:
    """Flat screen on a foot: tv, monitor."""
    y = d / 2
    return [
        Part(
            "dark",
            [
                (-w / 2, w / 2, -0.02, 0.02, 0.14 * h, h),
                (-0.22 * w, 0.22 * w, -y, y, 0, 0.02),
                (-0.03, 0.03, -0.03, -0.01, 0.02, 0.3 * h),
            ],
        ),
        Part("main", [(-w / 2 + 0.03, w / 2 - 0.03, 0.02, min(0.03, y), 0.14 * h + 0.03, h - 0.03)]),
    ]


def framed(w: float, d: float, h: float) -> list[Part]:
    """Flat panel in a frame, hung on a wall."""
    x, y, t = w / 2, d / 2, min(0.05, 0.12 * min(w, h))
    frame: list[Block] = [
        (-x, x, -y, y, 0, t),
        (-x, x, -y, y, h - t, h),
        (-x, -x + t, -y, y, t, h - t),
        (x - t, x, -y, y, t, h - t),
    ]
    return [Part("dark", frame), Part("main", [(-x + t, x - t, -y, y * 0.4, t, h - t)])]


def window(w: float, d: float, h: float) -> list[Part]:
    """Panes in a white frame with a cross."""
    x, y, t = w / 2, d / 2, 0.05
    bars: list[Block] = [
        (-x, x, -y, y, 0, t), (-x, x, -y, y, h - t, h), (-x, -x + t, -y, y, t, h - t), (x - t, x, -y, y, t, h - t),
        (-0.02, 0.02, -y, y * 0.6, t, h - t), (-x + t, x - t, -y, y * 0.6, 0.6 * h, 0.6 * h + 0.04),
    ]  # fmt: skip
    return [Part((0.96, 0.96, 0.96), bars), Part("main", [(-x + t, x - t, -y, 0, t, h - t)])]


def door(w: float, d: float, h: float) -> list[Part]:
    """Leaf with two panels and a handle, in a frame."""
    x, y = w / 2, d / 2
    frame: list[Block] = [
        (-x, -x + 0.06, -y, y - 0.02, 0, h),
        (x - 0.06, x, -y, y - 0.02, 0, h),
        (-x + 0.06, x - 0.06, -y, y - 0.02, h - 0.06, h),
    ]
    panels: list[Block] = [
        (-x + 0.18, x - 0.18, 0, 0.2 * y, z0 * h, z1 * h) for z0, z1 in ((0.1, 0.42), (0.54, 0.88))
    ]
    return [
        Part("light", frame),
        Part("main", [(-x + 0.06, x - 0.06, -y, 0, 0, h - 0.06)]),
        Part("dark", panels),
        Part((0.85, 0.80, 0.45), [(x - 0.20, x - 0.10, 0, y, 0.48 * h, 0.5 * h)]),
    ]


def slab(w: float, d: float, h: float) -> list[Part]:
    """A plain box with a lighter lid line: box, book, towel."""
    return [Part("main", [_full(w, d, 0, 0.85 * h)]), Part("light", [_full(w, d, 0.85 * h, h)])]


def folds(w: float, d: float, h: float) -> list[Part]:
    """Vertical folds: a curtain."""
    count = max(3, round(w / 0.12))
    step, y = w / count, d / 2
    front = [
        (-w / 2 + i * step, -w / 2 + (i + 1) * step, -y, y if i % 2 == 0 else 0.2 * y, 0, h - 0.04)
        for i in range(count)
    ]
    return [Part("main", front), Part("dark", [(-w / 2, w / 2, -y, y, h - 0.04, h)])]


def ribs(w: float, d: float, h: float) -> list[Part]:
    """Panel with ribs: a heater."""
    count = max(4, round(w / 0.1))
    step, y = w / count, d / 2
    fins = [(-w / 2 + i * step, -w / 2 + (i + 0.6) * step, -y, y, 0.06, h) for i in range(count)]
    fins[-1] = (w / 2 - 0.6 * step, w / 2, -y, y, 0.06, h)
    feet: list[Block] = [(s * 0.4 * w - 0.02, s * 0.4 * w + 0.02, -y, y, 0, 0.06) for s in (-1, 1)]
    return [Part("main", fins), Part("dark", [*feet, (-w / 2, w / 2, -0.4 * y, 0.4 * y, 0.12, h - 0.05)])]


def laptop(w: float, d: float, h: float) -> list[Part]:
    """Base with keys and an upright lid at the back."""
    y = d / 2
    return [
        Part("main", [_full(w, d, 0, 0.025), (-w / 2, w / 2, -y, -y + 0.015, 0.025, h)]),
        Part("dark", [(-w / 2 + 0.02, w / 2 - 0.02, -0.5 * y, 0.5 * y, 0.025, 0.03)]),
        Part((0.15, 0.45, 0.95), [(-w / 2 + 0.015, w / 2 - 0.015, -y + 0.015, -y + 0.018, 0.04, h - 0.015)]),
    ]


def keyboard(w: float, d: float, h: float) -> list[Part]:
    """Slab with rows of keys."""
    rows = [
        (
            -w / 2 + 0.015,
            w / 2 - 0.015,
            -d / 2 + d * (0.1 + 0.22 * i),
            -d / 2 + d * (0.26 + 0.22 * i),
            0.6 * h,
            h,
        )
        for i in range(4)
    ]
    return [Part("main", [_full(w, d, 0, 0.6 * h)]), Part("light", rows)]


def telephone(w: float, d: float, h: float) -> list[Part]:
    """Wedge with a handset on its left."""
    x, y = w / 2, d / 2
    return [
        Part("main", [_full(w, d, 0, 0.6 * h), (-x, -0.3 * x, -y, y, 0.6 * h, h)]),
        Part("light", [(0.0, 0.8 * x, -0.7 * y, 0.7 * y, 0.6 * h, 0.7 * h)]),
    ]


def printer(w: float, d: float, h: float) -> list[Part]:
    """Body with a paper tray and a slot."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, 0.6 * y, 0, h)]),
        Part("dark", [(-0.7 * x, 0.7 * x, 0.6 * y, 0.63 * y, 0.55 * h, 0.75 * h)]),
        Part((0.97, 0.97, 0.97), [(-0.6 * x, 0.6 * x, 0.6 * y, y, 0.3 * h, 0.36 * h)]),
    ]


def tower(w: float, d: float, h: float) -> list[Part]:
    """Computer case with drive slots and a lit button."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, y - 0.01, 0, h)]),
        Part("light", [(-0.8 * x, 0.8 * x, y - 0.01, y, f * h, (f + 0.08) * h) for f in (0.6, 0.72, 0.84)]),
        Part((0.2, 0.9, 0.3), [(-0.2 * x, 0.2 * x, y - 0.01, y - 0.003, 0.4 * h, 0.46 * h)]),
    ]


def microwave(w: float, d: float, h: float) -> list[Part]:
    """Box with a dark window and a panel."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, y - 0.02, 0, h)]),
        Part((0.08, 0.08, 0.10), [(-0.9 * x, 0.45 * x, y - 0.02, y - 0.01, 0.15 * h, 0.85 * h)]),
        Part("light", [(0.55 * x, 0.95 * x, y - 0.02, y, 0.1 * h, 0.9 * h)]),
    ]


def lamp(w: float, d: float, h: float) -> list[Part]:
    """Foot, pole and a shade that narrows upwards."""
    shade = min(0.35 * h, 0.32)
    return [
        Part((0.25, 0.22, 0.20), drums=[Drum(block=(-0.3 * w, 0.3 * w, -0.3 * d, 0.3 * d, 0, 0.03)),
                                        Drum(block=(-0.02, 0.02, -0.02, 0.02, 0.03, h - shade))]),
        Part("main", drums=[Drum(block=_full(w, d, h - shade, h), end=0.65)]),
    ]  # fmt: skip


def plant(w: float, d: float, h: float) -> list[Part]:
    """Pot with a bushy crown."""
    pot, r = 0.32 * h, 0.3
    crown = [
        Drum(block=_full(w, d, pot + 0.10 * h, pot + 0.36 * h), start=0.55),
        Drum(block=_full(0.96 * w, 0.96 * d, pot + 0.36 * h, h), end=0.35),
    ]
    return [
        Part((0.72, 0.38, 0.22), drums=[Drum(block=(-r * w, r * w, -r * d, r * d, 0, pot), start=0.7)]),
        Part((0.35, 0.25, 0.12), drums=[Drum(block=(-0.02, 0.02, -0.02, 0.02, pot, pot + 0.10 * h))]),
        Part("main", drums=crown),
    ]


def bin_(w: float, d: float, h: float) -> list[Part]:
    """Round bin, wider at the top, dark inside."""
    return [
        Part("main", drums=[Drum(block=_full(w, d, 0, h - 0.01), start=0.75)]),
        Part((0.08, 0.08, 0.08), drums=[Drum(block=_full(0.85 * w, 0.85 * d, h - 0.01, h))]),
    ]


def basket(w: float, d: float, h: float) -> list[Part]:
    """Square basket with a rim."""
    return [
        Part("main", [(-0.46 * w, 0.46 * w, -0.46 * d, 0.46 * d, 0, 0.85 * h)]),
        Part("light", [_full(w, d, 0.85 * h, h)]),
    ]


def backpack(w: float, d: float, h: float) -> list[Part]:
    """Body, front pocket, straps and a loop."""
    x, y = w / 2, d / 2
    return [
        Part(
            "main",
            [
                (-x, x, -0.8 * y, 0.5 * y, 0, 0.8 * h),
                (-0.75 * x, 0.75 * x, -0.8 * y, 0.4 * y, 0.8 * h, 0.94 * h),
            ],
        ),
        Part("light", [(-0.7 * x, 0.7 * x, 0.5 * y, y, 0.08 * h, 0.5 * h)]),
        Part(
            "dark",
            [
                (-0.6 * x, -0.3 * x, -y, -0.8 * y, 0.1 * h, 0.8 * h),
                (0.3 * x, 0.6 * x, -y, -0.8 * y, 0.1 * h, 0.8 * h),
                (-0.2 * x, 0.2 * x, -0.3 * y, 0, 0.94 * h, h),
            ],
        ),
    ]


def suitcase(w: float, d: float, h: float) -> list[Part]:
    """Upright case on wheels with a pulled-out handle."""
    x, y = w / 2, d / 2
    bars: list[Block] = [
        (-0.4 * x, -0.3 * x, -y, -y + 0.02, 0.75 * h, h),
        (0.3 * x, 0.4 * x, -y, -y + 0.02, 0.75 * h, h),
        (-0.3 * x, 0.3 * x, -y, -y + 0.02, h - 0.02, h),
    ]
    return [
        Part("main", [(-x, x, -y, y, 0.05, 0.75 * h)]),
        Part((0.1, 0.1, 0.1), [*bars, *_legs(w, d, 0.05, 0.05)]),
    ]


def fan(w: float, d: float, h: float) -> list[Part]:
    """Round cage on a pole."""
    y, r = d / 2, w / 2
    return [
        Part(
            "dark",
            [(-0.02, 0.02, -0.02, 0.02, 0.04, h - 2 * r)],
            [Drum(block=(-0.6 * r, 0.6 * r, -y, y, 0, 0.04))],
        ),
        Part("main", drums=[Drum(block=(-r, r, -0.4 * y, 0.4 * y, h - 2 * r, h), axis="y", end=0.9)]),
        Part(
            (0.2, 0.2, 0.22),
            drums=[Drum(block=(-0.25 * r, 0.25 * r, 0.4 * y, 0.5 * y, h - 1.25 * r, h - 0.75 * r), axis="y")],
        ),
    ]


def guitar(w: float, d: float, h: float) -> list[Part]:
    """Standing body, waist and neck."""
    y, r = d / 2, w / 2
    return [
        Part(
            "main",
            drums=[
                Drum(block=(-r, r, -y, y, 0, 0.34 * h), axis="y"),
                Drum(block=(-0.75 * r, 0.75 * r, -y, y, 0.26 * h, 0.5 * h), axis="y"),
            ],
        ),
        Part(
            "dark",
            [
                (-0.14 * r, 0.14 * r, -0.3 * y, 0.3 * y, 0.5 * h, 0.9 * h),
                (-0.25 * r, 0.25 * r, -0.3 * y, 0.3 * y, 0.9 * h, h),
            ],
        ),
    ]


def piano(w: float, d: float, h: float) -> list[Part]:
    """Upright piano with a keyboard at the front."""
    x, y, keys = w / 2, d / 2, 0.62 * h
    return [
        Part(
            "main",
            [
                (-x, x, -y, 0.2 * y, 0, h),
                (-x, x, 0.2 * y, y, keys - 0.1, keys - 0.02),
                (-x, -x + 0.08, 0.2 * y, y, 0, keys - 0.1),
                (x - 0.08, x, 0.2 * y, y, 0, keys - 0.1),
            ],
        ),
        Part((0.97, 0.97, 0.93), [(-x + 0.08, x - 0.08, 0.35 * y, 0.97 * y, keys - 0.02, keys)]),
    ]


def disc(w: float, d: float, h: float) -> list[Part]:
    """Round dial with two hands, on a wall."""
    x, y = w / 2, d / 2
    return [
        Part("main", drums=[Drum(block=(-x, x, -y, 0.4 * y, 0, h), axis="y")]),
        Part(
            (0.97, 0.97, 0.97),
            drums=[Drum(block=(-0.8 * x, 0.8 * x, 0.4 * y, 0.7 * y, 0.1 * h, 0.9 * h), axis="y")],
        ),
        Part(
            (0.05, 0.05, 0.05),
            [(-0.02, 0.02, 0.7 * y, y, 0.5 * h, 0.85 * h), (0, 0.5 * x, 0.7 * y, y, 0.47 * h, 0.53 * h)],
        ),
    ]


def bowl(w: float, d: float, h: float) -> list[Part]:
    """Wide bowl."""
    return [
        Part("main", drums=[Drum(block=_full(w, d, 0, 0.9 * h), start=0.5)]),
        Part("dark", drums=[Drum(block=_full(0.8 * w, 0.8 * d, 0.9 * h, h))]),
    ]


def kettle(w: float, d: float, h: float) -> list[Part]:
    """Body with spout, handle and lid."""
    x, y = w / 2, d / 2
    return [
        Part(
            "main",
            [(0.5 * x, x, -0.15 * y, 0.15 * y, 0.5 * h, 0.7 * h)],
            [Drum(block=(-0.7 * x, 0.7 * x, -y, y, 0, 0.85 * h), end=0.6)],
        ),
        Part(
            "dark",
            [
                (-x, -0.75 * x, -0.15 * y, 0.15 * y, 0.2 * h, 0.9 * h),
                (-0.75 * x, -0.3 * x, -0.15 * y, 0.15 * y, 0.85 * h, h),
            ],
        ),
    ]
