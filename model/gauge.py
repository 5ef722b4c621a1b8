"""Does it look at its images? The losses of a draw without them, and with those of others.

Where both are no higher than the loss itself, the model reads captions and does not see. The loss
with images zeroed is IDEFICS's lesson: part of the loss that falls at first is the style of
captions, which needs no image (huggingface/m4-logs).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from model.assemble import Run
from model.batches import Batch
from model.mixture import Draw
from model.packing import Rows


@dataclass(frozen=True, slots=True)
class Gauge:
    """This rank's shares of what the losses of a draw would be, by corpus.

    Attributes:
        without_images: where every pixel has the tower's mean colour, which it sees as 0.
        shuffled_images: where every image stands in another's place; None for a corpus of which
            this rank holds one image only.
    """

    without_images: Mapping[str, float]
    shuffled_images: Mapping[str, float | None]


@torch.no_grad()
def gauge(run: Run, draw: Draw) -> Gauge:
    """What the losses of a draw would be; nothing of the run is changed by asking.

    No collectives: each rank asks about its own share.
    """
    colour = run.model.vision.canvas(run.recipe.pixels).colour
    cuda = [run.device] if run.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        without, shuffled = {}, {}
        for batch in draw.batches:
            without[batch.corpus] = _loss(run, batch, without_images(batch.passes, colour))
            others = shuffled_images(batch.passes)
            shuffled[batch.corpus] = None if others is None else _loss(run, batch, others)
    return Gauge(without, shuffled)


def _loss(run: Run, batch: Batch, passes: tuple[Rows, ...]) -> float:
    """This rank's share of the mean loss over labels, of other passes than the batch's own."""
    total = torch.zeros((), device=run.device)
    for rows in passes:
        total += run.loss(rows) / batch.labels
    return float(total)


def without_images(passes: tuple[Rows, ...], colour: tuple[int, int, int]) -> tuple[Rows, ...]:
    """Passes whose images all have one colour."""
    blank = np.asarray(colour, dtype=np.uint8)
    return tuple(
        replace(rows, pixels_FHWC=np.broadcast_to(blank, rows.pixels_FHWC.shape).copy())
        for rows in passes
    )


def shuffled_images(passes: tuple[Rows, ...]) -> tuple[Rows, ...] | None:
    """Passes in which every image, all its frames, stands in the place of another.

    Each moves half of all images on, in a circle: out of its own document, unless that holds more
    than half of them. None where there is but one.
    """
    images = [image for rows in passes for image in _images_of(rows)]
    if len(images) == 1:
        return None
    half = (len(images) + 1) // 2
    turned = iter(images[half:] + images[:half])
    return tuple(_with_images(rows, [next(turned) for _ in rows.frames_I]) for rows in passes)


def _images_of(rows: Rows) -> list[np.ndarray]:
    """The frames of each image."""
    ends = np.cumsum(rows.frames_I)
    return np.split(rows.pixels_FHWC, ends[:-1]) if len(ends) else []


def _with_images(rows: Rows, images: list[np.ndarray]) -> Rows:
    if not images:
        return rows
    frames = np.asarray([len(image) for image in images], dtype=np.int64)
    return replace(rows, pixels_FHWC=np.concatenate(images), frames_I=frames)
