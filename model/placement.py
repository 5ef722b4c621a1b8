"""Where the images of a sequence stand: as on the page, or each before the sentence it matches.

Models that look at images by cross-attention gain from the second, those that read images as words
from the first (OmniCorpus, arXiv 2406.08418, figure 6). A sequence keeps the page's order and,
where it was scored, the cosine of each image with each sentence: one corpus gives both.

Shapes: I images, S sentences.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.rejection import BadInput, Reason


def assign(scores_IS: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.intp]:
    """The sentence of each image, [I]: MMC4's placement (arXiv 2304.06939, section 2).

    Of all ways to give each image a sentence of its own the one with the largest sum of cosines.
    Where there are more images than sentences, those that are left go where their own cosine is
    largest.
    """
    from scipy.optimize import linear_sum_assignment

    sentences: npt.NDArray[np.intp] = np.argmax(scores_IS, axis=1)
    rows, columns = linear_sum_assignment(scores_IS, maximize=True)
    sentences[rows] = columns
    return sentences


def assigned_parts(parts: Iterable[Mapping[str, Any]]) -> list[str | int]:
    """Texts, and images by their number, each image before the sentence that is its own.

    Args:
        parts: of a sequence's sample, as `schemas/shard.py` writes them.

    Raises:
        BadInput: `damaged_record` where an image has no score, or not one a sentence.
    """
    parts = list(parts)
    texts = [part for part in parts if part["kind"] == "text"]
    images = [part for part in parts if part["kind"] == "image"]
    starts = [(text, start) for text, part in enumerate(texts) for start, _ in part["sentences"]]
    for part in images:
        if not starts or len(part["scores"]) != len(starts):
            told = f"{len(part['scores'])} scores of {part['file']}"
            raise BadInput(Reason.DAMAGED_RECORD, told, f"{len(starts)}, to place it by")
    before: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    if images:
        scores_IS = np.array([part["scores"] for part in images], np.float64)
        for image, sentence in enumerate(assign(scores_IS)):
            text, start = starts[sentence]
            before[text][start].append(image)
    return [
        piece
        for number, part in enumerate(texts)
        for piece in _cut(str(part["text"]), before[number])
    ]


def _cut(text: str, before: Mapping[int, Sequence[int]]) -> list[str | int]:
    """A text in pieces, with images before the sentences that start at some characters."""
    pieces: list[str | int] = []
    done = 0
    for start in sorted(before):
        if text[done:start].strip():
            pieces.append(text[done:start].rstrip())
        pieces += before[start]
        done = start
    return [*pieces, text[done:]]
