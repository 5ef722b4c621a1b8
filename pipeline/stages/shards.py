"""Shards: samples by key into tars with a sidecar each, the same bytes on any number of workers.

HF's WebDataset reader takes the features of a whole corpus from the first five samples of its first
shard, and refuses it where their members differ, as they do in M3W. So the samples of a shard are
in the order of their keys but for five with equally many images, which lead it, and the five that
lead the first shard are the corpus's.
"""

import hashlib
import math
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
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
from schemas.records import ImagePart, PackRef, Pair, Sequence
from schemas.shard import IndexRow, Members, index_row
from schemas.tables import SHARD_INDEX
from schemas.tar import TarWriter

Encode = Callable[[Any, Callable[[PackRef], bytes]], Members]

Record = Sequence | Pair

LEAD = 5
"""Samples that HF's reader compares: NUM_EXAMPLES_FOR_FEATURES_INFERENCE of datasets 5.2."""


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

    Which shard a sample goes to follows from its key, but for the first five, and where in it from
    keys and numbers of images; the number of shards from the sum of all sizes. A shard that is
    written twice has the same bytes twice, so that the later one may take the earlier one's name.
    """

    place: Place
    corpus: str
    encode: Encode
    size: Callable[[Any], int]
    limits: ShardLimits

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        """One GroupByKey of records without media bytes, and one of keys."""
        size, limits = self.size, self.limits
        totals = (
            records
            | "Sizes" >> beam.Map(lambda record: (1, size(record)))
            | "Total" >> beam.CombineGlobally(_sum_pairs)
            | "ShardCount" >> beam.Map(lambda total: shard_count(total[0], total[1], limits))
        )
        leaders = (
            records
            | "Images" >> beam.Map(lambda r: (image_count(r), (not r.licence, r.key)))
            | "Alike" >> beam.combiners.Top.SmallestPerKey(LEAD)
            | "AllAlike" >> beam.combiners.ToDict()
            | "Leaders" >> beam.Map(choose_leaders)
        )
        return (
            records
            | "ByShard"
            >> beam.Map(
                lambda record, shards, first: (shard_of(record.key, shards, first), record),
                beam.pvalue.AsSingleton(totals),
                beam.pvalue.AsSingleton(leaders),
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


def choose_leaders(alike: Mapping[int, Iterable[tuple[bool, str]]]) -> frozenset[str]:
    """The keys of the samples that the first shard begins with.

    Five with equally many images, as many as five samples have. In a small corpus that has no five
    alike, the fewer ones with the most images: they are then a shard of their own.

    Args:
        alike: by number of images, the first five samples in the order of `lead_first`: whether
            without a licence, key.
    """
    keys = {images: frozenset(key for _, key in samples) for images, samples in alike.items()}
    full = [images for images in keys if len(keys[images]) == LEAD]
    if not full and len(keys) < 2:
        return frozenset()
    return keys[max(full or keys)]


def shard_of(key: str, shards: int, leaders: frozenset[str]) -> int:
    """The number of a sample's shard, of so many: 0 for leaders, else its bucket's.

    Leaders that are fewer than five are alone in shard 0, and the buckets begin behind it.
    """
    if key in leaders:
        return 0
    return bucket_of(key, shards) + (0 < len(leaders) < LEAD)


def lead_first(records: Iterable[Record]) -> list[Record]:
    """Records by key, but first five with equally many images, as many as five records have.

    Of these, five with evidence of a licence go before others: the reader for which this is done
    knows no field that none of the five has.
    """
    ordered = sorted(records, key=lambda record: record.key)
    alike: dict[int, list[Record]] = defaultdict(list)
    for record in ordered:
        alike[image_count(record)].append(record)
    images = max((count for count in alike if len(alike[count]) >= LEAD), default=None)
    if images is None:
        return ordered
    lead = sorted(alike[images], key=lambda record: not record.licence)[:LEAD]
    keys = {record.key for record in lead}
    return [*lead, *(record for record in ordered if record.key not in keys)]


def image_count(record: Record) -> int:
    """The images of a sequence; 0 for a pair, whose members are always the same."""
    if isinstance(record, Pair):
        return 0
    return sum(isinstance(part, ImagePart) for part in record.parts)


class _WriteShard(beam.DoFn):
    """A shard's records into its tar and sidecar."""

    def __init__(self, place: Place, corpus: str, encode: Encode) -> None:
        self._place, self._corpus, self._encode = place, corpus, encode

    def process(self, group: tuple[int, Iterable[Record]]) -> Iterable[ShardEntry]:
        number, records = group
        stem = f"{self._place.folder}/shards/{self._corpus}-{number:06d}"
        final = f"{self._place.root}/{stem}"
        temp = f"{final}.{uuid.uuid4().hex}.tar.part"
        ordered = lead_first(records)
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
