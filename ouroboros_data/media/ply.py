"""Triangle meshes from PLY files, as scans come: positions, triangles, and colours where there are some."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import trimesh.exchange.ply

from ouroboros_data.errors import SceneError
from ouroboros_data.media.reader import REPAIR

MAX_VERTICES = 1 << 25
"""More is refused: a scan of a large flat has a hundredth of that."""
_HEADER_BYTES = 1 << 16
_ELEMENT = re.compile(rb"^\s*element\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlyMesh:
    """One file's triangles."""

    vertices_m: npt.NDArray[np.float64]
    """(n, 3) as stored, in metres where the source's are."""
    faces: npt.NDArray[np.int32]
    """(m, 3) indices of vertices."""
    colors: npt.NDArray[np.uint8] | None
    """(n, 3) RGB of the vertices."""


def read_ply(path: Path) -> PlyMesh:
    """Read a mesh of triangles, binary or ASCII; vertices and faces keep their order.

    Raises:
        SceneError: The file cannot be read, is damaged or cut off, has other faces than triangles, vertices that are
            not finite, or faces that name vertices that are not there.
    """
    try:
        with path.open("rb") as handle:
            _check_counts(handle, path.stat().st_size, str(path))
            handle.seek(0)
            return _read(handle, str(path))
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise SceneError(what, where=str(path)) from None


def _check_counts(handle: BinaryIO, file_bytes: int, where: str) -> None:
    """Counts that the file cannot hold are refused before anything is allocated for them."""
    head = handle.read(_HEADER_BYTES)
    if not head.startswith(b"ply"):
        raise SceneError("empty" if not head else "not a PLY file", where=where, fix=REPAIR)
    head, ended, _ = head.partition(b"end_header")
    if not ended:
        raise SceneError("header: no end_header", where=where, fix=REPAIR)
    counts: dict[str, int] = {}
    for name, count in _ELEMENT.findall(head):
        kind = name.decode("latin-1")[:40]
        if not count.isdigit() or len(count) > 12 or kind in counts:
            raise SceneError(f"header: element {kind}: not one count", where=where, fix=REPAIR)
        counts[kind] = int(count)
        if counts[kind] > file_bytes:  # each takes a byte at the least
            raise SceneError(
                f"header: {counts[kind]} of element {kind} do not fit into {file_bytes} bytes",
                where=where,
                fix=REPAIR,
            )
    for kind in ("vertex", "face"):
        if not counts.get(kind):
            raise SceneError(
                f"header: no element {kind}", where=where, fix="name the mesh, not a point cloud"
            )
    if counts["vertex"] > MAX_VERTICES or counts["face"] > 4 * MAX_VERTICES:
        raise SceneError("header: too many vertices or faces for a scan", where=where, fix=REPAIR)


def _read(handle: BinaryIO, where: str) -> PlyMesh:
    try:
        loaded: dict[str, Any] = trimesh.exchange.ply.load_ply(handle, skip_materials=True, fix_texture=False)
        elements = loaded["metadata"]["_ply_raw"]
        points = np.asarray(loaded["vertices"], np.float64)
        corners = np.asarray(loaded["faces"])
        colors = loaded.get("vertex_colors")
        expected = elements["vertex"]["length"], elements["face"]["length"]
        stored = elements["face"]["data"]
    except Exception as error:  # trimesh's parser raises almost anything on damaged data
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise SceneError(f"not a PLY file that can be read: {reason}", where=where, fix=REPAIR) from None
    if points.shape != (expected[0], 3):
        raise SceneError(f"vertex: {len(points)} of {expected[0]} are there", where=where, fix=REPAIR)
    if corners.shape != (expected[1], 3) or corners.dtype.kind not in "iu" or _mixed(stored):
        raise SceneError("face: not all faces are triangles", where=where, fix="triangulate the mesh")
    if not np.isfinite(points).all():
        raise SceneError("vertex: positions are not finite", where=where, fix=REPAIR)
    if int(corners.min()) < 0 or int(corners.max()) >= len(points):
        raise SceneError(
            f"face: names vertices that are not there (there are {len(points)})", where=where, fix=REPAIR
        )
    return PlyMesh(vertices_m=points, faces=corners.astype(np.int32), colors=_rgb(colors, len(points)))


def _mixed(stored: Any) -> bool:
    """Whether a binary file's faces have counts that differ: trimesh takes the first one's for all."""
    if not isinstance(stored, np.ndarray) or stored.dtype.names is None:
        return False
    for name in stored.dtype.names:
        if stored.dtype[name].names == ("f0", "f1") and name in ("vertex_index", "vertex_indices"):
            return bool((stored[name]["f0"] != 3).any())
    return False


def _rgb(colors: Any, count: int) -> npt.NDArray[np.uint8] | None:
    found = np.asarray(colors) if colors is not None else None
    if found is None or found.shape not in ((count, 3), (count, 4)) or found.dtype.kind not in "iu":
        return None
    clipped: npt.NDArray[np.uint8] = np.clip(found[:, :3], 0, 255).astype(np.uint8)
    return clipped
