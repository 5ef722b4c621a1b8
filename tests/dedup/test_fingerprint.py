import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from PIL.Image import Transpose

from dedup.fingerprint import (
    RADIUS,
    TURNS,
    hamming,
    phash,
    phash_turns,
    to_codes,
    turn_codes,
    view_codes,
)

CODES = st.integers(0, 2**64 - 1)
TURNED = (
    None,
    Transpose.FLIP_LEFT_RIGHT,
    Transpose.FLIP_TOP_BOTTOM,
    Transpose.ROTATE_180,
    Transpose.TRANSPOSE,
    Transpose.ROTATE_270,
    Transpose.ROTATE_90,
    Transpose.TRANSVERSE,
)


def picture(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A picture of forty random ellipses."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = (int(rng.integers(0, side)) for side in size)
        rx, ry = (int(rng.integers(2, side // 3)) for side in size)
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


def crop(image: Image.Image, share: float, x: float, y: float) -> Image.Image:
    width, height = image.size
    left, top = (1 - share) * width * x, (1 - share) * height * y
    box = (left, top, left + share * width, top + share * height)
    return image.crop(tuple(round(side) for side in box))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


CHANGES = {
    "jpeg20": lambda image: jpeg(image, 20),
    "smaller": lambda image: image.resize((image.width // 4, image.height // 4)),
    "larger": lambda image: image.resize((image.width * 3, image.height * 3)),
    "grey": lambda image: image.convert("L"),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "narrow": lambda image: image.resize((image.width * 7 // 10, image.height)),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "dim": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "flip": ImageOps.mirror,
    "turn90": lambda image: image.transpose(Transpose.ROTATE_90),
    "crop": lambda image: crop(image, 0.8, 0.5, 0.5),
    "corner": lambda image: crop(image, 0.8, 1.0, 0.0),
    "crop_flip_jpeg": lambda image: jpeg(ImageOps.mirror(crop(image, 0.8, 0.5, 0.5)), 40),
}


def distance(copy: Image.Image, original: Image.Image) -> int:
    """As the index measures it: all turns of the copy against all views of the original."""
    turned = turn_codes(to_codes([phash(copy)]))
    return int(np.bitwise_count(turned[:, :1] ^ view_codes(original)[None]).min())


def test_a_hash_is_16_hex_digits():
    assert len(phash(picture(1))) == 16
    assert int(phash(picture(1)), 16) > 0


def test_half_of_the_bits_are_set():
    ones = [int(phash(picture(seed)), 16).bit_count() for seed in range(40)]
    assert 28 < np.mean(ones) < 36


def test_the_hash_does_not_change_with_the_code():
    assert phash(picture(1)) == "d74f00a7f78d4209"


def test_flat_pictures_have_the_empty_hash():
    assert phash(Image.new("RGB", (50, 30), (200, 10, 10))) == "0" * 16


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_within_the_radius(change):
    for seed in range(8):
        original = picture(seed)
        assert distance(CHANGES[change](original), original) <= RADIUS


def test_other_pictures_are_not():
    pictures = [picture(seed) for seed in range(30)]
    nearest = [
        distance(copy, original)
        for copy in pictures
        for original in pictures
        if copy is not original
    ]
    assert min(nearest) > RADIUS


@pytest.mark.parametrize("size", [(160, 120), (96, 96)])
def test_turned_hashes_are_the_hashes_of_turned_pictures(size):
    image = picture(3, size)
    turned = [image if way is None else image.transpose(way) for way in TURNED]
    hashes = phash_turns(image)
    assert hashes[0] == phash(image)
    assert len(hashes) == TURNS
    assert list(hashes) == [phash(other) for other in turned]


@given(st.lists(CODES, min_size=1, max_size=5))
def test_turns_are_eight_and_closed(values):
    codes = np.array(values, dtype=np.uint64)
    turned = turn_codes(codes)
    for again in turned:
        back = turn_codes(again)
        assert {tuple(column) for column in np.sort(back, axis=0).T} == {
            tuple(column) for column in np.sort(turned, axis=0).T
        }


@given(CODES, CODES)
def test_turning_either_side_is_the_same(first, second):
    a, b = np.array([first], dtype=np.uint64), np.array([second], dtype=np.uint64)
    assert np.bitwise_count(turn_codes(a) ^ b).min() == np.bitwise_count(a ^ turn_codes(b)).min()


@given(CODES, CODES)
def test_hamming(first, second):
    expected = bin(first ^ second).count("1")
    assert hamming(f"{first:016x}", f"{second:016x}") == expected


def test_to_codes():
    assert to_codes(["00000000000000ff", "f" * 16]).tolist() == [255, 2**64 - 1]
    assert to_codes([]).shape == (0,)


def test_tiny_and_long_pictures_have_views():
    for size in ((1, 1), (5, 400), (400, 5)):
        assert view_codes(picture(1, (60, 60)).resize(size)).shape == (10,)


@pytest.mark.shared
def test_photos_are_found_and_none_is_taken_for_another(shared_data):
    paths = sorted(shared_data.glob("pairs-*/images/*"))[:: int(os.environ.get("EVERY", "6"))]
    photos = [Image.open(path).convert("RGB") for path in paths]
    views = np.stack([view_codes(photo) for photo in photos[::2]])
    found = {}
    for name, change in CHANGES.items():
        turned = turn_codes(to_codes([phash(change(photo)) for photo in photos]))
        distances = np.bitwise_count(turned[..., None, None] ^ views).min(axis=(0, 3))
        own = distances[::2].diagonal()
        found[name] = float((own <= RADIUS).mean())
        others = distances[1::2].min(axis=1)
        assert others.min() > RADIUS, name
    assert min(found.values()) >= 0.98, found
