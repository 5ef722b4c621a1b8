"""Share of copies that the fingerprint finds, by transform and radius, and what it drops wrongly.

    python tests/benchmarks/copies_found.py [--every 4]

Photos of the shared inputs (M3W_SHARED), half as evaluation set, half as distractors; beside it
the common pHash (comparison with the median, whole picture, distance at most 10).
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

from dedup.fingerprint import phash, to_codes, turn_codes, view_codes

RADII = (2, 4, 6, 8, 10)
RANDOM = random.Random(0)


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
    "crop 50 % centre": lambda image: crop(image, 0.5, 0.5, 0.5),
    "crop 80 % and flip": lambda image: ImageOps.mirror(crop(image, 0.8, 0.5, 0.5)),
    "JPEG, text, resize": lambda image: smaller(with_text(jpeg(image, 40)), 0.5),
}


def median_hash(image: Image.Image) -> int:
    """The pHash of the imagehash package."""
    pixels = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(pixels, dtype=float))[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def nearest(images: list[Image.Image], views: np.ndarray) -> np.ndarray:
    """Distance of each image to each original: [images, originals]."""
    turned = turn_codes(to_codes([phash(image) for image in images]))
    rows = [
        np.bitwise_count(turned[:, k, None, None] ^ views).min((0, 2)) for k in range(len(images))
    ]
    return np.array(rows)


def as_kept(image: Image.Image) -> Image.Image:
    """As a corpus keeps it: at most 512 px, JPEG 90."""
    copy = image.copy()
    copy.thumbnail((512, 512))
    return jpeg(copy, 90)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo")
    options = parser.parse_args()
    shared = Path(os.environ.get("M3W_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    paths = sorted(shared.glob("data/pairs-*/images/*"))[:: options.every]
    photos = [Image.open(path).convert("RGB") for path in paths]
    originals, others = photos[::2], photos[1::2]
    views = np.stack([view_codes(photo) for photo in originals])
    plain = np.array([median_hash(photo) for photo in originals], dtype=np.uint64)
    print(f"{len(originals)} originals, {len(others)} distractors; recall (false drops)")
    print(
        f"{'':20}" + "".join(f"{f'<= {radius}':>13}" for radius in RADII) + f"{'pHash <= 10':>14}"
    )
    for name, transform in TRANSFORMS.items():
        copies = [as_kept(transform(photo)) for photo in photos]
        distances = nearest(copies, views)
        own, wrong = distances[::2].diagonal(), distances[1::2].min(axis=1)
        codes = np.array([median_hash(copy) for copy in copies], dtype=np.uint64)
        common = np.bitwise_count(codes[:, None] ^ plain)
        cells = [f"{(own <= r).mean():.3f} ({(wrong <= r).sum()})" for r in RADII]
        found, dropped = (common[::2].diagonal() <= 10).mean(), (common[1::2].min(1) <= 10).sum()
        print(
            f"{name:20}" + "".join(f"{cell:>13}" for cell in cells) + f"{found:>9.3f} ({dropped})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
