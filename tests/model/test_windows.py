import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.media_mask import NO_IMAGE
from model.recipe import WindowRecipe
from model.windows import NO_LABEL, Page, Vocabulary, Window, page_of, page_window, pair_window
from schemas.rejection import BadInput, Reason

WORDS = Vocabulary(eoc=1000, image=1001, bos=1, eos=2)
NO_ENDS = Vocabulary(eoc=1000, image=1001, bos=None, eos=None)


def encode(text: str) -> list[int]:
    """One id for each character, so that nothing is lost or merged."""
    return [10 + ord(letter) % 900 for letter in text]


def cut(page: Page, limits: WindowRecipe, seed: int) -> Window:
    return page_window(page, limits, WORDS, random.Random(seed))


def test_eoc_stands_before_every_image_and_at_the_end() -> None:
    page = page_of(["ab", 0, "c", 1], encode, WORDS)
    a, b, c = encode("abc")
    assert page.tokens == (1, a, b, 1000, 1001, c, 1000, 1001, 1000, 2)
    assert page.images == (0, 1)


def test_no_eoc_before_an_image_that_opens_the_page() -> None:
    assert page_of([0, "a"], encode, WORDS).tokens == (1, 1001, *encode("a"), 1000, 2)
    assert page_of([0, "a"], encode, NO_ENDS).tokens == (1001, *encode("a"), 1000)


def test_text_blocks_stand_on_lines_of_their_own() -> None:
    page = page_of(["a", "b", 0, "c"], encode, NO_ENDS)
    assert page.tokens == (*encode("a\nb"), 1000, 1001, *encode("c"), 1000)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (["text only"], Reason.NO_MEDIA),
        ([0, 1], Reason.NO_TEXT),
        ([0, "  \n "], Reason.NO_TEXT),
        ([], Reason.NO_TEXT),
    ],
)
def test_pages_without_text_or_images_are_refused(parts: list[str | int], reason: Reason) -> None:
    with pytest.raises(BadInput) as caught:
        page_of(parts, encode, WORDS)
    assert caught.value.why.reason is reason


def test_targets_are_the_next_tokens_but_never_an_image() -> None:
    window = cut(page_of(["ab", 0, "c"], encode, WORDS), WindowRecipe(p_next=0.0), 0)
    a, b, c = encode("abc")
    assert window.tokens_L.tolist() == [1, a, b, 1000, 1001, c, 1000, 2]
    assert window.labels_L.tolist() == [a, b, 1000, NO_LABEL, c, 1000, 2, NO_LABEL]


def test_looking_ahead_changes_the_gaze_and_never_the_text() -> None:
    page = page_of(["ab", 0, "c", 1, "d"], encode, WORDS)
    back = cut(page, WindowRecipe(p_next=0.0), 3)
    ahead = cut(page, WindowRecipe(p_next=1.0), 3)
    assert back.tokens_L.tolist() == ahead.tokens_L.tolist()
    assert back.labels_L.tolist() == ahead.labels_L.tolist()
    assert back.images_L.tolist() == [NO_IMAGE] * 4 + [0] * 3 + [1] * 4
    assert ahead.images_L.tolist() == [0] * 5 + [1] * 3 + [NO_IMAGE] * 3


def test_p_next_is_a_coin_for_each_page() -> None:
    page = page_of(["ab", 0, "c", 1, "d"], encode, WORDS)
    ahead = [bool(cut(page, WindowRecipe(p_next=0.5), seed).images_L[0] == 0) for seed in range(64)]
    assert 16 < sum(ahead) < 48


parts = st.lists(
    st.one_of(st.text("abcdef ", min_size=1, max_size=30), st.just(0)), min_size=1, max_size=14
)


def numbered(parts: list[str | int]) -> list[str | int]:
    """The images of a page numbered in order, text enough to be a page."""
    count = itertools.count()
    return ["x", *(next(count) if isinstance(part, int) else part for part in parts), next(count)]


@given(
    parts,
    st.integers(8, 60),
    st.integers(1, 4),
    st.sampled_from(["random", "anchored"]),
    st.integers(0, 2**31),
)
def test_every_window_keeps_the_laws(
    drawn: list[str | int], tokens: int, images: int, choice: str, seed: int
) -> None:
    page = page_of(numbered(drawn), encode, WORDS)
    window = cut(page, WindowRecipe(tokens=tokens, images=images, choice=choice), seed)
    ids = window.tokens_L.tolist()
    text = ",".join(map(str, page.tokens))
    assert 1 <= len(ids) <= tokens
    assert ",".join(map(str, ids)) in text  # a window is a piece of its page, nothing moved
    assert ids.count(WORDS.image) == len(window.images) <= images
    assert (
        list(window.images) == list(range(window.images[0], window.images[-1] + 1))
        if (window.images)
        else True
    )
    assert window.images_L.max(initial=NO_IMAGE) < max(1, len(window.images))
    assert set(window.labels_L.tolist()) & {WORDS.image} == set()


@given(parts, st.integers(8, 60), st.sampled_from(["random", "anchored"]), st.integers(0, 2**31))
def test_eoc_is_never_the_token_that_is_cut_off(
    drawn: list[str | int], tokens: int, choice: str, seed: int
) -> None:
    page = page_of(numbered(drawn), encode, WORDS)
    limits = WindowRecipe(tokens=tokens, images=99, choice=choice, p_next=1.0)
    window = cut(page, limits, seed)
    starts = [
        at
        for at in range(len(page.tokens) - len(window.tokens_L) + 1)
        if page.tokens[at : at + len(window.tokens_L)] == tuple(window.tokens_L.tolist())
    ]
    ends = [at + len(window.tokens_L) for at in starts]
    assert any(end == len(page.tokens) or page.tokens[end] != WORDS.eoc for end in ends)


@given(parts, st.integers(8, 60), st.integers(0, 2**31))
def test_an_anchored_window_has_an_image(drawn: list[str | int], tokens: int, seed: int) -> None:
    page = page_of(numbered(drawn), encode, WORDS)
    limits = WindowRecipe(tokens=tokens, choice="anchored", p_next=1.0)
    assert cut(page, limits, seed).images


def test_a_window_with_too_many_images_ends_at_the_eoc_before_the_next() -> None:
    page = page_of(["a", 0, "b", 1, "c", 2, "d"], encode, WORDS)
    window = cut(page, WindowRecipe(images=2), 0)
    assert window.images == (0, 1)
    assert window.tokens_L[-1] == WORDS.eoc


def test_a_window_begins_anywhere_so_that_it_is_full() -> None:
    page = page_of(["x" * 100, 0, "y"], encode, WORDS)
    limits = WindowRecipe(tokens=20, p_next=1.0)
    windows = [cut(page, limits, seed) for seed in range(200)]
    assert {len(window.tokens_L) for window in windows} == {20}
    assert len({window.tokens_L.tobytes() for window in windows}) > 3


def test_a_pair_is_bos_image_text_eoc_eos() -> None:
    window = pair_window("ab", encode, WORDS, 16, space=False)
    a, b = encode("ab")
    assert window.tokens_L.tolist() == [1, 1001, a, b, 1000, 2]
    assert window.labels_L.tolist() == [NO_LABEL, a, b, 1000, 2, NO_LABEL]
    assert window.images_L.tolist() == [NO_IMAGE, 0, 0, 0, 0, 0]
    spaced = pair_window("ab", encode, WORDS, 16, space=True)
    assert spaced.tokens_L.tolist() == [1, 1001, *encode(" ab"), 1000, 2]


@given(st.text("abc", min_size=1, max_size=80), st.integers(8, 40), st.booleans())
def test_a_long_caption_still_ends_in_eoc(text: str, tokens: int, space: bool) -> None:
    window = pair_window(text, encode, WORDS, tokens, space=space)
    assert len(window.tokens_L) <= tokens
    assert window.tokens_L[-2:].tolist() == [WORDS.eoc, WORDS.eos]
    kept = [label for label in window.labels_L.tolist() if label != NO_LABEL]
    assert kept[-2:] == [WORDS.eoc, WORDS.eos]


def test_an_empty_caption_is_refused() -> None:
    with pytest.raises(BadInput, match="no_text"):
        pair_window(" \n", encode, WORDS, 16, space=True)
