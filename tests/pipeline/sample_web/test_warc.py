"""The WARC file: read by another library, digests checked, bytes repeatable."""

from io import BytesIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipeline.sample_web.parts import Resource
from pipeline.sample_web.warc import WarcFile

PAGE = Resource("https://a.example/", "text/html; charset=utf-8", "<p>Grüße".encode())
IMAGE = Resource("https://a.example/x.png", "image/png", bytes(range(256)))
GONE = Resource("https://a.example/gone.jpg", "text/html", b"404", 404)


def written(resources, seed=3):
    out = BytesIO()
    file = WarcFile(out, seed)
    for resource in resources:
        file.write(resource)
    return out.getvalue()


def test_records_are_read_back():
    records = ArchiveIterator(BytesIO(written([PAGE, IMAGE, GONE])), verify_digests=True)
    found = []
    for record in records:
        if record.record_type == WarcRecordType.response:
            http = record.http_headers
            found.append(
                (record.headers["WARC-Target-URI"], http.status_code, record.reader.read())
            )
    assert found == [(r.url, r.status, r.body) for r in (PAGE, IMAGE, GONE)]


def test_a_url_is_written_once():
    assert written([PAGE, PAGE]) == written([PAGE])


def test_same_input_same_bytes_other_seed_other_dates():
    assert written([PAGE]) == written([PAGE])
    assert written([PAGE]) != written([PAGE], seed=4)


def test_every_record_is_its_own_gzip_member():
    import gzip

    content = written([PAGE, IMAGE])
    assert content.count(b"\x1f\x8b\x08") >= 3
    assert gzip.decompress(content).startswith(b"WARC/1.0\r\nWARC-Type: warcinfo\r\n")


def test_record_ids_differ():
    ids = [r.record_id for r in ArchiveIterator(BytesIO(written([PAGE, IMAGE, GONE])))]
    assert len(set(ids)) == len(ids) == 4
