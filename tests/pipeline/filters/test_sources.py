"""Hosts as sources of descriptions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters.pairs import LtipLimits
from pipeline.filters.sources import (
    SCORE_UNIT,
    HostCount,
    HostFigures,
    host_of,
    judge_host,
    judge_source,
    richest_first,
    score_parts,
)
from schemas.rejection import Reason, Why

FIGURES = HostFigures("a.example", 4, 40, 3, 20, 2, SCORE_UNIT)


def test_measures_of_a_host():
    assert (FIGURES.mean_words, FIGURES.mean_score) == (10.0, 0.5)
    assert (FIGURES.distinct, FIGURES.type_token) == (0.75, 0.5)
    assert FIGURES.summary() == {
        "host": "a.example", "pairs": 4, "words": 40, "texts": 3, "types": 20, "scored": 2,
        "mean_words": 10.0, "mean_score": 0.5, "distinct": 0.75, "type_token": 0.5,
    }  # fmt: skip
    nothing = HostFigures("b", 1, 0, 1, 0, 0, 0)
    assert (nothing.mean_score, nothing.type_token) == (None, 0.0)
    assert nothing.summary()["mean_score"] is None


def test_counting_gives_the_figures():
    count = HostCount()
    for text, score in (("A red cup", 0.25), ("a cup", None), ("A red cup", 0.5)):
        count.add(text, score)
    figures = count.figures("h")
    assert figures == HostFigures("h", 3, 8, 2, 3, 2, 3 * SCORE_UNIT // 4)


@given(st.lists(st.floats(-1, 1, width=16)))
def test_scores_are_summed_exactly(scores):
    assert sum(map(score_parts, scores)) / SCORE_UNIT == sum(scores)
    assert all(score_parts(score) / SCORE_UNIT == score for score in scores)


def test_the_longest_texts_come_first():
    short = HostFigures("s", 9, 9, 1, 1, 0, 0)
    assert richest_first([short, FIGURES]) == [FIGURES, short]


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://A.example:80/x", "a.example"), ("file:///x", ""), ("http://[", ""), ("", "")],
)
def test_host(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("hosts", "url", "kept"),
    [
        ((), "http://b.example/", True),
        (("a.example",), "http://a.example/", True),
        (("A.example",), "http://www.a.example/x", True),
        (("a.example",), "http://ba.example/", False),
        (("www.a.example", "c.example"), "http://a.example/", False),
    ],
)
def test_sources_that_are_listed(hosts, url, kept):
    why = judge_source(url, LtipLimits(hosts=hosts))
    assert (why is None) is kept
    assert kept or why.reason is Reason.SOURCE


@pytest.mark.parametrize(
    ("limits", "value", "what"),
    [
        ({"min_host_pairs": 5}, 4.0, "pairs"),
        ({"min_host_words": 10.5}, 10.0, "words"),
        ({"min_host_score": 0.6}, 0.5, "score"),
        ({"min_host_distinct": 0.8}, 0.75, "distinct"),
    ],
)
def test_sources_that_are_measured(limits, value, what):
    (least,) = limits.values()
    made = LtipLimits(**limits)
    assert made.judges_hosts
    assert judge_host(FIGURES, made) == Why(Reason.SOURCE, value, least, f"{what} of a.example")
    assert judge_host(FIGURES, made.of_texts) is None
    assert not made.of_texts.judges_hosts


def test_limits_that_are_reached():
    limits = LtipLimits(
        min_host_pairs=4, min_host_words=10, min_host_score=0.5, min_host_distinct=0.75
    )
    assert judge_host(FIGURES, limits) is None
