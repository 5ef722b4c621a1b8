"""HTML and truth agree: every text and every image, in order, as another parser reads them."""

from random import Random
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup, Comment, Doctype, NavigableString

from pipeline.sample_web.idioms import IDIOMS
from pipeline.sample_web.parts import Shot
from pipeline.sample_web.pictures import paint_scene
from pipeline.sample_web.scenes import draw_scene
from pipeline.sample_web.writer import PageWriter

CODECS = {
    "utf-8": "utf-8",
    "utf-8-header": "utf-8",
    "utf-8-meta": "utf-8",
    "latin-1-header": "latin-1",
    "cp1252-meta": "cp1252",
    "utf-16-bom": "utf-16",
    "utf-8-bom": "utf-8-sig",
}
URL = "https://host.example/a/b/page.html"


def stream_of(soup):
    """A page's texts and the attributes of its elements, in document order, as one string."""
    pieces = []
    for node in soup.descendants:
        if isinstance(node, NavigableString):
            if not isinstance(node, Comment | Doctype):
                pieces.append(str(node))
        elif node.name in ("img", "amp-img", "source", "video", "div"):
            values = [node.get(name, "") for name in ("src", "srcset", "style", *LAZY)]
            pieces.append(f" \x01{unquote(' '.join(values))}\x01 ")
    return " ".join("".join(pieces).split())


LAZY = ("data-src", "data-original", "data-srcset")


def needle_of(item):
    if item["kind"] == "text":
        return item["text"]
    parts = urlsplit(item["url"])
    name = parts.path.rsplit("/", 1)[-1]
    return unquote(name if "." in name else parts.query.split("&")[0])


def test_every_truth_stands_in_the_page_in_order(small_pages):
    for page in small_pages[:90]:
        html = page.resources[0].body.decode(CODECS[page.truth["charset"]])
        stream = stream_of(BeautifulSoup(html, "lxml"))
        at = 0
        for item in page.truth["content"]:
            found = stream.find(needle_of(item), at)
            assert found >= 0, (page.truth["url"], item)
            at = found + (len(item["text"]) if item["kind"] == "text" else 0)


def test_every_content_image_can_be_fetched(small_pages):
    served = {r.url: r for page in small_pages for r in page.resources}
    for page in small_pages:
        for image in page.truth["images"]:
            assert (image["url"] in served and served[image["url"]].status == 200) or image["dead"]
        listed = {image["url"] for image in page.truth["images"]}
        shown = {item["url"] for item in page.truth["content"] if item["kind"] == "image"}
        assert shown <= listed


def test_urls_are_ascii(small_pages):
    assert all(r.url.isascii() and " " not in r.url for p in small_pages for r in p.resources)


@pytest.fixture(scope="module")
def shot():
    scene = draw_scene(Random(1))
    file = paint_scene(scene, (80, 70), "jpeg")
    return Shot(file, "a-name", 'A "red" & blue cup', "", "a cup", scene=scene)


def links_in(html, base):
    """All links of a piece of HTML, resolved as a browser does."""
    soup = BeautifulSoup(html, "lxml")
    links = []
    for node in soup.find_all(True):
        values = [node.get(name, "") for name in ("src", *LAZY[:2])]
        values += [part.split()[0] for part in node.get("srcset", "").split(", ") if part]
        values += [part.split()[0] for part in node.get("data-srcset", "").split(", ") if part]
        style = node.get("style", "")
        values += [style.split("'")[1]] if "url('" in style else []
        links += [_ascii(urljoin(base, value)) for value in values if value]
    return links


def _ascii(url):
    if url.startswith("data:"):
        return url
    parts = urlsplit(url)
    host = parts.netloc.encode("idna").decode()
    return parts._replace(netloc=host, path=quote(parts.path, safe="/,%")).geturl()


@pytest.mark.parametrize("idiom", IDIOMS)
def test_idiom_leads_to_its_url(idiom, shot):
    writer = PageWriter(URL, Random(0), idiom)
    placed = IDIOMS[idiom](writer, shot)
    assert placed.url in links_in(placed.html, writer.base or URL)
    assert placed.url in writer.ledger.resources
    assert all(url in writer.ledger.resources for url in placed.also)
    assert writer.ledger.images[placed.url]["idiom"] == idiom
    assert placed.alt in (shot.alt, "")


@pytest.mark.parametrize("idiom", IDIOMS)
def test_idiom_of_a_dead_link(idiom, shot):
    dead = Shot(None, "gone", "Gone")
    writer = PageWriter(URL, Random(0), idiom)
    placed = IDIOMS[idiom](writer, dead)
    assert writer.ledger.images[placed.url]["dead"]
    assert writer.ledger.images[placed.url]["content"] is False


def test_headings_lists_tables_quotes():
    writer = PageWriter(URL, Random(0), "absolute")
    writer.heading(2, "A & B")
    writer.listing(["one", "two"])
    writer.quote("Said so.")
    writer.table(("H", ""), [(None, ("x", "y"))])
    told = [(item["role"], item["text"]) for item in writer.ledger.content]
    assert told == [
        ("heading", "A & B"),
        ("list_item", "one"),
        ("list_item", "two"),
        ("quote", "Said so."),
        ("table_cell", "H"),
        ("table_cell", "x"),
        ("table_cell", "y"),
    ]
    assert "A &amp; B" in writer.html()


def test_an_edited_paragraph_says_so():
    writer = PageWriter(URL, Random(0), "absolute", edited=(2,))
    writer.paragraph("It rains.")
    writer.paragraph("It snows.")
    assert [item["text"] for item in writer.ledger.content] == [
        "It rains.",
        "It snows, or so it is said.",
    ]


def test_the_same_picture_keeps_its_own_url(shot):
    writer = PageWriter(URL, Random(0), "relative")
    pooled = Shot(shot.file, "x", "y", url="https://pool.example/x.jpg")
    writer.photo(pooled)
    assert writer.ledger.content[0]["url"] == "https://pool.example/x.jpg"
