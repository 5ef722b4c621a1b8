import pytest

from pipeline.stages.inputs import FOLDER, URLS, WARC, InputError, resolve_inputs


@pytest.fixture
def crawl(tmp_path):
    for name in (
        "b.warc.gz",
        "a.warc",
        "urls.txt",
        "urls.csv",
        "urls.parquet",
        "c.warc.wet.gz",
        "x.pdf",
    ):
        (tmp_path / name).write_bytes(b"1234")
    (tmp_path / "site" / "deep").mkdir(parents=True)
    (tmp_path / "site" / "deep" / "page.html").write_text("<p>")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_files_folders_and_patterns(crawl):
    found = resolve_inputs([f"{crawl}/a.warc", f"{crawl}/b.*", f"{crawl}/site", f"{crawl}/urls.*"])
    assert [(item.kind, item.path.rpartition("/")[2], item.size) for item in found] == [
        (WARC, "a.warc", 4), (WARC, "b.warc.gz", 4), (FOLDER, "site", 3),
        (URLS, "urls.csv", 4), (URLS, "urls.parquet", 4), (URLS, "urls.txt", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing.warc.gz", "no such file or folder"),
        ("*.nothing", "no such file or folder"),
        ("c.warc.wet.gz", "give the WARC files they were made of"),
        ("x.pdf", "not an input; known are *.warc"),
        ("empty", "the folder is empty"),
    ],
)
def test_what_is_no_input_is_named(crawl, pattern, message):
    with pytest.raises(InputError) as caught:
        resolve_inputs([f"{crawl}/{pattern}"])
    assert message in str(caught.value)
    assert pattern in str(caught.value)
