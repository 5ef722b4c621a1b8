"""A score over all examples, and how far it would move with other ones of the same kind."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
"""One row an example: what the score is made of."""

DRAWS = 1000
LEVEL = 0.95


def mean_of(values_NC: Values) -> float:
    """The mean of the first column."""
    return float(values_NC[:, 0].mean())


def area_under_roc(values_NC: Values) -> float:
    """The chance that an example of the class scores above one that is not; ties count half.

    Args:
        values_NC: scores, then 1 for examples of the class and 0 for others. Where one of the two
            is missing the area is not defined: nan.
    """
    scores_N, is_class_N = values_NC[:, 0], values_NC[:, 1] == 1
    inside = int(is_class_N.sum())
    outside = len(values_NC) - inside
    if not inside or not outside:
        return float("nan")
    _, place_N, count_U = np.unique(scores_N, return_inverse=True, return_counts=True)
    rank_U = np.cumsum(count_U) - (count_U - 1) / 2  # the mean rank of equal scores, from 1
    above = rank_U[place_N][is_class_N].sum() - inside * (inside + 1) / 2
    return float(above / (inside * outside))


def interval_of(
    values_NC: Values, score: Callable[[Values], float], seed: int
) -> tuple[float, float]:
    """The 95 % percentile interval of a score over a thousand bootstrap draws of the examples."""
    rng = np.random.default_rng(seed)
    count = len(values_NC)
    scores = [score(values_NC[rng.integers(0, count, count)]) for _ in range(DRAWS)]
    defined = [value for value in scores if not np.isnan(value)]
    if not defined:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
