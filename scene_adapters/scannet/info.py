"""``<id>.txt`` and the label tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ouroboros_data.errors import SceneError
from scene_adapters.labels import plain
from scene_adapters.pictures import check_intrinsics, fitted
from scene_adapters.raw_files import Floats, check_rigid, fail, parse_numbers, read_text

CENTRE_PX = 0.0
"""The first pixel's centre: ScanNet counts centres as whole numbers (640 pixels, principal point 319.5)."""
MAX_SIDE_PX = 16384
MATRICES = ("axisAlignment", "colorToDepthExtrinsics")
_MAX_LINES = 10_000
_MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Camera:
    """Intrinsics with the size of the pictures that they are of."""

    size_px: tuple[int, int]
    """Width, height."""
    K_px: Floats
    """(3, 3) as stored: ScanNet counts pixel centres as whole numbers (640 pixels, principal point 319.5)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanInfo:
    """What ``<id>.txt`` says."""

    T_aligned_raw: Floats
    """``axisAlignment`` (4, 4), mesh and poses to the aligned world; the identity where the file has none."""
    color: Camera | None
    depth: Camera | None


def read_info(path: Path) -> ScanInfo:
    """Read ``key = value`` lines.

    ``colorToDepthExtrinsics`` is checked but not applied: colour and depth are aligned already, according to the
    dataset's authors (ScanNet/ScanNet issues 2 and 92). Values that are not asked for stay text: ``sceneType`` has
    spaces and slashes.

    Raises:
        SceneError: The file is missing or damaged; names the key.
    """
    where, values = str(path), {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        key, equals, value = line.partition("=")
        if number > _MAX_LINES:
            fail("too many lines", where)
        if not line.strip():
            continue
        if not equals:
            fail("expected 'key = value'", f"{where}:{number}")
        values[key.strip()] = value.strip()
    matrices = {}
    for name in MATRICES:
        if name in values:
            matrix = parse_numbers(values[name], 16, name, where).reshape(4, 4)
            if not np.isfinite(matrix).all():
                fail(f"{name}: not finite", where)
            check_rigid(matrix, name, where)
            matrices[name] = matrix
    return ScanInfo(
        T_aligned_raw=matrices.get("axisAlignment", np.eye(4)),
        color=_camera(values, "color", where),
        depth=_camera(values, "depth", where),
    )


def read_tables(paths: Sequence[Path]) -> dict[str, int]:
    """NYU40 class by raw label, from the first table that has the label.

    Rows are found by ``raw_category`` (by ``category`` in the older table, which has no other name), never by their
    place: both orders and ``id`` differ between releases.

    Raises:
        SceneError: Not such a table, or it gives one label two classes.
    """
    found: dict[str, int] = {}
    for path in paths:
        for label, nyu40 in _read_table(path).items():
            found.setdefault(label, nyu40)
    return found


def _read_table(path: Path) -> dict[str, int]:
    where = str(path)
    fix = "use scannetv2-labels.combined.tsv of the dataset"
    rows = csv.reader(io.StringIO(read_text(path), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    found: dict[str, int] = {}
    try:
        header = next(rows, [])
        key = next((name for name in ("raw_category", "category") if name in header), None)
        if key is None or "nyu40id" not in header:
            raise SceneError("has no columns raw_category (or category) and nyu40id", where=where, fix=fix)
        label_at, nyu40_at = header.index(key), header.index("nyu40id")
        for row in rows:
            place = f"{where}:{rows.line_num}"
            if not row or row == [""]:
                continue
            if len(row) <= max(label_at, nyu40_at):
                raise SceneError(f"{len(row)} columns, the header has {len(header)}", where=place, fix=fix)
            if rows.line_num > _MAX_ROWS:
                raise SceneError("too many rows", where=place, fix=fix)
            label, number = plain(row[label_at]), row[nyu40_at].strip()
            if not number:
                continue
            if not (number.isascii() and number.isdigit()) or not 0 <= int(number[:4]) <= 40:
                raise SceneError(f"nyu40id: {number[:20]!r} is not a class of 0 to 40", where=place, fix=fix)
            if found.setdefault(label, int(number)) != int(number):
                raise SceneError(f"{key} {label[:40]!r} has two nyu40id", where=place, fix=fix)
    except csv.Error as error:
        raise SceneError(f"not a table: {error}", where=where, fix=fix) from None
    return {label: number for label, number in found.items() if number}


def _camera(values: Mapping[str, str], kind: str, where: str) -> Camera | None:
    names = [f"{name}_{kind}" for name in ("fx", "fy", "mx", "my")]
    sizes = [f"{kind}{side}" for side in ("Width", "Height")]
    if not all(name in values for name in (*names, *sizes)):
        return None
    fx, fy, cx, cy = (float(parse_numbers(values[name], 1, name, where)[0]) for name in names)
    width, height = (float(parse_numbers(values[name], 1, name, where)[0]) for name in sizes)
    for name, side in zip(sizes, (width, height), strict=True):
        if not 1 <= side <= MAX_SIDE_PX or side != int(side):
            fail(f"{name}: {side:g} pixels", where)
    K_px = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    check_intrinsics(K_px, names[0], where)
    return Camera(size_px=(int(width), int(height)), K_px=K_px)


def read_intrinsics(path: Path) -> Floats:
    """(3, 3) of a file with three or four rows of a camera matrix, as stored (raises SceneError)."""
    where = str(path)
    flat = parse_numbers(read_text(path), (9, 12, 16), "matrix", where)
    K_px = flat.reshape(3, 3) if len(flat) == 9 else flat.reshape(-1, 4)[:3, :3]
    check_intrinsics(K_px, "matrix", where)
    return np.array(K_px)


def intrinsics_for(path: Path, stated: Camera | None, size_px: tuple[int, int]) -> Floats:
    """Intrinsics of pictures of ``size_px``, from a file, or else from ``<id>.txt``.

    Exports are often made smaller, without the intrinsics being changed: 1296x968 to 640x480.
    """
    if not path.is_file():
        if stated is None:
            raise SceneError("no intrinsics", where=str(path), fix="export intrinsic/ too")
        return _fitted(stated.K_px, [stated.size_px], size_px, "intrinsics", path)
    K_px = read_intrinsics(path)
    if stated is not None and np.allclose(K_px, stated.K_px, rtol=1e-3, atol=0.1):
        return _fitted(K_px, [stated.size_px], size_px, "matrix", path)
    sizes = [size_px] if stated is None else [size_px, stated.size_px]
    return _fitted(K_px, sizes, size_px, "matrix", path)


def _fitted(
    K_px: Floats, sizes: Sequence[tuple[int, int]], size_px: tuple[int, int], field: str, path: Path
) -> Floats:
    return fitted(K_px, sizes, size_px, centre_px=CENTRE_PX, field=field, where=str(path))
