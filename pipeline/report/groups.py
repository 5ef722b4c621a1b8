"""The largest groups of copied documents: what stayed, and what fell to it."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report.markup import Markup, figure_of, link, tag

SHOWN = 12
"""Groups that the page shows."""

MEMBERS = 5
"""Removed documents that it lists of each; all are counted."""

_MOST = 50_000
"""Groups that are counted at a time: beyond, the smaller half is forgotten."""
_COLUMNS = ["key", "url", "copy_of", "copy_of_url", "value"]


@dataclass(frozen=True, slots=True, order=True)
class Copy:
    """A document that fell, by its key, and its Jaccard with what stayed; 1 of the same text."""

    key: str
    url: str
    jaccard: float = field(compare=False)


@dataclass(slots=True)
class Group:
    """A document that stayed, how many fell to it, and a few of them: those of smallest keys."""

    url: str
    count: int = 0
    copies: list[Copy] = field(default_factory=list)


@dataclass(slots=True)
class CopyGroups:
    """Groups by the key of what stayed."""

    found: dict[str, Group] = field(default_factory=dict)

    def add(self, rows: pa.RecordBatch) -> None:
        """Adds rows of the decisions table; those that name nothing that stayed are passed over."""
        named = rows.filter(pc.is_valid(rows["copy_of"])).select(_COLUMNS)
        for row in named.to_pylist():
            group = self.found.setdefault(row["copy_of"], Group(row["copy_of_url"] or ""))
            group.count += 1
            alike = 1.0 if row["value"] is None else row["value"]
            copies = [*group.copies, Copy(row["key"], row["url"], alike)]
            group.copies = heapq.nsmallest(MEMBERS, copies)
        if len(self.found) > _MOST:
            self.found = dict(self._largest(_MOST // 2))

    def largest(self) -> list[Group]:
        """The largest groups, the largest first."""
        return [group for _, group in self._largest(SHOWN)]

    def _largest(self, number: int) -> list[tuple[str, Group]]:
        return heapq.nsmallest(number, self.found.items(), key=lambda one: (-one[1].count, one[0]))


def groups_table(groups: Iterable[Group]) -> Iterator[Markup]:
    """A table: what stayed, how many fell to it, and some of them with their Jaccard."""
    rows = []
    for group in groups:
        fell = [tag("li", figure_of(one.jaccard), " ", link(one.url)) for one in group.copies]
        if group.count > len(fell):
            fell.append(tag("li", f"… and {figure_of(group.count - len(fell))} more"))
        stayed = tag("td", link(group.url), tag("small", f"{figure_of(group.count)} fell to it"))
        rows.append(tag("tr", stayed, tag("td", tag("ul", *fell))))
    if not rows:
        return
    yield tag(
        "p",
        "The largest groups: what stayed, and what fell to it, with the Jaccard similarity of the "
        "two texts. 1 is the same text, or another capture of the same page.",
        class_="lead",
    )
    head = tag("thead", tag("tr", tag("th", "stayed"), tag("th", "fell to it")))
    yield tag("table", head, tag("tbody", *rows), class_="stack groups")
