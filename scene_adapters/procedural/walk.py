"""A hand-held camera's walk through the free floor, and where it looks."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.interpolate import CubicSpline

from ouroboros_data.geometry.cameras import from_yaw_pitch
from scene_adapters.procedural.layout import Layout
from scene_adapters.procedural.shell import Shell

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BODY_M = 0.24
"""Radius that the walker keeps clear."""
_CELL_M = 0.15
_SPEED_M_S = 0.65
_LEAST_FREE_M2 = 0.6
_STEP_HZ = 1.7
_KNOT_S = 1.6
_LOOKS = 16


def walk(
    layout: Layout, random: Random, times_s: Floats, *, hfov_deg: float, yaw_rad: float = 0.0
) -> Floats | None:
    """Camera poses in the room's frame turned by ``yaw_rad``, (frames, 4, 4); None where nobody can stand.

    The path keeps `BODY_M` from everything that stands on the floor and from the walls. Of a few ways to look around
    along it, the one that faces most objects is taken.
    """
    floor = _free_floor(layout)
    if floor is None:
        return None
    free, clearance = floor
    duration_s = float(times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0
    path = _path(free, clearance, random, max(0.3, _SPEED_M_S * duration_s))
    along = np.zeros(len(path))
    np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1), out=along[1:])
    share = (times_s - times_s[0]) / duration_s if duration_s else np.zeros_like(times_s)
    eye = np.stack([np.interp(share * along[-1], along, path[:, axis]) for axis in (0, 1)], -1)
    height = random.uniform(1.4, 1.62)
    bob = 0.015 * np.sin(2 * math.pi * _STEP_HZ * times_s + random.uniform(0, 6)) + 0.04 * _wave(
        random, times_s
    )
    eye = np.concatenate([eye, (height + bob)[:, None]], 1)
    heading, pitch = _look_around(layout, random, times_s, share, eye, hfov_deg)
    roll = math.radians(1.0) * _wave(random, times_s)
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    turned = eye @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return from_yaw_pitch(turned, heading + yaw_rad, pitch, roll)


def _wave(random: Random, times_s: Floats) -> Floats:
    """A smooth curve in [-1, 1] or so: a cubic spline through random knots."""
    first, last = float(times_s[0]), float(times_s[-1])
    knots = np.arange(first - _KNOT_S, last + 2 * _KNOT_S, _KNOT_S)
    curve: Floats = CubicSpline(knots, [random.uniform(-0.8, 0.8) for _ in knots])(times_s)
    return curve


def _free_floor(layout: Layout) -> tuple[Mask, Floats] | None:
    """Cells where the walker can stand, their largest connected part, and each cell's distance to an obstacle."""
    shell = layout.shell
    xs = (np.arange(int(shell.width_m / _CELL_M)) + 0.5) * _CELL_M
    ys = (np.arange(int(shell.depth_m / _CELL_M)) + 0.5) * _CELL_M
    x, y = xs[:, None], ys[None, :]
    clearance = np.minimum(np.minimum(x, shell.width_m - x), np.minimum(y, shell.depth_m - y))
    boxes = [item.box for item in layout.items if item.box.z0 < 1.8 and item.support is None]
    if shell.notch is not None:
        boxes.append(shell.notch)
    for box in boxes:
        dx, dy = x - box.x, y - box.y
        across = np.maximum(np.abs(dx * box.c + dy * box.s) - box.hx, 0.0)
        ahead = np.maximum(np.abs(dy * box.c - dx * box.s) - box.hy, 0.0)
        np.minimum(clearance, np.hypot(across, ahead), out=clearance)
    labels, count = ndimage.label(clearance > BODY_M + _CELL_M / 2)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    best = int(sizes.argmax())
    if sizes[best] * _CELL_M**2 < _LEAST_FREE_M2:
        return None
    return labels == best + 1, clearance


def _path(free: Mask, clearance: Floats, random: Random, length_m: float) -> Floats:
    """Points a few centimetres apart, smoothed, all on free floor; ``length_m`` long or as far as one can go."""
    cells = np.argwhere(free)
    tried = [cells[random.randrange(len(cells))].tolist() for _ in range(12)]
    start = max(tried, key=lambda cell: clearance[cell[0], cell[1]])
    # From one far end towards the other: that shows more of the room than a walk between neighbours.
    steps = _steps(free, (start[0], start[1]))
    end = divmod(int(steps.argmax()), free.shape[1])
    route = _route(free, _steps(free, end), (start[0], start[1]))
    if len(route) * _CELL_M < length_m:
        steps = _steps(free, end)
        route = _route(free, steps, divmod(int(steps.argmax()), free.shape[1]))
    points = (np.array(route, float) + 0.5) * _CELL_M
    points = points[: max(2, int(length_m / _CELL_M) + 1)]
    if len(points) < 2:
        return np.repeat(points, 2, axis=0)
    knots = np.linspace(0, len(points) - 1, 2 * len(points))
    dense = np.stack([np.interp(knots, np.arange(len(points)), points[:, axis]) for axis in (0, 1)], -1)
    for _ in range(40):
        moved = dense.copy()
        moved[1:-1] = (dense[:-2] + dense[2:]) / 2
        column = (moved / _CELL_M).astype(int)
        allowed = free[column[:, 0], column[:, 1]]
        dense = np.where(allowed[:, None], moved, dense)
    return dense


def _steps(free: Mask, start: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Number of 4-neighbour steps from the start; -1 where it cannot be reached."""
    width, depth = free.shape
    # A border of blocked cells saves the range checks.
    row = depth + 2
    blocked = np.ones((width + 2, row), bool)
    blocked[1:-1, 1:-1] = ~free
    closed = blocked.ravel().tolist()
    distance = [-1] * len(closed)
    at = (start[0] + 1) * row + start[1] + 1
    closed[at], distance[at] = True, 0
    edge, count = [at], 0
    while edge:
        count += 1
        following = []
        for cell in edge:
            for near in (cell + row, cell - row, cell + 1, cell - 1):
                if not closed[near]:
                    closed[near] = True
                    distance[near] = count
                    following.append(near)
        edge = following
    return np.array(distance, np.int32).reshape(width + 2, row)[1:-1, 1:-1]


def _route(free: Mask, steps: npt.NDArray[np.int32], start: tuple[int, int]) -> list[tuple[int, int]]:
    """Cells from the start down to where ``steps`` is 0; diagonal where both neighbours are free."""
    route = [start]
    i, j = start
    while steps[i, j] > 0:
        best = None
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            u, v = i + a, j + b
            if not (0 <= u < free.shape[0] and 0 <= v < free.shape[1]) or steps[u, v] < 0:
                continue
            if a and b and (not free[i, v] or not free[u, j]):
                continue
            if best is None or steps[u, v] < best[0]:
                best = (int(steps[u, v]), u, v)
        assert best is not None
        _, i, j = best
        route.append((i, j))
    return route


def _look_around(
    layout: Layout, random: Random, times_s: Floats, share: Floats, eye: Floats, hfov_deg: float
) -> tuple[Floats, Floats]:
    """Yaw and pitch per frame: a sweep with pauses, pitched a little down."""
    targets = np.array([(i.box.x, i.box.y) for i in layout.items])
    toward = targets[None] - eye[:, None, :2]
    bearing = np.arctan2(toward[..., 1], toward[..., 0])
    distance = np.hypot(toward[..., 0], toward[..., 1])
    half = math.radians(hfov_deg) / 2 - 0.1
    sway = 0.3 * _wave(random, times_s)
    # Slow in the middle of each third: people stop to look.
    eased = share - 0.03 * np.sin(2 * math.pi * 3 * share)
    start = np.array([random.uniform(-math.pi, math.pi) for _ in range(_LOOKS)])
    turn = np.array([random.choice((-1, 1)) * math.radians(random.uniform(200, 330)) for _ in range(_LOOKS)])
    yaw = start[:, None] + turn[:, None] * eased + sway
    off = np.abs((bearing - yaw[..., None] + math.pi) % (2 * math.pi) - math.pi)
    good = (off < half) & (distance > 0.7) & _clear_of_notch(layout.shell, eye, targets)
    times = good.sum(1)
    # Seen once matters most; more often, and from afar, counts a little more. A view of a bare wall is wasted.
    score = (times > 0).sum(1) + 0.15 * np.minimum(times, 4).sum(1) + 0.01 * (good * distance).mean((1, 2))
    score -= (good.sum(2) < 2).sum(1)
    return yaw[int(score.argmax())], math.radians(-15) + math.radians(7) * _wave(random, times_s)


def _clear_of_notch(shell: Shell, eye: Floats, targets: Floats) -> Mask:
    """Which targets (m, 2) each eye (n, 3) sees past the missing corner of an L: (n, m)."""
    if shell.notch is None:
        return np.ones((len(eye), len(targets)), bool)
    center = np.array([shell.notch.x, shell.notch.y])
    half = np.array([shell.notch.hx, shell.notch.hy]) - 0.15  # what hangs on the notch's own walls is seen
    start = (eye[:, None, :2] - center) + np.zeros((1, len(targets), 1))
    ray = targets[None] - eye[:, None, :2]
    ray = np.where(np.abs(ray) < 1e-9, 1e-9, ray)
    first, second = (-half - start) / ray, (half - start) / ray
    enter = np.minimum(first, second).max(-1)
    leave = np.maximum(first, second).min(-1)
    clear: Mask = (enter > leave) | (enter > 1.0) | (leave < 0.0)
    return clear
