import pytest

from pipeline.extract.images import image_url
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.tree import Node

LIMITS = ExtractLimits()


def url_of(**attrs):
    names = {name.replace("_", "-"): value for name, value in attrs.items()}
    return image_url(Node("img", names, None), "https://a.example/b/", LIMITS)


@pytest.mark.parametrize(
    "name",
    [
        "img/spacer.gif", "blank.gif", "lazy-placeholder.jpg", "grey.gif", "grey_1x1.png",
        "1x1.png?x=1", "transparent.png", "img/default-image.png", "loading.svg", "dot.gif#x",
        "pixel.png", "placeholder-300x200.png", "BLANK.GIF", "img/pixel-1.png",
    ],
)  # fmt: skip
def test_a_file_named_as_a_placeholder_is_no_picture(name):
    assert url_of(src=name) == ""
    assert url_of(src=name, data_src="real.jpg") == "https://a.example/b/real.jpg"


@pytest.mark.parametrize(
    "name",
    [
        "two-grey-mushrooms.jpg", "clear-sky.jpg", "image-1.jpg", "123.jpg", "1.png", "white.jpg",
        "img_20x20.png", "dot-to-dot-book.jpg", "lazy/dog.jpg", "loading/truck.png", "pixelart.gif",
        "grey/heron.jpg", "empty-chairs-at-noon.webp",
    ],
)  # fmt: skip
def test_a_picture_of_something_grey_or_empty_is_a_picture(name):
    assert url_of(src=name) == f"https://a.example/b/{name}"
