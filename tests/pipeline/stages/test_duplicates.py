"""Of near-duplicate documents one stays, whatever order they come in."""

import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from dedup.minhash import MinhashLimits
from pipeline.stages.duplicates import DropNearDuplicates, choose_losers, rank_of, star_edges
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


def test_a_band_of_many_makes_few_edges():
    assert list(star_edges(b"band", ["c", "a", "b", "a"])) == [("a", "b"), ("a", "c")]
    assert not list(star_edges(b"band", ["a"]))
