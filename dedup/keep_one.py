"""Which of several copies stays, by an order without ties; and of many that are alike, which all.

Likeness does not carry on: of three pages the first may be like the second and the second like the
third, and the first and the third have little in common. So a page falls only to a page that stays
and that it is itself like: pages are taken in their order, and each stays unless it is like one
that stays before it. A chain of pages keeps several.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Better:
    """A page that comes before another one in the order, and how like it that one is.

    Attributes:
        key: of the better page.
        url: of it.
        jaccard: of the two texts.
    """

    key: str
    url: str
    jaccard: float


def stays(betters: Iterable[Better], known: Mapping[str, bool]) -> bool | None:
    """Whether a page stays, by what is known of those before it; None where that is not enough.

    Args:
        betters: the pages before it that it is like.
        known: whether they stay, of those of which it is known.
    """
    states = [known.get(better.key) for better in betters]
    if True in states:
        return False
    return None if None in states else True


def settle(
    pages: Mapping[str, tuple[Better, ...]], known: Mapping[str, bool] | None = None
) -> dict[str, bool]:
    """Whether each page stays; what no page and nothing known tells of, stays.

    Args:
        pages: the pages before it that each page is like, by its key; without circles.
        known: whether pages stay, of those that are not among `pages`.
    """
    told = dict(known or {})
    for first in sorted(pages):
        waiting = [first]
        while waiting:
            key = waiting[-1]
            betters = () if key in told else pages.get(key, ())
            unknown = [better.key for better in betters if better.key not in told]
            if unknown:
                waiting.extend(unknown)
                continue
            waiting.pop()
            if key not in told:
                told[key] = stays(betters, told) is not False
    return {key: told[key] for key in pages}


def stays_instead(betters: Iterable[Better], known: Mapping[str, bool]) -> Better | None:
    """Of the pages before a page that it is like, the likest one that stays; the first by key."""
    left = [better for better in betters if known.get(better.key)]
    return min(left, key=lambda better: (-better.jaccard, better.key), default=None)
