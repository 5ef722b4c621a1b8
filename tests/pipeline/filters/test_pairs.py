import pytest

from pipeline.filters.pairs import (
    AlignLimits,
    LtipLimits,
    align_tokens,
    clean_caption,
    judge_align_counts,
    judge_align_image,
    judge_align_text,
    judge_align_tokens,
    judge_ltip_text,
)
from schemas.rejection import Reason

ALIGN = AlignLimits()
LTIP = LtipLimits()


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (201, 201, None),
        (200, 900, Reason.TOO_SMALL),
        (602, 201, None),
        (603, 201, Reason.ASPECT),
        (201, 603, Reason.ASPECT),
    ],
)
def test_align_image(width, height, reason):
    why = judge_align_image(width, height, ALIGN)
    assert (why.reason if why else None) is reason


@pytest.mark.parametrize(
    ("text", "words"),
    [("two words", 2), ("one two three", None), ("w " * 20, None), ("w " * 21, 21), ("", 0)],
)
def test_align_text(text, words):
    why = judge_align_text(text, ALIGN)
    assert (why.value if why else None) == words


@pytest.mark.parametrize(
    ("alt_texts", "images", "reason"),
    [
        (1000, 10, None),
        (1001, 1, Reason.FREQUENT_ALT_TEXTS),
        (1, 11, Reason.FREQUENT_TEXT),
    ],
)
def test_align_counts(alt_texts, images, reason):
    why = judge_align_counts(alt_texts, images, ALIGN)
    assert (why.reason if why else None) is reason


def test_align_tokens_are_unigrams_and_bigrams():
    assert align_tokens("A Red, kite!") == ["a", "red", "kite", "a red", "red kite"]
    frequent = {"a", "red", "kite", "a red"}
    why = judge_align_tokens("A red kite", frequent.__contains__, ALIGN)
    assert why is not None
    assert (why.reason, why.value) == (Reason.RARE_TOKEN, "red kite")
    assert judge_align_tokens("a red", frequent.__contains__, ALIGN) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A red kite soars over the valley while two walkers watch it from a bench.", None),
        ("A red kite over the hill", Reason.CAPTION_LENGTH),
        ("word " * 201, Reason.CAPTION_LENGTH),
        ("1 2 3 4 5 6 7 the cat is on mat", Reason.FEW_ALPHABETIC),
        ("Kite Poster Print Canvas Wall Art Gift Home Decor", Reason.FEW_STOP_WORDS),
        ("The Best Of All The Kites In The World Today", Reason.SYMBOLS),
    ],
)
def test_ltip_text(text, reason):
    why = judge_ltip_text(text, LTIP)
    assert (why.reason if why else None) is reason


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "PARIS, FRANCE - MARCH 3, 2015: People walk near the tower.",
            "People walk near the tower.",
        ),
        ("London, UK – 3 May 2015 - A red bus on a bridge.", "A red bus on a bridge."),
        ("NEW YORK - Police at work", "Police at work"),
        ("A cat on a mat on 3 May 2019, in the sun.", "A cat on a mat, in the sun."),
        ("A view of the castle (March 2014)", "A view of the castle"),
        ("A view of the castle, 2014-03-05.", "A view of the castle."),
        ("In May we may go to Paris, France.", "In May we may go to Paris, France."),
        ("A dog - a cat", "A dog - a cat"),
        ("  A   dog \n sleeps ", "A dog sleeps"),
    ],
)
def test_clean_caption(text, clean):
    assert clean_caption(text) == clean
