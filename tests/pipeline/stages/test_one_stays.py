"""Of one page and of one text one document stays, and every other decision names it."""

import unicodedata

import apache_beam as beam
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.one_stays import (
    NEWEST,
    SAME_TEXT,
    DropSameText,
    KeepNewest,
    one_stays,
    text_key,
)
from schemas.keys import make_key
from schemas.records import Document, ImageLink, Role, TextBlock
from schemas.rejection import Reason

TEXT = "The café by the lake serves naïve crêpes."


def document(url, text=TEXT, fetched_at=""):
    return Document(make_key(url, text), url, "", (TextBlock(text),), "en", fetched_at)


def outputs(found):
    kept, rows = [], []
    for one in found:
        (rows if isinstance(one, TaggedOutput) else kept).append(getattr(one, "value", one))
    return kept, rows


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "bb"])), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_newest_stays_then_the_longest_whatever_the_order(captures, rng):
    group = [document(f"http://h/{k}", text, str(time)) for k, (time, text) in enumerate(captures)]
    kept, rows = outputs(one_stays("k", group, NEWEST, Reason.DUPLICATE_URL))
    (stays,) = kept
    assert (stays.fetched_at, len(stays.blocks[0].text)) == max(
        (d.fetched_at, len(d.blocks[0].text)) for d in group
    )
    assert len(rows) == len(group)
    gone = [row for row in rows if not row.kept]
    assert {(row.copy_of, row.copy_of_url, row.reason) for row in gone} <= {
        (stays.key, stays.url, "duplicate_url")
    }
    assert len(gone) == len(group) - 1
    rng.shuffle(group)
    assert outputs(one_stays("k", group, NEWEST, Reason.DUPLICATE_URL))[0] == kept


def test_of_the_same_capture_twice_one_stays():
    kept, rows = outputs(one_stays("k", [document("u")] * 2, SAME_TEXT, Reason.DUPLICATE_TEXT))
    assert len(kept) == 1
    assert [row.kept for row in rows] == [True, False]


@pytest.mark.parametrize(
    "other",
    [
        unicodedata.normalize("NFD", TEXT),
        TEXT.replace(" ", "\u00a0 "),
        TEXT.replace("lake", "la\u00adke"),
    ],
)
def test_the_same_text(other):
    assert text_key(document("http://a/", other)) == text_key(document("http://b/"))


def test_other_texts_and_pages_without_any():
    assert text_key(document("http://a/", TEXT.upper())) != text_key(document("http://a/"))
    pictures = [Document(key, "u", "", (ImageLink("http://i"),)) for key in "ab"]
    assert {text_key(one) for one in pictures} == {"a", "b"}


def test_roles_and_blocks_make_no_other_text():
    one = Document("a", "u", "", (TextBlock("The lake", Role.HEADING), TextBlock("is cold.")))
    assert text_key(one) == text_key(document("http://b/", "The lake is cold."))


@pytest.mark.beam
def test_one_page_however_its_url_is_spelt():
    captures = [
        document("http://h/a?id=1", "old", "2024-01-01T00:00:00Z"),
        document("HTTP://H:80/%61?id=1&utm_source=x#top", "new", "2025-01-01T00:00:00Z"),
        document("http://h/a?id=2", "other", "2023-01-01T00:00:00Z"),
        document("http://h/a?ref=x&id=1", "third", "2022-01-01T00:00:00Z"),
    ]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        given_ = pipeline | beam.Create(captures)
        out = given_ | KeepNewest()
        assert_that(out.kept, equal_to(captures[1:]), "kept")
        rows = out.decisions | beam.Map(lambda row: (row.url, row.kept, row.copy_of_url))
        gone = (captures[0].url, False, captures[1].url)
        assert_that(rows, equal_to([gone, *((d.url, True, None) for d in captures[1:])]), "rows")
        by_recipe = given_ | "Recipe" >> KeepNewest(("ref", "utm_*"))
        assert_that(by_recipe.kept, equal_to(captures[1:3]), "by the recipe")


@pytest.mark.beam
def test_one_text_at_several_urls():
    copies = [
        document(f"http://{host}/", fetched_at=time) for host, time in (("a", "1"), ("b", "2"))
    ]
    other = document("http://c/", "Another text.")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create([*copies, other]) | DropSameText()
        assert_that(out.kept, equal_to([copies[1], other]), "kept")
        rows = out.decisions | beam.Map(lambda row: (row.stage, row.url, row.reason, row.copy_of))
        expected = [
            ("same_text", "http://a/", "duplicate_text", copies[1].key),
            ("same_text", "http://b/", None, None),
            ("same_text", "http://c/", None, None),
        ]
        assert_that(rows, equal_to(expected), "rows")
