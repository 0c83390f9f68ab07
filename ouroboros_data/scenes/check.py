"""What is wrong with a scene, found before questions are asked about it. Pure functions, each for one kind of fault.

Those of this module look at the record; `ouroboros_data.scenes.scan_check` looks at the scan behind it, where there is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely

from ouroboros_data.geometry.boxes import boxes_of, corners
from ouroboros_data.geometry.cameras import upright_turn_deg
from ouroboros_data.types import CameraFrame, Scene

Floats = npt.NDArray[np.float64]
Severity = Literal["error", "warning"]
Verdict = Literal["ok", "usable with warnings", "unusable"]

_SCALES = (
    (100.0, "centimetres"),
    (1000.0, "millimetres"),
    (0.01, "metres divided by 100"),
    (0.001, "metres divided by 1000"),
)
_EDGE_M, _FLOOR_SIDE_M, _SPAN_M, _EYE_M = (0.08, 4.0), (0.8, 60.0), (0.8, 120.0), (0.15, 6.0)
"""Plausible: median of the longest edges, square root of the floor area, reach of all boxes, median camera height."""
_ROOM_MARGIN_M = 0.5
_STEEP = 0.85  # a camera that looks this far down or up has no upright
_SAME_GREY = 1.0  # mean difference of two thumbnails, of 255
_FLAT_GREY = 8.0  # a thumbnail with less contrast shows a wall, and walls look alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a scene."""

    scene: str
    check: str
    severity: Severity
    """An error makes the scene unusable."""
    what: str
    fix: str


def verdict(findings: Sequence[Finding]) -> Verdict:
    """What a scene's findings come to."""
    if any(finding.severity == "error" for finding in findings):
        return "unusable"
    return "usable with warnings" if findings else "ok"


def check_record(scene: Scene) -> list[Finding]:
    """All checks of this module that need the record alone."""
    checks = (
        check_annotation,
        check_cameras,
        check_scale,
        check_upright,
        check_place,
        check_boxes,
        check_times,
    )
    return [finding for check in (check_files, *checks, check_repeats) for finding in check(scene)]


def check_files(scene: Scene) -> list[Finding]:
    """``files``: the pictures are not there."""
    if scene.video is None:
        return [_error(scene, "files", "it has no pictures", "download the video or the frames of the scan")]
    path = Path(scene.root) / scene.video.path
    if path.exists():
        return []
    return [_error(scene, "files", f"{path} is missing", "download it again, or correct the directory")]


def check_annotation(scene: Scene) -> list[Finding]:
    """``annotation``: no objects, or none that the chosen frames show well enough to ask about."""
    if not scene.objects:
        return [_error(scene, "annotation", "it has no objects", "annotate the scan, or leave it out")]
    if not scene.frames:
        return [_error(scene, "poses", "it has no posed frame", "download the poses again, or leave it out")]
    seen = {view.object_id for frame in scene.frames for view in frame.views}
    unseen = [record.id for record in scene.objects if record.id not in seen]
    if len(unseen) == len(scene.objects):
        fix = "poses and boxes are most likely not in one coordinate frame; look with `scenes show --plot`"
        return [_error(scene, "annotation", "no frame shows any of its objects", fix)]
    if 2 * len(unseen) > len(scene.objects):
        what = f"no frame shows {len(unseen)} of its {len(scene.objects)} objects, for example {unseen[0]}"
        return [_warning(scene, "annotation", what, "choose more frames, or leave the scene out")]
    return []


def check_cameras(scene: Scene) -> list[Finding]:
    """``cameras``: poses that are no rigid motion, intrinsics that are no camera's, frames of another size."""
    bad: dict[str, list[str]] = {}
    for frame in scene.frames:
        for what in _camera_faults(scene, frame):
            bad.setdefault(what, []).append(frame.id)
    fix = "poses are camera-to-world 4x4 matrices in metres, intrinsics belong to the stored pictures; read them again"
    return [
        _error(scene, "cameras", f"{what} in {len(ids)} of {len(scene.frames)} frames, first {ids[0]}", fix)
        for what, ids in bad.items()
    ]


def _camera_faults(scene: Scene, frame: CameraFrame) -> list[str]:
    pose, K_px, faults = np.array(frame.T_world_camera), np.array(frame.K_px), []
    (width, height), rotation = frame.size_px, pose[:3, :3]
    if not np.isfinite(pose).all():
        return ["a pose is not finite"]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-2 or not np.allclose(pose[3], (0, 0, 0, 1)):
        faults.append("a pose is not a rigid motion")
    elif np.linalg.det(rotation) < 0:
        faults.append("a pose is mirrored")
    inside = 0 < K_px[0, 2] < width and 0 < K_px[1, 2] < height
    if not (inside and all(0.2 < K_px[i, i] / max(width, height) < 10 for i in (0, 1))):
        faults.append(f"intrinsics do not fit a picture of {width}x{height}")
    if scene.video is not None:
        shown = scene.video.size_px[::-1] if frame.turn_deg in (90, 270) else scene.video.size_px
        if tuple(shown) != (width, height):
            faults.append(f"a size of {width}x{height}, where the pictures have {shown[0]}x{shown[1]},")
    return faults


def check_scale(scene: Scene) -> list[Finding]:
    """``scale``: sizes that no room has; says which unit would explain them."""
    sizes = [("the floor's side", scene.room.area_m2**0.5, _FLOOR_SIDE_M)]
    if scene.objects:
        points = corners(boxes_of(scene.objects)).reshape(-1, 3)
        edge = float(np.median([max(record.extent_m) for record in scene.objects]))
        sizes += [("the objects' middle size", edge, _EDGE_M)]
        sizes += [("the reach of all objects", float(np.ptp(points, 0).max()), _SPAN_M)]
        bottom = float(points[:, 2].min())
        if len(eyes := _eyes(scene)):
            sizes += [("the camera's height", float(np.median(eyes[:, 2])) - bottom, _EYE_M)]
    odd = [(name, size, span) for name, size, span in sizes if not span[0] <= size <= span[1]]
    if not odd:
        return []
    listed = ", ".join(f"{name} is {size:.4g} m" for name, size, _ in odd)
    for factor, unit in _SCALES:
        if all(span[0] <= size / factor <= span[1] for _, size, span in odd):
            fix = f"multiply by {1 / factor:g}, or leave the scene out"
            return [_error(scene, "scale", f"{listed}: the numbers look like {unit}", fix)]
    return [
        _warning(
            scene, "scale", listed, "look at it with `scenes show --plot`; leave it out if that is wrong"
        )
    ]


def check_upright(scene: Scene) -> list[Finding]:
    """``upright``: pictures that lie on their side or stand on their head, by their poses."""
    turns = Counter(
        upright_turn_deg(frame.T_world_camera)
        for frame in scene.frames
        if np.isfinite(frame.T_world_camera).all() and abs(frame.T_world_camera[2][2]) < _STEEP
    )
    judged, fallen = turns.total(), turns.total() - turns[0]
    if 10 * fallen <= judged:
        return []
    turn = max((t for t in turns if t), key=lambda t: turns[t])
    what = f"{fallen} of {judged} pictures are not upright: most need a turn of {turn} degrees clockwise"
    fix = "turn pictures, intrinsics and poses together (adapters of scans do with `upright: true`)"
    return [(_error if 2 * fallen > judged else _warning)(scene, "upright", what, fix)]


def check_place(scene: Scene) -> list[Finding]:
    """``place``: cameras outside the room, as when world-to-camera poses are taken for camera-to-world."""
    if not scene.frames or not (scene.objects or scene.room.floor_polygon_m):
        return []
    # Without an outline, a camera may be as far from the boxes as a room of that area allows.
    margin_m = 1.0 if scene.room.floor_polygon_m else 1.5 * scene.room.area_m2**0.5
    area, eyes = _ground(scene).buffer(margin_m), _eyes(scene)
    outside = int((~shapely.contains_xy(area, eyes[:, 0], eyes[:, 1])).sum())
    if 5 * outside <= len(eyes):
        return []
    what = f"{outside} of {len(eyes)} cameras are more than {margin_m:.0f} m outside the room"
    fix = "check that poses are camera-to-world, and aligned as the mesh is; look with `scenes show --plot`"
    return [(_error if 2 * outside > len(eyes) else _warning)(scene, "place", what, fix)]


def check_boxes(scene: Scene) -> list[Finding]:
    """``boxes``: boxes whose middle lies outside the room's outline."""
    if not scene.room.floor_polygon_m or not scene.objects:
        return []
    floor = shapely.Polygon(scene.room.floor_polygon_m).buffer(_ROOM_MARGIN_M)
    out = [record.id for record in scene.objects if not shapely.contains_xy(floor, *record.center_m[:2])]
    return boxes_finding(scene, out, "outside the room's outline")


def boxes_finding(scene: Scene, out: Sequence[str], where: str) -> list[Finding]:
    """The finding for boxes that are where they should not be: an error if they are more than a fifth."""
    if not out:
        return []
    what = f"{len(out)} of {len(scene.objects)} boxes are {where}, for example {out[0]}"
    fix = "boxes, mesh and outline must be in one frame (axis order, alignment, units); look with `scenes show --plot`"
    return [(_error if 5 * len(out) > len(scene.objects) else _warning)(scene, "boxes", what, fix)]


def check_times(scene: Scene) -> list[Finding]:
    """``times``: frames out of order, or most of the walk missing."""
    times_s = np.array([frame.time_s for frame in scene.frames])
    steps = np.diff(times_s)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0))
        what = f"times do not increase after frame {scene.frames[at].id}"
        return [_error(scene, "times", what, "read the frames in the order of the video")]
    if len(times_s) >= 8 and 2 * steps.max() > times_s[-1] - times_s[0]:
        at = int(steps.argmax())
        what = (
            f"no frame for {steps[at]:.1f} of {times_s[-1] - times_s[0]:.1f} s, after {scene.frames[at].id}"
        )
        return [_warning(scene, "times", what, "check the poses of that part")]
    return []


def check_repeats(scene: Scene) -> list[Finding]:
    """``repeats``: one frame twice."""
    found = []
    for name, values in (("id", [f.id for f in scene.frames]), ("number", [f.index for f in scene.frames])):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            what = f"{len(twice)} frames come twice, for example {name} {twice[0]}"
            found.append(_error(scene, "repeats", what, "list each frame once"))
    return found


def check_pictures(scene: Scene, grey: Sequence[Floats]) -> list[Finding]:
    """``repeats``: a picture that stays the same while the camera moves.

    Args:
        scene: The record.
        grey: A small grey picture of each frame, in order, values 0 to 255.
    """
    frozen = []
    for before, after, one, two in zip(scene.frames, scene.frames[1:], grey, grey[1:], strict=False):
        same = one.shape == two.shape and np.abs(one - two).mean() < _SAME_GREY and one.std() > _FLAT_GREY
        if same and _moved(before, after):
            frozen.append(after.id)
    if not frozen:
        return []
    what = f"{len(frozen)} of {len(scene.frames)} pictures repeat the one before although the camera moved, first {frozen[0]}"
    fix = "pictures and poses are out of step or the video is frozen; export the frames again"
    return [(_error if 5 * len(frozen) > len(scene.frames) else _warning)(scene, "repeats", what, fix)]


def _moved(before: CameraFrame, after: CameraFrame) -> bool:
    a, b = np.array(before.T_world_camera), np.array(after.T_world_camera)
    turn = np.arccos(np.clip((np.trace(a[:3, :3].T @ b[:3, :3]) - 1) / 2, -1, 1))
    return bool(np.linalg.norm(a[:3, 3] - b[:3, 3]) > 0.1 or turn > np.radians(5))


def _eyes(scene: Scene) -> Floats:
    eyes = np.array([np.array(frame.T_world_camera)[:3, 3] for frame in scene.frames]).reshape(-1, 3)
    finite: Floats = eyes[np.isfinite(eyes).all(1)]  # check_cameras tells of the others
    return finite


def _ground(scene: Scene) -> shapely.Geometry:
    if scene.room.floor_polygon_m:
        return shapely.Polygon(scene.room.floor_polygon_m).buffer(0)
    points = corners(boxes_of(scene.objects)).reshape(-1, 3)[:, :2]
    return shapely.MultiPoint(points).convex_hull


def _error(scene: Scene, check: str, what: str, fix: str) -> Finding:
    return Finding(scene=scene.id, check=check, severity="error", what=what, fix=fix)


def _warning(scene: Scene, check: str, what: str, fix: str) -> Finding:
    return Finding(scene=scene.id, check=check, severity="warning", what=what, fix=fix)
