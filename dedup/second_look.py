"""How alike two pictures are once one is laid over the other as well as it can be.

A hash or an embedding says which original a picture may be a copy of, and roughly where in it the
picture stands: its place. The second look moves, turns, scales and shears that place until the
pixels agree best (Lucas and Kanade, IJCAI 1981, with weights that let captions and burnt-out
lights be outliers). Then it asks two things of the pixels, each less its surroundings and with
their contrast made even: the cosine of the two pictures, and the cosine of their slopes along the
direction in which they change least. The lesser of the two is their likeness. Without the second,
two beaches were one: of 1,800 made-up scenes, which share their backgrounds, seven were taken for
copies of 200 others, for their horizons agree; along a horizon they do not.

A place is a matrix [2, 3]: a point (x, y) of the picture, in shares of its sides from the top left,
lies at place @ (x, y, 1) of the original.
"""

from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import Grey

Floats = NDArray[np.float64]

ALIKE = 0.68
"""The least likeness of a copy, where it is compared in 64 points along each side.

Measured by tests/benchmarks/copies_found.py: the likest of 1,800 scenes that are no copies reached
.62, of photos less; of copies turned by 15 degrees or with large text over them, one in a hundred
stays under .73.
"""

ALIKE_IN_FEW = 0.82
"""And where only 32 points can be compared: small pictures, and crops to less than 70 % a side.

Strangers reach .79 there; of copies cropped to half of each side one in a hundred stays under .88.
"""

WORTH_MOVING = 0.25
"""Below this at the place where it begins, no moving makes a copy of a stranger."""

_COARSE, _FINE, _FINEST = 16, 32, 64  # points along each side of the picture that are compared
_WORTH_REFINING = 0.5  # likeness at the best place found in few points: copies have .7 and more
_STEPS = {_COARSE: 8, _FINE: 12}
_LARGEST_STEP = 0.15  # of the sides
_DONE = 0.002  # of the sides: a twentieth of a point
_LEAST_OVERLAP = 0.4  # of the picture's points that lie in the original
_LEAST_SIDE = 0.3  # of the original's sides that the picture shows
_LARGEST_SHEAR = 3.0  # of one direction's scale to the other's
_START_GRIDS = (  # degrees turned, share of each side, places along each side
    (0, 1.0, 1),
    (0, 0.75, 3),
    (0, 0.5, 7),
    (-12, 1.0, 1),
    (12, 1.0, 1),
    (-12, 0.72, 3),
    (12, 0.72, 3),
)
_AROUND = 3.0  # points: the surroundings of a pixel
_FAINT = 6.0  # grey levels: contrast below this is noise
_SMOOTHED = 0.7  # points: slopes are taken of pictures blurred so much
_SHARP = 48  # px of a thumbnail's longer side that make 64 points worth comparing
_NEARLY_WHOLE = 0.7  # of the original's sides: a crop to less has no 64 points there


class Layers(NamedTuple):
    """A picture in 16, 32 and 64 points along each side, and the sides of its thumbnail, px."""

    coarse: Floats
    fine: Floats
    finest: Floats
    width: int
    height: int


class Look(NamedTuple):
    """How alike two pictures are at the best place found, -1 to 1.

    Attributes:
        likeness: of the two.
        least: the least likeness of a copy, given how finely they could be compared.
        place: the best place.
    """

    likeness: float
    least: float
    place: Floats

    @property
    def is_copy(self) -> bool:
        """Whether the picture is a copy."""
        return self.likeness >= self.least


def layers(grey: Grey) -> Layers:
    """A thumbnail ready to be looked at."""
    from PIL import Image

    image = Image.fromarray(grey)
    scaled = [
        np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), dtype=np.float64)
        for side in (_COARSE, _FINE, _FINEST)
    ]
    return Layers(scaled[0], scaled[1], scaled[2], *image.size)


def likeness_at(query: Layers, original: Layers, places: Floats) -> Floats:
    """The correlation of a picture and its original at each place as it is, coarsely, [N].

    Args:
        query: the picture.
        original: what it may be a copy of.
        places: [N, 2, 3].
    """
    points = _points(_COARSE)
    found = np.zeros(len(places))
    levels = np.array([_level(place, _COARSE) for place in places], dtype=np.int64)
    for level in set(levels.tolist()):
        chosen = np.flatnonzero(levels == level)
        across, down = np.moveaxis(places[chosen] @ points, 1, 0)
        values, inside = _values(_pixels(original, level), across, down)
        shares = inside.mean(axis=1)
        rows = np.where(inside, query.coarse.ravel(), 0.0)
        cosines = _correlation(rows, np.where(inside, values, 0.0), inside)
        found[chosen] = np.where(shares >= _LEAST_OVERLAP, cosines, 0.0)
    return found


def likely_places(query: Layers, original: Layers, number: int) -> Floats:
    """Where a picture of which only the original is known may stand in it, the likeliest first.

    Of the whole and of crops to three quarters and to half of each side, as they are, flipped, and
    turned by 12 degrees; at most so many, [N, 2, 3].
    """
    places = _starts(query.width / query.height)
    likeness = likeness_at(query, original, places)
    order = np.argsort(-likeness, kind="stable")[:number]
    return places[order[likeness[order] >= WORTH_MOVING]]


@lru_cache(maxsize=256)
def _starts(aspect: float) -> Floats:
    """Places to begin from, for a picture of so many times its height in width, [N, 2, 3]."""
    found = []
    for angle, share, steps in _START_GRIDS:
        cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        turn = share * np.array([[cosine, sine / aspect], [-sine * aspect, cosine]])
        spare = (1 - share) / 2
        middles = np.linspace(0.5 - spare, 0.5 + spare, steps)
        for down, across in product(middles, middles):
            for flip in (1.0, -1.0):
                sides = turn @ np.diag([flip, 1.0])
                found.append(np.column_stack([sides, [across, down] - sides @ [0.5, 0.5]]))
    return np.array(found)


def look_again(query: Layers, original: Layers, place: Floats) -> Look:
    """The two pictures' likeness at the best place near the given one; 0 where there is none."""
    for side, pixels in ((_COARSE, query.coarse), (_FINE, query.fine)):
        original_pixels = _layer(original, place, side)
        for _ in range(_STEPS[side]):
            step = _step(pixels.ravel(), original_pixels, place, side)
            if step is None:
                return Look(0.0, ALIKE, place)
            place = place + step
            if np.abs(step).max() < _DONE:
                break
        if likeness_at(query, original, place[None])[0] < _WORTH_REFINING:
            return Look(0.0, ALIKE, place)
    if not _is_plausible(place):
        return Look(0.0, ALIKE, place)
    sides = max(query.width, query.height), max(original.width, original.height)
    if min(sides) >= _SHARP and _scale(place) >= _NEARLY_WHOLE:
        return Look(_likeness(query.finest, original.finest, place), ALIKE, place)
    likeness = _likeness(query.fine, _layer(original, place, _FINE), place)
    return Look(likeness, ALIKE_IN_FEW, place)


def _step(pixels: Floats, original: Floats, place: Floats, side: int) -> Floats | None:
    """How the place should change for the pixels to agree better; None where it has left them.

    Gauss-Newton on the difference after brightness and contrast are made equal; pixels that differ
    far more than most count little (Cauchy's weights).
    """
    points = _points(side)
    across, down = place @ points
    values, inside = _values(original, across, down)
    if inside.mean() < _LEAST_OVERLAP:
        return None
    slope_across, slope_down = (slope[inside] for slope in _slopes(original, across, down))
    seen, own = pixels[inside], values[inside]
    spread = own.var()
    gain = np.mean((seen - seen.mean()) * (own - own.mean())) / (spread + 1e-6)
    gain = float(np.clip(gain, 0.3, 3.0))
    rest = seen - seen.mean() - gain * (own - own.mean())
    usual = 1.5 * np.median(np.abs(rest)) + 2.0
    weights = 1.0 / (1.0 + (rest / (2.0 * usual)) ** 2)
    lit = points[:, inside]
    moves = gain * np.concatenate([slope_across * lit, slope_down * lit])
    columns = np.concatenate([moves, own[None], np.ones((1, len(own)))])
    weighted = columns * weights
    normal = weighted @ columns.T
    damping = np.full(8, 1e-6)
    damping[:6] += 1e-3 * np.trace(normal[:6, :6]) / 6
    step = np.linalg.solve(normal + np.diag(damping), weighted @ rest)[:6].reshape(2, 3)
    scaled: Floats = step * min(1.0, _LARGEST_STEP / (np.abs(step).max() + 1e-12))
    return scaled


def _likeness(query: Floats, original: Floats, place: Floats) -> float:
    """How alike the picture and the original under it are, by their pixels and their slopes."""
    values, inside = _values(original, *(place @ _points(len(query))))
    if inside.mean() < _LEAST_OVERLAP:
        return 0.0
    mask = inside.reshape(query.shape)
    first, second = _evened(query, mask), _evened(values.reshape(query.shape), mask)
    slopes = _inner_slopes(first, mask), _inner_slopes(second, mask)
    _, directions = np.linalg.eigh(sum(one @ one.T for one in slopes))
    least_changing = directions[:, 0]
    along = (least_changing @ one for one in slopes)
    return min(_cosine(first, second), _cosine(*along))


def _inner_slopes(pixels: Floats, mask: NDArray[np.bool_]) -> Floats:
    """The slopes down and across of the pixels inside a mask that have neighbours there, [2, N]."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    inner = binary_erosion(mask, border_value=1)
    slopes = np.gradient(gaussian_filter(pixels, _SMOOTHED))
    return np.stack([slope[inner] for slope in slopes])


def _cosine(first: Floats, second: Floats) -> float:
    length = np.sqrt(np.sum(first * first) * np.sum(second * second))
    return float(np.sum(first * second) / (length + 1e-9))


def _evened(pixels: Floats, mask: NDArray[np.bool_]) -> Floats:
    """The pixels less the mean of their surroundings, by the contrast there; 0 outside the mask."""
    from scipy.ndimage import gaussian_filter

    share = gaussian_filter(mask.astype(np.float64), _AROUND) + 1e-6
    above = (pixels - gaussian_filter(pixels * mask, _AROUND) / share) * mask
    contrast = np.sqrt(gaussian_filter(above * above, _AROUND) / share)
    evened: Floats = above / (contrast + _FAINT)
    return evened


def _is_plausible(place: Floats) -> bool:
    """Whether a place shows enough of the original, and does not draw it out of shape."""
    largest, smallest = np.linalg.svd(place[:, :2], compute_uv=False)
    return bool(smallest >= _LEAST_SIDE and largest <= _LARGEST_SHEAR * smallest)


def _layer(original: Layers, place: Floats, side: int) -> Floats:
    """The layer of the original that is about as fine as a picture at this place has points."""
    return _pixels(original, _level(place, side))


def _pixels(original: Layers, level: int) -> Floats:
    return (original.coarse, original.fine, original.finest)[level]


def _level(place: Floats, side: int) -> int:
    """Which of the three layers that is."""
    wanted = side / max(_scale(place), 0.25)
    return int(wanted > _COARSE * 1.4) + int(wanted > _FINE * 1.4)


def _scale(place: Floats) -> float:
    """The share of the original's sides that the picture shows, in the mean of both."""
    return float(abs(place[0, 0] * place[1, 1] - place[0, 1] * place[1, 0]) ** 0.5)


def _correlation(first: Floats, second: Floats, inside: NDArray[np.bool_]) -> Floats:
    """The correlation of each row, over what lies inside, [N]."""
    count = np.maximum(1, inside.sum(axis=1, keepdims=True))
    first = (first - first.sum(axis=1, keepdims=True) / count) * inside
    second = (second - second.sum(axis=1, keepdims=True) / count) * inside
    lengths = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    found: Floats = (first * second).sum(axis=1) / (lengths + 1e-9)
    return found


@cache
def _points(side: int) -> Floats:
    """The middles of a picture's points as (x, y, 1), row by row, [3, side * side]."""
    middles = (np.arange(side) + 0.5) / side
    down, across = np.meshgrid(middles, middles, indexing="ij")
    return np.stack([across.ravel(), down.ravel(), np.ones(side * side)])


def _values(pixels: Floats, across: Floats, down: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What a square picture shows at some points, between its pixels, and which lie in it."""
    left, top, right, below = _corners(pixels, across, down)
    corner, beside, under, opposite = _four(pixels, left, top)
    values = (corner * (1 - right) + beside * right) * (1 - below)
    values += (under * (1 - right) + opposite * right) * below
    inside = (across >= 0) & (across <= 1) & (down >= 0) & (down <= 1)
    return values, inside


def _slopes(pixels: Floats, across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """How steeply a picture changes at some points, across and down, a side's length."""
    left, top, right, below = _corners(pixels, across, down)
    corner, beside, under, opposite = _four(pixels, left, top)
    side = len(pixels)
    return (
        ((beside - corner) * (1 - below) + (opposite - under) * below) * side,
        ((under - corner) * (1 - right) + (opposite - beside) * right) * side,
    )


def _corners(
    pixels: Floats, across: Floats, down: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """The pixel at the top left of each point, and how far right of and below it the point lies."""
    last = len(pixels) - 1.001
    x = np.clip(across * len(pixels) - 0.5, 0, last)
    y = np.clip(down * len(pixels) - 0.5, 0, last)
    left, top = x.astype(np.int64), y.astype(np.int64)
    return left, top, x - left, y - top


def _four(
    pixels: Floats, left: NDArray[np.int64], top: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats, Floats]:
    """The pixels around some points: the corner, the one beside, below, and opposite."""
    flat, side = pixels.ravel(), len(pixels)
    corner = top * side + left
    return flat[corner], flat[corner + 1], flat[corner + side], flat[corner + side + 1]
