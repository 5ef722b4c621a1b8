import math

import numpy as np
import pytest

from model.evaluate.intervals import area_under_roc, interval_of, mean_of


def area_by_pairs(scores: np.ndarray, is_class: np.ndarray) -> float:
    wins = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for one in scores[is_class == 1]
        for other in scores[is_class == 0]
    ]
    return sum(wins) / len(wins)


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, is_class = rng.integers(0, 6, 17).astype(float), rng.integers(0, 2, 17)
        is_class[:2] = 0, 1
        found = area_under_roc(np.stack([scores, is_class], 1))
        assert found == pytest.approx(area_by_pairs(scores, is_class))


def test_an_area_needs_both_classes() -> None:
    values = np.array([[0.3, 1.0], [0.4, 1.0]])
    assert math.isnan(area_under_roc(values))
    assert all(map(math.isnan, interval_of(values, area_under_roc, seed=0)))


def test_an_interval_follows_its_seed_and_holds_the_score() -> None:
    values = np.random.default_rng(1).random((50, 1))
    low, high = interval_of(values, mean_of, seed=3)
    assert (low, high) == interval_of(values, mean_of, seed=3)
    assert (low, high) != interval_of(values, mean_of, seed=4)
    assert low < mean_of(values) < high


def test_95_intervals_of_100_hold_the_truth() -> None:
    """Of coins that fall on 1 with chance 0.3; between 90 and 99 % of 150 draws of 60."""
    rng = np.random.default_rng(5)
    coins = (rng.random((150, 60, 1)) < 0.3).astype(float)
    intervals = [interval_of(values, mean_of, seed=n) for n, values in enumerate(coins)]
    share = np.mean([low <= 0.3 <= high for low, high in intervals])
    assert 0.88 <= share <= 0.99
