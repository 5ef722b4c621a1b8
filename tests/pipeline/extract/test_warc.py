import gzip
import io
import zlib

import brotli
import pytest
import zstandard

from pipeline.extract.limits import ReadLimits
from pipeline.extract.records import Revisit
from pipeline.extract.resync import next_record
from pipeline.extract.warc import read_capture, read_warc
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Reason, Rejection

HTML = b"<!doctype html><html><body><p>Some text of the page.</p></body></html>"


def record(url, payload, kind="response", content_type="text/html", status=200, headers=()):
    lines = (
        [f"HTTP/1.1 {status} OK", f"Content-Type: {content_type}"]
        if content_type
        else [f"HTTP/1.1 {status} OK"]
    )
    http = "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + payload
    return warc_record(kind, url, http, "application/http; msgtype=response")


def warc_record(kind, url, block, content_type):
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 2024-05-06T07:08:09Z\r\nContent-Type: {content_type}\r\n"
        f"WARC-Record-ID: <urn:uuid:{zlib.crc32(url.encode()):032x}>\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def members(*records):
    return b"".join(gzip.compress(r, mtime=0) for r in records)


def read(content, limits=None):
    return list(read_warc(io.BytesIO(content), limits, name="w"))


def pages(n):
    return [record(f"http://a.example/{i}", HTML + b"%d" % i) for i in range(n)]


def test_a_page_carries_url_body_type_and_time():
    (page,) = read(members(record("http://a.example/", HTML, content_type="text/html; charset=x")))
    assert page.url == "http://a.example/"
    assert page.body == HTML
    assert page.content_type == "text/html; charset=x"
    assert page.fetched_at == "2024-05-06T07:08:09Z"


@pytest.mark.parametrize(
    "pack", [members, lambda *r: b"".join(r), lambda *r: gzip.compress(b"".join(r))]
)
def test_file_order_in_every_packing(pack):
    found = read(pack(*pages(5)))
    assert [p.url for p in found] == [f"http://a.example/{i}" for i in range(5)]
    assert all(isinstance(p, Page) for p in found)


def test_media_are_captures_and_read_back():
    jpg = record("http://a.example/a.jpg", b"\xff\xd8\xffJPEG", content_type="image/jpeg")
    raw = record("http://a.example/b.mp4", b"MP4", content_type="application/octet-stream")
    css = record("http://a.example/c.css", b"p{}", content_type="text/css")
    bin_ = record("http://a.example/d.bin", b"?", content_type="application/octet-stream")
    content = members(jpg, css, raw, bin_)
    found = read(content)
    assert [c.url for c in found] == ["http://a.example/a.jpg", "http://a.example/b.mp4"]
    assert all(isinstance(c, Capture) for c in found)
    opener = lambda path: io.BytesIO(content)  # noqa: E731
    assert read_capture("w", found[0].offset, opener=opener) == b"\xff\xd8\xffJPEG"
    assert read_capture("w", found[1].offset, opener=opener) == b"MP4"


def test_a_resource_record_is_a_capture():
    block = warc_record("resource", "http://a.example/a.png", b"PNG", "image/png")
    (capture,) = read(members(block))
    content = members(block)
    assert read_capture("w", capture.offset, opener=lambda _: io.BytesIO(content)) == b"PNG"


def test_a_plain_file_is_read_whole(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"JPEG")
    assert read_capture(str(tmp_path / "a.jpg"), -1) == b"JPEG"
    with pytest.raises(BadInput) as bad:
        read_capture(str(tmp_path / "a.jpg"), -1, ReadLimits(media_bytes=3))
    assert bad.value.why.reason is Reason.TOO_MANY_BYTES


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (record("http://a.example/", HTML, status=404), Reason.BAD_STATUS),
        (record("http://a.example/", b" \n"), Reason.EMPTY_BODY),
        (record("http://a.example/", b"%PDF-1.4 ..."), Reason.NOT_HTML),
        (record("http://a.example/", b"x" * 2000), Reason.TOO_MANY_BYTES),
        (record("http://a.example/", gzip.compress(b"x" * 9000), headers=["Content-Encoding: gzip"]),
         Reason.TOO_MANY_BYTES),
        (record("http://a.example/", gzip.compress(HTML)[:-20], headers=["Content-Encoding: gzip"]),
         Reason.BAD_ENCODING),
        (record("http://a.example/", b"5\r\nhello\r\n9\r\nhal", headers=["Transfer-Encoding: chunked"]),
         Reason.BAD_ENCODING),
    ],
)  # fmt: skip
def test_an_html_response_that_is_no_page_is_a_rejection(made, reason):
    found = read(members(made, *pages(1)), ReadLimits(page_bytes=1000))
    assert isinstance(found[0], Rejection)
    assert found[0].kind == "page"
    assert found[0].why.reason is reason
    assert isinstance(found[1], Page)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda b: zlib.compress(b)[2:-4]),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("gzip, br", lambda b: brotli.compress(gzip.compress(b))),
        ("identity", lambda b: b),
    ],
)
def test_content_encodings(encoding, pack):
    made = record("http://a.example/", pack(HTML), headers=[f"Content-Encoding: {encoding}"])
    (page,) = read(members(made))
    assert page.body == HTML


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_a_header_that_outlived_its_encoding_is_harmless(encoding):
    made = record("http://a.example/", HTML, headers=[f"Content-Encoding: {encoding}"])
    (page,) = read(members(made))
    assert page.body == HTML


def test_chunks_are_joined():
    chunked = b"%x\r\n%s\r\n5;x=y\r\nhello\r\n0\r\n\r\n" % (len(HTML), HTML)
    (page,) = read(
        members(record("http://a.example/", chunked, headers=["Transfer-Encoding: chunked"]))
    )
    assert page.body == HTML + b"hello"


def test_html_without_a_content_type_is_known_by_its_beginning():
    html = record("http://a.example/", HTML, content_type="")
    other = record("http://a.example/x", b"\x00\x01", content_type="")
    found = read(members(html, other))
    assert [type(f) for f in found] == [Page]


def damaged(found):
    return [f for f in found if isinstance(f, Rejection) and f.why.reason is Reason.DAMAGED_RECORD]


def good(found):
    return [f.url for f in found if isinstance(f, Page)]


@pytest.mark.parametrize("pack", [members, lambda *r: b"".join(r)], ids=["gzip", "plain"])
def test_a_cut_at_the_end_is_told_and_no_short_page_passes(pack):
    whole = pack(*pages(4))
    last = len(pack(*pages(3)))
    for cut in range(last + 1, len(whole) - 12, 7):
        found = read(whole[:cut])
        assert good(found)[:3] == [f"http://a.example/{i}" for i in range(3)]
        assert all(p.body.endswith(b"%d" % i) for i, p in enumerate(found) if isinstance(p, Page))


def test_a_flipped_byte_costs_one_record():
    made = [gzip.compress(r, mtime=0) for r in pages(6)]
    hurt = bytearray(made[2])
    hurt[len(hurt) // 2] ^= 0xFF
    found = read(b"".join([*made[:2], bytes(hurt), *made[3:]]))
    assert good(found) == [f"http://a.example/{i}" for i in (0, 1, 3, 4, 5)]
    assert damaged(found)
    assert str(damaged(found)[0].why.value).startswith("w@")


def test_zeros_between_members_cost_nothing():
    made = [gzip.compress(r, mtime=0) for r in pages(6)]
    found = read(b"".join([*made[:3], b"\0" * 37, *made[3:]]))
    assert good(found) == [f"http://a.example/{i}" for i in range(6)]


def test_a_length_that_lies_swallows_nothing():
    liar = pages(1)[0].replace(b"Content-Length: ", b"Content-Length: 9")
    found = read(b"".join([liar, *pages(4)[1:]]))
    assert good(found) == [f"http://a.example/{i}" for i in (1, 2, 3)]
    assert len(damaged(found)) == 1


def test_garbage_and_nothing():
    assert damaged(read(b"garbage of no kind at all"))
    assert damaged(read(b""))


def test_next_record_finds_marks_only():
    content = members(*pages(3))
    second = len(members(*pages(1)))
    assert next_record(io.BytesIO(content), 1) == second
    assert next_record(io.BytesIO(b"".join(pages(2))), 1) == len(pages(1)[0])
    assert next_record(io.BytesIO(content), len(content)) is None


def test_a_capture_of_a_damaged_record_is_refused():
    content = members(record("http://a.example/a.jpg", b"J" * 5000, content_type="image/jpeg"))
    (capture,) = read(content)
    with pytest.raises(BadInput) as bad:
        read_capture("w", capture.offset, opener=lambda _: io.BytesIO(content[:-30]))
    assert bad.value.why.reason is Reason.DAMAGED_RECORD
    with pytest.raises(BadInput):
        read_capture("w", 5, opener=lambda _: io.BytesIO(content))


@pytest.mark.shared
def test_every_page_of_the_real_files_is_found(shared_data):
    found = [
        f for path in sorted((shared_data / "warc").glob("*.gz")) for f in read_warc(str(path))
    ]
    assert sum(isinstance(f, Page) for f in found) == 184
    assert {str(f.why.reason) for f in found if isinstance(f, Rejection)} == {"bad_status"}
    assert sum(isinstance(f, Capture) for f in found) == 181
    assert sum(isinstance(f, Revisit) for f in found) == 190
