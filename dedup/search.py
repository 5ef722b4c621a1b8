"""Exact nearest-code search: all codes within a few bits of a query, without looking at most.

Multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012, section 3): a code is cut into m bands,
each with a table of the codes that hold a value there. Two codes that differ in at most
r = m s + a bits differ in at most s bits in one of the first a + 1 bands, or in at most s - 1 in
one of the others; so looking up the query's bands with so many bits flipped misses nothing. A band
is best about as wide as the number of codes has bits: four bands of 16 bits for few codes, three of
21 or 22 for many, where most values that are looked up are then held by no code.
"""

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import Codes

MAX_RADIUS = 10
"""Bits; at more, nearly every code is a candidate and a scan is as good."""

BANDS = (16, 16, 16, 16)
"""Bits of each band."""

WIDE_BANDS = (22, 21, 21)
"""And of codes from WIDE_FROM on; their tables take 32 MB beside those of the codes."""

SCAN_CODES = 20_000
"""Below so many codes a scan of all is faster than the tables."""

WIDE_FROM = 350_000
"""From so many codes on wide bands are faster."""

_SCAN_BLOCK = 1 << 22  # distances computed at once
_PROBES = 1 << 17  # values looked up at once: what is made of them stays in the cache


class Hits(NamedTuple):
    """Pairs of query and code within the radius: rows of the two arrays, and their distances."""

    queries: NDArray[np.int64]
    codes: NDArray[np.int64]
    distances: NDArray[np.uint8]


class CodeSearch:
    """Codes made ready for search; holds a table a band, of 4 bytes a code, beside the codes."""

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
        self._tables = self._tables or tuple(_tables_of(self._codes))
        bits, extra = divmod(radius, len(self._tables))
        found = []
        for band, table in enumerate(self._tables):
            flips = _flips(table.bits, bits if band <= extra else bits - 1)
            block = max(1, _PROBES // max(1, len(flips)))
            for start in range(0, len(queries) if len(flips) else 0, block):
                rows, columns = table.candidates(queries[start : start + block], flips)
                apart = np.bitwise_count(queries[rows + start] ^ self._codes[columns])
                near = np.flatnonzero(apart <= radius)
                found.append((rows[near] + start, columns[near].astype(np.int64), apart[near]))
        if not found:
            return _no_hits()
        rows, columns, apart = (np.concatenate(pieces) for pieces in zip(*found, strict=True))
        unique, first = np.unique(rows * len(self._codes) + columns, return_index=True)
        return Hits(*np.divmod(unique, len(self._codes)), apart[first])


def _tables_of(codes: Codes) -> Iterator["_Table"]:
    """A table a band."""
    shift = 0
    for bits in WIDE_BANDS if len(codes) >= WIDE_FROM else BANDS:
        yield _Table(codes, shift, bits)
        shift += bits


class _Table:
    """Which codes hold each value of one band."""

    def __init__(self, codes: Codes, shift: int, bits: int) -> None:
        self.bits = bits
        self._shift, self._mask = np.uint64(shift), np.uint64((1 << bits) - 1)
        values = self._values(codes)
        self._order = np.argsort(values, kind="stable").astype(np.uint32)
        counts = np.bincount(values, minlength=1 << bits)
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)

    def candidates(
        self, queries: Codes, flips: NDArray[np.uint32]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Rows of queries and of codes whose bands differ in exactly one of the given flips."""
        probes = (self._values(queries)[:, None] ^ flips).ravel()
        starts = self._starts[probes]
        counts = self._starts[probes + 1] - starts
        held = np.flatnonzero(counts)
        counts = counts[held].astype(np.int64)
        rows = np.repeat(held // len(flips), counts)
        before = np.cumsum(counts) - counts
        places = np.arange(len(rows)) + np.repeat(starts[held] - before, counts)
        return rows, self._order[places]

    def _values(self, codes: Codes) -> NDArray[np.uint32]:
        return ((codes >> self._shift) & self._mask).astype(np.uint32)


@cache
def _flips(width: int, bits: int) -> NDArray[np.uint32]:
    """Every change of at most `bits` bits of a band so wide; none where `bits` is below 0."""
    masks = [
        sum(1 << place for place in places)
        for number in range(bits + 1)
        for places in combinations(range(width), number)
    ]
    return np.array(masks, dtype=np.uint32)


def _no_hits() -> Hits:
    nothing = np.zeros(0, dtype=np.int64)
    return Hits(nothing, nothing, np.zeros(0, dtype=np.uint8))
