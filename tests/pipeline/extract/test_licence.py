import pytest

from pipeline.extract.document import extract_document
from schemas.records import Page

PROSE = (
    "<p>The red kite soars over the valley in the early morning, on its long and narrow wings.</p>"
)
CC = "https://creativecommons.org/licenses/by/4.0/"


def licence_of(inside, head=""):
    html = f"<html><head>{head}</head><body><article>{PROSE * 3}{inside}</article></body></html>"
    return extract_document(Page("key", "https://example.org/kites", html.encode())).licence


@pytest.mark.parametrize(
    ("head", "inside", "licence"),
    [
        ("", "", ()),
        ("<link rel=license href=/l>", "", ("https://example.org/l",)),
        ("", "<p>Under <a rel='nofollow license' href=l>these terms</a></p>", (
            "https://example.org/l",
        )),
        ("", f"<p>Under <a href={CC}>CC BY</a></p>", (CC,)),
        ("", "<p>Read of <a href=https://creativecommons.org/about>their work</a></p>", ()),
        ("<meta name=DC.rights content='All  rights reserved'>", "", ("All rights reserved",)),
        ("<meta name=description content='All rights reserved'>", "", ()),
        ("<script type='application/ld+json'>{\"license\": {\"@id\": \"x\"}}</script>", "", ("x",)),
        ("", f"<footer><p>text</p><a href={CC}><img src=by.png></a></footer>", (CC,)),
        ("<base href=https://o.example/d/>", "<p><a rel=license href=l>terms</a></p>", (
            "https://o.example/d/l",
        )),
        ("", "<p>Under <a rel='nofollow LICENSE' href=l>these terms</a></p>", (
            "https://example.org/l",
        )),
        ("", "<p>All <a href=https://creativecommons.org/licenses/>of them</a></p>", ()),
        ("", f"<div class=comments><p>{'I wrote of it. ' * 9}</p><a href={CC}>mine</a></div>", ()),
        ("<script type='application/ld+json'><!-- {\"license\": \"x\"} --></script>", "", ("x",)),
        ("<script type='application/ld+json'>//<![CDATA[\n{\"license\": \"x\"}\n//]]></script>", "", (
            "x",
        )),
        ("", f"<p>By <a itemprop=license href={CC}>CC</a> and <span>others</span></p>", (CC,)),
    ],
)  # fmt: skip
def test_what_the_page_says_of_its_licence(head, inside, licence):
    assert licence_of(inside, head) == licence


@pytest.mark.parametrize(
    "inside",
    [
        f"<figure><img src=a.jpg><figcaption>A kite, <a href={CC}>CC BY</a></figcaption></figure>",
        f"<div class=wp-caption><img src=a.jpg><p class=wp-caption-text><a href={CC}>CC</a></p></div>",
        "<div itemscope itemtype=https://schema.org/ImageObject><img src=a.jpg>"
        f"<link itemprop=license href={CC}></div>",
        '<script type="application/ld+json">{"@type": "Article", "image": '
        f'{{"@type": "ImageObject", "license": "{CC}"}}}}</script>',
    ],
)
def test_the_licence_of_an_image_is_not_the_pages(inside):
    assert licence_of(inside) == ()


def test_a_badge_in_a_figure_is_the_pages():
    assert licence_of(f"<figure><a href={CC}><img src=badge-by-large.png></a></figure>") == (CC,)
