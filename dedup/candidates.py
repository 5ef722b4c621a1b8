"""Which originals a picture may be a copy of, by hashes of both, and where it stands in them.

Three searches, each for what the others cannot see. The whole picture is sought among all views of
the originals: it may be a crop of one. Its crops to half of each side are sought among the same
crops of the originals: a caption or a burnt-out light spoils some of them, not all. And its middle,
turned back by up to 25 degrees, is sought among the middles of the originals; its corners then play
no part. Each search knows all eight flips and quarter turns.
"""

from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import (
    HALVES,
    TURNS,
    VIEWS,
    Codes,
    Grey,
    half_codes,
    turn_codes,
    view_spot,
    whole_code,
)
from dedup.search import CodeSearch

Floats = NDArray[np.float64]

RADIUS = 8
"""Bits in which a copy's hash may differ from that of its original's view."""

ANGLES = (-25, -20, -15, -10, -5, 5, 10, 15, 20, 25)
"""Degrees by which a picture may have been turned, against the clock: its middle is turned back."""

_HALVES = HALVES[1] ** 2  # crops to half of each side: the last views
_MIDDLE = VIEWS - 1 - _HALVES // 2  # of them the one in the middle
_TURNED_SIDE = 32  # points along each side of a middle that is turned back


class Candidate(NamedTuple):
    """An original that a picture may be a copy of.

    Attributes:
        owner: row of the original.
        distance: bits in which the two hashes differ.
        place: of the picture in the original, as in `dedup.second_look`, [2, 3].
    """

    owner: int
    distance: int
    place: Floats


class HashSearch:
    """The originals' views, searchable."""

    def __init__(self, codes: Codes, sides: list[tuple[int, int]]) -> None:
        """A search of codes.

        Args:
            codes: [originals, VIEWS].
            sides: of the originals' thumbnails, (width, height).
        """
        self._all = _Views(codes, range(VIEWS), sides)
        self._halves = _Views(codes, range(VIEWS - _HALVES, VIEWS), sides)
        self._middles = _Views(codes, range(_MIDDLE, _MIDDLE + 1), sides)

    def candidates(self, greys: list[Grey]) -> list[list[Candidate]]:
        """For each picture its candidates, the nearest first."""
        found: list[list[Candidate]] = [[] for _ in greys]
        if not greys:
            return found
        whole = np.array([[whole_code(grey)] for grey in greys], dtype=np.uint64)
        halves = np.array([half_codes(grey) for grey in greys], dtype=np.uint64)
        turned = [turned_back(grey) for grey in greys]
        middles = np.array([codes for codes, _ in turned], dtype=np.uint64)
        half_places = [_to_view(view) for view in range(VIEWS - _HALVES, VIEWS)]
        self._all.add(found, whole, [[_SELF]] * len(greys))
        self._halves.add(found, halves, [half_places] * len(greys))
        self._middles.add(found, middles, [places for _, places in turned])
        for of_one in found:
            of_one.sort(key=lambda one: (one.distance, one.owner))
        return found


class _Views:
    """Some of the originals' views, searchable."""

    def __init__(self, codes: Codes, views: range, sides: list[tuple[int, int]]) -> None:
        self._views, self._sides = views, sides
        self._search = CodeSearch(np.ascontiguousarray(codes[:, views.start : views.stop]).ravel())

    def add(self, found: list[list[Candidate]], codes: Codes, places: list[list[Floats]]) -> None:
        """Adds what lies near codes of the pictures' parts.

        Args:
            found: by picture.
            codes: of the parts, [pictures, parts].
            places: from a picture's points to those of its part, by picture and part.
        """
        hits = self._search.within(turn_codes(codes.ravel()).ravel(), RADIUS)
        turns, rows = np.divmod(hits.queries, codes.size)
        pictures, parts = np.divmod(rows, codes.shape[1])
        owners, views = np.divmod(hits.codes, len(self._views))
        columns = (pictures, parts, turns, owners, views, hits.distances)
        for picture, part, turn, owner, view, distance in np.stack(columns, axis=1).tolist():
            turned = chain_places(_turns()[turn], places[picture][part])
            shown = _from_view(self._views[view], *self._sides[owner])
            place = chain_places(shown, turned)
            found[picture].append(Candidate(owner, distance, place))


def turned_back(grey: Grey) -> tuple[list[np.uint64], list[Floats]]:
    """Codes of the picture's middle turned back by each angle, and places of its points in them.

    Each angle twice: as if the picture had kept its sides when it was turned, and as if they had
    grown so as to hold all of it.
    """
    from scipy.ndimage import map_coordinates

    height, width = grey.shape
    middles = (np.arange(_TURNED_SIDE) + 0.5) / _TURNED_SIDE
    down, across = np.meshgrid(middles, middles, indexing="ij")
    points = np.stack([across.ravel(), down.ravel(), np.ones(_TURNED_SIDE**2)])
    codes, places = [], []
    for turned in _turned_middles(width, height):
        x, y = turned @ points
        pixels = map_coordinates(
            grey, (y * height - 0.5, x * width - 0.5), output=np.float64, order=1, mode="nearest"
        )
        rounded = np.rint(pixels).astype(np.uint8).reshape(_TURNED_SIDE, _TURNED_SIDE)
        codes.append(whole_code(rounded))
        places.append(_inverse(turned))
    return codes, places


@cache
def _turned_middles(width: int, height: int) -> tuple[Floats, ...]:
    """Where the points of each turned middle lie in a picture of the given sides."""
    found = []
    for angle in ANGLES:
        cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        rotation = np.array([[cosine, sine], [-sine, cosine]])
        narrow = np.linalg.solve(np.abs(rotation), [width, height])
        for sides in ((width, height), narrow):
            spread = rotation @ np.diag(sides) / 2 / np.array([[width], [height]])
            found.append(np.column_stack([spread, 0.5 - spread @ [0.5, 0.5]]))
    return tuple(found)


def chain_places(second: Floats, first: Floats) -> Floats:
    """The place that is reached by the first and then by the second."""
    turned = second[:, :2] @ first
    turned[:, 2] += second[:, 2]
    return turned


def _inverse(place: Floats) -> Floats:
    """The place that leads back."""
    back = np.linalg.inv(place[:, :2])
    return np.column_stack([back, -back @ place[:, 2]])


_SELF = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@lru_cache(maxsize=1 << 16)
def _from_view(view: int, width: int, height: int) -> Floats:
    """The place of a view's points in the whole."""
    across, down, left, top = view_spot(view, width, height)
    return np.array([[across, 0.0, left], [0.0, down, top]])


@cache
def _to_view(view: int) -> Floats:
    """The place of the whole's points in a view that is no square."""
    return _inverse(_from_view(view, 1, 1))


@cache
def _turns() -> tuple[Floats, ...]:
    """The place of a picture's points in each of its turns, in the order of `turn_codes`."""
    flips = [
        np.array([[across, 0.0, (1 - across) / 2], [0.0, down, (1 - down) / 2]])
        for across, down in ((1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))
    ]
    transposed = [np.column_stack([flip[:, 1], flip[:, 0], flip[:, 2]]) for flip in flips]
    found = tuple(chain(flips, transposed))
    assert len(found) == TURNS
    return found
