"""What the proposer knows of a scene as seen in the sampled frames: who is where, seen how well and when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import DraftError
from ouroboros_data.geometry.boxes import (
    Boxes,
    bearing_deg,
    boxes_of,
    corners,
    length_width_height,
    pair_distances_m,
    pair_indices,
)
from ouroboros_data.proposers.floor_facts import FloorFacts
from ouroboros_data.proposers.sight import SURE, Sight
from ouroboros_data.proposers.words import pointable
from ouroboros_data.types import CameraFrame, Scene

Array = npt.NDArray[np.float64]

NEVER = -1


def look(scene: Scene, frame_ids: tuple[str, ...], *, visible_share: float, large_share: float) -> View:
    """Facts about a scene in some of its frames.

    Args:
        scene: The scene.
        frame_ids: Frames that a question may be answered from, in time order.
        visible_share: Share of a frame's pixels from which an object counts as visible there.
        large_share: Share from which an object looks large in a frame.

    Raises:
        DraftError: The scene has no frame of a given id.
    """
    position = {object_.id: i for i, object_ in enumerate(scene.objects)}
    column = {frame.id: k for k, frame in enumerate(scene.frames)}
    shares = np.zeros((len(scene.objects), len(scene.frames)))
    for k, frame in enumerate(scene.frames):
        for view in frame.views:
            if view.object_id in position:
                shares[position[view.object_id], k] = view.pixel_share
    for frame_id in frame_ids:
        if frame_id not in column:
            raise DraftError(
                f"no frame {frame_id!r}", where=f"scene {scene.id}", fix="take ids from scene.frames"
            )
    return View(
        scene=scene,
        frames=tuple(scene.frames[column[frame_id]] for frame_id in frame_ids),
        shares=shares[:, [column[frame_id] for frame_id in frame_ids]],
        video_shares=shares,
        visible_share=visible_share,
        large_share=large_share,
    )


@dataclass(frozen=True)
class View:
    """Tables over a scene's objects (index = position in ``scene.objects``), computed on first use."""

    scene: Scene
    frames: tuple[CameraFrame, ...]
    """The sampled frames."""
    shares: Array
    """(objects, sampled frames) share of each frame's pixels."""
    video_shares: Array
    """(objects, all frames) the same for every frame that the scene has."""
    visible_share: float
    large_share: float

    @cached_property
    def members(self) -> dict[str, list[int]]:
        """Indices of each category's instances, categories in alphabetical order."""
        found: dict[str, list[int]] = defaultdict(list)
        for i, object_ in enumerate(self.scene.objects):
            found[object_.category].append(i)
        return {name: found[name] for name in sorted(found)}

    @cached_property
    def best_share(self) -> Array:
        """(objects,) largest share of a frame that an object takes up."""
        best: Array = self.shares.max(axis=1, initial=0.0)
        return best

    @cached_property
    def seen(self) -> dict[str, list[int]]:
        """Categories that a question can name, all of whose instances are surely visible in some frame."""
        sure = self.best_share >= SURE * self.visible_share
        return {
            name: indices
            for name, indices in self.members.items()
            if sure[indices].all() and pointable(name, self.members)
        }

    @cached_property
    def single(self) -> npt.NDArray[np.intp]:
        """Objects that "the X" points to: the only one of a category in ``seen``."""
        return np.array([i[0] for i in self.seen.values() if len(i) == 1], dtype=np.intp)

    def name(self, index: int) -> str:
        """Category of an object."""
        return self.scene.objects[index].category

    def large(self, *indices: int) -> bool:
        """Whether each of the objects looks large in some frame."""
        return bool((self.best_share[list(indices)] >= self.large_share).all())

    @cached_property
    def first_frame(self) -> dict[str, int]:
        """Position of the first sampled frame that shows a category, NEVER where few pixels decide it."""
        low, high = self.visible_share / SURE, self.visible_share * SURE
        found = {}
        for name, indices in self.seen.items():
            best = self.shares[indices].max(axis=0)
            first = int((best >= low).argmax())
            found[name] = first if best[first] >= high else NEVER
        return found

    @cached_property
    def first_in_video(self) -> dict[str, int]:
        """Position of the first of all frames that shows a category."""
        shown = self.video_shares >= self.visible_share
        return {name: int(shown[indices].any(axis=0).argmax()) for name, indices in self.seen.items()}

    @cached_property
    def boxes(self) -> Boxes:
        """The objects' oriented boxes."""
        return boxes_of(self.scene.objects)

    @cached_property
    def sight(self) -> Sight:
        """What the cameras of the sampled frames see."""
        return Sight(
            frames=self.frames,
            boxes=self.boxes,
            object_ids=tuple(object_.id for object_ in self.scene.objects),
            shares=self.shares.T,
            visible_share=self.visible_share,
        )

    @cached_property
    def floor(self) -> FloorFacts:
        """Walls and ways on foot."""
        return FloorFacts(
            boxes=self.boxes,
            categories=tuple(object_.category for object_ in self.scene.objects),
            outline_m=self.scene.room.floor_polygon_m,
        )

    @cached_property
    def size_m(self) -> Array:
        """(objects, 3) length, width, height."""
        return length_width_height(self.boxes)

    @cached_property
    def gap_m(self) -> Array:
        """(objects, objects) distance between the closest points of two boxes."""
        gaps = np.zeros((len(self.scene.objects),) * 2)
        gaps[pair_indices(len(gaps))] = pair_distances_m(self.boxes)
        return gaps + gaps.T

    @cached_property
    def walk_m(self) -> Array:
        """(objects, objects) horizontal distance between centres."""
        xy = self.boxes.center_m[:, :2]
        distances: Array = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
        return distances

    @cached_property
    def turn_deg(self) -> Array:
        """(s, s, s) bearing over ``single``: standing at i, facing j, counter-clockwise to k."""
        xy = self.boxes.center_m[self.single, :2]
        return bearing_deg(xy[:, None, None], xy[None, :, None], xy[None, None, :])

    @cached_property
    def spread_deg(self) -> tuple[Array, Array]:
        """(s, s) twice: how far left and right of its centre the footprint of k reaches, seen from i."""
        stand = self.boxes.center_m[self.single, None, None, :2]
        center = self.boxes.center_m[None, self.single, None, :2]
        outline = corners(self.boxes)[None, self.single, :, :2]
        offset = (bearing_deg(stand, center, outline) + 180.0) % 360.0 - 180.0
        return offset.max(-1), -offset.min(-1)

    @cached_property
    def crossed(self) -> npt.NDArray[np.bool_]:
        """(s, s) whether other furniture on the floor lies on the straight way from i to j."""
        points = corners(self.boxes)
        bottom, top = points[..., 2].min(-1), points[..., 2].max(-1)
        # Low enough to bump into, high enough not to step over (a rug).
        in_the_way = np.flatnonzero((bottom < bottom.min(initial=np.inf) + 0.5) & (top - bottom > 0.15))
        at = self.boxes.center_m[self.single]
        steps = np.linspace(0.02, 0.98, 40)[:, None]
        way = at[:, None, None, :] + steps * (at[None, :, None, :] - at[:, None, None, :])
        blocked = np.zeros((len(at), len(at)), dtype=bool)
        for k in in_the_way:
            local = (way - self.boxes.center_m[k]) @ self.boxes.R_world_box[k]
            # Only the plan counts: the axis nearest to the vertical is ignored.
            flat = np.arange(3) != np.abs(self.boxes.R_world_box[k, 2]).argmax()
            inside = (np.abs(local[..., flat]) < self.boxes.half_m[k, flat]).all(-1).any(-1)
            own = self.single == k
            blocked |= inside & ~own[:, None] & ~own[None, :]
        return blocked
