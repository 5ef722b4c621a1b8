"""What hosts ask for, live: nothing that is disallowed is kept, no host is asked too often.

A case is what a server says in its rules, in its headers or in its pages, and whether that keeps
the file at `/a/b.html` out.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from pipeline.build import main
from pipeline.media.checks import make_checks
from pipeline.media.fetch import Fetcher
from pipeline.media.image import ImageLimits
from schemas.rejection import Reason

AGENT = "open-m3w-test"
PAGE = b"<html><head>%s</head><body>words</body></html>"


def robots(text, status=200):
    return {"/robots.txt": (text.encode(), status, {})}


def tdm(text, status=200):
    return {"/.well-known/tdmrep.json": (text.encode(), status, {})}


def header(**fields):
    return {"/a/b.html": (PAGE % b"", 200, fields)}


def meta(text):
    return {"/a/b.html": (PAGE % text.encode(), 200, {})}


ALL = "User-agent: *\n"
OURS = f"User-agent: {AGENT}\n"
NEVER_ASKED = {
    "all": robots(ALL + "Disallow: /"),
    "a folder": robots(ALL + "Disallow: /a/"),
    "a folder, no slash": robots(ALL + "Disallow: /a"),
    "a file": robots(ALL + "Disallow: /a/b.html"),
    "by a star": robots(ALL + "Disallow: /*.html"),
    "by an end": robots(ALL + "Disallow: /*b.html$"),
    "by our name": robots(OURS + "Disallow: /a"),
    "by our name in capitals": robots(OURS.upper() + "Disallow: /a"),
    "by our name among others": robots(f"User-agent: x\n{OURS}User-agent: y\nDisallow: /a"),
    "our group before the star's": robots(OURS + "Disallow: /a\n\n" + ALL + "Allow: /"),
    "our group behind the star's": robots(ALL + "Allow: /\n\n" + OURS + "Disallow: /a"),
    "two groups of ours": robots(OURS + "Disallow: /x\n\n" + OURS + "Disallow: /a"),
    "the longer rule": robots(ALL + "Allow: /a\nDisallow: /a/b"),
    "with comments": robots("# hi\n" + ALL + "Disallow: /a # ours"),
    "with a BOM": robots("\ufeff" + ALL + "Disallow: /a"),
    "with CRLF": robots("User-agent: *\r\nDisallow: /a\r\n"),
    "with spaces": robots("  User-agent :  * \n  Disallow :  /a "),
    "escaped": robots(ALL + "Disallow: /%61/"),
    "as 500": robots("", 500),
    "as 503": robots("", 503),
    "as 429": robots("", 429),
    "a delay beyond patience": robots(ALL + "Crawl-delay: 1000"),
    "a rate beyond patience": robots(ALL + "Request-rate: 1/1000"),
    "site reserved": tdm('[{"location": "/", "tdm-reservation": 1}]'),
    "site reserved by a word": tdm('[{"location": "/", "tdm-reservation": "1"}]'),
    "folder reserved": tdm('[{"location": "/a/", "tdm-reservation": 1}]'),
    "kind of file reserved": tdm('[{"location": "*.html$", "tdm-reservation": 1}]'),
    "reserved behind a rule that does not fit": tdm(
        '[{"location": "/z", "tdm-reservation": 0}, {"location": "/a", "tdm-reservation": 1}]'
    ),
    "reserved with a policy": tdm('[{"location": "/", "tdm-reservation": 1, "tdm-policy": "u"}]'),
}
NOT_KEPT = {
    **{
        f"tag {tag}": header(X_Robots_Tag=tag)
        for tag in (
            "noai",
            "noimageai",
            "noindex",
            "noimageindex",
            "none",
            "NoAI",
            "nofollow, noindex",
            "max-snippet: 5, noai",
            "unavailable_after: 1 Jan 2030 00:00:00 GMT, noindex",
            f"{AGENT}: noai",
            "*: noindex",
            f"otherbot: nofollow, {AGENT}: noindex",
        )
    },
    "header reserved": header(tdm_reservation="1"),
    "header reserved with a policy": header(tdm_reservation="1", tdm_policy="https://a.example/"),
    **{
        f"meta {text}": meta(f'<meta name="robots" content="{text}">')
        for text in ("noai", "noimageai", "noindex", "noimageindex", "none", "NOINDEX,NOFOLLOW")
    },
    "meta by our name": meta(f'<meta name="{AGENT}" content="noindex">'),
    "meta without quotes": meta("<META CONTENT=noai NAME=robots>"),
    "meta reserved": meta('<meta name="tdm-reservation" content="1">'),
}
KEPT = {
    "nothing said": {},
    "an empty rule": robots(ALL + "Disallow:"),
    "another folder": robots(ALL + "Disallow: /private"),
    "another crawler": robots("User-agent: otherbot\nDisallow: /"),
    "our allowance": robots(ALL + "Disallow: /\n\n" + OURS + "Allow: /"),
    "the longer allowance": robots(ALL + "Disallow: /a\nAllow: /a/b"),
    "robots as 403": robots("", 403),
    "another crawler's tag": header(X_Robots_Tag="otherbot: noai"),
    "a tag that allows": header(X_Robots_Tag="all, max-image-preview: large"),
    "another crawler's meta": meta('<meta name="otherbot" content="noai">'),
    "a meta in a comment": meta('<!-- <meta name="robots" content="noai"> -->'),
    "not reserved": header(tdm_reservation="0"),
    "another folder reserved": tdm('[{"location": "/z", "tdm-reservation": 1}]'),
    "no JSON": tdm("<html>"),
    "no such file": tdm('[{"location": "/", "tdm-reservation": 1}]', 404),
}


def crawl(server, limits, case, paths=("/a/b.html",)):
    """Outcomes of some paths of a server that says what the case says."""
    for path in paths:
        server.say(path, PAGE % b"")
    for path, (body, status, fields) in case.items():
        server.say(path, body, status, **fields)
    checks = make_checks(limits, ImageLimits(), lambda path: b"")
    urls = [server.url(path) for path in paths]
    with Fetcher(replace(limits, retries=0), checks=checks) as fetcher:
        return list(fetcher.stream(urls, dict.fromkeys(urls, "page")))


def test_there_are_more_than_sixty_cases():
    assert len(NEVER_ASKED) + len(NOT_KEPT) + len(KEPT) > 60


@pytest.mark.parametrize("name", NEVER_ASKED)
def test_what_is_disallowed_is_never_asked_for(server, limits, name):
    (outcome,) = crawl(server, limits, NEVER_ASKED[name])
    assert outcome.body is None
    assert outcome.why.reason in (Reason.ROBOTS, Reason.OPT_OUT)
    assert server.paths() == []


@pytest.mark.parametrize("name", NOT_KEPT)
def test_who_opts_out_is_not_kept(server, limits, name):
    (outcome,) = crawl(server, limits, NOT_KEPT[name])
    assert outcome.body is None
    assert outcome.why.reason is Reason.OPT_OUT


@pytest.mark.parametrize("name", KEPT)
def test_what_nobody_objects_to_is_kept(server, limits, name):
    (outcome,) = crawl(server, limits, KEPT[name])
    assert outcome.why is None
    assert outcome.body


def test_a_recipe_may_honour_less(server, limits):
    loose = replace(limits, respect_robots=False, respect_tdm=False, opt_out_words=())
    said = NEVER_ASKED["all"] | NEVER_ASKED["site reserved"] | NOT_KEPT["tag noai"]
    (outcome,) = crawl(server, loose, said)
    assert outcome.body
    assert [path for _, path in server.asked] == ["/a/b.html"]


def test_lists_of_opt_outs_hold_for_redirects_too(server, limits, tmp_path):
    path = tmp_path / "who.txt"
    path.write_text(f"{server.url('/gallery/')}*\n")
    listed = replace(limits, opt_out_files=(str(path),))
    url = server.say("/free", status=302, Location="/gallery/1")
    checks = make_checks(listed, ImageLimits(), lambda _: path.read_bytes())
    with Fetcher(listed, checks=checks) as fetcher:
        outcomes = fetcher.fetch([url, server.say("/gallery/1", b"x"), server.say("/b", b"x")])
    assert [outcome.why and outcome.why.reason for outcome in outcomes] == [
        Reason.OPT_OUT,
        Reason.OPT_OUT,
        None,
    ]
    assert "/gallery/1" not in server.paths()


PEACE = {
    "seconds": lambda: "1",
    "seconds with spaces": lambda: "  1 ",
    "a date": lambda: formatdate(time.time() + 2, usegmt=True),
    "a date of RFC 850": lambda: (datetime.now(UTC) + timedelta(seconds=2)).strftime(
        "%A, %d-%b-%y %H:%M:%S GMT"
    ),
    "a date of asctime": lambda: (datetime.now(UTC) + timedelta(seconds=2)).strftime(
        "%a %b %d %H:%M:%S %Y"
    ),
    "a date in a zone": lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=2)),
}
NO_PEACE = ["", "0", "-5", "soon", "1.5", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "\x01"]
LONG_PEACE = [
    "3600",
    "1000000000",
    "Fri, 31 Dec 2099 23:59:59 GMT",
    "Friday, 31-Dec-68 23:59:59 GMT",
]


def busy_once(server, status, after):
    async def answer(request):
        first = server.paths().count("/busy") == 1
        fields = {"Retry-After": after} if after else {}
        return web.Response(status=status, headers=fields) if first else web.Response(body=b"x")

    return server.do("/busy", answer)


def fetch_all(limits, urls):
    with Fetcher(limits) as fetcher:
        return fetcher.fetch(urls)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", PEACE)
def test_a_host_gets_the_peace_it_asks_for(server, limits, status, form):
    url = busy_once(server, status, PEACE[form]())
    (outcome,) = fetch_all(replace(limits, max_wait_s=5.0), [url])
    assert outcome.body == b"x"
    first, second = server.times("/busy")
    assert second - first > 0.9


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("after", NO_PEACE)
def test_a_host_that_names_no_time_is_asked_once_more(server, limits, status, after):
    try:
        (outcome,) = fetch_all(limits, [busy_once(server, status, after)])
    finally:
        assert len(server.times("/busy")) <= 2
    assert outcome.body == b"x" or outcome.why.reason is Reason.CONNECTION


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("after", LONG_PEACE)
def test_a_host_that_wants_peace_for_long_is_left_alone(server, limits, status, after):
    urls = [server.say(f"/{n}", b"x", status, Retry_After=after) for n in range(5)]
    outcomes = fetch_all(replace(limits, per_host_connections=1), urls)
    assert {(outcome.why.reason, outcome.why.value) for outcome in outcomes} == {
        (Reason.HTTP_STATUS, status)
    }
    assert len(server.paths()) == 1


@pytest.mark.parametrize(
    "said", ["Crawl-delay: 0.15", "Request-rate: 1/0.15", "Request-rate: 20/3"]
)
def test_no_host_is_asked_above_its_rate(server, limits, said):
    """Its rules too, and pages that fail, and what redirects lead to."""
    server.say("/robots.txt", f"{ALL}{said}".encode())
    urls = [server.say(f"/{n}", b"x") for n in range(4)]
    urls += [server.url("/gone"), server.say("/moved", status=302, Location="/0")]
    fetch_all(replace(limits, per_host_delay_s=0.05, per_host_connections=4), urls)
    times = [when for when, _ in server.asked]
    assert len(times) == 9  # two files of rules, six URLs, one redirect's end
    gaps = [later - sooner for sooner, later in pairwise(times)]
    # The first file of rules says the rate; a request may be heard a moment late.
    expected = 0.05 if "1/0.15" in said else 0.15
    assert min(gaps[1:]) > expected - 0.03
    assert sum(gaps[1:]) > 7 * expected - 0.03


def test_two_processes_keep_one_hosts_rate(server, limits, tmp_path):
    """What redirects lead to is asked by all workers: they share its turns, and its slots."""
    shared = replace(limits, per_host_delay_s=0.1, respect_robots=False, respect_tdm=False)
    urls = [server.say(f"/{n}", b"x") for n in range(10)]

    def fetch(mine):
        with Fetcher(shared, turns=str(tmp_path / "turns")) as fetcher:
            return fetcher.fetch(mine)

    with ThreadPoolExecutor(2) as pool:
        outcomes = [one for found in pool.map(fetch, (urls[:5], urls[5:])) for one in found]
    assert all(outcome.body for outcome in outcomes)
    times = [when for when, _ in server.asked]
    assert times[-1] - times[0] > 9 * 0.1 - 0.05
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.1 - 0.05


@pytest.mark.beam
@pytest.mark.slow
def test_a_build_stores_no_byte_of_who_refuses(serve, tmp_path):
    """All cases in one build, each a host of its own; what is kept shows that all were looked at."""
    cases = {**NEVER_ASKED, **NOT_KEPT, **KEPT}
    urls, markers = {}, {}
    for number, (name, case) in enumerate(cases.items()):
        site = serve(f"127.0.1.{number + 1}")
        markers[name] = f"marker-{number:03d}-of-a-case".encode()
        urls[name] = site.say("/a/b.html", PAGE.replace(b"words", markers[name]) % b"")
        for path, (body, status, fields) in case.items():
            site.say(path, body.replace(b"words", markers[name]), status, **fields)
    (tmp_path / "urls.txt").write_text("\n".join(urls.values()))
    settings = [
        "fetch.allowed_private=['127.0.0.0/8']",
        f"fetch.user_agent='{AGENT}/1 (+http://127.0.0.1/)'",
        "fetch.retries=0",
        "errors.parse_share=1.0",
    ]
    given = ["--recipe", "m3w", "--input", str(tmp_path / "urls.txt")]
    given += [word for one in settings for word in ("--set", one)]
    main([*given, "--output", str(tmp_path / "out")])
    work = tmp_path / "out" / "work"
    stored = b"".join(path.read_bytes() for path in work.rglob("*") if path.is_file())
    assert {name for name in cases if markers[name] in stored} == set(KEPT)
    rows = [
        row
        for path in (work / "media" / "rows").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    reasons = {row["url"]: row["reason"] for row in rows}
    assert {reasons[urls[name]] for name in KEPT} == {None}
    assert {reasons[urls[name]] for name in NOT_KEPT} == {"opt_out"}
    assert {reasons[urls[name]] for name in NEVER_ASKED} == {"opt_out", "robots"}
