"""The `arkitscenes` scene adapter: options, references, and one video from its directory to `Scene`."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.ids import content_hash
from ouroboros_data.media.ply import read_ply
from ouroboros_data.types import Scene, SceneRef
from scene_adapters.arkitscenes.annotation import LabelledBox, read_annotation
from scene_adapters.arkitscenes.cameras import read_trajectory
from scene_adapters.arkitscenes.frames import DepthMaps, find_frames
from scene_adapters.arkitscenes.tree import ScanFiles, read_visits, scans_below, splits_file
from scene_adapters.labels import settle
from scene_adapters.meta_info import LICENSES
from scene_adapters.option_checks import need, read_options
from scene_adapters.scan import RawInstance, RawScan, ScanOptions, assemble, check_scan_options

VERSION = "1"
"""Part of every scene's key: raise it whenever the same files give another scene."""
BESIDE_MESH_M = 0.5
"""A box's centre may lie this far outside the mesh's bounds: annotators complete what the scan cut off."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ScanOptions):
    """What a recipe may say under ``scenes.options``."""

    frames: Literal["auto", "vga_wide", "lowres_wide", "video"] = "auto"
    """Where pictures come from; ``auto``: ``vga_wide`` where it is complete, else ``lowres_wide``, else a video."""
    max_gap_s: float = 0.15
    """A frame gets a pose if the two known poses around it are no further apart in time. They come ten times a second;
    across 0.15 s a hand-held camera strays from the straight line by millimetres, across a second by decimetres."""
    use_depth: bool = True
    """Let ``lowres_depth`` say what is hidden, besides the mesh."""
    splits: str | None = None
    """CSV with ``video_id`` and ``visit_id``, absolute or below the root. Without it, the root and two of its parents
    are searched for the table of the repository or ``metadata.csv``; else each video is a space of its own."""


def check_options(options: Mapping[str, Any]) -> Options:
    """Strict options from a mapping.

    Raises:
        RecipeError: A key is unknown, a type is wrong or a value is out of range; the message names the field.
    """
    known = read_options(Options, options)
    check_scan_options(known)
    need(0.0 < known.max_gap_s <= 2.0, known, "max_gap_s", "must lie above 0 and up to 2 s")
    return known


class ARKitScenes:
    """The videos of an ARKitScenes download, in the raw or the 3dod layout."""

    def __init__(
        self, *, root: Path | None = None, seed: int = 0, options: Mapping[str, Any] | None = None
    ) -> None:
        """List the videos and read the table of visits.

        Args:
            root: Directory of the download, or one of its folds.
            seed: Not used: nothing is random here.
            options: See `Options`.

        Raises:
            SceneError: The root is missing or holds no videos, or the table is damaged.
            RecipeError: No root, or an option is unknown or out of range.
        """
        if root is None:
            fix = "set scenes.root to the directory of the download"
            raise RecipeError("arkitscenes reads scans from files", where="scenes.root", fix=fix)
        self.options = check_options(options or {})
        decisive = {name: value for name, value in asdict(self.options).items() if name != "splits"}
        self._key = content_hash("arkitscenes", VERSION, decisive)
        self._scans = scans_below(root.resolve())
        table = splits_file(root, self.options.splits)
        self._visits = {} if table is None else read_visits(table)
        if table is None:
            _LOG.warning("%s: no table of visits found, each video counts as a space of its own", root)

    def refs(self) -> list[SceneRef]:
        """One per video, by id."""
        return [self._ref(files) for files in self._scans.values()]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Read one video; nothing is written to ``media``.

        Raises:
            SceneError: It is not in the download, lacks a file, or a file cannot be used; file and field are named.
        """
        files = self._scans.get(ref.id)
        if files is None or ref != self._ref(files):
            raise SceneError(
                "not a scene of these files and options", where=ref.id, fix="list the scenes again"
            )
        return assemble(self.scan(ref.id), self.options)

    @contextmanager
    def raw(self, ref: SceneRef, media: Path) -> Iterator[RawScan]:
        """The scan before frames are chosen, for checks (raises SceneError, as `load`)."""
        yield self.scan(ref.id)

    def scan(self, video_id: str) -> RawScan:
        """What the files say, before frames are chosen (raises SceneError)."""
        files = self._scans[video_id]
        boxes = read_annotation(files.need(files.annotation, "annotation"))
        mesh_path = files.need(files.mesh, "mesh")
        trajectory = read_trajectory(files.need(files.asset("lowres_wide.traj"), "lowres_wide.traj"))
        mesh = read_ply(mesh_path)
        _check_place(boxes, mesh.vertices_m, files)
        found = find_frames(files, trajectory, self.options.frames, self.options.max_gap_s)
        if not any(frame.T_world_camera is not None for frame in found.frames):
            raise SceneError(
                f"no picture lies between two poses that are {self.options.max_gap_s:g} s apart or less",
                where=str(files.asset("lowres_wide.traj")),
                fix="raise scenes.options.max_gap_s, or leave the video out",
            )
        depth = DepthMaps(files.asset("lowres_depth"), found.clock_s) if self.options.use_depth else None
        return RawScan(
            id=video_id,
            source="arkitscenes",
            space_id=self.scan_space(video_id),
            license=LICENSES["arkitscenes"],
            root=files.root,
            video=found.video,
            vertices_m=mesh.vertices_m,
            faces=mesh.faces.astype(np.int64),
            instances=_instances(boxes, files),
            frames=found.frames,
            open_depth=depth,
            upright=True,
        )

    def scan_space(self, video_id: str) -> str:
        """The visit; where that is not known, the video itself."""
        visit = self._visits.get(video_id)
        if visit is None:
            if video_id in self._visits:
                _LOG.warning("video %s: its visit is NA, it counts as a space of its own", video_id)
            return video_id
        return visit

    def _ref(self, files: ScanFiles) -> SceneRef:
        visit = self._visits.get(files.video_id)
        key = content_hash(self._key, files.video_id, visit, files.state())
        return SceneRef(id=files.video_id, source="arkitscenes", key=key)


def _instances(boxes: Sequence[LabelledBox], files: ScanFiles) -> tuple[RawInstance, ...]:
    settled = settle([box.label for box in boxes])
    if settled.summary():
        _LOG.info("%s: %s", files.annotation, settled.summary())
    numbers: Counter[str] = Counter()
    instances = []
    for box, category in zip(boxes, settled.categories, strict=True):
        name = category or box.label
        instances.append(
            RawInstance(
                id=f"{_plain(name)}-{numbers[name]}",
                raw_label=box.label,
                category=category,
                box=(box.center_m, box.extent_m, box.R_world_box),
            )
        )
        numbers[name] += 1
    return tuple(instances)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())


def _check_place(boxes: Sequence[LabelledBox], vertices_m: npt.NDArray[np.float64], files: ScanFiles) -> None:
    """Boxes in another frame or unit than the mesh would give wrong answers everywhere."""
    low, high = vertices_m.min(0) - BESIDE_MESH_M, vertices_m.max(0) + BESIDE_MESH_M
    centers = np.array([box.center_m for box in boxes])
    outside = int(((centers < low) | (centers > high)).any(1).sum())
    if 2 * outside > len(boxes):
        raise SceneError(
            f"{outside} of {len(boxes)} boxes lie outside the mesh: they are not in its frame or unit",
            where=str(files.annotation),
            fix="download mesh and annotation again, from the same release",
        )
