"""Prose: no template twice, true to the scene, and good enough for the quality filters."""

from random import Random

import pytest

from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from pipeline.sample_web.prose import Prose
from pipeline.sample_web.scenes import draw_scene


def voice(seed):
    rng = Random(seed)
    scene = draw_scene(rng)
    return Prose(rng, scene), scene


@pytest.mark.parametrize("seed", range(5))
def test_no_sentence_is_said_twice(seed):
    prose, _ = voice(seed)
    told = [prose.paragraph(topic, 5) for topic in prose.topics(6)]
    sentences = [s for text in told for s in text.split(". ")]
    assert len(set(sentences)) == len(sentences)


def test_same_seed_same_words():
    first, second = voice(3)[0], voice(3)[0]
    assert first.paragraph("town", 4) == second.paragraph("town", 4)


def test_about_names_the_scene():
    prose, scene = voice(5)
    text = prose.about(scene, sentences=3).lower()
    assert all(thing.colour in text for thing in scene.things)


@pytest.mark.parametrize("kind", ["article", "howto", "gallery", "product", "table", "news"])
def test_titles(kind):
    title = voice(1)[0].title(kind, 5)
    assert title[0].isupper() or not title[0].isalpha()
    assert 1 < len(title.split()) < 20


def text_of(truth):
    return "\n\n".join(item["text"] for item in truth["content"] if item["kind"] == "text")


def test_pages_worth_keeping_pass_the_gopher_rules(kept_pages):
    limits = GopherLimits()
    for truth in kept_pages:
        text = text_of(truth)
        assert len(text.split()) >= 120, truth["url"]
        assert judge_quality(text, limits) is None, truth["url"]
        assert judge_repetition(text, limits) is None, truth["url"]


def test_spam_breaks_them(small_pages):
    limits = GopherLimits()
    spam = [page.truth for page in small_pages if page.truth["expect"] == "spam"]
    assert len(spam) == 6
    for truth in spam:
        text = text_of(truth)
        assert judge_quality(text, limits) or judge_repetition(text, limits), truth["url"]
