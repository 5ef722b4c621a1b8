"""Exact nearest-code search: all codes within a few bits of a query, without looking at most.

Multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012, section 3): a code is cut into four bands
of 16 bits, each with a table of the codes that hold a value there. Two codes that differ in at
most r = 4 s + a bits differ in at most s bits in one of the first a + 1 bands, or in at most s - 1
in one of the others; so looking up the query's bands with so many bits flipped misses nothing.
"""

from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import Codes

MAX_RADIUS = 10
"""Bits; at more, nearly every code is a candidate and a scan is as good."""

BANDS = 4
BAND_BITS = 16

SCAN_CODES = 20_000
"""Below so many codes a scan of all is faster than the tables."""

_SCAN_BLOCK = 1 << 22  # distances computed at once


class Hits(NamedTuple):
    """Pairs of query and code within the radius: rows of the two arrays, and their distances."""

    queries: NDArray[np.int64]
    codes: NDArray[np.int64]
    distances: NDArray[np.uint8]


class CodeSearch:
    """Codes made ready for search; holds 4 tables of 4 bytes a code beside the codes."""

    def __init__(self, codes: Codes) -> None:
        self._codes = np.ascontiguousarray(codes, dtype=np.uint64)
        self._tables: tuple[_Table, ...] = ()

    def within(self, queries: Codes, radius: int) -> Hits:
        """Every pair within `radius` bits, each once, ordered by query and code.

        Raises:
            ValueError: the radius is below 0 or above MAX_RADIUS.
        """
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"a search radius must be 0 to {MAX_RADIUS}, got {radius}")
        if len(self._codes) < SCAN_CODES:
            return self._scan(queries, radius)
        return self._look_up(queries, radius)

    def _scan(self, queries: Codes, radius: int) -> Hits:
        block = max(1, _SCAN_BLOCK // max(1, len(self._codes)))
        found = []
        for start in range(0, len(queries), block):
            apart = np.bitwise_count(queries[start : start + block, None] ^ self._codes)
            rows, columns = np.nonzero(apart <= radius)
            found.append((rows + start, columns, apart[rows, columns]))
        if not found:
            return _no_hits()
        return Hits(*(np.concatenate(pieces) for pieces in zip(*found, strict=True)))

    def _look_up(self, queries: Codes, radius: int) -> Hits:
        self._tables = self._tables or tuple(_Table(self._codes, band) for band in range(BANDS))
        bits, extra = divmod(radius, BANDS)
        found = []
        for band, table in enumerate(self._tables):
            flips = _flips(bits if band <= extra else bits - 1)
            found.append(table.candidates(queries, flips))
        rows = np.concatenate([pair[0] for pair in found])
        columns = np.concatenate([pair[1] for pair in found])
        apart = np.bitwise_count(queries[rows] ^ self._codes[columns])
        near = apart <= radius
        pairs = rows[near] * len(self._codes) + columns[near]
        unique, first = np.unique(pairs, return_index=True)
        return Hits(*np.divmod(unique, len(self._codes)), apart[near][first])


class _Table:
    """Which codes hold each value of one band."""

    def __init__(self, codes: Codes, band: int) -> None:
        self._shift = np.uint64(band * BAND_BITS)
        values = (codes >> self._shift).astype(np.uint16)
        self._order = np.argsort(values, kind="stable").astype(np.uint32)
        counts = np.bincount(values, minlength=1 << BAND_BITS)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def candidates(
        self, queries: Codes, flips: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of queries and of codes whose bands differ in exactly one of the given flips."""
        values = (queries >> self._shift).astype(np.uint16)
        probes = (values[:, None] ^ flips).astype(np.int64).ravel()
        starts = self._starts[probes]
        counts = self._starts[probes + 1] - starts
        rows = np.repeat(np.arange(len(probes)) // max(1, len(flips)), counts)
        before = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(starts - before, counts)
        return rows, self._order[places].astype(np.int64)


@cache
def _flips(bits: int) -> NDArray[np.uint16]:
    """Every change of at most `bits` bits of a band; none where `bits` is below 0."""
    masks = [
        sum(1 << place for place in places)
        for number in range(bits + 1)
        for places in combinations(range(BAND_BITS), number)
    ]
    return np.array(masks, dtype=np.uint16)


def _no_hits() -> Hits:
    nothing = np.zeros(0, dtype=np.int64)
    return Hits(nothing, nothing, np.zeros(0, dtype=np.uint8))
