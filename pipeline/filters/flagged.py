"""The verdict on explicit texts: the share of their words that are on a list."""

from collections.abc import Container
from dataclasses import dataclass

from pipeline.filters.words import has_letter
from schemas.recipe import bounded
from schemas.rejection import Reason, Why


@dataclass(frozen=True, slots=True)
class FlaggedLimits:
    """OBELICS, arXiv 2306.16527, table 3: at most 1 % of a document's words are on a list.

    Flamingo's authors drop explicit pages by a filter of their own. The list that comes along is
    short and of words that only pornography uses, so that no text on health or on the law goes for
    its subject: `pipeline/filters/lists/flagged.toml`.

    Attributes:
        max_share: of the words of a document; 1 switches the rule off.
        words_file: a list of your own instead, one word a line; "" for the one that comes along.
    """

    max_share: float = bounded(0.01, at_most=1)
    words_file: str = ""


def judge_flagged(words: list[str], flagged: Container[str], limits: FlaggedLimits) -> Why | None:
    """Why a text is explicit, or None.

    OBELICS, arXiv 2306.16527, table 3: flagged words at most 0.01 of a paragraph's and of a
    document's. Asked of documents; the list that comes along is ours.

    Args:
        words: tokens of the text, from `split_words`.
        flagged: the list, in small letters.
        limits: thresholds.
    """
    found = sum(word.lower() in flagged for word in words)
    if not found:
        return None
    share = found / sum(map(has_letter, words))
    if share > limits.max_share:
        return Why(Reason.FLAGGED_WORDS, round(share, 4), limits.max_share)
    return None
