import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import nearest
from dedup.nearest import nearest_rows


def unit_rows(seed: int, number: int, dim: int = 12) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((number, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(st.integers(0, 9), st.integers(0, 60), st.integers(1, 6), st.integers(1, 20))
def test_the_nearest_of_all_blocks_are_those_of_one_product(seed, rows, number, block):
    queries, known = unit_rows(seed, 7), unit_rows(seed + 100, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_BLOCK", block)
        places, cosines = nearest_rows(queries, known, number)
    scores = queries @ known.T
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :number]
    assert places.shape == cosines.shape == (7, min(number, rows))
    assert np.allclose(cosines, np.take_along_axis(scores, expected, 1), atol=1e-6)
    assert (np.diff(cosines, axis=1) <= 0).all()
    assert np.allclose(np.take_along_axis(scores, places, 1), cosines, atol=1e-6)


def test_equals_come_by_place():
    known = np.repeat(unit_rows(1, 1), 5, axis=0)
    places, _ = nearest_rows(known[:1], known, 3)
    assert places.tolist() == [[0, 1, 2]]
