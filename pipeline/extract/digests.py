"""Whether a WARC record's bytes are those that its digests were made of."""

import base64
import binascii
import hashlib
from collections.abc import Iterable

_ALGORITHMS = {"sha1", "sha256", "sha512", "md5"}


def parse_digest(header: str) -> tuple[str, bytes] | None:
    """The algorithm and the raw digest of a header such as `sha1:BASE32`; None where unreadable.

    Base32, base64 and hex are told apart by their length.
    """
    name, _, text = header.strip().partition(":")
    algorithm = name.strip().lower().replace("-", "")
    if algorithm not in _ALGORITHMS:
        return None
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    text = text.strip().rstrip("=")
    try:
        if len(text) == size * 2:
            return algorithm, bytes.fromhex(text)
        if len(text) == -(-size * 8 // 5):
            return algorithm, base64.b32decode(text.upper() + "=" * (-len(text) % 8))
        if len(text) == -(-size * 8 // 6):
            return algorithm, base64.urlsafe_b64decode(
                text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4)
            )
    except (ValueError, binascii.Error):
        return None
    return None


def matches(header: str, contents: Iterable[bytes]) -> bool | None:
    """Whether any of some contents has the digest; None where the digest cannot be read."""
    wanted = parse_digest(header)
    if wanted is None:
        return None
    algorithm, digest = wanted
    return any(
        hashlib.new(algorithm, content, usedforsecurity=False).digest() == digest
        for content in contents
    )
