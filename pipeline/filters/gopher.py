"""Gopher's quality and repetition rules (arXiv 2112.11446, section A.1.1 and table A1)."""

import re
from collections import Counter
from dataclasses import dataclass

from pipeline.filters.words import is_symbol, split_words
from schemas.rejection import Reason, Why

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_PARAGRAPHS = re.compile(r"\n{2,}")
_LINES = re.compile(r"\n+")


@dataclass(frozen=True, slots=True)
class GopherLimits:
    """Gopher, arXiv 2112.11446, section A.1.1 (quality) and table A1 (repetition).

    Read as huggingface/datatrove reads them: words are counted without symbols, a top n-gram
    counts each of its overlapping places, duplicate n-grams are scanned without overlap. One
    reading differs: the paper asks that 80 % of the *words* hold a letter, and datatrove counts
    every punctuation mark as a word there, which turns away a third of a software manual.

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

    Args:
        text: the document's text, one block a line.
        limits: thresholds.
        words: `split_words(text)` where the caller has it.
    """
    words = split_words(text) if words is None else words
    return _judge_words(words, limits) or _judge_marks(text, words, limits)


def _judge_words(words: list[str], limits: GopherLimits) -> Why | None:
    real = [w for w in words if not is_symbol(w)]
    if len(real) < limits.min_words:
        return Why(Reason.TOO_FEW_WORDS, len(real), limits.min_words)
    if len(real) > limits.max_words:
        return Why(Reason.TOO_MANY_WORDS, len(real), limits.max_words)
    mean = sum(map(len, real)) / max(1, len(real))
    if mean < limits.min_mean_word_length:
        return Why(Reason.WORD_LENGTH, round(mean, 3), limits.min_mean_word_length)
    if mean > limits.max_mean_word_length:
        return Why(Reason.WORD_LENGTH, round(mean, 3), limits.max_mean_word_length)
    counted = words if limits.marks_are_words else real
    alphabetic = sum(1 for w in counted if any(map(str.isalpha, w))) / max(1, len(counted))
    if alphabetic < limits.min_alphabetic_words:
        return Why(Reason.FEW_ALPHABETIC, round(alphabetic, 4), limits.min_alphabetic_words)
    found = len(STOP_WORDS.intersection(words))
    if found < limits.min_stop_words:
        return Why(Reason.FEW_STOP_WORDS, found, limits.min_stop_words)
    return None


def _judge_marks(text: str, words: list[str], limits: GopherLimits) -> Why | None:
    hashes = text.count("#") / max(1, len(words))
    if hashes > limits.max_hashes_per_word:
        return Why(Reason.SYMBOLS, round(hashes, 4), limits.max_hashes_per_word)
    ellipses = (text.count("...") + text.count("…")) / max(1, len(words))
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
    paragraphs = _PARAGRAPHS.split(text.strip())
    count, characters = _duplicates(paragraphs)
    if count / len(paragraphs) > limits.max_duplicate_paragraphs:
        share = round(count / len(paragraphs), 4)
        return Why(Reason.REPEATED_PARAGRAPHS, share, limits.max_duplicate_paragraphs)
    if characters / len(text) > limits.max_duplicate_paragraph_characters:
        share = round(characters / len(text), 4)
        return Why(Reason.REPEATED_PARAGRAPHS, share, limits.max_duplicate_paragraph_characters)
    lines = _LINES.split(text)
    count, characters = _duplicates(lines)
    if count / len(lines) > limits.max_duplicate_lines:
        return Why(Reason.REPEATED_LINES, round(count / len(lines), 4), limits.max_duplicate_lines)
    if characters / len(text) > limits.max_duplicate_line_characters:
        share = round(characters / len(text), 4)
        return Why(Reason.REPEATED_LINES, share, limits.max_duplicate_line_characters)
    return None


def _judge_n_grams(text: str, words: list[str], limits: GopherLimits) -> Why | None:
    top = {2: limits.max_top_2_grams, 3: limits.max_top_3_grams, 4: limits.max_top_4_grams}
    for n, limit in top.items():
        share = _top_n_gram(words, n) / len(text)
        if share > limit:
            return Why(Reason.REPEATED_NGRAMS, f"top {n}: {share:.4f}", limit)
    duplicate = {
        5: limits.max_duplicate_5_grams,
        6: limits.max_duplicate_6_grams,
        7: limits.max_duplicate_7_grams,
        8: limits.max_duplicate_8_grams,
        9: limits.max_duplicate_9_grams,
        10: limits.max_duplicate_10_grams,
    }
    for n, limit in duplicate.items():
        share = _duplicate_n_grams(words, n) / len(text)
        if share > limit:
            return Why(Reason.REPEATED_NGRAMS, f"duplicate {n}: {share:.4f}", limit)
    return None


def _top_n_gram(words: list[str], n: int) -> int:
    """Characters of the most frequent n-gram, at all its places, overlapping ones too."""
    if len(words) < n:
        return 0
    grams = Counter(zip(*(words[i:] for i in range(n)), strict=False))
    gram, count = grams.most_common(1)[0]
    return (sum(map(len, gram)) + n - 1) * count


def _duplicate_n_grams(words: list[str], n: int) -> int:
    """Characters of n-grams seen before, scanned without overlap."""
    seen: set[tuple[str, ...]] = set()
    characters = at = 0
    while at <= len(words) - n:
        gram = tuple(words[at : at + n])
        if gram in seen:
            characters += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters
