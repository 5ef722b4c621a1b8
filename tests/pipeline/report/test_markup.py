import math
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.markup import (
    Markup,
    bytes_of,
    count_of,
    escaped,
    figure_of,
    is_web,
    joined,
    link,
    rounded,
    share_of,
    tag,
)

ANYTHING = st.text() | st.text("<>&\"'/= \x00\n\ud800abc-!")


class Events(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.text = [], {}, ""
        self.feed(page)
        self.close()

    def handle_starttag(self, element, attributes):
        self.elements.append(element)
        self.attributes |= dict(attributes)

    def handle_data(self, data):
        self.text += data


@given(ANYTHING, ANYTHING)
def test_text_and_attributes_never_become_elements(text, value):
    events = Events(tag("p", text, title=value))
    assert events.elements == ["p"]
    assert list(events.attributes) == ["title"]
    assert len(events.text) == len(text)


@given(ANYTHING)
def test_text_can_be_written_as_utf8(text):
    assert escaped(text).encode("utf-8").decode("utf-8") == escaped(text)


def test_markup_is_not_escaped_twice():
    assert tag("p", tag("b", "a < b")) == "<p><b>a &lt; b</b></p>"
    assert joined([Markup("<i>"), "<"], ", ") == "<i>, &lt;"
    assert escaped(escaped("&")) == "&amp;"


def test_attributes_are_spelled_as_html_does():
    assert tag("img", class_="a", data_name="b", alt="", src=None) == (
        '<img class="a" data-name="b" alt="">'
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "file:///etc/passwd",
        "http:relative",
        "//host/path",
        "http://[broken",
        "",
    ],
)
def test_only_the_web_is_linked(url):
    assert not is_web(url)
    assert "href" not in link(url)


def test_a_link_tells_its_host_nothing():
    shown = link('https://example.org/"onmouseover=alert(1)')
    assert 'rel="noreferrer noopener nofollow"' in shown
    assert list(Events(shown).attributes) == ["href", "rel", "class"]


def test_a_url_cannot_turn_its_letters_around_nor_fill_the_page():
    assert "\u202e" not in tag("i", link("https://example.org/\u202egpj.exe")).split(">", 2)[2]
    assert len(Events(link("https://example.org/" + "a" * 5000)).text) < 130


def test_a_short_link_shows_the_host_or_the_name_of_a_file():
    assert Events(link("https://example.org/a/b.html", is_short=True)).text == "example.org"
    short = Events(link("file:///home/site/page.html", is_short=True))
    assert short.text == "page.html"
    assert short.attributes["title"] == "file:///home/site/page.html"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, "–"), (math.nan, "–"), (3, "3"), (1234567, "1,234,567"), (0.123456, "0.1235")],
)
def test_figures(number, shown):
    assert figure_of(number) == shown


def test_rounded():
    assert [rounded(x) for x in (404, 14336, 0.98765, 12345.6)] == [
        "404",
        "14,300",
        "0.988",
        "12,300",
    ]


def test_bytes():
    assert [bytes_of(x) for x in (0, 999, 1500, 2.5e12, 3e15)] == [
        "0\xa0B",
        "999\xa0B",
        "1.5\xa0kB",
        "2.5\xa0TB",
        "3,000.0\xa0TB",
    ]


def test_shares_never_round_to_none_or_all():
    shares = [share_of(a, b) for a, b in ((0, 5), (5, 5), (1, 2), (1, 10**6), (10**6 - 1, 10**6))]
    assert shares == ["0 %", "100 %", "50.0 %", "<0.1 %", ">99.9 %"]
    assert share_of(0, 0) == "–"


def test_counts():
    assert [count_of(n, "shard") for n in (0, 1, 1200)] == ["0 shards", "1 shard", "1,200 shards"]
