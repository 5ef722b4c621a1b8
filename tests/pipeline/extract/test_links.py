import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.links import Candidate, best_candidate, parse_srcset, resolve

BASE = "https://example.org/a/b/page.html"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("c.jpg", "https://example.org/a/b/c.jpg"),
        ("../c.jpg", "https://example.org/a/c.jpg"),
        ("/c.jpg", "https://example.org/c.jpg"),
        ("//cdn.example.net/c.jpg", "https://cdn.example.net/c.jpg"),
        ("http://x.example:8080/c.jpg", "http://x.example:8080/c.jpg"),
        (" c d.jpg\n", "https://example.org/a/b/c%20d.jpg"),
        ("c%20d.jpg", "https://example.org/a/b/c%20d.jpg"),
        ("ü.jpg?q=ü&r=1 2#part", "https://example.org/a/b/%C3%BC.jpg?q=%C3%BC&r=1%202"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://u@bücher.example:81/a", "https://u@xn--bcher-kva.example:81/a"),
        ("/w_8,h_6/a.jpg", "https://example.org/w_8,h_6/a.jpg"),
        ("file:///home/a.jpg", ""),
        ("https://example.org/a/../b.jpg", "https://example.org/b.jpg"),
        ("https://example.org//a/./../../c/", "https://example.org/c/"),
        ("https://example.org/..", "https://example.org/"),
        ("HTTPS://Example.ORG/A.jpg", "https://example.org/A.jpg"),
        ("data:image/png;base64,AA", ""),
        ("javascript:void(0)", ""),
        ("blob:https://x/1", ""),
        ("#top", ""),
        ("", ""),
        ("http://[broken", ""),
        ("http://", ""),
        ("http://" + "ü" * 70 + ".example/", ""),
    ],
)
def test_resolve(link, url):
    assert resolve(BASE, link) == url


def test_a_page_on_a_disk_may_name_files_there():
    assert resolve("file:///home/a/p.html", "b.jpg") == "file:///home/a/b.jpg"
    assert resolve("file:///home/a/p.html", "file:///home/c.jpg") == "file:///home/c.jpg"


@given(st.text(max_size=60))
def test_resolve_never_fails_and_gives_ascii(link):
    url = resolve(BASE, link)
    assert url == "" or url.startswith(("http://", "https://", "file://"))


@pytest.mark.parametrize(
    ("srcset", "candidates"),
    [
        ("a.jpg", [("a.jpg", 0, 1.0)]),
        ("a.jpg 1x, b.jpg 2x", [("a.jpg", 0, 1.0), ("b.jpg", 0, 2.0)]),
        ("a.jpg 320w,b.jpg 640w", [("a.jpg", 320, 1.0), ("b.jpg", 640, 1.0)]),
        ("w_4,h_3/a.jpg 400w, w_8,h_6/b.jpg 800w", [("w_4,h_3/a.jpg", 400, 1.0), ("w_8,h_6/b.jpg", 800, 1.0)]),
        ("a.jpg, b.jpg 1.5x", [("a.jpg", 0, 1.0), ("b.jpg", 0, 1.5)]),
        ("a.jpg 100w 50h, b.jpg calc(1,2) 3x", [("a.jpg", 100, 1.0), ("b.jpg", 0, 3.0)]),
        ("  ,, a.jpg 2x ,", [("a.jpg", 0, 2.0)]),
        ("", []),
    ],
)  # fmt: skip
def test_parse_srcset(srcset, candidates):
    assert parse_srcset(srcset) == [Candidate(*c) for c in candidates]


@given(st.text(max_size=80))
def test_parse_srcset_never_fails(srcset):
    assert all(c.url for c in parse_srcset(srcset))


@pytest.mark.parametrize(
    ("srcset", "url"),
    [
        ("a 320w, b 1280w, c 2560w", "b"),
        ("a 2000w, b 4000w", "a"),
        ("a 1x, b 3x, c 2x", "b"),
        ("data:image/gif;base64,AA 100w, b 50w", "b"),
        ("", None),
    ],
)
def test_best_candidate(srcset, url):
    best = best_candidate(parse_srcset(srcset), 1600)
    assert (best.url if best else None) == url
