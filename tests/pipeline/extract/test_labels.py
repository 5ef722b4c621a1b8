"""Texts that a template says are told from those of the page."""

import pytest

from pipeline.extract.document import extract_document
from pipeline.extract.items import Item
from pipeline.extract.labels import is_label
from pipeline.extract.tree import Node
from schemas.records import ImageLink, Page, Role, TextBlock

PROSE = "The old lighthouse at the end of the pier was painted white again by its keeper, {}."


def text(words: str, role: Role = Role.PARAGRAPH, links: int = 0) -> Item:
    return Item(Node("p", {}, None), words, role, links)


def extract(body: str, head: str = "") -> tuple:
    html = f"<html><head>{head}</head><body>{body}</body></html>"
    return extract_document(Page("0" * 32, "https://example.org/a", html.encode())).blocks


def texts(blocks: tuple) -> list[str]:
    return [block.text for block in blocks if isinstance(block, TextBlock)]


def article(*inside: str) -> str:
    prose = "".join(f"<p>{PROSE.format(year)}</p>" for year in range(1901, 1909))
    return f"<article><h1>The white lighthouse</h1>{prose}{''.join(inside)}</article>"


@pytest.mark.parametrize(
    "words",
    ["Close", "Advertisement", "Image 2 of 5", "3 / 12", "Read more", "Share this article", "6",
     "___", "………………..", "* * *", "Loading posts…", "Previous", "Next post", "My Account",
     "No products in the cart.", "Your basket is currently empty.", "Photo: Hau Dinh, AP", "(Image credit: SpaceX)", "Image copyright Getty Images",
     "Follow Newsbeat on Instagram, Facebook and Twitter.", "Subscribe to our weekly letter.",
     "Get the latest updates right in your inbox.", "This slideshow requires JavaScript."],
)  # fmt: skip
def test_a_template_s_own_words_are_labels(words):
    assert is_label(text(words))


@pytest.mark.parametrize(
    "words",
    ["Close the valve before you open the tank.", "Share the dough out among the tins.", "Yes",
     "Photographs from the voyage show a calm sea.", "Follow these steps:", "Print the pattern twice.",
     "Loading the truck took an hour", "Next door", "Previous owners", "My account of the war",
     "Download the file and open it.", "Get a bowl and a spoon.", "Related species live further north."],
)  # fmt: skip
def test_sentences_that_begin_like_a_label_are_text(words):
    assert not is_label(text(words))


def test_a_teaser_is_one_by_its_link():
    words = "Related: the ten tallest lighthouses of the coast"
    assert is_label(text(words, links=len(words)))
    assert not is_label(text(words))


def test_a_caption_may_be_a_credit():
    assert not is_label(text("Photo: Hau Dinh, AP", Role.CAPTION))


def test_a_caption_said_twice_is_said_once_and_stays_with_both_images():
    figure = '<figure><img src="{}.jpg"><figcaption>The keeper waves from the gallery.</figcaption></figure>'
    blocks = extract(article(figure.format("small"), figure.format("large")))
    assert texts(blocks).count("The keeper waves from the gallery.") == 1
    images = [block for block in blocks if isinstance(block, ImageLink)]
    assert [image.caption for image in images] == ["The keeper waves from the gallery."] * 2


def test_the_caption_of_another_picture_stays_though_it_says_the_same():
    caption = "The harbour before sunrise, seen from the northern pier. Photo: Ann Kelp"
    figure = f'<figure><img src="{{}}.jpg"><figcaption>{caption}</figcaption></figure>'
    both = extract(article(figure.format("boats-300x200"), figure.format("gulls-300x200")))
    assert texts(both).count(caption) == 2
    sizes = extract(article(figure.format("boats-300x200"), figure.format("boats-large")))
    assert texts(sizes).count(caption) == 1


def test_a_page_that_repeats_itself_throughout_is_left_to_the_repetition_filter():
    same = f"<p>{PROSE.format('again')}</p>"
    assert len(texts(extract(f"<main>{same * 6}</main>"))) == 6


def test_links_in_a_row_are_no_part_of_an_article():
    links = "".join(f'<li><a href="/{n}">Another story of the coast {n}</a></li>' for n in range(4))
    kept = texts(extract(article(f"<ul>{links}</ul>")))
    assert not any("Another story" in words for words in kept)


def test_two_links_in_a_list_stay():
    links = "".join(f'<li><a href="/{n}">The source of figure {n}</a></li>' for n in range(2))
    assert "The source of figure 1" in texts(extract(article(f"<ul>{links}</ul>")))


def test_text_before_the_headline_is_another_s():
    before = (
        "<div><p>Breaking: a ship has run aground off the northern cape this morning.</p></div>"
    )
    title = "<title>The white lighthouse - The Coast</title>"
    kept = texts(extract(f"<div>{before}{article()}</div>", title))
    assert kept[0] == "The white lighthouse"


def test_a_listing_keeps_its_cards():
    card = (
        '<li><article><a href="/{n}"><img src="{n}.jpg" alt=""></a><h2><a href="/{n}">Story {n} of the coast'
        "</a></h2><p>What happened on the coast on day {n}, told by those who were there.</p></article></li>"
    )
    cards = "".join(card.format(n=n) for n in range(6))
    note = '<script type="application/ld+json">{"@type": "CollectionPage"}</script>'
    page = extract(f"<main><h1>All stories of the coast</h1><ol>{cards}</ol></main>", note)
    assert sum(isinstance(block, ImageLink) for block in page) == 6
    assert sum("told by those" in words for words in texts(page)) == 6


@pytest.mark.parametrize(
    "panel",
    ['role="tabpanel" aria-hidden="true"', 'class="faq-answer" hidden', 'id="accordion-2" hidden'],
)
def test_what_a_reader_unfolds_is_content(panel):
    answer = f"<div {panel}><p>{PROSE.format('folded')}</p></div>"
    assert PROSE.format("folded") in texts(extract(article(answer)))


def test_what_no_reader_sees_is_none():
    hidden = f'<div hidden class="tracker"><p>{PROSE.format("unseen")}</p></div>'
    assert PROSE.format("unseen") not in texts(extract(article(hidden)))


def test_names_that_a_tool_made_say_nothing():
    own = f'<div class="e1e566ad elementor-ad465d5"><p>{PROSE.format("kept")}</p></div>'
    assert PROSE.format("kept") in texts(extract(article(own)))


def test_words_that_two_spans_part_are_not_glued():
    credit = "<figure><img src=a.jpg><figcaption><span>Credit</span>Danielle Chenette</figcaption></figure>"
    assert "Credit Danielle Chenette" in texts(extract(article(credit)))


@pytest.mark.parametrize(
    ("words", "links", "anchors", "is_menu"),
    [
        ("Home | About us | Contact | Jobs", 23, 4, True),
        ("Web • Texts • Audio • Software", 21, 4, True),
        ("Red | green | blue | white", 0, 0, False),
        ("Kites, kestrels and buzzards are treated at length", 44, 4, False),
        ("See kites | kestrels | buzzards | eagles and all that is known of them", 24, 4, False),
    ],
)
def test_a_row_of_links_with_marks_between_is_a_menu(words, links, anchors, is_menu):
    item = text(words, Role.TABLE_CELL, links)
    item.anchors = anchors
    assert is_label(item) is is_menu


def test_links_in_rows_with_a_header_cell_are_values():
    rows = "".join(
        f'<tr><th>{name}</th><td><a href="/{value}">{value}</a></td></tr>'
        for name, value in (("Capital", "Wellington"), ("Monarch", "Elizabeth"), ("Side", "Left"))
    )
    menu = "".join(f'<tr><td><a href="/{n}">Island number {n}</a></td></tr>' for n in range(5))
    found = texts(extract(article(f"<table>{rows}</table><p>{PROSE}</p><table>{menu}</table>")))
    assert {"Wellington", "Elizabeth", "Left"} <= set(found)
    assert not any(words.startswith("Island number") for words in found)
