import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.media_mask import NO_IMAGE
from model.packing import PADDING, Example, pack, pack_tightly, place
from model.windows import NO_LABEL, Vocabulary, pair_window

WORDS = Vocabulary(eoc=1000, image=1001, bos=1, eos=2)


def example(letters: str, colour: int) -> Example:
    window = pair_window(letters, lambda t: [ord(x) for x in t], WORDS, 64, space=False)
    return Example(window, (np.full((1, 2, 2, 3), colour, dtype=np.uint8),))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_every_item_lies_in_one_row_that_it_fits(lengths: list[int]) -> None:
    rows = pack(lengths, 50)
    assert sorted(item for row in rows for item in row) == list(range(len(lengths)))
    assert all(sum(lengths[item] for item in row) <= 50 for row in rows)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=60))
def test_no_two_rows_would_fit_in_one(lengths: list[int]) -> None:
    fill = sorted(sum(lengths[item] for item in row) for row in pack(lengths, 50))
    assert len(fill) < 2 or fill[0] + fill[1] > 50


def test_captions_fill_their_rows() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(8, 32, size=512).tolist()  # ALIGN's batch at its mean length
    assert 1 - sum(lengths) / (256 * len(pack(lengths, 256))) <= 0.03


@given(st.lists(st.integers(1, 50), max_size=80))
def test_narrower_rows_hold_the_same_and_cost_no_more(lengths: list[int]) -> None:
    rows, plain = pack_tightly(lengths, 50), pack(lengths, 50)
    assert sorted(item for row in rows for item in row) == list(range(len(lengths)))
    assert places(lengths, rows) <= (1 + 50 / 4096) * places(lengths, plain)
    assert rows == pack_tightly(lengths, 50)


def places(lengths: list[int], rows: list[list[int]]) -> int:
    """Of rows as wide as the fullest."""
    return len(rows) * max((sum(lengths[item] for item in row) for row in rows), default=0)


@pytest.mark.parametrize("count", [16, 64, 512])
def test_a_few_captions_leave_no_row_half_empty(count: int) -> None:
    """64 pairs of 16 tokens fill four rows and a bit: with a fifth as wide 18 % were padding."""
    lengths = np.random.default_rng(1).integers(8, 25, size=count).tolist()
    rows = pack_tightly(lengths, 256)
    assert 1 - sum(lengths) / places(lengths, rows) <= 0.03


def test_an_item_longer_than_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="51 tokens"):
        pack([3, 51], 50)


def test_windows_lie_side_by_side() -> None:
    rows = place([example("ab", 1), example("c", 2), example("d", 3)], [[1, 2], [0]], 2)
    assert rows.tokens_BL[0].tolist() == [1, 1001, 99, 1000, 2, 1, 1001, 100, 1000, 2]
    assert rows.documents_BL[0].tolist() == [0] * 5 + [1] * 5
    assert rows.documents_BL[1].tolist() == [0] * 6 + [PADDING] * 4
    assert rows.positions_BL[0].tolist() == [0, 1, 2, 3, 4] * 2
    assert rows.images_BL[0].tolist() == [NO_IMAGE, 0, 0, 0, 0, NO_IMAGE, 1, 1, 1, 1]
    assert rows.images_BL[1, :6].tolist() == [NO_IMAGE, 2, 2, 2, 2, 2]
    assert rows.pixels_FHWC[:, 0, 0, 0].tolist() == [2, 3, 1]
    assert rows.tokens == 16
    assert rows.labels == int((rows.labels_BL != NO_LABEL).sum()) == 10


def test_the_last_token_of_a_window_predicts_nothing_of_the_next() -> None:
    rows = place([example("ab", 1), example("c", 2)], [[0, 1]], 2)
    assert rows.labels_BL[0, 5] == NO_LABEL


def test_a_batch_without_images_has_pixels_of_the_right_shape() -> None:
    bare = Example(example("ab", 1).window, ())
    rows = place([bare], [[0]], 7)
    assert rows.pixels_FHWC.shape == (0, 7, 7, 3)
    assert rows.frames_I.shape == (0,)
