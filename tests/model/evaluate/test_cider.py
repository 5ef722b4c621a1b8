import json
from pathlib import Path

import pytest

from model.evaluate.cider import cider_scores
from model.evaluate.ptb import words_of

GOLDEN = json.loads((Path(__file__).parent / "golden" / "cider.json").read_text("utf-8"))
PICTURES = GOLDEN["pictures"]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture["caption"][:24])
def test_words_are_those_of_the_ptb_tokenizer(picture: dict) -> None:
    for text, tokens in [
        (picture["caption"], picture["caption_tokens"]),
        *zip(picture["references"], picture["reference_tokens"], strict=True),
    ]:
        assert words_of(text) == tokens.split()


def test_scores_are_those_of_pycocoevalcap() -> None:
    found = cider_scores(
        [words_of(picture["caption"]) for picture in PICTURES],
        [[words_of(text) for text in picture["references"]] for picture in PICTURES],
    )
    assert found == pytest.approx([picture["cider"] for picture in PICTURES], abs=1e-9)
    assert sum(found) / len(found) == pytest.approx(GOLDEN["mean"], abs=1e-9)


def test_a_caption_that_all_say_has_the_full_score() -> None:
    captions = [["a", "red", "circle", "here"], ["two", "blue", "squares", "there"]]
    assert cider_scores(captions, [[caption] * 3 for caption in captions]) == pytest.approx(
        [10, 10]
    )


def test_one_image_alone_has_no_rare_words() -> None:
    assert cider_scores([["a"]], [[["a"]]]) == [0.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" . , ; : - -- ... ? ! ' ` '' ``", ""),
        ("What?! No...", "what ?! no"),
        ("gimme (the) cannot", "gim me -lrb- the -rrb- can not"),
        ("see http://x.org/a, or a@b.com", "see http://x.org/a, or a@b.com"),
    ],
)
def test_marks_go_and_words_stay(text: str, words: str) -> None:
    assert words_of(text) == words.split()
