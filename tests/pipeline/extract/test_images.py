from dataclasses import replace

import pytest

from pipeline.extract.images import image_url, linked_url
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.tree import Node

LIMITS = ExtractLimits()
AT = "https://a.example/b/"


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


def test_a_lazy_attribute_may_be_all_that_an_image_has():
    assert url_of(data_src="/i/x.jpg") == "https://a.example/i/x.jpg"
    assert url_of(data_lazy="/i/x.jpg") == "https://a.example/i/x.jpg"
    assert url_of(src="x.jpg") == f"{AT}x.jpg"
    assert url_of() == ""


@pytest.mark.parametrize(
    "name", ["default.jpg", "pixel-8.jpg", "grey.webp", "dot_2.jpg", "loader-300.jpg"]
)
def test_a_photograph_that_no_script_replaces_may_have_any_name(name):
    assert url_of(src=name) == AT + name
    assert url_of(src=name, **{"class": "lazy"}) == ""
    assert url_of(src=name, data_src="real.jpg") == f"{AT}real.jpg"


def test_a_picture_of_a_blank_name_is_one_by_its_words_or_its_size():
    assert url_of(src="clear.png") == url_of(src="clear.png", width="600", height="1") == ""
    assert url_of(src="clear.png", alt="A clear sky") == f"{AT}clear.png"
    assert url_of(src="clear.png", width="600", height="400") == f"{AT}clear.png"
    assert url_of(src="spacer.gif", alt="A spacer", width="600", height="400") == ""


def in_picture(sources, **attrs):
    picture = Node("picture", {}, None)
    for source in sources:
        picture.children.append(Node("source", source, picture))
    return image_url(Node("img", attrs, picture), AT, LIMITS)


def test_of_a_pictures_formats_the_likeliest_to_be_decoded_is_taken():
    avif, svg = {"type": "image/avif", "srcset": "a.avif"}, {"srcset": "a.svg"}
    webp = {"type": "image/webp", "srcset": "a.webp"}
    assert in_picture([avif, svg, webp, {"srcset": "a.jpg"}]) == f"{AT}a.webp"
    assert in_picture([svg, avif]) == f"{AT}a.avif"
    assert in_picture([svg]) == f"{AT}a.svg"
    assert in_picture([{**webp, "media": "print"}]) == ""
    assert in_picture([avif, webp], src="a.jpg") == f"{AT}a.jpg"


@pytest.mark.parametrize(
    "small", [{"src": "s-100.jpg"}, {"src": "s.jpg?w=90"}, {"src": "s.jpg", "width": "99"}]
)
def test_larger_sources_replace_a_small_src(small):
    sources = [{"srcset": "b-800.jpg 800w, b-1600.jpg 1600w, b-2400.jpg 2400w"}]
    assert in_picture(sources, **small) == f"{AT}b-1600.jpg"
    assert in_picture(sources, src="s.jpg") == f"{AT}s.jpg"
    assert in_picture([{"srcset": "b.jpg 2x"}], **small) == AT + small["src"]


@pytest.mark.parametrize(
    ("src", "attrs", "href", "found"),
    [
        ("t/kite.thumb.png", {}, "/kite.png", "https://a.example/kite.png"),
        ("t/kite.png", {"width": "100"}, "/kite.png", "https://a.example/kite.png"),
        ("t/kite.png", {"width": "300"}, "/kite.png", ""),
        ("t/kite.png", {}, "/kite.png", ""),
        ("t/kite-100x75.png", {}, "/kite.html", ""),
        ("t/kite-100x75.png", {}, "/wiki/File:kite.png", ""),
        ("t/kite-100x75.png", {}, "", ""),
    ],
)
def test_a_small_version_gives_way_to_the_image_that_it_links_to(src, attrs, href, found):
    node = Node("img", {"src": src, **attrs}, None)
    assert linked_url(node, AT + src, href, AT, LIMITS) == found
    assert linked_url(node, AT + src, href, AT, replace(LIMITS, small_side_px=0)) == ""
