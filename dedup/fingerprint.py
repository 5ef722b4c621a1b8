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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Codes = NDArray[np.uint64]
"""Perceptual hashes as 64-bit numbers."""

Grey = NDArray[np.uint8]
"""A thumbnail in grey, [height, width]."""

FINGERPRINT = "cosine64/2"
"""The name of this hash; those under another name are not comparable."""

TURNS = 8
"""Flips and quarter turns of a picture, itself among them."""

CROPS = ((1.0, 1), (0.8, 9), (0.9, 5), (0.7, 7), (0.6, 5))
"""Views of an original: share of each side that is kept, and number of places along each side.

The steps of 2.5 % of a side leave a copy cropped to 80 or 90 % anywhere at most 1.25 % beside a
view, and the scales between are near enough to one of the two. Crops to 70 and 60 % are known about
the middle and at every twentieth and tenth of a side: all places would take ten times as many.
"""

SQUARES = ((1.0, 0.5), (1.0, 0.0), (1.0, 1.0), (0.875, 0.5))
"""Square views: share of the shorter side, and place along the longer; the last is what models
are trained on (224 of 256 px)."""

HALVES = (0.5, 3)
"""The last views: crops to half of each side, and places along it."""

VIEWS = sum(places**2 for _, places in (*CROPS, HALVES)) + len(SQUARES)

SEEN_SIDE = 256
"""px of a picture's longer side that are looked at: words on a page can be told apart there."""

_SIDE = 64  # px of a thumbnail's longer side; half of it must hold the frequencies
_HASHED = 11  # frequencies along each side that the hash knows: 0 to 10
_EVEN = 10  # grey levels about a margin's colour: what JPEG leaves of it
_LEAST_INNER = 0.2  # of the longer side that must be left inside margins
_SCALE = 1 << 13  # cosines as whole numbers; sums stay below 2^45


def phash(image: "Image.Image") -> str:
    """The picture's perceptual hash, 16 hex digits; transparency must be composited before."""
    return f"{int(whole_code(thumbnail(image))):016x}"


def hamming(first: str, second: str) -> int:
    """The number of bits in which two hashes differ, 0 to 64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def to_codes(hashes: "list[str] | tuple[str, ...]") -> Codes:
    """Hashes of 16 hex digits as numbers, [N]."""
    return np.array([int(value, 16) for value in hashes], dtype=np.uint64)


def thumbnail(image: "Image.Image") -> Grey:
    """The picture in grey, its longer side at most 64 px."""
    return _grey_of(image, _SIDE)


def seen_grey(image: "Image.Image") -> Grey:
    """The picture in grey as all of the search sees it, its longer side at most 256 px."""
    return _grey_of(image, SEEN_SIDE)


def _grey_of(image: "Image.Image", side: int) -> Grey:
    grey = image if image.mode == "L" else image.convert("L")
    if max(grey.size) > side:
        grey = grey.copy()
        grey.thumbnail((side, side), reducing_gap=3.0)
    return np.asarray(grey, dtype=np.uint8)


def shrunk(seen: Grey) -> Grey:
    """The thumbnail of a picture in grey."""
    if max(seen.shape) <= _SIDE:
        return seen
    from PIL import Image

    return thumbnail(Image.fromarray(seen))


def whole_code(grey: Grey) -> np.uint64:
    """The code of a whole thumbnail."""
    code: np.uint64 = _grid_codes(grey, 1.0, 1)[0]
    return code


def half_codes(grey: Grey) -> Codes:
    """The codes of the crops to half of each side, as the last views are, [9]."""
    return _grid_codes(grey, *HALVES)


def view_codes(grey: Grey) -> Codes:
    """The codes of a thumbnail's views, the whole first, [VIEWS]."""
    height, width = grey.shape
    squares = [
        _codes(grey, (spot.across, (spot.left,)), (spot.down, (spot.top,)))
        for spot in _squares(width, height)
    ]
    grids = [_grid_codes(grey, *crop) for crop in CROPS]
    return np.concatenate([*grids, *squares, half_codes(grey)])


class Spot(NamedTuple):
    """What a view shows: its sides and where it begins, in shares of the picture's sides."""

    across: float
    down: float
    left: float
    top: float


def view_spot(view: int, width: int, height: int) -> Spot:
    """What a view of a picture with the given sides shows."""
    grids = _grid_spots()
    square = view - (VIEWS - len(SQUARES) - HALVES[1] ** 2)
    if 0 <= square < len(SQUARES):
        return _squares(width, height)[square]
    return grids[view if square < 0 else view - len(SQUARES)]


def is_flat(grey: Grey) -> bool:
    """Whether a picture is of one colour, or so near to it that its bits are noise."""
    return float(grey.std()) < 1.0


Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of a picture, px; the last two lie outside."""


def inner_box(grey: Grey) -> Box:
    """What lies inside a picture's margins: bars, borders and other rows of about one colour.

    All of it where there are none, or where too little is left to know a copy by. One row more
    than is even goes with each margin: it is half of it.
    """
    height, width = grey.shape
    top, bottom = _margins(grey)
    left, right = _margins(grey[top : height - bottom].T)
    box = left, top, width - right, height - bottom
    if min(box[2] - left, box[3] - top) < _LEAST_INNER * max(width, height) or is_flat(
        cut(grey, box)
    ):
        return 0, 0, width, height
    return box


def cut(grey: Grey, box: Box) -> Grey:
    """A part of a picture."""
    left, top, right, bottom = box
    return grey[top:bottom, left:right]


def _margins(grey: Grey) -> tuple[int, int]:
    """The number of rows to take off above and below, [height, width]."""
    counts = []
    for rows in (grey, grey[::-1]):
        colour = int(np.median(rows[0]))
        is_even = (np.abs(rows.astype(np.int16) - colour) <= _EVEN).all(axis=1)
        even = len(rows) if is_even.all() else int(is_even.argmin())
        counts.append(even + 1 if even else 0)
    return (counts[0], counts[1]) if sum(counts) < len(grey) else (0, 0)


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


def _grid_codes(grey: Grey, share: float, places: int) -> Codes:
    """The codes of the crops of one scale, row by row, [places x places]."""
    along = share, _starts(share, places)
    return _codes(grey, along, along)


Along = tuple[float, tuple[float, ...]]
"""The length of crops along a side, and where they begin, in shares of it."""


def _codes(grey: Grey, across: Along, down: Along) -> Codes:
    """The codes of the crops that begin at each place down and across, [down x across]."""
    height, width = grey.shape
    rows, columns = _bases(height, *down), _bases(width, *across)
    whole = rows @ grey.astype(np.float64) @ columns.T
    blocks = whole.reshape(len(down[1]), _HASHED, len(across[1]), _HASHED).swapaxes(1, 2)
    vertical, horizontal = _hash_frequencies().T
    return _packed(blocks.reshape(-1, _HASHED, _HASHED)[:, vertical, horizontal] > 0)


def _packed(bits: NDArray[np.bool_]) -> Codes:
    """Rows of 64 bits as numbers, the first the highest bit, [N]."""
    content = np.ascontiguousarray(np.packbits(bits, axis=1))
    return content.view(">u8")[:, 0].astype(np.uint64, copy=False)


@lru_cache(maxsize=1024)
def _bases(length: int, share: float, starts: tuple[float, ...]) -> NDArray[np.float64]:
    """The hash's cosine rows of all crops along a side, whole numbers, [starts x 11, length]."""
    crops = [_cosines(length, start * length, share * length) for start in starts]
    return np.rint(np.concatenate(crops) * _SCALE)


@cache
def _starts(share: float, places: int) -> tuple[float, ...]:
    """Where the crops of one scale begin, in shares of a side."""
    return tuple((1 - share) * place / max(1, places - 1) for place in range(places))


@cache
def _grid_spots() -> list[Spot]:
    """What the views show that are no squares, in order."""
    return [
        Spot(share, share, left, top)
        for share, places in (*CROPS, HALVES)
        for top in _starts(share, places)
        for left in _starts(share, places)
    ]


@lru_cache(maxsize=4096)
def _squares(width: int, height: int) -> list[Spot]:
    """What the square views of a picture with the given sides show."""
    found = []
    for share, place in SQUARES:
        side = share * min(width, height)
        across, down = side / width, side / height
        left = (1 - across) * (place if width >= height else 0.5)
        top = (1 - down) * (0.5 if width >= height else place)
        found.append(Spot(across, down, left, top))
    return found


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
