import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluate.precision import average_precision, mean_weighted_precision

CUT_LAPTOP, CUT_BREAD, FRY_FISH = 0, 1, 2
WORDS = {CUT_LAPTOP: (0, 0), CUT_BREAD: (0, 1), FRY_FISH: (1, 2)}


def clip(video: int, action: int, seen: int, *scores: float) -> list[float]:
    return [scores[action], video, action, seen, *WORDS[action], *scores]


def test_by_hand() -> None:
    """Of `cut laptop`: right .9 and .2; hard .5 (another cut) and .8; easy .1 (another action)."""
    rows = [
        clip(1, CUT_LAPTOP, 1, 0.9, 0, 0),
        clip(2, CUT_LAPTOP, 1, 0.2, 0, 0),
        clip(3, CUT_LAPTOP, 3, 0.8, 0, 0),
        clip(4, CUT_BREAD, 1, 0.5, 1, 0),
        clip(5, FRY_FISH, 1, 0.1, 0, 1),
    ]
    of_laptop = (1 / 1 + 2 / 4) / 2
    assert mean_weighted_precision(np.array(rows)) == pytest.approx((of_laptop + 1 + 1) / 3)


def test_clips_of_one_video_share_its_weight() -> None:
    rows = [
        clip(1, CUT_LAPTOP, 1, 0.5, 0, 0),
        clip(2, CUT_LAPTOP, 0, 0.9, 0, 0),
        clip(2, CUT_LAPTOP, 0, 0.8, 0, 0),
        clip(2, CUT_LAPTOP, 2, 0.7, 0, 0),
    ]
    # Two easy ones of a half each and a hard one of a whole stand before the right one.
    assert mean_weighted_precision(np.array(rows)) == pytest.approx(1 / (1 + 1 + 1))


def test_an_action_that_nobody_does_is_left_out() -> None:
    rows = [clip(1, CUT_LAPTOP, 0, 0.5, 0, 0), clip(2, CUT_BREAD, 1, 0, 0.5, 0)]
    assert mean_weighted_precision(np.array(rows)) == 1.0
    assert np.isnan(mean_weighted_precision(np.array(rows[:1])))


def test_equal_scores_come_together() -> None:
    scores, right = np.array([1.0, 1.0, 0.0]), np.array([True, False, True])
    assert average_precision(scores, right, np.ones(3)) == pytest.approx((0.5 + 2 / 3) / 2)


CLIPS = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 4)), min_size=1, max_size=12
).filter(lambda clips: any(right for _, right, _ in clips))


@given(CLIPS)
def test_whole_weights_are_copies(clips: list[tuple[int, bool, int]]) -> None:
    """A clip of weight 3 counts as three clips."""
    scores, right, weights = (np.array(column) for column in zip(*clips, strict=True))
    weighted = average_precision(scores.astype(float), right, weights.astype(float))
    copies = np.repeat(np.arange(len(clips)), weights)
    plain = average_precision(scores[copies].astype(float), right[copies], np.ones(len(copies)))
    assert weighted == pytest.approx(plain)
    assert 0 < weighted <= 1
