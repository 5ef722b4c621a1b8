from pipeline.filters.flagged import FlaggedLimits, judge_flagged
from schemas.rejection import Reason

LIMITS = FlaggedLimits()
LIST = {"bad", "worse"}


def test_the_share_is_of_words_with_a_letter():
    words = ["Bad", ",", "7", *["fine"] * 98]
    assert judge_flagged([*words, "fine"], LIST, LIMITS) is None
    why = judge_flagged(words, LIST, LIMITS)
    assert why is not None
    assert (why.reason, why.value, why.limit) == (Reason.FLAGGED_WORDS, round(1 / 99, 4), 0.01)


def test_a_share_of_one_is_off():
    assert judge_flagged(["bad", "worse"], LIST, FlaggedLimits(max_share=1)) is None
    assert judge_flagged([], LIST, LIMITS) is None
    assert judge_flagged(["fine"], LIST, LIMITS) is None
