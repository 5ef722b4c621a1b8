import json

import pytest

from pipeline.extract.document import extract_document
from schemas.records import NO_RIGHTS, ImageLink, Page, Rights

PROSE = (
    "<p>The red kite soars over the valley in the early morning, on its long and narrow wings.</p>"
)
CC = "https://creativecommons.org/licenses/by/4.0/"
SCOPE = "itemscope itemtype=https://schema.org/ImageObject"


def rights_of(inside, head=""):
    """The rights of each image, by the name of its file."""
    html = f"<html><head>{head}</head><body><article>{PROSE * 3}{inside}</article></body></html>"
    blocks = extract_document(Page("key", "https://example.org/blog/kites", html.encode())).blocks
    return {
        block.url.rpartition("/")[2].partition("?")[0]: block.rights
        for block in blocks
        if isinstance(block, ImageLink)
    }


def linked(**fields):
    text = json.dumps({"@type": "ImageObject"} | fields)
    return f'<script type="application/ld+json">{text}</script>'


def test_an_image_of_which_nothing_is_said():
    assert rights_of("<img src=a.jpg>") == {"a.jpg": NO_RIGHTS}
    assert rights_of("<figure><img src=a.jpg><figcaption>A kite</figcaption></figure>") == {
        "a.jpg": NO_RIGHTS
    }


@pytest.mark.parametrize(
    "image",
    [
        "<img src=/p/a.jpg>",
        "<img src=b.jpg srcset='https://example.org/p/a.jpg 300w, b.jpg 900w'>",
        "<img src=b.jpg data-src=../p/a.jpg>",
        "<picture><source srcset=/p/a.jpg><img src=b.jpg></picture>",
        "<a href=/p/a.jpg><img src=b.jpg></a>",
        "<img src='/p/a.jpg?w=300'>",
    ],
)
@pytest.mark.parametrize("field", ["contentUrl", "url", "thumbnailUrl"])
def test_json_ld_is_matched_by_any_url_of_the_image(image, field):
    (rights,) = rights_of(linked(**{field: "/p/a.jpg", "license": "/l"}) + image).values()
    assert rights == Rights(license="https://example.org/l", found="license: json-ld")


@pytest.mark.parametrize(
    "script",
    [
        linked(contentUrl="/p/b.jpg", license=CC),
        linked(contentUrl="/p/a.jpg", name="A kite"),
        linked(license=CC),
        linked(contentUrl="/p/a.jpg", license=CC).replace("ImageObject", "Article"),
        '<script type="application/ld+json">{"ImageObject": "license"</script>',
    ],
)
def test_json_ld_of_other_things_says_nothing_of_the_image(script):
    assert rights_of(script + "<img src=/p/a.jpg>") == {"a.jpg": NO_RIGHTS}


def test_a_query_that_names_another_image_is_no_match():
    script = linked(contentUrl="https://example.org/image.php?id=1&l=a.jpg", license=CC)
    (rights,) = rights_of(script + "<img src='/image.php?id=2&l=a.jpg'>").values()
    assert rights == NO_RIGHTS


def test_a_url_to_the_letter_goes_before_one_without_its_query():
    scripts = linked(contentUrl="/a.jpg?w=9", creator="Nine") + linked(
        contentUrl="/a.jpg?w=5", creator={"@type": "Person", "name": "Five"}
    )
    assert rights_of(scripts + "<img src='/a.jpg?w=5'>")["a.jpg"].creator == "Five"
    assert rights_of(scripts + "<img src='/a.jpg?w=7'>")["a.jpg"].creator == "Nine\nFive"


def test_microdata_within_and_by_url():
    within = (
        f"<div {SCOPE}><img itemprop=contentUrl src=a.jpg>"
        "<span itemprop=license> https://example.org/l</span>"
        "<span itemprop=creator itemscope itemtype=https://schema.org/Person>"
        "<meta itemprop=name content='Jane Doe'></span>"
        "<span itemprop=copyrightHolder>Kite <b>Lab</b></span></div>"
    )
    found = "license: microdata; creator: microdata; copyright: microdata"
    rights = Rights("https://example.org/l", "", "", "Jane Doe", "Kite Lab", found)
    assert rights_of(within + "<img src=b.jpg>") == {"a.jpg": rights, "b.jpg": NO_RIGHTS}
    apart = (
        f"<img src=a.jpg><div {SCOPE}><meta itemprop=contentUrl content=/blog/a.jpg>"
        "<link itemprop=acquireLicensePage href=/buy><meta itemprop=creditText content=Lab></div>"
    )
    rights = Rights(
        "", "https://example.org/buy", "Lab", found="acquire: microdata; credit: microdata"
    )
    assert rights_of("<img src=b.jpg>" + apart) == {"b.jpg": NO_RIGHTS, "a.jpg": rights}


def test_a_scope_in_a_figure_keeps_what_it_says_to_its_image():
    figure = (
        f"<figure><div {SCOPE}><img src=a.jpg><meta itemprop=creditText content=A></div>"
        f"<div {SCOPE}><img src=b.jpg><meta itemprop=creditText content=B></div>"
        "<meta itemprop=copyrightNotice content=Lab></figure>"
    )
    rights = rights_of(figure)
    assert [(one.credit, one.copyright) for one in rights.values()] == [("A", "Lab"), ("B", "Lab")]


@pytest.mark.parametrize(
    ("credit", "rights"),
    [
        ("<span class=photo-credit>Jane  Doe</span>", Rights(credit="Jane Doe")),
        ("<div class='image__Credits'>Jane</div>", Rights(credit="Jane")),
        ("<div class=story-image-copyright>EPA</div>", Rights(copyright="EPA")),
        ("<div class=credit><span class=credit>Jane</span></div>", Rights(credit="Jane")),
        ("<p class=credits>A kite<span itemprop=creator>Jane</span></p>", Rights(creator="Jane")),
        ("<div class=author-attribution>Jane</div>", NO_RIGHTS),
        (f"<div class=credit>{'word ' * 50}</div>", NO_RIGHTS),
        ("<div class=credit></div>", NO_RIGHTS),
    ],
)
def test_credits_in_the_figure_by_class(credit, rights):
    (found,) = rights_of(f"<figure><img src=a.jpg>{credit}</figure>").values()
    assert found == Rights(*(getattr(rights, n) for n in Rights.__slots__[:5]), found=found.found)
    assert bool(found.found) == (rights != NO_RIGHTS)


def test_a_folded_credit_is_read():
    figure = (
        f"<figure><img src=a.jpg><div class='credit share'>Jane <a href={CC}>CC</a></div></figure>"
    )
    assert rights_of(figure)["a.jpg"] == Rights(
        CC, credit="Jane CC", found="license: link; credit: class"
    )


def test_what_an_opened_element_says_is_heard():
    """A page with little else than what its names give away as boilerplate is read after all."""
    html = (
        f"<body><div class=sidebar>{PROSE * 4}<div {SCOPE}><img src=a.jpg>"
        f"<link itemprop=license href={CC}></div>{PROSE * 4}</div></body>"
    )
    blocks = extract_document(Page("key", "https://example.org/", html.encode())).blocks
    assert [b.rights.license for b in blocks if isinstance(b, ImageLink)] == [CC]


def test_a_credit_outside_of_the_figure_is_of_no_image():
    html = "<figure><img src=a.jpg></figure><div class=credit>Jane</div>"
    assert rights_of(html) == {"a.jpg": NO_RIGHTS}


def test_an_attribute_of_the_image_comes_first():
    figure = "<figure><img src=a.jpg data-credit=EPA><p class=credit>Jane</p><p class=credit>EPA</p></figure>"
    assert rights_of(figure)["a.jpg"] == Rights(
        credit="EPA\nJane", found="credit: attribute, class"
    )


def test_a_badge_has_not_the_licence_it_links_to():
    assert rights_of(f"<figure><a href={CC}><img src=by-banner.jpg></a></figure>") == {
        "by-banner.jpg": NO_RIGHTS
    }


def test_a_figure_around_half_of_the_page_is_of_no_image():
    inside = f"<img src=a.jpg><p class=credit>Jane</p>{'<p><span>A word.</span></p>' * 300}"
    assert rights_of(f"<figure>{inside}</figure>")["a.jpg"] == NO_RIGHTS


def test_a_page_that_repeats_itself_without_end_is_heard_for_a_while():
    things = [
        {"@type": "ImageObject", "url": f"/a.jpg?{i}", "creator": f"{i}"} for i in range(5000)
    ]
    script = f'<script type="application/ld+json">{json.dumps(things)}</script>'
    images = "".join(f"<img src='/a.jpg?w{i}'>" for i in range(2000))
    links = f"<figure><img src=b.jpg>{f'<a href={CC}>CC</a>' * 5000}</figure>"
    rights = rights_of(script + images + links)
    assert rights["a.jpg"].creator.split("\n") == [str(i) for i in range(32)]
    assert rights["b.jpg"].license == CC
