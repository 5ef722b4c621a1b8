"""The corpora of a build by their shards' indexes: spreads of sizes, and which samples to show."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.report.sources import Place, ReportFiles, sidecar_of, table_batches
from pipeline.report.spread import Spread
from schemas.manifest import ShardEntry
from schemas.tables import SHARD_INDEX

MEASURES = ("images", "videos", "texts", "words", "score", "size")
"""Columns of a shard's index whose spread is shown."""

LOWEST = 6
"""Samples of a corpus with the lowest scores that are shown."""


@dataclass(slots=True)
class CorpusFigures:
    """A corpus in numbers.

    Attributes:
        name: m3w, align, ltip or vtp.
        shards: how many.
        samples: how many.
        bytes: of the shards.
        sums: of images, videos, texts and words over all samples.
        spreads: of each measure over the samples.
        shown: places of the samples to show, in the order of the corpus.
        lowest: places of the samples with the lowest scores, the lowest first.
    """

    name: str
    shards: int = 0
    samples: int = 0
    bytes: int = 0
    sums: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    spreads: dict[str, Spread] = field(default_factory=lambda: defaultdict(Spread))
    shown: list[Place] = field(default_factory=list)
    lowest: list[Place] = field(default_factory=list)


def read_corpora(
    output: str, shards: Iterable[ShardEntry], wanted: dict[str, int], files: ReportFiles
) -> list[CorpusFigures]:
    """Figures of each corpus in the manifest's order, with places of samples to show.

    Args:
        output: the build's output.
        shards: of the manifest.
        wanted: how many samples to show, by corpus.
        files: where the output lies.
    """
    by_corpus: dict[str, list[ShardEntry]] = defaultdict(list)
    for shard in shards:
        by_corpus[shard.corpus].append(shard)
    return [
        _read_corpus(output, name, entries, wanted.get(name, 0), files)
        for name, entries in by_corpus.items()
    ]


def spread_numbers(total: int, number: int) -> list[int]:
    """So many of the numbers below a total, rising and evenly apart; all where there are fewer."""
    if number >= total:
        return list(range(total))
    return [(2 * k + 1) * total // (2 * number) for k in range(number)]


def _read_corpus(
    output: str, name: str, entries: list[ShardEntry], wanted: int, files: ReportFiles
) -> CorpusFigures:
    """Figures of one corpus."""
    figures = CorpusFigures(name, shards=len(entries), bytes=sum(one.bytes for one in entries))
    numbers = iter(spread_numbers(sum(one.samples for one in entries), wanted))
    following = next(numbers, None)
    for shard, batch in _index_batches(output, entries, files):
        while following is not None and following < figures.samples + batch.num_rows:
            (row,) = batch.slice(following - figures.samples, 1).to_pylist()
            figures.shown.append(Place(shard, row))
            following = next(numbers, None)
        _fold(figures, batch)
        _keep_lowest(figures, shard, batch)
    return figures


def _index_batches(
    output: str, entries: list[ShardEntry], files: ReportFiles
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Rows of the shards' indexes in order, each batch with its shard's path."""
    for entry in entries:
        for batch in table_batches(f"{output}/{sidecar_of(entry.path)}", SHARD_INDEX.names, files):
            yield entry.path, batch


def _keep_lowest(figures: CorpusFigures, shard: str, batch: pa.RecordBatch) -> None:
    """Keeps the places of the lowest scores so far."""
    scored = batch.filter(pc.is_valid(batch["score"]))
    order = pc.sort_indices(scored, sort_keys=[("score", "ascending"), ("key", "ascending")])
    rows = scored.take(order[:LOWEST]).to_pylist()
    places = [*figures.lowest, *(Place(shard, row) for row in rows)]
    figures.lowest = sorted(places, key=_by_score)[:LOWEST]


def _by_score(place: Place) -> tuple[float, str]:
    """Orders places by their score, then by their key."""
    return place.row["score"], place.row["key"]


def _fold(figures: CorpusFigures, batch: pa.RecordBatch) -> None:
    """Adds some rows of an index."""
    figures.samples += batch.num_rows
    for measure in MEASURES:
        values: Any = batch.column(measure).drop_null().to_numpy(zero_copy_only=False)
        figures.spreads[measure].add(values)
        if measure in ("images", "videos", "texts", "words"):
            figures.sums[measure] += int(values.sum())
