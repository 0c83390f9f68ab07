"""Exact frames: out of video files by PyAV or by decord, out of ``.sens`` streams and directories of pictures."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, get_args

import av
import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError

Backend = Literal["av", "decord"]
Frames = npt.NDArray[np.uint8]
REPAIR = "copy or download the file again"


class FrameReader(Protocol):
    """An open video, stream or directory. Frames are counted from 0 in the order of presentation."""

    @property
    def frame_count(self) -> int:
        """Frames that the file holds."""

    @property
    def fps(self) -> float:
        """Mean frame rate; 0 where nothing says."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width, height, as shown: a rotation that the file asks for is applied."""

    def read(self, indices: Sequence[int]) -> Frames:
        """Decode exactly these frames, (n, height, width, 3) RGB, in the order asked for; repeats are fine.

        Raises:
            SceneError: An index is out of range, or a frame cannot be decoded.
        """

    def close(self) -> None:
        """Release the file; closing twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None: ...


def open_reader(path: Path | str, backend: Backend = "av") -> FrameReader:
    """Open a video file, a ``.sens`` stream, or a directory of pictures.

    Args:
        path: The file or directory.
        backend: For video files: ``av``, or ``decord`` (needs the extra of that name; runs in a child process).

    Raises:
        SceneError: No such file, not a video, cut off, or the backend is not there.
    """
    file = Path(path)
    if backend not in get_args(Backend):
        raise SceneError(f"unknown video backend {backend!r}", where=str(file), fix="use av or decord")
    if not file.exists():
        raise SceneError("no such file", where=str(file))
    if file.is_dir():
        from ouroboros_data.media.images import ImagesReader

        return ImagesReader(file)
    if not file.is_file():
        raise SceneError("neither a file nor a directory", where=str(file))
    if file.suffix.lower() == ".sens":
        from ouroboros_data.media.sens import SensReader

        return SensReader(file)
    if backend == "decord":
        from ouroboros_data.media.decord_reader import DecordReader

        return DecordReader(file)
    return AvReader(file)


def check_indices(indices: Sequence[int], frame_count: int, path: Path) -> list[int]:
    """Plain ints of valid frame numbers (raises SceneError that names the first bad one)."""
    plain = [int(index) for index in indices]
    for index in plain:
        if not 0 <= index < frame_count:
            raise SceneError(
                f"frame {index} is out of range", where=str(path), fix=f"it has frames 0 to {frame_count - 1}"
            )
    return plain


def read_each(
    reader: FrameReader, indices: Sequence[int], read_one: Callable[[int], Frames], path: Path
) -> Frames:
    """What `FrameReader.read` gives, by a reader that fetches frames one by one (raises SceneError)."""
    wanted = check_indices(indices, reader.frame_count, path)
    rows: dict[int, list[int]] = {}
    for row, index in enumerate(wanted):
        rows.setdefault(index, []).append(row)
    width, height = reader.size_px
    out = np.empty((0, height, width, 3), np.uint8)
    for index in sorted(rows):
        image = read_one(index)
        if not len(out):  # only now is it known that the size is true
            out = np.empty((len(wanted), height, width, 3), np.uint8)
        out[rows[index]] = image
    return out


def holds_idr(packet: bytes) -> bool:
    """Whether an H.264 packet holds an IDR slice, the only key frame that cuts all ties to earlier frames.

    Units are read as length-prefixed by four bytes (ISO 14496-15), as mp4 and Matroska have them; in another
    form none is found.
    """
    at = 0
    while at + 4 < len(packet):
        if packet[at + 4] & 31 == 5:
            return True
        at += 4 + int.from_bytes(packet[at : at + 4], "big")
    return False


class AvReader:
    """Frames by PyAV; seeks only where a key frame lies between the decoder's position and the target.

    For H.264 there are two shortcuts. On the way to a target, pictures that no other picture refers to are not
    decoded. (HEVC's may still be referred to, by pictures of a higher temporal layer.) And where a seek will follow,
    the decoder is emptied once it has the target, and not fed until it gives it.
    """

    def __init__(self, path: Path) -> None:
        """Open and index the file; reads every packet's header, decodes one frame.

        Raises:
            SceneError: Not a video, or cut off.
        """
        self._path = path
        self.open_groups = False
        """Some frames depend on frames of another group of pictures; not every decoder seeks rightly then."""
        self._container: Any = None
        try:
            self._container = av.open(str(path))
            self._open()
        except (av.FFmpegError, OSError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise SceneError(f"not a video, or cut off: {reason}", where=str(path), fix=REPAIR) from None
        except SceneError:
            self.close()
            raise

    @property
    def frame_count(self) -> int:
        """See `FrameReader`."""
        return len(self._times)

    @property
    def fps(self) -> float:
        """See `FrameReader`."""
        return self._fps

    @property
    def size_px(self) -> tuple[int, int]:
        """See `FrameReader`."""
        return self._size_px

    def read(self, indices: Sequence[int]) -> Frames:
        """See `FrameReader`."""
        if self._container is None:
            raise SceneError("the reader is closed", where=str(self._path))
        wanted = check_indices(indices, self.frame_count, self._path)
        width, height = self._size_px
        out = np.empty((len(wanted), height, width, 3), np.uint8)
        images: dict[int, Frames] = {}
        try:
            order = sorted(set(wanted))
            for index, following in zip(order, [*order, None][1:], strict=True):
                images[index] = self._decode(index, following)
        except (av.FFmpegError, OSError) as error:
            raise SceneError(
                f"frame {index} cannot be decoded: {error}", where=str(self._path), fix=REPAIR
            ) from None
        for row, index in enumerate(wanted):
            out[row] = images[index]
        return out

    @property
    def format_name(self) -> str:
        """FFmpeg's name of the container format, e.g. ``mov,mp4,m4a,3gp,3g2,mj2``."""
        return str(self._format_name)

    def close(self) -> None:
        """See `FrameReader`."""
        if self._container is not None:
            self._container.close()
        self._container = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        where = str(self._path)
        if not self._container.streams.video:
            raise SceneError("holds no video stream", where=where, fix="name the video file of the scene")
        self._format_name = self._container.format.name
        stream = self._stream = self._container.streams.video[0]
        self._times, self._keys = self._scan(stream)
        self._index_of = {time: index for index, time in enumerate(self._times)}
        rate = stream.average_rate or stream.guessed_rate
        self._fps = float(rate) if rate else 0.0
        self._check_whole(stream)
        self._next = self.frame_count  # forces a seek
        self._last: tuple[int, Frames] = (-1, np.empty(0, np.uint8))
        self._target, self._ends_at_target = 0, False
        self._shortcuts = stream.codec_context.name == "h264"
        self._frames: Iterator[tuple[int, Any]] = iter(())
        first = self._decode(0)
        self._size_px = (first.shape[1], first.shape[0])

    def _scan(self, stream: Any) -> tuple[list[int], list[int]]:
        """Time stamps of all frames in order, and the indices of the key frames."""
        where = str(self._path)
        present, times, keys = 0, [], []
        for packet in self._container.demux(stream):
            if packet.size == 0:  # the flush packet at the end
                continue
            present += 1
            if packet.is_corrupt:
                raise SceneError(f"cut off within frame {present - 1}", where=where, fix=REPAIR)
            if packet.is_discard:  # outside the file's edit list: never shown
                continue
            if packet.pts is None:
                raise SceneError("frames carry no time stamps", where=where, fix="remux it to mp4")
            if packet.is_keyframe:
                keys.append(packet.pts)
                if stream.codec_context.name == "h264" and not holds_idr(bytes(packet)):
                    self.open_groups = True
            elif keys and packet.pts < keys[-1]:
                self.open_groups = True
            times.append(packet.pts)
        if present < stream.frames:
            raise SceneError(
                f"cut off: {present} of {stream.frames} frames are there", where=where, fix=REPAIR
            )
        if not times:
            raise SceneError("holds no frames", where=where, fix=REPAIR)
        times.sort()
        return times, [bisect.bisect_left(times, key) for key in sorted(keys)] or [0]

    def _check_whole(self, stream: Any) -> None:
        # Matroska announces no frame count, but a duration; with sound, that may be the sound's.
        duration = self._container.duration
        if duration is None or len(self._container.streams) > 1 or not self._fps:
            return
        end_s = float((self._times[-1] - (stream.start_time or 0)) * stream.time_base)
        missing_s = duration / av.time_base - end_s
        if missing_s * self._fps > 3 and missing_s > 0.01 * end_s:
            raise SceneError(
                f"cut off: ends at {end_s:.2f} s of {duration / av.time_base:.2f} s",
                where=str(self._path),
                fix=REPAIR,
            )

    def _decode(self, target: int, following: int | None = None) -> Frames:
        if target == self._last[0]:
            return self._last[1]
        key = self._key_before(target)
        if target < self._next or (key >= 0 and self._keys[key] > self._next):
            self._seek(key)
        self._target = target
        after = -1 if following is None else self._key_before(following)
        self._ends_at_target = after >= 0 and self._keys[after] > target + 1
        while True:
            for index, frame in self._frames:
                self._next = index + 1
                if index == target:
                    if self._ends_at_target:
                        self._next = self.frame_count  # as above
                    self._last = target, _image(frame)
                    return self._last[1]
                if index > target:
                    break
            # Either a shortcut was none (a decoder may guess the order of presentation from what it gets) ...
            if self._shortcuts:
                self._shortcuts = False
            # ... or the container put us behind the target: one key frame earlier, at last from the beginning.
            elif key < 0:
                raise SceneError(f"frame {target} cannot be decoded", where=str(self._path), fix=REPAIR)
            else:
                key -= 1
            self._seek(key)

    def _seek(self, key: int) -> None:
        if key < 0:  # some containers (MPEG-TS) cannot seek to their start
            self._container.close()
            self._container = av.open(str(self._path))
            self._stream = self._container.streams.video[0]
        else:
            self._container.seek(self._times[self._keys[key]], stream=self._stream, backward=True)
        self._next = self._keys[key] if key >= 0 else 0
        self._frames = self._decoded()

    def _decoded(self) -> Iterator[tuple[int, Any]]:
        context = self._stream.codec_context
        for packet in self._container.demux(self._stream):
            index = self._index_of.get(packet.pts)
            passed = self._shortcuts and index is not None and index < self._target
            context.skip_frame = "NONREF" if passed else "DEFAULT"
            for frame in packet.decode():
                yield from self._known(frame)
            if self._shortcuts and self._ends_at_target and index == self._target:
                for frame in context.decode(None):
                    yield from self._known(frame)
                return

    def _known(self, frame: Any) -> Iterator[tuple[int, Any]]:
        if frame.interlaced_frame:  # a packet may then hold half a picture
            self._shortcuts = False
        index = self._index_of.get(frame.pts)
        if index is not None:
            yield index, frame

    def _key_before(self, index: int) -> int:
        return bisect.bisect_right(self._keys, index) - 1


def _image(frame: Any) -> Frames:
    image: Frames = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
