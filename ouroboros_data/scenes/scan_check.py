"""What is wrong with the scan behind a scene: its poses, its mesh, its depth. Pure functions, as in `scenecheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ouroboros_data.geometry.boxes import boxes_of, point_distances_m
from ouroboros_data.geometry.cameras import project, transform
from ouroboros_data.scenes.check import Finding, boxes_finding
from ouroboros_data.types import Scene

Floats = npt.NDArray[np.float64]
Depth = npt.NDArray[np.float32]

_FEWEST_POSED = 8
_GAP_S = 2.0
_NEAR_MESH_M = 0.15
_PAIRS, _PIXELS = 6, 4000
_LEAST_COMMON = 200
_DEPTH_M = (0.2, 15.0)


class ScanFrame(Protocol):
    """A frame as the source has it, before any is chosen or turned upright."""

    @property
    def id(self) -> str:
        """Name."""

    @property
    def time_s(self) -> float:
        """When."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width, height of the picture that ``K_px`` belongs to."""

    @property
    def K_px(self) -> Any:
        """(3, 3)."""

    @property
    def T_world_camera(self) -> Any:
        """(4, 4), or None where the source has no pose, or none that is finite."""


class Scan(Protocol):
    """The scan that an adapter makes a scene of. Adapters that have it give it by ``with adapter.raw(ref, media) as scan``."""

    @property
    def vertices_m(self) -> Any:
        """(n, 3) of the mesh, in the world of the poses; no rows where the source has no mesh."""

    @property
    def frames(self) -> Sequence[Any]:
        """All frames (`ScanFrame`) in the order of time."""

    @property
    def open_depth(self) -> Callable[[Any], Depth | None] | None:
        """(h, w) metres along camera z of a frame, nan where there is none; as wide a view as ``K_px`` has."""


def check_scan(scene: Scene, scan: Scan) -> list[Finding]:
    """All checks of this module."""
    checks = (check_poses, check_gaps, check_boxes_on_mesh, check_depth)
    findings = [finding for check in checks for finding in check(scene, scan)]
    if any(finding.check == "depth" and finding.severity == "error" for finding in findings):
        return findings  # depth that contradicts itself lies on no mesh either
    return findings + check_depth_on_mesh(scene, scan)


def check_poses(scene: Scene, scan: Scan) -> list[Finding]:
    """``poses``: how many frames have none, or one that is not finite."""
    total, posed = len(scan.frames), len(_posed(scan))
    share = 1 - posed / total if total else 1.0
    if posed >= _FEWEST_POSED and share <= 0.2:
        return []
    what = f"{total - posed} of {total} frames ({share:.0%}) have no finite pose"
    if posed < _FEWEST_POSED:
        return [_finding(scene, "poses", "error", what, "download the poses again, or leave the scan out")]
    return [
        _finding(
            scene, "poses", "warning", what, "tracking was lost there; what those frames show is not used"
        )
    ]


def check_gaps(scene: Scene, scan: Scan) -> list[Finding]:
    """``times``: stretches without a pose, and times that do not increase."""
    posed = _posed(scan)
    times_s = np.array([frame.time_s for frame in posed])
    if len(times_s) < 2:
        return []
    steps = np.diff(times_s)
    if (steps < 0).any():
        at = posed[int(np.argmax(steps < 0))].id
        return [
            _finding(scene, "times", "error", f"time goes back after frame {at}", "sort the frames by time")
        ]
    limit = max(_GAP_S, 10 * float(np.median(steps)))
    gaps = np.flatnonzero(steps > limit)
    if not len(gaps):
        return []
    longest = int(steps.argmax())
    what = (
        f"{len(gaps)} stretches of more than {limit:.1f} s without a pose, "
        f"the longest {steps[longest]:.1f} s after frame {posed[longest].id}"
    )
    return [
        _finding(
            scene, "times", "warning", what, "what was filmed then is not used; nothing to do if that is fine"
        )
    ]


def check_boxes_on_mesh(scene: Scene, scan: Scan) -> list[Finding]:
    """``boxes``: boxes without one point of the mesh in them, as when boxes and mesh are not in one frame."""
    vertices = np.asarray(scan.vertices_m, float).reshape(-1, 3)
    if not len(vertices):
        return []
    empty = []
    for record in scene.objects:
        reach = 0.5 * float(np.linalg.norm(record.extent_m)) + 0.1
        near = vertices[(np.abs(vertices - record.center_m) <= reach).all(1)]
        if not len(near) or point_distances_m(near[:, None], boxes_of([record])).min() > 0.05:
            empty.append(record.id)
    return boxes_finding(scene, empty, "outside the mesh")


def check_depth(scene: Scene, scan: Scan) -> list[Finding]:
    """``depth``: points of one depth picture that the next one does not find where its pose says they are."""
    agreed, middles = [], []
    for one, two in _pairs(scan):
        a, b = _depth(scan, one), _depth(scan, two)
        if a is None or b is None:
            continue
        middles.append(float(np.nanmedian(a)))
        pixel, far = project(_world(a, one, _PIXELS), _scaled(two, b), two.T_world_camera)
        at = np.floor(np.nan_to_num(pixel, nan=-1.0).clip(-1, 1e6)).astype(int)
        inside = (far > 0.1) & (at >= 0).all(1) & (at < b.shape[::-1]).all(1)
        found, far = b[at[inside, 1], at[inside, 0]], far[inside]
        known = np.isfinite(found)
        if known.sum() >= _LEAST_COMMON:
            off = np.abs(far[known] - found[known])
            agreed.append(float((off <= 0.05 + 0.03 * far[known]).mean()))
    if not middles:
        return []
    middle = float(np.median(middles))
    if not _DEPTH_M[0] <= middle <= _DEPTH_M[1]:
        unit = "millimetres" if middle > _DEPTH_M[1] else "metres taken for millimetres"
        what = f"depth is {middle:.4g} m in the middle: the numbers look like {unit}"
        return [
            _finding(scene, "depth", "error", what, "read depth in its own unit (ScanNet, ARKitScenes: mm)")
        ]
    share = float(np.median(agreed)) if agreed else 1.0
    if share >= 0.75:
        return []
    what = f"depth and poses disagree: {share:.0%} of the points of a frame are found again in the next (of {len(agreed)} pairs)"
    fix = "poses must be camera-to-world in metres and belong to the frame of the same number; check depth's unit"
    return [_finding(scene, "depth", "error" if share < 0.5 else "warning", what, fix)]


def check_depth_on_mesh(scene: Scene, scan: Scan) -> list[Finding]:
    """``alignment``: depth that does not lie on the mesh, as when only one of poses and mesh is aligned with the axes."""
    vertices = np.asarray(scan.vertices_m, float).reshape(-1, 3)
    if not len(vertices):
        return []
    tree, near = cKDTree(vertices), []
    for frame in _spread(_posed(scan), _PAIRS):
        depth = _depth(scan, frame)
        if depth is None:
            continue
        points = _world(depth, frame, 500)
        if len(points) >= _LEAST_COMMON:
            gap, _ = tree.query(points, distance_upper_bound=_NEAR_MESH_M)
            near.append(float(np.isfinite(gap).mean()))
    share = float(np.median(near)) if near else 1.0
    if share >= 0.7:
        return []
    what = f"depth does not lie on the mesh: {share:.0%} of its points are within {100 * _NEAR_MESH_M:.0f} cm (of {len(near)} frames)"
    fix = "apply the alignment (axisAlignment, aligned poses) to mesh and poses alike; check depth's scale"
    return [_finding(scene, "alignment", "error" if share < 0.5 else "warning", what, fix)]


def _posed(scan: Scan) -> list[Any]:
    return [f for f in scan.frames if f.T_world_camera is not None and np.isfinite(f.T_world_camera).all()]


def _spread(frames: Sequence[Any], count: int) -> list[Any]:
    picked = np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int)) if frames else ()
    return [frames[int(i)] for i in picked]


def _pairs(scan: Scan) -> list[tuple[Any, Any]]:
    """Frames, each with a later one that sees much the same from elsewhere: without motion nothing can disagree."""
    posed = _posed(scan)
    if scan.open_depth is None or len(posed) < 2:
        return []
    poses = np.array([frame.T_world_camera for frame in posed], float)
    pairs = []
    for one in np.unique(np.linspace(0, len(posed) - 2, _PAIRS).round().astype(int)):
        rest = poses[one + 1 :]
        way = np.linalg.norm(rest[:, :3, 3] - poses[one, :3, 3], axis=1)
        cosine = (np.einsum("ij,nij->n", poses[one, :3, :3], rest[:, :3, :3]) - 1) / 2
        turn = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        moved = ((way > 0.15) | (turn > 10)) & (turn < 35)
        if moved.any():
            pairs.append((posed[one], posed[one + 1 + int(moved.argmax())]))
    return pairs


def _depth(scan: Scan, frame: Any) -> Depth | None:
    depth = scan.open_depth(frame) if scan.open_depth is not None else None
    return depth if depth is not None and np.isfinite(depth).any() else None


def _scaled(frame: Any, depth: Depth) -> Floats:
    """Intrinsics for the depth picture, which shows what the colour picture does in other pixels."""
    height, width = depth.shape
    sx, sy = width / frame.size_px[0], height / frame.size_px[1]
    K_px: Floats = np.diag([sx, sy, 1.0]) @ np.asarray(frame.K_px, float)
    return K_px


def _world(depth: Depth, frame: Any, most: int) -> Floats:
    rows, columns = np.nonzero(np.isfinite(depth))
    step = max(1, len(rows) // most)
    rows, columns = rows[::step], columns[::step]
    pixels = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], 1)
    rays = pixels @ np.linalg.inv(_scaled(frame, depth)).T
    return transform(frame.T_world_camera, rays * depth[rows, columns, None])


def _finding(scene: Scene, check: str, severity: Any, what: str, fix: str) -> Finding:
    return Finding(scene=scene.id, check=check, severity=severity, what=what, fix=fix)
