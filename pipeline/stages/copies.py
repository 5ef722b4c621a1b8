"""Evaluation copies out: no image or video of a benchmark's goes into a corpus."""

import io
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from dedup.descriptor import Descriptor
from dedup.evaluation_file import images_of
from dedup.fingerprint import thumbnail
from dedup.index import EvaluationIndex, Match, by_likeness, descriptor_of
from pipeline.media.video import FRAMES_FPS, MAX_FRAMES, sample_frames
from pipeline.stages.beam_files import FILES
from pipeline.stages.verdicts import DECISIONS, Subject
from pipeline.store.packs import PackReader
from schemas.records import Found, Image, Video
from schemas.rejection import Reason, Rejection, Why
from schemas.tables import rejected

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

COPIES = Subject(
    "copies",
    lambda found: "video" if isinstance(found.media, Video) else "image",
    lambda found: found.media.key,
    lambda found: found.urls[0],
)

_SEEN_SIDE = 256  # px of an image that are looked at: JPEG is decoded no larger where it can be


@dataclass(eq=False)
class DropEvaluationCopies(beam.PTransform):
    """Found media that no evaluation set holds; outputs `kept`, `decisions`.

    Attributes:
        root: which the media's packs lie below.
        indexes: paths of evaluation indexes.
    """

    root: str
    indexes: tuple[str, ...]

    def expand(self, found: beam.PCollection) -> Any:
        """Two outputs."""
        match = _Match(self.root, self.indexes)
        return found | beam.ParDo(match).with_outputs(DECISIONS, main="kept")


class _Match(beam.DoFn):
    """Held against every index, which each worker loads once."""

    def __init__(self, root: str, indexes: tuple[str, ...]) -> None:
        self._root, self._paths = root, indexes

    def setup(self) -> None:
        self._held = [load_held(path) for path in self._paths]
        self._reader = PackReader(self._root, files=FILES)

    def process(self, found: Found) -> Iterator[Any]:
        match = first_match(pictures_of(found, self._reader), self._held)
        if match is None:
            yield found
            yield beam.pvalue.TaggedOutput(DECISIONS, COPIES.kept(found))
            return
        kind = "video" if isinstance(found.media, Video) else "image"
        rejection = Rejection(
            kind, found.media.key, found.urls[0], why_copy(match), match.eval_set, match.eval_id
        )
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(COPIES.stage, rejection))

    def teardown(self) -> None:
        self._reader.close()


@dataclass(frozen=True, slots=True)
class Held:
    """An index that media are held against, with the descriptor that made its rows, if any."""

    index: EvaluationIndex
    descriptor: Descriptor | None = None


def load_held(path: str) -> Held:
    """The index in a file, on disk or in a bucket, and its descriptor.

    Raises:
        UnusableIndex: as `images_of` and `descriptor_of`.
        OSError: the file cannot be read.
    """
    index = images_of(FILES.read(path), path)
    if index.embedding is not None:
        import torch

        torch.set_num_threads(1)  # a worker is a process, and one thread gives equal bits
    return Held(index, descriptor_of(index, path))


def original_pictures(
    indexes: tuple[str, ...], wanted: Set[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], bytes]]:
    """The thumbnails of evaluation data that some indexes hold, as PNG, by set and id."""
    import PIL.Image

    for path in indexes if wanted else ():
        for item in images_of(FILES.read(path), path).items:
            if (item.eval_set, item.eval_id) in wanted:
                stream = io.BytesIO()
                PIL.Image.fromarray(item.grey).save(stream, "PNG")
                yield (item.eval_set, item.eval_id), stream.getvalue()


def pictures_of(found: Found, reader: PackReader) -> "list[PilImage]":
    """An image of our own making, or a video's frames, one a second."""
    import PIL.Image

    content = reader.read(found.media.ref)
    if isinstance(found.media, Image):
        image = PIL.Image.open(io.BytesIO(content))
        image.draft("RGB", (_SEEN_SIDE, _SEEN_SIDE))
        return [image.convert("RGB")]
    return sample_frames(content, FRAMES_FPS, MAX_FRAMES)


def first_match(pictures: "list[PilImage]", held: list[Held]) -> Match | None:
    """What an image, or any frame of a video, is most surely a copy of, in any of the indexes."""
    greys = [thumbnail(picture) for picture in pictures]
    matches = []
    for one in held:
        embed = one.descriptor.embed_images if one.descriptor and pictures else None
        found = one.index.match(greys, embed(pictures) if embed else None)
        matches += [match for match in found if match]
    return min(matches, key=by_likeness, default=None)


def why_copy(match: Match) -> Why:
    """The likeness of a copy, and the least that makes one."""
    return Why(Reason.EVALUATION_COPY, match.likeness, match.limit)
