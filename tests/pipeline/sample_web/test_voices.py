"""Voices: a page's labels are worded alike, and differ from another page's."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sample_web.scenes import COLOURS
from pipeline.sample_web.series import draw_single
from pipeline.sample_web.shapes import SHAPES
from pipeline.sample_web.voices import KINDS, LEADS, MANNERS, WORDS, draw_voice


def test_kinds_can_be_drawn_and_no_word_names_two_colours():
    assert set(KINDS) <= set(SHAPES)
    assert set(WORDS) == set(COLOURS)
    words = [word for several in WORDS.values() for word in several]
    assert len(words) == len(set(words))
    assert all(colour in several for colour, several in WORDS.items())


def test_no_manner_has_a_word_that_is_a_colours():
    words = {word for several in WORDS.values() for word in several}
    assert not words & {word for manner in MANNERS.values() for word in manner.split()}


@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.sampled_from(sorted(COLOURS)))
def test_a_label_is_the_voices_word_for_the_colour_in_its_manner(seed, kind, colour):
    rng = Random(seed)
    voice = draw_voice(rng)
    label = voice.label(draw_single(rng, (kind, colour)))
    assert voice.words[colour] in WORDS[colour]
    assert label == MANNERS[voice.manner].replace("{c}", voice.words[colour])


def test_a_caption_is_the_label_behind_the_pages_lead():
    voice = draw_voice(Random(1), "one", LEADS[1])
    scene = draw_single(Random(2), ("cup", "red"))
    assert voice.caption(scene) == f"{LEADS[1]} the {voice.words['red']} one"


@pytest.mark.parametrize("manner", MANNERS)
def test_a_given_manner_is_kept(manner):
    assert draw_voice(Random(0), manner).manner == manner


def test_voices_are_drawn_from_all_leads_manners_and_words():
    voices = [draw_voice(Random(seed)) for seed in range(200)]
    assert {voice.lead for voice in voices} == set(LEADS)
    assert {voice.manner for voice in voices} == set(MANNERS)
    for colour, words in WORDS.items():
        assert {voice.words[colour] for voice in voices} == set(words)
