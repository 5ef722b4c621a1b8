from pathlib import Path

import pytest

from model.evaluate.wordnet import WordNet
from model.evaluate.wups import Wups


@pytest.fixture(scope="module")
def wups(animals: Path) -> Wups:
    return Wups(WordNet.load(animals))


@pytest.mark.parametrize(
    ("said", "answers", "expected"),
    [
        ("The dogs.", ["a dog"], 1.0),
        ("cat", ["dog"], 2 / 3),
        ("cat walks", ["dog runs"], 2 / 3 * 1 / 3),
        ("cat", ["box", "dog"], 2 / 3),
        ("qwerty", ["dog"], 0.0),
        ("", ["dog"], 0.0),
        # Of what is said, `qwerty` is like nothing and left out, as the official script does.
        ("qwerty dog", ["dog"], 1.0),
        ("dog", ["dog cat"], 2 / 3),
    ],
)
def test_words_are_held_against_the_likest(
    wups: Wups, said: str, answers: list[str], expected: float
) -> None:
    assert wups.score(said, answers, "CH") == pytest.approx(expected)


def test_counts_and_yes_or_no_must_be_equal(wups: Wups) -> None:
    assert wups.score("cat", ["dog"], "DC") == 0.0
    assert wups.score("Two", ["two", "three"], "DC") == 1.0
    assert wups.score("yes", ["no"], "DB") == 0.0


def test_stop_words_go_before_they_are_taken_for_others(wups: Wups) -> None:
    assert wups.words("He was walking to the boxes") == ["walk", "box"]
