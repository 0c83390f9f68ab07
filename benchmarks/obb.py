"""Distances between oriented boxes: the exact ones against the usual recipe of sampled points.

    OMP_NUM_THREADS=1 python benchmarks/obb.py [PAIRS]

The recipe is the one by which several training sets were made (VITA-Group/VLM-3R:vlm_3r_data_process/src/utils/
common_utils.py): points every 5 cm on the boxes' shells, cropped by the box itself, and the nearest two of them. Here
it gets numpy arrays and scipy's k-d tree, which is quicker than the point clouds it was written for. Both are timed on
the same pairs in turns, in CPU seconds, and measured against bounded least squares (scipy's BVLS).
"""

from __future__ import annotations

import math
import sys
import time

import numpy as np
import numpy.typing as npt
from scipy.optimize import lsq_linear
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ouroboros_data.geometry.boxes import Boxes, distances_m

Floats = npt.NDArray[np.float64]
STEP_M = 0.05
ROUNDS = 5
TARGET_RATIO, TARGET_ERROR_M = 1000.0, 1e-4


def furniture(rng: np.random.Generator, n: int, *, tilted: bool) -> Boxes:
    """Boxes as rooms have them: 5 cm to 2 m long, a few metres apart."""
    R = (
        Rotation.random(n, random_state=rng)
        if tilted
        else Rotation.from_euler("z", rng.uniform(0, 2 * np.pi, (n, 1)))
    )
    return Boxes(
        center_m=rng.uniform([-2.5, -2.5, 0], [2.5, 2.5, 1.5], (n, 3)),
        half_m=rng.uniform(0.025, 1.0, (n, 3)),
        R_world_box=R.as_matrix(),
    )


def shell(boxes: Boxes, i: int) -> Floats:
    """The recipe's points of one box, in world coordinates."""
    center, half, R = boxes.center_m[i], boxes.half_m[i], boxes.R_world_box[i]
    step = STEP_M
    while True:
        axes = [np.linspace(-h, h, math.ceil(2 * h / step)) for h in half]
        local = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        local = local[(np.abs(local) > half / 2).any(1)]
        world: Floats = local @ R.T + center
        away = world - center
        inside = (np.abs(away @ R) <= half).all(1)
        if inside.any():
            return world[inside]
        step /= 2


def by_samples(a: Boxes, b: Boxes) -> Floats:
    out = np.empty(len(a.center_m))
    for i in range(len(out)):
        out[i] = cKDTree(shell(b, i)).query(shell(a, i))[0].min()
    return out


def by_least_squares(a: Boxes, b: Boxes) -> Floats:
    out = np.empty(len(a.center_m))
    for i in range(len(out)):
        A = np.hstack([a.R_world_box[i], -b.R_world_box[i]])
        limit = np.concatenate([a.half_m[i], b.half_m[i]])
        solved = lsq_linear(A, b.center_m[i] - a.center_m[i], (-limit, limit), method="bvls", tol=1e-14)
        out[i] = math.sqrt(2 * solved.cost)
    return out


def part(boxes: Boxes, n: int) -> Boxes:
    return Boxes(center_m=boxes.center_m[:n], half_m=boxes.half_m[:n], R_world_box=boxes.R_world_box[:n])


def main() -> int:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    missed = False
    for name, tilted in (("upright boxes", False), ("tilted boxes", True)):
        rng = np.random.default_rng(0)
        many = 100 * pairs
        a, b = furniture(rng, many, tilted=tilted), furniture(rng, many, tilted=tilted)
        few_a, few_b = part(a, pairs), part(b, pairs)
        distances_m(a, b)  # warm up
        exact_s, sampled_s = [], []
        for _ in range(ROUNDS):
            start = time.process_time()
            exact = distances_m(a, b)
            middle = time.process_time()
            sampled = by_samples(few_a, few_b)
            exact_s.append((middle - start) / many)
            sampled_s.append((time.process_time() - middle) / pairs)
        ratios = [slow / quick for slow, quick in zip(sampled_s, exact_s, strict=True)]
        truth = by_least_squares(few_a, few_b)
        error, off = np.abs(exact[:pairs] - truth), np.abs(sampled - truth)
        flips = (np.round(sampled, 1) != np.round(truth, 1)).mean()
        ratio = float(np.median(ratios))
        print(f"{name}: {many} pairs exact, {pairs} of them sampled, {ROUNDS} rounds in turns")
        print(
            f"  exact    {1 / np.median(exact_s):10.0f} pairs/s   error mean {error.mean():.1e} m, max {error.max():.1e} m"
        )
        print(
            f"  sampled  {1 / np.median(sampled_s):10.0f} pairs/s   error mean {off.mean():.1e} m, max {off.max():.1e} m; "
            f"{flips:.0%} of the labels with one decimal differ"
        )
        print(f"  ratio    {ratio:10.0f} x (rounds: {min(ratios):.0f} to {max(ratios):.0f})")
        missed |= ratio < TARGET_RATIO or error.max() > TARGET_ERROR_M
    print(
        f"target: at least {TARGET_RATIO:.0f} x, error at most {1e3 * TARGET_ERROR_M} mm: {'missed' if missed else 'met'}"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
