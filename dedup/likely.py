"""Which texts of a band are worth an exact comparison, found in their signatures.

Texts that share a band need not be alike: pages of one template share its words and little else.
All of a band are compared by what is at hand, the last byte of each minimum; the share of equal
ones is their Jaccard give or take 0.04 (120 minima, at .8). Only pairs that may be alike are handed
on, and of pairs that surely are only as many as join their group.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Sketches = NDArray[np.uint8]
"""The last byte of each minimum, a row a text, [N, minima]."""

RUN = 128
"""Texts of which each is compared with each."""

LINKS = 4
"""Texts after it in a run that one is handed on with, where it is not sure that they are alike."""

_SIGMAS = 3  # of the estimate: one pair in 700 that is as alike as asked for is passed over


def likely_pairs(sketches: Sketches, least: float) -> list[tuple[int, int]]:
    """The rows (smaller, larger) whose texts may have a Jaccard of at least `least`, sorted.

    Of up to RUN texts every two are compared. More are sorted by their sketches and every two at
    most RUN / 2 apart are compared: near-duplicates agree in most columns and so come to lie near
    each other, however many others share the band. Another band should bring the columns in
    another order, so that what one order parts another may not.

    N texts cost at most RUN * N comparisons of rows; of up to RUN texts at most (LINKS + 1) * N
    pairs come out, of more 2 * (LINKS + 1) * N.
    """
    pairs = {pair for run in _runs(sketches) for pair in _pairs_of_run(sketches, run, least)}
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
    sketches: Sketches, run: NDArray[np.int64], least: float
) -> Iterator[tuple[int, int]]:
    """The likely pairs of a run, less those whose texts others have surely joined already."""
    rows = sketches[run]
    minima = rows.shape[1]
    margin = _SIGMAS * (least * (1 - least) / minima) ** 0.5
    groups = np.arange(len(run))
    for head in range(len(run) - 1):
        shares = np.count_nonzero(rows[head + 1 :] == rows[head], axis=1) / minima
        shares[groups[head + 1 :] == groups[head]] = -1.0
        likely = np.flatnonzero(shares >= max(0.0, least - margin))
        if not len(likely):
            continue
        likely = likely[np.argsort(-shares[likely], kind="stable")]
        is_sure = shares[likely] >= least + margin
        others = head + 1 + likely
        joined, first = np.unique(groups[others[is_sure]], return_index=True)
        maybe = others[~is_sure & ~np.isin(groups[others], joined)][:LINKS]
        for other in (*others[is_sure][first], *maybe):
            yield int(run[head]), int(run[other])
        groups[np.isin(groups, joined)] = groups[head]
