"""Pages and media of a WARC file, in file order; damage is counted and read past."""

import mimetypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from pipeline.extract.inflate import inflate, join_chunks
from pipeline.extract.limits import ReadLimits
from pipeline.extract.resync import next_record
from schemas.keys import make_key
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Measure, Reason, Rejection, Why

Opener = Callable[[str], BinaryIO]
Found = Page | Capture | Rejection

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_BLOCK = 1 << 20


def open_local(path: str) -> BinaryIO:
    """The file's bytes as a seekable stream."""
    return open(path, "rb")  # noqa: PTH123 - the caller closes it


def read_warc(
    source: str | BinaryIO,
    limits: ReadLimits | None = None,
    opener: Opener = open_local,
    name: str = "",
) -> Iterator[Found]:
    """The pages, captures of media, and rejections of one WARC file, in file order.

    An HTML response is a Page or a Rejection; a media response is a Capture whose bytes are not
    read; anything else is passed over. After damage the reading goes on at the next record, and
    one Rejection with DAMAGED_RECORD names file and offset.

    Args:
        source: a path that `opener` opens, or a seekable stream.
        limits: bounds on what is read of a record.
        opener: opens a path for reading.
        name: what captures and rejections call a stream.
    """
    limits = limits or ReadLimits()
    if isinstance(source, str):
        with opener(source) as stream:
            yield from _read_stream(stream, source, limits)
    else:
        yield from _read_stream(source, name, limits)


def read_capture(
    path: str,
    offset: int,
    limits: ReadLimits | None = None,
    opener: Opener = open_local,
) -> bytes:
    """The payload behind a Capture: of the record at `offset`, or of the whole file where it is -1.

    Raises:
        BadInput: the record is damaged or cut, too large, or its encoding is broken.
    """
    limits = limits or ReadLimits()
    with opener(path) as stream:
        if offset < 0:
            return _bounded(stream, limits.media_bytes)
        stream.seek(offset)
        try:
            record = next(iter(_iterate(stream)), None)
            if record is None or record.stream_pos != offset:
                raise BadInput(Reason.DAMAGED_RECORD, f"{path}@{offset}")
            return _payload(record, limits.media_bytes, path)
        except (OSError, EOFError) as error:
            raise BadInput(Reason.DAMAGED_RECORD, f"{path}@{offset}") from error


def _bounded(stream: BinaryIO, cap: int) -> bytes:
    body = stream.read(cap + 1)
    if len(body) > cap:
        raise BadInput(Reason.TOO_MANY_BYTES, len(body), cap)
    return body


def _iterate(stream: BinaryIO) -> Any:  # noqa: ANN401 - fastwarc ships no types
    from fastwarc.warc import ArchiveIterator

    return ArchiveIterator(stream, parse_http=True, auto_decode="none")


def _read_stream(stream: BinaryIO, name: str, limits: ReadLimits) -> Iterator[Found]:
    """The records from the stream's beginning, starting anew behind each damage."""
    start: int | None = next_record(stream, 0)
    if start != 0:
        yield _damaged(name, 0)
    while start is not None:
        run = _Run(name, limits)
        stream.seek(start)
        yield from run.read(_iterate(stream))
        last = start if run.position < 0 else run.position
        # A run that ends well ends with the file's last record: nothing begins behind it.
        start = next_record(stream, last + 1)
        if run.broken or start is not None:
            yield _damaged(name, last)


@dataclass(slots=True)
class _Run:
    """One unbroken run of records."""

    name: str
    limits: ReadLimits
    position: int = -1
    broken: bool = False

    def read(self, records: Any) -> Iterator[Found]:  # noqa: ANN401 - fastwarc ships no types
        try:
            for record in records:
                self.position = record.stream_pos
                found = _found(record, self.name, self.limits)
                if found is not None:
                    yield found
        except (OSError, EOFError):
            self.broken = True
        except BadInput as damage:
            self.broken = damage.why.reason is Reason.DAMAGED_RECORD


def _damaged(name: str, offset: int) -> Rejection:
    place = f"{name}@{offset}"
    return Rejection("page", make_key(place), name, Why(Reason.DAMAGED_RECORD, place))


def _found(record: Any, name: str, limits: ReadLimits) -> Found | None:  # noqa: ANN401
    kind = (record.headers.get("WARC-Type") or "").lower()
    if kind not in {"response", "resource", "revisit"}:
        return None
    url = (record.headers.get("WARC-Target-URI") or "").strip().strip("<>")
    if not url.lower().startswith(("http:", "https:", "file:")):
        return None
    media_type = _media_type(record)
    if media_type in HTML_TYPES or (not media_type and kind == "response" and record.is_http):
        return _page(record, kind, url, name, limits)
    if kind != "revisit" and _status(record) == 200 and _is_media(media_type, url):
        return Capture(url, name, record.stream_pos)
    return None


def _media_type(record: Any) -> str:  # noqa: ANN401
    """The payload's media type in lower case without parameters, "" where none is told."""
    headers = record.http_headers if record.http_headers is not None else record.headers
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def _status(record: Any) -> int:  # noqa: ANN401
    """The HTTP status; 200 for a resource record, which has none."""
    if record.http_headers is None:
        return 200
    return int(record.http_headers.status_code or 0)


def _is_media(media_type: str, url: str) -> bool:
    if media_type.startswith(("image/", "video/")):
        return True
    if media_type not in {"application/octet-stream", "binary/octet-stream"}:
        return False
    guess = mimetypes.guess_type(urlsplit(url).path)[0] or ""
    return guess.startswith(("image/", "video/"))


def _page(record: Any, kind: str, url: str, name: str, limits: ReadLimits) -> Found | None:  # noqa: ANN401
    """The record as a Page, or why it is none; None where a body of no type is not HTML."""
    key = make_key(url, str(record.stream_pos))
    if kind == "revisit":
        return Rejection("page", key, url, Why(Reason.REVISIT))
    if _status(record) != 200:
        return Rejection("page", key, url, Why(Reason.BAD_STATUS, _status(record), 200))
    try:
        body = _payload(record, limits.page_bytes, name)
    except BadInput as bad:
        if bad.why.reason is Reason.DAMAGED_RECORD:
            raise
        return Rejection("page", key, url, bad.why)
    if not _media_type(record) and not _looks_html(body):
        return None
    if not body.strip():
        return Rejection("page", key, url, Why(Reason.EMPTY_BODY))
    if body[:256].lstrip().lower().startswith(_NOT_HTML):
        return Rejection("page", key, url, Why(Reason.NOT_HTML, _media_type(record)))
    return _page_of(record, url, body)


_NOT_HTML = (b"%pdf-", b"\x89png", b"\xff\xd8\xff", b"gif8", b"pk\x03\x04", b"riff", b"wof")


def _looks_html(body: bytes) -> bool:
    return body[:512].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _page_of(record: Any, url: str, body: bytes) -> Page:  # noqa: ANN401
    headers = record.http_headers if record.http_headers is not None else record.headers
    return Page(
        key=make_key(url, body),
        url=url,
        body=body,
        content_type=headers.get("Content-Type") or "",
        fetched_at=_fetched_at(record),
    )


def _fetched_at(record: Any) -> str:  # noqa: ANN401
    try:
        date = record.record_date
    except ValueError:
        return ""
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if date is not None else ""


def _payload(record: Any, cap: int, name: str) -> bytes:  # noqa: ANN401
    """The decoded payload.

    Raises:
        BadInput: DAMAGED_RECORD where fewer bytes are there than the record's length says.
    """
    place: Measure = f"{name}@{record.stream_pos}"
    length = record.content_length
    if length > cap:
        _skip(record, length, place)
        raise BadInput(Reason.TOO_MANY_BYTES, length, cap)
    body: bytes = record.reader.read(length) if length else b""
    if len(body) != length:
        raise BadInput(Reason.DAMAGED_RECORD, place)
    headers = record.http_headers
    if headers is None:
        return body
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        body = join_chunks(body, cap)
    return inflate(body, headers.get("Content-Encoding") or "", cap)


def _skip(record: Any, length: int, place: Measure) -> None:  # noqa: ANN401
    """Reads past the payload, so that a length that lies is told from one that is too large."""
    left = length
    while left > 0:
        piece = record.reader.read(min(left, _BLOCK))
        if not piece:
            raise BadInput(Reason.DAMAGED_RECORD, place)
        left -= len(piece)
