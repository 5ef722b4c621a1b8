"""The pool of scores that a share is resolved on: "the best 30 %" as a score of the pool's own.

Scores are rounded to float16, so that a pool has at most 63,488 different finite ones, whatever its
size. Their counts are a quantile sketch without an error: merged by adding, in any order, on any
number of workers, and a few hundred kilobytes for a pool of billions. A KLL or REQ sketch would be
smaller, but random, and off by its rank error.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import apache_beam as beam

from pipeline.stages.tables import read_rows


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """How many items of a pool, or of a part of it, have a score."""

    score: float
    items: int


@dataclass(eq=False)
class CountScores(beam.PTransform):
    """A ScoreCount a score, of scores that may be None; counted before they are shuffled."""

    def expand(self, scores: beam.PCollection) -> Any:
        """One combine by score."""
        return (
            scores
            | "Scores" >> beam.Filter(lambda score: score is not None)
            | "CountScores" >> beam.combiners.Count.PerElement()
            | "ScoreCounts" >> beam.MapTuple(ScoreCount)
        )


def read_scores(paths: Iterable[str]) -> Counter[float]:
    """How many items have each score, by tables of ScoreCount in any order."""
    counts: Counter[float] = Counter()
    for path in paths:
        for row in read_rows(path, ScoreCount):
            counts[row.score] += row.items
    return counts


def threshold_of(counts: Mapping[float, int], keep: float) -> float | None:
    """The score at or above which the best share of a pool lies; None keeps all.

    Ties at the threshold are kept, so that the share is at least `keep`.

    Args:
        counts: items by score.
        keep: the share, 0 to 1, as its decimal digits have it: 0.28 of 100 are 28, though
            0.28 * 100 is 28.000000000000004. At least one item is kept.
    """
    total = sum(counts.values())
    if keep >= 1 or not total:
        return None
    wanted = max(1, -(-Fraction(repr(keep)) * total // 1))
    ordered = sorted(counts, reverse=True)
    reached = accumulate(counts[score] for score in ordered)
    return next(score for score, so_far in zip(ordered, reached, strict=True) if so_far >= wanted)
