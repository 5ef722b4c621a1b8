"""Near-duplicate documents out, before anything is downloaded: MinHash finds, Jaccard decides.

Only keys, URLs, signatures and, for candidates, sets of shingles are shuffled; the texts are not.
Candidates whose exact Jaccard is at least the limit make groups, and in a group each is compared
with each that stays: a document falls only where it is as like as that to one that stays, and its
decision names that one (`dedup.keep_one`).

No step holds more than one band's sketches, one document's edges, or LARGEST_GROUP sets of shingles
of a group (8 bytes a word: 8 MB of pages of 1,000 words). Of a larger group the best LARGEST_GROUP
are compared with each other, all others with those of them that stay; what is left is cut into
parts by a shingle that near-duplicates share, and each part is done as a group is. What is left
then stays.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np

from dedup.keep_one import keep_unlike, likest, newest_longest
from dedup.likely import likely_pairs
from dedup.minhash import MinhashLimits, Shingles, bands, jaccard, shingle, signatures
from pipeline.filters.document import document_text
from pipeline.stages.connected import ConnectedGroups
from pipeline.stages.one_stays import Rank, rank_of
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.rejection import Reason, Why

DUPLICATES = Subject("duplicates", "document", lambda d: d.key, lambda d: d.url)
LARGEST_GROUP = 1000
_PARTS = 256
_TEXTS_PER_BATCH = 64
_CANDIDATES = "candidates"
_REST = "rest"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document as it is compared: what its rank depends on, and its shingles.

    Attributes:
        rank: of it.
        shingles: of its text.
        nearest: its greatest Jaccard with any other, as far as is known.
    """

    rank: Rank
    shingles: Shingles = field(compare=False)
    nearest: float = 0.0

    @property
    def key(self) -> str:
        """The document's."""
        return self.rank.key

    @property
    def fetched_at(self) -> str:
        """When it was fetched."""
        return self.rank.fetched_at

    @property
    def length(self) -> int:
        """Of its text, in characters."""
        return self.rank.length


@dataclass(frozen=True, slots=True)
class Loser:
    """A document that goes, the one that stays in its stead, and how alike the two are.

    Attributes:
        key: of what goes.
        stays: key and URL of what stays.
        jaccard: of the two.
        nearest: the greatest Jaccard of what goes with any other document.
    """

    key: str
    stays: tuple[str, str]
    jaccard: float
    nearest: float


@dataclass(eq=False)
class DropNearDuplicates(beam.PTransform):
    """Documents without those that are like one that stays; outputs `kept`, `decisions`."""

    limits: MinhashLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Bands to candidates, candidates verified, groups to losers, losers out."""
        edges = documents | CandidateEdges(self.limits)
        inputs: Any = {"edges": edges, "documents": documents}
        losers = inputs | VerifyEdges(self.limits) | ChooseLosers(self.limits)
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
    """Edges whose documents are as alike as the limits ask; outputs `verified`, `candidates`.

    The main output holds (smaller, larger, Jaccard), `candidates` a Candidate for each end of a
    candidate edge, more than one for some.
    """

    limits: MinhashLimits

    def expand(self, inputs: Any) -> Any:
        """The shingles of candidates meet twice: once at each end of their edge."""
        limits = self.limits
        candidates = inputs["documents"] | "Shingles" >> beam.Map(
            lambda d: (d.key, Candidate(rank_of(d), shingle(document_text(d), limits.ngram)))
        )
        half = (
            {"edges": inputs["edges"], "own": candidates}
            | "FirstEnd" >> beam.CoGroupByKey()
            | "CarryFirst" >> beam.FlatMapTuple(carry_first).with_outputs(_CANDIDATES, main="half")
        )
        whole = (
            {"carried": half.half, "own": candidates}
            | "SecondEnd" >> beam.CoGroupByKey()
            | "Compare"
            >> beam.FlatMapTuple(partial(compare_ends, least=limits.jaccard)).with_outputs(
                _CANDIDATES, main="verified"
            )
        )
        both = (half[_CANDIDATES], whole[_CANDIDATES]) | "BothEnds" >> beam.Flatten()
        return {"verified": whole.verified, "candidates": both}


def carry_first(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[Any]:
    """(other end, (this end, its shingles)) for each edge that begins here; this end, tagged."""
    edges = list(groups["edges"])
    if edges:
        own = next(iter(groups["own"]))
        yield beam.pvalue.TaggedOutput(_CANDIDATES, own)
        for other in edges:
            yield other, (key, own.shingles)


def compare_ends(key: str, groups: dict[str, Iterable[Any]], least: float) -> Iterator[Any]:
    """Edges that end here and are near-duplicates; this end, tagged."""
    carried = list(groups["carried"])
    if carried:
        own = next(iter(groups["own"]))
        yield beam.pvalue.TaggedOutput(_CANDIDATES, own)
        for other, shingles in carried:
            alike = jaccard(own.shingles, shingles)
            if alike >= least:
                yield other, key, alike


@dataclass(eq=False)
class ChooseLosers(beam.PTransform):
    """The losers of every group of connected documents, of `verified` edges and `candidates`."""

    limits: MinhashLimits

    def expand(self, inputs: Any) -> beam.PCollection:
        """Labels of groups join the candidates; then one GroupByKey a round by group."""
        edges = inputs["verified"]
        ends = edges | "Ends" >> beam.FlatMapTuple(lambda a, b, alike: [(a, alike), (b, alike)])
        rest = (
            {
                "groups": edges
                | "Pairs" >> beam.MapTuple(lambda a, b, _: (a, b))
                | ConnectedGroups(),
                "nearest": ends,
                "candidates": inputs["candidates"] | beam.Map(lambda one: (one.key, one)),
            }
            | "JoinGroups" >> beam.CoGroupByKey()
            | "ByGroup" >> beam.FlatMapTuple(with_group)
        )
        losers = []
        for number in range(2):  # the groups, then the parts of what is left of large ones
            out = (
                rest
                | f"Groups{number}" >> beam.GroupByKey()
                | f"Losers{number}"
                >> beam.FlatMapTuple(partial(losers_of, least=self.limits.jaccard)).with_outputs(
                    _REST, main="losers"
                )
            )
            rest = out[_REST]
            losers.append(out.losers)
        return losers | beam.Flatten()


def with_group(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, Candidate]]:
    """(group, the candidate with what it is nearest to) of a document that is in a group."""
    del key
    for group in groups["groups"]:
        one = next(iter(groups["candidates"]))
        yield group, Candidate(one.rank, one.shingles, max(groups["nearest"]))


def losers_of(group: str, candidates: Iterable[Candidate], least: float) -> Iterator[Any]:
    """The losers of a group; of one of more than LARGEST_GROUP also what is left, tagged.

    The candidates are gone through twice, and at most LARGEST_GROUP of them held.
    """
    best = heapq.nlargest(LARGEST_GROUP, candidates, key=newest_longest)
    kept, fallen = keep_unlike(best, _alike, least)
    for one, stays, alike in fallen:
        yield _loser(one, stays, alike)
    if len(best) < LARGEST_GROUP:
        return
    held = {one.key for one in best}
    for one in candidates:
        if one.key in held:
            continue
        found = likest(one, kept, _alike)
        if found is not None and found[1] >= least:
            yield _loser(one, *found)
        else:
            part = int(one.shingles[0]) % _PARTS  # the same of two texts with P = their Jaccard
            yield beam.pvalue.TaggedOutput(_REST, (f"{group}/{part}", one))


def _alike(first: Candidate, second: Candidate) -> float:
    return jaccard(first.shingles, second.shingles)


def _loser(one: Candidate, stays: Candidate, alike: float) -> Loser:
    return Loser(one.key, (stays.key, stays.rank.url), alike, max(alike, one.nearest))


def drop_losers(key: str, groups: dict[str, Iterable[Any]], limits: MinhashLimits) -> Iterator[Any]:
    """A document unless it lost, and its decision; tagged."""
    del key
    loser = next(iter(groups["losers"]), None)
    for document in groups["documents"]:
        if loser is None:
            yield document
            yield beam.pvalue.TaggedOutput(DECISIONS, DUPLICATES.kept(document))
        else:
            detail = f"nearest {loser.nearest:.4f}"
            why = Why(Reason.NEAR_DUPLICATE, round(loser.jaccard, 4), limits.jaccard, detail)
            decision = DUPLICATES.replaced(document, why, loser.stays)
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
