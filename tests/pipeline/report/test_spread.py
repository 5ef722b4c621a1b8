import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.spread import Spread

NUMBERS = st.lists(
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-600, 600).map(float),
    max_size=60,
)


def spread_of(numbers, parts=1) -> Spread:
    spread = Spread()
    for part in np.array_split(np.array(numbers, dtype=float), parts):
        spread.add(part)
    return spread


@given(NUMBERS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_order_and_the_batches_do_not_matter(numbers, parts, lot: random.Random):
    shuffled = list(numbers)
    lot.shuffle(shuffled)
    assert spread_of(numbers) == spread_of(shuffled, parts)


@given(NUMBERS, st.none() | st.floats())
def test_every_number_is_in_one_bar_and_the_bars_are_few(numbers, limit):
    bars = spread_of(numbers).bars(24, limit)
    assert sum(bars.counts) == len(numbers)
    assert len(bars.counts) == len(bars.edges) - 1 <= 26
    assert list(bars.edges) == sorted(set(bars.edges))
    if numbers and limit is not None and 1e-6 < abs(limit) < 1e15:
        assert bars.edges[0] <= limit * (1 + 1e-9 * math.copysign(1, limit))
        assert bars.edges[-1] >= limit * (1 - 1e-9 * math.copysign(1, limit))


@given(st.lists(st.integers(0, 511), min_size=1, max_size=40))
def test_quantiles_of_small_whole_numbers_are_exact(numbers):
    ordered = sorted(numbers)
    assert spread_of(numbers).quantile(0.5) == ordered[math.ceil(len(ordered) / 2) - 1]


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=40))
def test_quantiles_of_others_are_near(numbers):
    ordered = sorted(numbers)
    wanted = ordered[math.ceil(len(ordered) / 2) - 1]
    assert spread_of(numbers).quantile(0.5) == pytest.approx(wanted, rel=0.005)


def test_whole_numbers_have_a_bar_each_where_there_is_room():
    bars = spread_of([1, 1, 2, 4]).bars()
    assert bars.is_whole
    assert bars.edges == (1, 2, 3, 4, 5)
    assert bars.counts == (2, 1, 0, 1)


def test_a_wide_range_is_drawn_on_a_log_scale():
    bars = spread_of([1, 10, 100, 1000, 10_000]).bars()
    assert bars.is_log
    assert sum(bars.counts) == 5
    ratios = np.array(bars.edges[1:]) / np.array(bars.edges[:-1])
    assert np.allclose(ratios, ratios[0])


def test_memory_is_bounded_by_the_range():
    spread = Spread()
    lot = np.random.default_rng(0)
    for _ in range(20):
        spread.add(lot.lognormal(0, 3, 50_000))
    assert spread.count == 1_000_000
    assert len(spread._cells) < 20_000


def test_numbers_that_are_none_are_passed_over():
    assert spread_of([math.nan, math.inf, 3.0, -math.inf]).count == 1


def test_few_numbers_are_told_one_by_one():
    assert spread_of([404, 301, 404]).few() == [(301, 1), (404, 2)]
    assert spread_of([]).few() == []
    assert spread_of(range(9)).few() is None


def test_of_nothing_there_is_an_empty_bar():
    assert spread_of([]).bars().counts == (0,)
    assert math.isnan(spread_of([]).quantile(0.5))
