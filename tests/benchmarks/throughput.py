"""Pages/s, images/s and the share of each stage of a build, on the made-up web.

    python tests/benchmarks/throughput.py --pages 400

Prints the Markdown table that stands in docs/benchmarks.md. Start-up (importing Beam, torch and
open_clip) is a line of its own: it does not grow with the input.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(*arguments: str) -> tuple[float, float]:
    """Wall and CPU seconds of a command of ours."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu


def stage_seconds(output: Path) -> dict[str, float]:
    """Wall seconds of each stage, in the order in which they ran."""
    records = sorted(output.glob("work/*/stage.json"), key=lambda path: path.stat().st_mtime_ns)
    results = [json.loads(path.read_text()) for path in records]
    return {result["name"]: result["seconds"] for result in results}


def table(output: Path, pages: int, wall: float, cpu: float, workers: int) -> str:
    """The benchmark's table."""
    counts = {
        (c["name"], c["kind"]): c
        for c in json.loads((output / "manifest.json").read_text())["stages"]
    }
    images = counts["fetch", "image"]["kept"]
    seconds = stage_seconds(output)
    total = sum(seconds.values())
    lines = [
        f"{pages} pages, {images} images, {workers} worker(s), {os.cpu_count()} cores "
        f"({platform.machine()}), {time.strftime('%Y-%m-%d')}",
        "",
        "| | figure |",
        "|---|---|",
        f"| wall, all | {wall:.1f} s ({cpu:.1f} CPU s) |",
        f"| of it start-up, planning, publishing, report | {wall - total:.1f} s |",
        f"| pages/s in the stages | {pages / total:.1f} |",
        f"| images/s in the stages | {images / total:.1f} |",
        "",
        "| stage | s | share |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {s:.1f} | {s / total:.0%} |" for name, s in seconds.items()]
    return "\n".join(lines)


def main() -> None:
    """Builds all four corpora from a fresh made-up web and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        web, output = Path(folder, "web"), Path(folder, "out")
        run(
            "pipeline.sample_web",
            "--output",
            str(web),
            "--pages",
            str(options.pages),
            "--seed",
            "11",
        )
        wall, cpu = run(
            "pipeline.build", "--recipe", "tiny", "--input", f"{web}/web.warc.gz", "--offline",
            "--output", str(output), "--workers", str(options.workers),
        )  # fmt: skip
        print(table(output, options.pages, wall, cpu, options.workers))


if __name__ == "__main__":
    main()
