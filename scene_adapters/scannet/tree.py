"""Where a ScanNet download keeps what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ouroboros_data.errors import SceneError
from ouroboros_data.ids import file_sha256

SCAN_ID = re.compile(r"(scene\d{4})_\d{2}")
PARTS = ("scans", "scans_test")
TABLES = ("scannetv2-labels.combined.tsv", "scannet-labels.combined.tsv", "scannet-labels.combined.v1.tsv")
"""Names of the label table; the newer one first."""
_HASHED_BYTES = 1 << 20
_VIDEOS = (".mp4", ".mov", ".mkv", ".avi")
_DIRECTORIES = ("color", "pose", "intrinsic", "depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFiles:
    """One scan's directory."""

    id: str
    root: Path

    @property
    def space_id(self) -> str:
        """``sceneXXXX``: its scans show the same rooms."""
        return self.id.partition("_")[0]

    @property
    def info(self) -> Path:
        """Sizes, intrinsics and alignment."""
        return self.root / f"{self.id}.txt"

    @property
    def stream(self) -> Path:
        """The recording, if it was downloaded."""
        return self.root / f"{self.id}.sens"

    @property
    def segments(self) -> Path:
        """Segment of each vertex of the decimated mesh."""
        return self.root / f"{self.id}_vh_clean_2.0.010000.segs.json"

    def mesh(self) -> Path:
        """The decimated mesh; the one with labels has the same vertices, and stands in for it.

        Raises:
            SceneError: Neither is there.
        """
        names = (f"{self.id}_vh_clean_2.ply", f"{self.id}_vh_clean_2.labels.ply")
        paths = [self.root / name for name in names if (self.root / name).is_file()]
        if not paths:
            raise SceneError("no mesh", where=str(self.root / names[0]), fix="download _vh_clean_2.ply")
        return paths[0]

    def aggregations(self) -> list[Path]:
        """Files with the labelled groups of segments, the likelier one first.

        ``<id>.aggregation.json`` goes with the segments of the decimated mesh, ``<id>_vh_clean.aggregation.json``
        with those of the full one; which it is, the files say themselves (``segmentsFile``).

        Raises:
            SceneError: There is none.
        """
        names = (f"{self.id}.aggregation.json", f"{self.id}_vh_clean.aggregation.json")
        paths = [self.root / name for name in names if (self.root / name).is_file()]
        if not paths:
            test = self.root.parent.name == "scans_test"
            raise SceneError(
                "no annotation: scans of the test split have none" if test else "no annotation",
                where=str(self.root / names[0]),
                fix="leave scans_test out" if test else "download .aggregation.json",
            )
        return paths

    def video(self) -> Path | None:
        """A video file beside the poses: the one named after the scan, or the only one."""
        named = [self.root / f"{self.id}{suffix}" for suffix in _VIDEOS]
        found = [path for path in named if path.is_file()]
        if not found:
            found = sorted(path for path in self.root.glob("*.*") if path.suffix.lower() in _VIDEOS)
            if len(found) > 1:
                raise SceneError(
                    f"{len(found)} videos, none is named {self.id}.mp4", where=str(self.root), fix="keep one"
                )
        return found[0] if found else None

    def state(self) -> list[tuple[str, int, str]]:
        """Name, byte count and a digest (of small files) or time of change of all that the scene is made from."""
        found = []
        paths = [path for path in self.root.iterdir() if path.is_file()]
        for base in (self.root, self.root / "exported"):
            paths += [base / name for name in _DIRECTORIES if (base / name).is_dir()]
        for path in sorted(paths):
            stat = path.stat()
            small = path.is_file() and stat.st_size <= _HASHED_BYTES
            mark = file_sha256(path) if small else str(stat.st_mtime_ns)
            size = stat.st_size if path.is_file() else 0
            found.append((path.relative_to(self.root).as_posix(), size, mark))
        return found


def scans_below(root: Path) -> dict[str, ScanFiles]:
    """Scans by id, sorted: right below the root, or in ``scans`` and ``scans_test`` below it.

    Raises:
        SceneError: The root is missing or holds none, or a scan is there twice.
    """
    if not root.is_dir():
        what = "not a directory" if root.exists() else "no such directory"
        raise SceneError(what, where=str(root), fix="set scenes.root to the directory with scans/")
    found: dict[str, ScanFiles] = {}
    try:
        places = [place for place in (root, *(root / part for part in PARTS)) if place.is_dir()]
        paths = [path for place in places for path in place.iterdir()]
        for path in sorted(paths, key=lambda path: (path.name, str(path))):
            if not SCAN_ID.fullmatch(path.name) or not path.is_dir():
                continue
            if path.name in found:
                raise SceneError(
                    f"scan {path.name} is in {found[path.name].root} too",
                    where=str(path),
                    fix="remove one of them",
                )
            found[path.name] = ScanFiles(id=path.name, root=path)
    except OSError as error:
        raise SceneError(f"cannot be listed: {error.strerror}", where=str(root)) from None
    if not found:
        raise SceneError(
            "holds no ScanNet scans", where=str(root), fix="expected directories named sceneXXXX_YY"
        )
    return found


def tables_near(root: Path, named: str | None) -> list[Path]:
    """Label tables: the named one (absolute, or below the root), else those in the root and its parent, newest first.

    Raises:
        SceneError: The named one is not there.
    """
    if named is not None:
        path = root / named
        if not path.is_file():
            raise SceneError("no such file", where=str(path), fix="correct scenes.options.labels_tsv")
        return [path]
    places = (root, root.resolve().parent)
    return [place / name for name in TABLES for place in places if (place / name).is_file()]
