"""The decisions of a build, folded into counts, spreads and a few examples of each reason."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report.groups import CopyGroups
from pipeline.report.sources import ReportFiles, table_batches
from pipeline.report.spread import Spread
from schemas.rejection import Reason
from schemas.tables import Decision, arrow_schema

EXAMPLES = 6
"""Examples kept of each reason: those with the smallest keys, which is as good as by lot."""

MATCHES = 48
"""Evaluation matches listed one by one; all are counted."""

_LIMITS = 8  # limits of one reason that have a spread of their own
_DETAILS = 2_000  # details of one reason that are counted apart
_SORT = [("key", "ascending"), ("url", "ascending"), ("detail", "ascending")]


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """One rejected item as its decision tells it."""

    key: str
    url: str
    value: float | None = field(default=None, compare=False)
    limit: float | None = field(default=None, compare=False)
    detail: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Removal:
    """One item that was found to be evaluation data; the figures are its decision's."""

    key: str
    url: str
    kind: str
    eval_set: str
    eval_id: str
    value: float | None = field(default=None, compare=False)
    limit: float | None = field(default=None, compare=False)
    is_text: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Refusals:
    """All that a stage rejected of a kind for one reason.

    Attributes:
        count: how many.
        spreads: the values measured, by the limit that each was held against.
        details: the most frequent words that the decisions give.
        examples: a few items.
    """

    count: int = 0
    spreads: dict[float | None, Spread] = field(default_factory=dict)
    details: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class Verdicts:
    """The decisions table in short.

    Attributes:
        rows: decisions in all.
        kept: by stage and kind.
        refused: by stage, kind and reason.
        removals: a few of the evaluation copies that were taken out.
        copies: how many were taken out, by evaluation set.
        flags: a few of those that were kept and only flagged.
        flagged: how many were, by evaluation set.
        groups: of copied documents.
        unseen: URLs of media on a hash list, which the page must not name.
    """

    rows: int = 0
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: dict[tuple[str, str, str], Refusals] = field(default_factory=dict)
    removals: list[Removal] = field(default_factory=list)
    copies: Counter[str] = field(default_factory=Counter)
    flags: list[Removal] = field(default_factory=list)
    flagged: Counter[str] = field(default_factory=Counter)
    groups: CopyGroups = field(default_factory=CopyGroups)
    unseen: set[str] = field(default_factory=set)


def read_verdicts(output: str, files: ReportFiles) -> Verdicts:
    """The decisions of an output, read a batch at a time."""
    verdicts = Verdicts()
    columns = arrow_schema(Decision).names
    for path in files.list(f"{output}/decisions"):
        if path.endswith(".parquet"):
            for batch in table_batches(path, columns, files):
                fold_decisions(verdicts, batch)
    return verdicts


def fold_decisions(verdicts: Verdicts, rows: pa.RecordBatch) -> None:
    """Adds some rows of the decisions table."""
    verdicts.rows += rows.num_rows
    for alike in _groups(rows):
        first = alike.slice(0, 1).to_pylist()[0]
        stage, kind, reason = first["stage"], first["kind"], first["reason"] or ""
        if first["kept"]:
            verdicts.kept[stage, kind] += alike.num_rows
        else:
            refusals = verdicts.refused.setdefault((stage, kind, reason), Refusals())
            _fold_refusals(refusals, alike)
            if reason == Reason.LISTED_HASH and kind != "document":
                verdicts.unseen.update(alike["url"].to_pylist())
    verdicts.groups.add(rows)
    matched = rows.filter(pc.is_valid(rows["eval_set"]))
    removed, flagged = matched.filter(pc.invert(matched["kept"])), matched.filter(matched["kept"])
    verdicts.removals = _fold_matches(verdicts.removals, verdicts.copies, removed)
    verdicts.flags = _fold_matches(verdicts.flags, verdicts.flagged, flagged)


def _groups(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows that agree in stage, kind, verdict and reason, together."""
    columns = [rows[name].cast(pa.string()) for name in ("stage", "kind", "kept", "reason")]
    names = pc.binary_join_element_wise(*columns, "\x1f", null_handling="replace")
    for name in pc.unique(names).to_pylist():
        yield rows.filter(pc.equal(names, name))


def _fold_refusals(refusals: Refusals, rows: pa.RecordBatch) -> None:
    """Adds rows that share stage, kind and reason."""
    refusals.count += rows.num_rows
    _fold_values(refusals.spreads, rows.filter(pc.is_valid(rows["value"])))
    for detail in pc.value_counts(rows["detail"].drop_null()).to_pylist():
        word = detail["values"]
        if word in refusals.details or len(refusals.details) < _DETAILS:
            refusals.details[word] += detail["counts"]
    examples = (
        Example(row["key"], row["url"], row["value"], row["limit"], row["detail"] or "")
        for row in _first_rows(rows, EXAMPLES)
    )
    refusals.examples = heapq.nsmallest(EXAMPLES, [*refusals.examples, *examples])


def _fold_values(spreads: dict[float | None, Spread], rows: pa.RecordBatch) -> None:
    """Adds the values of rows to the spread of the limit that each was held against."""
    for limit in sorted(pc.unique(rows["limit"]).to_pylist(), key=lambda one: (one is None, one)):
        same = pc.is_null(rows["limit"]) if limit is None else pc.equal(rows["limit"], limit)
        place = limit if limit in spreads or len(spreads) < _LIMITS else None
        spread = spreads.setdefault(place, Spread())
        spread.add(rows.filter(pc.fill_null(same, False))["value"].to_numpy(zero_copy_only=False))


def _fold_matches(
    listed: list[Removal], counts: Counter[str], rows: pa.RecordBatch
) -> list[Removal]:
    """Counts rows that name an evaluation set; those listed of them and of earlier ones."""
    for count in pc.value_counts(rows["eval_set"]).to_pylist():
        counts[count["values"]] += count["counts"]
    found = (
        Removal(
            row["key"],
            row["url"],
            row["kind"],
            row["eval_set"],
            row["eval_id"] or "",
            row["value"],
            row["limit"],
            row["reason"] == Reason.EVALUATION_TEXT,
        )
        for row in _first_rows(rows, MATCHES)
    )
    return heapq.nsmallest(MATCHES, [*listed, *found])


def _first_rows(rows: pa.RecordBatch, number: int) -> Iterable[dict[str, Any]]:
    """The rows with the smallest keys."""
    order = pc.sort_indices(rows, sort_keys=_SORT)[:number]
    found: list[dict[str, Any]] = rows.take(order).to_pylist()
    return found
