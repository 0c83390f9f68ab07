from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from raw.world import make_world
from scipy import ndimage

from ouroboros_data.media.sharpness import sharpness


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return make_world(size_px=(1280, 960), frame_count=2).rgb[0]


def blurred(image: np.ndarray, sigma_px: float) -> np.ndarray:
    return ndimage.gaussian_filter(image.astype(float), (sigma_px, sigma_px, 0)).round().astype(np.uint8)


def moved(image: np.ndarray, pixels: int) -> np.ndarray:
    """As by a camera that pans during the exposure."""
    return ndimage.uniform_filter1d(image.astype(float), pixels, axis=1).round().astype(np.uint8)


def test_the_more_blur_the_less_sharp(frame: np.ndarray) -> None:
    for blur, amounts in ((blurred, (1, 2, 4, 8)), (moved, (3, 7, 15, 31))):
        values = [sharpness(frame), *(sharpness(blur(frame, amount)) for amount in amounts)]
        assert all(a > 1.1 * b > 0 for a, b in pairwise(values)), values


def test_exposure_and_contrast_do_not_outweigh_blur(frame: np.ndarray) -> None:
    darker = (frame * 0.6).astype(np.uint8)
    paler = (frame * 0.5 + 100).astype(np.uint8)
    for other in (darker, paler):
        assert sharpness(other) == pytest.approx(sharpness(frame), rel=0.15)
        assert sharpness(other) > 1.2 * sharpness(blurred(frame, 2))


@pytest.mark.parametrize("size", [(1280, 960), (960, 720), (640, 480)])
def test_resolution_does_not_count(frame: np.ndarray, size: tuple[int, int]) -> None:
    reference = sharpness(frame)
    smaller = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))
    assert sharpness(smaller) == pytest.approx(reference, rel=0.25)
    upright = np.ascontiguousarray(np.rot90(smaller))
    assert sharpness(upright) == pytest.approx(sharpness(smaller), rel=0.03)


def test_noise_on_a_blank_wall_is_not_detail(frame: np.ndarray) -> None:
    wall = np.random.default_rng(0).normal(128, 2, (480, 640, 1)).round().astype(np.uint8).repeat(3, 2)
    sharp = np.random.default_rng(0).integers(0, 2, (120, 160, 1), np.uint8).repeat(4, 0).repeat(4, 1) * 200
    assert sharpness(np.full((480, 640, 3), 77, np.uint8)) < 1e-9
    assert sharpness(np.full((1, 1, 3), 77, np.uint8)) < 1e-9
    assert sharpness(sharp.repeat(3, 2)) > sharpness(wall)


def test_real_pictures(shared_data) -> None:
    image = np.asarray(Image.open(shared_data / "posed_frame/color/000000.jpg").convert("RGB"))
    values = [sharpness(image), *(sharpness(moved(image, n)) for n in (3, 5, 9, 15))]
    assert all(a > 1.1 * b for a, b in pairwise(values)), values
