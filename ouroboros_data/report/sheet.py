"""Frames of a scene on one sheet, each with the boxes of what it shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw

from ouroboros_data.geometry.boxes import boxes_of, corners
from ouroboros_data.geometry.cameras import inverse, transform
from ouroboros_data.plugins import Image
from ouroboros_data.report.drawing import PAPER, Labels, color_of, font
from ouroboros_data.types import CameraFrame, Scene, SceneObject

Floats = npt.NDArray[np.float64]

_TILE_PX = (480, 480)
"""Frames are scaled to fit this."""
_CAPTION_PX = 20
_NEAR_M = 0.05
# Of the corners in the order of geometry.boxes.corners: pairs that differ in one sign.
_EDGES = [(a, a | bit) for a in range(8) for bit in (1, 2, 4) if not a & bit]


def contact_sheet(
    scene: Scene, frames: Sequence[CameraFrame], images: Sequence[Image], columns: int = 4
) -> Pillow.Image:
    """Tiles with captions, row by row.

    Args:
        scene: Whose objects are drawn.
        frames: What to show.
        images: Their pictures, upright, (height, width, 3) each.
        columns: Tiles beside each other.
    """
    tiles = [_tile(scene, frame, image) for frame, image in zip(frames, images, strict=True)]
    width, height = (max(tile.size[i] for tile in tiles) for i in (0, 1))
    columns = min(columns, len(tiles))
    sheet = Pillow.new("RGB", (columns * width, -(-len(tiles) // columns) * height), PAPER)
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % columns * width, i // columns * height))
    return sheet


def _tile(scene: Scene, frame: CameraFrame, image: Image) -> Pillow.Image:
    scale = min(_TILE_PX[0] / frame.size_px[0], _TILE_PX[1] / frame.size_px[1])
    width, height = (max(1, round(n * scale)) for n in frame.size_px)
    picture = Pillow.fromarray(image).resize((width, height), Pillow.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    labels = Labels(draw, (0, 0, width, height), 12)
    shown = {view.object_id for view in frame.views}
    named = []
    for record in scene.objects:
        lines = [
            line * (width / frame.size_px[0], height / frame.size_px[1]) for line in box_lines(record, frame)
        ]
        if record.id not in shown or not lines:
            continue
        color = color_of(record.category)
        for line in lines:
            draw.line([(float(x), float(y)) for x, y in line], fill=color, width=2)
        points = np.clip(np.concatenate(lines), 0, (width, height))
        named.append((record, points.min(0), points.max(0), color))
    for record, low, high, color in sorted(named, key=lambda n: -float(np.prod(n[2] - n[1]))):
        middle = (low + high) / 2
        labels.write(record.category, float(middle[0]), float(middle[1]), color)
    tile = Pillow.new("RGB", (width, height + _CAPTION_PX), PAPER)
    tile.paste(picture, (0, _CAPTION_PX))
    turned = f", turned {frame.turn_deg} degrees" if frame.turn_deg else ""
    caption = f"{frame.id}  {frame.time_s:.2f} s, number {frame.index}{turned}, {len(named)} objects"
    ImageDraw.Draw(tile).text((4, 3), caption, fill=(0, 0, 0), font=font(12))
    return tile


def box_lines(record: SceneObject, frame: CameraFrame) -> list[Floats]:
    """Edges of a box in a frame, each (2, 2) in pixels; what lies behind the camera is cut off."""
    points = transform(inverse(frame.T_world_camera), corners(boxes_of([record]))[0])
    K_px, lines = np.array(frame.K_px), []
    for first, second in _EDGES:
        a, b = points[first], points[second]
        if a[2] < b[2]:
            a, b = b, a
        if a[2] <= _NEAR_M:
            continue
        if b[2] < _NEAR_M:
            b = a + (b - a) * ((a[2] - _NEAR_M) / (a[2] - b[2]))
        ends = np.array([a, b]) @ K_px.T
        lines.append(ends[:, :2] / ends[:, 2:])
    return lines
