import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.stages.beam_files import FILES
from pipeline.stages.inputs import FOLDER, RANGES, URLS, WARC, InputError, resolve_inputs

WET = b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a/\r\nContent-Length: 2\r\n\r\nhi\r\n\r\n"


@pytest.fixture
def crawl(tmp_path):
    for name in ("b.warc.gz", "a.warc", "c.warc.wet.gz", "x.pdf"):
        (tmp_path / name).write_bytes(b"1234")
    (tmp_path / "urls.txt").write_text("http://a/\n")
    (tmp_path / "urls.csv").write_text("url\nhttp://a/\n")
    pq.write_table(pa.table({"url": ["http://a/"]}), tmp_path / "urls.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"1234")
    (tmp_path / "columns.csv").write_text("name,age\nx,3\n")
    (tmp_path / "hidden.warc.gz").write_bytes(gzip.compress(WET))
    (tmp_path / "warc.paths").write_text("# a list\na.warc\n\ndeep/data/b.warc.gz\n")
    (tmp_path / "wet.paths.gz").write_bytes(b"1234")
    (tmp_path / "empty.paths").write_text("\n")
    (tmp_path / "torn.paths.gz").write_bytes(gzip.compress(b"a.warc\n")[:-4])
    (tmp_path / "missing.paths").write_text("a.warc\ncrawl-data/none.warc.gz\n")
    (tmp_path / "mixed.paths").write_text("a.warc\nx.pdf\n")
    (tmp_path / "texts.paths").write_text("crawl-data/wet/a.warc.wet.gz\n")
    head = "url,warc_filename,warc_record_offset,warc_record_length\n"
    (tmp_path / "records.csv").write_text(f"{head}http://a/,crawl-data/x/b.warc.gz,0,4\n")
    (tmp_path / "lost.csv").write_text(f"{head}http://a/,crawl-data/x/none.warc.gz,0,4\n")
    (tmp_path / "site" / "deep").mkdir(parents=True)
    (tmp_path / "site" / "deep" / "page.html").write_text("<p>")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(found):
    return [(item.kind, item.path.rpartition("/")[2]) for item in found]


def test_files_folders_and_patterns(crawl):
    found = resolve_inputs([f"{crawl}/a.warc", f"{crawl}/b.*", f"{crawl}/site", f"{crawl}/urls.*"])
    assert names(found) == [
        (WARC, "a.warc"), (WARC, "b.warc.gz"), (FOLDER, "site"),
        (URLS, "urls.csv"), (URLS, "urls.parquet"), (URLS, "urls.txt"),
    ]  # fmt: skip
    assert [item.size for item in found[:3]] == [4, 4, 3]


@pytest.mark.parametrize("packed", [False, True])
def test_a_list_stands_for_its_files(crawl, packed):
    path = crawl / "warc.paths"
    if packed:
        path = crawl / "packed.paths.gz"
        path.write_bytes(gzip.compress((crawl / "warc.paths").read_bytes()))
    found = resolve_inputs([str(path), str(crawl / "a.warc")])
    assert names(found) == [(WARC, "a.warc"), (WARC, "b.warc.gz")]
    assert found[1].size == 4
    assert found[1].stamp == (crawl / "b.warc.gz").stat().st_mtime


def test_relative_paths_begin_at_the_base(crawl, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "mine.paths").write_text("site/deep/z.warc.gz\n")
    (crawl / "site" / "deep" / "z.warc.gz").write_bytes(b"12345")
    (found,) = resolve_inputs([str(other / "mine.paths")], str(crawl))
    assert (found.path, found.size) == (f"{crawl}/site/deep/z.warc.gz", 5)


def test_a_table_of_records_is_told_by_its_columns(crawl):
    (found,) = resolve_inputs([str(crawl / "records.csv")])
    assert (found.kind, found.path) == (RANGES, str(crawl / "records.csv"))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing.warc.gz", "no such file or folder"),
        ("*.nothing", "no such file or folder"),
        ("c.warc.wet.gz", "WET and WAT files hold no HTML; give the WARC files they were made of"),
        ("wet.paths.gz", "warc.paths in place of wet.paths"),
        ("hidden.warc.gz", "WET files hold no HTML; give the WARC files they were made of"),
        ("x.pdf", "not an input; known are *.warc"),
        ("empty", "the folder is empty"),
        ("bad.parquet", "not a table: "),
        ("columns.csv", "no column url, nor warc_filename, warc_record_offset, warc_record_length; "
         "its columns are name, age"),
        ("empty.paths", "the list is empty"),
        ("torn.paths.gz", "not a list of paths"),
        ("missing.paths", "no such file: "),
        ("missing.paths", "Common Crawl's is https://data.commoncrawl.org/"),
        ("mixed.paths", "x.pdf: not an input" ),
        ("texts.paths", "WET and WAT files hold no HTML"),
        ("lost.csv", "then under read.warc_base"),
    ],
)  # fmt: skip
def test_what_is_no_input_is_named(crawl, pattern, message):
    with pytest.raises(InputError) as caught:
        resolve_inputs([f"{crawl}/{pattern}"])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_offline_refuses_what_lies_on_the_web(crawl):
    (crawl / "web.paths").write_text("http://127.0.0.1:1/a.warc.gz\n")
    for pattern in (crawl / "web.paths", "http://127.0.0.1:1/a.warc.gz"):
        with pytest.raises(InputError, match=r"--input http://127.0.0.1:1/a.warc.gz: lies on the"):
            resolve_inputs([str(pattern)], offline=True)


def test_files_on_the_web(crawl, ranges_server):
    (crawl / "web.paths").write_text(f"{ranges_server}/b.warc.gz\ndeep/c.warc.gz\n")
    found = resolve_inputs([f"{ranges_server}/a.warc", str(crawl / "web.paths")], ranges_server)
    assert [(item.kind, item.path, item.size) for item in found] == [
        (WARC, f"{ranges_server}/a.warc", 4),
        (WARC, f"{ranges_server}/b.warc.gz", 0),
        (WARC, f"{ranges_server}/deep/c.warc.gz", 0),
    ]
    with pytest.raises(InputError, match="HTTP status 404"):
        resolve_inputs([f"{ranges_server}/none.warc"])


def refuse(path):
    raise PermissionError(13, "Permission denied", path)


@pytest.mark.parametrize("name", ["a.warc", "urls.txt", "urls.csv", "warc.paths"])
def test_files_that_may_not_be_read(crawl, monkeypatch, name):
    monkeypatch.setattr("pipeline.stages.inputs.FILES.open", refuse)
    with pytest.raises(InputError, match=rf"{name}: cannot be read: Permission denied"):
        resolve_inputs([f"{crawl}/{name}"])


def test_a_folder_that_may_not_be_read(crawl, monkeypatch):
    monkeypatch.setattr("pipeline.stages.inputs.Path.rglob", lambda *_: refuse("x"))
    with pytest.raises(InputError, match=r"site: cannot be read: .*Permission denied"):
        resolve_inputs([f"{crawl}/site"])


def test_a_listed_file_that_may_not_be_read(crawl, monkeypatch):
    opened = FILES.open
    monkeypatch.setattr(
        "pipeline.stages.inputs.FILES.open",
        lambda path: refuse(path) if path.endswith("a.warc") else opened(path),
    )
    with pytest.raises(InputError, match=r"a\.warc: cannot be read: Permission denied"):
        resolve_inputs([f"{crawl}/warc.paths"])


def test_a_scheme_without_a_client_names_what_to_install(monkeypatch):
    monkeypatch.setattr("pipeline.stages.inputs.has_client", lambda path: False)
    for pattern, message in (
        ("gs://b/a.warc", r"gs:// needs a client \(pip install 'apache-beam\[gcp\]'\)"),
        ("odd://b/a.warc", "nothing here opens odd://"),
    ):
        with pytest.raises(InputError, match=f"--input {pattern}: {message}"):
            resolve_inputs([pattern])
