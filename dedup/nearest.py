"""Exact nearest rows by inner product, over all of them: at this size no graph and no cells."""

import numpy as np
from numpy.typing import NDArray

from dedup.descriptor import Rows

_BLOCK = 8192  # rows of the index at once: with 256 queries their scores take 8 MB


def nearest_rows(queries: Rows, rows: Rows, number: int) -> tuple[NDArray[np.int64], Rows]:
    """The nearest rows of each query and their cosines, the nearest first.

    Args:
        queries: unit rows, [N, dim].
        rows: unit rows, [M, dim].
        number: how many for each query, at most M come out.

    Returns:
        Places among the rows and cosines, [N, min(number, M)] each; equals by place.
    """
    places = np.zeros((len(queries), 0), dtype=np.int64)
    cosines = np.zeros((len(queries), 0), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        scores = queries @ rows[start : start + _BLOCK].T
        of_block = _largest(scores, number)
        places = np.concatenate([places, of_block + start], axis=1)
        cosines = np.concatenate([cosines, np.take_along_axis(scores, of_block, 1)], axis=1)
        kept = np.argsort(-cosines, axis=1, kind="stable")[:, :number]
        places = np.take_along_axis(places, kept, 1)
        cosines = np.take_along_axis(cosines, kept, 1)
    return places, cosines


def _largest(scores: Rows, number: int) -> NDArray[np.int64]:
    """The places of the largest scores of each row, in rising order of place."""
    if number >= scores.shape[1]:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    found = scores.argmax(axis=1)[:, None] if number == 1 else _partition(scores, number)
    return np.sort(found, axis=1)


def _partition(scores: Rows, number: int) -> NDArray[np.int64]:
    return np.argpartition(-scores, number - 1, axis=1)[:, :number]
