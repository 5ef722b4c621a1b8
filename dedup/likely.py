"""Which texts of a band are worth an exact comparison, found in their signatures.

Texts that share a band need not be alike: pages of one template share its words and little else.
All of a band are compared by what is at hand, the last byte of each minimum; the share of equal
ones is their Jaccard give or take 0.04 (120 minima, at .8). Texts come best first, and each is paired
with few that are better: the likest, which may be its twins, and the best, which are most likely
to stay and to stand in its stead.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Sketches = NDArray[np.uint8]
"""The last byte of each minimum, a row a text, [N, minima]; the best text first."""

RUN = 128
"""Texts of which each is compared with each, and leaders that all of a larger band are held to."""

LINKS = 4
"""The likest and the best of a run, and the best leaders: so many each that a text is paired with."""

_SIGMAS = 3  # of the estimate: one pair in 700 that is as alike as asked for is passed over


def likely_pairs(sketches: Sketches, least: float) -> list[tuple[int, int]]:
    """The rows (better, worse) whose texts may have a Jaccard of at least `least`, sorted.

    Of up to RUN texts every two are compared. More are held to leaders first, the best texts that
    are like no leader before them; then they are sorted by their sketches and every two at most
    RUN / 2 apart are compared: near-duplicates agree in most columns and so come to lie near each
    other, however many others share the band. Another band should bring the columns in another
    order, so that what one order parts another may not.

    N texts cost at most 2 * RUN * N comparisons of rows; a text has at most 2 * LINKS better ones in
    a band of up to RUN, 5 * LINKS in a larger one.
    """
    minima = sketches.shape[1]
    margin = _SIGMAS * (least * (1 - least) / minima) ** 0.5
    pairs = {pair for run in _runs(sketches) for pair in _pairs_of_run(sketches, run, least, margin)}
    if len(sketches) > RUN:
        pairs.update(_pairs_with_leaders(sketches, least, margin))
    return sorted(pairs)


def _runs(sketches: Sketches) -> Iterator[NDArray[np.int64]]:
    """The rows that are compared with each other, each run rising: all, or runs that overlap."""
    if len(sketches) <= RUN:
        yield np.arange(len(sketches))
        return
    contents = [row.tobytes() for row in sketches]
    rows = np.array(sorted(range(len(contents)), key=contents.__getitem__))
    for start in range(0, len(rows) - RUN // 2, RUN // 2):
        yield np.sort(rows[start : start + RUN])


def _pairs_of_run(
    sketches: Sketches, run: NDArray[np.int64], least: float, margin: float
) -> Iterator[tuple[int, int]]:
    """Each row of a run with the likest before it, and with the best of those that seem alike."""
    rows = sketches[run]
    for place in range(1, len(run)):
        shares = _shares(rows[:place], rows[place])
        likely = np.flatnonzero(shares >= least - margin)
        if len(likely) > 2 * LINKS:
            likest = likely[np.argsort(-shares[likely], kind="stable")[:LINKS]]
            best = likely[shares[likely] >= least][:LINKS]
            likely = np.concatenate([likest, best])
        for better in likely.tolist():
            yield int(run[better]), int(run[place])


def _pairs_with_leaders(
    sketches: Sketches, least: float, margin: float
) -> Iterator[tuple[int, int]]:
    """Each row with the best leaders that it may be like; up to RUN that are like none lead."""
    leaders = np.zeros((RUN, sketches.shape[1]), dtype=np.uint8)
    places: list[int] = []
    for place, row in enumerate(sketches):
        shares = _shares(leaders[: len(places)], row)
        for leader in np.flatnonzero(shares >= least - margin)[:LINKS].tolist():
            yield places[leader], place
        if len(places) < RUN and not (shares >= least).any():
            leaders[len(places)] = row
            places.append(place)


def _shares(rows: Sketches, row: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The share of columns in which each row is equal to another one, [N]."""
    shares: NDArray[np.float64] = np.count_nonzero(rows == row, axis=1) / len(row)
    return shares
