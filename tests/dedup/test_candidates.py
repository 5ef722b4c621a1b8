import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from dedup.candidates import ANGLES, RADIUS, HashSearch, chain_places, turned_back
from dedup.fingerprint import thumbnail, view_codes
from dedup.second_look import layers, look_again


def picture(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture of forty random ellipses."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", size, int(rng.integers(0, 256)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = (int(rng.integers(0, side)) for side in size)
        rx, ry = (int(rng.integers(4, side // 3)) for side in size)
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=int(rng.integers(0, 256)))
    return image


def crop(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((left * width, top * height, right * width, bottom * height))


ORIGINALS = [picture(seed) for seed in range(5)]
GREYS = [thumbnail(image) for image in ORIGINALS]
SEARCH = HashSearch(
    np.array([view_codes(grey) for grey in GREYS]), [grey.shape[::-1] for grey in GREYS]
)

WAYS = [None, *Image.Transpose]
PARTS = {
    "whole": lambda image: image,
    "crop": lambda image: crop(image, 0.1, 0.2, 0.9, 1.0),
    "half": lambda image: crop(image, 0.25, 0.5, 0.75, 1.0),
}


def nearest(image: Image.Image):
    return SEARCH.candidates([thumbnail(image)])[0][0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", PARTS)
def test_the_place_of_a_copy_is_where_it_was_cut(way, part):
    """Laid where the candidate says, moved by no more than a grid's step, the two are one."""
    original = ORIGINALS[1]
    copy = PARTS[part](original)
    copy = copy if way is None else copy.transpose(way)
    found = nearest(copy)
    assert (found.owner, found.distance <= 2) == (1, True)
    look = look_again(layers(thumbnail(copy)), layers(thumbnail(original)), found.place)
    assert look.is_copy
    assert np.abs(look.place - found.place).max() < 0.02


@pytest.mark.parametrize("angle", [-25, -13, -5, 4, 10, 22])
@pytest.mark.parametrize("expand", [False, True])
def test_turned_pictures_have_their_middles_found(angle, expand):
    turned = ORIGINALS[2].rotate(angle, expand=expand)
    for image in (turned, ImageOps.mirror(turned)):
        candidates = SEARCH.candidates([thumbnail(image)])[0]
        places = [one.place for one in candidates if one.owner == 2]
        query, original = layers(thumbnail(image)), layers(thumbnail(ORIGINALS[2]))
        assert any(look_again(query, original, place).is_copy for place in places)


def test_each_middle_is_turned_back_by_its_angle():
    """A mark right of the middle, turned with the picture, is put back to the right of it."""
    image = Image.new("L", (64, 64), 0)
    ImageDraw.Draw(image).ellipse((40, 28, 48, 36), fill=255)
    mark = np.array([44 / 64, 0.5, 1.0])
    for angle in ANGLES:
        turn = np.deg2rad(angle)
        ahead = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        there = np.append(ahead @ (mark[:2] - 0.5) + 0.5, 1.0)
        _, places = turned_back(np.asarray(image.rotate(angle)))
        kept = places[2 * ANGLES.index(angle)]
        assert np.allclose(kept @ there, [0.5 + (mark[0] - 0.5) * 2, 0.5], atol=1e-9)


def test_candidates_come_by_distance_and_within_the_radius():
    pictures = [thumbnail(image) for image in (ORIGINALS[0], picture(99), ORIGINALS[4])]
    found = SEARCH.candidates(pictures)
    assert [of_one[0].owner if of_one else None for of_one in found] == [0, None, 4]
    for of_one in found:
        distances = [one.distance for one in of_one]
        assert distances == sorted(distances)
        assert all(distance <= RADIUS for distance in distances)
    assert [len(of_one) for of_one in found] == [
        len(SEARCH.candidates([grey])[0]) for grey in pictures
    ]


def test_no_picture_no_candidates():
    assert SEARCH.candidates([]) == []


def test_places_are_chained_in_order():
    half = np.array([[0.5, 0, 0.25], [0, 0.5, 0.25]])
    flip = np.array([[-1.0, 0, 1], [0, 1, 0]])
    point = np.array([0.2, 0.4, 1.0])
    flipped = np.append(flip @ point, 1.0)
    assert np.allclose(chain_places(half, flip) @ point, half @ flipped)
