"""Curves over steps as inline SVG: a smooth line, the range behind it, ticks, a legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model.report.curves import Point
from model.report.markup import Markup, figure_of, tag

WIDTH, HEIGHT = 560.0, 210.0
"""Of a drawing, in its own units."""

LEFT, RIGHT, TOP, BOTTOM = 52.0, 10.0, 8.0, 22.0
"""Room around the plot for its ticks."""

CELLS = 48
"""Columns that tell their values when pointed at."""

_OUTLIERS = 0.005
"""Share of the ranges' ends that may lie outside of a plot, so that a spike does not flatten it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Attributes:
        name: in the legend.
        colour: its class in the page's style: a corpus's name, or `plain`.
        points: in order of steps.
    """

    name: str
    colour: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Frame:
    """The steps and values that a plot shows, and where they lie."""

    first: float
    last: float
    low: float
    high: float

    def x(self, step: float) -> float:
        """Where a step lies."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (step - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        """Where a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def line_chart(title: str, note: str, lines: Sequence[Line], *, zero: bool = False) -> Markup:
    """A figure of some curves; nothing where none has a point.

    Args:
        title: what is drawn.
        note: a sentence that says how to read it; may be empty.
        lines: the curves.
        zero: whether 0 must be in sight.
    """
    lines = [line for line in lines if line.points]
    if not lines:
        return Markup()
    frame = _frame(lines, zero)
    drawing = tag(
        "svg",
        _grid(frame),
        tag("svg", *[_curve(line, frame) for line in lines], **_inside(), class_="plot"),
        *_cells(lines, frame),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
        aria_label=title,
    )
    told = [tag("p", note, class_="note")] if note else []
    return tag("figure", tag("figcaption", title), *told, _legend(lines), drawing)


def _inside() -> dict[str, float | str]:
    """The window of the plot alone: what lies outside of it is cut off."""
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    box = f"{LEFT:g} {TOP:g} {width:g} {height:g}"
    return {"x": LEFT, "y": TOP, "width": width, "height": height, "viewBox": box}


def _frame(lines: Sequence[Line], zero: bool) -> Frame:
    points = [point for line in lines for point in line.points]
    lows, highs = sorted(p.low for p in points), sorted(p.high for p in points)
    cut = int(len(points) * _OUTLIERS)
    low = min(lows[cut], min(p.smooth for p in points), *([0.0] if zero else []))
    high = max(highs[-1 - cut], max(p.smooth for p in points), *([0.0] if zero else []))
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-30):
        low, high = (0.0, 2 * high) if high > 0 else (low - 1, high + 1)
    first, last = min(p.step for p in points), max(p.step for p in points)
    return Frame(first, last if last > first else first + 1, low, high)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers in a range, some `about` of them: 1, 2 or 5 times a power of ten apart."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    apart = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    begin = math.ceil(low / apart - 1e-9)
    count = math.floor(high / apart + 1e-9) - begin + 1
    return [(begin + i) * apart for i in range(count)]


def _grid(frame: Frame) -> Markup:
    parts = []
    for value in ticks(frame.low, frame.high, 4):
        y = frame.y(value)
        kind = "zero" if value == 0 else "grid"
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_=kind))
        parts.append(tag("text", figure_of(value), x=LEFT - 6, y=y + 3.5, class_="tick end"))
    for step in ticks(frame.first, frame.last, 5):
        if step == int(step):
            x, text = frame.x(step), figure_of(step)
            parts.append(tag("text", text, x=x, y=HEIGHT - 6, class_="tick middle"))
    return tag("g", *parts)


def _curve(line: Line, frame: Frame) -> Markup:
    """The range as an area, the smooth line upon it; a dot where there is but one point."""
    if len(line.points) == 1:
        (point,) = line.points
        dot = tag("circle", cx=frame.x(point.step), cy=frame.y(point.smooth), r=3)
        return tag("g", dot, class_=f"line {line.colour}")
    upper = [(frame.x(p.step), frame.y(p.high)) for p in line.points]
    lower = [(frame.x(p.step), frame.y(p.low)) for p in reversed(line.points)]
    raw = [(frame.x(p.step), frame.y(p.mean)) for p in line.points]
    smooth = [(frame.x(p.step), frame.y(p.smooth)) for p in line.points]
    return tag(
        "g",
        tag("polygon", points=_path([*upper, *lower]), class_="range"),
        tag("polyline", points=_path(raw), class_="raw"),
        tag("polyline", points=_path(smooth), class_="smooth"),
        class_=f"line {line.colour}",
    )


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _cells(lines: Sequence[Line], frame: Frame) -> list[Markup]:
    """Columns that say, when pointed at, what the curves are there."""
    width = (WIDTH - LEFT - RIGHT) / CELLS
    told: dict[int, dict[str, Point]] = {}
    for line in lines:
        for point in line.points:
            cell = min(CELLS - 1, int((frame.x(point.step) - LEFT) / width))
            told.setdefault(cell, {})[line.name] = point
    return [
        tag(
            "rect",
            tag("title", _told(told[cell])),
            x=LEFT + cell * width,
            y=TOP,
            width=width,
            height=HEIGHT - TOP - BOTTOM,
            class_="cell",
        )
        for cell in sorted(told)
    ]


def _told(values: dict[str, Point]) -> str:
    step = max(point.step for point in values.values())
    parts = [
        f"{name} {figure_of(p.mean)} (smooth {figure_of(p.smooth)})" for name, p in values.items()
    ]
    return "\n".join([f"step {step:.0f}", *parts])


def _legend(lines: Sequence[Line]) -> Markup:
    """The curves' names with where each stands at the end."""
    return tag(
        "div",
        *[
            tag(
                "span",
                tag("i", class_=f"key {line.colour}"),
                *([f"{line.name} "] if line.name else []),
                tag("b", figure_of(line.points[-1].smooth)),
            )
            for line in lines
        ],
        class_="legend",
    )
