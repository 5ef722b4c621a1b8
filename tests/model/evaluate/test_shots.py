import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.evaluate.shots import draw_shots, orders_of, similar_shots


def test_the_most_similar_shot_stands_last() -> None:
    support = np.array([[1, 0], [0, 1], [0.8, 0.6], [0.6, 0.8]], dtype=np.float32)
    query = np.array([1, 0], dtype=np.float32)
    assert similar_shots(query, support, [0, 1, 2, 3], 3) == [3, 2, 0]
    assert similar_shots(query, support, [1, 2, 3], 2) == [3, 2]
    assert similar_shots(-query, support, [0, 1, 2, 3], 4) == [0, 2, 3, 1]


def test_of_equally_similar_shots_the_first_is_nearest() -> None:
    support = np.ones((3, 2), dtype=np.float32)
    assert similar_shots(support[0], support, [0, 1, 2], 2) == [1, 0]


@given(st.integers(0, 9), st.sets(st.integers(0, 99), min_size=8), st.integers(0, 8))
def test_drawn_shots_are_allowed_ones_and_fewer_are_among_more(
    seed: int, allowed: set[int], count: int
) -> None:
    some = draw_shots(sorted(allowed), count, seed, "q")
    assert len(set(some)) == count
    assert set(some) <= allowed
    assert draw_shots(sorted(allowed), count + 4, seed, "q")[:count] == some


def test_each_query_and_each_seed_draws_its_own() -> None:
    allowed = range(100)
    drawn = {tuple(draw_shots(allowed, 8, seed, query)) for seed in (0, 1) for query in "ab"}
    assert len(drawn) == 4


def test_orders_are_different_ones_of_the_same_shots() -> None:
    orders = orders_of([4, 2, 9, 7], 6, 0, "q")
    assert len(set(orders)) == 6
    assert orders[0] == (4, 2, 9, 7)
    assert {tuple(sorted(order)) for order in orders} == {(2, 4, 7, 9)}
    assert orders == orders_of([4, 2, 9, 7], 6, 0, "q")
    assert orders != orders_of([4, 2, 9, 7], 6, 1, "q")


def test_there_are_no_more_orders_than_there_are() -> None:
    assert orders_of([], 6, 0, "q") == [()]
    assert orders_of([5, 3], 6, 0, "q") == [(5, 3), (3, 5)]
    assert len(orders_of([1, 2, 3], 6, 0, "q")) == 6
    assert orders_of([1, 2, 3], 1, 0, "q") == [(1, 2, 3)]
