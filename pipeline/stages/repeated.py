"""Paragraphs that a host repeats on its pages: cookie notices, footers, what every page says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import apache_beam as beam

from dedup.plain_text import plain_text
from pipeline.stages.paragraphs import ParagraphPlace
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.keys import make_key
from schemas.recipe import bounded
from schemas.records import Block, Document, Role, TextBlock
from schemas.rejection import Reason, Why

READ = "read"
REPEATED = Subject("repeated", "document", lambda d: d.key, lambda d: d.url)
REPEATED_TEXTS = Subject("host_paragraphs", "paragraph", lambda p: p.key, lambda p: p.url)


@dataclass(frozen=True, slots=True)
class RepeatedLimits:
    """Which paragraphs a host says too often.

    Attributes:
        min_pages: a paragraph that stands on at least so many pages of its host is taken out of
            all of them; 0 keeps all (OBELICS, appendix A.1: 3). Headings stay.
    """

    min_pages: int = bounded(0, at_least=0)


@dataclass(eq=False)
class DropRepeatedParagraphs(beam.PTransform):
    """Documents less what their host repeats; outputs `kept`, `read`, `decisions`."""

    limits: RepeatedLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Keys are shuffled by host and paragraph, then documents by key; texts move once."""
        repeated = (
            documents
            | "Texts" >> beam.FlatMap(host_texts)
            | "SameTexts" >> beam.GroupByKey()
            | "Often" >> beam.FlatMapTuple(partial(repeated_texts, limits=self.limits))
        )
        return (
            {
                "documents": documents | "ByKey" >> beam.Map(lambda d: (d.key, d)),
                "repeated": repeated,
            }
            | "JoinRepeated" >> beam.CoGroupByKey()
            | "DropRepeated"
            >> beam.FlatMapTuple(partial(drop_repeated, limits=self.limits)).with_outputs(
                READ, DECISIONS, main="kept"
            )
        )


def host_texts(document: Document) -> Iterator[tuple[str, str]]:
    """(key of host and text, document's key) for each different paragraph, headings left out."""
    keys = {_key_of(document, block): None for block in document.blocks if may_repeat(block)}
    for key in keys:
        yield key, document.key


def _key_of(document: Document, block: TextBlock) -> str:
    """A key of the document's host and the paragraph, as texts are compared."""
    return make_key(urlsplit(document.url).hostname or "", plain_text(block.text))


def repeated_texts(
    text_key: str, documents: Iterable[str], limits: RepeatedLimits
) -> Iterator[tuple[str, tuple[str, int]]]:
    """(document's key, (key of host and text, pages)) of a text that stands on enough pages."""
    pages = sum(1 for _ in documents)
    if pages >= limits.min_pages:
        for document in documents:
            yield document, (text_key, pages)


def drop_repeated(key: str, groups: dict[str, Iterable[Any]], limits: RepeatedLimits) -> Any:
    """A document less what is repeated, unless nothing is left, and all decisions; tagged."""
    del key
    pages = dict(groups["repeated"])
    for document in groups["documents"]:
        kept: list[Block] = []
        for index, block in enumerate(document.blocks):
            if not may_repeat(block):
                kept.append(block)
                continue
            place = ParagraphPlace(make_key(document.key, str(index)), document.url)
            times = pages.get(_key_of(document, block))
            yield beam.pvalue.TaggedOutput(READ, (REPEATED_TEXTS.stage, "paragraph"))
            if times is None:
                kept.append(block)
                decision = REPEATED_TEXTS.kept(place)
            else:
                why = Why(Reason.REPEATED_ON_HOST, times, limits.min_pages)
                decision = REPEATED_TEXTS.rejected(place, why)
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
        yield beam.pvalue.TaggedOutput(READ, (REPEATED.stage, "document"))
        if any(isinstance(block, TextBlock) for block in kept):
            yield replace(document, blocks=tuple(kept))
            yield beam.pvalue.TaggedOutput(DECISIONS, REPEATED.kept(document))
        else:
            why = Why(Reason.NO_TEXT, 0, 1)
            yield beam.pvalue.TaggedOutput(DECISIONS, REPEATED.rejected(document, why))


def may_repeat(block: Block) -> TypeGuard[TextBlock]:
    """Whether a block is a paragraph that may be repeated."""
    return isinstance(block, TextBlock) and block.role is not Role.HEADING
