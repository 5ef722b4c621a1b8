"""The command that writes a made-up web: python -m pipeline.sample_web."""

import argparse
import json
import multiprocessing
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from pipeline.sample_web.evaluation import draw_evaluation_set, paint_evaluation
from pipeline.sample_web.few_shot import write_few_shot
from pipeline.sample_web.parts import BuiltPage
from pipeline.sample_web.warc import WarcFile
from pipeline.sample_web.web import DECKS, build_page

_EXAMPLE = """example:
  python -m pipeline.sample_web --output sample-web --pages 150 --seed 7

writes sample-web/web.warc.gz (pages, images and videos as WARC records),
sample-web/truth.jsonl (what each page holds and shows, one page a line) and
sample-web/evaluation/ (images with captions, copies of which are planted in the pages).
--deck series writes a web of short pages instead, a page's pictures labelled in its own
voice, and sample-web/few-shot/ beside it: what no page shows, as sets of model.evaluate.
Equal pages and seed give equal bytes; page i is the same for any number of pages."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.sample_web",
        description="Write a made-up web with its truth.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="folder to write, made if missing"
    )
    parser.add_argument("--pages", type=_positive, default=150, help="number of pages (150)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")
    parser.add_argument(
        "--deck", choices=tuple(DECKS), default="web", help="what kinds of pages (web)"
    )
    parser.add_argument("--workers", type=_positive, default=1, help="processes (1)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command: 0 done, 1 the output cannot be written, 2 wrong usage."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        counts = write_web(
            options.output, options.pages, options.seed, options.workers, options.deck
        )
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"error: cannot write the web: {error}\n")
        return 1
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    sys.stdout.write(f"{options.output}: {told}\n")
    return 0


def write_web(
    output: Path, pages: int, seed: int, workers: int = 1, deck: str = "web"
) -> dict[str, int]:
    """Writes WARC, truth and evaluation set into `output`; returns what was written, counted.

    A web of series has few-shot sets as well.

    Files get their final names once all of them are whole.

    Raises:
        OSError: a file cannot be written.
        subprocess.SubprocessError: a video cannot be encoded.
    """
    output.mkdir(parents=True, exist_ok=True)
    write_evaluation(output / "evaluation", seed)
    if deck == "series":
        write_few_shot(output / "few-shot", seed)
    warc, truth = output / "web.warc.gz", output / "truth.jsonl"
    parts = [path.with_name(f"{path.name}.part") for path in (warc, truth)]
    counts = {"pages": 0, "images": 0, "videos": 0}
    with parts[0].open("wb") as records, parts[1].open("w", encoding="utf-8") as lines:
        file = WarcFile(records, seed)
        for page in _progress(_built(pages, seed, workers, deck), pages):
            for resource in page.resources:
                file.write(resource)
            lines.write(json.dumps(page.truth, ensure_ascii=False) + "\n")
            counts["pages"] += 1
            counts["images"] += sum(image["content"] for image in page.truth["images"])
            counts["videos"] += len(page.truth["videos"])
    parts[0].replace(warc)
    parts[1].replace(truth)
    return counts


def _built(pages: int, seed: int, workers: int, deck: str) -> Iterator[BuiltPage]:
    build = partial(build_page, seed=seed, deck_name=deck)
    if workers == 1:
        yield from map(build, range(pages))
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(build, range(pages), chunksize=4)


def _progress(built: Iterable[BuiltPage], total: int) -> Iterator[BuiltPage]:
    for number, page in enumerate(built, 1):
        yield page
        if number % 50 == 0 or number == total:
            sys.stderr.write(f"sample_web: {number} of {total} pages\n")


def write_evaluation(folder: Path, seed: int) -> None:
    """Writes images/*.jpg and captions.jsonl, one {"id", "file", "captions"} a line.

    Raises:
        OSError: a file cannot be written.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = []
    for image in draw_evaluation_set(seed):
        name = f"images/{image.id}.jpg"
        (folder / name).write_bytes(paint_evaluation(image).data)
        line = {"id": image.id, "file": name, "captions": list(image.captions)}
        lines.append(json.dumps(line) + "\n")
    (folder / "captions.jsonl").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
