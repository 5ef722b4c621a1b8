"""Similarity: images and texts through CLIP, by Beam's RunInference with a handler of ours.

A row of a batch can differ in its last bit with the size of the batch. So batches are not left to
chance: what is embedded together is decided by the items' keys alone, and a build gives the same
scores on one worker and on many.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Batch
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from apache_beam.ml.inference.base import ModelHandler, RunInference

from model.clip import ClipEncoder, load_clip
from pipeline.media.video import sample_frames
from pipeline.stages.beam_files import FILES
from pipeline.store.packs import PackReader
from schemas.keys import bucket_of, make_key
from schemas.records import Embedded, Found, Image, PackRef, Video

IMAGES_PER_BATCH = 32
TEXTS_PER_BATCH = 64
_FRAMES = 8

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipChoice:
    """Which CLIP scores: an open_clip name and tag, `local-dir:PATH`, `embedded`, or none.

    Attributes:
        model: open_clip's name, `local-dir:PATH`, `embedded`, or "none": nothing is scored.
        pretrained: open_clip's tag, or a weight file's path.
    """

    model: str = "none"
    pretrained: str = ""

    @property
    def scores(self) -> bool:
        """Whether there is a model at all."""
        return self.model != "none"


@dataclass(frozen=True, slots=True)
class Task:
    """Something to embed at once: texts, or media by their refs; `payload` comes back as it is."""

    payload: Any
    texts: tuple[str, ...] = ()
    media: tuple[Image | Video, ...] = ()


class ClipHandler(ModelHandler[Task, tuple[Any, Rows], ClipEncoder]):
    """Tasks to unit rows: [texts or media, dim] float32 each."""

    def __init__(self, choice: ClipChoice, root: str) -> None:
        """A handler for a model of choice, and media in packs below a root."""
        super().__init__()
        self._choice, self._root = choice, root

    def load_model(self) -> ClipEncoder:
        """The encoder, on one thread: a worker is a process, and one thread gives equal bits."""
        import torch

        torch.set_num_threads(1)
        return load_clip(self._choice.model, self._choice.pretrained)

    def run_inference(
        self,
        batch: Batch[Task],
        model: ClipEncoder,
        inference_args: Mapping[str, Any] | None = None,  # noqa: ARG002 - Beam's signature
    ) -> Iterable[tuple[Any, Rows]]:
        """Each task's payload with its rows; tasks are not mixed."""
        with PackReader(self._root, files=FILES) as reader:
            for task in batch:
                rows = (
                    model.embed_texts(task.texts)
                    if task.texts
                    else np.stack([_embed_media(media, model, reader) for media in task.media])
                    if any(isinstance(media, Video) for media in task.media)
                    else model.embed_images([_open(m.ref, reader) for m in task.media])
                )
                yield task.payload, rows

    def batch_elements_kwargs(self) -> dict[str, int]:
        """A task is a batch already."""
        return {"min_batch_size": 1, "max_batch_size": 1}


def _open(ref: PackRef, reader: PackReader) -> Any:
    """The picture behind a ref of our own making."""
    import PIL.Image

    return PIL.Image.open(io.BytesIO(reader.read(ref))).convert("RGB")


def _embed_media(media: Image | Video, model: ClipEncoder, reader: PackReader) -> Rows:
    """The unit row of a video, the mean of its frames' rows; or of an image."""
    if isinstance(media, Image):
        row: Rows = model.embed_images([_open(media.ref, reader)])[0]
        return row
    frames = sample_frames(reader.read(media.ref), fps=1.0, max_frames=_FRAMES)
    mean = model.embed_images(frames).mean(axis=0)
    unit: Rows = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit


@dataclass(eq=False)
class EmbedMedia(beam.PTransform):
    """Embedded rows of Found media."""

    choice: ClipChoice
    root: str
    buckets: int

    def expand(self, found: beam.PCollection) -> beam.PCollection:
        """Embedded, one an item."""
        buckets = self.buckets
        return (
            found
            | "MediaByBucket" >> beam.Map(lambda one: (bucket_of(one.media.key, buckets), one))
            | "MediaBuckets" >> beam.GroupByKey()
            | "MediaTasks" >> beam.FlatMapTuple(lambda _, group: media_tasks(group))
            | RunInference(ClipHandler(self.choice, self.root))
            | beam.FlatMapTuple(embedded_rows)
        )


def media_tasks(found: Iterable[Found]) -> Iterator[Task]:
    """Tasks of up to 32 images, and one a video, in the order of their keys."""
    ordered = sorted((one.media for one in found), key=lambda media: media.key)
    images = [media for media in ordered if isinstance(media, Image)]
    for start in range(0, len(images), IMAGES_PER_BATCH):
        batch = tuple(images[start : start + IMAGES_PER_BATCH])
        yield Task(tuple(image.key for image in batch), media=batch)
    for media in ordered:
        if isinstance(media, Video):
            yield Task((media.key,), media=(media,))


def embedded_rows(keys: tuple[str, ...], rows: Rows) -> Iterator[Embedded]:
    """One Embedded a row."""
    for key, row in zip(keys, rows, strict=True):
        yield Embedded(key, row.astype("<f4").tobytes())


def read_vector(vector: bytes) -> Rows:
    """The unit row that an Embedded holds."""
    return np.frombuffer(vector, dtype="<f4").astype(np.float32)


def text_bucket(text: str, buckets: int) -> int:
    """The bucket of a text, the same wherever it stands."""
    return bucket_of(make_key(text), buckets)
