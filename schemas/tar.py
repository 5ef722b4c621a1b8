"""Tar files, byte for byte the same each time they are made, and a reader that believes nothing.

`tarfile` spends most of its time on owners, times and links that a shard does not have; a shard
holds plain files under safe names, so a header is a template with name, size and checksum filled
in. Format: USTAR, POSIX.1-1988 (IEEE Std 1003.1, "pax", section "ustar Interchange Format").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from zlib import adler32

from schemas.rejection import BadInput, Reason

BLOCK = 512
"""Bytes of a tar block: headers take one, contents are padded to a whole number of them."""

MAX_NAME = 100
"""Bytes of a USTAR name without a prefix."""

MAX_CONTENT = 8**11 - 1
"""Bytes that eleven octal digits can count: 8 GiB less one."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.))*", re.ASCII)
_BEFORE_SIZE = b"%07o\0%07o\0%07o\0" % (0o644, 0, 0)  # mode, uid, gid
_AFTER_SIZE = b"\0%011o\0" % 0  # mtime
_NO_CHECKSUM = b" " * 8
_AFTER_CHECKSUM = b"".join(
    (b"\0 ", b"0", bytes(100), b"ustar\0", b"00", bytes(64), b"%07o\0" % 0 * 2, bytes(167))
)
_FIXED_SUM = sum(_BEFORE_SIZE + _AFTER_SIZE + _NO_CHECKSUM + _AFTER_CHECKSUM[2:])
_NAME_PADDINGS = tuple(bytes(MAX_NAME - size) for size in range(MAX_NAME + 1))
_WRITE_BYTES = 1 << 18  # measured: one call a quarter megabyte halves the cost of small members
_ZEROS = bytes(BLOCK)
_PADDINGS = tuple(bytes(-size % BLOCK) for size in range(BLOCK))

_CHECKSUM = re.compile(rb"[0-7]{6}\0 ")
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_FILE_TYPES = (b"0", b"\0", b"7")
_FOLDER, _PAX, _PAX_GLOBAL, _GNU_NAME = b"5", b"x", b"g", b"L"
_MAX_EXTENSION = 1 << 20  # bytes of a pax or GNU name header; real ones hold a path and a time
_MAX_READ = 1 << 24  # bytes asked for at once: a header may claim gigabytes that are not there


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a tar.

    Attributes:
        name: as the tar has it; safe only where `is_safe_name` says so.
        offset: of the first byte of the content in the tar.
        content: the file's bytes.
    """

    name: str
    offset: int
    content: bytes


def is_safe_name(name: str) -> bool:
    """Whether a name can be written anywhere: ASCII letters, digits, `_-.`, no folder, no `..`."""
    return len(name) <= MAX_NAME and _SAFE_NAME.fullmatch(name) is not None


def padded(size: int) -> int:
    """The bytes that a content of `size` bytes takes in a tar, its header not counted."""
    return size + -size % BLOCK


class TarWriter:
    """Writes files to a tar as a pure function of their names and bytes.

    The stream needs only `write`, which is called with some hundred kilobytes at once; it stays
    open after `close`, which writes what is left and the two end blocks.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._written = 0
        self._pending: list[bytes] = []
        self._closed = False

    @property
    def position(self) -> int:
        """Bytes of the tar so far: where the next header will stand."""
        return self._position

    def add(self, name: str, content: bytes) -> int:
        """Add one file and return the offset of its content.

        Raises:
            ValueError: the name is not safe, the content is too large, or the tar is closed.
        """
        if self._closed:
            raise ValueError(f"{name!r} added to a tar that is closed")
        size = len(content)
        self._pending += (*_header(name, size), content, _PADDINGS[size % BLOCK])
        offset = self._position + BLOCK
        self._position = offset + size + -size % BLOCK
        if self._position - self._written >= _WRITE_BYTES:
            self._flush()
        return offset

    def close(self) -> None:
        """Write the rest and the end of the tar, once."""
        if not self._closed:
            self._pending.append(_ZEROS * 2)
            self._position += 2 * BLOCK
            self._flush()
            self._closed = True

    def _flush(self) -> None:
        self._stream.write(b"".join(self._pending))
        self._pending.clear()
        self._written = self._position


def _header(name: str, size: int) -> tuple[bytes, ...]:
    """The pieces of a header block."""
    if not is_safe_name(name):
        raise ValueError(f"not a safe name for a tar member: {name!r}")
    if size > MAX_CONTENT:
        raise ValueError(f"{name}: {size} bytes, a tar member holds at most {MAX_CONTENT}")
    encoded = name.encode("ascii")
    octal = b"%011o" % size
    checksum = b"%06o" % (_FIXED_SUM + _sum(encoded) + _sum(octal))
    after_name = _NAME_PADDINGS[len(encoded)]
    return encoded, after_name, _BEFORE_SIZE, octal, _AFTER_SIZE, checksum, _AFTER_CHECKSUM


def _sum(content: bytes) -> int:
    """The sum of up to 256 bytes: the lower half of their Adler-32, less its start of one."""
    return (adler32(content) & 0xFFFF) - 1


def read_tar(stream: BinaryIO) -> Iterator[Member]:
    """The plain files of a tar in order, each checked before it is given out.

    Reads what webdataset, img2dataset and tar themselves write: USTAR with pax or GNU long names.
    Folders are passed over.

    Raises:
        BadInput: `damaged_record` with the byte offset, on a header whose checksum is off, a
            payload cut short, padding that is not zero, missing end blocks, anything but zeros
            after them, and members that are neither files nor folders.
    """
    position = 0
    extended: dict[str, str] = {}
    while (block := _read_block(stream, position)) != _ZEROS:
        name, size, kind = _parse_header(block, position)
        name = extended.get("path", name)
        size = _extended_size(extended, size, position)
        position += BLOCK
        _refuse_kind(kind, size, position)
        content = _read_content(stream, size, position)
        if kind in (_PAX, _GNU_NAME):
            extended |= _parse_extension(kind, content, position)
        elif kind in _FILE_TYPES:
            yield Member(name, position, content)
        if kind not in (_PAX, _GNU_NAME, _PAX_GLOBAL):
            extended = {}
        position += padded(size)
    _check_end(stream, position)


def _damaged(what: str, position: int) -> BadInput:
    return BadInput(Reason.DAMAGED_RECORD, f"{what} at byte {position}")


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes; less only at the end (a raw stream may give less at once)."""
    content = stream.read(min(size, _MAX_READ))
    if len(content) == size or not content:
        return content
    pieces = [content]
    missing = size - len(content)
    while missing and (piece := stream.read(min(missing, _MAX_READ))):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _read_block(stream: BinaryIO, position: int) -> bytes:
    block = _read_exactly(stream, BLOCK)
    if not block:
        raise _damaged("no end blocks", position)
    if len(block) < BLOCK:
        raise _damaged("header cut short", position)
    return block


def _parse_header(block: bytes, position: int) -> tuple[str, int, bytes]:
    """Name, size and type of a header block; the checksum is held against all its other bytes."""
    stored = block[148:156]
    if not _CHECKSUM.fullmatch(stored) or int(stored[:6], 8) != _checksum(block):
        raise _damaged("bad header checksum", position)
    octal = _OCTAL.fullmatch(block[124:136])
    if octal is None:
        raise _damaged("bad size", position)
    name = block[:100].rstrip(b"\0")
    prefix = block[345:500].rstrip(b"\0")
    if block[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return name.decode("utf-8", "surrogateescape"), int(octal[1] or b"0", 8), block[156:157]


def _checksum(block: bytes) -> int:
    return sum(block) - sum(block[148:156]) + sum(_NO_CHECKSUM)


def _refuse_kind(kind: bytes, size: int, position: int) -> None:
    if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME):
        if size > _MAX_EXTENSION:
            raise _damaged(f"name header of {size} bytes", position)
    elif kind not in (*_FILE_TYPES, _FOLDER):
        raise _damaged(f"member of type {kind!r}, not a file", position)


def _read_content(stream: BinaryIO, size: int, position: int) -> bytes:
    content = _read_exactly(stream, size)
    padding = _read_exactly(stream, -size % BLOCK)
    if len(content) < size or len(padding) < -size % BLOCK:
        raise _damaged(f"payload of {size} bytes cut short", position)
    if padding.count(0) < len(padding):
        raise _damaged("padding not zero after the payload", position)
    return content


def _parse_extension(kind: bytes, content: bytes, position: int) -> dict[str, str]:
    """What a pax or GNU header says of the next member: its path, its size."""
    if kind == _GNU_NAME:
        return {"path": content.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    fields = {}
    while content:
        length, _, _ = content.partition(b" ")
        if not (length.isdigit() and len(length) < 8 and 0 < int(length) <= len(content)):
            raise _damaged("bad pax header", position)
        record = content[len(length) + 1 : int(length) - 1]
        key, _, value = record.decode("utf-8", "surrogateescape").partition("=")
        fields[key] = value
        content = content[int(length) :]
    return fields


def _extended_size(extended: dict[str, str], size: int, position: int) -> int:
    stated = extended.get("size", str(size))
    if not (stated.isascii() and stated.isdigit() and len(stated) < 20):
        raise _damaged("bad size in a pax header", position)
    return int(stated)


def _check_end(stream: BinaryIO, position: int) -> None:
    second = _read_exactly(stream, BLOCK)
    if second != _ZEROS:
        raise _damaged("no second end block", position + BLOCK)
    position += 2 * BLOCK
    while rest := stream.read(1 << 20):
        if rest.count(0) < len(rest):
            raise _damaged("bytes after the end blocks", position)
        position += len(rest)
