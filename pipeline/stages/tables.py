"""Tables between stages: read from and written to Parquet, a file a bundle, streamed.

A table file has its name only when it is whole, and a stage's manifest lists the files that
count: a bundle that ran twice leaves a file that nobody reads.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.stages.beam_files import FILES
from schemas.keys import bucket_of, make_key
from schemas.tables import Decision, FetchRow, arrow_schema, row_reader, to_rows

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
class WriteSorted(beam.PTransform):
    """Small records into sorted files that are equal for equal records, whoever made them.

    Attributes:
        record: type of the records.
        root: the work folder.
        folder: the stage's.
        name: of the table.
        buckets: files at most.
        spread: the key by whose bucket a record goes.
        order: what the records of a file are sorted by.
    """

    record: type
    root: str
    folder: str
    name: str
    buckets: int
    spread: Callable[[Any], str]
    order: Callable[[Any], tuple[Any, ...]]

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        """One file a bucket: such records are small, so that they may be grouped."""
        return (
            records
            | beam.Map(lambda row: (bucket_of(self.spread(row), self.buckets), row))
            | beam.GroupByKey()
            | beam.MapTuple(self._write)
        )

    def _write(self, bucket: int, rows: Iterable[Any]) -> Written:
        ordered = sorted(rows, key=self.order)
        path = f"{self.folder}/{self.name}/{bucket:05d}.parquet"
        stream = pa.BufferOutputStream()
        pq.write_table(to_rows(self.record, ordered), stream, compression="zstd")
        FILES.write(f"{self.root}/{path}", stream.getvalue().to_pybytes())
        return Written(self.name, path, len(ordered))


def write_decisions(place: tuple[str, str], buckets: int) -> WriteSorted:
    """Decisions into sorted files, spread by their items' keys; `place` is root and folder."""
    return WriteSorted(Decision, *place, "decisions", buckets, _decision_key, _decision_order)


def write_fetches(place: tuple[str, str], buckets: int) -> WriteSorted:
    """Rows of fetches into sorted files, spread by their URLs; `place` is root and folder."""
    return WriteSorted(FetchRow, *place, "fetches", buckets, _fetch_key, _fetch_order)


def _decision_key(row: Decision) -> str:
    return row.key


def _decision_order(row: Decision) -> tuple[Any, ...]:
    return row.stage, row.kind, row.key, row.url, row.kept


def _fetch_key(row: FetchRow) -> str:
    return make_key(row.url)


def _fetch_order(row: FetchRow) -> tuple[Any, ...]:
    return row.url, row.kind, row.time
