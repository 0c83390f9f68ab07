"""The distance between two boxes as VSI-Bench took it: between points of a 5 cm grid. For replication only.

It is not the distance between the boxes. The grid leaves out most of the outermost points, because a test meant to
keep the points of the box drops those on its faces by rounding, and it has one layer in a box thinner than 5 cm. So it
is too large, by 4.8 cm on average; `boxes.distances_m` is exact. Nothing but benchmarks/vsi_oracle.py uses it.

Source: VITA-Group/VLM-3R:vlm_3r_data_process/src/utils/common_utils.py, after the benchmark's own scripts.
"""

from __future__ import annotations

import math

import numpy as np

from ouroboros_data.geometry.boxes import Array

STEP_M = 0.05
_LEAST_M = 1e-4
_MOST_POINTS = 4_000_000


def grid_points_m(center_m: Array, extent_m: Array, R_world_box: Array) -> Array:
    """(n, 3) points of the grid near the faces of one box, in world coordinates.

    Which points on the faces are kept depends on the last bit, so sums are taken in the recipe's order and rounded as
    there: into the world by a matrix product, which fuses its multiplications and additions, and back without.

    Args:
        center_m: (3,).
        extent_m: (3,) full lengths, positive.
        R_world_box: (3, 3) the box's axes as columns.

    Raises:
        ValueError: The box is so large that its grid does not fit in memory, or not positive.
    """
    if not (np.isfinite(extent_m).all() and (extent_m > 0).all()):
        raise ValueError(f"extents must be positive, got {extent_m.tolist()}")
    half = extent_m / 2
    axes = R_world_box.T
    step = STEP_M
    while step > _LEAST_M:
        counts = [math.ceil(length / step) for length in extent_m.tolist()]
        if math.prod(counts) > _MOST_POINTS:
            raise ValueError(f"a grid of {math.prod(counts)} points is too large")
        lines = [np.linspace(-h, h, count) for h, count in zip(half.tolist(), counts, strict=True)]
        local = np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3)
        local = local[(np.abs(local) > extent_m / 4).any(1)]
        turned = _fused(local[:, 2:], axes[2], _fused(local[:, 1:2], axes[1], local[:, :1] * axes[0]))
        world: Array = turned + center_m
        away = world - center_m
        along = np.stack([away[:, 0] * a[0] + away[:, 1] * a[1] + away[:, 2] * a[2] for a in axes], axis=-1)
        kept: Array = world[(np.abs(along) <= half).all(1)]
        if len(kept):
            return kept
        step /= 2
    raise ValueError("no grid has a point in the box")


def _fused(a: Array, b: Array, c: Array) -> Array:
    """``a * b + c`` rounded once, on any machine: a matrix product does so only where the processor can.

    Source: Dekker, "A floating-point technique for extending the available precision" (1971).
    """
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    of_c = total - product
    lost_too = (product - (total - of_c)) + (c - of_c)
    out: Array = total + (lost_too + lost)
    return out


def _halves(x: Array) -> tuple[Array, Array]:
    """Two numbers of 26 bits each that add up to ``x``."""
    scaled = x * 134217729.0  # 2 to the 27, plus 1
    high = scaled - (scaled - x)
    return high, x - high


def grid_distance_m(points_a_m: Array, points_b_m: Array) -> float:
    """Least distance between two sets of `grid_points_m`, (n, 3) and (m, 3)."""
    from scipy.spatial import cKDTree

    least = cKDTree(points_a_m).query(points_b_m)[0].min()
    return float(least)
