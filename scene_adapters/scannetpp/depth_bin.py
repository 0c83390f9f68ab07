"""``iphone/depth.bin``: depth maps of 256x192, in one of two codings that the file does not name.

- one deflate stream of all maps, float32 metres;
- maps one by one: u32 byte count (little-endian), then an LZ4 block of uint16 millimetres, or a deflate stream of
  float32 metres.

Source: scannetpp/scannetpp: iphone/prepare_iphone_data.py.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ouroboros_data.errors import SceneError
from ouroboros_data.media.images import depth_from_steps
from scene_adapters.raw_files import REPAIR

Depth = npt.NDArray[np.float32]

WIDTH, HEIGHT = 256, 192
FAR_M = 100.0
"""What is further off is no measurement; values in another unit give such depths throughout."""
_METRES_BYTES, _MM_BYTES = 4 * WIDTH * HEIGHT, 2 * WIDTH * HEIGHT
_LARGEST_BYTES = _METRES_BYTES + (_METRES_BYTES >> 8) + 64  # what cannot be made smaller grows a little
_MAX_MAPS = 1 << 20
_PIECE_BYTES = 1 << 16


class DepthBin:
    """Depth maps by number. One map at a time is in memory; a single stream is best read in rising order."""

    def __init__(self, path: Path) -> None:
        """Open the file and find out its coding.

        Raises:
            SceneError: It cannot be read, or is empty.
        """
        self._path = path
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._bytes_there = os.fstat(self._file).st_size
        except OSError as error:
            self.close()
            raise SceneError(f"cannot be read: {error.strerror}", where=str(path)) from None
        if not self._bytes_there:
            self.close()
            raise SceneError("empty", where=str(path), fix=REPAIR)
        self._index = self._walk()
        self._stream: _Stream | None = None

    @property
    def frame_count(self) -> int | None:
        """Maps in the file; None where it is one stream, which does not say."""
        return None if self._index is None else len(self._index)

    def depth_m(self, number: int) -> Depth | None:
        """Depth (192, 256) in metres along camera z, nan where there is none; None after the last map.

        Raises:
            SceneError: The map is damaged.
        """
        if self._index is None:
            if self._stream is None or self._stream.next > number:
                self._stream = _Stream(self)
            data = self._stream.map(number)
            return None if data is None else self._metres(data, number)
        if number >= len(self._index):
            return None
        at, size = self._index[number]
        data = self.read(at, size)
        try:
            unpacked = pa.Codec("lz4_raw").decompress(data, decompressed_size=_MM_BYTES, asbytes=True)
            if len(unpacked) == _MM_BYTES:
                return depth_from_steps(np.frombuffer(unpacked, "<u2").reshape(HEIGHT, WIDTH), 1000.0)
        except (pa.ArrowException, OSError):
            pass  # the other coding
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            # One byte more than expected shows that there is more, and bounds what is unpacked.
            whole = unpacker.decompress(data, _METRES_BYTES + 1)
        except zlib.error:
            raise self.error(number, "neither an LZ4 block nor a deflate stream") from None
        return self._metres(whole, number)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the file (raises SceneError)."""
        if self._file is None:
            raise SceneError("the reader is closed", where=str(self._path))
        try:
            return os.pread(self._file, size, at)
        except OSError as error:
            raise SceneError(f"cannot be read: {error.strerror}", where=str(self._path)) from None

    def error(self, number: int, what: str) -> SceneError:
        """What went wrong with a map."""
        return SceneError(f"depth map {number}: {what}", where=str(self._path), fix=REPAIR)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _walk(self) -> list[tuple[int, int]] | None:
        """Place and size of each map, if the byte counts lead exactly to the file's end; a stream's bytes do not."""
        found: list[tuple[int, int]] = []
        at = 0
        while at < self._bytes_there:
            size = int.from_bytes(self.read(at, 4), "little")
            at += 4
            if not 0 < size <= _LARGEST_BYTES or at + size > self._bytes_there or len(found) == _MAX_MAPS:
                return None
            found.append((at, size))
            at += size
        return found

    def _metres(self, data: bytes, number: int) -> Depth:
        if len(data) != _METRES_BYTES:
            raise self.error(number, f"{len(data)} bytes or more, {WIDTH}x{HEIGHT} take {_METRES_BYTES}")
        stored = np.frombuffer(data, "<f4").reshape(HEIGHT, WIDTH)
        with np.errstate(invalid="ignore"):
            good = (stored > 0) & (stored < FAR_M)
        if (stored != 0).any() and not good.any():
            raise self.error(number, "no value is a depth in metres")
        return np.where(good, stored, np.float32(np.nan))


class _Stream:
    """A single deflate stream, unpacked piece by piece."""

    def __init__(self, source: DepthBin) -> None:
        self.next = 0
        self._source, self._at = source, 0
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)

    def map(self, number: int) -> bytes | None:
        """Bytes of a map from ``next`` on; None after the last one (raises SceneError)."""
        data = None
        while self.next <= number:
            data = self._unpacked(_METRES_BYTES)
            if not data:
                return None
            if len(data) < _METRES_BYTES:
                raise self._source.error(self.next, "cut off")
            self.next += 1
        return data

    def _unpacked(self, size: int) -> bytes:
        out = bytearray()
        try:
            while len(out) < size and not self._unpacker.eof:
                packed = self._unpacker.unconsumed_tail
                if not packed:
                    packed = self._source.read(self._at, _PIECE_BYTES)
                    self._at += len(packed)
                more = self._unpacker.decompress(packed, size - len(out))
                out += more
                if not packed and not more:
                    raise self._source.error(self.next, "cut off")
        except zlib.error as error:
            raise self._source.error(self.next, f"cannot be unpacked: {error}") from None
        return bytes(out)
