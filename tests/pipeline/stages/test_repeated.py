"""What a host says on every page goes; what it says once, its headings and its pictures stay."""

import random
from contextlib import contextmanager

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.stages.repeated import (
    DropRepeatedParagraphs,
    RepeatedLimits,
    host_texts,
    repeated_texts,
)
from schemas.records import Document, ImageLink, Role, TextBlock

COOKIES = "We use cookies to make this site better for you."


def page(number: int, host: str = "a.example", *more: str) -> Document:
    blocks = (
        TextBlock("Ingredients", Role.HEADING),
        TextBlock(COOKIES),
        ImageLink(f"http://{host}/{number}.jpg"),
        TextBlock(f"What only page {number} of {host} says."),
        *(TextBlock(text) for text in more),
        TextBlock(COOKIES),
    )
    return Document(f"{host}-{number}", f"http://{host}/{number}", "", blocks)


@contextmanager
def run(documents, min_pages=3):
    """The texts kept, by key, the decisions, and how many of each kind were read."""
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = (
            pipeline
            | beam.Create(documents)
            | DropRepeatedParagraphs(RepeatedLimits(min_pages=min_pages))
        )
        kept = out.kept | beam.Map(
            lambda d: (d.key, tuple(getattr(block, "text", "<image>") for block in d.blocks))
        )
        rows = out.decisions | "Rows" >> beam.Map(
            lambda d: (d.stage, d.url, d.kept, d.reason, d.value, d.limit)
        )
        counts = out.read | "Read" >> beam.combiners.Count.PerElement()
        yield kept, rows, counts


@pytest.mark.beam
@pytest.mark.parametrize("seed", [0, 1])
def test_what_a_host_repeats_goes_and_all_is_accounted_for(seed):
    documents = [page(number) for number in range(3)] + [
        page(number, "b.example") for number in (1, 2)
    ]
    only = Document("c", "http://a.example/c", "", (TextBlock(COOKIES),))
    random.Random(seed).shuffle(documents)
    with run([*documents, only]) as (kept, rows, counts):
        own = [
            (f"a.example-{n}", ("Ingredients", "<image>", f"What only page {n} of a.example says."))
            for n in range(3)
        ]
        others = [
            (
                f"b.example-{n}",
                (
                    "Ingredients",
                    COOKIES,
                    "<image>",
                    f"What only page {n} of b.example says.",
                    COOKIES,
                ),
            )
            for n in (1, 2)
        ]
        assert_that(kept, equal_to([*own, *others]), "kept")
        gone = rows | beam.Filter(lambda row: not row[2])
        cut = ("host_paragraphs", False, "repeated_on_host", 4.0, 3.0)
        expected = [(cut[0], f"http://a.example/{n}", *cut[1:]) for n in (0, 0, 1, 1, 2, 2, "c")]
        empty = ("repeated", "http://a.example/c", False, "no_text", 0.0, 1.0)
        assert_that(gone, equal_to([*expected, empty]), "gone")
        read = [(("repeated", "document"), 6), (("host_paragraphs", "paragraph"), 16)]
        assert_that(counts, equal_to(read), "counts")


def test_a_paragraph_counts_once_a_page():
    keys = [key for key, document in host_texts(page(1))]
    assert len(keys) == len(set(keys)) == 2
    assert {key for key, _ in host_texts(page(2))} & set(keys)
    assert not {key for key, _ in host_texts(page(2, "b.example"))} & set(keys)


def test_paragraphs_are_compared_as_texts_are():
    notice = "Nous utilisons des t\u00e9moins de connexion."
    variants = [
        notice,
        notice.replace("\u00e9", "e\u0301"),
        notice.replace(" ", "\u00a0"),
        notice + "\u200b",
    ]
    pages = [
        Document(f"{k}", f"http://A.example/{k}", "", (TextBlock(text),))
        for k, text in enumerate(variants)
    ]
    assert len({key for page in pages for key, _ in host_texts(page)}) == 1


def test_the_count_is_the_recipes():
    limits = RepeatedLimits(min_pages=3)
    assert list(repeated_texts("k", ["a", "b"], limits)) == []
    assert list(repeated_texts("k", ["a", "b", "c"], limits)) == [
        ("a", ("k", 3)),
        ("b", ("k", 3)),
        ("c", ("k", 3)),
    ]
