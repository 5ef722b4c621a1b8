"""Where WARC records begin and end in a stream, by their own marks and not by their neighbours'."""

import re
import zlib
from typing import BinaryIO

_GZIP = b"\x1f\x8b\x08"
_PLAIN = re.compile(rb"(?:\A|\r?\n\r?\n)(WARC/[0-9.]{3,5}\r?\nWARC-|WARC/[0-9.]{3,5}\r?\nContent-)")
_LENGTH = re.compile(rb"\nContent-Length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_ZSTD = b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 20
_PROBE = 4096
"""Bytes of a member that are inflated to see whether a record begins there."""
_OVERLAP = 64
_EMPTY_LINE = b"\r\n\r\n"
"""What stands behind a record (WARC 1.1, 4): its last line's end and an empty line."""
_AHEAD = 1 << 18
"""fastwarc reads 64 KB at once; so much and more of what was read is kept."""
_BEHIND = 12
"""Bytes looked at behind a record's block: an empty line, and the next record's first word."""


def next_record(stream: BinaryIO, start: int) -> int | None:
    """The offset of the first record at or after `start`; None where none begins any more.

    In a gzip file a record begins where a member does that inflates to "WARC/"; in a plain file
    where "WARC/" stands behind an empty line. A zstd file is one stream: it begins at 0 alone.
    """
    head = _head(stream)
    if head == _ZSTD:
        return 0 if start == 0 else None
    if head.startswith(b"\x1f\x8b"):
        return _next_member(stream, start)
    found = _next_plain(stream, start)
    # A file whose first bytes are lost may be either.
    return found if found is not None or head == b"WARC" else _next_member(stream, start)


class Tail:
    """A stream that keeps its last bytes in mind, so that what lies between two records is told.

    The reader of records looks ahead by less than that, and must not be moved.
    """

    def __init__(self, stream: BinaryIO, header_bytes: int) -> None:
        """The stream from where it stands.

        Args:
            stream: to be read on.
            header_bytes: most that a record's headers may take.
        """
        self._stream = stream
        self._most = header_bytes + _AHEAD
        self._kept = b""
        self._end = stream.tell()
        self._block = -1

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._stream.read(size)
        self._kept = (self._kept + piece)[-self._most :]
        self._end += len(piece)
        return piece

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._end

    def seek(self, offset: int, whence: int = 0) -> int:
        """Goes to an offset; what was kept is forgotten."""
        self._kept = b""
        self._end = self._stream.seek(offset, whence)
        return self._end

    def close(self) -> None:
        """Nothing: the stream belongs to whoever opened it."""

    def begin(self, start: int) -> None:
        """Notes where the block of the record at an offset begins, its headers just read."""
        head = self._kept[start - self._end + len(self._kept) :] if start >= self._first else b""
        found = _END_OF_HEADERS.search(head) if head.startswith(b"WARC/") else None
        self._block = start + found.end() if found else -1

    def gap(self, length: int, following: int) -> bytes | None:
        """What stands between the noted block, as long as its record says, and the next record.

        None where that cannot be told, as in a compressed file.
        """
        end = self._block + length
        if self._block < 0 or end < self._first:
            return None
        return self._kept[end - self._first : following - self._first][:_OVERLAP]

    @property
    def _first(self) -> int:
        """The offset of the first byte that is kept."""
        return self._end - len(self._kept)


def is_padding(stream: BinaryIO, start: int, end: int) -> bool:
    """Whether nothing is lost between two offsets: zeros, empty lines, empty gzip members.

    Some writers leave such between records, to fill blocks or to flush.
    """
    if end - start > _BLOCK:
        return False
    stream.seek(start)
    rest = stream.read(end - start).lstrip(b"\0\r\n")
    while rest:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            if member.decompress(rest).strip(b"\r\n") or not member.eof:
                return False
        except zlib.error:
            return False
        rest = member.unused_data.lstrip(b"\0\r\n")
    return True


def is_zstd(stream: BinaryIO) -> bool:
    """Whether the stream is zstd's, in which the place of a record is not told."""
    return _head(stream) == _ZSTD


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(4)


def _next_member(stream: BinaryIO, start: int) -> int | None:
    at = start
    while True:
        stream.seek(at)
        block = stream.read(_BLOCK)
        found = block.find(_GZIP)
        while found >= 0:
            if _begins_record(stream, at + found):
                return at + found
            found = block.find(_GZIP, found + 1)
        if len(block) < _BLOCK:
            return None
        at += len(block) - len(_GZIP) + 1


def _begins_record(stream: BinaryIO, offset: int) -> bool:
    stream.seek(offset)
    try:
        head = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(stream.read(_PROBE), 16)
    except zlib.error:
        return False
    return head.lstrip(b"\r\n").startswith(b"WARC/")


def _next_plain(stream: BinaryIO, start: int) -> int | None:
    at = start
    while True:
        # Two characters of the empty line before a record lie before its first byte.
        seen = max(0, at - 4)
        stream.seek(seen)
        block = stream.read(_BLOCK)
        for match in _PLAIN.finditer(block):
            found = seen + match.start(1)
            if found >= start and (match.start(1) > 0 or found == 0):
                return found
        if len(block) < _BLOCK:
            return None
        at = seen + len(block) - _OVERLAP


def record_end(stream: BinaryIO, offset: int, header_bytes: int) -> int | None:
    """The offset behind the record at `offset`; None where it is cut, damaged, or not there.

    A gzip member is whole where its checksum is right and its first record as long as it says; a
    plain record where an empty line, or nothing at all, stands behind as many bytes as it says.
    """
    stream.seek(offset)
    magic = stream.read(3)
    if magic == _GZIP:
        return _member_end(stream, offset, header_bytes)
    return _plain_end(stream, offset, header_bytes) if magic == b"WAR" else None


def _plain_end(stream: BinaryIO, offset: int, header_bytes: int) -> int | None:
    stream.seek(offset)
    block = _block_of(stream.read(header_bytes))
    if block is None:
        return None
    start, length = block
    end = offset + start + length
    stream.seek(end)
    tail = stream.read(4)
    if tail == _EMPTY_LINE:
        return end + 4
    if tail.startswith(b"\n\n"):
        return end + 2
    # The file ends within the empty line, or the block lacks bytes and took in some of that line.
    # A seek beyond the file's end does not get here unnoticed.
    missing = len(_EMPTY_LINE) - len(tail)
    if missing <= 0 or not _EMPTY_LINE.startswith(tail):
        return None
    last = min(missing, length)
    stream.seek(end - last)
    behind = stream.read(last)
    is_whole = len(behind) == last and behind != _EMPTY_LINE[:missing]
    return end + len(tail) if is_whole else None


def _block_of(head: bytes) -> tuple[int, int] | None:
    """Where a record's block begins and how long it is, by the record's headers."""
    end = _END_OF_HEADERS.search(head)
    length = _LENGTH.search(head, 0, end.end()) if end else None
    return (end.end(), int(length[1])) if end and length else None


def _member_end(stream: BinaryIO, offset: int, header_bytes: int) -> int | None:
    stream.seek(offset)
    member = _Member(header_bytes)
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    taken = 0
    try:
        while not decoder.eof:
            data = decoder.unconsumed_tail or stream.read(_BLOCK)
            if not data:
                return None
            member.add(decoder.decompress(data, _BLOCK))
            taken += len(data) - len(decoder.unconsumed_tail) - len(decoder.unused_data)
    except zlib.error:
        return None
    return offset + taken if member.is_whole() else None


class _Member:
    """What is kept of a gzip member's content to tell whether its first record is whole."""

    def __init__(self, header_bytes: int) -> None:
        self.header_bytes = header_bytes
        self.head = b""
        self.size = 0
        self.end: int | None = None
        self.behind = b""

    def add(self, piece: bytes) -> None:
        if self.end is None:
            self.head += piece
            head = self.head.lstrip(b"\r\n")
            block = _block_of(head[: self.header_bytes])
            if block is not None:
                self.end = len(self.head) - len(head) + sum(block)
                piece, self.size = self.head, 0
            elif len(head) > self.header_bytes:
                self.end = -1
        self.size += len(piece)
        if self.end is not None and self.size > self.end >= 0 and len(self.behind) < _BEHIND:
            start = max(0, self.end + len(self.behind) - (self.size - len(piece)))
            self.behind += piece[start : start + _BEHIND - len(self.behind)]

    def is_whole(self) -> bool:
        """Whether the block is as long as it says, and nothing but records stands behind it."""
        if self.end is None or self.end < 0 or self.size < self.end:
            return False
        rest = self.behind.lstrip(b"\r\n")
        return not rest or rest.startswith(b"WARC/"[: len(rest)])


def stream_ends_whole(stream: BinaryIO, start: int, position: int, header_bytes: int) -> int | None:
    """The offset behind all gzip members from `start` to the one that holds `position`.

    For files that keep several records in a member: where a record begins there is not told.
    """
    end = _member_end(stream, start, header_bytes)
    # All records of a member but its first are said to stand where it ends.
    while end is not None and (
        end < position or (end == position and _begins_record(stream, position))
    ):
        end = _member_end(stream, end, header_bytes)
    return end
