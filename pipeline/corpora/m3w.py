"""M3W: documents and their images to interleaved sequences, images where they stood in the page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np

from dedup.fingerprint import hamming
from pipeline.filters.sentences import split_sentences
from pipeline.stages.similarity import ClipChoice, Embed, Rows, Task, read_vector
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.recipe import bounded
from schemas.records import (
    Document,
    Found,
    Image,
    ImageLink,
    ImagePart,
    Role,
    Sequence,
    TakenOut,
    TextBlock,
    TextPart,
)
from schemas.rejection import Reason, Why
from schemas.tables import Decision

SEQUENCES = Subject("m3w", "document", lambda d: d.key, lambda d: d.url)
PLACES = Subject("m3w_images", "image", lambda u: u.image.key, lambda u: u.url)


@dataclass(frozen=True, slots=True)
class M3wLimits:
    """What a sequence must hold.

    Attributes:
        max_images: more images on a page drop it; 0 for no limit (OBELICS: 30, table 3).
        max_image_documents: an image on more pages than this is dropped as decoration; 0 for no
            limit (OBELICS, appendix A.1: 10).
        near_image_bits: images of the corpus whose 64-bit hashes differ by at most this, and that
            are one picture when laid over each other, count as one there; -1 for one file alone.
        same_image_bits: of two images on a page whose 64-bit hashes differ by at most this, the
            first stays; -1 keeps both (MMC4, section 3: 5).
    """

    max_images: int = 30
    max_image_documents: int = 10
    near_image_bits: int = bounded(3, at_least=-1, at_most=3)
    same_image_bits: int = bounded(5, at_least=-1, at_most=64)


@dataclass(frozen=True, slots=True)
class Use:
    """An image at a place of a document.

    Attributes:
        document: the document's key.
        index: of the block in the document.
        url: as the page named it.
        image: the image.
        documents: on how many documents the image stands, or a near-copy of it.
        files: how many images are near-copies of it, itself among them.
        vector: its embedding as float32 bytes, b"" when not scored.
    """

    document: str
    index: int
    url: str
    image: Image
    documents: int = 1
    files: int = 1
    vector: bytes = b""


@dataclass(eq=False)
class BuildSequences(beam.PTransform):
    """Sequences of `documents`, `found` and `embedded`; outputs `sequences`, `read`, `decisions`.

    Documents that show one of `taken_out` make none; images that `near` puts in one group are
    counted as one. The main output holds (Sequence, vectors of its images as float32 bytes).
    """

    limits: M3wLimits

    def expand(self, inputs: Any) -> Any:
        """Shuffles of small records: by URL, by image, by its group, by document."""
        links = inputs["documents"] | "Links" >> beam.FlatMap(image_places)
        images = inputs["found"] | "Urls" >> beam.FlatMap(images_by_url)
        out = inputs["taken_out"] | "OutByUrl" >> beam.FlatMap(
            lambda image: [(url, image) for url in image.urls]
        )
        joined = {
            "links": links,
            "images": images,
            "taken_out": out,
        } | "JoinUrls" >> beam.CoGroupByKey()
        uses = joined | "Uses" >> beam.FlatMapTuple(image_uses)
        shown = joined | "ShownOut" >> beam.FlatMapTuple(shown_out)
        vectors = inputs["embedded"] | "Vectors" >> beam.Map(lambda row: (row.key, row.vector))
        counted = (
            {"uses": uses, "vectors": vectors, "near": inputs["near"]}
            | "JoinImages" >> beam.CoGroupByKey()
            | "ByGroup" >> beam.FlatMapTuple(grouped_uses)
            | "SamePicture" >> beam.GroupByKey()
            | "CountDocuments" >> beam.FlatMapTuple(count_documents)
        )
        documents = inputs["documents"] | "ByKey" >> beam.Map(lambda d: (d.key, d))
        return (
            {"documents": documents, "uses": counted, "taken_out": shown}
            | "JoinDocuments" >> beam.CoGroupByKey()
            | "Sequences"
            >> beam.FlatMapTuple(partial(_sequence, limits=self.limits)).with_outputs(
                "read", DECISIONS, main="sequences"
            )
        )


def image_places(document: Document) -> Iterator[tuple[str, tuple[str, int]]]:
    """The (URL, (document's key, index of the block)) of each image link."""
    for index, block in enumerate(document.blocks):
        if isinstance(block, ImageLink):
            yield block.url, (document.key, index)


def images_by_url(found: Found) -> Iterator[tuple[str, Image]]:
    """A found image under each of its URLs."""
    if isinstance(found.media, Image):
        for url in found.urls:
            yield url, found.media


def image_uses(url: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, Use]]:
    """Each place of an image, under the image's key."""
    for image in groups["images"]:
        for document, index in groups["links"]:
            yield image.key, Use(document, index, url, image)


def shown_out(url: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, TakenOut]]:
    """Each image that was taken out under the key of each document that shows it, by that URL."""
    for image in groups["taken_out"]:
        for document in sorted({document for document, _ in groups["links"]}):
            yield document, replace(image, urls=(url,))


def grouped_uses(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[tuple[str, Use]]:
    """Each place of an image with its embedding, under the key of the image's group."""
    group = next(iter(groups["near"]), key)
    vector = next(iter(groups["vectors"]), b"")
    for use in groups["uses"]:
        yield group, replace(use, vector=vector)


def count_documents(group: str, places: Iterable[Use]) -> Iterator[tuple[str, Use]]:
    """Each place of one picture, under its document's key, with the number of its documents."""
    del group
    uses = list(places)
    documents = len({use.document for use in uses})
    files = len({use.image.key for use in uses})
    for use in uses:
        yield use.document, replace(use, documents=documents, files=files)


def judge_use(use: Use, earlier: Iterable[Use], limits: M3wLimits) -> Why | None:
    """Why an image is dropped from its page: decoration, or a copy of one further up."""
    if 0 < limits.max_image_documents < use.documents:
        alike = f"{use.files} files that look alike" if use.files > 1 else None
        return Why(Reason.FREQUENT_IMAGE, use.documents, limits.max_image_documents, alike)
    if limits.same_image_bits >= 0:
        for other in earlier:
            bits = hamming(use.image.phash, other.image.phash)
            if use.image.key == other.image.key or bits <= limits.same_image_bits:
                return Why(Reason.DUPLICATE_IMAGE, bits, limits.same_image_bits)
    return None


def make_sequence(document: Document, uses: Iterable[Use]) -> Sequence:
    """The document's text with the given images at their places, its headline first."""
    images = {use.index: use for use in uses}
    parts: list[TextPart | ImagePart] = []
    if document.headline:
        sentences = split_sentences(document.headline)
        parts.append(TextPart(document.headline, Role.HEADING, sentences))
    for index, block in enumerate(document.blocks):
        if isinstance(block, TextBlock):
            parts.append(TextPart(block.text, block.role, split_sentences(block.text)))
        elif isinstance(block, ImageLink) and index in images:
            image = images[index].image
            parts.append(ImagePart(block.url, image, block.alt, block.caption, rights=block.rights))
    return Sequence(
        document.key,
        document.url,
        document.title,
        document.language,
        tuple(parts),
        document.fetched_at,
        document.licence,
    )


def judge_sequence(sequence: Sequence, limits: M3wLimits) -> Why | None:
    """Why a page makes no sequence: no image left, too many, or no text."""
    images = sum(isinstance(part, ImagePart) for part in sequence.parts)
    if images == 0:
        return Why(Reason.NO_MEDIA, 0, 1)
    if 0 < limits.max_images < images:
        return Why(Reason.TOO_MANY_IMAGES, images, limits.max_images)
    if not any(isinstance(part, TextPart) for part in sequence.parts):
        return Why(Reason.NO_TEXT, 0, 1)
    return None


def decide_sequence(
    document: Document, sequence: Sequence, taken_out: Iterable[TakenOut], limits: M3wLimits
) -> Decision:
    """What becomes of a document: out with the worst image that it shows, or judged by its parts.

    Args:
        document: the document.
        sequence: what is left of it.
        taken_out: images that it shows and must not.
        limits: thresholds.
    """
    shown = min(taken_out, key=_worst_first, default=None)
    if shown is not None:
        why = Why(shown.reason, shown.value, shown.limit, shown.urls[0])
        decision = SEQUENCES.rejected(document, why)
        return replace(decision, eval_set=shown.eval_set, eval_id=shown.eval_id)
    why_not = judge_sequence(sequence, limits)
    return SEQUENCES.rejected(document, why_not) if why_not else SEQUENCES.kept(document)


def _worst_first(image: TakenOut) -> tuple[Any, ...]:
    """An order of images that were taken out: by reason, then by what was measured."""
    original = image.eval_set or "", image.eval_id or ""
    return image.reason, -(image.value or 0.0), *original, image.urls


def _sequence(key: str, groups: dict[str, Iterable[Any]], limits: M3wLimits) -> Iterator[Any]:
    """The sequence of a document with its images' vectors, and all decisions; tagged."""
    del key
    for document in groups["documents"]:
        yield beam.pvalue.TaggedOutput("read", (SEQUENCES.stage, "document"))
        kept: list[Use] = []
        for use in sorted(groups["uses"], key=lambda use: use.index):
            yield beam.pvalue.TaggedOutput("read", (PLACES.stage, "image"))
            why = judge_use(use, kept, limits)
            if why is None:
                kept.append(use)
            decision = PLACES.kept(use) if why is None else PLACES.rejected(use, why)
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
        sequence = make_sequence(document, kept)
        decision = decide_sequence(document, sequence, groups["taken_out"], limits)
        yield beam.pvalue.TaggedOutput(DECISIONS, decision)
        if decision.kept:
            yield sequence, tuple(use.vector for use in kept)


@dataclass(eq=False)
class ScoreSequences(beam.PTransform):
    """Sequences with the cosine of each image and sentence; takes and gives (Sequence, vectors)."""

    choice: ClipChoice
    root: str

    def expand(self, sequences: beam.PCollection) -> beam.PCollection:
        """A sequence's sentences are embedded together."""
        if not self.choice.scores:
            return sequences
        return (
            sequences
            | "SentenceTasks" >> beam.Map(lambda pair: Task(pair, texts=sentences(pair[0])))
            | Embed(self.choice, self.root)
            | "Scores"
            >> beam.MapTuple(lambda pair, rows: (with_scores(pair[0], pair[1], rows), pair[1]))
        )


def sentences(sequence: Sequence) -> tuple[str, ...]:
    """All sentences of a sequence in reading order."""
    return tuple(
        part.text[start:end]
        for part in sequence.parts
        if isinstance(part, TextPart)
        for start, end in part.sentences
    )


def with_scores(sequence: Sequence, vectors: tuple[bytes, ...], rows: Rows) -> Sequence:
    """The sequence with cosines as float16 values, one a sentence on each image part.

    Args:
        sequence: without scores.
        vectors: unit rows of its images, as float32 bytes.
        rows: unit rows of its sentences, [sentences, dim] float32.
    """
    pending = iter(vectors)
    parts = []
    for part in sequence.parts:
        if isinstance(part, ImagePart):
            cosines = (rows @ read_vector(next(pending))).astype(np.float16)
            part = replace(part, scores=tuple(float(cosine) for cosine in cosines))
        parts.append(part)
    return replace(sequence, parts=tuple(parts))


def sequence_bytes(sequence: Sequence) -> int:
    """About how many bytes a sequence takes in its shard."""
    return sum(
        part.image.ref.size + 1024 if isinstance(part, ImagePart) else len(part.text) + 64
        for part in sequence.parts
    )
