"""Content keys: lower-case hex digests, never taken from the web, never with a dot."""

import hashlib

KEY_HEX = 32
"""Hex digits of a key: 128 bits, under one expected collision in 10^19 items."""


def sha256_hex(content: bytes) -> str:
    """The sha256 of some bytes as 64 hex digits: the identity of a media file."""
    return hashlib.sha256(content).hexdigest()


def make_key(*parts: str | bytes) -> str:
    """A key of 32 hex digits for the given parts, in order.

    Each part goes in with its length before it, so that ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()[:KEY_HEX]


def bucket_of(key: str, buckets: int) -> int:
    """The bucket in [0, buckets) of a hex key, the same in every run and on every machine."""
    return int(key[:8], 16) * buckets >> 32


def seed_of(seed: int, *parts: str) -> int:
    """A 64-bit seed for one item: randomness comes from the recipe's seed and the item's key."""
    return int(make_key(str(seed), *parts)[:16], 16)
