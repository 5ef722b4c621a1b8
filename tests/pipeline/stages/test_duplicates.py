"""Of near-duplicate documents one stays, whatever order they come in."""

import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.keep_one import connected_groups
from dedup.minhash import MinhashLimits, bands, jaccard, shingle, signatures
from pipeline.stages.duplicates import (
    DropNearDuplicates,
    band_members,
    choose_losers,
    likely_edges,
    rank_of,
)
from schemas.records import Document, TextBlock

WORDS = [f"word{i}" for i in range(400)]


def document(key, words, fetched_at=""):
    return Document(
        key * 32, f"http://a/{key}", "", (TextBlock(" ".join(words)),), "en", fetched_at
    )


def texts():
    changed = [*WORDS[:200], "other", *WORDS[201:]]
    return [
        document("a", WORDS, "2020"),
        document("b", changed, "2021"),
        document("c", [*changed, "more"], "2019"),
        document("d", reversed(WORDS), "2022"),
        document("e", WORDS[:150] + [f"new{i}" for i in range(250)]),
    ]


@pytest.mark.beam
@pytest.mark.parametrize("seed", [0, 1])
def test_the_newest_of_a_group_stays(seed):
    documents = texts()
    random.Random(seed).shuffle(documents)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create(documents) | DropNearDuplicates(MinhashLimits())
        kept = out.kept | beam.Map(lambda d: d.key[0])
        reasons = out.decisions | beam.Map(lambda d: (d.key[0], d.kept, d.reason))
        assert_that(kept, equal_to(["b", "d", "e"]), "kept")
        assert_that(
            reasons,
            equal_to(
                [
                    ("a", False, "near_duplicate"),
                    ("b", True, None),
                    ("c", False, "near_duplicate"),
                    ("d", True, None),
                    ("e", True, None),
                ]
            ),
            "reasons",
        )


def test_groups_are_connected_through_others():
    ranks = [
        rank_of(document(key, WORDS, stamp)) for key, stamp in (("a", "1"), ("b", "3"), ("c", "2"))
    ]
    edges = [("a" * 32, "b" * 32, 0.9), ("b" * 32, "c" * 32, 0.8)]
    losers = sorted(
        (loser.key[0], loser.winner[0], loser.jaccard) for loser in choose_losers(edges, ranks)
    )
    assert losers == [("a", "b", 0.9), ("c", "b", 0.8)]
    assert not list(choose_losers([], []))


ONE_BAND = MinhashLimits(bands=1, rows=1)


def a_stranger_and_twins():
    """Three documents that share their one band; those with the larger keys are near-duplicates."""
    twins = [document("b", WORDS), document("c", [*WORDS, "more"])]
    for start in range(0, 200, 20):
        others = [f"new{i}" for i in range(100)]
        documents = [document("a", [*WORDS[:start], *others, *WORDS[start + 100 :]]), *twins]
        rows = signatures([d.blocks[0].text for d in documents], ONE_BAND)
        if len({band for row in rows for band in bands(row, ONE_BAND)}) == 1:
            return documents
    raise AssertionError("no stranger shares the twins' band")


@pytest.mark.beam
def test_twins_are_found_though_the_smallest_key_of_their_band_is_a_stranger():
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create(a_stranger_and_twins()) | DropNearDuplicates(ONE_BAND)
        kept = out.kept | beam.Map(lambda d: d.key[0])
        assert_that(kept, equal_to(["a", "c"]))


def test_a_band_of_three_has_the_edge_of_the_larger_two():
    texts = [(d.key[0], d.blocks[0].text) for d in a_stranger_and_twins()]
    members = [
        (key, sketch)
        for band, (key, sketch) in band_members(texts, MinhashLimits())
        if band[0] == 0
    ]
    assert list(likely_edges(b"band", members, 0.8)) == [("b", "c")]
    assert list(likely_edges(b"band", members[:1], 0.8)) == []
    assert list(likely_edges(b"band", members[:1] * 3, 0.8)) == []


def test_every_band_brings_the_sketch_from_another_column():
    limits = MinhashLimits(bands=3, rows=2)
    members = list(band_members([("a", "some words of a text")], limits))
    sketches = [sketch for _, (_, sketch) in members]
    assert [len(sketch) for sketch in sketches] == [6, 6, 6]
    assert sketches[1] == sketches[0][2:] + sketches[0][:2]
    assert sketches[2] == sketches[0][4:] + sketches[0][:4]
    assert not list(band_members([("a", "...")], limits))


def group_texts(sizes):
    """Near-duplicates of a text a group: one word in 200 is another."""
    texts = {}
    for group, size in enumerate(sizes):
        for member in range(size):
            words = [f"g{group}w{i}" for i in range(200)]
            words[7 * member % 200] = f"other{member}"
            texts[f"{random.Random(f'{group} {member}').getrandbits(64):016x}"] = " ".join(words)
    return texts


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_groups_of_a_band_are_found_whatever_the_order(sizes, rng):
    texts = group_texts(sizes)
    members = [
        (key, sketch)
        for band, (key, sketch) in band_members(list(texts.items()), MinhashLimits())
        if band[0] == 0
    ]
    edges = list(likely_edges(b"all in one", members, 0.8))
    rng.shuffle(members)
    assert list(likely_edges(b"all in one", members, 0.8)) == edges
    shingles = {key: shingle(text) for key, text in texts.items()}
    alike = [(a, b) for a, b in edges if jaccard(shingles[a], shingles[b]) >= 0.8]
    assert sorted(len(group) for group in connected_groups(alike)) == sorted(
        size for size in sizes if size > 1
    )
