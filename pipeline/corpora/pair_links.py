"""Pair links: the texts that pages give their images and videos, judged before any download."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam

from pipeline.filters.pairs import (
    AlignLimits,
    LtipLimits,
    clean_caption,
    cleaned_caption,
    judge_align_text,
    judge_ltip_text,
)
from pipeline.filters.sources import judge_source
from pipeline.filters.video_pairs import VtpLimits, judge_vtp_text
from pipeline.stages.verdicts import DECISIONS, REPLACED, Subject
from schemas.keys import make_key
from schemas.records import NO_RIGHTS, Document, ImageLink, PairLink, TextBlock, VideoLink
from schemas.rejection import Why

IMAGE = "image"
VIDEO = "video"


@dataclass(frozen=True, slots=True)
class PairLimits:
    """Which pair corpora are built, and the limits of each."""

    corpora: tuple[str, ...] = ("align", "ltip", "vtp")
    align: AlignLimits = field(default_factory=AlignLimits)
    ltip: LtipLimits = field(default_factory=LtipLimits)
    vtp: VtpLimits = field(default_factory=VtpLimits)


def subject_of(corpus: str) -> Subject:
    """How the link stage of a corpus speaks of its pairs."""
    return Subject(f"{corpus}_text", "pair", lambda link: link.key, lambda link: link.url)


@dataclass(eq=False)
class LinkPairs(beam.PTransform):
    """PairLinks of documents; outputs `links`, `read`, `replaced`, `decisions`."""

    limits: PairLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Four outputs, no shuffle."""
        return documents | beam.FlatMap(judged_links, self.limits).with_outputs(
            "read", REPLACED, DECISIONS, main="links"
        )


def judged_links(document: Document, limits: PairLimits) -> Iterator[Any]:
    """The document's pair links that pass, a decision for each, what was cut of texts; tagged."""
    for link, cut in cleaned_links(document, limits.corpora):
        subject = subject_of(link.corpus)
        yield beam.pvalue.TaggedOutput("read", (subject.stage, "pair"))
        why = judge_link(link, limits)
        if why is None:
            yield link
            yield beam.pvalue.TaggedOutput(DECISIONS, subject.kept(link))
            for what, number in sorted(cut.items()):
                yield beam.pvalue.TaggedOutput(REPLACED, ((subject.stage, "pair", what), number))
        else:
            yield beam.pvalue.TaggedOutput(DECISIONS, subject.rejected(link, why))


def judge_link(link: PairLink, limits: PairLimits) -> Why | None:
    """Why a text is no caption for its corpus."""
    if link.corpus == "align":
        return judge_align_text(link.text, limits.align)
    if link.corpus == "ltip":
        return judge_source(link.page_url, limits.ltip) or judge_ltip_text(link.text, limits.ltip)
    return judge_vtp_text(link.text, limits.vtp)


def pair_links(document: Document, corpora: Iterable[str]) -> Iterator[PairLink]:
    """Every text that the page ties to an image or a video, in reading order."""
    return (link for link, _ in cleaned_links(document, corpora))


def cleaned_links(
    document: Document, corpora: Iterable[str]
) -> Iterator[tuple[PairLink, Counter[str]]]:
    """Every text that the page ties to an image or a video, and what was cut of it, by kind.

    ALIGN takes alt texts as they are; LTIP takes the caption, or where there is none the longer of
    alt text and description (longdesc, or linked data that names the image); VTP the caption, the
    label, or the nearest paragraph. LTIP and VTP texts are cleaned of dates and places, as
    Flamingo's authors did (appendix F.2).
    """
    for index, block in enumerate(document.blocks):
        if isinstance(block, ImageLink):
            if "align" in corpora and block.alt:
                yield _link(document, "align", block, (block.alt, "alt")), Counter()
            if "ltip" in corpora:
                yield from _cleaned(document, "ltip", block, *_described(block))
        elif isinstance(block, VideoLink) and "vtp" in corpora:
            text, source = _described(block)
            if not clean_caption(text):
                text, source = nearest_text(document, index), "nearby"
            yield from _cleaned(document, "vtp", block, text, source)


def nearest_text(document: Document, index: int) -> str:
    """The text of the block just before an index, or just after it; "" where neither is text."""
    for near in (index - 1, index + 1):
        if 0 <= near < len(document.blocks):
            block = document.blocks[near]
            if isinstance(block, TextBlock):
                return block.text
    return ""


def _described(block: ImageLink | VideoLink) -> tuple[str, str]:
    """The block's description and where it stood."""
    if block.caption:
        return block.caption, "caption"
    if isinstance(block, ImageLink) and len(block.description) > len(block.alt):
        return block.description, block.described_by
    return block.alt, "alt"


def _cleaned(
    document: Document, corpus: str, block: ImageLink | VideoLink, text: str, source: str
) -> Iterator[tuple[PairLink, Counter[str]]]:
    """The link of a text that is more than dates and places, and how many of these were cut."""
    cleaned, cut = cleaned_caption(text)
    if cleaned:
        yield _link(document, corpus, block, (cleaned, source)), cut


def _link(
    document: Document, corpus: str, block: ImageLink | VideoLink, described: tuple[str, str]
) -> PairLink:
    """A pair link under its content key."""
    text, source = described
    return PairLink(
        make_key(corpus, block.url, document.key, text, source),
        corpus,
        IMAGE if isinstance(block, ImageLink) else VIDEO,
        block.url,
        document.url,
        text,
        source,
        document.licence,
        block.rights if isinstance(block, ImageLink) else NO_RIGHTS,
    )
