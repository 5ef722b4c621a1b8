"""The first look in bfloat16 changes nothing but the time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import screened
from dedup.nearest import nearest_rows
from dedup.screened import ScreenedRows


def unit_rows(seed: int, number: int, dim: int = 24) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((number, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def close_rows(seed: int, number: int) -> np.ndarray:
    """Rows that differ from each other by less than bfloat16 tells."""
    rows = unit_rows(seed, 1) + unit_rows(seed + 1, number) * 0.003
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("make", [unit_rows, close_rows, lambda *how: -close_rows(*how)])
@given(
    seed=st.integers(0, 99),
    number=st.integers(96, 400),
    nearest=st.integers(1, 6),
    block=st.sampled_from([16, 48, 8192]),
)
def test_the_same_rows_as_without(make, seed, number, nearest, block):
    known = make(seed, number)
    queries = np.concatenate([unit_rows(seed + 200, 4), known[:3], close_rows(seed, 2)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screened, "_BLOCK", block)
        patch.setattr(screened, "_AGAIN", 3)
        places, cosines = ScreenedRows(known).screened(queries, nearest)
    scores = (queries.astype(np.float64) @ known.T.astype(np.float64)).astype(np.float32)
    expected = -np.sort(-scores, axis=1)[:, :nearest]
    assert np.allclose(cosines, expected, atol=1e-6)
    assert np.allclose(np.take_along_axis(scores, places, 1), cosines, atol=1e-6)
    assert all(len(set(row)) == nearest for row in places.tolist())


def test_equals_come_by_place():
    known = np.repeat(unit_rows(1, 1), 70, axis=0)
    places, _ = ScreenedRows(known).screened(known[:1], 3)
    assert places.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("supported", [True, False])
def test_it_is_asked_for_where_it_pays(supported, monkeypatch):
    known, queries = unit_rows(1, 200), unit_rows(2, screened.FEWEST_QUERIES)
    looks = []
    first_look = ScreenedRows._first_look
    monkeypatch.setattr(screened, "FEWEST_ROWS", 200)
    monkeypatch.setattr(screened, "_multiplies_bfloat16", lambda: supported)
    monkeypatch.setattr(
        ScreenedRows, "_first_look", lambda *all_: looks.append(1) or first_look(*all_)
    )
    search = ScreenedRows(known)
    places, _ = search.nearest(queries, 2)
    assert np.array_equal(places, nearest_rows(queries, known, 2)[0])
    assert len(looks) == int(supported)
    search.nearest(queries[:1], 2)  # too few at once
    search.nearest(queries, 20)  # more than there are groups
    ScreenedRows(known[:199]).nearest(queries, 2)
    assert len(looks) == int(supported)
    assert isinstance(screened._multiplies_bfloat16(), bool)
