"""The skeleton of a character: binarisation, Gaussian blur 3x3, parallel thinning (Roy et al., section 4.5.3)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from repose.apps.fonts.glyphs import LETTERS, Coverage, font_glyphs, plain_font
from repose.extras import how_to_install

_KERNEL: Final = (0.25, 0.5, 0.25)
"""The rows of the Gaussian kernel 3x3: their outer product."""


def skeleton(coverage: Coverage) -> npt.NDArray[np.uint8]:
    """The skeleton of one character, one pixel wide.

    The text blurs "the binarized image" before the thinning, which is of binary images: here the blurred picture is
    binarised again, so that the blur rounds corners and closes pinholes.

    Args:
        coverage: uint8 (H, W).

    Returns:
        uint8 (H, W), 1 on the skeleton and 0 beside it; by Zhang and Suen 1984, as scikit-image has it.

    Raises:
        ImportError: scikit-image is not installed.
    """
    try:
        from skimage import morphology
    except ImportError as error:
        raise ImportError(f"the skeletons of characters need scikit-image: {how_to_install('font')}") from error
    height, width = coverage.shape
    padded = np.pad((coverage > 127).astype(np.float32), 1)
    low, middle, high = _KERNEL
    rows = low * padded[:height] + middle * padded[1 : height + 1] + high * padded[2:]
    blurred = low * rows[:, :width] + middle * rows[:, 1 : width + 1] + high * rows[:, 2:]
    thin: npt.NDArray[np.bool_] = morphology.skeletonize(blurred > 0.5, method="zhang")  # type: ignore[no-untyped-call]
    return thin.astype(np.uint8)


def skeletons(glyphs: Coverage) -> npt.NDArray[np.uint8]:
    """Likewise of many: uint8 (..., H, W) -> the same shape."""
    flat = glyphs.reshape(-1, *glyphs.shape[-2:])
    return np.stack([skeleton(one) for one in flat]).reshape(glyphs.shape)


def pieces(coverage: Coverage) -> npt.NDArray[np.intp]:
    """How many pixels each connected piece of the ink of a picture (H, W) has.

    Raises:
        ImportError: scikit-image is not installed.
    """
    try:
        from skimage import measure
    except ImportError as error:
        raise ImportError(f"the skeletons of characters need scikit-image: {how_to_install('font')}") from error
    numbers: npt.NDArray[np.intp] = measure.label(coverage > 127)  # type: ignore[no-untyped-call]
    return np.bincount(numbers.ravel())[1:]


def plain_skeletons() -> npt.NDArray[np.uint8]:
    """The skeletons of the fixed font's 26 capitals: what stands for a target that nobody knows yet, (26, 64, 64)."""
    return skeletons(font_glyphs(plain_font(), LETTERS))
