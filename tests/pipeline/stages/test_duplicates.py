"""A document falls only to one that stays and that it is like, whatever order they come in."""

import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.keep_one import Better, newest_longest, settle
from dedup.minhash import MinhashLimits, bands, jaccard, shingle, signatures
from pipeline.stages import duplicates
from pipeline.stages.duplicates import (
    ROUNDS,
    ChooseLosers,
    DropNearDuplicates,
    band_members,
    compare_ends,
    likely_edges,
)
from pipeline.stages.one_stays import Rank, rank_of
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


@pytest.mark.beam
def test_a_decision_names_what_stays_and_how_alike_the_two_are():
    documents = texts()
    shingles = {d.key: shingle(d.blocks[0].text) for d in documents}
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create(documents) | DropNearDuplicates(MinhashLimits())
        named = out.decisions | beam.Map(
            lambda d: (d.key[0], d.value, d.limit, d.copy_of, d.copy_of_url)
        )
        stays = "b" * 32
        gone = [
            (key, round(jaccard(shingles[key * 32], shingles[stays]), 4), 0.8, stays, "http://a/b")
            for key in "ac"
        ]
        kept = [(key, None, None, None, None) for key in "bde"]
        assert_that(named, equal_to([*gone, *kept]))


def drifting(number, step=16):
    """Captures of a page that changes a little each day; the last is the newest."""
    words = [f"word{i}" for i in range(200 + step * number)]
    return [
        document(chr(0x100 + day), words[step * day : step * day + 200], f"{2000 + day}")
        for day in range(number)
    ]


def verified(documents, limits):
    """The better ones that each document is like, as the stage finds them, without Beam."""
    batch = [(rank_of(d), d.blocks[0].text) for d in documents]
    found, edges = {}, set()
    for band, member in band_members(batch, limits):
        found.setdefault(band, []).append(member)
    for band, members in found.items():
        edges.update(likely_edges(band, members, limits.jaccard))
    shingles = {d.key: (d.url, shingle(d.blocks[0].text, limits.ngram)) for d in documents}
    alike = {}
    for d in documents:
        carried = [(better, *shingles[better]) for better, worse in edges if worse == d.key]
        groups = {"carried": carried, "shingles": [shingles[d.key]]}
        alike.update(compare_ends(d.key, groups, limits.jaccard))
    return alike


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 5)), min_size=2,
             max_size=25, unique=True),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_every_loser_has_a_page_that_stays_and_no_two_that_stay_are_alike(places, rng):
    words = [[f"t{text}w{i}" for i in range(400)] for text in range(4)]
    documents = [
        document(chr(0x100 + k), [*words[text][start : start + 200], "end"], str(time))
        for k, (text, start, time) in enumerate(places)
    ]
    limits = MinhashLimits()
    alike = verified(documents, limits)
    told = settle(alike)
    stay = [d for d in documents if told.get(d.key, True)]
    content = {d.key: shingle(d.blocks[0].text) for d in documents}
    ranks = {d.key: newest_longest(rank_of(d)) for d in documents}
    for d in documents:
        is_like = [
            other.key
            for other in stay
            if other.key != d.key and jaccard(content[d.key], content[other.key]) >= limits.jaccard
        ]
        if told.get(d.key, True):
            assert not is_like
        else:
            assert max(map(ranks.__getitem__, is_like)) > ranks[d.key]
    rng.shuffle(documents)
    assert settle(verified(documents, limits)) == told


@pytest.mark.beam
@pytest.mark.parametrize("most", [1_000_000, 2])
def test_a_chain_keeps_several_also_where_it_is_longer_than_there_are_rounds(most, monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_WAITING", most)
    chain = [(f"{k:02d}", (Better(f"{k - 1:02d}", f"u{k - 1}", 0.9),)) for k in range(1, 30)]
    assert len(chain) > 4 * ROUNDS
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        losers = pipeline | beam.Create(chain) | ChooseLosers()
        gone = losers | beam.Map(lambda loser: (loser.key, loser.stays.key))
        expected = [(f"{k:02d}", f"{k - 1:02d}") for k in range(1, 30, 2)]
        if most == 2:
            # Rounds settle the first links; of the rest two wait to be settled, the others stay.
            assert_that(gone, is_part_of(at_least=1))
        else:
            assert_that(gone, equal_to(expected))


def is_part_of(at_least):
    def check(found):
        keys = {key for key, _ in found}
        assert at_least <= len(keys)
        assert all(stays not in keys for _, stays in found)
        assert all(int(key) - int(stays) == 1 for key, stays in found)

    return check


@pytest.mark.beam
def test_of_a_page_that_drifts_no_capture_falls_to_one_that_it_is_not_like():
    documents = drifting(24)
    content = {d.key: shingle(d.blocks[0].text) for d in documents}
    assert jaccard(content[documents[0].key], content[documents[-1].key]) == 0
    told = settle(verified(documents, MinhashLimits()))
    kept = [d.key[0] for d in documents if told.get(d.key, True)]
    assert 4 < len(kept) < len(documents)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create(documents) | DropNearDuplicates(MinhashLimits())
        assert_that(out.kept | beam.Map(lambda d: d.key[0]), equal_to(kept), "kept")
        values = out.decisions | beam.Filter(lambda d: not d.kept) | beam.Map(lambda d: d.value)
        assert_that(values | beam.Filter(lambda value: value < 0.8), equal_to([]), "values")


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
    texts = [(rank_of(d), d.blocks[0].text) for d in a_stranger_and_twins()]
    members = [member for band, member in band_members(texts, MinhashLimits()) if band[0] == 0]
    assert list(likely_edges(b"band", members, 0.8)) == [("c" * 32, "b" * 32)]
    assert list(likely_edges(b"band", members[:1], 0.8)) == []
    assert list(likely_edges(b"band", members[:1] * 3, 0.8)) == []


def test_every_band_brings_the_sketch_from_another_column():
    limits = MinhashLimits(bands=3, rows=2)
    rank = Rank("a", "", 20, "u")
    members = list(band_members([(rank, "some words of a text")], limits))
    sketches = [sketch for _, (_, sketch) in members]
    assert [len(sketch) for sketch in sketches] == [6, 6, 6]
    assert sketches[1] == sketches[0][2:] + sketches[0][:2]
    assert sketches[2] == sketches[0][4:] + sketches[0][:4]
    assert not list(band_members([(rank, "...")], limits))


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
def test_of_each_group_in_a_band_one_stays_whatever_the_order(sizes, rng):
    texts = group_texts(sizes)
    batch = [(Rank(key, "", 0, ""), text) for key, text in texts.items()]
    members = [member for band, member in band_members(batch, MinhashLimits()) if band[0] == 0]
    edges = list(likely_edges(b"all in one", members, 0.8))
    rng.shuffle(members)
    assert list(likely_edges(b"all in one", members, 0.8)) == edges
    shingles = {key: shingle(text) for key, text in texts.items()}
    alike = {}
    for better, worse in edges:
        if jaccard(shingles[better], shingles[worse]) >= 0.8:
            alike.setdefault(worse, []).append(Better(better, "", 1.0))
    assert sum(settle(alike).get(key, True) for key in texts) == len(sizes)
