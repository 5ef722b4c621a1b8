"""Which pairs the filter by CLIP score takes out: the wrong ones, or true ones with them.

    PYTHONPATH=. python tests/benchmarks/clip_filter.py --pages 400
    PYTHONPATH=. python tests/benchmarks/clip_filter.py --photos

The first builds the pair corpora of a made-up web by the recipe `tiny`, whose truth knows which
captions belong to another image, and says for some shares of the pool how many of these are rejected
and how many true pairs are lost. The second scores the shared photos with their own captions, and
with those shuffled among the photos, by ../shared/weights/miniclip: a threshold resolved on the pool
of both as a build resolves it. Prints the tables of docs/benchmarks.md.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from shared_inputs import parser_with_shared

from pipeline.stages.score_pool import threshold_of
from pipeline.stages.tables import read_rows
from schemas.records import Pair

SHARES = (0.8, 0.9, 0.93, 0.95)
SETS = ("pairs-coco-mini", "pairs-flickr8k")


def made_up_pairs(folder: Path, pages: int) -> Iterator[tuple[str, float, bool]]:
    """(corpus, score, whether the caption is another image's) of pairs of a made-up web."""
    web, output = folder / "web", folder / "out"
    for command in (
        ["pipeline.sample_web", "--output", str(web), "--pages", str(pages), "--seed", "1"],
        ["pipeline.build", "--recipe", "tiny", "--input", f"{web}/web.warc.gz", "--offline",
         "--output", str(output), "--set", 'corpora=["align", "ltip"]'],
    ):  # fmt: skip
        if not (web if "sample_web" in command[0] else output / "manifest.json").exists():
            subprocess.run([sys.executable, "-m", *command], check=True, stdout=subprocess.DEVNULL)
    truth = map(json.loads, (web / "truth.jsonl").read_text().splitlines())
    wrong = {image["url"]: image["mismatched"] for page in truth for image in page["images"]}
    for corpus in ("align", "ltip"):
        for path in sorted(output.glob(f"work/{corpus}_pairs-*/pairs/*.parquet")):
            for pair in read_rows(str(path), Pair):
                yield corpus, pair.score, bool(wrong.get(pair.url))


def photo_pairs(data: Path, weights: Path, name: str) -> Iterator[tuple[float, bool]]:
    """(score, whether shuffled) of each photo with its captions, and with as many of others."""
    from model.clip import load_clip

    encoder = load_clip(f"local-dir:{weights}", "")
    rows = [json.loads(line) for line in (data / name / "captions.jsonl").read_text().splitlines()]
    images = []
    for row in rows:
        with Image.open(data / name / row["image"]) as picture:
            images.append(picture.convert("RGB"))
    pixels = np.concatenate(
        [encoder.embed_images(images[at : at + 32]) for at in range(0, len(images), 32)]
    )
    captions = [(number, text) for number, row in enumerate(rows) for text in row["captions"]]
    texts = [text for _, text in captions]
    words = np.concatenate(
        [encoder.embed_texts(texts[at : at + 64]) for at in range(0, len(texts), 64)]
    )
    draw = random.Random(0)
    for (number, _), row in zip(captions, words, strict=True):
        other = (number + draw.randrange(1, len(images))) % len(images)
        yield float(np.float16(pixels[number] @ row)), False
        yield float(np.float16(pixels[other] @ row)), True


def judged(pairs: list[tuple[float, bool]], keep: float) -> tuple[float, float, float]:
    """The threshold of a share of the pool; the shares of wrong and of true pairs below it."""
    threshold = threshold_of(Counter(score for score, _ in pairs), keep)
    least = -1.0 if threshold is None else threshold
    wrong = [score < least for score, is_wrong in pairs if is_wrong]
    true = [score < least for score, is_wrong in pairs if not is_wrong]
    return least, float(np.mean(wrong)), float(np.mean(true))


def main() -> None:
    """Prints the tables."""
    parser = parser_with_shared(__doc__)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--folder", type=Path, help="where to work, and to leave what was made")
    parser.add_argument("--photos", action="store_true")
    options = parser.parse_args()
    if options.photos:
        print(
            "| photos | keep | least score | true pairs kept | shuffled ones kept |\n"
            + "|---" * 5
            + "|"
        )
        both: list[tuple[float, bool]] = []
        for name in (*SETS, "both"):
            pairs = both
            if name in SETS:
                pairs = list(
                    photo_pairs(options.shared / "data", options.shared / "weights/miniclip", name)
                )
                both += pairs
            least, wrong, true = judged(pairs, 0.5)
            print(f"| {name} | 0.5 | {least:.3f} | {1 - true:.3f} | {1 - wrong:.3f} |", flush=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        pool = list(made_up_pairs(options.folder or Path(scratch), options.pages))
    print(
        "| corpus | pairs | of them wrong | keep | least score | wrong ones rejected | true ones lost |"
    )
    print("|---" * 7 + "|")
    for corpus in ("align", "ltip"):
        pairs = [(score, wrong) for name, score, wrong in pool if name == corpus]
        wrongs = sum(wrong for _, wrong in pairs)
        for keep in SHARES:
            least, wrong, true = judged(pairs, keep)
            print(
                f"| {corpus} | {len(pairs)} | {wrongs} | {keep} | {least:.3f} | {wrong:.3f} "
                f"| {true:.3f} |"
            )


if __name__ == "__main__":
    main()
