"""Near-duplicate documents out, before anything is downloaded: MinHash finds, Jaccard decides.

Only keys, URLs, signatures and, for candidates, sets of shingles are shuffled; the texts are not.
A document falls only where its exact Jaccard with one that stays is at least the limit, and its
decision names that one (`dedup.keep_one`).

No step holds more than what belongs to one document or one band: of a document the keys of those
that may be like it (at most 5 * LINKS better ones a band, `dedup.likely`), their shingles one after
another, of a band its sketches. Who stays is settled in ROUNDS rounds over all; the few that even
then wait for others (each round settles one more link of a chain) are settled in one place, up to
MOST_WAITING of them, which takes about a GB. What is beyond that stays.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np

from dedup.keep_one import Better, newest_longest, settle, stays, stays_instead
from dedup.likely import likely_pairs
from dedup.minhash import MinhashLimits, bands, jaccard, shingle, signatures
from pipeline.filters.document import document_text
from pipeline.stages.one_stays import Rank, rank_of
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import Document
from schemas.rejection import Reason, Why

DUPLICATES = Subject("duplicates", "document", lambda d: d.key, lambda d: d.url)
ROUNDS = 2
MOST_WAITING = 1_000_000
_TEXTS_PER_BATCH = 64

Alike = tuple[str, tuple[Better, ...]]
"""A document's key, and the better documents that it is like."""


@dataclass(frozen=True, slots=True)
class Loser:
    """A document that goes, the one that stays in its stead, and how alike the two are.

    Attributes:
        key: of what goes.
        stays: what stays, and the Jaccard of the two.
        nearest: the greatest Jaccard with a better document, though that one may not stay.
    """

    key: str
    stays: Better
    nearest: float


@dataclass(eq=False)
class DropNearDuplicates(beam.PTransform):
    """Documents without those that are like one that stays; outputs `kept`, `decisions`."""

    limits: MinhashLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Bands to candidates, candidates verified, losers chosen, losers out."""
        edges = documents | CandidateEdges(self.limits)
        inputs: Any = {"edges": edges, "documents": documents}
        losers = inputs | VerifyEdges(self.limits) | ChooseLosers()
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


@dataclass(eq=False)
class CandidateEdges(beam.PTransform):
    """Pairs of keys (better, worse) of documents that share a band and look alike, each once."""

    limits: MinhashLimits

    def expand(self, documents: beam.PCollection) -> beam.PCollection:
        """One GroupByKey of ranks and signatures by band, one to make edges unique."""
        return (
            documents
            | "Texts" >> beam.Map(lambda d: (rank_of(d), document_text(d)))
            | beam.BatchElements(_TEXTS_PER_BATCH, _TEXTS_PER_BATCH)
            | beam.FlatMap(band_members, self.limits)
            | "Bands" >> beam.GroupByKey()
            | beam.FlatMapTuple(partial(likely_edges, least=self.limits.jaccard))
            | beam.Distinct()
        )


Member = tuple[tuple[str, str, int], bytes]
"""A document's key, time and length, and its sketch."""


def band_members(
    batch: list[tuple[Rank, str]], limits: MinhashLimits
) -> Iterator[tuple[bytes, Member]]:
    """(band, (document's rank, its sketch)) for each band of each document's signature.

    The sketch begins behind the band, so that large bands are sorted by different columns.
    """
    rows = signatures([text for _, text in batch], limits)
    for (rank, _), row in zip(batch, rows, strict=True):
        sketch = row.astype(np.uint8)
        order = rank.key, rank.fetched_at, rank.length
        for number, band in enumerate(bands(row, limits)):
            yield band, (order, np.roll(sketch, -(number + 1) * limits.rows).tobytes())


def likely_edges(
    band: bytes, members: Iterable[Member], least: float
) -> Iterator[tuple[str, str]]:
    """Edges (better, worse) between documents of a band that may be as alike as asked.

    Of up to RUN documents each is compared with each, of more each with some: `dedup.likely`.
    """
    del band
    sketches = dict(members)
    if len(sketches) < 2:
        return
    ranks = sorted((Rank(*order, url="") for order in sketches), key=newest_longest, reverse=True)
    content = b"".join(sketches[rank.key, rank.fetched_at, rank.length] for rank in ranks)
    rows = np.frombuffer(content, dtype=np.uint8).reshape(len(ranks), -1)
    for better, worse in likely_pairs(rows, least):
        yield ranks[better].key, ranks[worse].key


@dataclass(eq=False)
class VerifyEdges(beam.PTransform):
    """Each document with the better ones that it is like, of `edges` and `documents`: Alike."""

    limits: MinhashLimits

    def expand(self, inputs: Any) -> beam.PCollection:
        """The shingles of candidates meet twice: once at each end of their edge."""
        limits = self.limits
        shingles = inputs["documents"] | "Shingles" >> beam.Map(
            lambda d: (d.key, (d.url, shingle(document_text(d), limits.ngram)))
        )
        half = (
            {"edges": inputs["edges"], "shingles": shingles}
            | "BetterEnd" >> beam.CoGroupByKey()
            | "CarryBetter" >> beam.FlatMapTuple(carry_better)
        )
        return (
            {"carried": half, "shingles": shingles}
            | "WorseEnd" >> beam.CoGroupByKey()
            | "Compare" >> beam.FlatMapTuple(partial(compare_ends, least=self.limits.jaccard))
        )


def carry_better(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, Any]]:
    """(worse end, (this end, its URL and its shingles)) for each edge whose better end this is."""
    edges = list(groups["edges"])
    if edges:
        url, shingles = next(iter(groups["shingles"]))
        for worse in edges:
            yield worse, (key, url, shingles)


def compare_ends(key: str, groups: dict[str, Iterable[Any]], least: float) -> Iterator[Alike]:
    """The document with the better ones that it is at least so alike, if there are any."""
    carried = list(groups["carried"])
    if not carried:
        return
    _, own = next(iter(groups["shingles"]))
    betters = [Better(other, url, jaccard(own, shingles)) for other, url, shingles in carried]
    alike = tuple(better for better in betters if better.jaccard >= least)
    if alike:
        yield key, tuple(sorted(alike, key=lambda better: better.key))


@dataclass(eq=False)
class ChooseLosers(beam.PTransform):
    """The losers among documents that are Alike to better ones."""

    def expand(self, alike: beam.PCollection) -> beam.PCollection:
        """Two shuffles a round, one place for what is left open, two shuffles for the names."""
        asks = alike | "Asks" >> beam.FlatMapTuple(
            lambda key, betters: [(better.key, key) for better in betters]
        )
        depends = alike | "Depends" >> beam.MapTuple(lambda key, _: (key, None))
        settled = alike | "NoneYet" >> beam.FlatMap(lambda _: [])
        for number in range(ROUNDS):
            heard = (alike, asks, depends, settled) | f"Round{number}" >> _Hear()
            settled = heard | f"Settle{number}" >> beam.FlatMapTuple(settle_one)
        waiting = (
            ((alike, asks, depends, settled) | "Rest" >> _Hear())
            | "Waiting" >> beam.FlatMapTuple(unsettled)
            | "Most" >> beam.combiners.Top.Of(MOST_WAITING, key=lambda one: one[0])
            | "SettleWaiting" >> beam.FlatMap(settle_waiting)
        )
        settled = (settled, waiting) | "Settled" >> beam.Flatten()
        heard = (alike, asks, depends, settled) | "All" >> _Hear()
        return heard | "Losers" >> beam.FlatMapTuple(losers_of)


@dataclass(eq=False)
class _Hear(beam.PTransform):
    """(key, groups): `alike` of a document, `settled` where it is, and `answers` of its betters.

    Takes alike, who asks whom, what depends on others, and what is settled.
    """

    def expand(self, inputs: Any) -> beam.PCollection:
        alike, asks, depends, settled = inputs
        answers = (
            {"asks": asks, "depends": depends, "settled": settled}
            | "Ask" >> beam.CoGroupByKey()
            | beam.FlatMapTuple(answer)
        )
        return {
            "alike": alike,
            "answers": answers,
            "settled": settled,
        } | "Hear" >> beam.CoGroupByKey()


def answer(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Tells all who ask whether a document stays, if it is known: what depends on none does."""
    depends = next(iter(groups["depends"]), key) is None
    state = next(iter(groups["settled"]), None if depends else True)
    if state is not None:
        for asking in groups["asks"]:
            yield asking, (key, state)


def settle_one(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, bool]]:
    """(key, whether it stays) of a document, where enough is known of those before it."""
    for betters in groups["alike"]:
        state = stays(betters, dict(groups["answers"]))
        if state is not None:
            yield key, state


def unsettled(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[Any]:
    """All that is known of a document that is not settled."""
    if not list(groups["settled"]):
        for betters in groups["alike"]:
            yield key, betters, dict(groups["answers"])


def settle_waiting(
    waiting: list[tuple[str, tuple[Better, ...], dict[str, bool]]],
) -> Iterator[tuple[str, bool]]:
    """(key, whether it stays) of documents that wait for each other."""
    known: dict[str, bool] = {}
    for _, _, heard in waiting:
        known.update(heard)
    yield from settle({key: betters for key, betters, _ in waiting}, known).items()


def losers_of(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[Loser]:
    """The document as a loser, if it is one."""
    if False not in groups["settled"]:
        return
    for betters in groups["alike"]:
        instead = stays_instead(betters, dict(groups["answers"]))
        if instead is not None:
            yield Loser(key, instead, max(better.jaccard for better in betters))


def drop_losers(key: str, groups: dict[str, Iterable[Any]], limits: MinhashLimits) -> Iterator[Any]:
    """A document unless it lost, and its decision; tagged."""
    del key
    loser = next(iter(groups["losers"]), None)
    for document in groups["documents"]:
        if loser is None:
            yield document
            yield beam.pvalue.TaggedOutput(DECISIONS, DUPLICATES.kept(document))
        else:
            detail = f"nearest {loser.nearest:.4f}" if loser.nearest > loser.stays.jaccard else None
            alike = round(loser.stays.jaccard, 4)
            why = Why(Reason.NEAR_DUPLICATE, alike, limits.jaccard, detail)
            decision = DUPLICATES.replaced(document, why, (loser.stays.key, loser.stays.url))
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
