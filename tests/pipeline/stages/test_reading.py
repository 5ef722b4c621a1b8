"""What inputs hold, as documents, captures and decisions."""

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.extract.limits import ExtractLimits
from pipeline.media.outcome import Outcome
from pipeline.stages.inputs import FOLDER, Input
from pipeline.stages.reading import (
    CAPTURES,
    READ,
    ReadSettings,
    lane_of,
    page_of,
    parse_found,
    read_input,
    read_urls,
)
from pipeline.stages.verdicts import DECISIONS
from schemas.keys import make_key
from schemas.records import Capture, Document, Page
from schemas.rejection import Reason, Rejection, Why

HTML = b"<html><title>T</title><article><h1>The ferry</h1><p>The old ferry crosses the quiet lake with seven boxes of ripe apples.</p></article></html>"
PAGE = Page(make_key("http://a.example/", HTML), "http://a.example/", HTML, "text/html")


def outcome(
    body=HTML, content_type="text/html; charset=utf-8", why=None, final="http://a.example/"
):
    return Outcome("http://a.example", final, 200, body, content_type, why, 0.1)


def tagged(outputs):
    return [
        (o.tag, o.value) if isinstance(o, beam.pvalue.TaggedOutput) else ("documents", o)
        for o in outputs
    ]


def test_urls_come_from_lists_of_any_kind(tmp_path):
    (tmp_path / "a.txt").write_text("# a comment\nhttp://a/1\n\n http://a/2 \n")
    (tmp_path / "a.csv").write_text("name,url\nx,http://a/1\ny,http://a/2\n")
    pq.write_table(
        pa.table({"url": ["http://a/1", None, "http://a/2"], "n": [1, 2, 3]}),
        tmp_path / "a.parquet",
    )
    for name in ("a.txt", "a.csv", "a.parquet"):
        assert list(read_urls(str(tmp_path / name))) == ["http://a/1", "http://a/2"]


def test_a_host_keeps_to_one_lane():
    assert lane_of("http://A.example/1", 64) == lane_of("https://a.example/2?x", 64)
    assert len({lane_of(f"http://{i}.example/", 64) for i in range(200)}) > 40


def test_fetched_pages_are_html_or_have_a_reason():
    page = page_of(outcome())
    assert isinstance(page, Page)
    assert (page.url, page.key) == ("http://a.example/", PAGE.key)
    assert page_of(outcome(content_type="application/pdf")).why == Why(
        Reason.NOT_HTML, "application/pdf"
    )
    assert page_of(outcome(body=None, why=Why(Reason.ROBOTS))).why == Why(Reason.ROBOTS)
    assert page_of(outcome(body=None)).why == Why(Reason.EMPTY_BODY)


def test_pages_become_documents_and_everything_is_counted():
    outputs = tagged(parse_found(PAGE, ExtractLimits()))
    assert [tag for tag, _ in outputs] == [READ, "documents", DECISIONS]
    assert isinstance(outputs[1][1], Document)
    assert outputs[2][1].kept
    empty = Page("k" * 32, "http://a/", b"<html><body></body></html>")
    outputs = tagged(parse_found(empty, ExtractLimits()))
    assert [tag for tag, _ in outputs] == [READ, DECISIONS]
    assert outputs[1][1].reason == "no_content"
    lost = Rejection("page", "k", "u", Why(Reason.BAD_STATUS, 404))
    assert [tag for tag, _ in tagged(parse_found(lost, ExtractLimits()))] == [READ, DECISIONS]
    capture = Capture("u", "p", 3)
    assert tagged(parse_found(capture, ExtractLimits())) == [(CAPTURES, capture)]


def test_a_folder_is_read_in_order(tmp_path):
    (tmp_path / "b.html").write_bytes(HTML)
    (tmp_path / "a.png").write_bytes(b"png")
    found = list(
        read_input(Input(FOLDER, str(tmp_path), 1, 1.0), ReadSettings("http://site.example/"))
    )
    assert [one.url for one in found] == ["http://site.example/a.png", "http://site.example/b.html"]
