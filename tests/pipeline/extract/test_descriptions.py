"""Long descriptions that stand apart from caption and alt text."""

import json

import pytest

from pipeline.extract.document import account_for, extract_document
from schemas.records import ImageLink, Page

PROSE = (
    "<p>The red kite soars over the valley in the early morning, on its long and narrow wings.</p>"
)
LONG = "A red cup stands on the left side of a wooden table near the window."


def described(inside, head=""):
    """(description, where it stood) of each image, by the name of its file."""
    html = f"<html><head>{head}</head><body><article>{PROSE * 3}{inside}</article></body></html>"
    page = Page("key", "https://example.org/blog/kites", html.encode())
    blocks = extract_document(page).blocks
    assert account_for(page)[0].blocks == blocks
    return {
        block.url.rpartition("/")[2].partition("?")[0]: (block.description, block.described_by)
        for block in blocks
        if isinstance(block, ImageLink)
    }


def script(thing):
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ("longdesc=#d", "longdesc"),
        ("longdesc=' #d '", "longdesc"),
        ("aria-describedby=d", "aria"),
        ("aria-describedby='none d'", "aria"),
    ],
)
def test_what_an_image_points_at_on_its_page(attributes, place):
    inside = f"<img src=a.jpg {attributes}><p id=d>A red cup <b>stands</b> there.</p>"
    assert described(inside) == {"a.jpg": ("A red cup stands there.", place)}


def test_a_description_that_no_reader_sees():
    inside = f"<img src=a.jpg longdesc=#d><div id=d style='display:none'>{LONG}</div>"
    assert described(inside)["a.jpg"] in {(LONG, "longdesc"), ("", "")}


@pytest.mark.parametrize(
    "attributes", ["", "longdesc=other.html", "longdesc=#none", "aria-describedby=''"]
)
def test_an_image_that_points_at_nothing(attributes):
    assert described(f"<img src=a.jpg {attributes}>") == {"a.jpg": ("", "")}


@pytest.mark.parametrize(
    "thing",
    [
        {"@type": "ImageObject", "contentUrl": "/blog/a.jpg", "description": LONG},
        {"@type": "ImageObject", "url": "a.jpg", "caption": LONG},
        {"@type": ["Thing", "Product"], "image": ["a.jpg", "b.jpg"], "description": LONG},
        {"@type": "https://schema.org/Product", "image": {"url": "a.jpg"}, "description": LONG},
        {"@graph": [{"@type": "Product", "image": "a.jpg", "description": f"<p>{LONG}</p>&nbsp;"}]},
    ],
)
def test_linked_data_that_names_an_image_describe_it(thing):
    assert described("<img src=a.jpg>", script(thing)) == {"a.jpg": (LONG, "json-ld")}


def test_the_first_image_alone_has_what_is_said_of_several():
    thing = {"@type": "Product", "image": ["b.jpg", "a.jpg"], "description": LONG}
    found = described("<img src=a.jpg><p>And another.</p><img src=b.jpg>", script(thing))
    assert found == {"a.jpg": (LONG, "json-ld"), "b.jpg": ("", "")}


@pytest.mark.parametrize(
    "thing",
    [
        {"@type": "ImageObject", "contentUrl": "c.jpg", "description": LONG},
        {"@type": "Article", "image": "a.jpg", "description": LONG},
        {"@type": "Product", "image": "a.jpg", "description": {"@value": 3}},
        {"@type": "Product", "image": 7, "description": LONG},
        {"@type": "Product", "image": "a.jpg", "description": " <p></p> "},
    ],
)
def test_linked_data_of_other_things_say_nothing_of_it(thing):
    assert described("<img src=a.jpg>", script(thing)) == {"a.jpg": ("", "")}


def test_what_is_no_json_says_nothing():
    text = '<script type="application/ld+json">{"description": </script>'
    assert described("<img src=a.jpg>", text) == {"a.jpg": ("", "")}
