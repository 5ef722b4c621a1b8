"""A document falls only to one that stays and that it is like, whatever order they come in."""

import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.keep_one import keep_unlike, newest_longest
from dedup.minhash import MinhashLimits, bands, jaccard, shingle, signatures
from pipeline.stages import duplicates
from pipeline.stages.duplicates import (
    Candidate,
    DropNearDuplicates,
    band_members,
    likely_edges,
    losers_of,
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
    keys = random.Random(0).sample(range(0x100, 0x400), number)
    return [
        document(chr(keys[day]), words[step * day : step * day + 200], f"{2000 + day}")
        for day in range(number)
    ]


def group_of(places):
    """Candidates with 200 words of a text, from a place on, fetched at a time."""
    words = [f"w{i}" for i in range(400)]
    group = []
    for number, (start, time) in enumerate(places):
        text = " ".join(words[start : start + 200])
        rank = Rank(f"{number:04d}", f"{time:04d}", len(text), f"http://a/{number}")
        group.append(Candidate(rank, shingle(text), 0.99))
    return group


def split(found):
    found = list(found)
    tagged = [one for one in found if isinstance(one, beam.pvalue.TaggedOutput)]
    losers = [one for one in found if not isinstance(one, beam.pvalue.TaggedOutput)]
    return losers, [one.value for one in tagged]


PLACES = st.tuples(st.integers(0, 200), st.integers(0, 5))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(PLACES, min_size=2, max_size=30),
    st.sampled_from([5, 1000]),
    st.randoms(use_true_random=False),
)
def test_every_loser_of_a_group_is_like_one_that_stays(places, largest, rng):
    group = group_of(places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "LARGEST_GROUP", largest)
        losers, rest = split(losers_of("g", group, 0.8))
        rng.shuffle(group)
        again, rest_again = split(losers_of("g", group, 0.8))
    assert sorted(losers, key=repr) == sorted(again, key=repr)
    assert sorted(one.key for _, one in rest) == sorted(one.key for _, one in rest_again)
    by_key = {one.key: one for one in group}
    gone = {loser.key for loser in losers}
    for loser in losers:
        key, url = loser.stays
        assert key not in gone
        assert url == by_key[key].rank.url
        assert newest_longest(by_key[key]) > newest_longest(by_key[loser.key])
        alike = jaccard(by_key[key].shingles, by_key[loser.key].shingles)
        assert alike == loser.jaccard >= 0.8
        assert loser.nearest == max(alike, 0.99)
    left = {one.key for _, one in rest}
    stay = [one for one in group if one.key not in gone | left]
    assert len(places) <= largest or len(stay) <= largest
    assert not left or len(places) > largest
    assert all(jaccard(a.shingles, b.shingles) < 0.8 for k, a in enumerate(stay) for b in stay[:k])


def test_what_is_left_of_a_large_group_is_cut_where_near_duplicates_meet(monkeypatch):
    monkeypatch.setattr(duplicates, "LARGEST_GROUP", 3)
    group = group_of([(0, 9), (100, 8), (200, 7), (50, 1), (50, 2), (51, 3), (0, 4)])
    losers, rest = split(losers_of("g", group, 0.8))
    assert [(loser.key, loser.stays[0]) for loser in losers] == [("0006", "0000")]
    assert sorted(one.key for _, one in rest) == ["0003", "0004", "0005"]
    parts = {part for part, one in rest}
    assert len(parts) < 3
    assert all(part.startswith("g/") for part in parts)


@pytest.mark.beam
def test_of_a_page_that_drifts_no_capture_falls_to_one_that_it_is_not_like():
    documents = drifting(24)
    content = {d.key: shingle(d.blocks[0].text) for d in documents}
    assert jaccard(content[documents[0].key], content[documents[-1].key]) == 0
    kept, _ = keep_unlike(
        [Candidate(rank_of(d), content[d.key]) for d in documents],
        lambda a, b: jaccard(a.shingles, b.shingles),
        0.8,
    )
    assert 4 < len(kept) < len(documents)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create(documents) | DropNearDuplicates(MinhashLimits())
        assert_that(
            out.kept | beam.Map(lambda d: d.key[0]), equal_to([one.key[0] for one in kept]), "kept"
        )
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
    group = {key: {key} for key in texts}
    for first, second in alike:
        if group[first] is not group[second]:
            group[first] |= group[second]
            group.update(dict.fromkeys(group[second], group[first]))
    found = {id(keys): len(keys) for keys in group.values()}
    assert sorted(found.values()) == sorted(sizes)
