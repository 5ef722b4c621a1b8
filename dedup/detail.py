"""Whether two drawn pictures say the same: tables, forms, charts, screens, pages of text.

Thumbnails of two tables of one layout are alike whatever their numbers, so of pictures that are
mostly of a few flat greys the index keeps 256 px, and a copy must agree there window by window: the
correlation of the pixels around each point, at the best of nine places a pixel apart. Of copies
compressed to JPEG 20, made a quarter in size or squeezed to 0.7 at most one point in ten thousand
does not agree, of those made brighter seven in a thousand; with other values in the same layout at
least 27 in a thousand (of tests/benchmarks/drawn.py). Who writes large words over a drawn picture
makes another of it.
"""

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import SEEN_SIDE, Grey

Floats = NDArray[np.floating]

MAX_DIFFERENT = 0.003
"""Share of the points with something about them that may differ in a copy."""

MAX_DIFFERENT_LIT = 0.008
"""And in one that was made brighter or darker: what was light is burnt out."""

_FLAT_GREYS, _FLAT_WIDTH = 3, 4  # greys that a drawn picture is made of, levels to either side
_LEAST_FLAT = 0.65  # of the pixels: of photos one in twenty has more
_TILE, _BUSY, _FEWEST_BUSY = 16, 50, 4  # px; levels between its dark and its light; tiles
_SPECKS = 6  # px of a tile: so many must be as dark, and as light
_LEAST_GROUND, _GROUND_WIDTH = 0.57, 8  # of such a tile; levels: photos .5, letters on white .7
_STROKE, _STROKES = 20, 6  # levels; such pixels in a tile
_LEAST_STROKES = 0.12  # of the tiles: letters and digits; large shapes have none
_LEVELS = 3  # bits that are left out of the pixels that are kept
_WINDOW = 7  # points: sides of the window about each
_LEAST_ALIKE = 0.7  # correlation of a window; other words reach it by chance in one of two
_LEAST_VARIANCE = 64.0  # grey levels squared: less is no content
_NOISE = 9.0  # grey levels squared
_GAINS, _SPARSE = (1.0, 1.15, 1.3, 1.5, 1.75, 2.0), 3  # of brightness; points between those asked
_FEWEST = 200  # points with content; fewer say nothing
_HOPELESS = 0.5  # of the content: no moving helps
_SLIDES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def is_drawn(seen: Grey) -> bool:
    """Whether a picture is mostly of three greys, also where something stands, and has letters.

    True of every table, form, chart, screen and page of tests/benchmarks/drawn.py, and of 4 of the
    780 photos of the shared inputs.
    """
    counts = np.bincount(seen.ravel(), minlength=256).astype(np.float64)
    flat = 0.0
    for _ in range(_FLAT_GREYS):
        sums = np.convolve(counts, np.ones(2 * _FLAT_WIDTH + 1), "same")
        level = int(sums.argmax())
        flat += sums[level]
        counts[max(0, level - _FLAT_WIDTH) : level + _FLAT_WIDTH + 1] = 0
    if flat < _LEAST_FLAT * seen.size or _ground_share(seen) < _LEAST_GROUND:
        return False
    return _stroke_share(seen) >= _LEAST_STROKES


def _stroke_share(seen: Grey) -> float:
    """The share of tiles with strokes: pixels darker, or lighter, than those two to each side."""
    rows, columns = seen.shape[0] // _TILE, (seen.shape[1] - 4) // _TILE
    if rows * columns < 1:
        return 0.0
    grey = seen.astype(np.int16)
    left, right = grey[:, 2:-2] - grey[:, :-4], grey[:, 2:-2] - grey[:, 4:]
    darkest, lightest = np.maximum(left, right) < -_STROKE, np.minimum(left, right) > _STROKE
    cut = (darkest | lightest)[: rows * _TILE, : columns * _TILE]
    counts = cut.reshape(rows, _TILE, columns, _TILE).sum(axis=(1, 3))
    return float(np.mean(counts >= _STROKES))


def _ground_share(seen: Grey) -> float:
    """How much of the tiles with something in them is of one grey, the mean of such tiles."""
    rows, columns = (side // _TILE for side in seen.shape)
    whole = seen[: rows * _TILE, : columns * _TILE].reshape(rows, _TILE, columns, _TILE)
    tiles = whole.swapaxes(1, 2).reshape(-1, _TILE * _TILE)
    ordered = np.sort(tiles, axis=1)
    busy = tiles[ordered[:, -_SPECKS].astype(np.int16) - ordered[:, _SPECKS - 1] > _BUSY]
    if len(busy) < _FEWEST_BUSY:
        return 0.0
    counts = np.zeros((len(busy), 256 + 2 * _GROUND_WIDTH))
    np.add.at(counts, (np.arange(len(busy))[:, None], busy.astype(np.int64) + _GROUND_WIDTH), 1)
    sums = np.cumsum(counts, axis=1)
    near = (
        sums[:, 2 * _GROUND_WIDTH :] - np.pad(sums, ((0, 0), (1, 0)))[:, : -2 * _GROUND_WIDTH - 1]
    )
    return float(np.mean(near.max(axis=1)) / (_TILE * _TILE))


def pack_detail(seen: Grey) -> bytes:
    """A picture's 32 levels of grey, compressed."""
    return zlib.compress((seen >> _LEVELS).tobytes(), 6)


@lru_cache(maxsize=64)
def unpack_detail(content: bytes, width: int, height: int) -> Grey:
    """What `pack_detail` kept, in the middle of each level."""
    values = np.frombuffer(zlib.decompress(content), np.uint8).reshape(height, width)
    middles: Grey = ((values << _LEVELS) + (1 << (_LEVELS - 1))).astype(np.uint8)
    return middles


def says_the_same(query: Grey, original: Grey, place: Floats) -> bool | None:
    """Whether a picture agrees with the drawn original under it, word by word.

    None where hardly anything lies over it that could agree.

    Args:
        query: the picture, its longer side at most 256 px.
        original: the drawn one, likewise.
        place: of the picture in the original, as in `dedup.second_look`, [2, 3].
    """
    seen, below, inside = _laid(query, original, place)
    lights = [_Windows.of(seen, below), *(_Windows.of(*lit) for lit in _lit_alike(seen, below))]
    content = inside & np.logical_and.reduce([windows.content for windows in lights])
    size = int(np.sum(content))
    if size < _FEWEST:
        return None
    most = size * (MAX_DIFFERENT if len(lights) == 1 else MAX_DIFFERENT_LIT)
    differs = content
    for slide in _SLIDES:
        for windows in lights:
            differs = differs & (windows.alike(*slide) < _LEAST_ALIKE)
        if np.sum(differs) <= most:
            return True
        if np.sum(differs) > _HOPELESS * size:
            return False
    return False


def _laid(query: Grey, original: Grey, place: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Both pictures at 256 points along the longer side, and where the original lies under it."""
    from scipy.ndimage import gaussian_filter

    scale = SEEN_SIDE / max(query.shape)
    height, width = (max(1, round(scale * side)) for side in query.shape)
    shown = abs(float(np.linalg.det(place[:, :2]))) * original.size
    coarser = (shown / query.size) ** 0.5  # pixels of the original to one of the picture
    sharp = original.astype(np.float32)
    if coarser > 1.2:
        sharp = gaussian_filter(sharp, 0.5 * (coarser**2 - 1) ** 0.5)
    seen = _sampled(query.astype(np.float32), np.eye(2, 3), (height, width))
    x, y = (
        row[0] * (np.arange(width) + 0.5) / width
        + (row[1] * (np.arange(height) + 0.5) / height)[:, None]
        + row[2]
        for row in place
    )
    inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    return seen, _sampled(sharp, place, (height, width)), inside


def _sampled(pixels: Floats, place: Floats, shape: tuple[int, int]) -> Floats:
    """What a picture shows at the points of another that lies at a place of it, [shape]."""
    from scipy.ndimage import affine_transform

    sides, points = np.array(pixels.shape, dtype=float), np.array(shape, dtype=float)
    turned = place[::-1, 1::-1] * sides[:, None] / points  # rows and columns, not x and y
    start = turned @ [0.5, 0.5] + place[::-1, 2] * sides - 0.5
    sampled: Floats = affine_transform(
        pixels, turned, start, output_shape=shape, order=1, mode="nearest"
    )
    return sampled


class _Windows(NamedTuple):
    """What stands around each point of two pictures, one laid over the other.

    Attributes:
        first: the picture.
        second: the original under it.
        mean: of the first's windows.
        variance: of the first's windows.
        content: which windows have something in them, of either.
    """

    first: Floats
    second: Floats
    mean: Floats
    variance: Floats
    content: NDArray[np.bool_]

    @classmethod
    def of(cls, seen: Floats, below: Floats) -> Self:
        """The windows of two pictures of one size."""
        from scipy.ndimage import gaussian_filter

        first, second = (gaussian_filter(pixels, 0.7, truncate=2.0) for pixels in (seen, below))
        mean, variance = _moments(first)
        content = np.maximum(variance, _moments(second)[1]) > _LEAST_VARIANCE
        return cls(first, second, mean, variance, content)

    def alike(self, down: int, across: int) -> Floats:
        """The correlation of each window with that of the original, moved by so many points."""
        moved = np.roll(self.second, (down, across), (0, 1))
        mean, variance = _moments(moved)
        common = _averaged(self.first * moved) - self.mean * mean
        alike: Floats = common / np.sqrt((self.variance + _NOISE) * (variance + _NOISE))
        return alike


def _lit_alike(seen: Floats, below: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Both pictures, the darker made as bright as the other, where one is brighter.

    Light greys burn out to white; thin letters on white, as they are averaged here, do not, and
    agree as they are.
    """
    few, few_below = seen[::_SPARSE, ::_SPARSE], below[::_SPARSE, ::_SPARSE]
    apart = [np.mean(np.abs(few - np.minimum(255, gain * few_below))) for gain in _GAINS]
    apart += [np.mean(np.abs(few_below - np.minimum(255, gain * few))) for gain in _GAINS]
    which, gain = divmod(int(np.argmin(apart)), len(_GAINS))
    if gain and which:
        yield np.minimum(255, _GAINS[gain] * seen), below
    elif gain:
        yield seen, np.minimum(255, _GAINS[gain] * below)


def _moments(pixels: Floats) -> tuple[Floats, Floats]:
    """The mean and the variance of the window about each point."""
    mean = _averaged(pixels)
    return mean, np.maximum(0.0, _averaged(pixels * pixels) - mean * mean)


def _averaged(pixels: Floats) -> Floats:
    from scipy.ndimage import uniform_filter

    averaged: Floats = uniform_filter(pixels, _WINDOW)
    return averaged
