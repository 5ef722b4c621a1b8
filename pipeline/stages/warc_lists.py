"""Lists of WARC files, and of records in them, as Common Crawl publishes both."""

import csv
import gzip
import io
import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.extract.warc import Place
from pipeline.stages.beam_files import FILES, is_local
from schemas.keys import make_key
from schemas.rejection import Reason, Rejection, Why

RANGE_COLUMNS = ("warc_filename", "warc_record_offset", "warc_record_length")
"""As the columnar index of Common Crawl names them."""


_WHOLE = re.compile(r"[0-9]{1,18}")
"""No file has an offset of more digits."""


class InputError(ValueError):
    """An input that cannot be built from; the message names it."""


def locate(name: str, source: str, base: str) -> str:
    """Where a WARC file lies that a list names: beside the list if it is there, else under `base`.

    A path that is not relative stands as it is. Common Crawl's lists name files by their path
    below https://data.commoncrawl.org/; a copy may lie under its last name alone.

    Args:
        name: as the list has it.
        source: the list's path.
        base: a folder, a bucket or a web address, or "".
    """
    if not is_local(name) or name.startswith("/"):
        return name
    last = posixpath.basename(name)
    near = [posixpath.join(posixpath.dirname(source), end) for end in (name, last)]
    under = [posixpath.join(base, end) for end in (name, last)] if base else []
    for path in [path for path in (*near, *under) if is_local(path)]:
        if Path(path).exists():
            return path
    return under[0] if base else near[0]


def read_paths(source: str) -> list[str]:
    """The lines of a list of WARC files, plain or gzip, without empty ones and comments.

    Raises:
        InputError: the list cannot be read as text.
    """
    content = FILES.read(source)
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        text = content.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"--input {source}: not a list of paths: {error}") from None
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def columns_of(source: str) -> list[str]:
    """The names of a table's columns.

    Raises:
        InputError: the file is no such table.
    """
    try:
        with FILES.open(source) as stream:
            if source.lower().endswith(".parquet"):
                with pq.ParquetFile(stream) as table:
                    return list(table.schema_arrow.names)
            head = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
            return [name.strip() for name in next(csv.reader(head), [])]
    except (pa.ArrowInvalid, csv.Error) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--input {source}: not a table: {reason}") from None


def read_ranges(source: str, base: str) -> Iterator[tuple[str, Place | Rejection]]:
    """The (file, place) of each row of a list of records; a row that makes no sense is rejected.

    Args:
        source: a CSV or Parquet file with RANGE_COLUMNS, and `url` if there is one.
        base: as in `locate`.
    """
    located: dict[str, str] = {}
    for number, row in enumerate(_rows(source), 1):
        named = row.get(RANGE_COLUMNS[0])
        name = named if isinstance(named, str) else ""
        offset, size = (_number(row.get(column)) for column in RANGE_COLUMNS[1:])
        url = str(row.get("url") or "")
        if not name or offset is None or not size:
            line = f"{source} row {number}"
            why = Why(Reason.DAMAGED_RECORD, line)
            yield source, Rejection("page", make_key(line), url or source, why)
            continue
        if name not in located:
            located[name] = locate(name, source, base)
        yield located[name], Place(offset, size, url)


def _rows(source: str) -> Iterator[Mapping[str, Any]]:
    with FILES.open(source) as stream:
        if source.lower().endswith(".parquet"):
            with pq.ParquetFile(stream) as table:
                wanted = [name for name in (*RANGE_COLUMNS, "url") if name in table.schema.names]
                yield from _of_batches(table, wanted)
        else:
            text = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
            rows = csv_rows(text)
            _, names = next(rows, (0, []))
            for _, cells in rows:
                yield dict(zip(map(str.strip, names), cells, strict=False))


def _of_batches(table: pq.ParquetFile, wanted: list[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of a table; an empty one stands for all that are behind damage."""
    try:
        for batch in table.iter_batches(columns=wanted):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError):
        yield {}


def csv_rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, each with the number of its last line; empty lines are left out.

    A row that cannot be read, as one with a field of more than 131,072 characters, has no cells;
    the next begins on the line where that was found.
    """
    rows = csv.reader(lines)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield rows.line_num, []
            continue
        if row:
            yield rows.line_num, row


def _number(value: object) -> int | None:
    """A whole number that is not negative, from a cell of a table."""
    text = str(value).strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def first_missing(paths: Iterable[str]) -> str | None:
    """The first of some paths at which there is no local file; buckets are not asked."""
    return next((path for path in paths if is_local(path) and not Path(path).is_file()), None)
