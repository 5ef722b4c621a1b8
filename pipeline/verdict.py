"""What a build's text filters say of one page, by the part of the recipe that they are asked by."""

from collections.abc import Container
from dataclasses import dataclass, field

from pipeline.extract.limits import ExtractLimits
from pipeline.filters.document import DocumentLimits, document_text, judge_document
from pipeline.filters.language import identify_language
from pipeline.filters.obelics import ObelicsLimits
from schemas.records import Document
from schemas.rejection import Why


@dataclass(frozen=True, slots=True)
class PageRules:
    """The part of a recipe that decides what becomes of a page's text; defaults are the recipe's.

    Attributes:
        extract: guards and rules of the extraction.
        document: limits on URL, language, explicit words and text.
        obelics: the second profile, off by default.
    """

    extract: ExtractLimits = field(default_factory=ExtractLimits)
    document: DocumentLimits = field(default_factory=DocumentLimits)
    obelics: ObelicsLimits = field(default_factory=ObelicsLimits)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the filters say of a document.

    Attributes:
        language: of its text, as ISO 639-1, "" where there is no text.
        why: the document is dropped, None where it is kept.
        paragraphs: of the text blocks in their order, why each is dropped; empty where no rule is
            about paragraphs, or the document went before.
    """

    language: str
    why: Why | None
    paragraphs: tuple[Why | None, ...] = ()


def read_rules(recipe: str, overrides: list[str]) -> PageRules:
    """The rules of a recipe by its name or path, with `--set` values laid over it; "" is m3w.

    Where only pairs are built, the rules on a document's text, which are M3W's, are not asked.

    Raises:
        RecipeError: as `read_recipe`.
    """
    if not recipe and not overrides:
        return PageRules()
    from pipeline.recipe import read_recipe  # with Beam, which takes seconds

    read = read_recipe(recipe or "m3w", overrides)
    gopher = read.gopher if "m3w" in read.corpora else None
    document = DocumentLimits(read.urls, read.language, read.flagged, gopher)
    return PageRules(read.extract, document, read.obelics if gopher else ObelicsLimits())


def judge_page(document: Document, rules: PageRules) -> Verdict:
    """The verdict on a document, as the stages screen, text and obelics of a build give it.

    Raises:
        OSError: a file of words or a model that the rules name cannot be read.
    """
    language = identify_language(document_text(document))
    why = judge_document(document, rules.document, language, _flagged(rules))
    if why is not None or not rules.obelics.enabled:
        return Verdict(language[0], why)
    from pipeline.stages.paragraphs import ObelicsSettings, filter_paragraphs, lists_of

    lists = lists_of(ObelicsSettings(rules.obelics, rules.document.flagged))
    _, verdicts, why = filter_paragraphs(document, lists, rules.obelics)
    return Verdict(language[0], why, tuple(verdicts))


def _flagged(rules: PageRules) -> Container[str] | None:
    """The words of the user's file, None where the list that comes along is meant."""
    if not rules.document.flagged.words_file:
        return None
    from pipeline.stages.screening import words_of

    return words_of(rules.document.flagged.words_file, "flagged")
