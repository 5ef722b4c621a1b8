"""Pairs: one image or video with one text, under ALIGN's rules, as LTIP, or as VTP."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np

from pipeline.corpora.align_counts import POOL, CountAlign, TokenPool
from pipeline.corpora.pair_links import PairLimits
from pipeline.filters.pairs import judge_align_image
from pipeline.stages.similarity import (
    TEXTS_PER_BATCH,
    ClipChoice,
    Embed,
    Rows,
    Task,
    read_vector,
    text_bucket,
)
from pipeline.stages.verdicts import DECISIONS, Keep, Subject
from schemas.keys import make_key
from schemas.records import Found, Image, Pair, PairLink
from schemas.rejection import Reason, Why

TOKENS = "tokens"
"""The table of ALIGN's stage that says of its pool of tokens."""

Scored = tuple[Pair, bytes]
"""A pair with the embedding of its media, b"" when not scored."""


def pair_subject(stage: str) -> Subject:
    """How a stage speaks of its pairs."""
    return Subject(stage, "pair", lambda pair: pair.key, lambda pair: pair.url)


@dataclass(eq=False)
class BuildPairs(beam.PTransform):
    """Pairs of `links`, `found` and `embedded`; outputs (`pairs`, `read`, `decisions`, `tables`).

    `tables` holds, for ALIGN, the pool of tokens that its rules were counted on. A link whose media
    was not to be had is rejected here as no_media; why it was not is in the media's own decision.
    """

    corpus: str
    limits: PairLimits

    def expand(self, inputs: Any) -> Any:
        """Joined by URL and by content; ALIGN's rules count over the whole corpus."""
        links = inputs["links"] | "LinksByUrl" >> beam.Map(lambda link: (link.url, link))
        found = inputs["found"] | "FoundByUrl" >> beam.FlatMap(
            lambda one: [(url, one) for url in one.urls]
        )
        joined = (
            {"links": links, "found": found}
            | "JoinUrls" >> beam.CoGroupByKey()
            | "Pairs"
            >> beam.FlatMapTuple(
                partial(join_links, corpus=self.corpus, limits=self.limits)
            ).with_outputs("read", DECISIONS, main="pairs")
        )
        decisions = [joined[DECISIONS]]
        unique = (
            joined.pairs
            | "ByPair" >> beam.Map(lambda pair: ((pair.media.key, pair.text), pair))
            | "SamePairs" >> beam.GroupByKey()
            | "OneOfSame"
            >> beam.FlatMapTuple(partial(one_of_same, corpus=self.corpus)).with_outputs(
                DECISIONS, main="pairs"
            )
        )
        decisions.append(unique[DECISIONS])
        kept, tables = unique.pairs, {}
        if self.corpus == "align":
            counted = kept | CountAlign(self.limits.align)
            decisions.append(counted[DECISIONS])
            kept, tables = counted["pairs"], {TOKENS: (TokenPool, counted[POOL])}
        decisions.append(kept | "Kept" >> beam.Map(pair_subject(self.corpus).kept))
        scored = {"pairs": kept, "embedded": inputs["embedded"]} | WithVectors()
        return scored, joined["read"], decisions, tables


def join_links(
    url: str, groups: dict[str, Iterable[Any]], corpus: str, limits: PairLimits
) -> Iterator[Any]:
    """The pairs of one media URL that the media's own rules let through; tagged."""
    del url
    subject = pair_subject(corpus)
    found = list(groups["found"])
    for link in groups["links"]:
        yield beam.pvalue.TaggedOutput("read", (corpus, "pair"))
        media = next((one.media for one in found if is_kind(one, link.kind)), None)
        if media is None:
            decision = subject.rejected(link, Why(Reason.NO_MEDIA))
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
            continue
        pair = make_pair(link, media)
        why = judge_media(pair, corpus, limits)
        if why is None:
            yield pair
        else:
            yield beam.pvalue.TaggedOutput(DECISIONS, subject.rejected(pair, why))


def is_kind(found: Found, kind: str) -> bool:
    """Whether found media is an image, or a video, as asked."""
    return isinstance(found.media, Image) == (kind == "image")


def make_pair(link: PairLink, media: Any) -> Pair:
    """The pair of a link and its media; its key is that of content, not of the page."""
    return Pair(
        make_key(link.corpus, media.key, link.text),
        link.url,
        link.page_url,
        link.text,
        media,
        link.source,
        None,
        link.licence,
        link.rights,
    )


def judge_media(pair: Pair, corpus: str, limits: PairLimits) -> Why | None:
    """Why a pair's media is not for its corpus."""
    if corpus == "align" and isinstance(pair.media, Image):
        return judge_align_image(
            pair.media.original_width, pair.media.original_height, limits.align
        )
    return None


def one_of_same(key: tuple[str, str], pairs: Iterable[Pair], corpus: str) -> Iterator[Any]:
    """One of the pairs with the same media and text, and a rejection for each other; tagged."""
    del key
    first, *others = sorted(pairs, key=lambda pair: (pair.page_url, pair.url, pair.source))
    yield first
    for pair in others:
        why = Why(Reason.DUPLICATE_PAIR, first.page_url)
        yield beam.pvalue.TaggedOutput(DECISIONS, pair_subject(corpus).rejected(pair, why))


class WithVectors(beam.PTransform):
    """Scored, of `pairs` and of `embedded` media."""

    def expand(self, inputs: Any) -> Any:
        """Joined by media."""
        pairs = inputs["pairs"] | "ByMedia" >> beam.Map(lambda pair: (pair.media.key, pair))
        vectors = inputs["embedded"] | "Vectors" >> beam.Map(lambda row: (row.key, row.vector))
        joined = {"pairs": pairs, "vectors": vectors} | "JoinVectors" >> beam.CoGroupByKey()
        return joined | "WithVector" >> beam.FlatMapTuple(with_vector)


def with_vector(key: str, groups: dict[str, Iterable[Any]]) -> Iterator[Scored]:
    """The pairs of one image or video with its embedding."""
    del key
    vector = next(iter(groups["vectors"]), b"")
    for pair in groups["pairs"]:
        yield pair, vector


@dataclass(eq=False)
class ScorePairs(beam.PTransform):
    """Pairs with their cosine in a field of theirs; takes Scored."""

    choice: ClipChoice
    root: str
    buckets: int
    field: str = "score"

    def expand(self, scored: beam.PCollection) -> beam.PCollection:
        """Pairs; texts are batched by their keys, so that batches are the same in every run."""
        if not self.choice.scores:
            return scored | "Unscored" >> beam.Map(lambda pair: pair[0])
        return (
            scored
            | "ByBucket" >> beam.Map(lambda s: (text_bucket(s[0].text, self.buckets), s))
            | "Buckets" >> beam.GroupByKey()
            | "TextTasks" >> beam.FlatMapTuple(lambda _, group: text_tasks(group))
            | Embed(self.choice, self.root)
            | "Cosines" >> beam.FlatMapTuple(partial(score_pairs, field=self.field))
        )


def text_tasks(scored: Iterable[Scored]) -> Iterator[Task]:
    """Tasks of up to 64 pairs, in the order of their keys."""
    ordered = sorted(scored, key=lambda one: one[0].key)
    for start in range(0, len(ordered), TEXTS_PER_BATCH):
        batch = ordered[start : start + TEXTS_PER_BATCH]
        yield Task(tuple(batch), texts=tuple(pair.text for pair, _ in batch))


def score_pairs(batch: tuple[Scored, ...], rows: Rows, field: str = "score") -> Iterator[Pair]:
    """The pairs of a task with the cosine of media and text, rounded to float16."""
    for (pair, vector), row in zip(batch, rows, strict=True):
        cosine = float(np.float16(row @ read_vector(vector)))
        yield replace(pair, **{field: cosine})  # type: ignore[arg-type]


@dataclass(eq=False)
class SelectPairs(beam.PTransform):
    """Pairs whose score reaches the threshold; outputs `kept`, `decisions`."""

    corpus: str
    threshold: float | None

    def expand(self, pairs: beam.PCollection) -> Any:
        """Two outputs."""
        subject = pair_subject(f"{self.corpus}_similarity")
        return pairs | Keep(subject, partial(judge_score, threshold=self.threshold))


def judge_score(pair: Pair, threshold: float | None) -> Why | None:
    """Why a pair is dropped: media and text are less alike than the pool's best share."""
    if threshold is None or pair.rank is None or pair.rank >= threshold:
        return None
    return Why(Reason.LOW_SIMILARITY, pair.rank, threshold)


def pair_bytes(pair: Pair) -> int:
    """About how many bytes a pair takes in its shard."""
    return pair.media.ref.size + len(pair.text) + 2560
