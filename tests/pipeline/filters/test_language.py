import pytest

from pipeline.filters.language import LanguageLimits, identify_language, judge_language
from schemas.rejection import Reason, Why

LIMITS = LanguageLimits()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The birds rise with the warm air and are lost to sight for hours.", "en"),
        ("THE BIRDS RISE WITH THE WARM AIR AND ARE LOST TO SIGHT FOR HOURS.", "en"),
        ("Die Vögel steigen mit der warmen Luft und sind stundenlang nicht zu sehen.", "de"),
        ("Los pájaros suben con el aire caliente y se pierden de vista.", "es"),
        ("今天天气很好，我们去公园散步。", "zh"),
    ],
)
def test_identify_language(text, code):
    found, probability = identify_language(text)
    assert found == code
    assert 0.6 < probability <= 1


def test_more_than_the_first_80_characters_are_read():
    german = "Die Vögel steigen mit der warmen Luft und sind stundenlang nicht zu sehen. "
    english = "The birds rise with the warm air and are lost to sight for hours, they say. " * 9
    assert identify_language(german + english)[0] == "en"


@pytest.mark.parametrize("text", ["", "  \n", "12 34 %%%"])
def test_no_words_have_no_language(text):
    assert identify_language(text) == ("", 0.0)


def test_judge_language():
    assert judge_language("en", 0.9, LIMITS) is None
    other = judge_language("de", 0.99, LIMITS)
    assert other is not None
    assert (other.reason, other.value, other.limit) == (Reason.LANGUAGE, "de", "en")
    none = judge_language("", 0.0, LIMITS)
    assert none == Why(Reason.LANGUAGE, 0.0, 0.65, "no word to tell it by")
    unsure = judge_language("en", 0.6, LIMITS)
    assert unsure is not None
    assert (unsure.value, unsure.limit) == (0.6, 0.65)
