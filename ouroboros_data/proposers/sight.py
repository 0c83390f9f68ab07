"""What the cameras of the sampled frames see: tables over frames and objects, for questions about views and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ouroboros_data.geometry import viewpoint
from ouroboros_data.geometry.boxes import Boxes, corners
from ouroboros_data.geometry.relations import UP, span_m
from ouroboros_data.types import CameraFrame

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SURE = 2.0
"""Shown for certain: this many times the share that just counts as visible."""
TRACE = 1 / 20
"""Not shown for certain: less than this part of that share, a few pixels at most."""
MOST_CUT = 0.5
"""Share of a thing that may lie outside of a frame that it is asked about in."""
LEAST_FREE = 0.25
"""Share of what lies within the frame that nothing may hide."""
_NEAR_M = 0.05
_EDGES = tuple((a, b) for a in range(8) for b in range(a + 1, 8))
"""All lines between corners: what is clipped at a plane lies in the hull of their cuts."""


@dataclass(frozen=True)
class Sight:
    """Tables with frames in the order of the question, objects in that of the scene; made on first use."""

    frames: tuple[CameraFrame, ...]
    boxes: Boxes
    object_ids: tuple[str, ...]
    shares: Array
    """(f, n) share of the frame's pixels."""
    visible_share: float

    @cached_property
    def poses(self) -> Array:
        """(f, 4, 4) ``T_world_camera``."""
        return np.array([frame.T_world_camera for frame in self.frames], float).reshape(-1, 4, 4)

    @cached_property
    def shown(self) -> Mask:
        """(f, n) frames that surely show the object, well enough to point at it: not in a corner of it, and not
        through a gap between other things.
        """
        cut, free = self._cut_and_free
        sure: Mask = self.shares >= SURE * self.visible_share
        return sure & (cut <= MOST_CUT) & (free >= LEAST_FREE)

    @cached_property
    def hidden(self) -> Mask:
        """(f, n) frames that surely do not show the object."""
        nothing: Mask = self.shares < TRACE * self.visible_share
        return nothing

    @cached_property
    def cut(self) -> Array:
        """(f, n) share of the object that lies outside of the frame; 1 where nothing of it is shown."""
        return self._cut_and_free[0]

    @cached_property
    def gap_m(self) -> Array:
        """(f, n) from the camera to the nearest point of the box."""
        return viewpoint.camera_distances_m(self.boxes, self.poses[:, None])

    @cached_property
    def centre_m(self) -> Array:
        """(f, n) from the camera to the centre of the box."""
        away = self.boxes.center_m - self.poses[:, None, :3, 3]
        distance: Array = np.linalg.norm(away, axis=-1)
        return distance

    @cached_property
    def depth_m(self) -> Array:
        """(f, n) of the box's centre along the viewing axis."""
        depth: Array = viewpoint.in_camera_m(self.boxes.center_m, self.poses[:, None])[..., 2]
        return depth

    @cached_property
    def level_m(self) -> Array:
        """(f, n) from the camera to the centre of the box, seen from above."""
        away = self.boxes.center_m[:, :2] - self.poses[:, None, :2, 3]
        distance: Array = np.linalg.norm(away, axis=-1)
        return distance

    @cached_property
    def headed(self) -> Mask:
        """(f,) frames whose camera does not look so steeply that it has no heading."""
        headed: Mask = np.isfinite(viewpoint.headings_deg(self.poses))
        return headed

    @cached_property
    def azimuth_deg(self) -> Array:
        """(f, n) from where the camera heads to the box's centre, positive to the left; nan where it has none."""
        return viewpoint.azimuths_deg(self.boxes.center_m, self.poses[:, None])

    @cached_property
    def azimuth_span_deg(self) -> tuple[Array, Array]:
        """(f, n) twice: how far the box reaches to the right and to the left of its centre, as azimuths."""
        every = viewpoint.azimuths_deg(corners(self.boxes), self.poses[:, None, None])
        offset = (every - self.azimuth_deg[..., None] + 180.0) % 360.0 - 180.0
        return self.azimuth_deg + offset.min(-1), self.azimuth_deg + offset.max(-1)

    @cached_property
    def level_gap_m(self) -> Array:
        """(f, n) how far the whole box is above the camera; negative by how far it is below; 0 for neither."""
        span, eye = span_m(self.boxes, UP), self.poses[:, None, 2, 3]
        gap: Array = np.maximum(span[:, 0] - eye, 0.0) - np.maximum(eye - span[:, 1], 0.0)
        return gap

    @cached_property
    def right_deg(self) -> tuple[Array, Array, Array]:
        """(f, n) angle to the right of the viewing axis in the picture of the box's centre, left and right edge.

        nan where a part of the box is not clearly ahead of the camera.
        """
        local = viewpoint.in_camera_m(corners(self.boxes), self.poses[:, None, None])
        middle = viewpoint.in_camera_m(self.boxes.center_m, self.poses[:, None])
        ahead = local[..., 2].min(-1) >= 2 * viewpoint.NEAR_M
        edges = np.degrees(np.arctan2(local[..., 0], local[..., 2]))
        centre = np.degrees(np.arctan2(middle[..., 0], middle[..., 2]))
        return (
            np.where(ahead, centre, np.nan),
            np.where(ahead, edges.min(-1), np.nan),
            np.where(ahead, edges.max(-1), np.nan),
        )

    @cached_property
    def motion(self) -> viewpoint.CameraMotion:
        """(f, f) how the camera of the second frame lies to that of the first."""
        return viewpoint.camera_motion(self.poses[:, None], self.poses[None])

    @cached_property
    def _cut_and_free(self) -> tuple[Array, Array]:
        """(f, n) share outside of the frame, and share of the rest that is not hidden.

        As the source measured them; else from the outline of the box, which is somewhat more than the thing.
        """
        cut, free = np.ones(self.shares.shape), np.zeros(self.shares.shape)
        column = {object_id: i for i, object_id in enumerate(self.object_ids)}
        unknown: list[tuple[int, int]] = []
        for k, frame in enumerate(self.frames):
            for view in frame.views:
                i = column.get(view.object_id)
                if i is None or not self.shares[k, i]:
                    continue
                if view.projected_share is None or view.truncated_share is None:
                    unknown.append((k, i))
                    continue
                cut[k, i] = view.truncated_share
                whole = view.projected_share
                free[k, i] = min(self.shares[k, i] / whole, 1.0) if whole > 0 else 0.0
        if unknown:
            k, i = np.transpose(unknown)
            inside, cut[k, i] = outline_shares(corners(self.boxes)[i], [self.frames[at] for at, _ in unknown])
            free[k, i] = np.minimum(self.shares[k, i] / np.maximum(inside, 1e-300), 1.0) * (inside > 0)
        return cut, free


def outline_shares(corners_m: Array, frames: Sequence[CameraFrame]) -> tuple[Array, Array]:
    """How large the outlines of boxes are in frames: as shares of the frame, and the shares of them that lie outside.

    Args:
        corners_m: (m, 8, 3) in the world.
        frames: The camera of each.
    """
    import shapely

    poses = np.array([frame.T_world_camera for frame in frames], float)
    local = viewpoint.in_camera_m(corners_m, poses[:, None])
    depth = local[..., 2]
    a, b = np.transpose(_EDGES)  # what is behind the camera is cut off
    crosses = (depth[:, a] - _NEAR_M) * (depth[:, b] - _NEAR_M) < 0
    along = np.divide(
        _NEAR_M - depth[:, a], depth[:, b] - depth[:, a], where=crosses, out=np.zeros(crosses.shape)
    )
    cuts = local[:, a] + along[..., None] * (local[:, b] - local[:, a])
    points, ahead = np.concatenate([local, cuts], 1), np.concatenate([depth >= _NEAR_M, crosses], 1)
    inside, outside = np.zeros(len(points)), np.ones(len(points))
    some = np.flatnonzero(ahead.sum(1) >= 3)
    if not len(some):
        return inside, outside
    pixels = points[some] @ np.array([frame.K_px for frame in frames], float)[some].swapaxes(1, 2)
    owner, which = np.nonzero(ahead[some])
    flat = pixels[owner, which]
    outlines = shapely.convex_hull(shapely.multipoints(flat[:, :2] / flat[:, 2:], indices=owner))
    width, height = np.array([frame.size_px for frame in frames], float)[some].T
    shown = shapely.area(shapely.intersection(outlines, shapely.box(0.0, 0.0, width, height)))
    area = shapely.area(outlines)
    inside[some] = np.where(area > 0, shown / (width * height), 0.0)
    outside[some] = np.where(area > 0, 1.0 - shown / np.maximum(area, 1e-300), 1.0)
    return inside, outside
