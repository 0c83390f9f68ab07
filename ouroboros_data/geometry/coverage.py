"""Which frames of a long video to keep: those that together show the room, each the sharpest of its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import minimum_filter

from ouroboros_data.geometry.cameras import Floats, inverse

Choice = Literal["cover", "uniform"]

_POINTS = 4000
"""Points that stand for the surfaces: 20 m² of floor with its walls at about 15 cm."""
_SPACING_M = 0.1  # finer is no use
_CANDIDATES = 300
_GRID = 24  # cells along the longer side of a frame, within which the nearest points hide the others
# A point is hidden if it lies farther behind the nearest one around than this: along a floor, depth grows from cell to
# cell.
_BEHIND_M, _BEHIND_SHARE = 0.3, 0.25
_REACH = 5  # cells
_NEAR_M, _FAR_M = 0.2, 8.0
_NEIGHBOURS = 5
"""Frames that are decoded to pick the sharpest one of them."""


def choose_frames(
    count: int,
    T_world_camera: npt.ArrayLike,
    K_px: npt.ArrayLike,
    size_px: tuple[int, int],
    vertices_m: npt.ArrayLike,
    sharpness: Callable[[list[int]], list[float]] | None = None,
    how: Choice = "cover",
) -> list[int]:
    """Positions of at most ``count`` frames, in time order. The same arguments give the same frames.

    ``uniform`` spreads them evenly over the frames that have a pose. ``cover`` takes, one after the other, the frame
    that shows most surface points, where a point that c chosen frames show already counts 1 / (c + 1)²; about 300 evenly
    spread frames compete. Each is then exchanged for the sharpest of up to five frames around it that are no one else's
    neighbours. Hiding is judged roughly, within cells of the frame, and nothing is said to be seen beyond 8 m.

    Args:
        count: At least 1. Fewer come back where fewer frames have a pose.
        T_world_camera: Poses, (f, 4, 4); a frame whose pose is not finite is never chosen.
        K_px: Intrinsics, (3, 3) or (f, 3, 3).
        size_px: Width, height.
        vertices_m: Points of the room's surfaces, (n, 3).
        sharpness: Of the frames at these positions, in time order; larger is sharper. None: do not look at pictures.
        how: See above.

    Raises:
        ValueError: No frame has a finite pose, ``count`` is below 1, or ``how`` is unknown.
    """
    poses = np.asarray(T_world_camera, float)
    usable = np.flatnonzero(np.isfinite(poses).all((1, 2))) if len(poses) else np.empty(0, np.int64)
    if count < 1 or how not in ("cover", "uniform"):
        raise ValueError(f"count must be at least 1 and how cover or uniform, got {count} and {how!r}")
    if not len(usable):
        raise ValueError("no frame has a finite pose")
    if how == "uniform" or len(usable) <= count:
        return [int(i) for i in usable[_spread(len(usable), count)]]
    k = np.broadcast_to(np.asarray(K_px, float), (len(poses), 3, 3))
    # Positions among the usable frames from here on.
    rivals = _spread(len(usable), max(_CANDIDATES, count))
    points, spacing_m = _thinned(np.asarray(vertices_m, float))
    at = usable[rivals]
    chosen = np.sort(_greedy(_seen(points, spacing_m, poses[at], k[at], size_px), count))
    if sharpness is None:
        return [int(i) for i in at[chosen]]
    return [int(i) for i in usable[_sharpest(rivals, chosen, len(usable), usable, sharpness)]]


def _spread(total: int, count: int) -> npt.NDArray[np.int64]:
    """``count`` of 0 … total - 1, the middles of equal parts; all where there are no more."""
    if total <= count:
        return np.arange(total)
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)


def _thinned(points_m: Floats) -> tuple[Floats, float]:
    """At most ``_POINTS`` points, one for each cell of a grid that is as fine as that allows, and its spacing in m."""
    points = points_m[np.isfinite(points_m).all(1)]
    cell = _SPACING_M
    while len(points) > _POINTS:
        _, first = np.unique(np.floor(points / cell).astype(np.int64), axis=0, return_index=True)
        points, cell = points[np.sort(first)], cell * 1.25
    return points, cell


def _seen(
    points: Floats, spacing_m: float, poses: Floats, k: Floats, size_px: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Which frames (f) show which points (n)."""
    seen = np.zeros((len(poses), len(points)), bool)
    columns, rows = (max(1, round(_GRID * n / max(size_px))) for n in size_px)
    per_cell = np.array([columns / size_px[0], rows / size_px[1]])
    to_camera = inverse(poses)
    for frame, (pose, intrinsics) in enumerate(zip(to_camera, k, strict=True)):
        local = points @ pose[:3, :3].T + pose[:3, 3]
        ahead = np.flatnonzero((local[:, 2] > _NEAR_M) & (local[:, 2] < _FAR_M))
        pixel = (local[ahead] @ intrinsics.T)[:, :2] / local[ahead, 2:]
        within = ((pixel >= 0) & (pixel < size_px)).all(1)
        ahead, pixel = ahead[within], pixel[within]
        z = local[ahead, 2]
        cell = (pixel * per_cell).astype(np.int64)
        flat = cell[:, 1] * columns + cell[:, 0]
        # Points of a surface near by lie cells apart: each hides as far around itself as the next one may be.
        reach = np.ceil(0.5 * spacing_m * intrinsics[0, 0] * per_cell[0] / z).clip(1, _REACH).astype(np.int64)
        nearest = np.full(columns * rows, np.inf)
        for r in range(1, _REACH + 1):
            own = np.full(columns * rows, np.inf)
            np.minimum.at(own, flat[reach == r], z[reach == r])
            spread = minimum_filter(own.reshape(rows, columns), 2 * r + 1, mode="nearest")
            nearest = np.minimum(nearest, spread.ravel())
        seen[frame, ahead] = z < (1 + _BEHIND_SHARE) * nearest[flat] + _BEHIND_M
    return seen


def _greedy(seen: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.int64]:
    """Rows of ``seen`` (f, n) in the order taken; the first of equals."""
    table = seen.astype(np.float32)
    times = np.zeros(seen.shape[1])
    free = np.ones(len(seen), bool)
    taken: list[int] = []
    for _ in range(min(count, len(seen))):
        gain = table @ (1 / (times + 1) ** 2).astype(np.float32)
        best = int(np.where(free, gain, -1.0).argmax())
        taken.append(best)
        free[best] = False
        times += seen[best]
    return np.array(taken, np.int64)


def _sharpest(
    rivals: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    total: int,
    usable: npt.NDArray[np.int64],
    sharpness: Callable[[list[int]], list[float]],
) -> list[int]:
    """The sharpest frame between each chosen one and half the way to the rivals beside it."""
    edges = np.concatenate([[0], (rivals[1:] + rivals[:-1] + 1) // 2, [total]])
    groups = []
    for i in chosen:
        low, high = int(edges[i]), int(edges[i + 1])
        around = low + _spread(high - low, _NEIGHBOURS)
        # The chosen one first: it stays where nothing is sharper.
        groups.append([int(rivals[i]), *(int(j) for j in around if j != rivals[i])][:_NEIGHBOURS])
    wanted = sorted(j for group in groups for j in group)
    values = sharpness([int(usable[j]) for j in wanted])
    if len(values) != len(wanted):
        raise ValueError(f"sharpness gave {len(values)} values for {len(wanted)} frames")
    of = dict(zip(wanted, np.nan_to_num(np.asarray(values, float), nan=-np.inf), strict=True))
    return [max(group, key=lambda j: of[j]) for group in groups]
