"""Documents in the recipe's language, the newest of each URL."""

from dataclasses import replace

import pytest

from pipeline.filters.gopher import GopherLimits
from pipeline.stages.screening import ScreenLimits, choose_newest, judge_text, screen_document
from schemas.records import Document, TextBlock
from schemas.rejection import BadInput, Reason

ENGLISH = "The old ferry crosses the quiet lake with seven boxes of ripe apples, and that is what people have come to see. "
GERMAN = "Die alte Fähre überquert den stillen See mit sieben Kisten reifer Äpfel, und das wollen die Leute sehen. "


def document(text, url="http://a.example/page", fetched_at=""):
    return Document("k" * 32, url, "", (TextBlock(text),), "", fetched_at)


def test_the_language_is_found_and_kept():
    assert screen_document(document(ENGLISH), ScreenLimits()).language == "en"


@pytest.mark.parametrize(
    ("text", "url", "reason"),
    [
        (GERMAN, "http://a.example/", Reason.LANGUAGE),
        (ENGLISH, "http://a.example/porn/1", Reason.URL_WORDS),
    ],
)
def test_others_are_turned_away(text, url, reason):
    with pytest.raises(BadInput) as caught:
        screen_document(document(text, url), ScreenLimits())
    assert caught.value.why.reason == reason


def test_the_newest_wins_and_ties_are_broken_by_key():
    old, new = (
        document("a", fetched_at="2020"),
        replace(document("b", fetched_at="2021"), key="a" * 32),
    )
    assert [(d.fetched_at, kept) for d, kept in choose_newest([old, new])] == [
        ("2021", True),
        ("2020", False),
    ]
    twin = replace(new, key="b" * 32)
    assert choose_newest([new, twin]) == choose_newest([twin, new])


def test_short_text_is_not_good_enough():
    assert judge_text(document(ENGLISH), GopherLimits()).reason == Reason.TOO_FEW_WORDS
