"""Which of several copies stays, by an order without ties; and of many that are alike, which all.

Likeness does not carry on: of three pages the first may be like the second and the second like the
third, and the first and the third have little in common. So a page falls only to a page that stays
and that it is itself like: pages are taken in their order, and each stays unless it is like one
that stays before it. A chain of pages keeps several.
"""

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


def keep_unlike(
    group: Iterable[R], alike: Callable[[R, R], float], least: float
) -> tuple[list[R], list[tuple[R, R, float]]]:
    """Those of a group that stay, and each of the others with the one that it falls to.

    They are taken in their order, the best first; each falls to the likest of those that stay
    before it, if they are at least so alike. No two that stay are.

    Args:
        group: in any order.
        alike: how alike two are, 0 to 1.
        least: how alike two copies are.
    """
    kept: list[R] = []
    fallen = []
    for one in sorted(group, key=newest_longest, reverse=True):
        best = likest(one, kept, alike)
        if best is not None and best[1] >= least:
            fallen.append((one, *best))
        else:
            kept.append(one)
    return kept, fallen


def likest(one: R, kept: Iterable[R], alike: Callable[[R, R], float]) -> tuple[R, float] | None:
    """The likest of some, the first of equals, and how alike it is; None of none."""
    found = [(other, alike(one, other)) for other in kept]
    return max(found, key=lambda pair: pair[1], default=None)
