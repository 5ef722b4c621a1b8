"""Pair links: the texts that pages give their images and videos, judged before any download."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam

from pipeline.filters.pairs import (
    AlignLimits,
    LtipLimits,
    clean_caption,
    judge_align_text,
    judge_ltip_text,
)
from pipeline.filters.video_pairs import VtpLimits, judge_vtp_text
from pipeline.stages.verdicts import DECISIONS, Subject
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
    """PairLinks of documents; outputs `links`, `read`, `decisions`."""

    limits: PairLimits

    def expand(self, documents: beam.PCollection) -> Any:
        """Three outputs, no shuffle."""
        return documents | beam.FlatMap(judged_links, self.limits).with_outputs(
            "read", DECISIONS, main="links"
        )


def judged_links(document: Document, limits: PairLimits) -> Iterator[Any]:
    """The document's pair links that pass, and a decision for each; tagged."""
    for link in pair_links(document, limits.corpora):
        subject = subject_of(link.corpus)
        yield beam.pvalue.TaggedOutput("read", (subject.stage, "pair"))
        why = judge_link(link, limits)
        if why is None:
            yield link
            yield beam.pvalue.TaggedOutput(DECISIONS, subject.kept(link))
        else:
            yield beam.pvalue.TaggedOutput(DECISIONS, subject.rejected(link, why))


def judge_link(link: PairLink, limits: PairLimits) -> Why | None:
    """Why a text is no caption for its corpus."""
    if link.corpus == "align":
        return judge_align_text(link.text, limits.align)
    if link.corpus == "ltip":
        return judge_ltip_text(link.text, limits.ltip)
    return judge_vtp_text(link.text, limits.vtp)


def pair_links(document: Document, corpora: Iterable[str]) -> Iterator[PairLink]:
    """Every text that the page ties to an image or a video, in reading order.

    ALIGN takes alt texts as they are; LTIP takes the caption, or the alt text where there is none;
    VTP the caption, the label, or the nearest paragraph. LTIP and VTP texts are cleaned of dates
    and places, as Flamingo's authors did (appendix F.2).
    """
    for index, block in enumerate(document.blocks):
        if isinstance(block, ImageLink):
            if "align" in corpora and block.alt:
                yield _link(document, "align", block, (block.alt, "alt"))
            described = _described(block)
            if "ltip" in corpora and described[0]:
                yield _link(document, "ltip", block, described)
        elif isinstance(block, VideoLink) and "vtp" in corpora:
            text = _described(block)
            if not text[0]:
                text = clean_caption(nearest_text(document, index)), "nearby"
            if text[0]:
                yield _link(document, "vtp", block, text)


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
        return clean_caption(block.caption), "caption"
    return clean_caption(block.alt), "alt"


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
