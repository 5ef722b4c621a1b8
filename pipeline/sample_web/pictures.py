"""Image files of the made-up web: pictures of scenes, and what stands around them on pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING

from pipeline.sample_web.render import render_scene
from pipeline.sample_web.scenes import COLOURS, Scene

if TYPE_CHECKING:
    from PIL import Image

MIME = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif"}

TRANSFORMS = ("exact", "recompressed", "cropped", "flipped", "resized")
"""What planted copies of evaluation images have gone through."""

_ASPECTS = ((4, 3), (3, 2), (1, 1), (16, 9), (3, 4), (2, 3), (4, 3), (3, 2))


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An encoded image with its true size and format."""

    data: bytes
    width: int
    height: int
    format: str


def draw_size(rng: Random) -> tuple[int, int]:
    """Width and height of a content picture in px: most have a shorter side of 220 to 300."""
    low, high = rng.choices(((220, 300), (300, 400), (80, 200), (420, 640)), (74, 16, 7, 3))[0]
    short = rng.randint(low, high)
    across, down = rng.choice(_ASPECTS)
    if across >= down:
        return short * across // down, short
    return short, short * down // across


def draw_format(rng: Random) -> str:
    """A format for a content picture: most are JPEG."""
    return rng.choices(("jpeg", "png", "webp"), (80, 7, 13))[0]


def encode_image(image: Image.Image, format_name: str, quality: int = 86) -> ImageFile:
    """The image as a file; the same pixels give the same bytes."""
    out = BytesIO()
    match format_name:
        case "jpeg":
            image.save(out, "JPEG", quality=quality)
        case "png":
            image.save(out, "PNG", compress_level=3)
        case "webp":
            image.save(out, "WEBP", quality=quality, method=1)
        case _:
            image.save(out, "GIF")
    return ImageFile(out.getvalue(), image.width, image.height, format_name)


def paint_scene(scene: Scene, size: tuple[int, int], format_name: str) -> ImageFile:
    """A picture of the scene as a file."""
    return encode_image(render_scene(scene, *size), format_name, 82 + scene.seed % 10)


def paint_smaller(file: ImageFile, side: int) -> ImageFile:
    """The picture reduced so that its width is `side` px, in the same format."""
    image = open_image(file)
    height = max(1, file.height * side // file.width)
    return encode_image(image.resize((side, height)), file.format)


def open_image(file: ImageFile) -> Image.Image:
    """The file's pixels as RGB."""
    from PIL import Image

    return Image.open(BytesIO(file.data)).convert("RGB")


def copy_image(file: ImageFile, transform: str, rng: Random) -> ImageFile:
    """A copy of an image as copies occur on the web.

    Args:
        file: the original.
        transform: one of `TRANSFORMS`; "cropped" leaves 80 % of each side.
        rng: chooses quality, crop and scale.
    """
    from PIL import ImageOps

    if transform == "exact":
        return file
    image = open_image(file)
    if transform == "recompressed":
        return encode_image(image, "jpeg", rng.randint(35, 60))
    if transform == "flipped":
        return encode_image(ImageOps.mirror(image), "jpeg")
    if transform == "resized":
        scale = rng.uniform(0.5, 0.75)
        size = (round(image.width * scale), round(image.height * scale))
        return encode_image(image.resize(size), "jpeg")
    width, height = round(image.width * 0.8), round(image.height * 0.8)
    x, y = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return encode_image(image.crop((x, y, x + width, y + height)), "jpeg")


@lru_cache(maxsize=256)
def paint_flat(colour: str, width: int, height: int) -> ImageFile:
    """An image of one single colour."""
    from PIL import Image

    return encode_image(Image.new("RGB", (width, height), COLOURS[colour]), "png")


@lru_cache(maxsize=256)
def paint_sign(text: str, colour: str, width: int, height: int, format_name: str) -> ImageFile:
    """Words on a coloured ground with a frame: a logo, an advertisement, an icon."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (width, height), COLOURS[colour])
    draw = ImageDraw.Draw(image)
    ink = (20, 20, 24) if sum(COLOURS[colour]) > 420 else (250, 250, 250)
    draw.rectangle((0, 0, width - 1, height - 1), outline=ink)
    size = min(height * 0.5, 1.6 * width / max(1, len(text)))
    font = ImageFont.load_default(max(8, size))
    draw.text((width / 2, height / 2), text, fill=ink, font=font, anchor="mm")
    return encode_image(image, format_name)


@lru_cache(maxsize=2)
def paint_pixel(side: int = 1) -> ImageFile:
    """A white GIF: a tracking pixel, or the spacer that scripts replace."""
    from PIL import Image

    return encode_image(Image.new("L", (side, side), 255), "gif")
