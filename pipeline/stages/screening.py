"""Screen: documents in the recipe's language, of a fit URL, the newest of each URL."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import apache_beam as beam

from pipeline.filters.document import document_text
from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from pipeline.filters.language import LanguageLimits, identify_language, judge_language
from pipeline.filters.urls import UrlLimits, judge_page_url
from pipeline.filters.words import split_words
from pipeline.stages.verdicts import DECISIONS, Attempt, Subject
from schemas.records import Document
from schemas.rejection import BadInput, Reason, Why

SCREEN = Subject("screen", "document", lambda d: d.key, lambda d: d.url)
TEXT = Subject("text", "document", lambda d: d.key, lambda d: d.url)
NEWEST = Subject("newest", "document", lambda d: d.key, lambda d: d.url)


@dataclass(frozen=True, slots=True)
class ScreenLimits:
    """Limits on documents that hold for every corpus."""

    language: LanguageLimits = field(default_factory=LanguageLimits)
    urls: UrlLimits = field(default_factory=UrlLimits)


def screen_document(document: Document, limits: ScreenLimits) -> Document:
    """The document with its language.

    Raises:
        BadInput: a URL or a language that the limits turn away.
    """
    why = judge_page_url(document.url, limits.urls)
    if why is None:
        language, probability = identify_language(document_text(document))
        why = judge_language(language, probability, limits.language)
        document = replace(document, language=language)
    if why is not None:
        raise BadInput(why.reason, why.value, why.limit)
    return document


def judge_text(document: Document, limits: GopherLimits) -> Why | None:
    """Why the document's text is not good enough for M3W; one tokenisation serves all rules."""
    text = document_text(document)
    words = split_words(text)
    return judge_quality(text, limits, words) or judge_repetition(text, limits, words)


def choose_newest(documents: Iterable[Document]) -> list[tuple[Document, bool]]:
    """The documents of one URL with whether each is kept: the newest, by key where times tie."""
    ordered = sorted(documents, key=lambda d: (d.fetched_at, d.key), reverse=True)
    return [(document, index == 0) for index, document in enumerate(ordered)]


@dataclass(eq=False)
class ScreenDocuments(beam.PTransform):
    """Documents with their language; outputs `kept`, `decisions`."""

    limits: ScreenLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Two outputs."""
        limits = self.limits
        return documents | Attempt(SCREEN, lambda document: screen_document(document, limits))


@dataclass(eq=False)
class KeepNewest(beam.PTransform):
    """One document a URL, the newest; outputs `kept`, `decisions`."""

    def expand(self, documents: beam.PCollection) -> Any:
        """Two outputs."""
        return (
            documents
            | beam.Map(lambda document: (document.url, document))
            | beam.GroupByKey()
            | beam.FlatMapTuple(_newest).with_outputs(DECISIONS, main="kept")
        )


def _newest(url: str, documents: Iterable[Document]) -> Iterator[Any]:
    """The newest document of a URL, and a decision for each."""
    for document, kept in choose_newest(documents):
        if kept:
            yield document
            yield beam.pvalue.TaggedOutput(DECISIONS, NEWEST.kept(document))
        else:
            why = Why(Reason.DUPLICATE_URL, url)
            yield beam.pvalue.TaggedOutput(DECISIONS, NEWEST.rejected(document, why))
