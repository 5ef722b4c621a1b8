"""Peak memory of a build at two sizes of media bytes, the pages being the same.

    python tests/benchmarks/memory.py

Writes two WARC files with the same pages; the second has five times the pictures, all of them
photographs' size. The build's peak resident memory must not follow the media bytes.
"""

import argparse
import gzip
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

WORDS = ["the", "old", "ferry", "crosses", "a", "quiet", "lake", "with", "boxes", "of", "ripe", "apples", "and", "people", "have", "come", "to", "see", "how", "that", "is", "done"]  # fmt: skip


def record(url: str, content_type: str, body: bytes, number: int) -> bytes:
    """One gzipped WARC response."""
    http = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", compresslevel=1, mtime=0)


def picture(rng: np.random.Generator) -> bytes:
    """A JPEG of about half a megabyte: noise over colour fields, so that no two are alike."""
    coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    pixels = np.asarray(
        Image.fromarray(coarse).resize((1000, 750), Image.Resampling.BICUBIC), dtype=np.int16
    )
    noisy = np.clip(pixels + rng.integers(-40, 40, pixels.shape), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def write_warc(path: Path, pages: int, images: int) -> int:
    """A WARC of pages with so many pictures each; the media bytes in it."""
    rng, number, media = np.random.default_rng(7), 0, 0
    with path.open("wb") as stream:
        for page in range(pages):
            blocks = []
            for index in range(images):
                body, url = picture(rng), f"http://host.example/{page}/{index}.jpg"
                media += len(body)
                number += 1
                stream.write(record(url, "image/jpeg", body, number))
                text = " ".join(rng.permutation(WORDS))
                blocks.append(
                    f'<p>{text.capitalize()} on day {page} and {index}.</p><img src="{index}.jpg" alt="{text}">'
                )
            filler = "".join(
                f"<p>{' '.join(rng.permutation(WORDS)).capitalize()} for the {i}.</p>"
                for i in range(12)
            )
            html = f"<html><title>Page {page}</title><article>{filler}{''.join(blocks)}</article></html>"
            number += 1
            stream.write(record(f"http://host.example/{page}/", "text/html", html.encode(), number))
    return media


def peak_of(arguments: list[str]) -> tuple[float, float]:
    """Peak resident MiB and wall seconds of a build, measured by the system in its own process."""
    code = (
        "import json, resource, subprocess, sys, time; t = time.time(); "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); "
        "print(json.dumps([resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, time.time() - t]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, sys.executable, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    peak, seconds = json.loads(run.stdout)
    return peak, seconds


def main() -> None:
    """Prints a Markdown table of media bytes and peak memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument(
        "--images", type=int, nargs=2, default=(4, 20), help="pictures a page, twice"
    )
    options = parser.parse_args()
    print(
        "| pictures | media MB | packs written MB | peak memory MiB | wall s |\n|---|---|---|---|---|"
    )
    for images in options.images:
        with tempfile.TemporaryDirectory() as folder:
            warc, output = Path(folder, "a.warc.gz"), Path(folder, "out")
            media = write_warc(warc, options.pages, images)
            peak, seconds = peak_of(
                [
                    "-m",
                    "pipeline.build",
                    "--recipe",
                    "corpora",
                    "--input",
                    str(warc),
                    "--offline",
                    "--output",
                    str(output),
                ]
            )
            packs = sum(path.stat().st_size for path in output.glob("work/*/packs/*.tar"))
            print(
                f"| {options.pages * images} | {media / 1e6:.0f} | {packs / 1e6:.0f} | {peak:.0f} | {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
