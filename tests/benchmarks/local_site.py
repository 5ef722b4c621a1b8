"""A web site of many hosts on loopback, for crawls to be measured on; it counts what is asked for.

    python tests/benchmarks/local_site.py --hosts 50 --images 20000

Prints its port. Every path below is there on every host of 127.0.0.0/8, or on whatever name leads
there: `/i/N.jpg` a JPEG of its own (`side`, 128 px unless told), `/p/N.html` a page of prose that
shows images, `/counts` how often what was asked for. Some images are missing, forbidden, opted out
or too small, always the same ones.
"""

import argparse
import asyncio
import io
import json
import random
import sys
from collections import Counter
from functools import lru_cache

from aiohttp import web
from PIL import Image

PROSE = (
    "the of and to a in that is was he for it with as his on be at by have this from or had not "
    "but some what there we can out other were all your when up use word how said an each she "
    "river stone bridge winter apple garden letter window harbour market doctor village painter "
    "mountain engine kitchen summer island forest record silver evening morning travel history"
)
WORDS = PROSE.split()
POOL = 64


@lru_cache(maxsize=POOL)
def _pixels(number: int, side: int) -> Image.Image:
    """A picture with the detail of a photograph: noise at several scales."""
    rng = random.Random(number)
    image = Image.new("RGB", (side, side))
    for scale in (4, 16, 64):
        small = Image.frombytes("RGB", (scale, scale), rng.randbytes(3 * scale * scale))
        layer = small.resize((side, side), Image.Resampling.BICUBIC)
        image = layer if scale == 4 else Image.blend(image, layer, 0.3)
    return image


def jpeg(number: int, side: int) -> bytes:
    """The image of a number: one of a pool, its own by a row of squares."""
    image = _pixels(number % POOL, side).copy()
    edge = side // 24
    for bit in range(24):
        colour = (255, 255, 255) if number >> bit & 1 else (0, 0, 0)
        image.paste(colour, (bit * edge, 0, (bit + 1) * edge, edge))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def page(number: int, images: list[str]) -> str:
    """A page of prose that nobody else has, with its images between the paragraphs."""
    rng = random.Random(number)
    parts = [f"<title>{number}</title><article><h1>Page {number}</h1>"]
    for url in images:
        words = [rng.choice(WORDS) for _ in range(40)]
        parts.append(f"<p>{' '.join(words).capitalize()}.</p><img src='{url}' alt='{words[-1]}'>")
    return "<!doctype html><html>" + "".join(parts) + "</article></html>"


class Site:
    """The site's answers and counts."""

    def __init__(self, side: int, per_page: int, odd: bool) -> None:
        self.side, self.per_page, self.odd = side, per_page, odd
        self.counts: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == "/counts":
            return web.json_response(self.counts)
        self.counts[f"{request.host}{path}"] += 1
        kind, _, name = path[1:].partition("/")
        digits = name.partition(".")[0]
        if not digits.isdigit():
            return web.Response(status=404)
        number = int(digits)
        if kind == "p":
            first = number * self.per_page
            urls = [f"/i/{n}.jpg" for n in range(first, first + self.per_page)]
            return web.Response(text=page(number, urls), content_type="text/html")
        return self._image(number)

    def _image(self, number: int) -> web.Response:
        headers = {"Content-Type": "image/jpeg"}
        side = self.side
        if self.odd and number % 20 == 7:
            return web.Response(status=404 if number % 40 == 7 else 403)
        if self.odd and number % 20 == 11:
            headers["X-Robots-Tag"] = "noai"
        if self.odd and number % 20 == 13:
            side = 40
        return web.Response(body=jpeg(number, side), headers=headers)


async def serve(site: Site) -> None:
    """Answers until stdin ends."""
    runner = web.ServerRunner(web.Server(site.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "0.0.0.0", 0, backlog=1024)
    await listener.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--per-page", type=int, default=25)
    parser.add_argument("--plain", action="store_true", help="no image is missing or odd")
    options = parser.parse_args()
    site = Site(options.side, options.per_page, not options.plain)
    asyncio.run(serve(site))


if __name__ == "__main__":
    main()
