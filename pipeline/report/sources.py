"""What the report reads of a build's output, a little at a time, wherever the output lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.shard import Members

BATCH_ROWS = 16_384
"""Rows of a table that are in memory at a time."""


class ReportFiles(Protocol):
    """Files by path: a local disk or a bucket."""

    def open(self, path: str) -> BinaryIO:
        """A file open for reading, seekable; raises OSError where there is none."""

    def list(self, folder: str) -> list[str]:
        """The paths of all files below a folder, sorted; none where there is no such folder."""


@dataclass(frozen=True, slots=True)
class Place:
    """A sample's place: its shard's path below the output, and its row in the shard's index."""

    shard: str
    row: dict[str, Any]


def table_batches(path: str, columns: list[str], files: ReportFiles) -> Iterator[pa.RecordBatch]:
    """Some columns of a Parquet file, a batch of rows at a time."""
    with files.open(path) as stream, pq.ParquetFile(stream) as table:
        yield from table.iter_batches(batch_size=BATCH_ROWS, columns=columns)


def sidecar_of(shard: str) -> str:
    """The path of a shard's index."""
    return f"{shard.removesuffix('.tar')}.parquet"


def read_members(output: str, place: Place, files: ReportFiles) -> Members:
    """The members of one sample, read by range through the shard's index."""
    members = []
    with files.open(f"{output}/{place.shard}") as stream:
        for member in place.row["members"]:
            stream.seek(member["offset"])
            members.append((member["name"], stream.read(member["size"])))
    return members
