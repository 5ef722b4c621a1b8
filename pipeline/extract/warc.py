"""Pages and media of a WARC file, in file order; damage is counted and read past."""

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO

from pipeline.extract.limits import ReadLimits
from pipeline.extract.records import (
    Found,
    Revisit,
    block_of,
    found_in,
    marks_of,
    parse_http,
    payload_of,
)
from pipeline.extract.resync import (
    Tail,
    is_padding,
    is_zstd,
    next_record,
    record_end,
    stream_ends_whole,
)
from schemas.keys import make_key
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Reason, Rejection, Why

Opener = Callable[[str], BinaryIO]

_GAPS = (b"\r\n\r\n", b"\n\n")
"""What stands behind a record (WARC 1.1, 4)."""
_HABIT = 2
"""So many records at a file's beginning show what its writer puts there instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one record lies in a WARC file, as an index of it says.

    Attributes:
        offset: of its first byte.
        size: in bytes, compressed as it lies there; -1 where it is not known.
        url: what the index calls it, "" where it does not say.
        revisit: that the record's content is read for, None where it is read for itself.
    """

    offset: int
    size: int = -1
    url: str = ""
    revisit: Revisit | None = None


def open_local(path: str) -> BinaryIO:
    """The file's bytes as a seekable stream."""
    return open(path, "rb")  # noqa: PTH123 - the caller closes it


def read_warc(
    source: str | BinaryIO,
    limits: ReadLimits | None = None,
    opener: Opener = open_local,
    name: str = "",
) -> Iterator[Found]:
    """The pages, captures of media, revisits and rejections of one WARC file, in file order.

    An HTML response is a Page or a Rejection; a media response is a Capture whose bytes are not
    read; anything else is passed over. After damage the reading goes on at the next record, and
    one Rejection with DAMAGED_RECORD names file and bytes: `NAME@FIRST-END`.

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


def read_places(
    stream: BinaryIO, path: str, places: Iterable[Place], limits: ReadLimits
) -> Iterator[Page | Capture | Rejection]:
    """What the records at some places of one WARC file hold, in the order of their offsets.

    Each place gives one item, but for revisits of what is neither page nor media. A record is read
    by its own bytes alone, which must be as many as the place says.
    """
    for place in sorted(places, key=_order):
        found: Page | Capture | Rejection | None
        try:
            found = _read_place(stream, path, place, limits)
        except BadInput as bad:
            key = make_key(f"{path}@{place.offset}")
            found = Rejection("page", key, place.url or path, bad.why)
        if place.revisit is not None:
            found = _as_revisit(found, place.revisit)
        if found is not None:
            yield found


def _order(place: Place) -> tuple[int, int, str, str]:
    return place.offset, place.size, place.url, place.revisit.place if place.revisit else ""


def _as_revisit(
    found: Page | Capture | Rejection, revisit: Revisit
) -> Page | Capture | Rejection | None:
    """What was found at the original's place, under the URL and date of the revisit."""
    if isinstance(found, Page):
        key = make_key(revisit.url, found.body)
        return replace(found, key=key, url=revisit.url, fetched_at=revisit.fetched_at)
    if isinstance(found, Capture):
        return replace(found, url=revisit.url)
    if found.why.reason is Reason.NOT_HTML and not revisit.kind:
        return None
    return Rejection("page", revisit.key, revisit.url, found.why)


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
        name = f"{path}@{offset}"
        try:
            record = next(iter(_iterate(stream, limits)), None)
            if record is None or record.stream_pos != offset:
                raise BadInput(Reason.DAMAGED_RECORD, name)
            block = block_of(record, limits.page_bytes, name)
            parse_http(record, block)
            return payload_of(record, block, limits.media_bytes, name)
        except (OSError, EOFError) as error:
            raise BadInput(Reason.DAMAGED_RECORD, name) from error


def find_originals(
    stream: BinaryIO, marks: Container[str], limits: ReadLimits
) -> Iterator[tuple[str, int]]:
    """Each of the marks that a record of the file answers to, with the record's offset."""
    start = next_record(stream, 0)
    while start is not None:
        stream.seek(start)
        position = start
        try:
            for record in _iterate(stream, limits):
                position = record.stream_pos
                yield from ((mark, position) for mark in marks_of(record) if mark in marks)
        except (OSError, EOFError):
            pass  # counted where the file is read
        start = next_record(stream, position + 1)


def _bounded(stream: BinaryIO, cap: int) -> bytes:
    body = stream.read(cap + 1)
    if len(body) > cap:
        raise BadInput(Reason.TOO_MANY_BYTES, len(body), cap)
    return body


def _iterate(stream: BinaryIO | Tail, limits: ReadLimits) -> Any:  # noqa: ANN401 - fastwarc ships no types
    from fastwarc.warc import ArchiveIterator

    return ArchiveIterator(
        stream, parse_http=False, auto_decode="none", max_header_len=limits.header_bytes
    )


def _read_place(
    stream: BinaryIO, path: str, place: Place, limits: ReadLimits
) -> Page | Capture | Rejection:
    name = f"{path}@{place.offset}"
    most = limits.media_bytes + limits.header_bytes
    size = place.size
    if size < 0:
        size = (record_end(stream, place.offset, limits.header_bytes) or 0) - place.offset
    if size > most:
        raise BadInput(Reason.TOO_MANY_BYTES, size, most)
    content = _bytes_at(stream, place.offset, size)
    if len(content) != size or record_end(BytesIO(content), 0, limits.header_bytes) != size:
        raise BadInput(Reason.DAMAGED_RECORD, name)
    try:
        record = next(iter(_iterate(BytesIO(content), limits)))
        found = found_in(record, path, limits, place.offset)
    except (OSError, EOFError) as error:
        raise BadInput(Reason.DAMAGED_RECORD, name) from error
    if isinstance(found, Revisit):
        raise BadInput(Reason.REVISIT)
    if found is None:
        raise BadInput(Reason.NOT_HTML, record.http_content_type or "")
    return found


def _bytes_at(stream: BinaryIO, offset: int, size: int) -> bytes:
    """The bytes of a place; a buffer that would fetch megabytes around them is gone round."""
    raw = getattr(stream, "raw", stream)
    raw.seek(offset)
    parts: list[bytes] = []
    left = size
    while left > 0 and (part := raw.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _read_stream(stream: BinaryIO, name: str, limits: ReadLimits) -> Iterator[Found]:
    """The records from the stream's beginning, starting anew behind each damage."""
    start = next_record(stream, 0)
    if start != 0:
        yield _damaged(stream, name, 0, start)
    gaps: list[bytes] = []
    while start is not None:
        run = _Run(stream, name, limits, start, gaps)
        yield from run.read()
        end = run.end()
        if end is not None:
            yield from run.held
        # What is whole is not looked at again; behind damage the next record may begin anywhere.
        following = next_record(stream, (run.position + 1) if end is None else end)
        if end is None or run.failed or _is_lost(stream, end, following, run.broken):
            first = run.position if end is None or run.failed else end
            yield _damaged(stream, name, first, following)
        start = following


def _is_lost(stream: BinaryIO, end: int, following: int | None, broken: bool) -> bool:
    """Whether anything is lost between a whole record's end and the next record, or the file's."""
    if following is None:
        return broken
    return following != end and not is_padding(stream, end, following)


class _Run:
    """One unbroken run of records; the last one is held back until it is known to be whole."""

    def __init__(
        self, stream: BinaryIO, name: str, limits: ReadLimits, start: int, gaps: list[bytes]
    ) -> None:
        self.stream, self.name, self.limits, self.start = stream, name, limits, start
        self.position = start
        self.length = 0  # of the last record's block
        self.gaps = gaps  # the first two that stood behind the file's records
        self.began = False  # whether any record came
        self.broken = False  # whether the records ended with an error
        self.failed = False  # whether that was within the last record
        self.held: list[Found] = []

    def read(self) -> Iterator[Found]:
        """All that the records hold but the last one; what follows one vouches for its length."""
        self.stream.seek(self.start)
        tail = Tail(self.stream, self.limits.header_bytes)
        try:
            for record in _iterate(tail, self.limits):
                yield from self._vouched(tail, record.stream_pos)
                tail.begin(record.stream_pos)
                self.held = []
                self.began = True
                self.position, self.length = record.stream_pos, record.content_length
                self.failed = True
                found = found_in(record, self.name, self.limits, self.position)
                self.failed = False
                self.held = [] if found is None else [found]
        except (OSError, EOFError):
            self.broken = True
        except BadInput:
            self.broken = True

    def _vouched(self, tail: Tail, following: int) -> Iterator[Found]:
        """What the last record held, or that it is damaged: the next one does not stand behind it.

        Where bytes are missing, the block takes in some of the empty line behind it. A writer that
        puts something else there does so from the file's beginning.
        """
        gap = tail.gap(self.length, following) if self.began else None
        if gap is not None and len(self.gaps) < _HABIT:
            self.gaps.append(gap)
        if gap is None or gap in _GAPS or (gap and self.gaps == [gap] * _HABIT):
            yield from self.held
        elif self.held:
            yield _lost(self.name, f"@{self.position}-{following}")

    def end(self) -> int | None:
        """Where the last record ends; None where it is not whole, or no record came at all."""
        if not self.began:
            return None
        if is_zstd(self.stream):
            return None if self.broken else self.position + 1
        header_bytes = self.limits.header_bytes
        end = record_end(self.stream, self.position, header_bytes)
        if end is None and not self.broken:
            return stream_ends_whole(self.stream, self.start, self.position, header_bytes)
        return end


def _damaged(stream: BinaryIO, name: str, first: int, end: int | None) -> Rejection:
    """The rejection of all that lay between two offsets; None stands for the end of the file."""
    behind = "" if is_zstd(stream) else f"-{stream.seek(0, SEEK_END) if end is None else end}"
    return _lost(name, f"@{first}{behind}")


def _lost(name: str, place: str) -> Rejection:
    why = Why(Reason.DAMAGED_RECORD, f"{name}{place}")
    return Rejection("page", make_key(f"{name}{place.partition('-')[0]}"), name, why)
