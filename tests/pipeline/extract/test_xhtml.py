import pytest

from pipeline.extract.document import extract_document
from pipeline.extract.xhtml import as_html, is_xhtml
from schemas.records import Page

HEAD = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title><script src="a.js"/></head>'
)
TEXT = "The page goes on behind the script that a slash closes."
PAGE = f'{HEAD}<body><a id="top"/><p>{TEXT}</p><p/><img src="a.jpg" alt="x"/></body></html>'


def blocks(url, content_type="", html=PAGE):
    return extract_document(Page("k", url, html.encode(), content_type)).blocks


@pytest.mark.parametrize(
    ("url", "content_type", "html"),
    [
        ("http://a.example/p.xhtml", "", PAGE),
        ("http://a.example/p.XHT?q#f", "", PAGE),
        ("http://a.example/p", "application/xhtml+xml; charset=utf-8", PAGE),
        ("http://a.example/p.html", "text/html", f'<?xml version="1.0"?>\n{PAGE}'),
    ],
)
def test_a_script_closed_by_a_slash_takes_no_text_with_it(url, content_type, html):
    assert is_xhtml(url, content_type, html.encode())
    text, image = blocks(url, content_type, html)
    assert text.text == TEXT
    assert image.url == "http://a.example/a.jpg"


def test_html_is_read_as_browsers_read_it():
    html = "<p>Before.<a href='x'/> and behind the slash of a link.</p>"
    assert not is_xhtml("http://a.example/p.html", "text/html", html.encode())
    assert blocks("http://a.example/p.html", "text/html", html)[0].text.startswith("Before. and")


@pytest.mark.parametrize(
    ("xhtml", "html"),
    [
        ("<div/>", "<div></div>"),
        ("<a title='/>' b=\"/>\" />", "<a title='/>' b=\"/>\" ></a>"),
        ("<br/><IMG src='a'/>", "<br/><IMG src='a'/>"),
        ("<a href=x/y />", "<a href=x/y ></a>"),
        ("<p>a</p> /> <<a/>", "<p>a</p> /> <<a></a>"),
        ('<a x="', '<a x="'),
        ("<p>no slash", "<p>no slash"),
    ],
)
def test_only_what_a_slash_closes_changes(xhtml, html):
    assert as_html(xhtml) == html
