"""Bodies come out whole and under the cap, or not at all."""

import gzip
import os
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from pipeline.extract.inflate import inflate
from schemas.rejection import BadInput, Reason

HTML = b"<html><body><p>Some text of the page, and some more of it.</p></body></html>"
PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
CAP = 1 << 20


def reason(body, encodings, cap=CAP):
    with pytest.raises(BadInput) as bad:
        inflate(body, encodings, cap)
    return bad.value.why.reason


@pytest.mark.parametrize("name", PACKERS)
def test_a_body_cut_anywhere_is_never_passed(name):
    body = HTML + os.urandom(3000) + HTML * 50
    packed = PACKERS[name](body)
    assert inflate(packed, name, CAP) == body
    for cut in range(len(packed) // 2, len(packed), 97):
        assert reason(packed[:cut], name) is Reason.BAD_ENCODING
    unknown = zstandard.ZstdCompressor(write_content_size=False).compress(body)
    assert inflate(unknown, "zstd", CAP) == body
    assert reason(unknown[:-300], "zstd") is Reason.BAD_ENCODING


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_parts_one_behind_the_other_are_all_read(name):
    pack = PACKERS[name]
    assert inflate(pack(b"one ") + pack(b"two ") + pack(b"three"), name, CAP) == b"one two three"
    assert inflate(pack(HTML) + b"junk", name, CAP) == HTML
    assert reason(pack(HTML) + pack(HTML * 9)[:-3], name) is Reason.BAD_ENCODING
    assert reason(pack(b"x" * 600) * 2, name, 1000) is Reason.TOO_MANY_BYTES
    assert reason(pack(b"") * 101, name) is Reason.BAD_ENCODING


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", PACKERS)
def test_two_encodings_one_around_the_other(inner, outer):
    assert inflate(PACKERS[outer](PACKERS[inner](HTML)), f"{inner}, {outer}", CAP) == HTML
    bomb = PACKERS[outer](PACKERS[inner](bytes(50 * CAP)))
    tracemalloc.start()
    assert reason(bomb, f"{inner}, {outer}") is Reason.TOO_MANY_BYTES
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < CAP + (64 << 20)


def test_no_server_makes_so_many_layers():
    body = HTML
    for _ in range(6):
        body = gzip.compress(body)
    assert reason(body, ", ".join(["gzip"] * 6)) is Reason.BAD_ENCODING
    assert inflate(HTML, "identity, none", CAP) == HTML
