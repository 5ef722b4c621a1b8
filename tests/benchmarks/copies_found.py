"""Share of copies that the evaluation index finds, by transform, and what it drops wrongly.

    python tests/benchmarks/copies_found.py [--every 4] [--scenes 1000] [--descriptor efficientnet-lite0]

Photos of the shared inputs (M3W_SHARED), or scenes of the made-up web; half, of the scenes a tenth,
are the evaluation set, the others distractors. With --descriptor NAME the index has one; beside it
stand the hashes alone, the descriptor alone (top-1, cosine at least 0.771), and the common pHash:
comparison with the median, whole picture, distance at most 10.
"""

import argparse
import io
import random
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from scipy.fft import dctn
from shared_inputs import SHARED

from dedup.descriptor import Embedding, load_descriptor
from dedup.fingerprint import seen_grey
from dedup.index import EvaluationIndex
from dedup.items import Item
from dedup.nearest import nearest_rows
from pipeline.sample_web.render import render_scene
from pipeline.sample_web.scenes import draw_scene, signature_of

DESCRIPTOR_ALONE = 0.771
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


TWELVE = {
    "JPEG 20": lambda image: jpeg(image, 20),
    "resize 0.25": lambda image: smaller(image, 0.25),
    "brightness 1.5": lambda image: ImageEnhance.Brightness(image).enhance(1.5),
    "blur 2 px": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "aspect 0.7": lambda image: image.resize((int(image.width * 0.7), image.height)),
    "greyscale": lambda image: image.convert("L").convert("RGB"),
    "flip": ImageOps.mirror,
    "text over it": with_text,
    "turn 15 degrees": lambda image: image.rotate(15),
    "crop 80 % and 50 %": lambda image: crop(image, RANDOM.choice((0.8, 0.5)), 0.5, 0.5),
    "crop 80 % and flip": lambda image: ImageOps.mirror(crop(image, 0.8, 0.5, 0.5)),
    "JPEG, text, resize": lambda image: smaller(with_text(jpeg(image, 40)), 0.5),
}
OTHERS = {
    "none": lambda image: image,
    "crop 80 % centre": lambda image: crop(image, 0.8, 0.5, 0.5),
    "crop 50 % centre": lambda image: crop(image, 0.5, 0.5, 0.5),
    "crop 80 % anywhere": lambda image: crop(image, 0.8, RANDOM.random(), RANDOM.random()),
    "crop 75-100 % anywhere": lambda image: crop(
        image, RANDOM.uniform(0.75, 1), RANDOM.random(), RANDOM.random()
    ),
    "crop 50 % anywhere": lambda image: crop(image, 0.5, RANDOM.random(), RANDOM.random()),
    "quarter turn": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turn 3-25, either way": lambda image: image.rotate(
        RANDOM.choice((-1, 1)) * RANDOM.uniform(3, 25)
    ),
    "turn 10, whole kept": lambda image: image.rotate(10, expand=True),
    "turn 10, cut to 75 %": lambda image: crop(image.rotate(10), 0.75, 0.5, 0.5),
    "brightness 1.5, text": lambda image: with_text(ImageEnhance.Brightness(image).enhance(1.5)),
}


def middle_square(image: Image.Image) -> Image.Image:
    return ImageOps.fit(image, (min(image.size),) * 2)


def bordered(image: Image.Image, share: float) -> Image.Image:
    return ImageOps.expand(image, round(share * min(image.size)), "white")


def under_a_bar(image: Image.Image) -> Image.Image:
    return ImageOps.pad(image, (image.width, round(image.height * 1.2)), centering=(0.5, 1))


HARD = {
    "crop 75 % centre": lambda image: crop(image, 0.75, 0.5, 0.5),
    "crop 70 % centre": lambda image: crop(image, 0.7, 0.5, 0.5),
    "crop 60 % centre": lambda image: crop(image, 0.6, 0.5, 0.5),
    "middle square": middle_square,
    "white border 5 %": lambda image: bordered(image, 0.05),
    "white border 10 %": lambda image: bordered(image, 0.1),
    "bar above": under_a_bar,
    "turn 45 degrees": lambda image: image.rotate(45),
}
"""What the views of an index do not hold."""


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
    paths = sorted(SHARED.glob("data/pairs-*/images/*"))[::every]
    return [Image.open(path).convert("RGB") for path in paths]


def draw_scenes(number: int) -> list[Image.Image]:
    scenes = {}
    while len(scenes) < number:
        scene = draw_scene(RANDOM)
        scenes.setdefault(signature_of(scene), scene)
    return [render_scene(scene, *RANDOM.choice(SIZES)).convert("RGB") for scene in scenes.values()]


def index_of(images: list[Image.Image], rows=None, embedding=None) -> EvaluationIndex:
    rows = [None] * len(images) if rows is None else rows
    return EvaluationIndex.build(
        (
            Item.of("set", str(place), seen_grey(image), row)
            for place, (image, row) in enumerate(zip(images, rows, strict=True))
        ),
        embedding=embedding,
    )


def matches(index: EvaluationIndex, images: list[Image.Image], rows=None) -> list[str]:
    found = index.match([seen_grey(image) for image in images], rows)
    return [match.eval_id if match else "" for match in found]


def near_rows(originals: np.ndarray, rows: np.ndarray) -> list[str]:
    """The descriptor alone, at a cosine that takes no photo for a copy of another."""
    places, cosines = nearest_rows(rows, originals, 1)
    pairs = zip(places[:, 0], cosines[:, 0], strict=True)
    return [str(place) if cosine >= DESCRIPTOR_ALONE else "" for place, cosine in pairs]


def common_matches(originals: list[Image.Image], images: list[Image.Image]) -> list[str]:
    hashes = (
        np.array([median_hash(one) for one in many], np.uint64) for many in (images, originals)
    )
    queries, codes = hashes
    apart = np.bitwise_count(queries[:, None] ^ codes)
    return [str(row.argmin()) if row.min() <= 10 else "" for row in apart]


def share(found: list[str]) -> float:
    return sum(match == str(place) for place, match in enumerate(found)) / len(found)


def wrong(found: list[str]) -> int:
    """Copies that were taken for copies of another picture."""
    return sum(match not in ("", str(place)) for place, match in enumerate(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo")
    parser.add_argument("--scenes", type=int, default=0, help="so many scenes, not photos")
    parser.add_argument("--descriptor", default="", help="a descriptor, as build_index takes it")
    options = parser.parse_args()
    images = draw_scenes(options.scenes) if options.scenes else read_photos(options.every)
    step = 10 if options.scenes else 2
    originals = images[::step]
    others = [image for place, image in enumerate(images) if place % step]
    descriptor = load_descriptor(options.descriptor) if options.descriptor else None
    plain = index_of(originals)
    finders = {
        "hashes, second look": lambda images: matches(plain, images),
        "pHash <= 10": lambda images: common_matches(originals, images),
    }
    if descriptor:
        known = descriptor.embed_images(originals)
        full = index_of(originals, known, Embedding(descriptor.name, descriptor.digest))
        embed = descriptor.embed_images
        finders |= {
            "descriptor, look": lambda images: matches(full, images, embed(images)),
            "descriptor alone": lambda images: near_rows(known, embed(images)),
        }
    print(f"{len(originals)} originals, {len(others)} others: found; of another; others dropped")
    print(f"{'':24}" + "".join(f"{name:>22}" for name in finders))
    for title, transforms in (
        ("the twelve", TWELVE),
        ("the others", OTHERS),
        ("the hard ones", HARD),
    ):
        sums = dict.fromkeys(finders, 0.0)
        for name, transform in transforms.items():
            copies = [as_kept(transform(image)) for image in originals]
            strangers = [as_kept(transform(image)) for image in others]
            row = f"{name:24}"
            for finder, find in finders.items():
                found = find(copies)
                sums[finder] += share(found)
                dropped = sum(map(bool, find(strangers)))
                row += f"{share(found):>12.3f}{wrong(found):>5}{dropped:>5}"
            print(row, flush=True)
        means = "".join(f"{total / len(transforms):>12.3f}{'':10}" for total in sums.values())
        print(f"{'mean of ' + title:24}{means}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
