"""What an evaluation index keeps of each image: thumbnails, detail where it is drawn, its id."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from dedup.descriptor import Rows
from dedup.detail import is_drawn, pack_detail, unpack_detail
from dedup.fingerprint import Box, Grey, cut, inner_box, shrunk
from dedup.second_look import Floats

_SIDES = 10  # numbers of 16 bits that an item has in a file


class Thumb(NamedTuple):
    """A thumbnail in grey, row by row."""

    width: int
    height: int
    pixels: bytes

    @classmethod
    def of(cls, grey: Grey) -> Self:
        """The thumbnail of a picture."""
        small = shrunk(grey)
        return cls(small.shape[1], small.shape[0], small.tobytes())

    @property
    def grey(self) -> Grey:
        """The thumbnail, [height, width]."""
        return np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.width)


@dataclass(frozen=True, slots=True)
class Item:
    """One image of an evaluation set, or one frame of a video.

    Attributes:
        eval_set: name of the set.
        eval_id: id in the set.
        sides: width and height of the picture that was seen, px.
        thumb: all of it.
        box: what of it lies inside its margins, px; all of it where it has none.
        inner: the thumbnail of that; None where it has no margins.
        detail: of a drawn picture what was seen, compressed; b"" of others.
        row: what a learned descriptor makes of the image, as float16; b"" without one.
    """

    eval_set: str
    eval_id: str
    sides: tuple[int, int]
    thumb: Thumb
    box: Box
    inner: Thumb | None = None
    detail: bytes = b""
    row: bytes = b""

    @classmethod
    def of(cls, eval_set: str, eval_id: str, seen: Grey, row: Rows | None = None) -> Self:
        """The item of a picture.

        Args:
            eval_set: name of the set.
            eval_id: id in the set.
            seen: the picture as `dedup.fingerprint.seen_grey` gives it.
            row: what the index's descriptor makes of the image, [dim].
        """
        height, width = seen.shape
        box = inner_box(seen)
        inner = Thumb.of(cut(seen, box)) if box != (0, 0, width, height) else None
        detail = pack_detail(seen) if is_drawn(seen) else b""
        content = b"" if row is None else row.astype("<f2").tobytes()
        thumb = Thumb.of(seen)
        return cls(eval_set, eval_id, (width, height), thumb, box, inner, detail, content)

    @property
    def grey(self) -> Grey:
        """The thumbnail, [height, width]."""
        return self.thumb.grey

    @property
    def drawn(self) -> Grey | None:
        """The picture as it was seen, where it is drawn."""
        return unpack_detail(self.detail, *self.sides) if self.detail else None


class Face(NamedTuple):
    """A picture that is sought: an item, or the part of it inside its margins.

    Attributes:
        owner: row of the item.
        thumb: what is compared.
        place: of the thumbnail in the item, as in `dedup.second_look`, [2, 3].
    """

    owner: int
    thumb: Thumb
    place: Floats


def faces_of(items: Sequence[Item]) -> list[Face]:
    """Every item whole, in order; then what those with margins have inside."""
    whole = np.eye(2, 3)
    faces = [Face(owner, item.thumb, whole) for owner, item in enumerate(items)]
    for owner, item in enumerate(items):
        if item.inner is not None:
            left, top, right, bottom = item.box
            width, height = item.sides
            across = (right - left) / width, 0.0, left / width
            down = 0.0, (bottom - top) / height, top / height
            faces.append(Face(owner, item.inner, np.array([across, down])))
    return faces


@dataclass(frozen=True, slots=True)
class Missing:
    """An image or video of a set that could not be read when the index was made, and why."""

    eval_set: str
    eval_id: str
    why: str


def encode_items(items: Sequence[Item]) -> bytes:
    """Items as they stand in a file."""
    none = Thumb(0, 0, b"")
    inner = [item.inner or none for item in items]
    sides = [
        (*item.sides, *item.thumb[:2], *item.box, *within[:2])
        for item, within in zip(items, inner, strict=True)
    ]
    lengths = [len(item.detail) for item in items]
    names = [(item.eval_set, item.eval_id) for item in items]
    return b"".join(
        (
            np.array(sides, dtype="<u2").tobytes(),
            np.array(lengths, dtype="<u4").tobytes(),
            *(item.thumb.pixels for item in items),
            *(within.pixels for within in inner),
            *(item.detail for item in items),
            *(item.row for item in items),
            json.dumps(names, separators=(",", ":")).encode(),
        )
    )


def decode_items(body: bytes, start: int, count: int, row_bytes: int) -> Iterator[Item]:
    """The items that a file holds from a byte on."""
    sides = np.frombuffer(body, "<u2", _SIDES * count, start).reshape(count, _SIDES).tolist()
    start += 2 * _SIDES * count
    lengths = np.frombuffer(body, "<u4", count, start).tolist()
    start += 4 * count
    sizes = [side[2] * side[3] for side in sides]
    sizes += [side[8] * side[9] for side in sides]
    ends = np.cumsum([start, *sizes, *lengths, *[row_bytes] * count]).tolist()
    parts = [body[ends[number] : ends[number + 1]] for number in range(4 * count)]
    names = json.loads(body[ends[-1] :])
    for number, ((eval_set, eval_id), side) in enumerate(zip(names, sides, strict=True)):
        thumb, inner, detail, row = parts[number::count]
        within = Thumb(side[8], side[9], inner) if inner else None
        whole, box = (side[0], side[1]), (side[4], side[5], side[6], side[7])
        yield Item(
            eval_set, eval_id, whole, Thumb(side[2], side[3], thumb), box, within, detail, row
        )
