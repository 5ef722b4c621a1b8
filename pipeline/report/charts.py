"""Small charts: a histogram with its limit, and a bar of shares; SVG and CSS, no script."""

import bisect
import math
from collections.abc import Sequence

from pipeline.report.markup import Markup, figure_of, joined, rounded, share_of, tag
from pipeline.report.spread import Bars, Spread

_LISTED = 5  # distinct numbers that are listed although hardly any occurs twice
_HEIGHT = 48.0
_WIDTH = 10.0  # of a bar, in units of the drawing
_GAP = 1.2
_LEAST = 1.2  # height of a bar that counts anything, so that it can be seen


def spread_chart(title: str, spread: Spread, limit: float | None = None) -> Markup:
    """A histogram of some numbers, or the numbers themselves where they are few."""
    few = spread.few()
    caption = tag("p", title, class_="chart-title") if title else Markup()
    is_short = few is not None and (len(few) <= _LISTED or spread.count > 2 * len(few))
    content = _listing(few, limit) if few and is_short else histogram(title, spread, limit)
    return tag("div", caption, content, class_="chart")


def _listing(few: list[tuple[float, int]], limit: float | None) -> Markup:
    """Numbers one by one, each with how often it occurs."""
    values = [
        tag("span", tag("b", rounded(value)), f" × {figure_of(count)}" if count > 1 else "")
        for value, count in few
    ]
    if limit is not None:
        values.append(tag("span", f"limit {figure_of(limit)}", class_="limit-value"))
    return tag("div", *values, class_="values")


def histogram(title: str, spread: Spread, limit: float | None = None) -> Markup:
    """A histogram of some numbers, with a line where their limit is."""
    bars = spread.bars(limit=limit)
    line = [_limit_line(bars, limit)] if limit is not None else []
    facts = [f"median {rounded(spread.quantile(0.5))}"]
    facts += [] if title else [f"n {figure_of(spread.count)}"]
    facts += ["log"] if bars.is_log else []
    ends = tag(
        "div",
        tag("span", figure_of(bars.edges[0])),
        tag("span", ", ".join(facts)),
        tag("span", figure_of(bars.edges[-2] if bars.is_whole else bars.edges[-1])),
        class_="axis",
    )
    plot = tag("div", _drawing(title, bars), *line, class_="plot has-limit" if line else "plot")
    return joined([plot, ends])


def _drawing(title: str, bars: Bars) -> Markup:
    """The bars; each says its range and count when pointed at."""
    highest = max(bars.counts) or 1
    rects = []
    for number, count in enumerate(bars.counts):
        height = max(_HEIGHT * count / highest, _LEAST) if count else 0.0
        rects.append(
            tag(
                "rect",
                tag("title", f"{_range_of(bars, number)}: {figure_of(count)}"),
                x=f"{number * _WIDTH + _GAP / 2:g}",
                y=f"{_HEIGHT - height:.4g}",
                width=f"{_WIDTH - _GAP:g}",
                height=f"{height:.4g}",
            )
        )
    return tag(
        "svg",
        *rects,
        viewBox=f"0 0 {len(bars.counts) * _WIDTH:g} {_HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Histogram: {title}",
    )


def _range_of(bars: Bars, number: int) -> str:
    """What a bar counts."""
    low, high = bars.edges[number], bars.edges[number + 1]
    return figure_of(low) if bars.is_whole else f"{figure_of(low)} to {figure_of(high)}"


def _limit_line(bars: Bars, limit: float) -> Markup:
    """A line across the bars at the limit, with its value."""
    place = 100 * position_of(bars, limit)
    side = "left" if place > 50 else "right"
    label = tag("span", f"limit {figure_of(limit)}", class_=f"limit-label {side}")
    return tag("div", label, class_="limit", style=f"left:{place:.4g}%")


def position_of(bars: Bars, number: float) -> float:
    """Where a number stands on the axis, from 0 to 1."""
    edges = bars.edges
    bar = min(max(bisect.bisect_right(edges, number) - 1, 0), len(edges) - 2)
    low, high = edges[bar], edges[bar + 1]
    if bars.is_log and number > 0:
        low, high, number = math.log(low), math.log(high), math.log(number)
    within = min(max((number - low) / (high - low), 0.0), 1.0)
    return (bar + within) / (len(edges) - 1)


def shares_bar(kept: int, rejected: Sequence[tuple[str, int]], whole: int) -> Markup:
    """A bar of what was kept and what was rejected for each reason, as parts of a whole."""
    parts = [("kept", kept, "kept")] + [(reason, count, "out") for reason, count in rejected]
    total = kept + sum(count for _, count in rejected)
    cells = [
        tag(
            "span",
            class_=kind,
            style=f"flex-grow:{count}",
            title=f"{label}: {figure_of(count)} ({share_of(count, total)})",
        )
        for label, count, kind in parts
        if count
    ]
    width = f"width:{max(100 * total / whole, 0.5):.4g}%" if whole and total else "width:0"
    return tag("div", tag("div", joined(cells), class_="bar", style=width), class_="track")
