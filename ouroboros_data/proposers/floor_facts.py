"""What a proposer knows of walls and ways: the same geometry that programs read, and whether it would hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry import paths, walls
from ouroboros_data.geometry.boxes import Boxes
from ouroboros_data.programs.measures import THE_ROOM_ITSELF, WALKED_THROUGH, ends_in

WIDER_DOUBT_M = 0.2
"""Twice the zone in which `free_wall` is unclear: noise must not carry a thing into it."""
OTHER_RADII_M = (0.2, 0.3)
"""A way that a slimmer or a stouter walker would not share hangs on a passage that noise opens and closes."""
SAME_REL = 0.05


@dataclass(frozen=True)
class FloorFacts:
    """Walls and ways of a scene with an outline of its floor; without one nothing is known."""

    boxes: Boxes
    categories: tuple[str, ...]
    outline_m: tuple[tuple[float, float], ...]
    _ways: dict[tuple[float, int, int], float | None] = field(default_factory=dict)
    _plans: dict[float, paths.FloorPlan] = field(default_factory=dict)

    @cached_property
    def level_m(self) -> float:
        """Height of the floor."""
        return paths.floor_level_m(self.boxes)

    @cached_property
    def longest_wall_m(self) -> float | None:
        """None where it is in doubt."""
        try:
            return walls.longest_wall_m(self.outline_m) if self.outline_m else None
        except SceneError:
            return None

    @cached_property
    def free_wall_m(self) -> float | None:
        """None where it is in doubt, or nearly."""
        if self.longest_wall_m is None:
            return None
        # Wider borders that agree hold the narrower ones of programs between them.
        return walls.free_wall_m(
            self.boxes, self.outline_m, self._things, floor_z_m=self.level_m, doubt_m=WIDER_DOUBT_M
        )

    @cached_property
    def at_walls(self) -> list[int]:
        """Objects on which the free stretches of wall depend."""
        near = walls.at_walls(
            self.boxes, self.outline_m, self._things, floor_z_m=self.level_m, margin_m=WIDER_DOUBT_M
        )
        return np.flatnonzero(near).tolist()

    @cached_property
    def obstacles(self) -> list[int]:
        """Objects round which one has to walk."""
        return np.flatnonzero(self._in_the_way).tolist()

    def way_m(self, i: int, j: int) -> float | None:
        """Length of the shortest way on foot; None where there is none."""
        return self._way(paths.RADIUS_M, min(i, j), max(i, j))

    def way_holds(self, i: int, j: int) -> bool:
        """Whether a way is about as long for a slimmer and for a stouter walker."""
        length = self.way_m(i, j)
        others = [self._way(radius, min(i, j), max(i, j)) for radius in OTHER_RADII_M]
        return length is not None and all(
            other is not None and abs(other - length) <= SAME_REL * length for other in others
        )

    def _way(self, radius_m: float, i: int, j: int) -> float | None:
        key = (radius_m, i, j)
        if key not in self._ways:
            if radius_m not in self._plans:
                self._plans[radius_m] = paths.floor_plan(
                    self.boxes, self.outline_m, self._in_the_way, radius_m=radius_m
                )
            found = paths.way(self._plans[radius_m], i, j)
            known = bool(np.isfinite(found.length_m)) and all(found.touches)
            self._ways[key] = found.length_m if known else None
        return self._ways[key]

    @cached_property
    def _things(self) -> npt.NDArray[np.bool_]:
        return ~np.array([ends_in(c, THE_ROOM_ITSELF) for c in self.categories], dtype=bool)

    @cached_property
    def _in_the_way(self) -> npt.NDArray[np.bool_]:
        passable = np.array([ends_in(c, WALKED_THROUGH) for c in self.categories], dtype=bool)
        blocks: npt.NDArray[np.bool_] = paths.blocks_walking(self.boxes, floor_z_m=self.level_m) & ~passable
        return blocks
