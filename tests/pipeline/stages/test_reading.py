"""What inputs hold, as documents, captures and decisions."""

import base64
import gzip
import hashlib
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from pipeline.extract.document import extract_document
from pipeline.extract.warc import Place
from pipeline.media.fetch import FetchLimits
from pipeline.media.image import ImageLimits
from pipeline.media.opt_outs import OptOuts
from pipeline.media.outcome import Outcome
from pipeline.stages.asking import make_asking, row_of
from pipeline.stages.inputs import FOLDER, RANGES, URLS, WARC, Input
from pipeline.stages.reading import (
    CAPTURES,
    READ,
    ReadDocuments,
    ReadSettings,
    one_spelling,
    originals_in,
    page_of,
    parse_found,
    read_file_places,
    read_input,
    willing,
)
from pipeline.stages.verdicts import DECISIONS
from schemas.keys import make_key
from schemas.records import Capture, Document, PackRef, Page
from schemas.rejection import Reason, Rejection, Why

HTML = b"<html><title>T</title><article><h1>The ferry</h1><p>The old ferry crosses the quiet lake with seven boxes of ripe apples.</p></article></html>"
PAGE = Page(make_key("http://a.example/", HTML), "http://a.example/", HTML, "text/html")


def page(body=HTML, content_type="text/html; charset=utf-8", why=None):
    outcome = Outcome(
        "http://a.example", "http://a.example/", 200, body, content_type, why, seconds=0.1
    )
    row = row_of(outcome, "page", datetime.now(UTC))
    ref = PackRef("ab" * 32, "x.tar", 0, 1) if body and why is None else None
    return page_of(replace(row, ref=ref), lambda _: body)


def tagged(outputs):
    return [
        (o.tag, o.value) if isinstance(o, beam.pvalue.TaggedOutput) else ("documents", o)
        for o in outputs
    ]


def test_fetched_pages_are_html_or_have_a_reason():
    found = page()
    assert isinstance(found, Page)
    assert (found.url, found.key) == ("http://a.example/", PAGE.key)
    assert page(content_type="application/pdf").why == Why(Reason.NOT_HTML, "application/pdf")
    assert page(body=None, why=Why(Reason.ROBOTS)).why == Why(Reason.ROBOTS)
    assert page(body=None).why == Why(Reason.EMPTY_BODY)


@pytest.mark.parametrize(
    ("head", "lists", "detail"),
    [
        (b'<meta name="robots" content="noai">', (), "noai"),
        (b'<meta name="tdm-reservation" content="1">', (), "tdm-reservation"),
        (b"", ("a.example",), "opt-out list"),
        (b"", ("http://b.example/",), None),
    ],
)
def test_a_page_that_does_not_want_to_be_in_a_corpus_is_not(head, lists, detail):
    asked = Page("k", "http://a.example/", b"<html><head>" + head + HTML)
    found = willing(asked, FetchLimits(), OptOuts(lists))
    assert (found.why.value if isinstance(found, Rejection) else None) == detail
    free = FetchLimits(opt_out_words=(), respect_tdm=False)
    assert isinstance(willing(asked, free, OptOuts()), Page)


def test_pages_become_documents_and_everything_is_counted():
    outputs = tagged(parse_found(PAGE, extract_document))
    assert [tag for tag, _ in outputs] == [READ, "documents", DECISIONS]
    assert isinstance(outputs[1][1], Document)
    assert outputs[2][1].kept
    empty = Page("k" * 32, "http://a/", b"<html><body></body></html>")
    outputs = tagged(parse_found(empty, extract_document))
    assert [tag for tag, _ in outputs] == [READ, DECISIONS]
    assert outputs[1][1].reason == "no_content"
    lost = Rejection("page", "k", "u", Why(Reason.BAD_STATUS, 404))
    assert [tag for tag, _ in tagged(parse_found(lost, extract_document))] == [READ, DECISIONS]
    capture = Capture("u", "p", 3)
    assert tagged(parse_found(capture, extract_document)) == [(CAPTURES, capture)]


def test_a_folder_is_read_in_order(tmp_path):
    (tmp_path / "b.html").write_bytes(HTML)
    (tmp_path / "a.png").write_bytes(b"png")
    found = list(
        read_input(Input(FOLDER, str(tmp_path), 1, 1.0), ReadSettings("http://site.example/"))
    )
    assert [one.url for one in found] == ["http://site.example/a.png", "http://site.example/b.html"]


def warc_record(kind, url, date, headers, block):
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Target-URI: {url}",
        f"WARC-Date: {date}",
        "Content-Type: application/http; msgtype=response",
        *headers,
        f"Content-Length: {len(block)}",
    ]
    record = "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"
    return gzip.compress(record, mtime=0)


def answer(content_type, body):
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n".encode() + body


DIGEST = "WARC-Payload-Digest: sha1:" + base64.b32encode(hashlib.sha1(HTML).digest()).decode()
PNG = "WARC-Payload-Digest: sha1:" + base64.b32encode(hashlib.sha1(b"PNG").digest()).decode()
FIRST = "2024-01-01T00:00:00Z"
AGAIN = "2025-01-01T00:00:00Z"
REFERS = ["WARC-Refers-To-Target-URI: http://a.example/", f"WARC-Refers-To-Date: {FIRST}"]


def read_documents(inputs, settings=None):
    """What the read stage makes of inputs: URL and date of documents, captures, counts, reasons."""
    settings = settings or ReadSettings()
    out, out_of_beam = {}, tempfile.mkdtemp()
    asking = make_asking(f"{out_of_beam}/work", settings.fetch, ImageLimits(), datetime.now(UTC))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        read = pipeline | beam.Create(inputs) | ReadDocuments(settings, asking)
        rows = {
            "documents": read.documents | "D" >> beam.Map(lambda d: [d.url, d.fetched_at, d.title]),
            "captures": read.captures | "C" >> beam.Map(lambda c: [c.url, c.path, c.offset]),
            "read": read.read | "R" >> beam.Map(list),
            "reasons": read.decisions
            | "X" >> beam.Map(lambda d: [d.url, d.reason])
            | beam.Filter(lambda row: row[1]),
        }
        for name, values in rows.items():
            _ = (
                values
                | f"J{name}" >> beam.Map(json.dumps)
                | f"W{name}"
                >> beam.io.WriteToText(
                    f"{out_of_beam}/{name}", num_shards=1, shard_name_template=""
                )
            )
    for name in rows:
        lines = Path(out_of_beam, name).read_text().splitlines()
        out[name] = sorted(json.loads(line) for line in lines)
    return out


@pytest.mark.beam
def test_revisits_are_resolved_in_any_file_of_the_input(tmp_path):
    original = warc_record(
        "response", "http://a.example/", FIRST, [DIGEST], answer("text/html", HTML)
    )
    image = warc_record(
        "response", "http://a.example/1.png", FIRST, [PNG], answer("image/png", b"PNG")
    )
    (tmp_path / "b.warc.gz").write_bytes(original + image)
    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    (tmp_path / "a.warc.gz").write_bytes(
        warc_record("revisit", "http://a.example/digest", AGAIN, [DIGEST], html)
        + warc_record("revisit", "http://a.example/", AGAIN, REFERS, b"HTTP/1.1 304 Same\r\n\r\n")
        + warc_record("revisit", "http://a.example/lost", AGAIN, [], html)
        + warc_record("revisit", "http://a.example/2.png", AGAIN, [PNG], answer("image/png", b""))
    )
    inputs = [Input(WARC, str(tmp_path / name), 1, 1.0) for name in ("a.warc.gz", "b.warc.gz")]
    found = read_documents(inputs)
    assert found["documents"] == [
        ["http://a.example/", FIRST, "T"],
        ["http://a.example/", AGAIN, "T"],
        ["http://a.example/digest", AGAIN, "T"],
    ]
    at = ["http://a.example/1.png", str(tmp_path / "b.warc.gz"), len(original)]
    assert found["captures"] == [at, ["http://a.example/2.png", *at[1:]]]
    assert found["reasons"] == [["http://a.example/lost", "revisit"]]
    assert found["read"] == [["read", "page"]] * 4


@pytest.mark.beam
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_records_are_read_by_an_index_of_them(tmp_path, form):
    made = [
        warc_record("response", f"http://a.example/{n}", FIRST, [], answer("text/html", HTML))
        for n in range(4)
    ]
    (tmp_path / "crawl.warc.gz").write_bytes(b"".join(made))
    rows = [
        ("crawl-data/crawl.warc.gz", sum(map(len, made[:2])), len(made[2]), "http://a.example/2"),
        ("crawl-data/crawl.warc.gz", 0, len(made[0]), "http://a.example/0"),
        ("crawl-data/crawl.warc.gz", 5, len(made[0]), "http://a.example/torn"),
        ("crawl-data/none.warc.gz", 0, 9, "http://a.example/none"),
        ("crawl-data/crawl.warc.gz", None, 9, "http://a.example/row"),
        ("https://127.0.0.1:1/x.warc.gz", 0, 9, "http://a.example/web"),
    ]
    names = ["warc_filename", "warc_record_offset", "warc_record_length", "url"]
    table = pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))
    path = tmp_path / f"index.{form}"
    (pq.write_table if form == "parquet" else pa.csv.write_csv)(table, path)
    found = read_documents(
        [Input(RANGES, str(path), 1, 1.0)], ReadSettings(fetch=FetchLimits(offline=True))
    )
    assert [row[0] for row in found["documents"]] == ["http://a.example/0", "http://a.example/2"]
    assert found["reasons"] == [
        ["http://a.example/none", "damaged_record"],
        ["http://a.example/row", "damaged_record"],
        ["http://a.example/torn", "damaged_record"],
        ["http://a.example/web", "offline"],
    ]
    assert len(found["read"]) == 6


def test_a_file_that_went_away_is_counted(tmp_path):
    source = Input(WARC, str(tmp_path / "none.warc.gz"), 1, 1.0)
    (lost,) = read_input(source, ReadSettings())
    assert lost.why == Why(Reason.DAMAGED_RECORD, f"{source.path}: no such file")
    assert list(originals_in(source, ReadSettings().read, ["id x"])) == []


def refuse(path):
    raise PermissionError(13, "Permission denied", path)


def test_a_file_that_may_not_be_opened_is_counted(monkeypatch):
    monkeypatch.setattr("pipeline.stages.reading.FILES.open", refuse)
    source = Input(WARC, "/x/a.warc.gz", 1, 1.0)
    why = Why(Reason.DAMAGED_RECORD, "/x/a.warc.gz: cannot be opened")
    (lost,) = read_input(source, ReadSettings())
    assert lost.why == why
    assert list(originals_in(source, ReadSettings().read, ["id x"])) == []
    (place,) = read_file_places(source.path, [Place(7, 9, "http://a/")], ReadSettings())
    assert (place.url, place.why) == ("http://a/", why)


def test_lines_that_are_no_urls_are_counted_by_their_place(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("http://a.example/\n/a/path\n")
    settings = ReadSettings(fetch=FetchLimits(offline=True))
    found = read_documents([Input(URLS, str(path), 1, 1.0)], settings)
    assert found["reasons"] == [["'/a/path'", "bad_url"], ["http://a.example/", "offline"]]
    assert len(found["read"]) == 2


def test_of_the_spellings_of_a_url_the_shortest_is_fetched_and_the_others_are_told():
    found = list(
        one_spelling(["http://h/a?utm_source=x", "http://h/a", "http://H:80/a", "http://h/a"])
    )
    assert found[0] == "http://h/a"
    assert [(one.value.url, one.value.why.reason, one.value.why.detail) for one in found[1:]] == [
        ("http://H:80/a", Reason.DUPLICATE_URL, "http://h/a"),
        ("http://h/a?utm_source=x", Reason.DUPLICATE_URL, "http://h/a"),
    ]
