from pathlib import Path

import pytest

from model.evaluate.wordnet import WordNet
from schemas.recipe import RecipeError


@pytest.fixture(scope="module")
def net(animals: Path) -> WordNet:
    return WordNet.load(animals)


def likeness(net: WordNet, first: str, second: str) -> float:
    one, other = net.first_sense(first), net.first_sense(second)
    assert one is not None
    assert other is not None
    return net.likeness(one, other)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("dog", "dog", 2 * 3 / (3 + 3)),
        # animal stands above both, one below the top: depth 2, a step from each.
        ("dog", "cat", 2 * 2 / (3 + 3)),
        ("puppy", "cat", 2 * 2 / (4 + 3)),
        ("puppy", "dog", 2 * 3 / (4 + 3)),
        ("dog", "entity", 2 * 1 / (3 + 1)),
        ("dog", "box", 2 * 1 / (3 + 3)),
        ("bat", "box", 2 * 1 / (3 + 3)),
        ("dog", "island", 0.0),
        # Verbs meet under a root of their own, which comes before a top of equal depth.
        ("run", "walk", 2 * 1 / (3 + 3)),
        ("run", "eat", 2 * 1 / (3 + 2)),
        # So do a noun and a verb: three steps and two from it.
        ("dog", "run", 2 * 1 / (4 + 3)),
        ("small", "small", 1.0),
    ],
)
def test_wu_and_palmers_measure_by_hand(
    net: WordNet, first: str, second: str, expected: float
) -> None:
    assert likeness(net, first, second) == pytest.approx(expected)
    assert likeness(net, second, first) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("word", "lemma"),
    [
        ("dogs", "dog"),
        ("boxes", "box"),
        ("men", "man"),
        ("walking", "walk"),
        ("smallest", "small"),
        ("puppies", "puppy"),
        ("xyzs", "xyzs"),
    ],
)
def test_inflected_words(net: WordNet, word: str, lemma: str) -> None:
    assert net.lemma(word) == lemma


def test_the_first_sense_is_the_commonest_and_a_nouns(net: WordNet) -> None:
    assert net.first_sense("bats").name == "bat.n.01"
    assert net.first_sense("walks").name == "walk.v.01"
    assert net.first_sense("xyz") is None


def test_files_that_are_not_there_or_not_wordnets_are_named(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"--wordnet .*index\.noun: No such file"):
        WordNet.load(tmp_path)
    for path in animals.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "index.verb").write_text("run v one\n")
    with pytest.raises(RecipeError, match=r"index\.verb: invalid literal"):
        WordNet.load(tmp_path)
