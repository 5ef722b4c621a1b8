"""Another share of the pool, asked of a finished output: how long it takes, and whether it is right.

    PYTHONPATH=. python tests/benchmarks/what_if.py --samples 10000

Makes pages with so many small pictures, each with an alt text of its own, builds ALIGN from them
with the embedded CLIP and all of the pool kept, then asks what becomes of it at 0.2 of the pool, and
times that: wall and CPU seconds of the whole command. Then builds the same anew from nothing, and
compares every file that is published, byte for byte. Prints the table of docs/benchmarks.md.
"""

import argparse
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw

PICTURES_A_PAGE = 50
COLOURS = ("red", "green", "blue", "yellow", "black", "white", "purple", "orange")
THINGS = ("boat", "kite", "lamp", "house", "bird", "clock", "chair", "bell", "cup", "tree")
TEXT = (
    "The keeper of the small museum has drawn these pictures over many years, and she says that "
    "each of them was made in the morning, before the first visitors came up from the harbour. "
)


def paint(number: int, path: Path) -> str:
    """Writes a small picture of its own; returns its alt text."""
    draw = random.Random(number)
    ground, front = draw.sample(COLOURS, 2)
    picture = Image.new("RGB", (64, 64), ground)
    left, top = draw.randrange(4, 28), draw.randrange(4, 28)
    box = (left, top, left + draw.randrange(12, 32), top + draw.randrange(12, 32))
    pen = ImageDraw.Draw(picture)
    (pen.ellipse if number % 2 else pen.rectangle)(box, fill=front)
    for x in range(14):  # its number, so that no two are equal
        pen.point((x, 63), "white" if number >> x & 1 else "black")
    picture.save(path, quality=95)
    return f"a {front} {draw.choice(THINGS)} number {number} before a {ground} wall"


def make_web(folder: Path, samples: int) -> None:
    """Pages with their pictures beside them."""
    folder.mkdir()
    for start in range(0, samples, PICTURES_A_PAGE):
        lines = [f"<html><title>Room {start}</title><body><article><h1>Room {start}</h1>"]
        for number in range(start, min(samples, start + PICTURES_A_PAGE)):
            alt = paint(number, folder / f"{number}.jpg")
            lines.append(f'<p>{TEXT}</p><img src="{number}.jpg" alt="{alt}">')
        (folder / f"room-{start}.html").write_text("\n".join([*lines, "</article></html>"]))


def run(*arguments: str) -> tuple[float, float, str]:
    """Wall and CPU seconds of a build, and what it printed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "pipeline.build", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu, done.stdout + done.stderr


def digests(output: Path) -> dict[str, str]:
    """Of every published file."""
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and "work" not in path.relative_to(output).parts
    }


def main() -> None:
    """Builds, asks, builds anew, compares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--keep", default="0.2")
    parser.add_argument("--folder", type=Path, help="where to work, and to leave what was made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch, "what-if")
        make_web(folder, options.samples) if not folder.exists() else None
        settings = ("clip.model=embedded", "align.min_short_side_px=32", "image.min_side_px=32")
        asked = ["--recipe", "align", "--input", str(folder), "--offline"]
        asked += [word for one in settings for word in ("--set", one)]
        output, anew = Path(scratch, "out"), Path(scratch, "anew")
        full, full_cpu, _ = run(*asked, "--output", str(output))
        changed = f"similarity.keep={options.keep}"
        wall, cpu, told = run("--output", str(output), "--set", changed)
        run(*asked, "--set", changed, "--output", str(anew))
        same = digests(output) == digests(anew)
    print(told)
    print(f"{options.samples} samples, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n")
    print("| | wall s | CPU s |\n|---|---|---|")
    print(f"| the build, all of the pool | {full:.1f} | {full_cpu:.1f} |")
    print(f"| what if {options.keep} of it | {wall:.1f} | {cpu:.1f} |")
    print(f"\nevery published file as a fresh build makes it: {'yes' if same else 'NO'}")
    sys.exit(not same)


if __name__ == "__main__":
    main()
