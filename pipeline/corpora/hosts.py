"""Hosts of a pool of pairs measured, and pairs judged by the measure of their host."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from pipeline.filters.pairs import LtipLimits, align_unigrams
from pipeline.filters.sources import HostFigures, host_of, judge_host, score_parts
from pipeline.stages.verdicts import Subject, decide
from schemas.records import Pair

HOSTS = "hosts"
"""The table of LTIP's stage that holds the figures of each host."""
SOURCES = Subject("ltip_sources", "pair", lambda pair: pair.key, lambda pair: pair.url)

Sums = tuple[int, ...]


@dataclass(eq=False)
class MeasureHosts(beam.PTransform):
    """HostFigures of pairs; counted by sums alone, no host is ever held."""

    def expand(self, pairs: beam.PCollection) -> Any:
        """Two combines that tell texts and words apart, and one by host."""
        texts = (
            pairs
            | "Texts" >> beam.Map(lambda p: ((host_of(p.page_url), p.text), _sums_of(p)))
            | "EachText" >> beam.CombinePerKey(add_up)
            | "OfTexts" >> beam.MapTuple(lambda key, sums: (key[0], (*sums, 1, 0)))
        )
        words = (
            pairs
            | "Words"
            >> beam.FlatMap(lambda p: [(host_of(p.page_url), w) for w in align_unigrams(p.text)])
            | "EachWord" >> beam.Distinct()
            | "OfWords" >> beam.MapTuple(lambda host, _: (host, (0, 0, 0, 0, 0, 1)))
        )
        return (
            (texts, words)
            | "Sums" >> beam.Flatten()
            | "EachHost" >> beam.CombinePerKey(add_up)
            | "Figures" >> beam.MapTuple(figures_of)
        )


def _sums_of(pair: Pair) -> Sums:
    """Pairs, words, scored pairs and their scores."""
    score = pair.score
    scored = (0, 0) if score is None else (1, score_parts(score))
    return (1, len(align_unigrams(pair.text)), *scored)


def add_up(rows: Iterable[Sums]) -> Sums:
    """The sums of the columns."""
    total: Sums = ()
    for row in rows:
        total = tuple(a + b for a, b in zip(total, row, strict=True)) if total else tuple(row)
    return total


def figures_of(host: str, sums: Sums) -> HostFigures:
    """The figures of a host."""
    pairs, words, scored, score, texts, types = sums
    return HostFigures(host, pairs, words, texts, types, scored, score)


@dataclass(eq=False)
class JudgeHosts(beam.PTransform):
    """Pairs of hosts that are rich enough; takes `pairs` and `hosts`, outputs `kept`, decisions."""

    limits: LtipLimits

    def expand(self, inputs: Any) -> Any:
        """One group a host, streamed."""
        pairs = inputs["pairs"] | "HostOf" >> beam.Map(lambda p: (host_of(p.page_url), p))
        hosts = inputs["hosts"] | "Named" >> beam.Map(lambda figures: (figures.host, figures))
        return (
            (pairs, hosts)
            | beam.Flatten()
            | beam.GroupByKey()
            | beam.FlatMap(judge_pairs, self.limits).with_outputs("decisions", main="kept")
        )


def judge_pairs(
    of_host: tuple[str, Iterable[Pair | HostFigures]], limits: LtipLimits
) -> Iterator[Any]:
    """The pairs of a host and their decisions; tagged. The group is gone through twice."""
    figures = next(one for one in of_host[1] if isinstance(one, HostFigures))
    why = judge_host(figures, limits)
    for one in of_host[1]:
        if isinstance(one, Pair):
            yield from decide(one, SOURCES, lambda _: why)
