"""Pinhole cameras: intrinsics, poses, projection and its inverse.

Axes are OpenCV's (+x right, +y down, +z forward), world +z is up, ``T_world_camera`` maps camera to world.
The pixel in column i and row j covers [i, i+1) x [j, j+1) of the image plane that ``K_px`` maps to, so its
centre is (i + 0.5, j + 0.5) and the principal point of a centred camera is (width / 2, height / 2).
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import numpy.typing as npt

from ouroboros_data.types import Mat3, Mat4

Floats = npt.NDArray[np.float64]


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


def as_mat3(matrix: npt.ArrayLike) -> Mat3:
    """Nested tuples of plain floats, as records hold them."""
    return cast(Mat3, tuple(tuple(row) for row in np.asarray(matrix, float).reshape(3, 3).tolist()))


def as_mat4(matrix: npt.ArrayLike) -> Mat4:
    """Nested tuples of plain floats, as records hold them."""
    return cast(Mat4, tuple(tuple(row) for row in np.asarray(matrix, float).reshape(4, 4).tolist()))
