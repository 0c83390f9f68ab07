"""What identifies a scene's pictures: a file's bytes, or the index of a stream or directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ouroboros_data.errors import SceneError
from ouroboros_data.ids import canonical_json, file_sha256
from ouroboros_data.media.images import list_images
from ouroboros_data.media.sens import SensReader


def media_sha256(path: Path) -> str:
    """Hex sha256 that changes when the pictures behind ``Video.path`` do.

    Of a video file: its bytes. Of a ``.sens`` stream, which may have gigabytes: its header and the headers of all
    frames, with poses, times and byte counts. Of a directory: names and byte counts of the pictures in it. A
    picture that is exchanged for another one of the same byte count is not noticed in the last two.

    Raises:
        SceneError: It cannot be read.
    """
    try:
        if path.is_dir():
            sizes = [[name, (path / name).stat().st_size] for name in list_images(path)]
            return hashlib.sha256(canonical_json(sizes).encode()).hexdigest()
        if path.suffix.lower() == ".sens":
            with SensReader(path) as reader:
                return hashlib.sha256(reader.index_bytes).hexdigest()
        return file_sha256(path)
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}", where=str(path)) from None
