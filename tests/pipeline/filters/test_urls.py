import pytest

from pipeline.filters.urls import UrlLimits, judge_image_url, judge_page_url
from schemas.rejection import Reason

LIMITS = UrlLimits()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/sex-tips",
        "https://xxx.example/",
        "https://example.org/a/PornStars.html",
        "https://example.org/%70orn/",
        "https://pornhub.example/watch",
        "https://www.freeporn.example/",
    ],
)
def test_pages_of_explicit_words_are_dropped(url):
    why = judge_page_url(url, LIMITS)
    assert why is not None
    assert (why.reason, why.value, why.limit) == (Reason.URL_WORDS, 1, 0)
    assert why.detail in {"sex", "xxx", "porn", "pornhub", "freeporn"}


@pytest.mark.parametrize(
    "url",
    [
        "https://www.essex.gov.uk/sussex/middlesex.html",
        "https://example.org/?q=sex",
        "https://example.org/logo/",
    ],
)
def test_a_word_within_a_word_is_another_word(url):
    assert judge_page_url(url, LIMITS) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/img/logo.png",
        "https://example.org/img/mainLogo.png",
        "https://example.org/icons/a.png",
        "https://example.org/wp-content/plugins/x/a.png",
        "https://example.org/user_avatar_7.jpg",
        "https://xxx.example/a.jpg",
    ],
)
def test_images_of_sign_words_are_dropped(url):
    assert judge_image_url(url, LIMITS) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://logo.example.org/a.jpg",
        "https://example.org/lexicon/catalogous.jpg",
        "https://example.org/a.jpg?icon=1",
    ],
)
def test_images_beside_sign_words_stay(url):
    assert judge_image_url(url, LIMITS) is None


def test_a_broken_url_is_a_reason():
    why = judge_page_url("http://[", LIMITS)
    assert why is not None
    assert why.reason is Reason.BAD_URL
