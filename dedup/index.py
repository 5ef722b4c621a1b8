"""The evaluation index: what the corpora must not hold a copy of, several named sets in one file.

The file is one line of magic with the version, one line of JSON that says what follows and its
sha256, then the codes of all items' views (8 bytes each), and the items (`dedup.items`). A file
that is cut, changed, of another version or of another descriptor is refused.

What is a copy: a picture that hashes lead to an original (`dedup.candidates`), or a learned
descriptor does (`dedup.descriptor`), and that looks like it once one is laid over the other
(`dedup.second_look`); where the original is drawn, it must also say the same (`dedup.detail`). A
picture with margins, on either side, is sought without them as well. Where the descriptor was
calibrated (`dedup.calibrate`), its cosine alone is enough from the measured threshold on. How many
that finds, and what it takes for a copy wrongly, by transform, stands in docs/benchmarks.md.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dedup.candidates import Candidate, HashSearch
from dedup.cells import CellRows
from dedup.descriptor import (
    Calibration,
    Descriptor,
    DescriptorUnavailable,
    Embedding,
    Rows,
    load_descriptor,
    places_of,
)
from dedup.fingerprint import FINGERPRINT, VIEWS, Codes, Grey, view_codes
from dedup.items import Face, Item, Missing, decode_items, encode_items, faces_of
from dedup.query import Query, judge_look, queries_of
from dedup.screened import ScreenedRows
from dedup.second_look import WORTH_MOVING, Floats, layers, likely_places, likeness_at
from schemas.keys import sha256_hex

MAGIC = b"open-m3w evaluation index"
VERSION = 3

_GLANCES = 1024  # candidates of a picture that are looked at where the hashes put them: figures
# and slides, mostly white, share their hashes with hundreds of others
_LOOKS = 4  # likeliest originals that are looked at again
_NEAREST = 4  # originals that the descriptor leads to
_LEAST_COSINE = 0.4  # of the descriptor: of crops to half of each side, 95 of 100 have .52
_STARTS = 3  # places that a look begins from where only the original is known


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
        likeness: of the two, laid over each other, -1 to 1.
        limit: the least likeness of a copy.
    """

    eval_set: str
    eval_id: str
    likeness: float
    limit: float


def by_likeness(match: Match) -> tuple[float, str, str]:
    """Smallest for the likest; the first by name of equals."""
    return -match.likeness, match.eval_set, match.eval_id


@dataclass(frozen=True)
class EvaluationIndex:
    """Evaluation sets, searchable.

    Attributes:
        items: ordered by set and id.
        codes: of the views of the items' faces, [faces, VIEWS].
        unreadable: what the sets hold and the index does not.
        fingerprint: name of the hash.
        embedding: what made the items' rows; None where they have none.
        cells_from: so many items or more are searched by cells where they have rows; 0 for never.
    """

    items: tuple[Item, ...]
    codes: Codes
    unreadable: tuple[Missing, ...] = ()
    fingerprint: str = FINGERPRINT
    embedding: Embedding | None = None
    cells_from: int = field(default=0, repr=False, compare=False)
    _faces: list[Face] = field(init=False, repr=False, compare=False)
    _search: HashSearch = field(init=False, repr=False, compare=False)
    _rows: ScreenedRows | CellRows | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faces = faces_of(self.items)
        sides = [(face.thumb.width, face.thumb.height) for face in faces]
        object.__setattr__(self, "_faces", faces)
        object.__setattr__(self, "_search", HashSearch(self.codes, sides))
        content = np.frombuffer(b"".join(item.row for item in self.items), "<f2")
        rows = content.reshape(len(self.items), -1 if content.size else 0).astype(np.float32)
        search = CellRows if 0 < self.cells_from <= len(rows) else ScreenedRows
        object.__setattr__(self, "_rows", search(rows) if rows.size else None)

    @classmethod
    def build(
        cls,
        items: Iterable[Item],
        unreadable: Iterable[Missing] = (),
        embedding: Embedding | None = None,
    ) -> Self:
        """An index of the given items; it does not depend on their order."""
        ordered = sorted(items, key=lambda item: (item.eval_set, item.eval_id, item.thumb))
        codes = [view_codes(face.thumb.grey) for face in faces_of(ordered)]
        missing = sorted(unreadable, key=lambda lost: (lost.eval_set, lost.eval_id))
        array = np.array(codes, dtype=np.uint64).reshape(len(codes), VIEWS)
        return cls(tuple(ordered), array, tuple(missing), embedding=embedding)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def sets(self) -> dict[str, int]:
        """The number of items by set."""
        sets = groupby(self.items, key=lambda item: item.eval_set)
        return {name: len(list(items)) for name, items in sets}

    def match(self, greys: list[Grey], rows: Rows | None = None) -> list[Match | None]:
        """For each picture, the item that it is a copy of, in any flip or turn, or None.

        Of several the likest counts; ties go to the first set and id in alphabetical order.

        Args:
            greys: pictures as `dedup.fingerprint.seen_grey` gives them.
            rows: what the index's descriptor makes of the pictures, [N, dim]; without them the
                hashes alone lead to originals.
        """
        owners, queries = queries_of(greys)
        candidates = self._search.candidates([query.thumb for query in queries])
        found: list[Match | None] = [None] * len(greys)
        for owner, query, of_one in zip(owners, queries, candidates, strict=True):
            if found[owner] is None:  # what lies inside margins, if the whole is no copy
                found[owner] = self._look(query, self._likeliest(query, of_one[:_GLANCES]))
        if rows is None or self._rows is None or all(found):
            return found
        places, cosines = self._rows.nearest(rows, _NEAREST)
        for owner, query in zip(owners, queries, strict=True):
            if found[owner] is None and query.is_whole:
                found[owner] = self._look_near(query, places[owner], cosines[owner])
        return found

    def _look_near(self, query: Query, owners: NDArray[np.int64], cosines: Rows) -> Match | None:
        """The item that a picture is most like of those that the descriptor leads to."""
        candidates = []
        for owner in owners[cosines >= _LEAST_COSINE].tolist():
            places = likely_places(query.layers, layers(self.items[owner].grey), _STARTS)
            candidates += [(owner, place) for place in places]
        match = self._look(query, candidates)
        calibration = self.embedding.calibration if self.embedding else None
        if match is None and calibration and cosines[0] >= calibration.threshold:
            item, cosine = self.items[owners[0]], round(float(cosines[0]), 4)
            if not item.detail:  # the words of a drawn one differ, and no cosine sees them
                return Match(item.eval_set, item.eval_id, cosine, calibration.threshold)
        return match

    def _look(self, query: Query, candidates: list[tuple[int, Floats]]) -> Match | None:
        """The item that a picture is most like, if it is like enough; the first of equals.

        Args:
            query: the picture.
            candidates: faces, and places of the picture in them.
        """
        best: Match | None = None
        for number, place in candidates:
            face = self._faces[number]
            item = self.items[face.owner]
            look = judge_look(query, face, item, place)
            if look is not None:
                likeness = round(look.likeness, 4)
                match = Match(item.eval_set, item.eval_id, likeness, look.least)
                best = match if best is None else min(best, match, key=by_likeness)
        return best

    def _likeliest(self, query: Query, candidates: list[Candidate]) -> list[tuple[int, Floats]]:
        """The likeliest originals, each at the place where it is most like the picture."""
        by_face: dict[int, list[Candidate]] = {}
        for candidate in candidates:
            by_face.setdefault(candidate.owner, []).append(candidate)
        ranked = []
        for number, of_face in by_face.items():
            places = np.array([candidate.place for candidate in of_face])
            original = layers(self._faces[number].thumb.grey)
            likeness = likeness_at(query.layers, original, places)
            best = int(likeness.argmax())
            if likeness[best] >= WORTH_MOVING:
                ranked.append((-float(likeness[best]), number, places[best]))
        ranked.sort(key=lambda ranked: ranked[:2])
        return [(number, place) for _, number, place in ranked[:_LOOKS]]

    def encode(self) -> bytes:
        """The index as a file, the same bytes for the same items."""
        body = self.codes.astype("<u8").tobytes() + encode_items(self.items)
        header = {
            "fingerprint": self.fingerprint,
            "sets": self.sets,
            "items": len(self.items),
            "faces": len(self.codes),
            "row_bytes": len(self.items[0].row) if self.items else 0,
            "embedding": None if self.embedding is None else asdict(self.embedding),
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
        if header["fingerprint"] != FINGERPRINT:
            found = header["fingerprint"]
            why = f"made with fingerprint {found!r}, this program has {FINGERPRINT!r}"
            raise UnusableIndex(name, why)
        if len(body) != header["bytes"]:
            raise UnusableIndex(name, f"cut: {len(body)} bytes where {header['bytes']} belong")
        if sha256_hex(body) != header["sha256"]:
            raise UnusableIndex(name, "changed since it was made: sha256 differs")
        unreadable = tuple(Missing(*lost) for lost in header["unreadable"])
        count = header["faces"] * VIEWS
        codes = np.frombuffer(body, "<u8", count).astype(np.uint64)
        items = tuple(decode_items(body, 8 * count, header["items"], header["row_bytes"]))
        embedding = _read_embedding(header["embedding"])
        return cls(items, codes.reshape(-1, VIEWS), unreadable, embedding=embedding)


def descriptor_of(index: EvaluationIndex, name: str = "index") -> Descriptor | None:
    """The descriptor that made an index's rows; None where it has none.

    Args:
        index: it.
        name: path of its file; a file of weights that is gone is sought in the same folder.

    Raises:
        UnusableIndex: it cannot be loaded, or its weights are others now.
    """
    if index.embedding is None:
        return None
    stated = index.embedding
    folder = Path(name).parent
    try:
        for place in places_of(stated.descriptor, folder):
            descriptor = load_descriptor(place)
            if descriptor.digest == stated.digest:
                return descriptor
    except DescriptorUnavailable as error:
        sought = (
            f"{error} (its weights, of digest {stated.digest[:12]}, were sought in {folder} too)"
        )
        raise UnusableIndex(name, sought) from None
    why = f"made with descriptor {stated.descriptor}, whose weights were others than they are"
    raise UnusableIndex(name, why)


def _read_embedding(stated: dict[str, Any] | None) -> Embedding | None:
    """What the header says of the descriptor."""
    if stated is None:
        return None
    measured = stated["calibration"]
    if measured is not None:
        curve = tuple(tuple(point) for point in measured.pop("curve"))
        measured = Calibration(**measured, curve=curve)
    return Embedding(stated["descriptor"], stated["digest"], measured)


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
