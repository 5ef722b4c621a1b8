"""The body of an HTTP answer, no more of it than is wanted."""

from dataclasses import dataclass

from pipeline.extract.inflate import inflate
from pipeline.media.glance import Glance, Seen
from pipeline.media.opener import Reply
from pipeline.media.robots import MAX_ROBOTS_BYTES
from schemas.rejection import BadInput, Reason

_DRAINED_BYTES = 1 << 16  # a rest up to this long is read to its end to keep the connection
_RULES_INFLATED_BYTES = 16 * MAX_ROBOTS_BYTES


@dataclass(slots=True)
class Wire:
    """How many bytes of bodies came over the network so far."""

    bytes: int = 0


async def read_body(
    reply: Reply, max_bytes: int, glance: Glance | None, wire: Wire
) -> tuple[bytes, Seen | None]:
    """The body without its content encoding, and what its first bytes say.

    Where those speak against it, the rest is not read: the connection is dropped, or emptied where
    that is cheaper than a new one.

    Raises:
        BadInput: `too_many_bytes` as soon as that is known, `empty_body`, `bad_encoding`.
    """
    stated = reply.header("content-length")
    if stated.isdigit() and int(stated) > max_bytes:
        raise BadInput(Reason.TOO_MANY_BYTES, int(stated), max_bytes)
    encoding = reply.header("content-encoding")
    seen = None
    came = bytearray()
    async for chunk in reply.chunks:
        came += chunk
        wire.bytes += len(chunk)
        if len(came) > max_bytes:
            raise BadInput(Reason.TOO_MANY_BYTES, len(came), max_bytes)
        if glance and not encoding and seen is None:
            seen = glance(bytes(came), False)
            if seen and seen.why:
                await drain(reply, wire, len(came))
                return b"", seen
    body = inflate(bytes(came), encoding, max_bytes) if encoding else bytes(came)
    if not body:
        raise BadInput(Reason.EMPTY_BODY)
    if glance and seen is None:
        seen = glance(body, True)
    return body, seen


async def drain(reply: Reply, wire: Wire, read_bytes: int = 0) -> None:
    """Read a short rest of a body to its end, so that the connection can be used again."""
    length = reply.header("content-length")
    if length.isdigit() and int(length) - read_bytes <= _DRAINED_BYTES:
        async for chunk in reply.chunks:
            wire.bytes += len(chunk)


async def read_rules(reply: Reply) -> bytes:
    """The beginning of a robots.txt or its like, as much of it as is read."""
    came = bytearray()
    async for chunk in reply.chunks:
        came += chunk
        if len(came) > MAX_ROBOTS_BYTES:
            break
    encoding = reply.header("content-encoding")
    return inflate(bytes(came), encoding, _RULES_INFLATED_BYTES) if encoding else bytes(came)
