"""Oriented boxes (OBBs), vectorised: exact gaps, extents, bearings.

Every array has the box index last (``(..., n)``) and any number of leading axes, so that one call covers all
pairs of a scene in all its jittered copies.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ouroboros_data.types import SceneObject

Array = npt.NDArray[np.float64]

_CORNER_SIGNS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
_SIDE_SIGNS = np.array(list(itertools.product((-1.0, 1.0), repeat=2)))
# Edges closer to parallel than 1e-7 rad: the crossing moves the gap by less than 1e-6 m on a 10 m edge, and a
# corner is then as close.
_PARALLEL = 1e-14
_CHUNK = 8192
"""Pairs per pass: keeps the temporaries in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Oriented boxes with shared leading axes."""

    center_m: Array
    """(..., n, 3)."""
    half_m: Array
    """(..., n, 3) half edge lengths along the box's own axes."""
    R_world_box: Array
    """(..., n, 3, 3), columns are the box axes."""


def boxes_of(objects: Sequence[SceneObject]) -> Boxes:
    """Arrays of the objects' boxes, in order; (n, …)."""
    n = len(objects)
    return Boxes(
        center_m=np.array([o.center_m for o in objects], dtype=np.float64).reshape(n, 3),
        half_m=np.array([o.extent_m for o in objects], dtype=np.float64).reshape(n, 3) / 2,
        R_world_box=np.array([o.R_world_object for o in objects], dtype=np.float64).reshape(n, 3, 3),
    )


def corners(boxes: Boxes) -> Array:
    """(..., n, 8, 3) corner points in world coordinates, m."""
    local = _CORNER_SIGNS * boxes.half_m[..., None, :]
    world: Array = boxes.center_m[..., None, :] + local @ np.swapaxes(boxes.R_world_box, -1, -2)
    return world


def length_width_height(boxes: Boxes) -> Array:
    """(..., n, 3) edge lengths in m: the longer and the shorter lying one, then the standing one.

    The standing edge is the one along the box axis that is nearest to the vertical.
    """
    upright = np.abs(boxes.R_world_box[..., 2, :]).argmax(-1)[..., None]
    standing = np.take_along_axis(boxes.half_m, upright, -1)
    lying = np.sort(np.take_along_axis(boxes.half_m, (upright + np.array([1, 2])) % 3, -1), -1)[..., ::-1]
    sizes: Array = 2.0 * np.concatenate([lying, standing], -1)
    return sizes


def volumes(boxes: Boxes) -> Array:
    """(..., n) volumes in m³."""
    product: Array = 8.0 * boxes.half_m.prod(-1)
    return product


def bearing_deg(stand_xy: Array, facing_xy: Array, target_xy: Array) -> Array:
    """Angle in [0, 360) from the direction stand→facing to stand→target, counter-clockwise seen from above.

    Args:
        stand_xy: (..., 2) world x and y, m. Heights never enter.
        facing_xy: (..., 2).
        target_xy: (..., 2).
    """
    a, b = facing_xy - stand_xy, target_xy - stand_xy
    turn = np.arctan2(b[..., 1], b[..., 0]) - np.arctan2(a[..., 1], a[..., 0])
    degrees: Array = np.degrees(turn) % 360.0
    return np.where(degrees == 360.0, 0.0, degrees)


def pair_indices(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """All i < j, row by row: the order of ``pair_distances_m``."""
    return np.triu_indices(n, 1)


def pair_distances_m(boxes: Boxes) -> Array:
    """(..., n(n-1)/2) gaps of all pairs i < j in the order of ``pair_indices``, m; 0 where boxes overlap."""
    first, second = pair_indices(boxes.center_m.shape[-2])
    return distances_m(_take(boxes, first), _take(boxes, second))


def distances_m(a: Boxes, b: Boxes) -> Array:
    """(...) gap between the closest points of ``a`` and ``b``, box by box, m; 0 where they touch or overlap.

    Exact to rounding: disjoint convex polyhedra are closest either at a corner of one of them, or where an
    edge of one crosses an edge of the other, and both cases are enumerated. Overlap is the separating-axis
    test.
    """
    shape = np.broadcast_shapes(a.center_m.shape, b.center_m.shape)
    out = np.empty(int(np.prod(shape[:-1])))
    flat_a, flat_b = _flat(a, shape[:-1]), _flat(b, shape[:-1])
    for start in range(0, len(out), _CHUNK):
        part = slice(start, start + _CHUNK)
        out[part] = _chunk_distances(_slice(flat_a, part), _slice(flat_b, part))
    return out.reshape(shape[:-1])


def point_distances_m(points_m: Array, boxes: Boxes) -> Array:
    """(...) distance from world points (..., 3) to solid boxes, m; 0 inside."""
    local = np.einsum("...ji,...j->...i", boxes.R_world_box, points_m - boxes.center_m)
    outside = np.maximum(np.abs(local) - boxes.half_m, 0.0)
    distance: Array = np.sqrt((outside**2).sum(-1))
    return distance


def _take(boxes: Boxes, index: npt.NDArray[np.intp]) -> Boxes:
    return Boxes(
        center_m=boxes.center_m[..., index, :],
        half_m=boxes.half_m[..., index, :],
        R_world_box=boxes.R_world_box[..., index, :, :],
    )


def _flat(boxes: Boxes, shape: tuple[int, ...]) -> Boxes:
    return Boxes(
        center_m=np.broadcast_to(boxes.center_m, (*shape, 3)).reshape(-1, 3),
        half_m=np.broadcast_to(boxes.half_m, (*shape, 3)).reshape(-1, 3),
        R_world_box=np.broadcast_to(boxes.R_world_box, (*shape, 3, 3)).reshape(-1, 3, 3),
    )


def _slice(boxes: Boxes, part: slice | Array) -> Boxes:
    return Boxes(
        center_m=boxes.center_m[part], half_m=boxes.half_m[part], R_world_box=boxes.R_world_box[part]
    )


def _chunk_distances(a: Boxes, b: Boxes) -> Array:
    M = np.einsum("nki,nkj->nij", a.R_world_box, b.R_world_box)  # b's axes in a's frame
    offset = b.center_m - a.center_m
    d_a = np.einsum("nki,nk->ni", a.R_world_box, offset)
    d_b = np.einsum("nki,nk->ni", b.R_world_box, offset)
    gap = _separation(M, d_a, d_b, a.half_m, b.half_m)
    out = np.zeros(len(gap))
    apart = np.flatnonzero(gap > 0.0)
    M, d_a, d_b, h_a, h_b, gap = (
        M[apart],
        d_a[apart],
        d_b[apart],
        a.half_m[apart],
        b.half_m[apart],
        gap[apart],
    )
    squared = np.minimum(_corner_gap2(M, d_a, h_a, h_b), _corner_gap2(np.swapaxes(M, 1, 2), -d_b, h_b, h_a))
    # Where a corner already reaches the separating planes nothing can be closer.
    rest = np.flatnonzero(squared > (gap + 1e-12) ** 2)
    squared[rest] = np.minimum(squared[rest], _edge_gap2(M[rest], d_a[rest], d_b[rest], h_a[rest], h_b[rest]))
    out[apart] = np.maximum(np.sqrt(squared), gap)
    return out


def _separation(M: Array, d_a: Array, d_b: Array, h_a: Array, h_b: Array) -> Array:
    """Largest gap along the 15 candidate axes; not above 0 when the boxes overlap."""
    size = np.abs(M)
    along_a = np.abs(d_a) - h_a - np.einsum("nij,nj->ni", size, h_b)
    along_b = np.abs(d_b) - h_b - np.einsum("nij,ni->nj", size, h_a)
    gap: Array = np.maximum(along_a.max(1), along_b.max(1))
    for i in range(3):
        k, m = (i + 1) % 3, (i + 2) % 3
        # n = a_i × b_j has the components (0, -M[m, j], M[k, j]) along a_i, a_k, a_m.
        norm2 = M[:, k] ** 2 + M[:, m] ** 2
        reach = np.abs(d_a[:, m, None] * M[:, k] - d_a[:, k, None] * M[:, m])
        radius_a = h_a[:, k, None] * size[:, m] + h_a[:, m, None] * size[:, k]
        for j in range(3):
            p, q = (j + 1) % 3, (j + 2) % 3
            # |b_p · (a_i × b_j)| = |a_i · b_q| as the box axes are orthonormal.
            radius_b = h_b[:, p] * size[:, i, q] + h_b[:, q] * size[:, i, p]
            usable = norm2[:, j] > _PARALLEL
            along = (reach[:, j] - radius_a[:, j] - radius_b) / np.sqrt(np.where(usable, norm2[:, j], 1.0))
            gap = np.where(usable, np.maximum(gap, along), gap)
    return gap


def _corner_gap2(M: Array, d_a: Array, h_a: Array, h_b: Array) -> Array:
    """Squared distance from the nearest corner of b to the solid box a; M and d_a in a's frame."""
    points = d_a[:, None, :] + (_CORNER_SIGNS * h_b[:, None, :]) @ np.swapaxes(M, 1, 2)
    outside = np.maximum(np.abs(points) - h_a[:, None, :], 0.0)
    nearest: Array = np.einsum("nck,nck->nc", outside, outside).min(1)
    return nearest


def _edge_gap2(M: Array, d_a: Array, d_b: Array, h_a: Array, h_b: Array) -> Array:
    """Squared gap at the closest crossing of an edge of a with an edge of b; inf where no pair crosses.

    Edge pairs are crossed in the sense that the common perpendicular of their lines meets both edges. All
    16 edge pairs of each of the 9 direction pairs are tried: yaw-only boxes are full of ties, so choosing the
    supporting edges by the sign of a projection would miss some.
    """
    best = np.full(len(M), np.inf)
    for i in range(3):
        k, m = (i + 1) % 3, (i + 2) % 3
        side_a = _SIDE_SIGNS * h_a[:, None, (k, m)]  # (n, 4, 2) offsets of a's edges along a_k, a_m
        for j in range(3):
            p, q = (j + 1) % 3, (j + 2) % 3
            side_b = _SIDE_SIGNS * h_b[:, None, (p, q)]
            cosine, norm2 = M[:, i, j], M[:, k, j] ** 2 + M[:, m, j] ** 2
            usable = norm2 > _PARALLEL
            safe = np.where(usable, norm2, 1.0)[:, None, None]
            # w = (point on b's edge line) - (point on a's edge line), projected on a_i, b_j and n.
            w_u = d_a[:, i, None, None] + np.einsum("nsx,nx->ns", side_b, M[:, i, (p, q)])[:, None, :]
            w_v = d_b[:, j, None, None] - np.einsum("nsx,nx->ns", side_a, M[:, (k, m), j])[:, :, None]
            n_a = np.stack([-M[:, m, j], M[:, k, j]], -1)  # n along a_k, a_m
            n_b = np.stack([M[:, i, q], -M[:, i, p]], -1)  # n along b_p, b_q
            d_n = (d_a[:, (k, m)] * n_a).sum(-1)[:, None, None]
            w_n = (
                d_n
                + np.einsum("nsx,nx->ns", side_b, n_b)[:, None, :]
                - np.einsum("nsx,nx->ns", side_a, n_a)[:, :, None]
            )
            c = cosine[:, None, None]
            s = np.abs(w_u - c * w_v) / safe
            t = np.abs(c * w_u - w_v) / safe
            slack = 1e-9
            meets = (s <= h_a[:, i, None, None] + slack) & (t <= h_b[:, j, None, None] + slack)
            gap2 = np.where(meets & usable[:, None, None], w_n**2 / safe, np.inf)
            best = np.minimum(best, gap2.min((1, 2)))
    return best
