"""Boxes around the points of one object.

All three kinds enclose every point that is kept; what is dropped is said in ``near_main_part``. Nothing is random, and
points are sorted first, so equal sets of points give equal boxes to the last bit, in whatever order they come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError, cKDTree

from ouroboros_data.types import BoxKind

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MIN_POINTS = 4
MIN_EXTENT_M = 0.005
"""No edge is shorter: depth sensors do not measure less, and a box without volume breaks what follows."""

_ENOUGH_TO_JUDGE = 30  # with fewer points, "isolated" has no meaning: the corners of a box are far apart
_SAME_M = 0.001
_LINK_SPACINGS = 4.0
_LINK_LEAST_M = 0.04
_PART_POINTS, _PART_SHARE, _PART_GAP_M = 8, 0.01, 0.3
_OWN_SHARE = 0.05
_MOST_DROPPED = 1 / 3
_SHORTEST_SIDE_M = 1e-6  # of a hull: its direction is rounding below that
_SLIVER_M = (
    1e-6  # added to edges when boxes are compared: of boxes without volume, the one with the least area wins
)
_STARTS, _ROUNDS = 3, 10
_WORTH = 1e-4
_SAME_DIRECTION = 0.1  # finer finds boxes that are 0.1 % smaller, for a third more time
_TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedBox:
    """An oriented box and what it stands on."""

    center_m: Floats
    """(3,)."""
    extent_m: Floats
    """(3,) full edge lengths along the columns of ``R_world_box``."""
    R_world_box: Floats
    """(3, 3), columns are the box axes, determinant +1."""
    kept: int
    """Points that the box encloses; the others were stray."""


def fit_box(points_m: npt.ArrayLike, kind: BoxKind = "gravity") -> FittedBox:
    """Box around the points of one object, without stray ones.

    - ``axis_aligned``: along the world axes.
    - ``gravity``: one edge vertical, the least footprint (Toussaint, Solving geometric problems with the rotating
      calipers, 1983). Axes: the longer lying edge, pointing to +x (to +y where it has no x), the other one, +z.
    - ``free``: near the least volume: the best box that is flush with a face of the convex hull, then turned about
      each of its axes in turn while that makes it smaller. Axes from the longest edge to the shortest.

    Args:
        points_m: (n, 3), world +z up. Points that are not finite are not kept.
        kind: As above.

    Raises:
        ValueError: Fewer than four finite points, another shape than (n, 3), or a kind that cannot be fitted.
    """
    points = np.asarray(points_m, np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must have shape (n, 3), got {points.shape}")
    points = points[np.isfinite(points).all(1)]
    if len(points) < MIN_POINTS:
        raise ValueError(f"a box needs {MIN_POINTS} points, got {len(points)}")
    points = points[np.lexsort(points.T[::-1])]
    points = points[near_main_part(points)]
    corners = _hull(points)
    if kind == "axis_aligned":
        R = np.eye(3)
    elif kind == "gravity":
        R = _lying_first(_turned(corners, np.eye(3)), corners)
    elif kind == "free":
        R = _longest_first(_least_volume(corners), corners)
    else:
        raise ValueError(f"box kind {kind!r} is none of axis_aligned, gravity, free")
    local = corners @ R
    low, high = local.min(0), local.max(0)
    return FittedBox(
        center_m=R @ ((low + high) / 2),
        extent_m=np.maximum(high - low, MIN_EXTENT_M),
        R_world_box=R,
        kept=len(points),
    )


def near_main_part(points_m: Floats) -> Flags:
    """Which points belong to the object, (n,); the others are stray.

    Points are linked where they are closer than four times their usual spacing (third quartile of the distance to
    the next point; at least 4 cm). The largest cluster is the object. Another cluster stays if

    - it has 8 points and 1 % of all, and a chain of such clusters with gaps up to 30 cm leads to the object:
      legs and poles are thin, and scans lose pieces of them;
    - or such a chain on its own has 5 % of all points: a lamp's foot whose pole was not seen, a pair of curtains.

    So mislabelled points that float on their own go, and a thin part that hangs together or lies close by stays.
    Stray points nearer than a link cannot be told from a thin part and stay. Where more than a third would go, or
    where there are fewer than 30 points, there is no main cluster to speak of and all stay.
    """
    everything = np.ones(len(points_m), np.bool_)
    cells, inverse = np.unique(np.floor(points_m / _SAME_M), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    if len(cells) < _ENOUGH_TO_JUDGE:
        return everything
    # One point of each cell stands for all: copies of a point must neither count nor hide its neighbours.
    sites = np.empty_like(cells)
    sites[inverse[::-1]] = points_m[::-1]
    near, neighbour = cKDTree(sites).query(sites, k=7)
    link = max(_LINK_LEAST_M, _LINK_SPACINGS * float(np.quantile(near[:, 1], 0.75)))
    cluster = _single_linkage(sites, near, neighbour, link)
    size = np.bincount(cluster)
    main = int(size.argmax())
    if size[main] == len(sites):
        return everything
    part = (size >= _PART_POINTS) & (size >= _PART_SHARE * len(sites))
    part[main] = True
    group = _joined_parts(sites, cluster, np.flatnonzero(part))
    mass = np.bincount(group[part], size[part], len(size))
    stays = part & ((group == group[main]) | (mass[group] >= _OWN_SHARE * len(sites)))
    kept = stays[cluster]
    if kept.sum() < (1 - _MOST_DROPPED) * len(sites):
        return everything
    flags: Flags = kept[inverse]
    return flags


def _single_linkage(
    sites: Floats, near: Floats, neighbour: npt.NDArray[np.intp], link: float
) -> npt.NDArray[np.intp]:
    """Cluster of each site, (n,), numbered in the order of their first sites.

    The nearest neighbours join nearly everything at little cost. What they leave outside of the largest cluster is
    then linked exactly, with that cluster as one node.
    """
    count = len(sites)
    close = near[:, 1:] <= link
    rows = np.repeat(np.arange(count), close.sum(1))
    first = _components(count, rows, neighbour[:, 1:][close])
    inside = first == np.bincount(first).argmax()
    outside = np.flatnonzero(~inside)
    if not len(outside):
        return first
    body = int(np.flatnonzero(inside)[0])
    tree = cKDTree(sites[outside])
    pairs = outside[tree.query_pairs(link, output_type="ndarray")].reshape(-1, 2)
    gap, _ = cKDTree(sites[inside]).query(sites[outside], distance_upper_bound=link)
    touching = outside[np.isfinite(gap)]
    rest = np.flatnonzero(inside)
    a = np.concatenate([pairs[:, 0], touching, rest])
    b = np.concatenate([pairs[:, 1], np.full(len(touching) + len(rest), body)])
    return _components(count, a, b)


def _joined_parts(
    sites: Floats, cluster: npt.NDArray[np.intp], parts: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Group of each cluster, (clusters,), where parts with gaps up to ``_PART_GAP_M`` are one group."""
    trees = {int(i): cKDTree(sites[cluster == i]) for i in parts}
    pairs = [
        (i, j)
        for i in trees
        for j in trees
        if i < j and np.isfinite(trees[j].query(trees[i].data, distance_upper_bound=_PART_GAP_M)[0]).any()
    ]
    ends = np.array(pairs, np.intp).reshape(-1, 2)
    return _components(int(cluster.max()) + 1, ends[:, 0], ends[:, 1])


def _components(count: int, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    labels: npt.NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return labels


def _hull(points: Floats) -> Floats:
    """The points that a box can touch, in their old order; all of them where they span no volume."""
    try:
        touched: Floats = points[np.sort(ConvexHull(points).vertices)]
    except QhullError:
        return points
    return touched


def _turned(points: Floats, R: Floats) -> Floats:
    """``R`` turned about its third axis so that the box's face across that axis is smallest, (3, 3).

    Rotating calipers: the smallest rectangle around a convex polygon has a side on one of the polygon's.
    """
    flat = points @ R[:, :2]
    hull = shapely.get_coordinates(shapely.convex_hull(shapely.MultiPoint(flat)))
    sides = np.diff(hull, axis=0)
    length = np.hypot(sides[:, 0], sides[:, 1])
    along = sides[length > _SHORTEST_SIDE_M] / length[length > _SHORTEST_SIDE_M][:, None]
    along = np.concatenate(
        [[[1.0, 0.0]], along]
    )  # what there was, for points that have no side, and for ties
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    spans = np.stack([np.ptp(hull @ along.T, axis=0), np.ptp(hull @ across.T, axis=0)])
    area = (spans + _SLIVER_M).prod(0)
    best = int(np.flatnonzero(area <= area.min() * (1 + _TIE))[0])
    turn = np.stack([along[best], across[best]], 1)
    turned = R.copy()
    turned[:, :2] = R[:, :2] @ turn
    return turned


def _least_volume(points: Floats) -> Floats:
    """Axes of a box of nearly the least volume, (3, 3)."""
    centred = points - points.mean(0)
    starts = [np.eye(3), np.linalg.svd(centred, full_matrices=True)[2].T]
    try:
        flush = [_turned(points, _across(normal)) for normal in _face_normals(points)]
    except QhullError:
        flush = []  # no volume: the principal axes are flush with the plane or the line
    volumes = [_volume(points, R) for R in flush]
    starts += [flush[i] for i in np.argsort(volumes, kind="stable")[:_STARTS]]
    best, least = starts[0], np.inf
    for start in starts:
        R = _shrunk(points, start)
        volume = _volume(points, R)
        if volume < least * (1 - _TIE):
            best, least = R, volume
    return best


def _face_normals(points: Floats) -> Floats:
    """Directions of the faces of the convex hull, (n, 3), of nearly parallel ones only one."""
    normals = np.array([_pointing(normal) for normal in ConvexHull(points).equations[:, :3]])
    _, first = np.unique(np.round(normals / _SAME_DIRECTION), axis=0, return_index=True)
    some: Floats = normals[np.sort(first)]
    return some


def _across(normal: Floats) -> Floats:
    """Axes of which the third is ``normal``, (3, 3)."""
    first = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal], 1)


def _shrunk(points: Floats, R: Floats) -> Floats:
    """``R`` turned about each axis in turn, for as long as that makes the box smaller, (3, 3)."""
    volume = _volume(points, R)
    for _ in range(_ROUNDS):
        for _ in range(3):
            R = _turned(points, np.roll(R, 1, axis=1))
        last, volume = volume, _volume(points, R)
        if volume > last * (1 - _WORTH):
            break
    axes: Floats = np.linalg.qr(R)[0]  # rounding adds up over the turns
    return axes


def _volume(points: Floats, R: Floats) -> float:
    return float((np.ptp(points @ R, axis=0) + _SLIVER_M).prod())


def _lying_first(R: Floats, points: Floats) -> Floats:
    span = np.ptp(points @ R[:, :2], axis=0)
    first = R[:, 1] if span[1] > span[0] else R[:, 0]
    first = _pointing(first)
    return np.stack([first, [-first[1], first[0], 0.0], [0.0, 0.0, 1.0]], 1)


def _longest_first(R: Floats, points: Floats) -> Floats:
    order = np.argsort(-np.ptp(points @ R, axis=0), kind="stable")
    a, b = _pointing(R[:, order[0]]), _pointing(R[:, order[1]])
    return np.stack([a, b, np.cross(a, b)], 1)


def _pointing(axis: Floats) -> Floats:
    """The axis or its opposite, whichever has its first component that is not rounding positive."""
    axis = np.where(np.abs(axis) < 1e-12, 0.0, axis)
    turned: Floats = axis * np.sign(axis[np.flatnonzero(axis)[0]])
    return turned + 0.0
