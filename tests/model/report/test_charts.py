import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.report.charts import HEIGHT, WIDTH, Line, line_chart, ticks
from model.report.curves import curve_of
from model.report.history import Series
from model.report.markup import Markup, escaped, figure_of, tag


def line(name: str, values: list[float], first: int = 1) -> Line:
    return Line(name, name, curve_of(Series(range(first, first + len(values)), values)))


def places(figure: ET.Element, kind: str) -> list[list[tuple[float, float]]]:
    """The points of the lines of a class."""
    return [
        [tuple(map(float, place.split(","))) for place in shape.attrib["points"].split()]  # type: ignore[misc]
        for shape in figure.iter("polyline")
        if shape.get("class") == kind
    ]


def test_a_falling_loss_falls_on_the_page() -> None:
    chart = line_chart("Loss", "in nats", [line("m3w", [5.0 - n / 10 for n in range(40)])])
    figure = ET.fromstring(chart)
    (raw,) = places(figure, "raw")
    assert len(raw) == 40
    xs, ys = zip(*raw, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys)  # down the page
    assert all(0 <= x <= WIDTH for x in xs)
    assert all(0 <= y <= HEIGHT for y in ys)
    assert figure.findtext("figcaption") == "Loss"
    assert next(figure.iter("title")).text.splitlines()[0] == "step 1"


def test_lines_share_a_scale_and_have_their_own_colours() -> None:
    figure = ET.fromstring(line_chart("x", "", [line("m3w", [1.0] * 9), line("vtp", [2.0] * 9)]))
    low, high = (ys[0][1] for ys in places(figure, "smooth"))
    assert high < low
    groups = [g.get("class") for g in figure.iter("g") if "line" in (g.get("class") or "")]
    assert groups == ["line m3w", "line vtp"]
    legend = figure.find("div")
    assert legend is not None
    assert [span.findtext("b") for span in legend] == ["1", "2"]


def test_zero_is_in_sight_where_it_must_be() -> None:
    shown = line_chart("x", "", [line("m3w", [5.0, 6.0])], zero=True)
    assert 'class="zero"' in shown
    assert 'class="zero"' not in line_chart("x", "", [line("m3w", [5.0, 6.0])])


def test_one_spike_does_not_flatten_the_rest() -> None:
    values = [1.0 + (n % 5) / 10 for n in range(200)]
    values[100] = 1e4
    figure = ET.fromstring(line_chart("x", "", [line("m3w", values)]))
    (raw,) = places(figure, "raw")
    ys = sorted(y for _, y in raw)
    assert ys[0] < -100  # the spike, cut off by the plot's own window
    inner = next(svg for svg in figure.iter("svg") if svg.get("class") == "plot")
    assert float(inner.attrib["height"]) < HEIGHT


@pytest.mark.parametrize("values", [[3.0], [0.0], [0.0, 0.0], [-2.0, -2.0], [1e-30, 2e-30], [4e11]])
def test_few_or_equal_values_are_drawn(values: list[float]) -> None:
    figure = ET.fromstring(line_chart("x", "", [line("m3w", values)]))
    if len(values) == 1:
        assert len(list(figure.iter("circle"))) == 1
    numbers = re.findall(r"-?\d+\.?\d*(?:e-?\d+)?|nan|inf", ET.tostring(figure, "unicode"))
    assert not {"nan", "inf"} & set(numbers)


def test_no_line_is_no_chart() -> None:
    assert line_chart("x", "", []) == line_chart("x", "", [line("m3w", [])]) == ""


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 8))
def test_ticks_are_in_their_range_and_evenly_apart(low: float, width: float, about: int) -> None:
    high = low + width
    if high - low < 1e-6 * abs(low):
        return  # closer than a float of this size can tell
    found = ticks(low, high, about)
    slack = 1e-6 * (high - low)
    assert all(low - slack <= value <= high + slack for value in found)
    assert len(found) <= about + 2
    gaps = [b - a for a, b in pairwise(found)]
    assert all(one == pytest.approx(gaps[0], rel=1e-6) for one in gaps)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (812, "812"),
        (0.03123, "0.0312"),
        (2.414, "2.41"),
        (1234.5, "1234"),
        (12_345, "12.3k"),
        (999_999, "1M"),
        (9_999.6, "10k"),
        (4.5e12, "4.5T"),
        (-2e6, "-2M"),
        (3e22, "3e+22"),
        (1e-5, "1e-05"),
    ],
)
def test_figures_are_short(number: float, text: str) -> None:
    assert figure_of(number) == text


def test_markup_escapes_what_is_not_markup() -> None:
    assert tag("p", "<b>&\x00", title='"', class_="x", id=None) == (
        '<p title="&quot;" class="x">&lt;b&gt;&amp;\ufffd</p>'
    )
    assert escaped(Markup("<b>")) == "<b>"
    assert tag("img", src="data:", alt="") == '<img src="data:" alt="">'
