import numpy as np
import pytest
from PIL import Image

from dedup.fingerprint import VIEWS, fingerprint, thumbnail, to_spectra, view_place
from dedup.second_look import best_cosine, view_cosine


def picture(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def spectrum(image: Image.Image) -> np.ndarray:
    return to_spectra([fingerprint(image).spectrum])[0]


def crop(image: Image.Image, share: float, left: float, top: float) -> Image.Image:
    width, height = image.size
    return image.crop((left * width, top * height, (left + share) * width, (top + share) * height))


@pytest.mark.parametrize("view", [0, 1, 40, 81, 90, VIEWS - 1])
def test_a_view_is_like_the_crop_that_it_stands_for(view):
    image = picture(1)
    cropped = crop(image, *view_place(view))
    assert view_cosine(thumbnail(image), view, spectrum(cropped)) > 0.98


@pytest.mark.parametrize(
    ("view", "place"),
    [(41, (0.8, 0.112, 0.088)), (1, (0.83, 0.0, 0.012)), (0, (0.96, 0.03, 0.01))],
)
def test_moving_finds_crops_between_the_views(view, place):
    image = picture(2)
    copy = spectrum(crop(image, *place))
    unmoved = view_cosine(thumbnail(image), view, copy)
    assert unmoved < best_cosine(thumbnail(image), view, copy)
    assert best_cosine(thumbnail(image), view, copy) > 0.97


def test_moving_makes_no_copy_of_a_stranger():
    for seed in range(3, 13):
        stranger = spectrum(picture(seed))
        assert best_cosine(thumbnail(picture(2)), 0, stranger) < 0.7


def test_the_whole_picture_is_never_left():
    image = picture(4)
    assert best_cosine(thumbnail(image), 0, spectrum(image)) > 0.999
    tiny = np.array([[0, 255]], dtype=np.uint8)
    assert -1 <= best_cosine(tiny, 5, spectrum(image)) <= 1
