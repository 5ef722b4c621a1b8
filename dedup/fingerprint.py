"""What a picture looks like in 64 bits and in 119 numbers, near for copies of it.

Both come from the lowest frequencies of a cosine transform of the picture in grey, the mean left
out: the perceptual hash is the signs of 64, the spectrum the sizes of 119. Signs, not comparisons
with a median as in the common pHash, because a flip or a quarter turn of the picture then only
flips and moves bits (`turn_codes`), so that one hash of a query stands for all eight. A crop's
transform needs no resampling either: all views of an original (`view_codes`) are one matrix
product. The products are of whole numbers below 2^53, so the bits are the same on every machine.

The hash is for search, the spectrum for a second look (`dedup.second_look`): two lone blobs on
plain ground may have the same signs, but hardly the same sizes. What both find, and what they
take for a copy wrongly, stands in `dedup.index`.
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Codes = NDArray[np.uint64]
"""Perceptual hashes as 64-bit numbers."""

Spectra = NDArray[np.float32]
"""Rows of 119 numbers of unit length: frequencies weighted up as they fall off in pictures."""

Grey = NDArray[np.uint8]
"""A thumbnail in grey, [height, width]."""

DESCRIPTOR = "cosine64/1"
"""The name of this fingerprint; those under another name are not comparable."""

FREQUENCIES = 15
"""Frequencies along each side that the spectrum knows: 0 to 14."""

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
_STEEPNESS = 1.5  # sizes fall off about so with frequency in photos; without it skylines decide
_SCALE = 1 << 13  # cosines as whole numbers; sums stay below 2^45


class Fingerprint(NamedTuple):
    """A picture's perceptual hash (16 hex digits) and spectrum (119 signed bytes)."""

    phash: str
    spectrum: bytes


def fingerprint(image: "Image.Image") -> Fingerprint:
    """The picture's fingerprint; transparency must be composited before."""
    grey = thumbnail(image)
    code = int(_view_codes(grey, 1.0, 1)[0])
    sizes = _weighted(_whole_transform(grey))
    largest = np.abs(sizes).max() or 1.0
    spectrum = np.rint(sizes * (127 / largest)).astype(np.int8).tobytes()
    return Fingerprint(f"{code:016x}", spectrum)


def phash(image: "Image.Image") -> str:
    """The picture's perceptual hash, 16 hex digits."""
    return fingerprint(image).phash


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


def to_spectra(spectra: "list[bytes] | tuple[bytes, ...]") -> Spectra:
    """Spectra of 119 signed bytes as rows, [N, 119]."""
    content = np.frombuffer(b"".join(spectra), dtype=np.int8)
    return unit(content.reshape(-1, len(_spectrum_frequencies())).astype(np.float64))


def thumbnail(image: "Image.Image") -> Grey:
    """The picture in grey, its longer side at most 64 px."""
    grey = image if image.mode == "L" else image.convert("L")
    if max(grey.size) > _SIDE:
        grey = grey.copy()
        grey.thumbnail((_SIDE, _SIDE), reducing_gap=3.0)
    return np.asarray(grey, dtype=np.uint8)


def view_codes(grey: Grey) -> Codes:
    """The codes of a thumbnail's views, the whole first, [VIEWS]."""
    return np.concatenate([_view_codes(grey, *crop) for crop in CROPS])


def view_place(view: int) -> tuple[float, float, float]:
    """Scale of a view and where it begins, across and down, in shares of the picture's sides."""
    return _places()[view]


def spectrum_of(block: NDArray[np.float64]) -> Spectra:
    """The spectrum of a transform of 15 x 15 frequencies that is orthogonal, [119]."""
    return unit(_weighted(block))


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


def turn_spectra(spectra: Spectra) -> Spectra:
    """The spectra of all eight flips and quarter turns, [8, N, 119], in the order of the codes."""
    frequencies = _spectrum_frequencies()
    signs = np.where(_odd(frequencies), np.float32(-1), np.float32(1))[:, None]
    both = (spectra, spectra[:, _transposition(len(frequencies))])
    return np.concatenate([some * signs for some in both])


def unit(rows: NDArray[np.float64]) -> Spectra:
    """The rows at unit length; rows of nothing stay so."""
    lengths = np.sqrt(np.sum(rows * rows, axis=-1, keepdims=True))
    scaled: Spectra = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled


def cosines(
    length: int, start: float, width: float, frequencies: int = FREQUENCIES
) -> NDArray[np.float64]:
    """Cosine rows over `width` px from `start` of a side of `length` px, [frequencies, length].

    A pixel that the edge cuts counts by the part inside, at that part's middle.
    """
    pixels = np.arange(length)
    left, right = np.maximum(pixels, start), np.minimum(pixels + 1, start + width)
    angles = np.outer(np.arange(frequencies), (left + right) / 2 - start) * (np.pi / width)
    rows: NDArray[np.float64] = np.cos(angles) * np.clip(right - left, 0, 1)
    return rows


def _view_codes(grey: Grey, share: float, places: int) -> Codes:
    """The codes of the crops of one scale, row by row, [places x places]."""
    rows, columns = (_bases(side, share, places) for side in grey.shape)
    whole = rows @ grey.astype(np.float64) @ columns.T
    blocks = whole.reshape(places, _HASHED, places, _HASHED).swapaxes(1, 2)
    down, across = _hash_frequencies().T
    return _packed(blocks.reshape(-1, _HASHED, _HASHED)[:, down, across] > 0)


def _whole_transform(grey: Grey) -> NDArray[np.float64]:
    """The whole picture's orthogonal transform, [15, 15]."""
    rows, columns = (orthogonal(cosines(side, 0, side)) for side in grey.shape)
    return rows @ grey.astype(np.float64) @ columns.T


def orthogonal(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine rows with frequency 0 at half its energy, which makes their transform orthogonal."""
    rows[0] *= 0.5**0.5
    return rows


def _weighted(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """The spectrum's frequencies of a transform, the higher ones weighted up, [119]."""
    down, across = _spectrum_frequencies().T
    weighted: NDArray[np.float64] = block[down, across] * (down + across) ** _STEEPNESS
    return weighted


def _packed(bits: NDArray[np.bool_]) -> Codes:
    """Rows of 64 bits as numbers, the first the highest bit, [N]."""
    content = np.ascontiguousarray(np.packbits(bits, axis=1))
    return content.view(">u8")[:, 0].astype(np.uint64, copy=False)


@lru_cache(maxsize=1024)
def _bases(length: int, share: float, places: int) -> NDArray[np.float64]:
    """The hash's cosine rows of all crops along a side, whole numbers, [places x 11, length]."""
    width = share * length
    starts = [(length - width) * place / max(1, places - 1) for place in range(places)]
    crops = [cosines(length, start, width, _HASHED) for start in starts]
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
def _spectrum_frequencies() -> NDArray[np.int64]:
    """The (down, across) frequencies whose sum is at most 14, the lowest first, [119, 2]."""
    sums = range(1, FREQUENCIES)
    triangle = [(down, total - down) for total in sums for down in range(total + 1)]
    return np.array(triangle, dtype=np.int64)


@cache
def _hash_frequencies() -> NDArray[np.int64]:
    """The first 64 of them, the same set when transposed: of the 65 lowest, (5, 5) is left out."""
    lowest = [tuple(pair) for pair in _spectrum_frequencies()[:65].tolist()]
    lowest.remove((5, 5))
    return np.array(lowest, dtype=np.int64)


def _odd(frequencies: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which change sign when the picture is flipped: not, across, down, and both, [4, N]."""
    down, across = (frequencies % 2 == 1).T
    return np.stack([np.zeros(len(frequencies), dtype=bool), across, down, across ^ down])


@cache
def _transposition(number: int) -> NDArray[np.int64]:
    """Where the transposed frequency of each of the 64 or 119 stands, [number]."""
    frequencies = _hash_frequencies() if number == 64 else _spectrum_frequencies()
    places = {tuple(pair): place for place, pair in enumerate(frequencies.tolist())}
    moved = [places[across, down] for down, across in frequencies.tolist()]
    return np.array(moved, dtype=np.int64)


def _transpose(codes: Codes) -> Codes:
    """The codes of the transposed pictures, [N]."""
    big_endian = np.ascontiguousarray(codes, dtype=">u8").view(np.uint8).reshape(-1, 8)
    return _packed(np.unpackbits(big_endian, axis=1)[:, _transposition(64)].astype(bool))
