"""HTTP bodies without their transfer and content encodings, under a cap of bytes."""

import re
import zlib
from collections.abc import Callable

from schemas.rejection import BadInput, Reason

_MOST_LAYERS = 5
_MOST_PARTS = 100
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


def join_chunks(body: bytes, cap: int) -> bytes:
    """The body without chunked transfer encoding; as it came where it is not chunked at all.

    Archives often keep the header although the crawler joined the chunks.

    Raises:
        BadInput: a chunk is cut or not followed by the next, or the cap is passed.
    """
    if _CHUNK_SIZE.match(body) is None:
        return body
    parts: list[bytes] = []
    at = 0
    while (size := _CHUNK_SIZE.match(body, at)) is not None:
        length = int(size[1], 16)
        if length == 0:
            return _capped(b"".join(parts), cap)
        start, at = size.end(), size.end() + length
        if at > len(body):
            break
        parts.append(body[start:at])
        at += 2 if body[at : at + 2] == b"\r\n" else 1
    raise BadInput(Reason.BAD_ENCODING, "chunked")


def inflate(body: bytes, encodings: str, cap: int) -> bytes:
    """The body without the content encodings that its header names, last applied first removed.

    A body that does not begin like its encoding is passed as it is: archives often keep the
    header of a body that the crawler inflated.

    Raises:
        BadInput: the compressed stream is damaged or cut, gives more than `cap` bytes, or is
            wrapped in more layers or parts than any server makes.
    """
    names = encodings.lower().split(",")
    if len(names) > _MOST_LAYERS:
        raise BadInput(Reason.BAD_ENCODING, "layers", _MOST_LAYERS)
    for name in reversed(names):
        decode = _DECODERS.get(name.strip())
        if decode is not None and body:
            body = decode(body, cap)
    return _capped(body, cap)


def _capped(body: bytes, cap: int) -> bytes:
    if len(body) > cap:
        raise BadInput(Reason.TOO_MANY_BYTES, len(body), cap)
    return body


def _zlib(body: bytes, cap: int, window: int) -> tuple[bytes, bytes]:
    """The content of one compressed stream, and the bytes behind it."""
    decoder = zlib.decompressobj(window)
    try:
        out = decoder.decompress(body, cap + 1)
    except zlib.error as error:
        raise BadInput(Reason.BAD_ENCODING, "deflate") from error
    if len(out) > cap:
        raise BadInput(Reason.TOO_MANY_BYTES, len(out), cap)
    if not decoder.eof:
        raise BadInput(Reason.BAD_ENCODING, "cut")
    return out, decoder.unused_data


def _gzip(body: bytes, cap: int) -> bytes:
    """All members, one behind the other; other bytes behind the last are passed over."""
    parts: list[bytes] = []
    left = cap
    while body[:2] == b"\x1f\x8b":
        part, body = _zlib(body, left, 16 + zlib.MAX_WBITS)
        _count_part(parts, part)
        left -= len(part)
    return b"".join(parts) if parts else body


def _count_part(parts: list[bytes], part: bytes) -> None:
    parts.append(part)
    if len(parts) > _MOST_PARTS:
        raise BadInput(Reason.BAD_ENCODING, "members", _MOST_PARTS)


def _deflate(body: bytes, cap: int) -> bytes:
    """Either with zlib's header, as the RFC has it, or raw, as some servers send it."""
    if body.lstrip()[:1] == b"<":
        return body
    zlib_header = body[0] & 0x0F == 8 and len(body) > 1 and (body[0] << 8 | body[1]) % 31 == 0
    return _zlib(body, cap, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)[0]


def _brotli(body: bytes, cap: int) -> bytes:
    import brotli

    decoder = brotli.Decompressor()
    parts: list[bytes] = []
    total = 0
    try:
        piece = decoder.process(body, output_buffer_limit=cap + 1)
        while True:
            parts.append(piece)
            total += len(piece)
            if total > cap:
                raise BadInput(Reason.TOO_MANY_BYTES, total, cap)
            if decoder.is_finished() or decoder.can_accept_more_data():
                break
            piece = decoder.process(b"", output_buffer_limit=cap + 1)
    except brotli.error as error:
        if body.lstrip()[:1] == b"<":
            return body
        raise BadInput(Reason.BAD_ENCODING, "br") from error
    if not decoder.is_finished():
        raise BadInput(Reason.BAD_ENCODING, "cut")
    return b"".join(parts)


def _zstd(body: bytes, cap: int) -> bytes:
    """All frames, one behind the other; other bytes behind the last are passed over."""
    import zstandard

    parts: list[bytes] = []
    left = cap
    try:
        while body[:4] == b"\x28\xb5\x2f\xfd":
            decoder = zstandard.ZstdDecompressor(max_window_size=2**27)
            # The bounded reader says how much it is, but not that it is cut; the other does that.
            with decoder.stream_reader(body) as reader:
                if len(reader.read(left + 1)) > left:
                    raise BadInput(Reason.TOO_MANY_BYTES, cap + 1, cap)
            frame = decoder.decompressobj()
            part = frame.decompress(body)
            if not frame.eof:
                raise BadInput(Reason.BAD_ENCODING, "cut")
            _count_part(parts, part)
            left -= len(part)
            body = frame.unused_data
    except zstandard.ZstdError as error:
        raise BadInput(Reason.BAD_ENCODING, "zstd") from error
    return b"".join(parts) if parts else body


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
