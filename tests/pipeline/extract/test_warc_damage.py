"""What is left of a WARC file after damage: all that lies outside of it, and nothing cut short."""

import base64
import gzip
import hashlib
import io
import random

import pytest

from pipeline.extract.warc import read_warc
from schemas.records import Capture, Page
from schemas.rejection import Rejection

STEP = 997


def digest(content):
    return "sha1:" + base64.b32encode(hashlib.sha1(content).digest()).decode()


def warc_record(kind, url, block, payload, content_type, more=()):
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Target-URI: {url}",
        "WARC-Date: 2024-05-06T07:08:09Z",
        f"WARC-Record-ID: <urn:uuid:{hashlib.md5(kind.encode() + url.encode()).hexdigest()}>",
        f"Content-Type: {content_type}",
        f"WARC-Payload-Digest: {digest(payload)}",
        f"WARC-Block-Digest: {digest(block)}",
        *more,
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def response(url, payload, content_type="text/html", encoding=""):
    head = f"HTTP/1.1 200 OK\r\nDate: Mon, 06 May 2024 07:08:09 GMT\r\nContent-Type: {content_type}\r\nServer: x\r\n"
    head += f"Content-Encoding: {encoding}\r\n" * bool(encoding)
    block = head.encode() + b"\r\n" + payload
    return warc_record("response", url, block, payload, "application/http; msgtype=response")


def crawl(seed=3, sites=28):
    """Records as a crawler leaves them: info, then request, response and metadata, some images."""
    draw = random.Random(seed)
    words = [
        "the",
        "ferry",
        "crosses",
        "a",
        "quiet",
        "lake",
        "with",
        "seven",
        "boxes",
        "of",
        "apples",
    ]
    made = [warc_record("warcinfo", "", b"software: made up\r\n", b"", "application/warc-fields")]
    for n in range(sites):
        url = f"http://a.example/{n}"
        request = f"GET /{n} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode()
        made.append(warc_record("request", url, request, b"", "application/http; msgtype=request"))
        text = "\r\n\r\n".join(
            f"<p>{' '.join(draw.choices(words, k=draw.randint(5, 90)))}</p>"
            for _ in range(draw.randint(3, 14))
        )
        html = f"<!doctype html><html><body><h1>{n}</h1>{text}</body></html>".encode()
        if n % 4 == 1:
            made.append(response(url, gzip.compress(html, mtime=0), encoding="gzip"))
        else:
            made.append(response(url, html))
        if n % 3 == 0:
            image = b"\xff\xd8\xff" + draw.randbytes(draw.randint(400, 4000))
            made.append(response(f"{url}.jpg", image, "image/jpeg"))
        made.append(
            warc_record("metadata", url, b"fetchTimeMs: 3\r\n", b"", "application/warc-fields")
        )
    return made


RECORDS = crawl()
MEMBERS = [gzip.compress(record, mtime=0) for record in RECORDS]
PACKINGS = {"gzip": MEMBERS, "plain": RECORDS}


def read(content):
    """What is found by URL: a page's body, or a capture's offset."""
    found = [f for f in read_warc(io.BytesIO(content), name="w") if isinstance(f, Page | Capture)]
    return [(f.url, f.body if isinstance(f, Page) else None) for f in found]


def cut(content, at, draw):
    return content[:at], at, len(content)


def lost(content, at, draw):
    size = draw.randint(1, 600)
    return content[:at] + content[at + size :], at, at + size


def zeroed(content, at, draw):
    size = min(draw.randint(1, 600), len(content) - at)
    return content[:at] + bytes(size) + content[at + size :], at, at + size


def flipped(content, at, draw):
    return (
        content[:at] + bytes([content[at] ^ draw.randint(1, 255)]) + content[at + 1 :],
        at,
        at + 1,
    )


def spans(records):
    at, out = 0, []
    for record in records:
        out.append((at, at + len(record)))
        at += len(record)
    return out


@pytest.mark.parametrize("packing", ["gzip", "plain"])
@pytest.mark.parametrize("hurt", [cut, lost, zeroed, flipped])
def test_at_least_99_of_100_undamaged_records_are_read_and_none_short(hurt, packing):
    records = PACKINGS[packing]
    content = b"".join(records)
    whole = read(content)
    bodies = {body for _, body in whole}
    by_span = [
        (span, one)
        for span, record in zip(spans(records), records, strict=True)
        for one in read(record)
    ]
    assert [one for _, one in by_span] == whole
    assert len(whole) == 38
    draw = random.Random(997)
    expected = got = short = 0
    for at in range(STEP, len(content), STEP):
        damaged, begin, end = hurt(content, at, draw)
        found = read(damaged)
        short += sum(body not in bodies for _, body in found)
        undamaged = [one for (a, b), one in by_span if b <= begin or a >= end]
        expected += len(undamaged)
        got += sum(one in found for one in undamaged)
    print(f"{packing} {hurt.__name__}: {got} of {expected} undamaged records, {short} short")
    assert got >= 0.99 * expected
    assert short == 0


def without_digests(record):
    """The record as writers leave it that make no digests: nothing but its length vouches for it."""
    lines = record.split(b"\r\n")
    return b"\r\n".join(line for line in lines if b"-Digest: " not in line[:24])


class Bucket(io.RawIOBase):
    """A stream as of a bucket: it has no file descriptor."""

    def __init__(self, content):
        self.inner = io.BytesIO(content)

    def read(self, size=-1):
        return self.inner.read(size)

    def seek(self, offset, whence=0):
        return self.inner.seek(offset, whence)

    def tell(self):
        return self.inner.tell()


@pytest.mark.parametrize("source", ["file", "bucket"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_few_bytes_missing_in_a_plain_file_show_by_what_stands_behind_the_record(
    size, source, tmp_path
):
    records = [
        warc_record("warcinfo", "", b"software: made up\r\n", b"", "application/warc-fields"),
        *(response(f"http://a.example/{i}", f"<p>{i} {'x' * 900}</p>".encode()) for i in range(12)),
    ]
    content = b"".join(map(without_digests, records))
    path = tmp_path / "a.warc"

    def found_in(damaged):
        if source == "bucket":
            return list(read_warc(Bucket(damaged), name="w"))
        path.write_bytes(damaged)
        with path.open("rb") as stream:
            return list(read_warc(stream, name="w"))

    bodies = {one.body for one in found_in(content)}
    assert len(bodies) == 12
    for at in range(600, len(content) - 2000, STEP):
        found = found_in(content[:at] + content[at + size :])
        pages = [one for one in found if isinstance(one, Page)]
        kept = {page.body for page in pages}
        assert kept <= bodies
        assert len(kept) >= 11
        if content[at : at + 20] == b"x" * 20:  # within a body, not in headers
            assert sum(isinstance(one, Rejection) for one in found) == 1


def test_a_writer_that_leaves_one_line_behind_each_record_is_believed(tmp_path):
    records = [response(f"http://a.example/{i}", b"<p>text</p>") for i in range(6)]
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(record[:-2] for record in records))
    with path.open("rb") as stream:
        found = list(read_warc(stream, name="w"))
    assert sum(isinstance(one, Page) for one in found) >= 4


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("hurt", [[2, 3, 4], [5]], ids=["three in a row", "the last"])
def test_records_that_lost_as_many_bytes_each_are_told_each(hurt, size):
    bodies = [f"<p>{i} {'x' * 900}</p>".encode() for i in range(6)]
    records = [
        without_digests(response(f"http://a.example/{i}", body)) for i, body in enumerate(bodies)
    ]
    for index in hurt:
        records[index] = records[index][: -4 - size] + b"\r\n\r\n"
    found = list(read_warc(io.BytesIO(b"".join(records)), name="w"))
    whole = [body for index, body in enumerate(bodies) if index not in hurt]
    assert [one.body for one in found if isinstance(one, Page)] == whole
    assert sum(isinstance(one, Rejection) for one in found) == len(hurt)


def test_a_record_longer_than_what_is_kept_in_mind_is_vouched_for_all_the_same():
    bodies = [b"<p>" + b"x" * size + b"</p>" for size in (1_000_000, 10, 3_000_000, 10)]
    records = [
        without_digests(response(f"http://a.example/{i}", body)) for i, body in enumerate(bodies)
    ]
    short = records[2][:-5] + b"\r\n\r\n"
    found = list(read_warc(io.BytesIO(records[0] + records[1] + short + records[3]), name="w"))
    assert [getattr(one, "body", None) for one in found] == [bodies[0], bodies[1], None, bodies[3]]


def test_zeros_instead_of_the_last_members_make_no_page():
    draw = random.Random(1)
    bodies = [f"<p>{'word ' * draw.randrange(20, 3000)}</p>".encode() for _ in range(60)]
    packed = [
        gzip.compress(without_digests(response(f"http://a.example/{i}", body)))
        for i, body in enumerate(bodies)
    ]
    content = b"".join(packed)
    for _ in range(30):
        at = draw.randrange(len(content) - 700)
        for one in read_warc(io.BytesIO(content[:at] + bytes(len(content) - at)), name="w"):
            assert not isinstance(one, Page) or one.body == bodies[int(one.url[17:])]


def test_headers_whose_lines_end_in_lf_alone():
    """Those of HTTP are read; those of WARC are not, which is told."""
    good = [response(f"http://a.example/{i}", b"<p>text</p>") for i in range(2)]
    head, _, rest = good[1].partition(b"\r\n\r\n")
    http, _, body = rest.partition(b"\r\n\r\n")
    block = http.replace(b"\r\n", b"\n") + b"\n\n" + body[:-4]
    head = without_digests(head)
    length = head.index(b"Content-Length: ") + len(b"Content-Length: ")
    head = head[:length] + str(len(block)).encode()
    lines = head + b"\r\n\r\n" + block + b"\r\n\r\n"
    found = list(read_warc(io.BytesIO(good[0] + lines + good[0]), name="w"))
    assert [one.body for one in found] == [b"<p>text</p>"] * 3

    lines = head.replace(b"\r\n", b"\n") + b"\n\n" + block + b"\n\n"
    found = list(read_warc(io.BytesIO(good[0] + lines + good[0]), name="w"))
    assert [type(one) for one in found] == [Page, Rejection, Page]


@pytest.mark.parametrize(
    "between", [bytes(512), gzip.compress(b"", mtime=0), gzip.compress(b"", mtime=0) * 3]
)
def test_padding_between_members_is_no_damage(between):
    records = [
        gzip.compress(response(f"http://a.example/{i}", f"<p>{i}</p>".encode())) for i in range(5)
    ]
    found = list(read_warc(io.BytesIO(between.join(records)), name="w"))
    assert [type(one) for one in found] == [Page] * 5


def test_what_is_lost_between_members_is_told_whatever_pads_it():
    records = [
        gzip.compress(response(f"http://a.example/{i}", f"<p>{i}</p>".encode())) for i in range(3)
    ]
    damaged = records[0] + bytes(64) + records[1][:200] + bytes(64) + records[2]
    found = list(read_warc(io.BytesIO(damaged), name="w"))
    assert sum(isinstance(one, Page) for one in found) == 2
    assert sum(isinstance(one, Rejection) for one in found) == 1
