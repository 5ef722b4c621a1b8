"""Evaluation copies out: no image or video of a benchmark's goes into a corpus."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam

from dedup.evaluation_file import images_of
from dedup.fingerprint import to_codes, to_spectra
from dedup.index import COSINE, EvaluationIndex, Match
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
    """Found media that no evaluation set holds, without their spectra; `kept`, `decisions`."""

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
            yield replace(found, spectra=())  # nothing after this stage asks for them
            yield beam.pvalue.TaggedOutput(DECISIONS, COPIES.kept(found))
            return
        kind = "video" if isinstance(found.media, Video) else "image"
        rejection = Rejection(
            kind, found.media.key, found.urls[0], why_copy(match), match.eval_set, match.eval_id
        )
        yield beam.pvalue.TaggedOutput(DECISIONS, rejected(COPIES.stage, rejection))


def load_index(path: str) -> EvaluationIndex:
    """The index in a file, on disk or in a bucket."""
    return images_of(FILES.read(path), path)


def first_match(found: Found, indexes: list[EvaluationIndex]) -> Match | None:
    """What an image, or any frame of a video, is most surely a copy of, in any of the indexes.

    By hash and spectrum; by the hash alone where the media has no spectra.
    """
    media = found.media
    hashes = media.frame_phashes if isinstance(media, Video) else (media.phash,)
    if not hashes:
        return None
    codes = to_codes(hashes)
    spectra = to_spectra(found.spectra) if found.spectra else None
    matches = [match for index in indexes for match in index.match(codes, spectra) if match]
    return min(matches, key=_by_likeness, default=None)


def _by_likeness(match: Match) -> tuple[float, int, str, str]:
    """Smallest for the likest; the first by name of equals."""
    return -(match.cosine or 0.0), match.distance, match.eval_set, match.eval_id


def why_copy(match: Match) -> Why:
    """The cosine and the least of a copy, or the bits and the most of a copy by hash alone."""
    if match.cosine is None:
        return Why(Reason.EVALUATION_COPY, match.distance, match.radius)
    return Why(Reason.EVALUATION_COPY, match.cosine, COSINE)
