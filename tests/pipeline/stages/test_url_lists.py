import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.stages.url_lists import read_urls, require_urls
from pipeline.stages.warc_lists import InputError
from schemas.rejection import Reason, Rejection


def test_urls_come_from_lists_of_any_kind(tmp_path):
    (tmp_path / "a.txt").write_text("# a comment\nhttp://a/1\n\n https://a/2 \n")
    (tmp_path / "a.csv").write_text('name, url\n"x\ny",http://a/1\nshort\nz,https://a/2\n')
    (tmp_path / "B.CSV").write_text("url\nhttp://a/1\nhttps://a/2\n")
    pq.write_table(
        pa.table({"url": ["http://a/1", None, "https://a/2"], "n": [1, 2, 3]}),
        tmp_path / "a.parquet",
    )
    for name in ("a.txt", "a.csv", "B.CSV", "a.parquet"):
        assert list(read_urls(str(tmp_path / name))) == ["http://a/1", "https://a/2"]
        require_urls(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.txt", "http://a/1\n\nwww.a.example\nhttp://a/2\n", "a.txt:3: 'www.a.example'"),
        ("a.txt", "http://a/1\n# no\nfile:///x.html\nhttp://a/2\n", "a.txt:3: 'file:///x.html'"),
        ("a.txt", "http://a/1\nhttp://[abc\nhttp://a/2\n", "a.txt:2: 'http://[abc'"),
        ("a.csv", "n,url\n1,http://a/1\n2,http:\n3,http://a/2\n", "a.csv:3: 'http:'"),
    ],
)
def test_a_line_that_is_no_url_is_told_by_its_place(tmp_path, name, content, place):
    (tmp_path / name).write_text(content)
    first, odd, last = read_urls(str(tmp_path / name))
    assert (first, last) == ("http://a/1", "http://a/2")
    assert isinstance(odd, Rejection)
    assert odd.why.reason is Reason.BAD_URL
    assert odd.why.value == f"{tmp_path}/{place}"


def test_a_cell_of_another_type_is_told_too(tmp_path):
    pq.write_table(pa.table({"url": [3]}), tmp_path / "a.parquet")
    (odd,) = read_urls(str(tmp_path / "a.parquet"))
    assert odd.why.value == f"{tmp_path}/a.parquet:1: 3"


def test_what_the_libraries_cannot_read_ends_the_list(tmp_path):
    long = "x" * (csv.field_size_limit() + 1)
    (tmp_path / "a.csv").write_text(f"url\nhttp://a/1\n{long}\nhttp://a/2\n")
    pq.write_table(
        pa.table({"url": [f"http://a/{n}" for n in range(9000)]}), tmp_path / "a.parquet"
    )
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4:2000] = bytes(1996)
    (tmp_path / "a.parquet").write_bytes(content)
    first, of_csv, last = read_urls(str(tmp_path / "a.csv"))
    assert (first, last) == ("http://a/1", "http://a/2")
    assert of_csv.why.value == f"{tmp_path}/a.csv:3: 'a row that cannot be read'"
    *_, of_parquet = read_urls(str(tmp_path / "a.parquet"))
    assert of_parquet.why.reason is Reason.BAD_URL


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the list is empty"),
        (b"# nothing\n\n", "the list is empty"),
        (b"\n\xff\x00\x80\x81\n", r"a\.txt: no http:// or https:// URL at line 2: '\\ufffd\\x00"),
    ],
)
def test_a_list_without_a_url_is_refused(tmp_path, content, message):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        require_urls(str(tmp_path / "a.txt"))
