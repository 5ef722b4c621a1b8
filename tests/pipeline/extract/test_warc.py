import base64
import gzip
import hashlib
import io
import re
import zlib

import brotli
import pytest
import zstandard

from pipeline.extract.derived import derived_form
from pipeline.extract.limits import ReadLimits
from pipeline.extract.records import Revisit
from pipeline.extract.resync import next_record
from pipeline.extract.warc import Place, find_originals, read_capture, read_places, read_warc
from schemas.keys import make_key
from schemas.records import Capture, Page
from schemas.rejection import BadInput, Reason, Rejection, Why

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


def truncated(content, why="length"):
    return content.replace(b"WARC-Date", f"WARC-Truncated: {why}\r\nWARC-Date".encode(), 1)


def test_a_record_that_holds_a_part_is_no_page():
    short = truncated(record("http://a.example/1", HTML), "disconnect")
    lost = truncated(record("http://a.example/2", HTML, status=404))
    found = read(members(*pages(1), short, lost, record("http://a.example/3", HTML)))
    assert [type(one) for one in found] == [Page, Rejection, Rejection, Page]
    assert found[1].why == Why(Reason.TRUNCATED_RECORD, "disconnect")
    assert found[2].why.reason is Reason.BAD_STATUS


@pytest.mark.parametrize(
    ("header", "http", "why"),
    [
        (b"WARC-Segment-Number: 1\r\n", (), "segment"),
        (b"", (f"Content-Length: {len(HTML) + 500}",), "content-length"),
        (b"", (f"Content-Length: {len(HTML)}",), None),
        (b"", (f"Content-Length: {len(HTML) - 5}",), None),
        (b"", ("Content-Length: many",), None),
    ],
)
def test_a_payload_is_as_long_as_its_headers_say(header, http, why):
    content = record("http://a.example/1", HTML, headers=http)
    (found,) = read(content.replace(b"WARC-Date", header + b"WARC-Date", 1))
    if why is None:
        assert found.body == HTML
    else:
        assert found.why == Why(Reason.TRUNCATED_RECORD, why)


def test_a_record_without_a_url_is_told():
    nameless = record("http://a.example/1", HTML).replace(b"WARC-Target-URI", b"X-Target", 1)
    found = read(members(*pages(1), nameless))
    assert [type(one) for one in found] == [Page, Rejection]
    assert found[1].why == Why(Reason.BAD_URL, "no WARC-Target-URI")


def test_an_empty_mark_truncates_nothing():
    (page,) = read(truncated(pages(1)[0], ""))
    assert isinstance(page, Page)


def test_media_of_which_a_part_is_there_are_not_read(tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(
        truncated(record("http://a.example/a.jpg", b"\xff\xd8\xffJP", content_type="image/jpeg"))
    )
    (capture,) = read_warc(str(path))
    with pytest.raises(BadInput) as bad:
        read_capture(capture.path, capture.offset)
    assert bad.value.why == Why(Reason.TRUNCATED_RECORD, "length")


def test_a_revisit_that_leaves_its_content_out_still_stands_for_it():
    """Writers mark such records as truncated, which they are on purpose (those of ukwa-govuk-2 do)."""
    revisit = record("http://a.example/again", b"", kind="revisit")
    (found,) = read(truncated(revisit))
    assert isinstance(found, Revisit)


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
        (record("http://a.example/", gzip.compress(HTML)), Reason.NOT_HTML),
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
    assert sum(isinstance(f, Revisit) for f in found) == 74


def with_headers(made, **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return made.replace(b"WARC/1.0\r\n", b"WARC/1.0\r\n" + lines.encode(), 1)


def sha1(content):
    return "sha1:" + base64.b32encode(hashlib.sha1(content).digest()).decode()


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"WARC_Payload_Digest": sha1(HTML)}, True),
        ({"WARC_Payload_Digest": "sha-256:" + hashlib.sha256(HTML).hexdigest()}, True),
        ({"WARC_Payload_Digest": sha1(b"other")}, False),
        ({"WARC_Payload_Digest": "sha1:no-such", "WARC_Block_Digest": "crc:1"}, True),
        ({"WARC_Block_Digest": sha1(b"other"), "WARC_Payload_Digest": sha1(HTML)}, True),
        ({"WARC_Block_Digest": sha1(b"other")}, False),
    ],
)
def test_digests_are_held_against_the_bytes(headers, kept):
    found = read(members(with_headers(record("http://a.example/", HTML), **headers)))
    assert [type(f) for f in found] == [Page if kept else Rejection]
    if not kept:
        assert found[0].why == Why(Reason.DAMAGED_RECORD, "w@0 digest")
        assert found[0].url == "http://a.example/"


def test_a_payload_digest_may_be_of_the_body_with_or_without_its_encoding():
    packed = gzip.compress(HTML)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    lines = ["Content-Encoding: gzip", "Transfer-Encoding: chunked"]
    for view in (chunked, packed, HTML):
        made = record("http://a.example/", chunked, headers=lines)
        (page,) = read(members(with_headers(made, WARC_Payload_Digest=sha1(view))))
        assert page.body == HTML
    (lost,) = read(members(with_headers(made, WARC_Payload_Digest=sha1(b"other"))))
    assert lost.why.reason is Reason.DAMAGED_RECORD
    cut = record("http://a.example/", chunked[:-20], headers=lines)
    (lost,) = read(members(with_headers(cut, WARC_Payload_Digest=sha1(HTML))))
    assert lost.why.reason is Reason.DAMAGED_RECORD


def test_a_length_that_is_a_little_off_gives_no_page():
    for pack in (members, lambda *r: b"".join(r)):
        for off in (-20, 20):
            made = pages(4)
            length = int(re.search(rb"Content-Length: (\d+)", made[1])[1])
            made[1] = made[1].replace(b"Length: %d" % length, b"Length: %d" % (length + off), 1)
            found = read(pack(*made))
            assert good(found) == [f"http://a.example/{i}" for i in (0, 2, 3)]
            assert len(damaged(found)) == 1


def test_headers_without_end_and_http_that_is_none_cost_one_record():
    long = with_headers(pages(1)[0], X=("y" * 70_000))
    found = read(members(long, *pages(3)[1:]))
    assert good(found) == ["http://a.example/1", "http://a.example/2"]
    assert len(damaged(found)) == 1


def revisit(url, headers=(), http="HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"):
    made = warc_record("revisit", url, http.encode(), "application/http; msgtype=response")
    return with_headers(made, **dict(headers))


def test_a_revisit_says_what_it_means_the_surest_first():
    headers = {
        "WARC_Refers_To": "<urn:uuid:1>",
        "WARC_Refers_To_Target_URI": "http://a.example/x",
        "WARC_Refers_To_Date": "2024-01-01T00:00:00Z",
        "WARC_Payload_Digest": sha1(HTML),
    }
    (found,) = read(members(revisit("http://a.example/", headers)))
    assert found == Revisit(
        "http://a.example/",
        "2024-05-06T07:08:09Z",
        (
            f"sha1 {hashlib.sha1(HTML).hexdigest()}",
            "id <urn:uuid:1>",
            "url http://a.example/x 2024-01-01T00:00:00Z",
        ),
        "w@0",
        "page",
    )


@pytest.mark.parametrize(
    ("http", "kind"),
    [
        ("HTTP/1.1 304 Not Modified\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", "media"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/css\r\n\r\n", None),
        ("HTTP/1.1 404 No\r\nContent-Type: text/html\r\n\r\n", Reason.BAD_STATUS),
        ("HTTP/1.1 404 No\r\nContent-Type: image/png\r\n\r\n", None),
    ],
)
def test_what_a_revisit_repeats(http, kind):
    found = read(members(revisit("http://a.example/", http=http)))
    assert [f.kind if isinstance(f, Revisit) else f.why.reason for f in found] == [
        kind for kind in [kind] if kind is not None
    ]


def test_originals_are_found_by_their_marks():
    made = [with_headers(r, WARC_Payload_Digest=sha1(HTML)) for r in pages(3)]
    content = b"".join([members(made[0]), b"\0" * 9, members(made[1], made[2])])
    digest = f"sha1 {hashlib.sha1(HTML).hexdigest()}"
    at = [0, content.index(b"\x1f\x8b\x08", 20)]
    dated = "url http://a.example/1 2024-05-06T07:08:09Z"
    found = list(find_originals(io.BytesIO(content), {digest, dated}, ReadLimits()))
    assert found[:3] == [(digest, at[0]), (digest, at[1]), (dated, at[1])]
    assert len(found) == 4


def places(content, wanted):
    return list(read_places(io.BytesIO(content), "w", wanted, ReadLimits()))


@pytest.mark.parametrize("pack", [members, lambda *r: b"".join(r)], ids=["gzip", "plain"])
def test_records_are_read_by_their_places(pack):
    jpg = record("http://a.example/a.jpg", b"\xff\xd8\xffJPEG", content_type="image/jpeg")
    css = record("http://a.example/c.css", b"p{}", content_type="text/css")
    made = [pack(r) for r in (*pages(3), jpg, css)]
    at = [sum(map(len, made[:i])) for i in range(len(made))]
    index = [Place(at[i], len(made[i]), f"http://index.example/{i}") for i in (2, 0, 3, 4)]
    content = b"".join(made)
    found = places(content, index)
    assert [f.url for f in found] == [
        "http://a.example/0",
        "http://a.example/2",
        "http://a.example/a.jpg",
        "http://index.example/4",
    ]
    assert found[2] == Capture("http://a.example/a.jpg", "w", at[3])
    assert found[3].why == Why(Reason.NOT_HTML, "text/css")
    wrong = [
        Place(at[1] + 1, len(made[1])),
        Place(at[1], len(made[1]) - 5, "http://index.example/1"),
        Place(at[1], len(made[1]) + len(made[2])),
        Place(at[4], len(made[4]) + 9),
        Place(len(content) + 5, 10),
        Place(0, 1 << 40),
    ]
    reasons = [f.why.reason for f in places(content, wrong)]
    assert reasons == [Reason.TOO_MANY_BYTES] + [Reason.DAMAGED_RECORD] * 5
    assert places(content, wrong)[1].url == "http://index.example/1"


def test_a_revisit_gets_its_originals_content_under_its_own_url_and_date():
    content = members(*pages(2), record("http://a.example/", b"p{}", content_type="text/css"))
    at = [m.start() for m in re.finditer(b"\x1f\x8b\x08", content)]
    again = Revisit("http://a.example/again", "2025-01-01T00:00:00Z", (), "v@7", "")
    (page,) = places(content, [Place(at[1], revisit=again)])
    assert (page.url, page.fetched_at, page.body) == (again.url, again.fetched_at, HTML + b"1")
    assert page.key == make_key(again.url, HTML + b"1")
    assert places(content, [Place(at[2], revisit=again)]) == []
    (lost,) = places(content[:-9], [Place(at[2], revisit=again)])
    assert (lost.url, lost.key, lost.why.reason) == (
        again.url,
        make_key(again.url, "v@7"),
        Reason.DAMAGED_RECORD,
    )


def test_a_zstd_file_is_read_to_its_end():
    found = read(zstandard.compress(b"".join(pages(3))))
    assert good(found) == [f"http://a.example/{i}" for i in range(3)]
    assert not damaged(found)
    found = read(zstandard.compress(b"".join(pages(300)))[:-40])
    assert damaged(found)


@pytest.mark.parametrize(
    ("kinds", "form"),
    [
        (["warcinfo", "conversion"], "WET"),
        (["warcinfo", "metadata", "metadata", "metadata"], "WAT"),
        (["warcinfo", "metadata"], "WAT"),
        (["warcinfo", "request", "response", "metadata", "metadata", "metadata"], ""),
        (["metadata", "response"], ""),
        (["warcinfo"], ""),
        ([], ""),
    ],
)
def test_texts_and_metadata_are_told_from_pages(kinds, form):
    made = [warc_record(kind, "http://a/", b"{}", "application/json") for kind in kinds]
    assert derived_form(io.BytesIO(members(*made))) == form
    assert derived_form(io.BytesIO(members(*made)[:-9] + b"\0" * 9)) in {form, ""}
