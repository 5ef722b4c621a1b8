"""Words for scenes: the right length, the right names, many wordings."""

from random import Random

import pytest

from pipeline.sample_web.scenes import Scene, Thing, draw_scene
from pipeline.sample_web.words import (
    LONG_WORDS,
    SHORT_WORDS,
    Style,
    describe_scene,
    join_phrases,
    name_thing,
    noun_of,
    plural_of,
    with_article,
)

FISH = Thing("fish", "red", "striped", "small", "left", 2)
TREE = Thing("tree", "white", "plain", "medium", "right")
SCENE = Scene("night", "", "sides", (FISH, TREE), 1)


@pytest.mark.parametrize(
    ("style", "bounds"),
    [(Style.SHORT, SHORT_WORDS), (Style.LONG, LONG_WORDS), (Style.TITLE, (2, 6))],
)
def test_lengths(style, bounds):
    rng = Random(0)
    texts = [describe_scene(draw_scene(rng), rng, style) for _ in range(800)]
    lengths = [len(text.split()) for text in texts]
    assert bounds[0] <= min(lengths)
    assert max(lengths) <= bounds[1]


def test_one_scene_has_many_wordings():
    assert len({describe_scene(SCENE, Random(i), Style.SHORT) for i in range(60)}) > 30
    assert len({describe_scene(SCENE, Random(i), Style.LONG) for i in range(60)}) > 45


def test_a_long_text_names_everything():
    for seed in range(50):
        text = describe_scene(SCENE, Random(seed), Style.LONG).lower()
        assert "two" in text
        assert "red" in text
        assert "fish" in text
        assert "white tree" in text
        assert text.endswith(".")


def test_same_state_same_words():
    first, second = (describe_scene(SCENE, Random(9), Style.LONG) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("fish", "fish"), ("leaf", "leaves"), ("cross", "crosses"), ("cup", "cups")],
)
def test_plurals(kind, plural):
    assert plural_of(kind) == plural


def test_numbers_and_articles():
    assert noun_of(FISH) == "fish"
    assert with_article("orange cup", "a", 1) == "an orange cup"
    assert with_article("red cups", "the", 3) == "the three red cups"
    assert with_article("red cups", "a", 3) == "three red cups"
    assert with_article("red cup", "", 1) == "red cup"
    assert join_phrases(["a"]) == "a"
    assert join_phrases(["a", "b", "c"]) == "a, b and c"
    assert name_thing(TREE, Random(0)) == "a white tree"


def test_stripes_on_white_are_dark():
    white = Thing("cup", "white", "striped", "medium", "left")
    assert {name_thing(white, Random(i)) for i in range(40)} == {
        "a white cup with dark stripes",
        "a striped white cup",
        "a white striped cup",
    }
