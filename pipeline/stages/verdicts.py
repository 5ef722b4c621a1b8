"""Verdicts as outputs: what is kept, and a decision for each item, kept or rejected.

This is the one place where a filter's answer, or a parser's BadInput, turns into collections and
counts. The pure functions of extract, media, filters and dedup know nothing of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam

from schemas.rejection import BadInput, Rejection, Why
from schemas.tables import Decision, rejected

DECISIONS = "decisions"
"""Tag of the output that holds a Decision an item."""
REPLACED = "replaced"
"""Tag of the output that says how much of what was replaced or cut in items that are kept."""


@dataclass(frozen=True, slots=True)
class Subject:
    """How a stage speaks of its items.

    Attributes:
        stage: name in the decisions table and the manifest.
        kind: page, document, image, pair or video; or a function of the item.
        key: the item's key.
        url: the item's URL.
    """

    stage: str
    kind: str | Callable[[Any], str]
    key: Callable[[Any], str]
    url: Callable[[Any], str]

    def kept(self, item: object) -> Decision:
        """The decision to keep an item."""
        kind = self.kind if isinstance(self.kind, str) else self.kind(item)
        return Decision(self.stage, kind, self.key(item), self.url(item), kept=True)

    def rejected(self, item: object, why: Why) -> Decision:
        """The decision to drop an item."""
        kind = self.kind if isinstance(self.kind, str) else self.kind(item)
        return rejected(self.stage, Rejection(kind, self.key(item), self.url(item), why))

    def judged(self, item: object, why: Why | None, policy: str) -> Decision:
        """The decision on an item, which the policy "flag" keeps all the same.

        Args:
            item: the item.
            why: it is out, None where it is not.
            policy: as the recipe has it.
        """
        if why is None:
            return self.kept(item)
        return replace(self.rejected(item, why), kept=policy == "flag")

    def replaced(self, item: object, why: Why, stays: tuple[str, str]) -> Decision:
        """The decision to drop a copy of what stays.

        Args:
            item: the copy.
            why: how like what stays it is.
            stays: key and URL of what stays.
        """
        return replace(self.rejected(item, why), copy_of=stays[0], copy_of_url=stays[1])

    def matched(self, item: object, why: Why, original: tuple[str, str], policy: str) -> Decision:
        """The decision on a copy of evaluation data, which the policy "flag" keeps all the same.

        Args:
            item: the copy.
            why: how like the original it is.
            original: the original's set and its id there.
            policy: as the recipe has it.
        """
        eval_set, eval_id = original
        decision = self.judged(item, why, policy)
        return replace(decision, eval_set=eval_set, eval_id=eval_id)


def came_in(items: Any, subject: Subject) -> Any:
    """A (stage, kind) for each item, as a stage's `read`: counted before anything is judged."""
    return items | f"CameIn/{subject.stage}" >> beam.Map(
        lambda item: (
            subject.stage,
            subject.kind if isinstance(subject.kind, str) else subject.kind(item),
        )
    )


def decide(
    item: Any,
    subject: Subject,
    judge: Callable[[Any], Why | None],
) -> Iterator[Any]:
    """The item, if it is kept, and its decision under the tag DECISIONS."""
    why = judge(item)
    if why is None:
        yield item
        yield beam.pvalue.TaggedOutput(DECISIONS, subject.kept(item))
    else:
        yield beam.pvalue.TaggedOutput(DECISIONS, subject.rejected(item, why))


def attempt(
    item: Any,
    subject: Subject,
    make: Callable[[Any], Any],
) -> Iterator[Any]:
    """What is made of the item, unless that raises BadInput, and the decision."""
    try:
        made = make(item)
    except BadInput as bad:
        yield beam.pvalue.TaggedOutput(DECISIONS, subject.rejected(item, bad.why))
        return
    yield made
    yield beam.pvalue.TaggedOutput(DECISIONS, subject.kept(item))


@dataclass(eq=False)
class Keep(beam.PTransform):
    """Items that a filter lets through, and a decision for each; outputs `kept`, `decisions`."""

    subject: Subject
    judge: Callable[[Any], Why | None]

    def expand(self, items: beam.PCollection) -> Any:
        """Two outputs."""
        return items | beam.FlatMap(decide, self.subject, self.judge).with_outputs(
            DECISIONS, main="kept"
        )


@dataclass(eq=False)
class Attempt(beam.PTransform):
    """What a function makes of items, BadInput as decisions; outputs `kept`, `decisions`."""

    subject: Subject
    make: Callable[[Any], Any]

    def expand(self, items: beam.PCollection) -> Any:
        """Two outputs."""
        return items | beam.FlatMap(attempt, self.subject, self.make).with_outputs(
            DECISIONS, main="kept"
        )


def in_order(read: Any, *stages: str) -> tuple[Any, ...]:
    """What came into several stages of one graph, each for itself, in the order given."""
    return tuple(
        read | f"Of/{stage}" >> beam.Filter(lambda item, stage: item[0] == stage, stage)
        for stage in stages
    )
