"""What a picture looks like in 64 bits, near for copies of it.

They are the signs of the 64 lowest frequencies of a cosine transform of the picture in grey, the
mean left out. Signs, not comparisons with a median as in the common pHash, because a flip or a
quarter turn of the picture then only flips and moves bits (`turn_codes`), so that one hash of a
query stands for all eight. A crop's transform needs no resampling either: all views of an original
(`view_codes`) are one matrix product. The products are of whole numbers below 2^53, so the bits are
the same on every machine.

The hash is for search (`dedup.candidates`); whether what it finds is a copy, the pixels say
(`dedup.second_look`). What both find, and what they take for a copy wrongly, stands in
`dedup.index`.
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Codes = NDArray[np.uint64]
"""Perceptual hashes as 64-bit numbers."""

Grey = NDArray[np.uint8]
"""A thumbnail in grey, [height, width]."""

FINGERPRINT = "cosine64/1"
"""The name of this hash; those under another name are not comparable."""

TURNS = 8
"""Flips and quarter turns of a picture, itself among them."""

CROPS = ((1.0, 1), (0.8, 9), (0.9, 5), (0.5, 3))
"""Views of an original: share of each side that is kept, and number of places along each side.

The steps of 2.5 % of a side leave a copy cropped to 80 or 90 % anywhere at most 1.25 % beside a
view, and the scales between are near enough to one of the two.
"""

VIEWS = sum(places**2 for _, places in CROPS)

_SIDE = 64  # px of a thumbnail's longer side; half of it must hold the frequencies
_HASHED = 11  # frequencies along each side that the hash knows: 0 to 10
_SCALE = 1 << 13  # cosines as whole numbers; sums stay below 2^45


def phash(image: "Image.Image") -> str:
    """The picture's perceptual hash, 16 hex digits; transparency must be composited before."""
    return f"{int(whole_code(thumbnail(image))):016x}"


def phash_turns(image: "Image.Image") -> tuple[str, ...]:
    """The hashes of the picture's eight flips and turns, its own first."""
    turned = turn_codes(to_codes([phash(image)]))
    return tuple(f"{int(code):016x}" for code in turned[:, 0])


def hamming(first: str, second: str) -> int:
    """The number of bits in which two hashes differ, 0 to 64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def to_codes(hashes: "list[str] | tuple[str, ...]") -> Codes:
    """Hashes of 16 hex digits as numbers, [N]."""
    return np.array([int(value, 16) for value in hashes], dtype=np.uint64)


def thumbnail(image: "Image.Image") -> Grey:
    """The picture in grey, its longer side at most 64 px."""
    grey = image if image.mode == "L" else image.convert("L")
    if max(grey.size) > _SIDE:
        grey = grey.copy()
        grey.thumbnail((_SIDE, _SIDE), reducing_gap=3.0)
    return np.asarray(grey, dtype=np.uint8)


def whole_code(grey: Grey) -> np.uint64:
    """The code of a whole thumbnail."""
    code: np.uint64 = _view_codes(grey, 1.0, 1)[0]
    return code


def half_codes(grey: Grey) -> Codes:
    """The codes of the crops to half of each side, as the last views are, [9]."""
    return _view_codes(grey, *CROPS[-1])


def view_codes(grey: Grey) -> Codes:
    """The codes of a thumbnail's views, the whole first, [VIEWS]."""
    return np.concatenate([_view_codes(grey, *crop) for crop in CROPS])


def view_place(view: int) -> tuple[float, float, float]:
    """Scale of a view and where it begins, across and down, in shares of the picture's sides."""
    return _places()[view]


def is_flat(grey: Grey) -> bool:
    """Whether a picture is of one colour, or so near to it that its bits are noise."""
    return float(grey.std()) < 1.0


def turn_codes(codes: Codes) -> Codes:
    """The codes of all eight flips and quarter turns, [8, N], as if of the turned pictures.

    Distances are kept: the nearest turn of a query to a code is as near as the query to the
    nearest turn of the code's picture, so turning the query is enough.
    """
    masks = _packed(_odd(_hash_frequencies()))
    return np.concatenate([some ^ masks[:, None] for some in (codes, _transpose(codes))])


def _cosines(length: int, start: float, width: float) -> NDArray[np.float64]:
    """Cosine rows over `width` px from `start` of a side of `length` px, [11, length].

    A pixel that the edge cuts counts by the part inside, at that part's middle.
    """
    pixels = np.arange(length)
    left, right = np.maximum(pixels, start), np.minimum(pixels + 1, start + width)
    angles = np.outer(np.arange(_HASHED), (left + right) / 2 - start) * (np.pi / width)
    rows: NDArray[np.float64] = np.cos(angles) * np.clip(right - left, 0, 1)
    return rows


def _view_codes(grey: Grey, share: float, places: int) -> Codes:
    """The codes of the crops of one scale, row by row, [places x places]."""
    rows, columns = (_bases(side, share, places) for side in grey.shape)
    whole = rows @ grey.astype(np.float64) @ columns.T
    blocks = whole.reshape(places, _HASHED, places, _HASHED).swapaxes(1, 2)
    down, across = _hash_frequencies().T
    return _packed(blocks.reshape(-1, _HASHED, _HASHED)[:, down, across] > 0)


def _packed(bits: NDArray[np.bool_]) -> Codes:
    """Rows of 64 bits as numbers, the first the highest bit, [N]."""
    content = np.ascontiguousarray(np.packbits(bits, axis=1))
    return content.view(">u8")[:, 0].astype(np.uint64, copy=False)


@lru_cache(maxsize=1024)
def _bases(length: int, share: float, places: int) -> NDArray[np.float64]:
    """The hash's cosine rows of all crops along a side, whole numbers, [places x 11, length]."""
    width = share * length
    starts = [(length - width) * place / max(1, places - 1) for place in range(places)]
    crops = [_cosines(length, start, width) for start in starts]
    return np.rint(np.concatenate(crops) * _SCALE)


@cache
def _places() -> list[tuple[float, float, float]]:
    """Scale and start of each view, in order."""
    return [
        (share, (1 - share) * across / last, (1 - share) * down / last)
        for share, places, last in ((share, places, max(1, places - 1)) for share, places in CROPS)
        for down in range(places)
        for across in range(places)
    ]


@cache
def _hash_frequencies() -> NDArray[np.int64]:
    """The 64 lowest (down, across), the same set when transposed, [64, 2].

    Ordered by their sum; of the 65 whose sum is at most 10, (5, 5) is left out.
    """
    triangle = [(down, total - down) for total in range(1, _HASHED) for down in range(total + 1)]
    triangle.remove((5, 5))
    return np.array(triangle, dtype=np.int64)


def _odd(frequencies: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which change sign when the picture is flipped: not, across, down, and both, [4, N]."""
    down, across = (frequencies % 2 == 1).T
    return np.stack([np.zeros(len(frequencies), dtype=bool), across, down, across ^ down])


@cache
def _transposition() -> NDArray[np.int64]:
    """Where the transposed frequency of each of the 64 stands, [64]."""
    frequencies = _hash_frequencies()
    places = {tuple(pair): place for place, pair in enumerate(frequencies.tolist())}
    moved = [places[across, down] for down, across in frequencies.tolist()]
    return np.array(moved, dtype=np.int64)


def _transpose(codes: Codes) -> Codes:
    """The codes of the transposed pictures, [N]."""
    big_endian = np.ascontiguousarray(codes, dtype=">u8").view(np.uint8).reshape(-1, 8)
    return _packed(np.unpackbits(big_endian, axis=1)[:, _transposition()].astype(bool))
