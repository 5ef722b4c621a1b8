"""Exact nearest rows by a first look in bfloat16, where processors multiply that four times faster.

Unit rows rounded to bfloat16 give a cosine that is off by less than `_OFF`. So whoever is among the
nearest has a rounded cosine of at least that of the last of them, less twice as much; only rows
that reach it are multiplied again, in float32. Rows go by groups of 16, of which the first look
keeps the largest cosine alone.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dedup.descriptor import Rows
from dedup.nearest import nearest_rows

if TYPE_CHECKING:
    import torch

FEWEST_QUERIES = 8
"""For fewer queries at once reading the rows takes most of the time, however they are written."""

FEWEST_ROWS = 8192

_GROUP = 16  # rows
_BLOCK = 8192  # rows multiplied at once
_OFF = 2.0**-7  # 2 ** -8 by rounding both rows, 2 ** -9 by rounding the cosine, and some to spare
_AGAIN = 64  # groups multiplied again at once


class ScreenedRows:
    """Unit rows, [M, dim], ready for search; holds them in bfloat16 too, once that is asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._blocks: list[torch.Tensor] = []

    def nearest(self, queries: Rows, number: int) -> tuple[NDArray[np.int64], Rows]:
        """As `dedup.nearest.nearest_rows`, of these rows; the same places, the same cosines."""
        worth = len(queries) >= FEWEST_QUERIES and len(self._rows) >= FEWEST_ROWS
        if not worth or number * _GROUP > len(self._rows) or not _multiplies_bfloat16():
            return nearest_rows(queries, self._rows, number)
        return self.screened(queries, number)

    def screened(self, queries: Rows, number: int) -> tuple[NDArray[np.int64], Rows]:
        """The same by the first look in any case; of at least `number` groups of rows."""
        best, limits = self._first_look(queries, number)
        whole = len(best[0]) * _GROUP
        groups = self._rows[:whole].reshape(-1, _GROUP, self._rows.shape[1])
        rest = np.arange(whole, len(self._rows))
        places = np.empty((len(queries), number), dtype=np.int64)
        cosines = np.empty((len(queries), number), dtype=np.float32)
        for at, query in enumerate(queries):
            again = np.flatnonzero(best[at] >= limits[at])
            parts = [again[start : start + _AGAIN] for start in range(0, len(again), _AGAIN)]
            scores = [(groups[part] @ query).ravel() for part in parts]
            scores.append(self._rows[whole:] @ query)
            where = (again[:, None] * _GROUP + np.arange(_GROUP)).ravel()
            where, found = np.concatenate([where, rest]), np.concatenate(scores)
            order = np.argsort(-found, kind="stable")[:number]
            places[at], cosines[at] = where[order], found[order]
        return places, cosines

    def _first_look(self, queries: Rows, number: int) -> tuple[Rows, Rows]:
        """The largest rounded cosine of each group, [N, groups], and from which on it counts."""
        import torch

        self._blocks = self._blocks or self._rounded()
        rounded = torch.from_numpy(np.ascontiguousarray(queries)).bfloat16()
        largest = [
            (rounded @ block.T).view(len(queries), _GROUP, -1).amax(1) for block in self._blocks
        ]
        best = torch.cat(largest, dim=1).float()
        last = best.topk(number, dim=1).values[:, -1]
        found: Rows = best.numpy()
        limits: Rows = (last - 2 * _OFF).numpy()
        return found, limits

    def _rounded(self) -> "list[torch.Tensor]":
        """The rows of whole groups in blocks; of each block first all groups' first rows, and on.

        So a group's cosines stand a group's number apart, where the largest is found faster.
        """
        import torch

        whole = len(self._rows) // _GROUP * _GROUP
        blocks = []
        for start in range(0, whole, _BLOCK):
            block = self._rows[start : min(start + _BLOCK, whole)]
            groups = block.reshape(-1, _GROUP, block.shape[1]).swapaxes(0, 1)
            rows = np.ascontiguousarray(groups).reshape(block.shape)
            blocks.append(torch.from_numpy(rows).bfloat16())
        return blocks


def _multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for it."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported())
