"""What the pictures of scenes share: type, colours, labels that keep out of each other's way."""

from __future__ import annotations

import colorsys
import functools
from typing import Any

from PIL import ImageDraw, ImageFont

from ouroboros_data.ids import seed_from

Color = tuple[int, int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, px."""
INK: Color = (40, 40, 40)
PAPER: Color = (255, 255, 255)


@functools.cache
def font(size_px: int) -> Any:
    """Pillow's own typeface: the same on every machine."""
    return ImageFont.load_default(size_px)


def color_of(category: str) -> Color:
    """Colour of a category, from its name alone: the same in every picture."""
    code = seed_from("drawing", category)
    red, green, blue = colorsys.hsv_to_rgb(code % 360 / 360, 0.75, 0.6 + code // 360 % 3 * 0.15)
    return round(255 * red), round(255 * green), round(255 * blue)


class Labels:
    """Writes labels near their points, each where no earlier one stands."""

    def __init__(self, draw: ImageDraw.ImageDraw, bounds: Box, size_px: int) -> None:
        self._draw, self._bounds, self._font = draw, bounds, font(size_px)
        self._size_px, self._taken = size_px, list[Box]()

    def write(self, text: str, x: float, y: float, color: Color) -> None:
        """Write ``text`` centred on (x, y), or beside it with a line to it; left out where there is no room."""
        left, top, right, bottom = self._draw.textbbox((0, 0), text, font=self._font)
        width, height = right - left + 4, bottom - top + 4
        for ring in range(9):
            reach = ring * 0.7 * height
            for dx, dy in ((0, 0),) if not ring else _AROUND:
                cx, cy = x + dx * (reach + width / 2 * (ring > 1)), y + dy * reach
                at = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
                if self._free(at):
                    self._place(text, at, (x, y), (left, top), color, leader=ring > 1)
                    return

    def _free(self, at: Box) -> bool:
        low_x, low_y, high_x, high_y = self._bounds
        inside = at[0] >= low_x and at[1] >= low_y and at[2] <= high_x and at[3] <= high_y
        return inside and not any(
            at[0] < other[2] and other[0] < at[2] and at[1] < other[3] and other[1] < at[3]
            for other in self._taken
        )

    def _place(
        self,
        text: str,
        at: Box,
        point: tuple[float, float],
        bearing: tuple[float, float],
        color: Color,
        *,
        leader: bool,
    ) -> None:
        if leader:
            end = (min(max(point[0], at[0]), at[2]), min(max(point[1], at[1]), at[3]))
            self._draw.line([point, end], fill=color, width=max(1, self._size_px // 12))
        self._draw.text(
            (at[0] + 2 - bearing[0], at[1] + 2 - bearing[1]),
            text,
            fill=tuple(c // 2 for c in color),
            font=self._font,
            stroke_width=max(1, self._size_px // 8),
            stroke_fill=PAPER,
        )
        self._taken.append(at)


_AROUND = ((0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1))
