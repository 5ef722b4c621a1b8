"""Bodies and answers made to take memory or time: each within its bounds, each with a reason."""

import gzip
import json
import os
import subprocess
import sys
import time
import zlib
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import brotli
import pytest
import zstandard
from aiohttp import web

from pipeline.media.fetch import Fetcher
from schemas.rejection import Reason

HOME = Path(__file__).resolve().parents[3]
CAP = 1 << 20

CHILD = """
import json, sys
from pathlib import Path
import brotli, zstandard
from pipeline.media.fetch import Fetcher, FetchLimits


def held(word):
    return int(Path("/proc/self/status").read_text().partition(word)[2].split()[0]) / 1024


asked = json.loads(sys.argv[1])
asked["limits"] |= {name: tuple(asked["limits"][name]) for name in ("allowed_private", "opt_out_words")}
with Fetcher(FetchLimits(**asked["limits"])) as fetcher:
    fetcher.fetch([asked["first"]])
    before = held("VmRSS:")
    outcomes = fetcher.fetch(asked["urls"])
reasons = [outcome.why and str(outcome.why.reason) for outcome in outcomes]
print(json.dumps({"reasons": reasons, "grown": held("VmHWM:") - before}))
"""


def packed_long(compress, megabytes):
    """So many megabytes of zeros, packed."""
    return compress(bytes(megabytes << 20))


def zstd_of_a_window(log, size=64):
    """A frame of zeros that asks its reader for a window of 2^log bytes."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(bytes(size << 20)) + packer.flush()


PACKERS = {
    "gzip": partial(gzip.compress, compresslevel=9),
    "deflate": partial(zlib.compress, level=9),
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.compress,
}


def test_bombs_of_a_thousand_to_one_take_no_more_than_the_cap_and_some(server, limits):
    """A process of its own fetches them all at once, so that what it holds can be measured."""
    urls = []
    for name, pack in PACKERS.items():
        bomb = packed_long(pack, 64)
        assert len(bomb) * 1000 < 64 << 20
        urls.append(server.say(f"/{name}", bomb, Content_Encoding=name))
        twice = pack(bomb)
        urls.append(server.say(f"/{name}/2", twice, Content_Encoding=f"{name}, {name}"))
    urls.append(
        server.say(
            "/mixed", gzip.compress(packed_long(brotli.compress, 64)), Content_Encoding="br, gzip"
        )
    )
    urls.append(server.say("/window", zstd_of_a_window(27), Content_Encoding="zstd"))
    empty = gzip.compress(b"")
    urls.append(server.say("/members", empty * 20_000, Content_Encoding="gzip"))
    urls.append(server.say("/layers", b"x", Content_Encoding=", ".join(["gzip"] * 50)))
    given = asdict(replace(limits, total_timeout_s=20.0))
    first = server.say("/first", b"x" * 1000)
    asked = json.dumps({"limits": given, "urls": urls, "first": first})
    done = subprocess.run(
        [sys.executable, "-c", CHILD, asked],
        capture_output=True,
        text=True,
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["reasons"]) <= {"too_many_bytes", "bad_encoding"}
    assert result["reasons"].count("too_many_bytes") >= 9
    assert result["grown"] < CAP / (1 << 20) + 64


def test_redirects_end_whatever_their_shape(server, limits):
    server.say("/self", status=301, Location="/self")
    server.say("/ping", status=302, Location="/pong")
    server.say("/pong", status=307, Location="/ping")
    server.say("/here?a", status=302, Location="#top")

    async def onward(request):
        number = int(request.query.get("n", 0))
        headers = {"Location": f"/onward?n={number + 1}&{'x' * number * 100}"}
        return web.Response(status=302, headers=headers)

    server.do("/onward", onward)
    for number in range(8):
        server.say(f"/chain/{number}", status=308, Location=f"/chain/{number + 1}")
    server.say("/chain/8", b"x")
    urls = [server.url(path) for path in ("/self", "/ping", "/here?a", "/onward", "/chain/0")]
    begun = time.monotonic()
    with Fetcher(limits) as fetcher:
        whys = [outcome.why for outcome in fetcher.fetch(urls)]
        within = fetcher.fetch([server.url("/chain/3")])[0]
    assert [why.reason for why in whys] == [Reason.REDIRECTS] * 5
    assert within.body == b"x"  # five hops
    assert len(server.paths()) <= 5 * (limits.max_redirects + 1) + 6
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", PACKERS)
def test_a_packed_body_that_is_cut_is_no_body(server, limits, name):
    whole = PACKERS[name](os.urandom(3000) + bytes(3000))
    urls = [
        server.say(f"/{share}", whole[: len(whole) * share // 10], Content_Encoding=name)
        for share in range(1, 10)
    ]
    with Fetcher(limits) as fetcher:
        outcomes = fetcher.fetch([*urls, server.say("/whole", whole, Content_Encoding=name)])
    assert {outcome.why.reason for outcome in outcomes[:-1]} == {Reason.BAD_ENCODING}
    assert len(outcomes[-1].body) == 6000
