"""Perceptual hashes: 64 bits of what a picture looks like, near for copies of it.

The bits are the signs of the 64 lowest frequencies of a cosine transform of the 32 x 32 px grey
picture, the mean left out. Signs, not comparisons with a median as in the common pHash, because a
flip or a quarter turn of the picture then only flips and moves bits (`turn_codes`): the eight
turns of a copy are found without eight hashes of every original. The transform is done in whole
numbers, so the bits are the same on every machine.

Measured by tests/benchmarks/copies_found.py on the 780 photos of Flickr8k and COCO in the project's
test inputs (half of them the evaluation set with the ten views of `view_codes`, half distractors,
all kept as a corpus keeps them), and on 2,700 made-up scenes against 300 others:

    radius                                    4       6       8      10
    flip, quarter turn, greyscale, blur,
      aspect 0.7, resize 0.25              1.000   1.000   1.000   1.000
    JPEG 20                                 .995   1.000   1.000   1.000
    crop to 80 % of each side, at the
      centre or a corner, also flipped      .997   1.000   1.000   1.000
    brightness x 1.5 (lights burn out)      .608    .795    .936    .985
    large text over it                      .510    .741    .897    .959
    crop to 80 % anywhere                   .077    .159    .269    .418
    crop to 50 %, turn by 15 degrees        .000    .000    .003    .005
    distractor photos dropped (of 6630)        0       0       0       4
    other scenes dropped (of 2700)             0       1      10

The common pHash within 10 bits finds .000 of the flips and .056 of the crops to 80 %. Codes of
unlike pictures differ like coin tosses: a million originals have 80 million views and turns, of
which a stranger meets one within 4 bits with P = 3e-6, within 8 bits with P = .02.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Codes = NDArray[np.uint64]
"""Perceptual hashes as 64-bit numbers."""

DESCRIPTOR = "phash64-signs/1"
"""The name of this fingerprint; hashes under another name are not comparable."""

RADIUS = 4
"""Bits in which a copy may differ from its original: the largest of the even ones with no false
drop among photos and among scenes."""

TURNS = 8
"""Flips and quarter turns of a picture, itself among them."""

CROP = 0.8
"""Share of each side that a cropped view keeps."""

_SIDE = 32
_VIEW_SIDE = 256  # px of the picture that views are cut from: eight times what the hash sees
_SCALE = 1 << 13  # cosines as whole numbers; sums stay below 2^50


def phash(image: "Image.Image") -> str:
    """The picture's perceptual hash, 16 hex digits; transparency must be composited before."""
    return f"{int(_code(image)):016x}"


def phash_turns(image: "Image.Image") -> tuple[str, ...]:
    """The hashes of the picture's eight flips and turns, its own first."""
    turned = turn_codes(np.array([_code(image)], dtype=np.uint64))
    return tuple(f"{int(code):016x}" for code in turned[:, 0])


def hamming(first: str, second: str) -> int:
    """The number of bits in which two hashes differ, 0 to 64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def to_codes(hashes: "list[str] | tuple[str, ...]") -> Codes:
    """Hashes of 16 hex digits as numbers, [N]."""
    return np.array([int(value, 16) for value in hashes], dtype=np.uint64)


def view_codes(image: "Image.Image") -> Codes:
    """The codes of the whole picture and of its nine crops to 80 % of each side, [10].

    The crops stand at the corners, the middles of the edges and the centre.
    """
    small = image.convert("L")
    small.thumbnail((_VIEW_SIDE, _VIEW_SIDE), reducing_gap=3.0)
    width, height = small.size
    boxes: list[tuple[float, float, float, float]] = [(0, 0, width, height)]
    for y in (0.0, 0.5, 1.0):
        for x in (0.0, 0.5, 1.0):
            left, top = x * (1 - CROP) * width, y * (1 - CROP) * height
            boxes.append((left, top, left + CROP * width, top + CROP * height))
    return np.array([_code(small, box) for box in boxes], dtype=np.uint64)


def turn_codes(codes: Codes) -> Codes:
    """The codes of all eight flips and quarter turns, [8, N], as if of the turned pictures.

    Distances are kept: the nearest turn of a query to a code is as near as the query to the
    nearest turn of the code's picture, so turning the query is enough.
    """
    frequencies = _frequencies()
    across = _mask(frequencies[:, 1] % 2 == 1)
    down = _mask(frequencies[:, 0] % 2 == 1)
    transposed = _transpose(codes)
    flips = (np.uint64(0), across, down, across ^ down)
    return np.stack([some ^ flip for some in (codes, transposed) for flip in flips])


def _code(image: "Image.Image", box: tuple[float, float, float, float] | None = None) -> np.uint64:
    """The code of a picture, or of a box of it."""
    from PIL.Image import Resampling

    grey = image if image.mode == "L" else image.convert("L")
    tiny = grey.resize((_SIDE, _SIDE), Resampling.LANCZOS, box=box, reducing_gap=3.0)
    cosines = _cosines()
    spectrum = cosines @ np.asarray(tiny, dtype=np.int64) @ cosines.T
    frequencies = _frequencies()
    return _mask(spectrum[frequencies[:, 0], frequencies[:, 1]] > 0)


def _mask(bits: NDArray[np.bool_]) -> np.uint64:
    """64 bits, the first the highest, as a number."""
    return np.uint64(int.from_bytes(np.packbits(bits).tobytes(), "big"))


@cache
def _frequencies() -> NDArray[np.int64]:
    """The 64 lowest (down, across) frequencies, [64, 2], the same set when transposed."""
    triangle = [(down, total - down) for total in range(1, 11) for down in range(total + 1)]
    triangle.remove((5, 5))  # the 65th
    return np.array(triangle, dtype=np.int64)


@cache
def _cosines() -> NDArray[np.int64]:
    """The rows of the cosine transform for frequencies 0 to 10 as whole numbers, [11, 32]."""
    steps = np.outer(np.arange(11), 2 * np.arange(_SIDE) + 1)
    cosines: NDArray[np.float64] = np.cos(steps * (np.pi / (2 * _SIDE)))
    return np.rint(cosines * _SCALE).astype(np.int64)


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
