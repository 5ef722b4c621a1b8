"""Gopher's quality and repetition rules (arXiv 2112.11446, section A.1.1 and table A1)."""

import re
from collections import Counter
from dataclasses import dataclass

from pipeline.filters.repetition import RepeatedGrams
from pipeline.filters.words import has_letter, is_symbol, split_words
from schemas.rejection import Reason, Why

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_PARAGRAPHS = re.compile(r"\n{2,}")
_LINES = re.compile(r"\n+")


@dataclass(frozen=True, slots=True)
class GopherLimits:
    """Gopher, arXiv 2112.11446, section A.1.1 (quality) and table A1 (repetition).

    Read as huggingface/datatrove reads them, down to its tokens: words are counted without symbols,
    a top n-gram counts each of its overlapping places, duplicate n-grams are scanned without
    overlap. One reading differs: the paper asks that 80 % of the *words* hold a letter, and
    datatrove counts every punctuation mark as a word there, which turns away a third of a software
    manual.

    Attributes:
        marks_are_words: count punctuation marks in `min_alphabetic_words`, as datatrove does.
    """

    min_words: int = 50
    max_words: int = 100_000
    min_mean_word_length: float = 3.0
    max_mean_word_length: float = 10.0
    max_hashes_per_word: float = 0.1
    max_ellipses_per_word: float = 0.1
    max_bullet_lines: float = 0.9
    max_ellipsis_lines: float = 0.3
    min_alphabetic_words: float = 0.8
    min_stop_words: int = 2
    marks_are_words: bool = False
    max_duplicate_lines: float = 0.30
    max_duplicate_paragraphs: float = 0.30
    max_duplicate_line_characters: float = 0.20
    max_duplicate_paragraph_characters: float = 0.20
    max_top_2_grams: float = 0.20
    max_top_3_grams: float = 0.18
    max_top_4_grams: float = 0.16
    max_duplicate_5_grams: float = 0.15
    max_duplicate_6_grams: float = 0.14
    max_duplicate_7_grams: float = 0.13
    max_duplicate_8_grams: float = 0.12
    max_duplicate_9_grams: float = 0.11
    max_duplicate_10_grams: float = 0.10


def judge_quality(text: str, limits: GopherLimits, words: list[str] | None = None) -> Why | None:
    """Why the text is not prose by Gopher's quality rules, or None.

    Gopher, arXiv 2112.11446, section A.1.1:

    | measure | kept |
    |---|---|
    | words | 50 to 100,000 |
    | mean length of words | 3 to 10 characters |
    | hash signs, and ellipses, to a word | at most 0.1 each |
    | lines that begin with a bullet | at most 0.9 |
    | lines that end with an ellipsis | at most 0.3 |
    | words with a letter | at least 0.8 |
    | of the, be, to, of, and, that, have, with | at least 2 |

    Args:
        text: the document's text, one block a line.
        limits: thresholds.
        words: `split_words(text)` where the caller has it.
    """
    words = split_words(text) if words is None else words
    counts = Counter(words)
    return (
        _judge_words(words, counts, limits)
        or _judge_marks(text, len(words), limits)
        or _judge_letters(len(words), counts, limits)
    )


def _judge_words(words: list[str], counts: Counter[str], limits: GopherLimits) -> Why | None:
    symbols = [word for word in counts if not word.isalnum() and is_symbol(word)]
    real = len(words) - sum(counts[symbol] for symbol in symbols)
    if real < limits.min_words:
        return Why(Reason.TOO_FEW_WORDS, real, limits.min_words)
    if real > limits.max_words:
        return Why(Reason.TOO_MANY_WORDS, real, limits.max_words)
    letters = sum(map(len, words)) - sum(len(symbol) * counts[symbol] for symbol in symbols)
    mean = letters / max(1, real)
    if mean < limits.min_mean_word_length:
        return Why(Reason.WORD_LENGTH, round(mean, 3), limits.min_mean_word_length)
    if mean > limits.max_mean_word_length:
        return Why(Reason.WORD_LENGTH, round(mean, 3), limits.max_mean_word_length)
    return None


def _judge_letters(words: int, counts: Counter[str], limits: GopherLimits) -> Why | None:
    strange = [word for word in counts if not word.isalpha() and not has_letter(word)]
    if not limits.marks_are_words:
        words -= sum(counts[word] for word in strange if is_symbol(word))
        strange = [word for word in strange if not is_symbol(word)]
    alphabetic = 1 - sum(counts[word] for word in strange) / max(1, words)
    if alphabetic < limits.min_alphabetic_words:
        return Why(Reason.FEW_ALPHABETIC, round(alphabetic, 4), limits.min_alphabetic_words)
    found = sum(word in counts for word in STOP_WORDS)
    if found < limits.min_stop_words:
        return Why(Reason.FEW_STOP_WORDS, found, limits.min_stop_words)
    return None


def _judge_marks(text: str, words: int, limits: GopherLimits) -> Why | None:
    hashes = text.count("#") / max(1, words)
    if hashes > limits.max_hashes_per_word:
        return Why(Reason.SYMBOLS, round(hashes, 4), limits.max_hashes_per_word)
    ellipses = (text.count("...") + text.count("…")) / max(1, words)
    if ellipses > limits.max_ellipses_per_word:
        return Why(Reason.SYMBOLS, round(ellipses, 4), limits.max_ellipses_per_word)
    lines = text.splitlines() or [""]
    bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines)
    if bullets > limits.max_bullet_lines:
        return Why(Reason.BULLETS, round(bullets, 4), limits.max_bullet_lines)
    cut = sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines)
    if cut > limits.max_ellipsis_lines:
        return Why(Reason.ELLIPSES, round(cut, 4), limits.max_ellipsis_lines)
    return None


def judge_repetition(text: str, limits: GopherLimits, words: list[str] | None = None) -> Why | None:
    """Why the text repeats itself too much by Gopher's table A1, or None.

    Gopher, arXiv 2112.11446, table A1, largest shares that are kept:

    | measure | kept |
    |---|---|
    | duplicate lines, and paragraphs | 0.30 each |
    | characters in duplicate lines, and in duplicate paragraphs | 0.20 each |
    | characters in the top 2-, 3-, 4-gram | 0.20, 0.18, 0.16 |
    | characters in duplicate 5-, 6-, 7-, 8-, 9-, 10-grams | 0.15, 0.14, 0.13, 0.12, 0.11, 0.10 |

    Args:
        text: the document's text, one block a line.
        limits: thresholds.
        words: `split_words(text)` where the caller has it.
    """
    if not text:
        return None
    words = split_words(text) if words is None else words
    return _judge_lines(text, limits) or _judge_n_grams(text, words, limits)


def _duplicates(elements: list[str]) -> tuple[int, int]:
    """How many elements repeat an earlier one, and their characters."""
    seen: set[str] = set()
    count = characters = 0
    for element in elements:
        if element in seen:
            count += 1
            characters += len(element)
        else:
            seen.add(element)
    return count, characters


def _judge_lines(text: str, limits: GopherLimits) -> Why | None:
    has_breaks = "\n\n" in text
    paragraphs = _PARAGRAPHS.split(text.strip()) if has_breaks else [text.strip()]
    count, characters = _duplicates(paragraphs)
    if count / len(paragraphs) > limits.max_duplicate_paragraphs:
        share = round(count / len(paragraphs), 4)
        return Why(Reason.REPEATED_PARAGRAPHS, share, limits.max_duplicate_paragraphs)
    if characters / len(text) > limits.max_duplicate_paragraph_characters:
        share = round(characters / len(text), 4)
        return Why(Reason.REPEATED_PARAGRAPHS, share, limits.max_duplicate_paragraph_characters)
    lines = _LINES.split(text) if has_breaks else text.split("\n")
    count, characters = _duplicates(lines)
    if count / len(lines) > limits.max_duplicate_lines:
        return Why(Reason.REPEATED_LINES, round(count / len(lines), 4), limits.max_duplicate_lines)
    if characters / len(text) > limits.max_duplicate_line_characters:
        share = round(characters / len(text), 4)
        return Why(Reason.REPEATED_LINES, share, limits.max_duplicate_line_characters)
    return None


def _judge_n_grams(text: str, words: list[str], limits: GopherLimits) -> Why | None:
    grams = RepeatedGrams(words)
    for n in (2, 3, 4):
        share = grams.top(n) / len(text)
        limit = getattr(limits, f"max_top_{n}_grams")
        if share > limit:
            return Why(Reason.REPEATED_NGRAMS, round(share, 4), limit, f"top {n}-gram")
    for n in range(5, 11):
        share = grams.duplicate(n) / len(text)
        limit = getattr(limits, f"max_duplicate_{n}_grams")
        if share > limit:
            return Why(Reason.REPEATED_NGRAMS, round(share, 4), limit, f"duplicate {n}-grams")
    return None
