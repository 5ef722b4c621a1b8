"""CLIP's rows on this machine's CPU beside open_clip as it is called by its documentation.

    PYTHONPATH=. python tests/benchmarks/scoring.py
    PYTHONPATH=. python tests/benchmarks/scoring.py --mmc4 MMC4/scripts

The shared photos and their captions, by ../shared/weights/miniclip, on one thread. Each way to
compute takes turns with open_clip on the same items, and CPU seconds are compared: images from the
decoded picture on, texts from the string on. Says how far rows are from open_clip's, and of how many
pairs, the photos under their own captions and under others', the decision is another when the
better half of the pool is kept. `--mmc4` also runs the assignment beside MMC4's own, from a clone of
github.com/allenai/mmc4, in a venv of its own. Prints the tables of docs/benchmarks.md.
"""

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import CACHE, install_peer
from PIL import Image
from shared_inputs import parser_with_shared

from model.clip import ClipUnavailable, load_clip
from model.placement import assign
from pipeline.stages.score_pool import threshold_of

SETS = ("pairs-coco-mini", "pairs-flickr8k")
OPEN_CLIP_BATCH = 32
OUR_TEXTS = 800
MATRICES = 900
LAPJV = "lapjv==1.3.29"

Rows = Any
Embed = Callable[[Sequence[Any]], Rows]


def cpu_of(call: Callable[[], Rows]) -> tuple[float, Rows]:
    """CPU seconds of a call, and what it gives."""
    started = time.process_time()
    given = call()
    return time.process_time() - started, given


class OpenClip:
    """open_clip's model, called as its documentation says."""

    def __init__(self, name: str) -> None:
        import open_clip

        self.model, self.preprocess = open_clip.create_model_from_pretrained(name)
        self.model.eval()
        self.tokenizer = open_clip.get_tokenizer(name)

    def images(self, pictures: Sequence[Any], batch: int = OPEN_CLIP_BATCH) -> Rows:
        """Unit rows of pictures."""
        rows = []
        with torch.inference_mode():
            for start in range(0, len(pictures), batch):
                pixels = torch.stack([self.preprocess(p) for p in pictures[start : start + batch]])
                rows.append(self.model.encode_image(pixels, normalize=True).numpy())
        return np.concatenate(rows)

    def texts(self, texts: Sequence[str], batch: int = OPEN_CLIP_BATCH) -> Rows:
        """Unit rows of texts."""
        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), batch):
                tokens = self.tokenizer(list(texts[start : start + batch]))
                rows.append(self.model.encode_text(tokens, normalize=True).numpy())
        return np.concatenate(rows)


def in_turns(
    ways: dict[str, Embed], items: Sequence[Any], chunk: int
) -> tuple[dict[str, float], dict[str, Rows]]:
    """CPU seconds and rows of each way, which take turns chunk by chunk; the first chunk is lost."""
    seconds = dict.fromkeys(ways, 0.0)
    rows: dict[str, list[Rows]] = {name: [] for name in ways}
    for embed in ways.values():
        embed(items[:chunk])
    for start in range(0, len(items), chunk):
        for name, embed in ways.items():
            spent, found = cpu_of(partial(embed, items[start : start + chunk]))
            seconds[name] += spent
            rows[name].append(found)
    return seconds, {name: np.concatenate(parts) for name, parts in rows.items()}


def judged(images: Rows, texts: Rows, owner: Rows, other: Rows) -> Rows:
    """Which pairs the better half of a pool holds: each text under its own image and another's."""
    scores = np.concatenate(
        [np.einsum("nd,nd->n", images[number], texts) for number in (owner, other)]
    ).astype(np.float16)
    threshold = threshold_of(Counter(map(float, scores)), 0.5)
    return scores >= np.float16(threshold)


def print_ways(seconds: dict[str, float], rows: dict[str, Rows], moved: dict[str, int]) -> None:
    """One line a way, beside the first."""
    first, *_ = seconds
    count = len(rows[first])
    print(
        "| | a CPU second | times open_clip's | least cosine | largest difference | decisions moved |"
    )
    print("|---" * 6 + "|")
    for name, spent in seconds.items():
        cosine = float(np.einsum("nd,nd->n", rows[name], rows[first]).min())
        gap = float(np.abs(rows[name] - rows[first]).max())
        print(
            f"| {name} | {count / spent:.1f} | {seconds[first] / spent:.2f} | {cosine:.6f} "
            f"| {gap:.0e} | {moved[name]} |",
            flush=True,
        )


def compare_rows(shared: Path, photos: int) -> None:
    """Prints the tables of images and of texts."""
    pictures, texts, owner = [], [], []
    for name in SETS:
        folder = shared / "data" / name
        for line in (folder / "captions.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if len(pictures) == photos:
                break
            with Image.open(folder / entry["image"]) as picture:
                pictures.append(picture.convert("RGB"))
            texts += entry["captions"]
            owner += [len(pictures) - 1] * len(entry["captions"])
    clip = f"local-dir:{shared / 'weights/miniclip'}"
    own = OpenClip(clip)
    images: dict[str, Embed] = {
        f"open_clip, batches of {OPEN_CLIP_BATCH}": own.images,
        "open_clip, one by one": lambda part: own.images(part, 1),
    }
    for compute in ("float32", "compiled", "bfloat16"):
        try:
            images[f'compute = "{compute}"'] = load_clip(clip, compute=compute).embed_images
        except ClipUnavailable as error:
            print(f"refused: {error}\n")
    words: dict[str, Embed] = {
        f"open_clip, batches of {OPEN_CLIP_BATCH}": own.texts,
        "ours": load_clip(clip).embed_texts,
    }
    image_seconds, image_rows = in_turns(images, pictures, 32)
    text_seconds, text_rows = in_turns(words, texts, OUR_TEXTS)
    places = np.array(owner)
    draw = np.random.default_rng(0)
    other = (places + draw.integers(1, len(pictures), len(places))) % len(pictures)
    plain_images, plain_texts = (next(iter(rows.values())) for rows in (image_rows, text_rows))
    before = judged(plain_images, plain_texts, places, other)
    print(f"{len(pictures)} photos\n")
    moved = {
        name: int((judged(rows, text_rows["ours"], places, other) != before).sum())
        for name, rows in image_rows.items()
    }
    print_ways(image_seconds, image_rows, moved)
    print(f"\n{len(texts)} captions; decisions on {2 * len(texts)} pairs\n")
    moved = {
        name: int((judged(plain_images, rows, places, other) != before).sum())
        for name, rows in text_rows.items()
    }
    print_ways(text_seconds, text_rows, moved)


def compare_assignment(scripts: Path) -> None:
    """Prints the table of assignments; matrices as pages have them."""
    draw = np.random.default_rng(0)
    shapes = [(draw.integers(1, 31), draw.integers(4, 81)) for _ in range(MATRICES)]
    matrices = [draw.normal(0.2, 0.06, shape) for shape in shapes]
    python = install_peer(CACHE / "mmc4", LAPJV, "scipy", "numpy", "tqdm", "setuptools")
    peer = Path(__file__).with_name("peer_mmc4_assign.py")
    with tempfile.TemporaryDirectory() as scratch:
        given, answers = Path(scratch, "in.npz"), Path(scratch, "out.json")
        np.savez(given, *matrices)
        one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [python, peer, scripts.resolve(), given, answers]
        subprocess.run(command, check=True, env=one_thread)
        theirs = json.loads(answers.read_text())
    for _ in range(2):
        ours, found = cpu_of(lambda: [assign(matrix) for matrix in matrices])
    sums = [m[range(len(m)), places].sum() for m, places in zip(matrices, found, strict=True)]
    gaps = [a - b for a, b in zip(sums, theirs["sums"], strict=True)]
    larger, smaller = sum(gap > 1e-9 for gap in gaps), sum(gap < -1e-9 for gap in gaps)
    print(f"\n{MATRICES} pages of 1 to 30 images and 4 to 80 sentences\n")
    print("| | pages a CPU second | times MMC4's | sum larger | sum smaller | by at most |")
    print("|---" * 6 + "|")
    print(f"| MMC4's | {MATRICES / theirs['seconds']:.0f} | 1.0 | | | |")
    print(
        f"| ours | {MATRICES / ours:.0f} | {theirs['seconds'] / ours:.1f} | {larger} | {smaller} "
        f"| {max(map(abs, gaps)):.0e} |"
    )


def main() -> None:
    """Prints the tables."""
    parser = parser_with_shared(__doc__)
    parser.add_argument("--photos", type=int, default=320)
    parser.add_argument("--mmc4", type=Path, help="the folder `scripts` of MMC4's repository")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}\n")
    compare_rows(options.shared, options.photos)
    if options.mmc4:
        compare_assignment(options.mmc4)


if __name__ == "__main__":
    main()
