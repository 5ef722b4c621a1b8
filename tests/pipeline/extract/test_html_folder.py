import os
from pathlib import Path

from pipeline.extract.html_folder import read_folder
from pipeline.extract.limits import ReadLimits
from pipeline.extract.links import resolve
from schemas.records import Capture, Page
from schemas.rejection import Reason, Rejection


def made(tmp_path):
    (tmp_path / "img").mkdir()
    (tmp_path / "b.html").write_bytes(b"<p>b</p>")
    (tmp_path / "a page.HTM").write_bytes(b"<p>a</p>")
    (tmp_path / "img" / "x.jpg").write_bytes(b"JPEG")
    (tmp_path / "img" / "y.webp").write_bytes(b"WEBP")
    (tmp_path / "style.css").write_bytes(b"p{}")
    return tmp_path


def test_pages_and_media_in_the_order_of_their_paths(tmp_path):
    found = list(read_folder(str(made(tmp_path))))
    names = [Path(f.url).name for f in found]
    assert names == ["a%20page.HTM", "b.html", "x.jpg", "y.webp"]
    assert [type(f) for f in found] == [Page, Page, Capture, Capture]
    assert found[1].url == f"file://{tmp_path.resolve()}/b.html"
    assert found[2] == Capture(
        f"file://{tmp_path.resolve()}/img/x.jpg", str(tmp_path.resolve() / "img/x.jpg"), -1
    )


def test_a_base_url_names_them_all(tmp_path):
    found = list(read_folder(str(made(tmp_path)), "https://example.org/site/"))
    assert found[0].url == "https://example.org/site/a%20page.HTM"
    assert found[2].url == "https://example.org/site/img/x.jpg"


def test_empty_and_huge_pages_are_rejections(tmp_path):
    (tmp_path / "a.html").write_bytes(b"  ")
    (tmp_path / "b.html").write_bytes(b"x" * 100)
    found = list(read_folder(str(tmp_path), limits=ReadLimits(page_bytes=50)))
    assert [f.why.reason for f in found if isinstance(f, Rejection)] == [
        Reason.EMPTY_BODY,
        Reason.TOO_MANY_BYTES,
    ]


def test_files_are_named_as_links_name_them(tmp_path):
    names = ["a+b.jpg", "photo@2x.jpg", "image (1).jpg", "it's.jpg", "a,b=1&c!.jpg", "50% off.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(b"JPEG")
    found = {capture.url for capture in read_folder(str(tmp_path), "https://example.org/")}
    links = [name.replace("%", "%25") for name in names]
    assert found == {resolve("https://example.org/", link) for link in links}


def test_a_page_that_may_not_be_read_is_a_rejection(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.html").write_bytes(b"<p>a</p>")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    (lost,) = read_folder(str(tmp_path))
    assert lost.why.reason is Reason.DAMAGED_RECORD
    assert lost.why.value == f"{tmp_path.resolve()}/a.html: Permission denied"


def test_a_page_is_the_same_whenever_its_file_was_copied(tmp_path):
    path = tmp_path / "a.html"
    path.write_bytes(b"<p>a</p>")
    before = list(read_folder(str(tmp_path)))
    os.utime(path, (1, 1))
    assert list(read_folder(str(tmp_path))) == before
