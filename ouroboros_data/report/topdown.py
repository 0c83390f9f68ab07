"""A scene seen from above: floor outline, boxes with their names, the camera's path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image, ImageDraw

from ouroboros_data.geometry.boxes import boxes_of, corners
from ouroboros_data.report.drawing import INK, PAPER, Labels, color_of, font
from ouroboros_data.types import Scene

Floats = npt.NDArray[np.float64]

_SIDE_PX = 1100
_MARGIN_PX = 70
_SMOOTH = 2
"""Drawn this much larger, then scaled down: Pillow draws without antialiasing."""
_FLOOR, _GRID, _PATH = (246, 241, 232), (224, 224, 224), (30, 90, 200)
_START, _END = (20, 150, 60), (200, 40, 40)


def draw_topdown(scene: Scene) -> Image.Image:
    """The plan, +x to the right and +y up, a grid line every metre (every 10 m where the scene is that large)."""
    footprints = [shapely.MultiPoint(c[:, :2]).convex_hull for c in corners(boxes_of(scene.objects))]
    eyes = np.array([np.array(f.T_world_camera)[:2, 3] for f in scene.frames]).reshape(-1, 2)
    floor = np.array(scene.room.floor_polygon_m).reshape(-1, 2)
    everything = np.concatenate(
        [floor, eyes, *(shapely.get_coordinates(shape) for shape in footprints), np.zeros((0, 2))]
    )
    low, high = (
        (everything.min(0) - 0.3, everything.max(0) + 0.3) if len(everything) else (np.zeros(2), np.ones(2))
    )
    sheet = _Sheet(low, high)
    sheet.grid()
    if len(floor):
        sheet.shape(floor, fill=(*_FLOOR, 255), line=INK, width=3)
        sheet.grid(inside=floor)
    bottoms = [float(c[:, 2].min()) for c in corners(boxes_of(scene.objects))]
    order = np.argsort(bottoms, kind="stable")
    for i in order:  # what hangs above is drawn over what stands below
        color = color_of(scene.objects[i].category)
        sheet.shape(shapely.get_coordinates(footprints[i]), fill=(*color, 90), line=color, width=2)
    sheet.path(eyes, [np.array(f.T_world_camera)[:2, 2] for f in scene.frames])
    # Large things first: their names stand in their middle, the names of small ones move aside.
    for i in sorted(order, key=lambda i: -footprints[i].area):
        middle = np.array(scene.objects[i].center_m[:2])
        sheet.name(scene.objects[i].category, middle, color_of(scene.objects[i].category))
    sheet.title(
        f"{scene.source} {scene.id}: floor {scene.room.area_m2:.1f} square metres, {len(scene.objects)} objects, "
        f"{len(scene.frames)} frames; camera from green to red"
    )
    return sheet.finished()


class _Sheet:
    """Metres to pixels, and strokes in metres."""

    def __init__(self, low_m: Floats, high_m: Floats) -> None:
        span = np.maximum(high_m - low_m, 0.5)
        self._low, self._high = low_m, low_m + span
        self._px_per_m = _SMOOTH * _SIDE_PX / float(span.max())
        width, height = (span * self._px_per_m).round().astype(int) + 2 * _SMOOTH * _MARGIN_PX
        self._image = Image.new("RGB", (int(width), int(height)), PAPER)
        self._draw = ImageDraw.Draw(self._image, "RGBA")
        edge = 4 * _SMOOTH
        bounds = (edge, _SMOOTH * _MARGIN_PX // 2, int(width) - edge, int(height) - edge)
        self._labels = Labels(self._draw, bounds, 13 * _SMOOTH)

    def _px(self, points_m: Floats) -> list[tuple[float, float]]:
        offset = np.asarray(points_m, float).reshape(-1, 2) - self._low
        x = _SMOOTH * _MARGIN_PX + offset[:, 0] * self._px_per_m
        y = self._image.height - _SMOOTH * _MARGIN_PX - offset[:, 1] * self._px_per_m
        return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]

    def grid(self, inside: Floats | None = None) -> None:
        """Grid lines with their coordinates, or, without them, within an outline."""
        step = 1 if float((self._high - self._low).max()) <= 30 else 10
        clip = shapely.Polygon(inside).buffer(0) if inside is not None else None
        for axis in (0, 1):
            first, last = np.ceil(self._low[axis] / step), np.floor(self._high[axis] / step)
            for at in np.arange(first, last + 1)[:400] * step:
                ends = np.array([self._low, self._high])
                ends[:, axis] = at
                for line in _pieces(ends, clip):
                    self._draw.line(self._px(line), fill=_GRID, width=_SMOOTH)
                if clip is None:
                    x, y = self._px(ends)[0]
                    where, anchor = (
                        ((x, y + 6 * _SMOOTH), "mt") if axis == 0 else ((x - 6 * _SMOOTH, y), "rm")
                    )
                    self._draw.text(where, f"{at + 0.0:g}", fill=INK, font=font(12 * _SMOOTH), anchor=anchor)
        if clip is None:
            x, y = self._px(np.array([self._high[0], self._low[1]]))[0]
            self._draw.text((x, y + 22 * _SMOOTH), "x, m", fill=INK, font=font(12 * _SMOOTH), anchor="rt")
            x, y = self._px(np.array([self._low[0], self._high[1]]))[0]
            self._draw.text(
                (x - 6 * _SMOOTH, y - 8 * _SMOOTH), "y, m", fill=INK, font=font(12 * _SMOOTH), anchor="rb"
            )

    def shape(self, outline_m: Floats, *, fill: tuple[int, ...], line: tuple[int, ...], width: int) -> None:
        """A filled polygon; a line where it has no area."""
        points = self._px(outline_m)
        if len(points) > 2:
            self._draw.polygon(points, fill=fill)
        self._draw.line([*points, points[0]], fill=line, width=width * _SMOOTH, joint="curve")

    def path(self, eyes_m: Floats, ahead: Sequence[Floats]) -> None:
        """Camera centres in order, each with a stroke where it looks, as seen from above."""
        points = self._px(eyes_m)
        if len(points) > 1:
            self._draw.line(points, fill=_PATH, width=_SMOOTH)
        for point, way in zip(points, ahead, strict=True):
            tip = (point[0] + 16 * _SMOOTH * way[0], point[1] - 16 * _SMOOTH * way[1])
            self._draw.line([point, tip], fill=_PATH, width=2 * _SMOOTH)
            self._dot(point, 3, _PATH)
        for point, color in zip(points[:1] + points[-1:], (_START, _END), strict=False):
            self._dot(point, 6, color)

    def _dot(self, point: tuple[float, float], radius: int, color: tuple[int, ...]) -> None:
        r = radius * _SMOOTH
        self._draw.ellipse((point[0] - r, point[1] - r, point[0] + r, point[1] + r), fill=color)

    def name(self, text: str, at_m: Floats, color: tuple[int, int, int]) -> None:
        """A label."""
        (point,) = self._px(at_m)
        self._labels.write(text, *point, color)

    def title(self, text: str) -> None:
        """One line above the plan."""
        where = (_SMOOTH * _MARGIN_PX, 14 * _SMOOTH)
        self._draw.text(where, text, fill=INK, font=font(15 * _SMOOTH))

    def finished(self) -> Image.Image:
        """The picture in its own size."""
        size = (self._image.width // _SMOOTH, self._image.height // _SMOOTH)
        return self._image.resize(size, Image.Resampling.LANCZOS)


def _pieces(line: Floats, clip: shapely.Polygon | None) -> Iterable[Floats]:
    if clip is None:
        return [line]
    cut = clip.intersection(shapely.LineString(line))
    parts = [part for part in shapely.get_parts(cut) if part.geom_type == "LineString"]
    return [shapely.get_coordinates(part) for part in parts]
