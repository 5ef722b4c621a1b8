"""The verdict on a parsed document: its language, then its text."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field, replace

from pipeline.filters.flagged import FlaggedLimits, judge_flagged
from pipeline.filters.gopher import GopherLimits, judge_quality, judge_repetition
from pipeline.filters.language import LanguageLimits, identify_language, judge_language
from pipeline.filters.pii import replace_pii
from pipeline.filters.urls import UrlLimits, judge_page_url
from pipeline.filters.word_lists import shipped_words
from pipeline.filters.words import split_words
from schemas.records import Block, Document, ImageLink, TextBlock
from schemas.rejection import Why


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Flamingo, arXiv 2204.14198, A.3.1: English, no explicit pages, text as MassiveWeb's.

    Attributes:
        urls: words in the page's URL.
        language: the language asked for.
        flagged: the share of explicit words, by the list that comes along.
        gopher: MassiveWeb's quality and repetition rules; None where they are not asked.
    """

    urls: UrlLimits = field(default_factory=UrlLimits)
    language: LanguageLimits = field(default_factory=LanguageLimits)
    flagged: FlaggedLimits = field(default_factory=FlaggedLimits)
    gopher: GopherLimits | None = field(default_factory=GopherLimits)


def document_text(document: Document) -> str:
    """The document's text, one block a line."""
    return "\n".join(b.text for b in document.blocks if isinstance(b, TextBlock))


def without_pii(document: Document) -> tuple[Document, Counter[str]]:
    """The document with personal data replaced in all its texts, and how many of each kind.

    Texts are its title and headline, its text blocks, and the captions, descriptions and alt texts
    of its media:
    whatever goes into a corpus of sequences or of pairs. URLs stay.
    """
    counts: Counter[str] = Counter()

    def clean(text: str) -> str:
        cleaned, found = replace_pii(text)
        counts.update(found)
        return cleaned

    def cleaned(block: Block) -> Block:
        if isinstance(block, TextBlock):
            return replace(block, text=clean(block.text))
        block = replace(block, alt=clean(block.alt), caption=clean(block.caption))
        if isinstance(block, ImageLink):
            return replace(block, description=clean(block.description))
        return block

    blocks = tuple(map(cleaned, document.blocks))
    title, headline = clean(document.title), clean(document.headline)
    if not counts:
        return document, counts
    return replace(document, title=title, headline=headline, blocks=blocks), counts


def judge_document(
    document: Document,
    limits: DocumentLimits,
    language: tuple[str, float] | None = None,
    flagged: Container[str] | None = None,
) -> Why | None:
    """Why the document's URL, language or text speaks against it, or None.

    The order is the build's: what costs least comes first (Flamingo, arXiv 2204.14198, A.3.1 names
    the filters and gives no order; those of text are MassiveWeb's, arXiv 2112.11446, A.1.1).

    Args:
        document: as extracted.
        limits: thresholds.
        language: what `identify_language` said of the text, where the caller has it.
        flagged: explicit words; None for the list that comes along.
    """
    why = judge_page_url(document.url, limits.urls)
    if why is not None:
        return why
    text = document_text(document)
    words = split_words(text)
    code, probability = language or identify_language(text)
    why = judge_language(code, probability, limits.language) or judge_flagged(
        words, shipped_words("flagged") if flagged is None else flagged, limits.flagged
    )
    if why is not None or limits.gopher is None:
        return why
    return judge_quality(text, limits.gopher, words) or judge_repetition(text, limits.gopher, words)
