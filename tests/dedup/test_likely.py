"""Of a band's texts those that may be alike are paired, in bounded work."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import likely
from dedup.likely import LINKS, RUN, likely_pairs

MINIMA = 120


def strangers(number, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, MINIMA), dtype=np.uint8)


def of_one_template(number, share, seed=0):
    """Texts that have about this share of minima in common."""
    rng = np.random.default_rng(seed)
    own = rng.random((number, MINIMA)) >= share**0.5
    return np.where(own, strangers(number, seed), strangers(1, seed + 1))


def changed(sketch, number, seed=0):
    """The sketch with so many other minima."""
    columns = np.random.default_rng(seed).permutation(MINIMA)[:number]
    copy = sketch.copy()
    copy[columns] ^= 1
    return copy


def groups_of(pairs):
    """The rows that pairs connect, directly or through others."""
    group = {row: {row} for pair in pairs for row in pair}
    for first, second in pairs:
        if group[first] is not group[second]:
            small, large = sorted((group[first], group[second]), key=len)
            large |= small
            group.update(dict.fromkeys(small, large))
    return sorted({tuple(sorted(f"{row:05d}" for row in rows)) for rows in group.values()})


def test_a_stranger_in_front_hides_nothing():
    stranger, twin = strangers(2)
    assert likely_pairs(np.stack([stranger, twin, changed(twin, 10)]), 0.8) == [(1, 2)]


def test_what_may_be_alike_is_paired_and_what_cannot_be_is_not():
    text = strangers(1)[0]
    for changes, expected in ((0, True), (24, True), (36, True), (38, False), (60, False)):
        rows = np.stack([text, changed(text, changes)])
        assert bool(likely_pairs(rows, 0.8)) is expected, changes


def test_copies_are_joined_by_as_few_pairs_as_it_takes():
    rows = np.repeat(strangers(2), 10, axis=0)
    assert likely_pairs(rows, 0.8) == [(0, k) for k in range(1, 10)] + [
        (10, k) for k in range(11, 20)
    ]


def test_a_pair_is_not_lost_behind_a_third_that_is_like_one_of_them():
    middle = strangers(1)[0]
    left, right = changed(middle, 5, seed=1), changed(middle, 30, seed=2)
    assert (0, 2) in likely_pairs(np.stack([middle, left, right]), 0.8)
    assert len(groups_of(likely_pairs(np.stack([left, right, middle]), 0.8))) == 1


@pytest.mark.parametrize("least", [0.0, 1.0])
def test_limits_at_the_ends(least):
    rows = np.concatenate([strangers(3), strangers(1)])
    expected = [(0, 3)] if least else [(0, 1), (0, 2), (0, 3)]
    assert likely_pairs(rows, least) == expected


def test_few_texts_or_none():
    assert likely_pairs(strangers(0), 0.8) == likely_pairs(strangers(1), 0.8) == []
    assert likely_pairs(np.zeros((2, 1), dtype=np.uint8), 0.8) == [(0, 1)]


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=10),
    st.integers(0, 99),
    st.randoms(use_true_random=False),
)
def test_the_groups_of_a_band_are_found(sizes, seed, rng):
    texts = strangers(len(sizes), seed)
    owners = [owner for owner, size in enumerate(sizes) for _ in range(size)]
    rng.shuffle(owners)
    rows = np.stack([changed(texts[owner], 12, k) for k, owner in enumerate(owners)])
    groups = groups_of(likely_pairs(rows, 0.8))
    expected = [
        tuple(f"{k:05d}" for k, owner in enumerate(owners) if owner == one)
        for one in range(len(sizes))
    ]
    assert groups == sorted(group for group in expected if len(group) > 1)


def test_a_large_group_of_copies_stays_one():
    rows = np.concatenate([strangers(700), np.repeat(strangers(1, 9), 2_000, axis=0)])
    (group,) = groups_of(likely_pairs(rows, 0.8))
    assert len(group) == 2_000


def test_twins_are_found_among_many_of_their_template():
    rows = of_one_template(2_000, 0.6)
    twins = [(2 * k, 2 * k + 1) for k in range(100)]
    for first, second in twins:
        rows[second] = changed(rows[first], 6, first)
    found = set()
    for band in range(5):  # twins like these have about 15 of 20 bands in common
        found |= set(likely_pairs(np.roll(rows, -6 * band, axis=1), 0.8))
    assert len(found & set(twins)) >= 95


@pytest.mark.parametrize("share", [0.75, 1.0])
def test_the_work_in_a_band_of_ten_thousand_is_bounded(monkeypatch, share):
    rows, compared = of_one_template(10_000, share), []
    pairs_of_run = likely._pairs_of_run

    def counted(sketches, run, least):
        compared.append(len(run) * (len(run) - 1) // 2)
        return pairs_of_run(sketches, run, least)

    monkeypatch.setattr(likely, "_pairs_of_run", counted)
    pairs = likely_pairs(rows, 0.8)
    assert sum(compared) <= RUN * len(rows)
    assert len(pairs) == len(set(pairs)) <= 2 * (LINKS + 1) * len(rows)
    assert all(first < second for first, second in pairs)


@pytest.mark.parametrize("number", [2, RUN - 1, RUN, RUN + 1, RUN * 3 // 2, RUN * 3 // 2 + 1])
def test_no_text_is_left_out_at_the_ends_of_runs(number):
    rows = np.repeat(strangers(1), number, axis=0)
    (group,) = groups_of(likely_pairs(rows, 0.8))
    assert len(group) == number
