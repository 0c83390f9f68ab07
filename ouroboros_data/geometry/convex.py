"""Convex polygons and boxes cut by half-spaces, vectorised: exact areas and volumes of what two shapes share.

A polygon is an array (..., m, d) of corners in order, in the plane (d = 2) or lying anywhere in space (d = 3).
Repeated corners are allowed, and that is how polygons with fewer corners share an array with others.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.boxes import Array, Boxes

_CHUNK = 4096
"""Pairs per pass: keeps the temporaries small."""
_SAME_M = 1e-9
"""Faces that are closer than this lie in one plane; the volume is then off by at most this times the face."""


def clip(polygons: Array, normals: Array, offsets: Array) -> Array:
    """What is left of convex polygons where ``normal · x <= offset``, by Sutherland and Hodgman's method.

    Args:
        polygons: (n, m, d) corners in order.
        normals: (n, d), outward.
        offsets: (n,).

    Returns:
        (n, m + 1, d) corners in order, padded by repeating the first; all zero where nothing is left.
    """
    n, m, d = polygons.shape
    side = np.einsum("nmd,nd->nm", polygons, normals) - offsets[:, None]
    following, side_after = np.roll(polygons, -1, 1), np.roll(side, -1, 1)
    crosses = (side < 0) != (side_after < 0)
    crosses &= (side != 0) & (side_after != 0)
    share = side / np.where(crosses, side - side_after, 1.0)
    crossing = polygons + share[..., None] * (following - polygons)
    kept = np.stack([side <= 0, crosses], 2).reshape(n, 2 * m)
    points = np.stack([polygons, crossing], 2).reshape(n, 2 * m, d)
    order = np.argsort(~kept, axis=1, kind="stable")[:, : m + 1]
    out = np.take_along_axis(points, order[..., None], 1)
    valid = np.take_along_axis(kept, order, 1)
    first = np.where(valid[:, :1, None], out[:, :1], 0.0)
    clipped: Array = np.where(valid[..., None], out, first)
    return clipped


def polygon_areas(polygons: Array) -> Array:
    """(...) signed areas of polygons (..., m, 2), positive where the corners go counter-clockwise."""
    p = polygons - polygons[..., :1, :]
    after = np.roll(p, -1, -2)
    area: Array = 0.5 * (p[..., 0] * after[..., 1] - p[..., 1] * after[..., 0]).sum(-1)
    return area


def edge_half_planes(polygons: Array) -> tuple[Array, Array]:
    """Outward normals (..., m, 2) and offsets (..., m) of counter-clockwise polygons' edges (..., m, 2).

    Edge i goes from corner i to the next. Edges without length get the normal 0 and the offset 0, which every
    point satisfies.
    """
    edge = np.roll(polygons, -1, -2) - polygons
    length = np.sqrt((edge**2).sum(-1))
    usable = length > 1e-12
    unit = np.where(usable[..., None], edge / np.where(usable, length, 1.0)[..., None], 0.0)
    normals = np.stack([unit[..., 1], -unit[..., 0]], -1)
    return normals, (normals * polygons).sum(-1)


def shared_areas(a: Array, b: Array) -> Array:
    """(n,) areas that convex counter-clockwise polygons a (n, k, 2) and b (n, m, 2) share, pair by pair."""
    out = np.zeros(len(a))
    meets = ((a.min(1) < b.max(1)) & (b.min(1) < a.max(1))).all(1)
    for rows in _parts(np.flatnonzero(meets)):
        # Around a corner of b, so that far from the origin no digits are lost.
        origin = b[rows, :1]
        left, cutter = a[rows] - origin, b[rows] - origin
        normals, offsets = edge_half_planes(cutter)
        for k in range(b.shape[1]):
            left = clip(left, normals[:, k], offsets[:, k])
        out[rows] = np.maximum(polygon_areas(left), 0.0)
    return out


def shared_volumes(a: Boxes, b: Boxes) -> Array:
    """(n,) volumes in m³ that boxes a and b (n, …) share, pair by pair; exact to about 1e-9 m times their faces.

    By the divergence theorem: the faces of what is shared are the parts of a's faces inside b and those of b's
    faces inside a. Where two faces coincide only b's is counted.
    """
    out = np.zeros(len(a.center_m))
    reach = [np.einsum("nij,nj->ni", np.abs(box.R_world_box), box.half_m) for box in (a, b)]
    meets = (np.abs(a.center_m - b.center_m) < reach[0] + reach[1]).all(1)
    for rows in _parts(np.flatnonzero(meets)):
        offset = b.center_m[rows] - a.center_m[rows]
        R_a, R_b, h_a, h_b = a.R_world_box[rows], b.R_world_box[rows], a.half_m[rows], b.half_m[rows]
        zero = np.zeros_like(offset)
        out[rows] = (
            _faces_within(zero, R_a, h_a, offset, R_b, h_b - _SAME_M)
            + _faces_within(offset, R_b, h_b, zero, R_a, h_a + _SAME_M)
        ) / 3.0
    return np.maximum(out, 0.0)


def _faces_within(
    center: Array, R: Array, half: Array, other: Array, R_other: Array, half_other: Array
) -> Array:
    """(n,) sum of (point · outward normal) · area over the parts of a box's faces that another box holds."""
    total = np.zeros(len(center))
    for axis in range(3):
        u, v = R[..., (axis + 1) % 3], R[..., (axis + 2) % 3]
        u, v = u * half[:, (axis + 1) % 3, None], v * half[:, (axis + 2) % 3, None]
        for sign in (1.0, -1.0):
            normal = sign * R[..., axis]
            middle = center + normal * half[:, axis, None]
            face = np.stack([middle + u + v, middle - u + v, middle - u - v, middle + u - v], 1)
            for k in range(3):
                for way in (1.0, -1.0):
                    plane = way * R_other[..., k]
                    face = clip(face, plane, (plane * other).sum(-1) + half_other[:, k])
            spokes = face - face[:, :1]
            doubled = np.cross(spokes[:, 1:-1], spokes[:, 2:]).sum(1)
            area = 0.5 * np.sqrt((doubled**2).sum(-1))
            total += (middle * normal).sum(-1) * area
    return total


def _parts(rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
