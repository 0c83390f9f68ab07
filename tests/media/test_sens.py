from pathlib import Path

import numpy as np
import pytest
from raw.sens import write_sens

from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.sens import SensReader

SIZE, DEPTH_SIZE = (64, 48), (32, 24)
K_COLOR = np.array([[70.0, 0, 33], [0, 72, 22], [0, 0, 1]])
K_DEPTH = np.array([[35.0, 0, 16.5], [0, 36, 11], [0, 0, 1]])


def frames(count: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour, depth in millimetres, and poses, all different from frame to frame."""
    random = np.random.default_rng(7)
    rgb = random.integers(0, 255, (count, 6, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    depth = random.integers(0, 9, (count, 24, 32), dtype=np.uint16) * 1234
    poses = random.normal(size=(count, 4, 4)).astype(np.float32)
    return rgb, depth, poses


def written(path: Path, count: int = 5, **options) -> Path:
    rgb, depth, poses = frames(count)
    return write_sens(path, rgb, depth, poses, K_color_px=K_COLOR, K_depth_px=K_DEPTH, **options)


@pytest.mark.parametrize("color", ["raw", "png", "jpeg"])
@pytest.mark.parametrize("depth", ["raw", "zlib"])
def test_every_coding_is_read_in_any_order(tmp_path: Path, color: str, depth: str) -> None:
    rgb, steps, poses = frames()
    with open_reader(written(tmp_path / "a.sens", color=color, depth=depth)) as reader:
        assert isinstance(reader, SensReader)
        assert (reader.frame_count, reader.size_px, reader.depth_size_px) == (5, SIZE, DEPTH_SIZE)
        asked = [4, 0, 3, 3, 1]
        got = reader.read(asked)
        assert got.shape == (5, 48, 64, 3) and got.dtype == np.uint8
        # Chroma is stored at half the resolution in JPEG, so edges bleed.
        off = np.abs(got.astype(int) - rgb[asked])
        assert off.mean() < 8 if color == "jpeg" else not off.any()
        for index in (3, 0, 4):
            meters = reader.depth_m(index)
            assert meters.shape == (24, 32) and meters.dtype == np.float32
            assert (np.isnan(meters) == (steps[index] == 0)).all() and np.isnan(meters).any()
            np.testing.assert_allclose(np.nan_to_num(meters), steps[index] / 1000, rtol=1e-6)
        np.testing.assert_array_equal(reader.poses, poses)
        np.testing.assert_allclose(reader.K_color_px, K_COLOR)
        np.testing.assert_allclose(reader.K_depth_px, K_DEPTH)
        assert reader.read([]).shape == (0, 48, 64, 3)
