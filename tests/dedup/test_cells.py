"""Cells hold every row once, and what is found in them is exact."""

import numpy as np
import pytest

from dedup.cells import CellRows
from dedup.nearest import nearest_rows


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def grouped_rows(seed: int, number: int, groups: int = 40, dim: int = 32) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((groups, dim)))
    return unit(centres[rng.integers(0, groups, number)] + rng.standard_normal((number, dim)) * 0.1)


KNOWN = grouped_rows(1, 2500)
NOISE = np.random.default_rng(2).standard_normal((100, 32)) * 0.05
QUERIES = unit(KNOWN[::25] + NOISE)


def test_all_cells_find_what_a_whole_search_finds():
    places, cosines = CellRows(KNOWN).nearest(QUERIES, 4, probes=50)
    expected, scores = nearest_rows(QUERIES, KNOWN, 4)
    assert np.array_equal(places, expected)
    assert np.allclose(cosines, scores, atol=1e-6)


def test_few_cells_find_nearly_all_and_more_find_no_less():
    exact = nearest_rows(QUERIES, KNOWN, 1)[0]
    cells = CellRows(KNOWN)
    shares = [
        float((cells.nearest(QUERIES, 1, probes)[0] == exact).mean()) for probes in (1, 5, 20)
    ]
    assert shares == sorted(shares)
    assert shares[-1] >= 0.97


def test_the_same_cells_for_the_same_rows():
    one, two = CellRows(KNOWN), CellRows(KNOWN.copy())
    for found, again in zip(one.nearest(QUERIES, 3), two.nearest(QUERIES, 3), strict=True):
        assert np.array_equal(found, again)


def test_equals_come_by_place():
    known = np.repeat(KNOWN[:1], 30, axis=0)
    assert CellRows(known).nearest(KNOWN[:1], 3)[0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_where_few_rows_are_met_the_rest_is_filled_up(number):
    places, cosines = CellRows(KNOWN[:number]).nearest(QUERIES[:3], 4, probes=1)
    assert places.shape == cosines.shape == (3, min(4, number))
    assert (cosines[:, 0] > -1).all()
    assert (places[cosines == -1] == 0).all()
