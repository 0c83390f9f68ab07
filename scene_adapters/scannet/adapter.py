"""The `scannet` scene adapter: options, references, and one scan from its directory to `Scene`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ouroboros_data.errors import RecipeError, SceneError
from ouroboros_data.geometry.cameras import transform
from ouroboros_data.ids import content_hash
from ouroboros_data.media.ply import read_ply
from ouroboros_data.types import FramesOrigin, Scene, SceneRef
from scene_adapters.labels import plain
from scene_adapters.meta_info import LICENSES
from scene_adapters.option_checks import need, need_film, read_options
from scene_adapters.raw_files import Floats
from scene_adapters.scan import RawFrame, RawScan, ScanOptions, assemble, check_scan_options
from scene_adapters.scannet.frames import FrameSet, find_frames
from scene_adapters.scannet.info import read_info, read_tables
from scene_adapters.scannet.rendered import film_mesh
from scene_adapters.scannet.tree import ScanFiles, scans_below, tables_near
from scene_adapters.segments import LEAST_FOUND, Owned, instances_of, read_groups, read_segments, vertices_of

VERSION = "1"
"""Part of every scene's key: raise it whenever the same files give another scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ScanOptions):
    """What a recipe may say under ``scenes.options``."""

    labels_tsv: str | None = None
    """The label table (``scannetv2-labels.combined.tsv``, or the older one), absolute or below the root. Without it,
    the root and its parent are searched. It gives objects their NYU40 class; categories do not depend on it."""
    video_stride: int | None = None
    """Poses per frame of a video file; without it their counts must agree."""
    render_missing: bool = False
    """Film a scan that has no frames by a walk through its mesh; else such a scan is refused."""
    fps: float = 2.0
    """Frames per second, where frames are rendered."""
    size_px: tuple[int, int] = (320, 240)
    """Width, height of rendered frames; even, as H.264 wants it."""
    hfov_deg: float = 80.0
    """Horizontal field of view of the rendering camera."""


def check_options(options: Mapping[str, Any]) -> Options:
    """Strict options from a mapping.

    Raises:
        RecipeError: A key is unknown, a type is wrong or a value is out of range; the message names the field.
    """
    known = read_options(Options, options)
    check_scan_options(known)
    need_film(known)
    need(
        known.video_stride is None or 1 <= known.video_stride <= 1000,
        known,
        "video_stride",
        "must be 1 to 1000",
    )
    need(30 <= known.hfov_deg <= 120, known, "hfov_deg", "must lie in 30 to 120")
    return known


class ScanNet:
    """The scans of a ScanNet download."""

    def __init__(
        self, *, root: Path | None = None, seed: int = 0, options: Mapping[str, Any] | None = None
    ) -> None:
        """List the scans and read the label tables.

        Args:
            root: ``scans/`` itself, or the directory that it is in.
            seed: Not used: nothing is random here.
            options: See `Options`.

        Raises:
            SceneError: The root is missing or holds no scans, or a label table is damaged.
            RecipeError: No root, or an option is unknown or out of range.
        """
        if root is None:
            fix = "set scenes.root to the directory with scans/"
            raise RecipeError("scannet reads scans from files", where="scenes.root", fix=fix)
        self.options = check_options(options or {})
        decisive = {name: value for name, value in asdict(self.options).items() if name != "labels_tsv"}
        self._scans = scans_below(root.resolve())
        self._nyu40 = read_tables(tables_near(root.resolve(), self.options.labels_tsv))
        self._key = content_hash("scannet", VERSION, decisive, self._nyu40)

    def refs(self) -> list[SceneRef]:
        """One per scan, by id."""
        return [self._ref(files) for files in self._scans.values()]

    def load(self, ref: SceneRef, media: Path) -> Scene:
        """Read one scan; nothing is written, but where frames are rendered: ``media/<scan>/video.mp4``.

        Raises:
            SceneError: It is not in the download, lacks a file, or a file cannot be used; file and field are named.
        """
        with ExitStack() as stack:
            scan, origin = self._scan(self._files(ref), media, stack)
            return replace(assemble(scan, self.options), frames_origin=origin)

    @contextmanager
    def raw(self, ref: SceneRef, media: Path) -> Iterator[RawScan]:
        """The scan in the aligned world, before frames are chosen; its depth can be opened within the ``with``.

        Raises:
            SceneError: As `load`.
        """
        with ExitStack() as stack:
            yield self._scan(self._files(ref), media, stack)[0]

    def _files(self, ref: SceneRef) -> ScanFiles:
        files = self._scans.get(ref.id)
        if files is None or ref != self._ref(files):
            raise SceneError(
                "not a scene of these files and options", where=ref.id, fix="list the scenes again"
            )
        return files

    def _scan(self, files: ScanFiles, media: Path, stack: ExitStack) -> tuple[RawScan, FramesOrigin]:
        """What the files say, and where the frames come from; ``stack`` holds what depth is read from."""
        info = read_info(files.info)
        mesh_path = files.mesh()
        mesh = read_ply(mesh_path)
        vertices_m = transform(info.T_aligned_raw, mesh.vertices_m)
        owned, annotation = _owned(files, len(vertices_m))
        instances = instances_of(owned, str(annotation), lambda label: self._nyu40.get(plain(label)))
        frames = find_frames(files, info, self.options.video_stride, stack)
        origin: FramesOrigin = "captured"
        if frames is None:
            if not self.options.render_missing:
                raise SceneError(
                    "no frames: neither .sens nor color/ and pose/ nor a video beside pose/",
                    where=str(files.root),
                    fix="download them, or set scenes.options.render_missing to film the mesh",
                )
            origin = "rendered"
            frames = film_mesh(
                mesh,
                vertices_m,
                instances,
                media / files.id,
                count=self.options.frame_count,
                fps=self.options.fps,
                size_px=self.options.size_px,
                hfov_deg=self.options.hfov_deg,
                shaded=mesh_path.name.endswith(".labels.ply"),
            )
        else:
            frames = replace(frames, frames=tuple(_aligned(f, info.T_aligned_raw) for f in frames.frames))
            _check_posed(frames, files)
        scan = RawScan(
            id=files.id,
            source="scannet",
            space_id=files.space_id,
            license=LICENSES["scannet"],
            root=frames.root,
            video=frames.video,
            vertices_m=vertices_m,
            faces=mesh.faces,
            instances=instances,
            frames=frames.frames,
            open_depth=frames.open_depth,
            upright=False,
        )
        return scan, origin

    def _ref(self, files: ScanFiles) -> SceneRef:
        return SceneRef(id=files.id, source="scannet", key=content_hash(self._key, files.id, files.state()))


def _owned(files: ScanFiles, vertex_count: int) -> tuple[Owned, Path]:
    """Groups with their vertices, from the annotation that belongs to the segments of this mesh.

    The file that names this segmentation in ``segmentsFile`` is taken. One that names another segmentation (that of
    the full mesh: its numbers mean other vertices) is taken only if all of its segments exist here, as in the earliest
    release, where both files are the same but for that name.
    """
    segment_of = read_segments(files.segments, vertex_count)
    read = [(path, *read_groups(path)) for path in files.aggregations()]
    # Names in the files carry a prefix at times ("scannet.scene0000_00_vh_clean_2…").
    read.sort(key=lambda entry: not entry[2].endswith(files.segments.name))
    for number, (path, groups, named) in enumerate(read, 1):
        own = not named or named.endswith(files.segments.name)
        try:
            least = LEAST_FOUND if own else 1.0
            return vertices_of(groups, segment_of, str(path), least_found=least), path
        except SceneError:
            if number == len(read):
                raise
    raise AssertionError("aggregations() is never empty")


def _aligned(frame: RawFrame, T_aligned_raw: Floats) -> RawFrame:
    """The frame in the world that the mesh was moved to: the alignment comes from the left."""
    if frame.T_world_camera is None:
        return frame
    return replace(frame, T_world_camera=T_aligned_raw @ frame.T_world_camera)


def _check_posed(frames: FrameSet, files: ScanFiles) -> None:
    if not any(frame.T_world_camera is not None for frame in frames.frames):
        raise SceneError("no frame has a pose", where=str(files.root), fix="leave the scan out")
