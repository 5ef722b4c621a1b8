"""Voices: a page's labels are worded alike, and differ from another page's."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sample_web.scenes import COLOURS
from pipeline.sample_web.series import draw_single
from pipeline.sample_web.shapes import SHAPES
from pipeline.sample_web.voices import LEADS, MANNERS, NAMES, draw_voice


def test_kinds_can_be_drawn_and_no_word_names_two_of_them():
    assert set(NAMES) <= set(SHAPES)
    words = [word for pair in NAMES.values() for word in pair]
    assert len(words) == len(set(words)) == 2 * len(NAMES)
    assert not set(words) & set(COLOURS)


@given(st.integers(0, 2**32), st.sampled_from(sorted(NAMES)), st.sampled_from(sorted(COLOURS)))
def test_a_label_says_what_its_manner_has_of_colour_and_kind(seed, kind, colour):
    rng = Random(seed)
    voice = draw_voice(rng)
    label = voice.label(draw_single(rng, (kind, colour)))
    manner = MANNERS[voice.manner]
    assert (colour in label) == ("{c}" in manner)
    assert (voice.names[kind] in label) == ("{k}" in manner)
    assert voice.names[kind] in NAMES[kind]


def test_a_caption_is_the_label_behind_the_pages_lead():
    voice = draw_voice(Random(1), "one", LEADS[1])
    scene = draw_single(Random(2), ("cup", "red"))
    assert voice.caption(scene) == f"{LEADS[1]} one red {voice.names['cup']}"


@pytest.mark.parametrize("manner", MANNERS)
def test_a_given_manner_is_kept(manner):
    assert draw_voice(Random(0), manner).manner == manner


def test_voices_are_drawn_from_all_leads_manners_and_words():
    voices = [draw_voice(Random(seed)) for seed in range(200)]
    assert {voice.lead for voice in voices} == set(LEADS)
    assert {voice.manner for voice in voices} == set(MANNERS)
    for kind, words in NAMES.items():
        assert {voice.names[kind] for voice in voices} == set(words)
