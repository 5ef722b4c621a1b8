"""Nearest rows by cells: of a very large index only the rows around a query are looked at.

An inverted file (Jegou, Douze, Schmid, PAMI 2011, section 4) whose rows are kept as they are: rows
belong to the nearest of about sqrt(M) centres, and a query is held against the rows of the centres
nearest to it. What it finds is exact for those rows; a neighbour in another cell is missed. How
many are, tests/benchmarks/copy_search.py measures.
"""

import numpy as np
from numpy.typing import NDArray

from dedup.descriptor import Rows
from dedup.nearest import nearest_rows

PROBES = 32
"""Cells that a query is held against."""

_ROUNDS = 6  # of k-means
_ROWS_PER_CELL = 64  # that k-means sees; more changes little


class CellRows:
    """Unit rows, [M, dim], in cells; the same cells for the same rows."""

    def __init__(self, rows: Rows) -> None:
        cells = max(1, round(len(rows) ** 0.5))
        step = max(1, len(rows) // (cells * _ROWS_PER_CELL))
        self._centres = _centres(rows[::step], cells)
        owners = nearest_rows(rows, self._centres, 1)[0].ravel()
        self._places = np.argsort(owners, kind="stable")
        self._rows = rows[self._places]
        counts = np.bincount(owners, minlength=len(self._centres))
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def nearest(
        self, queries: Rows, number: int, probes: int = PROBES
    ) -> tuple[NDArray[np.int64], Rows]:
        """As `dedup.nearest.nearest_rows`, of the rows in the cells nearest to each query.

        Where those hold too few rows, place 0 with cosine -1 fills up.
        """
        shape = len(queries), min(number, len(self._rows))
        places = np.zeros(shape, dtype=np.int64)
        cosines = np.full(shape, -1, dtype=np.float32)
        near, _ = nearest_rows(queries, self._centres, probes)
        for at, query in enumerate(queries):
            spans = [(self._starts[cell], self._starts[cell + 1]) for cell in near[at]]
            scores = np.concatenate([self._rows[start:end] @ query for start, end in spans])
            where = np.concatenate([self._places[start:end] for start, end in spans])
            order = np.lexsort((where, -scores))[:number]
            places[at, : len(order)], cosines[at, : len(order)] = where[order], scores[order]
        return places, cosines


def _centres(rows: Rows, cells: int) -> Rows:
    """The centres of k-means by cosine, as unit rows; it begins from rows at equal steps."""
    centres = rows[np.linspace(0, len(rows) - 1, cells).astype(np.int64)]
    for _ in range(_ROUNDS):
        owners = nearest_rows(rows, centres, 1)[0].ravel()
        order = np.argsort(owners, kind="stable")
        held, starts = np.unique(owners[order], return_index=True)
        sums = np.add.reduceat(rows[order], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = centres.copy()
        centres[held] = sums / np.maximum(lengths, 1e-12)
    return centres
