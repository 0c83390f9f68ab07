"""Text and JSON files of raw downloads, read so that damage gives one kind of error that names file and place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError

Floats = npt.NDArray[np.float64]
MAX_JSON_BYTES = 512 << 20
"""Above the largest file of the known datasets (poses of a long ScanNet++ video) several times over."""
MAX_TEXT_BYTES = 4 << 20
REPAIR = "download the file again"
_ORTHONORMAL = 2e-3
"""Poses are stored with six digits, or as 32-bit floats; a scale of 1.01 or a shear is ten times this."""


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """A UTF-8 text file (raises SceneError: missing, too large, not text)."""
    where = str(path)
    try:
        if path.stat().st_size > max_bytes:
            raise SceneError("too large for what it should be", where=where, fix=REPAIR)
        data = path.read_bytes()
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise SceneError(what, where=where) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SceneError(f"not UTF-8 text (byte {error.start})", where=where, fix=REPAIR) from None


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        SceneError: The file is missing or too large, is not JSON (names line and column), or holds no object.
    """
    where, text = str(path), read_text(path, MAX_JSON_BYTES)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise SceneError(f"not JSON: {error.msg}", where=place, fix=REPAIR) from None
    except RecursionError:
        raise SceneError("not JSON that can be read: nested too deeply", where=where, fix=REPAIR) from None
    except ValueError as error:  # an integer of thousands of digits
        raise SceneError(f"not JSON that can be read: {error}"[:160], where=where, fix=REPAIR) from None
    if not isinstance(data, dict):
        fail(f"expected a JSON object, got {shown(data)}", where)
    return data


def whole_numbers(values: Any, field: str, where: str) -> npt.NDArray[np.int64]:
    """A JSON list of integers from 0 on, (n,) (raises SceneError that names the field)."""
    if not isinstance(values, list):
        fail(f"{field} must be a list of integers, got {shown(values)}", where)
    for at, value in enumerate(values):
        if type(value) is not int or not 0 <= value < 1 << 62:
            fail(f"{field}[{at}] must be an integer from 0 on, got {shown(value)}", where)
    return np.array(values, np.int64)


def numbers(values: Any, count: int, field: str, where: str) -> Floats:
    """A JSON list of ``count`` numbers, which need not be finite (raises SceneError that names the field)."""
    if not isinstance(values, list) or len(values) != count:
        fail(f"{field} must be a list of {count} numbers, got {shown(values)}", where)
    for at, value in enumerate(values):
        if type(value) not in (int, float):
            fail(f"{field}[{at}] must be a number, got {shown(value)}", where)
    try:
        return np.array(values, np.float64)
    except OverflowError:
        fail(f"{field} holds a number that is too large", where)


def parse_numbers(text: str, count: int | tuple[int, ...], field: str, where: str) -> Floats:
    """Numbers separated by white space or commas, ``count`` of them (raises SceneError that names the field)."""
    counts = (count,) if isinstance(count, int) else count
    words = text.replace(",", " ").split()
    if len(words) not in counts:
        expected = " or ".join(map(str, counts))
        fail(f"{field}: {len(words)} numbers, expected {expected}", where)
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        fail(f"{field}: {str(error)[:80]}", where)


def check_rigid(T: Floats, field: str, where: str) -> None:
    """Refuse a finite matrix (4, 4) that does not turn and move only.

    A transposed one (its last row is not 0 0 0 1), a mirrored one and a scaled one are told apart in the message.

    Raises:
        SceneError: It is none.
    """
    R = T[:3, :3]
    if np.abs(T[3] - (0, 0, 0, 1)).max() > _ORTHONORMAL:
        fail(f"{field}: the last row is not 0 0 0 1: is it stored by columns?", where)
    if np.abs(R @ R.T - np.eye(3)).max() > _ORTHONORMAL:
        fail(f"{field}: scales or shears, a rotation and a shift are expected", where)
    if np.linalg.det(R) < 0:
        fail(f"{field}: mirrors, a rotation and a shift are expected", where)


def pose_or_none(T: Floats, field: str, where: str) -> Floats | None:
    """The pose (4, 4), or None where it is not finite: that is how lost tracking is stored (raises as `check_rigid`)."""
    if not np.isfinite(T).all():
        return None
    if np.abs(T).max() > 1e5:
        fail(f"{field}: a camera further away than 100 km", where)
    check_rigid(T, field, where)
    return T


def shown(value: Any) -> str:
    """What a message says instead of a value."""
    if value is None:
        return "nothing"
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'mapping'} of {len(value)}"
    try:
        return f"{value!r}"[:60]
    except ValueError:  # an integer of thousands of digits
        return "a huge number"


def fail(what: str, where: str, fix: str = REPAIR) -> NoReturn:
    """Raise a SceneError."""
    raise SceneError(what, where=where, fix=fix)
