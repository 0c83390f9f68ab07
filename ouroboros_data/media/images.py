"""Pictures: decoding that fails in one way only, directories of frames, and depth maps in PNG files."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from ouroboros_data.errors import SceneError
from ouroboros_data.media.reader import REPAIR, Frames, read_each

Depth = npt.NDArray[np.float32]

SUFFIXES = (".jpg", ".jpeg", ".png")
MAX_PIXELS = 1 << 26
"""Larger pictures are refused before they are decoded; phone cameras have a quarter of that."""
_MAX_BYTES = 4 * MAX_PIXELS
_COLOUR_MODES = ("RGB", "RGBA", "L", "P", "CMYK")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")


class ImagesReader:
    """Image files of one directory as a video: a `FrameReader`. Files are opened when they are read.

    Pixels are given as they are stored; an orientation tag is not applied, because intrinsics belong to the
    stored picture.
    """

    def __init__(self, directory: Path, names: Sequence[str] | None = None) -> None:
        """List the directory and look at the first picture's size.

        Args:
            directory: Where the pictures are.
            names: File names in the order of frames; all pictures by `list_images` where it is left out.

        Raises:
            SceneError: No directory, no pictures in it, or the first one cannot be read.
        """
        self._directory = directory
        self._closed = False
        self.names: tuple[str, ...] = tuple(list_images(directory) if names is None else names)
        """File names, in the order of frames."""
        if not self.names:
            raise SceneError("holds no pictures", where=str(directory), fix="expected .jpg or .png files")
        self._size_px = image_size_px(directory / self.names[0])

    @property
    def frame_count(self) -> int:
        """See `FrameReader`."""
        return len(self.names)

    @property
    def fps(self) -> float:
        """0: files in a directory do not say."""
        return 0.0

    @property
    def size_px(self) -> tuple[int, int]:
        """See `FrameReader`. Of the first picture; `read` refuses others."""
        return self._size_px

    def read(self, indices: Sequence[int]) -> Frames:
        """See `FrameReader`."""
        if self._closed:
            raise SceneError("the reader is closed", where=str(self._directory))
        return read_each(self, indices, self._read, self._directory)

    def close(self) -> None:
        """See `FrameReader`."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, index: int) -> Frames:
        path = self._directory / self.names[index]
        return decode_rgb(_bytes(path), where=str(path), size_px=self._size_px)


def list_images(directory: Path) -> list[str]:
    """Names of the pictures in a directory (not below it), in natural order; hidden files are left out.

    Raises:
        SceneError: No such directory, or it cannot be listed.
    """
    try:
        names = [
            entry.name
            for entry in directory.iterdir()
            if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")
        ]
    except OSError as error:
        raise SceneError(f"cannot be listed: {error.strerror}", where=str(directory)) from None
    return sorted(names, key=natural_key)


def natural_key(name: str) -> tuple[tuple[str | float, ...], str]:
    """Sort key by which ``9.jpg`` comes before ``10.jpg``, and ``a_1.95.png`` before ``a_2.5.png``.

    A dot between digits is a decimal point, as in file names with a time stamp.
    """
    parts = _NUMBER.split(name)
    # Odd parts are the numbers, so that equal places always compare equal kinds.
    return tuple(float(part) if i % 2 else part for i, part in enumerate(parts)), name


def image_size_px(path: Path) -> tuple[int, int]:
    """Width and height of a picture; only its header is decoded.

    Raises:
        SceneError: It cannot be read, or is no picture of a sane size.
    """
    picture = _open(_bytes(path), where=str(path), field="", formats=None)
    return picture.width, picture.height


def decode_rgb(
    data: bytes,
    *,
    where: str,
    field: str = "",
    size_px: tuple[int, int] | None = None,
    formats: tuple[str, ...] | None = None,
) -> Frames:
    """Pixels (height, width, 3) of an encoded colour picture.

    Args:
        data: The encoded picture.
        where: File that an error names.
        field: Part of the file that an error names.
        size_px: Width and height that it must have, checked before anything is allocated.
        formats: Pillow's names of the codings that are allowed; all where it is left out.

    Raises:
        SceneError: Damaged, of another size or coding, or not a colour picture.
    """
    picture = _open(data, where=where, field=field, formats=formats, size_px=size_px)
    if picture.mode not in _COLOUR_MODES:
        raise _error(f"holds {picture.mode} values, not colours", where, field, "name the colour pictures")
    try:
        return np.array(picture.convert("RGB"))
    except Exception as error:  # Pillow's decoders raise almost anything on damaged data
        raise _error(f"cannot be decoded: {_reason(error)}", where, field) from None


def read_depth_png(path: Path, scale_m: float = 0.001) -> Depth:
    """Depth (height, width) in metres along camera z, nan where there is none, from a 16-bit PNG.

    Args:
        path: The file.
        scale_m: Metres of one step.

    Raises:
        SceneError: It cannot be read, is damaged, or has not one 16-bit channel.
    """
    where = str(path)
    picture = _open(_bytes(path), where=where, field="", formats=("PNG",))
    if picture.mode not in ("I;16", "I;16B", "I"):
        raise SceneError(
            f"a depth map has one 16-bit channel, this has {picture.mode} values",
            where=where,
            fix="name the depth pictures",
        )
    try:
        steps = np.array(picture)
    except Exception as error:  # as above
        raise SceneError(f"cannot be decoded: {_reason(error)}", where=where, fix=REPAIR) from None
    return depth_from_steps(steps, 1.0 / scale_m)


def depth_from_steps(steps: npt.NDArray[np.integer], steps_per_m: float) -> Depth:
    """Metres, float32, nan where a step count is 0."""
    depth = (steps / np.float64(steps_per_m)).astype(np.float32)
    depth[steps == 0] = np.nan
    return depth


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait
            raise SceneError("not a file", where=str(path))
        if path.stat().st_size > _MAX_BYTES:
            raise SceneError("too large for a picture", where=str(path))
        return path.read_bytes()
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise SceneError(what, where=str(path)) from None
    except ValueError:  # a zero byte in the name
        raise SceneError("not a file name", where=repr(str(path))) from None


def _open(
    data: bytes,
    *,
    where: str,
    field: str,
    formats: tuple[str, ...] | None,
    size_px: tuple[int, int] | None = None,
) -> Pillow.Image:
    try:
        picture = Pillow.open(io.BytesIO(data), formats=formats)
    except Exception as error:  # as in `decode_rgb`
        expected = " or ".join(formats) if formats else "picture"
        what = "empty" if not data else f"not a {expected}, or damaged: {_reason(error)}"
        raise _error(what, where, field) from None
    got = (picture.width, picture.height)
    if size_px is not None and got != size_px:
        raise _error(f"is {got[0]}x{got[1]}, expected {size_px[0]}x{size_px[1]}", where, field)
    if got[0] * got[1] > MAX_PIXELS:
        raise _error(f"{got[0]}x{got[1]} is too large for a frame", where, field)
    return picture


def _error(what: str, where: str, field: str, fix: str = REPAIR) -> SceneError:
    return SceneError(f"{field}: {what}" if field else what, where=where, fix=fix)


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):  # its text names a buffer's address
        return "unknown coding"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
