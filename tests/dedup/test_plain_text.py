"""One spelling of each letter, nothing unseen, and words where a script has them."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.minhash import jaccard, shingle, word_count
from dedup.plain_text import plain_text, seen_text, spaced_words

FRENCH = "L'été dernier, à la forêt, nous avons vu là-bas des élans près de la rivière gelée."
HINDI = "पिछली गर्मियों में हमने नदी के किनारे जंगल में कई हिरण और पक्षी देखे थे।"
CHINESE = "去年夏天，我们在河边的森林里看到了许多鹿和鸟，它们在清晨的雾中慢慢地走过。"
JAPANESE = "去年の夏、私たちは川のほとりの森でたくさんの鹿と鳥を見ました。"
THAI = "ฤดูร้อนปีที่แล้วเราเห็นกวางและนกมากมายในป่าริมแม่น้ำ"
KOREAN = "지난 여름 우리는 강가의 숲에서 많은 사슴과 새를 보았습니다."


@pytest.mark.parametrize("text", [FRENCH, HINDI, CHINESE, JAPANESE, THAI, KOREAN])
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: "\u00ad".join(text),
        lambda text: "\ufeff" + text.replace(" ", " \u200b"),
        lambda text: text.replace("a", "a\u2060"),
        lambda text: "\u200f" + text + "\u200e\ufe0f",
    ],
)
def test_what_is_not_seen_makes_no_other_text(text, changed):
    assert plain_text(changed(text)) == plain_text(text)
    assert np.array_equal(shingle(changed(text)), shingle(text))


def test_white_space_is_one_space():
    assert plain_text(" a\u00a0b\n\n c\t") == "a b c"
    assert plain_text("a b") != plain_text("ab")
    assert plain_text("A") != plain_text("a")
    assert plain_text("\u200b \u00ad") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी की किताब", 3),
        ("עִבְרִית טובה", 2),
        ("Việt Nam đẹp", 3),
        ("中文文本", 4),
        ("日本語のテキスト", 8),
        ("ภาษา", 4),
        ("한국어 글", 2),
        ("用 Python 3 写", 4),
        ("« été » — nuit", 2),
        ("naïve\u00adté", 1),
        ("🙂 …", 0),
    ],
)
def test_the_words_of_scripts(text, words):
    assert word_count(text) == words
    assert len(spaced_words(seen_text(text).lower()).replace("3", " 3 ").split()) == words


@pytest.mark.parametrize("text", [HINDI, CHINESE, JAPANESE, THAI])
def test_copies_in_scripts_without_spaces_are_alike_and_strangers_are_not(text):
    long = text * 3
    assert jaccard(shingle(long), shingle(long.replace(text[4], text[9], 1))) >= 0.7
    assert jaccard(shingle(long), shingle(long[::-1])) < 0.3


@given(st.text(), st.text("abé\u0301\u00ad \u200b\n中"))
def test_texts_as_they_are_compared_stay_so(text, small):
    for one in (text, small):
        assert plain_text(plain_text(one)) == plain_text(one)
