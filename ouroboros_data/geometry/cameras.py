"""Pinhole cameras: intrinsics, poses, projection and its inverse.

Axes are OpenCV's (+x right, +y down, +z forward), world +z is up, ``T_world_camera`` maps camera to world.
The pixel in column i and row j covers [i, i+1) x [j, j+1) of the image plane that ``K_px`` maps to, so its
centre is (i + 0.5, j + 0.5) and the principal point of a centred camera is (width / 2, height / 2).
"""

from __future__ import annotations

import math
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from ouroboros_data.types import Mat3, Mat4

Floats = npt.NDArray[np.float64]
Turn = Literal[0, 90, 180, 270]
TURNS: tuple[Turn, ...] = (0, 90, 180, 270)


def pinhole(size_px: tuple[int, int], hfov_deg: float) -> Floats:
    """Intrinsics (3, 3) of a centred camera with square pixels and the given horizontal field of view."""
    if not 0.0 < hfov_deg < 180.0:
        raise ValueError(f"horizontal field of view must lie in (0, 180) degrees, got {hfov_deg}")
    width, height = size_px
    focal_px = 0.5 * width / math.tan(math.radians(hfov_deg) / 2)
    return np.array([[focal_px, 0.0, width / 2], [0.0, focal_px, height / 2], [0.0, 0.0, 1.0]])


def look_at(eye_m: npt.ArrayLike, target_m: npt.ArrayLike, roll_rad: npt.ArrayLike = 0.0) -> Floats:
    """Poses of cameras at ``eye_m`` that look at ``target_m`` with world +z up in the image.

    Args:
        eye_m: Camera centres, (..., 3).
        target_m: Points to look at, broadcast against ``eye_m``.
        roll_rad: Turn about the viewing axis, clockwise as the viewer sees it.

    Returns:
        ``T_world_camera``, (..., 4, 4).
    """
    eye, target = np.broadcast_arrays(np.asarray(eye_m, float), np.asarray(target_m, float))
    ahead = target - eye
    yaw = np.arctan2(ahead[..., 1], ahead[..., 0])
    pitch = np.arctan2(ahead[..., 2], np.hypot(ahead[..., 0], ahead[..., 1]))
    return from_yaw_pitch(eye, yaw, pitch, roll_rad)


def from_yaw_pitch(
    eye_m: npt.ArrayLike, yaw_rad: npt.ArrayLike, pitch_rad: npt.ArrayLike, roll_rad: npt.ArrayLike = 0.0
) -> Floats:
    """Poses from heading angles.

    Args:
        eye_m: Camera centres, (..., 3).
        yaw_rad: Heading, counter-clockwise from world +x seen from above.
        pitch_rad: Elevation of the viewing direction, positive looks up.
        roll_rad: Turn about the viewing axis, clockwise as the viewer sees it.

    Returns:
        ``T_world_camera``, (..., 4, 4).
    """
    eye = np.asarray(eye_m, float)
    yaw, pitch, roll = np.broadcast_arrays(
        np.asarray(yaw_rad, float), np.asarray(pitch_rad, float), np.asarray(roll_rad, float)
    )
    zero = np.zeros_like(yaw)
    ahead = np.stack([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)], -1)
    level = np.stack([np.sin(yaw), -np.cos(yaw), zero], -1)  # right-hand side of an unrolled camera
    below = np.cross(ahead, level)
    cos, sin = np.cos(roll)[..., None], np.sin(roll)[..., None]
    rotation = np.stack([cos * level + sin * below, cos * below - sin * level, ahead], -1)
    pose = np.zeros((*np.broadcast_shapes(eye.shape[:-1], yaw.shape), 4, 4))
    pose[..., :3, :3] = rotation
    pose[..., :3, 3] = eye
    pose[..., 3, 3] = 1.0
    return pose


def inverse(T_a_b: npt.ArrayLike) -> Floats:
    """``T_b_a`` of rigid transforms (..., 4, 4)."""
    pose = np.asarray(T_a_b, float)
    rotation = np.swapaxes(pose[..., :3, :3], -1, -2)
    out = np.zeros_like(pose)
    out[..., :3, :3] = rotation
    out[..., :3, 3] = -np.einsum("...ij,...j->...i", rotation, pose[..., :3, 3])
    out[..., 3, 3] = 1.0
    return out


def pixel_rays(K_px: npt.ArrayLike, size_px: tuple[int, int]) -> Floats:
    """Directions through the pixel centres in camera axes, (height, width, 3), scaled so that z is 1."""
    width, height = size_px
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(columns)], -1)
    rays: Floats = pixels @ np.linalg.inv(np.asarray(K_px, float)).T
    return rays


def project(
    points_m: npt.ArrayLike, K_px: npt.ArrayLike, T_world_camera: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Image positions (..., 2) in pixels and depths (...) in metres of world points (..., 3).

    A point is in front of the camera only where its depth is positive; positions are meaningless elsewhere.
    """
    local = transform(inverse(T_world_camera), points_m)
    depth = local[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = (local @ np.asarray(K_px, float).T)[..., :2] / depth[..., None]
    return pixels, depth


def unproject(depth_m: npt.ArrayLike, K_px: npt.ArrayLike, T_world_camera: npt.ArrayLike) -> Floats:
    """World points (height, width, 3) of one depth image (height, width), depth along camera z.

    Points where the depth is infinite are not finite either.
    """
    depth = np.asarray(depth_m, float)
    height, width = depth.shape
    with np.errstate(invalid="ignore"):
        return transform(T_world_camera, pixel_rays(K_px, (width, height)) * depth[..., None])


def transform(T_a_b: npt.ArrayLike, points: npt.ArrayLike) -> Floats:
    """Points (..., 3) of frame b in frame a."""
    pose = np.asarray(T_a_b, float)
    moved: Floats = np.asarray(points, float) @ pose[:3, :3].T + pose[:3, 3]
    return moved


def turned(
    size_px: tuple[int, int], K_px: npt.ArrayLike, T_world_camera: npt.ArrayLike, turn_deg: int
) -> tuple[tuple[int, int], Floats, Floats]:
    """The same camera after its picture was turned clockwise.

    Args:
        size_px: Width and height before.
        K_px: Intrinsics before, (3, 3).
        T_world_camera: Poses before, (..., 4, 4).
        turn_deg: 0, 90, 180 or 270.

    Returns:
        Size, intrinsics and poses after: a world point is projected to where the turn takes its pixel.

    Raises:
        ValueError: Another turn.
    """
    if turn_deg not in (0, 90, 180, 270):
        raise ValueError(f"turn_deg must be 0, 90, 180 or 270, got {turn_deg}")
    (width, height), K, pose = size_px, np.array(K_px, float), np.array(T_world_camera, float)
    for _ in range(turn_deg // 90):
        # (x, y) of the picture goes to (height - y, x), and the camera's axes turn with it.
        pixels = np.array([[0.0, -1.0, height], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        # Columns by hand: a product would spread what is not finite, and warn.
        K = pixels @ np.stack([-K[:, 1], K[:, 0], K[:, 2]], 1)
        pose[..., :2] = np.stack([-pose[..., 1], pose[..., 0]], -1)
        width, height = height, width
    return (width, height), K + 0.0, pose + 0.0  # records hold no negative zeros


def upright_turn_deg(T_world_camera: npt.ArrayLike) -> Turn:
    """Clockwise turn that brings a picture upright, as well as a quarter turn can, from its pose (4, 4) alone.

    A camera that looks straight down or up has no upright turn; it gets 0 or what noise decides.
    Rule and order of turns: apple/ARKitScenes issue 47.

    Raises:
        ValueError: The pose is not finite.
    """
    right_z, down_z = np.asarray(T_world_camera, float)[2, :2]
    if not (math.isfinite(right_z) and math.isfinite(down_z)):
        raise ValueError("T_world_camera is not finite")
    # How far the picture's bottom, right, top and left edge point towards the floor.
    return TURNS[int(np.argmax([-down_z, -right_z, down_z, right_z]))]


def interpolate_pose(
    times_s: npt.ArrayLike, poses: npt.ArrayLike, at_s: npt.ArrayLike, max_gap_s: float
) -> Floats:
    """Poses at other times: positions linearly, rotations along the shortest arc (slerp).

    Args:
        times_s: Times of the known poses, (n,), in any order; of equal times the first counts.
        poses: ``T_world_camera`` at these times, (n, 4, 4); those that are not finite are left out.
        at_s: Wanted times, (m,).
        max_gap_s: Longest time between the two known poses around a wanted one.

    Returns:
        (m, 4, 4); nan where the gap is longer, and before the first and after the last known pose.

    Raises:
        ValueError: Shapes that do not fit.
    """
    from scipy.spatial.transform import Rotation, Slerp

    times, known, at = np.asarray(times_s, float), np.asarray(poses, float), np.asarray(at_s, float)
    if times.ndim != 1 or known.shape != (len(times), 4, 4) or at.ndim != 1:
        raise ValueError(f"expected (n,), (n, 4, 4) and (m,), got {times.shape}, {known.shape}, {at.shape}")
    finite = np.isfinite(times) & np.isfinite(known).all((1, 2))
    times, first = np.unique(times[finite], return_index=True)
    known = known[finite][first]
    out = np.full((len(at), 4, 4), np.nan)
    after = np.searchsorted(times, at)  # the first known pose that is not earlier
    exact = after < len(times)
    exact[exact] = times[after[exact]] == at[exact]
    out[exact] = known[after[exact]]
    between = ~exact & (after > 0) & (after < len(times))
    between[between] = times[after[between]] - times[after[between] - 1] <= max_gap_s
    if between.any():
        ends, starts = after[between], after[between] - 1
        share = (at[between] - times[starts]) / (times[ends] - times[starts])
        out[between] = np.eye(4)
        out[between, :3, :3] = Slerp(times, Rotation.from_matrix(known[:, :3, :3]))(at[between]).as_matrix()
        a, b = known[starts, :3, 3], known[ends, :3, 3]
        out[between, :3, 3] = a + share[:, None] * (b - a)
    return out


def as_mat3(matrix: npt.ArrayLike) -> Mat3:
    """Nested tuples of plain floats, as records hold them."""
    return cast(Mat3, tuple(tuple(row) for row in np.asarray(matrix, float).reshape(3, 3).tolist()))


def as_mat4(matrix: npt.ArrayLike) -> Mat4:
    """Nested tuples of plain floats, as records hold them."""
    return cast(Mat4, tuple(tuple(row) for row in np.asarray(matrix, float).reshape(4, 4).tolist()))
