"""The `scannetpp` scene adapter: options, references, and one scene from its directory to `Scene`.

Frames are the phone's. Those of the DSLR (``dslr/``) are left out: they are single pictures through a fisheye lens, not
a video, and all that the records say of a camera is a pinhole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.ids import content_hash
from ouroboros_data.media.ply import read_ply
from ouroboros_data.types import Scene, SceneRef
from scene_adapters.meta_info import LICENSES
from scene_adapters.option_checks import read_options
from scene_adapters.scan import RawScan, ScanOptions, assemble, check_scan_options
from scene_adapters.scannetpp.phone import find_recording
from scene_adapters.segments import instances_of, read_groups, read_segments, vertices_of

VERSION = "1"
"""Part of every scene's key: raise it whenever the same files give another scene."""
_SCENE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MESH, SEGMENTS, ANNOTATION = "scans/mesh_aligned_0.05.ply", "scans/segments.json", "scans/segments_anno.json"
_FILES = (
    MESH,
    SEGMENTS,
    ANNOTATION,
    "iphone/pose_intrinsic_imu.json",
    "iphone/rgb.mp4",
    "iphone/rgb",
    "iphone/depth.bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ScanOptions):
    """What a recipe may say under ``scenes.options``."""

    use_depth: bool = True
    """Let ``depth.bin`` say what is hidden, besides the mesh."""


def check_options(options: Mapping[str, Any]) -> Options:
    """Strict options from a mapping.

    Raises:
        RecipeError: A key is unknown, a type is wrong or a value is out of range; the message names the field.
    """
    known = read_options(Options, options)
    check_scan_options(known)
    return known


class ScanNetPP:
    """The scenes of a ScanNet++ download."""

    def __init__(
        self, *, root: Path | None = None, seed: int = 0, options: Mapping[str, Any] | None = None
    ) -> None:
        """List the scenes.

        Args:
            root: ``data/`` itself, or the directory that it is in.
            seed: Not used: nothing is random here.
            options: See `Options`.

        Raises:
            SceneError: The root is missing or holds no scenes.
            RecipeError: No root, or an option is unknown or out of range.
        """
        if root is None:
            fix = "set scenes.root to the directory with data/"
            raise RecipeError("scannetpp reads scans from files", where="scenes.root", fix=fix)
        self.options = check_options(options or {})
        self._key = content_hash("scannetpp", VERSION, asdict(self.options))
        self._scenes = _scenes_below(root.resolve())

    def refs(self) -> list[SceneRef]:
        """One per scene, by id."""
        return [self._ref(name) for name in self._scenes]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Read one scene; nothing is written to ``media``.

        Raises:
            SceneError: It is not in the download, lacks a file, or a file cannot be used; file and field are named.
        """
        with self.raw(ref, media) as scan:
            return assemble(scan, self.options)

    @contextmanager
    def raw(self, ref: SceneRef, media: Path) -> Iterator[RawScan]:
        """The scan before frames are chosen; its depth can be opened within the ``with``.

        Raises:
            SceneError: As `load`.
        """
        if ref.id not in self._scenes or ref != self._ref(ref.id):
            raise SceneError(
                "not a scene of these files and options", where=ref.id, fix="list the scenes again"
            )
        with ExitStack() as stack:
            yield self._scan(ref.id, stack)

    def _scan(self, scene_id: str, stack: ExitStack) -> RawScan:
        root = self._scenes[scene_id]
        mesh = read_ply(root / MESH)
        segment_of = read_segments(root / SEGMENTS, len(mesh.vertices_m))
        where = str(root / ANNOTATION)
        groups, _ = read_groups(root / ANNOTATION)
        instances = instances_of(vertices_of(groups, segment_of, where), where)
        recording = find_recording(root, stack)
        if not any(frame.T_world_camera is not None for frame in recording.frames):
            raise SceneError("no frame has a pose", where=str(root / "iphone"), fix="leave the scene out")
        return RawScan(
            id=scene_id,
            source="scannetpp",
            space_id=scene_id,
            license=LICENSES["scannetpp"],
            root=root,
            video=recording.video,
            vertices_m=mesh.vertices_m,
            faces=mesh.faces,
            instances=instances,
            frames=recording.frames,
            open_depth=recording.open_depth if self.options.use_depth else None,
            upright=True,
        )

    def _ref(self, scene_id: str) -> SceneRef:
        state = []
        for name in _FILES:
            path = self._scenes[scene_id] / name
            if path.exists():
                stat = path.stat()
                state.append((name, stat.st_size if path.is_file() else 0, stat.st_mtime_ns))
        return SceneRef(id=scene_id, source="scannetpp", key=content_hash(self._key, scene_id, state))


def _scenes_below(root: Path) -> dict[str, Path]:
    if not root.is_dir():
        what = "not a directory" if root.exists() else "no such directory"
        raise SceneError(what, where=str(root), fix="set scenes.root to the directory with data/")
    place = root / "data" if (root / "data").is_dir() else root
    try:
        paths = sorted(path for path in place.iterdir() if (path / "scans").is_dir())
    except OSError as error:
        raise SceneError(f"cannot be listed: {error.strerror}", where=str(place)) from None
    found = {path.name: path for path in paths if _SCENE_ID.fullmatch(path.name)}
    if not found:
        raise SceneError(
            "holds no ScanNet++ scenes",
            where=str(root),
            fix="expected data/SCENE/scans and data/SCENE/iphone",
        )
    return found
