"""What is said of a page's images: likeness by hand, sums in any order."""

import random

import numpy as np

from pipeline.corpora.m3w_order import (
    OrderSums,
    add_sums,
    order_figures,
    order_of,
    sides_of,
)
from schemas.records import Image, ImagePart, PackRef, Sequence, TextPart

MEDIA = Image("c" * 64, PackRef("a" * 64, "p", 0, 1), 4, 4, 4, 4, "0" * 16)
VECTORS = tuple(np.array(row, "<f4").tobytes() for row in ([1, 0], [0.6, 0.8], [0, 1]))


def image(*scores):
    return ImagePart("u", MEDIA, scores=scores)


PAGE = Sequence(
    "0" * 32,
    "http://a/",
    "",
    "en",
    (
        image(0.9, 0.1, 0.2),  # nothing before it
        TextPart("One. Two.", sentences=((0, 4), (5, 9))),
        image(0.5, 0.25, 0.125),  # likelier the text before
        image(0.125, 0.25, 0.75),  # likelier the text behind
        TextPart("Three.", sentences=((0, 6),)),
    ),
)


def test_sides_are_the_nearest_texts():
    assert list(sides_of(PAGE)) == [(0.5, 0.125), (0.25, 0.75)]


def test_likeness_of_all_and_of_neighbours():
    sums = order_of(PAGE, VECTORS)
    assert sums == OrderSums(1, round((0.6 + 0.0 + 0.8) / 3 * 1e6), 700_000, 2, 1)
    assert order_of(PAGE, VECTORS[:1]) == OrderSums(between=2, behind=1)
    figures = order_figures(sums)
    assert figures["likeness_of_their_images"] == 0.466667
    assert figures["likeness_of_neighbours"] == 0.7
    assert figures["likelier_the_text_behind"] == 0.5
    assert order_figures(OrderSums()) == {}


def test_sums_do_not_depend_on_the_order():
    draw = random.Random(0)
    several = [OrderSums(*(draw.randrange(1000) for _ in range(5))) for _ in range(30)]
    halves = [add_sums(several[::2]), add_sums(several[1::2])]
    assert add_sums(halves) == add_sums(draw.sample(several, 30))
