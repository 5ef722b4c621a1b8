import asyncio
import io
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import web
from PIL import Image, features

from pipeline.media.checks import make_checks
from pipeline.media.fetch import Fetcher
from pipeline.media.glance import glance_at_image, jpeg_size
from pipeline.media.image import ImageLimits, open_header
from schemas.rejection import BadInput, Reason, Why

LIMITS = ImageLimits()


def picture(form, width=300, height=200, **options):
    rng = Image.effect_noise((width, height), 60).convert("RGB")
    stream = io.BytesIO()
    rng.save(stream, form, **options)
    return stream.getvalue()


FORMATS = ["JPEG", "PNG", "WEBP", "GIF", *(["AVIF"] if features.check("avif") else [])]
EXIF = Image.Exif()
EXIF[0x010E] = "x" * 60_000
VARIANTS = [
    *((form, {}) for form in FORMATS),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"exif": EXIF}),
    ("JPEG", {"icc_profile": b"x" * 150_000}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": EXIF}),
]


@pytest.mark.parametrize(("form", "options"), VARIANTS)
def test_the_size_is_there_before_the_rest(form, options):
    content = picture(form, **options)
    cuts = list(range(1000, len(content), 1000))
    seen = [glance_at_image(content[:cut], False, replace(LIMITS, formats=(form,))) for cut in cuts]
    found = [one for one in seen if one is not None]
    assert {(one.format, one.width, one.height, one.why) for one in found} == {
        (form, 300, 200, None)
    }
    assert cuts[seen.index(found[0])] <= 180_000


@pytest.mark.parametrize(("form", "options"), VARIANTS)
def test_what_the_decoder_says_of_the_size_is_the_same(form, options):
    content = picture(form, 333, 101, **options)
    limits = replace(LIMITS, formats=(form,))
    header = open_header(content, limits)
    seen = glance_at_image(content, True, limits)
    assert (seen.format, seen.width, seen.height) == (header.format, header.width, header.height)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (picture("JPEG", 50, 300), Why(Reason.TOO_SMALL, 50, 64, "50 x 300 px")),
        (picture("PNG", 400, 100), Why(Reason.ASPECT, 4.0, 3.0, "400 x 100 px")),
        (picture("GIF"), Why(Reason.FORMAT, "GIF", "JPEG PNG WEBP AVIF", "300 x 200 px")),
        (b"BM" + bytes(2000), Why(Reason.FORMAT, "BMP", "JPEG PNG WEBP AVIF")),
        (b"<html>" * 400, Why(Reason.NOT_MEDIA, b"<html><h".hex(), "JPEG PNG WEBP AVIF")),
        (b"<svg xmlns=''>" * 400, Why(Reason.FORMAT, "SVG", "JPEG PNG WEBP AVIF")),
    ],
)
def test_what_is_not_wanted_is_known_by_its_first_bytes(content, why):
    assert glance_at_image(content[:1500], False, LIMITS).why == why
    assert glance_at_image(content, True, LIMITS).why == why


def test_an_image_that_is_too_large_is_known_before_a_byte_of_it_is_decoded():
    content = bytearray(picture("PNG"))
    content[16:24] = (30_000).to_bytes(4, "big") + (20_000).to_bytes(4, "big")
    assert glance_at_image(bytes(content), False, LIMITS).why == Why(
        Reason.TOO_LARGE, 30_000, 20_000, "30000 x 20000 px"
    )


def test_damage_is_left_to_the_decoder():
    cut = picture("JPEG")[:10]
    assert glance_at_image(cut, True, LIMITS).why is None
    with pytest.raises(BadInput):
        open_header(cut, LIMITS)
    for content in (b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\2" * 9, b"\xff\xd8" + b"\xff" * 99):
        assert jpeg_size(content) is None


def fetch_image(url, limits, image=LIMITS):
    checks = make_checks(limits, image, lambda path: b"")
    with Fetcher(limits, checks=checks) as fetcher:
        (outcome,) = fetcher.stream([url], {url: "image"})
    return outcome


@pytest.mark.parametrize("rest", [20_000, 8_000_000])
def test_the_rest_of_an_unwanted_image_is_not_downloaded(server, limits, rest):
    sent = []

    async def pour(request):
        response = web.StreamResponse(headers={"Content-Length": str(5000 + rest)})
        await response.prepare(request)
        await response.write(picture("PNG", 60, 60)[:5000].ljust(5000, b"\0"))
        await asyncio.sleep(0.05)
        for _ in range(rest // 10_000):
            await response.write(bytes(10_000))
            sent.append(10_000)
        return response

    url = server.do("/a.png", pour)
    outcome = fetch_image(url, replace(limits, max_bytes=20 << 20))
    assert outcome.why == Why(Reason.TOO_SMALL, 60, 64, "60 x 60 px")
    assert (outcome.seen.format, outcome.seen.width, outcome.body) == ("PNG", 60, None)
    assert outcome.wire_bytes <= 100_000  # a short rest is read, to keep the connection


def test_the_same_by_a_packed_body_and_by_a_short_one(server, limits):
    import gzip

    small = picture("PNG", 40, 40)
    for n, (body, headers) in enumerate(
        [(small, {}), (gzip.compress(small), {"Content_Encoding": "gzip"})]
    ):
        outcome = fetch_image(server.say(f"/{n}.png", body, **headers), limits)
        assert outcome.why == Why(Reason.TOO_SMALL, 40, 64, "40 x 40 px")
    good = picture("PNG")
    assert fetch_image(server.say("/good.png", good), limits).body == good


def test_only_images_are_looked_at(server, limits):
    url = server.say("/a", b"<html>" * 500)
    assert fetch_image(url, limits).why.reason is Reason.NOT_MEDIA
    with Fetcher(limits, checks=make_checks(limits, LIMITS, partial(bytes, 0))) as fetcher:
        (outcome,) = fetcher.stream([url], {url: "video"})
    assert outcome.body == b"<html>" * 500
