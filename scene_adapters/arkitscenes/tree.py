"""Where an ARKitScenes download keeps what: scan directories, their files, and the table of visits."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ouroboros_data.errors import SceneError

FOLDS = ("Training", "Validation")
SPLITS_FILES = ("3dod_train_val_splits.csv", "raw_train_val_splits.csv", "metadata.csv")
"""Tables with ``video_id`` and ``visit_id``; the download script leaves ``metadata.csv`` beside the folds."""
MAX_SPLITS_BYTES = 16 << 20
# apple/ARKitScenes:download_data.py, missing_3dod_assets_video_ids
NOT_PUBLISHED = frozenset(
    "47334522 47334523 42897421 45261582 47333152 47333155 48458535 48018733 47429677 48458541 42897848 47895482 "
    "47333960 47430089 42899148 42897612 42899153 42446164 48018149 47332198 47334515 45663223 45663226 45663227".split()
)
"""Videos for which there is no mesh, no annotation and no trajectory."""
_VIDEO_ID = re.compile(r"\d{6,10}")
_VISIT_ID = re.compile(r"(\d{1,12})(?:\.0)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFiles:
    """One video's directory."""

    video_id: str
    root: Path

    @property
    def annotation(self) -> Path:
        """Boxes with labels."""
        return self.root / f"{self.video_id}_3dod_annotation.json"

    @property
    def mesh(self) -> Path:
        """The scan's surface."""
        return self.root / f"{self.video_id}_3dod_mesh.ply"

    def asset(self, name: str) -> Path:
        """A file or directory of the recording: in the scan's directory, or in ``<id>_frames`` below it (3dod)."""
        below = self.root / f"{self.video_id}_frames" / name
        beside = self.root / name
        return below if below.exists() and not beside.exists() else beside

    def videos(self) -> list[Path]:
        """Video files of the scan, sorted."""
        places = (self.root, self.root / f"{self.video_id}_frames")
        names = [f"{self.video_id}{suffix}" for suffix in (".mov", ".mp4", ".MOV", ".MP4")]
        return [place / name for place in places for name in names if (place / name).is_file()]

    def state(self) -> list[tuple[str, int, int]]:
        """Name, byte count and time of change of all that a scene is made from, without reading any of it."""
        names = ("lowres_wide.traj", *(f"{k}{s}" for k in KINDS for s in ("", "_intrinsics")), "lowres_depth")
        found = []
        for path in (self.annotation, self.mesh, *map(self.asset, names), *self.videos()):
            try:
                stat = path.stat()
            except OSError:
                continue
            size = 0 if path.is_dir() else stat.st_size
            found.append((path.relative_to(self.root).as_posix(), size, stat.st_mtime_ns))
        return found

    def need(self, path: Path, asset: str) -> Path:
        """The path, if it is there.

        Raises:
            SceneError: It is not; says whether it can be had at all.
        """
        if path.exists():
            return path
        if self.video_id in NOT_PUBLISHED:
            raise SceneError(
                f"no {asset}: ARKitScenes publishes no mesh, annotation and trajectory for 24 videos, this is one",
                where=str(path),
                fix="leave the video out",
            )
        raise SceneError(f"no {asset}", where=str(path), fix=f"download it ({asset}) again")


KINDS = ("vga_wide", "lowres_wide")
"""Picture directories, the better one first; intrinsics lie in ``<kind>_intrinsics``."""


def scans_below(root: Path) -> dict[str, ScanFiles]:
    """Scan directories by video id, sorted: ``<id>``, ``<fold>/<id>`` or ``3dod|raw/<fold>/<id>`` below the root.

    Raises:
        SceneError: The root is missing or holds none, or a video is there twice.
    """
    if not root.is_dir():
        what = "not a directory" if root.exists() else "no such directory"
        raise SceneError(what, where=str(root), fix="set scenes.root to the directory of the download")
    found: dict[str, ScanFiles] = {}
    for path in sorted(_candidates(root), key=lambda path: (path.name, str(path))):
        if path.name in found:
            raise SceneError(
                f"video {path.name} is in {found[path.name].root} too",
                where=str(path),
                fix="set scenes.root to one of the two downloads (raw or 3dod)",
            )
        found[path.name] = ScanFiles(video_id=path.name, root=path)
    if not found:
        raise SceneError(
            "holds no ARKitScenes videos",
            where=str(root),
            fix="expected directories named by video id, or Training/ and Validation/ with them",
        )
    return found


def _candidates(root: Path) -> Iterator[Path]:
    layouts = ("", *FOLDS, *(f"{kind}/{fold}" for kind in ("3dod", "raw") for fold in FOLDS))
    for place in (root / layout for layout in layouts):
        if place.is_dir():
            yield from (path for path in place.iterdir() if _VIDEO_ID.fullmatch(path.name) and path.is_dir())


def splits_file(root: Path, named: str | None) -> Path | None:
    """The table of visits: the named file (absolute, or below the root), else the first in the root or its parents.

    Two parents are looked at: the root may be a fold.
    """
    if named is not None:
        return root / named
    places = (root, *root.resolve().parents[:2])
    paths = (place / name for place in places for name in SPLITS_FILES)
    return next((path for path in paths if path.is_file()), None)


def read_visits(path: Path) -> dict[str, str | None]:
    """Video id to visit id; None where the table says ``NA``. Videos of one visit show the same room.

    Raises:
        SceneError: Not such a table; names the line and the column.
    """
    where = str(path)
    fix = f"use {SPLITS_FILES[0]} of the ARKitScenes repository"
    try:
        if path.stat().st_size > MAX_SPLITS_BYTES:
            raise SceneError("too large for a table of videos", where=where, fix=fix)
        with path.open(newline="", encoding="utf-8") as handle:
            rows = csv.DictReader(handle, restval="", strict=True)
            missing = [name for name in ("video_id", "visit_id") if name not in (rows.fieldnames or ())]
            if missing:
                raise SceneError(f"has no column {missing[0]}", where=where, fix=fix)
            visits: dict[str, str | None] = {}
            for row in rows:
                place = f"{where}:{rows.line_num}"
                video, visit = row["video_id"], row["visit_id"]
                match = _VISIT_ID.fullmatch(visit)
                if not _VIDEO_ID.fullmatch(video):
                    raise SceneError(f"video_id {video[:40]!r} is no number of a video", where=place, fix=fix)
                if match is None and visit not in ("NA", ""):
                    raise SceneError(f"visit_id {visit[:40]!r} is no number, nor NA", where=place, fix=fix)
                known = match[1] if match else None
                if visits.setdefault(video, known) != known:
                    raise SceneError(f"video_id {video} is there twice, with another visit_id", where=place)
            return visits
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}", where=where) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SceneError(f"not a CSV file: {error}", where=where, fix=fix) from None
