import pytest

from pipeline.report.charts import histogram, position_of, shares_bar, spread_chart
from pipeline.report.spread import Bars, Spread


def spread_of(numbers) -> Spread:
    spread = Spread()
    spread.add(numbers)
    return spread


def test_a_histogram_has_a_bar_for_each_range_that_says_its_count():
    chart = histogram("words", spread_of([1, 1, 2, 4]))
    assert chart.count("<rect") == 4
    assert "<title>1: 2</title>" in chart
    assert "limit" not in chart


def test_the_limit_is_drawn_where_it_is():
    chart = histogram("", spread_of(range(10, 50)), limit=50.0)
    assert 'style="left:' in chart
    assert "limit 50" in chart
    assert 'limit-label left"' in chart


@pytest.mark.parametrize(
    ("number", "place"), [(0, 0.0), (15, 0.75), (20, 1.0), (99, 1.0), (-9, 0.0)]
)
def test_places_on_an_even_axis(number, place):
    assert position_of(Bars((0, 10, 20), (1, 1)), number) == place


def test_places_on_a_log_axis():
    bars = Bars((1, 4, 16), (1, 1), is_log=True)
    assert position_of(bars, 2) == pytest.approx(0.25)
    assert position_of(bars, 0) == 0.0


def test_few_numbers_are_listed():
    chart = spread_chart("", spread_of([404, 404, 301]), limit=200.0)
    assert "<svg" not in chart
    assert "<b>301</b>" in chart
    assert "<b>404</b> × 2" in chart
    assert "limit 200" in chart


def test_many_numbers_that_hardly_repeat_are_drawn():
    assert "<svg" in spread_chart("bytes", spread_of([10, 20, 30, 40, 50, 60, 60]))


def test_a_bar_of_shares():
    bar = shares_bar(60, [("language", 30), ("symbols", 10), ("none", 0)], 200)
    assert 'style="width:50%"' in bar
    assert bar.count("flex-grow") == 3
    assert 'title="language: 30 (30.0 %)"' in bar
    assert 'style="width:0"' in shares_bar(0, [], 0)
