"""Series as curves of a few hundred points: means of spans of steps, their range, a smooth line."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.report.history import Series

POINTS = 240
"""Of a curve at most: about as many as a chart has room for."""

SMOOTHING = 40
"""A curve's points over the half-life of its smoothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """A span of steps.

    Attributes:
        step: its middle.
        low: the least value in it.
        mean: of its values.
        high: the greatest.
        smooth: mean of all spans, those far away weighing less.
    """

    step: float
    low: float
    mean: float
    high: float
    smooth: float


def curve_of(series: Series, *, exact: bool = False) -> list[Point]:
    """A series as at most `POINTS` points, spans without a value left out.

    Args:
        series: to draw.
        exact: whether it has no noise that smoothing could help.
    """
    if not series.steps:
        return []
    first, last = series.steps[0], series.steps[-1]
    width = max(1.0, (last - first + 1) / POINTS)
    spans: dict[int, list[int]] = {}
    for index, step in enumerate(series.steps):
        spans.setdefault(int((step - first) / width), []).append(index)
    steps = [_mean([series.steps[i] for i in span]) for span in spans.values()]
    values = [[series.values[i] for i in span] for span in spans.values()]
    means = [_mean(span) for span in values]
    smooth = smoothed(means, 0.0 if exact else len(means) / SMOOTHING)
    return [
        Point(step, min(span), mean, max(span), even)
        for step, span, mean, even in zip(steps, values, means, smooth, strict=True)
    ]


def smoothed(values: Sequence[float], half_life: float) -> list[float]:
    """Means weighted by distance, both ways, so that a turn stays where it is.

    Args:
        values: evenly spaced.
        half_life: places after which a weight has halved; 0 changes nothing.
    """
    keep = 0.5 ** (1 / half_life) if half_life else 0.0
    places = range(len(values))
    even = []
    for here in places:
        weights = [keep ** abs(here - there) for there in places]
        total = sum(weight * value for weight, value in zip(weights, values, strict=True))
        even.append(total / sum(weights))
    return even


def gap(upper: Series, lower: Series) -> Series:
    """The difference of two series at the steps that both have."""
    there = dict(zip(lower.steps, lower.values, strict=True))
    both = [
        (step, value - there[step])
        for step, value in zip(upper.steps, upper.values, strict=True)
        if step in there
    ]
    return Series([step for step, _ in both], [value for _, value in both])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
