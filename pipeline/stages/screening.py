"""Screen: documents in the recipe's language, of a fit URL, without personal data."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import apache_beam as beam

from pipeline.filters.document import document_text, without_pii
from pipeline.filters.flagged import FlaggedLimits, judge_flagged
from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from pipeline.filters.language import LanguageLimits, identify_language, judge_language
from pipeline.filters.pii import PiiLimits
from pipeline.filters.urls import UrlLimits, judge_page_url
from pipeline.filters.word_lists import parse_words, shipped_words
from pipeline.filters.words import split_words
from pipeline.stages.beam_files import FILES
from pipeline.stages.verdicts import DECISIONS, REPLACED, Subject
from schemas.records import Document
from schemas.rejection import BadInput, Why

SCREEN = Subject("screen", "document", lambda d: d.key, lambda d: d.url)
TEXT = Subject("text", "document", lambda d: d.key, lambda d: d.url)


@dataclass(frozen=True, slots=True)
class ScreenLimits:
    """Limits on documents that hold for every corpus."""

    language: LanguageLimits = field(default_factory=LanguageLimits)
    urls: UrlLimits = field(default_factory=UrlLimits)
    flagged: FlaggedLimits = field(default_factory=FlaggedLimits)
    pii: PiiLimits = field(default_factory=PiiLimits)


@lru_cache(maxsize=8)
def words_of(path: str, shipped: str) -> frozenset[str]:
    """The words of a user's file, read once a process; of the list that comes along without one."""
    return parse_words(FILES.read(path)) if path else shipped_words(shipped)


def screen_document(document: Document, limits: ScreenLimits) -> tuple[Document, Counter[str]]:
    """The document with its language and without personal data, and how much of that there was.

    Raises:
        BadInput: a URL, a language or words that the limits turn away.
    """
    why = judge_page_url(document.url, limits.urls)
    if why is None:
        text = document_text(document)
        language, probability = identify_language(text)
        document = replace(document, language=language)
        why = judge_language(language, probability, limits.language) or judge_flagged(
            split_words(text), words_of(limits.flagged.words_file, "flagged"), limits.flagged
        )
    if why is not None:
        raise BadInput(why.reason, why.value, why.limit, why.detail)
    return without_pii(document) if limits.pii.replace else (document, Counter())


def judge_text(document: Document, limits: GopherLimits) -> Why | None:
    """Why the document's text is not good enough for M3W; one tokenisation serves all rules."""
    text = document_text(document)
    words = split_words(text)
    return judge_quality(text, limits, words) or judge_repetition(text, limits, words)


@dataclass(eq=False)
class ScreenDocuments(beam.PTransform):
    """Documents that pass, without personal data; outputs `kept`, `replaced`, `decisions`."""

    limits: ScreenLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Three outputs; `replaced` holds ((stage, kind, what was replaced), how often)."""
        return documents | beam.FlatMap(screened, self.limits).with_outputs(
            REPLACED, DECISIONS, main="kept"
        )


def screened(document: Document, limits: ScreenLimits) -> Iterator[Any]:
    """The document as it goes on, its decision, and what was replaced in it; tagged."""
    try:
        kept, counts = screen_document(document, limits)
    except BadInput as bad:
        yield beam.pvalue.TaggedOutput(DECISIONS, SCREEN.rejected(document, bad.why))
        return
    yield kept
    detail = "; ".join(f"{what} {number}" for what, number in sorted(counts.items())) or None
    yield beam.pvalue.TaggedOutput(DECISIONS, replace(SCREEN.kept(kept), detail=detail))
    for what, number in counts.items():
        yield beam.pvalue.TaggedOutput(REPLACED, ((SCREEN.stage, "document", what), number))
