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


def full(w: float, d: float, z0: float, z1: float) -> Block:
    """A block over the whole footprint."""
    return (-w / 2, w / 2, -d / 2, d / 2, z0, z1)


def legs(w: float, d: float, top: float, thick: float, inset: float = 0.0) -> list[Block]:
    """Four square legs at the corners."""
    x, y = w / 2 - inset, d / 2 - inset
    return [
        (sx * x - (thick if sx > 0 else 0), sx * x + (thick if sx < 0 else 0),
         sy * y - (thick if sy > 0 else 0), sy * y + (thick if sy < 0 else 0), 0.0, top)
        for sx in (-1, 1) for sy in (-1, 1)
    ]  # fmt: skip
