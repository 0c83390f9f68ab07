"""Frames that questions name, and which frames to name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.media.reader import Backend, FrameReader, open_reader
from ouroboros_data.plugins import Image
from ouroboros_data.types import Question, Scene


def sample_frame_ids(scene: Scene, count: int) -> tuple[str, ...]:
    """Ids of ``count`` frames spread evenly over the video, the first and the last among them.

    All frames where there are no more than ``count``; the middle one for a count of 1.

    Raises:
        ValueError: ``count`` is not positive.
        SceneError: The scene has no frames.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    total = len(scene.frames)
    if not total:
        raise SceneError("has no frames", where=scene.id)
    if total <= count:
        return tuple(frame.id for frame in scene.frames)
    if count == 1:
        return (scene.frames[total // 2].id,)
    gaps = count - 1
    # Rounded in integers: the same frames on every machine.
    return tuple(scene.frames[(2 * i * (total - 1) + gaps) // (2 * gaps)].id for i in range(count))


def sampled_times(scene: Scene, frame_ids: Sequence[str]) -> tuple[tuple[float, ...], float]:
    """Times of the named frames in seconds, and their mean rate in frames per second (0 for frames at one time).

    Raises:
        SceneError: A frame is not in the scene.
    """
    times = {frame.id: frame.time_s for frame in scene.frames}
    for frame_id in frame_ids:
        if frame_id not in times:
            raise SceneError(f"no frame {frame_id!r}", where=scene.id, fix="use ids of scene.frames")
    asked = [times[i] for i in frame_ids]
    span = asked[-1] - asked[0] if asked else 0.0
    rate = round((len(asked) - 1) / span, 6) if span > 0 else 0.0
    return tuple(round(t, 6) for t in asked), rate


class FrameBank:
    """Gives the frames of questions; decoded frames and a few open videos are kept."""

    def __init__(
        self,
        scenes: Mapping[str, Scene],
        backend: Backend = "av",
        *,
        cache_bytes: int = 256 << 20,
        open_videos: int = 4,
    ) -> None:
        """Remember the scenes by id; no file is touched.

        Args:
            scenes: By scene id; each needs a video and its root.
            backend: See `open_reader`.
            cache_bytes: Least recently used frames are dropped above this.
            open_videos: Readers kept open.
        """
        self._scenes = scenes
        self._backend: Backend = backend
        self._cache_bytes, self._open_videos = cache_bytes, open_videos
        self._frames: OrderedDict[tuple[str, str], Image] = OrderedDict()
        self._used_bytes = 0
        self._readers: OrderedDict[str, FrameReader] = OrderedDict()
        self._index: dict[str, dict[str, tuple[int, int]]] = {}

    def __call__(self, question: Question) -> list[Image]:
        """Frames that the question names, in its order, upright, each (height, width, 3) RGB; not to be written to.

        Raises:
            SceneError: The scene or a frame is unknown, or its video cannot be read or is another one.
        """
        scene_id = question.scene_id
        found = {
            frame_id: self._frames[scene_id, frame_id]
            for frame_id in question.frame_ids
            if (scene_id, frame_id) in self._frames
        }
        for frame_id in found:
            self._frames.move_to_end((scene_id, frame_id))
        missing = [frame_id for frame_id in dict.fromkeys(question.frame_ids) if frame_id not in found]
        if missing:
            for frame_id, image in zip(missing, self._decode(scene_id, missing), strict=True):
                found[frame_id] = image
                self._keep((scene_id, frame_id), image)
        return [found[frame_id] for frame_id in question.frame_ids]

    def close(self) -> None:
        """Close the videos and forget the frames; the bank can be used again."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._frames.clear()
        self._used_bytes = 0

    def _decode(self, scene_id: str, frame_ids: list[str]) -> list[Image]:
        if scene_id not in self._scenes:
            raise SceneError(f"no scene {scene_id!r} to take frames from")
        if scene_id not in self._index:
            self._index[scene_id] = {
                frame.id: (frame.index, frame.turn_deg) for frame in self._scenes[scene_id].frames
            }
        index = self._index[scene_id]
        for frame_id in frame_ids:
            if frame_id not in index:
                raise SceneError(f"has no frame {frame_id!r}", where=scene_id)
        indices, turns = zip(*(index[name] for name in frame_ids), strict=True)
        images = self._reader(scene_id).read(indices)
        # Copies: a view would keep the whole batch alive after its neighbours were dropped. rot90 is anticlockwise.
        return [np.rot90(image, -(turn // 90)).copy() for image, turn in zip(images, turns, strict=True)]

    def _reader(self, scene_id: str) -> FrameReader:
        if scene_id in self._readers:
            self._readers.move_to_end(scene_id)
            return self._readers[scene_id]
        scene = self._scenes[scene_id]
        if scene.video is None:
            raise SceneError("has no video to take frames from", where=scene_id)
        path = Path(scene.root) / scene.video.path
        reader = open_reader(path, self._backend)
        there, expected = (reader.frame_count, reader.size_px), (scene.video.frame_count, scene.video.size_px)
        if there != expected:
            reader.close()
            raise SceneError(
                "not the video that the scene was made from: "
                f"{there[0]} frames of {there[1][0]}x{there[1][1]}, "
                f"expected {expected[0]} of {expected[1][0]}x{expected[1][1]}",
                where=str(path),
                fix="load the scene again",
            )
        self._readers[scene_id] = reader
        while len(self._readers) > self._open_videos:
            self._readers.popitem(last=False)[1].close()
        return reader

    def _keep(self, key: tuple[str, str], image: Image) -> None:
        self._frames[key] = image
        self._used_bytes += image.nbytes
        while self._used_bytes > self._cache_bytes and len(self._frames) > 1:
            self._used_bytes -= self._frames.popitem(last=False)[1].nbytes
