from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.keep_one import keep_one, keep_unlike, likest, newest_longest


@dataclass(frozen=True)
class Copy:
    key: str
    fetched_at: str = ""
    length: int = 0


KEYS = st.text("abcdef", min_size=1, max_size=3)
COPIES = st.lists(
    st.builds(Copy, KEYS, st.sampled_from(["", "2023", "2024"]), st.integers(0, 2)),
    min_size=1,
    max_size=6,
)


def test_the_newest_stays():
    old, new = Copy("a", "2023-01-01T00:00:00Z", 900), Copy("b", "2024-01-01T00:00:00Z", 10)
    assert keep_one([old, new]) == new


def test_then_the_longest_then_the_smallest_key():
    copies = [Copy("c", "2024", 5), Copy("b", "2024", 7), Copy("a", "2024", 7), Copy("d", "", 9)]
    assert keep_one(copies).key == "a"


def test_a_key_comes_before_its_extension():
    assert keep_one([Copy("ab"), Copy("a")]).key == "a"


@given(COPIES, st.randoms())
def test_the_order_of_arrival_does_not_matter(copies, random):
    kept = keep_one(copies, newest_longest)
    random.shuffle(copies)
    assert keep_one(copies, newest_longest) == kept
    assert not any(newest_longest(copy) > newest_longest(kept) for copy in copies)


@given(COPIES)
def test_the_order_has_no_ties(copies):
    different = set(copies)
    assert len({newest_longest(copy) for copy in different}) == len(different)


@given(COPIES, st.randoms())
def test_what_stays_of_what_stayed_is_the_same(copies, random):
    """Keeping one of two halves and then one of the two is keeping one of all."""
    cut = random.randint(0, len(copies))
    halves = [half for half in (copies[:cut], copies[cut:]) if half]
    kept = [keep_one(half, newest_longest) for half in halves]
    assert keep_one(kept, newest_longest) == keep_one(copies, newest_longest)


def test_another_order_may_be_given():
    assert keep_one([Copy("a", "2024"), Copy("b", "2023")], lambda copy: copy.key).key == "b"


def test_an_empty_group_has_none():
    with pytest.raises(ValueError, match="empty"):
        keep_one([], newest_longest)


# Of many that are alike


def near(first, second):
    """How near two times are."""
    return 1 / (1 + abs(int(first.fetched_at) - int(second.fetched_at)))


def at(*times):
    return [Copy(f"{place}", f"{time:03d}") for place, time in enumerate(times)]


def test_a_chain_keeps_every_other():
    kept, fallen = keep_unlike(at(1, 2, 3, 4, 5), near, 0.5)
    assert [one.fetched_at for one in kept] == ["005", "003", "001"]
    assert [(one.fetched_at, to.fetched_at, value) for one, to, value in fallen] == [
        ("004", "005", 0.5),
        ("002", "003", 0.5),
    ]


def test_each_falls_to_the_likest_that_stays():
    kept, fallen = keep_unlike(at(9, 5, 6, 5), near, 0.25)
    assert [one.fetched_at for one in kept] == ["009", "005"]
    assert [(one.key, to.fetched_at, value) for one, to, value in fallen] == [
        ("2", "009", 0.25),
        ("3", "005", 1.0),
    ]
    assert keep_unlike([], near, 0.5) == ([], [])
    assert likest(Copy("a"), [], near) is None


@given(st.lists(st.integers(0, 30), max_size=20), st.sampled_from([0.2, 0.5, 1.0]), st.randoms())
def test_what_falls_is_like_one_that_stays_and_no_two_that_stay_are_alike(times, least, random):
    group = at(*times)
    kept, fallen = keep_unlike(group, near, least)
    assert sorted([one.key for one in kept] + [one.key for one, _, _ in fallen]) == sorted(
        one.key for one in group
    )
    for one, to, value in fallen:
        assert to in kept
        assert near(one, to) == value >= least
        assert newest_longest(to) > newest_longest(one)
    assert all(near(a, b) < least for k, a in enumerate(kept) for b in kept[:k])
    random.shuffle(group)
    assert keep_unlike(group, near, least) == (kept, fallen)
