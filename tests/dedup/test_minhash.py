import random
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.minhash import (
    EMPTY,
    MinhashLimits,
    bands,
    jaccard,
    shingle,
    signature,
    signatures,
)

WORDS = st.lists(st.sampled_from(["a", "b", "Goose", "pond", "é", "42", "“", "...", "_"]))


def by_hand(text: str, ngram: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.lower())
    width = min(ngram, len(words))
    return {tuple(words[k : k + width]) for k in range(len(words) - width + 1) if width}


def pair_of(similarity: float, seed: int, length: int = 400) -> tuple[str, str, float]:
    """Two texts of about the given 5-gram Jaccard, and their true one."""
    rng = random.Random(seed)
    words = [f"w{rng.randrange(50_000)}" for _ in range(length)]
    shared = 2 * similarity / (1 + similarity)  # share of n-grams that a changed text keeps
    changed = list(words)
    start = rng.randrange(length)
    for k in range(round((1 - shared) * length)):
        changed[(start + k) % length] = f"n{rng.randrange(50_000)}"
    texts = " ".join(words), " ".join(changed)
    first, second = (by_hand(text, 5) for text in texts)
    return *texts, len(first & second) / len(first | second)


# Shingles


@given(WORDS, st.integers(1, 6))
def test_there_are_as_many_shingles_as_ngrams(words, ngram):
    text = " ".join(words)
    assert len(shingle(text, ngram)) == len(by_hand(text, ngram))


@given(WORDS, WORDS, st.integers(1, 4))
def test_jaccard_is_that_of_the_ngrams(first, second, ngram):
    texts = " ".join(first), ", ".join(second)
    a, b = (by_hand(text, ngram) for text in texts)
    expected = len(a & b) / len(a | b) if a and b else 0.0
    assert jaccard(*(shingle(text, ngram) for text in texts)) == expected


@pytest.mark.parametrize(
    "other",
    [
        "the quick  brown fox\njumps over the lazy dog",
        "The quick, brown fox jumps -- over the (lazy) dog!",
        "“The quick brown fox” jumps… over the lazy—dog",
        "THE_QUICK_BROWN fox jumps over the lazy dog",
    ],
)
def test_case_white_space_and_punctuation_do_not_count(other):
    text = "The quick brown fox jumps over the lazy dog."
    assert np.array_equal(shingle(text), shingle(other))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a b c d e", "a b c e d"),
        ("ab c d e f", "a bc d e f"),
        ("naïve b c d e", "naive b c d e"),
        ("a a a a a a", "a a a a a"),
    ],
)
def test_words_and_their_order_count(first, second):
    assert (jaccard(shingle(first), shingle(second)) == 0.0) == (
        by_hand(first, 5) != by_hand(second, 5)
    )


def test_texts_without_words_have_no_shingles():
    assert len(shingle("")) == len(shingle("... — !")) == 0
    assert jaccard(shingle(""), shingle("")) == 0.0
    assert len(shingle("lone \ud800 surrogate")) == 1


def test_a_long_text_has_all_its_shingles():
    text = " ".join(f"w{k}" for k in range(30_000))
    assert len(shingle(text)) == 30_000 - 4


def test_no_two_words_share_a_hash():
    words = [f"{k:x}" for k in range(200_000)]
    assert len(shingle(" ".join(words), 1)) == len(words)


# Signatures and bands


def test_signatures_of_texts():
    texts = ["one two three four five six", "", "seven"]
    rows = signatures(texts)
    assert rows.shape == (3, 120)
    assert rows.dtype == np.uint32
    assert (rows[1] == EMPTY).all()
    assert np.array_equal(rows[0], signature(shingle(texts[0])))
    assert signatures([]).shape == (0, 120)
    assert signatures(["a b"], MinhashLimits(bands=3, rows=2)).shape == (1, 6)


def test_signatures_are_the_same_in_every_process():
    code = (
        "from dedup.minhash import signatures; print(signatures(['a b c d e f'])[0][:4].tolist())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == str(signatures(["a b c d e f"])[0][:4].tolist())
    assert printed.strip() == "[140551856, 528026630, 1734591414, 347089729]"


def test_long_texts_in_blocks_are_the_same():
    text = " ".join(f"w{k % 9000}" for k in range(9100))
    shingles = shingle(text)
    halves = np.minimum(signature(shingles[:4000]), signature(shingles[4000:]))
    assert np.array_equal(signature(shingles), halves)


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.8, 0.95])
def test_equal_minima_estimate_the_jaccard(similarity):
    errors = []
    for seed in range(40):
        first, second, true = pair_of(similarity, seed)
        rows = signatures([first, second])
        errors.append(float((rows[0] == rows[1]).mean()) - true)
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 1.3 * np.sqrt(similarity * (1 - similarity) / 120)


def test_bands_are_cut_from_the_signature():
    limits = MinhashLimits(bands=3, rows=2)
    row = np.arange(6, dtype=np.uint32)
    keys = bands(row, limits)
    assert keys == [
        b"\0" + bytes([0, 0, 0, 0, 1, 0, 0, 0]),
        b"\1" + bytes([2, 0, 0, 0, 3, 0, 0, 0]),
        b"\2" + bytes([4, 0, 0, 0, 5, 0, 0, 0]),
    ]
    assert len(bands(signatures(["some words"])[0])) == 20


def test_texts_without_words_meet_nobody():
    assert bands(signatures(["--"])[0]) == []


@pytest.mark.parametrize(("similarity", "least", "most"), [(0.9, 1.0, 1.0), (0.3, 0.0, 0.1)])
def test_near_duplicates_meet_in_a_band(similarity, least, most):
    met = 0
    for seed in range(60):
        rows = signatures(pair_of(similarity, seed)[:2])
        met += bool(set(bands(rows[0])) & set(bands(rows[1])))
    assert least <= met / 60 <= most
