"""Pairs under their corpus's rules, counted over the corpus."""

import random
from contextlib import contextmanager
from dataclasses import replace

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.corpora.pair_links import PairLimits
from pipeline.corpora.pairs import (
    BuildPairs,
    judge_score,
    make_pair,
    score_pairs,
    text_tasks,
)
from pipeline.filters.pairs import AlignLimits
from schemas.records import Embedded, Found, Image, PackRef, PairLink, Rights, Video
from schemas.rejection import Reason, Why

REF = PackRef("a" * 64, "p.tar", 0, 9)


def image(name, width=400, height=300):
    return Image(name * 64, REF, 256, 192, width, height, "0" * 16)


def link(url, text, page="http://p/", corpus="align", kind="image"):
    return PairLink(f"{corpus}{url}{text}{page}", corpus, kind, url, page, text)


@contextmanager
def build(corpus, limits, links, found, embedded=()):
    """The (text, vector) of pairs that are kept, what was read, and (url, reason) of decisions."""
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        inputs = {
            "links": pipeline | "L" >> beam.Create(links),
            "found": pipeline | "F" >> beam.Create(found),
            "embedded": pipeline | "E" >> beam.Create(list(embedded)),
        }
        scored, read, decisions, _ = inputs | BuildPairs(corpus, limits)
        yield (
            scored | beam.Map(lambda one: (one[0].text, one[1])),
            read,
            decisions | beam.Flatten() | beam.Map(lambda d: (d.url, d.reason, d.stage)),
        )


@pytest.mark.beam
def test_align_counts_over_the_corpus():
    cup, boat = image("a"), image("b")
    found = [
        Found(("u1", "u2"), cup),
        Found(("u3",), boat),
        Found(("small",), image("c", 200, 300)),
        Found(("v",), Video("d" * 64, REF, 4, 4, 3.0)),
    ]
    links = [
        link("u1", "a red cup"), link("u2", "a red cup", "http://q/"), link("u1", "one more cup"),
        link("u3", "same old text"), link("u1", "same old text"), link("small", "a small picture"),
        link("lost", "not to be had"), link("v", "a video is no image"),
    ]  # fmt: skip
    limits = PairLimits(align=AlignLimits(max_images_of_text=1))
    decided = [
        ("u1", None, "align"), ("u1", None, "align"), ("u2", "duplicate_pair", "align"),
        ("u3", "frequent_text", "align"), ("u1", "frequent_text", "align"),
        ("small", "too_small", "align"), ("lost", "no_media", "align"), ("v", "no_media", "align"),
    ]  # fmt: skip
    with build("align", limits, links, found, [Embedded(cup.key, b"v")]) as (
        pairs,
        read,
        decisions,
    ):
        assert_that(pairs, equal_to([("a red cup", b"v"), ("one more cup", b"v")]), "pairs")
        assert_that(read, equal_to([("align", "pair")] * 8), "read")
        assert_that(decisions, equal_to(decided), "decisions")


def recounted(links, limits):
    """(URL, text) of the pairs that ALIGN's counts let through, counted anew for each pair."""
    return [
        (one.url, one.text)
        for one in links
        if len({other.text for other in links if other.url == one.url})
        <= limits.max_alt_texts_of_image
        and len({other.url for other in links if other.text == one.text})
        <= limits.max_images_of_text
    ]


@pytest.mark.beam
def test_align_counts_as_a_slow_recount_does():
    draw = random.Random(7)
    limits = AlignLimits()
    found = [Found((f"{n}",), replace(image("a"), key=f"{n:064x}")) for n in range(40)]
    # Pictures 0 and 1 have 1,000 and 1,001 texts; of those drawn at random some have 11 pictures.
    links = [link(f"{n}", f"text number {k}") for n in (0, 1) for k in range(1000 + n)]
    drawn = {(draw.randrange(2, 40), int(draw.random() ** 2 * 30)) for _ in range(260)}
    links += [link(f"{n}", f"alt text {k}") for n, k in sorted(drawn)]
    kept = recounted(links, limits)
    reasons = [None] * len(kept) + ["frequent_alt_texts"] * 1001
    reasons += ["frequent_text"] * (len(links) - len(reasons))
    assert 1000 < len(kept) < len(links) - 1050
    draw.shuffle(links)
    with build("align", PairLimits(), links, found) as (pairs, read, decisions):
        assert_that(pairs, equal_to([(text, b"") for _, text in kept]), "pairs")
        assert_that(read, equal_to([("align", "pair")] * len(links)), "read")
        told = decisions | beam.Map(lambda one: one[1])
        assert_that(told, equal_to(reasons), "reasons")
        urls = (
            decisions | beam.Filter(lambda one: one[1] is None) | "Url" >> beam.Map(lambda d: d[0])
        )
        assert_that(urls, equal_to([url for url, _ in kept]), "urls")


def test_pairs_are_named_by_content():
    one, two = link("u1", "a cup", "http://p/"), link("u2", "a cup", "http://q/")
    assert make_pair(one, image("a")).key == make_pair(two, image("a")).key
    assert make_pair(replace(one, rights=Rights("l")), image("a")).rights == Rights("l")
    assert make_pair(one, image("a")).key != make_pair(replace(one, corpus="ltip"), image("a")).key


def test_a_low_score_is_a_reason():
    pair = replace(make_pair(link("u", "t"), image("a")), score=0.2)
    assert judge_score(pair, None) is None
    assert judge_score(pair, 0.2) is None
    assert judge_score(pair, 0.3) == Why(Reason.LOW_SIMILARITY, 0.2, 0.3)


def test_texts_are_batched_by_key_and_scored():
    pairs = [
        (make_pair(link(f"u{i}", f"text {i}"), image("a")), np.eye(2, dtype="<f4")[i % 2].tobytes())
        for i in range(1030)
    ]
    tasks = list(text_tasks(reversed(pairs)))
    assert [len(task.texts) for task in tasks] == [1024, 6]
    keys = [pair.key for task in tasks for pair, _ in task.payload]
    assert keys == sorted(keys)
    rows = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (1024, 1))
    scored = list(score_pairs(tasks[0].payload, rows))
    assert {pair.score for pair in scored} == {float(np.float16(0.6)), float(np.float16(0.8))}


def test_where_a_filter_network_scores_it_decides():
    pair = replace(make_pair(link("u", "a cup"), image("a")), score=0.1)
    assert pair.rank == 0.1
    (both,) = score_pairs(
        ((pair, np.array([0.5, 0.5], "<f4").tobytes()),),
        np.ones((1, 2), np.float32),
        field="filter_score",
    )
    assert (both.score, both.filter_score, both.rank) == (0.1, 1.0, 1.0)
    assert judge_score(both, 0.5) is None
    assert judge_score(pair, 0.5) == Why(Reason.LOW_SIMILARITY, 0.1, 0.5)
