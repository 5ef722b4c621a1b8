import asyncio
import gzip
import logging
import time
import zlib
from dataclasses import replace
from email.utils import formatdate
from functools import partial

import brotli
import pytest
import zstandard
from aiohttp import web

from pipeline.media.fetch import Fetcher, Outcome, fetch_many
from schemas.rejection import Reason, Why


def fetch(url, limits) -> Outcome:
    with Fetcher(limits) as fetcher:
        (outcome,) = fetcher.fetch([url])
    return outcome


def reason(url, limits):
    why = fetch(url, limits).why
    return None if why is None else why.reason


def test_bytes_come_back_with_what_the_server_said(server, limits):
    url = server.say("/a.jpg", b"picture", Content_Type="image/jpeg")
    outcome = fetch(url, limits)
    assert (outcome.body, outcome.why, outcome.status) == (b"picture", None, 200)
    assert (outcome.url, outcome.final_url, outcome.content_type) == (url, url, "image/jpeg")
    assert 0 < outcome.seconds < 1


def test_many_urls_come_back_in_their_order_and_each_is_asked_once(server, limits):
    urls = [server.say(f"/{n}.jpg", b"%d" % n) for n in range(30)]
    with Fetcher(limits) as fetcher:
        outcomes = fetcher.fetch([*urls, urls[3]])
    assert [outcome.body for outcome in outcomes] == [b"%d" % n for n in [*range(30), 3]]
    assert sorted(server.paths()) == sorted(f"/{n}.jpg" for n in range(30))


def test_fetch_many_in_a_loop_of_the_callers(server, limits):
    urls = [server.say(f"/{n}", b"x") for n in range(5)]

    async def go():
        return {outcome.url async for outcome in fetch_many(urls, limits)}

    assert asyncio.run(go()) == set(urls)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, Reason.NOT_FOUND),
        (410, Reason.NOT_FOUND),
        (403, Reason.HTTP_STATUS),
        (204, Reason.HTTP_STATUS),
        (206, Reason.HTTP_STATUS),
        (500, Reason.HTTP_STATUS),
        (301, Reason.HTTP_STATUS),
    ],
)
def test_a_status_without_a_picture_is_a_reason(server, limits, status, expected):
    outcome = fetch(server.say("/a", b"" if status == 204 else b"x", status), limits)
    assert outcome.why == Why(expected, status)
    assert (outcome.status, outcome.body) == (status, None)


def test_nothing_is_a_reason(server, limits):
    assert reason(server.say("/a", b""), limits) is Reason.EMPTY_BODY


def test_a_redirect_is_followed_and_the_last_url_is_told(server, limits):
    end = server.say("/end", b"x")
    server.say("/middle", status=307, Location="end")
    outcome = fetch(server.say("/start", status=302, Location="/middle"), limits)
    assert (outcome.body, outcome.final_url) == (b"x", end)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://127.0.0.2:{port}/a", Reason.FORBIDDEN_ADDRESS),
        ("http://169.254.169.254/latest/meta-data", Reason.FORBIDDEN_ADDRESS),
        ("http://[::1]:{port}/", Reason.FORBIDDEN_ADDRESS),
        ("http://localhost6.invalid:{port}/", Reason.UNRESOLVED_HOST),
        ("file:///etc/passwd", Reason.BAD_URL),
        ("ftp://example.org/a", Reason.BAD_URL),
        ("http://user:secret@127.0.0.1:{port}/", Reason.BAD_URL),
        ("/start", Reason.REDIRECTS),
    ],
)
def test_a_redirect_is_judged_like_a_url_on_a_page(server, limits, location, expected):
    to = location.format(port=server.port)
    url = server.say("/start", status=302, Location=to)
    assert reason(url, limits) is expected


def test_a_slow_body_ends_at_the_total_time(server, limits):
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(40):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    begun = time.monotonic()
    assert reason(server.do("/slow", drip), replace(limits, total_timeout_s=0.4)) is Reason.TIMEOUT
    assert time.monotonic() - begun < 2.0


def test_videos_have_a_cap_of_their_own(server, limits):
    large = replace(limits, max_bytes=1000, max_video_bytes=3000)
    url = server.say("/a", bytes(2000), Content_Type="video/mp4")
    assert fetch(url, large).body == bytes(2000)
    assert reason(server.say("/b", bytes(2000)), large) is Reason.TOO_MANY_BYTES


def test_an_endless_body_ends_at_the_cap(server, limits):
    async def pour(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))

    outcome = fetch(server.do("/endless", pour), limits)
    assert outcome.why is not None
    assert outcome.why.reason is Reason.TOO_MANY_BYTES
    assert outcome.why.value <= (1 << 20) + (1 << 16)


def test_a_stated_length_above_the_cap_is_not_read(server, limits):
    url = server.say("/big", bytes(2 << 20))
    assert fetch(url, limits).why == Why(Reason.TOO_MANY_BYTES, 2 << 20, 1 << 20)


PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=4),
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("name", PACKED)
def test_encodings_are_taken_off(server, limits, name):
    url = server.say("/a", PACKED[name](b"picture" * 99), Content_Encoding=name)
    assert fetch(url, limits).body == b"picture" * 99


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_stops_at_the_cap(server, limits, name):
    url = server.say("/bomb", PACKED[name](bytes(32 << 20)), Content_Encoding=name)
    assert reason(url, limits) is Reason.TOO_MANY_BYTES


@pytest.mark.parametrize("name", PACKED)
def test_a_damaged_encoding_is_a_reason(server, limits, name):
    whole = PACKED[name](bytes(range(256)) * 99)
    damaged = whole[:4] + b"\xff" * 20 + whole[24:]
    assert reason(server.say("/a", damaged, Content_Encoding=name), limits) is Reason.BAD_ENCODING


@pytest.mark.parametrize(
    "tag", ["noai", "noimageai", "NOINDEX, nofollow", "none", "open-m3w-test: noai", "all, noai"]
)
def test_who_opts_out_is_left_out(server, limits, tag):
    outcome = fetch(server.say("/a", b"x", X_Robots_Tag=tag), limits)
    assert outcome.why is not None
    assert (outcome.why.reason, outcome.body) == (Reason.OPT_OUT, None)


@pytest.mark.parametrize("tag", ["otherbot: noai", "nofollow", "max-image-preview: large", ""])
def test_a_tag_that_does_not_concern_us_is_none(server, limits, tag):
    assert fetch(server.say("/a", b"x", X_Robots_Tag=tag), limits).body == b"x"


def test_a_reserved_file_is_left_out(server, limits):
    assert reason(server.say("/a", b"x", tdm_reservation="1"), limits) is Reason.OPT_OUT


def test_robots_are_asked_once_and_obeyed(server, limits):
    server.say("/robots.txt", b"User-agent: *\nDisallow: /private/")
    urls = [server.say(f"/{where}/a", b"x") for where in ("private", "public", "open")]
    with Fetcher(limits) as fetcher:
        outcomes = fetcher.fetch(urls)
    assert outcomes[0].why == Why(Reason.ROBOTS, "disallow")
    assert [outcome.body for outcome in outcomes[1:]] == [b"x", b"x"]
    assert [path for _, path in server.asked].count("/robots.txt") == 1
    assert "/private/a" not in server.paths()


@pytest.mark.parametrize(("status", "expected"), [(404, None), (403, None), (503, Reason.ROBOTS)])
def test_robots_that_cannot_be_had(server, limits, status, expected):
    server.say("/robots.txt", b"User-agent: *\nDisallow: /", status)
    assert reason(server.say("/a", b"x"), limits) is expected


def test_robots_of_the_host_that_a_redirect_leads_to_are_obeyed(server, limits):
    server.say("/robots.txt", b"User-agent: *\nDisallow: /private")
    server.say("/private", b"x")
    assert reason(server.say("/a", status=302, Location="/private"), limits) is Reason.ROBOTS
    assert "/private" not in server.paths()


def test_robots_may_be_left_aside_by_recipe(server, limits):
    server.say("/robots.txt", b"User-agent: *\nDisallow: /")
    assert fetch(server.say("/a", b"x"), replace(limits, respect_robots=False)).body == b"x"
    assert server.paths() == ["/a"]


def test_a_crawl_delay_is_kept(server, limits):
    server.say("/robots.txt", b"User-agent: *\nCrawl-delay: 0.2")
    urls = [server.say(f"/a{n}", b"x") for n in range(4)]
    with Fetcher(limits) as fetcher:
        assert all(outcome.body for outcome in fetcher.fetch(urls))
    times = server.times("/a")
    assert times[-1] - times[0] > 3 * 0.2 - 0.05


def test_a_crawl_delay_beyond_patience_is_a_no(server, limits):
    server.say("/robots.txt", b"User-agent: *\nCrawl-delay: 3600")
    assert fetch(server.say("/a", b"x"), limits).why == Why(Reason.ROBOTS, 3600.0, 1.5)


def test_requests_to_a_host_are_spaced(server, limits):
    urls = [server.say(f"/a{n}", b"x") for n in range(6)]
    with Fetcher(replace(limits, per_host_delay_s=0.1)) as fetcher:
        fetcher.fetch(urls)
    times = [when for when, _ in server.asked]
    assert times[-1] - times[0] > 6 * 0.1 - 0.05


def busy_once(server, path, **headers):
    async def answer(request):
        first = server.paths().count(path) == 1
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=429, headers=fields) if first else web.Response(body=b"x")

    return server.do(path, answer)


@pytest.mark.parametrize("after", ["0.x", "-5", "0", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_busy_host_is_asked_again(server, limits, after):
    assert fetch(busy_once(server, "/a", Retry_After=after), limits).body == b"x"


def test_retry_after_seconds_are_kept(server, limits):
    assert fetch(busy_once(server, "/a", Retry_After="1"), limits).body == b"x"
    times = server.times("/a")
    assert times[1] - times[0] > 0.9


def test_a_retry_after_date_is_kept(server, limits):
    date = formatdate(time.time() + 2, usegmt=True)
    url = busy_once(server, "/a", Retry_After=date)
    assert fetch(url, replace(limits, max_wait_s=3)).body == b"x"
    times = server.times("/a")
    assert times[1] - times[0] > 0.5


@pytest.mark.parametrize("after", ["1000000000", "3600", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_host_that_wants_peace_for_long_gets_it(server, limits, after):
    urls = [server.say(f"/{n}", b"x", 429, Retry_After=after) for n in range(5)]
    with Fetcher(replace(limits, per_host_connections=1)) as fetcher:
        outcomes = fetcher.fetch(urls)
    assert {outcome.why for outcome in outcomes} == {Why(Reason.HTTP_STATUS, 429)}
    assert len(server.paths()) == 1


def test_a_lost_connection_is_tried_again(server, limits):
    async def drop(request):
        if server.paths().count("/a") == 1:
            request.transport.close()
        return web.Response(body=b"x")

    assert fetch(server.do("/a", drop), limits).body == b"x"


def test_a_body_cut_short_is_no_body(server, limits):
    async def cut(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 500)
        request.transport.close()
        return response

    assert reason(server.do("/a", cut), limits) is Reason.CONNECTION


def test_a_dead_host_is_given_up(limits):
    urls = [f"http://127.0.0.1:9{n:03d}/" for n in range(100, 130)]  # nobody listens there
    with Fetcher(replace(limits, retries=0, respect_robots=False)) as fetcher:
        whys = [outcome.why for outcome in fetcher.fetch(urls)]
    assert {why.reason for why in whys} == {Reason.CONNECTION}
    assert sum(why.value == "host given up" for why in whys) >= 15


def test_offline_opens_no_socket(server, limits):
    url = server.say("/a", b"x")
    assert fetch(url, replace(limits, offline=True)).why == Why(
        Reason.OFFLINE, detail="fetch.offline"
    )
    assert server.asked == []


def test_no_secret_of_a_url_reaches_log_or_reason(server, limits, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "c4n4ry"
    urls = [
        f"http://user:{canary}@127.0.0.1/",
        server.url(f"/missing?token={canary}"),
        f"http://127.0.0.1:1/?token={canary}",
        f"http://no-such-host.invalid/?token={canary}",
    ]
    with Fetcher(limits) as fetcher:
        whys = [str(outcome.why) for outcome in fetcher.fetch(urls)]
    assert canary not in caplog.text
    assert not any(canary in why for why in whys)


def test_a_bug_in_an_opener_is_not_swallowed(limits):
    def broken(url):
        raise ZeroDivisionError

    async def go():
        return [outcome async for outcome in fetch_many(["http://example.org/"], limits, broken)]

    with pytest.raises(ZeroDivisionError):
        asyncio.run(go())


def test_fetch_many_offline(limits):
    async def go():
        urls = ["http://example.org/a", "http://example.org/a"]
        return [outcome async for outcome in fetch_many(urls, replace(limits, offline=True))]

    assert [outcome.why for outcome in asyncio.run(go())] == [
        Why(Reason.OFFLINE, detail="fetch.offline")
    ]


def test_a_fetcher_is_started_first_and_stopped_twice(server, limits):
    fetcher = Fetcher(limits)
    with pytest.raises(RuntimeError, match="started"):
        fetcher.fetch(["http://example.org/"])
    url = server.say("/a", b"x")
    for _ in range(2):
        fetcher.start()
        fetcher.start()
        assert fetcher.fetch([url])[0].body == b"x"
        fetcher.stop()
        fetcher.stop()


def test_a_user_agent_without_a_contact_is_warned_of(limits, caplog):
    with Fetcher(replace(limits, user_agent="open-m3w/0.1")) as fetcher:
        assert fetcher.fetch([]) == []
        assert "names no contact" not in caplog.text
        fetcher.fetch(["http://127.0.0.1:1/"])
        assert "names no contact" in caplog.text


def test_the_user_agent_is_told_to_the_host(server, limits):
    seen = []

    async def look(request):
        seen.append(dict(request.headers))
        return web.Response(body=b"x", headers={"Set-Cookie": "a=b"})

    url = server.do("/a", look)
    with Fetcher(limits) as fetcher:
        fetcher.fetch([url])
        fetcher.fetch([url])
    assert [headers["User-Agent"] for headers in seen] == [limits.user_agent] * 2
    assert not any("Cookie" in headers or "Referer" in headers for headers in seen)


def test_a_stream_may_be_left(server, limits):
    urls = [server.say(f"/{n}", b"x") for n in range(50)]
    with Fetcher(limits) as fetcher:
        stream = fetcher.stream(urls)
        assert next(stream).body == b"x"
        stream.close()
        assert fetcher.fetch(urls[:2])[1].body == b"x"


def test_no_more_than_so_many_requests_at_once(server, limits):
    running, most = 0, 0

    async def count(request):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.03)
        running -= 1
        return web.Response(body=b"x")

    urls = [server.do(f"/{n}", count) for n in range(12)]
    with Fetcher(replace(limits, per_host_connections=3)) as fetcher:
        fetcher.fetch(urls)
    assert most == 3


def test_robots_too_long_or_packed_or_endless(server, limits):
    rule = b"User-agent: *\nDisallow: /private\n"
    packed = gzip.compress(rule)
    server.say("/robots.txt", packed, Content_Encoding="gzip")
    assert reason(server.say("/private", b"x"), limits) is Reason.ROBOTS
    server.say("/robots.txt", rule + b"#" * (2 << 20))
    assert reason(server.url("/private"), limits) is Reason.ROBOTS
    assert reason(server.say("/public", b"x"), limits) is None
    server.say("/robots.txt", gzip.compress(bytes(32 << 20)), Content_Encoding="gzip")
    assert reason(server.url("/public"), limits) is Reason.ROBOTS
    server.say("/robots.txt", b"\x00garbage", Content_Encoding="gzip")
    assert reason(server.url("/public"), limits) is None


def test_robots_behind_redirects(server, limits):
    server.say("/robots.txt", status=301, Location="/rules")
    server.say("/rules", b"User-agent: *\nDisallow: /private")
    assert reason(server.say("/private", b"x"), limits) is Reason.ROBOTS
    server.say("/rules", status=301, Location="/robots.txt")
    assert reason(server.url("/private"), limits) is None  # RFC 9309, 2.3.1.2: endless, so none
    server.say("/robots.txt", status=301, Location="http://127.0.0.9/")
    assert reason(server.url("/private"), limits) is Reason.FORBIDDEN_ADDRESS


def test_robots_that_never_come_are_a_timeout(server, limits):
    async def hang(request):
        await asyncio.sleep(5)
        return web.Response()

    server.do("/robots.txt", hang)
    short = replace(limits, total_timeout_s=0.2, retries=0)
    assert reason(server.say("/a", b"x"), short) is Reason.TIMEOUT
    assert server.paths() == []


def test_a_host_without_tls_is_a_lost_connection(server, limits):
    url = server.say("/a", b"x").replace("http://", "https://")
    assert fetch(url, replace(limits, respect_robots=False)).why == Why(Reason.CONNECTION, "tls")


def test_hosts_asked_longest_ago_are_forgotten(server, limits, monkeypatch):
    monkeypatch.setattr("pipeline.media.crawl.MAX_HOSTS", 1)
    loose = replace(limits, allowed_private=("127.0.0.0/8",), respect_robots=False)
    url = server.say("/a", b"x")
    with Fetcher(loose) as fetcher:
        outcomes = fetcher.fetch([url, "http://127.0.0.9:1/", url + "?2"])
    assert [outcome.body for outcome in outcomes] == [b"x", None, b"x"]
