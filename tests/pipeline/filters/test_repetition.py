from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters.repetition import RepeatedGrams

WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "d", "."]), max_size=40)


def top(words, n):
    grams = Counter(" ".join(words[i : i + n]) for i in range(len(words) - n + 1))
    return max((len(gram) * count for gram, count in grams.most_common(1)), default=0)


def duplicate(words, n):
    seen, characters, at = set(), 0, 0
    while at <= len(words) - n:
        gram = tuple(words[at : at + n])
        if gram in seen:
            characters += len("".join(gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters


@given(WORDS)
def test_both_counts_are_those_of_a_plain_scan(words):
    grams = RepeatedGrams(words)
    assert [grams.top(n) for n in (2, 3, 4)] == [top(words, n) for n in (2, 3, 4)]
    longer = range(5, 11)
    assert [grams.duplicate(n) for n in longer] == [duplicate(words, n) for n in longer]


@pytest.mark.parametrize(("words", "expected"), [([], 0), (["one"], 0), (["one", "two"], 7)])
def test_few_words(words, expected):
    assert RepeatedGrams(words).top(2) == expected


def test_of_equals_the_first_counts():
    assert RepeatedGrams(["x", "yy", "x", "yy", "long", "word", "long", "word"]).top(2) == 8
