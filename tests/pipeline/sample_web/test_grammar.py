"""Templates: choices, slots, and that every template of the package can be filled."""

from random import Random

import pytest

from pipeline.sample_web.cast import draw_cast, scene_slots
from pipeline.sample_web.grammar import expand, load_words
from pipeline.sample_web.scenes import draw_scene


def test_choices_and_slots():
    texts = {expand("[a [b|c]|d] {x}", Random(i), {"x": "y"}) for i in range(30)}
    assert texts == {"a b y", "a c y", "d y"}


def test_an_empty_choice_leaves_no_double_space():
    assert {expand("a [|b] c", Random(i), {}) for i in range(20)} == {"a c", "a b c"}


def test_a_missing_slot_is_an_error():
    with pytest.raises(KeyError, match="nothing"):
        expand("{nothing}", Random(0), {})


@pytest.mark.parametrize("part", ["topics", "headings", "titles", "scene"])
def test_every_template_can_be_filled(part):
    rng = Random(1)
    scene = draw_scene(rng)
    slots = {**draw_cast(rng, scene), **scene_slots(scene, rng), "motion": "m", "steps": "5"}
    for templates in load_words("prose")[part].values():
        for template in templates:
            text = expand(template, rng, slots)
            assert not set("[]{}|") & set(text), template


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_every_foreign_template_can_be_filled(language):
    rng = Random(1)
    slots = {**draw_cast(rng, draw_scene(rng)), "n": "5"}
    words = load_words("foreign")[language]
    for template in [words["title"], *words["alt"], *words["sentences"]]:
        assert not set("[]{}|") & set(expand(template, rng, slots)), template
