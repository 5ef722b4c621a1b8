"""Shards: samples by key into tars with a sidecar each, the same bytes on any number of workers."""

import hashlib
import math
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.stages.beam_files import FILES
from pipeline.stages.run import Place
from pipeline.store.packs import PackReader
from schemas.keys import bucket_of
from schemas.manifest import ShardEntry
from schemas.recipe import bounded
from schemas.records import PackRef
from schemas.shard import IndexRow, Members, index_row
from schemas.tables import SHARD_INDEX
from schemas.tar import TarWriter

Encode = Callable[[Any, Callable[[PackRef], bytes]], Members]


@dataclass(frozen=True, slots=True)
class ShardLimits:
    """How large shards are.

    Attributes:
        max_bytes: about this many bytes a shard.
        max_samples: and about this many samples at most.
    """

    max_bytes: int = bounded(512 * 1024 * 1024, at_least=4096)
    max_samples: int = bounded(10_000, at_least=1)


@dataclass(eq=False)
class WriteShards(beam.PTransform):
    """Records of a corpus into shards below `<stage>/shards/`; gives a ShardEntry each.

    Which shard a sample goes to, and where in it, follows from its key alone, and the number of
    shards from the sum of all sizes. A shard that is written twice has the same bytes twice, so
    that the later one may take the earlier one's name.
    """

    place: Place
    corpus: str
    encode: Encode
    size: Callable[[Any], int]
    limits: ShardLimits

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        """One GroupByKey of records without media bytes."""
        size, limits = self.size, self.limits
        totals = (
            records
            | "Sizes" >> beam.Map(lambda record: (1, size(record)))
            | "Total" >> beam.CombineGlobally(_sum_pairs)
            | "ShardCount" >> beam.Map(lambda total: shard_count(total[0], total[1], limits))
        )
        return (
            records
            | "ByShard"
            >> beam.Map(
                lambda record, shards: (bucket_of(record.key, shards), record),
                beam.pvalue.AsSingleton(totals),
            )
            | "GroupShards" >> beam.GroupByKey()
            | "WriteShard" >> beam.ParDo(_WriteShard(self.place, self.corpus, self.encode))
        )


def _sum_pairs(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The sums of both members."""
    samples = size = 0
    for count, one in pairs:
        samples, size = samples + count, size + one
    return samples, size


def shard_count(samples: int, size: int, limits: ShardLimits) -> int:
    """How many shards some samples of so many bytes make."""
    return max(1, math.ceil(size / limits.max_bytes), math.ceil(samples / limits.max_samples))


class _WriteShard(beam.DoFn):
    """A shard's records into its tar and sidecar."""

    def __init__(self, place: Place, corpus: str, encode: Encode) -> None:
        self._place, self._corpus, self._encode = place, corpus, encode

    def process(self, group: tuple[int, Iterable[Any]]) -> Iterable[ShardEntry]:
        number, records = group
        stem = f"{self._place.folder}/shards/{self._corpus}-{number:06d}"
        final = f"{self._place.root}/{stem}"
        temp = f"{final}.{uuid.uuid4().hex}.tar.part"
        ordered = sorted(records, key=lambda record: record.key)
        with PackReader(self._place.root, files=FILES) as reader:
            stream = HashingStream(FILES.create(temp))
            rows = write_samples(stream, ((r, self._encode(r, reader.read)) for r in ordered))
            stream.close()
        FILES.write(f"{final}.parquet", _sidecar(rows))
        FILES.publish(temp, f"{final}.tar")
        yield ShardEntry(
            self._corpus, f"{stem}.tar", len(rows), stream.written, stream.digest.hexdigest()
        )


def write_samples(
    stream: Any,
    samples: Iterable[tuple[Any, Members]],
) -> list[IndexRow]:
    """Writes records with their members to a tar; gives the rows of its sidecar."""
    tar = TarWriter(stream)
    rows = []
    for record, members in samples:
        offsets = [tar.add(name, content) for name, content in members]
        rows.append(index_row(record, members, offsets))
    tar.close()
    return rows


def _sidecar(rows: list[IndexRow]) -> bytes:
    """The sidecar's Parquet."""
    stream = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SHARD_INDEX), stream, compression="zstd")
    content: bytes = stream.getvalue().to_pybytes()
    return content


class HashingStream:
    """A stream that counts and hashes what is written to it."""

    def __init__(self, stream: BinaryIO) -> None:
        """Wraps a stream open for writing."""
        self._stream = stream
        self.digest = hashlib.sha256()
        self.written = 0

    def write(self, content: bytes) -> int:
        """Writes all of the content."""
        self.digest.update(content)
        self.written += len(content)
        return self._stream.write(content)

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()
