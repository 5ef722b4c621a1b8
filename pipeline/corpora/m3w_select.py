"""M3W's images by score: those that resemble no sentence of their page leave it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam

from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import ImagePart, Sequence
from schemas.rejection import Reason, Why

SEQUENCES = Subject("m3w_similarity", "document", lambda s: s.key, lambda s: s.url)
IMAGES = Subject("m3w_similarity", "image", lambda part: part.image.key, lambda part: part.url)


def best_scores(sequence: Sequence) -> Iterator[float | None]:
    """Of each image of a sequence its largest cosine with a sentence: the pool of a share."""
    for part in sequence.parts:
        if isinstance(part, ImagePart):
            yield max(part.scores, default=None)


def judge_likeness(image: ImagePart, threshold: float | None) -> Why | None:
    """Why an image leaves its page: its best sentence is less like it than the pool's worst kept.

    MMC4 (arXiv 2304.06939, section 2) has 0.15 of CLIP's L/14 in place of a share of the pool.
    """
    best = max(image.scores, default=None)
    if threshold is None or best is None or best >= threshold:
        return None
    return Why(Reason.LOW_SIMILARITY, best, threshold)


@dataclass(eq=False)
class SelectImages(beam.PTransform):
    """Sequences without the images below a threshold; outputs `sequences`, `read`, `decisions`.

    A sequence that is left without an image is dropped.
    """

    threshold: float | None

    def expand(self, sequences: beam.PCollection) -> Any:
        """Three outputs."""
        return sequences | beam.FlatMap(
            partial(select_images, threshold=self.threshold)
        ).with_outputs("read", DECISIONS, main="sequences")


def select_images(sequence: Sequence, threshold: float | None) -> Iterator[Any]:
    """The sequence with the images that stay, unless none does; all decisions; tagged."""
    yield beam.pvalue.TaggedOutput("read", (SEQUENCES.stage, SEQUENCES.kind))
    parts = []
    for part in sequence.parts:
        if isinstance(part, ImagePart):
            yield beam.pvalue.TaggedOutput("read", (IMAGES.stage, IMAGES.kind))
            why = judge_likeness(part, threshold)
            decision = IMAGES.rejected(part, why) if why else IMAGES.kept(part)
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
            if why:
                continue
        parts.append(part)
    left = any(isinstance(part, ImagePart) for part in parts)
    decision = (
        SEQUENCES.kept(sequence)
        if left
        else SEQUENCES.rejected(sequence, Why(Reason.NO_MEDIA, 0, 1))
    )
    yield beam.pvalue.TaggedOutput(DECISIONS, decision)
    if left:
        yield replace(sequence, parts=tuple(parts))
