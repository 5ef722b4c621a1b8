"""Near-duplicate documents out, before anything is downloaded: MinHash finds, Jaccard decides.

Only keys, signatures and, for candidates, sets of shingles are shuffled; the texts are not.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np

from dedup.keep_one import connected_groups, keep_one
from dedup.likely import likely_pairs
from dedup.minhash import MinhashLimits, bands, jaccard, shingle, signatures
from pipeline.filters.document import document_text
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import Document
from schemas.rejection import Reason, Why

DUPLICATES = Subject("duplicates", "document", lambda d: d.key, lambda d: d.url)
_TEXTS_PER_BATCH = 64


@dataclass(frozen=True, slots=True)
class Rank:
    """What the choice among near-duplicates depends on: newest, then longest, then by key."""

    key: str
    fetched_at: str
    length: int


@dataclass(frozen=True, slots=True)
class Loser:
    """A document that goes, the one that stays in its stead, and how alike the two are."""

    key: str
    winner: str
    jaccard: float


@dataclass(eq=False)
class DropNearDuplicates(beam.PTransform):
    """Documents, one of each group of near-duplicates; outputs `kept`, `decisions`."""

    limits: MinhashLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Bands to candidate edges, edges verified, groups to losers, losers out."""
        edges = documents | CandidateEdges(self.limits)
        verified = {"edges": edges, "documents": documents} | VerifyEdges(self.limits)
        ranks = documents | "Ranks" >> beam.Map(lambda d: (d.key, rank_of(d)))
        losers = {"edges": verified, "ranks": ranks} | ChooseLosers()
        return (
            {
                "documents": documents | "ByKey" >> beam.Map(lambda d: (d.key, d)),
                "losers": losers | "LosersByKey" >> beam.Map(lambda loser: (loser.key, loser)),
            }
            | "JoinLosers" >> beam.CoGroupByKey()
            | "Drop"
            >> beam.FlatMapTuple(partial(drop_losers, limits=self.limits)).with_outputs(
                DECISIONS, main="kept"
            )
        )


def rank_of(document: Document) -> Rank:
    """The document's rank."""
    return Rank(document.key, document.fetched_at, len(document_text(document)))


@dataclass(eq=False)
class CandidateEdges(beam.PTransform):
    """Pairs of keys (smaller, larger) of documents that share a band and look alike, each once."""

    limits: MinhashLimits

    def expand(self, documents: beam.PCollection) -> beam.PCollection:
        """One GroupByKey of keys and signatures by band, one to make edges unique."""
        return (
            documents
            | "Texts" >> beam.Map(lambda d: (d.key, document_text(d)))
            | beam.BatchElements(_TEXTS_PER_BATCH, _TEXTS_PER_BATCH)
            | beam.FlatMap(band_members, self.limits)
            | "Bands" >> beam.GroupByKey()
            | beam.FlatMapTuple(partial(likely_edges, least=self.limits.jaccard))
            | beam.Distinct()
        )


def band_members(
    batch: list[tuple[str, str]], limits: MinhashLimits
) -> Iterator[tuple[bytes, tuple[str, bytes]]]:
    """(band, (document's key, its sketch)) for each band of each document's signature.

    The sketch begins behind the band, so that large bands are sorted by different columns.
    """
    rows = signatures([text for _, text in batch], limits)
    for (key, _), row in zip(batch, rows, strict=True):
        sketch = row.astype(np.uint8)
        for number, band in enumerate(bands(row, limits)):
            yield band, (key, np.roll(sketch, -(number + 1) * limits.rows).tobytes())


def likely_edges(
    band: bytes, members: Iterable[tuple[str, bytes]], least: float
) -> Iterator[tuple[str, str]]:
    """Edges between documents of a band that may be as alike as asked.

    Every two are compared by their sketches in bands of up to RUN documents; in larger ones each
    with near ones. At most 2 * (LINKS + 1) edges a document come out: `dedup.likely`.
    """
    del band
    sketches = dict(members)
    if len(sketches) < 2:
        return
    keys = sorted(sketches)
    content = b"".join(sketches[key] for key in keys)
    rows = np.frombuffer(content, dtype=np.uint8).reshape(len(keys), -1)
    for first, second in likely_pairs(rows, least):
        yield keys[first], keys[second]


@dataclass(eq=False)
class VerifyEdges(beam.PTransform):
    """Edges (smaller, larger, Jaccard) whose documents are as alike as the limits ask."""

    limits: MinhashLimits

    def expand(self, inputs: Any) -> beam.PCollection:
        """The shingles of candidates meet twice: once at each end of their edge."""
        limits = self.limits
        shingles = inputs["documents"] | "Shingles" >> beam.Map(
            lambda d: (d.key, shingle(document_text(d), limits.ngram))
        )
        half = (
            {"edges": inputs["edges"], "shingles": shingles}
            | "FirstEnd" >> beam.CoGroupByKey()
            | "CarryFirst" >> beam.FlatMapTuple(carry_first)
        )
        return (
            {"carried": half, "shingles": shingles}
            | "SecondEnd" >> beam.CoGroupByKey()
            | "Compare" >> beam.FlatMapTuple(partial(compare_ends, least=self.limits.jaccard))
        )


def carry_first(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, Any]]:
    """(other end, (this end, this end's shingles)) for each edge that begins here."""
    edges = list(groups["edges"])
    if edges:
        shingles = next(iter(groups["shingles"]))
        for other in edges:
            yield other, (key, shingles)


def compare_ends(
    key: str, groups: dict[str, Iterable[Any]], least: float
) -> Iterator[tuple[str, str, float]]:
    """Edges that end here and are near-duplicates."""
    carried = list(groups["carried"])
    if carried:
        own = next(iter(groups["shingles"]))
        for other, shingles in carried:
            alike = jaccard(own, shingles)
            if alike >= least:
                yield other, key, alike


@dataclass(eq=False)
class ChooseLosers(beam.PTransform):
    """Losers of every group of connected documents."""

    def expand(self, inputs: Any) -> beam.PCollection:
        """Ranks join the edges; then all verified edges, a small share, meet in one place."""
        edges = inputs["edges"]
        ends = edges | "Ends" >> beam.FlatMap(lambda e: [(e[0], None), (e[1], None)])
        ranks = (
            {"ends": ends, "ranks": inputs["ranks"]}
            | "JoinRanks" >> beam.CoGroupByKey()
            | beam.FlatMapTuple(lambda _, g: list(g["ranks"])[:1] if list(g["ends"]) else [])
        )
        return (
            edges.pipeline
            | "Once" >> beam.Create([None])
            | "Losers"
            >> beam.FlatMap(
                lambda _, edges, ranks: choose_losers(edges, ranks),
                beam.pvalue.AsList(edges),
                beam.pvalue.AsList(ranks),
            )
        )


def choose_losers(
    edges: Iterable[tuple[str, str, float]], ranks: Iterable[Rank]
) -> Iterator[Loser]:
    """The losers of all groups."""
    by_key = {rank.key: rank for rank in ranks}
    alike: dict[str, float] = {}
    pairs = []
    for first, second, jaccard_ in sorted(edges):
        pairs.append((first, second))
        for end in (first, second):
            alike[end] = max(alike.get(end, 0.0), jaccard_)
    for group in connected_groups(pairs):
        winner = keep_one([by_key[key] for key in group])
        for key in group:
            if key != winner.key:
                yield Loser(key, winner.key, round(alike[key], 4))


def drop_losers(key: str, groups: dict[str, Iterable[Any]], limits: MinhashLimits) -> Iterator[Any]:
    """A document unless it lost, and its decision; tagged."""
    del key
    loser = next(iter(groups["losers"]), None)
    for document in groups["documents"]:
        if loser is None:
            yield document
            yield beam.pvalue.TaggedOutput(DECISIONS, DUPLICATES.kept(document))
        else:
            why = Why(Reason.NEAR_DUPLICATE, loser.jaccard, limits.jaccard)
            yield beam.pvalue.TaggedOutput(DECISIONS, DUPLICATES.rejected(document, why))
