"""Tables between stages: read from and written to Parquet, a file a bundle, streamed.

A table file has its name only when it is whole, and a stage's manifest lists the files that
count: a bundle that ran twice leaves a file that nobody reads.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.stages.beam_files import FILES
from schemas.keys import bucket_of
from schemas.tables import Decision, arrow_schema, row_reader, to_rows

ROWS_PER_GROUP = 2_000
"""Rows held in memory before they are written: a few MB of documents."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a stage wrote: the table's name, the path below the work folder, its rows."""

    table: str
    path: str
    rows: int


def read_rows(path: str, record: type) -> Iterator[Any]:
    """The records of one table file, a row group at a time."""
    read = row_reader(record)
    with FILES.open(path) as stream, pq.ParquetFile(stream) as table:
        for batch in table.iter_batches(batch_size=ROWS_PER_GROUP):
            for row in batch.to_pylist():
                yield read(row)


@dataclass(eq=False)
class ReadTable(beam.PTransform):
    """The records of a table."""

    record: type
    paths: tuple[str, ...]

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """One element a row; the files are spread over the workers."""
        return (
            pipeline
            | beam.Create(self.paths, reshuffle=len(self.paths) > 1)
            | beam.FlatMap(read_rows, self.record)
        )


@dataclass(eq=False)
class WriteTable(beam.PTransform):
    """Records into the files of a table; what comes out is a Written a file."""

    record: type
    root: str
    folder: str
    name: str

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        """One file a bundle."""
        return records | beam.ParDo(_WriteRows(self.record, self.root, self.folder, self.name))


class _WriteRows(beam.DoFn):
    """Rows of a bundle into one file under a name of its own."""

    def __init__(self, record: type, root: str, folder: str, name: str) -> None:
        self._record, self._root, self._folder, self._name = record, root, folder, name

    def start_bundle(self) -> None:
        self._path, self._count = "", 0
        self._rows: list[object] = []
        self._stream: BinaryIO | None = None
        self._writer: pq.ParquetWriter | None = None

    def process(self, record: object) -> None:
        self._rows.append(record)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None or self._stream is None:
            self._path = f"{self._folder}/{self._name}/{uuid.uuid4().hex}.parquet"
            self._stream = FILES.create(f"{self._root}/{self._path}.part")
            self._writer = pq.ParquetWriter(
                self._stream, arrow_schema(self._record), compression="zstd"
            )
        self._writer.write_table(to_rows(self._record, self._rows))
        self._count += len(self._rows)
        self._rows = []

    def finish_bundle(self) -> Iterable[Any]:
        if self._rows:
            self._flush()
        if self._writer is None or self._stream is None:
            return
        self._writer.close()
        self._stream.close()
        path = f"{self._root}/{self._path}"
        FILES.publish(f"{path}.part", path)
        yield beam.utils.windowed_value.WindowedValue(
            Written(self._name, self._path, self._count),
            beam.window.GlobalWindow().max_timestamp(),
            (beam.window.GlobalWindow(),),
        )


@dataclass(eq=False)
class WriteDecisions(beam.PTransform):
    """Decisions into sorted files that are equal for equal decisions, whoever made them."""

    root: str
    folder: str
    buckets: int

    def expand(self, decisions: beam.PCollection) -> beam.PCollection:
        """One file a bucket of keys: decisions are small, so that they may be grouped."""
        return (
            decisions
            | beam.Map(lambda row: (bucket_of(row.key, self.buckets), row))
            | beam.GroupByKey()
            | beam.MapTuple(self._write)
        )

    def _write(self, bucket: int, rows: Iterable[Decision]) -> Written:
        ordered = sorted(rows, key=lambda row: (row.stage, row.kind, row.key, row.url, row.kept))
        path = f"{self.folder}/decisions/{bucket:05d}.parquet"
        stream = pa.BufferOutputStream()
        pq.write_table(to_rows(Decision, ordered), stream, compression="zstd")
        FILES.write(f"{self.root}/{path}", stream.getvalue().to_pybytes())
        return Written("decisions", path, len(ordered))
