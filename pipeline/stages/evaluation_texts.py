"""Evaluation texts out: no document or pair that holds a benchmark's question, answer or caption.

Before any download; whether such an item goes or is only flagged, the recipe says.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from dedup.evaluation_file import EvaluationFile
from dedup.evaluation_texts import EvaluationTextLimits, TextIndex, TextMatch
from pipeline.filters.document import document_text
from pipeline.stages.beam_files import FILES
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import Document, PairLink
from schemas.rejection import Reason, Why
from schemas.tables import Decision

DOCUMENT_TEXTS = Subject("eval_texts", "document", lambda d: d.key, lambda d: d.url)
PAIR_TEXTS = Subject("eval_pair_texts", "pair", lambda link: link.key, lambda link: link.url)


@dataclass(eq=False)
class DropEvaluationTexts(beam.PTransform):
    """Documents or pair links without evaluation texts; outputs `kept`, `decisions`."""

    subject: Subject
    indexes: tuple[str, ...]
    limits: EvaluationTextLimits

    def expand(self, items: beam.PCollection) -> Any:
        """Two outputs, no shuffle."""
        judged = _Match(self.subject, self.indexes, self.limits)
        return items | beam.ParDo(judged).with_outputs(DECISIONS, main="kept")


class _Match(beam.DoFn):
    """Held against every index, which each worker loads once."""

    def __init__(
        self, subject: Subject, indexes: tuple[str, ...], limits: EvaluationTextLimits
    ) -> None:
        self._subject, self._paths, self._limits = subject, indexes, limits

    def setup(self) -> None:
        self._indexes = load_texts(self._paths)

    def process(self, item: Document | PairLink) -> Iterator[Any]:
        match = first_text(text_of(item), self._indexes, self._limits.containment)
        decision = decide_text(item, self._subject, match, self._limits)
        if decision.kept:
            yield item
        yield beam.pvalue.TaggedOutput(DECISIONS, decision)


def load_texts(
    paths: tuple[str, ...], read: Callable[[str], bytes] = FILES.read
) -> list[TextIndex]:
    """The texts of those indexes that hold any, on disk or in a bucket."""
    files = [EvaluationFile.decode(read(path), path) for path in paths]
    return [file.texts for file in files if file.texts is not None]


def text_of(item: Document | PairLink) -> str:
    """All text of a document, or the text of a pair."""
    return document_text(item) if isinstance(item, Document) else item.text


def first_text(text: str, indexes: list[TextIndex], least: float) -> TextMatch | None:
    """The evaluation text of any index that a text holds most of; the first by name of equals."""
    matches = [match for index in indexes if (match := index.match(text, least))]
    return min(matches, key=lambda one: (-one.containment, one.eval_set, one.eval_id), default=None)


def decide_text(
    item: Document | PairLink,
    subject: Subject,
    match: TextMatch | None,
    limits: EvaluationTextLimits,
) -> Decision:
    """What becomes of an item; a flagged one is kept, its decision names the match."""
    if match is None:
        return subject.kept(item)
    why = Why(Reason.EVALUATION_TEXT, match.containment, limits.containment)
    return subject.matched(item, why, (match.eval_set, match.eval_id), limits.policy)
