"""OBELICS's rules on paragraphs and documents (arXiv 2306.16527, appendix A.1.3 and table 3)."""

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.filters.repetition import RepeatedGrams
from pipeline.filters.word_lists import shipped_words
from pipeline.filters.words import has_letter, is_symbol
from schemas.recipe import bounded
from schemas.records import Role
from schemas.rejection import Reason, Why

_CHARACTERS = 10
_SHORT = 500
_WORDS = 5
_PUNCTUATION = frozenset(".,;:?!") | {"...", "…"}


@dataclass(frozen=True, slots=True)
class ParagraphLimits:
    """OBELICS, arXiv 2306.16527, table 3, column "paragraph"; a block of text is a paragraph.

    Attributes:
        min_words: fewest words.
        max_words: most words.
        max_character_repetition: share of 10-character n-grams that are the most repeated ones.
        max_word_repetition: share of 5-word n-grams that stand more than once.
        max_special_characters: share of characters that are no letters: spaces, digits, marks.
        min_stop_words: share of words that bind a sentence together.
        max_flagged_words: share of words on the list of flagged words.
        min_punctuation: share of `. , ; : ? !` among words and marks.
        punctuation_from: fewer words and marks than this need no punctuation.
        max_spam_words: share of words of buttons and footers.
        min_common_words: share of words on the list of common words, where one is given.
    """

    min_words: int = 4
    max_words: int = 1000
    max_character_repetition: float = bounded(0.1, at_most=1)
    max_word_repetition: float = bounded(0.1, at_most=1)
    max_special_characters: float = bounded(0.3, at_most=1)
    min_stop_words: float = bounded(0.3, at_most=1)
    max_flagged_words: float = bounded(0.01, at_most=1)
    min_punctuation: float = bounded(0.001, at_most=1)
    punctuation_from: int = 12
    max_spam_words: float = bounded(0.12, at_most=1)
    min_common_words: float = bounded(0.8, at_most=1)


@dataclass(frozen=True, slots=True)
class DocumentLimits(ParagraphLimits):
    """OBELICS, arXiv 2306.16527, table 3, column "document", on what paragraphs are left.

    The other keys mean what they mean of a paragraph.

    Attributes:
        max_perplexity: by the language model, where one is given.
    """

    min_words: int = 10
    max_words: int = 2000
    max_word_repetition: float = bounded(0.2, at_most=1)
    max_special_characters: float = bounded(0.275, at_most=1)
    min_stop_words: float = bounded(0.35, at_most=1)
    min_punctuation: float = bounded(0.03, at_most=1)
    punctuation_from: int = 0
    min_common_words: float = bounded(0.9, at_most=1)
    max_perplexity: float = 1500.0


@dataclass(frozen=True, slots=True)
class ObelicsLimits:
    """OBELICS, arXiv 2306.16527, appendix A.1.3 and table 3: a second profile, off by default.

    Read as its released code reads it, with four differences. Words are those of the one
    tokenisation that all filters share, if a letter is in them, where theirs lie between spaces.
    The lists of stop words and spam words are ours, of the same kind. Headings and captions need
    neither a number of words nor stop words, list items no stop words: the paper's paragraphs know
    no roles. Language and perplexity are asked of documents alone, as in the code: language and its
    probability stand in [language]. Images a page: `m3w.max_images`.

    Attributes:
        enabled: whether paragraphs and documents of M3W are held against these rules.
        spare_roles: whether headings, captions and list items are spared as said above.
        common_words_file: the words that count as common, one a line; "" switches the rule off.
            OBELICS takes those that stand at least twice in 10 million documents of OSCAR.
        perplexity_model: a KenLM model of the language; "" switches the rule off. OBELICS takes
            that of Wikipedia by CCNet. Needs the packages kenlm and sentencepiece.
        perplexity_pieces: the SentencePiece model that goes with it.
        paragraph: limits on each block of text.
        document: limits on what is left of the whole.
    """

    enabled: bool = False
    spare_roles: bool = True
    common_words_file: str = ""
    perplexity_model: str = ""
    perplexity_pieces: str = ""
    paragraph: ParagraphLimits = field(default_factory=ParagraphLimits)
    document: DocumentLimits = field(default_factory=DocumentLimits)

    def __post_init__(self) -> None:
        if bool(self.perplexity_model) != bool(self.perplexity_pieces):
            raise ValueError("perplexity_model and perplexity_pieces go together")


@dataclass(frozen=True, slots=True)
class WordLists:
    """The lists that the rules count by; small letters.

    Attributes:
        stop: words that bind a sentence together.
        flagged: explicit words.
        spam: words of buttons and footers.
        common: words that count as common; None switches that rule off.
        perplexity: a text's perplexity; None switches that rule off.
    """

    stop: Container[str] = field(default_factory=lambda: shipped_words("stop"))
    flagged: Container[str] = field(default_factory=lambda: shipped_words("flagged"))
    spam: Container[str] = field(default_factory=lambda: shipped_words("spam"))
    common: Container[str] | None = None
    perplexity: Callable[[str], float] | None = None


def judge_paragraph(
    text: str, words: list[str], role: Role, lists: WordLists, limits: ObelicsLimits
) -> Why | None:
    """Why OBELICS drops a paragraph, or None.

    OBELICS, arXiv 2306.16527, table 3, column "paragraph":

    | measure | kept |
    |---|---|
    | words | 4 to 1,000 |
    | repetition of characters, and of words | at most 0.1 each |
    | special characters | at most 0.3 |
    | stop words | at least 0.3 |
    | flagged words | at most 0.01 |
    | punctuation | at least 0.001, from 12 words and marks on (its code) |
    | spam words | at most 0.12 |
    | common words | at least 0.8 |

    That roles are spared is ours.

    Args:
        text: of the block.
        words: `split_words(text)`.
        role: what the block is on its page.
        lists: words to count by.
        limits: thresholds.
    """
    spared = limits.spare_roles
    of_few_words = spared and role in {Role.HEADING, Role.CAPTION}
    of_few_stop_words = of_few_words or (spared and role is Role.LIST_ITEM)
    bounds = limits.paragraph
    real = _real_words(words)
    return (
        _judge_number(real, replace(bounds, min_words=1) if of_few_words else bounds)
        or _judge_repetition(text, real, bounds)
        or _judge_special(text, bounds)
        or (None if of_few_stop_words else _judge_stop_words(real, lists, bounds))
        or _judge_lists(real, lists, bounds)
        or _judge_punctuation(words, bounds)
    )


def judge_obelics(
    text: str, words: list[str], lists: WordLists, limits: DocumentLimits
) -> Why | None:
    """Why OBELICS drops a document, or None.

    OBELICS, arXiv 2306.16527, table 3, column "document":

    | measure | kept |
    |---|---|
    | words | 10 to 2,000 |
    | repetition of characters | at most 0.1 |
    | repetition of words | at most 0.2 |
    | special characters | at most 0.275 |
    | stop words | at least 0.35 |
    | flagged words | at most 0.01 |
    | punctuation | at least 0.03 |
    | spam words | at most 0.12 |
    | common words | at least 0.9 |
    | perplexity | at most 1,500 |

    Args:
        text: of the paragraphs that are left, one a line.
        words: `split_words(text)`.
        lists: words to count by.
        limits: thresholds.
    """
    real = _real_words(words)
    return (
        _judge_number(real, limits)
        or _judge_repetition(text, real, limits)
        or _judge_special(text, limits)
        or _judge_stop_words(real, lists, limits)
        or _judge_lists(real, lists, limits)
        or _judge_punctuation(words, limits)
        or _judge_perplexity(text, lists, limits)
    )


def _real_words(words: Iterable[str]) -> list[str]:
    """The words that hold a letter, in small letters."""
    return [word.lower() for word in words if word.isalpha() or has_letter(word)]


def _judge_number(words: list[str], limits: ParagraphLimits) -> Why | None:
    if len(words) < limits.min_words:
        return Why(Reason.TOO_FEW_WORDS, len(words), limits.min_words)
    if len(words) > limits.max_words:
        return Why(Reason.TOO_MANY_WORDS, len(words), limits.max_words)
    return None


def _judge_repetition(text: str, words: list[str], limits: ParagraphLimits) -> Why | None:
    share = character_repetition(text)
    if share > limits.max_character_repetition:
        return Why(Reason.REPEATED_CHARACTERS, round(share, 4), limits.max_character_repetition)
    share = word_repetition(words)
    if share > limits.max_word_repetition:
        return Why(Reason.REPEATED_NGRAMS, round(share, 4), limits.max_word_repetition)
    return None


def _judge_special(text: str, limits: ParagraphLimits) -> Why | None:
    share = 1 - sum(map(str.isalpha, text)) / max(1, len(text))
    if share > limits.max_special_characters:
        return Why(Reason.SPECIAL_CHARACTERS, round(share, 4), limits.max_special_characters)
    return None


def _judge_stop_words(words: list[str], lists: WordLists, limits: ParagraphLimits) -> Why | None:
    share = share_of(words, lists.stop)
    if share < limits.min_stop_words:
        return Why(Reason.FEW_STOP_WORDS, round(share, 4), limits.min_stop_words)
    return None


def _judge_lists(words: list[str], lists: WordLists, limits: ParagraphLimits) -> Why | None:
    flagged = share_of(words, lists.flagged)
    if flagged > limits.max_flagged_words:
        return Why(Reason.FLAGGED_WORDS, round(flagged, 4), limits.max_flagged_words)
    spam = share_of(words, lists.spam)
    if spam > limits.max_spam_words:
        return Why(Reason.SPAM_WORDS, round(spam, 4), limits.max_spam_words)
    if lists.common is not None:
        common = share_of(words, lists.common)
        if common < limits.min_common_words:
            return Why(Reason.UNCOMMON_WORDS, round(common, 4), limits.min_common_words)
    return None


def _judge_punctuation(words: list[str], limits: ParagraphLimits) -> Why | None:
    marks = sum(word in _PUNCTUATION for word in words)
    both = marks + sum(not is_symbol(word) for word in words)
    share = marks / max(1, both)
    if both >= limits.punctuation_from and share < limits.min_punctuation:
        return Why(Reason.PUNCTUATION, round(share, 4), limits.min_punctuation)
    return None


def _judge_perplexity(text: str, lists: WordLists, limits: DocumentLimits) -> Why | None:
    if lists.perplexity is None:
        return None
    perplexity = lists.perplexity(text)
    if perplexity > limits.max_perplexity:
        return Why(Reason.PERPLEXITY, perplexity, limits.max_perplexity)
    return None


def share_of(words: list[str], listed: Container[str]) -> float:
    """The share of words that are on a list; 0 of no words."""
    return sum(word in listed for word in words) / max(1, len(words))


def word_repetition(words: list[str]) -> float:
    """The share of 5-word n-grams that stand more than once; 0 of a text that has none."""
    grams = len(words) - _WORDS + 1
    if len(words) - len(set(words)) < _WORDS:
        return 0.0
    return RepeatedGrams(words).places(_WORDS) / grams


def character_repetition(text: str) -> float:
    """The share of 10-character n-grams that are the most repeated ones; 0 of a text without.

    Of the different n-grams the most frequent are taken, as many as their number's root, if they
    stand more than once (OBELICS, appendix A.1.3, and its code). N-grams are told apart by 64 bits.
    """
    grams = len(text) - _CHARACTERS + 1
    if grams <= 0:
        return 0.0
    counts = _counts_of_short(text, grams) if grams < _SHORT else _counts_of_long(text, grams)
    taken = min(int(len(counts) ** 0.5), int(np.count_nonzero(counts > 1)))
    return float(np.sort(counts)[len(counts) - taken :].sum()) / grams


def _counts_of_short(text: str, grams: int) -> "np.ndarray[Any, Any]":
    """How often each 10-character n-gram stands in a text; numpy would take longer to start."""
    found = Counter([text[place : place + _CHARACTERS] for place in range(grams)])
    return np.fromiter(found.values(), np.int64, len(found))


def _counts_of_long(text: str, grams: int) -> "np.ndarray[Any, Any]":
    """The same, by 64-bit hashes."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes = np.zeros(grams, np.uint64)
    for place in range(_CHARACTERS):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[place : place + grams]
    return np.unique(hashes, return_counts=True)[1]
