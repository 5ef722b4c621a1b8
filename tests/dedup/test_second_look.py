import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from dedup.fingerprint import thumbnail
from dedup.second_look import ALIKE, ALIKE_IN_FEW, WORTH_MOVING, layers, likeness_at, look_again

WHOLE = np.eye(2, 3)


def picture(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def crop(image: Image.Image, share: float, left: float, top: float) -> Image.Image:
    width, height = image.size
    return image.crop((left * width, top * height, (left + share) * width, (top + share) * height))


def place(share: float, left: float, top: float) -> np.ndarray:
    return np.array([[share, 0, left], [0, share, top]])


def look(copy: Image.Image, original: Image.Image, where: np.ndarray = WHOLE):
    return look_again(layers(thumbnail(copy)), layers(thumbnail(original)), where)


def test_a_picture_is_like_itself_where_it_stands():
    found = look(picture(1), picture(1))
    assert found.likeness > 0.9999
    assert np.allclose(found.place, WHOLE, atol=1e-3)


@pytest.mark.parametrize(
    "where", [(0.8, 0.112, 0.088), (0.83, 0.0, 0.012), (0.96, 0.03, 0.01), (0.5, 0.25, 0.4)]
)
def test_a_crop_is_found_beside_where_it_begins(where):
    share, left, top = where
    begin = place(share * 1.04, left - 0.02, top + 0.01)
    found = look(crop(picture(2), *where), picture(2), begin)
    assert found.likeness > 0.9
    assert np.allclose(found.place, place(*where), atol=0.02)


CHANGES = {
    "bright": lambda image: ImageEnhance.Brightness(image).enhance(1.6),
    "negative light": lambda image: ImageEnhance.Contrast(image).enhance(0.4),
    "turned": lambda image: image.rotate(4),
    "narrow": lambda image: image.resize((300, 360)),
    "tiny": lambda image: image.resize((60, 45)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(5))
def test_what_changes_a_picture_leaves_it_alike(change, seed):
    assert look(CHANGES[change](picture(seed)), picture(seed)).is_copy


def test_small_pictures_and_crops_must_be_more_alike():
    small = picture(2, (40, 30))
    assert look(small, picture(2)).least == ALIKE_IN_FEW > ALIKE
    assert look(crop(picture(2), 0.5, 0.2, 0.3), picture(2), place(0.5, 0.2, 0.3)).least == (
        ALIKE_IN_FEW
    )
    assert look(picture(2), picture(2)).least == ALIKE


@pytest.mark.parametrize("turn", [0, 12, 90])
def test_a_horizon_that_two_pictures_share_is_not_enough(turn):
    """Two beaches: the same sky, sea and sand, other things on them."""
    beach = np.repeat([[210, 150, 90, 170]], 1, axis=0).T.astype(np.uint8)
    scenes = []
    for seed in (1, 2):
        image = Image.fromarray(beach).resize((480, 360), Image.Resampling.NEAREST)
        draw = ImageDraw.Draw(image)
        for x, y in np.random.default_rng(seed).integers(0, 360, (6, 2)).tolist():
            draw.ellipse((x, y, x + 60, y + 50), fill=30)
        scenes.append(image.rotate(turn))
    assert not look(*scenes).is_copy
    assert look(scenes[0], scenes[0]).is_copy


def test_a_caption_is_an_outlier():
    copy = picture(3)
    ImageDraw.Draw(copy).rectangle((60, 150, 400, 190), fill=255)
    assert look(copy, picture(3), place(0.95, 0.03, 0.02)).is_copy


@pytest.mark.parametrize("first", range(6))
def test_no_moving_makes_a_copy_of_a_stranger(first):
    places = [WHOLE, place(0.5, 0.25, 0.25), place(0.8, 0.1, 0.2)]
    for seed in range(10, 20):
        for where in places:
            assert look(picture(seed), picture(first), where).likeness < ALIKE - 0.1


def test_the_mirror_image_is_no_copy_unless_it_is_flipped_back():
    copy = ImageOps.mirror(picture(4))
    assert look(copy, picture(4)).likeness < ALIKE
    assert look(copy, picture(4), np.array([[-1.0, 0, 1], [0, 1, 0]])).likeness > 0.99


def test_a_place_beside_the_original_is_like_nothing():
    beside = np.array([[1.0, 0, 3], [0, 1, 3]])
    assert look(picture(5), picture(5), beside).likeness == 0.0
    layered = layers(thumbnail(picture(5)))
    assert likeness_at(layered, layered, beside[None])[0] == 0.0


def test_a_speck_of_the_original_is_not_enough():
    where = (0.2, 0.4, 0.4)
    assert look(crop(picture(6), *where), picture(6), place(*where)).likeness == 0.0


def test_likeness_at_many_places_is_that_at_each():
    query, original = (layers(thumbnail(picture(seed))) for seed in (7, 8))
    rng = np.random.default_rng(1)
    places = np.array([place(rng.uniform(0.3, 1.1), *rng.uniform(-0.1, 0.4, 2)) for _ in range(20)])
    together = likeness_at(query, original, places)
    alone = [likeness_at(query, original, one[None])[0] for one in places]
    assert np.allclose(together, alone)
    assert likeness_at(query, query, WHOLE[None])[0] > 0.999 > WORTH_MOVING


@given(st.integers(1, 64), st.integers(1, 64), st.integers(0, 255))
def test_pictures_of_any_shape_and_of_one_colour_can_be_looked_at(width, height, level):
    flat = layers(np.full((height, width), level, dtype=np.uint8))
    other = layers(thumbnail(picture(9)))
    assert abs(look_again(flat, other, WHOLE).likeness) < ALIKE
    assert abs(look_again(other, flat, WHOLE).likeness) < ALIKE
