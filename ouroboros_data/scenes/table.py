"""A scene's record as a Parquet file of one row: objects and frames are nested tables, views are nested in frames.

Any Parquet reader reads one scene, or a whole store at once (``pandas.read_parquet("STORE/scenes")``). Numbers are
stored as they are in the record, so that what comes back is equal to it, to the last bit.
"""

from __future__ import annotations

import functools
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import SceneError
from ouroboros_data.records import from_json, to_json
from ouroboros_data.types import Scene

_FOOTER = b"ouroboros-data"
_REDO = "delete the file and run `ouroboros-data scenes ingest` again"


@functools.cache
def _columns() -> Any:
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    numbers = pa.list_(number)
    matrix, size = pa.list_(numbers), pa.list_(whole)
    view = {"object_id": text, "pixel_share": number, "projected_share": number, "truncated_share": number}
    scene_object = {
        "id": text,
        "category": text,
        "center_m": numbers,
        "extent_m": numbers,
        "R_world_object": matrix,
        "box_kind": text,
        "raw_label": text,
        "nyu40": whole,
        "point_count": whole,
    }
    frame = {
        "id": text,
        "index": whole,
        "time_s": number,
        "size_px": size,
        "K_px": matrix,
        "T_world_camera": matrix,
        "turn_deg": whole,
        "views": pa.list_(_struct(view)),
    }
    room = {"area_m2": number, "floor_polygon_m": matrix, "height_m": number}
    video = {"path": text, "sha256": text, "fps": number, "frame_count": whole, "size_px": size}
    return pa.schema(
        {
            "id": text,
            "source": text,
            "space_id": text,
            "license": text,
            "frames_origin": text,
            "room": _struct(room),
            "objects": pa.list_(_struct(scene_object)),
            "frames": pa.list_(_struct(frame)),
            "video": _struct(video),
        }
    )


def _struct(fields: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    return pa.struct(list(fields.items()))


def normal(scene: Scene) -> Scene:
    """The record as every reader gets it: numbers of the stated types, no root.

    Raises:
        SceneError: A field has the wrong type or is not a finite number; the message names it.
    """
    data = to_json(replace(scene, root=""))
    for field in _not_finite(data, ""):
        raise SceneError(
            f"{field} is not a finite number", where=scene.id, fix="leave that frame or object out"
        )
    return from_json(Scene, data, where=scene.id, error=SceneError)


def _not_finite(value: Any, trail: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield trail
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _not_finite(inner, f"{trail}.{key}" if trail else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _not_finite(inner, f"{trail}[{number}]")


def encode(scene: Scene, footer: Mapping[str, Any]) -> bytes:
    """Bytes of the file: the record without its root, and ``footer`` (JSON-like) beside it.

    Raises:
        SceneError: A number is too large for 64 bits.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = to_json(scene)
    del row["root"]
    try:
        table = pa.Table.from_pylist([row], schema=_columns())
    except (pa.ArrowException, OverflowError, UnicodeError) as error:
        raise SceneError(f"cannot be stored: {error}", where=scene.id) from None
    table = table.replace_schema_metadata({_FOOTER: json.dumps(footer, sort_keys=True)})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def read_footer(path: Path) -> dict[str, Any]:
    """What stands beside the record; the record itself is not read (raises SceneError: damaged, or not ours)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
        footer = json.loads(metadata[_FOOTER])
    except OSError as error:
        raise SceneError(
            f"cannot be read: {error.strerror or 'cut off or damaged'}", where=str(path), fix=_REDO
        ) from None
    except (pa.ArrowException, KeyError, ValueError):
        raise SceneError("not a scene of a store, or damaged", where=str(path), fix=_REDO) from None
    if not isinstance(footer, dict):
        raise SceneError("not a scene of a store, or damaged", where=str(path), fix=_REDO)
    return footer


def read_scene(path: Path, digest: str) -> Scene:
    """The record, without a root.

    Args:
        path: The file.
        digest: What `scene_digest` gave when it was written.

    Raises:
        SceneError: The file is missing or damaged, or its record is another one than was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not read_table: it would look for partitions in the names of the directories above.
        rows = pq.ParquetFile(path).read().to_pylist()
    except FileNotFoundError:
        raise SceneError("no such file", where=str(path), fix=_REDO) from None
    except (pa.ArrowException, OSError, ValueError):
        raise SceneError("not a scene of a store, or damaged", where=str(path), fix=_REDO) from None
    if len(rows) != 1:
        raise SceneError(f"expected one row, found {len(rows)}", where=str(path), fix=_REDO)
    scene = from_json(Scene, rows[0], where=str(path), error=SceneError, fix=_REDO)
    if scene_digest(scene) != digest:
        raise SceneError("the record was changed after it was written", where=str(path), fix=_REDO)
    return scene
