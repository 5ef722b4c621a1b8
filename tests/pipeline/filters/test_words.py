import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters import words as module
from pipeline.filters.contractions import SPECIAL
from pipeline.filters.words import has_letter, is_symbol, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wait... ok!", "wait|...|ok|!"),
        ("It's 3.14, e.g. GIMP/2.10: #tag…", "It|'s|3.14|,|e.g.|GIMP/2.10|:|#|tag|…"),
        ("a co-op (the co-op)", "a|co|-|op|(|the|co|-|op|)"),
        ("don't can't cannot they'd've", "do|n't|ca|n't|can|not|they|'d|'ve"),
        ("Don’t (don't) its It's", "Do|n’t|(|do|n't|)|its|It|'s"),
        ("the dog's “tail”, the dogs' tails", "the|dog|'s|“|tail|”|,|the|dogs|'|tails"),
        ("at 8am or 9p.m. on 5km, 50% $5.99 US$3", "at|8|am|or|9|p.m.|on|5|km|,|50|%|$|5.99|US$|3"),
        (
            "see http://a.example/b?c=d-e, a.b@c.example.",
            "see|http://a.example/b?c=d-e|,|a.b@c.example|.",
        ),
        ("The NATO. The end.Next a,b c:d 1-2", "The|NATO|.|The|end|.|Next|a|,|b|c|:|d|1|-|2"),
        ("Mr. Dr. U.S. x. NO.", "Mr.|Dr.|U.S.|x.|NO|."),
        (":-) (:) a:) b):", ":-)|(|:)|a|:)|b|):"),
        ("word.... ..x x..y x…y", "word|....|..|x|x|..|y|x|…|y"),
        ("\u00a9 ©2020 20°C.", "©|©|2020|20|°|C|."),
        ("naïve Ærøskøbing 東京 日本語。", "naïve|Ærøskøbing|東京|日本語|。"),
        ("'tis 'cause and/or w/o", "'|tis|'cause|and/or|w/o"),
        ("(don't", "(|do|n't"),
        ("Xy. aB. XY. x.² a.» ©b©", "Xy|.|aB.|XY|.|x.²|a.|»|©|b|©"),
        ("gonna. e.g.)", "gon|na|.|e.g.|)"),
        ("-dash a-b-c --x .", "-dash|a|-|b|-|c|--x|."),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_words_are_cut_as_spacy_cuts_them(text, words):
    assert "|".join(split_words(text)) == words


def test_a_string_without_end_is_cut_at_its_marks():
    assert split_words("x=1;" * 200) == ["x", "=", "1", ";"] * 200
    assert len(split_words("!" * 20_000)) == 20_000


@given(st.text(alphabet="abZ1 .,'’-/:;()$…\n", max_size=60))
def test_no_character_but_space_is_lost(text):
    assert "".join(split_words(text)) == "".join(text.split())


@given(st.lists(st.text(alphabet="abZ1.,'-:()", max_size=12), max_size=6))
def test_words_of_blocks_are_the_words_of_their_text(blocks):
    apart = [word for block in blocks for word in split_words(block)]
    assert split_words("\n".join(blocks)) == apart


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 10)
    text = " ".join(f"word{n}-{n}" for n in range(50))
    assert split_words(text) == split_words(text)
    assert len(module._TOKENS) <= 10


def test_symbols_and_letters():
    assert [word for word in ("a", "1", "%", "…", "•", "x=") if is_symbol(word)] == ["%", "…", "•"]
    assert [word for word in ("a", "1", "3rd", "é", "…") if has_letter(word)] == ["a", "3rd", "é"]


def test_special_cases_are_made_of_their_parts():
    assert all("".join(parts) == word for word, parts in SPECIAL.items())
    assert SPECIAL["should've"] == ("should", "'ve")
    assert SPECIAL["Im"] == ("I", "m")
    assert not {"well", "Well", "its", "Its", "Hell", "shell"} & SPECIAL.keys()
