"""ScanNet's ``.sens`` streams: colour, depth and poses of one scan, read in place.

Layout, little-endian (ScanNet/ScanNet: SensReader/c++/src/sensorData.h)::

    u32 version (4), u64 n, n bytes name
    4 x 16 f32  intrinsic_color, extrinsic_color, intrinsic_depth, extrinsic_depth, row-major
    i32 color coding (0 raw, 1 png, 2 jpeg), i32 depth coding (0 raw, 1 zlib, 2 occi)
    u32 color width, height, depth width, height, f32 depth_shift (steps per metre)
    u64 frames; each: 16 f32 camera_to_world, u64 time_color, time_depth, color_bytes, depth_bytes, both payloads
    u64 inertial readings, 128 bytes each

The inertial readings are not looked at.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.media.images import MAX_PIXELS, Depth, decode_rgb, depth_from_steps
from ouroboros_data.media.reader import REPAIR, Frames, check_indices, read_each

FPS = 30.0
"""Of the sensor; stands in where the stored times make no sense."""
MAX_FRAMES = 1 << 20
"""Ten hours; a count above it is damage."""
_VERSION = 4
_FIXED = struct.Struct("<64f2i4IfQ")
_FRAME = np.dtype(
    [
        ("T_world_camera", "<f4", (4, 4)),
        ("time_color", "<u8"),
        ("time_depth", "<u8"),
        ("color_bytes", "<u8"),
        ("depth_bytes", "<u8"),
    ]
)
_COUNTS = struct.Struct("<2Q")
_COUNTS_AT = _FRAME.itemsize - _COUNTS.size
_COLOR_CODINGS = ("raw", "png", "jpeg")
_DEPTH_CODINGS = ("raw", "zlib", "occi")
_PILLOW_NAMES = {"png": ("PNG",), "jpeg": ("JPEG",)}


class SensReader:
    """Colour frames of a stream as a `FrameReader`, with its depth maps, poses and intrinsics.

    Only the frames' headers are held; a picture is read where it is asked for. Safe to use from several threads.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and walk over all frames' headers.

        Raises:
            SceneError: Not such a stream, cut off, or a header is damaged.
        """
        self._path = path
        self._file: int | None = None
        if path.exists() and not path.is_file():  # opening a pipe would wait
            raise SceneError("not a file", where=str(path))
        try:
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._bytes_there = os.fstat(self._file).st_size
            self._read_header()
            self._read_index()
        except OSError as error:
            self.close()
            what = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise SceneError(f"cannot be read: {what}", where=str(path)) from None
        except SceneError:
            self.close()
            raise

    K_color_px: npt.NDArray[np.float64]
    """Intrinsics of the colour pictures, (3, 3)."""
    K_depth_px: npt.NDArray[np.float64]
    """Intrinsics of the depth maps, (3, 3)."""
    extrinsic_color: npt.NDArray[np.float64]
    """As stored, (4, 4); the identity in ScanNet's files."""
    extrinsic_depth: npt.NDArray[np.float64]
    """As stored, (4, 4); the identity in ScanNet's files."""
    color_coding: str
    depth_coding: str
    depth_size_px: tuple[int, int]
    """Width, height."""
    poses: npt.NDArray[np.float64]
    """``T_world_camera`` (n, 4, 4) as stored; not finite where tracking was lost."""
    times_s: npt.NDArray[np.float64]
    """Times (n,) from the first frame on, as stored where they increase at a sane rate, else ``index / FPS``."""
    index_bytes: bytes
    """The header and all frames' headers as they are in the file: what identifies the stream."""

    @property
    def frame_count(self) -> int:
        """See `FrameReader`."""
        return len(self.poses)

    @property
    def fps(self) -> float:
        """See `FrameReader`."""
        return (self.frame_count - 1) / float(self.times_s[-1]) if self.frame_count > 1 else FPS

    @property
    def size_px(self) -> tuple[int, int]:
        """See `FrameReader`. Of the colour pictures."""
        return self._size_px

    def read(self, indices: Sequence[int]) -> Frames:
        """See `FrameReader`."""
        self._open_file()
        return read_each(self, indices, self._color, self._path)

    def depth_m(self, index: int) -> Depth:
        """Depth (height, width) of one frame in metres along camera z, nan where there is none.

        Raises:
            SceneError: The index is out of range, or the frame's depth map is missing, damaged or in a coding
                that is not supported (occi).
        """
        (index,) = check_indices([index], self.frame_count, self._path)
        at, size = self._payload(index, depth=True)
        field = f"frame {index}, depth"
        width, height = self.depth_size_px
        expected = 2 * width * height
        if not size:
            self._fail(field, "there is none")
        if self.depth_coding == "occi":
            raise SceneError(
                f"{field}: coding occi is not supported", where=str(self._path), fix="export the depth maps"
            )
        data = self._bytes(at, size, field)
        if self.depth_coding == "zlib":
            unpacker = zlib.decompressobj()
            try:
                # One byte more than expected shows that there is more, and bounds what is unpacked.
                data = unpacker.decompress(data, expected + 1)
            except zlib.error as error:
                self._fail(field, f"cannot be decoded: {error}")
            if not unpacker.eof and len(data) == expected:  # then its checksum was not compared
                self._fail(field, "cut off")
        if len(data) > expected:
            self._fail(field, f"holds more than the {expected} bytes of {width}x{height}")
        if len(data) < expected:
            self._fail(field, f"holds {len(data)} bytes, {width}x{height} take {expected}")
        return depth_from_steps(np.frombuffer(data, "<u2").reshape(height, width), self._depth_shift)

    def close(self) -> None:
        """See `FrameReader`."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_header(self) -> None:
        (version,) = struct.unpack("<I", self._bytes(0, 4, "version"))
        if version != _VERSION:
            self._fail("version", f"{version}, expected {_VERSION}", "name a .sens stream of version 4")
        (name_bytes,) = struct.unpack("<Q", self._bytes(4, 8, "name"))
        at = 12 + name_bytes
        if at + _FIXED.size > self._bytes_there:
            self._fail("header", f"cut off, or damaged: a name of {name_bytes} bytes does not fit")
        header = self._bytes(at, _FIXED.size, "header")
        values = _FIXED.unpack(header)
        matrices = np.array(values[:64]).reshape(4, 4, 4)
        self.K_color_px = self._intrinsics(matrices[0], "intrinsic_color")
        self.extrinsic_color, self.extrinsic_depth = matrices[1], matrices[3]
        self.K_depth_px = self._intrinsics(matrices[2], "intrinsic_depth")
        color, depth, *sizes, shift, count = values[64:]
        self.color_coding = self._coding(color, _COLOR_CODINGS, "color coding")
        self.depth_coding = self._coding(depth, _DEPTH_CODINGS, "depth coding")
        self._size_px = self._size(sizes[0], sizes[1], "color size")
        self.depth_size_px = self._size(sizes[2], sizes[3], "depth size")
        if not 0 < shift < np.inf:
            self._fail("depth_shift", f"{shift:g}, expected steps per metre")
        self._depth_shift = float(shift)
        self._first_at = at + _FIXED.size
        room = (self._bytes_there - self._first_at) // _FRAME.itemsize
        if not 0 < count <= MAX_FRAMES:
            self._fail("frames", f"a count of {count}")
        if count > room:
            self._fail("frames", f"cut off: there is no room for {count} frames")
        self._count = int(count)
        self._header = header

    def _read_index(self) -> None:
        raw_color = 3 * self._size_px[0] * self._size_px[1]
        raw_depth = 2 * self.depth_size_px[0] * self.depth_size_px[1]
        heads, starts, at = bytearray(), [], self._first_at
        for index in range(self._count):
            if at + _FRAME.itemsize > self._bytes_there:
                self._fail("frames", f"cut off: {index} of {self._count} frames are there")
            head = self._bytes(at, _FRAME.itemsize, f"frame {index}")
            color, depth = _COUNTS.unpack_from(head, _COUNTS_AT)
            at += _FRAME.itemsize
            if color + depth > self._bytes_there - at:
                self._fail(
                    f"frame {index}", f"cut off, or damaged: {color} + {depth} bytes are more than there are"
                )
            self._check_bytes(f"frame {index}, color_bytes", self.color_coding, color, raw_color)
            if depth:  # without a depth map, a frame can still be shown
                self._check_bytes(f"frame {index}, depth_bytes", self.depth_coding, depth, raw_depth)
            starts.append(at)
            heads += head
            at += color + depth
        self._frames = np.frombuffer(bytes(heads), _FRAME)
        self._starts = starts
        self.index_bytes = self._header + bytes(heads)
        self.poses = self._frames["T_world_camera"].astype(np.float64)
        self.times_s = _times_s(self._frames["time_color"])

    def _check_bytes(self, field: str, coding: str, there: int, raw: int) -> None:
        # No coding makes noise much larger than it was; the bound keeps damage from being read into memory.
        if (coding == "raw" and there != raw) or not 0 < there <= 2 * raw + 65536:
            self._fail(field, f"{there} for a {coding} picture that takes {raw} unpacked")

    def _color(self, index: int) -> Frames:
        at, size = self._payload(index, depth=False)
        field = f"frame {index}, colour"
        data = self._bytes(at, size, field)
        width, height = self._size_px
        if self.color_coding == "raw":
            return np.frombuffer(data, np.uint8).reshape(height, width, 3)
        formats = _PILLOW_NAMES[self.color_coding]
        return decode_rgb(data, where=str(self._path), field=field, size_px=self._size_px, formats=formats)

    def _payload(self, index: int, *, depth: bool) -> tuple[int, int]:
        head = self._frames[index]
        color_bytes = int(head["color_bytes"])
        at = self._starts[index]
        return (at + color_bytes, int(head["depth_bytes"])) if depth else (at, color_bytes)

    def _intrinsics(self, stored: npt.NDArray[np.float64], field: str) -> npt.NDArray[np.float64]:
        K_px = stored[:3, :3]
        if not np.isfinite(K_px).all() or K_px[0, 0] <= 0 or K_px[1, 1] <= 0:
            self._fail(field, "not a camera matrix")
        if (K_px[2] != (0, 0, 1)).any() or K_px[1, 0] != 0:
            self._fail(field, "not a camera matrix")
        return K_px.copy()

    def _coding(self, value: int, names: tuple[str, ...], field: str) -> str:
        if not 0 <= value < len(names):
            known = ", ".join(f"{i} {name}" for i, name in enumerate(names))
            self._fail(field, f"{value} is unknown (known: {known})")
        return names[value]

    def _size(self, width: int, height: int, field: str) -> tuple[int, int]:
        if not 0 < width * height <= MAX_PIXELS:
            self._fail(field, f"{width}x{height}")
        return int(width), int(height)

    def _open_file(self) -> int:
        if self._file is None:
            raise SceneError("the reader is closed", where=str(self._path))
        return self._file

    def _bytes(self, at: int, size: int, field: str) -> bytes:
        if at + size > self._bytes_there:
            self._fail(field, "cut off" if self._bytes_there else "the file is empty")
        try:
            data = os.pread(self._open_file(), size, at)
        except OSError as error:
            self._fail(field, f"cannot be read: {error.strerror}")
        if len(data) != size:
            self._fail(field, "the file became shorter while it was read")
        return data

    def _fail(self, field: str, what: str, fix: str = REPAIR) -> NoReturn:
        raise SceneError(f"{field}: {what}", where=str(self._path), fix=fix)


def _times_s(stored_us: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Seconds from the first frame. Stored times are microseconds by convention, but many files hold zeros."""
    count = len(stored_us)
    nominal = np.arange(count) / FPS
    if count < 2 or (stored_us[1:] <= stored_us[:-1]).any():
        return nominal
    times = (stored_us - stored_us[0]) * 1e-6
    rate = (count - 1) / times[-1]
    return times if 1 <= rate <= 1000 else nominal
