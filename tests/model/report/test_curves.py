import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.report.curves import POINTS, curve_of, gap, smoothed
from model.report.history import NOTHING, Series


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=900), st.integers(1, 10_000))
def test_a_curve_holds_all_values_and_the_mean_of_few(values: list[float], first: int) -> None:
    series = Series(range(first, first + len(values)), values)
    points = curve_of(series)
    assert 0 < len(points) <= POINTS + 1
    assert min(point.low for point in points) == min(values)
    assert max(point.high for point in points) == max(values)
    assert [point.step for point in points] == sorted({point.step for point in points})
    for point in points:
        slack = 1e-6 * max(1.0, abs(point.low), abs(point.high))
        assert point.low - slack <= point.mean <= point.high + slack
    if len(values) <= POINTS:
        assert [point.mean for point in points] == values


def test_a_curve_of_nothing_has_no_point() -> None:
    assert curve_of(NOTHING) == []


def test_steps_without_a_value_leave_no_point() -> None:
    series = Series([100, 200, 1000], [1.0, 2.0, 3.0])
    assert [(p.step, p.mean) for p in curve_of(series)] == [(100, 1.0), (200, 2.0), (1000, 3.0)]


def test_noise_is_smoothed_and_a_line_stays_a_line() -> None:
    rng = random.Random(0)
    noisy = Series(range(1000), [5 + rng.gauss(0, 1) for _ in range(1000)])
    assert all(abs(point.smooth - 5) < 0.6 for point in curve_of(noisy))
    level = Series(range(1000), [7.0] * 1000)
    assert all(point.smooth == pytest.approx(7.0) for point in curve_of(level))
    slope = curve_of(Series(range(1000), [float(i) for i in range(1000)]))
    middle = slope[len(slope) // 2]
    assert middle.smooth == pytest.approx(middle.mean, rel=0.01)  # no lag


def test_what_has_no_noise_is_left_alone() -> None:
    step = Series(range(1000), [0.0] * 500 + [1.0] * 500)
    assert all(point.smooth == point.mean for point in curve_of(step, exact=True))
    assert any(point.smooth != point.mean for point in curve_of(step))


def test_a_weight_halves_after_a_half_life() -> None:
    even = smoothed([0.0] * 4 + [1.0] + [0.0] * 4, 2.0)
    weights = [math.sqrt(0.5) ** distance for distance in (4, 3, 2, 1, 0, 1, 2, 3, 4)]
    assert even[4] == pytest.approx(1 / sum(weights))
    assert even == pytest.approx(even[::-1])
    assert smoothed([3.0, 1.0], 0.0) == [3.0, 1.0]


def test_a_gap_is_at_steps_that_both_have() -> None:
    found = gap(Series([20, 40], [3.0, 5.0]), Series([10, 20, 30], [1.0, 2.5, 1.0]))
    assert (list(found.steps), list(found.values)) == ([20], [0.5])
