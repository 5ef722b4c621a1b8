"""Similarity: images and texts through CLIP, by Beam's RunInference with a handler of ours.

What is embedded together is decided by the items' keys alone; and a row depends on its image or
text alone (model.clip). So a build gives the same scores on one worker and on many, and rows that
an earlier build of the same output has kept are those that it would compute.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt

from model.clip import COMPUTES
from schemas.keys import bucket_of, make_key
from schemas.records import Embedded, Found, Image, Video

IMAGES_PER_BATCH = 32
TEXTS_PER_BATCH = 1024
_ITEMS_PER_BUCKET = 1024

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipChoice:
    """Which CLIP scores: an open_clip name and tag, `local-dir:PATH`, `embedded`, or none.

    Attributes:
        model: open_clip's name, `local-dir:PATH`, `embedded`, `module:factory` for a scorer of
            another make (model/clip_plugin.py), or "none": nothing is scored.
        pretrained: open_clip's tag, or a weight file's path.
        compute: "float32", open_clip's own; "compiled", the same by a C++ compiler, which takes
            some ten seconds to begin and then half the time an image; "bfloat16", for GPUs. What
            moves embeddings by more than a cosine of 0.999 is refused.
    """

    model: str = "none"
    pretrained: str = ""
    compute: str = "float32"

    def __post_init__(self) -> None:
        if self.compute not in COMPUTES:
            raise ValueError(f"compute must be one of {', '.join(COMPUTES)}, got {self.compute!r}")

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


@dataclass(eq=False)
class Embed(beam.PTransform):
    """Payloads of tasks with their rows, [texts or media, dim] float32, by Beam's RunInference.

    What that takes, torch above all, is loaded where something is embedded, and nowhere else.
    """

    choice: ClipChoice
    root: str

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        """One a task."""
        from apache_beam.ml.inference.base import RunInference

        from pipeline.stages.clip_handler import ClipHandler

        return tasks | RunInference(ClipHandler(self.choice, self.root))


@dataclass(eq=False)
class EmbedMedia(beam.PTransform):
    """Embedded rows of Found media."""

    choice: ClipChoice
    root: str
    buckets: int

    def expand(self, found: beam.PCollection) -> beam.PCollection:
        """Embedded, one an item."""
        return (
            found
            | MediaTasks(self.buckets)
            | Embed(self.choice, self.root)
            | beam.FlatMapTuple(embedded_rows)
        )


@dataclass(eq=False)
class MediaTasks(beam.PTransform):
    """Tasks of Found media, whose payload is the media: the same in every run."""

    buckets: int

    def expand(self, found: beam.PCollection) -> beam.PCollection:
        """Media by bucket of their keys, and each bucket in batches."""
        buckets = self.buckets
        return (
            found
            | "MediaByBucket" >> beam.Map(lambda one: (bucket_of(one.media.key, buckets), one))
            | "MediaBuckets" >> beam.GroupByKey()
            | "MediaTasks" >> beam.FlatMapTuple(lambda _, group: media_tasks(group))
        )


def media_tasks(found: Iterable[Found]) -> Iterator[Task]:
    """Tasks of up to 32 images, and one a video, in the order of their keys."""
    ordered = sorted((one.media for one in found), key=lambda media: media.key)
    images = [media for media in ordered if isinstance(media, Image)]
    for start in range(0, len(images), IMAGES_PER_BATCH):
        batch = tuple(images[start : start + IMAGES_PER_BATCH])
        yield Task(batch, media=batch)
    for media in ordered:
        if isinstance(media, Video):
            yield Task((media,), media=(media,))


def embedded_rows(media: tuple[Image | Video, ...], rows: Rows) -> Iterator[Embedded]:
    """One Embedded an image, by its row; or that of the one video whose frames' rows these are."""
    if len(media) == 1 and isinstance(media[0], Video):
        mean = rows.mean(axis=0)
        unit = (mean / np.linalg.norm(mean)).astype(np.float32)
        yield Embedded(media[0].key, _bytes_of(unit), _bytes_of(rows))
        return
    for image, row in zip(media, rows, strict=True):
        yield Embedded(image.key, _bytes_of(row))


def _bytes_of(rows: Rows) -> bytes:
    return rows.astype("<f4").tobytes()


def read_vector(vector: bytes) -> Rows:
    """The unit row that an Embedded holds."""
    return np.frombuffer(vector, dtype="<f4").astype(np.float32)


def buckets_for(items: int) -> int:
    """Buckets for a number of items; the same for any number of workers."""
    return 1 + items // _ITEMS_PER_BUCKET


def text_bucket(text: str, buckets: int) -> int:
    """The bucket of a text, the same wherever it stands."""
    return bucket_of(make_key(text), buckets)
