"""The evaluation index: what the corpora must not hold a copy of, several named sets in one file.

The file is one line of magic with the version, one line of JSON that says what follows and its
sha256, then the codes (8 bytes each) with the numbers of their items (4 bytes each), then the
items' ids. A file that is cut, changed, of another version or of another descriptor is refused.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import DESCRIPTOR, RADIUS, Codes, turn_codes
from dedup.search import MAX_RADIUS, CodeSearch
from schemas.keys import sha256_hex

MAGIC = b"open-m3w evaluation index"
VERSION = 1


class UnusableIndex(ValueError):
    """Raised for a file that is not a whole index that this version can use; names the file."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why


@dataclass(frozen=True, slots=True)
class Match:
    """A copy that was found.

    Attributes:
        eval_set: name of the set that holds the original.
        eval_id: the original's id in that set.
        distance: bits in which the two fingerprints differ.
        radius: the most that were allowed.
    """

    eval_set: str
    eval_id: str
    distance: int
    radius: int


@dataclass(frozen=True, slots=True)
class Item:
    """One image of an evaluation set, or one frame of a video: its id and its views' codes."""

    eval_set: str
    eval_id: str
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """An image or video of a set that could not be read when the index was made, and why."""

    eval_set: str
    eval_id: str
    why: str


@dataclass(frozen=True)
class EvaluationIndex:
    """Evaluation sets, searchable.

    Attributes:
        sets: number of items by set name, in the order of the items.
        ids: of the items, in order.
        codes: fingerprints of all views of all items, [M].
        owners: the item that each code belongs to, [M].
        radius: bits within which a match counts.
        unreadable: what the sets hold and the index does not.
        descriptor: name of the fingerprint.
    """

    sets: dict[str, int]
    ids: tuple[str, ...]
    codes: Codes
    owners: NDArray[np.uint32]
    radius: int = RADIUS
    unreadable: tuple[Missing, ...] = ()
    descriptor: str = DESCRIPTOR
    _search: CodeSearch = field(init=False, repr=False, compare=False)
    _names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = tuple(name for name, items in self.sets.items() for _ in range(items))
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_search", CodeSearch(self.codes))

    @classmethod
    def build(
        cls,
        items: Iterable[Item],
        radius: int = RADIUS,
        unreadable: Iterable[Missing] = (),
    ) -> Self:
        """An index of the given items; it does not depend on their order.

        Raises:
            ValueError: the radius is outside 0 to MAX_RADIUS.
        """
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"radius must be 0 to {MAX_RADIUS}, got {radius}")
        ordered = sorted(items, key=lambda item: (item.eval_set, item.eval_id))
        sets: dict[str, int] = {}
        for item in ordered:
            sets[item.eval_set] = sets.get(item.eval_set, 0) + 1
        codes = np.array([code for item in ordered for code in item.codes], dtype=np.uint64)
        counts = [len(item.codes) for item in ordered]
        owners = np.repeat(np.arange(len(ordered), dtype=np.uint32), counts)
        ids = tuple(item.eval_id for item in ordered)
        missing = sorted(unreadable, key=lambda lost: (lost.eval_set, lost.eval_id))
        return cls(sets, ids, codes, owners, radius, tuple(missing))

    def __len__(self) -> int:
        return len(self.ids)

    def match(self, phashes: Codes, radius: int | None = None) -> list[Match | None]:
        """For each hash, the nearest item in any flip or turn within the radius, or None.

        Ties go to the first set and id in alphabetical order.

        Args:
            phashes: hashes of whole pictures as 64-bit numbers, [N].
            radius: bits; the index's own unless given, at most MAX_RADIUS.
        """
        within = self.radius if radius is None else radius
        count = len(phashes)
        hits = self._search.within(turn_codes(phashes.astype(np.uint64)).ravel(), within)
        nearest: list[Match | None] = [None] * count
        queries = hits.queries % max(1, count)
        owners = self.owners[hits.codes]
        seen: set[int] = set()
        for hit in np.lexsort((owners, hits.distances, queries)).tolist():
            query, owner = int(queries[hit]), int(owners[hit])
            if query not in seen:
                seen.add(query)
                distance = int(hits.distances[hit])
                nearest[query] = Match(self._names[owner], self.ids[owner], distance, within)
        return nearest

    def encode(self) -> bytes:
        """The index as a file, the same bytes for the same items."""
        body = b"".join(
            (
                self.codes.astype("<u8").tobytes(),
                self.owners.astype("<u4").tobytes(),
                json.dumps(self.ids, separators=(",", ":")).encode(),
            )
        )
        header = {
            "descriptor": self.descriptor,
            "radius": self.radius,
            "sets": self.sets,
            "unreadable": [[lost.eval_set, lost.eval_id, lost.why] for lost in self.unreadable],
            "codes": len(self.codes),
            "bytes": len(body),
            "sha256": sha256_hex(body),
        }
        line = json.dumps(header, separators=(",", ":")).encode()
        checked = sha256_hex(line).encode()
        return b"".join((MAGIC, b" %d\n" % VERSION, checked, b" ", line, b"\n", body))

    @classmethod
    def decode(cls, content: bytes, name: str = "index") -> Self:
        """The index that a file holds.

        Args:
            content: of the file.
            name: of the file, for errors.

        Raises:
            UnusableIndex: not an index, cut, changed, of another version or another descriptor.
        """
        header, body = _parse_header(content, name)
        if header["descriptor"] != DESCRIPTOR:
            found = header["descriptor"]
            raise UnusableIndex(name, f"made with descriptor {found!r}, this one is {DESCRIPTOR!r}")
        if len(body) != header["bytes"]:
            raise UnusableIndex(name, f"cut: {len(body)} bytes where {header['bytes']} belong")
        if sha256_hex(body) != header["sha256"]:
            raise UnusableIndex(name, "changed since it was made: sha256 differs")
        count = header["codes"]
        return cls(
            sets=header["sets"],
            ids=tuple(json.loads(body[12 * count :])),
            codes=np.frombuffer(body, "<u8", count).astype(np.uint64),
            owners=np.frombuffer(body, "<u4", count, 8 * count).astype(np.uint32),
            radius=header["radius"],
            unreadable=tuple(Missing(*lost) for lost in header["unreadable"]),
        )

    def save(self, path: str | Path) -> None:
        """Write the index to a file, whole or not at all."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        part.write_bytes(self.encode())
        part.replace(target)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The index in a file.

        Raises:
            UnusableIndex: as in `decode`.
            OSError: the file cannot be read.
        """
        return cls.decode(Path(path).read_bytes(), str(path))

    def items(self) -> Iterator[Item]:
        """The items in order, as they went in."""
        ends = np.searchsorted(self.owners, np.arange(1, len(self.ids) + 1)).tolist()
        start = 0
        for name, eval_id, end in zip(self._names, self.ids, ends, strict=True):
            yield Item(name, eval_id, tuple(self.codes[start:end].tolist()))
            start = end


def _parse_header(content: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    """What the first two lines say, and the bytes after them."""
    first, _, rest = content.partition(b"\n")
    magic, _, version = first.rpartition(b" ")
    if magic != MAGIC:
        raise UnusableIndex(name, "not an evaluation index")
    if version != b"%d" % VERSION:
        stated = version.decode("ascii", "replace")
        raise UnusableIndex(name, f"of version {stated}, this program reads version {VERSION}")
    line, _, body = rest.partition(b"\n")
    checked, _, stated_json = line.partition(b" ")
    if sha256_hex(stated_json).encode() != checked:
        raise UnusableIndex(name, "cut or changed in its header")
    header: dict[str, Any] = json.loads(stated_json)
    return header, body
