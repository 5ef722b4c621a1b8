"""Windows side by side in rows of one length, each behind its own mask.

A batch is a number of samples, as in the paper; packing only decides where they lie. Nothing is
left over for the next batch, so a reader's position says all there is to say of its state.
Shapes: B rows, L tokens of a row, I images, F frames of all images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.media_mask import NO_IMAGE
from model.windows import NO_LABEL, Window

PADDING = -1
"""The document of a position that holds no token."""


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
    room: list[int] = []
    for item in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if lengths[item] > row_tokens:
            raise ValueError(f"{lengths[item]} tokens do not fit a row of {row_tokens}")
        fits = [row for row, left in enumerate(room) if left >= lengths[item]]
        if fits:
            best = min(fits, key=lambda row: room[row])
            rows[best].append(item)
            room[best] -= lengths[item]
        else:
            rows.append([item])
            room.append(row_tokens - lengths[item])
    return rows


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
