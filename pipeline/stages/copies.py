"""Evaluation copies out: no image or video of a benchmark's goes into a corpus."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np

from dedup.index import EvaluationIndex, Match
from pipeline.stages.beam_files import FILES
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import Found, Video
from schemas.rejection import Reason, Rejection, Why
from schemas.tables import rejected

COPIES = Subject(
    "copies",
    lambda found: "video" if isinstance(found.media, Video) else "image",
    lambda found: found.media.key,
    lambda found: found.urls[0],
)


@dataclass(eq=False)
class DropEvaluationCopies(beam.PTransform):
    """Found media that no evaluation set holds; outputs `kept`, `decisions`."""

    indexes: tuple[str, ...]

    def expand(self, found: beam.PCollection) -> Any:
        """Two outputs."""
        return found | beam.ParDo(_Match(self.indexes)).with_outputs(DECISIONS, main="kept")


class _Match(beam.DoFn):
    """Held against every index, which each worker loads once."""

    def __init__(self, indexes: tuple[str, ...]) -> None:
        self._paths = indexes

    def setup(self) -> None:
        self._indexes = [load_index(path) for path in self._paths]

    def process(self, found: Found) -> Iterator[Any]:
        match = first_match(found, self._indexes)
        if match is None:
            yield found
            yield beam.pvalue.TaggedOutput(DECISIONS, COPIES.kept(found))
            return
        why = Why(Reason.EVALUATION_COPY, match.distance, match.radius)
        kind = "video" if isinstance(found.media, Video) else "image"
        rejection = Rejection(
            kind, found.media.key, found.urls[0], why, match.eval_set, match.eval_id
        )
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(COPIES.stage, rejection))


def load_index(path: str) -> EvaluationIndex:
    """The index in a file, on disk or in a bucket."""
    return EvaluationIndex.decode(FILES.read(path), path)


def first_match(found: Found, indexes: list[EvaluationIndex]) -> Match | None:
    """The nearest copy of an image, or of any frame of a video, in any of the indexes."""
    media = found.media
    hashes = media.frame_phashes if isinstance(media, Video) else (media.phash,)
    if not hashes:
        return None
    codes = np.array([int(code, 16) for code in hashes], dtype=np.uint64)
    matches = [match for index in indexes for match in index.match(codes) if match is not None]
    return min(matches, key=lambda m: (m.distance, m.eval_set, m.eval_id), default=None)
