"""Share of copies that the evaluation index finds, by transform, and what it drops wrongly.

    python tests/benchmarks/copies_found.py [--every 4] [--scenes 1000]

Photos of the shared inputs (M3W_SHARED), or scenes of the made-up web; half, of the scenes a tenth,
are the evaluation set, the others distractors. Beside the index (hash and second look, hash alone)
stands the common pHash: comparison with the median, whole picture, distance at most 10.
"""

import argparse
import io
import os
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from scipy.fft import dctn

from dedup.fingerprint import fingerprint, thumbnail, to_codes, to_spectra
from dedup.index import EvaluationIndex, Item
from pipeline.sample_web.render import render_scene
from pipeline.sample_web.scenes import draw_scene, signature_of

RANDOM = random.Random(0)
SIZES = ((240, 180), (180, 240), (200, 200), (320, 180))


def crop(image: Image.Image, share: float, x: float, y: float) -> Image.Image:
    left, top = (1 - share) * image.width * x, (1 - share) * image.height * y
    box = (left, top, left + share * image.width, top + share * image.height)
    return image.crop(tuple(round(side) for side in box))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def with_text(image: Image.Image) -> Image.Image:
    copy = image.copy()
    size = max(12, image.height // 8)
    place = (image.width // 10, image.height // 3)
    ImageDraw.Draw(copy).text(place, "SAMPLE TEXT", fill="white", font_size=size)
    return copy


def smaller(image: Image.Image, share: float) -> Image.Image:
    return image.resize((max(1, int(image.width * share)), max(1, int(image.height * share))))


TRANSFORMS = {
    "none": lambda image: image,
    "JPEG 20": lambda image: jpeg(image, 20),
    "resize 0.25": lambda image: smaller(image, 0.25),
    "brightness 1.5": lambda image: ImageEnhance.Brightness(image).enhance(1.5),
    "blur 2 px": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "aspect 0.7": lambda image: image.resize((int(image.width * 0.7), image.height)),
    "greyscale": lambda image: image.convert("L").convert("RGB"),
    "text over it": with_text,
    "flip": ImageOps.mirror,
    "quarter turn": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turn 15 degrees": lambda image: image.rotate(15),
    "crop 80 % centre": lambda image: crop(image, 0.8, 0.5, 0.5),
    "crop 80 % corner": lambda image: crop(image, 0.8, 1.0, 0.0),
    "crop 80 % anywhere": lambda image: crop(image, 0.8, RANDOM.random(), RANDOM.random()),
    "crop 75-100 % anywhere": lambda image: crop(
        image, RANDOM.uniform(0.75, 1), RANDOM.random(), RANDOM.random()
    ),
    "crop 50 % centre": lambda image: crop(image, 0.5, 0.5, 0.5),
    "crop 80 % and flip": lambda image: ImageOps.mirror(crop(image, 0.8, 0.5, 0.5)),
    "JPEG, text, resize": lambda image: smaller(with_text(jpeg(image, 40)), 0.5),
}


def median_hash(image: Image.Image) -> int:
    """The pHash of the imagehash package."""
    pixels = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(pixels, dtype=float))[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def as_kept(image: Image.Image) -> Image.Image:
    """As a corpus keeps it: at most 512 px, JPEG 90."""
    copy = image.copy()
    copy.thumbnail((512, 512))
    return jpeg(copy, 90)


def read_photos(every: int) -> list[Image.Image]:
    shared = Path(os.environ.get("M3W_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    paths = sorted(shared.glob("data/pairs-*/images/*"))[::every]
    return [Image.open(path).convert("RGB") for path in paths]


def draw_scenes(number: int) -> list[Image.Image]:
    scenes = {}
    while len(scenes) < number:
        scene = draw_scene(RANDOM)
        scenes.setdefault(signature_of(scene), scene)
    return [render_scene(scene, *RANDOM.choice(SIZES)).convert("RGB") for scene in scenes.values()]


def matches(index: EvaluationIndex, images: list[Image.Image], *, look: bool) -> list[str]:
    prints = [fingerprint(image) for image in images]
    spectra = to_spectra([one.spectrum for one in prints]) if look else None
    found = index.match(to_codes([one.phash for one in prints]), spectra)
    return [match.eval_id if match else "" for match in found]


def common_matches(originals: list[Image.Image], images: list[Image.Image]) -> list[str]:
    hashes = (
        np.array([median_hash(one) for one in many], np.uint64) for many in (images, originals)
    )
    queries, codes = hashes
    apart = np.bitwise_count(queries[:, None] ^ codes)
    return [str(row.argmin()) if row.min() <= 10 else "" for row in apart]


def share(found: list[str]) -> str:
    right = sum(match == str(place) for place, match in enumerate(found))
    wrong = sum(match not in ("", str(place)) for place, match in enumerate(found))
    return f"{right / len(found):.3f}" + (f" ({wrong} wrong)" if wrong else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo")
    parser.add_argument("--scenes", type=int, default=0, help="so many scenes, not photos")
    options = parser.parse_args()
    images = draw_scenes(options.scenes) if options.scenes else read_photos(options.every)
    step = 10 if options.scenes else 2
    originals = images[::step]
    others = [image for place, image in enumerate(images) if place % step]
    index = EvaluationIndex.build(
        Item.of("set", str(place), thumbnail(image)) for place, image in enumerate(originals)
    )
    print(f"{len(originals)} originals, {len(others)} others; found, and others dropped")
    print(f"{'':24}{'hash, spectrum':>22}{'hash alone':>22}{'pHash <= 10':>22}")
    finders = (
        lambda images: matches(index, images, look=True),
        lambda images: matches(index, images, look=False),
        lambda images: common_matches(originals, images),
    )
    for name, transform in TRANSFORMS.items():
        copies = [as_kept(transform(image)) for image in originals]
        strangers = [as_kept(transform(image)) for image in others]
        cells = [f"{share(find(copies))} {sum(map(bool, find(strangers))):>4}" for find in finders]
        print(f"{name:24}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
