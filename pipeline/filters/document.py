"""The verdict on a parsed document: its language, then its text."""

from dataclasses import dataclass, field, replace

from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from pipeline.filters.language import LanguageLimits, identify_language, judge_language
from pipeline.filters.urls import UrlLimits, judge_page_url
from pipeline.filters.words import split_words
from schemas.records import Document, TextBlock
from schemas.rejection import Why


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Flamingo, arXiv 2204.14198, A.3.1: English, no explicit pages, text as MassiveWeb's.

    Attributes:
        urls: words in the page's URL.
        language: the language asked for.
        gopher: MassiveWeb's quality and repetition rules.
    """

    urls: UrlLimits = field(default_factory=UrlLimits)
    language: LanguageLimits = field(default_factory=LanguageLimits)
    gopher: GopherLimits = field(default_factory=GopherLimits)


def document_text(document: Document) -> str:
    """The document's text, one block a line."""
    return "\n".join(b.text for b in document.blocks if isinstance(b, TextBlock))


def with_language(document: Document) -> tuple[Document, float]:
    """The document with the language that its text is in, and how sure that is."""
    code, probability = identify_language(document_text(document))
    return replace(document, language=code), probability


def judge_document(
    document: Document, limits: DocumentLimits, language: tuple[str, float] | None = None
) -> Why | None:
    """Why the document's URL, language or text speaks against it, or None.

    Args:
        document: as extracted.
        limits: thresholds.
        language: what `identify_language` said of the text, where the caller has it.
    """
    why = judge_page_url(document.url, limits.urls)
    if why is not None:
        return why
    text = document_text(document)
    words = split_words(text)
    code, probability = language or identify_language(text)
    return (
        judge_language(code, probability, limits.language)
        or judge_quality(text, limits.gopher, words)
        or judge_repetition(text, limits.gopher, words)
    )
