"""Pictures out of focus, and pictures of nothing but text: made ones, and real photos."""

import random
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pipeline.media.image import ImageLimits
from pipeline.media.look import judge_sharpness, judge_text_only, sharpness_of, text_share
from schemas.rejection import Reason

OFF = ImageLimits()
BLURRED = ImageLimits(min_sharpness=80)
TEXT = ImageLimits(max_text_share=0.9)
WORDS = [
    "the",
    "ferry",
    "of",
    "a",
    "quiet",
    "lake",
    "and",
    "seven",
    "boxes",
    "with",
    "ripe",
    "apples",
    "that",
    "people",
    "came",
    "to",
    "see",
]


def page(size, *, side=(400, 300), ground=(255, 255, 255), ink=(0, 0, 0), lines=30):
    """A picture of lines of text, in letters of a size."""
    draw_from = random.Random(size)
    image = Image.new("RGB", side, ground)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    for y in range(8, side[1] - 2 * size, int(size * 1.3))[:lines]:
        line = ""
        while draw.textlength(line, font) < side[0] * 0.7:
            line += draw_from.choice(WORDS) + " "
        draw.text((8, y), line, font=font, fill=ink)
    return image


def scene():
    """A picture of sharp shapes."""
    draw_from = random.Random(4)
    image = Image.new("RGB", (400, 300), (90, 140, 180))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, side = draw_from.randrange(360), draw_from.randrange(260), draw_from.randrange(9, 80)
        fill = tuple(draw_from.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + side, y + side), fill=fill)
    return image


def chart():
    """Bars of a chart with their names below."""
    image = Image.new("RGB", (400, 300), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for number, height in enumerate((80, 150, 220, 120, 60)):
        draw.rectangle((40 + 70 * number, 260 - height, 90 + 70 * number, 260), fill=(20, 80, 160))
        draw.text((45 + 70 * number, 268), f"year {number}", fill=(0, 0, 0))
    return image


def test_both_are_off_by_default():
    flat = Image.new("RGB", (100, 100))
    for image in (flat, page(16), scene().filter(ImageFilter.GaussianBlur(9))):
        assert judge_sharpness(image, OFF) is None
        assert judge_text_only(image, OFF) is None


@pytest.mark.parametrize("scale", [1, 4])
def test_a_blurred_picture_is_told_from_a_sharp_one_at_any_size(scale):
    image = scene().resize((400 * scale, 300 * scale))
    assert judge_sharpness(image, BLURRED) is None
    why = judge_sharpness(image.filter(ImageFilter.GaussianBlur(5 * scale)), BLURRED)
    assert (why.reason, why.limit) == (Reason.BLURRED, 80)
    assert 0 < why.value < 80


def test_a_laplacian_by_hand():
    pixels = np.zeros((3, 5), np.uint8)
    pixels[1, 2] = 100
    # Inside, the middle row: 100, -400, 100.
    expected = np.var([100, -400, 100])
    assert sharpness_of(Image.fromarray(pixels).convert("RGB")) == pytest.approx(expected)
    assert sharpness_of(Image.new("RGB", (2, 90))) == 0


@pytest.mark.parametrize("size", [10, 12, 16, 24, 40, 70])
@pytest.mark.parametrize(
    ("ground", "ink", "lines"),
    [
        ((255, 255, 255), (0, 0, 0), 30),
        ((20, 30, 90), (255, 255, 200), 30),
        ((240, 230, 200), (120, 20, 20), 2),
        ((255, 255, 255), (0, 0, 0), 1),
    ],
)
def test_text_of_any_size_and_colours_is_text_only(size, ground, ink, lines):
    why = judge_text_only(page(size, ground=ground, ink=ink, lines=lines), TEXT)
    assert (why.reason, why.limit) == (Reason.TEXT_ONLY, 0.9)
    assert why.value > 0.95


@pytest.mark.parametrize("quality", [30, 75])
def test_text_saved_as_jpeg_is_text_still(quality, tmp_path):
    page(18, side=(900, 700)).save(tmp_path / "t.jpg", quality=quality)
    assert judge_text_only(Image.open(tmp_path / "t.jpg").convert("RGB"), TEXT)


def test_a_picture_with_text_is_not_only_text():
    beside = page(16, lines=8)
    beside.paste(scene().resize((200, 120)), (150, 170))
    titled = scene()
    ImageDraw.Draw(titled).text((20, 20), "A ferry on the lake", fill=(0, 0, 0))
    for image in (scene(), chart(), beside, titled, Image.new("RGB", (99, 99), (255, 255, 255))):
        assert judge_text_only(image, TEXT) is None


def test_grain_takes_no_long_time():
    draw = np.random.default_rng(0)
    grain = np.where(draw.random((512, 512)) < 0.02, 0, 255).astype(np.uint8)
    begun = time.process_time()
    assert text_share(Image.fromarray(grain).convert("RGB")) == 0
    assert time.process_time() - begun < 5


@pytest.mark.shared
def test_real_photos_are_sharp_until_they_are_blurred_and_are_no_text(shared_data):
    photos = sorted((shared_data / "pairs-flickr8k" / "images").glob("*.jpg"))[:80]
    photos += sorted((shared_data / "pairs-coco-mini" / "images").glob("*.jpg"))[:40]
    assert len(photos) == 120
    sharp = blurred = 0
    for path in photos:
        image = Image.open(path).convert("RGB")
        assert judge_text_only(image, TEXT) is None, path.name
        sharp += judge_sharpness(image, BLURRED) is None
        soft = image.filter(ImageFilter.GaussianBlur(2 * max(image.size) / 256))
        blurred += judge_sharpness(soft, BLURRED) is not None
    assert sharp >= 119
    assert blurred == 120


@pytest.mark.shared
def test_line_drawings_of_a_book_are_no_text(shared_data):
    folder = shared_data / "book-chiriqui-pg30621" / "30621-h" / "images"
    drawings = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))[:100]]
    assert len(drawings) == 100
    assert not any(judge_text_only(image, TEXT) for image in drawings)
