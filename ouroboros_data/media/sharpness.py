"""How sharp a frame is, to choose among neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage

LONG_SIDE_PX = 640
# Variance of grey values that sensor noise reaches on a blank wall; below it, detail counts for little.
_NOISE_FLOOR = 25.0


def sharpness(image: npt.NDArray[np.uint8]) -> float:
    """Variance of the smoothed Laplacian over the variance of the picture itself: larger is sharper, about 0 for one flat tone.

    Pictures whose long side is above `LONG_SIDE_PX` are reduced to it first, so that the resolution does not
    count; the ratio keeps contrast and exposure from counting. Meant for neighbours that see the same things.

    Args:
        image: (height, width, 3) RGB.
    """
    grey = Pillow.fromarray(image).convert("L")
    scale = LONG_SIDE_PX / max(grey.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in grey.size)
        grey = grey.resize((width, height), Pillow.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    # Smoothed by a pixel: the plain Laplacian answers to noise twenty times as much as to a tone.
    return float(ndimage.gaussian_laplace(values, 1.0).var() / (values.var() + _NOISE_FLOOR))
