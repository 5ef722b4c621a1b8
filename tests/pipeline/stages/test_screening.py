"""Documents in the recipe's language, the newest of each URL."""

import pytest
from apache_beam.pvalue import TaggedOutput

from pipeline.filters.flagged import FlaggedLimits
from pipeline.filters.gopher import GopherLimits
from pipeline.filters.pii import PiiLimits
from pipeline.stages.screening import (
    ScreenLimits,
    judge_text,
    screen_document,
    screened,
)
from schemas.records import Document, TextBlock
from schemas.rejection import BadInput, Reason

ENGLISH = "The old ferry crosses the quiet lake with seven boxes of ripe apples, and that is what people have come to see. "
GERMAN = "Die alte Fähre überquert den stillen See mit sieben Kisten reifer Äpfel, und das wollen die Leute sehen. "


def document(text, url="http://a.example/page", fetched_at=""):
    return Document("k" * 32, url, "", (TextBlock(text),), "", fetched_at)


def test_the_language_is_found_and_kept():
    screened, counts = screen_document(document(ENGLISH), ScreenLimits())
    assert (screened.language, counts) == ("en", {})


@pytest.mark.parametrize(
    ("text", "url", "reason"),
    [
        (GERMAN, "http://a.example/", Reason.LANGUAGE),
        (ENGLISH, "http://a.example/porn/1", Reason.URL_WORDS),
        (ENGLISH + "This is porn.", "http://a.example/", Reason.FLAGGED_WORDS),
    ],
)
def test_others_are_turned_away(text, url, reason):
    with pytest.raises(BadInput) as caught:
        screen_document(document(text, url), ScreenLimits())
    assert caught.value.why.reason == reason


def test_words_of_your_own_are_flagged(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# no fruit\napples\n")
    limits = ScreenLimits(flagged=FlaggedLimits(words_file=str(path)))
    with pytest.raises(BadInput, match="flagged_words"):
        screen_document(document(ENGLISH), limits)


def outputs(found):
    tagged = {"kept": []}
    for one in found:
        tag, value = (one.tag, one.value) if isinstance(one, TaggedOutput) else ("kept", one)
        tagged.setdefault(tag, []).append(value)
    return tagged


def test_personal_data_are_replaced_and_counted():
    page = document(ENGLISH + "Write to a@b.example, c@d.example or +44 20 7946 0958.")
    found = outputs(screened(page, ScreenLimits()))
    assert found["kept"][0].blocks[0].text.endswith("Write to <EMAIL>, <EMAIL> or <PHONE>.")
    assert found["decisions"][0].detail == "email 2; phone 1"
    assert dict(found["replaced"]) == {
        ("screen", "document", "email"): 2,
        ("screen", "document", "phone"): 1,
    }
    found = outputs(screened(page, ScreenLimits(pii=PiiLimits(replace=False))))
    assert found["kept"][0].blocks == page.blocks
    assert found.keys() == {"kept", "decisions"}


def test_a_document_turned_away_has_a_decision():
    found = outputs(screened(document(GERMAN), ScreenLimits()))
    assert found["kept"] == []
    assert [row.reason for row in found["decisions"]] == ["language"]


def test_short_text_is_not_good_enough():
    assert judge_text(document(ENGLISH), GopherLimits()).reason == Reason.TOO_FEW_WORDS
