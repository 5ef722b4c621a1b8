"""Near-duplicate texts: word n-grams, MinHash signatures, bands to meet in, exact Jaccard.

Texts are compared as Gopher compares them (arXiv 2112.11446, appendix A.1.1): lower case,
punctuation ignored, white space alike; beyond ASCII in NFC, without soft hyphens and the like, and
in scripts without spaces by their characters (`dedup.plain_text`). Bands are only the net: with 20
bands of 6 rows two texts of Jaccard s meet with P = 1 - (1 - s^6)^20, .998 at .8 and .62 at .6, so
pairs that meet, and are not far apart by the rest of their signatures (`dedup.likely`), are held
against the exact Jaccard.

All in numpy, no loop over words: a word's hash is a difference of two running sums over the
text's bytes, an n-gram's is a sum of n word hashes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.plain_text import seen_text, spaced_words
from schemas.recipe import bounded

Shingles = NDArray[np.uint64]
"""The hashes of a text's word n-grams, sorted, each once."""

Signatures = NDArray[np.uint32]
"""One row of bands x rows minima a text."""

EMPTY = np.uint32(0xFFFFFFFF)
"""Each minimum of a text without a word."""

_SEED = 0x6D33772F31
_BYTE_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_WORD_BASE = np.uint64(0xC2B2AE3D27D4EB4F)
_WORD = re.compile("[0-9a-z\x80-\U0010ffff]+")  # as _word_bytes says
_BLOCK = 2048  # shingles times 120 permutations of 4 bytes stay in the second-level cache


@dataclass(frozen=True, slots=True)
class MinhashLimits:
    """When two documents are the same text.

    20 bands of 6 rows at Jaccard 0.8 is Gopher's threshold with a wider net than its readers use;
    n-grams of 5 words are OBELICS's (arXiv 2306.16527, A.1), of 13 Gopher's.

    Attributes:
        ngram: words of a shingle.
        bands: bands of a signature; one equal band makes two texts candidates.
        rows: minima of a band.
        jaccard: candidates of at least this Jaccard are the same text.
    """

    ngram: int = bounded(5, at_least=1, at_most=100)
    bands: int = bounded(20, at_least=1, at_most=255)
    rows: int = bounded(6, at_least=1, at_most=64)
    jaccard: float = bounded(0.8, at_least=0.0, at_most=1.0)


def shingle(text: str, ngram: int = 5) -> Shingles:
    """The hashes of a text's word n-grams, sorted, each once; of fewer words, one of them all."""
    return np.unique(ngram_hashes(text, (ngram,)))


def ngram_hashes(text: str, widths: Iterable[int]) -> NDArray[np.uint64]:
    """The hashes of a text's n-grams of several numbers of words, as often as they stand there."""
    words = _word_hashes(text)
    inside = sorted({min(width, len(words)) for width in widths})
    return np.concatenate([words[:0], *(_ngram_hashes(words, width) for width in inside if width)])


def _ngram_hashes(words: NDArray[np.uint64], width: int) -> NDArray[np.uint64]:
    """A hash of every `width` words in a row, in the text's order."""
    hashes = np.zeros(len(words) - width + 1, dtype=np.uint64)
    for place in range(width):
        hashes *= _WORD_BASE
        hashes += words[place : place + len(hashes)]
    return _mixed(hashes)


def words_of(text: str) -> list[str]:
    """A text's words, as shingles see them."""
    return _WORD.findall(_lower(text))


def word_count(text: str) -> int:
    """The number of a text's words, as shingles see them."""
    return len(_word_hashes(text))


def signatures(texts: Iterable[str], limits: MinhashLimits | None = None) -> Signatures:
    """The MinHash signatures of texts, [N, bands x rows]."""
    limits = limits or MinhashLimits()
    rows = [signature(shingle(text, limits.ngram), limits) for text in texts]
    return np.array(rows, dtype=np.uint32).reshape(len(rows), limits.bands * limits.rows)


def signature(shingles: Shingles, limits: MinhashLimits | None = None) -> Signatures:
    """The MinHash signature of one text's shingles, [bands x rows]."""
    limits = limits or MinhashLimits()
    factors, summands = _permutations(limits.bands * limits.rows)
    values = (shingles >> np.uint64(32)).astype(np.uint32)
    lowest = np.full(len(factors), EMPTY, dtype=np.uint32)
    for start in range(0, len(values), _BLOCK):
        permuted = factors[:, None] * values[start : start + _BLOCK]
        permuted += summands[:, None]
        np.minimum(lowest, permuted.min(axis=1), out=lowest)
    return lowest


def bands(row: Signatures, limits: MinhashLimits | None = None) -> list[bytes]:
    """The keys under which a signature meets others, one a band; none for a text without words."""
    limits = limits or MinhashLimits()
    if (row == EMPTY).all():
        return []
    content = row.astype("<u4").tobytes()
    size = 4 * limits.rows
    return [
        bytes((band,)) + content[band * size : (band + 1) * size] for band in range(limits.bands)
    ]


def jaccard(first: Shingles, second: Shingles) -> float:
    """The share of n-grams that two texts have in common, of those that either has; 0 to 1."""
    if len(first) == 0 or len(second) == 0:
        return 0.0
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def _lower(text: str) -> str:
    lower = seen_text(text).lower()
    return lower if lower.isascii() else spaced_words(lower)


def _word_hashes(text: str) -> NDArray[np.uint64]:
    """A hash a word, in the text's order."""
    lower = _lower(text)
    content = np.frombuffer(lower.encode("utf-8", "replace"), dtype=np.uint8)
    is_word = np.zeros(len(content) + 2, dtype=bool)
    is_word[1:-1] = _word_bytes()[content]
    edges = np.flatnonzero(is_word[1:] != is_word[:-1])
    starts, ends = edges[::2], edges[1::2]
    powers, inverses = _powers(1 << max(10, len(content).bit_length()))
    sums = np.zeros(len(content) + 1, dtype=np.uint64)
    np.cumsum(content * powers[: len(content)], out=sums[1:])
    return _mixed((sums[ends] - sums[starts]) * inverses[starts])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Well-spread bits: the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


@cache
def _word_bytes() -> NDArray[np.bool_]:
    """Which bytes belong to a word: letters, digits, and all that is not ASCII, [256]."""
    return np.array([chr(byte).isalnum() if byte < 128 else True for byte in range(256)])


@cache
def _powers(size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The base to the power of 0 to size - 1 and its inverses, modulo 2^64."""
    modulus = 1 << 64
    bases = (_BYTE_BASE, pow(_BYTE_BASE, -1, modulus))
    powers = [np.full(size, base, dtype=np.uint64) for base in bases]
    for column in powers:
        column[0] = 1
        np.multiply.accumulate(column, out=column)
    return powers[0], powers[1]


@cache
def _permutations(number: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Odd factors and summands of as many permutations of the 32-bit numbers."""
    raw = np.random.PCG64(_SEED).random_raw(2 * number)
    values = (raw >> np.uint64(32)).astype(np.uint32)
    return values[:number] | np.uint32(1), values[number:]
