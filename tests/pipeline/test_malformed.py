"""Malformed pieces of pages and lists, drawn at random: a value or a reason, and never a crash."""

import asyncio
import io
import json
import os
import random
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.extract.decode import decode_html
from pipeline.extract.document import extract_document
from pipeline.extract.html_folder import read_folder
from pipeline.extract.links import parse_srcset, resolve
from pipeline.extract.warc import read_warc
from pipeline.filters.urls import UrlLimits, judge_image_url, judge_page_url
from pipeline.media.crawl import Crawl
from pipeline.media.opener import Reply
from pipeline.media.outcome import FetchLimits
from pipeline.media.urls import parse_url, show_url
from pipeline.stages.asking import lane_of, row_of
from pipeline.stages.reading import page_of
from pipeline.stages.url_lists import read_urls
from pipeline.stages.warc_lists import RANGE_COLUMNS, read_ranges
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Reason, Rejection
from schemas.tables import to_rows

SEEDS = range(6)
DRAWS = 50
"""Of each seed."""
PIECES = [
    *["0", "9", ".", ",", ":", ";", "/", "//", "?", "#", "@", "[", "]", "(", ")", "{", "}", "<", ">", "%", "&", "=", "+", "-", "_", "*", '"', "'", "`", "\\", "|", "^", "~", "$", "!"], " ", "\t",
    "\n", "\0", "\x01", "\x85", "\xa0", "\xad", "\u200b", "\u2028", "\ufeff", "\uffff", "ü", "ß",
    "İ", "K", "漢", "😀", "．", "／", "http:", "https://", "//", "..", "a.example", "www.", "xn--", "xn--a",
    "[::1]", "[", "127.1", "0x7f", "9" * 20, "9" * 400, "9" * 5000, "1e999", "1.5", "-1", "inf", "nan",
    "w", "x", "1w", "2x", "a.jpg", "%", "%zz", "%00", "%ff", ":0", ":80", ":99999999", ":x",
    "a" * 64, "a" * 300, "data:", "javascript:", "file:///", "idna", "utf-7", "charset=", "x.jpg 999..9w",
]  # fmt: skip
CHARSETS = [
    "undefined", "idna", "punycode", "utf-7", "unicode_escape", "raw_unicode_escape", "mbcs", "oem",
    "hex", "rot13", "zlib", "charmap", "utf-8-sig", "utf-16", "utf-32", "hz", "iso2022_kr", "johab",
    "cp037", "cp65001", "gb18030", "big5hkscs", "euc_jisx0213", "x-user-defined", "", "-", "..", "a" * 300,
]  # fmt: skip


def draws(seed):
    return (random.Random(f"{seed}/{number}") for number in range(DRAWS))


def text(draw, most=8):
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(1, most)))


def cell(draw):
    return draw.choice([text(draw), "7", "http://a.example/", "", '"', "\r"])


def is_writable(record):
    """Whether the record goes into a table, whose texts are UTF-8."""
    return to_rows(type(record), [record]).num_rows == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_links(seed):
    for draw in draws(seed):
        link, base = text(draw), draw.choice(["http://a.example/b", text(draw)])
        for candidate in parse_srcset(link):
            assert 0 <= candidate.width < 10**9
            assert candidate.density >= 0
        url = resolve(base, link)
        assert url == "" or url.startswith(("http", "file"))
        url.encode()
        for one in (url, link):
            assert 0 <= lane_of(one, 64) < 64
            judge_page_url(one, UrlLimits())
            judge_image_url(one, UrlLimits())
            show_url(one)
            try:
                asked = parse_url(one)
            except BadInput:  # with a reason
                continue
            (asked.raw_host or "").encode("idna")  # as the look-up of the host does


@pytest.mark.parametrize(
    ("host", "is_name"),
    [("www..example.com", False), (".example.com", False), ("a" * 64 + ".example", False),
     (".".join(["abcdefg"] * 40), False), ("a" * 63 + ".example", True), ("example.com.", True)],
)  # fmt: skip
def test_hosts_that_no_look_up_takes_are_refused(host, is_name):
    if is_name:
        assert parse_url(f"http://{host}/x.jpg").raw_host
    else:
        with pytest.raises(BadInput, match="bad_url: host"):
            parse_url(f"http://{host}/x.jpg")


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize(
    "body", [b"caf\xe9 cr\xe8me", b"+2AA- \\ud800 \\x", b"\xff\xfe\x00", b"~{\x1b$B"]
)
def test_charsets(charset, body):
    page = f'<meta charset="{charset}"><p>before '.encode() + body
    for told in ("", f"text/html; charset={charset}"):
        text = decode_html(page, told)
        assert "<p>before " in text
        assert not any("\ud800" <= c <= "\udfff" for c in text), "half a character"


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "utf-7", "unicode_escape"])
def test_what_is_no_encoding_of_pages_is_passed_over(charset):
    body = f'<meta charset="{charset}"><p>caf'.encode() + b"\xe9 cr\xe8me br\xfbl\xe9e</p>"
    assert "café crème brûlée" in decode_html(body)


def linked_data(draw, depth=0):
    kind = draw.randrange(6 if depth < 4 else 3)
    if kind == 0:
        return draw.choice([None, True, -1, 1e308, 10**30])
    if kind < 3:
        return draw.choice([text(draw), "\ud800 mine", "ImageObject", "Article", "http://a/x.jpg"])
    if kind == 3:
        return [linked_data(draw, depth + 1) for _ in range(draw.randint(0, 3))]
    names = ["@type", "@id", "@value", "license", "url", "contentUrl", "creator", "name", "a\udfff"]
    return {name: linked_data(draw, depth + 1) for name in draw.sample(names, 4)}


@pytest.mark.parametrize("seed", SEEDS)
def test_pages(seed):
    for draw in draws(seed):
        attributes = [
            "src",
            "srcset",
            "style",
            "width",
            "height",
            "alt",
            "class",
            "href",
            "data-src",
            "sizes",
            "poster",
        ]
        data = json.dumps(linked_data(draw))
        html = (
            f'<base href="{text(draw)}"><script type="application/ld+json">{data}</script>'
            f"<p>Some words, so that the page is one.&#1;&#xd800;&#x110000;</p>"
        )
        for tag in draw.sample(
            ["img", "a", "video", "source", "p", "iframe", "figure", "amp-img"], 4
        ):
            told = [f'{name}="{text(draw)}"' for name in draw.sample(attributes, 4)]
            html += f"<{tag} {' '.join(told)}>x"
        try:
            document = extract_document(Page("k", "http://a.example/", html.encode()))
        except BadInput:  # with a reason
            continue
        assert is_writable(document)


@pytest.mark.parametrize("seed", SEEDS)
def test_lists(seed, tmp_path):
    for draw in draws(seed):
        names = [*RANGE_COLUMNS, "url"]
        rows = [[cell(draw) for _ in range(draw.randint(0, 6))] for _ in range(6)]
        for suffix in ("csv", "txt"):
            path = tmp_path / f"a.{suffix}"
            path.write_text("\n".join(",".join(row) for row in [names, *rows]), "utf-8")
            for found in read_urls(str(path)):
                assert isinstance(found, str) or found.why.reason is Reason.BAD_URL
                lane_of(str(found), 64)
        for _, place in read_ranges(str(tmp_path / "a.csv"), ""):
            assert isinstance(place, Rejection) or 0 <= place.offset < 10**18


def test_a_row_of_records_that_cannot_be_read_costs_no_other(tmp_path):
    long = "x" * 200_000
    head = ",".join(RANGE_COLUMNS)
    path = tmp_path / "a.csv"
    path.write_text(f"{head}\na.warc,1,2\n{long},3,4\na.warc,{'9' * 5000},6\nb.warc,7,8\n")
    found = [place for _, place in read_ranges(str(path), "")]
    assert [isinstance(place, Rejection) for place in found] == [False, True, True, False]


def test_a_damaged_table_of_records_tells_what_is_lost(tmp_path):
    path = tmp_path / "a.parquet"
    table = {RANGE_COLUMNS[0]: ["a.warc"] * 9000, RANGE_COLUMNS[1]: range(9000)}
    pq.write_table(pa.table(table | {RANGE_COLUMNS[2]: range(1, 9001)}), path)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    *_, (_, last) = read_ranges(str(path), "")
    assert isinstance(last, Rejection)
    pq.write_table(pa.table({name: [3] for name in RANGE_COLUMNS}), path)
    ((_, odd),) = read_ranges(str(path), "")  # a name that is a number
    assert isinstance(odd, Rejection)


def warc_record(draw):
    body = b"<html><p>Some words of a page.</p>"
    kind = draw.choice(["text/html", "image/png", "application/octet-stream", text(draw)])
    lines = [f"HTTP/1.1 {draw.choice(['200 OK', '999999999999 x', text(draw)])}"]
    lines += [f"Content-Type: {kind}", f"{draw.choice(['X', 'Content-Encoding'])}: {text(draw)}"]
    http = "\r\n".join(line.replace("\n", "") for line in lines).encode() + b"\r\n\r\n" + body
    fields = {
        "WARC-Type": draw.choice(["response", "resource", "revisit"]),
        "WARC-Target-URI": draw.choice(["http://[bad/x.jpg", f"http:{text(draw)}"]),
        "WARC-Date": draw.choice(
            ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", text(draw)]
        ),
        "WARC-Payload-Digest": draw.choice(["sha1:", "sha1:AAAA", text(draw)]),
        "Content-Type": draw.choice(["application/http", kind]),
        "Content-Length": str(len(http)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if "\n" not in value)
    return b"WARC/1.0\r\n" + head.encode("latin-1", "replace") + b"\r\n" + http + b"\r\n\r\n"


@pytest.mark.parametrize("seed", SEEDS)
def test_warc_records(seed):
    for draw in draws(seed):
        for found in read_warc(io.BytesIO(warc_record(draw) * 2), name="w"):
            if isinstance(found, Capture):
                assert is_writable(found)
            if isinstance(found, Page):
                assert is_writable(extract_document(found))


def test_a_capture_under_a_broken_url_is_passed_over():
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://[bad/x.jpg\r\n"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\nx"
    head += b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n" % len(http)
    assert list(read_warc(io.BytesIO(head + http + b"\r\n\r\n"), name="w")) == []


@pytest.mark.parametrize(
    "location", ["http://[", "http://a..example/", "//[::1", "\ud800", "http://a:b/"]
)
def test_a_redirect_to_what_is_no_url_is_a_reason(location):
    async def none():
        return
        yield b""

    @asynccontextmanager
    async def opener(url):
        del url
        yield Reply(302, (("location", location),), none())

    async def fetch():
        crawl = Crawl(FetchLimits(respect_robots=False, retries=0, max_redirects=1), opener)
        return await crawl.fetch("http://a.example/")

    outcome = asyncio.run(fetch())
    assert outcome.why.reason in {Reason.BAD_URL, Reason.REDIRECTS}
    row = row_of(outcome, "page", datetime.now(UTC))
    assert isinstance(page_of(row, lambda ref: b""), Rejection)


def test_names_of_files_that_are_not_utf_8(tmp_path):
    for name in (b"caf\xe9.html", b"caf\xe9.jpg", b"cafe.jpg"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"<p>Some words of a page.</p>")
    good, page, image = read_folder(str(tmp_path))
    assert isinstance(good, Capture)
    assert page.url.endswith("/caf%E9.html")
    assert is_writable(extract_document(page))
    assert image.why.reason is Reason.DAMAGED_RECORD
    image.why.value.encode("utf-8")
