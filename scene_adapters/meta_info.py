"""The `meta_info` scene adapter: real layouts as oriented boxes, without video, shown by rendering them."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.cameras import pinhole
from ouroboros_data.geometry.render import render
from ouroboros_data.ids import content_hash
from ouroboros_data.media.rendered import camera_frames, film
from ouroboros_data.types import Room, Scene, SceneRef
from scene_adapters.meta_info_read import Doubt, Layout, files_below, parse_scene, read_file, read_visits
from scene_adapters.meta_info_view import box_meshes, estimate_shell, shell_meshes
from scene_adapters.meta_info_walk import plan_walk
from scene_adapters.option_checks import need, need_film, read_options

VERSION = "1"
"""Part of every scene's key: raise it whenever the same file gives another scene."""
LICENSES = {
    "scannet": "ScanNet-ToU",
    "scannetpp": "ScanNet++-ToU",
    "arkitscenes": "ARKitScenes-License",
}
SPLITS_FILE = "3dod_train_val_splits.csv"
_SCENE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a recipe may say under ``scenes.options``."""

    frame_count: int = 24
    """Frames of each rendered video."""
    fps: float = 2.0
    size_px: tuple[int, int] = (160, 120)
    """Width, height of the video; even, as H.264 wants it."""
    hfov_deg: float = 80.0
    """Horizontal field of view of the rendering camera."""
    splits: str | None = None
    """CSV with ARKitScenes' ``video_id`` and ``visit_id``, absolute or below the root. Without it, the file
    ``3dod_train_val_splits.csv`` of the root is used if it is there; else each video is a space of its own."""
    doubtful: Literal["unlabel", "keep", "refuse"] = "unlabel"
    """A category whose stated count differs from its boxes cannot be counted rightly. ``unlabel``: its boxes are
    drawn, in grey, but are no objects of the scene, so that nothing is asked about them. ``keep``: take the boxes as
    they are. ``refuse``: do not use such a scene."""


def check_options(options: Mapping[str, Any]) -> Options:
    """Strict options from a mapping.

    Raises:
        RecipeError: A key is unknown, a type is wrong or a value is out of range; the message names the field.
    """
    known = read_options(Options, options)
    need(2 <= known.frame_count <= 10_000, known, "frame_count", "must be 2 to 10000")
    need_film(known)
    need(30 <= known.hfov_deg <= 120, known, "hfov_deg", "must lie in 30 to 120")
    return known


class MetaInfo:
    """Scenes of all ``*_meta_info.json`` below a directory; the dataset is the file name's beginning."""

    def __init__(
        self, *, root: Path | None = None, seed: int = 0, options: Mapping[str, Any] | None = None
    ) -> None:
        """Read the files; scenes are checked when they are loaded.

        Args:
            root: Directory that holds the files.
            seed: Not used: nothing is random here.
            options: See `Options`.

        Raises:
            SceneError: The root is missing or holds no such file, or a file is not JSON.
            RecipeError: No root, or an option is unknown or out of range.
        """
        if root is None:
            fix = "set scenes.root to the directory with *_meta_info.json"
            raise RecipeError("meta_info reads scenes from files", where="scenes.root", fix=fix)
        self.options = check_options(options or {})
        decisive = {name: value for name, value in asdict(self.options).items() if name != "splits"}
        self._key = content_hash("meta_info", VERSION, decisive)
        self._entries: dict[str, tuple[str, Path, Any]] = {}
        for dataset, path in files_below(root):
            for name, entry in read_file(path).items():
                if name in self._entries:
                    other = self._entries[name][1].name
                    raise SceneError(
                        f"scene {name} is in {other} too", where=str(path), fix="remove one of them"
                    )
                self._entries[name] = (dataset, path, entry)
        self._visits = self._read_visits(root)

    def refs(self) -> list[SceneRef]:
        """One per scene, in the order of the files' names and of the entries within."""
        return [self._ref(name) for name in self._entries]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Check, render and encode one scene; writes ``media/<scene id>/video.mp4``.

        Raises:
            SceneError: The scene is not in the files, its entry cannot be used, or the video cannot be written.
        """
        if ref.id not in self._entries or ref != self._ref(ref.id):
            raise SceneError(
                "not a scene of these files and options", where=ref.id, fix="list the scenes again"
            )
        dataset, path, _ = self._entries[ref.id]
        if not _SCENE_NAME.fullmatch(ref.id):  # it becomes a directory's name
            raise SceneError(
                f"scene {ref.id!r}: a name has letters, digits, '.', '_' and '-' only",
                where=str(path),
                fix="rename it",
            )
        layout = self.layout(ref.id)
        doubtful = self._judge(layout, f"{path}: {ref.id}")
        labelled = [record.category not in doubtful for record in layout.objects]
        objects = tuple(record for record, known in zip(layout.objects, labelled, strict=True) if known)
        if not objects:
            raise SceneError(
                "no objects are left: all categories disagree with object_counts",
                where=f"{path}: {ref.id}",
                fix="set scenes.options.doubtful to keep, or correct the counts",
            )
        shell = estimate_shell(layout.objects, layout.room_area_m2)
        meshes = [*shell_meshes(shell), *box_meshes(layout.objects, labelled)]
        options = self.options
        K_px = pinhole(options.size_px, options.hfov_deg)
        vfov_deg = math.degrees(2 * math.atan(options.size_px[1] / 2 / K_px[1, 1]))
        poses = plan_walk(
            objects,
            meshes,
            shell,
            obstacles=layout.objects,
            count=options.frame_count,
            fov_deg=(options.hfov_deg, vfov_deg),
        )
        rendered = render(meshes, poses, K_px, options.size_px)
        directory = media / ref.id
        return Scene(
            id=ref.id,
            source=dataset,
            space_id=self._space(dataset, ref.id),
            license=LICENSES.get(dataset, f"LicenseRef-{dataset}"),
            frames_origin="rendered",
            room=Room(area_m2=layout.room_area_m2),
            objects=objects,
            frames=camera_frames(
                rendered,
                meshes,
                [record.id for record in objects],
                T_world_camera=poses,
                K_px=K_px,
                fps=options.fps,
            ),
            video=film(rendered, directory / "video.mp4", options.fps),
            root=str(directory),
        )

    def layout(self, scene_id: str) -> Layout:
        """What the file says about one scene, repeated boxes left out (raises SceneError)."""
        _, path, entry = self._entries[scene_id]
        return parse_scene(entry, where=f"{path}: {scene_id}")

    def _judge(self, layout: Layout, where: str) -> frozenset[str]:
        """Categories that are not to be labelled."""
        doubts = [doubt for doubt in layout.doubts if doubt.boxes]
        if not doubts:
            return frozenset()
        if self.options.doubtful == "refuse":
            raise SceneError(
                f"boxes and object_counts disagree: {_listed(doubts)}",
                where=where,
                fix="correct the file, or set scenes.options.doubtful to unlabel or keep",
            )
        kept = self.options.doubtful == "keep"
        done = "boxes kept" if kept else "drawn, but not labelled"
        _LOG.warning("%s: boxes and object_counts disagree: %s; %s", where, _listed(doubts), done)
        return frozenset() if kept else frozenset(doubt.category for doubt in doubts)

    def _read_visits(self, root: Path) -> dict[str, str]:
        if self.options.splits is not None:
            return read_visits(root / self.options.splits)
        beside = root / SPLITS_FILE
        return read_visits(beside) if beside.is_file() else {}

    def _space(self, dataset: str, name: str) -> str:
        if dataset == "scannet" and (match := re.fullmatch(r"(scene\d{4})_\d{2}", name)):
            return match[1]
        return self._visits.get(name, name) if dataset == "arkitscenes" else name

    def _ref(self, name: str) -> SceneRef:
        dataset, _, entry = self._entries[name]
        # As text: a broken entry may hold NaN, and must still be listed.
        text = json.dumps(entry, sort_keys=True)
        key = content_hash(self._key, dataset, name, self._space(dataset, name), text)
        return SceneRef(id=name, source=dataset, key=key)


def _listed(doubts: list[Doubt]) -> str:
    return ", ".join(f"{doubt.category} {doubt.counted} counted, {doubt.boxes} boxes" for doubt in doubts)
