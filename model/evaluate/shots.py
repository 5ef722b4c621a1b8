"""Which answered examples a query is shown: drawn, or those most like it (RICES)."""

import random
from collections.abc import Sequence
from itertools import permutations
from math import factorial

import numpy as np
import numpy.typing as npt

from schemas.keys import seed_of


def draw_shots(allowed: Sequence[int], count: int, seed: int, query: str) -> list[int]:
    """Some of the support examples in random order; more shots keep those that fewer had.

    Args:
        allowed: numbers of the examples that this query may be shown.
        count: at most so many.
        seed: of the evaluation.
        query: its id.
    """
    drawn = list(allowed)
    random.Random(seed_of(seed, "shots", query)).shuffle(drawn)
    return drawn[:count]


def similar_shots(
    query_V: npt.NDArray[np.float32],
    support_SV: npt.NDArray[np.float32],
    allowed: Sequence[int],
    count: int,
) -> list[int]:
    """The support examples most like a query, the most similar last (Yang et al., 2109.05014).

    Args:
        query_V: its features, of unit length.
        support_SV: those of the whole support set.
        allowed: numbers of the examples that this query may be shown.
        count: at most so many.
    """
    likeness = support_SV[list(allowed)] @ query_V
    nearest = np.argsort(-likeness, kind="stable")[:count]
    return [allowed[place] for place in reversed(nearest.tolist())]


def orders_of(shots: Sequence[int], count: int, seed: int, query: str) -> list[tuple[int, ...]]:
    """Different orders of the same shots, the given one first: `count`, or as many as there are."""
    first = tuple(shots)
    if factorial(len(first)) <= count:
        return [first, *(order for order in permutations(first) if order != first)]
    rng = random.Random(seed_of(seed, "orders", query))
    found = {first: None}
    while len(found) < count:
        found[tuple(rng.sample(first, len(first)))] = None
    return list(found)
