"""Of documents that are the same by a key, one stays: of one URL, of one text.

Each decision on another names the one that stayed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam

from dedup.canonical_url import TRACKING, canonical_url
from dedup.keep_one import keep_one
from dedup.plain_text import plain_text
from pipeline.filters.document import document_text
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.keys import make_key
from schemas.records import Document
from schemas.rejection import Reason, Why

NEWEST = Subject("newest", "document", lambda d: d.key, lambda d: d.url)
SAME_TEXT = Subject("same_text", "document", lambda d: d.key, lambda d: d.url)


@dataclass(frozen=True, slots=True)
class Rank:
    """What the choice among copies depends on: newest, then longest, then by key."""

    key: str
    fetched_at: str
    length: int
    url: str


def rank_of(document: Document) -> Rank:
    """The document's rank."""
    length = len(document_text(document))
    return Rank(document.key, document.fetched_at, length, document.url)


@dataclass(eq=False)
class KeepNewest(beam.PTransform):
    """One document a page, the newest, however its URL is spelt; outputs `kept`, `decisions`."""

    tracking: tuple[str, ...] = TRACKING

    def expand(self, documents: beam.PCollection) -> Any:
        """One GroupByKey of documents."""
        url_of = partial(_url_of, tracking=self.tracking)
        return documents | _OneStays(NEWEST, Reason.DUPLICATE_URL, url_of)


@dataclass(eq=False)
class DropSameText(beam.PTransform):
    """One document a text, whatever their URLs; outputs `kept`, `decisions`."""

    def expand(self, documents: beam.PCollection) -> Any:
        """One GroupByKey of documents."""
        return documents | _OneStays(SAME_TEXT, Reason.DUPLICATE_TEXT, text_key)


def _url_of(document: Document, tracking: tuple[str, ...]) -> str:
    return canonical_url(document.url, tracking)


def text_key(document: Document) -> str:
    """A key of the document's text as `plain_text` has it; of one without a text, its own."""
    text = plain_text(document_text(document))
    return make_key("text", text) if text else document.key


@dataclass(eq=False)
class _OneStays(beam.PTransform):
    subject: Subject
    reason: Reason
    same: Callable[[Document], str]

    def expand(self, documents: beam.PCollection) -> Any:
        return (
            documents
            | "BySame" >> beam.Map(_keyed, self.same)
            | "Same" >> beam.GroupByKey()
            | "OneStays"
            >> beam.FlatMapTuple(
                partial(one_stays, subject=self.subject, reason=self.reason)
            ).with_outputs(DECISIONS, main="kept")
        )


def _keyed(document: Document, same: Callable[[Document], str]) -> tuple[str, Document]:
    return same(document), document


def one_stays(
    same: str, documents: Iterable[Document], subject: Subject, reason: Reason
) -> Iterator[Any]:
    """The document that stays, and a decision for each; tagged.

    The documents are gone through twice and never held: of a text a million may be the same.
    """
    del same
    stays = keep_one(map(rank_of, documents))
    is_there = False
    for document in documents:
        if not is_there and rank_of(document) == stays:
            is_there = True
            yield document
            yield beam.pvalue.TaggedOutput(DECISIONS, subject.kept(document))
        else:
            decision = subject.replaced(document, Why(reason), (stays.key, stays.url))
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
