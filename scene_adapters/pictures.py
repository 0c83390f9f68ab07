"""Intrinsics and depth maps of captured pictures, brought to the pictures' size and view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from scene_adapters.raw_files import REPAIR, Floats
from scene_adapters.scan import RawFrame

Depth = npt.NDArray[np.float32]
OFF_CENTRE = 0.12
"""Share of a side by which a principal point may lie off the middle: of another picture size, it lies further off."""
STRETCH = 1.1
"""Largest ratio of the two sides' scales: 1296x968 made 640x480 has 1.004, a picture turned on its side 1.78."""


def check_intrinsics(K_px: Floats, field: str, where: str) -> None:
    """Refuse what is no pinhole camera without skew (raises SceneError)."""
    if not np.isfinite(K_px).all() or not (1 <= K_px[0, 0] <= 1e5 and 1 <= K_px[1, 1] <= 1e5):
        raise SceneError(f"{field}: not the focal lengths of a camera in pixels", where=where, fix=REPAIR)
    if (K_px[2] != (0, 0, 1)).any() or K_px[1, 0] != 0 or abs(K_px[0, 1]) > 1e-3 * K_px[0, 0]:
        raise SceneError(f"{field}: not a camera matrix without skew", where=where, fix=REPAIR)


def fitted(
    K_px: Floats,
    sizes: Sequence[tuple[int, int]],
    size_px: tuple[int, int],
    *,
    centre_px: float,
    field: str,
    where: str,
) -> Floats:
    """Stored intrinsics, for pictures of ``size_px`` and with pixel centres at halves.

    Args:
        K_px: As stored, (3, 3).
        sizes: What size they may be of; the first in whose middle the principal point lies is taken.
        size_px: Width, height of the pictures.
        centre_px: What the source has as coordinate of the first pixel's centre: 0 or 0.5.
        field: For messages.
        where: For messages.

    Raises:
        SceneError: They fit none of the sizes, or the pictures are turned or stretched.
    """
    K = np.array(K_px, float)
    K[:2, 2] += 0.5 - centre_px
    for width, height in sizes:
        scale = np.array([size_px[0] / width, size_px[1] / height, 1.0])
        if not 1 / STRETCH <= scale[0] / scale[1] <= STRETCH:
            continue
        if max(abs(K[0, 2] / width - 0.5), abs(K[1, 2] / height - 0.5)) <= OFF_CENTRE:
            return np.array(K * scale[:, None])
    raise SceneError(
        f"{field}: principal point {K[0, 2]:.0f}, {K[1, 2]:.0f} is not that of {size_px[0]}x{size_px[1]} pictures",
        where=where,
        fix="export the intrinsics that belong to the pictures",
    )


def registered(depth_m: Depth, K_depth_px: Floats, frame: RawFrame) -> Depth:
    """The depth map as the colour camera's picture would hold it, in the depth map's resolution.

    Both cameras stand in the same place and look the same way (ScanNet/ScanNet issues 2, 92), but their fields of view
    may differ: each pixel is taken from where its ray meets the depth map. Nothing is nan.
    """
    height, width = depth_m.shape
    columns = _source(width, frame.size_px[0], frame.K_px[0, 0], frame.K_px[0, 2], K_depth_px[0])
    rows = _source(height, frame.size_px[1], frame.K_px[1, 1], frame.K_px[1, 2], K_depth_px[1, 1:])
    inside = (rows[:, None] >= 0) & (rows[:, None] < height) & (columns >= 0) & (columns < width)
    taken = depth_m[np.clip(rows, 0, height - 1)[:, None], np.clip(columns, 0, width - 1)]
    return np.where(inside, taken, np.float32(np.nan))


def _source(
    count: int, color_count: int, focal: float, middle: float, depth_row: Floats
) -> npt.NDArray[np.intp]:
    """Along one axis, the depth map's pixel for each pixel of a picture of ``count`` pixels with colour's view."""
    slope = ((np.arange(count) + 0.5) * color_count / count - middle) / focal
    at: npt.NDArray[np.intp] = np.floor(depth_row[0] * slope + depth_row[-1]).astype(np.intp)
    return at
