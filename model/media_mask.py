"""phi: which image each token of a window looks at (the paper's 2.3, A.1.3, A.3.2)."""

import numpy as np
import numpy.typing as npt

NO_IMAGE = -1
"""The token looks at no image: cross-attention adds exactly nothing to it."""


def previous_images(is_image_L: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each token the last image at or before it, counted from 0; NO_IMAGE before the first."""
    return np.cumsum(is_image_L, dtype=np.int64) - 1


def next_images(is_image_L: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each token the next image at or after it, counted from 0; NO_IMAGE after the last."""
    before_L = np.cumsum(is_image_L, dtype=np.int64) - is_image_L
    return np.where(before_L < np.count_nonzero(is_image_L), before_L, NO_IMAGE)
