"""``lowres_wide.traj`` and ``.pincam``: where the camera was, and how it projects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import inverse
from scene_adapters.raw_files import Floats, fail, parse_numbers, read_text

MAX_TRAJ_BYTES = 64 << 20
MAX_PINCAM_BYTES = 4096
MAX_TURN_RAD = 100.0
MAX_PLACE_M = 1e4
MAX_SIZE_PX = 16384
NAME_TOLERANCE_S = 0.0015
"""Names carry milliseconds and may be one off (apple/ARKitScenes:…/tenFpsDataLoader.py tries both neighbours). At 60
frames a second the next frame is 16 ms away."""
_STAMPED = re.compile(r"(?:\d+_)?(\d{1,9}\.\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """The camera's known poses, in the order of time."""

    times_s: Floats
    """(n,), seconds of the device's clock."""
    T_world_camera: Floats
    """(n, 4, 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pincam:
    """Intrinsics of one picture."""

    size_px: tuple[int, int]
    K_px: Floats
    """(3, 3)."""


def read_trajectory(path: Path) -> Trajectory:
    """Poses from lines of ``time, rotation (axis times angle, radians), translation (metres)``.

    The file maps world to camera (apple/ARKitScenes:…/tenFpsDataLoader.py, ``TrajStringToMatrix``); what is returned is
    the inverse. A line whose rotation or translation is not finite says that the pose was lost, and is left out.

    Raises:
        SceneError: Cannot be read, a line is not of that form (it is named), or there are no poses.
    """
    from scipy.spatial.transform import Rotation

    where = str(path)
    lines = enumerate(read_text(path, MAX_TRAJ_BYTES).splitlines(), 1)
    rows = [parse_numbers(line, 7, f"line {number}", where) for number, line in lines if line.strip()]
    table = np.array(rows, float).reshape(-1, 7)
    if not np.isfinite(table[:, 0]).all():
        fail(f"the time of pose {int(np.isfinite(table[:, 0]).argmin())} is not finite", where)
    table = table[np.isfinite(table).all(1)]
    if not len(table):
        raise SceneError("holds no poses", where=where, fix="leave the video out")
    far = (np.abs(table[:, 1:4]).max(1) > MAX_TURN_RAD) | (np.abs(table[:, 4:]).max(1) > MAX_PLACE_M)
    if far.any() or np.abs(table[:, 0]).max() > 1e9:
        raise SceneError(
            "rotation or translation is out of all bounds", where=where, fix="expected radians and metres"
        )
    table = table[np.argsort(table[:, 0], kind="stable")]
    T_camera_world = np.tile(np.eye(4), (len(table), 1, 1))
    T_camera_world[:, :3, :3] = Rotation.from_rotvec(table[:, 1:4]).as_matrix()
    T_camera_world[:, :3, 3] = table[:, 4:]
    return Trajectory(times_s=table[:, 0], T_world_camera=inverse(T_camera_world))


def read_pincam(path: Path) -> Pincam:
    """Intrinsics from one line of ``width height fx fy cx cy``, pixels.

    The principal point is taken as counted from the picture's corner. Nothing published says whether it is that or the
    centre of the first pixel; the difference is half a pixel.

    Raises:
        SceneError: Cannot be read, or a number is wrong (it is named).
    """
    where = str(path)
    width, height, fx, fy, cx, cy = parse_numbers(read_text(path, MAX_PINCAM_BYTES), 6, "intrinsics", where)
    size = (int(width), int(height)) if np.isfinite([width, height]).all() else (0, 0)
    checks = {
        "width": size[0] == width and 1 <= width <= MAX_SIZE_PX,
        "height": size[1] == height and 1 <= height <= MAX_SIZE_PX,
        "fx": 0 < fx <= 100 * MAX_SIZE_PX,
        "fy": 0 < fy <= 100 * MAX_SIZE_PX,
        "cx": 0 <= cx <= width,
        "cy": 0 <= cy <= height,
    }
    wrong = [name for name, good in checks.items() if not good]
    if wrong:
        fail(f"{wrong[0]} is out of range", where)
    K_px = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    return Pincam(size_px=size, K_px=K_px)


def scaled(pincam: Pincam, size_px: tuple[int, int], where: str) -> Floats:
    """Intrinsics (3, 3) for a picture of the same field of view with more or fewer pixels.

    Raises:
        SceneError: The pictures' shapes differ, so that one is cut or turned.
    """
    x, y = (new / old for new, old in zip(size_px, pincam.size_px, strict=True))
    if abs(x / y - 1) > 0.01:
        raise SceneError(
            f"is for pictures of {pincam.size_px[0]}x{pincam.size_px[1]}, they have {size_px[0]}x{size_px[1]}",
            where=where,
            fix="the pictures were cut or turned; use those of the download",
        )
    K_px: Floats = np.diag([x, y, 1.0]) @ pincam.K_px
    return K_px


def stamp_s(name: str) -> float | None:
    """Time in a file name, ``40753679_6845.806.png``; None where there is none."""
    match = _STAMPED.fullmatch(name.rpartition(".")[0])
    return float(match[1]) if match else None


def matches(at_s: Floats, known_s: Floats, tolerance_s: float) -> npt.NDArray[np.intp]:
    """Index of the nearest known time for each wanted one; -1 where none is within the tolerance.

    Args:
        at_s: Wanted times, (m,).
        known_s: Known times, (n,), ascending.
        tolerance_s: Seconds.
    """
    if not len(known_s):
        return np.full(len(at_s), -1)
    after = np.clip(np.searchsorted(known_s, at_s), 1, max(len(known_s) - 1, 1))
    pair = np.stack([after - 1, np.minimum(after, len(known_s) - 1)])
    nearest = np.take_along_axis(pair, np.abs(known_s[pair] - at_s).argmin(0)[None], 0)[0]
    return np.where(np.abs(known_s[nearest] - at_s) <= tolerance_s, nearest, -1)
