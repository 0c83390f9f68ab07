"""The `procedural` scene adapter: options, references, and one room from index to `Scene`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np
import shapely

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.cameras import pinhole
from ouroboros_data.geometry.render import RenderMesh, render
from ouroboros_data.ids import content_hash, seed_from
from ouroboros_data.media.rendered import camera_frames, film
from ouroboros_data.types import Room, Scene, SceneObject, SceneRef
from scene_adapters.option_checks import need, need_film, read_options
from scene_adapters.procedural.furnish import furnish
from scene_adapters.procedural.layout import Layout
from scene_adapters.procedural.meshes import room_meshes, scene_objects
from scene_adapters.procedural.scatter import SCATTERED, scatter
from scene_adapters.procedural.shell import make_shell
from scene_adapters.procedural.walk import walk

VERSION = "1"
"""Part of every scene's key: raise it whenever the same seed gives another room."""
LICENSE = "CC0-1.0"
_ATTEMPTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a recipe may say under ``scenes.options``."""

    count: int = 224
    """Rooms."""
    frame_count: int = 16
    """Frames of each video."""
    fps: float = 2.0
    size_px: tuple[int, int] = (128, 96)
    """Width, height of the video; even, as H.264 wants it. Multiples of 32 fit a Qwen3-VL grid without resizing."""
    hfov_deg: tuple[float, float] = (75.0, 90.0)
    """Range of the horizontal field of view; one camera per room."""
    area_m2: tuple[float, float] = (8.0, 60.0)
    """Range of the floor area."""
    objects: tuple[int, int] = (12, 40)
    """Fewest and most objects in a room."""
    l_shaped: float = 0.35
    """Share of L-shaped rooms among those of 14 m² and more."""
    arrangement: Literal["furnished", "scattered"] = "furnished"
    """Rooms with a purpose, or a few kinds of things that stand anywhere in any number (`scatter`)."""
    categories: tuple[str, ...] = ()
    """What scattered rooms may hold; empty for all that stands on the floor or hangs on a wall."""


def check_options(options: Mapping[str, Any]) -> Options:
    """Strict options from a mapping.

    Raises:
        RecipeError: A key is unknown, a type is wrong or a value is out of range; the message names the field.
    """
    known = read_options(Options, options)
    need(1 <= known.count <= 1_000_000, known, "count", "must be 1 to 1000000")
    need(1 <= known.frame_count <= 10_000, known, "frame_count", "must be 1 to 10000")
    need_film(known)
    low, high = known.hfov_deg
    need(30 <= low <= high <= 120, known, "hfov_deg", "must be [low, high] within 30 to 120")
    low, high = known.area_m2
    need(6 <= low <= high <= 120, known, "area_m2", "must be [low, high] within 6 to 120")
    few, many = known.objects
    need(3 <= few <= many <= 80, known, "objects", "must be [fewest, most] within 3 to 80")
    need(0 <= known.l_shaped <= 1, known, "l_shaped", "must lie in 0 to 1")
    chosen = known.categories
    need(set(chosen) <= set(SCATTERED), known, "categories", f"must be among {', '.join(SCATTERED)}")
    need(len(set(chosen)) == len(chosen), known, "categories", "must differ")
    need(not chosen or known.arrangement == "scattered", known, "categories", "wants arrangement: scattered")
    return known


class Procedural:
    """Rooms made from a seed. Room i depends on the seed, i and the options, not on how many rooms there are."""

    def __init__(
        self, *, root: Path | None = None, seed: int = 0, options: Mapping[str, Any] | None = None
    ) -> None:
        """Check the options.

        Args:
            root: Not used: nothing is read.
            seed: Of all rooms.
            options: See `Options`.

        Raises:
            RecipeError: A root was given, or an option is unknown or out of range.
        """
        if root is not None:
            raise RecipeError(
                "procedural rooms are made, not read", where="scenes.root", fix="leave root out"
            )
        self.options = check_options(options or {})
        self.seed = seed
        decisive = {name: value for name, value in asdict(self.options).items() if name != "count"}
        self._key = content_hash("procedural", VERSION, seed, decisive)

    def refs(self) -> list[SceneRef]:
        """One per room, in the order of their numbers."""
        return [self._ref(index) for index in range(self.options.count)]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Build, film and encode one room; writes ``media/<scene id>/video.mp4``.

        Raises:
            SceneError: The reference is not one of ours, no room came out, or the video cannot be written.
        """
        index = self._index(ref)
        room = build_room(self.options, self.seed, index)
        rendered = render(room.meshes, room.T_world_camera, room.K_px, self.options.size_px)
        directory = media / ref.id
        return Scene(
            id=ref.id,
            source="procedural",
            space_id=ref.id,
            license=LICENSE,
            frames_origin="rendered",
            room=room.room,
            objects=room.objects,
            frames=camera_frames(
                rendered,
                room.meshes,
                [record.id for record in room.objects],
                T_world_camera=room.T_world_camera,
                K_px=room.K_px,
                fps=self.options.fps,
            ),
            video=film(rendered, directory / "video.mp4", self.options.fps),
            root=str(directory),
        )

    def _ref(self, index: int) -> SceneRef:
        return SceneRef(
            id=f"room-{self.seed}-{index:05d}", source="procedural", key=content_hash(self._key, index)
        )

    def _index(self, ref: SceneRef) -> int:
        number = ref.id.rpartition("-")[2]
        if not number.isdecimal() or ref != self._ref(int(number)):
            raise SceneError(
                "not a room of this seed and these options", where=ref.id, fix="list the rooms again"
            )
        return int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltRoom:
    """A room before it is rendered."""

    layout: Layout
    yaw_rad: float
    """Of the room's own frame in the world."""
    room: Room
    objects: tuple[SceneObject, ...]
    meshes: list[RenderMesh]
    T_world_camera: np.ndarray[Any, np.dtype[np.float64]]
    K_px: np.ndarray[Any, np.dtype[np.float64]]


def build_room(options: Options, seed: int, index: int) -> BuiltRoom:
    """Furnish room ``index`` and plan the walk; tries again where the room came out too empty or too full.

    Raises:
        SceneError: No attempt gave a room within the options.
    """
    times_s = np.arange(options.frame_count) / options.fps
    for attempt in range(_ATTEMPTS):
        random = Random(seed_from("procedural", seed, index, attempt))
        low, high = options.area_m2
        # Square roots spread evenly: as many rooms of 3-4 m a side as of 6-7 m.
        area = random.uniform(math.sqrt(low), math.sqrt(high)) ** 2
        notched = area >= 14 and random.random() < options.l_shaped
        shell = make_shell(random, area, round(random.uniform(2.4, 3.1), 2), notched=notched)
        if not low - 0.05 <= shell.area_m2 <= high + 0.05:
            continue
        few, many = options.objects
        if options.arrangement == "scattered":
            kinds = options.categories or SCATTERED
            layout = scatter(shell, random, fewest=few, most=many, categories=kinds)
        else:
            layout = furnish(shell, random, fewest=few, most=many)
        if not few <= len(layout.items) <= many:
            continue
        hfov_deg, yaw_rad = random.uniform(*options.hfov_deg), random.uniform(-math.pi, math.pi)
        poses = walk(layout, random, times_s, hfov_deg=hfov_deg, yaw_rad=yaw_rad)
        if poses is None:
            continue
        objects = scene_objects(layout, yaw_rad)
        return BuiltRoom(
            layout=layout,
            yaw_rad=yaw_rad,
            room=_room(layout, yaw_rad),
            objects=objects,
            meshes=room_meshes(layout, objects, random, yaw_rad),
            T_world_camera=poses,
            K_px=pinhole(options.size_px, hfov_deg),
        )
    raise SceneError(
        f"no room came out in {_ATTEMPTS} attempts",
        where=f"procedural room {index}",
        fix="widen scenes.options area_m2 or objects",
    )


def _room(layout: Layout, yaw_rad: float) -> Room:
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    polygon = tuple((cos * x - sin * y, sin * x + cos * y) for x, y in layout.shell.polygon_m)
    return Room(
        area_m2=float(shapely.Polygon(polygon).area), floor_polygon_m=polygon, height_m=layout.shell.height_m
    )
