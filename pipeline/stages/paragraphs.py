"""Paragraphs: OBELICS's rules on the blocks of a document, then on what is left of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Any

import apache_beam as beam

from pipeline.filters.document import document_text
from pipeline.filters.flagged import FlaggedLimits
from pipeline.filters.obelics import ObelicsLimits, WordLists, judge_obelics, judge_paragraph
from pipeline.filters.perplexity import Perplexity, read_perplexity
from pipeline.filters.words import split_words
from pipeline.stages.screening import words_of
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.keys import make_key
from schemas.records import Document, TextBlock
from schemas.rejection import Why

READ = "read"
OBELICS = Subject("obelics", "document", lambda d: d.key, lambda d: d.url)
PARAGRAPHS = Subject("paragraphs", "paragraph", lambda place: place.key, lambda place: place.url)


@dataclass(frozen=True, slots=True)
class ObelicsSettings:
    """What the rules need of a recipe: their limits, and the file of flagged words."""

    obelics: ObelicsLimits = field(default_factory=ObelicsLimits)
    flagged: FlaggedLimits = field(default_factory=FlaggedLimits)


@dataclass(frozen=True, slots=True)
class ParagraphPlace:
    """A paragraph as decisions name it: its key, of document and place, and the page's URL."""

    key: str
    url: str


@dataclass(eq=False)
class FilterParagraphs(beam.PTransform):
    """Documents without the paragraphs that OBELICS drops; outputs `kept`, `read`, `decisions`."""

    settings: ObelicsSettings

    def expand(self, documents: beam.PCollection) -> Any:
        """Three outputs, no shuffle."""
        return documents | beam.FlatMap(filtered, self.settings).with_outputs(
            READ, DECISIONS, main="kept"
        )


def filter_paragraphs(
    document: Document, lists: WordLists, limits: ObelicsLimits
) -> tuple[Document, list[Why | None], Why | None]:
    """The document without bad paragraphs, the verdict on each text block, and on the whole."""
    verdicts: list[Why | None] = []
    blocks, words = [], []
    for block in document.blocks:
        if isinstance(block, TextBlock):
            tokens = split_words(block.text)
            verdicts.append(judge_paragraph(block.text, tokens, block.role, lists, limits))
            if verdicts[-1] is not None:
                continue
            words.append(tokens)
        blocks.append(block)
    kept = replace(document, blocks=tuple(blocks))
    tokens = list(chain.from_iterable(words))
    return kept, verdicts, judge_obelics(document_text(kept), tokens, lists, limits.document)


def filtered(document: Document, settings: ObelicsSettings) -> Iterator[Any]:
    """The document as it goes on, with a decision for it and for each of its paragraphs; tagged."""
    limits = settings.obelics
    kept, verdicts, why = filter_paragraphs(document, lists_of(settings), limits)
    for index, verdict in enumerate(verdicts):
        place = ParagraphPlace(make_key(document.key, str(index)), document.url)
        yield beam.pvalue.TaggedOutput(READ, (PARAGRAPHS.stage, "paragraph"))
        yield beam.pvalue.TaggedOutput(DECISIONS, _decision(PARAGRAPHS, place, verdict))
    yield beam.pvalue.TaggedOutput(READ, (OBELICS.stage, "document"))
    yield beam.pvalue.TaggedOutput(DECISIONS, _decision(OBELICS, document, why))
    if why is None:
        yield kept


def _decision(subject: Subject, item: object, why: Why | None) -> Any:
    return subject.kept(item) if why is None else subject.rejected(item, why)


def lists_of(settings: ObelicsSettings) -> WordLists:
    """The lists that come along, and what the recipe's files hold; read once a process."""
    limits = settings.obelics
    common = words_of(limits.common_words_file, "") if limits.common_words_file else None
    perplexity = None
    if limits.perplexity_model:
        perplexity = _perplexity(limits.perplexity_model, limits.perplexity_pieces)
    flagged = words_of(settings.flagged.words_file, "flagged")
    return WordLists(flagged=flagged, common=common, perplexity=perplexity)


@lru_cache(maxsize=1)
def _perplexity(model: str, pieces: str) -> Perplexity:
    return read_perplexity(model, pieces)
