"""CPU an image of download, resize and pack, ours beside img2dataset's, from one local server.

    python tests/benchmarks/fetching.py

50 hosts on loopback serve 20,000 JPEGs (--images for fewer). img2dataset 1.47 runs in a virtual
environment of its own. Both write images of at most 256 px a side; both look at X-Robots-Tag. Two
runs of each, of few and of all images, leave start-up out: what is told is the CPU of each further
image. Prints the Markdown table that stands in docs/benchmarks.md.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from peers import CACHE, install_peer

HERE = Path(__file__).resolve().parent
PEER = "img2dataset==1.47.0"
SIDE_PX = 256
QUALITY = 90
FEW = 200
"""Images of the run that stands for start-up."""


def ours(urls: Path, output: Path, politely: bool) -> None:
    """The build's own transforms from URLs to encoded images in packs, without the rest of it."""
    import apache_beam as beam

    from pipeline.media.image import ImageLimits
    from pipeline.media.outcome import FetchLimits
    from pipeline.media.video import VideoLimits
    from pipeline.options import beam_options
    from pipeline.stages.asking import AskWeb, Wanted, make_asking
    from pipeline.stages.decoding import DecodeMedia, MediaLimits
    from pipeline.stages.fetching import tell
    from pipeline.stages.run import Place
    from pipeline.stages.tables import WriteTable
    from pipeline.stages.verdicts import DECISIONS
    from schemas.records import Fetched, Found

    fetch = FetchLimits(
        per_host_delay_s=0.0,
        user_agent="fetching/0.1 (+http://127.0.0.1/)",
        allowed_private=("127.0.0.0/8",),
        respect_robots=politely,
        respect_tdm=politely,
    )
    image = ImageLimits(encoded_side_px=SIDE_PX, jpeg_quality=QUALITY)
    root, place = str(output / "work"), Place(str(output / "work"), "decode")
    options = beam_options("LocalRunner", 1, [])
    with beam.Pipeline(options=options) as pipeline:
        wanted = beam.Create([Wanted(url, "image") for url in urls.read_text().split()])
        rows = pipeline | wanted | AskWeb(make_asking(root, fetch, image, datetime.now(UTC)))
        told = rows | beam.FlatMap(tell).with_outputs("read", DECISIONS, main="fetched")
        _ = told.fetched | "Kept" >> WriteTable(Fetched, root, "fetch", "fetched")
    from pipeline.stages.beam_files import FILES
    from pipeline.stages.tables import ReadTable

    tables = tuple(path for path in FILES.list(f"{root}/fetch") if path.endswith(".parquet"))
    with beam.Pipeline(options=options) as pipeline:
        found = pipeline | ReadTable(Fetched, tables)
        out = found | DecodeMedia(place, MediaLimits(image, VideoLimits()))
        _ = out.found | WriteTable(Found, root, "decode", "found")


def measured(command: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of a command and all that it starts."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[:3]}:\n{done.stderr[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - begun


def peer_command(python: str, urls: Path, output: Path) -> list[str]:
    """Img2dataset on a list: one process, the threads it has by default twice over."""
    options = {
        "url_list": urls,
        "input_format": "txt",
        "output_folder": output,
        "output_format": "webdataset",
        "processes_count": 1,
        "thread_count": 64,
        "image_size": SIDE_PX,
        "resize_mode": "keep_ratio_largest",
        "resize_only_if_bigger": True,
        "encode_quality": QUALITY,
        "number_sample_per_shard": 10_000,
    }
    return [
        python,
        "-c",
        "from img2dataset import download; download(**__import__('json').loads(__import__('sys').argv[1]))",
        json.dumps(options, default=str),
    ]


def images_made(name: str, output: Path) -> int:
    """Images that a run left in its tars."""
    import tarfile

    paths = output.glob("*.tar") if name.startswith("img2") else output.glob("work/decode/packs/*")
    total = 0
    for path in paths:
        with tarfile.open(path) as tar:
            total += sum(member.name.endswith(".jpg") for member in tar)
    return total


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--side", type=int, default=300, help="px of the served JPEGs")
    parser.add_argument("--ours", nargs=3, metavar=("URLS", "OUTPUT", "POLITELY"))
    options = parser.parse_args()
    if options.ours:
        ours(Path(options.ours[0]), Path(options.ours[1]), options.ours[2] == "1")
        return
    python = install_peer(CACHE / "img2dataset", PEER)
    command = [sys.executable, str(HERE / "local_site.py"), "--plain", "--side", str(options.side)]
    site = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = json.loads(site.stdout.readline())["port"]
    rows = {}
    with tempfile.TemporaryDirectory(prefix="fetching-") as folder:
        lists = {n: Path(folder, f"{n}.txt") for n in (FEW, options.images)}
        for n, path in lists.items():
            path.write_text(
                "".join(
                    f"http://127.0.1.{1 + i % options.hosts}:{port}/i/{i}.jpg\n" for i in range(n)
                )
            )
        for name in (PEER.replace("==", " "), "ours, robots.txt and TDM off", "ours, as built"):
            figures = {}
            for n, path in lists.items():
                output = Path(folder, "out")
                own = [sys.executable, __file__, "--ours", str(path), str(output)]
                own.append("1" if name.endswith("built") else "0")
                figures[n] = measured(
                    peer_command(python, path, output) if name.startswith("img2") else own
                )
                made = images_made(name, output)
                if made != n:
                    raise SystemExit(f"{name}: {made} of {n} images")
                shutil.rmtree(output)
            (few_cpu, few_wall), (cpu, wall) = figures.values()
            further = options.images - FEW
            rows[name] = (1000 * (cpu - few_cpu) / further, few_cpu, (wall - few_wall) / further)
            print(name, rows[name], file=sys.stderr)
    site.communicate()
    theirs = next(iter(rows.values()))[0]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    print(f"{options.images} JPEGs of {options.side} px on {options.hosts} hosts,")
    print(f"{os.cpu_count()} cores ({platform.machine()}, {day}).\n")
    print("| | CPU ms an image | to img2dataset's | start-up CPU s | images/s |")
    print("|---|---|---|---|---|")
    for name, (cpu_ms, start_s, wall_s) in rows.items():
        told = f"{cpu_ms:.2f} | {cpu_ms / theirs:.2f} | {start_s:.1f} | {1 / wall_s:.0f}"
        print(f"| {name} | {told} |")


if __name__ == "__main__":
    main()
