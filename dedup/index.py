"""The evaluation index: what the corpora must not hold a copy of, several named sets in one file.

The file is one line of magic with the version, one line of JSON that says what follows and its
sha256, then the codes of all items' views (8 bytes each), the items' thumbnails, and their ids. A
file that is cut, changed, of another version or of another descriptor is refused.

Measured by tests/benchmarks/copies_found.py on 780 photos of Flickr8k and COCO, half of them the
evaluation set, half distractors, all kept as a corpus keeps them. Found by hash and spectrum, by
the hash alone, and by the common pHash within 10 bits:

    flip, quarter turn                           1.000   1.000    .000
    JPEG 20                                      1.000    .997   1.000
    greyscale, blur, aspect 0.7, resize 0.25     1.000   1.000   1.000
    crop to 80 % at the centre or a corner       1.000   1.000    .056
    crop to 80 % anywhere                        1.000    .903    .005
    crop to 75 to 100 % anywhere                  .990    .764    .359
    crop to half of each side, centre            1.000    .992    .000
    brightness x 1.5 (lights burn out)            .897    .623    .987
    large text over it                            .708    .508    .969
    turn by 15 degrees                            .000    .000    .003
    distractors dropped, of 7020                     0       0       2

Of the made-up web's 42 planted copies (400 pages) the first found 42, the second 40; neither
dropped one of 1,911 others. Pictures that are their own mirror image have bits without meaning
and may be missed once recompressed.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np

from dedup.fingerprint import (
    DESCRIPTOR,
    VIEWS,
    Codes,
    Grey,
    Spectra,
    turn_codes,
    turn_spectra,
    view_codes,
)
from dedup.search import CodeSearch
from dedup.second_look import WORTH_MOVING, best_cosine, view_cosine
from schemas.keys import sha256_hex

MAGIC = b"open-m3w evaluation index"
VERSION = 1

RADIUS = 4
"""Bits in which a copy's hash may differ where the hash alone decides."""

SCREEN_RADIUS = 8
"""Bits in which it may differ where the spectra decide."""

COSINE = 0.94
"""The least cosine of a copy's spectrum with that of a view of its original."""

_LOOKS = 4  # views of one item that the second look compares: the nearest by hash
_MOVED = 8  # likeliest items whose view is moved about
_LOOKS_OF_ALL = 256  # and of all items; a picture nearer than that to so many is like nothing


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
        distance: bits in which the two hashes differ.
        radius: the most that were allowed.
        cosine: of the two spectra; None where the hash alone decided.
    """

    eval_set: str
    eval_id: str
    distance: int
    radius: int
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One image of an evaluation set, or one frame of a video: its id and its thumbnail.

    Attributes:
        eval_set: name of the set.
        eval_id: id in the set.
        width: of the thumbnail, px.
        height: of the thumbnail, px.
        pixels: the thumbnail in grey, row by row.
    """

    eval_set: str
    eval_id: str
    width: int
    height: int
    pixels: bytes

    @classmethod
    def of(cls, eval_set: str, eval_id: str, grey: Grey) -> Self:
        """The item with a thumbnail as `dedup.fingerprint.thumbnail` makes them."""
        height, width = grey.shape
        return cls(eval_set, eval_id, width, height, grey.tobytes())

    @property
    def grey(self) -> Grey:
        """The thumbnail, [height, width]."""
        return np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.width)


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
        items: ordered by set and id.
        codes: of the items' views, [items, VIEWS].
        unreadable: what the sets hold and the index does not.
        descriptor: name of the fingerprint.
    """

    items: tuple[Item, ...]
    codes: Codes
    unreadable: tuple[Missing, ...] = ()
    descriptor: str = DESCRIPTOR
    _search: CodeSearch = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_search", CodeSearch(self.codes.ravel()))

    @classmethod
    def build(cls, items: Iterable[Item], unreadable: Iterable[Missing] = ()) -> Self:
        """An index of the given items; it does not depend on their order."""
        ordered = sorted(items, key=lambda item: (item.eval_set, item.eval_id, item.pixels))
        codes = [view_codes(item.grey) for item in ordered]
        missing = sorted(unreadable, key=lambda lost: (lost.eval_set, lost.eval_id))
        array = np.array(codes, dtype=np.uint64).reshape(len(codes), VIEWS)
        return cls(tuple(ordered), array, tuple(missing))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def sets(self) -> dict[str, int]:
        """The number of items by set."""
        sets = groupby(self.items, key=lambda item: item.eval_set)
        return {name: len(list(items)) for name, items in sets}

    def match(self, phashes: Codes, spectra: Spectra | None = None) -> list[Match | None]:
        """For each picture, the item that it is a copy of, in any flip or turn, or None.

        Of several the nearest counts; ties go to the first set and id in alphabetical order.

        Args:
            phashes: hashes of whole pictures as 64-bit numbers, [N].
            spectra: their spectra, [N, 119]: finds more copies and takes fewer strangers for one;
                without them the hash alone decides.
        """
        radius = RADIUS if spectra is None else SCREEN_RADIUS
        hits = self._hits(phashes, radius)
        if spectra is None:
            return [self._nearest(of_one) for of_one in hits]
        turned = turn_spectra(spectra)
        return [self._look_again(of_one, turned[:, row]) for row, of_one in enumerate(hits)]

    def _hits(self, phashes: Codes, radius: int) -> list[list["_Hit"]]:
        """The hits of each query, the nearest first, then by item."""
        found = self._search.within(turn_codes(phashes).ravel(), radius)
        turns, queries = np.divmod(found.queries, max(1, len(phashes)))
        owners, views = np.divmod(found.codes, VIEWS)
        order = np.lexsort((owners, found.distances, queries))
        columns = (queries, owners, found.distances, views, turns)
        hits: list[list[_Hit]] = [[] for _ in phashes]
        for query, *rest in np.stack(columns, axis=1)[order].tolist():
            hits[query].append(_Hit(*rest))
        return hits

    def _nearest(self, hits: list["_Hit"]) -> Match | None:
        """The match of the nearest hit."""
        if not hits:
            return None
        item = self.items[hits[0].owner]
        return Match(item.eval_set, item.eval_id, hits[0].distance, RADIUS)

    def _look_again(self, hits: list["_Hit"], turned: Spectra) -> Match | None:
        """The item that the query is most like, if it is like enough; the first of equals."""
        best: tuple[float, _Hit] | None = None
        for cosine, hit in self._likeliest(hits, turned):
            grey = self.items[hit.owner].grey
            moved = best_cosine(grey, hit.view, turned[hit.turn]) if cosine >= WORTH_MOVING else 0.0
            if moved >= COSINE and (best is None or moved > best[0]):
                best = moved, hit
        if best is None:
            return None
        item = self.items[best[1].owner]
        cosine, distance = round(best[0], 4), best[1].distance
        return Match(item.eval_set, item.eval_id, distance, SCREEN_RADIUS, cosine)

    def _likeliest(self, hits: list["_Hit"], turned: Spectra) -> list[tuple[float, "_Hit"]]:
        """The likeliest items, each by the view that is most like the query, with its cosine."""
        looks: dict[int, list[tuple[float, _Hit]]] = {}
        for hit in hits[:_LOOKS_OF_ALL]:
            of_item = looks.setdefault(hit.owner, [])
            if len(of_item) < _LOOKS:
                grey = self.items[hit.owner].grey
                of_item.append((view_cosine(grey, hit.view, turned[hit.turn]), hit))
        best = [max(of_item, key=lambda look: look[0]) for of_item in looks.values()]
        return sorted(best, key=lambda look: (-look[0], look[1].owner))[:_MOVED]

    def encode(self) -> bytes:
        """The index as a file, the same bytes for the same items."""
        sides = np.array([(item.width, item.height) for item in self.items], dtype=np.uint8)
        names = [(item.eval_set, item.eval_id) for item in self.items]
        body = b"".join(
            (
                self.codes.astype("<u8").tobytes(),
                sides.tobytes(),
                *(item.pixels for item in self.items),
                json.dumps(names, separators=(",", ":")).encode(),
            )
        )
        header = {
            "descriptor": self.descriptor,
            "sets": self.sets,
            "items": len(self.items),
            "unreadable": [[lost.eval_set, lost.eval_id, lost.why] for lost in self.unreadable],
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
        unreadable = tuple(Missing(*lost) for lost in header["unreadable"])
        count = header["items"]
        codes = np.frombuffer(body, "<u8", count * VIEWS).astype(np.uint64)
        items = tuple(_read_items(body, 8 * count * VIEWS, count))
        return cls(items, codes.reshape(count, VIEWS), unreadable)

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


@dataclass(frozen=True, slots=True)
class _Hit:
    """A view within the radius of a turn of the query."""

    owner: int
    distance: int
    view: int
    turn: int


def _read_items(body: bytes, start: int, count: int) -> Iterator[Item]:
    """The items after the codes."""
    sides = np.frombuffer(body, np.uint8, 2 * count, start).reshape(count, 2).tolist()
    places = np.cumsum([start + 2 * count, *(width * height for width, height in sides)]).tolist()
    names = json.loads(body[places[-1] :])
    for (eval_set, eval_id), (width, height), place in zip(names, sides, places, strict=False):
        pixels = body[place : place + width * height]
        yield Item(eval_set, eval_id, width, height, pixels)


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
