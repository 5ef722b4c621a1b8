"""Crashes, slowest page and peak memory of seeded mutants of real pages, as a build reads them.

    python tests/benchmarks/mutants.py --mutants 10000 --pages 50

The pages are of the shared inputs (M3W_SHARED), data/pages-wcxb; where they are not, of the made-up web. A mutant
is a page with bytes flipped, cut out, doubled, moved, or with pieces of markup thrown in, once to
some dozens of times. A process of its own reads it, so that a crash is seen and counted, with the
limits of a build: 5 s of CPU and 512 MB.
"""

import argparse
import os
import random
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.extract.alone import PageExtractor
from pipeline.extract.limits import ExtractLimits
from pipeline.sample_web.web import build_page
from schemas.records import Page
from schemas.rejection import BadInput

HOME = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("M3W_SHARED", HOME.parent / "shared"))
MARKUP = [
    b"<", b">", b'"', b"'", b"=", b"&", b"&#x110000;", b"\0", b"\xff\xfe", b"<!--", b"-->", b"</", b"<![CDATA[",
    b"<script>", b"</script>", b"<style>", b"<textarea>", b"<title>", b"<plaintext>", b"<svg>", b"<math>", b"<mi>",
    b"<table>", b"<tr>", b"<td colspan=99999999>", b"</table>", b"<select>", b"<template>", b"<noscript>", b"<base href='//['>",
    b"<img srcset=',,, 1x 2w, 9999999999999999999w'>", b"<img src='data:image/png;base64,'>", b"<img width=1e999 height=-1>",
    b"<a href='http://[::1'>", b"<a href='http://a:99999999/'>", b"<font>" * 50, b"<b><p>" * 50, b"<div>" * 300, b"</div>" * 50,
    b"<meta charset=utf-7>", b"<meta charset=utf-16>", b"<meta charset='\0'>", b"<ol><li>" * 40, b"<form><form>", b"<body><html>",
    b"<picture><source srcset>", b"<video poster=x><source src='\x01'>", b"<figure><figcaption>", b"<dialog open><button><h1>",
    b'<script type="application/ld+json">{"a":[[[[', b"<link rel=license href='javascript:x'>", b"<iframe srcdoc='<p>'>",
]  # fmt: skip


def real_pages(count: int) -> list[bytes]:
    """The first pages of the shared set by name, none where it is absent."""
    archive = SHARED / "data" / "pages-wcxb" / "wcxb-500.tar.xz"
    if not archive.exists():
        return []
    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".html"))
        chosen = set(names[:: max(1, len(names) // count)][:count])
        files = [tar.extractfile(member) for member in tar if member.name in chosen]
        return [file.read() for file in files if file is not None]


def made_up_pages(count: int) -> list[bytes]:
    """Pages of the made-up web."""
    return [build_page(number, 7).resources[0].body for number in range(count)]


def mutants(pages: list[bytes], count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """So many mutants, each with the number it is drawn from again."""
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        body = bytearray(pages[number % len(pages)])
        for _ in range(draw.choice([1, 2, 5, 20, 60])):
            _mutate(body, draw)
        yield number, bytes(body)


def _mutate(body: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(body) + 1)
    size = draw.choice([1, 3, 40, 1000, 20_000])
    kind = draw.randrange(7)
    if kind == 0 and at < len(body):
        body[at] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del body[at : at + size]
    elif kind == 2:
        body[at:at] = body[at : at + size]
    elif kind == 3:
        piece = body[at : at + size]
        del body[at : at + size]
        to = draw.randrange(len(body) + 1)
        body[to:to] = piece
    elif kind == 4:
        body[at : at + min(size, 200)] = draw.randbytes(min(size, 200))
    else:
        body[at:at] = draw.choice(MARKUP) * draw.choice([1, 1, 1, 10, 200])


@dataclass
class Tally:
    """What came of the mutants."""

    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)
    peak_bytes: int = 0


def read_mutants(pages: list[bytes], count: int, seed: int) -> Tally:
    """The outcome of each mutant by reason, with crashes, CPU and memory of the process."""
    tally = Tally()
    extractor = PageExtractor(ExtractLimits())
    for number, body in mutants(pages, count, seed):
        before = _cpu_s(extractor)
        try:
            extractor.extract(Page("key", "http://a.example/", body, "text/html"))
            outcome = "document"
        except BadInput as bad:
            outcome = f"{bad.why.reason} {bad.why.value}" if bad.why.value else str(bad.why.reason)
        except RuntimeError as error:
            outcome = f"killed: {error}"
        tally.outcomes[outcome] += 1
        if "killed" in outcome or "too " in outcome.replace("too many elements", ""):
            tally.crashes.append(f"mutant {number}: {outcome}")
        tally.slowest = max(tally.slowest, (_cpu_s(extractor) - before, number))
        tally.peak_bytes = max(tally.peak_bytes, _peak_bytes(extractor))
    extractor.close()
    return tally


def _cpu_s(extractor: PageExtractor) -> float:
    """CPU seconds of the extractor's process so far, 0 before it lives."""
    if extractor._child is None:
        return 0.0
    fields = Path(f"/proc/{extractor._child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_bytes(extractor: PageExtractor) -> int:
    """The most memory that the extractor's process held, 0 after its death."""
    if extractor._child is None:
        return 0
    lines = Path(f"/proc/{extractor._child.pid}/status").read_text().splitlines()
    peak = next((line for line in lines if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(peak.split()[1]) * 1024


def main() -> int:
    """Prints what became of the mutants; 1 where one crashed, or took too much."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pages = real_pages(options.pages)
    kind = "real" if pages else "made-up"
    pages = pages or made_up_pages(options.pages)
    started = time.monotonic()
    tally = read_mutants(pages, options.mutants, options.seed)
    print(f"{options.mutants} mutants of {len(pages)} {kind} pages, seed {options.seed}")
    for outcome, number in tally.outcomes.most_common(12):
        print(f"  {number:>7}  {outcome}")
    print(f"crashes, or past 5 s or 512 MB: {len(tally.crashes)}")
    for line in tally.crashes[:20]:
        print(f"  {line}")
    print(f"slowest: {tally.slowest[0]:.2f} CPU s, mutant {tally.slowest[1]}")
    print(f"peak memory: {tally.peak_bytes / 2**20:.0f} MiB")
    print(f"wall: {time.monotonic() - started:.0f} s")
    return 1 if tally.crashes else 0


if __name__ == "__main__":
    sys.exit(main())
