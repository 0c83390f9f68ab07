"""Writes ``.sens`` streams as ScanNet's recorder does, in every coding but occi. Knows nothing of the reader."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Color = Literal["raw", "png", "jpeg"]
Depth = Literal["raw", "zlib", "occi"]
MAT_EYE = np.eye(4)


def write_sens(
    path: Path,
    rgb: Sequence[npt.NDArray[np.uint8]],
    depth_mm: Sequence[npt.NDArray[np.uint16] | None],
    T_world_camera: npt.ArrayLike,
    *,
    K_color_px: npt.ArrayLike,
    K_depth_px: npt.ArrayLike | None = None,
    color: Color = "jpeg",
    depth: Depth = "zlib",
    times_us: Sequence[int] | None = None,
    depth_shift: float = 1000.0,
    version: int = 4,
    name: bytes = b"StructureSensor",
    inertial: int = 3,
    quality: int = 95,
) -> Path:
    """Write frames of one size each for colour and depth; ``None`` is a frame without a depth map.

    Times are 30 per second where they are left out. ``occi`` payloads are nonsense: nothing here reads them.
    """
    height, width = rgb[0].shape[:2]
    depth_height, depth_width = next((d.shape for d in depth_mm if d is not None), (height, width))
    K_depth = K_color_px if K_depth_px is None else K_depth_px
    with path.open("wb") as out:
        out.write(struct.pack("<IQ", version, len(name)) + name)
        for matrix in (_mat4(K_color_px), MAT_EYE, _mat4(K_depth), MAT_EYE):
            out.write(np.asarray(matrix, "<f4").tobytes())
        codes = ("raw", "png", "jpeg").index(color), ("raw", "zlib", "occi").index(depth)
        out.write(struct.pack("<2i", *codes))
        out.write(struct.pack("<4I", width, height, depth_width, depth_height))
        out.write(struct.pack("<fQ", depth_shift, len(rgb)))
        for i, (image, steps, pose) in enumerate(zip(rgb, depth_mm, np.asarray(T_world_camera), strict=True)):
            time_us = times_us[i] if times_us is not None else 1_000_000 + i * 1_000_000 // 30
            payloads = _color(image, color, quality), b"" if steps is None else _depth(steps, depth)
            out.write(np.asarray(pose, "<f4").tobytes())
            out.write(struct.pack("<4Q", time_us, time_us, len(payloads[0]), len(payloads[1])))
            out.write(payloads[0] + payloads[1])
        out.write(struct.pack("<Q", inertial) + bytes(128 * inertial))
    return path


def _mat4(K_px: npt.ArrayLike) -> npt.NDArray[np.float64]:
    out = np.eye(4)
    out[:3, :3] = K_px
    return out


def _color(image: npt.NDArray[np.uint8], coding: Color, quality: int) -> bytes:
    if coding == "raw":
        return image.tobytes()
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, coding.upper(), **({"quality": quality} if coding == "jpeg" else {}))
    return buffer.getvalue()


def _depth(steps: npt.NDArray[np.uint16], coding: Depth) -> bytes:
    data = steps.astype("<u2").tobytes()
    return {"raw": data, "zlib": zlib.compress(data), "occi": b"\x07" * 40}[coding]
