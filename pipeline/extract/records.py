"""One WARC record as what it holds: a page, a capture of media, a revisit, or why it is none."""

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from pipeline.extract.digests import matches, parse_digest
from pipeline.extract.inflate import inflate, join_chunks
from pipeline.extract.limits import ReadLimits
from schemas.keys import make_key
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Reason, Rejection, Why

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_KINDS = frozenset({"response", "resource", "revisit"})
_REPEATED = frozenset({200, 304})
_BLOCK = 1 << 20
_PAYLOAD_DIGEST = "WARC-Payload-Digest"


@dataclass(frozen=True, slots=True)
class Revisit:
    """A record that says: the same bytes as before.

    Attributes:
        url: that was fetched again.
        fetched_at: when, ISO 8601 in UTC.
        marks: what the record that holds the bytes may be known by, the surest first.
        place: file and offset of the revisit itself.
        kind: page, media, or "" where it does not say.
    """

    url: str
    fetched_at: str
    marks: tuple[str, ...]
    place: str
    kind: str

    @property
    def key(self) -> str:
        """Its key in the decisions."""
        return make_key(self.url, self.place)


Found = Page | Capture | Rejection | Revisit


def found_in(record: Any, name: str, limits: ReadLimits, offset: int) -> Found | None:  # noqa: ANN401 - fastwarc ships no types
    """What the record holds; None where it is neither a page nor media.

    Args:
        record: of fastwarc, its HTTP headers not yet parsed.
        name: the file's.
        limits: bounds on what is read of it.
        offset: of the record in the file.

    Raises:
        BadInput: DAMAGED_RECORD where fewer bytes are there than the record says.
        OSError: the compressed stream is damaged, or the HTTP headers are none.
    """
    kind = _kind(record)
    url = _url(record)
    place = f"{name}@{offset}"
    if not kind or "\n" in kind:  # no record lacks it (WARC 1.1, 5.5): its headers were not read
        raise OSError(f"{place}: no WARC-Type")
    if kind not in _KINDS or (url and not url.lower().startswith(("http:", "https:", "file:"))):
        return None
    if not url:
        return Rejection("page", make_key(place), name, Why(Reason.BAD_URL, "no WARC-Target-URI"))
    block = block_of(record, limits.page_bytes + limits.header_bytes, place)
    parse_http(record, block)
    media_type = _media_type(record)
    if kind == "revisit":
        return _revisit(record, url, place, media_type)
    if media_type in HTML_TYPES or (not media_type and kind == "response" and record.is_http):
        return _page(record, block, place, limits)
    if _status(record) == 200 and _is_media(media_type, url):
        return Capture(url, name, offset)
    return None


def block_of(record: Any, most: int, place: str) -> bytes | None:  # noqa: ANN401
    """The whole block of a record whose HTTP headers are not parsed yet, which can then be parsed.

    None where it is longer than `most` bytes: that one is read as it comes.

    Raises:
        BadInput: DAMAGED_RECORD where fewer bytes are there than the record says.
    """
    declared = record.content_length
    if declared > most:
        return None
    record.freeze()
    block: bytes = record.reader.read(declared) if declared else b""
    if len(block) != declared:
        raise BadInput(Reason.DAMAGED_RECORD, place)
    record.reader.seek(0)
    return block


def parse_http(record: Any, block: bytes | None) -> None:  # noqa: ANN401
    """Parses the HTTP headers of a record; lines may end in LF alone (RFC 9112, 2.2).

    fastwarc would take the whole page for headers then.
    """
    head, empty, body = block.partition(b"\n\n") if block and record.is_http else (b"", b"", b"")
    if empty and b"\r\n" not in head:
        record.set_bytes_content(head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)
    record.parse_http(auto_decode="none")


def marks_of(record: Any) -> Iterator[str]:  # noqa: ANN401
    """What revisits may call the record by; nothing for one without an answer to repeat."""
    if _kind(record) in {"response", "resource"}:
        digest = _digest_mark(record)
        if digest:
            yield digest
        yield f"id {record.headers.get('WARC-Record-ID')}"
        yield f"url {_url(record)} {record.headers.get('WARC-Date')}"


def _revisit(record: Any, url: str, place: str, media_type: str) -> Found | None:  # noqa: ANN401
    """The record as a Revisit; None where it repeats neither a page nor media."""
    kind = "page" if media_type in HTML_TYPES else "media" if _is_media(media_type, url) else ""
    status = _status(record) or 200
    if media_type and not kind:
        return None
    if status not in _REPEATED:
        why = Why(Reason.BAD_STATUS, status, 200)
        return Rejection("page", make_key(url, place), url, why) if kind != "media" else None
    headers = record.headers
    marks = [_digest_mark(record)]
    if headers.get("WARC-Refers-To"):
        marks.append(f"id {headers.get('WARC-Refers-To')}")
    if headers.get("WARC-Refers-To-Target-URI") and headers.get("WARC-Refers-To-Date"):
        referred = headers.get("WARC-Refers-To-Target-URI").strip().strip("<>")
        marks.append(f"url {referred} {headers.get('WARC-Refers-To-Date')}")
    return Revisit(url, _fetched_at(record), tuple(filter(None, marks)), place, kind)


def _digest_mark(record: Any) -> str:  # noqa: ANN401
    digest = parse_digest(record.headers.get(_PAYLOAD_DIGEST) or "")
    return f"{digest[0]} {digest[1].hex()}" if digest else ""


def _kind(record: Any) -> str:  # noqa: ANN401
    return (record.headers.get("WARC-Type") or "").lower()


def _url(record: Any) -> str:  # noqa: ANN401
    return (record.headers.get("WARC-Target-URI") or "").strip().strip("<>")


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
    try:
        guess = mimetypes.guess_type(urlsplit(url).path)[0] or ""
    except ValueError:  # no URL
        return False
    return guess.startswith(("image/", "video/"))


def _page(record: Any, block: bytes | None, place: str, limits: ReadLimits) -> Found | None:  # noqa: ANN401
    """The record as a Page, or why it is none; None where a body of no type is not HTML."""
    url = _url(record)
    key = make_key(url, place)
    if _status(record) != 200:
        return Rejection("page", key, url, Why(Reason.BAD_STATUS, _status(record), 200))
    try:
        body = payload_of(record, block, limits.page_bytes, place)
    except BadInput as bad:
        if bad.why.reason is Reason.DAMAGED_RECORD and block is None:
            raise
        return Rejection("page", key, url, bad.why)
    media_type = _media_type(record)
    if not media_type and not _looks_html(body):
        return None
    if not body.strip():
        return Rejection("page", key, url, Why(Reason.EMPTY_BODY))
    if body[:256].lstrip().lower().startswith(_NOT_HTML):
        return Rejection("page", key, url, Why(Reason.NOT_HTML, media_type))
    headers = record.http_headers if record.http_headers is not None else record.headers
    kind = headers.get("Content-Type") or ""
    return Page(make_key(url, body), url, body, kind, _fetched_at(record))


_NOT_HTML = (
    b"%pdf-",
    b"\x89png",
    b"\xff\xd8\xff",
    b"gif8",
    b"pk\x03\x04",
    b"riff",
    b"wof",
    b"\x1f\x8b",
)


def _looks_html(body: bytes) -> bool:
    return body[:512].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _fetched_at(record: Any) -> str:  # noqa: ANN401
    try:
        date = record.record_date
        return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if date is not None else ""
    except (ValueError, OverflowError):
        return ""


def payload_of(record: Any, block: bytes | None, cap: int, place: str) -> bytes:  # noqa: ANN401
    """The payload without its transfer and content encodings.

    Raises:
        BadInput: DAMAGED_RECORD where it is shorter than the record says or not what its digests
            were made of, TRUNCATED_RECORD where its WARC or HTTP headers say that it holds a
            part, TOO_MANY_BYTES, or BAD_ENCODING.
    """
    length = record.content_length
    if length > cap:
        _skip(record, length, place)
        raise BadInput(Reason.TOO_MANY_BYTES, length, cap)
    raw: bytes = record.reader.read(length) if length else b""
    if len(raw) != length:
        raise BadInput(Reason.DAMAGED_RECORD, place)
    if truncated := _truncated(record, length):
        raise BadInput(Reason.TRUNCATED_RECORD, truncated)
    right = _is_as_digested(record, block, raw)
    try:
        joined, body = _decoded(record, raw, cap)
    except BadInput as bad:
        if right:
            raise
        raise BadInput(Reason.DAMAGED_RECORD, f"{place} digest") from bad
    if not right and not matches(record.headers.get(_PAYLOAD_DIGEST) or "", [joined, body]):
        raise BadInput(Reason.DAMAGED_RECORD, f"{place} digest")
    return body


def _truncated(record: Any, length: int) -> str:  # noqa: ANN401
    """What says that a payload of some bytes is a part of one, "" where nothing does."""
    if told := (record.headers.get("WARC-Truncated") or "").strip():
        return str(told)
    if record.headers.get("WARC-Segment-Number"):
        return "segment"
    headers = record.http_headers
    declared = (headers.get("Content-Length") or "").strip() if headers is not None else ""
    # An empty body is told as such; a longer one than declared was stored decoded.
    return "content-length" if declared.isdecimal() and int(declared) > length > 0 else ""


def _decoded(record: Any, raw: bytes, cap: int) -> tuple[bytes, bytes]:  # noqa: ANN401
    """The payload without its transfer encoding, and without its content encoding as well."""
    headers = record.http_headers
    if headers is None:
        return raw, raw
    joined = raw
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        joined = join_chunks(raw, cap)
    return joined, inflate(joined, headers.get("Content-Encoding") or "", cap)


def _is_as_digested(record: Any, block: bytes | None, payload: bytes) -> bool:  # noqa: ANN401
    """Whether a digest of the record is right, or it has none that can be read.

    Many block digests are wrong in good records (42 of 304 in a file of webrecorder's), and
    archives disagree on what a payload digest is made of: one that is right is enough.
    """
    of_payload = matches(record.headers.get(_PAYLOAD_DIGEST) or "", [payload])
    if of_payload:
        return True
    of_block = matches(
        record.headers.get("WARC-Block-Digest") or "", [] if block is None else [block]
    )
    return bool(of_block) or (of_payload is None and (of_block is None or block is None))


def _skip(record: Any, length: int, place: str) -> None:  # noqa: ANN401
    """Reads past the payload, so that a length that lies is told from one that is too large."""
    left = length
    while left > 0:
        piece = record.reader.read(min(left, _BLOCK))
        if not piece:
            raise BadInput(Reason.DAMAGED_RECORD, place)
        left -= len(piece)
