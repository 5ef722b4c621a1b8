"""Lists of the URLs of pages, as text, CSV or Parquet; what is no URL is told by its place."""

import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.stages.beam_files import FILES
from pipeline.stages.warc_lists import InputError, csv_rows
from schemas.keys import make_key
from schemas.rejection import Reason, Rejection, Why

_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_SHOWN = 40
_LOOKED_AT = 1_000
"""Lines that may come before the first URL of a list."""


def read_urls(source: str) -> Iterator[str | Rejection]:
    """The URLs of a list in its order; a rejection that names file and line for what is none.

    A text file has one a line, CSV and Parquet a column `url`. Empty lines and comments (#) are
    passed over.
    """
    for number, value in _values(source):
        url = value.strip() if isinstance(value, str) else value
        if url is None or url == "":
            continue
        if isinstance(url, str) and _is_url(url):
            yield url
            continue
        place = f"{source}:{number}"
        shown = ascii(url[:_SHOWN] if isinstance(url, str) else url)
        yield Rejection("page", make_key(place), shown, Why(Reason.BAD_URL, f"{place}: {shown}"))


def _is_url(text: str) -> bool:
    try:
        return bool(_WEB.match(text) and urlsplit(text))
    except ValueError:
        return False


def require_urls(source: str) -> None:
    """Raises InputError on a list that is empty, or begins with a thousand lines without a URL."""
    first = None
    for found in islice(read_urls(source), _LOOKED_AT):
        if isinstance(found, str):
            return
        first = first or found
    if first is None:
        raise InputError(f"--input {source}: the list is empty")
    place = str(first.why.value).removeprefix(f"{source}:")
    raise InputError(f"--input {source}: no http:// or https:// URL at line {place}")


def _values(source: str) -> Iterator[tuple[int, Any]]:
    """Each line's number and what should be its URL."""
    with FILES.open(source) as stream:
        name = source.lower()
        if name.endswith(".parquet"):
            yield from _of_parquet(stream)
            return
        text = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
        if name.endswith(".csv"):
            yield from _of_csv(text)
            return
        for number, line in enumerate(text, 1):
            if not line.lstrip().startswith("#"):
                yield number, line


def _of_parquet(stream: Any) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        with pq.ParquetFile(stream) as table:
            for batch in table.iter_batches(columns=["url"]):
                for value in batch.column("url").to_pylist():
                    number += 1
                    yield number, value
    except (pa.ArrowException, OSError) as error:
        # In place of a URL, what the library said of the rest of the list.
        yield number + 1, str(error).partition("\n")[0]


def _of_csv(text: io.TextIOWrapper) -> Iterator[tuple[int, Any]]:
    rows = csv_rows(text)
    _, names = next(rows, (0, []))
    column = [name.strip() for name in names].index("url")
    for number, row in rows:
        if not row:
            yield number, "a row that cannot be read"
        elif len(row) > column:
            yield number, row[column]
