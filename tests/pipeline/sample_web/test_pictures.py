"""Image files: true sizes and formats, repeatable bytes, and copies that are copies."""

from io import BytesIO
from random import Random

import numpy as np
import pytest
from PIL import Image

from pipeline.sample_web.evaluation import (
    draw_evaluation_set,
    paint_evaluation,
    reserved_signatures,
)
from pipeline.sample_web.pictures import (
    TRANSFORMS,
    copy_image,
    draw_size,
    open_image,
    paint_flat,
    paint_pixel,
    paint_scene,
    paint_sign,
    paint_smaller,
)
from pipeline.sample_web.scenes import draw_scene, mirror_scene, signature_of

ORIGINAL = paint_evaluation(draw_evaluation_set(1)[0])


@pytest.mark.parametrize("format_name", ["jpeg", "png", "webp", "gif"])
def test_file_is_what_it_says(format_name):
    scene = draw_scene(Random(1))
    file = paint_scene(scene, (90, 70), format_name)
    image = Image.open(BytesIO(file.data))
    assert (image.width, image.height, image.format.lower()) == (90, 70, format_name)
    assert paint_scene(scene, (90, 70), format_name).data == file.data


def test_sizes():
    rng = Random(0)
    sizes = [draw_size(rng) for _ in range(2000)]
    assert min(min(size) for size in sizes) >= 64
    assert max(max(size) for size in sizes) <= 1600
    assert sum(min(size) > 200 for size in sizes) > 1700
    assert all(max(size) < 3 * min(size) for size in sizes)


def pixels(image, size=None):
    image = image.resize(size) if size else image
    return np.asarray(image, dtype=np.int16)


def test_exact_copy():
    assert copy_image(ORIGINAL, "exact", Random(0)).data == ORIGINAL.data


@pytest.mark.parametrize("transform", ["recompressed", "flipped", "resized"])
def test_copies_differ_in_bytes_and_show_the_same(transform):
    copy = copy_image(ORIGINAL, transform, Random(0))
    assert copy.data != ORIGINAL.data
    shown = pixels(open_image(copy), (100, 75))
    meant = pixels(open_image(ORIGINAL), (100, 75))
    if transform == "flipped":
        assert np.abs(shown - meant).mean() > 10
        meant = meant[:, ::-1]
    assert np.abs(shown - meant).mean() < 4


def test_a_cropped_copy_is_a_part():
    copy = copy_image(ORIGINAL, "cropped", Random(0))
    assert (copy.width, copy.height) == (320, 240)
    part, whole = pixels(open_image(copy))[::4, ::4], pixels(open_image(ORIGINAL))
    errors = [
        np.abs(whole[y : y + 240 : 4, x : x + 320 : 4] - part).mean()
        for y in range(61)
        for x in range(81)
    ]
    assert min(errors) < 4


def test_smaller_flat_sign_and_pixel():
    assert paint_smaller(ORIGINAL, 100).width == 100
    flat = open_image(paint_flat("red", 80, 60))
    assert flat.getcolors(1) is not None
    assert paint_sign("Logo", "blue", 120, 40, "png").height == 40
    assert paint_pixel().width == 1


def test_evaluation_set_is_its_own():
    images = draw_evaluation_set(3)
    assert len({image.id for image in images}) == len(images) == 32
    assert all(len(image.captions) == 5 for image in images)
    assert reserved_signatures(3) == {signature_of(image.scene) for image in images}
    assert draw_evaluation_set(3) != draw_evaluation_set(4)


def test_every_transform_is_tested():
    assert set(TRANSFORMS) == {"exact", "recompressed", "flipped", "resized", "cropped"}


@pytest.mark.parametrize("seed", range(20))
def test_mirroring_twice_changes_nothing(seed):
    scene = draw_scene(Random(seed))
    assert mirror_scene(mirror_scene(scene)) == scene
    places = [thing.place for thing in mirror_scene(scene).things]
    assert sorted(places) == sorted(set(places))
