import re
from dataclasses import replace

import pytest

from pipeline.report.gallery import pair_card, sequence_card
from pipeline.report.samples import Shown
from schemas.records import ImagePart, Role, TextPart

URI = "data:image/jpeg;base64,AAAA"


def shown_of(record, corpus="m3w", thumbnails=(URI, URI)) -> Shown:
    return Shown(corpus, record.key, f"{corpus}/{corpus}-000000.tar", record, thumbnails)


def words_in(card: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", card))


def test_parts_stand_in_the_order_of_the_sequence(make):
    card = sequence_card(shown_of(make.sequence(3)))
    order = [
        "Heading 3",
        "number 3 fly",
        URI,
        "First, look up.",
        URI,
        "Then count",
        "wing",
        "x = 1",
    ]
    places, start = [], 0
    for one in order:
        start = card.index(one, start)
        places.append(start)
    assert places == sorted(places)


def test_neighbouring_items_make_one_list_and_cells_one_row(make):
    parts = (
        TextPart("one", Role.LIST_ITEM),
        TextPart("two", Role.LIST_ITEM),
        TextPart("a", Role.TABLE_CELL),
        TextPart("b", Role.TABLE_CELL),
        TextPart("between"),
        TextPart("three", Role.LIST_ITEM),
    )
    card = sequence_card(shown_of(replace(make.sequence(1), parts=parts)))
    assert '<ul><li dir="auto">one</li><li dir="auto">two</li></ul>' in card
    assert '<div class="cells"><span dir="auto">a</span><span dir="auto">b</span></div>' in card
    assert card.count("<ul>") == 2


def test_each_role_has_its_element(make):
    card = sequence_card(shown_of(make.sequence(1)))
    for element in ("h4", "p", "li", "pre", "blockquote", "figure"):
        assert f"<{element}" in card


def test_a_caption_that_is_a_text_too_is_shown_once(make):
    image = ImagePart("https://example.org/1.jpg", make.image(1), caption="A goose at dusk.")
    parts = (image, TextPart("A goose at dusk.", Role.CAPTION))
    card = sequence_card(shown_of(replace(make.sequence(1), parts=parts)))
    assert card.count("A goose at dusk.") == 1
    alone = sequence_card(shown_of(replace(make.sequence(1), parts=(image, TextPart("Text.")))))
    assert alone.count("A goose at dusk.") == 1


def test_a_caption_made_of_two_texts_is_not_repeated(make):
    image = ImagePart("https://example.org/1.jpg", make.image(1), caption="Figure 1. A goose")
    parts = (TextPart("Figure 1.", Role.CAPTION), image, TextPart("A goose", Role.CAPTION))
    card = sequence_card(shown_of(replace(make.sequence(1), parts=parts)))
    assert "Figure 1. A goose" not in card


def test_a_long_sequence_is_folded_and_a_very_long_one_cut(make):
    parts = tuple(TextPart(f"Paragraph {n}. " + "word " * 100) for n in range(60))
    card = sequence_card(shown_of(replace(make.sequence(1), parts=parts)))
    assert "The rest: 58 texts" in card
    assert "Paragraph 20." in card
    assert "Paragraph 59." not in card
    assert "more in the shard" in card


def test_a_heading_is_folded_with_what_it_heads(make):
    parts = (
        TextPart("word " * 290),
        TextPart("A heading", Role.HEADING),
        TextPart("word " * 100),
    )
    card = sequence_card(shown_of(replace(make.sequence(1), parts=parts)))
    assert card.index("<details>") < card.index("A heading")


def test_pictures_follow_the_images_into_the_fold(make):
    parts = tuple(
        ImagePart(f"https://example.org/{n}.jpg", make.image(n), alt=f"image {n}") for n in range(9)
    )
    thumbnails = (*(f"data:image/jpeg;base64,{n}" for n in range(7)), "", "")
    sequence = replace(make.sequence(1), parts=(*parts, TextPart("end")))
    card = sequence_card(shown_of(sequence, thumbnails=thumbnails))
    assert re.findall(r'src="[^"]*,(\d)" alt="image (\d)"', card) == [
        (str(n), str(n)) for n in range(7)
    ]
    assert card.count("not drawn") == 2


def test_evidence_of_a_licence_is_linked(make):
    card = sequence_card(shown_of(make.sequence(1)))
    assert 'href="https://creativecommons.org/licenses/by/4.0/"' in card


def test_a_page_without_a_title_has_a_card(make):
    assert "Without a title" in sequence_card(shown_of(replace(make.sequence(1), title="")))


def test_a_pair_is_shown_with_score_source_and_host(make):
    words = words_in(pair_card(shown_of(make.pair(5, "align"), "align")))
    assert "geese number 5" in words
    assert "score\xa00.250" in words or "score 0.250" in words
    assert "from alt" in words.replace("\xa0", " ")
    assert "example.org" in words


def test_a_video_pair_says_how_long_it_is(make):
    card = pair_card(shown_of(make.pair(1, "vtp", video=b"video"), "vtp"))
    assert "4.2" in card
    assert 'class="frame video"' in card


def test_a_long_caption_is_cut(make):
    pair = replace(make.pair(1, "ltip"), text="goose " * 500)
    card = pair_card(shown_of(pair, "ltip", thumbnails=()))
    assert "(3,000 characters)" in card
    assert "not drawn" in card


@pytest.mark.parametrize("card", [sequence_card, pair_card])
def test_a_damaged_sample_says_why(card):
    damaged = Shown("m3w", "ab" * 16, "m3w/m3w-000000.tar", None, fault="damaged_record: cut <b>")
    assert "damaged_record: cut &lt;b&gt;" in card(damaged)
