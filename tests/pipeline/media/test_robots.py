import time

import pytest

from pipeline.media.robots import MAX_ROBOTS_BYTES, parse_robots, product_token

AGENT = "open-m3w/0.1 (+https://example.org/bot; bot@example.org)"


def allows(text, path="/private/a.jpg", status=200):
    return parse_robots(status, text.encode(), AGENT).allows(f"https://example.org{path}")


@pytest.mark.parametrize(
    ("agent", "token"),
    [
        (AGENT, "open-m3w"),
        ("Open-M3W", "open-m3w"),
        (" name (x)", "name"),
        ("a/1", "a"),
    ],
)
def test_the_token_of_a_user_agent(agent, token):
    assert product_token(agent) == token


# RFC 9309 by its sections: text, path, whether it may be fetched.
CASES = [
    ("", "/a", True),
    ("User-agent: *\nDisallow:", "/a", True),
    ("User-agent: *\nDisallow: /", "/a", False),
    ("User-agent: *\nDisallow: /private", "/private/a", False),
    ("User-agent: *\nDisallow: /private", "/privateer", False),
    ("User-agent: *\nDisallow: /private/", "/private", True),
    ("User-agent: *\nDisallow: /Private", "/private", True),
    ("user-AGENT: *\ndisALLOW: /a", "/a", False),
    ("User-agent: * # all\nDisallow: /a # this", "/a", False),
    ("\ufeffUser-agent: *\nDisallow: /a", "/a", False),
    ("User-agent: *\r\nDisallow: /a\r\n", "/a", False),
    ("User-agent: *\rDisallow: /a\r", "/a", False),
    # the most specific rule, whatever its place; allow wins a tie
    ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
    ("User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/c", False),
    ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
    # wildcards and ends
    ("User-agent: *\nDisallow: *.gif$", "/x/a.gif", False),
    ("User-agent: *\nDisallow: *.gif$", "/x/a.gif?x", True),
    ("User-agent: *\nDisallow: /a*b$", "/a/x/b", False),
    ("User-agent: *\nDisallow: /a*b$", "/a/x/bc", True),
    ("User-agent: *\nDisallow: /*?size=", "/a.jpg?size=1", False),
    # escapes: the same octets, however they are written
    ("User-agent: *\nDisallow: /%7ejoe", "/~joe/a", False),
    ("User-agent: *\nDisallow: /ü", "/%C3%BC", False),
    # groups: ours alone where there is one, else the one for all
    ("User-agent: open-m3w\nDisallow: /\nUser-agent: *\nDisallow:", "/a", False),
    ("User-agent: *\nDisallow: /\n\nUser-agent: open-m3w\nDisallow:", "/a", True),
    ("User-agent: OPEN-M3W\nDisallow: /a", "/a", False),
    ("User-agent: open-m3w/0.1\nDisallow: /a", "/a", False),
    ("User-agent: open\nDisallow: /a", "/a", True),
    ("User-agent: open-m3w-images\nDisallow: /a", "/a", True),
    ("User-agent: otherbot\nDisallow: /", "/a", True),
    ("User-agent: otherbot\nUser-agent: open-m3w\nDisallow: /a", "/a", False),
    ("User-agent: otherbot\nUser-agent: *\nDisallow: /a", "/a", False),
    ("User-agent: open-m3w\nDisallow: /a\nUser-agent: open-m3w\nDisallow: /b", "/b", False),
    ("User-agent: *\nCrawl-delay: 1\nDisallow: /a", "/a", False),
    ("User-agent: otherbot\nDisallow: /\n\nSitemap: https://x/y\n\nDisallow: /a", "/a", True),
    # what is no rule
    ("Disallow: /a", "/a", True),
    ("<html>not found</html>", "/a", True),
    ("User-agent: *\nDisalow: /a", "/a", False),
    ("User agent *\nDisallow /a", "/a", False),
    ("User-agent: *\nNoindex: /a", "/a", True),
    ("User-agent: *\nDisallow: /", "/robots.txt", True),
]


@pytest.mark.parametrize(("text", "path", "expected"), CASES)
def test_rules(text, path, expected):
    assert allows(text, path) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, True) for status in (301, 401, 403, 404, 410)),
        *((status, False) for status in (200, 206, 429, 500, 503, 0, 599)),
    ],
)
def test_what_a_status_means(status, expected):
    assert allows("User-agent: *\nDisallow: /", "/a", status) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0.0),
        ("User-agent: *\nCrawl-delay: 2", 2.0),
        ("User-agent: *\nCrawl-delay: 0.5", 0.5),
        ("User-agent: *\nCrawl-delay: -3", 0.0),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
        ("User-agent: *\nCrawl-delay: nan", 0.0),
        ("User-agent: *\nCrawl-delay: inf", float("inf")),
        ("User-agent: *\nRequest-rate: 1/5", 5.0),
        ("User-agent: *\nRequest-rate: 10/1m", 6.0),
        ("User-agent: *\nRequest-rate: 0/0", 0.0),
        ("User-agent: *\nCrawl-delay: 1\nRequest-rate: 1/5", 5.0),
        ("User-agent: otherbot\nCrawl-delay: 9\nUser-agent: *\nDisallow:", 0.0),
        ("User-agent: open-m3w\nCrawl-delay: 3\n\nUser-agent: *\nCrawl-delay: 9", 3.0),
    ],
)
def test_delays(text, expected):
    delay = parse_robots(200, text.encode(), AGENT).delay_s
    assert delay == expected or (expected == float("inf") and delay == 0.0)


def test_no_rules_no_delay():
    assert parse_robots(404, b"", AGENT).delay_s == 0.0


def test_what_stands_behind_the_cap_is_not_read():
    padding = "# " + "x" * MAX_ROBOTS_BYTES + "\n"
    assert allows("User-agent: *\nDisallow: /private\n" + padding) is False
    assert allows(padding + "User-agent: *\nDisallow: /private\n") is True


def test_garbage_is_no_rule():
    assert parse_robots(200, bytes(range(256)) * 100, AGENT).allows("https://example.org/a")


def test_a_hostile_file_is_read_quickly():
    """All of these fill the cap; rules for each of many crawlers are what costs others dear."""
    crawlers = "".join(f"User-agent: b{n}\n" for n in range(13_000))
    rules = "".join(f"Disallow: /{n}\n" for n in range(13_000))
    stars = "".join(f"Disallow: /*a*b*c*{n}*$\n" for n in range(13_000))
    begun = time.process_time()
    assert allows(crawlers + rules + "User-agent: *\nDisallow: /private") is False
    assert allows("User-agent: *\n" + stars, "/" + "abc" * 2000) is True
    assert allows("User-agent: *\nDisallow: /" + "*a" * 200_000, "/" + "a" * 8000) is True
    assert time.process_time() - begun < 5
