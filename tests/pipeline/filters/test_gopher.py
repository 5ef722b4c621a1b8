from collections import Counter
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from schemas.rejection import Reason, Why

LIMITS = GopherLimits()
WORDS = (
    "the quick brown fox jumps over a lazy dog while seven wizards quietly mix jugs of strong "
    "black tea and the old owl that lives with them watches from its branch have you ever seen "
    "such curious things happen near an empty house where nobody has lived since last winter "
    "except mice spiders moths plus one very small ghost named Albert"
)


def reason(text, limits=LIMITS):
    why = judge_quality(text, limits) or judge_repetition(text, limits)
    return why.reason if why else None


def test_prose_passes():
    assert reason(WORDS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ".join(WORDS.split()[:49]), Reason.TOO_FEW_WORDS),
        ("a b c d e " * 20, Reason.WORD_LENGTH),
        ("extraordinarily " * 60, Reason.WORD_LENGTH),
        (WORDS + " 12" * 20, Reason.FEW_ALPHABETIC),
        (WORDS + " #" * 9, Reason.SYMBOLS),
        (WORDS + " …" * 9, Reason.SYMBOLS),
        ("\n".join(f"- {w} thing" for w in WORDS.split()), Reason.BULLETS),
        ("\n".join(WORDS.split()[i] + " and" + " walked " * 8 + "the..." for i in range(9)), Reason.ELLIPSES),
        (WORDS.replace("the ", "").replace("and ", "").replace("that ", "").replace("with ", "")
         .replace("of ", "").replace("have ", ""), Reason.FEW_STOP_WORDS),
        ("\n".join([WORDS[:60]] * 3 + WORDS.split(" ")[9:14]), Reason.TOO_FEW_WORDS),
    ],
)  # fmt: skip
def test_each_quality_rule(text, expected):
    why = judge_quality(text, LIMITS)
    assert why is not None
    assert why.reason is expected


def test_too_many_words():
    why = judge_quality(WORDS, replace(LIMITS, max_words=55))
    assert why is not None
    assert (why.reason, why.limit) == (Reason.TOO_MANY_WORDS, 55)


def lines(*parts):
    return "\n".join(parts)


UNIQUE = [f"line {i} of a text says thing number {i * 7919}" for i in range(60)]


def only(**limits):
    """The repetition limits with all but the given ones out of reach."""
    off = {f.name: 99.0 for f in fields(GopherLimits) if "top_" in f.name or "duplicate_" in f.name}
    return replace(LIMITS, **{**off, **limits})


@pytest.mark.parametrize(
    ("name", "text", "share", "expected"),
    [
        ("max_duplicate_lines", lines("a", "b", "a", "c", "a"), 0.4, Reason.REPEATED_LINES),
        ("max_duplicate_line_characters", lines("aaa", "b", "aaa"), 3 / 9, Reason.REPEATED_LINES),
        ("max_duplicate_paragraphs", "a\n\nb\n\na\n\n\nc", 0.25, Reason.REPEATED_PARAGRAPHS),
        (
            "max_duplicate_paragraph_characters",
            "aaa\n\nb\n\naaa",
            3 / 11,
            Reason.REPEATED_PARAGRAPHS,
        ),
    ],
)
def test_each_line_rule(name, text, share, expected):
    assert judge_repetition(text, only(**{name: share + 0.001})) is None
    why = judge_repetition(text, only(**{name: share - 0.001}))
    assert why is not None
    assert why.reason is expected
    assert why.value == pytest.approx(share, abs=1e-4)


def test_a_refrain_is_repetition():
    assert reason("spam eggs " * 9 + WORDS) is Reason.REPEATED_NGRAMS


@pytest.mark.parametrize("n", [2, 3, 4])
def test_top_n_grams_count_every_place(n):
    gram = " ".join(["alpha", "beta", "gamma", "delta"][:n])
    text = " ".join(f"{gram} {word}" for word in WORDS.split()[:12])
    why = judge_repetition(text, only(**{f"max_top_{n}_grams": 0.1}))
    assert why is not None
    share = round(len(gram) * 12 / len(text), 4)
    assert why == Why(Reason.REPEATED_NGRAMS, share, 0.1, f"top {n}-gram")


@pytest.mark.parametrize("n", range(5, 11))
def test_duplicate_n_grams_are_scanned_without_overlap(n):
    words = WORDS.split()
    text = " ".join(words[:40] + words[:n] + words[45:])
    why = judge_repetition(text, only(**{f"max_duplicate_{n}_grams": 0.0}))
    assert why is not None
    repeated = len("".join(words[:n]))
    share = round(repeated / len(text), 4)
    assert why == Why(Reason.REPEATED_NGRAMS, share, 0.0, f"duplicate {n}-grams")


def slow_duplicates(words, n):
    """datatrove's find_all_duplicate, as published."""
    unique, repeated, at = set(), 0, 0
    while at < len(words) - n + 1:
        gram = "".join(words[at : at + n])
        if gram in unique:
            repeated += len(gram)
            at += n
        else:
            unique.add(gram)
            at += 1
    return repeated


def slow_top(words, n):
    """datatrove's find_top_duplicate, as published."""
    grams = Counter(" ".join(words[i : i + n]) for i in range(len(words) - n + 1))
    gram, count = grams.most_common(1)[0]
    return len(gram) * count


@given(st.lists(st.sampled_from(["red", "green", "blue", "a", "the"]), min_size=30, max_size=60))
def test_the_n_gram_shares_are_those_of_datatrove(words):
    text = " ".join(words)
    top = {n: slow_top(words, n) / len(text) for n in (2, 3, 4)}
    duplicate = {n: slow_duplicates(words, n) / len(text) for n in range(5, 11)}
    for name, shares in (("top", top), ("duplicate", duplicate)):
        for n, share in shares.items():
            strict = only(**{f"max_{name}_{n}_grams": share - 1e-9})
            loose = only(**{f"max_{name}_{n}_grams": share})
            assert judge_repetition(text, strict) is not None or share == 0
            assert judge_repetition(text, loose) is None


def test_no_text_has_no_repetition():
    assert judge_repetition("", LIMITS) is None
    assert judge_repetition("one", LIMITS) is None


def test_marks_may_count_as_words():
    text = WORDS + " ," * 20
    assert judge_quality(text, LIMITS) is None
    why = judge_quality(text, replace(LIMITS, marks_are_words=True))
    assert why is not None
    assert why.reason is Reason.FEW_ALPHABETIC


def test_symbols_are_no_words_and_have_no_length():
    why = judge_quality("• one two — three …", LIMITS)
    assert why is not None
    assert (why.reason, why.value) == (Reason.TOO_FEW_WORDS, 3)


def test_line_breaks_in_a_row_part_paragraphs_but_no_lines():
    text = "one line\n\n\ntwo lines\none line"
    why = judge_repetition(text, only(max_duplicate_lines=0.2))
    assert why is not None
    assert why.value == pytest.approx(1 / 3, abs=1e-4)


def test_the_tables_of_the_paper():
    quality = (50, 100_000, 3, 10, 0.1, 0.1, 0.9, 0.3, 0.8, 2, False)
    lines = (0.3, 0.3, 0.2, 0.2)
    n_grams = (0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1)
    values = tuple(getattr(LIMITS, field.name) for field in fields(GopherLimits))
    assert values == (*quality, *lines, *n_grams)
