"""Whether two drawn pictures say the same: tables, forms, charts, screens, pages of text.

Thumbnails of two tables of one layout are alike whatever their numbers, so of pictures that are
mostly of a few flat greys the index keeps 256 px, and a copy must agree there window by window: the
correlation of the pixels around each point, at the best of nine places a pixel apart. Copies
compressed to JPEG 20, halved in size or squeezed to 0.7 leave at most ten points that do not agree,
other values in the same layout at least 110 (tests/benchmarks/drawn_found.py). Who writes large
words over a drawn picture makes another of it.
"""

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import SEEN_SIDE, Grey

Floats = NDArray[np.float64]

MAX_DIFFERENT = 60
"""Points, of a picture of 256 px, that may differ in a copy: a word's are some hundred."""

_FLAT_GREYS, _FLAT_WIDTH = 3, 4  # greys that a drawn picture is made of, levels to either side
_LEAST_FLAT = 0.65  # of the pixels: of photos one in twenty has more
_LEAST_JUMPS, _JUMP = 0.01, 40  # of the neighbours; levels: a photo's sky has none
_LEVELS = 3  # bits that are left out of the pixels that are kept
_WINDOW = 2.5  # points: spread of the window about each
_LEAST_ALIKE = 0.6  # correlation of a window: other words reach it by chance in one of two
_LEAST_VARIANCE = 64.0  # grey levels squared: less is no content
_NOISE = 9.0  # grey levels squared
_BURNT, _LIGHT = 250, 140  # levels: what is brighter than this may have become burnt out
_FEWEST = 200  # points with content; fewer say nothing
_SLIDES = (-1, 0, 1)


def is_drawn(seen: Grey) -> bool:
    """Whether a picture is mostly of three greys, with sharp edges between them."""
    counts = np.bincount(seen.ravel(), minlength=256).astype(np.float64)
    flat = 0.0
    for _ in range(_FLAT_GREYS):
        sums = np.convolve(counts, np.ones(2 * _FLAT_WIDTH + 1), "same")
        level = int(sums.argmax())
        flat += sums[level]
        counts[max(0, level - _FLAT_WIDTH) : level + _FLAT_WIDTH + 1] = 0
    jumps = np.abs(np.diff(seen.astype(np.int16), axis=1)) > _JUMP
    return bool(flat >= _LEAST_FLAT * seen.size and np.sum(jumps) >= _LEAST_JUMPS * seen.size)


def pack_detail(seen: Grey) -> bytes:
    """A picture's 32 levels of grey, compressed."""
    return zlib.compress((seen >> _LEVELS).tobytes(), 6)


@lru_cache(maxsize=64)
def unpack_detail(content: bytes, width: int, height: int) -> Grey:
    """What `pack_detail` kept, in the middle of each level."""
    values = np.frombuffer(zlib.decompress(content), np.uint8).reshape(height, width)
    return (values << _LEVELS) + np.uint8(1 << (_LEVELS - 1))


def says_the_same(query: Grey, original: Grey, place: Floats) -> bool | None:
    """Whether a picture agrees with the drawn original under it, word by word.

    None where hardly anything lies over it that could agree.

    Args:
        query: the picture, its longer side at most 256 px.
        original: the drawn one, likewise.
        place: of the picture in the original, as in `dedup.second_look`, [2, 3].
    """
    seen, below, inside = _laid(query, original, place)
    alike, content = _alike(seen, below, inside)
    if np.sum(content) < _FEWEST:
        return None
    return int(np.sum(content & (alike < _LEAST_ALIKE))) <= MAX_DIFFERENT


def _laid(query: Grey, original: Grey, place: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Both pictures at 256 points along the longer side, and where the original lies under it."""
    from scipy.ndimage import gaussian_filter

    scale = SEEN_SIDE / max(query.shape)
    height, width = (max(1, round(scale * side)) for side in query.shape)
    down, across = np.mgrid[:height, :width]
    points = np.stack([(across.ravel() + 0.5) / width, (down.ravel() + 0.5) / height])
    x, y = place[:, :2] @ points + place[:, 2:]
    inside = ((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)).reshape(height, width)
    shown = abs(float(np.linalg.det(place[:, :2]))) * original.size
    coarser = (shown / query.size) ** 0.5  # pixels of the original to one of the picture
    sharp = original.astype(np.float64)
    if coarser > 1.2:
        sharp = gaussian_filter(sharp, 0.5 * (coarser**2 - 1) ** 0.5)
    seen = _sampled(query.astype(np.float64), *points).reshape(height, width)
    return seen, _sampled(sharp, x, y).reshape(height, width), inside


def _sampled(pixels: Floats, across: Floats, down: Floats) -> Floats:
    from scipy.ndimage import map_coordinates

    height, width = pixels.shape
    where = (down * height - 0.5, across * width - 0.5)
    values: Floats = map_coordinates(pixels, where, order=1, mode="nearest")
    return values


def _alike(
    seen: Floats, below: Floats, inside: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """The best correlation of the window about each point, and which windows have content.

    What is burnt out in one and light in the other is none: it was made brighter.
    """
    from scipy.ndimage import gaussian_filter, minimum_filter

    first, second = (gaussian_filter(pixels, 0.7) for pixels in (seen, below))
    mean, variance = _moments(first)
    best = np.full(first.shape, -1.0)
    variance_below = variance
    for slide in ((down, across) for down in _SLIDES for across in _SLIDES):
        moved = np.roll(second, slide, (0, 1))
        mean_moved, variance_moved = _moments(moved)
        common = _averaged(first * moved) - mean * mean_moved
        lengths = np.sqrt((variance + _NOISE) * (variance_moved + _NOISE))
        best = np.maximum(best, common / lengths)
        if slide == (0, 0):
            variance_below = variance_moved
    least = [minimum_filter(pixels, 7) for pixels in (seen, below)]
    burnt = [darkest >= _BURNT for darkest in least]
    light = [darkest >= _LIGHT for darkest in least]
    lost = (burnt[0] & light[1]) | (burnt[1] & light[0])
    content = np.maximum(variance, variance_below) > _LEAST_VARIANCE
    return best, content & inside & ~lost


def _moments(pixels: Floats) -> tuple[Floats, Floats]:
    """The mean and the variance of the window about each point."""
    mean = _averaged(pixels)
    return mean, _averaged(pixels * pixels) - mean * mean


def _averaged(pixels: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    averaged: Floats = gaussian_filter(pixels, _WINDOW, truncate=2.0)
    return averaged
