import pytest

from pipeline.media.urls import MAX_URL_CHARACTERS, parse_url, show_url
from schemas.rejection import BadInput, Reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.org/a.jpg", "http://example.org/a.jpg"),
        ("  HTTP://EXAMPLE.org/A.jpg\n", "http://example.org/A.jpg"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org?x=1", "https://example.org/?x=1"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://example.org/a%2Db%2fc?s=%41%2B", "https://example.org/a%2Db%2fc?s=%41%2B"),
        ("https://example.org/a b.jpg", "https://example.org/a%20b.jpg"),
        ("https://example.org/ü.jpg?q=ü", "https://example.org/%C3%BC.jpg?q=%C3%BC"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://cdn.example/w_1,h_2/a.jpg", "https://cdn.example/w_1,h_2/a.jpg"),
        ("http://a_b.example/x", "http://a_b.example/x"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://0177.0.0.1/", "http://127.0.0.1/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0/", "http://0.0.0.0/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    ],
)
def test_one_spelling_of_a_url(text, expected):
    assert str(parse_url(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.jpg",
        "/a.jpg",
        "//example.org/a.jpg",
        "http:///a.jpg",
        "http://",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://:@example.org/",
        "http://exa mple.org/",
        "http://example.org:99999/",
        "http://example.org:0/",
        "http://example.org:22/",
        "http://example.org:25/",
        "http://example.org:x/",
        "http://[::1/",
        "http://127%2e0.0.1/",
        "http://127.0.0.1\\@example.org/",
        "http://a\ud800.example/",
        "http://-/",
        "http://<script>/",
        "http://example.org/" + "a" * MAX_URL_CHARACTERS,
    ],
)
def test_what_cannot_be_asked_for(text):
    with pytest.raises(BadInput) as caught:
        parse_url(text)
    assert caught.value.why.reason is Reason.BAD_URL
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:secret@example.org:8080/a/b.jpg?token=x#y", "https://example.org/a/b.jpg"),
        ("http://[::1", "(a URL that cannot be read)"),
        ("http://example.org/a\nb\x1b[31m", "http://example.org/ab?[31m"),
    ],
)
def test_a_log_shows_no_secrets(text, expected):
    assert show_url(text) == expected
