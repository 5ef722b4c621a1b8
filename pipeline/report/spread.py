"""How numbers are spread, in bounded memory, whatever the order in which they come."""

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

STEPS_PER_OCTAVE = 256
"""Numbers are told apart to 0.4 %; whole ones up to 512 exactly."""

_NEAR, _FAR = 1e-12, 1e18  # beyond what anything of a web page measures
_MIN_EXPONENT = math.frexp(_NEAR)[1]
_FEW = 8  # distinct numbers that are told one by one
_LOG_RATIO = 60  # above this ratio of the largest number to the smallest, equal steps hide most


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram to draw: the k-th bar counts the numbers from edges[k] up to edges[k + 1].

    Attributes:
        edges: rising, one more than there are bars.
        counts: numbers in each bar.
        is_log: whether each bar is so many times as wide as the one before.
        is_whole: whether each bar is one whole number, its lower edge.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    is_log: bool = False
    is_whole: bool = False


@dataclass(slots=True)
class Spread:
    """Counts of numbers by their first digits; grows with their range, not with their number.

    Numbers nearer to 0 than 1e-12 count as 0, those beyond 1e18 as 1e18.
    """

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    is_whole: bool = True
    _cells: dict[int, int] = field(default_factory=dict)
    _few: dict[float, int] | None = field(default_factory=dict)

    def add(self, numbers: ArrayLike) -> None:
        """Counts some numbers; those that are not finite are passed over."""
        values = np.asarray(numbers, dtype=np.float64).ravel()
        values = np.clip(values[np.isfinite(values)], -_FAR, _FAR)
        values = np.where(np.abs(values) < _NEAR, 0.0, values)
        if not values.size:
            return
        self.count += int(values.size)
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self.is_whole = self.is_whole and bool((values == np.floor(values)).all())
        for cell, count in _counted(_cells_of(values)):
            self._cells[cell] = self._cells.get(cell, 0) + count
        self._add_few(values)

    def _add_few(self, values: NDArray[np.float64]) -> None:
        """Counts the numbers one by one as long as they are few."""
        if self._few is None:
            return
        for value, count in _counted(values):
            self._few[value] = self._few.get(value, 0) + count
            if len(self._few) > _FEW:
                self._few = None
                return

    def few(self) -> list[tuple[float, int]] | None:
        """Each number with its count, rising; None where there are more than eight."""
        return None if self._few is None else sorted(self._few.items())

    def quantile(self, share: float) -> float:
        """The number below which that share of all lies; nan where there are none."""
        wanted, seen = share * self.count, 0
        for cell in sorted(self._cells):
            seen += self._cells[cell]
            if seen >= wanted:
                return min(max(_value_of(cell), self.low), self.high)
        return math.nan

    def bars(self, most: int = 24, limit: float | None = None) -> Bars:
        """The numbers in at most so many bars, whose range takes in the limit too."""
        if not self.count:
            return Bars((0.0, 1.0), (0,))
        low, high = self.low, self.high
        if limit is not None and math.isfinite(limit):
            limit = 0.0 if abs(limit) < _NEAR else min(max(limit, -_FAR), _FAR)
            low, high = min(low, limit), max(high, limit)
        is_log = low > 0 and high / low > _LOG_RATIO
        edges = _log_edges(low, high, most) if is_log else self._even_edges(low, high, most)
        counts = [0] * (len(edges) - 1)
        for cell, count in self._cells.items():
            place = bisect.bisect_right(edges, _value_of(cell)) - 1
            counts[min(max(place, 0), len(counts) - 1)] += count
        is_whole = not is_log and self.is_whole and edges[1] - edges[0] == 1
        return Bars(tuple(edges), tuple(counts), is_log, is_whole)

    def _even_edges(self, low: float, high: float, most: int) -> list[float]:
        """Edges at round numbers, so far apart that the bars suffice."""
        finest = max(abs(low), abs(high)) / (4 * STEPS_PER_OCTAVE)
        step = _round_step(max((high - low) / (most - 2), finest) or 1.0)
        if self.is_whole:
            step = max(step, 1.0)
        first = math.floor(low / step)
        last = max(math.floor(high / step) + 1, first + 1)
        return [_round(number * step) for number in range(first, last + 1)]


def _counted(values: NDArray[Any]) -> Iterator[tuple[Any, int]]:
    """Each distinct value with its count."""
    distinct, counts = np.unique(values, return_counts=True)
    yield from zip(distinct.tolist(), counts.tolist(), strict=True)


def _cells_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The cell of each number: 0 for zero, rising with the number."""
    mantissa, exponent = np.frexp(np.abs(values))
    octave = exponent.astype(np.int64) - _MIN_EXPONENT
    step = ((mantissa - 0.5) * (2 * STEPS_PER_OCTAVE)).astype(np.int64)
    cells = np.where(values == 0, 0, octave * STEPS_PER_OCTAVE + step + 1)
    return np.where(values < 0, -cells, cells)


def _value_of(cell: int) -> float:
    """The smallest absolute number of a cell."""
    if cell == 0:
        return 0.0
    octave, step = divmod(abs(cell) - 1, STEPS_PER_OCTAVE)
    value = math.ldexp(0.5 + step / (2 * STEPS_PER_OCTAVE), octave + _MIN_EXPONENT)
    return math.copysign(value, cell)


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, 20 ... that is not smaller."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(
        _round(factor * power) for factor in (1, 2, 5, 10) if factor * power >= step * 0.999999
    )


def _round(number: float) -> float:
    """The number without the dust of floating-point products."""
    return float(f"{number:.10g}")


def _log_edges(low: float, high: float, most: int) -> list[float]:
    """Edges at powers of two, or of their roots where there is room."""
    octaves = math.log2(high / low)
    step = next(step for step in (0.25, 0.5, 1, 2, 4, 8) if octaves / step <= most - 2)
    first = math.floor(math.log2(low) / step)
    last = math.floor(math.log2(high) / step) + 1
    return [2.0 ** (number * step) for number in range(first, last + 1)]
