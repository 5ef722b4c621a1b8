"""A table of URLs whose bytes lie in files already: captures of the input, of the user's making."""

import csv
import io
import posixpath
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.stages.beam_files import FILES
from pipeline.stages.inputs import InputError
from schemas.records import Capture

_COLUMNS = ("url", "path")


def read_url_map(source: str) -> Iterator[Capture]:
    """A capture for each row of a table with the columns `url` and `path`, CSV or Parquet.

    Relative paths begin beside the table; "" names no table.

    Raises:
        InputError: it cannot be read, or has no such columns.
    """
    if not source:
        return
    beside = posixpath.dirname(source)
    for url, path in _rows(source):
        if url and path:
            yield Capture(str(url), posixpath.join(beside, str(path)))


def _rows(source: str) -> Iterator[tuple[object, object]]:
    try:
        content = FILES.read(source)
        if source.lower().endswith(".parquet"):
            table = pq.read_table(pa.BufferReader(content), columns=list(_COLUMNS))
            yield from zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True)
            return
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise KeyError(*(reader.fieldnames or [""])[:1])
        for row in reader:
            yield row["url"], row["path"]
    except (OSError, pa.ArrowException, KeyError, ValueError, csv.Error) as error:
        named = ", ".join(_COLUMNS)
        raise InputError(f"fetch.url_map {source}: no table with {named}: {error}") from None
