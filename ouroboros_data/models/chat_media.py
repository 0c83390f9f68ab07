"""Pictures and files in chat requests: encoded for sending, digested for the reply cache, read below allowed roots only."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as Pillow

from ouroboros_data.plugins import Image

MAX_FILE_BYTES = 256 << 20
_MAGIC = {
    "image/jpeg": (b"\xff\xd8\xff", 0),
    "image/png": (b"\x89PNG\r\n\x1a\n", 0),
    "video/mp4": (b"ftyp", 4),
}
_JPEG_QUALITY = 92


class MediaError(ValueError):
    """A picture or file that may not or cannot be sent; becomes a `ChatFailure` of the reason ``media``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A file's bytes and what they are."""

    mime: str
    data: bytes


def scaled(image: Image, max_pixels: int | None) -> Image:
    """The picture, (h, w, 3) uint8, or a smaller one of the same shape where it has more than ``max_pixels``.

    Raises:
        MediaError: It is no such array.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise MediaError(f"a picture must be uint8 (height, width, 3), got {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    if max_pixels is None or height * width <= max_pixels:
        return image
    factor = (max_pixels / (height * width)) ** 0.5
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    return np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.BICUBIC))


def encoded(image: Image, kind: Literal["jpeg", "png"], max_pixels: int | None = None) -> MediaFile:
    """A picture as a file's bytes (raises MediaError)."""
    out = io.BytesIO()
    picture = Pillow.fromarray(scaled(image, max_pixels))
    if kind == "jpeg":
        picture.save(out, "JPEG", quality=_JPEG_QUALITY)
    else:
        picture.save(out, "PNG")
    return MediaFile(mime=f"image/{kind}", data=out.getvalue())


def data_url(file: MediaFile) -> str:
    """``data:`` URL with the bytes in base64."""
    return f"data:{file.mime};base64,{base64.b64encode(file.data).decode('ascii')}"


def image_digest(image: Image) -> str:
    """Hex sha256 of a picture's shape and pixels."""
    head = f"{image.dtype}{image.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(image).tobytes()).hexdigest()


def read_file(path: Path, roots: Sequence[Path], *, max_bytes: int = MAX_FILE_BYTES) -> MediaFile:
    """Read a JPEG, PNG or MP4 file that lies, with all links followed, below one of the roots.

    A request may come from outside, so neither ``..`` nor a symbolic link leads anywhere else, and what is not a
    picture or video is not sent, whatever its name.

    Raises:
        MediaError: It lies elsewhere, is missing, no regular file, too large, or of another kind.
    """
    try:
        real = path.resolve(strict=True)
        # Links are resolved: a link put in its place since then is refused by O_NOFOLLOW, a pipe does not block.
        if not any(real.is_relative_to(root.resolve()) for root in roots):
            raise MediaError(f"{path.name} does not lie below an allowed root (media_roots)")
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise MediaError(f"{path.name} is not a regular file")
            if found.st_size > max_bytes:
                raise MediaError(f"{path.name} has {found.st_size} bytes, more than {max_bytes}")
            data = file.read(max_bytes + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, in older Pythons
        said = error.strerror if isinstance(error, OSError) else "a loop of links"
        raise MediaError(f"{path.name} cannot be read: {said}") from None
    for mime, (magic, at) in _MAGIC.items():
        if data[at : at + len(magic)] == magic:
            return MediaFile(mime=mime, data=data)
    raise MediaError(f"{path.name} is neither JPEG, PNG nor MP4")
