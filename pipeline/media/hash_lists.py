"""Lists of digests of media that must not be kept: known illegal material, by the user's own lists.

Held against the bytes as they came, before anything is decoded or stored. A digest finds the same
file and no other: one that was encoded again has another digest.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.rejection import Reason, Why

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Digests = npt.NDArray[np.bytes_]

_HASHES: dict[int, tuple[str, Callable[[bytes], bytes]]] = {
    32: ("sha256", lambda body: hashlib.sha256(body).digest()),
    20: ("sha1", lambda body: hashlib.sha1(body, usedforsecurity=False).digest()),
    16: ("md5", lambda body: hashlib.md5(body, usedforsecurity=False).digest()),
}
_NAMES = "SHA-256, SHA-1 or MD5"


class BadHashList(ValueError):
    """A line that is no digest; the message names file and line."""


@dataclass(frozen=True)
class HashLists:
    """Digests by their length in bytes, each a sorted array: 16 to 32 bytes of memory a digest."""

    digests: "dict[int, Digests]" = field(default_factory=dict)

    def judge(self, body: bytes) -> Why | None:
        """Why some bytes are out: a list has their digest, which stands as `sha256 HEX`."""
        for size in self.digests:
            name, digest_of = _HASHES[size]
            digest = digest_of(body)
            if self._has(digest):
                return Why(Reason.LISTED_HASH, detail=f"{name} {digest.hex()}")
        return None

    def names(self, told: str) -> bool:
        """Whether the lists have a digest as `judge` tells it."""
        try:
            return self._has(bytes.fromhex(told.rpartition(" ")[2]))
        except ValueError:
            return False

    def _has(self, digest: bytes) -> bool:
        import numpy as np

        known = self.digests.get(len(digest))
        if known is None:
            return False
        wanted = np.array([digest], dtype=known.dtype)
        at = int(np.searchsorted(known, wanted)[0])
        return at < len(known) and bool(known[at] == wanted[0])


def read_hash_lists(paths: Iterable[str], read: Callable[[str], bytes]) -> HashLists:
    """The digests of some files, UTF-8, one in hex a line, # comments.

    Raises:
        BadHashList: a line that is no digest.
        OSError: a file cannot be read.
    """
    import numpy as np

    found: dict[int, list[bytes]] = {}
    for path in paths:
        for digest in _digests(read(path), path):
            found.setdefault(len(digest), []).append(digest)
    sizes = sorted(found, reverse=True)
    return HashLists({size: np.unique(np.array(found[size], dtype=f"S{size}")) for size in sizes})


def _digests(content: bytes, path: str) -> Iterator[bytes]:
    for number, raw in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        try:
            digest = bytes.fromhex(line)
        except ValueError:
            digest = b""
        if len(digest) not in _HASHES or len(line) != 2 * len(digest):
            raise BadHashList(f"{path}, line {number}: not a {_NAMES} digest in hex: {line[:80]!r}")
        yield digest
