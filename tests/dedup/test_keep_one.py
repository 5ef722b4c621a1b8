from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.keep_one import Better, keep_one, newest_longest, settle, stays, stays_instead


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


def better(key, jaccard=0.9):
    return Better(key, f"http://{key}/", jaccard)


def pages_of(edges):
    """Pages with those before them that they are like: the smaller number is before."""
    pages = {}
    for first, second in edges:
        low, high = sorted((first, second))
        if low != high:
            pages.setdefault(f"{high:02d}", {})[f"{low:02d}"] = better(f"{low:02d}")
    return {key: tuple(betters.values()) for key, betters in pages.items()}


def test_whether_a_page_stays():
    betters = better("a"), better("b")
    assert stays((), {}) is True
    assert stays(betters, {}) is None
    assert stays(betters, {"a": False}) is None
    assert stays(betters, {"a": False, "b": False}) is True
    assert stays(betters, {"b": True}) is False


def test_a_chain_keeps_every_other_page():
    chain = pages_of((k, k + 1) for k in range(7))
    told = settle(chain)
    assert [key for key in sorted(told) if not told[key]] == ["01", "03", "05", "07"]


def test_a_chain_may_be_long():
    edges = [(f"{k + 1:06d}", (better(f"{k:06d}"),)) for k in range(20_000)]
    assert sum(settle(dict(edges)).values()) == 10_000


def test_what_is_known_counts():
    assert settle({"b": (better("a"),)}, {"a": False}) == {"b": True}
    assert settle({"b": (better("a"),)}) == {"b": False}
    assert settle({}) == {}


def test_the_likest_that_stays_is_named():
    betters = better("c", 0.9), better("b", 0.9), better("a", 0.95)
    assert stays_instead(betters, {"b": True, "c": True, "a": False}) == better("b")
    assert stays_instead(betters, {"a": True, "b": True}) == better("a", 0.95)
    assert stays_instead(betters, {}) is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=60), st.randoms())
def test_a_page_falls_only_to_one_that_stays_and_no_two_that_stay_are_alike(edges, random):
    pages = pages_of(edges)
    told = settle(pages)
    for key, betters in pages.items():
        stay = [one for one in betters if told.get(one.key, True)]
        assert bool(stay) is not told[key]
    shuffled = list(edges)
    random.shuffle(shuffled)
    assert settle(pages_of(shuffled)) == told
