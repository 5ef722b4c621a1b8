"""Which of several copies stays: one of each connected group, by an order without ties."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar


class Ranked(Protocol):
    """What decides which of several copies stays."""

    @property
    def key(self) -> str:
        """The content key."""

    @property
    def fetched_at(self) -> str:
        """ISO 8601 in UTC, or "" where unknown, which counts as oldest."""

    @property
    def length(self) -> int:
        """Of the text, in characters."""


R = TypeVar("R", bound=Ranked)


def newest_longest(copy: Ranked) -> tuple[Any, ...]:
    """Greatest for the newest, among those the longest, among those the smallest key.

    Newest wins as in OBELICS (arXiv 2306.16527, A.1) and OmniCorpus (arXiv 2406.08418).
    """
    smallest_last = (*(-ord(letter) for letter in copy.key), 1)
    return copy.fetched_at, copy.length, smallest_last


def keep_one(group: Iterable[R], order: Callable[[R], Any] = newest_longest) -> R:
    """The greatest of a group by a total order: the same whatever order the group comes in.

    Raises:
        ValueError: the group is empty.
    """
    return max(group, key=order)


def connected_groups(edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The keys that edges connect, directly or through others: sorted groups of sorted keys.

    A key with no edge to another one is in no group.
    """
    parents: dict[str, str] = {}
    for first, second in edges:
        a, b = _root(parents, first), _root(parents, second)
        parents[max(a, b)] = min(a, b)
    groups: dict[str, list[str]] = {}
    for key in sorted(parents):
        groups.setdefault(_root(parents, key), []).append(key)
    return [tuple(group) for _, group in sorted(groups.items()) if len(group) > 1]


def _root(parents: dict[str, str], key: str) -> str:
    """The smallest key that this one is known to be connected with; paths are halved."""
    parents.setdefault(key, key)
    while parents[key] != key:
        parents[key] = parents[parents[key]]
        key = parents[key]
    return key
