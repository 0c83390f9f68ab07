"""H.264 files from rendered frames."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError

KEY_FRAME_EVERY = 32
_CRF = "16"


def write_video(path: Path, rgb: npt.NDArray[np.uint8], fps: float) -> None:
    """Write an H.264 mp4 (yuv420p). The file appears whole or not at all; same frames, same bytes.

    Args:
        path: Where to; the directory exists.
        rgb: Frames, (frames, height, width, 3) with even height and width.
        fps: Frames per second.

    Raises:
        SceneError: The frames do not fit H.264's 4:2:0 form, or the file cannot be written.
    """
    where = str(path)
    if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.dtype != np.uint8 or not len(rgb):
        raise SceneError(
            f"frames must be uint8 (n, height, width, 3), got {rgb.dtype} {rgb.shape}", where=where
        )
    height, width = rgb.shape[1:3]
    if height % 2 or width % 2:
        raise SceneError(
            f"H.264 in yuv420p needs an even frame size, got {width}x{height}",
            where=where,
            fix="use even sizes",
        )
    if not fps > 0:
        raise SceneError(f"fps must be positive, got {fps}", where=where)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _encode(partial, rgb, fps)
        partial.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise SceneError(f"cannot be written: {error}", where=where, fix="check space and rights") from None
    finally:
        partial.unlink(missing_ok=True)


def _encode(path: Path, rgb: npt.NDArray[np.uint8], fps: float) -> None:
    rate = Fraction(fps).limit_denominator(1001)
    options = {
        "preset": "superfast",
        "crf": _CRF,
        "g": str(KEY_FRAME_EVERY),
        # One thread: x264's rate control, and so the bytes, depend on how many there are.
        "threads": "1",
    }
    with av.open(str(path), "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = rgb.shape[2], rgb.shape[1]
        stream.pix_fmt = "yuv420p"
        for image in rgb:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"))
            )
        container.mux(stream.encode(None))
