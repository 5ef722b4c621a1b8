from collections import Counter
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters.obelics import (
    DocumentLimits,
    ObelicsLimits,
    ParagraphLimits,
    WordLists,
    character_repetition,
    judge_obelics,
    judge_paragraph,
    share_of,
    word_repetition,
)
from pipeline.filters.words import split_words
from schemas.records import Role
from schemas.rejection import Reason

LISTS = WordLists()
LIMITS = ObelicsLimits()
PROSE = "The red kite soars over the valley in the early morning, and it hardly beats its wings."
LONG = (
    "When the sun has warmed the slopes, the birds rise with the air and are lost to sight. In "
    "the evening they come back to the old oaks by the river, where they have slept for years."
)


def paragraph(text, role=Role.PARAGRAPH, lists=LISTS, limits=LIMITS):
    why = judge_paragraph(text, split_words(text), role, lists, limits)
    return why.reason if why else None


def whole(text, lists=LISTS, **limits):
    bounds = replace(DocumentLimits(), **limits)
    why = judge_obelics(text, split_words(text), lists, bounds)
    return (why.reason, why.value, why.limit) if why else None


def test_prose_passes():
    assert paragraph(PROSE) is None
    assert whole(f"{PROSE}\n{LONG}") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It is here.", Reason.TOO_FEW_WORDS),
        ("it is not so " * 251, Reason.TOO_MANY_WORDS),
        ("It is so, it is so, and so it is so, it is so.", Reason.REPEATED_CHARACTERS),
        ("We go (1) in 2, or 3 - 4; 5: or 66 of 77.", Reason.SPECIAL_CHARACTERS),
        ("Vintage poster print canvas wall decor gift idea", Reason.FEW_STOP_WORDS),
        ("All of this is on xhamster, and it is not for you.", Reason.FLAGGED_WORDS),
        ("You can share this with us on facebook or twitter", Reason.SPAM_WORDS),
        (f"{PROSE[:-1].replace(',', '')}", Reason.PUNCTUATION),
    ],
)
def test_each_rule_on_paragraphs(text, reason):
    assert paragraph(text) is reason


def test_word_repetition_has_a_rule_of_its_own():
    text = f"{PROSE} Then we saw that the red kite soars over the valley in a new light."
    limits = replace(LIMITS, paragraph=ParagraphLimits(max_character_repetition=1))
    assert paragraph(text, limits=limits) is Reason.REPEATED_NGRAMS


def test_roles_are_spared_unless_the_paper_is_asked_for():
    strict = replace(LIMITS, spare_roles=False)
    assert paragraph("Materials", Role.HEADING) is None
    assert paragraph("A red kite", Role.CAPTION) is None
    assert paragraph("Two eggs, white flour, fresh butter", Role.LIST_ITEM) is None
    assert paragraph("Eggs", Role.LIST_ITEM) is Reason.TOO_FEW_WORDS
    assert paragraph("12.", Role.HEADING) is Reason.TOO_FEW_WORDS
    assert paragraph("word " * 1001, Role.HEADING) is Reason.TOO_MANY_WORDS
    for role in (Role.HEADING, Role.CAPTION):
        assert paragraph("Materials", role, limits=strict) is Reason.TOO_FEW_WORDS
    listed = paragraph("Two eggs, white flour, fresh butter", Role.LIST_ITEM, limits=strict)
    assert listed is Reason.FEW_STOP_WORDS


def test_common_words_need_a_list():
    known = replace(LISTS, common=frozenset(word.lower() for word in split_words(PROSE)))
    assert paragraph(PROSE, lists=known) is None
    assert (
        paragraph(f"{PROSE} Qux zyx vlk wrk pqr, and prx it.", lists=known) is Reason.UNCOMMON_WORDS
    )


def test_each_rule_on_documents():
    assert whole("It is so.") == (Reason.TOO_FEW_WORDS, 3, 10)
    assert whole(PROSE, max_words=16) == (Reason.TOO_MANY_WORDS, 17, 16)
    assert whole(PROSE, max_special_characters=0.1)[0] is Reason.SPECIAL_CHARACTERS
    assert whole(PROSE, min_stop_words=0.9)[0] is Reason.FEW_STOP_WORDS
    assert whole(PROSE, min_punctuation=0.2)[0] is Reason.PUNCTUATION
    assert whole(f"{PROSE} {PROSE}")[0] is Reason.REPEATED_CHARACTERS


def test_perplexity_needs_a_model():
    lists = replace(LISTS, perplexity=lambda text: 1500.1 if "kite" in text else 1500.0)
    assert whole(PROSE, lists) == (Reason.PERPLEXITY, 1500.1, 1500.0)
    assert whole(LONG, lists) is None


def test_model_and_pieces_go_together():
    with pytest.raises(ValueError, match="go together"):
        ObelicsLimits(perplexity_model="a.arpa")


def test_the_table_of_the_paper():
    rows = {
        "min_words": (4, 10), "max_words": (1000, 2000), "max_character_repetition": (0.1, 0.1),
        "max_word_repetition": (0.1, 0.2), "max_special_characters": (0.3, 0.275),
        "min_stop_words": (0.3, 0.35), "max_flagged_words": (0.01, 0.01),
        "min_punctuation": (0.001, 0.03), "punctuation_from": (12, 0), "max_spam_words": (0.12, 0.12),
        "min_common_words": (0.8, 0.9),
    }  # fmt: skip
    assert {field.name for field in fields(ParagraphLimits)} == set(rows)
    for name, (one, other) in rows.items():
        assert getattr(LIMITS.paragraph, name) == one
        assert getattr(LIMITS.document, name) == other


def plain_character_repetition(text):
    """OBELICS's code, as published: counts in falling order, the root of their number taken."""
    counts = sorted(Counter(text[i : i + 10] for i in range(len(text) - 9)).values(), reverse=True)
    if not counts:
        return 0
    taken = min(int(len(counts) ** 0.5), len(counts) - counts.count(1))
    return sum(counts[:taken]) / sum(counts)


@given(st.text(alphabet="ab ", max_size=120) | st.text(max_size=40))
def test_character_repetition_is_that_of_the_paper(text):
    for one in (text, text * 20):
        assert character_repetition(one) == pytest.approx(plain_character_repetition(one))


@given(st.lists(st.sampled_from(["a", "b"]), max_size=40))
def test_word_repetition_is_that_of_the_paper(words):
    grams = Counter(tuple(words[i : i + 5]) for i in range(len(words) - 4))
    repeated = sum(count for count in grams.values() if count > 1)
    assert word_repetition(words) == pytest.approx(repeated / max(1, grams.total()))


def test_the_share_of_no_words_is_none():
    assert share_of([], {"a"}) == 0
