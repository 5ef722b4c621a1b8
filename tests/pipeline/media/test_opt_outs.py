import time
from pathlib import Path

import pytest

from pipeline.media.opt_outs import OptOuts, judge_page, parse_tdmrep, read_opt_outs
from pipeline.media.politeness import OPT_OUT_WORDS
from schemas.rejection import Reason, Why

HEAD = "<!doctype html><html><head><title>T</title>{}</head><body><p>Hello</p></body></html>"


def judged(markup, words=OPT_OUT_WORDS, tdm=True, encoding="utf-8"):
    why = judge_page(HEAD.format(markup).encode(encoding), "open-m3w", words, tdm)
    assert why is None or why.reason is Reason.OPT_OUT
    return why and why.value


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<meta name="robots" content="noai">', "noai"),
        ("<META NAME=ROBOTS CONTENT=NOINDEX>", "noindex"),
        ("<meta content='noimageai, nofollow' name='robots'/>", "noimageai"),
        ('<meta name="robots" content="index, follow"><meta name="robots" content="noai">', "noai"),
        ('<meta name="robots" content="max-snippet:-1, noimageindex">', "noimageindex"),
        ('<meta name="robots" content="none">', "none"),
        ('<meta name="Open-M3W" content="noindex">', "noindex"),
        ('<meta name="googlebot" content="noindex">', None),
        ('<meta name="robots" content="index, follow, max-image-preview:large">', None),
        ('<meta name="robots" content="">', None),
        ('<meta property="robots" content="noai">', None),
        ('<meta name="robots"\n  content="&#110;oai">', "noai"),
        ('<meta name="tdm-reservation" content="1">', "tdm-reservation"),
        ('<meta name="tdm-reservation" content="0">', None),
        ('<!-- <meta name="robots" content="noai"> -->', None),
        ('<script>\'<meta name="robots" content="noai">\'</script>', None),
        ('<noscript><meta name="robots" content="noai"></noscript>', None),
        ('<meta name="description" content="robots: noai">', None),
        ('<meta name="a" content="b > c"><meta name="robots" content="noai">', "noai"),
        ('<meta name="robots" content="noai"', "noai"),
        ("", None),
    ],
)
def test_what_a_page_says_of_itself(markup, expected):
    assert judged(markup) == expected


def test_the_recipe_says_what_counts():
    assert judged('<meta name="robots" content="noindex">', words=("noai",)) is None
    assert judged('<meta name="robots" content="noai">', words=("noai",)) == "noai"
    assert judged('<meta name="tdm-reservation" content="1">', tdm=False) is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_in_any_encoding(encoding):
    assert judged('<meta name="robots" content="noai">', encoding=encoding) == "noai"


@pytest.mark.parametrize(
    "markup",
    [
        "<meta " * 20_000,
        '<meta name="' * 10_000,
        "<!--" * 30_000,
        "<script>" * 16_000,
        "<meta a=" * 15_000,
    ],
)
def test_a_head_made_to_be_slow_is_not(markup):
    begun = time.process_time()
    judged(markup)
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    ("rules", "path", "reserved"),
    [
        ('[{"location": "/", "tdm-reservation": 1}]', "/a/b.jpg", True),
        ('[{"location": "/", "tdm-reservation": "1"}]', "/", True),
        ('[{"location": "/", "tdm-reservation": 0}]', "/a", False),
        ('[{"location": "/a/", "tdm-reservation": 1}]', "/b/c.jpg", False),
        ('[{"location": "/a/", "tdm-reservation": 1}]', "/a/c.jpg", True),
        (
            '[{"location": "/a/free/*", "tdm-reservation": 0}, '
            '{"location": "/a/", "tdm-reservation": 1}]',
            "/a/free/x",
            False,
        ),
        ('[{"location": "*.jpg$", "tdm-reservation": 1}]', "/x/y.jpg", True),
        ('[{"location": "*.jpg$", "tdm-reservation": 1}]', "/x/y.jpg?1", False),
        ('[{"location": "/a*b*c", "tdm-reservation": 1}]', "/a1b2c3", True),
        ('[{"location": "/", "tdm-policy": "https://x.example/"}]', "/", False),
        ('{"location": "/", "tdm-reservation": 1}', "/", False),
        ('[{"location": 5, "tdm-reservation": 1}, 7, null]', "/", False),
        ("not JSON", "/", False),
        ("[" * 100_000, "/", False),
    ],
)
def test_what_a_site_reserves(rules, path, reserved):
    assert parse_tdmrep(200, rules.encode()).reserves(path) is reserved
    assert not parse_tdmrep(404, rules.encode()).reserves(path)


def test_a_location_made_to_be_slow_is_not():
    rule = '[{"location": "/%sz$", "tdm-reservation": 1}]' % ("*a" * 500)
    begun = time.process_time()
    assert not parse_tdmrep(200, rule.encode()).reserves("/" + "a" * 8000)
    assert time.process_time() - begun < 1.0


LISTS = OptOuts(
    [
        "# who has asked",
        "art.example   # all of it",
        "*.wild.example",
        "https://one.example/a.jpg",
        "http://many.example/gallery/*",
        "",
    ]
)


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("https://art.example/x", "art.example"),
        ("http://www.ART.example/x", "art.example"),
        ("http://wild.example/", "wild.example"),
        ("http://a.b.wild.example:8080/", "wild.example"),
        ("http://smart.example/", None),
        ("http://one.example/a.jpg", "URL"),
        ("https://ONE.example/a.jpg#top", "URL"),
        ("https://one.example/a.jpg?x", None),
        ("https://many.example/gallery/1/2.jpg", "URL"),
        ("https://many.example/other", None),
        ("file:///home/x.jpg", None),
        ("http://[bad", None),
    ],
)
def test_who_a_list_names_is_left_out(url, detail):
    expected = None if detail is None else Why(Reason.OPT_OUT, "opt-out list", detail=detail)
    assert LISTS.judge(url) == expected
    assert OptOuts().judge(url) is None


def test_lists_are_read_from_files(tmp_path):
    (tmp_path / "a").write_bytes("\ufeffart.example\r\n".encode())
    (tmp_path / "b").write_text("one.example\n")
    lists = read_opt_outs(
        (str(tmp_path / "a"), str(tmp_path / "b")), lambda path: Path(path).read_bytes()
    )
    assert lists.judge("http://art.example/")
    assert lists.judge("http://one.example/")
