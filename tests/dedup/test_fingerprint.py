import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from PIL.Image import Transpose

from dedup.fingerprint import (
    CROPS,
    HALVES,
    SQUARES,
    TURNS,
    VIEWS,
    cut,
    half_codes,
    hamming,
    inner_box,
    is_flat,
    phash,
    seen_grey,
    shrunk,
    thumbnail,
    to_codes,
    turn_codes,
    view_codes,
    view_spot,
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


def test_a_hash_is_16_hex_digits():
    assert len(phash(picture(1))) == 16
    assert int(phash(picture(1)), 16) > 0


def test_half_of_the_bits_are_set():
    ones = [int(phash(picture(seed)), 16).bit_count() for seed in range(40)]
    assert 28 < np.mean(ones) < 36


def test_the_hash_does_not_change_with_the_code():
    assert phash(picture(1)) == "d74f00a7f78d4209"


def test_flat_pictures_are_known():
    flat = Image.new("RGB", (50, 30), (200, 10, 10))
    assert is_flat(thumbnail(flat))
    assert not is_flat(thumbnail(picture(1)))


def test_thumbnails_are_small_and_grey_and_keep_small_pictures():
    assert thumbnail(picture(1, (640, 480))).shape == (48, 64)
    grey = picture(1, (20, 30)).convert("L")
    assert np.array_equal(thumbnail(grey), np.asarray(grey))
    large = picture(1, (640, 480)).convert("L")
    thumbnail(large)
    assert large.size == (640, 480)


def test_views_are_hashes_of_crops():
    image = picture(4, (64, 48))
    codes = view_codes(thumbnail(image))
    grids = sum(places**2 for _, places in (*CROPS, HALVES))
    assert codes.shape == (VIEWS,) == (grids + len(SQUARES),)
    assert codes[0] == to_codes([phash(image)])[0]
    corner = to_codes([phash(image.crop((0, 0, 32, 24)))])[0]  # half of each side, on the pixel
    assert (corner ^ codes[-9]).bit_count() <= 1
    assert (half_codes(thumbnail(image)) == codes[-9:]).all()


def test_the_views_stand_at_even_places():
    assert view_spot(0, 64, 48) == (1.0, 1.0, 0.0, 0.0)
    assert view_spot(1, 64, 48) == (0.8, 0.8, 0.0, 0.0)
    assert view_spot(VIEWS - 8, 64, 48) == (0.5, 0.5, 0.25, 0.0)
    assert view_spot(VIEWS - 10, 64, 48) == (0.875 * 0.75, 0.875, (1 - 0.875 * 0.75) / 2, 0.0625)


@pytest.mark.parametrize("size", [(64, 48), (48, 64)])
def test_the_square_views_are_hashes_of_squares(size):
    image = picture(4, size)
    codes = view_codes(thumbnail(image))
    first = VIEWS - HALVES[1] ** 2 - len(SQUARES)
    for number, start in enumerate((8, 0, 16)):
        left, top = (start, 0) if size[0] > size[1] else (0, start)
        square = to_codes([phash(image.crop((left, top, left + 48, top + 48)))])[0]
        assert (square ^ codes[first + number]).bit_count() <= 1
        spot = view_spot(first + number, *size)
        shown = spot.left * size[0], spot.top * size[1], spot.across * size[0]
        assert shown == pytest.approx((left, top, 48))


def framed(image: Image.Image, left: int, top: int, right: int, bottom: int, colour: str):
    size = (image.width + left + right, image.height + top + bottom)
    whole = Image.new("RGB", size, colour)
    whole.paste(image, (left, top))
    return whole


@pytest.mark.parametrize("sides", [(10, 10, 10, 10), (0, 24, 0, 0), (0, 20, 0, 20), (7, 0, 0, 0)])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_margins_are_left_out_with_the_row_that_is_half_margin(sides, colour):
    left, top, right, bottom = (side + (side > 0) for side in sides)
    whole = framed(picture(5), *sides, colour)
    box = inner_box(seen_grey(whole))
    assert box == (left, top, whole.width - right, whole.height - bottom)
    assert cut(seen_grey(whole), box).shape == (box[3] - top, box[2] - left)


def test_without_margins_all_is_kept():
    assert inner_box(seen_grey(picture(5))) == (0, 0, 160, 120)
    assert inner_box(np.full((30, 40), 7, dtype=np.uint8)) == (0, 0, 40, 30)
    speck = framed(picture(5).resize((6, 5)), 60, 60, 60, 60, "white")
    assert inner_box(seen_grey(speck)) == (0, 0, *speck.size)


def test_pictures_are_seen_at_256_px_and_shrunk_to_thumbnails():
    large = picture(1, (640, 480))
    assert seen_grey(large).shape == (192, 256)
    thumb = shrunk(seen_grey(large))
    assert thumb.shape == (48, 64)
    assert np.abs(thumb.astype(int) - thumbnail(large)).mean() < 2
    assert shrunk(thumb) is thumb


@pytest.mark.parametrize("size", [(160, 120), (96, 96)])
def test_turned_hashes_are_the_hashes_of_turned_pictures(size):
    image = picture(3, size)
    turned = [image if way is None else image.transpose(way) for way in TURNED]
    codes = turn_codes(to_codes([phash(image)]))
    assert codes.shape == (TURNS, 1)
    assert codes[:, 0].tolist() == to_codes([phash(other) for other in turned]).tolist()


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
        assert view_codes(thumbnail(picture(1, (60, 60)).resize(size))).shape == (VIEWS,)
