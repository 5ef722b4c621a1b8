"""Where the next WARC record begins in a stream, by its own marks and not by its neighbours."""

import re
import zlib
from typing import BinaryIO

_GZIP = b"\x1f\x8b\x08"
_PLAIN = re.compile(rb"(?:\A|\r?\n\r?\n)(WARC/[0-9.]{3,5}\r?\nWARC-|WARC/[0-9.]{3,5}\r?\nContent-)")
_ZSTD = b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 20
_PROBE = 4096
"""Bytes of a member that are inflated to see whether a record begins there."""
_OVERLAP = 64


def next_record(stream: BinaryIO, start: int) -> int | None:
    """The offset of the first record at or after `start`; None where none begins any more.

    In a gzip file a record begins where a member does that inflates to "WARC/"; in a plain file
    where "WARC/" stands behind an empty line. A zstd file is one stream: it begins at 0 alone.
    """
    stream.seek(0)
    head = stream.read(4)
    if head == _ZSTD:
        return 0 if start == 0 else None
    if head.startswith(b"\x1f\x8b"):
        return _next_member(stream, start)
    found = _next_plain(stream, start)
    # A file whose first bytes are lost may be either.
    return found if found is not None or head == b"WARC" else _next_member(stream, start)


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
