"""Windows side by side in rows of one length, each behind its own mask.

A batch is a number of samples, as in the paper; packing only decides where they lie. Nothing is
left over for the next batch, so a reader's position says all there is to say of its state.
Shapes: B rows, L tokens of a row, I images, F frames of all images.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.media_mask import NO_IMAGE
from model.windows import NO_LABEL, Window

PADDING = -1
"""The document of a position that holds no token."""

TOKEN_SCORES = 4096
"""Scores that cost as much as the rest of a token: 2,800 in SmolLM2-135M's shape with a block every
third layer, 16,400 in Flamingo-3B's (`Costs.token` over `Costs.pair`)."""

NARROWEST, TRIED = 8, 16
"""Rows are packed down to so many times narrower than they may be, in so many steps."""

SLACKS = (10**9, 64, 16)
"""Of a width that would hold all without a gap, one part in so many is tried on top."""


@dataclass(frozen=True, slots=True)
class Example:
    """A window with the frames of each of its images, [T, H, W, 3] uint8."""

    window: Window
    frames: tuple[npt.NDArray[np.uint8], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Examples packed into rows; image k is that of the k-th `<image>`, row by row.

    Attributes:
        tokens_BL: ids, 0 where there is padding.
        labels_BL: targets, NO_LABEL where there is none.
        documents_BL: which window of its row a token belongs to; PADDING for none.
        positions_BL: of the token in its window.
        images_BL: which of the I images a token looks at; NO_IMAGE for none.
        pixels_FHWC: uint8 frames, image by image.
        frames_I: how many frames each image has.
    """

    tokens_BL: npt.NDArray[np.int64]
    labels_BL: npt.NDArray[np.int64]
    documents_BL: npt.NDArray[np.int64]
    positions_BL: npt.NDArray[np.int64]
    images_BL: npt.NDArray[np.int64]
    pixels_FHWC: npt.NDArray[np.uint8]
    frames_I: npt.NDArray[np.int64]

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""
        return int(np.count_nonzero(self.documents_BL != PADDING))

    @property
    def labels(self) -> int:
        """Positions with a target."""
        return int(np.count_nonzero(self.labels_BL != NO_LABEL))


def pack(lengths: Sequence[int], row_tokens: int) -> list[list[int]]:
    """Which items share a row: best fit, the longest first; rows in order of their first item.

    Raises:
        ValueError: an item is longer than a row.
    """
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # what is left of each row, and which it is; least first
    for item in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if lengths[item] > row_tokens:
            raise ValueError(f"{lengths[item]} tokens do not fit a row of {row_tokens}")
        best = bisect_left(room, (lengths[item], 0))
        if best < len(room):
            left, row = room.pop(best)
        else:
            left, row = row_tokens, len(rows)
            rows.append([])
        rows[row].append(item)
        insort(room, (left - lengths[item], row))
    return rows


def pack_tightly(lengths: Sequence[int], row_tokens: int) -> list[list[int]]:
    """As `pack`, into rows as narrow as makes the least work.

    Rows of a pass are as wide as the fullest: the last one, half empty, costs as much as the
    others, and every token is scored against all of its row. So the items are packed into several
    widths, each of which would just hold them in so many rows, and the cheapest is taken.

    Raises:
        ValueError: an item is longer than a row.
    """
    total, longest = sum(lengths), max(lengths, default=1)
    fewest = max(1, -(-total // row_tokens))
    counts = {round(fewest * NARROWEST ** (step / TRIED)) for step in range(TRIED + 1)}
    exact = {max(longest, -(-total // count)) for count in counts}
    widths = {width + width // slack for width in exact for slack in SLACKS}
    tried = [pack(lengths, width) for width in sorted(widths) if width < row_tokens]
    return min([pack(lengths, row_tokens), *tried], key=lambda rows: _work(lengths, rows))


def _work(lengths: Sequence[int], rows: Sequence[Sequence[int]]) -> int:
    """What rows cost, in scores: each place, and each pair of places of a row."""
    width = max((sum(lengths[item] for item in row) for row in rows), default=0)
    return len(rows) * width * (TOKEN_SCORES + width)


def place(
    examples: Sequence[Example],
    rows: Sequence[Sequence[int]],
    side_px: int,
    shape: tuple[int, int] | None = None,
) -> Rows:
    """The examples laid out as the given rows say.

    Args:
        examples: the windows with their frames.
        rows: indices of the examples that share each row, in order.
        side_px: side of a frame, for batches without one.
        shape: rows and tokens of each, where it is fixed; None for as many as there are, as wide
            as the fullest.
    """
    if shape is None:
        fill = [sum(len(examples[item].window.tokens_L) for item in row) for row in rows]
        shape = (len(rows), max(fill))
    tokens, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    labels = np.full(shape, NO_LABEL, np.int64)
    documents, images = np.full(shape, PADDING, np.int64), np.full(shape, NO_IMAGE, np.int64)
    frames: list[npt.NDArray[np.uint8]] = []
    for b, row in enumerate(rows):
        end = 0
        for document, item in enumerate(row):
            window = examples[item].window
            start, end = end, end + len(window.tokens_L)
            here = (b, slice(start, end))
            tokens[here], labels[here] = window.tokens_L, window.labels_L
            positions[here], documents[here] = np.arange(end - start), document
            looks = window.images_L
            images[here] = np.where(looks == NO_IMAGE, NO_IMAGE, looks + len(frames))
            frames += examples[item].frames
    pixels = np.concatenate(frames) if frames else np.zeros((0, side_px, side_px, 3), np.uint8)
    counts = np.asarray([len(image) for image in frames], dtype=np.int64)
    return Rows(tokens, labels, documents, positions, images, pixels, counts)
