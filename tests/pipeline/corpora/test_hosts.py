"""Hosts measured over a pool of pairs, and pairs judged by them."""

import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.corpora.hosts import JudgeHosts, MeasureHosts, judge_pairs
from pipeline.filters.pairs import LtipLimits
from pipeline.filters.sources import HostCount, HostFigures
from schemas.records import Image, PackRef, Pair

IMAGE = Image("c" * 64, PackRef("a" * 64, "p", 0, 2), 4, 4, 4, 4, "0" * 16)
WORDS = ["a", "Red", "cup", "boat", "on", "the", "sea"]


def pairs():
    draw = random.Random(5)
    for number in range(60):
        text = " ".join(draw.choices(WORDS, k=draw.randrange(3, 5)))
        page = f"http://{draw.choice('abc')}.example/{number}"
        score = None if number % 7 == 0 else draw.randrange(-99, 99) / 128
        yield Pair(f"{number:032x}", f"http://i/{number}", page, text, IMAGE, score=score)


def counted(given):
    counts = {}
    for pair in given:
        host = pair.page_url[7:16]
        counts.setdefault(host, HostCount()).add(pair.text, pair.score)
    return [count.figures(host) for host, count in counts.items()]


@pytest.mark.beam
def test_hosts_are_measured_as_one_process_counts_them_and_judged():
    given = list(pairs())
    figures = counted(given)
    best = max(figures, key=lambda one: one.mean_words)
    limits = LtipLimits(min_host_words=best.mean_words)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        pool = pipeline | beam.Create(given)
        hosts = pool | MeasureHosts()
        judged = {"pairs": pool, "hosts": hosts} | JudgeHosts(limits)
        assert_that(hosts, equal_to(figures), "hosts")
        kept = judged.kept | beam.Map(lambda pair: pair.key)
        expected = [pair.key for pair in given if best.host in pair.page_url]
        assert 0 < len(expected) < len(given)
        assert_that(kept, equal_to(expected), "kept")
        told = judged.decisions | "Told" >> beam.Map(lambda d: (d.kept, d.stage))
        fates = [(best.host in pair.page_url, "ltip_sources") for pair in given]
        assert_that(told, equal_to(fates), "told")


def test_a_host_without_a_pair_decides_nothing():
    figures = HostFigures("a.example", 1, 3, 1, 3, 0, 0)
    assert list(judge_pairs(("a.example", [figures]), LtipLimits(min_host_pairs=9))) == []
