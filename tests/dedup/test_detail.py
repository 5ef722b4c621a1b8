import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from dedup.detail import is_drawn, pack_detail, says_the_same, unpack_detail
from dedup.fingerprint import seen_grey
from dedup.index import EvaluationIndex
from dedup.items import Item

WHOLE = np.eye(2, 3)


def table(values: int, size: tuple[int, int] = (512, 384)) -> Image.Image:
    """A table of eight rows and four columns: one head, numbers drawn from a seed."""
    numbers = np.random.default_rng(values)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    width, height = size[0] // 4, size[1] // 8
    pen.rectangle((0, 0, size[0], height), "#d8e2f0")
    for row in range(8):
        pen.line((0, row * height, size[0], row * height), "grey")
        for column in range(4):
            said = (
                str(numbers.integers(100, 99999))
                if row
                else ("Year", "Sold", "Sum", "Left")[column]
            )
            pen.text((column * width + 8, row * height + 12), said, "black", font_size=18)
    return image


def scene(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8)
    return Image.fromarray(values).resize((480, 360), Image.Resampling.BICUBIC)


COPIES = {
    "itself": lambda image: image,
    "half": lambda image: image.resize((256, 192)),
    "quarter": lambda image: image.resize((128, 96)),
    "bright": lambda image: ImageEnhance.Brightness(image).enhance(1.5),
    "dim": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "narrow": lambda image: image.resize((360, 384)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_copies_of_a_table_say_the_same_and_other_numbers_do_not(copy):
    original = seen_grey(table(1))
    assert says_the_same(seen_grey(COPIES[copy](table(1))), original, WHOLE)
    assert says_the_same(seen_grey(COPIES[copy](table(2))), original, WHOLE) is False


def test_a_bright_original_says_what_its_dark_copy_says():
    bright = seen_grey(COPIES["bright"](table(1)))
    assert says_the_same(seen_grey(table(1)), bright, WHOLE)
    assert not says_the_same(seen_grey(table(2)), bright, WHOLE)


def test_words_are_compared_where_the_picture_lies():
    part = table(1).crop((51, 38, 461, 346))
    place = np.array([[0.8, 0, 0.1], [0, 0.8, 0.1]])
    assert says_the_same(seen_grey(part), seen_grey(table(1)), place)
    assert not says_the_same(seen_grey(part), seen_grey(table(1)), WHOLE)
    flipped = np.array([[-1.0, 0, 1], [0, 1, 0]])
    assert says_the_same(seen_grey(ImageOps.mirror(table(1))), seen_grey(table(1)), flipped)


def test_one_other_word_is_enough():
    changed = table(1)
    pen = ImageDraw.Draw(changed)
    pen.rectangle((130, 150, 250, 185), "white")
    pen.text((136, 156), "other", "black", font_size=18)
    assert says_the_same(seen_grey(changed), seen_grey(table(1)), WHOLE) is False


def test_where_nothing_stands_nothing_is_said():
    white = np.full((192, 256), 255, dtype=np.uint8)
    assert says_the_same(white, white, WHOLE) is None


def test_tables_are_drawn_and_scenes_are_not():
    assert is_drawn(seen_grey(table(1)))
    assert is_drawn(seen_grey(ImageOps.invert(table(1))))
    assert not any(is_drawn(seen_grey(scene(seed))) for seed in range(10))
    assert not is_drawn(np.full((192, 256), 255, dtype=np.uint8))
    assert not is_drawn(np.zeros((5, 4), dtype=np.uint8))


def test_detail_is_kept_in_few_levels():
    seen = seen_grey(table(1))
    kept = unpack_detail(pack_detail(seen), 256, 192)
    assert kept.shape == seen.shape
    assert np.abs(kept.astype(int) - seen).max() <= 4
    assert len(pack_detail(seen)) < seen.size / 4


def test_an_index_tells_tables_of_one_layout_apart():
    items = [Item.of("set", f"{values}", seen_grey(table(values))) for values in range(6)]
    index = EvaluationIndex.decode(EvaluationIndex.build(items).encode())
    assert all(item.detail for item in index.items)
    for copy in COPIES.values():
        found = index.match([seen_grey(copy(table(values))) for values in range(9)])
        expected = [*"012345", None, None, None]
        assert [match and match.eval_id for match in found] == expected


def test_photos_are_kept_without_detail():
    item = Item.of("set", "1", seen_grey(scene(1)))
    assert (item.detail, item.drawn) == (b"", None)
