"""What a picture looks like in 64 bits and in 64 numbers, near for copies of it.

Both come from the 64 lowest frequencies of a cosine transform of the picture in grey, the mean
left out: the perceptual hash is their signs, the spectrum their sizes. Signs, not comparisons with
a median as in the common pHash, because a flip or a quarter turn of the picture then only flips
and moves bits (`turn_codes`), so that one hash of a query stands for all eight. A crop's transform
needs no resampling either: all views of an original (`view_codes`) are one matrix product. The
products are of whole numbers below 2^53, so the bits are the same on every machine.

A hash alone decides within RADIUS bits. With the spectra at hand it only screens, within
SCREEN_RADIUS bits, and the cosine of the spectra decides: two lone blobs on plain ground may have
the same signs, but hardly the same sizes. What that finds and what it drops wrongly stands in
`dedup.index`.
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
"""Rows of 64 numbers, the hash's frequencies in its order, of unit length."""

Grey = NDArray[np.uint8]
"""A thumbnail in grey, [height, width]."""

DESCRIPTOR = "cosine64/1"
"""The name of this fingerprint; those under another name are not comparable."""

TURNS = 8
"""Flips and quarter turns of a picture, itself among them."""

CROPS = ((1.0, 1), (0.8, 9), (0.9, 5), (0.5, 3))
"""Views of an original: share of each side that is kept, and number of places along each side.

The steps of 2.5 % of a side leave a copy cropped to 80 or 90 % anywhere at most 1.25 % beside a
view, and the scales between are near enough to one of the two.
"""

VIEWS = sum(places**2 for _, places in CROPS)

_SIDE = 48  # px of a thumbnail's longer side; half of it must hold the 10 frequencies
_FREQUENCIES = 11
_SCALE = 1 << 13  # cosines as whole numbers; sums stay below 2^45


class Fingerprint(NamedTuple):
    """A picture's perceptual hash (16 hex digits) and spectrum (128 hex digits)."""

    phash: str
    spectrum: str


def fingerprint(image: "Image.Image") -> Fingerprint:
    """The picture's fingerprint; transparency must be composited before."""
    whole = _transform(thumbnail(image), *CROPS[0])
    return Fingerprint(f"{int(_codes(whole)[0]):016x}", _quantised(whole[0]).tobytes().hex())


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


def to_spectra(texts: "list[str] | tuple[str, ...]") -> Spectra:
    """Spectra of 128 hex digits as rows, [N, 64]."""
    content = b"".join(bytes.fromhex(text) for text in texts)
    return _unit(np.frombuffer(content, dtype=np.int8).reshape(-1, 64).astype(np.float32))


def thumbnail(image: "Image.Image") -> Grey:
    """The picture in grey, its longer side at most 48 px."""
    grey = image if image.mode == "L" else image.convert("L")
    if max(grey.size) > _SIDE:
        grey = grey.copy()
        grey.thumbnail((_SIDE, _SIDE), reducing_gap=3.0)
    return np.asarray(grey, dtype=np.uint8)


def view_codes(grey: Grey) -> Codes:
    """The codes of a thumbnail's views, the whole first, [VIEWS]."""
    return np.concatenate([_codes(_transform(grey, *crop)) for crop in CROPS])


def view_spectrum(grey: Grey, view: int) -> Spectra:
    """The spectrum of one of a thumbnail's views, [64]."""
    share, places, down, across = _views()[view]
    rows, columns = (_basis(side, share, places) for side in grey.shape)
    rows = rows[down * _FREQUENCIES : (down + 1) * _FREQUENCIES]
    columns = columns[across * _FREQUENCIES : (across + 1) * _FREQUENCIES]
    block = rows @ grey.astype(np.float64) @ columns.T
    row: Spectra = (_chosen(block[None])[0] * _weights()).astype(np.float32)
    return _unit(row)


def is_flat(grey: Grey) -> bool:
    """Whether a picture is of one colour, or so near to it that its bits are noise."""
    return float(grey.std()) < 1.0


def turn_codes(codes: Codes) -> Codes:
    """The codes of all eight flips and quarter turns, [8, N], as if of the turned pictures.

    Distances are kept: the nearest turn of a query to a code is as near as the query to the
    nearest turn of the code's picture, so turning the query is enough.
    """
    masks = np.packbits(_odd(), axis=1).view(">u8")[:, 0].astype(np.uint64)
    return np.concatenate([some ^ masks[:, None] for some in (codes, _transpose(codes))])


def turn_spectra(spectra: Spectra) -> Spectra:
    """The spectra of all eight flips and quarter turns, [8, N, 64], in the order of the codes."""
    signs = np.where(_odd(), np.float32(-1), np.float32(1))[:, None]
    both = (spectra, spectra[:, _transposition()])
    return np.concatenate([some * signs for some in both])


def _transform(grey: Grey, share: float, places: int) -> NDArray[np.float64]:
    """The chosen frequencies of the crops of one scale, row by row, [places x places, 64]."""
    rows, columns = (_basis(side, share, places) for side in grey.shape)
    whole = rows @ grey.astype(np.float64) @ columns.T
    blocks = whole.reshape(places, _FREQUENCIES, places, _FREQUENCIES).swapaxes(1, 2)
    return _chosen(blocks.reshape(-1, _FREQUENCIES, _FREQUENCIES))


def _chosen(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 64 frequencies of the hash out of all, [N, 64]."""
    frequencies = _frequencies()
    return blocks[:, frequencies[:, 0], frequencies[:, 1]]


def _codes(chosen: NDArray[np.float64]) -> Codes:
    """The signs as codes, the first frequency the highest bit, [N]."""
    packed = np.ascontiguousarray(np.packbits(chosen > 0, axis=1))
    return packed.view(">u8")[:, 0].astype(np.uint64, copy=False)


def _quantised(chosen: NDArray[np.float64]) -> NDArray[np.int8]:
    """The sizes in steps of 1/127 of the largest, [64]."""
    weighted = chosen * _weights()
    largest = np.abs(weighted).max()
    return np.rint(weighted * (127 / largest if largest else 0.0)).astype(np.int8)


def _unit(rows: Spectra) -> Spectra:
    """The rows at unit length; rows of nothing stay so."""
    lengths = np.sqrt(np.sum(rows * rows, axis=-1, keepdims=True), dtype=np.float32)
    unit: Spectra = rows / np.maximum(lengths, np.float32(1e-9))
    return unit


@lru_cache(maxsize=1024)
def _basis(length: int, share: float, places: int) -> NDArray[np.float64]:
    """Cosine rows over crops of a side of `length` px, [places x 11, length], whole numbers.

    A pixel that a crop's edge cuts counts by the part inside, at that part's middle.
    """
    width = share * length
    pixels = np.arange(length)
    crops = []
    for place in range(places):
        start = (length - width) * place / max(1, places - 1)
        left, right = np.maximum(pixels, start), np.minimum(pixels + 1, start + width)
        inside = np.clip(right - left, 0, 1)
        angles = np.outer(np.arange(_FREQUENCIES), (left + right) / 2 - start) * (np.pi / width)
        crops.append(np.rint(np.cos(angles) * inside * _SCALE))
    return np.concatenate(crops)


@cache
def _views() -> list[tuple[float, int, int, int]]:
    """Scale, places, and place down and across of each view, in order."""
    return [
        (share, places, down, across)
        for share, places in CROPS
        for down in range(places)
        for across in range(places)
    ]


@cache
def _frequencies() -> NDArray[np.int64]:
    """The 64 lowest (down, across) frequencies, [64, 2], the same set when transposed."""
    triangle = [(down, total - down) for total in range(1, 11) for down in range(total + 1)]
    triangle.remove((5, 5))  # the 65th
    return np.array(triangle, dtype=np.int64)


@cache
def _weights() -> NDArray[np.float64]:
    """What makes the transform orthogonal: frequency 0 of a side counts half its energy, [64]."""
    weights: NDArray[np.float64] = np.where((_frequencies() == 0).any(axis=1), 0.5**0.5, 1.0)
    return weights


@cache
def _odd() -> NDArray[np.bool_]:
    """The frequencies whose sign changes when flipped not, across, down, and both, [4, 64]."""
    down, across = (_frequencies() % 2 == 1).T
    return np.stack([np.zeros(64, dtype=bool), across, down, across ^ down])


@cache
def _transposition() -> NDArray[np.int64]:
    """Where each bit's transposed frequency stands, [64]."""
    places = {tuple(pair): place for place, pair in enumerate(_frequencies().tolist())}
    moved = [places[across, down] for down, across in _frequencies().tolist()]
    return np.array(moved, dtype=np.int64)


def _transpose(codes: Codes) -> Codes:
    """The codes of the transposed pictures, [N]."""
    big_endian = np.ascontiguousarray(codes, dtype=">u8").view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(big_endian, axis=1)[:, _transposition()]
    moved = np.ascontiguousarray(np.packbits(bits, axis=1))
    return moved.view(">u8")[:, 0].astype(np.uint64, copy=False)
