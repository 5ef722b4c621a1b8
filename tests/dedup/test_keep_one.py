from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.keep_one import connected_groups, keep_one, newest_longest


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
EDGES = st.lists(st.tuples(KEYS, KEYS), max_size=12)


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


def test_groups_are_connected_through_others():
    edges = [("d", "c"), ("a", "b"), ("x", "x"), ("b", "e"), ("f", "e")]
    assert connected_groups(edges) == [("a", "b", "e", "f"), ("c", "d")]
    assert connected_groups([]) == []


@given(EDGES, st.randoms())
def test_groups_do_not_depend_on_the_order_of_edges(edges, random):
    groups = connected_groups(edges)
    random.shuffle(edges)
    assert connected_groups([edge[::-1] for edge in edges]) == groups


@given(EDGES)
def test_groups_are_what_walking_finds(edges):
    neighbours: dict[str, set[str]] = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    walked = set()
    for start in neighbours:
        seen, todo = {start}, [start]
        while todo:
            new = neighbours[todo.pop()] - seen
            seen |= new
            todo += new
        if len(seen) > 1:
            walked.add(tuple(sorted(seen)))
    assert connected_groups(edges) == sorted(walked)


def test_a_long_chain_is_one_group():
    edges = [(f"{k:06d}", f"{k + 1:06d}") for k in range(20_000)]
    (group,) = connected_groups(edges)
    assert len(group) == 20_001
