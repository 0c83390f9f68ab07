"""What lies where from a camera, how cameras lie to each other and move, and in which order things come into view.

Poses are ``T_world_camera`` (..., 4, 4) in OpenCV axes (+x right, +y down, +z ahead); world +z is up. Leading axes
broadcast: ``poses[:, None]`` against the centres ``(n, 3)`` gives all frames by all objects. Angles about the
vertical are in degrees, counter-clockwise seen from above, so what is to the left, and a turn to the left, is
positive. Where a viewing direction is within ``steep_deg`` of the vertical it has no heading; what needs one is nan, or
`UNCLEAR` where the answer is a verdict.

`left_of_camera`, `in_front_of_camera` and `above_camera` are about where a person stands who holds the camera level:
heights and the camera's pitch and roll do not enter. `left_in_view` is about the picture, as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry.boxes import Array, Boxes, corners, point_distances_m
from ouroboros_data.geometry.relations import NO, UNCLEAR, UP, YES, Verdicts, span_m

STEEP_DEG = 15.0
"""A pose that is off by 2° turns the heading of a camera this far from the vertical by 8°."""
NEAR_M = 0.1
"""Things nearer than this to the vertical line through the camera, or to its plane, are in no direction."""


def in_camera_m(points_m: Array, T_world_camera: Array) -> Array:
    """(..., 3) world points in the camera's axes: metres to the right, down and ahead (the depth).

    Args:
        points_m: (..., 3).
        T_world_camera: (..., 4, 4).
    """
    away = points_m - T_world_camera[..., :3, 3]
    local: Array = np.einsum("...ji,...j->...i", T_world_camera[..., :3, :3], away)
    return local


def headings_deg(T_world_camera: Array, *, steep_deg: float = STEEP_DEG) -> Array:
    """(...) direction in which cameras look, seen from above, in (-180, 180] from world +x; nan where too steep."""
    ahead = T_world_camera[..., :3, 2]
    level = np.hypot(ahead[..., 0], ahead[..., 1])
    from_vertical = np.degrees(np.arctan2(level, np.abs(ahead[..., 2])))
    heading: Array = np.degrees(np.arctan2(ahead[..., 1], ahead[..., 0]))
    return np.where(from_vertical < max(steep_deg, 1e-6), np.nan, _wrapped(heading))


def in_level_camera_m(points_m: Array, T_world_camera: Array, *, steep_deg: float = STEEP_DEG) -> Array:
    """(..., 3) world points from a camera held level: metres to the right, ahead and up.

    Ahead is the camera's heading, up is world up. The first two are nan where the heading is.
    """
    away = points_m - T_world_camera[..., :3, 3]
    heading = np.radians(headings_deg(T_world_camera, steep_deg=steep_deg))
    cos, sin = np.cos(heading), np.sin(heading)
    right, ahead = away[..., 0] * sin - away[..., 1] * cos, away[..., 0] * cos + away[..., 1] * sin
    return np.stack(np.broadcast_arrays(right, ahead, away[..., 2]), -1)


def azimuths_deg(
    points_m: Array, T_world_camera: Array, *, near_m: float = NEAR_M, steep_deg: float = STEEP_DEG
) -> Array:
    """(...) angle from the camera's heading to world points, in (-180, 180], positive to the left.

    nan where the heading is, and where a point is within ``near_m`` of the vertical line through the camera.
    """
    away = points_m - T_world_camera[..., :3, 3]
    level = np.hypot(away[..., 0], away[..., 1])
    turn = np.degrees(np.arctan2(away[..., 1], away[..., 0]))
    azimuth = _wrapped(turn - headings_deg(T_world_camera, steep_deg=steep_deg))
    return np.where(level < near_m, np.nan, azimuth)


def camera_distances_m(boxes: Boxes, T_world_camera: Array) -> Array:
    """(...) distance from the camera's centre to the nearest point of the boxes, m; 0 for a camera inside."""
    return point_distances_m(T_world_camera[..., :3, 3], boxes)


def depth_spans_m(boxes: Boxes, T_world_camera: Array) -> Array:
    """(..., 2) least and greatest depth of the boxes along the viewing axis, m; below 0 behind the camera."""
    ahead = T_world_camera[..., :3, 2]
    depths: Array = span_m(boxes, ahead) - (ahead * T_world_camera[..., :3, 3]).sum(-1)[..., None]
    return depths


def left_of_camera(
    boxes: Boxes,
    T_world_camera: Array,
    *,
    dead_zone_deg: float = 10.0,
    near_m: float = NEAR_M,
    steep_deg: float = STEEP_DEG,
) -> Verdicts:
    """Whether box centres are to the left of where the camera heads: `YES` left, `NO` right, else `UNCLEAR`.

    Args:
        boxes: (...).
        T_world_camera: (..., 4, 4).
        dead_zone_deg: Centres within this angle of straight ahead or straight behind are on neither side. It is
            the least that careful sources ask for (VLM-3R's rel_direction_v2, SIMS-V's spatial.py).
        near_m: As in `azimuths_deg`.
        steep_deg: As in `headings_deg`.
    """
    azimuth = azimuths_deg(boxes.center_m, T_world_camera, near_m=near_m, steep_deg=steep_deg)
    side = (np.abs(azimuth) >= dead_zone_deg) & (np.abs(azimuth) <= 180.0 - dead_zone_deg)
    return _verdicts(side & (azimuth > 0), side & (azimuth < 0))


def in_front_of_camera(
    boxes: Boxes,
    T_world_camera: Array,
    *,
    dead_zone_deg: float = 10.0,
    near_m: float = NEAR_M,
    steep_deg: float = STEEP_DEG,
) -> Verdicts:
    """Whether box centres are ahead of a camera held level: `YES` in front, `NO` behind, else `UNCLEAR`.

    Args:
        boxes: (...).
        T_world_camera: (..., 4, 4).
        dead_zone_deg: Centres within this angle of straight left or right are neither.
        near_m: As in `azimuths_deg`.
        steep_deg: As in `headings_deg`.
    """
    off = np.abs(azimuths_deg(boxes.center_m, T_world_camera, near_m=near_m, steep_deg=steep_deg))
    return _verdicts(off <= 90.0 - dead_zone_deg, off >= 90.0 + dead_zone_deg)


def above_camera(boxes: Boxes, T_world_camera: Array, *, dead_m: float = 0.05) -> Verdicts:
    """Whether boxes are higher than the camera: `YES` wholly above its height, `NO` wholly below, else `UNCLEAR`.

    Args:
        boxes: (...).
        T_world_camera: (..., 4, 4).
        dead_m: Boxes that clear the camera's height by less are `UNCLEAR`: their faces are off by 1 to 3 cm.
    """
    span, height = span_m(boxes, UP), T_world_camera[..., 2, 3]
    return _verdicts(span[..., 0] >= height + dead_m, span[..., 1] <= height - dead_m)


def left_in_view(
    a: Boxes, b: Boxes, T_world_camera: Array, *, dead_zone_deg: float = 5.0, near_m: float = NEAR_M
) -> Verdicts:
    """Whether ``a`` is to the left of ``b`` in the picture: `YES` left, `NO` right, else `UNCLEAR`.

    By the box centres' angles to the viewing plane that is upright in the picture. `UNCLEAR` where

    - the two differ by less than ``dead_zone_deg``;
    - the centre of one lies between the left and right edges of the other: a chair before the left half of a wide
      table is as much in front of it;
    - a corner of either is less than ``near_m`` ahead of the camera's plane: its place in the picture is no guide.

    The picture's edges do not enter; ask about objects that the frame shows.

    Args:
        a: (...).
        b: (...).
        T_world_camera: (..., 4, 4).
        dead_zone_deg: A twelfth of a picture 60° wide; below it people hesitate.
        near_m: See above.
    """
    pose = T_world_camera[..., None, :, :]
    points_a, points_b = in_camera_m(corners(a), pose), in_camera_m(corners(b), pose)
    usable = (points_a[..., 2].min(-1) >= near_m) & (points_b[..., 2].min(-1) >= near_m)
    middle_a = _right_deg(in_camera_m(a.center_m, T_world_camera))
    middle_b = _right_deg(in_camera_m(b.center_m, T_world_camera))
    edges_a, edges_b = _right_deg(points_a), _right_deg(points_b)
    usable &= (middle_a < edges_b.min(-1)) | (middle_a > edges_b.max(-1))
    usable &= (middle_b < edges_a.min(-1)) | (middle_b > edges_a.max(-1))
    apart = middle_b - middle_a
    return _verdicts(usable & (apart >= dead_zone_deg), usable & (apart <= -dead_zone_deg))


def nearer_to_camera(a: Boxes, b: Boxes, T_world_camera: Array, *, dead_m: float = 0.15) -> Verdicts:
    """Whether ``a`` is nearer to the camera than ``b``: `YES` nearer, `NO` farther, else `UNCLEAR`.

    By `camera_distances_m`, the nearest points of the boxes.

    Args:
        a: (...).
        b: (...).
        T_world_camera: (..., 4, 4).
        dead_m: Least difference. VLM-3R and SpatialEvo ask for the same 0.15 m.
    """
    apart = camera_distances_m(b, T_world_camera) - camera_distances_m(a, T_world_camera)
    return _verdicts(apart >= dead_m, apart <= -dead_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMotion:
    """How a second camera lies to a first one, or the same camera later to itself before."""

    offset_m: Array
    """(..., 3) its centre in the first camera's own axes: right, down, ahead (tilted as the first one is)."""
    level_m: Array
    """(..., 3) its centre from the first one held level: right, ahead, up. The last is the elevation change."""
    distance_m: Array
    """(...)."""
    yaw_deg: Array
    """(...) change of heading in (-180, 180], positive to the left. It is the heading that counts, so a camera that
    only rolls or nods has turned by 0. Nothing tells a turn by 270° from one by -90°: see `turned_deg`."""
    pitch_deg: Array
    """(...) how much higher the second one looks."""


def camera_motion(
    T_world_first: Array, T_world_second: Array, *, steep_deg: float = STEEP_DEG
) -> CameraMotion:
    """Relation of two cameras, (...); see `CameraMotion`. What needs a heading is nan where one looks too steeply."""
    there = T_world_second[..., :3, 3]
    yaw = headings_deg(T_world_second, steep_deg=steep_deg) - headings_deg(T_world_first, steep_deg=steep_deg)
    return CameraMotion(
        offset_m=in_camera_m(there, T_world_first),
        level_m=in_level_camera_m(there, T_world_first, steep_deg=steep_deg),
        distance_m=np.sqrt(((there - T_world_first[..., :3, 3]) ** 2).sum(-1)),
        yaw_deg=_wrapped(yaw),
        pitch_deg=_pitch_deg(T_world_second) - _pitch_deg(T_world_first),
    )


def turned_deg(T_world_camera: Array, *, steep_deg: float = STEEP_DEG) -> Array:
    """(..., f) degrees by which the camera has turned to the left since the first of (..., f, 4, 4) poses in order.

    Adds the changes of heading from pose to pose, so whole turns count, as long as no single step is half a turn.
    nan from the first pose on that looks too steeply.
    """
    heading = headings_deg(T_world_camera, steep_deg=steep_deg)
    steps = _wrapped(np.diff(heading, axis=-1, prepend=heading[..., :1]))
    total: Array = np.cumsum(steps, -1)
    return total


def nearest_first(values: Array) -> tuple[npt.NDArray[np.intp], Array]:
    """Order of distances, depths or times, and how near it is to another one.

    Args:
        values: (..., n); inf for what has none (never seen).

    Returns:
        (..., n) indices from the least value to the greatest, equal ones in their given order, and (...) the least
        difference of neighbours in that order: inf with fewer than two values, nan where any value is. Below the error
        of the values there is no order to ask for. Two that have none do not differ: 0.
    """
    order = np.argsort(values, -1, kind="stable")
    ranked = np.take_along_axis(values, order, -1)
    if values.shape[-1] < 2:
        return order, np.where(np.isnan(values).any(-1), np.nan, np.inf)
    both_inf = np.isinf(ranked[..., 1:]) & np.isinf(ranked[..., :-1]) & (ranked[..., 1:] == ranked[..., :-1])
    with np.errstate(invalid="ignore"):
        steps = np.where(both_inf, 0.0, np.diff(ranked, axis=-1))
    least: Array = steps.min(-1)
    return order, least


def first_seen_s(visible: npt.NDArray[np.bool_], times_s: Array) -> Array:
    """(..., n) time of the first frame that shows each object, s; inf for what no frame shows.

    Args:
        visible: (..., f, n) whether frame f shows object n.
        times_s: (f,) in any order.
    """
    times = np.where(visible, times_s[:, None], np.inf)
    first: Array = times.min(-2, initial=np.inf)
    return first


def last_seen_s(visible: npt.NDArray[np.bool_], times_s: Array) -> Array:
    """(..., n) time of the last frame that shows each object, s; -inf for what no frame shows. See `first_seen_s`."""
    times = np.where(visible, times_s[:, None], -np.inf)
    last: Array = times.max(-2, initial=-np.inf)
    return last


def sectors(angles_deg: Array, edges_deg: tuple[float, ...]) -> tuple[npt.NDArray[np.intp], Array]:
    """Which sector of a circle each angle lies in, and how far it is from the nearest edge.

    Args:
        angles_deg: (...), any finite angle.
        edges_deg: At least two, rising, within one turn. Sector k starts at edge k, which belongs to it, and the last
            one ends at the first edge: (0, 135, 225) are left, back and right for angles counter-clockwise from ahead.

    Returns:
        (...) sector numbers from 0 and (...) angles to the nearest edge, degrees.

    Raises:
        ValueError: Edges that do not rise within one turn.
    """
    edges = np.array(edges_deg, float)
    if len(edges) < 2 or not (np.diff(edges) > 0).all() or edges[-1] - edges[0] >= 360.0:
        raise ValueError(f"edges_deg must rise within one turn, got {edges_deg}")
    turned = (np.asarray(angles_deg, float) - edges[0]) % 360.0
    turned = np.where(turned == 360.0, 0.0, turned)
    number = np.searchsorted(edges - edges[0], turned, side="right") - 1
    away = np.abs(_wrapped(turned[..., None] - (edges - edges[0]))).min(-1)
    return number, away


def _verdicts(yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_]) -> Verdicts:
    return np.where(yes, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)


def _wrapped(angles_deg: Array) -> Array:
    """Angles in (-180, 180]."""
    rest: Array = 180.0 - (180.0 - angles_deg) % 360.0
    return np.where(rest == -180.0, 180.0, rest)


def _right_deg(local_m: Array) -> Array:
    """Angle to the right of the viewing axis of points in camera axes."""
    angle: Array = np.degrees(np.arctan2(local_m[..., 0], local_m[..., 2]))
    return angle


def _pitch_deg(T_world_camera: Array) -> Array:
    ahead = T_world_camera[..., :3, 2]
    pitch: Array = np.degrees(np.arctan2(ahead[..., 2], np.hypot(ahead[..., 0], ahead[..., 1])))
    return pitch
