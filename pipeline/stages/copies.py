"""Evaluation copies out: no image or video of a benchmark's goes into a corpus.

What goes with it, or whether it is only flagged, the recipe says.
"""

import io
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from dedup.descriptor import Descriptor
from dedup.evaluation_file import images_of
from dedup.fingerprint import seen_grey
from dedup.index import EvaluationIndex, Match, by_likeness, descriptor_of
from pipeline.media.video import FRAMES_FPS, MAX_FRAMES, sample_frames
from pipeline.stages.beam_files import FILES
from pipeline.stages.media_out import TAKEN_OUT, media_subject, take_out
from pipeline.stages.verdicts import DECISIONS
from pipeline.store.packs import PackReader
from schemas.records import Found, Image
from schemas.rejection import Reason, Why

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

COPIES = media_subject("copies")

POLICIES = ("drop", "drop_sample", "flag")

_SEEN_SIDE = 256  # px of an image that are looked at: JPEG is decoded no larger where it can be


@dataclass(frozen=True, slots=True)
class EvaluationCopyLimits:
    """What becomes of copies of an evaluation set's images and videos.

    Attributes:
        policy: drop takes out the image or video, and with it the pair that it is half of;
            drop_sample also every document that shows the image; flag keeps all, with the match in
            the decision.
        cells_from: an index of so many images and frames or more, with a descriptor, is searched by
            cells: four times as fast, and some crops are missed (docs/benchmarks.md); 0 for never.
    """

    policy: str = "drop"
    cells_from: int = 0

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy must be drop, drop_sample or flag, got {self.policy}")


@dataclass(eq=False)
class DropEvaluationCopies(beam.PTransform):
    """Found media that no evaluation set holds; outputs `kept`, `taken_out`, `decisions`.

    Attributes:
        root: which the media's packs lie below.
        indexes: paths of evaluation indexes.
        limits: what becomes of copies.
    """

    root: str
    indexes: tuple[str, ...]
    limits: EvaluationCopyLimits = field(default_factory=EvaluationCopyLimits)

    def expand(self, found: beam.PCollection) -> Any:
        """Three outputs, no shuffle; `taken_out` are images whose documents are to go."""
        match = _Match(self.root, self.indexes, self.limits)
        return found | beam.ParDo(match).with_outputs(TAKEN_OUT, DECISIONS, main="kept")


class _Match(beam.DoFn):
    """Held against every index, which each worker loads once."""

    def __init__(self, root: str, indexes: tuple[str, ...], limits: EvaluationCopyLimits) -> None:
        self._root, self._paths, self._limits = root, indexes, limits

    def setup(self) -> None:
        self._held = [load_held(path, self._limits.cells_from) for path in self._paths]
        self._reader = PackReader(self._root, files=FILES)

    def process(self, found: Found) -> Iterator[Any]:
        match = first_match(pictures_of(found, self._reader), self._held)
        yield from decided(found, match, self._limits.policy)

    def teardown(self) -> None:
        self._reader.close()


def decided(found: Found, match: Match | None, policy: str) -> Iterator[Any]:
    """The media where they stay, the image where its documents go, and the decision; tagged."""
    if match is None:
        decision = COPIES.kept(found)
    else:
        original = match.eval_set, match.eval_id
        decision = COPIES.matched(found, why_copy(match), original, policy)
    yield from take_out(found, decision, documents=policy == "drop_sample")


@dataclass(frozen=True, slots=True)
class Held:
    """An index that media are held against, with the descriptor that made its rows, if any."""

    index: EvaluationIndex
    descriptor: Descriptor | None = None


def load_held(path: str, cells_from: int = 0) -> Held:
    """The index in a file, on disk or in a bucket, and its descriptor.

    Args:
        path: of the file.
        cells_from: so many items or more are searched by cells; 0 for never.

    Raises:
        UnusableIndex: as `images_of` and `descriptor_of`.
        OSError: the file cannot be read.
    """
    index = images_of(FILES.read(path), path)
    if index.embedding is not None:
        import torch

        torch.set_num_threads(1)  # a worker is a process, and one thread gives equal bits
    return Held(replace(index, cells_from=cells_from), descriptor_of(index, path))


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
    greys = [seen_grey(picture) for picture in pictures]
    matches = []
    for one in held:
        embed = one.descriptor.embed_images if one.descriptor and pictures else None
        found = one.index.match(greys, embed(pictures) if embed else None)
        matches += [match for match in found if match]
    return min(matches, key=by_likeness, default=None)


def why_copy(match: Match) -> Why:
    """The likeness of a copy, and the least that makes one."""
    return Why(Reason.EVALUATION_COPY, match.likeness, match.limit)
