"""Measures from which cosine on a descriptor's nearest original is a copy, and writes it down.

Example:
    python -m dedup.calibrate evaluation.index --images photos/ --precision 0.99

The images, any set that `dedup.build_index` reads, should be like those of the corpus and none of
the evaluation data. Half of them are the originals, of which copies are made (compressed, scaled,
brightened, blurred, flipped, captioned, turned, cropped); the other half are strangers. The least
cosine at which the wanted share of what is taken for a copy is one, is written into the index with
the curve; from it on, the cosine alone decides. Few images show no high precision: 0.99 takes 198,
0.999 takes 1,998. Exit code 0 done, 1 when that precision is not reached at any cosine, the images
cannot show it or something cannot be read, 2 wrong usage.
"""

import argparse
import io
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dedup.descriptor import Calibration, Descriptor, Rows
from dedup.eval_sets import Entry, Picture, read_entries, read_pictures
from dedup.evaluation_file import EvaluationFile
from dedup.index import UnusableIndex, descriptor_of
from dedup.nearest import nearest_rows

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

CURVE = tuple(round(0.3 + 0.05 * step, 2) for step in range(14))
"""Thresholds whose precision and recall are written down beside the one that is used."""

LEAST_IMAGES = 20
"""With fewer, a share of 0.9 cannot be told from 1."""


def _cropped(image: "PilImage", share: float) -> "PilImage":
    width, height = image.size
    left, top = (1 - share) * width / 3, (1 - share) * height * 2 / 3
    return image.crop((int(left), int(top), int(left + share * width), int(top + share * height)))


def _compressed(image: "PilImage") -> "PilImage":
    from PIL import Image

    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=20)
    return Image.open(stream).convert("RGB")


def _mirrored(image: "PilImage") -> "PilImage":
    from PIL import ImageOps

    return ImageOps.mirror(image)


def _captioned(image: "PilImage") -> "PilImage":
    from PIL import ImageDraw

    copy = image.copy()
    place = (image.width // 10, image.height // 3)
    size = max(12, image.height // 8)
    ImageDraw.Draw(copy).text(place, "SAMPLE TEXT", fill="white", font_size=size)
    return copy


EDITS: tuple[Callable[["PilImage"], "PilImage"], ...] = (
    _compressed,
    lambda image: image.reduce(4),
    lambda image: image.point([min(255, value * 3 // 2) for value in range(256)] * 3),
    lambda image: image.resize((max(1, image.width * 7 // 10), image.height)),
    lambda image: image.convert("L").convert("RGB"),
    _mirrored,
    _captioned,
    lambda image: image.rotate(15),
    lambda image: _cropped(image, 0.8),
    lambda image: _cropped(image, 0.5),
)
"""What is done to originals: what copies on the web have gone through."""


def images_needed(precision: float) -> int:
    """How many images can show a precision; 0 where no number can.

    Half of them are strangers, each with the weight of an original's copies. Of n strangers one
    that is taken for a copy leaves n / (n + 1) at most: a higher precision is then no measurement.
    """
    if precision >= 1:
        return 0
    return max(LEAST_IMAGES, 2 * math.ceil(round(precision / (1 - precision), 6)))


def judge_number(images: int, precision: float) -> str:
    """Why so many images cannot show a precision; "" where they can."""
    needed = images_needed(precision)
    if needed and images >= needed:
        return ""
    strangers = images // 2
    asked = f"a precision of {precision:g} takes {needed or 'endlessly many'} images, got {images}"
    if images < LEAST_IMAGES:
        return f"{asked}; with fewer than {LEAST_IMAGES} nothing is shown"
    shown = math.floor(10_000 * strangers / (strangers + 1)) / 10_000
    return f"{asked}, which can show {shown:g} at most: give more, or --precision {shown:g}"


def calibrate(
    images: "Sequence[PilImage]", descriptor: Descriptor, precision: float
) -> Calibration:
    """The least threshold of the wanted precision, measured on copies made of the images.

    Raises:
        ValueError: too few images for that precision, or no threshold has it.
    """
    why_not = judge_number(len(images), precision)
    if why_not:
        raise ValueError(why_not)
    originals, strangers = images[::2], images[1::2]
    known = descriptor.embed_images(originals)
    right, cosines = [], []
    for edit in EDITS:
        places, nearest = nearest_rows(
            descriptor.embed_images([edit(image) for image in originals]), known, 1
        )
        right.append(places[:, 0] == np.arange(len(originals)))
        cosines.append(nearest[:, 0])
    _, nearest = nearest_rows(descriptor.embed_images(strangers), known, 1)
    return choose_threshold(
        np.concatenate(cosines), np.concatenate(right), nearest[:, 0], precision, len(images)
    )


def choose_threshold(
    copies: Rows, right: NDArray[np.bool_], strangers: Rows, wanted: float, images: int
) -> Calibration:
    """The least threshold from which on the precision is as wanted.

    Args:
        copies: each copy's cosine with its nearest original, [N].
        right: whether that is the one it was made of, [N].
        strangers: each stranger's cosine with its nearest original; each counts as often as there
            are copies of an original, so that copies are half of all.
        wanted: the precision.
        images: that were measured on.

    Raises:
        ValueError: no threshold has that precision.
    """
    weight = len(copies) / max(1, len(strangers))

    def measured(threshold: float) -> tuple[float, float]:
        """Precision and recall."""
        found = float(np.sum(right & (copies >= threshold)))
        wrong = float(np.sum(~right & (copies >= threshold)))
        wrong += weight * float(np.sum(strangers >= threshold))
        return found / max(1.0, found + wrong), found / max(1, len(copies))

    steps = [step / 1000 for step in range(1000, 0, -1)]
    threshold = None
    for step in steps:
        if copies.size and copies.max() < step:
            continue
        if measured(step)[0] < wanted:
            break
        threshold = step
    if threshold is None:
        raise ValueError(f"no cosine has a precision of {wanted}")
    points = ((step, *measured(step)) for step in CURVE)
    curve = tuple((step, round(right, 4), round(found, 4)) for step, right, found in points)
    precision, recall = measured(threshold)
    return Calibration(threshold, round(precision, 4), round(recall, 4), images, curve)


def read_images(path: Path) -> "list[PilImage]":
    """All pictures of a set that can be read, in mode RGB.

    Raises:
        OSError: the path does not exist or cannot be opened.
    """
    return [
        found.image.convert("RGB")
        for entry in read_entries(path)
        if isinstance(entry, Entry)
        for found in read_pictures(entry)
        if isinstance(found, Picture)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    try:
        file = EvaluationFile.load(options.index)
        index = file.images
        descriptor = descriptor_of(index, str(options.index))
        if descriptor is None or index.embedding is None:
            raise UnusableIndex(str(options.index), "has no descriptor; give build_index one")
        found = calibrate(read_images(options.images), descriptor, options.precision)
        images = replace(index, embedding=replace(index.embedding, calibration=found))
        replace(file, images=images).save(options.index)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for threshold, precision, recall in found.curve:
        sys.stdout.write(f"cosine {threshold:.2f}: precision {precision:.3f} recall {recall:.3f}\n")
    sys.stdout.write(f"used: cosine {found.threshold:.3f}: precision {found.precision:.3f} ")
    sys.stdout.write(f"recall {found.recall:.3f}, on {found.images} images\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m dedup.calibrate",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("index", type=Path, metavar="INDEX", help="made with --descriptor")
    parser.add_argument("--images", type=Path, required=True, metavar="PATH", help="see above")
    parser.add_argument("--precision", type=_share, default=0.99, help="wanted; default: 0.99")
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return share


if __name__ == "__main__":
    sys.exit(main())
